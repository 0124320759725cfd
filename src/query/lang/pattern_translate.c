/*
 * The structure of a pattern: alternatives, pieces with their quantifiers, groups, references. It
 * is parsed as the original does and written for PCRE2 as it goes. Nothing is copied that PCRE2
 * could read otherwise: characters that are not plain letters or digits go out as \x{…}, groups are
 * referred to by number, blanks and comments are left out.
 */
#include "query/lang/pattern_translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "query/lang/pattern_parse.h"

enum {
	UNBOUNDED = -1,
	ARENA_BYTES = 4 << 20,
};

int pattern_fault(struct pattern_parser *p, size_t at, const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err_set(p->err, ERR_PARSE, "%s at byte %zu of the regular expression", message, at);
}

bool pattern_end(const struct pattern_parser *p)
{
	return p->at >= p->text.len;
}

unsigned char pattern_peek(const struct pattern_parser *p, size_t ahead)
{
	return p->at + ahead < p->text.len ? (unsigned char)p->text.ptr[p->at + ahead] : '\0';
}

bool pattern_starts(const struct pattern_parser *p, const char *prefix)
{
	return str_starts(str_sub(p->text, p->at, p->text.len), str_from(prefix));
}

uint32_t pattern_char(struct pattern_parser *p)
{
	size_t width = utf8_sequence(p->text, p->at);
	unsigned char first = (unsigned char)p->text.ptr[p->at++];
	uint32_t c = width == 1 ? first : first & (0x7fu >> width);

	for (size_t i = 1; i < width; i++)
		c = c << 6 | ((unsigned char)p->text.ptr[p->at++] & 0x3f);
	return c;
}

bool pattern_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

bool pattern_is_name(unsigned char c)
{
	unsigned char low = c | 0x20;

	return (low >= 'a' && low <= 'z') || pattern_is_digit(c) || c == '_' || c >= 0x80;
}

void pattern_literal(struct buf *out, uint32_t c)
{
	if (c < 0x80 && pattern_is_name((unsigned char)c))
		buf_byte(out, (char)c);
	else
		buf_printf(out, "\\x{%x}", (unsigned)c);
}

void pattern_emit(struct pattern_parser *p, const char *text)
{
	buf_addc(&p->out->text, text);
}

static void mark(struct pattern_parser *p)
{
	struct translation *out = p->out;

	if (out->mark_count == out->mark_cap) {
		out->mark_cap = out->mark_cap * 2 + 16;
		out->marks = mem_resize(out->marks, out->mark_cap, sizeof(*out->marks));
	}
	out->marks[out->mark_count++] = (struct pattern_mark){ .from = p->at, .to = out->text.len };
}

/* Comments, and under flag x blanks and comments to the end of the line. */
static int skip_blanks(struct pattern_parser *p)
{
	while (!pattern_end(p)) {
		unsigned char c = pattern_peek(p, 0);

		if (pattern_starts(p, "(?#")) {
			ptrdiff_t close = str_find(p->text, ')', p->at);

			if (close < 0)
				return pattern_fault(p, p->at, "a comment without its ')'");
			p->at = (size_t)close + 1;
		} else if (p->extended && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
			p->at++;
		} else if (p->extended && c == '#') {
			ptrdiff_t line = str_find(p->text, '\n', p->at);

			p->at = line < 0 ? p->text.len : (size_t)line + 1;
		} else {
			break;
		}
	}
	return 0;
}

/* A decimal number from AT on, or false; what is larger than any limit stays there. */
static bool read_number(const struct pattern_parser *p, size_t *at, int *out)
{
	size_t start = *at;

	*out = 0;
	for (; *at < p->text.len && pattern_is_digit((unsigned char)p->text.ptr[*at]); ++*at)
		if (*out <= PATTERN_REPEAT_MAX)
			*out = *out * 10 + (p->text.ptr[*at] - '0');
	return *at > start;
}

