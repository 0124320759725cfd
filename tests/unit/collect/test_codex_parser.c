/* Rollouts as bytes to items: every way in which a record may be written, and what follows of it.
 */
#include "base/json.h"
#include "base/time.h"
#include "collect/codex/codex.h"
#include "tap.h"

/* A session, read from lines that C strings give. */
struct read {
	struct arena arena;
	struct codex_reader reader;
	struct codex_parser parser;
	struct agent_session session;
	int64_t offset;
	const char *known; /* the session that origins are looked for in; NULL: none is known */
	const char *turns; /* its turns, each between spaces */
	bool saving;       /* the parser is saved and loaded before each line */
	struct buf out;
};

static void begin(struct read *read)
{
	*read = (struct read){ 0 };
	codex_parser(&read->parser, true);
	read->parser.fallback_id = STR("fallback");
	read->session = agent_session(&read->arena, "codex");
	codex_batch_begin(&read->parser, &read->session);
}

static void end(struct read *read)
{
	codex_parser_release(&read->parser);
	codex_reader_release(&read->reader);
	arena_release(&read->arena);
	buf_release(&read->out);
}

static bool has_turn(const struct read *read, struct str turn)
{
	char word[64];

	snprintf(word, sizeof(word), " %.*s ", STR_ARG(turn));
	return read->turns && strstr(read->turns, word);
}

static void save_and_load(struct read *read)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, again = BUF_INIT;
	struct codex_parser *parser = &read->parser;

	codex_parser_save(parser, &text);
	codex_parser_release(parser);
	OK(codex_parser_load(parser, buf_str(&text)));
	codex_parser_save(parser, &again);
	IS_STR(buf_str(&again), buf_cstr(&text));
	parser->fallback_id = STR("fallback");
	codex_batch_begin(parser, &read->session);
}

static void take(struct read *read, struct str line)
{
	struct codex_record record;
	struct str origin;
	struct err err;

	if (read->saving)
		save_and_load(read);
	if (codex_record_read(&read->reader, line, &record, &err) < 0) {
		struct agent_bad bad = { .offset = read->offset,
			.reason = "not_json",
			.detail = str_from(err.message),
			.bytes = line };

		codex_take_bad(&read->parser, &bad);
	} else {
		record.in_parent =
			codex_asks(&read->parser, &record) && has_turn(read, record.turn);
		read->parser.keep_title = true;
		codex_take(&read->parser, &record, line, read->offset);
		if (codex_new_origin(&read->parser, &origin))
			codex_origin(&read->parser, read->known && str_eq_c(origin, read->known));
	}
	read->offset += (int64_t)line.len + 1;
}

static void add_flag(struct buf *out, bool flag, const char *name)
{
	if (flag)
		buf_printf(out, " %s", name);
}

static void add_text(struct buf *out, const char *name, struct str value)
{
	if (value.len > 0)
		buf_printf(out, " %s=%.*s", name, STR_ARG(value));
}

/* One item as a line: what it is, and what it says beside its key. */
static void show(struct buf *out, const struct agent_item *item)
{
	static const char *const kinds[] = { "prompt", "response", "call", "failed", "error",
		"usage", "read", "edit" };

	buf_addc(out, kinds[item->kind]);
	if (item->kind == AGENT_PROMPT || item->kind == AGENT_RESPONSE)
		buf_printf(out, " %lld", (long long)item->length);
	add_text(out, "tool", item->tool);
	add_text(out, "file", item->file);
	add_text(out, "error", item->error);
	add_text(out, "model", item->model);
	add_text(out, "cwd", item->cwd);
	if (item->kind == AGENT_USAGE)
		buf_printf(out, " %lld/%lld/%lld/%lld", (long long)item->tokens[AGENT_INPUT],
			(long long)item->tokens[AGENT_CACHE_READ],
			(long long)item->tokens[AGENT_OUTPUT],
			(long long)item->tokens[AGENT_REASONING]);
	add_flag(out, item->has_image, "image");
	add_flag(out, item->command, "command");
	add_flag(out, item->cancelled, "cancelled");
	add_flag(out, item->withdrawn, "withdrawn");
	add_flag(out, item->estimated, "estimated");
	buf_byte(out, '\n');
}

static struct str finish(struct read *read)
{
	codex_batch_end(&read->parser);
	buf_clear(&read->out);
	for (size_t i = 0; i < read->session.count; i++)
		show(&read->out, &read->session.items[i]);
	return buf_str(&read->out);
}

/* The second from 2026-03-07T13:00:00Z on, as an envelope around PAYLOAD. */
static void line(struct read *read, int second, const char *type, const char *payload)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text,
		"{\"timestamp\":\"2026-03-07T13:%02d:%02d.000Z\",\"type\":\"%s\",\"payload\":%s}",
		second / 60, second % 60, type, payload);
	take(read, buf_str(&text));
}

static void meta(struct read *read, const char *more)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "{\"id\":\"own\",\"timestamp\":\"2026-03-07T13:00:00Z\"%s}", more);
	line(read, 0, "session_meta", buf_cstr(&text));
}

