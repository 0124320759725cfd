/* Aider's histories: the samples, where histories are found, what is told by the history of inputs,
 * and files that grow, are cut, copied, tidied away and read in another time zone. */
#include "collect/aider/aider.h"

#include <stdlib.h>

#include "samples.h"

#define CHAT ".aider.chat.history.md"
#define INPUT ".aider.input.history"
#define HEADER "\n# aider chat started at 2026-03-10 09:00:00\n\n"

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("AIDER_CHAT_HISTORY_FILE");
	unsetenv("AIDER_INPUT_HISTORY_FILE");
	setenv("TZ", "Europe/Berlin", 1);
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &aider_source);
}

static void put_samples(struct world *world)
{
	static const char *const files[] = { "work/shop/" CHAT, "work/shop/" INPUT,
		"personal/blog/" CHAT };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		world_write(world, files[i],
			samples_read(
				world, arena_printf(&world->arena, "aider/home/%s", files[i]).ptr));
}

/* The sum of KEY over sessions in the workspace DIR; with KEY NULL how many there are. */
static int64_t sum(struct world *world, const char *dir, const char *key)
{
	struct world_events all = world_events(world, "agent_session");
	const char *cwd = world_path(world, dir);
	int64_t total = 0, value;

	for (size_t i = 0; i < all.count; i++) {
		if (strcmp(world_value(world, &all.items[i], "cwd"), cwd) != 0)
			continue;
		if (!key)
			total++;
		else if (str_to_i64(str_from(world_value(world, &all.items[i], key)), &value))
			total += value;
	}
	return total;
}

static size_t count_of(struct world *world, const char *type)
{
	return world_events(world, type).count;
}

/* Event NUMBER of TYPE, in order of time. */
static struct event nth(struct world *world, const char *type, size_t number)
{
	struct world_events all = world_events(world, type);

	return OK(number < all.count) ? all.items[number] : (struct event){ 0 };
}

static const char *time_of(struct world *world, const struct event *event)
{
	char text[TIME_TEXT_BYTES];

	return arena_cstr(&world->arena, str_from(time_format(event->start_ns, 3, text)));
}

static void check_expected(struct world *world, const char *key, const char *dir)
{
	static const char *const pairs[][2] = { { "prompts", "prompts" },
		{ "commands", "commands" }, { "responses", "responses" }, { "edits", "file_edits" },
		{ "sent_approx", "input_tokens" }, { "received_approx", "output_tokens" } };
	struct json_parser parser = { 0 };
	const struct json *root, *want;
	int64_t number;

	if (!OK(json_parse(&parser, samples_read(world, "aider/expected.json"), false, &root,
			&world->err) == 0))
		return;
	want = json_get(root, key);
	OK(json_get_i64(want, "sessions", &number));
	IS_INT(sum(world, dir, NULL), number);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		OK(json_get_i64(want, pairs[i][0], &number));
		if (!IS_INT(sum(world, dir, pairs[i][1]), number))
			printf("# %s %s\n", key, pairs[i][0]);
	}
	json_parser_release(&parser);
}

static void samples_are_as_expected(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.failed, 0);
	IS_INT(counts.quarantined, 0);
	check_expected(&world, "aider/shop", "work/shop");
	check_expected(&world, "aider/blog", "personal/blog");
	IS_INT(count_of(&world, "agent_usage"), 3);
	IS_INT(aider_source.present(&world.context), 2);
	world_end(&world);
}

static void second_run_adds_nothing(void)
{
	struct source_counts counts;
	struct world world;
	struct str before;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = world_dump(&world);
	world_reopen(&world);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.skipped_unchanged, 2);
	IS_INT(counts.new_events + counts.updated + counts.duplicate, 0);
	IS_STR(world_dump(&world), before.ptr);
	world_end(&world);
}

