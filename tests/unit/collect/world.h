/* A home directory of its own, with a store and an identity, for one test case. */
#ifndef TT_TESTS_COLLECT_WORLD_H
#define TT_TESTS_COLLECT_WORLD_H

#include <ftw.h>
#include <unistd.h>

#include "collect/claude/claude.h"
#include "collect/journal.h"
#include "store_place.h"
#include "tap.h"

#define WORLD_MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"

struct world {
	struct arena arena;
	char dir[64];
	struct fs_dirs dirs;
	struct machine machine;
	struct log log;
	struct store_place place;
	struct store *store;
	struct collect_context context;
	struct err err;
};

__attribute__((unused)) static const char *world_path(struct world *world, const char *name)
{
	return fs_join(&world->arena, world->dir, name);
}

__attribute__((unused)) static void world_open_store(struct world *world)
{
	const struct store_options options = store_place_options(&world->place);

	OK(store_open(&world->store, &options, &world->err) == 0);
	world->context.store = world->store;
}

__attribute__((unused)) static void world_reopen(struct world *world)
{
	store_close(world->store);
	world_open_store(world);
}

/* Below the directory BASE. */
__attribute__((unused)) static void world_init_in(struct world *world, const char *base)
{
	*world = (struct world){ .log = { .level = LOG_QUIET, .program = "test" } };
	snprintf(world->dir, sizeof(world->dir), "%.32s/tt-collect-XXXXXX", base);
	OK(mkdtemp(world->dir) != NULL);
	world->dirs = (struct fs_dirs){
		.config = world_path(world, "config"),
		.data = world_path(world, "data"),
		.state = world_path(world, "state"),
		.home = world->dir,
	};
	world->machine = (struct machine){ .id = STR(WORLD_MACHINE), .label = STR("test") };
	OK(fs_make_dirs(world->dirs.data, 0700, &world->err) == 0);
	unsetenv("CLAUDE_CONFIG_DIR");
	unsetenv("XDG_CONFIG_HOME");
	world->context = (struct collect_context){
		.machine = &world->machine,
		.dirs = &world->dirs,
		.log = &world->log,
	};
	store_place_make(&world->place, world_path(world, "data/tt.db"));
	world_open_store(world);
}

__attribute__((unused)) static void world_init(struct world *world)
{
	world_init_in(world, "/tmp");
}

__attribute__((unused)) static int world_remove_one(
	const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	(void)status;
	(void)flag;
	(void)ftw;
	return remove(path);
}

__attribute__((unused)) static void world_end(struct world *world)
{
	store_close(world->store);
	nftw(world->dir, world_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	arena_release(&world->arena);
}

__attribute__((unused)) static void world_put(
	struct world *world, const char *name, const char *mode, struct str content)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT;
	const char *path = world_path(world, name);
	FILE *file;

	buf_add(&dir, (struct str){ path, (size_t)(strrchr(path, '/') - path) });
	OK(fs_make_dirs(buf_cstr(&dir), 0700, &world->err) == 0);
	file = fopen(path, mode);
	if (!OK(file != NULL))
		return;
	OK(fwrite(content.ptr ? content.ptr : "", 1, content.len, file) == content.len);
	fclose(file);
}

__attribute__((unused)) static void world_write(
	struct world *world, const char *name, struct str content)
{
	world_put(world, name, "w", content);
}

__attribute__((unused)) static void world_append(
	struct world *world, const char *name, struct str content)
{
	world_put(world, name, "a", content);
}

__attribute__((unused)) static struct source_counts world_collect(
	struct world *world, const struct source *source)
{
	struct source_counts counts = { 0 };
	size_t count = 0;

	OK(collect_run(&world->context, &source, 1, &counts, &count, &world->err) == 0);
	return counts;
}

struct world_events {
	struct event *items;
	size_t count;
};

/* All of TYPE ("" for all), in order; copied into the world's arena. */
__attribute__((unused)) static struct world_events world_events(
	struct world *world, const char *type)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct event_filter filter = { .type = str_from(type) };
	struct world_events out = { arena_zalloc(&world->arena, 4096, sizeof(struct event)), 0 };
	struct stored_event stored;

	if (!OK(event_scan_open(&scan, world->store, &filter, &world->err) == 0))
		return out;
	while (event_scan_next(scan, &stored, &world->err) > 0 && out.count < 4096) {
		struct event *event = &out.items[out.count++];

		*event = stored.event;
		event->id = arena_str(&world->arena, event->id);
		event->source = arena_str(&world->arena, event->source);
		event->type = arena_str(&world->arena, event->type);
		event->data = arena_str(&world->arena, event->data);
	}
	return out;
}

/* Member KEY of EVENT's data: the text of a string or a number, "null", "true"; empty when absent.
 */
__attribute__((unused)) static const char *world_value(
	struct world *world, const struct event *event, const char *key)
{
	struct json_parser parser = { 0 };
	const struct json *root, *value;
	struct str text = { NULL, 0 };

	if (!OK(json_parse(&parser, event->data, false, &root, &world->err) == 0))
		return "";
	value = json_get(root, key);
	if (json_is(value, JSON_STRING))
		text = json_str(value);
	else if (json_is(value, JSON_NUMBER))
		text = json_number_text(value);
	else if (json_is(value, JSON_BOOL))
		text = json_is_true(value) ? STR("true") : STR("false");
	else if (value)
		text = STR("null");
	text = arena_str(&world->arena, text);
	json_parser_release(&parser);
	return text.ptr ? text.ptr : "";
}

/* Everything but revisions, as one text, for comparing stores. */
__attribute__((unused)) static struct str world_dump(struct world *world)
{
	struct world_events all = world_events(world, "");
	struct buf out = BUF_INIT;
	struct str copy;

	for (size_t i = 0; i < all.count; i++)
		buf_printf(
			&out, "%.*s %.*s\n", STR_ARG(all.items[i].id), STR_ARG(all.items[i].data));
	copy = arena_str(&world->arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

#endif
