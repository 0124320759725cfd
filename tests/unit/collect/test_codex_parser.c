/* Rollouts as bytes to items: every way in which messages, calls and reports of tokens are written.
 */
#include "codex_read.h"

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

static const struct tap_case cases[] = {
	TAP_CASE(a_message_from_several_sides_is_one),
	TAP_CASE(texts_around_an_image_may_differ),
	TAP_CASE(what_the_program_says_for_a_user_is_no_prompt),
	TAP_CASE(tokens_are_what_was_spent_since_the_last_report),
	TAP_CASE(every_kind_of_call),
	TAP_CASE(outputs_that_say_failure),
	TAP_CASE(a_failure_that_several_sides_tell_is_one),
	TAP_CASE(ids_that_come_again_are_other_calls),
	TAP_CASE(completed_items_are_all_that_some_files_have),
	TAP_CASE(completed_items_repeat_the_calls_of_a_turn_that_has_them),
};
TAP_MAIN(cases)
