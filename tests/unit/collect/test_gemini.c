/* Gemini CLI as a source: the samples with their numbers, both forms of a chat, what is replaced
 * and taken back, copies, damage. */
#include "collect/gemini/gemini.h"
#include "sample_sessions.h"

#define AGENT "gemini"
#define TMP ".gemini/tmp/"
#define HASH "0eb399366de9d48155547b2c4d21d2edffd38b62a896e999cc490bab7f500c0a"
#define G1 "1a2b3c4d-03c5-58b8-9189-764dc9a18dbf"
#define G2 "5e6f7a8b-c476-53f3-889b-c49caad1ea9f"
#define G3 "9c0d1e2f-e6b9-569f-af18-d83c91549b5c"
#define G1_DIR TMP HASH "/chats/"
#define G1_JSON G1_DIR "session-2026-03-09T09-10-1a2b3c4d.json"
#define G1_LINES G1_DIR "session-2026-03-09T09-10-1a2b3c4d.jsonl"
#define G2_FILE TMP "blog/chats/session-2026-03-09T16-20-5e6f7a8b.jsonl"
#define G3_FILE TMP "blog/chats/" G2 "/" G3 ".jsonl"
#define ROOT_FILE TMP "blog/.project_root"
#define PROJECTS ".gemini/projects.json"

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("GEMINI_CLI_HOME");
}

static void put_as_is(struct world *world, const char *name)
{
	put_sample_as(world, AGENT, name, name);
}

static void put_samples(struct world *world)
{
	static const char *const files[] = { PROJECTS, ROOT_FILE, TMP "blog/logs.json", G1_JSON,
		G1_LINES, G2_FILE, G3_FILE };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_as_is(world, files[i]);
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &gemini_source);
}

/* --- the samples --- */

static void check_samples(struct world *world)
{
	check_session(world, AGENT, "gemini/G1", NULL);
	check_session(world, AGENT, "gemini/G2", NULL);
	check_session(world, AGENT, "gemini/G3", NULL);
}

static void samples_give_the_expected_numbers(void)
{
	static const char *const texts[] = { "run the tests", "Running.", "delete the caf",
		"filler", "npm test", "Read first", "delegated" };
	struct source_counts counts;
	struct world world;
	struct str dump;

	begin(&world);
	put_samples(&world);
	world_write(&world, ".gemini/oauth_creds.json", STR("{\"sessionId\":\"secret\"}"));
	world_write(&world, TMP "blog/chats/checkpoint-x.json", STR("{\"sessionId\":\"c\"}"));
	counts = collect(&world);
	check_samples(&world);
	IS_INT(counts.files, 4);
	IS_INT(counts.failed + counts.quarantined, 0);
	IS_INT(counts.new_events, world_events(&world, "").count);
	IS_INT(world_events(&world, "agent_session").count, 3);
	IS_INT(sum_of(&world, "agent_response", "input_tokens"), 13000);
	IS_INT(sum_of(&world, "agent_response", "output_tokens"), 161);
	dump = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		OK(str_find_str(dump, str_from(texts[i])) < 0);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 4);
	IS_INT(counts.new_events + counts.updated + counts.duplicate + counts.quarantined, 0);
	IS_INT(gemini_source.present(&world.context), 4);
	world_end(&world);
}

