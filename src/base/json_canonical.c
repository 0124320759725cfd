/*
 * One text per value. Objects of a few members, which is what events hold, are sorted on the stack
 * without an allocation; only large ones, and keys that are not UTF-8, cost memory.
 *
 * The form of floats is that of Rust's serde_json; its shortest digits come from yyjson, which
 * places the point otherwise.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

enum {
	FLOAT_BYTES = 32,    /* "-1.2345678901234567e-308" and some */
	MAX_DIGITS = 17,     /* that a double can need */
	POINT_FIRST = -4,    /* digits before the point: 0.00001 has -4; fewer take an exponent */
	POINT_LAST = 16,     /* 1e15 has 16; more take an exponent */
	SMALL_MEMBERS = 16,  /* sorted on the stack */
	EXACT_BITS = 53,     /* integers of a double that stand for themselves */
	POOL_BYTES = 1 << 10 /* for one number in yyjson's writer */
};

/* Eight bytes at once. */
#define BYTE_ONES UINT64_C(0x0101010101010101)
#define BYTE_HIGHS UINT64_C(0x8080808080808080)

/* 0.DIGITS x 10^POINT */
struct decimal {
	char digits[MAX_DIGITS + 1];
	int count;
	int point;
};

/* The shortest digits that read back as VALUE, which is finite and positive. */
static struct decimal shortest(double value)
{
	struct decimal out = { .point = 0 };
	char pool[POOL_BYTES];
	yyjson_alc memory;
	yyjson_val number = { 0 };
	size_t len = 0;
	const char *text, *at;
	bool fraction = false;

	yyjson_alc_pool_init(&memory, pool, sizeof(pool));
	yyjson_set_real(&number, value);
	text = yyjson_val_write_opts(&number, 0, &memory, &len, NULL);
	ASSERT(text != NULL);
	for (at = text; at < text + len && *at != 'e'; at++) {
		if (*at == '.') {
			fraction = true;
			continue;
		}
		if (out.count > 0 || *at != '0') {
			out.point += !fraction;
			if (out.count < MAX_DIGITS)
				out.digits[out.count++] = *at;
		} else {
			out.point -= fraction;
		}
	}
	while (out.count > 1 && out.digits[out.count - 1] == '0')
		out.count--;
	if (at < text + len)
		out.point += (int)strtol(at + 1, NULL, 10);
	return out;
}

static size_t put_run(char *to, size_t at, const char *digits, int count)
{
	memcpy(to + at, digits, (size_t)count);
	return at + (size_t)count;
}

static size_t put_zeros(char *to, size_t at, int count)
{
	memset(to + at, '0', (size_t)count);
	return at + (size_t)count;
}

/* D as text, in the form that its size asks for. */
static size_t put_decimal(char *to, size_t at, const struct decimal *d)
{
	if (d->point < POINT_FIRST || d->point > POINT_LAST) {
		to[at++] = d->digits[0];
		if (d->count > 1) {
			to[at++] = '.';
			at = put_run(to, at, d->digits + 1, d->count - 1);
		}
		return at + (size_t)sprintf(to + at, "e%d", d->point - 1);
	}
	if (d->point <= 0) {
		at = put_run(to, at, "0.", 2);
		at = put_zeros(to, at, -d->point);
		return put_run(to, at, d->digits, d->count);
	}
	if (d->point >= d->count) {
		at = put_run(to, at, d->digits, d->count);
		at = put_zeros(to, at, d->point - d->count);
		return put_run(to, at, ".0", 2);
	}
	at = put_run(to, at, d->digits, d->point);
	to[at++] = '.';
	return put_run(to, at, d->digits + d->point, d->count - d->point);
}

static void add_float(struct buf *out, double value)
{
	char text[2 * FLOAT_BYTES];
	double size = fabs(value);
	size_t at = 0;
	struct decimal d;

	if (signbit(value))
		text[at++] = '-';
	if (size < (double)(UINT64_C(1) << EXACT_BITS) && size == floor(size)) {
		/* Its own digits are the shortest, but for zeros at the end, which stay. */
		at += (size_t)sprintf(text + at, "%llu.0", (unsigned long long)size);
	} else {
		d = shortest(size);
		at = put_decimal(text, at, &d);
	}
	buf_add(out, (struct str){ text, at });
}

void json_put_float(struct json_writer *writer, double value)
{
	if (!isfinite(value)) {
		json_put_null(writer);
		return;
	}
	json_put_raw(writer, (struct str){ NULL, 0 }); /* the comma, if one is due */
	add_float(writer->out, value);
}

/* "-0" is no integer: as one it would lose its sign. */
static bool is_integer(struct str text)
{
	int64_t with_sign;
	uint64_t without;

	if (str_starts(text, STR("-")))
		return str_to_i64(text, &with_sign) && with_sign != 0;
	return str_to_u64(text, &without);
}

static bool add_number(struct buf *out, const struct json *value)
{
	struct str text = json_number_text(value);
	double number;

	if (is_integer(text)) {
		buf_add(out, text);
		return true;
	}
	if (!json_to_double(value, &number))
		return false;
	add_float(out, number);
	return true;
}

