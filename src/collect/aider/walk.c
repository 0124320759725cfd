/*
 * Finding chat histories. Nothing registers them, so they are looked for by name in the directories
 * where they may be: those that the configuration names and three levels below each, where agents
 * have worked and the directories above, and the first levels of the home directory. A look at a
 * directory lists names; only the histories themselves are ever opened. A repository is not walked
 * into: its history is at its top. Looking below the home directory costs thousands of calls of the
 * system, so a daemon does that now and then only (known.c).
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/hash.h"
#include "collect/aider/aider.h"
#include "model/limits.h"

#define CHAT_NAME ".aider.chat.history.md"
#define INPUT_NAME ".aider.input.history"

enum { WALK_LEVELS = 3, MOST_DIRS = 10000 };

struct walk {
	const struct collect_context *context;
	struct arena *arena;
	struct aider_files found; /* some of them perhaps by several ways */
	const char *relative; /* a history's name that the environment gives besides CHAT_NAME */
	struct str *looked;   /* a hash table of directories */
	size_t looked_count, looked_slots;
	dev_t device; /* of the root that is being walked */
	int dirs;     /* walked below it */
};

void aider_files_add(struct aider_files *files, struct arena *arena, struct aider_file file)
{
	if (files->count == files->capacity) {
		size_t capacity = files->capacity * 2 + 16;
		struct aider_file *grown = arena_zalloc(arena, capacity, sizeof(*grown));

		if (files->count > 0)
			memcpy(grown, files->items, files->count * sizeof(*grown));
		files->items = grown;
		files->capacity = capacity;
	}
	files->items[files->count++] = file;
}

static void add_file(struct walk *walk, const char *path, struct str workspace)
{
	struct aider_file file = { .path = path, .workspace = workspace };
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) ||
		collect_excluded(walk->context, workspace))
		return;
	file.name = aider_own_name(&file);
	aider_files_add(&walk->found, walk->arena, file);
}

/* True the first time DIR is asked for. */
static bool first_look(struct walk *walk, struct str dir)
{
	size_t at;

	if (walk->looked_count * 2 >= walk->looked_slots) {
		size_t slots = walk->looked_slots ? walk->looked_slots * 2 : 256;
		struct str *old = walk->looked;
		size_t old_slots = walk->looked_slots;

		walk->looked = arena_zalloc(walk->arena, slots, sizeof(*old));
		walk->looked_slots = slots;
		walk->looked_count = 0;
		for (size_t i = 0; i < old_slots; i++)
			if (old[i].len > 0)
				first_look(walk, old[i]);
	}
	for (at = (size_t)hash64(dir, 0);; at++) {
		struct str *slot = &walk->looked[at & (walk->looked_slots - 1)];

		if (slot->len == 0) {
			*slot = dir;
			walk->looked_count++;
			return true;
		}
		if (str_eq(*slot, dir))
			return false;
	}
}

/* A history is known by the directory without links, whatever way led to it. */
static void look_in(struct walk *walk, const char *dir)
{
	const char *names[] = { CHAT_NAME, walk->relative };

	for (size_t i = 0; i < ARRAY_LEN(names) && names[i]; i++) {
		const char *path = fs_join(walk->arena, dir, names[i]);
		char resolved[PATH_MAX];
		struct str workspace;

		if (!fs_exists(path) || !realpath(dir, resolved))
			continue;
		workspace = arena_str(walk->arena, str_from(resolved));
		add_file(walk, fs_join(walk->arena, workspace.ptr, names[i]), workspace);
	}
}

