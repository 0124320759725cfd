/* Tasks of Cline and its kin: the samples, documents that are rewritten, half written, copied,
 * condensed and gone, and the sessions of Cline's command line. */
#include "collect/cline/cline.h"

#include <stdlib.h>

#include "samples.h"

#define CODE ".config/Code/User/globalStorage/saoudrizwan.claude-dev/"
#define ROO ".vscode-server/data/User/globalStorage/rooveterinaryinc.roo-cline/"
#define T1 "1773223200000"
#define T2 "1773232200000"
#define R1 "f97bfa9e-aa55-5e6e-a67a-06dbeeefdbae"
#define UI "/ui_messages.json"
#define API "/api_conversation_history.json"
#define AT "1773223200000"

static void begin(struct world *world)
{
	static const char *const names[] = { "XDG_CONFIG_HOME", "CLINE_DIR", "CLINE_DATA_DIR",
		"CLINE_SESSION_DATA_DIR", "WSL_DISTRO_NAME" };

	world_init(world);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &cline_source);
}

static struct str sample_file(struct world *world, const char *name)
{
	return samples_read(world, arena_printf(&world->arena, "cline/home/%s", name).ptr);
}

static void put_samples(struct world *world)
{
	static const char *const files[] = { CODE "tasks/" T1 UI, CODE "tasks/" T1 API,
		CODE "tasks/" T1 "/task_metadata.json", CODE "tasks/" T2 UI, CODE "tasks/" T2 API,
		CODE "state/taskHistory.json", ROO "tasks/" R1 UI, ROO "tasks/" R1 API,
		ROO "tasks/" R1 "/history_item.json" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		world_write(world, files[i], sample_file(world, files[i]));
}

/* KEY of event NUMBER of TYPE, in order of time. */
static const char *value_of(struct world *world, const char *type, size_t number, const char *key)
{
	struct world_events all = world_events(world, type);

	return OK(number < all.count) ? world_value(world, &all.items[number], key) : "";
}

static size_t count_of(struct world *world, const char *type)
{
	return world_events(world, type).count;
}

/* How many responses of session ID have known tokens. */
static int64_t with_usage(struct world *world, const char *id)
{
	struct world_events all = world_events(world, "agent_response");
	int64_t count = 0;

	for (size_t i = 0; i < all.count; i++)
		count += strcmp(world_value(world, &all.items[i], "session_id"), id) == 0 &&
			 world_value(world, &all.items[i], "input_tokens")[0] != '\0';
	return count;
}

static void check_expected(struct world *world, const char *key, const char *id)
{
	static const char *const pairs[][2] = { { "cwd", "cwd" }, { "prompts", "prompts" },
		{ "api_requests", "responses" }, { "tool_calls", "tool_calls" },
		{ "input", "input_tokens" }, { "output", "output_tokens" },
		{ "cache_write", "cache_write_tokens" }, { "cache_read", "cache_read_tokens" },
		{ "errors", "api_errors" }, { "first", "started_at" }, { "last", "ended_at" } };
	struct json_parser parser = { 0 };
	const struct json *root, *want;
	int64_t number;

	if (!OK(json_parse(&parser, samples_read(world, "cline/expected.json"), false, &root,
			&world->err) == 0))
		return;
	want = json_get(root, key);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct json *value = json_get(want, pairs[i][0]);
		struct str text =
			json_is(value, JSON_NUMBER) ? json_number_text(value) : json_str(value);

		if (!IS_STR(str_from(samples_fact(world, id, pairs[i][1])),
			    arena_cstr(&world->arena, text)))
			printf("# %s %s\n", key, pairs[i][0]);
	}
	OK(json_get_i64(want, "api_requests_with_usage", &number));
	IS_INT(with_usage(world, id), number);
	json_parser_release(&parser);
}

