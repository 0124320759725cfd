/*
 * Finding rollouts: sessions/YYYY/MM/DD and archived_sessions below each root, files named
 * rollout-TIME-ID.jsonl or .jsonl.zst there. A root holds credentials too: nothing else is looked
 * at.
 */
#include "collect/codex/walk.h"

#include <stdlib.h>

#include "collect/places.h"

enum { DATE_LEVELS = 3, UUID_BYTES = 36 };

struct walk {
	const struct collect_context *context;
	struct arena *arena;
	struct codex_files out;
};

/* rollout-2026-03-07T14-00-00-019cc000-…: the id at its end, else all of it. */
static struct str id_of(struct str stem)
{
	struct str id =
		stem.len > UUID_BYTES ? str_sub(stem, stem.len - UUID_BYTES, UUID_BYTES) : stem;

	for (size_t i = 0; i < id.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = id.ptr[i];

		if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return stem;
	}
	return id;
}

static void add(struct walk *walk, const char *path, struct str stem, bool compressed)
{
	struct codex_files *out = &walk->out;

	if (out->count == out->capacity) {
		struct codex_file *items;

		out->capacity = out->capacity * 2 + 64;
		items = arena_zalloc(walk->arena, out->capacity, sizeof(*items));
		if (out->count > 0)
			memcpy(items, out->items, out->count * sizeof(*items));
		out->items = items;
	}
	out->items[out->count++] =
		(struct codex_file){ .path = path, .id = id_of(stem), .compressed = compressed };
}

static void walk_files(struct walk *walk, const char *dir)
{
	struct path_list files = places_list(walk->context, walk->arena, dir, PLACES_FILES, NULL);
	struct str plain = STR("");

	for (size_t i = 0; i < files.count; i++) {
		struct str name = places_name(files.paths[i]);
		bool compressed = str_ends(name, STR(".jsonl.zst"));
		size_t suffix = compressed ? 10 : 6;

		if (!str_starts(name, STR("rollout-")) ||
			(!compressed && !str_ends(name, STR(".jsonl"))))
			continue;
		/* In bytewise order the plain one comes first. */
		if (compressed && str_eq(plain, str_sub(name, 0, name.len - 4)))
			continue;
		if (!compressed)
			plain = name;
		add(walk, files.paths[i], str_sub(name, 8, name.len - 8 - suffix), compressed);
	}
}

static void walk_dates(struct walk *walk, const char *dir, int levels)
{
	struct path_list dirs;

	walk_files(walk, dir);
	if (levels == 0)
		return;
	dirs = places_list(walk->context, walk->arena, dir, PLACES_DIRS, NULL);
	for (size_t i = 0; i < dirs.count; i++)
		walk_dates(walk, dirs.paths[i], levels - 1);
}

static int by_id(const void *a, const void *b)
{
	const struct codex_file *left = a, *right = b;
	int order = str_cmp(left->id, right->id);

	return order ? order : strcmp(left->path, right->path);
}

static struct path_list roots_of(const struct collect_context *context, struct arena *arena)
{
	static const char *const defaults[] = { ".codex", NULL };

	return places_roots(context, arena, "codex", "CODEX_HOME", defaults);
}

struct codex_files codex_walk(const struct collect_context *context, struct arena *arena)
{
	struct walk walk = { .context = context, .arena = arena };
	struct path_list roots = roots_of(context, arena);

	walk.out.roots = roots.count;
	for (size_t i = 0; i < roots.count; i++) {
		walk_dates(&walk, fs_join(arena, roots.paths[i], "sessions"), DATE_LEVELS);
		walk_files(&walk, fs_join(arena, roots.paths[i], "archived_sessions"));
	}
	/* A name of nothing but prefix and suffix has no id: its path is all there is. */
	for (size_t i = 0; i < walk.out.count; i++)
		if (walk.out.items[i].id.len == 0)
			walk.out.items[i].id = str_from(walk.out.items[i].path);
	if (walk.out.count > 1)
		qsort(walk.out.items, walk.out.count, sizeof(*walk.out.items), by_id);
	return walk.out;
}

void codex_places(const struct collect_context *context, struct source_places *places)
{
	struct path_list roots = roots_of(context, places->arena);

	if (roots.count == 0)
		source_place_add(
			places, fs_join(places->arena, context->dirs->home, ".codex"), 0, false);
	for (size_t i = 0; i < roots.count; i++) {
		source_place_add(places, fs_join(places->arena, roots.paths[i], "sessions"),
			DATE_LEVELS, false);
		source_place_add(places,
			fs_join(places->arena, roots.paths[i], "archived_sessions"), 0, false);
	}
}
