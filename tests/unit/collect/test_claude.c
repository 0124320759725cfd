/* Claude Code as a source: the synthetic samples with their expected numbers, copies in any order,
 * growth, loss and damage. */
#include <signal.h>
#include <sys/wait.h>

#include "world.h"

#define S1 "43cbf689-a2d2-505e-85a0-bd0e2c9d5991"
#define S2 "9538f5ef-65f0-5721-b593-ca8eb7b7e0c8"
#define S3 "095e806a-ac2d-548f-9490-f9e18ce6f36f"
#define SHOP_DIR ".claude/projects/-home-ana-work-shop/"
#define BLOG_DIR ".claude/projects/-home-ana-personal-blog/"
#define S1_FILE SHOP_DIR S1 ".jsonl"
#define AGENT_FILE SHOP_DIR S1 "/subagents/agent-a1b2c3d.jsonl"
#define S2_FILE SHOP_DIR S2 ".jsonl"
#define S3_FILE BLOG_DIR S3 ".jsonl"

/* --- the samples --- */

static struct str sample(struct world *world, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");

	if (!dir)
		return (struct str){ NULL, 0 };
	OK(fs_read(fs_join(&world->arena, dir, name), 8 << 20, &text, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&text));
}

static void put_sample(struct world *world, const char *name)
{
	struct str content = sample(world, arena_printf(&world->arena, "claude/home/%s", name).ptr);

	if (!content.ptr)
		SKIP("TEST_DATA does not tell where the samples are");
	world_write(world, name, content);
}

static void put_samples(struct world *world)
{
	static const char *const files[] = { S1_FILE, AGENT_FILE, S2_FILE, S3_FILE };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_sample(world, files[i]);
	world_write(world, ".claude/projects/-home-ana-empty/000701ab.jsonl", STR(""));
	world_write(world, SHOP_DIR S1 "/subagents/journal.jsonl", STR("{\"type\":\"user\"}\n"));
	world_write(world, SHOP_DIR S1 "/subagents/agent-a1b2c3d.meta.json", STR("{}"));
	world_write(world, ".claude/history.jsonl", STR("{\"type\":\"user\"}\n"));
}

static const struct event *session_event(struct world *world, const char *id)
{
	struct world_events sessions = world_events(world, "agent_session");

	for (size_t i = 0; i < sessions.count; i++)
		if (strcmp(world_value(world, &sessions.items[i], "session_id"), id) == 0)
			return &sessions.items[i];
	return NULL;
}

/* Where the numbers of expected.json stand in the event. */
static const struct {
	const char *expected;
	const char *key;
} numbers[] = { { "prompts", "prompts" }, { "responses", "responses" },
	{ "tool_calls", "tool_calls" }, { "tool_errors", "tool_errors" },
	{ "api_errors", "api_errors" }, { "malformed", "malformed" },
	{ "unknown", "unknown_records" }, { "input", "input_tokens" },
	{ "output", "output_tokens" }, { "cache_read", "cache_read_tokens" },
	{ "cache_write", "cache_write_tokens" }, { "first", "started_at" }, { "last", "ended_at" },
	{ "cwd", "cwd" } };

static void check_session(struct world *world, const struct json *expected, const char *id)
{
	const struct event *event = session_event(world, id);

	if (!OK(event != NULL))
		return;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct json *want = json_get(expected, numbers[i].expected);
		struct str text =
			json_is(want, JSON_STRING) ? json_str(want) : json_number_text(want);

		if (want && !IS_CSTR(world_value(world, event, numbers[i].key),
				    arena_cstr(&world->arena, text)))
			printf("# %s of %s\n", numbers[i].key, id);
	}
}

/* How many events of TYPE (of session ID, if not NULL) have KEY, or are without it. */
static long long count_with(
	struct world *world, const char *type, const char *id, const char *key, bool with)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++) {
		const struct event *event = &events.items[i];

		if (!id || strcmp(world_value(world, event, "session_id"), id) == 0)
			out += (world_value(world, event, key)[0] != '\0') == with;
	}
	return out;
}

/* The sums over all events of TYPE of the number KEY. */
static long long sum_of(struct world *world, const char *type, const char *key)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		out += atoll(world_value(world, &events.items[i], key));
	return out;
}

static void check_samples(struct world *world, bool appended)
{
	static const struct {
		const char *name;
		const char *id;
	} sessions[] = { { "claude/S1", S1 }, { "claude/S1/agent-a1b2c3d", S1 "/agent-a1b2c3d" },
		{ "claude/S2", S2 }, { "claude/S3", S3 } };
	struct json_parser parser = { 0 };
	struct str text = sample(world, "claude/expected.json");
	const struct json *root, *all;
	int64_t want;

	if (!text.ptr || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	for (size_t i = appended ? 1 : 0; i < ARRAY_LEN(sessions); i++)
		check_session(world, json_get(root, sessions[i].name), sessions[i].id);
	if (appended)
		check_session(world, json_get(root, "claude/S1 appended"), S1);
	all = json_get(root, "claude");
	if (!appended && OK(json_get_i64(all, "responses", &want))) {
		IS_INT(world_events(world, "agent_response").count, want);
		json_get_i64(all, "prompts", &want);
		IS_INT(count_with(world, "user_message", NULL, "command", false), want);
		json_get_i64(all, "tool_calls", &want);
		IS_INT(world_events(world, "agent_tool_use").count, want);
		json_get_i64(all, "input", &want);
		IS_INT(sum_of(world, "agent_response", "input_tokens"), want);
		json_get_i64(all, "output", &want);
		IS_INT(sum_of(world, "agent_response", "output_tokens"), want);
		json_get_i64(all, "cache_read", &want);
		IS_INT(sum_of(world, "agent_response", "cache_read_tokens"), want);
		json_get_i64(all, "cache_write", &want);
		IS_INT(sum_of(world, "agent_response", "cache_write_tokens"), want);
	}
	json_parser_release(&parser);
}

/* How many events of TYPE name session ID. */
static long long count_in(struct world *world, const char *type, const char *id)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		out += strcmp(world_value(world, &events.items[i], "session_id"), id) == 0;
	return out;
}

