/* Typed events: lines as records, and what their parts mean. */
#include "collect/copilot/record.h"

#include "tap.h"

static struct arena arena;
static struct json_parser parser;

/* A record of DATA; views until the next one. */
static struct copilot_record record_of(const char *data)
{
	struct str line = arena_printf(&arena, "{\"type\":\"t\",\"data\":%s}", data);
	struct copilot_record record = { .at_ns = 0 };
	struct err err;

	if (!OK(!copilot_record_parse(&parser, line, false, &record, &err)))
		printf("# %s\n", data);
	return record;
}

static const struct json *value_of(const char *text)
{
	const struct json *root = NULL;
	struct err err;

	OK(json_parse(&parser, str_from(text), true, &root, &err) == 0);
	return root;
}

static void lines_are_records_or_say_why_not(void)
{
	static const struct {
		const char *line, *reason;
	} bad[] = { { "", "not_json" }, { "{\"type\":", "not_json" }, { "{} {}", "not_json" },
		{ "[1]", "not_object" }, { "null", "not_object" }, { "\"x\"", "not_object" } };
	CLEANUP(buf_release) struct buf deep = BUF_INIT;
	struct copilot_record record;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		IS_CSTR(copilot_record_parse(&parser, str_from(bad[i].line), false, &record, &err),
			bad[i].reason);
	IS_CSTR(copilot_record_parse(&parser, STR("{}"), true, &record, &err), "too_long");
	buf_addc(&deep, "{\"data\":");
	for (int i = 0; i < 2 * JSON_MAX_DEPTH; i++)
		buf_byte(&deep, '[');
	for (int i = 0; i < 2 * JSON_MAX_DEPTH; i++)
		buf_byte(&deep, ']');
	buf_byte(&deep, '}');
	IS_CSTR(copilot_record_parse(&parser, buf_str(&deep), false, &record, &err), "too_deep");
	OK(!copilot_record_parse(&parser,
		STR("{\"type\":\"a.b\",\"id\":\"i\",\"timestamp\":\"1970-01-01T00:00:01Z\","
		    "\"agentId\":\"x\",\"data\":{\"toolCallId\":\"c\"}}\r"),
		false, &record, &err));
	IS_STR(record.type, "a.b");
	IS_STR(record.id, "i");
	IS_STR(record.call, "c");
	IS_INT(record.at_ns, NS_PER_S);
	OK(record.by_agent && record.data);
	OK(!copilot_record_parse(
		&parser, STR("{\"type\":7,\"data\":[],\"timestamp\":{}}"), false, &record, &err));
	OK(record.type.len == 0 && record.call.len == 0 && !record.by_agent);
	OK(record.at_ns == INT64_MIN);
}

static void types_are_told_apart(void)
{
	OK(copilot_record_is(STR("hook.start"), "hook."));
	OK(!copilot_record_is(STR("hook"), "hook."));
	OK(!copilot_record_is(STR("abort.x"), "abort"));
	OK(copilot_record_is_idle(STR("assistant.turn_end")));
	OK(copilot_record_is_idle(STR("permission.requested")));
	OK(!copilot_record_is_idle(STR("hologram.ping")));
	OK(!copilot_record_is_idle(STR("")));
}

static void prompts_are_told_from_what_programs_say(void)
{
	static const struct {
		const char *data;
		bool typed, command;
	} cases[] = { { "{}", true, false }, { "null", true, false },
		{ "{\"source\":\"user\"}", true, false }, { "{\"source\":\"panel\"}", true, false },
		{ "{\"source\":7}", true, false }, { "{\"source\":\"command-init\"}", true, true },
		{ "{\"source\":\"skill-pdf\"}", false, false },
		{ "{\"source\":\"agent-7\"}", false, false },
		{ "{\"source\":\"system\"}", false, false },
		{ "{\"isAutopilotContinuation\":true}", false, false } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct copilot_record record = record_of(cases[i].data);

		if (!IS_INT(copilot_record_is_typed(&record), cases[i].typed) ||
			!IS_INT(copilot_record_is_command(&record), cases[i].command))
			printf("# %s\n", cases[i].data);
	}
}

static void attachments_are_files_or_not(void)
{
	static const struct {
		const char *attachment, *file;
		bool image;
	} cases[] = { { "{\"type\":\"file\",\"path\":\"/a/b.c\"}", "/a/b.c", false },
		{ "{\"type\":\"file\",\"path\":\"b.png\"}", "b.png", true },
		{ "{\"type\":\"selection\",\"filePath\":\"/a\"}", "/a", false },
		{ "{\"uri\":\"file:///a%20b\"}", "/a b", false },
		{ "{\"type\":\"directory\",\"path\":\"/a\"}", "", false },
		{ "{\"type\":\"image\"}", "", true },
		{ "{\"mimeType\":\"image/webp\",\"path\":\"/p\"}", "/p", true },
		{ "{\"path\":\"https://example.org/x\"}", "", false }, { "7", "", false },
		{ "null", "", false }, { "[]", "", false } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct json *attachment = value_of(cases[i].attachment);
		struct str file = copilot_attachment_file(&arena, attachment);

		if (!IS_STR(file, cases[i].file) ||
			!IS_INT(copilot_attachment_is_image(attachment, file), cases[i].image))
			printf("# %s\n", cases[i].attachment);
	}
}

static void results_and_errors_say_what_failed(void)
{
	static const struct {
		const char *data;
		bool failed;
		const char *code;
	} cases[] = { { "{\"success\":false}", true, "failed" },
		{ "{\"success\":true}", false, "failed" },
		{ "{\"success\":true,\"error\":{}}", false, "failed" },
		{ "{\"error\":{\"code\":\"x\"},\"errorType\":\"quota\"}", true, "quota" },
		{ "{\"success\":\"no\",\"errorType\":\"Sorry, no.\"}", false, "failed" },
		{ "[]", false, "failed" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct copilot_record record = record_of(cases[i].data);

		IS_INT(copilot_record_has_failed(&record), cases[i].failed);
		IS_STR(copilot_record_error(&arena, &record), cases[i].code);
	}
}

static void arguments_name_files(void)
{
	IS_STR(copilot_argument_file(&arena, value_of("{\"filePath\":\"/a\"}")), "/a");
	IS_STR(copilot_argument_file(&arena, value_of("\"{\\\"path\\\":\\\"/b\\\"}\"")), "/b");
	IS_STR(copilot_argument_file(&arena, value_of("\"no JSON\"")), "");
	IS_STR(copilot_argument_file(&arena, value_of("[\"/a\"]")), "");
	IS_STR(copilot_argument_file(&arena, NULL), "");
}

static const struct tap_case cases[] = {
	TAP_CASE(lines_are_records_or_say_why_not),
	TAP_CASE(types_are_told_apart),
	TAP_CASE(prompts_are_told_from_what_programs_say),
	TAP_CASE(attachments_are_files_or_not),
	TAP_CASE(results_and_errors_say_what_failed),
	TAP_CASE(arguments_name_files),
};

int main(int argc, char **argv)
{
	int rc = tap_main(cases, ARRAY_LEN(cases), argc, argv);

	json_parser_release(&parser);
	arena_release(&arena);
	return rc;
}
