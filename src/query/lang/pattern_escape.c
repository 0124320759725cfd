/*
 * Escapes that stand for one character or a set of characters. Properties have more names in the
 * original (long ones of the general categories, "gc=", "Script="), and a script's name alone means
 * Script where PCRE2 means Script_Extensions.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"
#include "query/lang/pattern_parse.h"

enum { NAME_BYTES = 64, MAX_CHAR = 0x10ffff };

/* Hexadecimal digits from the current byte on, at most LIMIT. */
static size_t count_hex(const struct pattern_parser *p, size_t from, size_t limit)
{
	size_t count = 0;

	while (count < limit && str_hex_digit((char)pattern_peek(p, from + count)) >= 0)
		count++;
	return count;
}

/* Behind \x, \u or \U: DIGITS digits, or one to eight in braces. */
static int parse_hex(struct pattern_parser *p, size_t start, size_t digits, struct escape *out)
{
	bool braces = pattern_peek(p, 0) == '{';
	size_t count = count_hex(p, braces, braces ? 8 : digits);
	uint32_t value = 0;

	if (braces ? count == 0 || pattern_peek(p, 1 + count) != '}' : count != digits)
		return pattern_fault(p, start, "'\\%c' needs %zu hexadecimal digits, or some in {}",
			p->text.ptr[start + 1], digits);
	for (size_t i = 0; i < count; i++)
		value = value * 16 + (unsigned)str_hex_digit((char)pattern_peek(p, braces + i));
	if (value > MAX_CHAR || (value >= 0xd800 && value < 0xe000))
		return pattern_fault(p, start, "U+%04X is no character", (unsigned)value);
	p->at += count + (braces ? 2 : 0);
	*out = (struct escape){ .kind = ESCAPE_CHAR, .c = value };
	return 0;
}

struct name {
	char text[NAME_BYTES];
	size_t len;
};

static bool name_is(const struct name *name, const char *text)
{
	return strcmp(name->text, text) == 0;
}

/* Names are compared without case, blanks, '-' and '_' (UAX 44, LM3). */
static bool read_name(struct str text, struct name *out)
{
	*out = (struct name){ .len = 0 };
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == ' ' || c == '-' || c == '_')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) ||
			out->len == NAME_BYTES - 1)
			return false;
		out->text[out->len++] = c;
	}
	if (out->len > 2 && strncmp(out->text, "is", 2) == 0) {
		out->len -= 2;
		memmove(out->text, out->text + 2, out->len + 1);
	}
	return out->len > 0;
}

struct category {
	const char *name, *code; /* code as PCRE2 has it */
};

static const struct category categories[] = { { "letter", "L" }, { "casedletter", "L&" },
	{ "lc", "L&" }, { "uppercaseletter", "Lu" }, { "lowercaseletter", "Ll" },
	{ "titlecaseletter", "Lt" }, { "modifierletter", "Lm" }, { "otherletter", "Lo" },
	{ "mark", "M" }, { "combiningmark", "M" }, { "nonspacingmark", "Mn" },
	{ "spacingmark", "Mc" }, { "enclosingmark", "Me" }, { "number", "N" },
	{ "decimalnumber", "Nd" }, { "digit", "Nd" }, { "letternumber", "Nl" },
	{ "othernumber", "No" }, { "punctuation", "P" }, { "punct", "P" },
	{ "connectorpunctuation", "Pc" }, { "dashpunctuation", "Pd" }, { "openpunctuation", "Ps" },
	{ "closepunctuation", "Pe" }, { "initialpunctuation", "Pi" }, { "finalpunctuation", "Pf" },
	{ "otherpunctuation", "Po" }, { "symbol", "S" }, { "mathsymbol", "Sm" },
	{ "currencysymbol", "Sc" }, { "modifiersymbol", "Sk" }, { "othersymbol", "So" },
	{ "separator", "Z" }, { "spaceseparator", "Zs" }, { "lineseparator", "Zl" },
	{ "paragraphseparator", "Zp" }, { "other", "C" }, { "control", "Cc" }, { "cntrl", "Cc" },
	{ "format", "Cf" }, { "privateuse", "Co" }, { "unassigned", "Cn" }, { "any", "Any" } };

static const char short_categories[][3] = { "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc",
	"Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc",
	"Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn" };