static void times_and_marks(void)
{
	struct world world;
	struct event event;

	begin(&world);
	put_samples(&world);
	collect(&world);
	/* The session of the day before comes last in the file. */
	event = nth(&world, "user_message", 0);
	IS_CSTR(time_of(&world, &event), "2026-03-09T22:59:59.000Z");
	IS_CSTR(world_value(&world, &event, "estimated_time"), "true");
	event = nth(&world, "user_message", 2);
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:00:10.123Z");
	IS_CSTR(world_value(&world, &event, "estimated_time"), "");
	IS_CSTR(world_value(&world, &event, "length"), "27");
	event = nth(&world, "user_message", 3);
	IS_CSTR(world_value(&world, &event, "command"), "true");
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:01:40.000Z");
	event = nth(&world, "user_message", 4);
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:01:40.000Z");
	IS_CSTR(world_value(&world, &event, "estimated_time"), "true");
	event = nth(&world, "agent_usage", 1);
	IS_CSTR(world_value(&world, &event, "input_tokens"), "4200");
	IS_CSTR(world_value(&world, &event, "cache_write_tokens"), "1100");
	IS_CSTR(world_value(&world, &event, "cache_read_tokens"), "3000");
	IS_CSTR(world_value(&world, &event, "output_tokens"), "356");
	IS_CSTR(world_value(&world, &event, "approximate"), "true");
	IS_CSTR(world_value(&world, &event, "model"), "sonnet");
	event = nth(&world, "agent_file_edit", 0);
	IS_CSTR(world_value(&world, &event, "file"), "cart.py");
	event = nth(&world, "agent_session", 1);
	IS_CSTR(world_value(&world, &event, "agent_version"), "0.86.1");
	IS_CSTR(world_value(&world, &event, "session_type"), "user");
	event = nth(&world, "agent_session", 2);
	IS_CSTR(world_value(&world, &event, "prompts"), "0");
	IS_CSTR(world_value(&world, &event, "started_at"), "2026-03-10T13:30:05.000Z");
	world_end(&world);
}

static void last_prompt_is_revised(void)
{
	struct source_counts counts;
	struct world world;
	size_t before;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = count_of(&world, "user_message");
	world_append(&world, "work/shop/" CHAT, STR(" tell me"));
	counts = collect(&world);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 1);
	world_append(&world, "work/shop/" CHAT, STR("  \n#### more  \n\nDone.\n\n> Tokens: 1k "));
	counts = collect(&world);
	IS_INT(counts.new_events, 1); /* the response */
	IS_INT(count_of(&world, "user_message"), before);
	IS_INT(count_of(&world, "agent_usage"), 3);
	world_append(&world, "work/shop/" CHAT, STR("sent, 2 received.\n"));
	collect(&world);
	IS_INT(count_of(&world, "agent_usage"), 4);
	IS_INT(sum(&world, "work/shop", "prompts"), 4);
	world_end(&world);
}

/* In the same directory, since its name is in the ids. */
static void new_store(struct world *world)
{
	store_close(world->store);
	store_place_empty(&world->place);
	world_open_store(world);
}

/* However the bytes arrive, the store ends up the same. */
static void any_growth_ends_the_same(void)
{
	struct world world;
	struct str whole, want;

	begin(&world);
	whole = samples_read(&world, "aider/home/work/shop/" CHAT);
	put_samples(&world);
	collect(&world);
	want = world_dump(&world);
	for (size_t step = 7; step < whole.len; step = step * 3 + 1) {
		new_store(&world);
		OK(unlink(world_path(&world, "work/shop/" CHAT)) == 0);
		for (size_t at = 0; at < whole.len; at += step) {
			world_append(&world, "work/shop/" CHAT, str_sub(whole, at, step));
			collect(&world);
		}
		if (!IS_STR(world_dump(&world), want.ptr))
			printf("# %zu bytes at a time\n", step);
	}
	world_end(&world);
}

