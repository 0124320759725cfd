/* What the tests of Codex share: its samples in a world, rollouts made from few words, and whether
 * what was collected of them is the same. */
#ifndef TT_TESTS_CODEX_WORLD_H
#define TT_TESTS_CODEX_WORLD_H

#include <zstd.h>

#include "collect/codex/codex.h"
#include "sample_sessions.h"

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
#define OTHER "019cc000-0000-7000-8000-00000000000a"
#define OTHER_FILE DAY "rollout-2026-03-07T15-00-00-" OTHER ".jsonl"

__attribute__((unused)) static void begin(struct world *world)
{
	unsetenv("CODEX_HOME");
	world_init(world);
}

__attribute__((unused)) static struct str sample_file(struct world *world, const char *name)
{
	return sample(world, arena_printf(&world->arena, "codex/home/%s", name).ptr);
}

__attribute__((unused)) static void put_sample(struct world *world, const char *name)
{
	world_write(world, name, sample_file(world, name));
}

__attribute__((unused)) static long long count_in(
	struct world *world, const char *type, const char *id)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		out += strcmp(world_value(world, &events.items[i], "session_id"), id) == 0;
	return out;
}

__attribute__((unused)) static void unchanged(struct world *world, int64_t files)
{
	struct source_counts counts = world_collect(world, &codex_source);

	IS_INT(counts.files, files);
	IS_INT(counts.skipped_unchanged, files);
	IS_INT(counts.new_events + counts.updated + counts.quarantined + counts.failed, 0);
}

/* Nothing new, nothing changed, FILES read again. */
__attribute__((unused)) static void nothing_new(struct world *world, int64_t files)
{
	struct source_counts counts = world_collect(world, &codex_source);

	IS_INT(counts.files - counts.skipped_unchanged, files);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 0);
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.failed, 0);
}

/* The end of the line that begins at FROM, behind its newline; the end of TEXT. */
__attribute__((unused)) static size_t line_end(struct str text, size_t from)
{
	ptrdiff_t end = str_find(text, '\n', from);

	return end < 0 ? text.len : (size_t)end + 1;
}

/* The first lines that differ are shown. */
__attribute__((unused)) static void same(struct str got, struct str want)
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

__attribute__((unused)) static struct str compress(struct world *world, struct str content)
{
	size_t most = ZSTD_compressBound(content.len), got;
	char *bytes = arena_alloc(&world->arena, most);

	got = ZSTD_compress(bytes, most, content.ptr, content.len, 3);
	OK(!ZSTD_isError(got));
	return (struct str){ bytes, got };
}

__attribute__((unused)) static void remove_file(struct world *world, const char *name)
{
	OK(unlink(world_path(world, name)) == 0);
}

/* --- growth --- */

/* What the store holds when CONTENT is collected at once. */
__attribute__((unused)) static struct str facts_of(
	struct world *into, const char *name, struct str content)
{
	struct world world;
	struct str dump;

	begin(&world);
	world_write(&world, name, content);
	world_collect(&world, &codex_source);
	dump = arena_str(&into->arena, world_dump(&world));
	world_end(&world);
	return dump;
}

/* Collected after every STEP lines, each time torn within the next one. */
__attribute__((unused)) static void grows(const char *name, struct str content, size_t step)
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
	same(world_dump(&world), want);
	unchanged(&world, 1);
	world_end(&world);
}

/* --- made rollouts --- */

/* A record SECOND seconds after 15:00. */
__attribute__((unused)) static void record(
	struct buf *out, int second, const char *type, const char *payload)
{
	buf_printf(out,
		"{\"timestamp\":\"2026-03-07T15:%02d:%02d.000Z\",\"type\":\"%s\",\"payload\":%s}\n",
		second / 60 % 60, second % 60, type, payload);
}

__attribute__((unused)) static void made_meta(struct buf *out, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"id\":\"" OTHER "\",\"cli_version\":\"0.148.0\"%s}", more);
	record(out, 0, "session_meta", buf_cstr(&payload));
}

/* A turn of a prompt, a call and an answer. */
__attribute__((unused)) static void made_turn(struct buf *out, int number)
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

__attribute__((unused)) static void made_event(struct buf *out, int second, const char *payload)
{
	record(out, second, "event_msg", payload);
}

#endif
