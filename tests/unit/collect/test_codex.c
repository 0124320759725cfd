/* Codex CLI as a source: the synthetic samples with their expected numbers, and what may happen to
 * rollouts: growth in any steps, moves, compression, copies, damage. */
#include "codex_world.h"

/* --- the samples --- */

static void put_samples(struct world *world)
{
	put_sample(world, X1_FILE);
	put_sample(world, X2_FILE);
	put_sample(world, X3_FILE);
	put_sample(world, X4_FILE);
	world_write(world, ".codex/history.jsonl", STR("{\"session_id\":\"x\",\"text\":\"y\"}\n"));
	world_write(world, ".codex/auth.json", STR("{\"OPENAI_API_KEY\":\"secret\"}"));
}

/* Sum of KEY over the usage events of session ID and MODEL. */
static long long tokens_of(struct world *world, const char *id, const char *model, const char *key)
{
	struct world_events events = world_events(world, "agent_usage");
	long long out = 0;

	for (size_t i = 0; i < events.count; i++) {
		const struct event *event = &events.items[i];

		if (strcmp(world_value(world, event, "session_id"), id) != 0 ||
			strcmp(world_value(world, event, "model"), model) != 0)
			continue;
		out += atoll(world_value(world, event, key));
	}
	return out;
}

static void check_models(struct world *world, const struct json *expected)
{
	const char *id = arena_cstr(&world->arena, json_get_str(expected, "session"));
	struct json_iter models = json_iter(json_get(expected, "by_model"));
	const struct json *pair, *number;
	struct str model, key;

	while (json_next(&models, &model, &pair)) {
		const char *name = str_eq_c(model, "null") ? "" : arena_cstr(&world->arena, model);
		struct json_iter both = json_iter(pair);
		int64_t input = -1, output = -1;

		OK(json_next(&both, &key, &number) && json_to_i64(number, &input));
		OK(json_next(&both, &key, &number) && json_to_i64(number, &output));
		IS_INT(tokens_of(world, id, name, "input_tokens"), input);
		IS_INT(tokens_of(world, id, name, "output_tokens"), output);
	}
}

static void check_samples(struct world *world, bool appended)
{
	static const char *const names[] = { "codex/X1", "codex/X2", "codex/X3", "codex/X4" };
	struct json_parser parser = { 0 };
	struct str text = sample(world, "codex/expected.json");
	const struct json *root, *row;
	int64_t want;

	if (text.len == 0 || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *name = i == 0 && appended ? "codex/X1 appended" : names[i];

		row = json_get(root, name);
		check_session(world, "codex", name, NULL);
		check_models(world, row);
		if (OK(json_get_i64(row, "usage_events", &want)))
			IS_INT(count_in(world, "agent_usage",
				       arena_cstr(&world->arena, json_get_str(row, "session"))),
				want);
	}
	row = json_get(root, "codex");
	if (OK(json_get_i64(row, "responses", &want)))
		IS_INT(world_events(world, "agent_response").count, want + appended);
	if (OK(json_get_i64(row, "prompts", &want)))
		IS_INT(world_events(world, "user_message").count, want);
	if (OK(json_get_i64(row, "tool_calls", &want)))
		IS_INT(world_events(world, "agent_tool_use").count, want);
	if (OK(json_get_i64(row, "input", &want)))
		IS_INT(sum_of(world, "agent_usage", "input_tokens"), want);
	if (OK(json_get_i64(row, "output", &want)))
		IS_INT(sum_of(world, "agent_usage", "output_tokens"), want);
	json_parser_release(&parser);
}

static void samples_give_the_expected_numbers(void)
{
	/* Of prompts, answers, tool input and results, and what must not be opened. */
	static const char *const texts[] = { "cart total", "applied twice", "Write an about",
		"filler", "pytest", "secret", "sandbox" };
	struct source_counts counts;
	struct world world;
	struct str dump;

	begin(&world);
	put_samples(&world);
	counts = world_collect(&world, &codex_source);
	IS_INT(counts.files, 4);
	IS_INT(counts.failed, 0);
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.new_events, world_events(&world, "").count);
	check_samples(&world, false);
	dump = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		OK(str_find_str(dump, str_from(texts[i])) < 0);
	unchanged(&world, 4);
	IS_INT(codex_source.present(&world.context), 4);
	world_end(&world);
}

/* --- the same in any way --- */