static const char *find_category(const struct name *name)
{
	for (size_t i = 0; i < ARRAY_LEN(short_categories); i++) {
		const char *code = short_categories[i];

		if (name->len == strlen(code) && name->text[0] == (code[0] | 0x20) &&
			(!code[1] || name->text[1] == code[1]))
			return code;
	}
	for (size_t i = 0; i < ARRAY_LEN(categories); i++)
		if (name_is(name, categories[i].name))
			return categories[i].code;
	return NULL;
}

static bool pcre2_knows(struct str property)
{
	int error;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile(
		(PCRE2_SPTR)property.ptr, property.len, PCRE2_UTF, &error, &offset, NULL);

	pcre2_code_free(code);
	return code != NULL;
}

/* PCRE2's own properties, and those of direction, which the original lacks. */
static bool is_foreign(const struct name *name)
{
	static const char *const foreign[] = { "xan", "xps", "xsp", "xuc", "xwd" };

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (name_is(name, foreign[i]))
			return true;
	return strncmp(name->text, "bidi", 4) == 0 && !name_is(name, "bidicontrol") &&
	       !name_is(name, "bidimirrored");
}

/* A property without "kind=": a category, else a script, else what is true or false. */
static bool plain_property(struct pattern_parser *p, const struct name *name, struct str *out)
{
	const char *category = find_category(name);

	if (name_is(name, "assigned")) {
		*out = STR("\\P{Cn}");
		return true;
	}
	if (category) {
		/* The case of letters goes, as it does for letters that are written out. */
		bool cased = p->ignore_case && category[0] == 'L' && category[1] &&
			     strchr("ult", category[1]);

		*out = arena_printf(&p->arena, "\\p{%s}", cased ? "L&" : category);
		return true;
	}
	*out = arena_printf(&p->arena, "\\p{sc:%s}", name->text);
	if (pcre2_knows(*out))
		return true;
	if (p->ignore_case && (name_is(name, "uppercase") || name_is(name, "lowercase") ||
				      name_is(name, "upper") || name_is(name, "lower")))
		*out = STR("\\p{Cased}");
	else
		*out = arena_printf(&p->arena, "\\p{%s}", name->text);
	return !is_foreign(name) && pcre2_knows(*out);
}

static bool valued_property(struct pattern_parser *p, const struct name *kind,
	const struct name *value, struct str *out)
{
	if (name_is(kind, "gc") || name_is(kind, "generalcategory"))
		return find_category(value) && plain_property(p, value, out);
	if (name_is(kind, "sc") || name_is(kind, "script"))
		*out = arena_printf(&p->arena, "\\p{sc:%s}", value->text);
	else if (name_is(kind, "scx") || name_is(kind, "scriptextensions"))
		*out = arena_printf(&p->arena, "\\p{scx:%s}", value->text);
	else
		return false;
	return pcre2_knows(*out);
}

/* NAME, KIND=VALUE, KIND:VALUE or KIND!=VALUE. */
static bool find_property(struct pattern_parser *p, struct str text, bool *negated, struct str *out)
{
	ptrdiff_t at = str_find(text, '=', 0);
	struct name kind, value;
	size_t kind_len;

	if (at < 0)
		at = str_find(text, ':', 0);
	if (at < 0)
		return read_name(text, &value) && plain_property(p, &value, out);
	kind_len = (size_t)at;
	if (at > 0 && text.ptr[at] == '=' && text.ptr[at - 1] == '!') {
		*negated = !*negated;
		kind_len--;
	}
	return read_name(str_sub(text, 0, kind_len), &kind) &&
	       read_name(str_sub(text, (size_t)at + 1, text.len), &value) &&
	       valued_property(p, &kind, &value, out);
}

/* Behind \p or \P. */
static int parse_property(struct pattern_parser *p, size_t start, bool negated, struct escape *out)
{
	struct str text, property;
	size_t from = p->at;

	if (pattern_peek(p, 0) == '{') {
		ptrdiff_t close = str_find(p->text, '}', p->at);

		if (close < 0)
			return pattern_fault(p, start, "a property without its '}'");
		text = str_sub(p->text, from + 1, (size_t)close - from - 1);
		p->at = (size_t)close + 1;
	} else {
		if (pattern_end(p))
			return pattern_fault(
				p, start, "'\\%c' without a property", p->text.ptr[start + 1]);
		pattern_char(p);
		text = str_sub(p->text, from, p->at - from);
	}
	if (!find_property(p, text, &negated, &property))
		return pattern_fault(
			p, start, "'%.*s' is no property of characters known here", STR_ARG(text));
	*out = (struct escape){ .kind = ESCAPE_SET, .set = { SET_LIST, property } };
	if (negated)
		out->set = set_negate(&p->arena, out->set);
	p->cost += PATTERN_COST_UNICODE;
	return 0;
}

