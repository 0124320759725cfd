/* Views of bytes that someone else owns: never NUL-terminated by contract, may hold NUL bytes and
 * invalid UTF-8. */
#ifndef TT_BASE_STR_H
#define TT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr; /* may be NULL only when len is 0 */
	size_t len;      /* bytes */
};

/* A view of a string literal; usable in static initialisers, which a function is not. */
#define STR(literal) ((struct str){ .ptr = (literal), .len = sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                          \
	{                                                                                          \
		.ptr = (literal), .len = sizeof(literal) - 1                                       \
	}
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A view of C, which may be NULL (an empty view). */
struct str str_from(const char *c);
bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *c);
/* Byte order, as memcmp; the shorter of two with a common prefix comes first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* The part from FROM (clamped) of at most LEN bytes. */
struct str str_sub(struct str s, size_t from, size_t len);
/* Offset of the first BYTE at or after FROM, or -1. */
ptrdiff_t str_find(struct str s, char byte, size_t from);
/* Offset of the first NEEDLE, or -1; an empty needle is at 0. */
ptrdiff_t str_find_str(struct str s, struct str needle);
/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);
/* Cut *REST at the first SEPARATOR: the part before it is returned, *REST becomes what follows
 * (empty, ptr NULL at the end). */
struct str str_split(struct str *rest, char separator);
/* Decimal integers, the whole of S, an optional '-': false on anything else and on overflow. */
MUST_USE bool str_to_i64(struct str s, int64_t *out);
MUST_USE bool str_to_u64(struct str s, uint64_t *out);
/* The value of a hexadecimal digit of either case, or -1. */
int str_hex_digit(char c);

#endif