static void events_say_what_the_chat_says(void)
{
	struct world_events events;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	events = world_events(&world, "agent_tool_use");
	if (IS_INT(events.count, 2)) {
		IS_CSTR(world_value(&world, &events.items[0], "file"), "cart.py");
		IS_CSTR(world_value(&world, &events.items[0], "tool_class"), "read");
		IS_CSTR(world_value(&world, &events.items[1], "tool"), "run_shell_command");
	}
	events = world_events(&world, "agent_tool_error");
	if (IS_INT(events.count, 1))
		IS_CSTR(world_value(&world, &events.items[0], "tool"), "run_shell_command");
	events = world_events(&world, "user_message");
	if (IS_INT(events.count, 5)) {
		IS_CSTR(world_value(&world, &events.items[0], "cancelled"), "true");
		IS_CSTR(world_value(&world, &events.items[0], "length"), "15");
		IS_CSTR(world_value(&world, &events.items[1], "cancelled"), "");
		IS_CSTR(world_value(&world, &events.items[3], "withdrawn"), "true");
		IS_CSTR(world_value(&world, &events.items[4], "withdrawn"), "");
	}
	events = world_events(&world, "agent_response");
	IS_CSTR(world_value(&world, &events.items[0], "model"), "gemini-3-pro");
	for (size_t i = 0; i < events.count; i++)
		if (strcmp(world_value(&world, &events.items[i], "withdrawn"), "true") == 0) {
			IS_CSTR(world_value(&world, &events.items[i], "input_tokens"), "1100");
			IS_CSTR(world_value(&world, &events.items[i], "cache_read_tokens"), "900");
		}
	IS_CSTR(of_session(&world, G1, "agent"), "gemini-cli");
	IS_CSTR(of_session(&world, G2, "withdrawn"), "2");
	IS_CSTR(of_session(&world, G2, "session_type"), "user");
	IS_CSTR(of_session(&world, G3, "session_type"), "subagent");
	world_end(&world);
}

static void torn_line_waits_and_is_completed(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	world_append(&world, G2_FILE, sample(&world, "_append/07-gemini-G2.bytes"));
	counts = collect(&world);
	check_session(&world, AGENT, "gemini/G2 appended", NULL);
	IS_INT(counts.new_events, 1);
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.skipped_unchanged, 3);
	world_end(&world);
}

/* The old form first, the new one first, each alone and both at once. */
static void both_forms_are_one_session(void)
{
	static const char *const files[] = { G1_JSON, G1_LINES };
	char *kept = NULL;

	for (size_t i = 0; i < 3; i++) {
		struct world world;
		struct str dump;

		begin(&world);
		put_as_is(&world, files[i % 2]);
		if (i < 2)
			collect(&world);
		put_as_is(&world, files[(i + 1) % 2]);
		collect(&world);
		check_session(&world, AGENT, "gemini/G1", "cwd"); /* nobody registered its path */
		dump = world_dump(&world);
		if (!kept)
			kept = strndup(dump.ptr ? dump.ptr : "", dump.len);
		IS_STR(dump, kept);
		world_append(&world, G1_JSON, STR(" "));
		collect(&world);
		IS_STR(world_dump(&world), kept);
		OK(unlink(world_path(&world, G1_LINES)) == 0);
		world_append(&world, G1_JSON, STR(" "));
		collect(&world);
		IS_STR(world_dump(&world), kept);
		world_end(&world);
	}
	free(kept);
}

static void portions_give_the_same_events(void)
{
	struct world world;
	struct str content, whole;
	char *kept;

	begin(&world);
	put_as_is(&world, ROOT_FILE);
	put_as_is(&world, G2_FILE);
	collect(&world);
	whole = world_dump(&world);
	kept = strndup(whole.ptr ? whole.ptr : "", whole.len);
	world_end(&world);

	begin(&world);
	put_as_is(&world, ROOT_FILE);
	content = sample(&world, AGENT "/home/" G2_FILE);
	for (size_t at = 0; at < content.len; at += 97) {
		world_append(&world, G2_FILE, str_sub(content, at, 97));
		collect(&world);
	}
	IS_STR(world_dump(&world), kept);
	free(kept);
	world_end(&world);
}

/* --- made-up chats --- */

#define CHATS TMP "p/chats/"
#define S_FILE CHATS "session-S.jsonl"
#define HEAD "{\"sessionId\":\"S\",\"startTime\":\"2026-03-09T10:00:00Z\",\"kind\":\"main\"}\n"

static struct str message(
	struct world *world, const char *id, const char *type, int second, const char *more)
{
	return arena_printf(&world->arena,
		"{\"id\":\"%s\",\"type\":\"%s\",\"timestamp\":\"2026-03-09T10:00:%02dZ\"%s}\n", id,
		type, second, more);
}

static void put_message(
	struct world *world, const char *id, const char *type, int second, const char *more)
{
	world_append(world, S_FILE, message(world, id, type, second, more));
}

static const char *value_of(struct world *world, const char *type, size_t number, const char *key)
{
	struct world_events events = world_events(world, type);

	return OK(number < events.count) ? world_value(world, &events.items[number], key) : "";
}

