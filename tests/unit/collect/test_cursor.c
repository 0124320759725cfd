/* Cursor as a source: the samples with their expected numbers, whatever comes first; workspaces,
 * and transcripts as files. */
#include "cursor_fixture.h"

#define C2 "843e0dfe-46c6-5805-a01e-14d499ddfc22"
#define A1 "b32d58dd-4ae5-5a5a-8994-37808b81b966"
#define A1_SUB A1 "/agent-19da8ab6-5f85-5e72-b327-e8ed103955de"
#define A3 "de1190d4-d889-5f42-8525-18f53d73001e"
#define TRANSCRIPTS ".cursor/projects/home-ana-work-shop/agent-transcripts/"
#define A1_FILE TRANSCRIPTS A1 "/" A1 ".jsonl"

/* --- samples --- */

static const char *const parts[] = { USER "globalStorage", USER "workspaceStorage", ".cursor" };

static void put_part(struct world *world, size_t part)
{
	samples_put(
		world, arena_printf(&world->arena, "cursor/home/%s", parts[part]).ptr, parts[part]);
}

static void put_samples(struct world *world)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		put_part(world, i);
}

static void check_samples(struct world *world, bool appended)
{
	static const struct {
		const char *name;
		const char *id;
	} sessions[] = { { "cursor/ide/c1", C1 }, { "cursor/ide/c2", C2 },
		{ "cursor/transcript/a1", A1 }, { "cursor/transcript/a1/sub", A1_SUB },
		{ "cursor/transcript/a3", A3 } };
	struct json_parser parser = { 0 };
	struct str text = samples_read(world, "cursor/expected.json");
	const struct json *root, *all;
	int64_t want = 0;

	if (!text.ptr || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++)
		if (!appended || i != 2)
			samples_check(world, json_get(root, sessions[i].name), sessions[i].id);
	if (appended)
		samples_check(world, json_get(root, "cursor/transcript/a1 appended"), A1);
	IS_INT(world_events(world, "agent_session").count, 5);
	all = json_get(root, "cursor");
	OK(json_get_i64(all, "prompts", &want));
	IS_INT(world_events(world, "user_message").count, want);
	OK(json_get_i64(all, "responses", &want));
	IS_INT(world_events(world, "agent_response").count, want + appended);
	OK(json_get_i64(all, "tool_calls", &want));
	IS_INT(world_events(world, "agent_tool_use").count, want);
	OK(json_get_i64(all, "input", &want));
	IS_INT(samples_sum(world, "agent_response", "input_tokens"), want);
	OK(json_get_i64(all, "output", &want));
	IS_INT(samples_sum(world, "agent_response", "output_tokens"), want);
	json_parser_release(&parser);
}

static void samples_give_the_expected_numbers(void)
{
	static const char *const never[] = { "NEVER-READ", "ana@example.org", "cursorAuth",
		"checkout slow", "one query per item", "filler line", "delegated prompt",
		"app.py do" };
	CLEANUP(buf_release) struct buf before = BUF_INIT, after = BUF_INIT;
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	samples_picture(&world, ".config", &before);
	samples_picture(&world, ".cursor", &before);
	counts = collect(&world);
	check_samples(&world, false);
	IS_INT(counts.files, 6);
	IS_INT(counts.quarantined + counts.failed, 0);
	IS_INT(counts.new_events, world_events(&world, "").count);
	IS_CSTR(samples_fact(&world, A1_SUB, "session_type"), "subagent");
	IS_CSTR(samples_fact(&world, A1, "cwd"), "/home/ana/work/shop");
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (!OK(!samples_stored(&world, never[i])))
			printf("# %s is in the store\n", never[i]);
	counts = collect(&world);
	IS_INT(counts.files, 6);
	IS_INT(counts.skipped_unchanged, 6);
	IS_INT(counts.new_events + counts.updated, 0);
	samples_picture(&world, ".config", &after);
	samples_picture(&world, ".cursor", &after);
	OK(str_eq(buf_str(&before), buf_str(&after)));
	world_end(&world);
}

static void any_order_gives_the_same_store(void)
{
	static const size_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct world world;
		struct world_events events;
		CLEANUP(buf_release) struct buf dump = BUF_INIT;

		begin(&world);
		for (size_t j = 0; j < 3; j++) {
			put_part(&world, orders[i][j]);
			collect(&world);
		}
		check_samples(&world, false);
		/* Transcripts have their files' times, which are now's. */
		events = world_events(&world, "");
		for (size_t j = 0; j < events.count; j++)
			if (strcmp(world_value(&world, &events.items[j], "estimated_time"),
				    "true") != 0 &&
				events.items[j].start_ns < INT64_C(1775000000) * NS_PER_S)
				buf_printf(&dump, "%.*s %.*s\n", STR_ARG(events.items[j].id),
					STR_ARG(events.items[j].data));
		if (!first)
			first = strdup(buf_cstr(&dump));
		if (!IS_STR(buf_str(&dump), first))
			printf("# order %zu\n", i);
		world_end(&world);
	}
	OK(first && strlen(first) > 1000);
	free(first);
}