static void samples_give_the_expected_numbers(void)
{
	/* Of prompts, replies, tool input and results, and titles. */
	static const char *const texts[] = { "coupon is applied", "tax rounding", "rename caf",
		"token expired", "pytest", "AKIA", "ghp_", "filler", "deploy trouble",
		"Search for the old name" };
	struct str dump;
	struct world world;
	struct source_counts counts;
	struct store_info info;

	world_init(&world);
	put_samples(&world);
	counts = world_collect(&world, &claude_source);
	check_samples(&world, false);
	IS_INT(counts.files, 5);
	IS_INT(counts.quarantined, 1);
	OK(store_info(world.store, &info, &world.err) == 0);
	IS_INT(info.quarantined, 1);
	IS_INT(counts.new_events, world_events(&world, "").count);
	dump = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		OK(str_find_str(dump, str_from(texts[i])) < 0);
	IS_INT(count_with(&world, "user_message", S1, "command", false), 4);
	IS_INT(count_with(&world, "user_message", S1, "command", true), 1);
	IS_INT(count_in(&world, "user_message", S2), 1);
	IS_INT(count_in(&world, "agent_response", S1), 6);
	IS_INT(count_in(&world, "agent_response", S2), 2);
	IS_INT(count_in(&world, "agent_response", S1 "/agent-a1b2c3d"), 2);
	if (IS_INT(world_events(&world, "agent_error").count, 1))
		IS_CSTR(world_value(&world, &world_events(&world, "agent_error").items[0], "error"),
			"529");
	if (IS_INT(world_events(&world, "agent_tool_error").count, 1))
		IS_CSTR(world_value(
				&world, &world_events(&world, "agent_tool_error").items[0], "tool"),
			"Bash");
	IS_CSTR(world_value(&world, session_event(&world, S1), "commands"), "1");
	IS_CSTR(world_value(&world, session_event(&world, S1), "agent_version"), "2.1.85");
	IS_CSTR(world_value(&world, session_event(&world, S1), "git_branch"), "main");
	IS_CSTR(world_value(&world, session_event(&world, S1), "reasoning_tokens"), "null");
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.skipped_unchanged, 5);
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	world_end(&world);
}

static void any_order_of_files_gives_the_same_store(void)
{
	static const char *const files[] = { S1_FILE, AGENT_FILE, S2_FILE };
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	struct str first = { NULL, 0 };
	char *kept = NULL;

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct world world;
		struct str dump;

		world_init(&world);
		for (size_t j = 0; j < 3; j++) {
			put_sample(&world, files[orders[i][j]]);
			world_collect(&world, &claude_source);
		}
		put_sample(&world, S3_FILE);
		world_collect(&world, &claude_source);
		check_samples(&world, false);
		dump = world_dump(&world);
		if (i == 0) {
			kept = strndup(dump.ptr ? dump.ptr : "", dump.len);
			first = str_from(kept);
		}
		if (!OK(str_eq(dump, first)))
			printf("# order %zu:\n%.*s\n# first:\n%.*s\n", i, STR_ARG(dump),
				STR_ARG(first));
		world_end(&world);
	}
	free(kept);
}

static void torn_line_waits_and_is_completed(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	put_samples(&world);
	world_collect(&world, &claude_source);
	world_append(&world, S1_FILE, sample(&world, "claude/S1.append"));
	counts = world_collect(&world, &claude_source);
	check_samples(&world, true);
	IS_INT(counts.new_events, 1);
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.skipped_unchanged, 4);
	world_end(&world);
}

/* What arrives byte for byte in any portions gives what it gives at once. */
static void portions_give_the_same_facts(void)
{
	struct world world;
	struct str content, whole;
	char *kept;

	world_init(&world);
	put_sample(&world, S3_FILE);
	content = sample(&world, "claude/home/" S3_FILE);
	world_collect(&world, &claude_source);
	whole = world_dump(&world);
	kept = strndup(whole.ptr ? whole.ptr : "", whole.len);
	world_end(&world);

	world_init(&world);
	for (size_t at = 0; at < content.len; at += 397) {
		content = sample(&world, "claude/home/" S3_FILE);
		world_append(&world, S3_FILE, str_sub(content, at, 397));
		world_collect(&world, &claude_source);
	}
	IS_STR(world_dump(&world), kept);
	free(kept);
	world_end(&world);
}

/* --- made-up transcripts --- */

#define PROJECT ".claude/projects/-p/"

static struct str user_line(struct world *world, const char *session, const char *uuid,
	const char *time, const char *more)
{
	return arena_printf(&world->arena,
		"{\"type\":\"user\",\"sessionId\":\"%s\",\"uuid\":\"%s\",\"timestamp\":\"2026-03-02T%sZ\","
		"\"cwd\":\"/p\",\"message\":{\"content\":\"hello\"}%s}\n",
		session, uuid, time, more);
}

static struct str response_line(struct world *world, const char *session, const char *id,
	const char *time, const char *more)
{
	return arena_printf(&world->arena,
		"{\"type\":\"assistant\",\"sessionId\":\"%s\",\"uuid\":\"u-%s\",\"timestamp\":\"2026-03-02T%sZ\","
		"\"cwd\":\"/p\",\"requestId\":\"r\",\"message\":{\"id\":\"%s\",\"model\":\"m\",\"content\":[],"
		"\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}%s}\n",
		session, id, time, id, more);
}

static void put(struct world *world, const char *name, struct str line)
{
	world_append(world, arena_printf(&world->arena, PROJECT "%s.jsonl", name).ptr, line);
}

/* A chain of resumed sessions, each a copy of the one before and a prompt more: each owns what it
 * added. */
static void put_chain(struct world *world, int length)
{
	static const char *const names[] = { "Sc", "Sa", "Sb" };

	for (int prompt = 0; prompt < length; prompt++) {
		struct str uuid = arena_printf(&world->arena, "u%d", prompt);
		struct str time = arena_printf(&world->arena, "1%d:00:00.000", prompt);

		put(world, names[length - 1],
			user_line(world, names[length - 1], uuid.ptr, time.ptr, ""));
	}
}

static void chain_of_resumed_sessions(void)
{
	static const int orders[][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 },
		{ 3, 1, 2 }, { 3, 2, 1 } };

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct world world;

		world_init(&world);
		for (int j = 0; j < 3; j++) {
			put_chain(&world, orders[i][j]);
			world_collect(&world, &claude_source);
		}
		IS_INT(world_events(&world, "user_message").count, 3);
		IS_INT(count_in(&world, "user_message", "Sc"), 1);
		IS_INT(count_in(&world, "user_message", "Sa"), 1);
		if (!IS_INT(count_in(&world, "user_message", "Sb"), 1))
			printf("# order %zu\n", i);
		IS_INT(sum_of(&world, "agent_session", "prompts"), 3);
		world_end(&world);
	}
}

