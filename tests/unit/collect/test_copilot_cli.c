/* GitHub Copilot CLI as a source: the samples with their numbers, logs in portions and in several
 * places, counters over legs and crashes, damage. */
#include "collect/copilot_cli/copilot_cli.h"
#include "sample_sessions.h"

#define AGENT "copilot-cli"
#define STATE ".copilot/session-state/"
#define X1 "8f582602-60fa-5825-bd58-583d235d6f5c"
#define X2 "77d1cec2-f66a-5598-8cb2-40c8049d3766"
#define X1_FILE STATE X1 "/events.jsonl"
#define X1_YAML STATE X1 "/workspace.yaml"
#define X2_FILE STATE X2 ".jsonl"

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("COPILOT_HOME");
}

static void put_samples(struct world *world)
{
	put_sample_as(world, AGENT, X1_FILE, X1_FILE);
	put_sample_as(world, AGENT, X1_YAML, X1_YAML);
	put_sample_as(world, AGENT, X2_FILE, X2_FILE);
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &copilot_cli_source);
}

/* --- the samples --- */

static void samples_give_the_expected_numbers(void)
{
	static const char *const texts[] = { "cart tests", "Now fix it", "Skill body", "filler",
		"pytest", "One test fails", "sort" };
	struct source_counts counts;
	struct world world;
	struct str dump;

	begin(&world);
	put_samples(&world);
	world_write(&world, ".copilot/config.json", STR("{\"token\":\"secret\"}"));
	counts = collect(&world);
	check_session(&world, AGENT, "copilot-cli/X1", NULL);
	check_session(&world, AGENT, "copilot-cli/X2", NULL);
	IS_INT(counts.files, 2);
	IS_INT(counts.failed + counts.quarantined, 0);
	IS_INT(counts.new_events, world_events(&world, "").count);
	IS_INT(world_events(&world, "agent_session").count, 2);
	IS_INT(world_events(&world, "user_message").count, 3);
	IS_INT(world_events(&world, "agent_response").count, 4);
	IS_INT(world_events(&world, "agent_tool_use").count, 3);
	IS_INT(sum_of(&world, "agent_usage", "input_tokens"), 7100);
	IS_INT(world_events(&world, "agent_usage").count, 2);
	dump = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i], "sort") != 0) /* a file is called so */
			OK(str_find_str(dump, str_from(texts[i])) < 0);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 2);
	IS_INT(counts.new_events + counts.updated + counts.duplicate + counts.quarantined, 0);
	IS_INT(copilot_cli_source.present(&world.context), 2);
	world_end(&world);
}

static void events_say_what_the_log_says(void)
{
	struct world world;
	struct world_events events;

	begin(&world);
	put_samples(&world);
	collect(&world);
	events = world_events(&world, "user_message");
	IS_CSTR(world_value(&world, &events.items[0], "length"), "32");
	IS_CSTR(world_value(&world, &events.items[0], "cwd"), "/home/ana/work/shop");
	IS_CSTR(world_value(&world, &events.items[0], "git_branch"), "main");
	IS_CSTR(world_value(&world, &events.items[0], "text"), "");
	events = world_events(&world, "agent_tool_use");
	IS_CSTR(world_value(&world, &events.items[0], "tool"), "view");
	IS_CSTR(world_value(&world, &events.items[0], "tool_class"), "read");
	IS_CSTR(world_value(&world, &events.items[0], "file"), "/home/ana/work/shop/test_cart.py");
	IS_CSTR(world_value(&world, &events.items[0], "model"), "gpt-5.1");
	IS_CSTR(world_value(&world, &events.items[2], "file"), "sort.py");
	events = world_events(&world, "agent_tool_error");
	if (IS_INT(events.count, 1))
		IS_CSTR(world_value(&world, &events.items[0], "tool"), "bash");
	IS_CSTR(of_session(&world, X1, "agent"), "copilot-cli");
	IS_CSTR(of_session(&world, X1, "agent_version"), "1.0.78");
	IS_CSTR(of_session(&world, X1, "session_type"), "user");
	world_end(&world);
}

static void torn_line_waits_and_is_completed(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	world_append(&world, X2_FILE, sample(&world, "_append/04-copilot-cli-X2.bytes"));
	counts = collect(&world);
	check_session(&world, AGENT, "copilot-cli/X2 appended", NULL);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 1); /* the session ends later */
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.skipped_unchanged, 1);
	world_end(&world);
}