static void add_escaped(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = { ['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
		['"'] = '"',
		['\\'] = '\\' };
	char code[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (letters[c]) {
		code[1] = letters[c];
		buf_add(out, (struct str){ code, 2 });
	} else {
		buf_add(out, (struct str){ code, sizeof(code) });
	}
}

/* Of eight bytes, the high bit of each that is below LIMIT (at most 0x80); right for the lowest
 * that is, which is enough to know whether there is one. */
static uint64_t bytes_below(uint64_t word, unsigned limit)
{
	return (word - limit * BYTE_ONES) & ~word & BYTE_HIGHS;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Bytes from AT on that stand for themselves, whatever follows them. */
static size_t plain_run(struct str s, size_t at)
{
	size_t i = at;

	for (; i + sizeof(uint64_t) <= s.len; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, s.ptr + i, sizeof(word));
		if ((word & BYTE_HIGHS) | bytes_below(word, 0x20) |
			bytes_below(word ^ ('"' * BYTE_ONES), 1) |
			bytes_below(word ^ ('\\' * BYTE_ONES), 1))
			break;
	}
	while (i < s.len && is_plain((unsigned char)s.ptr[i]))
		i++;
	return i - at;
}

/* As json_quote, but DEL stands for itself. */
static void add_string(struct buf *out, struct str s)
{
	buf_reserve(out, s.len + 2);
	buf_byte(out, '"');
	for (size_t i = 0; i < s.len;) {
		size_t count = plain_run(s, i);

		buf_add(out, str_sub(s, i, count));
		i += count;
		if (i == s.len)
			break;
		if ((unsigned char)s.ptr[i] < 0x80) {
			add_escaped(out, (unsigned char)s.ptr[i++]);
			continue;
		}
		count = utf8_sequence(s, i);
		buf_add(out, count > 0 ? str_sub(s, i, count) : UTF8_REPLACEMENT);
		i += count > 0 ? count : 1;
	}
	buf_byte(out, '"');
}

struct member {
	struct str key;
	const struct json *value;
	size_t place; /* of repeated keys the last place counts */
};

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = str_cmp(a->key, b->key);

	return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static void sort_members(struct member *members, size_t count)
{
	if (count > SMALL_MEMBERS) {
		qsort(members, count, sizeof(*members), compare_members);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct member moved = members[i];
		size_t to = i;

		for (; to > 0 && compare_members(&members[to - 1], &moved) > 0; to--)
			members[to] = members[to - 1];
		members[to] = moved;
	}
}

/* The key as it will be written: two that differ in invalid bytes only are the same key. */
static struct str clean_key(struct str key, struct arena *arena)
{
	struct buf clean = BUF_INIT;

	if (utf8_valid(key))
		return key;
	utf8_add_clean(&clean, key);
	key = arena_str(arena, buf_str(&clean));
	buf_release(&clean);
	return key;
}

static bool add_value(struct buf *out, const struct json *value, struct arena *arena);

static bool add_object(struct buf *out, const struct json *object, struct arena *arena)
{
	struct member small[SMALL_MEMBERS], *members = small;
	struct json_iter iter = json_iter(object);
	struct member *next;
	size_t count = 0;

	if (iter.count > SMALL_MEMBERS)
		members = arena_zalloc(arena, iter.count, sizeof(*members));
	for (next = members; json_next(&iter, &next->key, &next->value); next++) {
		next->key = clean_key(next->key, arena);
		next->place = count;
		if (++count == iter.count)
			break;
	}
	sort_members(members, count);
	buf_byte(out, '{');
	for (size_t i = 0, written = 0; i < count; i++) {
		if (i + 1 < count && str_eq(members[i].key, members[i + 1].key))
			continue;
		if (written++ > 0)
			buf_byte(out, ',');
		add_string(out, members[i].key);
		buf_byte(out, ':');
		if (!add_value(out, members[i].value, arena))
			return false;
	}
	buf_byte(out, '}');
	return true;
}

static bool add_array(struct buf *out, const struct json *array, struct arena *arena)
{
	struct json_iter iter = json_iter(array);
	struct str key;
	const struct json *element;
	char before = '[';

	if (iter.count == 0)
		buf_byte(out, before);
	while (json_next(&iter, &key, &element)) {
		buf_byte(out, before);
		before = ',';
		if (!add_value(out, element, arena))
			return false;
	}
	buf_byte(out, ']');
	return true;
}

static bool add_value(struct buf *out, const struct json *value, struct arena *arena)
{
	switch (json_type(value)) {
	case JSON_NULL:
		buf_add(out, STR("null"));
		return true;
	case JSON_BOOL:
		buf_add(out, json_is_true(value) ? STR("true") : STR("false"));
		return true;
	case JSON_NUMBER:
		return add_number(out, value);
	case JSON_STRING:
		add_string(out, json_str(value));
		return true;
	case JSON_ARRAY:
		return add_array(out, value, arena);
	case JSON_OBJECT:
		return add_object(out, value, arena);
	}
	return false;
}

bool json_canonical(struct buf *out, const struct json *value)
{
	struct arena arena = { 0 };
	size_t before = out->len;
	bool fits = add_value(out, value, &arena);

	arena_release(&arena);
	if (!fits && out->ptr) {
		out->len = before;
		out->ptr[before] = '\0';
	}
	return fits;
}
