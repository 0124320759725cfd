/* The parsers of Copilot Chat: documents, logs of changes and transcripts as bytes. */
#include "collect/copilot/parts.h"
#include "tap.h"

static struct arena arena;
static struct copilot_extent extent;

static struct agent_session read_with(copilot_reader *read, struct str bytes, bool *ok)
{
	struct agent_session session = agent_session(&arena, COPILOT_AGENT);

	*ok = read(bytes, STR("/log"), &session, &extent);
	return session;
}

/* A document of one request whose members are REQUEST. */
static struct agent_session request(const char *request)
{
	bool ok;
	struct agent_session session = read_with(copilot_read_document,
		arena_printf(&arena,
			"{\"sessionId\":\"s\",\"creationDate\":1772445600000,\"requests\":[{\"requestId\":\"r\","
			"\"timestamp\":1772445600000,%s}]}",
			request),
		&ok);

	OK(ok);
	return session;
}

static struct agent_session log_of(const char *lines)
{
	bool ok;
	struct agent_session session = read_with(copilot_read_log, str_from(lines), &ok);

	OK(ok);
	return session;
}

static struct agent_session transcript_of(const char *lines)
{
	bool ok;

	return read_with(copilot_read_transcript, str_from(lines), &ok);
}

static int count_of(const struct agent_session *session, enum agent_kind kind)
{
	int count = 0;

	for (size_t i = 0; i < session->count; i++)
		count += session->items[i].kind == kind;
	return count;
}

/* The first of KIND; one of nothing when there is none. */
static struct agent_item first(const struct agent_session *session, enum agent_kind kind)
{
	for (size_t i = 0; i < session->count; i++)
		if (session->items[i].kind == kind)
			return session->items[i];
	tap_check(0, __FILE__, __LINE__, "no item of kind %d", (int)kind);
	return (struct agent_item){ .at_ns = 0 };
}

#define T0 (INT64_C(1772445600) * NS_PER_S)

/* --- logs --- */

#define STATE "{\"kind\":0,\"v\":{\"sessionId\":\"s\",\"requests\":[]}}\n"

static void logs_are_replayed(void)
{
	struct agent_session session = log_of(
		"\xef\xbb\xbf" STATE
		"{\"kind\":2,\"k\":[\"requests\"],\"v\":[{\"requestId\":\"a\",\"timestamp\":1772445600000,\"message\":\"x\",\"response\":[]}]}\r\n"
		"\n"
		"{\"kind\":2,\"k\":[\"requests\",0,\"response\"],\"v\":[{\"value\":\"Lo\"}]}\n"
		"{\"kind\":2,\"k\":[\"requests\",0,\"response\"],\"v\":[{\"value\":\"Look\"},{\"value\":\"ing\"}],\"i\":0}\n"
		"{\"kind\":1,\"k\":[\"requests\",0,\"modelState\"],\"v\":{\"value\":1}}\n"
		"{\"kind\":1,\"k\":[],\"v\":{}}\n"
		"{\"kind\":1,\"k\":[\"customTitle\"],\"v\":\"T\"}\n"
		"{\"kind\":1,\"k\":[\"customTitle\"]}"); /* undefined, and no newline */

	IS_INT(session.count, 2);
	IS_INT(session.bad_count, 0);
	IS_STR(session.id, "s");
	IS_STR(session.title, "");
	IS_STR(first(&session, AGENT_RESPONSE).text, "Looking");
	IS_INT(extent.prompts, 1);
	IS_INT(extent.last_ns, T0);
}

