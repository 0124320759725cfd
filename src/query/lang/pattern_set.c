/* Sets of characters as expressions of one character. */
#include "query/lang/pattern_set.h"

#define ANY_ONE "(?s:.)"
#define NONE "(?!)"

struct str set_text(struct arena *arena, struct set set)
{
	if (set.form == SET_TEXT)
		return set.text;
	if (set.text.len == 0)
		return set.form == SET_LIST ? STR(NONE) : STR(ANY_ONE);
	return arena_printf(arena, set.form == SET_LIST ? "[%.*s]" : "[^%.*s]", STR_ARG(set.text));
}

static struct set as_text(struct str text)
{
	return (struct set){ .form = SET_TEXT, .text = text };
}

struct set set_negate(struct arena *arena, struct set set)
{
	if (set.form != SET_TEXT) {
		set.form = set.form == SET_LIST ? SET_NOT_LIST : SET_LIST;
		return set;
	}
	return as_text(arena_printf(arena, "(?:(?!%.*s)" ANY_ONE ")", STR_ARG(set.text)));
}

struct set set_intersect(struct arena *arena, struct set left, struct set right)
{
	struct str a = set_text(arena, left), b = set_text(arena, right);

	return as_text(arena_printf(arena, "(?:(?=%.*s)%.*s)", STR_ARG(a), STR_ARG(b)));
}

struct set set_subtract(struct arena *arena, struct set left, struct set right)
{
	struct str a = set_text(arena, left), b = set_text(arena, right);

	return as_text(arena_printf(arena, "(?:(?!%.*s)%.*s)", STR_ARG(b), STR_ARG(a)));
}

struct set set_differ(struct arena *arena, struct set left, struct set right)
{
	struct str a = set_text(arena, left), b = set_text(arena, right);

	return as_text(arena_printf(arena, "(?:(?!%.*s)%.*s|(?!%.*s)%.*s)", STR_ARG(b), STR_ARG(a),
		STR_ARG(a), STR_ARG(b)));
}