static void torn_line_waits_and_is_completed(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	world_append(
		&world, A1_FILE, samples_read(&world, "_append/05-cursor-transcript-a1.bytes"));
	counts = collect(&world);
	check_samples(&world, true);
	IS_INT(counts.new_events, 1);
	IS_INT(counts.skipped_unchanged, 5);
	world_end(&world);
}

/* --- workspaces --- */

#define WS1 USER "workspaceStorage/aa/"
#define WS2 USER "workspaceStorage/bb/"

static void workspaces_of_composers(void)
{
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL,
		TABLES PUT COMPOSER("c1", "1", H("u", "1"), ",\"workspaceIdentifier\":{\"uri\":{\"scheme\":\"vscode-remote\",\"authority\":\"ssh-remote+devbox\",\"path\":\"/srv/api\",\"fsPath\":\"/srv/api\"}}") "," BUBBLE(
			"c1", "u", "1", "01", TEXT("hi")) "," COMPOSER("c2", "1", H("u", "1"),
			"") "," BUBBLE("c2", "u", "1", "02", TEXT("hi")) "," COMPOSER("c3", "1",
			H("u", "1"), "") "," BUBBLE("c3", "u", "1", "03",
			TEXT("hi") ",\"workspaceProjectDir\":\"/h/.cursor/projects/srv-web-site\"") "," COMPOSER("c4",
			"1", H("u", "1"),
			",\"subagentInfo\":{\"parentComposerId\":\"c2\"}") "," BUBBLE("c4", "u",
			"1", "04", TEXT("do it")) "," BUBBLE("c4", "r", "2", "05",
			TEXT("done")) "," COMPOSER("c4", "1", H("u", "1") "," H("r", "2"),
			",\"subagentInfo\":{\"parentComposerId\":\"c2\"}") ";"
									   "INSERT INTO ItemTable VALUES('composer.composerHeaders', '{\"allComposers\":[{\"composerId\":\"c2\",\"workspaceIdentifier\":{\"uri\":{\"fsPath\":\"/srv/two\"}}}]}')");
	run_theirs(&world, GLOBAL,
		PUT COMPOSER("c5", "1", H("r", "2"),
			",\"subagentInfo\":{\"parentComposerId\":\"c1\"}") "," BUBBLE("c5", "r",
			"2", "06", TEXT("done")));
	world_write(&world, WS1 "workspace.json", STR("{\"folder\":\"file:///srv/web.site\"}"));
	run_theirs(&world, WS1 "state.vscdb",
		"CREATE TABLE ItemTable" KV
		"INSERT INTO ItemTable VALUES('workbench.panel.composerChatViewPane.x', '{\"workbench.panel.aichat.view." C1
		"\":{}}')");
	collect(&world);
	IS_CSTR(samples_fact(&world, "c1", "cwd"), "ssh-remote+devbox:/srv/api");
	IS_CSTR(samples_fact(&world, "c2", "cwd"), "/srv/two");
	IS_CSTR(samples_fact(&world, "c3", "cwd"), "/srv/web.site");
	IS_CSTR(samples_fact(&world, "c2/agent-c4", "cwd"), "/srv/two");
	IS_CSTR(samples_fact(&world, "c2/agent-c4", "parent_session_id"), "c2");
	facts(&world, "c2/agent-c4", "0", "1", "0");
	IS_CSTR(samples_fact(&world, "c1/agent-c5", "cwd"), "ssh-remote+devbox:/srv/api");
	world_end(&world);
}

static void workspace_that_becomes_known_later(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	world_write(&world, ".cursor/projects/srv-app/agent-transcripts/t.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	collect(&world);
	IS_CSTR(samples_fact(&world, "c", "cwd"), "");
	IS_CSTR(samples_fact(&world, "t", "cwd"), "");
	/* Where it was only looked at does not hold against where it belongs. */
	world_write(&world, WS2 "workspace.json", STR("{\"folder\":\"file:///srv/a\"}"));
	run_theirs(&world, WS2 "state.vscdb",
		"CREATE TABLE ItemTable" KV
		"INSERT INTO ItemTable VALUES('composer.composerData', '{\"selectedComposerIds\":[\"c\"]}')");
	collect(&world);
	IS_CSTR(samples_fact(&world, "c", "cwd"), "/srv/a");
	world_write(&world, WS1 "workspace.json", STR("{\"folder\":\"file:///srv/app\"}"));
	run_theirs(&world, WS1 "state.vscdb", "CREATE TABLE ItemTable" KV);
	counts = collect(&world);
	IS_CSTR(samples_fact(&world, "t", "cwd"), "/srv/app");
	IS_CSTR(samples_fact(&world, "c", "cwd"), "/srv/a");
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 2);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, counts.files);
	/* Two workspaces of one name: nobody can tell, and what was known stays. */
	world_write(&world, USER "workspaceStorage/cc/workspace.json",
		STR("{\"folder\":\"file:///srv.app\"}"));
	collect(&world);
	IS_CSTR(samples_fact(&world, "t", "cwd"), "/srv/app");
	world_end(&world);
}