static void a_copy_in_another_directory_is_the_same(void)
{
	struct source_counts counts;
	struct world world;
	struct str before;
	struct str content;

	begin(&world);
	put_as_is(&world, ROOT_FILE);
	put_as_is(&world, G2_FILE);
	collect(&world);
	before = world_dump(&world);
	put_sample_as(&world, AGENT, ROOT_FILE, TMP "old/.project_root");
	content = sample(&world, AGENT "/home/" G2_FILE);
	world_write(&world, TMP "old/chats/session-old.jsonl", str_sub(content, 0, 900));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	world_write(&world, TMP "old/chats/session-old.jsonl", content);
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	OK(str_eq(world_dump(&world), before));
	world_write(&world, G2_FILE, str_sub(content, 0, 900));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	OK(unlink(world_path(&world, G2_FILE)) == 0);
	OK(unlink(world_path(&world, TMP "old/chats/session-old.jsonl")) == 0);
	counts = collect(&world);
	IS_INT(counts.files, 0);
	OK(str_eq(world_dump(&world), before));
	world_end(&world);
}

/* A file that cannot be read must not let an older one speak for the session. */
static void an_unreadable_newer_file_withdraws_nothing(void)
{
	struct source_counts counts;
	struct world world;
	struct str before, content;

	begin(&world);
	put_as_is(&world, G1_JSON);
	content = sample(&world, AGENT "/home/" G1_JSON);
	collect(&world);
	before = world_dump(&world);
	world_write(&world, G1_JSON, str_sub(content, 0, content.len - 300));
	world_write(&world, G1_DIR "session-copy.json",
		STR("{\"sessionId\":\"" G1 "\",\"messages\":[]}"));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	OK(str_eq(world_dump(&world), before));
	world_write(&world, G1_JSON, content);
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	OK(str_eq(world_dump(&world), before));
	world_end(&world);
}

static void a_message_is_replaced_by_its_next_version(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(&world, "m1", "user", 1, ",\"content\":\"go\"");
	put_message(&world, "m2", "gemini", 2,
		",\"content\":\"\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"read_file\",\"status\":\"executing\","
		"\"timestamp\":\"2026-03-09T10:00:03Z\"}]");
	put_message(&world, "m3", "gemini", 4, ",\"content\":\"x\"");
	collect(&world);
	put_message(&world, "m2", "gemini", 9,
		",\"tokens\":{\"input\":\"7\",\"output\":2,\"cached\":null,\"thoughts\":-1},\"toolCalls\":[{\"id\":\"c\","
		"\"name\":\"read_file\",\"status\":\"error\",\"timestamp\":\"2026-03-09T10:00:08Z\"}]");
	counts = collect(&world);
	IS_INT(counts.new_events, 1); /* the tool's error */
	IS_INT(world_events(&world, "agent_response").count, 2);
	IS_CSTR(value_of(&world, "agent_response", 0, "input_tokens"), "7");
	IS_CSTR(value_of(&world, "agent_response", 0, "cache_read_tokens"), "");
	IS_CSTR(value_of(&world, "agent_response", 0, "reasoning_tokens"), "");
	IS_INT(world_events(&world, "agent_tool_use").items[0].start_ns,
		world_events(&world, "agent_tool_error").items[0].start_ns);
	IS_CSTR(of_session(&world, "S", "responses"), "2");
	IS_CSTR(of_session(&world, "S", "tool_errors"), "1");
	IS_CSTR(of_session(&world, "S", "ended_at"), "2026-03-09T10:00:04.000Z");
	world_end(&world);
}