static void said(struct read *read, int second, const char *role, const char *text)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"message\",\"role\":\"%s\",\"content\":[{\"type\":", role);
	buf_printf(&payload, "\"input_text\",\"text\":\"%s\"}]}", text);
	line(read, second, "response_item", buf_cstr(&payload));
}

static void event(struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"%s\"%s}", type, more);
	line(read, second, "event_msg", buf_cstr(&payload));
}

static void item(struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"%s\"%s}", type, more);
	line(read, second, "response_item", buf_cstr(&payload));
}

static void completed(struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, ",\"turn_id\":\"p1\",\"item\":{\"type\":\"%s\"%s}", type, more);
	event(read, second, "item_completed", buf_cstr(&payload));
}

/* --- messages --- */

static void a_message_from_several_sides_is_one(void)
{
	for (int saving = 0; saving < 2; saving++) {
		struct read read;

		begin(&read);
		read.saving = saving;
		meta(&read, ",\"cwd\":\"/w\"");
		said(&read, 1, "user", "one");
		event(&read, 1, "user_message", ",\"message\":\"one\"");
		event(&read, 2, "agent_message", ",\"message\":\"first\"");
		said(&read, 2, "assistant", "first");
		said(&read, 3, "assistant", "second");
		event(&read, 3, "agent_message", ",\"message\":\"second\"");
		event(&read, 4, "task_complete", "");
		event(&read, 5, "user_message", ",\"message\":\"three\"");
		said(&read, 5, "user", "three");
		said(&read, 6, "user", "three");
		event(&read, 6, "user_message", ",\"message\":\"three\"");
		completed(&read, 7, "AgentMessage",
			",\"content\":[{\"type\":\"Text\",\"text\":\"x\"}]");
		event(&read, 7, "agent_message", ",\"message\":\"x\"");
		said(&read, 7, "assistant", "x");
		IS_STR(finish(&read), "prompt 3\nresponse 5\nresponse 6\nprompt 5\nprompt 5\n"
				      "response 1\n");
		end(&read);
	}
}

static void texts_around_an_image_may_differ(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	item(&read, 1, "message",
		",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"<image "
		"name=[Image #1]>\"},{\"type\":\"input_image\",\"image_url\":\"data:x\"},"
		"{\"type\":\"input_text\",\"text\":\"</image>\"},{\"type\":\"input_text\","
		"\"text\":\"look here\"}]");
	event(&read, 1, "user_message", ",\"message\":\"look [Image #1]\",\"images\":[\"data:x\"]");
	item(&read, 2, "message",
		",\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"d\"}]");
	IS_STR(finish(&read), "prompt 9 image\nprompt 0 image\n");
	end(&read);
}

static void what_the_program_says_for_a_user_is_no_prompt(void)
{
	static const char *const texts[] = {
		"<environment_context>\\n<cwd>/w</cwd>\\n</environment_context>",
		"<permissions instructions>x", "<user_instructions>x</user_instructions>",
		"# AGENTS.md instructions for /w", "<turn_aborted>x</turn_aborted>",
		"<goal_context>x", "<codex_internal_context source=\\\"goal\\\">x",
		"<subagent_notification>{}</subagent_notification>", "  \\n<skill>x</skill>"
	};
	struct read read;

	begin(&read);
	meta(&read, "");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		said(&read, 1, "user", texts[i]);
	said(&read, 1, "developer", "do this");
	said(&read, 1, "system", "do that");
	event(&read, 1, "user_message",
		",\"kind\":\"user_instructions\",\"message\":\"what AGENTS.md says\"");
	said(&read, 1, "user", "");
	IS_STR(finish(&read), "");
	item(&read, 2, "message",
		",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"# AGENTS.md x\"},"
		"{\"type\":\"input_text\",\"text\":\"hello\"}]");
	event(&read, 3, "task_complete", "");
	said(&read, 4, "user", "<user_shell_command>ls</user_shell_command>");
	IS_STR(finish(&read), "prompt 5\nprompt 43 command\n");
	IS_STR(read.session.cwd, "/w"); /* as the context says */
	end(&read);
}

/* --- tokens --- */

#define TOKENS(input, cached, output, reasoning)                                                   \
	"{\"input_tokens\":" #input ",\"cached_input_tokens\":" #cached                            \
	",\"output_tokens\":" #output ",\"reasoning_output_tokens\":" #reasoning                   \
	",\"total_tokens\":1}"

static void usage(struct read *read, int second, const char *total, const char *last)
{
	CLEANUP(buf_release) struct buf more = BUF_INIT;

	buf_addc(&more, ",\"info\":{\"model_context_window\":272000");
	if (total)
		buf_printf(&more, ",\"total_token_usage\":%s", total);
	if (last)
		buf_printf(&more, ",\"last_token_usage\":%s", last);
	buf_addc(&more, "},\"rate_limits\":{}");
	event(read, second, "token_count", buf_cstr(&more));
}

