/* Rollouts as bytes to items: what is taken back, whose records they are, what a session says of
 * itself, and what nobody should write. */
#include "codex_read.h"

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
	static const char *const unknown[] = { "{}", "{\"type\":\"hyperspace\",\"payload\":{}}",
		"{\"type\":17,\"payload\":{}}", "{\"type\":\"response_item\",\"payload\":null}",
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
	static const char *const bad[] = { "", "{", "nonsense", "[]", "17", "null", "\"text\"",
		"{\"type\":\"a\"}{\"type\":\"b\"}",
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
	IS_CSTR(read.session.bad[1].reason, "not_json");
	IS_CSTR(read.session.bad[3].reason, "not_object");
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

static const struct tap_case cases[] = {
	TAP_CASE(a_stopped_turn_marks_its_prompt),
	TAP_CASE(a_rollback_withdraws_turns_but_not_what_they_cost),
	TAP_CASE(the_first_meta_wins),
	TAP_CASE(nobody_types_to_sub_agents),
	TAP_CASE(copies_of_an_origin_are_not_ours),
	TAP_CASE(a_fork_without_its_origin_has_what_it_has),
	TAP_CASE(the_earliest_files_have_no_envelope),
	TAP_CASE(without_a_meta_the_file_names_the_session),
	TAP_CASE(titles_and_errors),
	TAP_CASE(odd_lines_are_counted_and_passed_over),
	TAP_CASE(large_lines_are_told_by_their_first_bytes),
	TAP_CASE(a_state_that_is_not_ours_is_none),
};
TAP_MAIN(cases)
