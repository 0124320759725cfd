/*
 * Groups and what refers to them. Captures keep their numbers; names are looked up here and not
 * passed on, so that PCRE2's limits on names do not matter.
 */
#include <stdlib.h>

#include "query/lang/pattern_parse.h"

struct group_name {
	struct str name;
	unsigned number;
	struct group_name *next;
};

/* The group that ID, given at byte AT, means: a name, a number, or a distance from here. */
static int find_group(struct pattern_parser *p, struct str id, size_t at, unsigned *out)
{
	bool back = str_starts(id, STR("-")), relative = back || str_starts(id, STR("+"));
	struct str digits = str_sub(id, relative, id.len);
	uint64_t number;

	for (struct group_name *name = p->names; name; name = name->next) {
		if (str_eq(name->name, id)) {
			*out = name->number;
			return 0;
		}
	}
	if (!str_to_u64(digits, &number))
		return pattern_fault(p, at, "no group '%.*s' before", STR_ARG(id));
	if (back ? number > p->groups : number > PATTERN_REPEAT_MAX)
		number = 0;
	else if (relative && number > 0)
		number = back ? p->groups + 1 - number : p->groups + number;
	if (number == 0)
		return pattern_fault(p, at, "there is no group %.*s", STR_ARG(id));
	*out = (unsigned)number;
	if (*out > p->highest) {
		p->highest = *out;
		p->highest_at = at;
	}
	return 0;
}

int pattern_reference(struct pattern_parser *p, struct str id, size_t at)
{
	unsigned number;

	if (find_group(p, id, at, &number) < 0)
		return p->err->code;
	buf_printf(&p->out->text, "\\g{%u}", number);
	p->cost += PATTERN_COST_CHAR;
	return 0;
}

/* What stands up to CLOSE, which is passed. */
static int read_id(struct pattern_parser *p, char close, struct str *out)
{
	size_t start = p->at, sign = pattern_peek(p, 0) == '-' || pattern_peek(p, 0) == '+';

	p->at += sign;
	while (pattern_is_name(pattern_peek(p, 0)))
		p->at++;
	*out = str_sub(p->text, start, p->at - start);
	if (out->len == sign || pattern_end(p) || pattern_peek(p, 0) != (unsigned char)close)
		return pattern_fault(p, start, "the name of a group and '%c' expected", close);
	p->at++;
	return 0;
}

/* Behind \k. */
int pattern_named_reference(struct pattern_parser *p)
{
	size_t start = p->at - 2;
	unsigned char open = pattern_peek(p, 0);
	struct str id;

	if (open != '<' && open != '\'')
		return pattern_fault(p, start, "'\\k' needs a group: '\\k<name>'");
	p->at++;
	if (read_id(p, open == '<' ? '>' : '\'', &id) < 0)
		return p->err->code;
	return pattern_reference(p, id, start);
}

/* The ')' of the group that opened at START. */
static int close_group(struct pattern_parser *p, size_t start)
{
	if (pattern_peek(p, 0) != ')')
		return pattern_fault(p, start, "a '(' without its ')'");
	p->at++;
	pattern_emit(p, ")");
	return 0;
}

/* The rest of a group, whose flags end with it. */
static int parse_body(struct pattern_parser *p, size_t start, const char *open, enum piece *piece)
{
	bool ignore_case = p->ignore_case, extended = p->extended;

	pattern_emit(p, open);
	if (pattern_alternatives(p, piece) < 0)
		return p->err->code;
	p->ignore_case = ignore_case;
	p->extended = extended;
	return close_group(p, start);
}

/* A capture, at the name if CLOSE ends one. */
static int parse_capture(struct pattern_parser *p, size_t start, char close)
{
	struct group_name *name = NULL;
	enum piece piece;

	p->groups++;
	if (close) {
		name = arena_zalloc(&p->arena, 1, sizeof(*name));
		if (!pattern_is_name(pattern_peek(p, 0)))
			return pattern_fault(p, p->at, "a group without its name");
		if (read_id(p, close, &name->name) < 0)
			return p->err->code;
		name->number = p->groups;
		name->next = p->names;
		p->names = name;
	}
	return parse_body(p, start, "(", &piece);
}