/* As long as it cannot be told where a composer belongs, it is not taken. */
static void locked_workspace_holds_its_composers_back(void)
{
	struct world world;
	sqlite3 *db;

	begin(&world);
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	world_write(&world, WS1 "workspace.json", STR("{\"folder\":\"file:///srv/app\"}"));
	db = open_theirs(&world, WS1 "state.vscdb",
		"PRAGMA journal_mode = WAL; CREATE TABLE ItemTable" KV
		"INSERT INTO ItemTable VALUES('composer.composerData', '{\"selectedComposerIds\":[\"c\"]}');"
		"PRAGMA locking_mode = EXCLUSIVE; UPDATE ItemTable SET key = key");
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	sqlite3_close(db);
	collect(&world);
	IS_CSTR(samples_fact(&world, "c", "cwd"), "/srv/app");
	facts(&world, "c", "2", "2", "0");
	world_end(&world);
}

static void excluded_workspace_leaves_no_trace(void)
{
	static const char *const secret[] = { "/home/ana/work/**", NULL };
	const struct workspace_rules rules = { .exclude = secret };
	struct workspace_policy *policy = NULL;
	struct world world;

	begin(&world);
	put_samples(&world);
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	world.context.policy = NULL; /* and when it is not excluded any more it is all there */
	collect(&world);
	check_samples(&world, false);
	world_end(&world);
}

/* What a composer says of its workspace holds for its transcript and its project's others. */
static void excluded_composer_and_its_transcripts(void)
{
	static const char *const secret[] = { "/srv/secret/**", NULL };
	const struct workspace_rules rules = { .exclude = secret };
	const struct str line = STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n");
	struct workspace_policy *policy = NULL;
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL,
		TABLES PUT COMPOSER("c", "1", H("u", "1"),
			",\"workspaceIdentifier\":{\"uri\":{\"fsPath\":\"/srv/secret/app\"}}") "," BUBBLE("c",
			"u", "1", "01", TEXT("hi")));
	world_write(&world, ".cursor/projects/elsewhere/agent-transcripts/c/c.jsonl", line);
	world_write(&world, ".cursor/projects/elsewhere/agent-transcripts/c/subagents/s.jsonl",
		STR("{\"role\":\"assistant\",\"message\":{\"content\":\"hi\"}}\n"));
	world_write(&world, ".cursor/projects/srv-secret-app/agent-transcripts/o.jsonl", line);
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	IS_INT(collect(&world).skipped_unchanged, 4);
	world.context.policy = NULL;
	collect(&world);
	facts(&world, "c", "1", "0", "0");
	facts(&world, "c/agent-s", "0", "1", "0");
	IS_CSTR(samples_fact(&world, "c/agent-s", "cwd"), "/srv/secret/app");
	IS_CSTR(samples_fact(&world, "o", "cwd"), "/srv/secret/app");
	world_end(&world);
}

