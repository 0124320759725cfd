/* Codex CLI as a source: the synthetic samples with their expected numbers, and what may happen to
 * rollouts: growth in any steps, moves, compression, copies, origins that come late, damage. */
#include <zstd.h>

#include "collect/codex/codex.h"
#include "world.h"

#define X1 "019cc000-0000-7000-8000-000000000001"
#define X2 "019cc000-0000-7000-8000-000000000002"
#define X3 "019cc000-0000-7000-8000-000000000003"
#define X4 "019cc000-0000-7000-8000-000000000004"
#define DAY ".codex/sessions/2026/03/07/"
#define X1_NAME "rollout-2026-03-07T14-00-00-" X1 ".jsonl"
#define X1_FILE DAY X1_NAME
#define X2_FILE DAY "rollout-2026-03-07T14-05-00-" X2 ".jsonl"
#define X3_FILE ".codex/sessions/2026/02/10/rollout-2026-02-10T08-00-00-" X3 ".jsonl.zst"
#define X4_FILE ".codex/archived_sessions/rollout-2026-01-15T10-00-00-" X4 ".jsonl"

/* --- the samples --- */

static void begin(struct world *world)
{
	unsetenv("CODEX_HOME");
	world_init(world);
}

static struct str sample(struct world *world, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");

	if (!dir) {
		SKIP("TEST_DATA does not tell where the samples are");
		return STR("");
	}
	OK(fs_read(fs_join(&world->arena, dir, name), 8 << 20, &text, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&text));
}

static struct str sample_file(struct world *world, const char *name)
{
	return sample(world, arena_printf(&world->arena, "codex/home/%s", name).ptr);
}

static void put_sample(struct world *world, const char *name)
{
	world_write(world, name, sample_file(world, name));
}

static void put_samples(struct world *world)
{
	put_sample(world, X1_FILE);
	put_sample(world, X2_FILE);
	put_sample(world, X3_FILE);
	put_sample(world, X4_FILE);
	world_write(world, ".codex/history.jsonl", STR("{\"session_id\":\"x\",\"text\":\"y\"}\n"));
	world_write(world, ".codex/auth.json", STR("{\"OPENAI_API_KEY\":\"secret\"}"));
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
	{ "malformed", "malformed" }, { "unknown", "unknown_records" }, { "input", "input_tokens" },
	{ "output", "output_tokens" }, { "cache_read", "cache_read_tokens" },
	{ "reasoning", "reasoning_tokens" }, { "first", "started_at" }, { "last", "ended_at" },
	{ "cwd", "cwd" }, { "parent", "parent_session_id" } };

static void check_session(struct world *world, const struct json *expected)
{
	const char *id = arena_cstr(&world->arena, json_get_str(expected, "session"));
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

static long long count_in(struct world *world, const char *type, const char *id)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		out += strcmp(world_value(world, &events.items[i], "session_id"), id) == 0;
	return out;
}