static void growth_in_any_steps_gives_the_same(void)
{
	struct world world;
	struct str content, rest;
	CLEANUP(buf_release) struct buf all = BUF_INIT;

	begin(&world);
	content = sample_file(&world, X1_FILE);
	rest = sample(&world, "_append/06-codex-X1.bytes");
	buf_add(&all, content);
	buf_add(&all, rest);
	for (size_t step = 1; step < 40; step = step * 2 + 1)
		grows(X1_FILE, buf_str(&all), step);
	world_end(&world);
}

static void a_torn_line_waits_for_its_rest(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	world_collect(&world, &codex_source);
	world_append(&world, X1_FILE, sample(&world, "_append/06-codex-X1.bytes"));
	counts = world_collect(&world, &codex_source);
	IS_INT(counts.new_events, 1);
	IS_INT(counts.updated, 1); /* the session's */
	IS_INT(counts.skipped_unchanged, 3);
	IS_INT(counts.quarantined, 0);
	check_samples(&world, true);
	unchanged(&world, 4);
	world_end(&world);
}

/* What ended without a newline is a record when it is one, and stays one record when it goes on. */
static void a_last_line_without_end(void)
{
	struct world world;
	struct str content, line, want;

	begin(&world);
	content = sample_file(&world, X1_FILE);
	line = str_sub(content, 0, 0);
	for (size_t at = 0, end; (end = line_end(content, at)) < content.len; at = end)
		line = str_sub(content, 0, end);
	want = facts_of(&world, X1_FILE, line); /* without the torn line, and */
	world_write(&world, X1_FILE, str_sub(line, 0, line.len - 1)); /* without a newline */
	world_collect(&world, &codex_source);
	same(world_dump(&world), want);
	unchanged(&world, 1);
	world_append(&world, X1_FILE, STR("\n"));
	nothing_new(&world, 1);
	world_append(&world, X1_FILE, str_sub(content, line.len, content.len));
	nothing_new(&world, 1);
	world_write(&world, X1_FILE ".zst", compress(&world, str_sub(line, 0, line.len - 1)));
	remove_file(&world, X1_FILE);
	nothing_new(&world, 1);
	same(world_dump(&world), want);
	same(facts_of(&world, X1_FILE ".zst", compress(&world, str_sub(line, 0, line.len - 1))),
		want);
	world_end(&world);
}

/* --- where files lie --- */

static void moved_archived_compressed_copied_it_is_one_session(void)
{
	struct world world;
	struct str x1, x2, before;

	begin(&world);
	put_samples(&world);
	world_collect(&world, &codex_source);
	before = world_dump(&world);
	x1 = sample_file(&world, X1_FILE);
	x2 = sample_file(&world, X2_FILE);

	world_write(&world, ".codex/archived_sessions/" X1_NAME, x1);
	nothing_new(&world, 1);
	remove_file(&world, X1_FILE);
	nothing_new(&world, 0);
	world_write(&world, X1_FILE ".zst", compress(&world, x1));
	remove_file(&world, ".codex/archived_sessions/" X1_NAME);
	nothing_new(&world, 1);
	world_write(&world, X1_FILE, x1);
	nothing_new(&world, 1); /* the compressed one is not looked at */
	remove_file(&world, X1_FILE);
	nothing_new(&world, 0);
	world_write(&world, X2_FILE ".zst", compress(&world, x2));
	remove_file(&world, X2_FILE);
	nothing_new(&world, 1);
	world_write(&world, ".codex/sessions/2026/03/08/rollout-copy.jsonl", x1);
	nothing_new(&world, 1);
	OK(str_eq(world_dump(&world), before));
	unchanged(&world, 5);
	world_end(&world);
}

static void roots_of_the_environment_and_the_configuration(void)
{
	static const char *const extra[] = { "~/more", NULL };
	struct source_settings settings = { .source = "codex", .enabled = true, .roots = extra };
	struct world world;
	struct buf value = BUF_INIT;

	begin(&world);
	put_sample(&world, X1_FILE);
	world_write(&world, "a/sessions/2026/03/07/" X1_NAME, sample_file(&world, X1_FILE));
	world_write(&world, "b/archived_sessions/x.jsonl", sample_file(&world, X1_FILE));
	world_write(&world, "more/archived_sessions/rollout-" X4 ".jsonl",
		sample_file(&world, X4_FILE));
	buf_printf(&value, "%s,%s", world_path(&world, "a"), world_path(&world, "b"));
	setenv("CODEX_HOME", buf_cstr(&value), 1);
	world.context.settings = &settings;
	world.context.settings_count = 1;
	IS_INT(codex_source.present(&world.context), 2);
	IS_INT(world_collect(&world, &codex_source).files, 2);
	OK(session_event(&world, X1) && session_event(&world, X4));
	unsetenv("CODEX_HOME");
	IS_INT(world_collect(&world, &codex_source).files, 2);
	buf_release(&value);
	world_end(&world);
	begin(&world);
	IS_INT(codex_source.present(&world.context), -1);
	IS_INT(world_collect(&world, &codex_source).files, 0);
	world_end(&world);
}