static void tokens_are_what_was_spent_since_the_last_report(void)
{
	for (int saving = 0; saving < 2; saving++) {
		struct read read;

		begin(&read);
		read.saving = saving;
		meta(&read, "");
		event(&read, 1, "token_count", ",\"info\":null,\"rate_limits\":{}");
		event(&read, 1, "token_count", "");
		usage(&read, 2, TOKENS(100, 50, 20, 5), TOKENS(100, 50, 20, 5));
		usage(&read, 3, TOKENS(100, 50, 20, 5), TOKENS(100, 50, 20, 5)); /* a refresh */
		line(&read, 4, "turn_context", "{\"model\":\"m1\"}");
		usage(&read, 5, TOKENS(300, 150, 70, 9), NULL); /* the difference */
		usage(&read, 6, TOKENS(310, 150, 70, 9), TOKENS(7, 6, 5, 4));
		usage(&read, 7, TOKENS(40, 10, 4, 1), NULL); /* a new base */
		usage(&read, 8, TOKENS(50, 10, 6, 1), NULL);
		usage(&read, 9, TOKENS(5, 1, 1, 0), TOKENS(4, 1, 1, 0));
		line(&read, 10, "turn_context", "{\"model\":\"m2\"}");
		usage(&read, 11, NULL,
			"{\"input_tokens\":\"8\",\"cached_input_tokens\":0,\"output_tokens\":3.0,"
			"\"reasoning_output_tokens\":-1}"); /* numbers as they come */
		IS_STR(finish(&read), "usage 100/50/20/5\nusage model=m1 200/100/50/4\n"
				      "usage model=m1 7/6/5/4\nusage model=m1 40/10/4/1\n"
				      "usage model=m1 10/0/2/0\nusage model=m1 4/1/1/0\n"
				      "usage model=m2 8/0/3/-1\n");
		end(&read);
	}
}

/* --- tools --- */

static void every_kind_of_call(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	item(&read, 1, "function_call",
		",\"name\":\"exec_command\",\"arguments\":\"{\\\"cmd\\\":\\\"ls\\\"}\",\"call_id\":\"a\"");
	item(&read, 1, "function_call",
		",\"name\":\"shell\",\"arguments\":\"{\\\"command\\\":[\\\"apply_patch\\\",\\\"*** Begin "
		"Patch\\\\n*** Add File: a/b.c\\\\n+x\\\"]}\",\"call_id\":\"b\"");
	item(&read, 1, "custom_tool_call",
		",\"name\":\"apply_patch\",\"call_id\":\"c\",\"input\":\"*** Begin Patch\\n*** Update "
		"File: cart.py\\n@@\\n\"");
	item(&read, 1, "local_shell_call",
		",\"call_id\":\"d\",\"status\":\"completed\",\"action\":{\"type\":\"exec\",\"command\":"
		"[\"ls\"]}");
	item(&read, 1, "web_search_call",
		",\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\"cats\"}");
	event(&read, 1, "web_search_end", ",\"call_id\":\"ws_1\",\"query\":\"cats\"");
	item(&read, 1, "function_call",
		",\"name\":\"docs__search\",\"arguments\":\"{\\\"path\\\":\\\"x.md\\\"}\",\"call_id\":\"e\"");
	item(&read, 1, "function_call",
		",\"namespace\":\"mcp__git__\",\"name\":\"log\",\"arguments\":\"{}\",\"call_id\":\"f\"");
	item(&read, 1, "tool_search_call", ",\"call_id\":\"g\",\"arguments\":{}");
	item(&read, 1, "image_generation_call", ",\"id\":\"ig_1\",\"status\":\"completed\"");
	event(&read, 1, "image_generation_end", ",\"call_id\":\"ig_1\"");
	item(&read, 1, "function_call",
		",\"name\":\"view_image\",\"arguments\":\"{\\\"path\\\":\\\"/w/a.png\\\"}\",\"call_id\":\"h\"");
	event(&read, 1, "view_image_tool_call", ",\"call_id\":\"h\",\"path\":\"/w/a.png\"");
	item(&read, 1, "function_call", ",\"name\":\"odd\",\"arguments\":\"not JSON\"");
	item(&read, 1, "function_call", ",\"name\":\"odd\",\"arguments\":\"not JSON\",\"x\":1");
	IS_STR(finish(&read),
		"call tool=exec_command\ncall tool=shell file=a/b.c\n"
		"call tool=apply_patch file=cart.py\ncall tool=local_shell\ncall tool=web_search\n"
		"call tool=docs__search file=x.md\ncall tool=mcp__git__log\ncall tool=tool_search\n"
		"call tool=image_generation\ncall tool=view_image file=/w/a.png\ncall tool=odd\n"
		"call tool=odd\n");
	end(&read);
}

/* Does a call with this output, as JSON, count as failed? */
static bool output_fails(const char *output)
{
	CLEANUP(buf_release) struct buf more = BUF_INIT;
	struct read read;
	bool failed;

	begin(&read);
	meta(&read, "");
	item(&read, 1, "function_call", ",\"name\":\"t\",\"arguments\":\"{}\",\"call_id\":\"a\"");
	buf_printf(&more, ",\"call_id\":\"a\",\"output\":%s", output);
	item(&read, 2, "function_call_output", buf_cstr(&more));
	finish(&read);
	failed = read.session.count == 2 && read.session.items[1].kind == AGENT_TOOL_ERROR;
	if (failed) {
		IS_STR(read.session.items[1].tool, "t");
		OK(str_eq(read.session.items[1].call, read.session.items[0].key));
	}
	end(&read);
	return failed;
}

