/* Values as agents' logs write them: times, texts, codes. */
#include "collect/agent_value.h"

#include "tap.h"

static void times_of_all_kinds(void)
{
	static const struct {
		const char *json;
		int64_t at_ns;
	} good[] = { { "0", 0 }, { "1772694000", INT64_C(1772694000) * NS_PER_S },
		{ "1772694000250", INT64_C(1772694000250) * NS_PER_MS },
		{ "\"1772694000250\"", INT64_C(1772694000250) * NS_PER_MS },
		{ "1772694000250000", INT64_C(1772694000250) * NS_PER_MS },
		{ "1772694000250000000", INT64_C(1772694000250) * NS_PER_MS },
		{ "1772694000.25", INT64_C(1772694000250) * NS_PER_MS },
		{ "\"2026-03-05T07:00:00.250Z\"", INT64_C(1772694000250) * NS_PER_MS },
		{ "\"2026-03-05T08:00:00.250+01:00\"", INT64_C(1772694000250) * NS_PER_MS },
		{ "\" 2026-03-05T07:00:00.25\"", INT64_C(1772694000250) * NS_PER_MS } };
	static const char *const bad[] = { "null", "true", "\"\"", "\"soon\"", "[]", "-1e300",
		"99999999999", "\"2026-13-05T07:00:00Z\"", "9223372036854775807" };
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err;
	int64_t at_ns;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		OK(json_parse(&parser, str_from(good[i].json), true, &root, &err) == 0);
		OK(agent_time(root, &at_ns));
		IS_INT(at_ns, good[i].at_ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		OK(json_parse(&parser, str_from(bad[i]), true, &root, &err) == 0);
		if (!OK(!agent_time(root, &at_ns)))
			printf("# %s\n", bad[i]);
	}
	OK(!agent_time(NULL, &at_ns));
	json_parser_release(&parser);
}

static void texts_are_made_valid(void)
{
	struct arena arena = { 0 };

	IS_STR(agent_text(&arena, STR("caf\xc3\xa9")), "caf\xc3\xa9");
	IS_STR(agent_text(&arena, STR("a\xff"
				      "b")),
		"a\xef\xbf\xbd"
		"b");
	IS_STR(agent_text(&arena, (struct str){ NULL, 0 }), "");
	arena_release(&arena);
}

static void codes_are_words_of_a_program(void)
{
	static const char *const good[] = { "a", "429", "rate_limit", "RateLimit-2.x" };
	static const char *const bad[] = { "", "Sorry, no.", "a b", "caf\xc3\xa9", "a\n", "a/b",
		"0123456789012345678901234567890123456789012345678901234567890123x" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		OK(agent_is_code(str_from(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!OK(!agent_is_code(str_from(bad[i]))))
			printf("# %s\n", bad[i]);
	OK(!agent_is_code((struct str){ "a\0b", 3 }));
}

static void spans_hold_plausible_times(void)
{
	int64_t from = INT64_MIN, to = INT64_MIN;

	agent_widen(INT64_MIN, &from, &to);
	agent_widen(0, &from, &to);
	agent_widen(INT64_MAX, &from, &to);
	OK(from == INT64_MIN && to == INT64_MIN);
	agent_widen(1772694000 * NS_PER_S, &from, &to);
	OK(from == 1772694000 * NS_PER_S && to == from);
	agent_widen(1772694009 * NS_PER_S, &from, &to);
	agent_widen(1772693000 * NS_PER_S, &from, &to);
	agent_widen(1772694001 * NS_PER_S, &from, &to);
	OK(from == 1772693000 * NS_PER_S && to == 1772694009 * NS_PER_S);
}

static void halves_of_documents(void)
{
	static const char *const cut[] = { "", " \n", "{", "[{\"a\":1}", "{\"a\":\"}",
		"{\"a\":\"\\\"}", "[1,2", "{\"a\":[1]" };
	static const char *const whole[] = { "{}", "{broken}", "[1,,]", "x", "{\"a\":\"{\"}", "]" };

	for (size_t i = 0; i < ARRAY_LEN(cut); i++)
		if (!OK(agent_is_cut(str_from(cut[i]))))
			printf("# %s\n", cut[i]);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (!OK(!agent_is_cut(str_from(whole[i]))))
			printf("# %s\n", whole[i]);
}

static const struct tap_case cases[] = {
	TAP_CASE(times_of_all_kinds),
	TAP_CASE(texts_are_made_valid),
	TAP_CASE(codes_are_words_of_a_program),
	TAP_CASE(spans_hold_plausible_times),
	TAP_CASE(halves_of_documents),
};
TAP_MAIN(cases)