static void bad_lines_are_noted_and_passed_over(void)
{
	struct agent_session session =
		log_of("{\"kind\":1,\"k\":[\"x\"],\"v\":1}\n" STATE
		       "{\"kind\":2,\"k\":[\"requests\",0,\"resp\n"
		       "{\"kind\":9}\n"
		       "7\n"
		       "{\"kind\":0}\n"
		       "{\"kind\":2,\"k\":[\"requests\"],\"v\":7}\n"
		       "{\"kind\":1,\"k\":[\"requests\",3,\"x\"],\"v\":7}\n"
		       "{\"kind\":2,\"k\":[\"requests\"],\"v\":[{\"timestamp\":1772445600000}]}\n"
		       "{\"kind\":1,\"k\":[\"requ");

	IS_INT(session.bad_count, 6);
	IS_INT(session.unknown, 1);
	IS_INT(extent.unknown, 1);
	IS_INT(count_of(&session, AGENT_PROMPT), 1);
	IS_CSTR(session.bad[1].reason, "not_json");
	IS_CSTR(session.bad[2].reason, "not_object");
	IS_CSTR(session.bad[0].reason, "bad_change");
	IS_STR(session.bad[0].bytes, "{\"kind\":1,\"k\":[\"x\"]}"); /* no value: it may be a text */
	IS_INT(session.bad[1].offset, (int)strlen("{\"kind\":1,\"k\":[\"x\"],\"v\":1}\n" STATE));
	OK(extent.taken > 0);
}

static void torn_tail_is_not_taken(void)
{
	static const char text[] = STATE "{\"kind\":1,\"k\":[\"custo";
	bool ok;
	struct agent_session session = read_with(copilot_read_log, str_from(text), &ok);

	OK(ok);
	IS_INT(extent.taken, strlen(STATE));
	IS_INT(session.bad_count, 0);
	session = read_with(copilot_read_log, STR("{\"kind\":0,\"v\":{\"requ"), &ok);
	OK(!ok);
	IS_INT(extent.taken, 0);
	session = read_with(copilot_read_log, STR(""), &ok);
	OK(!ok && session.bad_count == 0);
}

/* A value that would make the state deeper than can be read is refused; the rest is read. */
static void depth_is_limited(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct agent_session session;

	buf_addc(&text, STATE
		"{\"kind\":2,\"k\":[\"requests\"],\"v\":[{\"requestId\":\"a\",\"timestamp\":1772445600000}]}\n");
	for (int i = 0; i < 200; i++) {
		buf_addc(&text, "{\"kind\":1,\"k\":[\"requests\",0");
		for (int j = 0; j < i; j++)
			buf_addc(&text, ",\"x\"");
		buf_addc(&text, ",\"x\"],\"v\":{\"y\":[[[[[[[[[[1]]]]]]]]]]}}\n");
	}
	session = log_of(buf_cstr(&text));
	IS_INT(count_of(&session, AGENT_PROMPT), 1);
	IS_INT(session.bad_count, 200 - COPILOT_PATH_STEPS + 2);
}

/* --- documents --- */