static void tidied_away_stays(void)
{
	struct source_counts counts;
	struct world world;
	struct str before;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = world_dump(&world);
	world_write(
		&world, "work/shop/" CHAT, STR(HEADER "#### fix the rounding\n#### in cart.py\n"));
	collect(&world);
	IS_INT(sum(&world, "work/shop", "prompts"), 4);
	IS_INT(sum(&world, "work/shop", "withdrawn"), 0);
	put_samples(&world);
	collect(&world);
	OK(unlink(world_path(&world, "work/shop/" CHAT)) == 0);
	OK(unlink(world_path(&world, "work/shop/" INPUT)) == 0);
	counts = collect(&world);
	IS_INT(counts.files, 1);
	IS_INT(counts.failed, 0);
	IS_STR(world_dump(&world), before.ptr);
	world_end(&world);
}

static void inputs_that_come_later(void)
{
	struct source_counts counts;
	struct str inputs, before;
	struct world world;
	struct event event;

	begin(&world);
	put_samples(&world);
	collect(&world);
	before = world_dump(&world);
	inputs = samples_read(&world, "aider/home/work/shop/" INPUT);
	new_store(&world);
	OK(unlink(world_path(&world, "work/shop/" INPUT)) == 0);
	collect(&world);
	OK(!str_eq(world_dump(&world), before));
	world_write(&world, "work/shop/" INPUT, str_sub(inputs, 0, inputs.len / 2));
	collect(&world);
	world_write(&world, "work/shop/" INPUT, inputs);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 1);
	IS_INT(count_of(&world, "user_message"), 6);
	/* One that has no input keeps the time it was estimated to have first. */
	event = nth(&world, "user_message", 2);
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:00:00.000Z");
	event = nth(&world, "user_message", 3);
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:00:10.123Z");
	world_end(&world);
}

/* A session's times stay those of the zone that the machine was in when it was first read. */
static void machine_travels(void)
{
	struct world world;
	struct event event;

	begin(&world);
	world_write(&world, "shop/" CHAT, STR(HEADER "#### one\n\nYes.\n"));
	collect(&world);
	setenv("TZ", "America/New_York", 1);
	world_append(&world, "shop/" CHAT,
		STR("\n#### two\n\n# aider chat started at 2026-03-20 09:00:00\n\n#### three\n"));
	collect(&world);
	setenv("TZ", "UTC", 1);
	world_write(&world, "shop/" INPUT, STR("\n# 2026-03-20 09:05:00.5\n+three\n"));
	collect(&world);
	IS_INT(count_of(&world, "user_message"), 3);
	for (size_t i = 0; i < 2; i++) {
		event = nth(&world, "user_message", i);
		IS_CSTR(time_of(&world, &event), "2026-03-10T08:00:00.000Z");
	}
	event = nth(&world, "user_message", 2);
	IS_CSTR(time_of(&world, &event), "2026-03-20T13:05:00.500Z");
	IS_CSTR(world_value(&world, &event, "estimated_time"), "");
	world_end(&world);
}

/* --- histories that are moved --- */

static void move(struct world *world, const char *from, const char *to)
{
	OK(rename(world_path(world, from), world_path(world, to)) == 0);
}

/* A repository that is moved takes its history along: what was told is not told again. */
static void moved_history_goes_on(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	move(&world, "work/shop", "work/store");
	world_reopen(&world);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.new_events, 0);
	IS_INT(count_of(&world, "user_message"), 6);
	IS_INT(count_of(&world, "agent_session"), 4);
	world_append(&world, "work/store/" CHAT,
		STR("\n\n# aider chat started at 2026-03-11 10:00:00\n\n#### next\n"));
	IS_INT(collect(&world).new_events, 2);
	IS_INT(sum(&world, "work/store", "prompts"), 3); /* of the last session, and the next */
	/* Moved once more, tidied, and moved back: still the same. */
	move(&world, "work/store", "work/again");
	IS_INT(collect(&world).new_events, 0);
	world_write(&world, "work/again/" CHAT,
		STR("# aider chat started at 2026-03-11 10:00:00\n\n#### next\n"));
	IS_INT(collect(&world).new_events, 0);
	move(&world, "work/again", "work/shop");
	IS_INT(collect(&world).new_events, 0);
	put_samples(&world);
	IS_INT(collect(&world).new_events, 0);
	world_end(&world);
}