static void samples_are_as_expected(void)
{
	struct source_counts counts;
	struct file_cursor *cursors;
	struct world world;
	size_t count, waiting = 0;

	begin(&world);
	put_samples(&world);
	counts = collect(&world);
	IS_INT(counts.files, 3);
	IS_INT(counts.failed, 0);
	IS_INT(counts.quarantined, 0);
	check_expected(&world, "cline/T1", T1);
	check_expected(&world, "cline/R1", R1);
	IS_CSTR(samples_fact(&world, T2, "prompts"), "no such session");
	IS_CSTR(samples_fact(&world, T1, "unknown_records"), "1");
	IS_CSTR(samples_fact(&world, T1, "agent"), "cline");
	IS_CSTR(samples_fact(&world, R1, "agent"), "roo-code");
	IS_CSTR(samples_fact(&world, R1, "cancelled"), "1");
	/* The half-written one waits, where a person can see it. */
	OK(store_cursors(world.store, STR("cline"), &world.arena, &cursors, &count, &world.err) ==
		0);
	for (size_t i = 0; i < count; i++)
		waiting += cursors[i].size > cursors[i].offset;
	IS_INT(waiting, 1);
	IS_INT(cline_source.present(&world.context), 3);
	world_end(&world);
}

static void items_say_what_they_are(void)
{
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	IS_CSTR(value_of(&world, "user_message", 0, "length"), "13");
	IS_CSTR(value_of(&world, "agent_response", 0, "model"), "claude-sonnet-4-5");
	IS_CSTR(value_of(&world, "agent_response", 0, "mode"), "act");
	IS_CSTR(value_of(&world, "agent_response", 3, "input_tokens"), "");
	IS_CSTR(value_of(&world, "agent_response", 4, "model"), "");
	IS_CSTR(value_of(&world, "agent_response", 5, "cancelled"), "true");
	IS_CSTR(value_of(&world, "agent_tool_use", 0, "tool"), "readFile");
	IS_CSTR(value_of(&world, "agent_tool_use", 0, "file"), "style.css");
	IS_CSTR(value_of(&world, "agent_tool_use", 1, "tool_class"), "edit");
	IS_CSTR(value_of(&world, "agent_tool_use", 2, "tool_class"), "command");
	IS_CSTR(value_of(&world, "agent_error", 0, "error"), "error");
	world_end(&world);
}

static void second_run_adds_nothing(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	world_reopen(&world);
	counts = collect(&world);
	IS_INT(counts.files, 3);
	IS_INT(counts.skipped_unchanged, 3);
	IS_INT(counts.new_events + counts.updated + counts.duplicate, 0);
	world_end(&world);
}

/* --- one task, made of records --- */

static void put_ui(struct world *world, const char *name, const char *records)
{
	world_write(world, name, arena_printf(&world->arena, "[%s]", records));
}

#define TASK "{\"ts\":" AT ",\"type\":\"say\",\"say\":\"task\",\"text\":\"Go\"}"
#define SAY(ts, kind, text)                                                                        \
	",{\"ts\":" ts ",\"type\":\"say\",\"say\":\"" kind "\",\"text\":\"" text "\"}"
#define ASK(ts, kind, text)                                                                        \
	",{\"ts\":" ts ",\"type\":\"ask\",\"ask\":\"" kind "\",\"text\":\"" text "\"}"
#define REQUEST(ts, tokens)                                                                        \
	SAY(ts, "api_req_started", "{\\\"tokensIn\\\":" tokens ",\\\"tokensOut\\\":" tokens "}")
#define PENDING(ts) SAY(ts, "api_req_started", "{\\\"request\\\":\\\"x\\\"}")
#define LATER "1773223300000"
#define LATEST "1773223400000"
#define X1 CODE "tasks/" T1 UI

static void pending_request_gets_its_numbers(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_ui(&world, X1, TASK PENDING(LATER));
	counts = collect(&world);
	IS_INT(counts.new_events, 3);
	IS_CSTR(samples_fact(&world, T1, "input_tokens"), "null");
	put_ui(&world, X1, TASK REQUEST(LATER, "70"));
	counts = collect(&world);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 2); /* the response and the session */
	IS_CSTR(samples_fact(&world, T1, "responses"), "1");
	IS_CSTR(samples_fact(&world, T1, "input_tokens"), "70");
	/* Written again as it is: nothing. */
	put_ui(&world, X1, TASK REQUEST(LATER, "70") " ");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 0);
	IS_INT(counts.new_events + counts.updated, 0);
	world_end(&world);
}