static void outputs_that_say_failure(void)
{
	OK(output_fails("\"Process exited with code 1\\nOutput:\\n1 failed\""));
	OK(output_fails(
		"\"Chunk ID: x\\nWall time: 1 s\\nProcess exited with code 127\\nOutput:\\n\""));
	OK(output_fails("\"Exit code: 2\\nWall time: 0.1 seconds\\nOutput:\\nno\""));
	OK(output_fails("\"Exit code: -1\""));
	OK(output_fails("\"{\\\"output\\\":\\\"x\\\",\\\"metadata\\\":{\\\"exit_code\\\":1}}\""));
	OK(output_fails("{\"content\":\"x\",\"success\":false}"));
	OK(output_fails("{\"content\":\"Exit code: 1\\nOutput:\\n\"}"));
	OK(output_fails("[{\"type\":\"input_text\",\"text\":\"Exit code: 3\\nOutput:\\n\"}]"));
	OK(output_fails("\"x\",\"success\":false"));
	OK(!output_fails("\"Process exited with code 0\\nOutput:\\nProcess exited with code 1\""));
	OK(!output_fails("\"Output:\\nExit code: 1\""));
	OK(!output_fails("\"the log says\\n\\n\\n\\n\\n\\n\\n\\n\\nExit code: 1\""));
	OK(!output_fails("\"{\\\"output\\\":\\\"x\\\",\\\"metadata\\\":{\\\"exit_code\\\":0}}\""));
	OK(!output_fails("\"{\\\"exit_code\\\": broken\""));
	OK(!output_fails("\"Exit code: many\""));
	OK(!output_fails("\"fine\",\"success\":true"));
	OK(!output_fails("null"));
	OK(!output_fails("17"));
	OK(!output_fails("[]"));
}

static void a_failure_that_several_sides_tell_is_one(void)
{
	for (int saving = 0; saving < 2; saving++) {
		struct read read;

		begin(&read);
		read.saving = saving;
		meta(&read, "");
		item(&read, 1, "function_call", ",\"name\":\"exec_command\",\"call_id\":\"a\"");
		event(&read, 2, "exec_command_end",
			",\"call_id\":\"a\",\"exit_code\":1,\"status\":\"failed\"");
		item(&read, 2, "function_call_output",
			",\"call_id\":\"a\",\"output\":\"Exit code: 1\\nOutput:\\n\"");
		item(&read, 3, "custom_tool_call", ",\"name\":\"apply_patch\",\"call_id\":\"b\"");
		event(&read, 3, "patch_apply_end",
			",\"call_id\":\"b\",\"success\":false,\"changes\":{}");
		item(&read, 4, "function_call", ",\"name\":\"s__t\",\"call_id\":\"c\"");
		event(&read, 4, "mcp_tool_call_end",
			",\"call_id\":\"c\",\"invocation\":{\"server\":\"s\",\"tool\":\"t\"},"
			"\"result\":{\"Ok\":{\"content\":[],\"isError\":true}}");
		item(&read, 5, "function_call", ",\"name\":\"s__t\",\"call_id\":\"d\"");
		event(&read, 5, "mcp_tool_call_end",
			",\"call_id\":\"d\",\"result\":{\"Err\":\"no such server\"}");
		item(&read, 6, "function_call", ",\"name\":\"s__t\",\"call_id\":\"e\"");
		event(&read, 6, "mcp_tool_call_end",
			",\"call_id\":\"e\",\"result\":{\"Ok\":{\"content\":[]}}");
		event(&read, 7, "exec_command_end",
			",\"call_id\":\"z\",\"exit_code\":1,\"source\":\"user_shell\"");
		IS_STR(finish(&read),
			"call tool=exec_command\nfailed tool=exec_command\ncall tool=apply_patch\n"
			"failed tool=apply_patch\ncall tool=s__t\nfailed tool=s__t\ncall tool=s__t\n"
			"failed tool=s__t\ncall tool=s__t\n");
		end(&read);
	}
}

static void ids_that_come_again_are_other_calls(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	for (int i = 1; i < 4; i++) {
		item(&read, i, "function_call", ",\"name\":\"t\",\"call_id\":\"call_1\"");
		item(&read, i, "function_call_output", ",\"call_id\":\"call_1\",\"output\":\"ok\"");
		event(&read, i, "task_complete", "");
	}
	item(&read, 5, "function_call", ",\"name\":\"t\",\"call_id\":\"call_0123456789abcdef\"");
	finish(&read);
	if (!IS_INT(read.session.count, 4))
		return;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < i; j++)
			OK(!str_eq(read.session.items[i].key, read.session.items[j].key));
	IS_STR(read.session.items[3].key, "call_0123456789abcdef");
	end(&read);
}

/* --- paginated histories --- */