/* In any portions, and then at once: the same store, but for revisions. */
static void portions_give_the_same_events(void)
{
	struct world world;
	struct str content, whole;
	char *kept;

	begin(&world);
	put_samples(&world);
	collect(&world);
	whole = world_dump(&world);
	kept = strndup(whole.ptr ? whole.ptr : "", whole.len);
	world_end(&world);

	begin(&world);
	put_sample_as(&world, AGENT, X2_FILE, X2_FILE);
	content = sample(&world, AGENT "/home/" X1_FILE);
	for (size_t at = 0; at < content.len; at += 1237) {
		world_append(&world, X1_FILE, str_sub(content, at, 1237));
		collect(&world);
	}
	IS_STR(world_dump(&world), kept);
	free(kept);
	world_end(&world);
}

/* --- copies --- */

/* Both forms and a copy, in any order, at once or one by one. */
static void a_session_in_several_files_is_one(void)
{
	static const char *const targets[] = { X1_FILE, STATE X1 ".jsonl",
		STATE "restored/events.jsonl" };
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	char *kept = NULL;

	for (size_t i = 0; i < 2 * ARRAY_LEN(orders); i++) {
		struct world world;
		struct str dump;

		begin(&world);
		for (size_t j = 0; j < 3; j++) {
			put_sample_as(
				&world, AGENT, X1_FILE, targets[orders[i % ARRAY_LEN(orders)][j]]);
			if (i < ARRAY_LEN(orders))
				collect(&world);
		}
		collect(&world);
		check_session(&world, AGENT, "copilot-cli/X1", NULL);
		dump = world_dump(&world);
		if (!kept)
			kept = strndup(dump.ptr ? dump.ptr : "", dump.len);
		IS_STR(dump, kept);
		IS_INT(collect(&world).skipped_unchanged, 3);
		world_end(&world);
	}
	free(kept);
}

/* An older copy has nothing to say, whether it is met before or after, and goes on when it is
 * alone. */
static void an_older_copy_changes_nothing(void)
{
	struct world world;
	struct source_counts counts;
	struct str content;
	size_t cut;

	begin(&world);
	put_sample_as(&world, AGENT, X1_FILE, X1_FILE);
	collect(&world);
	content = sample(&world, AGENT "/home/" X1_FILE);
	cut = (size_t)str_find_str(content, STR("session.resume"));
	world_write(&world, STATE X1 ".jsonl", str_sub(content, 0, cut));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	check_session(&world, AGENT, "copilot-cli/X1", NULL);
	OK(unlink(world_path(&world, X1_FILE)) == 0);
	world_append(&world, STATE X1 ".jsonl", str_sub(content, cut, content.len));
	collect(&world);
	check_session(&world, AGENT, "copilot-cli/X1", NULL);
	world_append(&world, STATE X1 ".jsonl",
		STR("{\"type\":\"user.message\",\"data\":{\"content\":\"more\"},\"id\":\"m1\","
		    "\"timestamp\":\"2026-03-05T09:00:00.000Z\"}\n"));
	collect(&world);
	IS_CSTR(of_session(&world, X1, "prompts"), "3");
	IS_CSTR(of_session(&world, X1, "unknown_records"), "1");
	IS_CSTR(of_session(&world, X1, "ended_at"), "2026-03-05T09:00:00.000Z");
	world_end(&world);
}

static void rewritten_and_vanished_logs_lose_nothing(void)
{
	struct world world;
	struct str content, before;

	begin(&world);
	put_sample_as(&world, AGENT, X1_FILE, X1_FILE);
	collect(&world);
	before = world_dump(&world);
	content = sample(&world, AGENT "/home/" X1_FILE);
	world_write(&world, X1_FILE, str_sub(content, 0, 1000));
	collect(&world);
	world_write(&world, X1_FILE, content);
	collect(&world);
	OK(str_eq(world_dump(&world), before));
	OK(unlink(world_path(&world, X1_FILE)) == 0);
	IS_INT(collect(&world).files, 0);
	OK(str_eq(world_dump(&world), before));
	world_end(&world);
}

/* --- made-up logs --- */

#define S_FILE STATE "S/events.jsonl"

static void put(
	struct world *world, const char *type, const char *id, const char *time, const char *data)
{
	world_append(world, S_FILE,
		arena_printf(&world->arena,
			"{\"type\":\"%s\",\"data\":%s,\"id\":\"%s\",\"timestamp\":\"2026-03-05T%sZ\"}\n",
			type, data, id, time));
}