static void fork_after_the_original_is_gone(void)
{
	struct world world;

	world_init(&world);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", user_line(&world, "S", "u2", "10:01:00.000", ""));
	world_collect(&world, &claude_source);
	OK(unlink(world_path(&world, PROJECT "S.jsonl")) == 0);
	put(&world, "F", user_line(&world, "F", "u1", "10:00:00.000", ""));
	put(&world, "F", user_line(&world, "F", "u3", "09:00:00.000", ""));
	world_collect(&world, &claude_source);
	IS_INT(world_events(&world, "user_message").count, 3);
	IS_INT(count_in(&world, "user_message", "S"), 2);
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "2");
	IS_CSTR(world_value(&world, session_event(&world, "F"), "prompts"), "1");
	world_end(&world);
}

static void copy_alone_is_the_owner(void)
{
	struct world world;

	world_init(&world);
	put_sample(&world, S2_FILE);
	world_collect(&world, &claude_source);
	IS_INT(count_in(&world, "user_message", S2), 2);
	IS_INT(count_in(&world, "agent_response", S2), 4);
	world_end(&world);
}

static void background_copy_never_owns(void)
{
	struct world world;

	world_init(&world);
	put(&world, "B", user_line(&world, "B", "u1", "10:00:00.000", ",\"sessionKind\":\"bg\""));
	put(&world, "B", user_line(&world, "B", "u9", "08:00:00.000", ",\"sessionKind\":\"bg\""));
	world_collect(&world, &claude_source);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", user_line(&world, "S", "u2", "11:00:00.000", ""));
	world_collect(&world, &claude_source);
	IS_INT(count_in(&world, "user_message", "S"), 2);
	IS_INT(count_in(&world, "user_message", "B"), 1);
	IS_CSTR(world_value(&world, session_event(&world, "B"), "prompts"), "1");
	IS_CSTR(world_value(&world, session_event(&world, "B"), "started_at"),
		"2026-03-02T08:00:00.000Z");
	world_end(&world);
}

/* Unsettled claims survive a kill between reading and settling, and a store that was closed. */
static void later_evidence_moves_ownership(void)
{
	struct world world;

	world_init(&world);
	put(&world, "F", user_line(&world, "F", "u1", "10:00:00.000", ""));
	put(&world, "F", user_line(&world, "F", "u2", "12:00:00.000", ""));
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", user_line(&world, "S", "u3", "13:00:00.000", ""));
	world_collect(&world, &claude_source);
	IS_INT(count_in(&world, "user_message", "F"), 2);
	world_reopen(&world);
	put(&world, "S", user_line(&world, "S", "u4", "11:00:00.000", ""));
	world_collect(&world, &claude_source);
	IS_INT(count_in(&world, "user_message", "F"), 1);
	IS_INT(count_in(&world, "user_message", "S"), 3);
	IS_CSTR(world_value(&world, session_event(&world, "F"), "prompts"), "1");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "3");
	world_end(&world);
}

static void streamed_lines_are_one_response(void)
{
	struct world world;
	struct world_events events;

	world_init(&world);
	put(&world, "S", response_line(&world, "S", "m1", "10:00:00.000", ""));
	world_collect(&world, &claude_source);
	put(&world, "S",
		STR("{\"type\":\"assistant\",\"sessionId\":\"S\",\"uuid\":\"x\",\"timestamp\":\"2026-03-02T10:00:05Z\","
		    "\"message\":{\"id\":\"m1\",\"model\":\"m\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":\"1\","
		    "\"output_tokens\":631,\"cache_read_input_tokens\":null}}}\n"));
	put(&world, "S", response_line(&world, "S", "m1", "10:00:06.000", ""));
	world_collect(&world, &claude_source);
	events = world_events(&world, "agent_response");
	if (!IS_INT(events.count, 1))
		return;
	IS_STR(events.items[0].id,
		WORLD_MACHINE ":claude:agent_response:2026-03-02T10:00:00.000Z:m1");
	IS_INT(events.items[0].revision, 632);
	IS_CSTR(world_value(&world, &events.items[0], "output_tokens"), "631");
	IS_CSTR(world_value(&world, &events.items[0], "input_tokens"), "1");
	IS_CSTR(world_value(&world, &events.items[0], "stop_reason"), "end_turn");
	IS_CSTR(world_value(&world, &events.items[0], "cache_read_tokens"), "");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "output_tokens"), "631");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "cache_read_tokens"), "null");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "ended_at"),
		"2026-03-02T10:00:06.000Z");
	world_end(&world);
}

static void damage_is_quarantined_and_the_rest_goes_on(void)
{
	struct world world;
	struct source_counts counts;
	struct quarantine_entry *entries;
	size_t count;

	world_init(&world);
	put(&world, "S", STR("\xef\xbb\xbf"));
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", STR("garbage\n\n[1]\n"));
	put(&world, "S",
		STR("{\"type\":\"user\",\"sessionId\":\"S\",\"message\":{\"content\":\"no time\"}}\r\n"));
	put(&world, "S", STR("{\"type\":\"quantum\",\"sessionId\":\"S\"}\n"));
	put(&world, "S", user_line(&world, "S", "u2", "10:01:00.000", ""));
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.quarantined, 3);
	OK(store_quarantine(world.store, &world.arena, &entries, &count, &world.err) == 0);
	if (IS_INT(count, 3)) {
		IS_STR(entries[0].source, "claude");
		IS_STR(entries[0].reason, "not_json");
		IS_STR(entries[0].bytes, "garbage");
		IS_STR(entries[1].reason, "not_object");
		IS_STR(entries[2].reason, "missing_timestamp");
	}
	IS_CSTR(world_value(&world, session_event(&world, "S"), "malformed"), "2");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "unknown_records"), "1");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "2");
	world_end(&world);
}

static void rewritten_and_vanished_files_lose_nothing(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", user_line(&world, "S", "u2", "10:01:00.000", ""));
	put(&world, "S", STR("garbage\n"));
	world_collect(&world, &claude_source);
	world_write(&world, PROJECT "S.jsonl", user_line(&world, "S", "u3", "10:02:00.000", ""));
	put(&world, "S", STR("garbage\n"));
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.new_events, 1);
	IS_INT(world_events(&world, "user_message").count, 3);
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "3");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "malformed"), "1");
	OK(unlink(world_path(&world, PROJECT "S.jsonl")) == 0);
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.files, 0);
	IS_INT(world_events(&world, "user_message").count, 3);
	world_end(&world);
}

static void moved_file_is_nothing_new(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S", STR("garbage\n"));
	world_collect(&world, &claude_source);
	OK(rename(world_path(&world, PROJECT "S.jsonl"), world_path(&world, PROJECT "T.jsonl")) ==
		0);
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.new_events, 0);
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "1");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "malformed"), "1");
	world_end(&world);
}