/* --- below a directory --- */

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_walked(const struct walk *walk, const char *path, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0 ||
		(entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
		return false;
	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
	       status.st_dev == walk->device;
}

static void walk_below(struct walk *walk, const char *path, int levels)
{
	CLEANUP(close_dirp) DIR *dir = NULL;
	struct dirent *entry;

	if (first_look(walk, arena_str(walk->arena, str_from(path))))
		look_in(walk, path);
	if (levels == 0 || walk->dirs++ >= MOST_DIRS ||
		(levels < WALK_LEVELS && fs_exists(fs_join(walk->arena, path, ".git"))))
		return;
	dir = opendir(path);
	if (!dir && errno != ENOENT && errno != EACCES)
		log_warn(walk->context->log, "cannot read '%s': %s", path, strerror(errno));
	while (dir && (entry = readdir(dir))) {
		const char *below = fs_join(walk->arena, path, entry->d_name);

		if (is_walked(walk, below, entry))
			walk_below(walk, below, levels - 1);
	}
}

static void walk_root(struct walk *walk, const char *root)
{
	struct stat status;

	if (stat(root, &status) < 0 || !S_ISDIR(status.st_mode))
		return;
	walk->device = status.st_dev;
	walk->dirs = 0;
	walk_below(walk, root, WALK_LEVELS);
	if (walk->dirs > MOST_DIRS)
		log_debug(walk->context->log, "'%s' has too many directories to look into", root);
}

/* --- where agents have worked --- */

/* DIR and those above it, up to the home directory or the root. */
static void look_upwards(struct walk *walk, struct str dir)
{
	struct str home = str_from(walk->context->dirs->home);

	for (int i = 0; i < LIMIT_PROJECT_LEVELS && dir.len > 1 && !str_eq(dir, home); i++) {
		struct str copy = arena_str(walk->arena, dir);

		if (!first_look(walk, copy))
			return;
		look_in(walk, copy.ptr);
		while (dir.len > 0 && dir.ptr[--dir.len] != '/')
			;
	}
}

static int look_where_agents_worked(struct walk *walk, struct err *err)
{
	const struct event_filter filter = {
		.machine_id = walk->context->machine->id,
		.type = STR("agent_session"),
	};
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct json_parser parser = { 0 };
	struct stored_event stored;
	int rc;

	if (event_scan_open(&scan, walk->context->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &stored, err)) > 0) {
		const struct json *data;
		struct err ignored;
		struct str cwd;

		if (json_parse(&parser, stored.event.data, true, &data, &ignored) < 0)
			continue;
		cwd = json_get_str(data, "cwd");
		if (str_starts(cwd, STR("/")) && cwd.len < PATH_MAX && str_find(cwd, '\0', 0) < 0)
			look_upwards(walk, cwd);
	}
	json_parser_release(&parser);
	return rc;
}

/* --- all of them --- */

/* A history that the environment names: one for all workspaces, or one in each. */
static void look_at_environment(struct walk *walk)
{
	const char *name = getenv("AIDER_CHAT_HISTORY_FILE");
	char resolved[PATH_MAX];
	struct str dir;

	if (!name || !name[0])
		return;
	if (name[0] != '/') {
		walk->relative = name;
		return;
	}
	if (!realpath(name, resolved))
		return;
	dir = str_from(resolved);
	while (dir.len > 1 && dir.ptr[dir.len - 1] != '/')
		dir.len--;
	dir = arena_str(walk->arena, str_sub(dir, 0, dir.len > 1 ? dir.len - 1 : 1));
	if (!fs_exists(fs_join(walk->arena, dir.ptr, ".git")))
		dir = (struct str){ NULL, 0 };
	add_file(walk, arena_cstr(walk->arena, str_from(resolved)), dir);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct aider_file *)a)->path, ((const struct aider_file *)b)->path);
}

/* Below what the configuration names, and below the home directory. */
static void look_far(struct walk *walk)
{
	struct path_list roots =
		places_roots(walk->context, walk->arena, aider_source.name, NULL, NULL);

	for (size_t i = 0; i < roots.count; i++)
		walk_root(walk, roots.paths[i]);
	walk_root(walk, walk->context->dirs->home);
}

static bool is_link(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

/* Of one that several ways lead to the first path without a link, whichever way was found first. */
static void keep_each_once(struct walk *walk, struct aider_files *out)
{
	struct path_list kept = path_list(walk->arena);
	struct aider_files *found = &walk->found;

	if (found->count > 1)
		qsort(found->items, found->count, sizeof(*found->items), by_path);
	for (int links = 0; links < 2; links++)
		for (size_t i = 0; i < found->count; i++)
			if (is_link(found->items[i].path) == (links == 1) &&
				path_list_add(&kept, found->items[i].path))
				aider_files_add(out, walk->arena, found->items[i]);
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items), by_path);
}

int aider_walk(const struct collect_context *context, struct arena *arena,
	const struct aider_files *known, bool far, struct aider_files *out, struct err *err)
{
	struct walk walk = { .context = context, .arena = arena };

	*out = (struct aider_files){ 0 };
	look_at_environment(&walk);
	if (far)
		look_far(&walk);
	for (size_t i = 0; !far && i < known->count; i++)
		add_file(&walk, known->items[i].path, known->items[i].workspace);
	if (look_where_agents_worked(&walk, err) < 0)
		return err->code;
	keep_each_once(&walk, out);
	return 0;
}

const char *aider_input_path(struct arena *arena, const char *chat, struct str workspace)
{
	const char *name = getenv("AIDER_INPUT_HISTORY_FILE");
	struct str dir = workspace;

	if (name && name[0] == '/')
		return name;
	if (dir.len == 0)
		dir = (struct str){ chat, (size_t)(strrchr(chat, '/') - chat) };
	return fs_join(arena, arena_cstr(arena, dir), name && name[0] ? name : INPUT_NAME);
}
