/* Single records: what is a prompt, what a response costs, which tools were called, and what cannot
 * be read. */
#include "collect/claude/record.h"
#include "tap.h"

static struct claude_reader reader;
static struct err err;

#define ENVELOPE "\"sessionId\":\"S\",\"uuid\":\"u1\",\"timestamp\":\"2026-03-02T09:00:00.125Z\""

static struct claude_record read_text(const char *text)
{
	struct claude_record record;

	if (claude_record_read(&reader, str_from(text), &record, &err) < 0)
		OK(record.reason != NULL);
	return record;
}

static struct claude_record user(const char *content, const char *more)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	static struct buf kept;

	buf_printf(&line, "{\"type\":\"user\"," ENVELOPE ",\"message\":{\"content\":%s}%s}",
		content, more);
	buf_clear(&kept);
	buf_add(&kept, buf_str(&line));
	return read_text(buf_cstr(&kept));
}

static void prompts_and_what_only_looks_like_them(void)
{
	static const struct {
		const char *content;
		const char *more;
		int64_t length; /* -1: no prompt */
		bool image;
	} cases[] = {
		{ "\"hello\"", "", 5, false },
		{ "\" hello\\n\"", "", 5, false },
		{ "\"\xc3\xa9\"", "", 2, false },
		{ "\"a\\u0000b\"", "", 3, false },
		{ "\"a\\u2028b\"", "", 5, false },
		{ "[{\"type\":\"text\",\"text\":\"look\"},{\"type\":\"image\",\"source\":{}}]", "",
			4, true },
		{ "[{\"type\":\"image\",\"source\":{}}]", "", 0, true },
		{ "[{\"type\":\"text\",\"text\":\"ab\"},{\"type\":\"text\",\"text\":\"cd\"}]", "",
			4, false },
		{ "[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"x\"}]", "", -1,
			false },
		{ "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_result\"}]", "", -1,
			false },
		{ "\"x\"", ",\"isMeta\":true", -1, false },
		{ "\"x\"", ",\"isCompactSummary\":true", -1, false },
		{ "\"\"", "", -1, false },
		{ "null", "", -1, false },
		{ "[]", "", -1, false },
		{ "\"<local-command-stdout>ok</local-command-stdout>\"", "", -1, false },
		{ "\"<task-notification>done</task-notification>\"", "", -1, false },
		{ "\"<ide_selection>line 3</ide_selection>\"", "", -1, false },
		{ "\"<ide_opened_file>R</ide_opened_file>\\nthanks\"", "", 6, false },
		{ "\"thanks\\n<system-reminder>be good</system-reminder>\"", "", 6, false },
		{ "[{\"type\":\"text\",\"text\":\"<ide_opened_file>d</ide_opened_file>\"},{\"type\":\"text\",\"text\":\"why\"}]",
			"", 3, false },
		{ "\"<system-reminder>never closed\"", "", -1, false },
		{ "\"<b>bold</b> words\"", "", 17, false },
		{ "\"closed </system-reminder>\"", "", 25, false },
		{ "\"[Request interrupted by user for tool use]\"", "", -1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct claude_record record = user(cases[i].content, cases[i].more);

		if (!IS_INT(record.kind, cases[i].length < 0 ? CLAUDE_USER : CLAUDE_PROMPT) ||
			(cases[i].length >= 0 && !IS_INT(record.length, cases[i].length)) ||
			!IS_INT(record.has_image, cases[i].image))
			printf("# %s\n", cases[i].content);
	}
}

static void commands(void)
{
	static const struct {
		const char *content;
		const char *command; /* "": none */
	} cases[] = {
		{ "\"<command-name>/usage</command-name>\\n<command-message>usage</command-message>\\n<command-args></command-args>\"",
			"/usage" },
		{ "\"<command-message>review is running</command-message>\\n<command-name>/review</command-name>\\n<command-args>src tests</command-args>\"",
			"/review src tests" },
		{ "[{\"type\":\"text\",\"text\":\"<bash-input>ls -l</bash-input>\"}]", "!ls -l" },
		{ "\"<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>\"", "" },
		{ "\"<local-command-stdout><command-name>/x</command-name></local-command-stdout>\"",
			"" },
		{ "\"<command-name></command-name>\"", "" },
		{ "\"<command-name>/never closed\"", "" },
		{ "\"what does <command-name>/usage</command-name> do?\"", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct claude_record record = user(cases[i].content, "");

		if (!IS_STR(record.command, cases[i].command))
			printf("# %s\n", cases[i].content);
		if (cases[i].command[0] == '\0')
			continue;
		IS_INT(record.kind, CLAUDE_PROMPT);
		IS_INT(record.length, strlen(cases[i].command));
		claude_record_text(&record, &text);
		IS_STR(buf_str(&text), cases[i].command);
	}
	IS_INT(user("\"<command-name>/usage</command-name>\"", ",\"isMeta\":true").kind,
		CLAUDE_USER);
	IS_STR(read_text(
		       "{\"type\":\"system\",\"subtype\":\"local_command\"," ENVELOPE
		       ",\"content\":\"<command-name>/model</command-name>\\n<command-args>opus</command-args>\"}")
			.command,
		"/model opus");
}

static void interruptions(void)
{
	OK(user("\"[Request interrupted by user]\"", "").cancels);
	OK(user("[{\"type\":\"text\",\"text\":\"[Request interrupted by user for tool use]\"}]", "")
			.cancels);
	OK(!user("\"x [Request interrupted by user]\"", "").cancels);
	OK(!user("\"[Request interrupted by user]\"", ",\"isMeta\":true").cancels);
	IS_INT(user("[{\"type\":\"text\",\"text\":\"[Request interrupted by user]\"},"
		    "{\"type\":\"text\",\"text\":\"go on\"}]",
		       "")
			.length,
		5);
}

/* In any order, escaped, twice: the first holds. */
static void facts_wherever_they_stand(void)
{
	struct claude_record record = read_text(
		"{\"message\":{\"usage\":{\"output_tokens\":7,\"output_tokens\":8,\"x\":[{}]},\"content\":[],\"id\":\"m\","
		"\"model\":\"a\\u0062c\"},\"timestamp\":\"2026-03-02T09:00:00.125Z\",\"\\u0063wd\":\"C:\\\\work\","
		"\"sessionId\":\"S\",\"sessionId\":\"T\",\"toolUseResult\":{\"type\":\"user\",\"cwd\":\"/no\"},"
		"\"version\":\"2.1\",\"type\":\"assistant\",\"uuid\":\"u\",\"message\":null}");

	IS_INT(record.kind, CLAUDE_RESPONSE);
	IS_STR(record.session_id, "S");
	IS_STR(record.cwd, "C:\\work");
	IS_STR(record.model, "abc");
	IS_STR(record.version, "2.1");
	IS_INT(record.tokens[TOKEN_OUTPUT], 7);
	record = user("{\"text\":\"no content\"}", "");
	IS_INT(record.kind, CLAUDE_USER);
	IS_INT(record.block_count, 0);
}

static void errors_have_codes(void)
{
	static const struct {
		const char *more;
		const char *error;
	} cases[] = {
		{ ",\"error\":\"rate_limit\",\"message\":{\"content\":\"API Error: 429\"}",
			"rate_limit" },
		{ ",\"error\":\"free text, no code\",\"message\":{\"content\":\"API Error: 529 overloaded\"}",
			"529" },
		{ ",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"API Error: 500 {}\"}]}",
			"500" },
		{ ",\"message\":{\"content\":\"API Error: Connection error.\"}", "" },
		{ ",\"message\":{\"content\":\"API Error: 123456\"}", "" },
		{ ",\"error\":{\"status\":500},\"message\":{}", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_release) struct buf line = BUF_INIT;
		struct claude_record record;

		buf_printf(&line,
			"{\"type\":\"assistant\"," ENVELOPE ",\"isApiErrorMessage\":true%s}",
			cases[i].more);
		record = read_text(buf_cstr(&line));
		IS_INT(record.kind, CLAUDE_API_ERROR);
		IS_STR(record.error, cases[i].error);
	}
}

static void text_of_a_prompt(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct claude_record record =
		user("[{\"type\":\"text\",\"text\":\"<ide_selection>x</ide_selection> one\"},"
		     "{\"type\":\"image\"},{\"type\":\"text\",\"text\":\"tw\xe9\"}]",
			"");

	claude_record_text(&record, &text);
	IS_STR(buf_str(&text), "one\ntw\xef\xbf\xbd");
}

static void queued_prompts(void)
{
	struct claude_record record = read_text(
		"{\"type\":\"attachment\",\"timestamp\":\"2026-03-02T09:00:16Z\",\"sessionId\":\"S\","
		"\"promptSource\":\"queued\",\"attachment\":{\"type\":\"queued_command\",\"prompt\":\"also\",\"commandMode\":\"prompt\"}}");
	char uuid[40];

	IS_INT(record.kind, CLAUDE_PROMPT);
	IS_INT(record.length, 4);
	OK(record.queued);
	IS_STR(record.prompt_source, "queued");
	OK(str_starts(record.uuid, STR("q-")));
	IS_INT(record.uuid.len, 34);
	memcpy(uuid, record.uuid.ptr, 34);
	uuid[34] = '\0';
	record = read_text(
		"{\"sessionId\":\"S\",\"type\":\"attachment\",\"timestamp\":\"2026-03-02T09:00:16.000Z\","
		"\"attachment\":{\"type\":\"queued_command\",\"prompt\":[{\"type\":\"text\",\"text\":\"also\"}]}}");
	IS_STR(record.uuid, uuid);
	record = read_text(
		"{\"type\":\"attachment\",\"timestamp\":\"2026-03-02T09:00:16Z\",\"sessionId\":\"S\","
		"\"attachment\":{\"type\":\"queued_command\",\"prompt\":\"done\",\"commandMode\":\"task-notification\"}}");
	IS_INT(record.kind, CLAUDE_OTHER);
	record = read_text("{\"type\":\"attachment\",\"attachment\":{\"type\":\"file\"}}");
	IS_INT(record.kind, CLAUDE_OTHER);
}

static void responses_and_their_tokens(void)
{
	struct claude_record record = read_text(
		"{\"type\":\"assistant\"," ENVELOPE ",\"requestId\":\"r1\",\"isSidechain\":true,"
		"\"agentId\":\"a1\",\"gitBranch\":\"main\",\"message\":{\"id\":\"m1\",\"model\":\"x\",\"stop_reason\":\"end_turn\","
		"\"usage\":{\"input_tokens\":\"12\",\"output_tokens\":0,\"cache_read_input_tokens\":null,\"cache_creation_input_tokens\":-5}}}");

	IS_INT(record.kind, CLAUDE_RESPONSE);
	IS_STR(record.message_id, "m1");
	IS_STR(record.request_id, "r1");
	IS_STR(record.model, "x");
	IS_STR(record.stop_reason, "end_turn");
	IS_STR(record.agent_id, "a1");
	IS_STR(record.git_branch, "main");
	OK(record.sidechain);
	IS_INT(record.at_ns, INT64_C(1772442000125) * NS_PER_MS);
	IS_INT(record.tokens[TOKEN_INPUT], 12);
	IS_INT(record.tokens[TOKEN_OUTPUT], 0);
	IS_INT(record.tokens[TOKEN_CACHE_READ], -1);
	IS_INT(record.tokens[TOKEN_CACHE_WRITE], -1);
	record = read_text(
		"{\"type\":\"assistant\"," ENVELOPE ",\"message\":{\"id\":\"m1\",\"usage\":null}}");
	IS_INT(record.tokens[TOKEN_OUTPUT], -1);
	record = read_text("{\"type\":\"assistant\"," ENVELOPE
			   ",\"isApiErrorMessage\":true,\"message\":{\"model\":\"<synthetic>\"}}");
	IS_INT(record.kind, CLAUDE_API_ERROR);
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		OK(str_ends(str_from(claude_token_key(i)), STR("_tokens")));
}

static void tools_and_failures(void)
{
	struct claude_record record = read_text(
		"{\"type\":\"assistant\"," ENVELOPE
		",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"t\"},"
		"{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Read\",\"input\":{\"file_path\":\"/x\"}},"
		"{\"type\":\"tool_use\",\"name\":\"NotebookEdit\",\"input\":{\"notebook_path\":\"/n\"}},"
		"{\"type\":\"tool_use\",\"id\":\"t3\",\"name\":\"Bash\",\"input\":{\"command\":\"ls\"}},{\"type\":\"hologram\"},7]}}");
	struct claude_tools tools = claude_tools(&record);

	OK(claude_next_call(&tools));
	IS_STR(tools.id, "t1");
	IS_STR(tools.name, "Read");
	IS_STR(tools.file, "/x");
	OK(claude_next_call(&tools));
	IS_STR(tools.id, "");
	IS_INT(tools.ordinal, 1);
	IS_STR(tools.file, "/n");
	OK(claude_next_call(&tools));
	IS_STR(tools.file, "");
	OK(!claude_next_call(&tools));
	record = user(
		"[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"is_error\":false},"
		"{\"type\":\"tool_result\",\"tool_use_id\":\"b\",\"is_error\":true},{\"type\":\"tool_result\",\"is_error\":true}]",
		"");
	tools = claude_tools(&record);
	OK(claude_next_result(&tools) && !tools.failed);
	OK(claude_next_result(&tools) && tools.failed);
	IS_STR(tools.id, "b");
	OK(claude_next_result(&tools) && tools.failed);
	IS_STR(tools.id, "");
	IS_INT(tools.ordinal, 2);
	OK(!claude_next_result(&tools));
}

static void types(void)
{
	static const struct {
		const char *text;
		enum claude_kind kind;
	} cases[] = {
		{ "{\"type\":\"summary\",\"summary\":\"x\"}", CLAUDE_OTHER },
		{ "{\"type\":\"progress\",\"message\":{}}", CLAUDE_OTHER },
		{ "{\"type\":\"system\",\"subtype\":\"api_error\"}", CLAUDE_OTHER },
		{ "{\"type\":\"file-history-snapshot\"}", CLAUDE_OTHER },
		{ "{\"type\":\"quantum-note\"}", CLAUDE_UNKNOWN },
		{ "{\"type\":7}", CLAUDE_UNKNOWN },
		{ "{}", CLAUDE_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct claude_record record = read_text(cases[i].text);

		IS_INT(record.kind, cases[i].kind);
		OK(!claude_is_conversation(record.kind));
	}
	IS_STR(read_text(
		       "{\"type\":\"custom-title\",\"customTitle\":\"named\",\"sessionId\":\"S\"}")
			.title,
		"named");
}

static void what_cannot_be_read_has_a_reason(void)
{
	static const struct {
		const char *text;
		const char *reason;
		bool malformed;
	} cases[] = {
		{ "{\"type\":\"user\",\"uuid\":\"broken", "not_json", true },
		{ "{\"type\":\"user\",\"toolUseResult\":[1,]}", "not_json", true },
		{ "{\"type\":\"user\"}{\"type\":\"user\"}", "not_json", true },
		{ "", "not_json", true },
		{ "[]", "not_object", true },
		{ "{\"type\":\"user\",\"timestamp\":\"2026-03-02T09:00:00Z\",\"message\":{\"content\":\"x\"}}",
			"missing_session", false },
		{ "{\"type\":\"user\",\"sessionId\":\"S\",\"message\":{\"content\":\"x\"}}",
			"missing_timestamp", false },
		{ "{\"type\":\"user\",\"sessionId\":\"S\",\"timestamp\":\"today\",\"message\":{\"content\":\"x\"}}",
			"bad_timestamp", false },
		{ "{\"type\":\"assistant\",\"sessionId\":\"S\",\"timestamp\":1e99,\"message\":{}}",
			"bad_timestamp", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct claude_record record;

		OK(claude_record_read(&reader, str_from(cases[i].text), &record, &err) < 0);
		IS_CSTR(record.reason, cases[i].reason);
		IS_INT(record.malformed, cases[i].malformed);
	}
}

static void times_out_of_reason_are_marked(void)
{
	OK(user("\"x\"", "").implausible_time == false);
	OK(read_text(
		"{\"type\":\"user\",\"sessionId\":\"S\",\"timestamp\":0,\"message\":{\"content\":\"x\"}}")
			.implausible_time);
	OK(read_text(
		"{\"type\":\"user\",\"sessionId\":\"S\",\"timestamp\":\"2100-01-01T00:00:00Z\"}")
			.implausible_time);
	IS_INT(read_text("{\"type\":\"user\",\"sessionId\":\"S\",\"timestamp\":1772442000125}")
			.at_ns,
		INT64_C(1772442000125) * NS_PER_MS);
}

static const struct tap_case cases[] = {
	TAP_CASE(prompts_and_what_only_looks_like_them),
	TAP_CASE(commands),
	TAP_CASE(interruptions),
	TAP_CASE(facts_wherever_they_stand),
	TAP_CASE(errors_have_codes),
	TAP_CASE(text_of_a_prompt),
	TAP_CASE(queued_prompts),
	TAP_CASE(responses_and_their_tokens),
	TAP_CASE(tools_and_failures),
	TAP_CASE(types),
	TAP_CASE(what_cannot_be_read_has_a_reason),
	TAP_CASE(times_out_of_reason_are_marked),
};

int main(int argc, char **argv)
{
	int result = tap_main(cases, ARRAY_LEN(cases), argc, argv);

	claude_reader_release(&reader);
	return result;
}