static void sub_agents_have_sessions_of_their_own(void)
{
	static const struct {
		const char *agent;
		const char *type;
	} cases[] = { { "a913", "subagent" }, { "acompact-1", "agent" },
		{ "aprompt_suggestion-2", "agent" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world world;
		const struct event *event;
		struct str id;

		world_init(&world);
		id = arena_printf(&world.arena, "S/agent-%s", cases[i].agent);
		put(&world, arena_printf(&world.arena, "agent-%s", cases[i].agent).ptr,
			user_line(&world, "S", "u1", "10:00:00.000", ",\"isSidechain\":true"));
		put(&world,
			arena_printf(
				&world.arena, "S/subagents/workflows/wf_1/agent-%s", cases[i].agent)
				.ptr,
			response_line(&world, "S", "m1", "10:00:01.000", ",\"isSidechain\":true"));
		world_collect(&world, &claude_source);
		IS_INT(world_events(&world, "user_message").count, 0);
		event = session_event(&world, id.ptr);
		if (!OK(event != NULL))
			continue;
		IS_CSTR(world_value(&world, event, "session_type"), cases[i].type);
		IS_CSTR(world_value(&world, event, "parent_session_id"), "S");
		IS_CSTR(world_value(&world, event, "started_at"), "2026-03-02T10:00:00.000Z");
		IS_CSTR(world_value(&world, event, "responses"), "1");
		world_end(&world);
	}
}

static void directories_follow_the_records(void)
{
	struct world world;
	struct world_events events;

	world_init(&world);
	world_write(&world, "work/acme/.git/HEAD", STR("ref: refs/heads/main\n"));
	world_write(&world, "work/acme/.git/config",
		STR("[remote \"origin\"]\n\turl = git@h:u/acme-app.git\n"));
	put(&world, "S",
		STR("{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u1\",\"timestamp\":\"2026-03-02T10:00:00Z\","
		    "\"message\":{\"content\":\"early\"}}\n"));
	put(&world, "S",
		arena_printf(&world.arena,
			"{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u2\",\"timestamp\":\"2026-03-02T10:00:01Z\","
			"\"cwd\":\"%s/work/acme\",\"gitBranch\":\"main\",\"message\":{\"content\":\"there\"}}\n",
			world.dir));
	put(&world, "S", user_line(&world, "S", "u3", "10:00:02.000", ""));
	world_collect(&world, &claude_source);
	events = world_events(&world, "user_message");
	if (IS_INT(events.count, 3)) {
		IS_CSTR(world_value(&world, &events.items[0], "git_project"), "acme-app");
		IS_CSTR(world_value(&world, &events.items[0], "cwd"),
			world_path(&world, "work/acme"));
		IS_CSTR(world_value(&world, &events.items[1], "git_project"), "acme-app");
		IS_CSTR(world_value(&world, &events.items[1], "git_branch"), "main");
		IS_CSTR(world_value(&world, &events.items[2], "cwd"), "/p");
		IS_CSTR(world_value(&world, &events.items[2], "git_project"), "");
	}
	world_end(&world);
}

static void text_is_stored_only_on_request(void)
{
	static const struct {
		enum collect_text text;
		const char *want;
	} cases[] = { { TEXT_NONE, "" }, { TEXT_SUMMARY, "first line" },
		{ TEXT_FULL, "first line\nsecond" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world world;
		struct world_events events;

		world_init(&world);
		world.context.settings_count = 1;
		world.context.settings = &(struct source_settings){
			.source = "claude", .enabled = true, .text = cases[i].text
		};
		put(&world, "S",
			STR("{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u\",\"timestamp\":\"2026-03-02T10:00:00Z\","
			    "\"message\":{\"content\":\"first line\\nsecond\"}}\n"
			    "{\"type\":\"custom-title\",\"sessionId\":\"S\",\"customTitle\":\"named\"}\n"));
		world_collect(&world, &claude_source);
		events = world_events(&world, "user_message");
		if (IS_INT(events.count, 1))
			IS_CSTR(world_value(&world, &events.items[0], "text"), cases[i].want);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "title"),
			i == 0 ? "" : "named");
		world_end(&world);
	}
}

static void roots_are_found_and_walked_once(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	IS_INT(claude_source.present(&world.context), -1);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	world_write(&world, ".config/claude/projects/-q/T.jsonl",
		user_line(&world, "T", "u2", "10:00:00.000", ""));
	OK(symlink("../.claude/projects", world_path(&world, ".claude/projects/-p/loop")) == 0);
	OK(symlink(world_path(&world, ".claude/projects/-p"),
		   world_path(&world, ".claude/projects/twice")) == 0);
	OK(symlink("/dev/zero", world_path(&world, ".claude/projects/-p/device.jsonl")) == 0);
	IS_INT(claude_source.present(&world.context), 2);
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.files, 2);
	IS_INT(world_events(&world, "user_message").count, 2);
	setenv("CLAUDE_CONFIG_DIR",
		arena_printf(&world.arena, "%s/.claude/projects/, %s/none", world.dir, world.dir)
			.ptr,
		1);
	IS_INT(claude_source.present(&world.context), 1);
	world.context.settings_count = 1;
	world.context.settings = &(struct source_settings){
		.source = "claude",
		.enabled = true,
		.roots = (const char *const[]){ world_path(&world, ".config/claude"),
			world_path(&world, ".claude"), NULL },
	};
	IS_INT(claude_source.present(&world.context), 2);
	world_end(&world);
}

static void strange_times_bound_nothing(void)
{
	struct world world;
	struct world_events events;

	world_init(&world);
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S",
		STR("{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u0\",\"timestamp\":0,\"message\":{\"content\":\"x\"}}\n"));
	world_collect(&world, &claude_source);
	events = world_events(&world, "user_message");
	if (IS_INT(events.count, 2))
		IS_CSTR(world_value(&world, &events.items[0], "implausible_time"), "true");
	IS_CSTR(world_value(&world, session_event(&world, "S"), "started_at"),
		"2026-03-02T10:00:00.000Z");
	world_end(&world);
}

static void id_less_blocks_stay_apart(void)
{
	struct world world;

	world_init(&world);
	put(&world, "S",
		STR("{\"type\":\"assistant\",\"sessionId\":\"S\",\"uuid\":\"a\",\"timestamp\":\"2026-03-02T10:00:00Z\",\"message\":"
		    "{\"content\":[{\"type\":\"tool_use\",\"name\":\"Read\"},{\"type\":\"tool_use\",\"name\":\"Glob\",\"input\":{\"path\":\"/x\"}}]}}\n"));
	world_collect(&world, &claude_source);
	IS_INT(world_events(&world, "agent_tool_use").count, 2);
	IS_INT(world_events(&world, "agent_response").count, 1);
	IS_CSTR(world_value(&world, &world_events(&world, "agent_tool_use").items[1], "file"),
		"/x");
	world_end(&world);
}

