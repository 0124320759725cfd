/* Floats as ActivityWatch prints them, and one text per value. */
#include "tap.h"

#include <float.h>
#include <math.h>

#include "base/json.h"
#include "base/mem.h"

enum { ROUNDS = 20000 };

/* The same every time: a failure can be looked at (splitmix64). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Canonical text of TEXT into OUT; false when there is none. */
static bool canonical(struct buf *out, struct str text, bool loose)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err = { 0 };
	bool ok;

	buf_clear(out);
	if (!OK(json_parse(&parser, text, loose, &root, &err) == 0))
		return false;
	ok = json_canonical(out, root);
	json_parser_release(&parser);
	return ok;
}

static void floats_have_their_form(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = { { 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1, "-1.0" },
		{ 100000, "100000.0" }, { 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 2.5, "2.5" }, { 123.456, "123.456" }, { 8.199999999, "8.199999999" },
		{ 1e15, "1000000000000000.0" }, { 1234567890123456.7, "1234567890123456.8" },
		{ 9007199254740991.0, "9007199254740991.0" },
		{ 9007199254740992.0, "9007199254740992.0" },
		{ 9999999999999998.0, "9999999999999998.0" }, { 1e16, "1e16" }, { 2e16, "2e16" },
		{ 123456789012345678.0, "1.2345678901234568e17" }, { 1e21, "1e21" },
		{ 1e22, "1e22" }, { 1e23, "1e23" }, { 1e300, "1e300" }, { -1.5e300, "-1.5e300" },
		{ 0.001, "0.001" }, { 0.0001, "0.0001" }, { 0.00001, "0.00001" },
		{ 0.000012345, "0.000012345" }, { 0.0000099, "9.9e-6" }, { 1e-6, "1e-6" },
		{ 1e-7, "1e-7" }, { 1.5e-10, "1.5e-10" }, { 5e-324, "5e-324" },
		{ 2.5e-320, "2.5e-320" }, { DBL_MIN, "2.2250738585072014e-308" },
		{ DBL_MAX, "1.7976931348623157e308" }, { -DBL_MAX, "-1.7976931348623157e308" },
		{ 1.0 / 3, "0.3333333333333333" }, { (double)NAN, "null" },
		{ (double)INFINITY, "null" }, { -(double)INFINITY, "null" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;
		struct json_writer writer = json_writer(&out);

		json_put_float(&writer, rows[i].value);
		IS_CSTR(buf_cstr(&out), rows[i].text);
		buf_release(&out);
	}
}

static void floats_take_their_commas(void)
{
	struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);

	json_begin_array(&writer);
	json_put_float(&writer, 1);
	json_put_float(&writer, 0.5);
	json_put_float(&writer, (double)NAN);
	json_begin_object(&writer);
	json_key(&writer, STR("a"));
	json_put_float(&writer, 2);
	json_end_object(&writer);
	json_end_array(&writer);
	IS_CSTR(buf_cstr(&out), "[1.0,0.5,null,{\"a\":2.0}]");
	buf_release(&out);
}

/* Any bits: the text has a fraction or an exponent, is JSON, and reads back to the same bits. */
static void random_floats_read_back(void)
{
	uint64_t random = 7;
	struct json_parser parser = { 0 };
	struct buf out = BUF_INIT;
	int wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct json_writer writer = json_writer(&out);
		uint64_t bits = next_random(&random);
		const struct json *root;
		struct err err = { 0 };
		double value, back = 0;

		memcpy(&value, &bits, sizeof(value));
		if (i % 2)
			value = (double)(int64_t)bits / (double)(1u << (bits % 31));
		if (!isfinite(value))
			continue;
		buf_clear(&out);
		json_put_float(&writer, value);
		wrong += strpbrk(buf_cstr(&out), ".e") == NULL;
		if (!OK(json_parse(&parser, buf_str(&out), false, &root, &err) == 0))
			break;
		wrong += !json_to_double(root, &back) || memcmp(&back, &value, sizeof(back)) != 0;
	}
	IS_INT(wrong, 0);
	json_parser_release(&parser);
	buf_release(&out);
}

