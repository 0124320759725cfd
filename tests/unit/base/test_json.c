/* JSON: what is accepted, how deep, which bytes come out again, and that values are what they were.
 */
#include "tap.h"

#include "base/json.h"

/* The root of TEXT, or NULL; failures are left in ERR. */
static const struct json *parse(
	struct json_parser *parser, struct str text, bool loose, struct err *err)
{
	const struct json *root = NULL;
	int result = json_parse(parser, text, loose, &root, err);

	OK((result == 0) == (root != NULL));
	OK(result == 0 || result == err->code);
	return root;
}

/* TEXT parses, and written again it is WANT. */
static void rewrites(struct str text, bool loose, const char *want, int line)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	const struct json *root = parse(&parser, text, loose, &err);

	if (tap_check(root != NULL, __FILE__, line, "%.*s: %s", STR_ARG(text), err.message)) {
		json_put_value(&writer, root);
		tap_is_str(buf_str(&out), str_from(want), __FILE__, line);
	}
	buf_release(&out);
	json_parser_release(&parser);
}

#define REWRITES(text, want) rewrites(STR(text), false, want, __LINE__)
#define REWRITES_LOOSE(text, want) rewrites(STR(text), true, want, __LINE__)

static void refuses(struct str text, bool loose, int code, int line)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	const struct json *root = NULL;

	tap_is_int(json_parse(&parser, text, loose, &root, &err), code, text.ptr ? text.ptr : "",
		__FILE__, line);
	OK(root == NULL);
	OK(err.message[0] != '\0');
	json_parser_release(&parser);
}

static void rewrites_minified(void)
{
	REWRITES("null", "null");
	REWRITES(" true\n", "true");
	REWRITES("\t\"x\"\r\n", "\"x\"");
	REWRITES("[ ]", "[]");
	REWRITES("{ }", "{}");
	REWRITES("[1, [2, [], {}], {\"a\" : [3, {\"b\": null}], \"c\":false} , 4]",
		"[1,[2,[],{}],{\"a\":[3,{\"b\":null}],\"c\":false},4]");
	REWRITES("{\"z\":1,\"a\":{\"q\":[[[]]]},\"m\":\"\"}",
		"{\"z\":1,\"a\":{\"q\":[[[]]]},\"m\":\"\"}");
	REWRITES("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}");
	REWRITES("{\"\":1}", "{\"\":1}");
}

static void numbers_keep_their_text(void)
{
	REWRITES("9007199254740993", "9007199254740993");
	REWRITES("1.10", "1.10");
	REWRITES("[0,-0,0.0,-0.0,1e5,1E+5,1e-05,123456789012345678901234567890]",
		"[0,-0,0.0,-0.0,1e5,1E+5,1e-05,123456789012345678901234567890]");
	REWRITES("1e999", "1e999");
	REWRITES("{\"n\":0.1000000000000000055511151231257827021181583404541015625000000000000000}",
		"{\"n\":0.1000000000000000055511151231257827021181583404541015625000000000000000}");
}

static void strings_keep_their_characters(void)
{
	REWRITES("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
		"\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	REWRITES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	REWRITES("\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\\u007f\"");
	REWRITES("\"a\\u0000b\"", "\"a\\u0000b\"");
	REWRITES("{\"k\\u0000\":\"\\\\u0041\"}", "{\"k\\u0000\":\"\\\\u0041\"}");
	REWRITES("\"\xe2\x80\xa8\"", "\"\xe2\x80\xa8\"");
}

static void refuses_what_is_not_json(void)
{
	static const char *const texts[] = { " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "'a'",
		"[1 2]", "nul", "NaN", "Infinity", "-", "+1", "01", ".5", "1.", "1e", "0x10", "\"",
		"\"\\x\"", "\"\\u12g4\"", "// c\n1", "1 2", "{} x", "]", "{\"a\"}", "[1}", "\"\\",
		"\"\\\"", "\\ud800", "[\\ud800]" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		refuses(str_from(texts[i]), false, ERR_PARSE, __LINE__);
		refuses(str_from(texts[i]), true, ERR_PARSE, __LINE__);
	}
	refuses(STR(""), false, ERR_PARSE, __LINE__);
	refuses((struct str){ NULL, 0 }, false, ERR_PARSE, __LINE__);
	refuses(STR("1\0"), true, ERR_PARSE, __LINE__);
	refuses(STR("\0"), true, ERR_PARSE, __LINE__);
}

