/* Inside the TOML reader: the text with the place reached in it, and everything that is one value
 * without members. For toml.c. */
#ifndef TT_BASE_TOML_VALUE_H
#define TT_BASE_TOML_VALUE_H

#include "base/buf.h"
#include "base/toml.h"

struct toml_place {
	unsigned line;
	unsigned column; /* in characters */
};

struct toml_scan {
	struct str text;
	size_t at;
	struct toml_place place; /* of the byte at AT */
	struct arena *arena;
	struct buf scratch; /* owned; for texts being put together */
	struct err *err;
};

/* The byte AHEAD bytes further on, or -1 behind the end. */
int toml_peek(const struct toml_scan *scan, size_t ahead);
/* Go on by COUNT bytes, which must be there. */
void toml_step(struct toml_scan *scan, size_t count);
/* Bytes of the line end that stands here: 0 (none), 1 or 2. */
size_t toml_newline(const struct toml_scan *scan);

/* "line L, column C: …" as error; returns CODE. */
int toml_fail(const struct toml_scan *scan, int code, struct toml_place place, const char *format,
	...) PRINTF_LIKE(4, 5);
/* ERR_PARSE here: "expected WANTED, found …". */
int toml_unexpected(const struct toml_scan *scan, const char *wanted);

/* ERR_PARSE unless all of the text is UTF-8 without control characters but tabs and line ends.
 * Leaves the place as it was. */
MUST_USE int toml_check_text(struct toml_scan *scan);
/* The quoted string that starts here, in the arena. MULTI_LINE: three quotes are allowed. */
MUST_USE int toml_read_string(struct toml_scan *scan, bool multi_line, struct str *out);
/* A value without quotes or brackets: its type and content into OUT. */
MUST_USE int toml_read_scalar(struct toml_scan *scan, struct toml *out);

#endif