static void half_written_changes_nothing(void)
{
	struct source_counts counts;
	struct world world;
	struct str whole, before;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = world_dump(&world);
	whole = sample_file(&world, X1);
	for (size_t length = 0; length < whole.len; length += whole.len / 7) {
		world_write(&world, X1, str_sub(whole, 0, length));
		counts = collect(&world);
		IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
		IS_STR(world_dump(&world), before.ptr);
		IS_INT(collect(&world).skipped_unchanged, 3);
	}
	world_write(&world, X1, whole);
	collect(&world);
	IS_STR(world_dump(&world), before.ptr);
	world_write(&world, CODE "tasks/" T2 UI,
		STR("[{\"ts\":1773232200000,\"type\":\"say\","
		    "\"say\":\"task\",\"text\":\"At last\"}]"));
	counts = collect(&world);
	IS_INT(counts.new_events, 2);
	IS_CSTR(samples_fact(&world, T2, "prompts"), "1");
	world_end(&world);
}

static void garbage_is_kept_and_heals(void)
{
	static const char *const bad[] = { "garbage", "[]]", "{\"a\":1}", "[1,,2]", "7" };
	struct source_counts counts;
	struct world world;
	struct str before;

	begin(&world);
	put_ui(&world, X1, TASK REQUEST(LATER, "70"));
	collect(&world);
	before = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		world_write(&world, X1, str_from(bad[i]));
		counts = collect(&world);
		if (!IS_INT(counts.quarantined, 1))
			printf("# %s\n", bad[i]);
		IS_CSTR(samples_fact(&world, T1, "prompts"), "1");
		IS_CSTR(samples_fact(&world, T1, "withdrawn"), "0");
	}
	put_ui(&world, X1, TASK REQUEST(LATER, "70"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "malformed"), "0");
	IS_STR(world_dump(&world), before.ptr);
	world_end(&world);
}

static void restored_checkpoint_withdraws(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1, TASK REQUEST(LATER, "70") SAY(LATEST, "user_feedback", "no"));
	collect(&world);
	put_ui(&world, X1,
		TASK SAY(LATEST, "deleted_api_reqs", "{\\\"tokensIn\\\":70,\\\"tokensOut\\\":70}"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "prompts"), "1");
	IS_CSTR(samples_fact(&world, T1, "responses"), "0");
	IS_CSTR(samples_fact(&world, T1, "withdrawn"), "2");
	/* What was deleted had been paid for. */
	IS_CSTR(samples_fact(&world, T1, "input_tokens"), "70");
	world_end(&world);
}

static void gone_stays(void)
{
	struct source_counts counts;
	struct world world;
	struct str before;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = world_dump(&world);
	OK(unlink(world_path(&world, CODE "tasks/" T1 API)) == 0);
	OK(unlink(world_path(&world, CODE "state/taskHistory.json")) == 0);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 3);
	OK(unlink(world_path(&world, X1)) == 0);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.failed, 0);
	IS_STR(world_dump(&world), before.ptr);
	world_end(&world);
}

/* --- copies --- */

#define COPY ".config/Cursor/User/globalStorage/saoudrizwan.claude-dev/tasks/" T1 UI

static void copies_are_one_task(void)
{
	struct world world;
	struct str alone;

	begin(&world);
	put_samples(&world);
	collect(&world);
	alone = world_dump(&world);
	world_write(&world, COPY, sample_file(&world, X1));
	collect(&world);
	IS_STR(world_dump(&world), alone.ptr);
	world_end(&world);
}