static void tells_where_the_fault_is(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };

	OK(!parse(&parser, STR("[1,2,x]"), false, &err));
	OK(str_ends(str_from(err.message), STR("at byte 5")));
	/* Bytes of the text as it was given. */
	OK(!parse(&parser, STR("\xef\xbb\xbf[1,2,x]"), false, &err));
	OK(str_ends(str_from(err.message), STR("at byte 8")));
	OK(!parse(&parser, STR("[\"\\ud800\",2,x]"), true, &err));
	OK(str_ends(str_from(err.message), STR("at byte 12")));
	json_parser_release(&parser);
}

static void invalid_utf8_is_for_the_loose(void)
{
	refuses(STR("\"a\xff\""), false, ERR_PARSE, __LINE__);
	refuses(STR("{\"\xed\xa0\x80\":1}"), false, ERR_PARSE, __LINE__);
	refuses(STR("\"\xe2\x82\""), false, ERR_PARSE, __LINE__);
	REWRITES_LOOSE("\"a\xff\"", "\"a\xef\xbf\xbd\"");
	REWRITES_LOOSE("\"\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	REWRITES_LOOSE("{\"\xc0\x80\":\"\xf0\x9f\x98\",\"\xc3\xa9\":1}",
		"{\"\xef\xbf\xbd\xef\xbf\xbd\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"\xc3\xa9\":1}");
	/* Outside strings there is no looseness. */
	refuses(STR("[\xff]"), true, ERR_PARSE, __LINE__);
	refuses(STR("\"\xff"), true, ERR_PARSE, __LINE__);
}

static void bare_control_characters_are_for_the_loose(void)
{
	refuses(STR("\"a\nb\""), false, ERR_PARSE, __LINE__);
	refuses(STR("\"a\0b\""), false, ERR_PARSE, __LINE__);
	REWRITES_LOOSE("\"a\nb\tc\0d\"", "\"a\\nb\\tc\\u0000d\"");
	refuses(STR("[\x01]"), true, ERR_PARSE, __LINE__);
}

/* Half a surrogate pair, as JavaScript writes a string that was cut inside an emoji. */
static void lone_surrogates_are_for_the_loose(void)
{
	refuses(STR("\"\\ud83d\""), false, ERR_PARSE, __LINE__);
	refuses(STR("\"\\ude00\""), false, ERR_PARSE, __LINE__);
	REWRITES_LOOSE("\"\\ud83d\"", "\"\xef\xbf\xbd\"");
	REWRITES_LOOSE("\"x\\uDE00y\"", "\"x\xef\xbf\xbdy\"");
	REWRITES_LOOSE("\"\\ud83d\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"");
	REWRITES_LOOSE("\"\\ud83d\\n\\ude00\"", "\"\xef\xbf\xbd\\n\xef\xbf\xbd\"");
	REWRITES_LOOSE("{\"\\udfff\":[\"\\uD800\\u0041\",\"\\\\ud800\"]}",
		"{\"\xef\xbf\xbd\":[\"\xef\xbf\xbd"
		"A\",\"\\\\ud800\"]}");
	REWRITES_LOOSE("\"\\ud83d\xff\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	/* Other faults stay. */
	refuses(STR("[\"\\ud83d\",]"), true, ERR_PARSE, __LINE__);
	refuses(STR("\"\\ud83"), true, ERR_PARSE, __LINE__);
	refuses(STR("\"\\ud83d\\ud83\""), true, ERR_PARSE, __LINE__);
	refuses(STR("\"\\ud83d\\ux\""), true, ERR_PARSE, __LINE__);
}

static void a_byte_order_mark_is_skipped(void)
{
	REWRITES("\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
	REWRITES("\xef\xbb\xbf 1", "1");
	refuses(STR("\xef\xbb\xbf"), false, ERR_PARSE, __LINE__);
	refuses(STR("\xef\xbb\xbf\xef\xbb\xbf"
		    "1"),
		false, ERR_PARSE, __LINE__);
	refuses(STR(" \xef\xbb\xbf"
		    "1"),
		false, ERR_PARSE, __LINE__);
}

static void nest(struct buf *out, const char *open, const char *close, int depth)
{
	buf_clear(out);
	for (int i = 0; i < depth; i++)
		buf_addc(out, open);
	buf_addc(out, "1");
	for (int i = 0; i < depth; i++)
		buf_addc(out, close);
}

static void depth_has_a_limit(void)
{
	struct buf text = BUF_INIT;

	nest(&text, "[", "]", JSON_MAX_DEPTH);
	rewrites(buf_str(&text), false, buf_cstr(&text), __LINE__);
	nest(&text, "[", "]", JSON_MAX_DEPTH + 1);
	refuses(buf_str(&text), false, ERR_LIMIT, __LINE__);
	nest(&text, "{\"k\":", "}", JSON_MAX_DEPTH);
	rewrites(buf_str(&text), true, buf_cstr(&text), __LINE__);
	nest(&text, "{\"k\":", "}", JSON_MAX_DEPTH + 1);
	refuses(buf_str(&text), true, ERR_LIMIT, __LINE__);
	nest(&text, "[", "", 100000);
	refuses(buf_str(&text), true, ERR_LIMIT, __LINE__);
	buf_release(&text);
}

static void brackets_in_strings_are_not_depth(void)
{
	struct buf text = BUF_INIT;

	buf_addc(&text, "[\"\\\\\",\"\\\"");
	for (int i = 0; i < 1000; i++)
		buf_addc(&text, "[{\\\\\\\"");
	buf_addc(&text, "\"");
	for (int i = 0; i < 1000; i++)
		buf_addc(&text, ",[],{}");
	buf_addc(&text, "]");
	rewrites(buf_str(&text), false, buf_cstr(&text), __LINE__);
	buf_release(&text);
}

static void walks_arrays(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	const struct json *root = parse(&parser, STR("[1,[2,[3,4]],{\"k\":[5]},\"x\",[],{},null]"),
				  false, &err),
			  *value;
	static const enum json_type types[] = { JSON_NUMBER, JSON_ARRAY, JSON_OBJECT, JSON_STRING,
		JSON_ARRAY, JSON_OBJECT, JSON_NULL };
	struct json_iter iter = json_iter(root);
	struct str key = STR("unset");
	size_t count = 0;

	IS_INT(json_len(root), ARRAY_LEN(types));
	while (json_next(&iter, &key, &value)) {
		IS_INT(json_type(value), types[count]);
		OK(key.len == 0);
		count++;
	}
	IS_INT(count, ARRAY_LEN(types));
	OK(!json_next(&iter, &key, &value));
	json_parser_release(&parser);
}

static void walks_objects(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	const struct json *root = parse(&parser,
		STR("{\"a\":{\"b\":{\"c\":[{}]}},\"\":[[],[[1]]],\"dup\":1,\"dup\":\"x\",\"k\\u0000l\":true}"),
		false, &err);
	const struct json *value;
	static const struct {
		struct str key;
		enum json_type type;
	} members[] = { { STR_INIT("a"), JSON_OBJECT }, { STR_INIT(""), JSON_ARRAY },
		{ STR_INIT("dup"), JSON_NUMBER }, { STR_INIT("dup"), JSON_STRING },
		{ STR_INIT("k\0l"), JSON_BOOL } };
	struct json_iter iter = json_iter(root);
	struct str key;
	size_t count = 0;

	IS_INT(json_len(root), ARRAY_LEN(members));
	while (json_next(&iter, &key, &value) && count < ARRAY_LEN(members)) {
		OK(str_eq(key, members[count].key));
		IS_INT(json_type(value), members[count].type);
		count++;
	}
	IS_INT(count, ARRAY_LEN(members));
	/* Of repeated members the first counts. */
	OK(json_is(json_get(root, "dup"), JSON_NUMBER));
	OK(json_get(root, "k") == NULL);
	OK(json_is(json_get(json_get(root, "a"), "b"), JSON_OBJECT));
	json_parser_release(&parser);
}

static void nothing_has_no_members(void)
{
	static const char *const texts[] = { "[]", "{}", "null", "1", "\"abc\"", "true" };
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	struct json_iter iter = json_iter(NULL);
	const struct json *value;
	struct str key;

	OK(!json_next(&iter, &key, &value));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct json *root = parse(&parser, str_from(texts[i]), false, &err);

		iter = json_iter(root);
		OK(!json_next(&iter, &key, &value));
		IS_INT(json_len(root), 0);
		OK(json_get(root, "a") == NULL);
	}
	json_parser_release(&parser);
}

static void absent_is_accepted_everywhere(void)
{
	int64_t integer = 7;
	double real = 7;

	IS_INT(json_type(NULL), JSON_NULL);
	OK(!json_is(NULL, JSON_NULL));
	OK(json_get(NULL, "k") == NULL);
	IS_INT(json_str(NULL).len, 0);
	IS_INT(json_get_str(NULL, "k").len, 0);
	IS_INT(json_number_text(NULL).len, 0);
	OK(!json_to_i64(NULL, &integer));
	OK(!json_get_i64(NULL, "k", &integer));
	OK(!json_to_double(NULL, &real));
	OK(!json_is_true(NULL));
	IS_INT(json_len(NULL), 0);
	IS_INT(integer, 7);
	OK(real == 7);
}

static void reads_members(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	const struct json *root = parse(&parser,
		STR("{\"s\":\"te\\u0000xt\",\"e\":\"\",\"n\":1.50,\"t\":true,\"f\":false,\"z\":null,\"i\":-5}"),
		false, &err);
	int64_t integer = 0;

	OK(str_eq(json_get_str(root, "s"), STR("te\0xt")));
	OK(json_get_str(root, "e").ptr != NULL);
	IS_INT(json_get_str(root, "e").len, 0);
	OK(json_get_str(root, "n").ptr == NULL);
	OK(json_get_str(root, "none").ptr == NULL);
	IS_STR(json_number_text(json_get(root, "n")), "1.50");
	IS_INT(json_number_text(json_get(root, "s")).len, 0);
	OK(json_is_true(json_get(root, "t")));
	OK(!json_is_true(json_get(root, "f")));
	OK(!json_is_true(json_get(root, "n")));
	OK(json_is(json_get(root, "z"), JSON_NULL));
	OK(json_is(json_get(root, "f"), JSON_BOOL));
	OK(json_get_i64(root, "i", &integer) && integer == -5);
	OK(!json_get_i64(root, "t", &integer));
	IS_INT(json_str(root).len, 0);
	json_parser_release(&parser);
}

static void reads_integers_exactly(void)
{
	static const struct {
		const char *text;
		bool right;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "-0.0e5", true, 0 },
		{ "0e99999999999999999999", true, 0 },
		{ "9007199254740993", true, 9007199254740993 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "1.0", true, 1 },
		{ "-12.000", true, -12 },
		{ "1.5e1", true, 15 },
		{ "15.0e-1", false, 0 },
		{ "150e-1", true, 15 },
		{ "1e3", true, 1000 },
		{ "1E+3", true, 1000 },
		{ "1e18", true, 1000000000000000000 },
		{ "1.7e+18", true, 1700000000000000000 },
		{ "9007199254740993.0", true, 9007199254740993 },
		{ "9223372036854775807.000", true, INT64_MAX },
		{ "-9223372036854775.808e3", true, INT64_MIN },
		{ "9223372036854775.808e3", false, 0 },
		{ "1.00000000000000000000000000000000000000000000000000000000000000000000000000",
			true, 1 },
		{ "0.99999999999999999999999", false, 0 },
		{ "1.5", false, 0 },
		{ "1e-1", false, 0 },
		{ "1e19", false, 0 },
		{ "1e999999999999", false, 0 },
		{ "1e-999999999999", false, 0 },
		{ "1e99999999999999999999", false, 0 },
		{ "\"42\"", true, 42 },
		{ "\"-42\"", true, -42 },
		{ "\"42.0\"", false, 0 },
		{ "\" 42\"", false, 0 },
		{ "\"4\\u00002\"", false, 0 },
		{ "\"\"", false, 0 },
		{ "true", false, 0 },
		{ "null", false, 0 },
		{ "[1]", false, 0 },
	};
	struct json_parser parser = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t got = 0;
		bool right = json_to_i64(parse(&parser, str_from(rows[i].text), false, &err), &got);

		tap_is_int(right, rows[i].right, rows[i].text, __FILE__, __LINE__);
		tap_is_int(right ? got : 0, rows[i].value, rows[i].text, __FILE__, __LINE__);
	}
	json_parser_release(&parser);
}

static void reads_reals(void)
{
	static const struct {
		const char *text;
		bool right;
		double value;
	} rows[] = {
		{ "0.1", true, 0.1 },
		{ "-1e-7", true, -1e-7 },
		{ "3", true, 3 },
		{ "\"2.5\"", true, 2.5 },
		{ "0.10000000000000000555111512312578270211815834045410156250000000000000000000",
			true, 0.1 },
		{ "1e999", false, 0 },
		{ "\"inf\"", false, 0 },
		{ "\"nan\"", false, 0 },
		{ "\"0x10\"", false, 0 },
		{ "\" 1\"", false, 0 },
		{ "\"+1\"", false, 0 },
		{ "\"1 \"", false, 0 },
		{ "\"1\\u0000x\"", false, 0 },
		{ "\"1\\u0000\"", false, 0 },
		{ "\"1-2\"", false, 0 },
		{ "\"-\"", false, 0 },
		{ "\"\"", false, 0 },
		{ "true", false, 0 },
		{ "[]", false, 0 },
	};
	struct json_parser parser = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double got = 7;
		bool right =
			json_to_double(parse(&parser, str_from(rows[i].text), false, &err), &got);

		tap_is_int(right, rows[i].right, rows[i].text, __FILE__, __LINE__);
		tap_check(got == (rows[i].right ? rows[i].value : 7), __FILE__, __LINE__,
			"%s: got %g", rows[i].text, got);
	}
	json_parser_release(&parser);
}