/* What is to match if a condition held, and what if it did not. */
static int parse_branches(struct pattern_parser *p, size_t start)
{
	bool ignore_case = p->ignore_case, extended = p->extended;
	enum piece piece;

	pattern_emit(p, "(?:");
	if (pattern_branch(p, &piece) < 0)
		return p->err->code;
	p->ignore_case = ignore_case;
	p->extended = extended;
	pattern_emit(p, ")|");
	if (pattern_peek(p, 0) == '|') {
		p->at++;
		if (parse_body(p, start, "(?:", &piece) < 0)
			return p->err->code;
		pattern_emit(p, ")");
		return 0;
	}
	if (piece == PIECE_EMPTY)
		pattern_emit(p, "(?!)"); /* "(?(1))" alone asks whether the group matched */
	return close_group(p, start);
}

/* Behind "(?(": a group as the condition, and what is to match if it did and if it did not. */
static int parse_condition(struct pattern_parser *p, size_t start)
{
	unsigned char c = pattern_peek(p, 0);
	size_t at = p->at;
	unsigned number;
	struct str id;

	p->at += c == '<' || c == '\'';
	if (!pattern_is_digit(c) && !strchr("<'+-", c))
		return pattern_fault(
			p, at, "only a group can be a condition: '(?(1)…' or '(?(<name>)…'");
	if (read_id(p, c == '<' ? '>' : c == '\'' ? '\'' : ')', &id) < 0)
		return p->err->code;
	if ((c == '<' || c == '\'') && pattern_peek(p, 0) != ')')
		return pattern_fault(p, at, "a condition without its ')'");
	p->at += c == '<' || c == '\'';
	if (find_group(p, id, at, &number) < 0)
		return p->err->code;
	buf_printf(&p->out->text, "(?(%u)", number);
	return parse_branches(p, start);
}

static const char flag_letters[] = "imsUxu";

enum { FLAG_SAME, FLAG_ON, FLAG_OFF, FLAG_COUNT = sizeof(flag_letters) - 1 };

/* Letters up to ')' or ':'. */
static int read_flags(struct pattern_parser *p, unsigned char flags[FLAG_COUNT])
{
	size_t start = p->at;
	unsigned char state = FLAG_ON;

	for (;; p->at++) {
		unsigned char c = pattern_peek(p, 0);
		const char *letter = c ? strchr(flag_letters, c) : NULL;

		if (pattern_end(p))
			return pattern_fault(p, start - 2, "a '(' without its ')'");
		if (c == ':' && (state == FLAG_ON || p->text.ptr[p->at - 1] != '-'))
			return 0;
		if (c == ')' && p->at > start && p->text.ptr[p->at - 1] != '-')
			return 0;
		if (c == '-' && state == FLAG_ON) {
			state = FLAG_OFF;
			continue;
		}
		if (!letter)
			return pattern_fault(p, p->at,
				"unknown group or flag after '(?' (flags are i, m, s, x, U, u)");
		if (c == 'u' && state == FLAG_OFF)
			return pattern_fault(p, p->at, "Unicode cannot be switched off");
		flags[letter - flag_letters] = state;
	}
}

static void emit_flags(struct pattern_parser *p, const unsigned char flags[FLAG_COUNT])
{
	for (unsigned char state = FLAG_ON; state <= FLAG_OFF; state++) {
		const char *sign = state == FLAG_OFF ? "-" : "";

		for (size_t i = 0; i < FLAG_COUNT; i++) {
			if (flags[i] != state || flag_letters[i] == 'x' || flag_letters[i] == 'u')
				continue;
			pattern_emit(p, sign);
			buf_byte(&p->out->text, flag_letters[i]);
			sign = "";
		}
	}
	if (flags[0] != FLAG_SAME)
		p->ignore_case = flags[0] == FLAG_ON;
	if (flags[4] != FLAG_SAME)
		p->extended = flags[4] == FLAG_ON;
}