static void values_have_one_text(void)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ " { } ", "{}" },
		{ " [ ] ", "[]" },
		{ "[[],{},[ 1 , 2 ]]", "[[],{},[1,2]]" },
		{ "null", "null" },
		{ "[true,false]", "[true,false]" },
		{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}" },
		{ "{\"b\":1,\"$x\":0,\"B\":2,\"\xc3\xa9\":3,\"\":4}",
			"{\"\":4,\"$x\":0,\"B\":2,\"b\":1,\"\xc3\xa9\":3}" },
		{ "{\"ab\":1,\"a\":2,\"abc\":3}", "{\"a\":2,\"ab\":1,\"abc\":3}" },
		{ "{\"a\":1,\"b\":2,\"a\":3,\"b\":4,\"a\":5}", "{\"a\":5,\"b\":4}" },
		{ "{\"a\":1,\"\\u0061\":2}", "{\"a\":2}" },
		{ "{\"z\":{\"y\":1,\"x\":[{\"b\":1,\"a\":2}]}}",
			"{\"z\":{\"x\":[{\"a\":2,\"b\":1}],\"y\":1}}" },
		{ "{\"big\":12345678901234567890,\"e\":1e300,\"f\":1.0,\"i\":1,\"n\":-5,\"neg0\":-0.0}",
			"{\"big\":12345678901234567890,\"e\":1e300,\"f\":1.0,\"i\":1,\"n\":-5,"
			"\"neg0\":-0.0}" },
		{ "[1,1.0,1e0,10E-1,1.00]", "[1,1.0,1.0,1.0,1.0]" },
		{ "[0,-0,0.0,0e9]", "[0,-0.0,0.0,0.0]" },
		{ "[9223372036854775807,-9223372036854775808,18446744073709551615]",
			"[9223372036854775807,-9223372036854775808,18446744073709551615]" },
		{ "[18446744073709551616,-9223372036854775809]",
			"[1.8446744073709552e19,-9.223372036854776e18]" },
		{ "[1e-400,-1e-400]", "[0.0,-0.0]" },
		{ "\"\\u0041\\/\\u00e9\\ud83d\\ude00\"", "\"A/\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\u007f\\\"\\\\\"",
			"\"\\u0000\\b\\t\\n\\f\\r\\u001f\x7f\\\"\\\\\"" },
	};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(canonical(&out, str_from(rows[i].text), false));
		IS_CSTR(buf_cstr(&out), rows[i].canonical);
	}
	buf_release(&out);
}

/* Read loosely, bytes that are not UTF-8 become U+FFFD, and keys that become equal so are one. */
static void invalid_utf8_is_replaced(void)
{
	struct buf out = BUF_INIT;

	OK(canonical(&out, STR("{\"\xff\":\"a\xe2\x82\",\"b\":1,\"\xfe\":\"last\"}"), true));
	IS_CSTR(buf_cstr(&out), "{\"b\":1,\"\xef\xbf\xbd\":\"last\"}");
	OK(canonical(&out, STR("[\"a\xe2\x82z\"]"), true));
	IS_CSTR(buf_cstr(&out), "[\"a\xef\xbf\xbd\xef\xbf\xbdz\"]");
	buf_release(&out);
}

static void too_large_numbers_leave_nothing(void)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err = { 0 };
	struct buf out = BUF_INIT;

	IS_INT(json_parse(&parser, STR("1e999"), false, &root, &err), 0);
	OK(!json_canonical(&out, root));
	OK(out.ptr == NULL);
	IS_INT(json_parse(&parser, STR("{\"a\":[1,1e999]}"), false, &root, &err), 0);
	OK(!json_canonical(&out, root));
	IS_CSTR(buf_cstr(&out), "");
	buf_addc(&out, "before");
	OK(!json_canonical(&out, root));
	IS_CSTR(buf_cstr(&out), "before");
	IS_INT(json_parse(&parser, STR("{\"a\":1}"), false, &root, &err), 0);
	OK(json_canonical(&out, root));
	IS_CSTR(buf_cstr(&out), "before{\"a\":1}");
	buf_release(&out);
	json_parser_release(&parser);
}