static void put_shutdown(
	struct world *world, const char *id, const char *time, int input, int output)
{
	put(world, "session.shutdown", id, time,
		arena_printf(&world->arena,
			"{\"modelMetrics\":{\"m\":{\"usage\":{\"inputTokens\":%d,\"outputTokens\":%d}}}}",
			input, output)
			.ptr);
}

static void put_message(struct world *world, const char *id, const char *time, int output)
{
	put(world, "assistant.message", id, time,
		arena_printf(&world->arena,
			"{\"messageId\":\"%s\",\"model\":\"m\",\"outputTokens\":%d}", id, output)
			.ptr);
}

static void check_tokens(struct world *world, const char *input, const char *output)
{
	IS_CSTR(of_session(world, "S", "input_tokens"), input);
	IS_CSTR(of_session(world, "S", "output_tokens"), output);
}

static void a_crash_leaves_the_output_of_its_responses(void)
{
	struct world world;

	begin(&world);
	put(&world, "session.start", "e0", "07:00:00", "{\"sessionId\":\"S\"}");
	put_message(&world, "r1", "07:00:01", 45);
	put_message(&world, "r2", "07:00:02", 30);
	collect(&world);
	check_tokens(&world, "null", "75");
	put(&world, "session.resume", "e1", "08:00:00", "{}");
	put_message(&world, "r3", "08:00:01", 10);
	put_shutdown(&world, "e2", "08:00:02", 1000, 90); /* the first leg's too */
	collect(&world);
	check_tokens(&world, "1000", "90");
	put_message(&world, "r4", "09:00:01", 5);
	collect(&world);
	check_tokens(&world, "1000", "95");
	put_shutdown(&world, "e3", "09:00:02", 1500, 95);
	collect(&world);
	check_tokens(&world, "1500", "95");
	put_shutdown(&world, "e4", "09:00:03", 1500, 95);
	collect(&world);
	check_tokens(&world, "1500", "95");
	IS_INT(world_events(&world, "agent_usage").count, 2);
	world_end(&world);
}

static void smaller_counters_begin_anew(void)
{
	struct world world;

	begin(&world);
	put(&world, "session.start", "e0", "07:00:00", "{\"sessionId\":\"S\"}");
	put_shutdown(&world, "e1", "07:01:00", 4100, 75);
	put_shutdown(&world, "e2", "07:02:00", 3000, 60);
	put_shutdown(&world, "e3", "07:03:00", 3500, 80);
	collect(&world);
	check_tokens(&world, "7600", "155");
	put(&world, "session.shutdown", "e4", "07:04:00", "{\"modelMetrics\":{}}");
	put(&world, "session.shutdown", "e5", "07:05:00",
		"{\"modelMetrics\":{\"m\":{\"usage\":{\"inputTokens\":\"3600\",\"outputTokens\":null}},"
		"\"n\":{\"usage\":{\"inputTokens\":-5,\"outputTokens\":7}},\"o\":[]}}");
	collect(&world);
	check_tokens(&world, "7700", "162");
	world_end(&world);
}

static void models_by_another_name_are_not_counted_twice(void)
{
	struct world world;

	begin(&world);
	put(&world, "session.start", "e0", "07:00:00", "{\"sessionId\":\"S\"}");
	put(&world, "assistant.message", "r1", "07:00:01",
		"{\"model\":\"vendor/m\",\"outputTokens\":40}");
	put_shutdown(&world, "e1", "07:01:00", 1000, 50);
	collect(&world);
	check_tokens(&world, "1000", "50");
	world_end(&world);
}

