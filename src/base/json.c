/*
 * JSON over yyjson. Numbers are read raw, so that 2^53+1 and 1.10 survive a round trip; the
 * parser's memory pool grows to the largest text seen and is reused. Depth is checked by a scan
 * before parsing, since yyjson nests without limit.
 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/mem.h"
#include "base/utf8.h"

static yyjson_val *raw(const struct json *value)
{
	union {
		const struct json *in;
		yyjson_val *out;
	} cast = { .in = value };

	return cast.out;
}

static const struct json *wrap(yyjson_val *value)
{
	return (const struct json *)value;
}

void json_parser_release(struct json_parser *parser)
{
	free(parser->pool);
	*parser = (struct json_parser){ 0 };
}

/* The end of a string that starts behind FROM, or the end of TEXT. */
static size_t skip_string(struct str text, size_t from)
{
	for (;;) {
		ptrdiff_t quote = str_find(text, '"', from);
		size_t at, slashes = 0;

		if (quote < 0)
			return text.len;
		for (at = (size_t)quote; at > from && text.ptr[at - 1] == '\\'; at--)
			slashes++;
		from = (size_t)quote + 1;
		if (slashes % 2 == 0)
			return from;
	}
}

static bool too_deep(struct str text)
{
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '"':
			i = skip_string(text, i + 1) - 1;
			break;
		case '[':
		case '{':
			if (++depth > JSON_MAX_DEPTH)
				return true;
			break;
		case ']':
		case '}':
			if (depth > 0)
				depth--;
			break;
		default:
			break;
		}
	}
	return false;
}

/* The worst case of a text is some ten times its length, nearly none of which is used: the system
 * gives it when it is touched. It may say no: a document is no reason to end the program. */
static bool grow_pool(struct json_parser *parser, size_t text_bytes)
{
	size_t need = yyjson_read_max_memory_usage(text_bytes, YYJSON_READ_NUMBER_AS_RAW) + 256;

	if (need <= parser->pool_bytes)
		return true;
	free(parser->pool);
	parser->pool_bytes = need < (64u << 10) ? (64u << 10) : need;
	parser->pool = malloc(parser->pool_bytes);
	if (!parser->pool)
		parser->pool_bytes = 0;
	return parser->pool != NULL;
}