/* Add the members I*STEP mod COUNT, in that order; the value is the key's number. */
static void add_members(struct buf *text, size_t count, size_t step, const char *more)
{
	buf_byte(text, '{');
	for (size_t i = 0; i < count; i++)
		buf_printf(text, "\"k%zu\": %zu, ", i * step % count, i * step % count);
	buf_printf(text, "\"k0\" : %s}", more);
}

/* Objects below, at and above the number of members that are sorted without an allocation. */
static void the_order_of_keys_does_not_matter(void)
{
	static const size_t counts[] = { 1, 2, 5, 15, 16, 17, 1009 };
	struct buf text = BUF_INIT, out = BUF_INIT, first = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		buf_clear(&first);
		for (size_t step = 1; step < 200 && (step < counts[i] || step == 1); step++) {
			size_t a = counts[i], b = step;

			while (b != 0) {
				size_t rest = a % b;

				a = b;
				b = rest;
			}
			if (a != 1)
				continue; /* would repeat some keys and leave others out */
			buf_clear(&text);
			add_members(&text, counts[i], step, "\"last\"");
			OK(canonical(&out, buf_str(&text), false));
			if (first.len == 0)
				buf_add(&first, buf_str(&out));
			IS_STR(buf_str(&out), buf_cstr(&first));
		}
		OK(str_starts(buf_str(&first), STR("{\"k0\":\"last\"")));
	}
	buf_release(&text);
	buf_release(&out);
	buf_release(&first);
}

static void canonical_text_is_its_own(void)
{
	static const char *const parts[] = { "1", "-0", "1.50", "1E5", "\"\\u00e9\"", "\"\\t\"",
		"null", "true", "[]", "{}", "[1,2.0]", "{\"b\":1,\"a\":{\"d\":0.1,\"c\":1e-9}}",
		"123456789012345678901234567890" };
	static const char *const keys[] = { "a", "b", "\\u0061", "$c", "\\n", "" };
	uint64_t random = 11;
	struct buf text = BUF_INIT, once = BUF_INIT, again = BUF_INIT;

	for (int i = 0; i < ROUNDS / 20; i++) {
		size_t members = next_random(&random) % 24;

		buf_clear(&text);
		buf_addc(&text, "{");
		for (size_t m = 0; m < members; m++)
			buf_printf(&text, "%s\"%s\" :%s", m > 0 ? "," : "",
				keys[next_random(&random) % ARRAY_LEN(keys)],
				parts[next_random(&random) % ARRAY_LEN(parts)]);
		buf_addc(&text, "}");
		if (!OK(canonical(&once, buf_str(&text), false)))
			break;
		if (!OK(canonical(&again, buf_str(&once), false)))
			break;
		IS_STR(buf_str(&again), buf_cstr(&once));
	}
	buf_release(&text);
	buf_release(&once);
	buf_release(&again);
}

static void depth_is_no_problem(void)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < JSON_MAX_DEPTH - 1; i++)
		buf_addc(&text, "{\"k\":");
	buf_addc(&text, "[]");
	for (int i = 0; i < JSON_MAX_DEPTH - 1; i++)
		buf_addc(&text, "}");
	OK(canonical(&out, buf_str(&text), false));
	IS_STR(buf_str(&out), buf_cstr(&text));
	buf_release(&text);
	buf_release(&out);
}

static const struct tap_case cases[] = {
	TAP_CASE(floats_have_their_form),
	TAP_CASE(floats_take_their_commas),
	TAP_CASE(random_floats_read_back),
	TAP_CASE(values_have_one_text),
	TAP_CASE(invalid_utf8_is_replaced),
	TAP_CASE(too_large_numbers_leave_nothing),
	TAP_CASE(the_order_of_keys_does_not_matter),
	TAP_CASE(canonical_text_is_its_own),
	TAP_CASE(depth_is_no_problem),
};

TAP_MAIN(cases)