static void prompts_are_what_a_person_typed(void)
{
	struct world world;
	struct world_events events;

	begin(&world);
	put(&world, "session.start", "e0", "07:00:00",
		"{\"sessionId\":\"S\",\"context\":{\"cwd\":\"/a\",\"branch\":\"main\"}}");
	put(&world, "user.message", "p1", "07:00:01",
		"{\"content\":\"see\",\"transformedContent\":\"<x>see</x>\",\"agentMode\":\"plan\","
		"\"attachments\":[{\"type\":\"file\",\"path\":\"/a/b.c\"},{\"type\":\"file\",\"path\":\"/a/shot.png\"},"
		"{\"type\":\"directory\",\"path\":\"/a\"},7]}");
	put(&world, "user.message", "p2", "07:00:02",
		"{\"content\":\"x\",\"delivery\":\"queued\",\"source\":\"user\"}");
	put(&world, "user.message", "p3", "07:00:03",
		"{\"content\":\"x\",\"source\":\"command-init\"}");
	put(&world, "user.message", "n1", "07:00:04",
		"{\"content\":\"x\",\"source\":\"skill-pdf\"}");
	put(&world, "user.message", "n2", "07:00:05", "{\"content\":\"x\",\"source\":\"agent-7\"}");
	put(&world, "user.message", "n3", "07:00:06",
		"{\"content\":\"x\",\"isAutopilotContinuation\":true}");
	put(&world, "session.context_changed", "c1", "07:00:07",
		"{\"cwd\":\"/b\",\"branch\":\"other\"}");
	put(&world, "user.message", "p4", "07:00:08", "{\"content\":[1],\"attachments\":\"x\"}");
	collect(&world);
	events = world_events(&world, "user_message");
	if (!IS_INT(events.count, 4))
		return;
	IS_CSTR(world_value(&world, &events.items[0], "length"), "3");
	IS_CSTR(world_value(&world, &events.items[0], "mode"), "plan");
	IS_CSTR(world_value(&world, &events.items[0], "has_image"), "true");
	IS_CSTR(world_value(&world, &events.items[0], "queued"), "");
	IS_CSTR(world_value(&world, &events.items[1], "queued"), "true");
	IS_CSTR(world_value(&world, &events.items[2], "command"), "true");
	IS_CSTR(world_value(&world, &events.items[3], "cwd"), "/b");
	IS_CSTR(world_value(&world, &events.items[3], "git_branch"), "main");
	events = world_events(&world, "agent_file_read");
	if (IS_INT(events.count, 2))
		IS_CSTR(world_value(&world, &events.items[0], "file"), "/a/b.c");
	IS_CSTR(of_session(&world, "S", "prompts"), "3");
	IS_CSTR(of_session(&world, "S", "commands"), "1");
	IS_CSTR(of_session(&world, "S", "cwd"), "/a");
	world_end(&world);
}

/* The abort comes in the same reading as the prompt, and in a later one. */
static void an_abort_stops_the_prompt(void)
{
	for (int later = 0; later < 2; later++) {
		struct world world;
		struct world_events events;

		begin(&world);
		put(&world, "session.start", "e0", "07:00:00",
			"{\"sessionId\":\"S\",\"context\":{\"cwd\":\"/a\"}}");
		put(&world, "abort", "a0", "07:00:00.500", "{}");
		put(&world, "user.message", "p1", "07:00:01",
			"{\"content\":\"caf\xc3\xa9\",\"agentMode\":\"plan\",\"interactionId\":\"i1\"}");
		if (later)
			collect(&world);
		put(&world, "session.context_changed", "c1", "07:00:02", "{\"cwd\":\"/b\"}");
		put(&world, "abort", "a1", "07:00:03", "{\"reason\":\"user initiated\"}");
		put(&world, "user.message", "p2", "07:00:04", "{\"content\":\"go\"}");
		collect(&world);
		events = world_events(&world, "user_message");
		if (!IS_INT(events.count, 2))
			return;
		IS_CSTR(world_value(&world, &events.items[0], "cancelled"), "true");
		IS_CSTR(world_value(&world, &events.items[0], "length"), "5");
		IS_CSTR(world_value(&world, &events.items[0], "cwd"), "/a");
		IS_CSTR(world_value(&world, &events.items[0], "mode"), "plan");
		IS_CSTR(world_value(&world, &events.items[0], "turn"), "i1");
		IS_CSTR(world_value(&world, &events.items[1], "cancelled"), "");
		IS_CSTR(of_session(&world, "S", "prompts"), "2");
		IS_CSTR(of_session(&world, "S", "cancelled"), "1");
		world_end(&world);
	}
}