static void skip_spaces(const struct pattern_parser *p, size_t *at)
{
	while (p->extended && *at < p->text.len && strchr(" \t\r\n", p->text.ptr[*at]) &&
		p->text.ptr[*at])
		++*at;
}

struct repeat {
	int low, high;
};

/* At a '{': {n}, {n,}, {n,m} or {,m}, passed; false when it is none and so stands for itself. */
static bool read_braces(struct pattern_parser *p, struct repeat *out)
{
	size_t at = p->at + 1;
	bool number;

	skip_spaces(p, &at);
	number = read_number(p, &at, &out->low);
	skip_spaces(p, &at);
	out->high = out->low;
	if (at < p->text.len && p->text.ptr[at] == ',') {
		at++;
		skip_spaces(p, &at);
		if (!read_number(p, &at, &out->high))
			out->high = UNBOUNDED;
		skip_spaces(p, &at);
	} else if (!number) {
		return false;
	}
	if (at >= p->text.len || p->text.ptr[at] != '}')
		return false;
	p->at = at + 1;
	return true;
}

static bool read_repeat(struct pattern_parser *p, struct repeat *out)
{
	switch (pattern_peek(p, 0)) {
	case '?':
		*out = (struct repeat){ 0, 1 };
		break;
	case '*':
		*out = (struct repeat){ 0, UNBOUNDED };
		break;
	case '+':
		*out = (struct repeat){ 1, UNBOUNDED };
		break;
	case '{':
		return read_braces(p, out);
	default:
		return false;
	}
	p->at++;
	return true;
}

/* Put what was written from FROM on into a group that begins with OPEN. */
static void wrap(struct pattern_parser *p, size_t from, const char *open)
{
	struct buf *text = &p->out->text;
	struct buf piece = BUF_INIT;

	buf_add(&piece, str_sub(buf_str(text), from, text->len));
	text->len = from;
	buf_addc(text, open);
	buf_add(text, buf_str(&piece));
	buf_addc(text, ")");
	buf_release(&piece);
}

/* PIECE_COST was spent on what is repeated, once. */
static int spend(struct pattern_parser *p, uint64_t piece_cost, const struct repeat *repeat)
{
	uint64_t times = (uint64_t)(repeat->high > 0 ? repeat->high : repeat->low + 1);

	p->cost += piece_cost * times;
	if (p->cost > PATTERN_COST_MAX)
		return err_set(p->err, ERR_LIMIT,
			"the regular expression is too large with what repeats up to byte %zu",
			p->at);
	return 0;
}

/* The quantifier that follows a piece written from FROM on, if one does. */
static int parse_quantifier(
	struct pattern_parser *p, enum piece *piece, size_t from, uint64_t piece_cost)
{
	struct repeat repeat = { 1, 1 };
	size_t at = p->at;
	bool lazy = false, possessive = false;

	if (!read_repeat(p, &repeat))
		return spend(p, piece_cost, &repeat);
	if (*piece == PIECE_EMPTY || *piece == PIECE_LOOK)
		return pattern_fault(p, at, "nothing that could be repeated before the quantifier");
	if (repeat.low > PATTERN_REPEAT_MAX || repeat.high > PATTERN_REPEAT_MAX)
		return err_set(p->err, ERR_LIMIT,
			"more than %d repetitions at byte %zu of the regular expression",
			PATTERN_REPEAT_MAX, at);
	if (repeat.high != UNBOUNDED && repeat.high < repeat.low)
		return pattern_fault(p, at, "a quantifier whose second number is the smaller one");
	if (skip_blanks(p) < 0)
		return p->err->code;
	if (pattern_peek(p, 0) == '?') {
		lazy = true;
		p->at++;
	}
	if (pattern_peek(p, 0) == '+') {
		possessive = true;
		p->at++;
	}
	if (*piece == PIECE_ASSERTION)
		wrap(p, from, "(?:"); /* PCRE2 repeats groups only */
	*piece = PIECE_NORMAL;
	if (repeat.high == UNBOUNDED)
		buf_printf(&p->out->text, "{%d,}", repeat.low);
	else
		buf_printf(&p->out->text, "{%d,%d}", repeat.low, repeat.high);
	if (lazy)
		pattern_emit(p, "?");
	p->out->lazy |= lazy;
	p->out->atomic |= possessive && lazy;
	if (possessive && lazy)
		wrap(p, from, "(?>"); /* nothing else says both */
	else if (possessive)
		pattern_emit(p, "+");
	return spend(p, piece_cost, &repeat);
}