/* Sum of KEY over the usage events of session ID ("" for all) and MODEL (NULL for any). */
static long long tokens_of(struct world *world, const char *id, const char *model, const char *key)
{
	struct world_events events = world_events(world, "agent_usage");
	long long out = 0;

	for (size_t i = 0; i < events.count; i++) {
		const struct event *event = &events.items[i];

		if (*id && strcmp(world_value(world, event, "session_id"), id) != 0)
			continue;
		if (model && strcmp(world_value(world, event, "model"), model) != 0)
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
	const struct json *root, *one;
	int64_t want;

	if (text.len == 0 || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		one = json_get(root, i == 0 && appended ? "codex/X1 appended" : names[i]);
		check_session(world, one);
		check_models(world, one);
		if (OK(json_get_i64(one, "usage_events", &want)))
			IS_INT(count_in(world, "agent_usage",
				       arena_cstr(&world->arena, json_get_str(one, "session"))),
				want);
	}
	one = json_get(root, "codex");
	if (OK(json_get_i64(one, "responses", &want)))
		IS_INT(world_events(world, "agent_response").count, want + appended);
	if (OK(json_get_i64(one, "prompts", &want)))
		IS_INT(world_events(world, "user_message").count, want);
	if (OK(json_get_i64(one, "tool_calls", &want)))
		IS_INT(world_events(world, "agent_tool_use").count, want);
	if (OK(json_get_i64(one, "input", &want)))
		IS_INT(tokens_of(world, "", NULL, "input_tokens"), want);
	if (OK(json_get_i64(one, "output", &want)))
		IS_INT(tokens_of(world, "", NULL, "output_tokens"), want);
	json_parser_release(&parser);
}

static void unchanged(struct world *world, int64_t files)
{
	struct source_counts counts = world_collect(world, &codex_source);

	IS_INT(counts.files, files);
	IS_INT(counts.skipped_unchanged, files);
	IS_INT(counts.new_events + counts.updated + counts.quarantined + counts.failed, 0);
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

/* The end of the line that begins at FROM, behind its newline; the end of TEXT. */
static size_t line_end(struct str text, size_t from)
{
	ptrdiff_t end = str_find(text, '\n', from);

	return end < 0 ? text.len : (size_t)end + 1;
}

/* Everything but revisions. The time of a session's own event is when it was first known to begin:
 * that may depend on how much of it was there. */
static struct str facts(struct world *world)
{
	struct world_events all = world_events(world, "");
	struct buf out = BUF_INIT;
	struct str copy;

	for (int sessions = 1; sessions >= 0; sessions--) {
		for (size_t i = 0; i < all.count; i++) {
			const struct event *event = &all.items[i];

			if (str_eq_c(event->type, "agent_session") != sessions)
				continue;
			buf_add(&out, sessions ? event->type : event->id);
			buf_printf(&out, " %.*s\n", STR_ARG(event->data));
		}
	}
	copy = arena_str(&world->arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

/* The first lines that differ are shown. */
static void same(struct str got, struct str want)
{
	if (OK(str_eq(got, want)))
		return;
	while (got.len > 0 || want.len > 0) {
		struct str a = str_split(&got, '\n'), b = str_split(&want, '\n');

		if (!str_eq(a, b)) {
			printf("# got  %.*s\n# want %.*s\n", STR_ARG(a), STR_ARG(b));
			return;
		}
	}
}

/* What the store holds when CONTENT is collected at once. */
static struct str facts_of(struct world *into, const char *name, struct str content)
{
	struct world world;
	struct str dump;

	begin(&world);
	world_write(&world, name, content);
	world_collect(&world, &codex_source);
	dump = arena_str(&into->arena, facts(&world));
	world_end(&world);
	return dump;
}

/* Collected after every STEP lines, each time torn within the next one. */
static void grows(const char *name, struct str content, size_t step)
{
	struct world world;
	struct str want;
	size_t at = 0, written = 0;

	begin(&world);
	want = facts_of(&world, name, content);
	while (at < content.len) {
		size_t to;

		for (size_t i = 0; i < step; i++)
			at = line_end(content, at);
		to = at + 7 < content.len ? at + 7 : content.len;
		world_append(&world, name, str_sub(content, written, to - written));
		written = to;
		IS_INT(world_collect(&world, &codex_source).failed, 0);
	}
	same(facts(&world), want);
	unchanged(&world, 1);
	world_end(&world);
}

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

/* --- where files lie --- */

static struct str compress(struct world *world, struct str content)
{
	size_t most = ZSTD_compressBound(content.len), got;
	char *bytes = arena_alloc(&world->arena, most);

	got = ZSTD_compress(bytes, most, content.ptr, content.len, 3);
	OK(!ZSTD_isError(got));
	return (struct str){ bytes, got };
}

static void remove_file(struct world *world, const char *name)
{
	OK(unlink(world_path(world, name)) == 0);
}

/* Nothing new, nothing changed, FILES read again. */
static void nothing_new(struct world *world, int64_t files)
{
	struct source_counts counts = world_collect(world, &codex_source);

	IS_INT(counts.files - counts.skipped_unchanged, files);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 0);
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.failed, 0);
}

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

/* --- origins --- */

static void a_child_before_its_parent_gives_the_same(void)
{
	struct world world, other;
	struct str want;

	begin(&other);
	put_sample(&other, X1_FILE);
	put_sample(&other, X2_FILE);
	world_collect(&other, &codex_source);
	want = facts(&other);

	begin(&world);
	put_sample(&world, X2_FILE);
	world_collect(&world, &codex_source);
	put_sample(&world, X1_FILE);
	world_collect(&world, &codex_source);
	same(facts(&world), want);
	unchanged(&world, 2);
	world_end(&world);
	world_end(&other);
}

/* --- made rollouts --- */

#define OTHER "019cc000-0000-7000-8000-00000000000a"
#define OTHER_FILE DAY "rollout-2026-03-07T15-00-00-" OTHER ".jsonl"

/* A record SECOND seconds after 15:00. */
static void record(struct buf *out, int second, const char *type, const char *payload)
{
	buf_printf(out,
		"{\"timestamp\":\"2026-03-07T15:%02d:%02d.000Z\",\"type\":\"%s\",\"payload\":%s}\n",
		second / 60 % 60, second % 60, type, payload);
}

static void made_meta(struct buf *out, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"id\":\"" OTHER "\",\"cli_version\":\"0.148.0\"%s}", more);
	record(out, 0, "session_meta", buf_cstr(&payload));
}

/* A turn of a prompt, a call and an answer. */
static void made_turn(struct buf *out, int number)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;
	const char *const formats[] = {
		"{\"type\":\"task_started\",\"turn_id\":\"t%d\"}",
		"{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"text\":\"prompt %d\"}]}",
		"{\"type\":\"user_message\",\"message\":\"prompt %d\"}",
		"{\"type\":\"function_call\",\"name\":\"exec_command\",\"call_id\":\"call_%d\"}",
		"{\"type\":\"function_call_output\",\"call_id\":\"call_%d\",\"output\":\"Exit code: "
		"1\\nOutput:\\n\"}",
		"{\"type\":\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":1%d,"
		"\"output_tokens\":1}}}",
		"{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"text\":\"answer %d\"}]}",
	};
	const char *const types[] = { "event_msg", "response_item", "event_msg", "response_item",
		"response_item", "event_msg", "response_item" };

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		char number_text[16];
		const char *at = strstr(formats[i], "%d");

		snprintf(number_text, sizeof(number_text), "%d", number);
		buf_clear(&payload);
		buf_add(&payload, (struct str){ formats[i], (size_t)(at - formats[i]) });
		buf_addc(&payload, number_text);
		buf_addc(&payload, at + 2);
		record(out, number * 10 + (int)i, types[i], buf_cstr(&payload));
	}
}