/* The UTF-16 unit of an escape \uXXXX at AT, or -1. */
static long escaped_unit(struct str text, size_t at)
{
	struct str escape = str_sub(text, at, 6);
	long unit = 0;

	if (escape.len < 6 || escape.ptr[0] != '\\' || escape.ptr[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = memchr(digits, escape.ptr[i], sizeof(digits) - 1);

		if (!digit)
			return -1;
		unit = unit * 16 + (digit - digits) % 16;
	}
	return unit;
}

static bool in_block(long unit, long first)
{
	return unit >= first && unit < first + 0x400;
}

/*
 * JavaScript programs cut strings inside a surrogate pair and write the half that is left as an
 * escape, which is no character. Copy TEXT to OUT with each such half made \ufffd, at the same
 * length; false when there is none.
 */
static bool patch_surrogates(struct str text, struct buf *out)
{
	size_t at = 0;
	bool patched = false;

	buf_add(out, text);
	for (;;) {
		ptrdiff_t slash = str_find(text, '\\', at);
		long unit;

		if (slash < 0)
			return patched;
		at = (size_t)slash;
		unit = escaped_unit(text, at);
		if (in_block(unit, 0xd800) && in_block(escaped_unit(text, at + 6), 0xdc00)) {
			at += 12;
		} else if (in_block(unit, 0xd800) || in_block(unit, 0xdc00)) {
			memcpy(out->ptr + at + 2, "fffd", 4);
			patched = true;
			at += 6;
		} else {
			at += 2;
		}
	}
}

static yyjson_doc *read_text(
	struct json_parser *parser, struct str text, yyjson_read_flag flags, yyjson_read_err *fault)
{
	yyjson_alc pool;
	union {
		const char *in;
		char *out;
	} bytes = { .in = text.ptr }; /* not written to: YYJSON_READ_INSITU is off */

	if (!grow_pool(parser, text.len)) {
		fault->code = YYJSON_READ_ERROR_MEMORY_ALLOCATION;
		return NULL;
	}
	yyjson_alc_pool_init(&pool, parser->pool, parser->pool_bytes);
	return yyjson_read_opts(bytes.out, text.len, flags, &pool, fault);
}

static yyjson_doc *read_loose(struct json_parser *parser, struct str text, yyjson_read_err *fault)
{
	CLEANUP(buf_release) struct buf patched = BUF_INIT;
	yyjson_read_flag flags = YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_INVALID_UNICODE;
	yyjson_doc *doc = read_text(parser, text, flags, fault);

	if (doc || !patch_surrogates(text, &patched))
		return doc;
	return read_text(parser, buf_str(&patched), flags, fault);
}

int json_parse(struct json_parser *parser, struct str text, bool loose, const struct json **root,
	struct err *err)
{
	yyjson_read_err fault = { 0 };
	size_t mark = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;

	*root = NULL;
	text = str_sub(text, mark, text.len);
	if (text.len == 0)
		return err_set(err, ERR_PARSE, "empty text where JSON was expected");
	if (too_deep(text))
		return err_set(err, ERR_LIMIT, "JSON nested deeper than %d", JSON_MAX_DEPTH);
	parser->doc = loose ? read_loose(parser, text, &fault)
			    : read_text(parser, text, YYJSON_READ_NUMBER_AS_RAW, &fault);
	if (!parser->doc && fault.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
		return err_set(err, ERR_LIMIT, "no memory for %zu bytes of JSON", text.len);
	if (!parser->doc)
		return err_set(
			err, ERR_PARSE, "not JSON: %s at byte %zu", fault.msg, mark + fault.pos);
	*root = wrap(yyjson_doc_get_root(parser->doc));
	return 0;
}

enum json_type json_type(const struct json *value)
{
	switch (yyjson_get_type(raw(value))) {
	case YYJSON_TYPE_BOOL:
		return JSON_BOOL;
	case YYJSON_TYPE_RAW:
	case YYJSON_TYPE_NUM:
		return JSON_NUMBER;
	case YYJSON_TYPE_STR:
		return JSON_STRING;
	case YYJSON_TYPE_ARR:
		return JSON_ARRAY;
	case YYJSON_TYPE_OBJ:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

bool json_is(const struct json *value, enum json_type type)
{
	return value && json_type(value) == type;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return wrap(yyjson_obj_get(raw(object), key));
}

struct str json_str(const struct json *value)
{
	return (struct str){ yyjson_get_str(raw(value)),
		yyjson_get_len(raw(value)) * (size_t)yyjson_is_str(raw(value)) };
}

struct str json_get_str(const struct json *object, const char *key)
{
	return json_str(json_get(object, key));
}

struct str json_number_text(const struct json *value)
{
	const char *text = yyjson_get_raw(raw(value));

	return (struct str){ text, text ? yyjson_get_len(raw(value)) : 0 };
}

bool json_to_double(const struct json *value, double *out)
{
	struct str text = json_is(value, JSON_STRING) ? json_str(value) : json_number_text(value);
	char small[64];
	CLEANUP(mem_freep) char *large = text.len < sizeof(small) ? NULL : mem_alloc(text.len + 1);
	char *copy = large ? large : small;
	char *end;
	double number;

	if (text.len == 0)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	/* A string may hold what strtod takes and JSON does not: blanks, hexadecimal, names, NUL
	 * bytes. */
	if (strspn(copy, "0123456789+-.eE") != text.len || strspn(copy, "0123456789-") == 0)
		return false;
	number = strtod(copy, &end);
	if (*end != '\0' || !isfinite(number))
		return false;
	*out = number;
	return true;
}

/* VALUE x 10^POWER, with its sign; false when it does not fit or is no integer. */
static bool scale_to_i64(uint64_t value, int64_t power, bool negative, int64_t *out)
{
	if (value != 0 && power < 0)
		return false;
	for (; value != 0 && power > 0; power--)
		if (__builtin_mul_overflow(value, 10u, &value))
			return false;
	if (value > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
		return false;
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

/*
 * TEXT, a JSON number with a fraction or an exponent, as an integer, by its decimal digits: a
 * double would round what has more than 53 bits. Zeros are held back until another digit follows,
 * so that 1.000 has one digit.
 */
static bool real_to_i64(struct str text, int64_t *out)
{
	bool negative = str_starts(text, STR("-")), fraction = false;
	int64_t power = 0, exponent = 0;
	uint64_t value = 0;
	size_t zeros = 0, i;

	for (i = negative; i < text.len && text.ptr[i] != 'e' && text.ptr[i] != 'E'; i++) {
		unsigned digit = (unsigned char)text.ptr[i] - '0';

		if (text.ptr[i] == '.') {
			fraction = true;
			continue;
		}
		power -= fraction;
		zeros++;
		for (; digit != 0 && zeros > 0; zeros--)
			if (__builtin_mul_overflow(value, 10u, &value))
				return false;
		if (__builtin_add_overflow(value, digit, &value))
			return false;
	}
	text = str_sub(text, i + 1, text.len);
	text = str_sub(text, str_starts(text, STR("+")) ? 1 : 0, text.len);
	if (value == 0)
		exponent = 0;
	else if (text.len > 0 &&
		 (!str_to_i64(text, &exponent) || exponent > INT32_MAX || exponent < INT32_MIN))
		return false;
	return scale_to_i64(value, power + (int64_t)zeros + exponent, negative, out);
}

bool json_to_i64(const struct json *value, int64_t *out)
{
	struct str text = json_number_text(value);

	if (json_is(value, JSON_STRING))
		return str_to_i64(json_str(value), out);
	return text.len > 0 && (str_to_i64(text, out) || real_to_i64(text, out));
}

bool json_get_i64(const struct json *object, const char *key, int64_t *out)
{
	return json_to_i64(json_get(object, key), out);
}

bool json_is_true(const struct json *value)
{
	return yyjson_is_true(raw(value));
}

size_t json_len(const struct json *value)
{
	return json_is(value, JSON_ARRAY) || json_is(value, JSON_OBJECT)
		       ? yyjson_get_len(raw(value))
		       : 0;
}

struct json_iter json_iter(const struct json *container)
{
	struct json_iter iter = { .count = json_len(container) };

	if (iter.count == 0)
		return iter;
	iter.object = json_type(container) == JSON_OBJECT;
	if (iter.object) {
		yyjson_obj_iter first = yyjson_obj_iter_with(raw(container));

		iter.at = wrap(yyjson_obj_iter_next(&first));
	} else {
		iter.at = wrap(yyjson_arr_get_first(raw(container)));
	}
	return iter;
}

bool json_next(struct json_iter *iter, struct str *key, const struct json **value)
{
	if (iter->index >= iter->count)
		return false;
	iter->index++;
	*key = (struct str){ NULL, 0 };
	*value = iter->at;
	if (iter->object) {
		*key = json_str(iter->at);
		*value = wrap(yyjson_obj_iter_get_val(raw(iter->at)));
	}
	if (iter->index < iter->count) {
		/* Values of one container follow each other; yyjson's own iterators step like this.
		 */
		yyjson_arr_iter step = { .idx = 0, .max = 2, .cur = raw(*value) };

		yyjson_arr_iter_next(&step);
		iter->at = wrap(step.cur);
	}
	return true;
}

struct json_writer json_writer(struct buf *out)
{
	return (struct json_writer){ .out = out };
}

static void before_value(struct json_writer *writer)
{
	uint64_t *word = &writer->started[writer->depth / 64];
	uint64_t bit = UINT64_C(1) << (writer->depth % 64);

	if (writer->after_key) {
		writer->after_key = false;
		return;
	}
	if (*word & bit)
		buf_byte(writer->out, ',');
	*word |= bit;
}

static void open_level(struct json_writer *writer, char bracket)
{
	before_value(writer);
	buf_byte(writer->out, bracket);
	writer->depth++;
	ASSERT(writer->depth <= JSON_MAX_DEPTH + 8);
	writer->started[writer->depth / 64] &= ~(UINT64_C(1) << (writer->depth % 64));
}

static void close_level(struct json_writer *writer, char bracket)
{
	ASSERT(writer->depth > 0 && !writer->after_key);
	writer->depth--;
	buf_byte(writer->out, bracket);
}

void json_begin_object(struct json_writer *writer)
{
	open_level(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
	close_level(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
	open_level(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
	close_level(writer, ']');
}

/* Bytes that stand for themselves inside a JSON string, valid UTF-8 already assumed for those >=
 * 0x80. */
static bool plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c < 0x7f;
}

static void add_escaped(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const struct {
		char byte;
		char letter;
	} short_forms[] = { { '"', '"' }, { '\\', '\\' }, { '\b', 'b' }, { '\f', 'f' },
		{ '\n', 'n' }, { '\r', 'r' }, { '\t', 't' } };
	char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	for (size_t i = 0; i < ARRAY_LEN(short_forms); i++) {
		if ((unsigned char)short_forms[i].byte == c) {
			escape[1] = short_forms[i].letter;
			buf_add(out, (struct str){ escape, 2 });
			return;
		}
	}
	buf_add(out, (struct str){ escape, sizeof(escape) });
}

void json_quote(struct buf *out, struct str s)
{
	size_t i = 0;

	buf_byte(out, '"');
	while (i < s.len) {
		size_t from = i;

		while (i < s.len && plain((unsigned char)s.ptr[i]))
			i++;
		if (i > from)
			buf_add(out, (struct str){ s.ptr + from, i - from });
		if (i == s.len)
			break;
		if ((unsigned char)s.ptr[i] >= 0x80) {
			size_t width = utf8_sequence(s, i);

			buf_add(out, width > 0 ? str_sub(s, i, width) : UTF8_REPLACEMENT);
			i += width > 0 ? width : 1;
			continue;
		}
		add_escaped(out, (unsigned char)s.ptr[i++]);
	}
	buf_byte(out, '"');
}

void json_key(struct json_writer *writer, struct str key)
{
	before_value(writer);
	json_quote(writer->out, key);
	buf_byte(writer->out, ':');
	writer->after_key = true;
}

void json_put_str(struct json_writer *writer, struct str value)
{
	before_value(writer);
	json_quote(writer->out, value);
}

void json_put_i64(struct json_writer *writer, int64_t value)
{
	before_value(writer);
	buf_i64(writer->out, value);
}

void json_put_raw(struct json_writer *writer, struct str json)
{
	before_value(writer);
	buf_add(writer->out, json);
}

void json_put_bool(struct json_writer *writer, bool value)
{
	json_put_raw(writer, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *writer)
{
	json_put_raw(writer, STR("null"));
}

void json_put_double(struct json_writer *writer, double value)
{
	char text[40];
	/* All of 15 digits are kept by a double of full precision; near zero it has less. */
	int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;

	ASSERT(isfinite(value));
	for (; digits <= DBL_DECIMAL_DIG; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	json_put_raw(writer, str_from(text));
}

void json_put_value(struct json_writer *writer, const struct json *value)
{
	struct json_iter iter = json_iter(value);
	struct str key;
	const struct json *member;

	switch (json_type(value)) {
	case JSON_NULL:
		json_put_null(writer);
		return;
	case JSON_BOOL:
		json_put_bool(writer, json_is_true(value));
		return;
	case JSON_NUMBER:
		json_put_raw(writer, json_number_text(value));
		return;
	case JSON_STRING:
		json_put_str(writer, json_str(value));
		return;
	case JSON_ARRAY:
		json_begin_array(writer);
		while (json_next(&iter, &key, &member))
			json_put_value(writer, member);
		json_end_array(writer);
		return;
	case JSON_OBJECT:
		json_begin_object(writer);
		while (json_next(&iter, &key, &member)) {
			json_key(writer, key);
			json_put_value(writer, member);
		}
		json_end_object(writer);
		return;
	}
}

void json_kv_str(struct json_writer *writer, const char *key, struct str value)
{
	json_key(writer, str_from(key));
	if (value.ptr)
		json_put_str(writer, value);
	else
		json_put_null(writer);
}

void json_kv_i64(struct json_writer *writer, const char *key, int64_t value)
{
	json_key(writer, str_from(key));
	json_put_i64(writer, value);
}

void json_kv_bool(struct json_writer *writer, const char *key, bool value)
{
	json_key(writer, str_from(key));
	json_put_bool(writer, value);
}

void json_kv_null(struct json_writer *writer, const char *key)
{
	json_key(writer, str_from(key));
	json_put_null(writer);
}
