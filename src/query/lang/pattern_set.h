/*
 * Sets of characters on their way from one dialect to the other. PCRE2 10.42 has no nested classes
 * and no operators on them; what cannot be listed in one class is said with look-ahead, so that a
 * set is always an expression of exactly one character.
 */
#ifndef TT_QUERY_LANG_PATTERN_SET_H
#define TT_QUERY_LANG_PATTERN_SET_H

#include "base/mem.h"

/* Word characters, as members of a class: Unicode's (UTS 18, C), which are not PCRE2's \w. */
#define PATTERN_WORD "A-Za-z0-9_\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}"

enum set_form {
	SET_LIST,     /* [text] */
	SET_NOT_LIST, /* [^text] */
	SET_TEXT      /* text is an expression of one character */
};

struct set {
	enum set_form form;
	struct str text;
};

/* All results live in ARENA. Texts may double: watch arena_over(). */
struct set set_negate(struct arena *arena, struct set set);
struct set set_intersect(struct arena *arena, struct set left, struct set right);
struct set set_subtract(struct arena *arena, struct set left, struct set right);
struct set set_differ(struct arena *arena, struct set left, struct set right);
/* The expression of one character. */
struct str set_text(struct arena *arena, struct set set);

#endif