static void calls_are_counted_once(void)
{
	struct world world;
	struct world_events events;

	begin(&world);
	put(&world, "session.start", "e0", "07:00:00", "{\"sessionId\":\"S\"}");
	put(&world, "assistant.message", "r1", "07:00:01",
		"{\"toolRequests\":[{\"toolCallId\":\"c1\",\"name\":\"edit\",\"arguments\":\"{\\\"path\\\":\\\"/x\\\"}\"},"
		"{\"name\":\"bash\",\"arguments\":\"not json\"},null]}");
	collect(&world);
	put(&world, "tool.execution_start", "s1", "07:00:02",
		"{\"toolCallId\":\"c1\",\"toolName\":\"edit\"}");
	put(&world, "tool.execution_complete", "f1", "07:00:03",
		"{\"toolCallId\":\"c1\",\"success\":false,\"error\":{\"code\":\"denied\"}}");
	put(&world, "tool.execution_start", "s2", "07:00:04",
		"{\"toolCallId\":\"c2\",\"toolName\":\"glob\",\"arguments\":{}}");
	put(&world, "tool.execution_complete", "f2", "07:00:05",
		"{\"toolCallId\":\"c2\",\"success\":true,\"error\":{}}");
	put(&world, "session.error", "x1", "07:00:06",
		"{\"errorType\":\"rate_limit\",\"message\":\"too many requests\"}");
	put(&world, "session.error", "x2", "07:00:07", "{\"errorType\":\"Too many requests!\"}");
	collect(&world);
	events = world_events(&world, "agent_tool_use");
	if (IS_INT(events.count, 3)) {
		IS_CSTR(world_value(&world, &events.items[0], "file"), "/x");
		IS_CSTR(world_value(&world, &events.items[0], "tool"), "edit");
		IS_CSTR(world_value(&world, &events.items[2], "tool"), "glob");
	}
	events = world_events(&world, "agent_tool_error");
	if (IS_INT(events.count, 1))
		IS_CSTR(world_value(&world, &events.items[0], "tool"), "edit");
	events = world_events(&world, "agent_error");
	if (IS_INT(events.count, 2)) {
		IS_CSTR(world_value(&world, &events.items[0], "error"), "rate_limit");
		IS_CSTR(world_value(&world, &events.items[1], "error"), "failed");
	}
	world_end(&world);
}

static void the_workspace_file_fills_in(void)
{
	struct world world;

	begin(&world);
	world_write(&world, STATE "S/workspace.yaml",
		STR("id: S\r\n  cwd: /nested\r\ncwd: \"/home/ana/a \\\"b\\\"\" # here\r\nbranch: 'it''s'\r\n"));
	put(&world, "user.message", "p1", "07:00:01", "{\"content\":\"x\"}");
	world_write(&world, STATE "T.jsonl",
		STR("{\"type\":\"user.message\",\"data\":{\"content\":\"x\"},\"id\":\"q\","
		    "\"timestamp\":\"2026-03-05T07:00:00Z\"}\n"));
	world_write(&world, STATE "T/workspace.yaml", STR("cwd: /t # c\nbranch: null\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/home/ana/a \"b\"");
	IS_CSTR(of_session(&world, "S", "git_branch"), "it's");
	IS_CSTR(of_session(&world, "T", "cwd"), "/t");
	IS_CSTR(of_session(&world, "T", "git_branch"), "");
	put(&world, "session.resume", "e1", "08:00:00", "{\"context\":{\"cwd\":\"/c\"}}");
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/c");
	world_end(&world);
}

static void damage_is_quarantined_and_the_rest_goes_on(void)
{
	struct quarantine_entry *entries;
	struct source_counts counts;
	struct world world;
	size_t count;

	begin(&world);
	world_append(&world, S_FILE, STR("\xef\xbb\xbf"));
	put(&world, "user.message", "p1", "07:00:01", "{\"content\":\"x\"}");
	world_append(&world, S_FILE, STR("garbage\r\n\r\n[1]\n{}\n{\"type\":7,\"data\":[]}\n"));
	world_append(&world, S_FILE,
		STR("{\"type\":\"user.message\",\"data\":{\"content\":\"a\\u0000b\xff\"},\"id\":\"p2\"}\r\n"
		    "{\"type\":\"user.message\",\"data\":null,\"id\":\"p3\",\"timestamp\":0}\n"
		    "{\"type\":\"user.message\",\"data\":5,\"id\":\"p4\",\"timestamp\":\"1772694001000\"}\n"
		    "{\"type\":\"user.message\",\"type\":\"x\",\"id\":{},\"timestamp\":\"2026-03-05 07:00:05\"}\n"));
	counts = collect(&world);
	IS_INT(counts.quarantined, 2);
	IS_INT(counts.failed, 0);
	OK(store_quarantine(world.store, &world.arena, &entries, &count, &world.err) == 0);
	if (IS_INT(count, 2)) {
		IS_STR(entries[0].reason, "not_json");
		IS_STR(entries[0].bytes, "garbage");
		IS_STR(entries[1].reason, "not_object");
	}
	IS_CSTR(of_session(&world, "S", "malformed"), "2");
	IS_CSTR(of_session(&world, "S", "unknown_records"), "2");
	IS_CSTR(of_session(&world, "S", "prompts"), "5");
	IS_CSTR(of_session(&world, "S", "started_at"), "2026-03-05T07:00:01.000Z");
	IS_CSTR(of_session(&world, "S", "ended_at"), "2026-03-05T07:00:05.000Z");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 1);
	world_write(&world, STATE "empty.jsonl", STR(""));
	OK(mkdir(world_path(&world, STATE "D"), 0700) == 0);
	OK(mkfifo(world_path(&world, STATE "D/events.jsonl"), 0600) == 0);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.new_events + counts.updated + counts.failed, 0);
	world_end(&world);
}