static void completed_items_are_all_that_some_files_have(void)
{
	for (int saving = 0; saving < 2; saving++) {
		struct read read;

		begin(&read);
		read.saving = saving;
		meta(&read, ",\"history_mode\":\"paginated\"");
		completed(&read, 1, "UserMessage",
			",\"id\":\"1\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
			"{\"type\":\"local_image\",\"path\":\"/x.png\"}]");
		completed(&read, 2, "Reasoning", ",\"id\":\"2\",\"summary_text\":[]");
		completed(&read, 3, "CommandExecution",
			",\"id\":\"3\",\"command\":[\"ls\"],\"status\":\"failed\",\"exit_code\":2");
		completed(&read, 4, "CommandExecution",
			",\"id\":\"4\",\"status\":\"declined\",\"exit_code\":-1");
		completed(&read, 5, "FileChange",
			",\"id\":\"5\",\"status\":\"completed\",\"changes\":{\"/w/a\":{\"type\":\"add\"}}");
		completed(&read, 6, "McpToolCall",
			",\"id\":\"6\",\"server\":\"s\",\"tool\":\"t\",\"status\":\"failed\",\"error\":"
			"{\"message\":\"no\"}");
		completed(&read, 7, "DynamicToolCall",
			",\"id\":\"7\",\"tool\":\"dyn\",\"success\":false,\"status\":\"completed\"");
		completed(&read, 8, "CollabAgentToolCall",
			",\"id\":\"8\",\"tool\":\"spawnAgent\",\"status\":\"completed\"");
		completed(&read, 9, "WebSearch", ",\"id\":\"9\",\"query\":\"q\"");
		completed(&read, 10, "ImageView", ",\"id\":\"10\",\"path\":\"/w/b.png\"");
		completed(&read, 11, "agentMessage",
			",\"id\":\"11\",\"content\":[{\"text\":\"ok\"}]");
		completed(&read, 12, "Hologram", ",\"id\":\"12\"");
		IS_STR(finish(&read),
			"prompt 2 image\ncall tool=exec_command\nfailed tool=exec_command\n"
			"call tool=exec_command\ncall tool=apply_patch file=/w/a\ncall tool=s__t\n"
			"failed tool=s__t\ncall tool=dyn\nfailed tool=dyn\ncall tool=spawn_agent\n"
			"call tool=web_search\ncall tool=view_image file=/w/b.png\nresponse 2\n");
		IS_INT(read.session.unknown, 1);
		IS_STR(read.session.items[0].turn, "p1");
		end(&read);
	}
}

static void completed_items_repeat_the_calls_of_a_turn_that_has_them(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	event(&read, 1, "task_started", ",\"turn_id\":\"p1\"");
	item(&read, 1, "function_call", ",\"name\":\"exec_command\",\"call_id\":\"a\"");
	completed(&read, 2, "CommandExecution", ",\"id\":\"a\",\"exit_code\":1");
	completed(&read, 2, "CommandExecution", ",\"id\":\"exec-7\",\"exit_code\":0");
	item(&read, 3, "web_search_call", ",\"action\":{\"query\":\"q\"}");
	completed(&read, 3, "WebSearch", ",\"id\":\"ws\",\"query\":\"q\"");
	IS_STR(finish(&read), "call tool=exec_command\nfailed tool=exec_command\ncall "
			      "tool=web_search\n");
	end(&read);
}

/* --- what is taken back --- */

static void a_stopped_turn_marks_its_prompt(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	event(&read, 1, "task_started", ",\"turn_id\":\"t1\"");
	said(&read, 1, "user", "one");
	said(&read, 2, "assistant", "ok");
	event(&read, 3, "task_complete", ",\"turn_id\":\"t1\"");
	event(&read, 4, "task_started", ",\"turn_id\":\"t2\"");
	said(&read, 4, "user", "two");
	event(&read, 5, "turn_aborted", ",\"turn_id\":\"t2\",\"reason\":\"interrupted\"");
	event(&read, 6, "task_started", ",\"turn_id\":\"t3\"");
	said(&read, 6, "user", "three");
	event(&read, 7, "turn_aborted", ",\"reason\":\"review_ended\"");
	said(&read, 8, "user", "four5");
	event(&read, 9, "turn_aborted", "");
	event(&read, 9, "turn_aborted", "");
	IS_STR(finish(&read), "prompt 3\nresponse 2\nprompt 3 cancelled\nprompt 5\nprompt 5 "
			      "cancelled\n");
	OK(!read.parser.mending);
	end(&read);
}

static void a_rollback_withdraws_turns_but_not_what_they_cost(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	for (int i = 1; i < 4; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%0*d", i, i);
		said(&read, i * 10, "user", text);
		item(&read, i * 10 + 1, "function_call", ",\"name\":\"t\",\"call_id\":\"x\"");
		event(&read, i * 10 + 2, "token_count",
			i == 1   ? ",\"info\":{\"last_token_usage\":" TOKENS(1, 0, 1, 0) "}"
			: i == 2 ? ",\"info\":{\"last_token_usage\":" TOKENS(2, 0, 2, 0) "}"
				 : ",\"info\":{\"last_token_usage\":" TOKENS(3, 0, 3, 0) "}");
		said(&read, i * 10 + 3, "assistant", "ok");
		event(&read, i * 10 + 4, "task_complete", "");
	}
	event(&read, 50, "thread_rolled_back", ",\"num_turns\":1");
	said(&read, 51, "user", "other");
	event(&read, 52, "thread_rolled_back", ",\"num_turns\":2");
	event(&read, 53, "thread_rolled_back", ",\"num_turns\":0");
	event(&read, 53, "thread_rolled_back", ",\"num_turns\":\"x\"");
	IS_STR(finish(&read),
		"prompt 1\ncall tool=t\nusage 1/0/1/0\nresponse 2\n"
		"prompt 2 withdrawn\ncall tool=t withdrawn\nusage 2/0/2/0\nresponse 2 "
		"withdrawn\nprompt 3 withdrawn\ncall tool=t withdrawn\nusage 3/0/3/0\n"
		"response 2 withdrawn\nprompt 5 withdrawn\n");
	OK(!read.parser.mending);
	event(&read, 60, "thread_rolled_back", ",\"num_turns\":99999999999");
	OK(finish(&read).len > 0 && read.session.items[0].withdrawn);
	end(&read);
}

