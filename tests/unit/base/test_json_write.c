/* The JSON writer: commas and escapes where they belong, numbers that read back, UTF-8 whatever it
 * is given. */
#include "tap.h"

#include <float.h>
#include <math.h>

#include "base/json.h"
#include "base/utf8.h"

static void writes_everything(void)
{
	struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);

	json_begin_object(&writer);
	json_kv_str(&writer, "s", STR("a\"b"));
	json_kv_str(&writer, "empty", STR(""));
	json_kv_str(&writer, "none", (struct str){ NULL, 0 });
	json_kv_i64(&writer, "i", INT64_MIN);
	json_kv_bool(&writer, "t", true);
	json_kv_null(&writer, "n");
	json_key(&writer, STR("list\n"));
	json_begin_array(&writer);
	json_put_i64(&writer, 1);
	json_put_bool(&writer, false);
	json_put_null(&writer);
	json_put_double(&writer, 0.1);
	json_put_raw(&writer, STR("{\"raw\":1.10}"));
	json_begin_array(&writer);
	json_end_array(&writer);
	json_begin_object(&writer);
	json_end_object(&writer);
	json_put_str(&writer, (struct str){ NULL, 0 });
	json_end_array(&writer);
	json_kv_i64(&writer, "last", 2);
	json_end_object(&writer);
	IS_CSTR(buf_cstr(&out),
		"{\"s\":\"a\\\"b\",\"empty\":\"\",\"none\":null,\"i\":-9223372036854775808,\"t\":true,\"n\":null,"
		"\"list\\n\":[1,false,null,0.1,{\"raw\":1.10},[],{},\"\"],\"last\":2}");
	IS_INT(writer.depth, 0);
	buf_release(&out);
}

/* One bit a level says whether a comma is due; levels 63, 64, 127, 128 lie at the words' borders.
 */
static void commas_are_right_at_every_depth(void)
{
	struct buf out = BUF_INIT, want = BUF_INIT;
	struct json_writer writer = json_writer(&out);

	for (int i = 0; i < JSON_MAX_DEPTH; i++) {
		json_begin_array(&writer);
		json_put_i64(&writer, i);
		buf_printf(&want, "%s[%d", i > 0 ? "," : "", i);
	}
	for (int i = 0; i < JSON_MAX_DEPTH; i++) {
		json_begin_array(&writer);
		json_end_array(&writer);
		json_put_i64(&writer, i);
		json_end_array(&writer);
		buf_printf(&want, ",[],%d]", i);
	}
	IS_CSTR(buf_cstr(&out), buf_cstr(&want));
	buf_release(&out);
	buf_release(&want);
}

static void doubles_are_short_and_read_back(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = { { 0, "0" }, { 1, "1" }, { -2.5, "-2.5" }, { 0.1, "0.1" }, { 1e23, "1e+23" },
		{ 1.0 / 3, "0.3333333333333333" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 9007199254740992.0, "9007199254740992" }, { 5e-324, "5e-324" },
		{ 2.5e-320, "2.5e-320" }, { 1700000000.123, "1700000000.123" } };
	static const double hard[] = { DBL_MAX, -DBL_MAX, DBL_MIN, DBL_MIN / 3, M_PI,
		123456789.12345679 };

	for (size_t i = 0; i < ARRAY_LEN(rows) + ARRAY_LEN(hard); i++) {
		double value = i < ARRAY_LEN(rows) ? rows[i].value : hard[i - ARRAY_LEN(rows)],
		       back = 0;
		struct json_parser parser = { 0 };
		const struct json *root;
		struct err err = { 0 };
		struct buf out = BUF_INIT;
		struct json_writer writer = json_writer(&out);

		json_put_double(&writer, value);
		if (i < ARRAY_LEN(rows))
			IS_CSTR(buf_cstr(&out), rows[i].text);
		IS_INT(json_parse(&parser, buf_str(&out), false, &root, &err), 0);
		OK(json_to_double(root, &back));
		OK(back == value);
		buf_release(&out);
		json_parser_release(&parser);
	}
}

static void quotes(void)
{
	struct buf out = BUF_INIT;

	json_quote(&out, STR("a\"\\\x01\x1f\x7f\n\xc3\xa9\xff\xe2\x82"));
	IS_CSTR(buf_cstr(&out),
		"\"a\\\"\\\\\\u0001\\u001f\\u007f\\n\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_clear(&out);
	json_quote(&out, (struct str){ NULL, 0 });
	IS_CSTR(buf_cstr(&out), "\"\"");
	buf_release(&out);
}

/* Every byte, and every pair of a lead byte and another: what is written is UTF-8 and parses
 * strictly. */
static void whatever_is_quoted_parses(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	struct buf out = BUF_INIT, clean = BUF_INIT;
	int wrong = 0;

	for (int first = 0; first < 256; first++) {
		for (int second = 0; second < 256; second += first < 0x80 ? 51 : 1) {
			char bytes[2] = { (char)first, (char)second };
			struct str text = { bytes, sizeof(bytes) };
			const struct json *root = NULL;

			buf_clear(&out);
			buf_clear(&clean);
			json_quote(&out, text);
			utf8_add_clean(&clean, text);
			wrong += json_parse(&parser, buf_str(&out), false, &root, &err) != 0;
			wrong += !str_eq(json_str(root), buf_str(&clean));
		}
	}
	IS_INT(wrong, 0);
	buf_release(&out);
	buf_release(&clean);
	json_parser_release(&parser);
}

static const struct tap_case cases[] = {
	TAP_CASE(writes_everything),
	TAP_CASE(commas_are_right_at_every_depth),
	TAP_CASE(doubles_are_short_and_read_back),
	TAP_CASE(quotes),
	TAP_CASE(whatever_is_quoted_parses),
};

TAP_MAIN(cases)