/* Two that begin alike are two as long as both are there. */
static void copies_are_two(void)
{
	struct world world;

	begin(&world);
	world_write(&world, "one/" CHAT, STR(HEADER "#### a\n"));
	collect(&world);
	world_write(&world, "two/" CHAT, STR(HEADER "#### a\n"));
	IS_INT(collect(&world).new_events, 2);
	IS_INT(count_of(&world, "agent_session"), 2);
	world_end(&world);
}

/* When the rules change, files are read anew; where it was first is known still. */
static void moved_history_is_known_without_its_cursor(void)
{
	const char *const exclude[] = { "/nowhere", NULL };
	const struct workspace_rules rules = { .exclude = exclude };
	struct workspace_policy *policy;
	struct world world;

	begin(&world);
	put_samples(&world);
	collect(&world);
	move(&world, "work/shop", "work/store");
	collect(&world);
	OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0);
	world.context.policy = policy;
	IS_INT(collect(&world).new_events, 0);
	IS_INT(count_of(&world, "agent_session"), 4);
	world_end(&world);
}

/* --- where histories are --- */

static void put_known_workspace(struct world *world, const char *cwd)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct quarantine_entry origin = { .source = STR("claude"), .offset = -1 };
	struct event event = {
		.id = arena_printf(&world->arena,
			WORLD_MACHINE ":claude:agent_session:2026-03-01T00:00:00.000Z:%s",
			cwd + strlen(cwd) - 1),
		.source = STR("claude"),
		.type = STR("agent_session"),
		.start_ns = INT64_C(1772323200) * NS_PER_S,
		.data = arena_printf(&world->arena, "{\"session_id\":\"x\",\"cwd\":\"%s\"}", cwd),
	};
	enum intake_result result;

	OK(intake_begin(&intake, world->store, &world->err) == 0);
	OK(intake_event(intake, &event, &origin, &result, &world->err) == 0);
	IS_INT(result, INTAKE_NEW);
	OK(intake_commit(intake, &world->err) == 0);
}

static void found_where_agents_worked(void)
{
	struct world world;

	begin(&world);
	world_write(&world, "a/b/c/d/repo/" CHAT, STR(HEADER "#### one\n"));
	world_write(&world, "a/b/c/d/repo/src/deep/x", STR(""));
	world_write(&world, "a/b/.hidden/repo/" CHAT, STR(HEADER "#### two\n"));
	IS_INT(aider_source.present(&world.context), 0);
	put_known_workspace(&world, world_path(&world, "a/b/c/d/repo/src/deep"));
	IS_INT(aider_source.present(&world.context), 1);
	put_known_workspace(&world, world_path(&world, "a/b/.hidden/repo"));
	put_known_workspace(&world, "ssh-remote+devbox:/home/ana");
	IS_INT(aider_source.present(&world.context), 2);
	collect(&world);
	IS_INT(sum(&world, "a/b/c/d/repo", "prompts"), 1);
	IS_INT(sum(&world, "a/b/.hidden/repo", "prompts"), 1);
	world_end(&world);
}

static void found_below_roots(void)
{
	const char *roots[] = { NULL, NULL };
	struct source_settings settings = { .source = "aider", .enabled = true, .roots = roots };
	struct world world;

	begin(&world);
	world_write(&world, "a/b/c/d/e/" CHAT, STR(HEADER "#### one\n"));
	world_write(&world, "repo/.git/HEAD", STR("x"));
	world_write(&world, "repo/sub/" CHAT, STR(HEADER "#### not at the top\n"));
	world_write(&world, "x/node_modules/" CHAT, STR(HEADER "#### no\n"));
	IS_INT(aider_source.present(&world.context), 0);
	roots[0] = world_path(&world, "a/b");
	world.context.settings = &settings;
	world.context.settings_count = 1;
	IS_INT(aider_source.present(&world.context), 1);
	OK(symlink("a/b/c", world_path(&world, "linked")) == 0);
	world_write(&world, CHAT, STR(HEADER "#### at home\n"));
	IS_INT(aider_source.present(&world.context), 2);
	world_end(&world);
}