/* --- sessions --- */

static void the_first_meta_wins(void)
{
	struct read read;

	begin(&read);
	meta(&read, ",\"cwd\":\"/w\",\"cli_version\":\"0.1\",\"git\":{\"branch\":\"main\"}");
	line(&read, 1, "session_meta", "{\"id\":\"own\",\"cwd\":\"/z\",\"cli_version\":\"9\"}");
	line(&read, 2, "session_meta", "{\"id\":\"other\",\"cwd\":\"/z\",\"cli_version\":\"9\"}");
	line(&read, 3, "turn_context", "{\"turn_id\":\"a\",\"cwd\":\"/w\",\"model\":\"m\"}");
	said(&read, 4, "user", "one");
	line(&read, 5, "turn_context", "{\"turn_id\":\"b\",\"cwd\":\"/y\",\"model\":\"m\"}");
	said(&read, 6, "user", "two");
	IS_STR(finish(&read), "prompt 3 model=m\nprompt 3 model=m cwd=/y\n");
	IS_STR(read.session.id, "own");
	IS_STR(read.session.cwd, "/w");
	IS_STR(read.session.version, "0.1");
	IS_STR(read.session.branch, "main");
	IS_STR(read.session.parent, "");
	end(&read);
}

static void nobody_types_to_sub_agents(void)
{
	struct read read;

	begin(&read);
	meta(&read, ",\"source\":{\"subagent\":{\"thread_spawn\":{\"parent_thread_id\":\"P\"}}}");
	line(&read, 70, "turn_context", "{\"model\":\"m\",\"cwd\":\"/w\"}");
	said(&read, 71, "user", "check this");
	said(&read, 72, "assistant", "done");
	IS_STR(finish(&read), "response 4 model=m\n");
	IS_STR(read.session.parent, "P");
	OK(!read.session.automatic);
	end(&read);
	begin(&read);
	meta(&read, ",\"source\":{\"subagent\":\"review\"}");
	said(&read, 71, "user", "review this");
	IS_STR(finish(&read), "");
	OK(read.session.automatic && read.session.parent.len == 0);
	end(&read);
	begin(&read);
	meta(&read, ",\"source\":\"exec\"");
	said(&read, 71, "user", "do this");
	IS_STR(finish(&read), "prompt 7\n");
	end(&read);
}

/* The first records of a child or fork: its origin's, all in second 0. */
static void replay(struct read *read, bool with_turns)
{
	line(read, 0, "session_meta", "{\"id\":\"P\",\"cwd\":\"/p\"}");
	if (with_turns)
		event(read, 0, "task_started", ",\"turn_id\":\"t1\"");
	line(read, 0, "turn_context",
		with_turns ? "{\"turn_id\":\"t1\",\"model\":\"old\",\"cwd\":\"/p\"}"
			   : "{\"model\":\"old\",\"cwd\":\"/p\"}");
	said(read, 0, "user", "their prompt");
	line(read, 0, "hologram", "{}");
	item(read, 0, "function_call", ",\"name\":\"t\",\"call_id\":\"a\"");
	usage(read, 0, TOKENS(100, 0, 10, 0), TOKENS(100, 0, 10, 0));
	said(read, 0, "assistant", "their answer");
	event(read, 0, "task_complete", with_turns ? ",\"turn_id\":\"t1\"" : "");
	usage(read, 0, TOKENS(100, 0, 10, 0), NULL);
}

static void own_work(struct read *read, bool with_turns)
{
	if (with_turns)
		event(read, 4, "task_started", ",\"turn_id\":\"t9\"");
	said(read, 5, "user", "ours");
	usage(read, 6, TOKENS(130, 0, 15, 0), NULL);
	said(read, 7, "assistant", "our answer");
}

#define SPAWNED ",\"source\":{\"subagent\":{\"thread_spawn\":{\"parent_thread_id\":\"P\"}}}"
#define FORKED ",\"forked_from_id\":\"P\""