#define IS_WORD "(?=[" PATTERN_WORD "])"
#define NO_WORD "(?![" PATTERN_WORD "])"
#define WAS_WORD "(?<=[" PATTERN_WORD "])"
#define WAS_NO_WORD "(?<![" PATTERN_WORD "])"

/* Escapes that stand for a place, or any character; the longer ones first. */
static const struct {
	const char *escape, *text;
	enum piece piece;
} places[] = {
	{ "\\b{start}", WAS_NO_WORD IS_WORD, PIECE_ASSERTION },
	{ "\\b{end}", WAS_WORD NO_WORD, PIECE_ASSERTION },
	{ "\\b{start-half}", WAS_NO_WORD, PIECE_ASSERTION },
	{ "\\b{end-half}", NO_WORD, PIECE_ASSERTION },
	{ "\\b", "(?" WAS_WORD NO_WORD "|" IS_WORD ")", PIECE_ASSERTION },
	{ "\\B", "(?" WAS_WORD IS_WORD "|" NO_WORD ")", PIECE_ASSERTION },
	{ "\\<", WAS_NO_WORD IS_WORD, PIECE_ASSERTION },
	{ "\\>", WAS_WORD NO_WORD, PIECE_ASSERTION },
	{ "\\A", "\\A", PIECE_ASSERTION },
	{ "\\z", "\\z", PIECE_ASSERTION },
	{ "\\Z", "(?=\\n*+\\z)", PIECE_LOOK },
	/* A search begins at the start, in whatever pieces it is done. */
	{ "\\G", "\\A", PIECE_LOOK },
	/* Where a match begins does not matter to whether there is one. */
	{ "\\K", "(?:)", PIECE_LOOK },
	{ "\\O", "(?s:.)", PIECE_NORMAL },
};

static bool parse_place(struct pattern_parser *p, enum piece *piece)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (!pattern_starts(p, places[i].escape))
			continue;
		p->at += strlen(places[i].escape);
		pattern_emit(p, places[i].text);
		*piece = places[i].piece;
		p->cost += PATTERN_COST_CLASS;
		return true;
	}
	return false;
}

static int emit_set(struct pattern_parser *p, struct set set)
{
	buf_add(&p->out->text, set_text(&p->arena, set));
	p->cost += PATTERN_COST_CLASS;
	if (arena_over(&p->arena))
		return err_set(p->err, ERR_LIMIT, "the regular expression is too large");
	return 0;
}

static int parse_escape(struct pattern_parser *p, enum piece *piece)
{
	size_t start = p->at;
	unsigned char c = pattern_peek(p, 1);
	struct escape escape;

	*piece = PIECE_NORMAL;
	if (c >= '1' && c <= '9') {
		p->at++;
		while (pattern_is_digit(pattern_peek(p, 0)))
			p->at++;
		return pattern_reference(p, str_sub(p->text, start + 1, p->at - start - 1), start);
	}
	if (c == 'k') {
		p->at += 2;
		return pattern_named_reference(p);
	}
	if (pattern_starts(p, "\\B{"))
		return pattern_fault(p, start, "unknown escape '\\B{'");
	if (parse_place(p, piece)) {
		if (c == 'b' && p->at == start + 2 && pattern_peek(p, 0) == '{' &&
			!pattern_is_digit(pattern_peek(p, 1)) && pattern_peek(p, 1) != ',')
			return pattern_fault(p, start,
				"'\\b{' needs 'start}', 'end}', 'start-half}' or 'end-half}'");
		return 0;
	}
	if (pattern_escape(p, &escape) < 0)
		return p->err->code;
	if (escape.kind == ESCAPE_SET)
		return emit_set(p, escape.set);
	pattern_literal(&p->out->text, escape.c);
	p->cost += PATTERN_COST_CHAR;
	return 0;
}

