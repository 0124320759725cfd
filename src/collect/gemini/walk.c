/*
 * Finding chats: `tmp/{project}/chats` below each root, and directories of sub-agents there. Opened
 * are projects.json and each project's .project_root. An unchanged one is not: what it says stands
 * in its cursor, unless it names a workspace that is excluded, of which nothing is kept.
 */
#include "collect/gemini/walk.h"

#include "base/utf8.h"
#include "collect/doc.h"
#include "collect/gemini/places.h"
#include "collect/places.h"

/* A directory below tmp. */
struct project {
	const char *path;
	struct str root; /* the text of its .project_root; empty: none */
	struct str cwd;
};

/* $GEMINI_CLI_HOME is a home directory; what the configuration names may be one, or the directory
 * itself. */
static struct path_list roots_of(const struct collect_context *context, struct arena *arena)
{
	static const char *const defaults[] = { ".gemini", NULL };
	struct path_list list = places_roots(context, arena, "gemini", "GEMINI_CLI_HOME", defaults);
	struct path_list out = path_list(arena);

	for (size_t i = 0; i < list.count; i++) {
		const char *inner = fs_join(arena, list.paths[i], ".gemini");

		path_list_add(&out, fs_exists(inner) ? inner : list.paths[i]);
	}
	return out;
}

/* --- chats --- */

static void add_file(struct gemini_walk *walk, const char *path, struct str parent,
	const struct project *project)
{
	struct gemini_file *grown;

	if (walk->count == walk->capacity) {
		walk->capacity = walk->capacity * 2 + 64;
		grown = arena_zalloc(&walk->arena, walk->capacity, sizeof(*grown));
		if (walk->count > 0)
			memcpy(grown, walk->files, walk->count * sizeof(*grown));
		walk->files = grown;
	}
	walk->files[walk->count++] = (struct gemini_file){
		.path = path,
		.parent = parent,
		.project = places_name(project->path),
		.cwd = project->cwd,
		.lines = str_ends(str_from(path), STR(".jsonl")),
	};
}

static void walk_chats(struct gemini_walk *walk, const struct project *project)
{
	static const char *const suffixes[] = { ".json", ".jsonl" };
	const char *chats = fs_join(&walk->arena, project->path, "chats");
	struct path_list dirs = places_list(walk->context, &walk->arena, chats, PLACES_DIRS, NULL);

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct path_list own =
			places_list(walk->context, &walk->arena, chats, PLACES_FILES, suffixes[i]);

		for (size_t j = 0; j < own.count; j++)
			if (str_starts(places_name(own.paths[j]), STR("session-")))
				add_file(walk, own.paths[j], (struct str){ NULL, 0 }, project);
		for (size_t d = 0; d < dirs.count; d++) {
			struct path_list inner = places_list(walk->context, &walk->arena,
				dirs.paths[d], PLACES_FILES, suffixes[i]);

			for (size_t j = 0; j < inner.count; j++)
				add_file(walk, inner.paths[j], places_name(dirs.paths[d]), project);
		}
	}
}

/* --- workspaces --- */

/* The text of a small file; empty: none. */
static int small_text(struct gemini_walk *walk, const char *path, struct str *text, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	struct err fault;
	bool unchanged;

	*text = (struct str){ NULL, 0 };
	if (!walk->set || !fs_exists(path))
		return 0;
	unchanged = doc_unchanged(walk->set, path);
	if (unchanged && doc_state(walk->set, path).len > 0) {
		*text = doc_state(walk->set, path);
		return 0;
	}
	if (doc_read(&doc, path, &fault) < 0) {
		log_debug(walk->context->log, "%s", fault.message);
		return 0;
	}
	utf8_add_clean(&clean, buf_str(&doc.bytes));
	*text = arena_str(&walk->arena, buf_str(&clean));
	if (unchanged)
		return 0;
	return doc_save(&doc, walk->set, walk->intake, doc.cursor.size,
		gemini_names_excluded(walk->context, *text) ? STR("") : *text, err);
}

/* What the files of ROOT and of the COUNT projects below it say. */
static int read_known(struct gemini_walk *walk, const char *root, struct project *projects,
	size_t count, struct gemini_known *known, struct err *err)
{
	struct str *paths = arena_zalloc(&walk->arena, count + 1, sizeof(*paths));

	*known = (struct gemini_known){ .paths = paths };
	if (small_text(walk, fs_join(&walk->arena, root, "projects.json"), &known->projects, err) <
		0)
		return err->code;
	paths[known->count++] = str_from(walk->context->dirs->home);
	for (size_t i = 0; i < count; i++) {
		const char *file = fs_join(&walk->arena, projects[i].path, ".project_root");

		if (small_text(walk, file, &projects[i].root, err) < 0)
			return err->code;
		if (projects[i].root.len > 0)
			paths[known->count++] = str_trim(projects[i].root);
	}
	return 0;
}

static int walk_root(struct gemini_walk *walk, const char *root, struct err *err)
{
	struct arena *arena = &walk->arena;
	struct path_list dirs =
		places_list(walk->context, arena, fs_join(arena, root, "tmp"), PLACES_DIRS, NULL);
	struct project *projects = arena_zalloc(arena, dirs.count + 1, sizeof(*projects));
	struct gemini_known known;

	for (size_t i = 0; i < dirs.count; i++)
		projects[i].path = dirs.paths[i];
	if (read_known(walk, root, projects, dirs.count, &known, err) < 0)
		return err->code;
	for (size_t i = 0; i < dirs.count; i++) {
		projects[i].cwd = gemini_workspace(
			arena, places_name(projects[i].path), projects[i].root, &known);
		walk_chats(walk, &projects[i]);
	}
	return 0;
}

int gemini_walk(struct gemini_walk *walk, struct err *err)
{
	struct path_list roots = roots_of(walk->context, &walk->arena);

	walk->roots = roots.count;
	for (size_t i = 0; i < roots.count; i++)
		if (walk_root(walk, roots.paths[i], err) < 0)
			return err->code;
	return 0;
}

void gemini_places(const struct collect_context *context, struct source_places *places)
{
	struct path_list roots = roots_of(context, places->arena);

	for (size_t i = 0; i < roots.count; i++)
		source_place_add(places, fs_join(places->arena, roots.paths[i], "tmp"), 3, false);
	if (roots.count == 0)
		source_place_add(places, fs_join(places->arena, context->dirs->home, ".gemini/tmp"),
			3, false);
}