static void copies_of_an_origin_are_not_ours(void)
{
	static const struct {
		const char *meta, *known;
		bool turns;
		const char *want;
		int strength;
	} rows[] = {
		{ SPAWNED, "P", true, "usage model=old 30/0/5/0\nresponse 10 model=old\n", 1 },
		{ SPAWNED, "P", false, "usage model=old 30/0/5/0\nresponse 10 model=old\n", 1 },
		{ SPAWNED, NULL, true, "usage model=old 30/0/5/0\nresponse 10 model=old\n", 0 },
		{ FORKED, "P", true,
			"prompt 4 model=old\nusage model=old 30/0/5/0\nresponse 10 model=old\n",
			1 },
		{ FORKED, "P", false,
			"prompt 4 model=old\nusage model=old 30/0/5/0\nresponse 10 model=old\n",
			1 },
		{ "", "P", true,
			"prompt 4 model=old\nusage model=old 30/0/5/0\nresponse 10 model=old\n",
			1 },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct read read;

		begin(&read);
		read.saving = i % 2;
		read.known = rows[i / 2].known;
		read.turns = " t1 t2 ";
		meta(&read, rows[i / 2].meta);
		replay(&read, rows[i / 2].turns);
		own_work(&read, rows[i / 2].turns);
		if (!IS_STR(finish(&read), rows[i / 2].want))
			printf("# row %zu\n", i / 2);
		IS_STR(read.session.id, "own");
		IS_INT(read.session.strength, rows[i / 2].strength);
		IS_INT(read.session.unknown, 0);
		end(&read);
	}
}

static void a_fork_without_its_origin_has_what_it_has(void)
{
	struct read read;

	begin(&read);
	meta(&read, FORKED);
	replay(&read, true);
	own_work(&read, true);
	finish(&read);
	IS_INT(read.session.count, 7);
	IS_INT(read.session.strength, 0);
	end(&read);
}

static void the_earliest_files_have_no_envelope(void)
{
	static const char *const lines[] = {
		"{\"id\":\"bare\",\"timestamp\":\"2025-05-07T17:24:21.000Z\",\"instructions\":null}",
		"{\"record_type\":\"state\"}",
		"{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
		"\"text\":\"go\"}]}",
		"{\"type\":\"function_call\",\"name\":\"shell\",\"arguments\":\"{}\",\"call_id\":\"c\"}",
		"{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
		"\"text\":\"ok\"}]}",
		"{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
		"\"text\":\"go\"}]}",
		"{\"type\":\"hologram\"}",
	};
	struct read read;

	begin(&read);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		take(&read, str_from(lines[i]));
	IS_STR(finish(&read),
		"prompt 2 estimated\ncall tool=shell estimated\nresponse 2 estimated\n"
		"prompt 2 estimated\n");
	IS_STR(read.session.id, "bare");
	IS_INT(read.session.unknown, 1);
	OK(!str_eq(read.session.items[0].key, read.session.items[3].key));
	IS_INT(read.session.items[0].at_ns, read.session.fallback_ns);
	end(&read);
}

static void without_a_meta_the_file_names_the_session(void)
{
	struct read read;

	begin(&read);
	said(&read, 1, "user", "one");
	meta(&read, ",\"cwd\":\"/w\"");
	said(&read, 2, "user", "two");
	finish(&read);
	IS_STR(read.session.id, "fallback");
	IS_STR(read.session.cwd, "/w");
	IS_INT(read.session.count, 2);
	end(&read);
}

static void titles_and_errors(void)
{
	struct read read;

	begin(&read);
	meta(&read, "");
	event(&read, 1, "thread_name_updated", ",\"thread_name\":\"First\"");
	event(&read, 2, "thread_name_updated", ",\"thread_name\":\"Second\"");
	event(&read, 3, "error",
		",\"message\":\"secret words\",\"codex_error_info\":\"usage_limit_exceeded\"");
	event(&read, 4, "error",
		",\"message\":\"x\",\"codex_error_info\":{\"http_connection_failed\":{}}");
	event(&read, 5, "error", ",\"message\":\"x\",\"codex_error_info\":\"free text here\"");
	event(&read, 6, "stream_error", ",\"message\":\"retrying\"");
	IS_STR(finish(&read),
		"error error=usage_limit_exceeded\nerror error=http_connection_failed\n"
		"error error=error\nerror error=stream_error\n");
	IS_STR(read.session.title, "Second");
	end(&read);
}

/* --- what nobody should write --- */