/* An older state of the task, found first or second, changes nothing. */
static void older_copy_is_passed_over(void)
{
	static const char *const names[][2] = { { X1, COPY }, { COPY, X1 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct world world;

		begin(&world);
		put_ui(&world, names[i][0], TASK REQUEST(LATER, "70") ASK(LATEST, "command", "ls"));
		collect(&world);
		put_ui(&world, names[i][1], TASK PENDING(LATER));
		IS_INT(collect(&world).updated, 0);
		IS_CSTR(samples_fact(&world, T1, "withdrawn"), "0");
		IS_CSTR(samples_fact(&world, T1, "tool_calls"), "1");
		IS_CSTR(samples_fact(&world, T1, "input_tokens"), "70");
		/* The better one is being written: it is waited for. */
		world_write(&world, names[i][0], STR("[{\"ts\":17732"));
		put_ui(&world, names[i][1], TASK PENDING(LATER) " ");
		IS_INT(collect(&world).updated, 0);
		put_ui(&world, names[i][0],
			TASK REQUEST(LATER, "70") ASK(LATEST, "command", "ls")
				SAY("1773223500000", "user_feedback", "more"));
		collect(&world);
		IS_CSTR(samples_fact(&world, T1, "prompts"), "2");
		IS_CSTR(samples_fact(&world, T1, "withdrawn"), "0");
		world_end(&world);
	}
}

/* --- what is beside the conversation --- */

#define DETAILS(dir)                                                                               \
	"[{\"role\":\"user\",\"content\":\"<task>x</task>\\n<environment_details>\\n"              \
	"# Current Workspace Directory (" dir ") Files\\na.c\\n</environment_details>\"}]"

static void workspace_from_each_place(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1, TASK);
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "");
	/* The list of tasks changed, and nothing else. */
	world_write(&world, CODE "state/taskHistory.json",
		STR("[{\"id\":\"" T1
		    "\",\"cwdOnTaskInitialization\":\"/srv/list\",\"task\":\"t\"}]"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "/srv/list");
	IS_INT(collect(&world).skipped_unchanged, 1);
	world_write(&world, CODE "tasks/" T1 "/history_item.json",
		STR("{\"workspace\":\"c:\\\\work\\\\shop\",\"ts\":1}"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "C:/work/shop");
	world_end(&world);
}

static void condensed_conversation_keeps_its_workspace(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1, TASK PENDING(LATER));
	world_write(&world, CODE "tasks/" T1 API, STR(DETAILS("/srv/a (b)")));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "/srv/a (b)");
	world_write(&world, CODE "tasks/" T1 API, STR("[]"));
	put_ui(&world, X1, TASK REQUEST(LATER, "7"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "/srv/a (b)");
	IS_CSTR(samples_fact(&world, T1, "input_tokens"), "7");
	world_end(&world);
}

static void broken_neighbour_does_not_hide_the_task(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_ui(&world, X1, TASK);
	world_write(&world, CODE "tasks/" T1 API, STR("[{\"role\":\"us"));
	world_write(&world, CODE "tasks/" T1 "/task_metadata.json", STR("garbage"));
	world_write(&world, CODE "state/taskHistory.json", STR("[{"));
	counts = collect(&world);
	IS_INT(counts.quarantined, 1);
	IS_CSTR(samples_fact(&world, T1, "prompts"), "1");
	world_write(&world, CODE "tasks/" T1 API, STR(DETAILS("/srv/api")));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "cwd"), "/srv/api");
	world_end(&world);
}

static void models_change(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1,
		TASK REQUEST("1773223201000", "1") REQUEST(LATER, "2") REQUEST(LATEST, "3"));
	world_write(&world, CODE "tasks/" T1 "/task_metadata.json",
		STR("{\"model_usage\":[{\"ts\":1773223201500,\"model_id\":\"one\",\"mode\":\"plan\"},"
		    "{\"ts\":1773223300002,\"model_id\":\"two\",\"mode\":\"act\"}]}"));
	collect(&world);
	IS_CSTR(value_of(&world, "agent_response", 0, "model"), "one");
	IS_CSTR(value_of(&world, "agent_response", 0, "mode"), "plan");
	IS_CSTR(value_of(&world, "agent_response", 1, "model"), "two");
	IS_CSTR(value_of(&world, "agent_response", 2, "model"), "two");
	world_end(&world);
}

static void excluded_leaves_no_trace(void)
{
	const char *const exclude[] = { "/srv/secret", NULL };
	const struct workspace_rules rules = { .exclude = exclude };
	struct workspace_policy *policy;
	struct file_cursor *cursors;
	struct world world;
	size_t count;

	begin(&world);
	OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0);
	world.context.policy = policy;
	put_ui(&world, X1, TASK);
	collect(&world); /* nothing tells yet where it is */
	IS_CSTR(samples_fact(&world, T1, "prompts"), "1");
	world_write(&world, CODE "tasks/" T1 API, STR(DETAILS("/srv/secret")));
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	/* Its workspace is condensed away: it is still excluded. */
	world_write(&world, CODE "tasks/" T1 API, STR("[]"));
	put_ui(&world, X1, TASK REQUEST(LATER, "7"));
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	OK(store_cursors(world.store, STR("cline"), &world.arena, &cursors, &count, &world.err) ==
		0);
	for (size_t i = 0; i < count; i++)
		OK(str_find_str(cursors[i].state, STR("secret")) < 0);
	world_end(&world);
}