static void a_parser_is_used_again(void)
{
	struct json_parser parser = { 0 };
	struct err err = { 0 };
	struct buf large = BUF_INIT;
	const struct json *root;

	buf_addc(&large, "[0");
	for (int i = 1; i < 40000; i++)
		buf_printf(&large, ",%d", i % 10);
	buf_addc(&large, "]");
	for (int round = 0; round < 3; round++) {
		root = parse(&parser, STR("{\"a\":\"small\"}"), false, &err);
		IS_STR(json_get_str(root, "a"), "small");
		IS_INT(json_len(parse(&parser, buf_str(&large), false, &err)), 40000);
		OK(!parse(&parser, STR("{\"a\":"), false, &err));
	}
	json_parser_release(&parser);
	json_parser_release(&parser);
	OK(parser.pool == NULL);
	buf_release(&large);
}

/* The pool is measured by the text's length: texts that need the most memory for theirs must fit,
 * at every length. */
static void the_pool_is_large_enough(void)
{
	static const char *const units[] = { "1,", "[],", "{},", "\"\",", "[1],", "{\"\":1}," };
	struct err err = { 0 };

	for (size_t unit = 0; unit < ARRAY_LEN(units); unit++) {
		struct buf text = BUF_INIT;

		for (size_t count = 1; count < 9000; count += 1 + count / 2) {
			struct json_parser parser = { 0 };

			buf_clear(&text);
			buf_addc(&text, "[");
			for (size_t i = 0; i < count; i++)
				buf_addc(&text, units[unit]);
			text.ptr[text.len - 1] = ']';
			IS_INT(json_len(parse(&parser, buf_str(&text), true, &err)), count);
			json_parser_release(&parser);
		}
		buf_release(&text);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(rewrites_minified),
	TAP_CASE(numbers_keep_their_text),
	TAP_CASE(strings_keep_their_characters),
	TAP_CASE(refuses_what_is_not_json),
	TAP_CASE(tells_where_the_fault_is),
	TAP_CASE(invalid_utf8_is_for_the_loose),
	TAP_CASE(bare_control_characters_are_for_the_loose),
	TAP_CASE(lone_surrogates_are_for_the_loose),
	TAP_CASE(a_byte_order_mark_is_skipped),
	TAP_CASE(depth_has_a_limit),
	TAP_CASE(brackets_in_strings_are_not_depth),
	TAP_CASE(walks_arrays),
	TAP_CASE(walks_objects),
	TAP_CASE(nothing_has_no_members),
	TAP_CASE(absent_is_accepted_everywhere),
	TAP_CASE(reads_members),
	TAP_CASE(reads_integers_exactly),
	TAP_CASE(reads_reals),
	TAP_CASE(a_parser_is_used_again),
	TAP_CASE(the_pool_is_large_enough),
};

TAP_MAIN(cases)