static void odd_lines_are_counted_and_passed_over(void)
{
	static const char *const unknown[] = { "[]", "17", "null", "\"text\"", "{}",
		"{\"type\":\"hyperspace\",\"payload\":{}}", "{\"type\":17,\"payload\":{}}",
		"{\"type\":\"response_item\",\"payload\":null}",
		"{\"type\":\"response_item\",\"payload\":{\"type\":\"hologram\"}}",
		"{\"type\":\"event_msg\",\"payload\":{}}",
		"{\"type\":\"event_msg\",\"payload\":{\"type\":[]}}",
		"{\"type\":\"session_meta\",\"payload\":{\"id\":7}}" };
	static const char *const known[] = {
		"{\"type\":\"compacted\",\"payload\":null}",
		"{\"type\":\"world_state\",\"payload\":{\"x\":1}}",
		"{\"type\":\"inter_agent_communication\",\"payload\":{}}",
		"{\"type\":\"response_item\",\"payload\":{\"type\":\"reasoning\"}}",
		"{\"type\":\"response_item\",\"payload\":{\"type\":\"message\",\"role\":\"user\"}}",
		"{\"type\":\"response_item\",\"payload\":{\"type\":\"message\",\"role\":7}}",
		"{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call_output\"}}",
		"{\"type\":\"event_msg\",\"payload\":{\"type\":\"token_count\",\"info\":17}}",
		"{\"type\":\"event_msg\",\"payload\":{\"type\":\"context_compacted\"}}",
		"{\"timestamp\":{},\"type\":\"turn_context\",\"payload\":{\"cwd\":1,\"model\":[]}}",
	};
	static const char *const bad[] = { "", "{", "nonsense", "{\"type\":\"a\"}{\"type\":\"b\"}",
		"{\"timestamp\":\"2026-03-07T13:00:00Z\",\"type\":\"resp{\"timestamp\":1}" };
	struct read read;

	begin(&read);
	meta(&read, "");
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		take(&read, str_from(unknown[i]));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		take(&read, str_from(known[i]));
	IS_STR(finish(&read), "");
	IS_INT(read.session.unknown, ARRAY_LEN(unknown));
	IS_INT(read.session.bad_count, 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		take(&read, str_from(bad[i]));
	IS_INT(read.session.bad_count, ARRAY_LEN(bad));
	IS_STR(read.session.id, "own");
	end(&read);
}

/* A large line of a kind that is not for us. */
static void large_lines_are_told_by_their_first_bytes(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct codex_reader reader = { 0 };
	struct codex_record record;
	struct err err;

	buf_addc(&text, "{\"timestamp\":\"2026-03-07T13:00:00.250Z\",\"ordinal\":17,\"type\":"
			"\"response_item\",\"payload\":{\"type\":\"reasoning\",\"content\":\"");
	for (int i = 0; i < 4000; i++)
		buf_byte(&text, 'x');
	buf_addc(&text, "\"}}");
	OK(codex_record_read(&reader, buf_str(&text), &record, &err) == 0);
	IS_INT(record.kind, CODEX_NOTHING);
	IS_INT(record.at_ns, INT64_C(1772888400250) * NS_PER_MS);
	/* Cut, and written on: nobody may take that for a line. */
	text.len -= 3;
	buf_addc(&text,
		"{\"timestamp\":\"2026-03-07T13:00:01Z\",\"type\":\"event_msg\",\"payload\":"
		"{\"type\":\"task_complete\"}}");
	IS_INT(codex_record_read(&reader, buf_str(&text), &record, &err), ERR_PARSE);
	/* Of a kind for us: parsed. */
	buf_clear(&text);
	buf_addc(&text,
		"{\"timestamp\":\"2026-03-07T13:00:00Z\",\"type\":\"event_msg\",\"payload\":"
		"{\"type\":\"agent_message\",\"message\":\"");
	for (int i = 0; i < 4000; i++)
		buf_byte(&text, 'x');
	buf_addc(&text, "\"}}");
	OK(codex_record_read(&reader, buf_str(&text), &record, &err) == 0);
	IS_INT(record.kind, CODEX_ASSISTANT);
	IS_INT(record.text.len, 4000);
	codex_reader_release(&reader);
}

static void a_state_that_is_not_ours_is_none(void)
{
	static const char *const texts[] = { "", "{}", "[]", "{\"v\":1}", "{\"v\":2,\"replay\":0}",
		"{\"excluded\":true}", "{\"v\":1,\"replay\":9,\"meta_ns\":1}" };
	struct codex_parser parser;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		OK(!codex_parser_load(&parser, str_from(texts[i])));
		OK(parser.from_start && parser.id.len == 0 && parser.lines == 0);
		codex_parser_release(&parser);
	}
}

static const struct tap_case cases[] = { TAP_CASE(a_message_from_several_sides_is_one),
	TAP_CASE(texts_around_an_image_may_differ),
	TAP_CASE(what_the_program_says_for_a_user_is_no_prompt),
	TAP_CASE(tokens_are_what_was_spent_since_the_last_report), TAP_CASE(every_kind_of_call),
	TAP_CASE(outputs_that_say_failure), TAP_CASE(a_failure_that_several_sides_tell_is_one),
	TAP_CASE(ids_that_come_again_are_other_calls),
	TAP_CASE(completed_items_are_all_that_some_files_have),
	TAP_CASE(completed_items_repeat_the_calls_of_a_turn_that_has_them),
	TAP_CASE(a_stopped_turn_marks_its_prompt),
	TAP_CASE(a_rollback_withdraws_turns_but_not_what_they_cost), TAP_CASE(the_first_meta_wins),
	TAP_CASE(nobody_types_to_sub_agents), TAP_CASE(copies_of_an_origin_are_not_ours),
	TAP_CASE(a_fork_without_its_origin_has_what_it_has),
	TAP_CASE(the_earliest_files_have_no_envelope),
	TAP_CASE(without_a_meta_the_file_names_the_session), TAP_CASE(titles_and_errors),
	TAP_CASE(odd_lines_are_counted_and_passed_over),
	TAP_CASE(large_lines_are_told_by_their_first_bytes),
	TAP_CASE(a_state_that_is_not_ours_is_none) };
TAP_MAIN(cases)
