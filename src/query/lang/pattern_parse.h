/* What the parts of the translation share: structure (pattern_translate.c), groups
 * (pattern_group.c), escapes (pattern_escape.c) and bracketed classes (pattern_class.c). */
#ifndef TT_QUERY_LANG_PATTERN_PARSE_H
#define TT_QUERY_LANG_PATTERN_PARSE_H

#include "query/lang/pattern_set.h"
#include "query/lang/pattern_translate.h"

enum {
	PATTERN_DEPTH = 64, /* of groups, and of classes: as fancy-regex has it */
	/* Bytes that the parts of a pattern take in the automaton of the original, which may have
	 * 10 MB in all, about. Only their sizes against each other and the limit count: \w{500} is
	 * over it. */
	PATTERN_COST_CHAR = 32,
	PATTERN_COST_CLASS = 300,
	PATTERN_COST_UNICODE = 21000,
	PATTERN_COST_MAX = 10 << 20,
	PATTERN_REPEAT_MAX = 65535 /* PCRE2's */
};

/* What a piece is, as far as a quantifier after it cares. */
enum piece {
	PIECE_EMPTY,     /* cannot be repeated */
	PIECE_LOOK,      /* nor can look-around */
	PIECE_ASSERTION, /* a place, which can */
	PIECE_NORMAL
};

struct pattern_parser {
	struct str text;
	size_t at;
	struct translation *out;
	struct arena arena;
	struct err *err;
	bool ignore_case, extended; /* flags i and x here */
	int depth;                  /* of groups */
	int class_depth;
	unsigned groups;   /* captures opened so far */
	unsigned highest;  /* that something refers to */
	size_t highest_at; /* where it does */
	struct group_name *names;
	uint64_t cost;
};

/* What an escape stands for, where it is one character or a set of them. */
struct escape {
	enum { ESCAPE_CHAR, ESCAPE_SET } kind;
	uint32_t c;
	struct set set;
};

/* ERR_PARSE at byte AT (counted from 0). */
int pattern_fault(struct pattern_parser *p, size_t at, const char *format, ...) PRINTF_LIKE(3, 4);
bool pattern_end(const struct pattern_parser *p);
/* The byte at AHEAD of the current one, or 0. */
unsigned char pattern_peek(const struct pattern_parser *p, size_t ahead);
bool pattern_starts(const struct pattern_parser *p, const char *prefix);
/* The next character, which there must be; it is passed. */
uint32_t pattern_char(struct pattern_parser *p);
void pattern_emit(struct pattern_parser *p, const char *text);
bool pattern_is_digit(unsigned char c);
/* Of a byte: may it be in the name of a group? */
bool pattern_is_name(unsigned char c);
/* Append C so that it stands for itself, also inside a class. */
void pattern_literal(struct buf *out, uint32_t c);

/* At a '\': the escapes that are the same inside and outside of classes, passed. */
MUST_USE int pattern_escape(struct pattern_parser *p, struct escape *out);
/* Behind a '[': the class up to and with its ']'. */
MUST_USE int pattern_class(struct pattern_parser *p, struct set *out);
/* One alternative, and all up to the end or a ')', which is left. */
MUST_USE int pattern_branch(struct pattern_parser *p, enum piece *piece);
MUST_USE int pattern_alternatives(struct pattern_parser *p, enum piece *piece);
/* At a '(': the group. */
MUST_USE int pattern_group(struct pattern_parser *p, enum piece *piece);
/* A reference back to the group ID, which was given at byte AT. */
MUST_USE int pattern_reference(struct pattern_parser *p, struct str id, size_t at);
/* Behind "\\k". */
MUST_USE int pattern_named_reference(struct pattern_parser *p);

#endif
