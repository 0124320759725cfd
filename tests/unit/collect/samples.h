/* The samples in tests/data, and their expected numbers held against a world's store. */
#ifndef TT_TESTS_COLLECT_SAMPLES_H
#define TT_TESTS_COLLECT_SAMPLES_H

#include <dirent.h>

#include "base/hash.h"
#include "world.h"

/* NAME in tests/data; ptr NULL, and the case is skipped, when nobody says where that is. */
__attribute__((unused)) static struct str samples_read(struct world *world, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");

	if (!dir) {
		SKIP("TEST_DATA does not tell where the samples are");
		return (struct str){ NULL, 0 };
	}
	OK(fs_read(fs_join(&world->arena, dir, name), 64 << 20, &text, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&text));
}

__attribute__((unused)) static int samples_not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Copy the file or directory FROM of tests/data to TO in the world. */
__attribute__((unused)) static void samples_put(
	struct world *world, const char *from, const char *to)
{
	const char *dir = getenv("TEST_DATA");
	struct dirent **names;
	int count = dir ? scandir(fs_join(&world->arena, dir, from), &names, samples_not_dots,
				  alphasort)
			: -1;

	if (count < 0) {
		world_write(world, to, samples_read(world, from));
		return;
	}
	for (int i = 0; i < count; i++) {
		samples_put(world, fs_join(&world->arena, from, names[i]->d_name),
			to[0] ? fs_join(&world->arena, to, names[i]->d_name)
			      : arena_cstr(&world->arena, str_from(names[i]->d_name)));
		free(names[i]);
	}
	free(names);
}

/* Names, sizes, times and hashes of all files below DIR of the world. */
__attribute__((unused)) static void samples_picture(
	struct world *world, const char *dir, struct buf *out)
{
	struct dirent **names;
	int count = scandir(world_path(world, dir), &names, samples_not_dots, alphasort);

	for (int i = 0; i < count; i++) {
		CLEANUP(buf_release) struct buf bytes = BUF_INIT;
		const char *name = fs_join(&world->arena, dir, names[i]->d_name);
		struct stat status;

		free(names[i]);
		if (stat(world_path(world, name), &status) < 0)
			continue;
		if (S_ISDIR(status.st_mode)) {
			buf_printf(out, "%s/\n", name);
			samples_picture(world, name, out);
			continue;
		}
		OK(fs_read(world_path(world, name), 64 << 20, &bytes, &world->err) == 0);
		buf_printf(out, "%s %zu %lld.%09ld %016llx\n", name, bytes.len,
			(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
			(unsigned long long)hash64(buf_str(&bytes), 0));
	}
	if (count >= 0)
		free(names);
}

__attribute__((unused)) static const struct event *samples_session(
	struct world *world, const char *id)
{
	struct world_events sessions = world_events(world, "agent_session");

	for (size_t i = 0; i < sessions.count; i++)
		if (strcmp(world_value(world, &sessions.items[i], "session_id"), id) == 0)
			return &sessions.items[i];
	return NULL;
}

/* Number or text KEY of session ID's event. */
__attribute__((unused)) static const char *samples_fact(
	struct world *world, const char *id, const char *key)
{
	const struct event *event = samples_session(world, id);

	return event ? world_value(world, event, key) : "no such session";
}

/* Session ID against the EXPECTED numbers, those that are there. */
__attribute__((unused)) static void samples_check(
	struct world *world, const struct json *expected, const char *id)
{
	static const struct {
		const char *expected;
		const char *key;
	} numbers[] = { { "prompts", "prompts" }, { "responses", "responses" },
		{ "tool_calls", "tool_calls" }, { "tool_errors", "tool_errors" },
		{ "errors", "api_errors" }, { "malformed", "malformed" },
		{ "input", "input_tokens" }, { "output", "output_tokens" },
		{ "cache_read", "cache_read_tokens" }, { "cache_write", "cache_write_tokens" },
		{ "reasoning", "reasoning_tokens" }, { "first", "started_at" },
		{ "last", "ended_at" }, { "cwd", "cwd" }, { "workspace", "cwd" },
		{ "parent", "parent_session_id" } };
	const struct event *event = samples_session(world, id);

	if (!OK(event != NULL)) {
		printf("# no session %s\n", id);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct json *want = json_get(expected, numbers[i].expected);
		struct str text = json_is(want, JSON_STRING)   ? json_str(want)
				  : json_is(want, JSON_NUMBER) ? json_number_text(want)
							       : STR("null");

		if (want && !IS_CSTR(world_value(world, event, numbers[i].key),
				    arena_cstr(&world->arena, text)))
			printf("# %s of %s\n", numbers[i].key, id);
	}
}

/* The sum over all events of TYPE of the number KEY. */
__attribute__((unused)) static long long samples_sum(
	struct world *world, const char *type, const char *key)
{
	struct world_events events = world_events(world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		out += atoll(world_value(world, &events.items[i], key));
	return out;
}

/* Is TEXT anywhere in the store? */
__attribute__((unused)) static bool samples_stored(struct world *world, const char *text)
{
	return store_place_holds(&world->place, text);
}

#endif