/* --- the taxonomy --- */

static const struct event *only(struct world *world, const char *type)
{
	struct world_events events = world_events(world, type);

	return IS_INT(events.count, 1) ? &events.items[0] : NULL;
}

static void calls_have_a_class(void)
{
	static const char *const cases[][2] = { { "Read", "read" }, { "MultiEdit", "edit" },
		{ "Write", "write" }, { "Bash", "command" }, { "Grep", "search" },
		{ "WebFetch", "web" }, { "Task", "delegate" }, { "mcp__github__get_issue", "mcp" },
		{ "TodoWrite", "other" } };
	struct world world;
	struct world_events events;

	world_init(&world);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		put(&world, "S",
			arena_printf(&world.arena,
				"{\"type\":\"assistant\",\"sessionId\":\"S\",\"uuid\":\"u%zu\",\"timestamp\":\"2026-03-02T10:00:0%zu.000Z\","
				"\"cwd\":\"/p\",\"message\":{\"id\":\"m%zu\",\"model\":\"m\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t%zu\","
				"\"name\":\"%s\",\"input\":{\"path\":\"/f\"}}]}}\n",
				i, i, i, i, cases[i][0]));
	world_collect(&world, &claude_source);
	events = world_events(&world, "agent_tool_use");
	if (IS_INT(events.count, ARRAY_LEN(cases)))
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			IS_CSTR(world_value(&world, &events.items[i], "tool"), cases[i][0]);
			IS_CSTR(world_value(&world, &events.items[i], "tool_class"), cases[i][1]);
			IS_CSTR(world_value(&world, &events.items[i], "model"), "m");
			IS_CSTR(world_value(&world, &events.items[i], "file"), "/f");
		}
	world_end(&world);
}

static struct str text_line(struct world *world, const char *session, const char *uuid,
	const char *time, const char *text)
{
	return arena_printf(&world->arena,
		"{\"type\":\"user\",\"sessionId\":\"%s\",\"uuid\":\"%s\",\"timestamp\":\"2026-03-02T%sZ\","
		"\"cwd\":\"/p\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}}\n",
		session, uuid, time, text);
}

/* Typed by a person, but no prompts: counted apart, and no bounds of the session. */
static void commands_are_told_from_prompts(void)
{
	struct world world;
	const struct event *event, *session;

	world_init(&world);
	put(&world, "S",
		text_line(&world, "S", "u0", "09:00:00.000",
			"<command-name>/review</command-name>\\n<command-message>review</command-message>"
			"\\n<command-args>src</command-args>"));
	put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
	put(&world, "S",
		STR("{\"type\":\"system\",\"subtype\":\"local_command\",\"sessionId\":\"S\",\"uuid\":\"u2\","
		    "\"timestamp\":\"2026-03-02T11:00:00Z\",\"content\":\"<command-name>/exit</command-name>\"}\n"
		    "{\"type\":\"system\",\"subtype\":\"local_command\",\"sessionId\":\"S\",\"uuid\":\"u3\","
		    "\"timestamp\":\"2026-03-02T11:00:01Z\",\"content\":\"<local-command-stdout>Bye</local-command-stdout>\"}\n"));
	world_collect(&world, &claude_source);
	IS_INT(count_with(&world, "user_message", "S", "command", true), 2);
	event = &world_events(&world, "user_message").items[0];
	IS_CSTR(world_value(&world, event, "command"), "true");
	IS_CSTR(world_value(&world, event, "length"), "11");
	session = session_event(&world, "S");
	IS_CSTR(world_value(&world, session, "prompts"), "1");
	IS_CSTR(world_value(&world, session, "commands"), "2");
	IS_CSTR(world_value(&world, session, "started_at"), "2026-03-02T10:00:00.000Z");
	IS_CSTR(world_value(&world, session, "ended_at"), "2026-03-02T10:00:00.000Z");
	world_end(&world);
}

#define INTERRUPTED "[Request interrupted by user for tool use]"

/* The prompt of the turn is marked, once, whether it was stored before or not. */
static void stopped_turns_are_marked(void)
{
	for (int late = 0; late < 2; late++) {
		struct world world;
		struct world_events events;

		world_init(&world);
		put(&world, "S", user_line(&world, "S", "u1", "10:00:00.000", ""));
		put(&world, "S", user_line(&world, "S", "u2", "10:01:00.000", ""));
		if (late)
			world_collect(&world, &claude_source);
		put(&world, "S", text_line(&world, "S", "u3", "10:02:00.000", INTERRUPTED));
		if (late)
			world_collect(&world, &claude_source);
		put(&world, "S", text_line(&world, "S", "u4", "10:03:00.000", INTERRUPTED));
		put(&world, "S", user_line(&world, "S", "u5", "10:04:00.000", ""));
		world_collect(&world, &claude_source);
		events = world_events(&world, "user_message");
		if (IS_INT(events.count, 3)) {
			IS_CSTR(world_value(&world, &events.items[0], "cancelled"), "");
			IS_CSTR(world_value(&world, &events.items[1], "cancelled"), "true");
			IS_CSTR(world_value(&world, &events.items[1], "length"), "5");
			IS_CSTR(world_value(&world, &events.items[2], "cancelled"), "");
		}
		IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "3");
		IS_CSTR(world_value(&world, session_event(&world, "S"), "cancelled"), "1");
		world_end(&world);
	}
}

/* An agent has no prompt of its own: its last response is marked. */
static void a_stopped_agent_is_marked(void)
{
	struct world world;
	const struct event *event;

	world_init(&world);
	put(&world, "agent-a1",
		user_line(&world, "S", "u1", "10:00:00.000", ",\"isSidechain\":true"));
	put(&world, "agent-a1",
		response_line(&world, "S", "m1", "10:00:01.000", ",\"isSidechain\":true"));
	world_collect(&world, &claude_source);
	put(&world, "agent-a1",
		STR("{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u3\",\"timestamp\":\"2026-03-02T10:00:02Z\",\"isSidechain\":true,"
		    "\"message\":{\"content\":\"" INTERRUPTED "\"}}\n"));
	world_collect(&world, &claude_source);
	event = only(&world, "agent_response");
	if (event)
		IS_CSTR(world_value(&world, event, "cancelled"), "true");
	IS_CSTR(world_value(&world, session_event(&world, "S/agent-a1"), "cancelled"), "1");
	world_end(&world);
}