/* --- kinds of records --- */

static void records_of_all_kinds(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1,
		"{\"ts\":" AT
		",\"type\":\"say\",\"say\":\"text\",\"text\":\"\",\"images\":[\"data:x\"]}" PENDING(
			LATER) SAY(LATER, "text", "an answer") ASK(LATER, "use_mcp_server",
			"{\\\"serverName\\\":\\\"gh\\\",\\\"toolName\\\":\\\"pr\\\"}") SAY(LATER,
			"use_mcp_server", "{\\\"type\\\":\\\"access_mcp_resource\\\"}") SAY(LATER,
			"browser_action", "{}") ASK(LATER, "tool", "not json") SAY(LATER,
			"diff_error", "x") ASK(LATER, "api_req_failed",
			"401 secret words") SAY(LATER, "api_req_started",
			"{\\\"cancelReason\\\":\\\"streaming_failed\\\"}") SAY(LATEST,
			"api_req_started",
			"{\\\"cancelReason\\\":\\\"private words\\\"}") ",null,7,{},[],{\"ts\":\"x\"}");
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "prompts"), "1");
	IS_CSTR(value_of(&world, "user_message", 0, "has_image"), "true");
	IS_CSTR(samples_fact(&world, T1, "responses"), "3");
	IS_CSTR(samples_fact(&world, T1, "tool_calls"), "4");
	IS_CSTR(samples_fact(&world, T1, "tool_errors"), "1");
	IS_CSTR(samples_fact(&world, T1, "api_errors"), "3");
	IS_CSTR(samples_fact(&world, T1, "unknown_records"), "5");
	IS_INT(count_of(&world, "agent_tool_use"), 4);
	IS_CSTR(value_of(&world, "agent_error", 1, "error"), "streaming_failed");
	IS_CSTR(value_of(&world, "agent_error", 2, "error"), "cancelled");
	OK(!samples_stored(&world, "private words") && !samples_stored(&world, "secret words"));
	world_end(&world);
}

static void numbers_of_all_kinds(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, X1,
		"{\"ts\":\"" AT "\",\"type\":\"say\",\"say\":\"task\",\"text\":\"caf\xe9\"}" SAY(
			"1773223201", "api_req_started",
			"{\\\"tokensIn\\\":\\\"12\\\",\\\"tokensOut\\\":-4}") SAY("1e300",
			"api_req_started", "{\\\"tokensIn\\\":1e99,\\\"tokensOut\\\":{}}")
			SAY("null", "user_feedback", "no time") SAY("0", "user_feedback", "1970"));
	collect(&world);
	IS_CSTR(samples_fact(&world, T1, "prompts"), "3");
	IS_CSTR(samples_fact(&world, T1, "input_tokens"), "12");
	IS_CSTR(samples_fact(&world, T1, "output_tokens"), "null");
	IS_CSTR(samples_fact(&world, T1, "started_at"), "2026-03-11T10:00:00.000Z");
	IS_CSTR(samples_fact(&world, T1, "malformed"), "0");
	world_end(&world);
}

static void task_of_a_task_has_no_person_behind_it(void)
{
	struct world world;

	begin(&world);
	put_ui(&world, ROO "tasks/" R1 UI, TASK SAY(LATER, "user_feedback", "hm"));
	world_write(&world, ROO "tasks/" R1 "/history_item.json", STR("{\"parentTaskId\":\"p\"}"));
	collect(&world);
	IS_CSTR(samples_fact(&world, R1, "prompts"), "1");
	IS_CSTR(samples_fact(&world, R1, "parent_session_id"), "p");
	IS_CSTR(samples_fact(&world, R1, "session_type"), "subagent");
	world_end(&world);
}

/* --- where tasks are --- */