static int parse_atom(struct pattern_parser *p, enum piece *piece)
{
	struct set set;

	*piece = PIECE_NORMAL;
	switch (pattern_peek(p, 0)) {
	case '.':
		p->at++;
		pattern_emit(p, ".");
		p->cost += PATTERN_COST_CLASS;
		return 0;
	case '^':
	case '$':
		pattern_emit(p, p->text.ptr[p->at++] == '^' ? "^" : "$");
		*piece = PIECE_ASSERTION;
		return 0;
	case '(':
		return pattern_group(p, piece);
	case '\\':
		return parse_escape(p, piece);
	case '[':
		p->at++;
		return pattern_class(p, &set) < 0 ? p->err->code : emit_set(p, set);
	case '*':
	case '+':
	case '?':
		return pattern_fault(
			p, p->at, "nothing that could be repeated before the quantifier");
	default:
		pattern_literal(&p->out->text, pattern_char(p));
		p->cost += PATTERN_COST_CHAR;
		return 0;
	}
}

int pattern_branch(struct pattern_parser *p, enum piece *piece)
{
	enum piece next;

	for (*piece = PIECE_EMPTY;; *piece = *piece == PIECE_EMPTY ? next : PIECE_NORMAL) {
		size_t from = p->out->text.len;
		uint64_t before = p->cost, cost;
		unsigned char c;

		if (skip_blanks(p) < 0)
			return p->err->code;
		c = pattern_peek(p, 0);
		if (pattern_end(p) || c == '|' || c == ')')
			return 0;
		mark(p);
		if (parse_atom(p, &next) < 0 || skip_blanks(p) < 0)
			return p->err->code;
		cost = p->cost - before;
		p->cost = before;
		if (parse_quantifier(p, &next, from, cost) < 0)
			return p->err->code;
	}
}

int pattern_alternatives(struct pattern_parser *p, enum piece *piece)
{
	if (pattern_branch(p, piece) < 0)
		return p->err->code;
	while (pattern_peek(p, 0) == '|') {
		p->at++;
		pattern_emit(p, "|");
		if (pattern_branch(p, piece) < 0)
			return p->err->code;
		*piece = PIECE_NORMAL;
	}
	return 0;
}

static int parse_all(struct pattern_parser *p)
{
	enum piece piece;

	for (size_t at = 0; at < p->text.len;) {
		size_t width = utf8_sequence(p->text, at);

		if (width == 0)
			return pattern_fault(p, at, "invalid UTF-8");
		at += width;
	}
	if (p->ignore_case)
		pattern_emit(p, "(?i)");
	if (pattern_alternatives(p, &piece) < 0)
		return p->err->code;
	if (!pattern_end(p))
		return pattern_fault(p, p->at, "a ')' without its '('");
	if (p->highest > p->groups)
		return pattern_fault(p, p->highest_at, "there is no group %u", p->highest);
	return 0;
}

int pattern_translate(struct translation *out, struct str text, bool ignore_case, struct err *err)
{
	struct pattern_parser p = {
		.text = text, .out = out, .err = err, .ignore_case = ignore_case
	};
	int result;

	arena_init(&p.arena, ARENA_BYTES);
	result = parse_all(&p);
	arena_release(&p.arena);
	return result;
}

void translation_release(struct translation *translation)
{
	buf_release(&translation->text);
	free(translation->marks);
	*translation = (struct translation){ 0 };
}

size_t translation_origin(const struct translation *translation, size_t to)
{
	size_t from = 0;

	for (size_t i = 0; i < translation->mark_count; i++)
		if (translation->marks[i].to <= to)
			from = translation->marks[i].from;
	return from;
}