static void what_a_daemon_watches(void)
{
	struct world world;
	struct source_places places = { 0 };
	bool sessions = false, archived = false, home = false;

	begin(&world);
	places.arena = &world.arena;
	codex_source.places(&world.context, &places);
	for (size_t i = 0; i < places.count; i++)
		home |= strcmp(places.items[i].path, world_path(&world, ".codex")) == 0;
	OK(home);
	put_sample(&world, X1_FILE);
	places = (struct source_places){ .arena = &world.arena };
	codex_source.places(&world.context, &places);
	for (size_t i = 0; i < places.count; i++) {
		struct str path = str_from(places.items[i].path);

		sessions |= str_ends(path, STR(".codex/sessions")) && places.items[i].depth == 3;
		archived |= str_ends(path, STR(".codex/archived_sessions"));
		OK(!places.items[i].poll);
	}
	OK(sessions && archived);
	world_end(&world);
}

static void a_shorter_copy_takes_nothing_away(void)
{
	struct world world;
	struct str x1, before;

	begin(&world);
	x1 = sample_file(&world, X1_FILE);
	put_sample(&world, X1_FILE);
	world_collect(&world, &codex_source);
	before = world_dump(&world);
	world_write(&world, X1_FILE, str_sub(x1, 0, line_end(x1, 60000)));
	nothing_new(&world, 1);
	world_write(&world, X1_FILE, x1);
	nothing_new(&world, 1);
	remove_file(&world, X1_FILE);
	nothing_new(&world, 0);
	OK(str_eq(world_dump(&world), before));
	world_end(&world);
}

static void a_damaged_file_is_reported_once_and_stops_nobody(void)
{
	struct source_counts counts;
	struct world world;
	struct str x3, packed;

	begin(&world);
	put_samples(&world);
	x3 = sample_file(&world, X3_FILE);
	world_write(&world, X3_FILE, STR("this is no Zstandard at all"));
	counts = world_collect(&world, &codex_source);
	IS_INT(counts.failed, 1);
	OK(session_event(&world, X1) && session_event(&world, X4) && !session_event(&world, X3));
	unchanged(&world, 4);
	world_write(&world, X3_FILE, str_sub(x3, 0, x3.len / 2));
	IS_INT(world_collect(&world, &codex_source).failed, 1);
	world_write(&world, X3_FILE, STR(""));
	IS_INT(world_collect(&world, &codex_source).failed, 1);
	world_write(&world, X3_FILE, x3);
	IS_INT(world_collect(&world, &codex_source).failed, 0);
	check_samples(&world, false);
	/* What stands before the damage is sound. */
	packed = compress(&world, sample_file(&world, X1_FILE));
	world_write(&world, ".codex/archived_sessions/rollout-cut.jsonl.zst",
		str_sub(packed, 0, packed.len - 20));
	counts = world_collect(&world, &codex_source);
	IS_INT(counts.failed, 1);
	IS_INT(counts.new_events, 0);
	world_end(&world);
}

/* --- texts, workspaces, odd content --- */

static void texts_are_stored_where_the_configuration_says(void)
{
	struct source_settings settings = { .source = "codex", .enabled = true, .text = TEXT_FULL };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;
	struct str dump;

	made_meta(&text, ",\"cwd\":\"/w\"");
	made_event(&text, 1, "{\"type\":\"thread_name_updated\",\"thread_name\":\"A title\"}");
	made_turn(&text, 1);
	for (int stored = 0; stored < 2; stored++) {
		begin(&world);
		world.context.settings = &settings;
		world.context.settings_count = (size_t)stored;
		world_write(&world, OTHER_FILE, buf_str(&text));
		world_collect(&world, &codex_source);
		dump = world_dump(&world);
		IS_INT(str_find_str(dump, STR("\"text\":\"prompt 1\"")) >= 0, stored);
		IS_INT(str_find_str(dump, STR("\"text\":\"answer 1\"")) >= 0, stored);
		IS_INT(str_find_str(dump, STR("\"title\":\"A title\"")) >= 0, stored);
		world_end(&world);
	}
}

