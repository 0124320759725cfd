/*
 * A pull scanner over RFC 8259. Strings are most of the text it is meant for, so that their end is
 * looked for by blocks; everything else goes byte by byte. A level of nesting is one bit: is it an
 * array or an object?
 */
#include "base/json_scan.h"

#include <endian.h>
#include <limits.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK_BYTES = 16, GROUP_BYTES = 64, ESCAPE_BYTES = 6 };

typedef unsigned char block __attribute__((vector_size(BLOCK_BYTES)));

static bool fail(struct json_scan *scan, const char *fault)
{
	if (!scan->fault)
		scan->fault = fault;
	return false;
}

static char peek(const struct json_scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

/* Behind the white space at AT. Most JSON of programs has none. */
static const char *skip(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ' &&
		(*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

static void skip_blanks(struct json_scan *scan)
{
	scan->at = skip(scan->at, scan->end);
}

struct json_scan json_scan(struct str text)
{
	const char *start = text.ptr ? text.ptr : "";
	struct json_scan scan = {
		.start = start, .at = start, .end = start + text.len, .waiting = true
	};

	if (str_starts(text, STR("\xef\xbb\xbf")))
		scan.at += 3;
	skip_blanks(&scan);
	return scan;
}

/* --- strings --- */

/* A bit for each of the BLOCK_BYTES at AT that is a quote or a backslash. */
static uint32_t special_bits(const char *at)
{
	block bytes;

	memcpy(&bytes, at, sizeof(bytes));
	bytes = (block)((bytes == '"') | (bytes == '\\'));
#ifdef __SSE2__
	return (uint32_t)_mm_movemask_epi8((__m128i)bytes);
#else
	uint64_t words[2];

	/* Each byte is 0 or 255: one bit of each is kept, and the product gathers them in its top
	 * byte. */
	memcpy(words, &bytes, sizeof(words));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = (le64toh(words[i]) & UINT64_C(0x0101010101010101)) *
				   UINT64_C(0x0102040810204080) >>
			   56;
	return (uint32_t)(words[0] | words[1] << 8);
#endif
}

/* The same for GROUP_BYTES. */
static uint64_t group_bits(const char *at)
{
	return (uint64_t)special_bits(at) | (uint64_t)special_bits(at + BLOCK_BYTES) << 16 |
	       (uint64_t)special_bits(at + 2 * BLOCK_BYTES) << 32 |
	       (uint64_t)special_bits(at + 3 * BLOCK_BYTES) << 48;
}

/* The four digits behind `\u` at AT, or -1. */
static long escaped_unit(const char *at, const char *end)
{
	long unit = 0;

	if (end - at < ESCAPE_BYTES || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (size_t i = 2; i < ESCAPE_BYTES; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* What one letter behind a backslash stands for; 0: nothing. */
static char short_escape(char letter)
{
	static const char meanings[UCHAR_MAX + 1] = { ['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t' };

	return meanings[(unsigned char)letter];
}

/* Behind the escape at AT, or NULL: it is none. */
static const char *skip_escape(const char *at, const char *end)
{
	if (end - at >= 2 && short_escape(at[1]))
		return at + 2;
	return escaped_unit(at, end) >= 0 ? at + ESCAPE_BYTES : NULL;
}

/* The closing quote at or behind AT, all escapes before it being good. *ESCAPED: there were any. */
static const char *find_quote(struct json_scan *scan, const char *at, bool *escaped)
{
	const char *next = at; /* what is before it belongs to an escape */

	while (at < scan->end) {
		size_t width = scan->end - at >= GROUP_BYTES ? GROUP_BYTES : 1;
		uint64_t bits = width > 1 ? group_bits(at) : *at == '"' || *at == '\\';

		for (; bits; bits &= bits - 1) {
			const char *special = at + __builtin_ctzll(bits);

			if (special < next)
				continue;
			if (*special == '"')
				return special;
			*escaped = true;
			next = skip_escape(special, scan->end);
			if (!next) {
				scan->at = special;
				fail(scan, "an unknown escape");
				return NULL;
			}
		}
		at += width;
	}
	fail(scan, "a string without end");
	return NULL;
}

/* Most strings are short and have no escapes: the first quote is their end. */
static const char *find_near_quote(const struct json_scan *scan, const char *from)
{
	uint32_t bits = scan->end - from >= BLOCK_BYTES ? special_bits(from) : 0;
	const char *special = bits ? from + __builtin_ctz(bits) : NULL;

	return special && *special == '"' ? special : NULL;
}

/* From an opening quote to behind the closing one. */
static bool take_string(struct json_scan *scan, struct json_token *out)
{
	const char *from = scan->at + 1, *end = find_near_quote(scan, from);

	out->type = JSON_STRING;
	out->escaped = false;
	if (!end)
		end = find_quote(scan, from, &out->escaped);
	if (!end)
		return false;
	out->text = (struct str){ from, (size_t)(end - from) };
	scan->at = end + 1;
	return true;
}

/* --- other values --- */

static bool take_digits(struct json_scan *scan)
{
	const char *from = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > from || fail(scan, "a number without digits");
}

static bool take_number(struct json_scan *scan, struct json_token *out)
{
	const char *from = scan->at;

	out->type = JSON_NUMBER;
	scan->at += peek(scan) == '-';
	if (peek(scan) == '0')
		scan->at++;
	else if (!take_digits(scan))
		return false;
	if (peek(scan) == '.') {
		scan->at++;
		if (!take_digits(scan))
			return false;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		scan->at += peek(scan) == '+' || peek(scan) == '-';
		if (!take_digits(scan))
			return false;
	}
	out->text = (struct str){ from, (size_t)(scan->at - from) };
	return true;
}

static bool take_literal(struct json_scan *scan, struct json_token *out)
{
	static const struct {
		struct str text;
		enum json_type type;
	} literals[] = { { STR_INIT("null"), JSON_NULL }, { STR_INIT("true"), JSON_BOOL },
		{ STR_INIT("false"), JSON_BOOL } };
	struct str rest = { scan->at, (size_t)(scan->end - scan->at) };

	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		if (!str_starts(rest, literals[i].text))
			continue;
		out->type = literals[i].type;
		out->text = str_sub(rest, 0, literals[i].text.len);
		scan->at += literals[i].text.len;
		return true;
	}
	return fail(scan, "no value where one was expected");
}

static bool take_scalar(struct json_scan *scan, struct json_token *out)
{
	char c = peek(scan);

	scan->waiting = false;
	out->escaped = false;
	if (c == '"')
		return take_string(scan, out);
	if (c == '-' || (c >= '0' && c <= '9'))
		return take_number(scan, out);
	return take_literal(scan, out);
}

/* --- containers --- */

static bool in_array(const struct json_scan *scan)
{
	return (scan->arrays[scan->depth / 64] >> (scan->depth % 64) & 1) != 0;
}

enum json_type json_scan_type(const struct json_scan *scan)
{
	if (scan->fault || !scan->waiting)
		return JSON_NULL;
	switch (peek(scan)) {
	case '"':
		return JSON_STRING;
	case '[':
		return JSON_ARRAY;
	case '{':
		return JSON_OBJECT;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
	case '\0':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

bool json_scan_enter(struct json_scan *scan)
{
	char c = peek(scan);
	uint64_t bit;

	if (scan->fault || !scan->waiting || (c != '{' && c != '['))
		return false;
	if (scan->depth == JSON_MAX_DEPTH) {
		scan->too_deep = true;
		return fail(scan, "nested too deeply");
	}
	scan->depth++;
	bit = UINT64_C(1) << (scan->depth % 64);
	if (c == '[')
		scan->arrays[scan->depth / 64] |= bit;
	else
		scan->arrays[scan->depth / 64] &= ~bit;
	scan->at++;
	scan->fresh = true;
	scan->waiting = false;
	return true;
}

static bool take_key(struct json_scan *scan, struct json_token *key)
{
	if (peek(scan) != '"')
		return fail(scan, "no key where one was expected");
	if (!take_string(scan, key))
		return false;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return fail(scan, "a key without colon");
	scan->at = skip(scan->at + 1, scan->end);
	return true;
}

/* To the next member of the container at hand, or out of it. */
static bool step(struct json_scan *scan, struct json_token *key)
{
	const char *at = skip(scan->at, scan->end), *end = scan->end;
	bool array = in_array(scan);

	scan->at = at;
	if (at < end && *at == (array ? ']' : '}')) {
		scan->at++;
		scan->depth--;
		scan->fresh = false;
		return false;
	}
	if (!scan->fresh) {
		if (at == end || *at != ',')
			return fail(scan, "no comma where one was expected");
		scan->at = skip(at + 1, end);
	}
	scan->fresh = false;
	*key = (struct json_token){ .type = JSON_STRING };
	if (!array && !take_key(scan, key))
		return false;
	scan->waiting = true;
	return true;
}

static bool pass_over(struct json_scan *scan)
{
	unsigned floor = scan->depth;
	struct json_token ignored;
	char c = peek(scan);

	if (c != '{' && c != '[')
		return take_scalar(scan, &ignored);
	if (!json_scan_enter(scan))
		return false;
	while (scan->depth > floor && !scan->fault)
		if (step(scan, &ignored) && !json_scan_enter(scan) && !scan->fault)
			take_scalar(scan, &ignored);
	return !scan->fault;
}

bool json_scan_next(struct json_scan *scan, struct json_token *key)
{
	if (scan->fault || scan->depth == 0 || (scan->waiting && !pass_over(scan)))
		return false;
	return step(scan, key);
}

bool json_scan_value(struct json_scan *scan, struct json_token *out)
{
	const char *from = scan->at;
	char c = peek(scan);

	*out = (struct json_token){ .type = JSON_NULL };
	if (scan->fault || !scan->waiting)
		return fail(scan, "no value where one was expected");
	if (c != '{' && c != '[')
		return take_scalar(scan, out);
	if (!pass_over(scan))
		return false;
	out->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
	out->text = (struct str){ from, (size_t)(scan->at - from) };
	return true;
}

int json_scan_end(struct json_scan *scan, struct err *err)
{
	struct json_token ignored;

	if (!scan->fault && scan->waiting)
		pass_over(scan);
	while (!scan->fault && scan->depth > 0)
		json_scan_next(scan, &ignored);
	skip_blanks(scan);
	if (!scan->fault && scan->at < scan->end)
		fail(scan, "more behind the value");
	if (scan->too_deep)
		return err_set(err, ERR_LIMIT, "JSON nested deeper than %d", JSON_MAX_DEPTH);
	if (scan->fault)
		return err_set(err, ERR_PARSE, "not JSON: %s at byte %zu", scan->fault,
			(size_t)(scan->at - scan->start));
	return 0;
}

/* --- tokens --- */

static size_t put_utf8(char *to, long code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | (code >> 6));
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | (code >> 12));
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | (code >> 18));
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The character that the escape at *AT stands for; *AT moves behind it. The text was checked. */
static long decode_escape(const char **at, const char *end)
{
	long unit = escaped_unit(*at, end), low;

	if (unit < 0) {
		unit = (unsigned char)short_escape((*at)[1]);
		*at += 2;
		return unit;
	}
	*at += ESCAPE_BYTES;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	low = escaped_unit(*at, end);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += ESCAPE_BYTES;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* AT to END with its escapes decoded, to TO; behind it. */
static char *decode(const char *at, const char *end, char *to)
{
	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		size_t plain = (size_t)((slash ? slash : end) - at);

		memcpy(to, at, plain);
		to += plain;
		at += plain;
		if (slash)
			to += put_utf8(to, decode_escape(&at, end));
	}
	return to;
}

struct str json_token_text(const struct json_token *token, struct arena *arena)
{
	struct str raw = token->text;
	char *text;

	if (token->type != JSON_STRING)
		return (struct str){ NULL, 0 };
	if (!token->escaped)
		return raw;
	text = arena_alloc(arena, raw.len);
	return (struct str){ text, (size_t)(decode(raw.ptr, raw.ptr + raw.len, text) - text) };
}

bool json_token_is(const struct json_token *token, const char *name)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	if (token->type != JSON_STRING)
		return false;
	if (!token->escaped)
		return str_eq_c(token->text, name);
	/* Each character of NAME takes at most one escape. */
	return token->text.len <= ESCAPE_BYTES * strlen(name) &&
	       str_eq_c(json_token_text(token, &arena), name);
}

bool json_token_i64(const struct json_token *token, int64_t *out)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct json *value;
	struct err ignored;

	if (token->type == JSON_STRING)
		return str_to_i64(json_token_text(token, &arena), out);
	if (token->type != JSON_NUMBER)
		return false;
	return str_to_i64(token->text, out) ||
	       (json_parse(&parser, token->text, true, &value, &ignored) == 0 &&
		       json_to_i64(value, out));
}

bool json_token_is_true(const struct json_token *token)
{
	return token->type == JSON_BOOL && token->text.len == 4;
}