/* The workspace that was found once stays known when the files are read again after it is gone. */
static void workspace_that_is_gone(void)
{
	static const char *const other[] = { "/nowhere", NULL };
	const struct workspace_rules rules = { .exclude = other };
	struct workspace_policy *policy = NULL;
	struct world world;
	const char *project;

	begin(&world);
	world_write(&world, "app/x", STR(""));
	project = arena_printf(&world.arena, ".cursor/projects/%.*s/agent-transcripts/t.jsonl",
		STR_ARG(cursor_project_name(&world.arena, str_from(world_path(&world, "app")))))
			  .ptr;
	world_write(&world, project, STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	collect(&world);
	IS_CSTR(samples_fact(&world, "t", "cwd"), world_path(&world, "app"));
	OK(unlink(world_path(&world, "app/x")) == 0 && rmdir(world_path(&world, "app")) == 0);
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	IS_INT(collect(&world).updated, 0);
	IS_CSTR(samples_fact(&world, "t", "cwd"), world_path(&world, "app"));
	world_end(&world);
}

/* --- files --- */

static void best_of_several_transcripts(void)
{
	struct source_counts counts;
	struct world world;
	const char *extra[2] = { NULL, NULL };
	struct source_settings settings = { .source = "cursor", .enabled = true };
	struct str one = STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n");
	struct str two = STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n"
			     "{\"role\":\"user\",\"message\":{\"content\":\"two\"}}\n");

	begin(&world);
	extra[0] = world_path(&world, "copy");
	OK(fs_make_dirs(extra[0], 0700, &world.err) == 0);
	settings.roots = extra;
	world.context.settings = &settings;
	world.context.settings_count = 1;
	world_write(&world, ".cursor/projects/p/agent-transcripts/s.txt",
		STR("user:\na\n\nassistant:\nb\n"));
	collect(&world);
	facts(&world, "s", "1", "1", "0");
	world_write(&world, "copy/projects/p/agent-transcripts/s.jsonl", two);
	collect(&world);
	facts(&world, "s", "2", "0", "0");
	/* An older copy, in the better form, takes nothing back. */
	world_write(&world, ".cursor/projects/p/agent-transcripts/s/s.jsonl", one);
	collect(&world);
	facts(&world, "s", "2", "0", "0");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 3);
	/* Nor does it when the good one is gone. */
	OK(unlink(world_path(&world, "copy/projects/p/agent-transcripts/s.jsonl")) == 0);
	collect(&world);
	facts(&world, "s", "2", "0", "0");
	IS_INT(world_events(&world, "user_message").count, 2);
	world_end(&world);
}

static void rewritten_transcript(void)
{
	struct world world;
	const char *name = ".cursor/projects/p/agent-transcripts/s.jsonl";

	begin(&world);
	world_write(&world, name,
		STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n"
		    "{\"role\":\"user\",\"message\":{\"content\":\"two\"}}\n"));
	collect(&world);
	world_write(&world, name,
		STR("{\"role\":\"user\",\"message\":{\"content\":\"two\"}}\n"
		    "{\"role\":\"assistant\",\"message\":{\"content\":\"three\"}}\n"));
	collect(&world);
	facts(&world, "s", "1", "1", "1");
	world_write(&world, ".cursor/projects/p/agent-transcripts/empty.jsonl", STR(""));
	collect(&world);
	IS_INT(world_events(&world, "agent_session").count, 1);
	world_end(&world);
}

static void shorter_transcript_takes_nothing_back(void)
{
	struct source_counts counts;
	struct world world;
	const char *name = ".cursor/projects/p/agent-transcripts/s.jsonl";

	begin(&world);
	world_write(&world, name,
		STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n{\"role\":\"alien\"}\n"
		    "{\"role\":\"user\",\"message\":{\"content\":\"two\"}}\n"));
	collect(&world);
	world_write(&world, name, STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n"));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	facts(&world, "s", "2", "0", "0");
	IS_CSTR(samples_fact(&world, "s", "unknown_records"), "1");
	world_write(&world, name, STR(""));
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	world_end(&world);
}

static void what_there_is(void)
{
	struct source_places places = { 0 };
	struct file_cursor *cursors;
	struct world world;
	size_t count = 0;

	begin(&world);
	IS_INT(cursor_source.present(&world.context), -1);
	put_samples(&world);
	IS_INT(cursor_source.present(&world.context), 6);
	world_write(&world, WS1 "workspace.json", STR("{}"));
	world_write(&world, WS1 "state.vscdb", STR(""));
	IS_INT(cursor_source.present(&world.context), 8);
	collect(&world); /* a cursor for each, so that none of them seems to wait */
	OK(store_cursors(world.store, CURSOR_SOURCE, &world.arena, &cursors, &count, &world.err) ==
		0);
	IS_INT(count, 8);
	places.arena = &world.arena;
	cursor_source.places(&world.context, &places);
	IS_INT(places.count, 4);
	OK(places.items[0].poll);
	OK(!places.items[2].poll && places.items[2].depth == 4);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(any_order_gives_the_same_store),
	TAP_CASE(torn_line_waits_and_is_completed),
	TAP_CASE(workspaces_of_composers),
	TAP_CASE(workspace_that_becomes_known_later),
	TAP_CASE(locked_workspace_holds_its_composers_back),
	TAP_CASE(excluded_workspace_leaves_no_trace),
	TAP_CASE(excluded_composer_and_its_transcripts),
	TAP_CASE(workspace_that_is_gone),
	TAP_CASE(best_of_several_transcripts),
	TAP_CASE(rewritten_transcript),
	TAP_CASE(shorter_transcript_takes_nothing_back),
	TAP_CASE(what_there_is),
};
TAP_MAIN(cases)