static void rewinding_withdraws_what_is_behind(void)
{
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(&world, "m1", "user", 1, ",\"content\":\"a\"");
	put_message(&world, "m2", "gemini", 2, ",\"tokens\":{\"input\":5}");
	put_message(&world, "m3", "user", 3, ",\"content\":\"b\"");
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "2");
	world_append(&world, S_FILE, STR("{\"$rewindTo\":\"m2\"}\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "1");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "2");
	IS_CSTR(of_session(&world, "S", "input_tokens"), "null");
	IS_CSTR(value_of(&world, "agent_response", 0, "withdrawn"), "true");
	IS_CSTR(value_of(&world, "agent_response", 0, "input_tokens"), "5");
	put_message(&world, "m3", "user", 3, ",\"content\":\"b\"");
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "2");
	world_append(&world, S_FILE, STR("{\"$rewindTo\":\"nobody\"}\n{\"$rewindTo\":7}\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "0");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "3");
	IS_CSTR(of_session(&world, "S", "unknown_records"), "1");
	world_end(&world);
}

static void a_set_history_supersedes_all(void)
{
	struct world world;
	struct str changed;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(&world, "m1", "user", 1, ",\"content\":\"a\"");
	put_message(&world, "m2", "gemini", 2, "");
	put_message(&world, "m3", "user", 3, ",\"content\":\"b\"");
	changed = message(&world, "m1", "user", 1, ",\"content\":\"longer\"");
	world_append(&world, S_FILE,
		arena_printf(&world.arena,
			"{\"$set\":{\"summary\":\"s\",\"messages\":[%.*s,{\"id\":\"m9\",\"type\":\"gemini\","
			"\"timestamp\":\"2026-03-09T10:00:09Z\"},5]}}\n",
			(int)changed.len - 1, changed.ptr));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "1");
	IS_CSTR(of_session(&world, "S", "responses"), "1");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "2");
	IS_CSTR(of_session(&world, "S", "unknown_records"), "1");
	IS_CSTR(value_of(&world, "user_message", 0, "length"), "6");
	world_end(&world);
}

static void a_compressed_history_takes_nothing_back(void)
{
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(&world, "m1", "user", 1, ",\"content\":\"a\"");
	put_message(&world, "m2", "gemini", 2, "");
	world_append(&world, S_FILE,
		STR("{\"$set\":{\"messages\":[{\"id\":\"x1\",\"type\":\"user\",\"content\":[{\"text\":\"<state_snapshot>so far\"}]},"
		    "{\"id\":\"x2\",\"type\":\"gemini\",\"content\":\"Got it.\"},{\"id\":\"x3\",\"type\":\"user\",\"content\":\"a\"}]}}\n"));
	put_message(&world, "m3", "user", 3, ",\"content\":\"b\"");
	collect(&world);
	IS_CSTR(of_session(&world, "S", "prompts"), "2");
	IS_CSTR(of_session(&world, "S", "responses"), "1");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "0");
	world_end(&world);
}

static void prompts_are_what_a_person_typed(void)
{
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(
		&world, "n1", "user", 1, ",\"content\":[{\"text\":\"<session_context>\\nToday\"}]");
	put_message(&world, "p1", "user", 2,
		",\"content\":[{\"text\":\"see @a.c\"},{\"text\":\"--- Content ---\"}],\"displayContent\":[{\"text\":\"see @a.c\"}]");
	put_message(&world, "p2", "user", 3,
		",\"content\":[{\"text\":\"ab\"},{\"text\":\"<hook_context>x\"},{\"inlineData\":{\"mimeType\":\"image/png\"}}]");
	put_message(&world, "n2", "user", 4,
		",\"content\":[{\"functionResponse\":{\"id\":\"c\",\"name\":\"t\"}}]");
	put_message(&world, "p3", "user", 5, ",\"content\":\"/compress now\"");
	put_message(&world, "p4", "user", 6, ",\"content\":\"/home/ana/x is wrong\"");
	put_message(&world, "n3", "user", 7, ",\"content\":null");
	put_message(&world, "e1", "error", 8, ",\"content\":\"[API Error: quota]\"");
	put_message(&world, "i1", "info", 9, ",\"content\":[{\"text\":\"Request cancelled.\"}]");
	put_message(&world, "z1", "mystery", 10, "");
	put_message(&world, "z1", "mystery", 10, "");
	collect(&world);
	if (!IS_INT(world_events(&world, "user_message").count, 4))
		return;
	IS_CSTR(value_of(&world, "user_message", 0, "length"), "8");
	IS_CSTR(value_of(&world, "user_message", 1, "length"), "2");
	IS_CSTR(value_of(&world, "user_message", 1, "has_image"), "true");
	IS_CSTR(value_of(&world, "user_message", 2, "command"), "true");
	IS_CSTR(value_of(&world, "user_message", 3, "command"), "");
	IS_CSTR(value_of(&world, "user_message", 3, "cancelled"), "true");
	IS_CSTR(value_of(&world, "agent_error", 0, "error"), "error");
	IS_CSTR(of_session(&world, "S", "prompts"), "3");
	IS_CSTR(of_session(&world, "S", "commands"), "1");
	IS_CSTR(of_session(&world, "S", "cancelled"), "1");
	IS_CSTR(of_session(&world, "S", "unknown_records"), "1");
	world_end(&world);
}