static void found_in_all_places(void)
{
	const char *roots[] = { NULL, NULL };
	struct source_settings settings = { .source = "cline", .enabled = true, .roots = roots };
	struct world world;

	begin(&world);
	put_ui(&world, ".cline/data/tasks/1" UI, TASK);
	put_ui(&world, ".config/VSCodium/User/globalStorage/kilocode.kilo-code/tasks/2" UI, TASK);
	put_ui(&world, "custom/tasks/3" UI, TASK);
	world_write(&world, "custom/tasks/3/history_item.json", STR("{}"));
	put_ui(&world, "elsewhere/data/tasks/4" UI, TASK);
	world_write(&world, ".cline/data/secrets.json", STR("never"));
	world_write(&world, ".cline/data/tasks/5/notes.txt", STR("no task"));
	collect(&world);
	IS_CSTR(samples_fact(&world, "1", "agent"), "cline");
	IS_CSTR(samples_fact(&world, "2", "agent"), "kilo-code");
	IS_CSTR(samples_fact(&world, "3", "agent"), "no such session");
	roots[0] = world_path(&world, "custom");
	world.context.settings = &settings;
	world.context.settings_count = 1;
	setenv("CLINE_DIR", world_path(&world, "elsewhere"), 1);
	collect(&world);
	IS_CSTR(samples_fact(&world, "3", "agent"), "roo-code");
	IS_CSTR(samples_fact(&world, "4", "agent"), "cline");
	IS_INT(cline_source.present(&world.context), 3);
	unsetenv("CLINE_DIR");
	world_end(&world);
}

static void what_a_daemon_watches(void)
{
	struct source_places out = { 0 };
	struct world world;
	bool found = false;

	begin(&world);
	out.arena = &world.arena;
	IS_INT(cline_source.present(&world.context), -1);
	put_samples(&world);
	cline_source.places(&world.context, &out);
	for (size_t i = 0; i < out.count; i++)
		found |= strcmp(out.items[i].path, world_path(&world, CODE "tasks")) == 0 &&
			 out.items[i].depth == 1 && !out.items[i].poll;
	OK(found);
	world_end(&world);
}

/* --- sessions of the command line --- */

#define SESSION ".cline/data/sessions/s1/s1"

static void sessions_of_the_command_line(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, SESSION ".json",
		STR("{\"session_id\":\"s1\",\"model\":\"m1\",\"cwd\":\"/srv/shop\","
		    "\"started_at\":\"2026-03-11T10:00:00Z\"}"));
	world_write(&world, SESSION ".messages.json",
		STR("{\"version\":1,\"messages\":["
		    "{\"id\":\"a\",\"role\":\"user\",\"ts\":" AT ",\"content\":[{\"type\":\"text\","
		    "\"text\":\"<task>Fix it</task>\"},{\"type\":\"text\",\"text\":"
		    "\"<environment_details>x</environment_details>\"}]},"
		    "{\"id\":\"b\",\"role\":\"assistant\",\"ts\":" LATER
		    ",\"modelInfo\":{\"id\":\"m2\"},"
		    "\"metrics\":{\"inputTokens\":10,\"outputTokens\":3,\"cacheReadTokens\":5},"
		    "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"read_file\","
		    "\"input\":{\"path\":\"a.c\"}}]},"
		    "{\"id\":\"c\",\"role\":\"user\",\"ts\":" LATER ",\"content\":[{\"type\":"
		    "\"tool_result\",\"tool_use_id\":\"t\",\"is_error\":true}]},"
		    "{\"id\":\"d\",\"role\":\"assistant\",\"ts\":" LATEST ",\"content\":\"Done.\"},"
		    "{\"role\":\"weird\"}]}"));
	counts = collect(&world);
	IS_INT(counts.failed, 0);
	IS_CSTR(samples_fact(&world, "s1", "cwd"), "/srv/shop");
	IS_CSTR(samples_fact(&world, "s1", "prompts"), "1");
	IS_CSTR(value_of(&world, "user_message", 0, "length"), "6");
	IS_CSTR(samples_fact(&world, "s1", "responses"), "2");
	IS_CSTR(value_of(&world, "agent_response", 0, "model"), "m2");
	IS_CSTR(value_of(&world, "agent_response", 1, "model"), "m1");
	IS_CSTR(samples_fact(&world, "s1", "input_tokens"), "10");
	IS_CSTR(samples_fact(&world, "s1", "cache_read_tokens"), "5");
	IS_CSTR(samples_fact(&world, "s1", "tool_calls"), "1");
	IS_CSTR(samples_fact(&world, "s1", "tool_errors"), "1");
	IS_CSTR(samples_fact(&world, "s1", "unknown_records"), "1");
	IS_INT(collect(&world).skipped_unchanged, 1);
	world_end(&world);
}