static void made_event(struct buf *out, int second, const char *payload)
{
	record(out, second, "event_msg", payload);
}

static void what_is_taken_back_later_is_marked(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;

	begin(&world);
	world_end(&world);
	made_meta(&text, ""); /* and its directory comes late */
	made_turn(&text, 1);
	made_event(&text, 18, "{\"type\":\"task_complete\",\"turn_id\":\"t1\"}");
	record(&text, 19, "turn_context", "{\"cwd\":\"/home/ana/work/shop\",\"model\":\"m\"}");
	made_turn(&text, 2);
	made_event(&text, 28, "{\"type\":\"turn_aborted\",\"turn_id\":\"t2\"}");
	made_turn(&text, 3);
	made_event(&text, 38, "{\"type\":\"thread_rolled_back\",\"num_turns\":2}");
	buf_addc(&text, "not JSON\n");
	record(&text, 39, "hyperspace", "{}");
	made_turn(&text, 4);
	made_event(&text, 48, "{\"type\":\"thread_rolled_back\",\"num_turns\":1}");
	made_turn(&text, 5);
	for (size_t step = 1; step < 60; step = step * 2 + 1)
		grows(OTHER_FILE, buf_str(&text), step);

	begin(&world);
	world_write(&world, OTHER_FILE, buf_str(&text));
	world_collect(&world, &codex_source);
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "prompts"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "responses"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "tool_calls"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "tool_errors"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "withdrawn"), "12");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "malformed"), "1");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "unknown_records"), "1");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "input_tokens"), "15");
	for (size_t i = 0; i < world_events(&world, "user_message").count; i++)
		IS_CSTR(world_value(&world, &world_events(&world, "user_message").items[i], "cwd"),
			"/home/ana/work/shop");
	/* The same in a compressed file. */
	world_write(&world, ".codex/archived_sessions/rollout-" OTHER ".jsonl.zst",
		compress(&world, buf_str(&text)));
	nothing_new(&world, 1);
	world_end(&world);
}