/* The sets that one letter names. */
static const struct {
	char letter;
	enum set_form form;
	const char *list;
	unsigned cost;
} class_letters[] = {
	{ 'd', SET_LIST, "\\p{Nd}", 10 * PATTERN_COST_CLASS },
	{ 'D', SET_LIST, "\\P{Nd}", 10 * PATTERN_COST_CLASS },
	{ 's', SET_LIST, "\\p{White_Space}", 2 * PATTERN_COST_CLASS },
	{ 'S', SET_LIST, "\\P{White_Space}", 2 * PATTERN_COST_CLASS },
	{ 'w', SET_LIST, PATTERN_WORD, PATTERN_COST_UNICODE },
	{ 'W', SET_NOT_LIST, PATTERN_WORD, PATTERN_COST_UNICODE },
	{ 'h', SET_LIST, "0-9A-Fa-f", PATTERN_COST_CLASS },
	{ 'H', SET_NOT_LIST, "0-9A-Fa-f", PATTERN_COST_CLASS },
};

static const struct {
	char letter, c;
} char_letters[] = { { 'a', '\a' }, { 'e', 0x1b }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' },
	{ 't', '\t' }, { 'v', '\v' } };

static bool is_letter_or_digit(unsigned char c)
{
	unsigned char low = c | 0x20;

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

/* The message for escapes that other dialects have. */
static int unknown_escape(struct pattern_parser *p, size_t start, unsigned char c)
{
	static const struct {
		char letter;
		const char *hint;
	} hints[] = { { 'R', "write '(?:\\r\\n|\\n)' for line breaks" }, { 'N', "write '.'" },
		{ 'Q', "escape the signs one by one" }, { 'E', "escape the signs one by one" },
		{ 'X', "write '\\P{M}\\p{M}*'" }, { 'c', "write '\\x..'" },
		{ '0', "write '\\x00'" }, { 'o', "write '\\x..'" },
		{ 'g', "recursion is not supported" }, { 'Y', "write '\\B'" },
		{ 'y', "write '\\b'" }, { 'm', "write '\\<'" }, { 'M', "write '\\>'" } };

	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (hints[i].letter == (char)c)
			return pattern_fault(
				p, start, "'\\%c' is not supported: %s", c, hints[i].hint);
	return pattern_fault(p, start, "unknown escape '\\%c'", c);
}

int pattern_escape(struct pattern_parser *p, struct escape *out)
{
	size_t start = p->at++;
	unsigned char c = pattern_peek(p, 0);

	if (pattern_end(p))
		return pattern_fault(p, start, "a '\\' at the end; '\\\\' means itself");
	if (!is_letter_or_digit(c)) {
		*out = (struct escape){ .kind = ESCAPE_CHAR, .c = pattern_char(p) };
		return 0;
	}
	p->at++;
	for (size_t i = 0; i < ARRAY_LEN(class_letters); i++) {
		if (class_letters[i].letter != (char)c)
			continue;
		*out = (struct escape){ .kind = ESCAPE_SET,
			.set = { class_letters[i].form, str_from(class_letters[i].list) } };
		p->cost += class_letters[i].cost;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(char_letters); i++) {
		if (char_letters[i].letter != (char)c)
			continue;
		*out = (struct escape){ .kind = ESCAPE_CHAR,
			.c = (unsigned char)char_letters[i].c };
		return 0;
	}
	switch (c) {
	case 'x':
		return parse_hex(p, start, 2, out);
	case 'u':
		return parse_hex(p, start, 4, out);
	case 'U':
		return parse_hex(p, start, 8, out);
	case 'p':
	case 'P':
		return parse_property(p, start, c == 'P', out);
	default:
		return unknown_escape(p, start, c);
	}
}
