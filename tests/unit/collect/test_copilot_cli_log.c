/* The parts of reading a Copilot CLI log: times, what is kept between readings, workspace.yaml. */
#include "collect/copilot_cli/log.h"

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

static void a_damaged_state_is_a_fresh_one(void)
{
	static const char *const states[] = { "", "{", "[]", "{\"session\":7,\"models\":[1,{}]}",
		"{\"calls\":{\"a\":1},\"models\":\"x\",\"started\":\"y\"}" };
	struct json_parser parser = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct copilot_cli_log log =
			copilot_cli_log_read(&parser, str_from(states[i]), STR("name"));

		IS_STR(log.session, "name");
		OK(!log.given && log.prompt.key.len == 0 && log.started_ns == INT64_MIN);
		copilot_cli_log_release(&log);
	}
	json_parser_release(&parser);
}

static void yaml_beyond_plain_values_is_passed_over(void)
{
	static const struct {
		const char *yaml;
		const char *cwd;
	} cases[] = { { "", "" }, { "cwd", "" }, { "cwd:", "" }, { "cwd: |\n  /x\n", "" },
		{ "cwd: ~\n", "" }, { "cwd: [/x]\n", "" }, { "cwd: \"/x", "" },
		{ "\xef\xbb\xbf"
		  "cwd: /x#y\n",
			"/x#y" },
		{ "cwd: ''", "" }, { "cwd:/x\n", "/x" } };
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(copilot_cli_workspace(&arena, str_from(cases[i].yaml)).cwd, cases[i].cwd);
	arena_release(&arena);
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

static const struct tap_case cases[] = {
	TAP_CASE(times_of_all_kinds),
	TAP_CASE(a_damaged_state_is_a_fresh_one),
	TAP_CASE(yaml_beyond_plain_values_is_passed_over),
	TAP_CASE(texts_are_made_valid),
};
TAP_MAIN(cases)
