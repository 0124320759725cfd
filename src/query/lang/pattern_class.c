/*
 * Bracketed classes: [a-z], nested ones, and the operators &&, -- and ~~, which have one precedence
 * and bind to the left; a '^' is applied last. Blanks count, also where flag x is on.
 */
#include "query/lang/pattern_parse.h"

/* POSIX names, of ASCII only. */
static const struct {
	const char *name, *list;
} posix[] = {
	{ "alnum", "0-9A-Za-z" },
	{ "alpha", "A-Za-z" },
	{ "ascii", "\\x{0}-\\x{7f}" },
	{ "blank", "\\x{9}\\x{20}" },
	{ "cntrl", "\\x{0}-\\x{1f}\\x{7f}" },
	{ "digit", "0-9" },
	{ "graph", "\\x{21}-\\x{7e}" },
	{ "lower", "a-z" },
	{ "print", "\\x{20}-\\x{7e}" },
	{ "punct", "\\x{21}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{60}\\x{7b}-\\x{7e}" },
	{ "space", "\\x{9}-\\x{d}\\x{20}" },
	{ "upper", "A-Z" },
	{ "word", "0-9A-Za-z_" },
	{ "xdigit", "0-9A-Fa-f" },
};

/* One operand of the operators, or all of a class without any: what can be listed, and what is
 * only an expression. */
struct operand {
	struct buf list;
	struct buf others; /* "(?:…|…" */
};

static void operand_add(struct pattern_parser *p, struct operand *operand, struct set set)
{
	if (set.form == SET_LIST) {
		buf_add(&operand->list, set.text);
		return;
	}
	buf_addc(&operand->others, operand->others.len > 0 ? "|" : "(?:");
	buf_add(&operand->others, set_text(&p->arena, set));
}

/* The operand as a set; it is empty afterwards. */
static struct set operand_take(struct pattern_parser *p, struct operand *operand)
{
	struct set set = { SET_LIST, arena_str(&p->arena, buf_str(&operand->list)) };

	if (operand->others.len > 0) {
		if (operand->list.len > 0) {
			buf_byte(&operand->others, '|');
			buf_add(&operand->others, set_text(&p->arena, set));
		}
		buf_byte(&operand->others, ')');
		set = (struct set){ SET_TEXT, arena_str(&p->arena, buf_str(&operand->others)) };
	}
	buf_clear(&operand->list);
	buf_clear(&operand->others);
	return set;
}

/* At "[:": a POSIX class, if it is one. */
static bool parse_posix(struct pattern_parser *p, struct set *out)
{
	struct str rest = str_sub(p->text, p->at + 2, p->text.len);
	bool negated = str_starts(rest, STR("^"));
	ptrdiff_t end;
	struct str name;

	rest = str_sub(rest, negated, rest.len);
	end = str_find_str(rest, STR(":]"));
	if (end < 0)
		return false;
	name = str_sub(rest, 0, (size_t)end);
	for (size_t i = 0; i < ARRAY_LEN(posix); i++) {
		if (!str_eq_c(name, posix[i].name))
			continue;
		*out = (struct set){ negated ? SET_NOT_LIST : SET_LIST, str_from(posix[i].list) };
		p->at += strlen("[:") + negated + name.len + strlen(":]");
		return true;
	}
	return false;
}

/* Escapes that mean something else, or nothing, in a class. */
static bool class_escape(struct pattern_parser *p, struct escape *out)
{
	unsigned char c = pattern_peek(p, 1);

	if (c == '\0' || !strchr("bkAzBKG", c))
		return false;
	p->at += 2;
	*out = (struct escape){ .kind = ESCAPE_CHAR, .c = c == 'b' ? '\b' : c };
	return true;
}

/* A character or what an escape stands for. */
static int parse_item(struct pattern_parser *p, struct escape *out)
{
	if (pattern_peek(p, 0) == '\\') {
		if (class_escape(p, out))
			return 0;
		if (pattern_peek(p, 1) >= '0' && pattern_peek(p, 1) <= '9')
			return pattern_fault(p, p->at, "a reference to a group inside a class");
		return pattern_escape(p, out);
	}
	*out = (struct escape){ .kind = ESCAPE_CHAR, .c = pattern_char(p) };
	return 0;
}

/* Does a range go on here, "-x"? A '-' before the end or another '-' is none. */
static bool at_range(const struct pattern_parser *p)
{
	return pattern_peek(p, 0) == '-' && p->at + 1 < p->text.len && pattern_peek(p, 1) != ']' &&
	       pattern_peek(p, 1) != '-';
}