static void calls_are_counted_once(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR(HEAD));
	put_message(&world, "m1", "gemini", 1,
		",\"toolCalls\":[{\"id\":\"c1\",\"name\":\"glob\",\"status\":\"error\"},7,{\"name\":\"ls\",\"status\":\"cancelled\"}]");
	world_append(&world, S_FILE, STR("{\"$rewindTo\":\"m1\"}\n"));
	put_message(&world, "m2", "gemini", 2,
		",\"toolCalls\":[{\"id\":\"c1\",\"name\":\"glob\",\"status\":\"error\"},{\"id\":\"c1\",\"name\":\"glob\",\"status\":\"success\"}]");
	put_message(&world, "m3", "gemini", 3,
		",\"content\":[{\"text\":\"t\"},{\"functionCall\":{\"id\":\"c2\",\"name\":\"read_file\",\"args\":{\"file_path\":\"/a.ts\"}}}]");
	counts = collect(&world);
	IS_INT(counts.quarantined, 0);
	IS_CSTR(of_session(&world, "S", "tool_calls"), "2");
	IS_CSTR(of_session(&world, "S", "tool_errors"), "1");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "2");
	IS_CSTR(value_of(&world, "agent_tool_use", 0, "cancelled"), "true");
	IS_CSTR(value_of(&world, "agent_tool_use", 2, "file"), "/a.ts");
	world_append(&world, S_FILE, STR("\n"));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	world_end(&world);
}

static void sub_agents_have_sessions_of_their_own(void)
{
	struct world world;

	begin(&world);
	world_write(&world, CHATS "parent/child.json",
		STR("{\"sessionId\":\"C\",\"messages\":[{\"id\":\"a\",\"type\":\"user\",\"content\":\"do\","
		    "\"timestamp\":\"2026-03-09T10:00:00Z\"},{\"id\":\"b\",\"type\":\"gemini\",\"timestamp\":\"2026-03-09T10:00:01Z\"}]}"));
	world_write(&world, CHATS "session-lost.jsonl",
		STR("{\"sessionId\":\"L\",\"kind\":\"subagent\"}\n"
		    "{\"id\":\"a\",\"type\":\"user\",\"content\":\"do\",\"timestamp\":\"2026-03-09T10:00:00Z\"}\n"
		    "{\"id\":\"b\",\"type\":\"gemini\",\"timestamp\":\"2026-03-09T10:00:01Z\"}"));
	collect(&world);
	IS_CSTR(of_session(&world, "C", "parent_session_id"), "parent");
	IS_CSTR(of_session(&world, "C", "session_type"), "subagent");
	IS_CSTR(of_session(&world, "C", "prompts"), "0");
	IS_CSTR(of_session(&world, "C", "started_at"), "2026-03-09T10:00:00.000Z");
	IS_CSTR(of_session(&world, "L", "session_type"), "agent");
	IS_CSTR(of_session(&world, "L", "prompts"), "0");
	IS_CSTR(of_session(&world, "L", "responses"), "1"); /* whole, if without its end */
	world_end(&world);
}

/* --- damage --- */