/* A copied turn is stopped in the copies too: whoever is read first, the same store. */
static void stopped_turns_in_forks(void)
{
	static const char *const orders[][2] = { { "S", "F" }, { "F", "S" } };

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct world world;
		const struct event *prompt;

		world_init(&world);
		for (size_t j = 0; j < 2; j++) {
			const char *name = orders[i][j];

			put(&world, name, user_line(&world, name, "u1", "10:00:00.000", ""));
			put(&world, name,
				text_line(&world, name, "u2", "10:01:00.000", INTERRUPTED));
			if (name[0] == 'F')
				put(&world, name,
					user_line(&world, name, "u3", "10:02:00.000", ""));
			world_collect(&world, &claude_source);
		}
		IS_INT(count_in(&world, "user_message", "S"), 1);
		prompt = &world_events(&world, "user_message").items[0];
		IS_CSTR(world_value(&world, prompt, "session_id"), "S");
		if (!IS_CSTR(world_value(&world, prompt, "cancelled"), "true"))
			printf("# order %zu\n", i);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "cancelled"), "1");
		IS_CSTR(world_value(&world, session_event(&world, "F"), "cancelled"), "0");
		world_end(&world);
	}
}

/* The name of the tool that failed is its call's, however long ago that was stored. */
static void failures_name_their_tool(void)
{
	struct world world;
	const struct event *event;

	world_init(&world);
	put(&world, "S",
		STR("{\"type\":\"assistant\",\"sessionId\":\"S\",\"uuid\":\"a\",\"timestamp\":\"2026-03-02T10:00:00Z\",\"message\":"
		    "{\"id\":\"m\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Grep\"}]}}\n"));
	world_collect(&world, &claude_source);
	world_reopen(&world);
	put(&world, "S",
		STR("{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"b\",\"timestamp\":\"2026-03-02T10:00:01Z\",\"message\":"
		    "{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"is_error\":true}]}}\n"));
	world_collect(&world, &claude_source);
	event = only(&world, "agent_tool_error");
	if (event) {
		IS_CSTR(world_value(&world, event, "tool"), "Grep");
		IS_CSTR(world_value(&world, event, "tool_use_id"), "t1");
	}
	world_end(&world);
}

/* The text of a response stands on several lines, which may be read in different rounds, or twice.
 */
static void text_of_responses(void)
{
	static const char *const blocks[] = { "{\"type\":\"thinking\",\"thinking\":\"hmm\"}",
		"{\"type\":\"text\",\"text\":\"one\\nline\"}",
		"{\"type\":\"text\",\"text\":\"two\"}" };
	static const char *const want[] = {
		[TEXT_NONE] = "", [TEXT_SUMMARY] = "one", [TEXT_FULL] = "one\nline\ntwo"
	};

	for (int how = TEXT_NONE; how <= TEXT_FULL; how++) {
		struct world world;
		const struct event *event;
		struct str all = STR("");

		world_init(&world);
		world.context.settings_count = 1;
		world.context.settings = &(struct source_settings){
			.source = "claude", .enabled = true, .text = (enum collect_text)how
		};
		for (int i = 0; i < 3; i++) {
			struct str one = arena_printf(&world.arena,
				"{\"type\":\"assistant\",\"sessionId\":\"S\",\"uuid\":\"u%d\",\"timestamp\":\"2026-03-02T10:00:0%d.000Z\",\"cwd\":\"/p\","
				"\"message\":{\"id\":\"m\",\"model\":\"m\",\"content\":[%s],\"usage\":{\"output_tokens\":5}}}\n",
				i, i, blocks[i]);
			all = arena_printf(&world.arena, "%.*s%.*s", STR_ARG(all), STR_ARG(one));
			put(&world, "S", one);
			world_collect(&world, &claude_source);
		}
		event = only(&world, "agent_response");
		if (event)
			IS_CSTR(world_value(&world, event, "text"), want[how]);
		world_write(&world, PROJECT "T.jsonl", all); /* read from its start */
		world_collect(&world, &claude_source);
		event = only(&world, "agent_response");
		if (event)
			IS_CSTR(world_value(&world, event, "text"), want[how]);
		world_end(&world);
	}
}

/* --- workspaces that leave no trace --- */

static void exclude(struct world *world, const char *const *patterns)
{
	const struct workspace_rules rules = { .exclude = patterns };
	struct workspace_policy *policy;

	OK(workspace_policy(&policy, &world->arena, &rules, world->dir, &world->err) == 0);
	world->context.policy = policy;
}

static bool store_holds(struct world *world, const char *text)
{
	return store_place_holds(&world->place, text);
}

static const char *const secret_only[] = { "/secret", NULL };
static const char *const other_only[] = { "/other", NULL };

static struct str line_in(struct world *world, const char *cwd, const char *uuid, const char *time)
{
	return arena_printf(&world->arena,
		"{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"%s\",\"timestamp\":\"2026-03-02T%sZ\","
		"\"cwd\":\"%s\",\"message\":{\"content\":\"hello\"}}\n",
		uuid, time, cwd);
}

/* Notes and broken lines before the first record that tells the directory are of it too. */
static void excluded_sessions_leave_no_trace(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	exclude(&world, secret_only);
	put(&world, "S",
		STR("{\"type\":\"custom-title\",\"sessionId\":\"S-SECRET\",\"customTitle\":\"T-SECRET\"}\n"
		    "broken SECRET line\n"));
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.quarantined, 0);
	put(&world, "S", line_in(&world, "/secret/x", "u-SECRET", "10:00:00.000"));
	put(&world, "S",
		STR("another broken SECRET line\n"
		    "{\"type\":\"user\",\"sessionId\":\"S-SECRET\",\"uuid\":\"v-SECRET\",\"timestamp\":\"2026-03-02T11:00:00Z\","
		    "\"message\":{\"content\":\"without a directory SECRET\"}}\n"));
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.new_events + counts.quarantined, 0);
	put(&world, "S", STR("a third broken SECRET line\n")); /* after the state was saved */
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.new_events + counts.quarantined, 0);
	IS_INT(world_events(&world, "").count, 0);
	OK(!store_holds(&world, "SECRET"));
	OK(!store_holds(&world, "/secret"));
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.skipped_unchanged, 1);
	world_end(&world);
}

/* A session that goes into an excluded directory and comes back. */
static void events_are_split_by_directory(void)
{
	struct world world;
	const struct event *session;

	world_init(&world);
	exclude(&world, secret_only);
	put(&world, "S", line_in(&world, "/secret/x", "u1", "10:00:00.000"));
	put(&world, "S", line_in(&world, "/open", "u2", "10:01:00.000"));
	put(&world, "S", line_in(&world, "/secret", "u3", "10:02:00.000"));
	put(&world, "S", STR("broken SECRET\n"));
	put(&world, "S", line_in(&world, "/open", "u4", "10:03:00.000"));
	world_collect(&world, &claude_source);
	IS_INT(world_events(&world, "user_message").count, 2);
	session = session_event(&world, "S");
	if (OK(session != NULL)) {
		IS_CSTR(world_value(&world, session, "cwd"), "/open");
		IS_CSTR(world_value(&world, session, "prompts"), "2");
		IS_CSTR(world_value(&world, session, "malformed"), "0");
		IS_CSTR(world_value(&world, session, "started_at"), "2026-03-02T10:01:00.000Z");
	}
	OK(!store_holds(&world, "/secret"));
	world_end(&world);
}

