/* The synthetic samples of an agent (tests/data/AGENT) in a world, and their expected numbers. */
#ifndef TT_TESTS_COLLECT_SAMPLE_SESSIONS_H
#define TT_TESTS_COLLECT_SAMPLE_SESSIONS_H

#include "world.h"

/* File NAME below tests/data; empty when nobody tells where that is. */
__attribute__((unused)) static struct str sample(struct world *world, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");

	if (!dir) {
		SKIP("TEST_DATA does not tell where the samples are");
		return (struct str){ NULL, 0 };
	}
	OK(fs_read(fs_join(&world->arena, dir, name), 8 << 20, &text, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&text));
}

/* File NAME of AGENT's home as TARGET of the world's. */
__attribute__((unused)) static void put_sample_as(
	struct world *world, const char *agent, const char *name, const char *target)
{
	const char *path = arena_printf(&world->arena, "%s/home/%s", agent, name).ptr;

	world_write(world, target, sample(world, path));
}

__attribute__((unused)) static const struct event *session_event(
	struct world *world, const char *id)
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
} sample_numbers[] = { { "prompts", "prompts" }, { "responses", "responses" },
	{ "tool_calls", "tool_calls" }, { "tool_errors", "tool_errors" },
	{ "malformed", "malformed" }, { "unknown", "unknown_records" }, { "input", "input_tokens" },
	{ "output", "output_tokens" }, { "cache_read", "cache_read_tokens" },
	{ "thoughts", "reasoning_tokens" }, { "reasoning", "reasoning_tokens" },
	{ "first", "started_at" }, { "last", "ended_at" }, { "cwd", "cwd" },
	{ "parent", "parent_session_id" } };

/* Hold the session's event against row NAME of AGENT's expected.json; what is null there is null,
 * or not there. EXCEPT: a number that is not looked at, or NULL. */
__attribute__((unused)) static void check_session(
	struct world *world, const char *agent, const char *name, const char *except)
{
	struct json_parser parser = { 0 };
	struct str text = sample(world, arena_printf(&world->arena, "%s/expected.json", agent).ptr);
	const struct json *root, *row;
	const struct event *event;

	if (!text.ptr || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	row = json_get(root, name);
	event = session_event(world, arena_cstr(&world->arena, json_get_str(row, "session")));
	for (size_t i = 0; OK(event != NULL) && i < ARRAY_LEN(sample_numbers); i++) {
		const struct json *want = json_get(row, sample_numbers[i].expected);
		const char *got = world_value(world, event, sample_numbers[i].key);
		struct str is =
			json_is(want, JSON_STRING) ? json_str(want) : json_number_text(want);

		if (!want || (except && strcmp(except, sample_numbers[i].expected) == 0))
			continue;
		if (is.len == 0 && strcmp(got, "null") == 0)
			got = "";
		if (!IS_CSTR(got, arena_cstr(&world->arena, is)))
			printf("# %s of %s\n", sample_numbers[i].key, name);
	}
	json_parser_release(&parser);
}

/* The sum over all events of TYPE of the number KEY, those withdrawn left out. */
__attribute__((unused)) static long long sum_of(
	struct world *world, const char *type, const char *key)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		if (strcmp(world_value(world, &events.items[i], "withdrawn"), "true") != 0)
			out += atoll(world_value(world, &events.items[i], key));
	return out;
}

/* The session's value KEY. */
__attribute__((unused)) static const char *of_session(
	struct world *world, const char *id, const char *key)
{
	const struct event *event = session_event(world, id);

	return OK(event != NULL) ? world_value(world, event, key) : "";
}

#endif