static void requests_end_in_different_ways(void)
{
	static const struct {
		const char *members;
		int responses, errors, usages;
		bool cancelled;
	} cases[] = {
		{ "\"modelState\":{\"value\":0}", 0, 0, 0, false },
		{ "\"modelState\":{\"value\":4},\"promptTokens\":5", 0, 0, 0, false },
		{ "\"modelState\":{\"value\":1}", 1, 0, 0, false },
		{ "\"modelState\":{\"value\":2},\"completionTokens\":7", 0, 0, 1, true },
		{ "\"modelState\":{\"value\":3},\"result\":{\"metadata\":{\"promptTokens\":7}}", 0,
			1, 1, false },
		{ "\"modelState\":{\"value\":1},\"result\":{\"errorDetails\":{\"message\":\"m\"}}",
			0, 1, 0, false },
		{ "\"modelState\":{\"value\":\"1\"}", 1, 0, 0, false },
		{ "\"modelState\":7,\"response\":[{\"value\":\"x\"}]", 1, 0, 0, false },
		{ "\"response\":[]", 0, 0, 0, false },
		{ "\"response\":[],\"result\":{}", 1, 0, 0, false },
		{ "\"response\":\"very old\"", 1, 0, 0, false },
		{ "\"isCanceled\":true,\"response\":[{\"value\":\"x\"}]", 0, 0, 0, true },
		{ "\"result\":{\"errorDetails\":{\"code\":\"canceled\"}}", 0, 0, 0, true },
		{ "\"result\":{\"errorDetails\":null}", 1, 0, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct agent_session session = request(cases[i].members);
		bool right = IS_INT(count_of(&session, AGENT_PROMPT), 1) &&
			     IS_INT(count_of(&session, AGENT_RESPONSE), cases[i].responses) &&
			     IS_INT(count_of(&session, AGENT_ERROR), cases[i].errors) &&
			     IS_INT(count_of(&session, AGENT_USAGE), cases[i].usages) &&
			     IS_INT(first(&session, AGENT_PROMPT).cancelled, cases[i].cancelled);

		if (!right)
			printf("# %s\n", cases[i].members);
	}
}

static void facts_of_requests_are_found(void)
{
	struct agent_session session = request(
		"\"message\":{\"parts\":[{\"text\":\"a \"},{\"text\":\"b\"}]},\"modelId\":\"copilot/auto\","
		"\"modeInfo\":{\"kind\":\"agent\"},\"response\":[\"x\",{\"value\":\"y\"},{\"kind\":\"thinking\",\"value\":[]},"
		"{\"kind\":\"thinking\",\"value\":[\"z\"]},{\"kind\":\"markdownVuln\",\"content\":{\"value\":\"v\"}},{\"kind\":\"new\"},7,null],"
		"\"completionTokens\":101,\"result\":{\"timings\":{\"totalElapsed\":2500},"
		"\"metadata\":{\"promptTokens\":\"6100\",\"outputTokens\":95,\"resolvedModel\":\"gpt-5.1\"}}");
	struct agent_item prompt = first(&session, AGENT_PROMPT);
	struct agent_item response = first(&session, AGENT_RESPONSE);

	IS_STR(prompt.text, "a b");
	IS_STR(prompt.key, "s:r");
	IS_STR(prompt.model, "copilot/auto");
	IS_STR(prompt.mode, "agent");
	IS_INT(prompt.at_ns, T0);
	IS_STR(response.text, "xyv");
	IS_STR(response.model, "gpt-5.1");
	IS_STR(response.turn, "r");
	IS_INT(response.at_ns, T0);
	IS_INT(response.duration_ns, 2500 * NS_PER_MS);
	IS_INT(response.tokens[AGENT_INPUT], 6100);
	IS_INT(response.tokens[AGENT_OUTPUT], 101);
	IS_INT(response.tokens[AGENT_CACHE_READ], -1);
	IS_INT(session.unknown, 1);
	session = request(
		"\"modelState\":{\"value\":1,\"completedAt\":1772445631000},\"elapsedMs\":5,"
		"\"agent\":{\"id\":\"github.copilot.editsAgent\",\"extensionVersion\":\"0.40.1\"}");
	IS_INT(first(&session, AGENT_RESPONSE).duration_ns, 31 * NS_PER_S);
	IS_STR(first(&session, AGENT_RESPONSE).mode, "agent");
	IS_STR(session.version, "0.40.1");
	session = request("\"modelState\":{\"value\":1},\"elapsedMs\":1500");
	IS_INT(first(&session, AGENT_RESPONSE).duration_ns, 1500 * NS_PER_MS);
	session = request("\"modelState\":{\"value\":1},\"elapsedMs\":-1,\"promptTokens\":-3");
	IS_INT(first(&session, AGENT_RESPONSE).at_ns, T0);
	IS_INT(first(&session, AGENT_RESPONSE).duration_ns, 0);
	IS_INT(first(&session, AGENT_RESPONSE).tokens[AGENT_INPUT], -1);
	session = request("\"shouldBeRemovedOnSend\":{\"requestId\":\"r\"},\"result\":{}");
	OK(first(&session, AGENT_PROMPT).withdrawn && first(&session, AGENT_RESPONSE).withdrawn);
	session = request("\"isSystemInitiated\":true,\"result\":{}");
	IS_INT(count_of(&session, AGENT_PROMPT), 0);
	IS_INT(count_of(&session, AGENT_RESPONSE), 1);
}

static void error_codes_are_words(void)
{
	static const struct {
		const char *details, *code;
	} cases[] = {
		{ "\"code\":\"rateLimited\"", "rateLimited" },
		{ "\"code\":429", "429" },
		{ "\"code\":\"Sorry, ana@example.org\",\"isQuotaExceeded\":true", "quotaExceeded" },
		{ "\"message\":\"Sorry, no.\"", "failed" },
		{ "\"responseIsFiltered\":true", "filtered" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct agent_session session = request(
			arena_printf(&arena, "\"result\":{\"errorDetails\":{%s}}", cases[i].details)
				.ptr);

		IS_STR(first(&session, AGENT_ERROR).error, cases[i].code);
	}
}

#define PART(id)                                                                                      \
	"{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"copilot_readFile\",\"toolCallId\":\"" id \
	"\"}"
#define CALLS(calls) ",\"result\":{\"metadata\":{\"toolCallRounds\":[{\"toolCalls\":[" calls "]}],"
#define CALL(id, arguments) "{\"id\":\"" id "\",\"name\":\"read_file\",\"arguments\":" arguments "}"

static void tools_are_counted_once(void)
{
	struct agent_session session = request("\"response\":[" PART("c1") "," PART("c1") "," PART(
		"c2") "]" CALLS(CALL("c1", "\"{\\\"filePath\\\":\\\"/a\\\"}\"") "," CALL("c2",
		"{\"filePath\":\"/b\"}") "," CALL("c3",
		"\"no JSON\"")) "\"toolCallResults\":{\"c2\":{\"isError\":true}}}}");

	IS_INT(count_of(&session, AGENT_TOOL_USE), 3);
	IS_STR(first(&session, AGENT_TOOL_USE).file, "/a");
	IS_STR(first(&session, AGENT_TOOL_USE).tool, "copilot_readFile");
	IS_STR(agent_find(&session, AGENT_TOOL_USE, STR("s:c2"))->file, "/b");
	IS_STR(agent_find(&session, AGENT_TOOL_USE, STR("s:c3"))->tool, "read_file");
	IS_STR(first(&session, AGENT_TOOL_ERROR).call, "s:c2");
	/* Ids of another kind are other names for the same calls. */
	session = request("\"response\":[" PART("c1") "," PART("") "]" CALLS(
		CALL("x1", "{}") "," CALL("x2", "{}")) "\"x\":0}}");
	IS_INT(count_of(&session, AGENT_TOOL_USE), 2);
	IS_INT(count_of(&session, AGENT_TOOL_ERROR), 0);
	session =
		request("\"response\":[]" CALLS(CALL("x1", "{}") "," CALL("x2", "{}")) "\"x\":0}}");
	IS_INT(count_of(&session, AGENT_TOOL_USE), 2);
	session = request(
		"\"response\":[{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"run_in_terminal\",\"toolCallId\":\"t\","
		"\"toolSpecificData\":{\"terminalCommandState\":{\"exitCode\":1}}},"
		"{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"mcp_x\",\"toolCallId\":\"u\",\"resultDetails\":{\"isError\":true}},"
		"{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"copilot_readFile\",\"toolCallId\":\"v\",\"invocationMessage\":"
		"{\"value\":\"Reading [](file:///x%20y/a.c#1-2)\"},\"resultDetails\":[]},"
		"{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"copilot_readFile\",\"toolCallId\":\"w\",\"pastTenseMessage\":"
		"{\"value\":\"Read\",\"uris\":{\"k\":{\"scheme\":\"file\",\"path\":\"/w\"}}}}]");
	IS_INT(count_of(&session, AGENT_TOOL_ERROR), 2);
	IS_STR(agent_find(&session, AGENT_TOOL_USE, STR("s:v"))->file, "/x y/a.c");
	IS_STR(agent_find(&session, AGENT_TOOL_USE, STR("s:w"))->file, "/w");
}

static void files_are_found(void)
{
	struct agent_session session = request(
		"\"variableData\":{\"variables\":["
		"{\"kind\":\"file\",\"value\":{\"$mid\":1,\"fsPath\":\"/a\",\"path\":\"/a\",\"scheme\":\"file\"}},"
		"{\"kind\":\"file\",\"value\":{\"uri\":{\"path\":\"/b\",\"scheme\":\"file\"},\"range\":{}}},"
		"{\"kind\":\"file\",\"value\":\"file:///c%20d\"},"
		"{\"kind\":\"directory\",\"value\":{\"path\":\"/dir\"}},"
		"{\"kind\":\"tool\",\"value\":null},{\"kind\":\"generic\",\"value\":\"some text\"},"
		"{\"kind\":\"image\",\"value\":{\"0\":137}},{\"kind\":\"file\",\"value\":{\"path\":\"/u\",\"scheme\":\"untitled\"}},7,"
		"{\"kind\":\"generic\",\"value\":{\"variableName\":\"v\",\"value\":{\"path\":\"/f\"}}},"
		"{\"kind\":\"file\",\"value\":{\"path\":\"/a\"}},{\"value\":\"https://example.org/x\"}]},"
		"\"contentReferences\":[{\"kind\":\"reference\",\"reference\":{\"path\":\"/e\"}}]," /* the answer's */
		"\"response\":[{\"kind\":\"textEditGroup\",\"uri\":{\"path\":\"/a\"},\"edits\":[[{},{}],[{}],7]},"
		"{\"kind\":\"notebookEditGroup\",\"uri\":\"file:///n.ipynb\",\"edits\":[{},{}]},{\"kind\":\"textEditGroup\"}]");
	static const char *const want[] = { "/a", "/b", "/c d", "/f" };
	size_t read = 0;

	for (size_t i = 0; i < session.count; i++)
		if (session.items[i].kind == AGENT_FILE_READ && OK(read < ARRAY_LEN(want)))
			IS_STR(session.items[i].file, want[read++]);
	IS_INT(read, ARRAY_LEN(want));
	OK(first(&session, AGENT_PROMPT).has_image);
	IS_INT(count_of(&session, AGENT_FILE_EDIT), 3);
	IS_INT(first(&session, AGENT_FILE_EDIT).edits, 3);
	IS_STR(first(&session, AGENT_FILE_EDIT).file, "/a");
}

static void old_and_odd_documents_are_read(void)
{
	bool ok;
	struct agent_session session = read_with(copilot_read_document,
		STR("\xef\xbb\xbf{\"version\":1,\"creationDate\":\"1772445600\",\"requests\":[{\"message\":\"a\"},{\"message\":7},"
		    "null,[],{\"requestId\":\"x\",\"timestamp\":\"2026-03-02T10:00:00\"},{\"requestId\":\"x\"},"
		    "{\"requestId\":\"y\",\"timestamp\":0,\"message\":\"b\xe9\\ud800\\u0000\"},{\"requestId\":\"z\",\"timestamp\":4102444800000}]}\r\n"),
		&ok);

	OK(ok);
	IS_INT(count_of(&session, AGENT_PROMPT), 5);
	IS_INT(session.fallback_ns, T0);
	IS_INT(session.started_ns, T0);
	IS_INT(session.ended_ns, T0);
	IS_INT(agent_find(&session, AGENT_PROMPT, STR(":x"))->at_ns, T0);
	IS_INT(agent_find(&session, AGENT_PROMPT, STR(":y"))->at_ns, 0);
	OK(first(&session, AGENT_PROMPT).at_ns == AGENT_NO_TIME);
	OK(first(&session, AGENT_PROMPT).key.len > 0);
	OK(agent_find(&session, AGENT_PROMPT, STR(":y"))->text.len >= 4);
}

static void bad_documents_say_why(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = { { "", NULL }, { " \n", NULL }, { "{\"requests\":[{", NULL },
		{ "{\"requests\"", NULL }, { "hello", "not_json" }, { "[]", "not_a_session" },
		{ "{\"x\":1}", "not_a_session" }, { "{\"requests\":[]} x", "not_json" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok;
		struct agent_session session =
			read_with(copilot_read_document, str_from(cases[i].text), &ok);

		OK(!ok);
		if (IS_INT(session.bad_count, cases[i].reason ? 1 : 0) && cases[i].reason)
			IS_CSTR(session.bad[0].reason, cases[i].reason);
		IS_INT(extent.taken,
			cases[i].text[0] == '{' && !cases[i].reason ? 0 : strlen(cases[i].text));
	}
}

static void a_bad_request_does_not_hide_the_others(void)
{
	bool ok;
	struct agent_session session = read_with(copilot_read_document,
		STR("{\"sessionId\":\"s\",\"requests\":[{\"requestId\":\"a\",\"timestamp\":1},{\"requestId\":tru},{\"requestId\":\"b\",\"timestamp\":1}]}"),
		&ok);

	OK(ok);
	IS_INT(count_of(&session, AGENT_PROMPT), 2);
	if (IS_INT(session.bad_count, 1))
		IS_INT(session.bad[0].offset, 61);
}

static void values_of_any_type_do_no_harm(void)
{
	static const char *const values[] = { "null", "true", "-1", "1e999", "\"\"", "\"x\"", "[]",
		"[[]]", "[null]", "{}", "{\"value\":[]}", "[{\"kind\":[]}]",
		"[{\"kind\":\"textEditGroup\",\"edits\":{}}]" };
	static const char *const keys[] = { "requestId", "timestamp", "message", "variableData",
		"response", "result", "modelState", "modelId", "modeInfo", "agent",
		"contentReferences", "promptTokens", "isCanceled", "shouldBeRemovedOnSend" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		for (size_t j = 0; j < ARRAY_LEN(keys); j++) {
			bool ok;
			struct agent_session session = read_with(copilot_read_document,
				arena_printf(
					&arena, "{\"requests\":[{\"%s\":%s}]}", keys[j], values[i]),
				&ok);

			OK(ok);
			IS_INT(count_of(&session, AGENT_PROMPT), 1);
		}
}

/* --- transcripts --- */

#define AT(second) "\"timestamp\":\"2026-03-02T10:00:0" second ".000Z\""

static void transcripts_are_read(void)
{
	struct agent_session session = transcript_of("{\"type\":\"session.start\",\"data\":{\"sessionId\":\"s\",\"copilotVersion\":\"0.52\",\"context\":{\"cwd\":\"/w/\",\"branch\":\"main\"}}," AT(
		"0") "}\n"
		     "{\"type\":\"user.message\",\"data\":{\"content\":\"go\",\"attachments\":[{\"type\":\"file\",\"path\":\"/f\"},{\"type\":\"image\"}]}," AT(
			     "1") "}\n"
				  "{\"type\":\"user.message\",\"data\":{\"content\":\"skill text\",\"source\":\"skill-x\"}," AT(
					  "1") "}\n"
					       "{\"type\":\"assistant.message\",\"data\":{\"content\":\"\",\"toolRequests\":[{\"toolCallId\":\"c\",\"name\":\"read_file\",\"arguments\":\"{\\\"filePath\\\":\\\"/x\\\"}\"}]}," AT(
						       "2") "}\n"
							    "{\"type\":\"tool.execution_start\",\"data\":{\"toolCallId\":\"c\",\"toolName\":\"read_file\",\"arguments\":{}}," AT(
								    "3") "}\n"
									 "{\"type\":\"tool.execution_complete\",\"data\":{\"toolCallId\":\"c\",\"success\":false}," AT(
										 "4") "}\n"
										      "{\"type\":\"assistant.usage\",\"data\":{\"model\":\"gpt-5.1\",\"inputTokens\":4000,\"outputTokens\":\"70\",\"cacheReadTokens\":3000}," AT(
											      "5") "}\n"
												   "{\"type\":\"assistant.message\",\"data\":{\"content\":\"done\"}," AT(
													   "6") "}\n"
														"{\"type\":\"session.error\",\"data\":{\"errorType\":\"quota\",\"message\":\"m\"}," AT(
															"7") "}\n"
															     "{\"type\":\"abort\",\"data\":{}," AT(
																     "8") "}\n"
																	  "{\"type\":\"hook.start\",\"data\":{}}\n{\"type\":\"hologram\"}\nno JSON\n[]\n"
																	  "{\"type\":\"assistant.turn_en");

	IS_INT(session.count, 7);
	IS_STR(session.id, "s");
	IS_STR(session.cwd, "/w");
	IS_STR(session.branch, "main");
	IS_STR(session.version, "0.52");
	IS_INT(session.started_ns, T0);
	IS_INT(session.ended_ns, T0 + 8 * NS_PER_S);
	IS_INT(session.unknown, 1);
	IS_INT(session.bad_count, 2);
	IS_INT(extent.prompts, 1);
	OK(first(&session, AGENT_PROMPT).cancelled && first(&session, AGENT_PROMPT).has_image);
	IS_STR(first(&session, AGENT_FILE_READ).file, "/f");
	IS_STR(first(&session, AGENT_TOOL_USE).file, "/x");
	IS_INT(first(&session, AGENT_TOOL_USE).at_ns, T0 + 2 * NS_PER_S);
	IS_STR(first(&session, AGENT_TOOL_ERROR).tool, "read_file");
	IS_STR(first(&session, AGENT_ERROR).error, "quota");
	IS_STR(first(&session, AGENT_RESPONSE).model, "gpt-5.1");
	IS_INT(first(&session, AGENT_USAGE).tokens[AGENT_OUTPUT], 70);
	IS_INT(first(&session, AGENT_USAGE).tokens[AGENT_CACHE_READ], 3000);
	IS_INT(first(&session, AGENT_USAGE).tokens[AGENT_CACHE_WRITE], -1);
}

static void repetition_is_told_by_time_and_content(void)
{
	struct agent_session session = transcript_of(
		"{\"type\":\"user.message\",\"data\":{\"content\":\"go\"},\"id\":\"1\"," AT(
			"1") "}\n"
			     "{\"type\":\"user.message\",\"data\":{\"content\":\"go\"},\"id\":\"2\"," AT(
				     "1") "}\n"
					  "{\"type\":\"user.message\",\"data\":{\"content\":\"go\"},\"id\":\"3\"," AT(
						  "2") "}\n"
						       "{\"type\":\"user.message\",\"data\":{\"content\":\"go\"}}\n"
						       "{\"type\":\"user.message\",\"data\":{\"content\":\"go\"}}\n"
						       "{\"type\":\"user.message\",\"data\":{\"content\":\"on\"}," AT(
							       "2") "}");

	IS_INT(count_of(&session, AGENT_PROMPT), 5);
	IS_INT(extent.taken > 400, 1);
}

#define LINE(type, data, second) "{\"type\":\"" type "\",\"data\":{" data "}," AT(second) "}\n"

/* The history told again has the first prompt stopped, not the last. */
static void an_abort_stops_its_own_prompt(void)
{
	static const char text[] = LINE("user.message", "\"content\":\"a\"", "1")
		LINE("abort", "", "2") LINE("user.message", "\"content\":\"b\"", "3");
	struct agent_session session = transcript_of(arena_printf(
		&arena, "%s%s%s", text, text, LINE("assistant.message", "\"content\":\"c\"", "4"))
							     .ptr);

	if (!IS_INT(session.count, 3))
		return;
	OK(session.items[0].cancelled);
	OK(!session.items[1].cancelled);
	OK(str_eq(session.items[2].turn, session.items[1].key));
	IS_INT(extent.prompts, 2);
}

static void a_state_that_is_none_is_refused(void)
{
	static const char *const states[] = { "null", "7", "\"x\"", "[]" };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct agent_session session = log_of(arena_printf(&arena,
			"{\"kind\":0,\"v\":{\"requests\":[{\"requestId\":\"a\"}]}}\n{\"kind\":0,\"v\":%s}\n",
			states[i])
							      .ptr);

		IS_INT(count_of(&session, AGENT_PROMPT), 1);
		IS_INT(session.bad_count, 1);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(logs_are_replayed),
	TAP_CASE(bad_lines_are_noted_and_passed_over),
	TAP_CASE(torn_tail_is_not_taken),
	TAP_CASE(depth_is_limited),
	TAP_CASE(a_state_that_is_none_is_refused),
	TAP_CASE(requests_end_in_different_ways),
	TAP_CASE(facts_of_requests_are_found),
	TAP_CASE(error_codes_are_words),
	TAP_CASE(tools_are_counted_once),
	TAP_CASE(files_are_found),
	TAP_CASE(old_and_odd_documents_are_read),
	TAP_CASE(bad_documents_say_why),
	TAP_CASE(a_bad_request_does_not_hide_the_others),
	TAP_CASE(values_of_any_type_do_no_harm),
	TAP_CASE(transcripts_are_read),
	TAP_CASE(repetition_is_told_by_time_and_content),
	TAP_CASE(an_abort_stops_its_own_prompt),
};

int main(int argc, char **argv)
{
	int rc = tap_main(cases, ARRAY_LEN(cases), argc, argv);

	arena_release(&arena);
	return rc;
}