/* What is not excluded any more is read after all; what was taken before is nothing new. */
static void other_rules_are_followed(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	exclude(&world, secret_only);
	put(&world, "S", line_in(&world, "/secret", "u1", "10:00:00.000"));
	put(&world, "S", line_in(&world, "/open", "u2", "10:01:00.000"));
	world_collect(&world, &claude_source);
	IS_INT(world_events(&world, "user_message").count, 1);
	exclude(&world, other_only);
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.new_events, 1);
	IS_INT(world_events(&world, "user_message").count, 2);
	IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), "2");
	counts = world_collect(&world, &claude_source);
	IS_INT(counts.skipped_unchanged, 1);
	world_end(&world);
}

/* --- other roots, and much at once --- */

static void sessions_of_the_desktop_program(void)
{
	static const char *const names[] = {
		".config/Claude/local-agent-mode-sessions/a/b/local_c/.claude/projects/-p/S.jsonl",
		".config/Claude/local-agent-mode-sessions/1/2/3/4/5/6/7/projects/-p/T.jsonl",
		".config/Claude/local-agent-mode-sessions/1/2/3/4/5/6/7/8/projects/-p/U.jsonl",
		".config/Claude/local-agent-mode-sessions/a/outputs/V.jsonl",
	};
	struct world world;

	world_init(&world);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *session = arena_printf(&world.arena, "L%zu", i).ptr;

		world_write(
			&world, names[i], user_line(&world, session, session, "10:00:00.000", ""));
	}
	world_collect(&world, &claude_source);
	OK(session_event(&world, "L0") != NULL);
	OK(session_event(&world, "L1") != NULL);
	OK(session_event(&world, "L2") == NULL);
	OK(session_event(&world, "L3") == NULL);
	world_end(&world);
}

/* More than fits into one batch, copied into a fork, in one round and in two: each item once. */
static void many_items_are_each_one_event(void)
{
	const int count = store_place_rounds(40000);
	char prompts[16];

	snprintf(prompts, sizeof(prompts), "%d", count);
	for (int rounds = 1; rounds <= 2; rounds++) {
		CLEANUP(buf_release) struct buf original = BUF_INIT, copy = BUF_INIT;
		struct world world;
		struct store_info info;
		struct source_counts counts;

		world_init(&world);
		for (int i = 0; i < count; i++) {
			buf_printf(&original,
				"{\"type\":\"user\",\"sessionId\":\"S\",\"uuid\":\"u%d\",\"timestamp\":\"2026-03-02T10:00:%02d.%03dZ\",\"cwd\":\"/p\",\"message\":{\"content\":\"x\"}}\n",
				i, i / 1000, i % 1000);
			buf_printf(&copy,
				"{\"type\":\"user\",\"sessionId\":\"F\",\"uuid\":\"u%d\",\"timestamp\":\"2026-03-02T10:00:%02d.%03dZ\",\"cwd\":\"/p\",\"message\":{\"content\":\"x\"}}\n",
				i, i / 1000, i % 1000);
		}
		world_write(&world, PROJECT "S.jsonl", buf_str(&original));
		if (rounds == 2)
			world_collect(&world, &claude_source);
		world_write(&world, PROJECT "F.jsonl", buf_str(&copy));
		put(&world, "F", user_line(&world, "F", "own", "12:00:00.000", ""));
		counts = world_collect(&world, &claude_source);
		IS_INT(counts.failed, 0);
		OK(store_info(world.store, &info, &world.err) == 0);
		IS_INT(info.events, count + 1 + 2);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "prompts"), prompts);
		IS_CSTR(world_value(&world, session_event(&world, "F"), "prompts"), "1");
		world_end(&world);
	}
}

/* One line of response M: its tool calls FIRST to FIRST + COUNT. */
static struct str calls_line(
	struct world *world, const char *session, const char *more, int first, int count)
{
	CLEANUP(buf_release) struct buf blocks = BUF_INIT;

	for (int i = first; i < first + count; i++)
		buf_printf(&blocks, "%s{\"type\":\"tool_use\",\"id\":\"t%d\",\"name\":\"Read\"}",
			i > first ? "," : "", i);
	return arena_printf(&world->arena,
		"{\"type\":\"assistant\",\"sessionId\":\"%s\",\"uuid\":\"a%d\",\"timestamp\":\"2026-03-02T10:00:%02d.000Z\","
		"\"cwd\":\"/p\"%s,\"message\":{\"id\":\"M\",\"model\":\"m\",\"content\":[%s],\"usage\":{\"output_tokens\":5}}}\n",
		session, first, first % 60, more, buf_cstr(&blocks));
}

/* More than are kept with their response, in one round, in several, and read again. */
static void responses_with_many_calls(void)
{
	for (int step = 7; step <= 700; step *= 10) {
		struct world world;
		struct source_counts counts;
		struct str all = STR("");

		world_init(&world);
		for (int first = 0; first < 700; first += step) {
			struct str line = calls_line(&world, "S", "", first, step);

			all = arena_printf(&world.arena, "%.*s%.*s", STR_ARG(all), STR_ARG(line));
			put(&world, "S", line);
			if (step > 7 || first % 70 == 0)
				world_collect(&world, &claude_source);
		}
		world_collect(&world, &claude_source);
		IS_INT(world_events(&world, "agent_tool_use").count, 700);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "tool_calls"), "700");
		IS_CSTR(world_value(&world, session_event(&world, "S"), "responses"), "1");
		world_write(&world, PROJECT "S.jsonl", all);
		world_append(&world, PROJECT "S.jsonl", STR("\n"));
		counts = world_collect(&world, &claude_source);
		IS_INT(counts.new_events, 0);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "tool_calls"), "700");
		world_end(&world);
	}
}

/* A fork copied in the middle of a response: the call that only the original has is its own,
 * whoever has the response, and whoever was read first. */