static void found_by_environment(void)
{
	struct world world;
	struct event event;

	begin(&world);
	world_write(&world, "logs/all.md", STR(HEADER "#### one\n"));
	world_write(&world, "repo/.log/chat.md", STR(HEADER "#### two\n"));
	setenv("AIDER_CHAT_HISTORY_FILE", world_path(&world, "logs/all.md"), 1);
	IS_INT(aider_source.present(&world.context), 1);
	collect(&world);
	IS_CSTR(world_value(&world, &world_events(&world, "agent_session").items[0], "cwd"), "");
	setenv("AIDER_CHAT_HISTORY_FILE", ".log/chat.md", 1);
	setenv("AIDER_INPUT_HISTORY_FILE", ".log/inputs", 1);
	world_write(&world, "repo/.log/inputs", STR("\n# 2026-03-10 09:10:00\n+two\n"));
	collect(&world);
	IS_INT(sum(&world, "repo", "prompts"), 1);
	event = nth(&world, "user_message", 1);
	IS_CSTR(time_of(&world, &event), "2026-03-10T08:10:00.000Z");
	unsetenv("AIDER_INPUT_HISTORY_FILE");
	unsetenv("AIDER_CHAT_HISTORY_FILE");
	world_end(&world);
}

static void set_now(const char *now)
{
	setenv("TT_NOW", now, 1);
}

/* Whichever way is found first, the history is that of the directory it lies in. */
static void linked_history_is_one(void)
{
	struct world world;

	begin(&world);
	world_write(&world, "m/" CHAT, STR(HEADER "#### a\n"));
	world_write(&world, "a/x", STR(""));
	world_write(&world, "z/x", STR(""));
	OK(symlink("../m/" CHAT, world_path(&world, "z/" CHAT)) == 0);
	IS_INT(collect(&world).files, 1);
	IS_INT(sum(&world, "m", "prompts"), 1);
	OK(symlink("../m/" CHAT, world_path(&world, "a/" CHAT)) == 0);
	OK(symlink("m", world_path(&world, "b")) == 0);
	IS_INT(collect(&world).skipped_unchanged, 1);
	IS_INT(count_of(&world, "agent_session"), 1);
	world_end(&world);
}

/* A daemon looks below the home directory every ten minutes; what it knows, every time. */
static void far_looks_are_rare_in_the_background(void)
{
	const char *roots[] = { NULL, NULL };
	struct source_settings settings = { .source = "aider", .enabled = true, .roots = roots };
	struct world world;

	begin(&world);
	world.context.background = true;
	world.context.settings = &settings;
	world.context.settings_count = 1;
	set_now("2026-03-12T10:00:00Z");
	world_write(&world, "one/" CHAT, STR(HEADER "#### a\n"));
	IS_INT(aider_source.present(&world.context), 0);
	IS_INT(collect(&world).files, 1);
	world_write(&world, "two/" CHAT, STR(HEADER "#### b\n"));
	world_append(&world, "one/" CHAT, STR("\n#### more\n"));
	set_now("2026-03-12T10:09:59Z");
	IS_INT(collect(&world).files, 1);
	IS_INT(sum(&world, "one", "prompts"), 2);
	put_known_workspace(&world, world_path(&world, "two"));
	IS_INT(collect(&world).files, 2);
	world_write(&world, "three/" CHAT, STR(HEADER "#### c\n"));
	move(&world, "one", "four");
	IS_INT(collect(&world).files, 1);
	set_now("2026-03-12T10:10:00Z");
	IS_INT(collect(&world).files, 3);
	IS_INT(count_of(&world, "agent_session"), 4); /* one was made here */
	IS_INT(collect(&world).skipped_unchanged, 3);
	/* By hand, with another configuration, and when the clock was put back: at once. */
	world_write(&world, "five/" CHAT, STR(HEADER "#### d\n"));
	IS_INT(collect(&world).files, 3);
	world.context.background = false;
	IS_INT(collect(&world).files, 4);
	world.context.background = true;
	world_write(&world, "a/b/c/d/six/" CHAT, STR(HEADER "#### e\n"));
	roots[0] = world_path(&world, "a/b");
	IS_INT(collect(&world).files, 5);
	world_write(&world, "seven/" CHAT, STR(HEADER "#### f\n"));
	IS_INT(collect(&world).files, 5);
	set_now("2026-03-12T09:00:00Z");
	IS_INT(collect(&world).files, 6);
	unsetenv("TT_NOW");
	world_end(&world);
}