static void what_a_person_typed(void)
{
	static const char *const table[][2] = {
		{ "plain", "5" },
		{ "<task>\\nab\\n</task>\\n<environment_details>x", "2" },
		{ "<user_input mode=\\\"act\\\">abc</user_input>", "3" },
		{ "<task_progress>abc", "18" },
		{ "<task", "5" },
		{ "<task>", "0" },
	};
	struct world world;

	begin(&world);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		CLEANUP(arena_release) struct arena arena = { 0 };
		struct cline_context context = { .arena = &arena };
		struct agent_session session = agent_session(&arena, "cline");
		struct str bytes = arena_printf(
			&arena, "[{\"role\":\"user\",\"content\":\"%s\"}]", table[i][0]);
		int64_t want;

		session.id = STR("s");
		OK(str_to_i64(str_from(table[i][1]), &want));
		IS_INT(cline_read_messages(&session, &context, bytes, &world.err), CLINE_GOOD);
		if (!IS_INT(session.count, want > 0))
			printf("# %s\n", table[i][0]);
		if (session.count > 0)
			IS_INT(session.items[0].text.len, want);
	}
	world_end(&world);
}

static void states_come_back(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct cline_context context = { .arena = &arena }, again = { .arena = &arena };
	struct err err;

	IS_INT(cline_read_metadata(&context,
		       STR("{\"model_usage\":[{\"ts\":2000000000000,\"model_id\":\"b\"},"
			   "{\"ts\":1900000000000,\"model_id\":\"a\",\"mode\":\"plan\"},"
			   "{\"model_id\":\"zero\"},{\"ts\":2000000000001,\"model_id\":\"b\"}]}"),
		       &err),
		CLINE_GOOD);
	context.cwd = STR("/srv/x");
	IS_INT(context.model_count, 3);
	cline_context_load(&again, cline_context_state(&context));
	IS_STR(cline_context_state(&again), cline_context_state(&context).ptr);
	IS_STR(again.cwd, "/srv/x");
	if (IS_INT(again.model_count, 3)) {
		IS_STR(again.models[0].model, "zero");
		IS_STR(again.models[1].mode, "plan");
	}
	cline_context_load(&again, STR("garbage"));
	IS_STR(again.cwd, "/srv/x");
}

static void lists_of_tasks(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct cline_history history;
	struct err err;

	IS_INT(cline_read_history(&history, &arena,
		       STR("[{\"id\":\"b\",\"cwdOnTaskInitialization\":\"/b/\"},7,{\"id\":\"a\"}]"),
		       &err),
		CLINE_GOOD);
	IS_INT(history.count, 2);
	IS_STR(cline_history_find(&history, STR("b"))->cwd, "/b");
	OK(cline_history_find(&history, STR("c")) == NULL);
	IS_INT(cline_read_history(&history, &arena, STR("[{\"id\":"), &err), CLINE_CUT);
	OK(cline_history_find(&history, STR("b")) == NULL);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_are_as_expected),
	TAP_CASE(items_say_what_they_are),
	TAP_CASE(second_run_adds_nothing),
	TAP_CASE(pending_request_gets_its_numbers),
	TAP_CASE(half_written_changes_nothing),
	TAP_CASE(garbage_is_kept_and_heals),
	TAP_CASE(restored_checkpoint_withdraws),
	TAP_CASE(gone_stays),
	TAP_CASE(copies_are_one_task),
	TAP_CASE(older_copy_is_passed_over),
	TAP_CASE(workspace_from_each_place),
	TAP_CASE(condensed_conversation_keeps_its_workspace),
	TAP_CASE(broken_neighbour_does_not_hide_the_task),
	TAP_CASE(models_change),
	TAP_CASE(excluded_leaves_no_trace),
	TAP_CASE(records_of_all_kinds),
	TAP_CASE(numbers_of_all_kinds),
	TAP_CASE(task_of_a_task_has_no_person_behind_it),
	TAP_CASE(found_in_all_places),
	TAP_CASE(what_a_daemon_watches),
	TAP_CASE(sessions_of_the_command_line),
	TAP_CASE(what_a_person_typed),
	TAP_CASE(states_come_back),
	TAP_CASE(lists_of_tasks),
};
TAP_MAIN(cases)