static void forks_within_a_response(void)
{
	struct str first = { NULL, 0 };
	char *kept = NULL;

	for (int order = 0; order < 2; order++) {
		struct world world;
		struct str dump;

		world_init(&world);
		for (int i = 0; i < 2; i++) {
			if (i == order) {
				put(&world, "S",
					calls_line(&world, "S", ",\"sessionKind\":\"bg\"", 1, 1));
				put(&world, "S",
					calls_line(&world, "S", ",\"sessionKind\":\"bg\"", 2, 1));
			} else {
				put(&world, "F", calls_line(&world, "F", "", 1, 1));
				put(&world, "F", user_line(&world, "F", "own", "11:00:00.000", ""));
			}
			world_collect(&world, &claude_source);
		}
		IS_INT(count_in(&world, "agent_response", "F"), 1);
		IS_INT(count_in(&world, "agent_tool_use", "F"), 1);
		IS_INT(count_in(&world, "agent_tool_use", "S"), 1);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "tool_calls"), "1");
		IS_CSTR(world_value(&world, session_event(&world, "F"), "tool_calls"), "1");
		world_reopen(&world);
		put(&world, "S", calls_line(&world, "S", ",\"sessionKind\":\"bg\"", 3, 2));
		world_collect(&world, &claude_source);
		IS_CSTR(world_value(&world, session_event(&world, "S"), "tool_calls"), "3");
		dump = world_dump(&world);
		if (order == 0)
			kept = strndup(dump.ptr, dump.len);
		first = str_from(kept);
		if (!OK(str_eq(dump, first)))
			printf("# %.*s\n# %s\n", STR_ARG(dump), kept);
		world_end(&world);
	}
	free(kept);
}

static void progress_ends_where_it_said(void)
{
	struct collect_progress progress = { 0 };
	struct world world;

	world_init(&world);
	put_samples(&world);
	world.context.progress = &progress;
	world_collect(&world, &claude_source);
	OK(progress.todo > 600000);
	IS_INT(progress.done, progress.todo);
	world_collect(&world, &claude_source);
	IS_INT(progress.done, progress.todo);
	world_end(&world);
}

/* Killed at any moment and run again, as often as it takes: the same store as an undisturbed run.
 */
static void kills_change_nothing(void)
{
	struct world world, calm;
	struct str dump;

	world_init(&calm);
	put_samples(&calm);
	world_collect(&calm, &claude_source);
	dump = world_dump(&calm);
	world_init(&world);
	put_samples(&world);
	store_close(world.store);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			struct source_counts counts;

			world_open_store(&world);
			counts = world_collect(&world, &claude_source);
			_exit(counts.files == 5 ? 0 : 1);
		}
		usleep((useconds_t)(i * 700));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	world_open_store(&world);
	world_collect(&world, &claude_source);
	OK(str_eq(world_dump(&world), dump));
	check_samples(&world, false);
	world_end(&world);
	world_end(&calm);
}

/* Several at once: they wait for each other, and nothing is counted twice. */
static void rounds_at_once_change_nothing(void)
{
	struct world world;
	pid_t children[3];

	world_init(&world);
	put_samples(&world);
	store_close(world.store);
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			world_open_store(&world);
			world_collect(&world, &claude_source);
			_exit(tap.failed != 0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status;

		waitpid(children[i], &status, 0);
		IS_INT(status, 0);
	}
	world_open_store(&world);
	check_samples(&world, false);
	world_end(&world);
}

static bool has_place(const struct source_places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (strcmp(places->items[i].path, path) == 0)
			return !places->items[i].poll && places->items[i].depth >= 3;
	return false;
}

/* Also what is not there yet. */
static void what_to_watch(void)
{
	struct world world;
	struct source_places places;
	const char *roots[] = { NULL, NULL, NULL };
	const struct source_settings settings = {
		.source = "claude", .enabled = true, .roots = roots
	};

	world_init(&world);
	places = (struct source_places){ .arena = &world.arena };
	roots[0] = world_path(&world, "extra");
	roots[1] = world_path(&world, "other/projects/");
	world.context.settings = &settings;
	world.context.settings_count = 1;
	claude_source.places(&world.context, &places);
	IS_INT(places.count, 5);
	OK(has_place(&places, world_path(&world, ".config/Claude/local-agent-mode-sessions")));
	OK(has_place(&places, world_path(&world, ".claude/projects")));
	OK(has_place(&places, world_path(&world, ".config/claude/projects")));
	OK(has_place(&places, world_path(&world, "extra/projects")));
	OK(has_place(&places, world_path(&world, "other/projects")));
	setenv("CLAUDE_CONFIG_DIR", "/a, /b/projects", 1);
	places.count = 0;
	claude_source.places(&world.context, &places);
	IS_INT(places.count, 5);
	OK(has_place(&places, "/a/projects"));
	OK(has_place(&places, "/b/projects"));
	unsetenv("CLAUDE_CONFIG_DIR");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(any_order_of_files_gives_the_same_store),
	TAP_CASE(torn_line_waits_and_is_completed),
	TAP_CASE(portions_give_the_same_facts),
	TAP_CASE(chain_of_resumed_sessions),
	TAP_CASE(fork_after_the_original_is_gone),
	TAP_CASE(copy_alone_is_the_owner),
	TAP_CASE(background_copy_never_owns),
	TAP_CASE(later_evidence_moves_ownership),
	TAP_CASE(streamed_lines_are_one_response),
	TAP_CASE(damage_is_quarantined_and_the_rest_goes_on),
	TAP_CASE(rewritten_and_vanished_files_lose_nothing),
	TAP_CASE(moved_file_is_nothing_new),
	TAP_CASE(sub_agents_have_sessions_of_their_own),
	TAP_CASE(directories_follow_the_records),
	TAP_CASE(text_is_stored_only_on_request),
	TAP_CASE(roots_are_found_and_walked_once),
	TAP_CASE(strange_times_bound_nothing),
	TAP_CASE(id_less_blocks_stay_apart),
	TAP_CASE(calls_have_a_class),
	TAP_CASE(commands_are_told_from_prompts),
	TAP_CASE(stopped_turns_are_marked),
	TAP_CASE(a_stopped_agent_is_marked),
	TAP_CASE(stopped_turns_in_forks),
	TAP_CASE(failures_name_their_tool),
	TAP_CASE(text_of_responses),
	TAP_CASE(excluded_sessions_leave_no_trace),
	TAP_CASE(events_are_split_by_directory),
	TAP_CASE(other_rules_are_followed),
	TAP_CASE(sessions_of_the_desktop_program),
	TAP_CASE(many_items_are_each_one_event),
	TAP_CASE(responses_with_many_calls),
	TAP_CASE(forks_within_a_response),
	TAP_CASE(progress_ends_where_it_said),
	TAP_CASE(kills_change_nothing),
	TAP_CASE(rounds_at_once_change_nothing),
	TAP_CASE(what_to_watch),
};

TAP_MAIN(cases)