static void excluded_leaves_no_trace(void)
{
	const char *const exclude[] = { "**/personal/**", NULL };
	const struct workspace_rules rules = { .exclude = exclude };
	struct workspace_policy *policy;
	struct file_cursor *cursors;
	struct world world;
	size_t count;

	begin(&world);
	put_samples(&world);
	OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0);
	world.context.policy = policy;
	IS_INT(collect(&world).files, 1);
	IS_INT(sum(&world, "personal/blog", NULL), 0);
	OK(store_cursors(world.store, STR("aider"), &world.arena, &cursors, &count, &world.err) ==
		0);
	IS_INT(count, 2);
	for (size_t i = 0; i < count; i++)
		OK(str_find_str(cursors[i].path, STR("blog")) < 0);
	world.context.policy = NULL;
	collect(&world);
	IS_INT(sum(&world, "personal/blog", NULL), 1);
	world_end(&world);
}

static void what_a_daemon_watches(void)
{
	struct source_places out = { 0 };
	struct world world;

	begin(&world);
	out.arena = &world.arena;
	put_samples(&world);
	aider_source.places(&world.context, &out);
	if (IS_INT(out.count, 2)) {
		IS_CSTR(out.items[0].path, world_path(&world, "personal/blog/" CHAT));
		OK(!out.items[0].poll);
	}
	world_end(&world);
}

static void broken_files(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_samples(&world);
	world_write(&world, "empty/" CHAT, STR(""));
	world_write(&world, "zeros/" CHAT, (struct str){ "\0\0\0\n\0\n", 6 });
	world_write(&world, "huge/" CHAT, STR("x"));
	OK(truncate(world_path(&world, "huge/" CHAT), (off_t)1 << 30) == 0);
	OK(mkfifo(world_path(&world, "work/pipe"), 0600) == 0);
	counts = collect(&world);
	IS_INT(counts.files, 5);
	IS_INT(counts.failed, 1);
	check_expected(&world, "aider/shop", "work/shop");
	IS_INT(count_of(&world, "agent_session"), 4);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_are_as_expected),
	TAP_CASE(second_run_adds_nothing),
	TAP_CASE(times_and_marks),
	TAP_CASE(last_prompt_is_revised),
	TAP_CASE(any_growth_ends_the_same),
	TAP_CASE(tidied_away_stays),
	TAP_CASE(inputs_that_come_later),
	TAP_CASE(machine_travels),
	TAP_CASE(moved_history_goes_on),
	TAP_CASE(copies_are_two),
	TAP_CASE(moved_history_is_known_without_its_cursor),
	TAP_CASE(found_where_agents_worked),
	TAP_CASE(found_below_roots),
	TAP_CASE(found_by_environment),
	TAP_CASE(linked_history_is_one),
	TAP_CASE(far_looks_are_rare_in_the_background),
	TAP_CASE(excluded_leaves_no_trace),
	TAP_CASE(what_a_daemon_watches),
	TAP_CASE(broken_files),
};
TAP_MAIN(cases)