static void a_long_session_in_many_batches(void)
{
	enum { TURNS = 1500 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;
	struct str packed;

	made_meta(&text, ",\"cwd\":\"/w\"");
	for (int i = 1; i <= TURNS; i++)
		made_turn(&text, i);
	made_event(&text, 1, "{\"type\":\"thread_rolled_back\",\"num_turns\":1400}");
	begin(&world);
	packed = compress(&world, buf_str(&text));
	for (int compressed = 0; compressed < 2; compressed++) {
		const struct event *event;

		world_write(&world, compressed ? OTHER_FILE ".zst" : OTHER_FILE,
			compressed ? packed : buf_str(&text));
		world_collect(&world, &codex_source);
		event = session_event(&world, OTHER);
		if (!OK(event != NULL))
			break;
		IS_CSTR(world_value(&world, event, "prompts"), "100");
		IS_CSTR(world_value(&world, event, "responses"), "100");
		IS_CSTR(world_value(&world, event, "withdrawn"), "5600");
		unchanged(&world, 1);
		world_end(&world);
		begin(&world);
		packed = compress(&world, buf_str(&text));
	}
	world_end(&world);
}

/* --- families --- */

static void the_end_of_a_child_in_any_steps(void)
{
	static const size_t sizes[] = { 30000, 100000, 217000, 218000, 218500 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct world world, other;
		struct str x2, want;

		begin(&other);
		put_sample(&other, X1_FILE);
		put_sample(&other, X2_FILE);
		world_collect(&other, &codex_source);
		want = facts(&other);

		/* Half a child, then its parent and another line, then the rest. */
		begin(&world);
		x2 = sample_file(&world, X2_FILE);
		world_write(&world, X2_FILE, str_sub(x2, 0, sizes[i]));
		world_collect(&world, &codex_source);
		put_sample(&world, X1_FILE);
		world_append(&world, X2_FILE, str_sub(x2, sizes[i], 100));
		world_collect(&world, &codex_source);
		world_append(&world, X2_FILE, str_sub(x2, sizes[i] + 100, x2.len));
		world_collect(&world, &codex_source);
		same(facts(&world), want);
		unchanged(&world, 2);
		world_end(&world);
		world_end(&other);
	}
}

/* A fork, whose origin has a greater id than it has: read first all the same. */
static void a_fork_and_what_it_was_forked_from(void)
{
	CLEANUP(buf_release) struct buf origin = BUF_INIT, fork = BUF_INIT;
	struct world world, other;
	struct str want;

	record(&origin, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	made_turn(&origin, 1);
	made_turn(&origin, 2);
	made_meta(&fork, ",\"forked_from_id\":\"zz\",\"cwd\":\"/w\"");
	record(&fork, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	made_turn(&fork, 1);
	made_turn(&fork, 3);
	begin(&world);
	world_write(&world, DAY "rollout-zz.jsonl", buf_str(&origin));
	world_write(&world, OTHER_FILE, buf_str(&fork));
	world_collect(&world, &codex_source);
	IS_INT(count_in(&world, "user_message", "zz"), 2);
	IS_INT(count_in(&world, "user_message", OTHER), 1);
	IS_INT(count_in(&world, "agent_response", OTHER), 1);
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "session_type"), "user");
	want = facts(&world);

	begin(&other);
	world_write(&other, OTHER_FILE, buf_str(&fork));
	world_collect(&other, &codex_source);
	IS_INT(count_in(&other, "user_message", OTHER), 2); /* nobody else has the copies */
	world_write(&other, DAY "rollout-zz.jsonl", buf_str(&origin));
	world_collect(&other, &codex_source);
	same(facts(&other), want);
	unchanged(&other, 2);
	world_end(&other);
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

static const struct tap_case cases[] = { TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(growth_in_any_steps_gives_the_same), TAP_CASE(a_torn_line_waits_for_its_rest),
	TAP_CASE(moved_archived_compressed_copied_it_is_one_session),
	TAP_CASE(roots_of_the_environment_and_the_configuration), TAP_CASE(what_a_daemon_watches),
	TAP_CASE(a_shorter_copy_takes_nothing_away),
	TAP_CASE(a_damaged_file_is_reported_once_and_stops_nobody),
	TAP_CASE(a_child_before_its_parent_gives_the_same),
	TAP_CASE(what_is_taken_back_later_is_marked), TAP_CASE(a_long_session_in_many_batches),
	TAP_CASE(the_end_of_a_child_in_any_steps), TAP_CASE(a_fork_and_what_it_was_forked_from),
	TAP_CASE(texts_are_stored_where_the_configuration_says),
	TAP_CASE(an_excluded_workspace_leaves_no_trace), TAP_CASE(odd_files_stop_nobody) };
TAP_MAIN(cases)