static void an_unreadable_log_does_not_stop_the_others(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	if (geteuid() == 0) {
		/* Root reads everything; a log that cannot be opened is one behind too many links.
		 */
		put(&world, "user.message", "p1", "07:00:01", "{\"content\":\"x\"}");
		OK(symlink("loop", world_path(&world, STATE "loop.jsonl")) == 0);
		counts = collect(&world);
		IS_INT(counts.files, 1);
	} else {
		put(&world, "user.message", "p1", "07:00:01", "{\"content\":\"x\"}");
		world_write(&world, STATE "A.jsonl", STR("{}\n"));
		OK(chmod(world_path(&world, STATE "A.jsonl"), 0) == 0);
		counts = collect(&world);
		IS_INT(counts.failed, 1);
	}
	IS_CSTR(of_session(&world, "S", "prompts"), "1");
	world_end(&world);
}

static void long_logs_are_given_in_batches(void)
{
	struct source_counts counts;
	struct world world;
	struct buf text = BUF_INIT;

	begin(&world);
	for (int i = 0; i < 2300; i++)
		buf_printf(&text,
			"{\"type\":\"assistant.message\",\"data\":{\"messageId\":\"m%d\",\"outputTokens\":1},"
			"\"id\":\"r%d\",\"timestamp\":\"2026-03-05T07:%02d:%02dZ\"}\n",
			i, i, i / 60, i % 60);
	world_write(&world, S_FILE, buf_str(&text));
	counts = collect(&world);
	IS_INT(counts.failed, 0);
	IS_CSTR(of_session(&world, "S", "responses"), "2300");
	IS_CSTR(of_session(&world, "S", "output_tokens"), "2300");
	buf_release(&text);
	world_end(&world);
}

static void other_roots(void)
{
	struct source_places places;
	struct world world;

	begin(&world);
	IS_INT(copilot_cli_source.present(&world.context), -1);
	places = (struct source_places){ .arena = &world.arena };
	copilot_cli_source.places(&world.context, &places);
	if (IS_INT(places.count, 1))
		IS_CSTR(places.items[0].path, world_path(&world, ".copilot/session-state"));
	put_sample_as(&world, AGENT, X2_FILE, "elsewhere/session-state/" X2 ".jsonl");
	setenv("COPILOT_HOME", world_path(&world, "elsewhere"), 1);
	IS_INT(copilot_cli_source.present(&world.context), 1);
	setenv("COPILOT_HOME", world_path(&world, "elsewhere/session-state"), 1);
	collect(&world);
	check_session(&world, AGENT, "copilot-cli/X2", NULL);
	unsetenv("COPILOT_HOME");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(events_say_what_the_log_says),
	TAP_CASE(torn_line_waits_and_is_completed),
	TAP_CASE(portions_give_the_same_events),
	TAP_CASE(a_session_in_several_files_is_one),
	TAP_CASE(an_older_copy_changes_nothing),
	TAP_CASE(rewritten_and_vanished_logs_lose_nothing),
	TAP_CASE(a_crash_leaves_the_output_of_its_responses),
	TAP_CASE(smaller_counters_begin_anew),
	TAP_CASE(models_by_another_name_are_not_counted_twice),
	TAP_CASE(prompts_are_what_a_person_typed),
	TAP_CASE(an_abort_stops_the_prompt),
	TAP_CASE(calls_are_counted_once),
	TAP_CASE(the_workspace_file_fills_in),
	TAP_CASE(damage_is_quarantined_and_the_rest_goes_on),
	TAP_CASE(an_unreadable_log_does_not_stop_the_others),
	TAP_CASE(long_logs_are_given_in_batches),
	TAP_CASE(other_roots),
};
TAP_MAIN(cases)