static void damage_is_quarantined_and_the_rest_goes_on(void)
{
	struct quarantine_entry *entries;
	struct source_counts counts;
	struct world world;
	int objects = 2;
	size_t count;

	begin(&world);
	world_write(&world, S_FILE, STR("\xef\xbb\xbf" HEAD));
	world_append(&world, S_FILE, STR("garbage\r\n\r\n[1]\nnull\n{\"a\":1}\n{\"$set\":[]}\n"));
	world_append(&world, S_FILE,
		STR("{\"type\":\"user\",\"content\":\"no id, no time\"}\r\n"
		    "{\"id\":7,\"type\":\"user\",\"content\":\"a\\u0000\xff\",\"timestamp\":0}\n"
		    "{\"id\":\"k\",\"type\":\"gemini\",\"content\":{},\"timestamp\":\"1773050400000\",\"tokens\":[],\"toolCalls\":{}}\n"));
	world_write(&world, CHATS "session-empty.jsonl", STR(""));
	world_write(&world, CHATS "session-empty.json", STR(""));
	world_write(&world, CHATS "session-half.json",
		STR("{\"sessionId\":\"H\",\"messages\":[{\"id\":\"x\"}"));
	world_write(&world, CHATS "session-broken.json", STR("{\"sessionId\":\"B\",,}"));
	counts = collect(&world);
	IS_INT(counts.files, 5);
	IS_INT(counts.failed, 0);
	IS_INT(counts.quarantined, 4);
	OK(store_quarantine(world.store, &world.arena, &entries, &count, &world.err) == 0);
	IS_INT(count, 4);
	for (size_t i = 0; i < count; i++)
		objects -= str_eq_c(entries[i].reason, "not_object");
	IS_INT(objects, 0);
	IS_CSTR(of_session(&world, "S", "malformed"), "3");
	IS_CSTR(of_session(&world, "S", "unknown_records"), "2");
	IS_CSTR(of_session(&world, "S", "prompts"), "2");
	IS_CSTR(of_session(&world, "S", "ended_at"), "2026-03-09T10:00:00.000Z");
	IS_INT(world_events(&world, "agent_session").count, 1);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 5);
	IS_INT(counts.quarantined, 0);
	world_write(&world, CHATS "session-half.json",
		STR("{\"sessionId\":\"H\",\"startTime\":1773050400,\"messages\":[{\"id\":\"x\",\"type\":\"user\",\"content\":\"a\"}]}"));
	collect(&world);
	IS_CSTR(of_session(&world, "H", "prompts"), "1");
	IS_CSTR(of_session(&world, "H", "started_at"), "2026-03-09T10:00:00.000Z");
	world_end(&world);
}

static void a_rewritten_document_is_corrected(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, CHATS "session-S.json",
		STR("{\"sessionId\":\"S\",\"messages\":[{\"id\":\"a\",\"type\":\"user\",\"content\":\"x\",\"timestamp\":\"2026-03-09T10:00:00Z\"}]}"));
	collect(&world);
	world_write(&world, CHATS "session-S.json",
		STR("{\"sessionId\":\"S\",\"messages\":[{\"id\":\"b\",\"type\":\"user\",\"content\":\"y\",\"timestamp\":\"2026-03-09T10:00:01Z\"},"
		    "{\"id\":\"c\",\"type\":\"gemini\",\"timestamp\":\"2026-03-09T10:00:02Z\",\"tokens\":{\"input\":3}}]}"));
	counts = collect(&world);
	IS_INT(counts.new_events, 2);
	IS_CSTR(of_session(&world, "S", "prompts"), "1");
	IS_CSTR(of_session(&world, "S", "withdrawn"), "1");
	IS_CSTR(of_session(&world, "S", "input_tokens"), "3");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(events_say_what_the_chat_says),
	TAP_CASE(torn_line_waits_and_is_completed),
	TAP_CASE(both_forms_are_one_session),
	TAP_CASE(portions_give_the_same_events),
	TAP_CASE(a_copy_in_another_directory_is_the_same),
	TAP_CASE(an_unreadable_newer_file_withdraws_nothing),
	TAP_CASE(a_message_is_replaced_by_its_next_version),
	TAP_CASE(rewinding_withdraws_what_is_behind),
	TAP_CASE(a_set_history_supersedes_all),
	TAP_CASE(a_compressed_history_takes_nothing_back),
	TAP_CASE(prompts_are_what_a_person_typed),
	TAP_CASE(calls_are_counted_once),
	TAP_CASE(sub_agents_have_sessions_of_their_own),
	TAP_CASE(damage_is_quarantined_and_the_rest_goes_on),
	TAP_CASE(a_rewritten_document_is_corrected),
};
TAP_MAIN(cases)