/* Behind "(?": flags for what is inside, or up to the end of the group around. */
static int parse_flags(struct pattern_parser *p, size_t start, enum piece *piece)
{
	unsigned char flags[FLAG_COUNT] = { FLAG_SAME };
	bool ignore_case = p->ignore_case, extended = p->extended;

	if (read_flags(p, flags) < 0)
		return p->err->code;
	pattern_emit(p, "(?");
	emit_flags(p, flags);
	if (pattern_peek(p, 0) == ')') {
		*piece = PIECE_EMPTY;
		if (str_ends(buf_str(&p->out->text), STR("(?")))
			pattern_emit(p, ":"); /* nothing that PCRE2 has to know */
		return close_group(p, start);
	}
	p->at++;
	if (parse_body(p, start, ":", piece) < 0)
		return p->err->code;
	p->ignore_case = ignore_case;
	p->extended = extended;
	return 0;
}

/* Groups that other dialects have. */
static int refuse_foreign_group(struct pattern_parser *p, size_t start)
{
	static const struct {
		const char *open, *what;
	} foreign[] = { { "(?R", "recursion" }, { "(?&", "recursion" }, { "(?P>", "recursion" },
		{ "(?+", "recursion" }, { "(?|", "branch reset" }, { "(?C", "a callout" } };
	unsigned char first = pattern_peek(p, 2);

	if (!pattern_starts(p, "(?"))
		return 0;
	if (pattern_is_digit(first) || (first == '-' && pattern_is_digit(pattern_peek(p, 3))))
		return pattern_fault(p, start, "recursion is not supported");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (pattern_starts(p, foreign[i].open))
			return pattern_fault(p, start, "%s is not supported", foreign[i].what);
	return 0;
}

/* Groups that differ in nothing but how they open. */
static const struct {
	const char *open;
	enum piece piece;
} plain_groups[] = {
	{ "(?=", PIECE_LOOK },
	{ "(?!", PIECE_LOOK },
	{ "(?<=", PIECE_LOOK },
	{ "(?<!", PIECE_LOOK },
	{ "(?>", PIECE_NORMAL },
};

static const struct {
	const char *open;
	char close;
} captures[] = { { "(?P<", '>' }, { "(?<", '>' }, { "(?'", '\'' } };

static int parse_any_group(struct pattern_parser *p, size_t start, enum piece *piece)
{
	enum piece inner;
	struct str id;

	if (refuse_foreign_group(p, start) < 0)
		return p->err->code;
	*piece = PIECE_NORMAL;
	for (size_t i = 0; i < ARRAY_LEN(plain_groups); i++) {
		if (!pattern_starts(p, plain_groups[i].open))
			continue;
		p->at += strlen(plain_groups[i].open);
		*piece = plain_groups[i].piece;
		p->out->atomic |= *piece == PIECE_NORMAL;
		return parse_body(p, start, plain_groups[i].open, &inner);
	}
	for (size_t i = 0; i < ARRAY_LEN(captures); i++) {
		if (!pattern_starts(p, captures[i].open))
			continue;
		p->at += strlen(captures[i].open);
		return parse_capture(p, start, captures[i].close);
	}
	if (pattern_starts(p, "(?P=")) {
		p->at += 4;
		return read_id(p, ')', &id) < 0 ? p->err->code : pattern_reference(p, id, start);
	}
	if (pattern_starts(p, "(?(")) {
		p->at += 3;
		return parse_condition(p, start);
	}
	if (pattern_starts(p, "(?")) {
		p->at += 2;
		return parse_flags(p, start, piece);
	}
	p->at++;
	return parse_capture(p, start, '\0');
}

int pattern_group(struct pattern_parser *p, enum piece *piece)
{
	int result;

	if (++p->depth > PATTERN_DEPTH)
		return err_set(p->err, ERR_LIMIT,
			"groups nested deeper than %d in the regular expression", PATTERN_DEPTH);
	result = parse_any_group(p, p->at, piece);
	p->depth--;
	return result;
}