static int parse_range(struct pattern_parser *p, struct operand *operand)
{
	size_t start = p->at;
	struct escape first, last;
	struct set item;

	if (parse_item(p, &first) < 0)
		return p->err->code;
	item = first.set;
	if (at_range(p)) {
		p->at++;
		if (pattern_peek(p, 0) == '[')
			return pattern_fault(p, p->at, "a range cannot end in '['; write '\\['");
		if (parse_item(p, &last) < 0)
			return p->err->code;
		if (first.kind != ESCAPE_CHAR || last.kind != ESCAPE_CHAR)
			return pattern_fault(p, start,
				"a range goes from one character to another, not a set; write '\\-' "
				"for '-'");
		if (first.c > last.c)
			return pattern_fault(p, start, "a range that ends before it starts");
		pattern_literal(&operand->list, first.c);
		buf_byte(&operand->list, '-');
		pattern_literal(&operand->list, last.c);
		return 0;
	}
	if (first.kind == ESCAPE_CHAR)
		pattern_literal(&operand->list, first.c);
	else
		operand_add(p, operand, item);
	return 0;
}

/* At a '[' inside a class. */
static int parse_nested(struct pattern_parser *p, struct operand *operand)
{
	struct set nested;
	int result;

	if (pattern_peek(p, 1) == ':' && parse_posix(p, &nested)) {
		operand_add(p, operand, nested);
		return 0;
	}
	if (++p->class_depth > PATTERN_DEPTH)
		return err_set(p->err, ERR_LIMIT, "classes nested deeper than %d", PATTERN_DEPTH);
	p->at++;
	result = pattern_class(p, &nested);
	p->class_depth--;
	if (result == 0)
		operand_add(p, operand, nested);
	return result;
}

typedef struct set (*set_operator)(struct arena *arena, struct set left, struct set right);

static set_operator at_operator(const struct pattern_parser *p)
{
	static const struct {
		const char *sign;
		set_operator apply;
	} operators[] = { { "&&", set_intersect }, { "--", set_subtract }, { "~~", set_differ } };

	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (pattern_starts(p, operators[i].sign))
			return operators[i].apply;
	return NULL;
}

/* '-' and ']' right at the start stand for themselves. */
static int parse_start(struct pattern_parser *p, struct operand *operand, bool nested)
{
	bool dash = false;

	for (; pattern_peek(p, 0) == '-'; p->at++)
		dash = true;
	if (dash)
		pattern_literal(&operand->list, '-');
	if (dash || pattern_peek(p, 0) != ']')
		return 0;
	/* The original miscounts its brackets then, and always refuses. */
	if (nested)
		return pattern_fault(p, p->at,
			"a '[' inside a class begins another one, which cannot be empty; write '\\[' "
			"or '\\]' for the signs themselves");
	return parse_range(p, operand);
}

static int parse_operands(
	struct pattern_parser *p, struct operand *operand, size_t start, struct set *out)
{
	set_operator pending = NULL;
	struct set left = { SET_LIST, { NULL, 0 } };

	for (;;) {
		set_operator next = at_operator(p);
		bool end = pattern_peek(p, 0) == ']';
		int result = 0;

		if (pattern_end(p))
			return pattern_fault(p, start, "a class without its ']'");
		if (next || end) {
			struct set right = operand_take(p, operand);

			left = pending ? pending(&p->arena, left, right) : right;
			pending = next;
			if (arena_over(&p->arena))
				return err_set(p->err, ERR_LIMIT,
					"the class at byte %zu is too large", start);
			p->at += end ? 1 : 2;
			*out = left;
			if (end)
				return 0;
			continue;
		}
		result = pattern_peek(p, 0) == '[' ? parse_nested(p, operand)
						   : parse_range(p, operand);
		if (result < 0)
			return result;
	}
}

int pattern_class(struct pattern_parser *p, struct set *out)
{
	struct operand operand = { BUF_INIT, BUF_INIT };
	size_t start = p->at - 1;
	bool negated = pattern_peek(p, 0) == '^';
	int result;

	p->at += negated;
	result = parse_start(p, &operand, p->class_depth > 0);
	if (result == 0)
		result = parse_operands(p, &operand, start, out);
	buf_release(&operand.list);
	buf_release(&operand.others);
	if (result == 0 && negated)
		*out = set_negate(&p->arena, *out);
	return result;
}
