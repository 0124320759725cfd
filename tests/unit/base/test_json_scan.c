/* Walking JSON: members are taken or passed over, and what is passed over is checked. */
#include "tap.h"

#include "base/json_scan.h"

static int walk(struct str text, struct err *err)
{
	struct json_scan scan = json_scan(text);

	return json_scan_end(&scan, err);
}

static void accepts_and_refuses(void)
{
	static const char *const good[] = { "1", " -0.5e+10 ", "null", "\"\"", "[]", "{}",
		"[[],{}]", "\xef\xbb\xbf{}", "{\"a\":[1,2,{\"b\":null}],\"\":true}\r\n",
		"\"\\u00e9\\ud800 \x01\xe9\"",
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\\n\"" };
	static const char *const bad[] = { "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}",
		"[1 2]", "01", "1.", "+1", ".5", "1e", "-", "tru", "\"", "\"\\x\"", "\"\\u12g4\"",
		"\"\\u123", "\"\\", "{}{}", "[1]]", "{\"a\":1]", "\"0123456789abcdef\\q\"",
		"[\"a\"\"b\"]",
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!IS_INT(walk(str_from(good[i]), &err), 0))
			printf("# %s: %s\n", good[i], err.message);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!IS_INT(walk(str_from(bad[i]), &err), ERR_PARSE))
			printf("# %s\n", bad[i]);
	OK(walk(STR("[1,x]"), &err) < 0 && strstr(err.message, "at byte 3"));
}

static void depth_has_a_limit(void)
{
	char text[2 * JSON_MAX_DEPTH + 2];
	struct err err;

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	IS_INT(walk((struct str){ text, 2 * JSON_MAX_DEPTH }, &err), 0);
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	IS_INT(walk((struct str){ text, 2 * JSON_MAX_DEPTH + 2 }, &err), ERR_LIMIT);
}

/* Some members are taken, one is entered, the others passed over. */
static void takes_what_is_wanted(void)
{
	struct json_scan scan = json_scan(STR(
		"{\"skip\":{\"x\":[1,{\"id\":\"no\"}]},\"id\":\"yes\",\"inner\":[5,\"six\",{}],\"t\":true,\"raw\": [ 1 ] }"));
	struct json_token key, value;
	struct err err;
	int64_t number = 0;
	int members = 0;

	IS_INT(json_scan_type(&scan), JSON_OBJECT);
	if (!OK(json_scan_enter(&scan)))
		return;
	OK(!json_scan_enter(&scan)); /* no value waits */
	while (json_scan_next(&scan, &key)) {
		members++;
		if (json_token_is(&key, "id")) {
			OK(json_scan_value(&scan, &value));
			IS_STR(value.text, "yes");
		} else if (json_token_is(&key, "inner") && OK(json_scan_enter(&scan))) {
			OK(json_scan_next(&scan, &key) && key.text.len == 0);
			IS_INT(json_scan_type(&scan), JSON_NUMBER);
			OK(json_scan_value(&scan, &value) && json_token_i64(&value, &number));
			IS_INT(number, 5);
			while (json_scan_next(&scan, &key))
				;
		} else if (json_token_is(&key, "t")) {
			OK(!json_scan_enter(&scan));
			OK(json_scan_value(&scan, &value) && json_token_is_true(&value));
		} else if (json_token_is(&key, "raw")) {
			OK(json_scan_value(&scan, &value));
			IS_STR(value.text, "[ 1 ]");
			IS_INT(value.type, JSON_ARRAY);
		}
	}
	IS_INT(members, 5);
	IS_INT(json_scan_end(&scan, &err), 0);
}

/* The walk may be left anywhere: the end checks the rest. */
static void the_rest_is_checked(void)
{
	struct json_scan good = json_scan(STR("[[1,[2,3]],4]"));
	struct json_scan bad = json_scan(STR("[[1,[2,3]],4"));
	struct json_token key;
	struct err err;

	OK(json_scan_enter(&good) && json_scan_next(&good, &key) && json_scan_enter(&good));
	IS_INT(json_scan_end(&good, &err), 0);
	OK(json_scan_enter(&bad) && json_scan_next(&bad, &key) && json_scan_enter(&bad));
	IS_INT(json_scan_end(&bad, &err), ERR_PARSE);
	OK(!json_scan_next(&bad, &key));
	OK(!json_scan_value(&bad, &key));
}

static void texts_are_decoded(void)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
		{ "\"plain\"", "plain" },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz" },
		{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
			"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\\ud83d\\u0041\\ude00\\ud83d\"", "\xef\xbf\xbd"
						      "A\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"\xe9\"", "\xe9" },
		{ "7", "" },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_scan scan = json_scan(str_from(cases[i].json));
		struct json_token value;

		OK(json_scan_value(&scan, &value));
		IS_STR(json_token_text(&value, &arena), cases[i].text);
		IS_INT(json_token_is(&value, cases[i].text), cases[i].json[0] == '"');
		OK(!json_token_is(&value, "other"));
	}
	arena_release(&arena);
}

static void numbers(void)
{
	static const struct {
		const char *json;
		bool good;
		int64_t value;
	} cases[] = { { "12", true, 12 }, { "\"12\"", true, 12 }, { "\"\\u0031\"", true, 1 },
		{ "1.5e1", true, 15 }, { "1.5", false, 0 }, { "null", false, 0 },
		{ "9223372036854775808", false, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_scan scan = json_scan(str_from(cases[i].json));
		struct json_token value;
		int64_t number = 0;

		OK(json_scan_value(&scan, &value));
		IS_INT(json_token_i64(&value, &number), cases[i].good);
		IS_INT(number, cases[i].value);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(accepts_and_refuses),
	TAP_CASE(depth_has_a_limit),
	TAP_CASE(takes_what_is_wanted),
	TAP_CASE(the_rest_is_checked),
	TAP_CASE(texts_are_decoded),
	TAP_CASE(numbers),
};

TAP_MAIN(cases)