static void an_excluded_workspace_leaves_no_trace(void)
{
	static const char *const globs[] = { "/secret/**", NULL };
	struct workspace_rules rules = { .exclude = globs };
	struct workspace_policy *policy;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct file_cursor *cursors;
	struct world world;
	size_t count;

	made_meta(&text, ",\"cwd\":\"/secret/place\"");
	made_turn(&text, 1);
	begin(&world);
	OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0);
	world.context.policy = policy;
	world_write(&world, OTHER_FILE, buf_str(&text));
	world_collect(&world, &codex_source);
	unchanged(&world, 1);
	world_append(&world, OTHER_FILE, STR("not JSON\n"));
	IS_INT(world_collect(&world, &codex_source).quarantined, 0);
	IS_INT(world_events(&world, "").count, 0);
	OK(store_cursors(world.store, STR("codex"), &world.arena, &cursors, &count, &world.err) ==
		0);
	if (IS_INT(count, 1))
		OK(str_find_str(cursors[0].state, STR("secret")) < 0);
	world.context.policy = NULL; /* not excluded any more */
	world_collect(&world, &codex_source);
	IS_INT(world_events(&world, "user_message").count, 1);
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "malformed"), "1");
	world_end(&world);
}

static void odd_files_stop_nobody(void)
{
	static const struct {
		const char *name;
		struct str content;
	} files[] = {
		{ "rollout-empty.jsonl", STR_INIT("") },
		{ "rollout-blank.jsonl", STR_INIT("\n\r\n  \n") },
		{ "rollout-nul.jsonl", STR_INIT("\0\0\0\0\n\0\n") },
		{ "rollout-text.jsonl", STR_INIT("no JSON at all\n{\"half\":\n") },
		{ "rollout-.jsonl", STR_INIT("{\"type\":\"x\",\"payload\":{}}\n") },
		{ "rollout-torn.jsonl", STR_INIT("{\"timestamp\":\"2026") },
		{ "rollout-bom.jsonl",
			STR_INIT(
				"\xef\xbb\xbf{\"timestamp\":\"2026-03-07T13:00:00Z\",\"type\":"
				"\"session_meta\",\"payload\":{\"id\":\"bom\"}}\r\n"
				"{\"timestamp\":1772888400,\"type\":\"event_msg\",\"payload\":{"
				"\"type\":\"user_message\",\"message\":\"\\u0000\\ud800 \xe9\"}}\r\n"
				"{\"timestamp\":\"1772888400000\",\"type\":\"event_msg\",\"payload\":{"
				"\"type\":\"agent_message\",\"message\":7}}\r\n"
				"{\"timestamp\":\"0\",\"type\":\"event_msg\",\"payload\":{"
				"\"type\":\"user_message\",\"message\":\"early\"}}\r\n"
				"{\"timestamp\":\"never\",\"type\":\"event_msg\",\"payload\":{"
				"\"type\":\"user_message\",\"message\":\"some time\"}}\r\n") },
		{ "notes.jsonl", STR_INIT("{\"type\":\"user_message\"}\n") },
		{ "rollout-x.json", STR_INIT("{}\n") },
	};
	struct source_counts counts;
	struct world world;

	begin(&world);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		world_write(&world, arena_printf(&world.arena, DAY "%s", files[i].name).ptr,
			files[i].content);
	put_sample(&world, X1_FILE);
	OK(fs_make_dirs(world_path(&world, DAY "rollout-dir.jsonl"), 0700, &world.err) == 0);
	OK(symlink("/nowhere", world_path(&world, DAY "rollout-link.jsonl")) == 0);
	counts = world_collect(&world, &codex_source);
	IS_INT(counts.failed, 0);
	IS_INT(counts.files, 8);
	IS_INT(counts.quarantined, 4);
	IS_INT(count_in(&world, "user_message", "bom"), 3);
	IS_INT(count_in(&world, "agent_response", "bom"), 1);
	IS_INT(count_in(&world, "user_message", X1), 2);
	unchanged(&world, 8);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(growth_in_any_steps_gives_the_same),
	TAP_CASE(a_torn_line_waits_for_its_rest),
	TAP_CASE(a_last_line_without_end),
	TAP_CASE(moved_archived_compressed_copied_it_is_one_session),
	TAP_CASE(roots_of_the_environment_and_the_configuration),
	TAP_CASE(what_a_daemon_watches),
	TAP_CASE(a_shorter_copy_takes_nothing_away),
	TAP_CASE(a_damaged_file_is_reported_once_and_stops_nobody),
	TAP_CASE(texts_are_stored_where_the_configuration_says),
	TAP_CASE(an_excluded_workspace_leaves_no_trace),
	TAP_CASE(odd_files_stop_nobody),
};
TAP_MAIN(cases)
