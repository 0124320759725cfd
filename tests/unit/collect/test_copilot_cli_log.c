/* The parts of reading a Copilot CLI log: what is kept between readings, workspace.yaml. */
#include "collect/copilot_cli/log.h"

#include "tap.h"

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

static const struct tap_case cases[] = {
	TAP_CASE(a_damaged_state_is_a_fresh_one),
	TAP_CASE(yaml_beyond_plain_values_is_passed_over),
};
TAP_MAIN(cases)
