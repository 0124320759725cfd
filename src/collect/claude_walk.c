/*
 * Finding Claude Code's transcripts, by an allow-list of places: a root holds credentials and
 * settings too. Depth is bounded at every step and each directory is entered once, so that links
 * may point wherever they like.
 */
#include "collect/claude_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "collect/claude.h"
#include "model/limits.h"

enum {
	SUBAGENT_LEVELS = 4,
	PROJECTS_DEPTH = 2 + SUBAGENT_LEVELS, /* PROJECT/SESSION/subagents and below */
	ENTERED_SLOTS = 1024,
};

struct entered {
	dev_t device;
	ino_t inode;
	struct entered *next;
};

struct walk {
	const struct collect_context *context;
	struct arena *arena;
	struct claude_files *out;
	size_t capacity;
	struct source_places *places; /* set: only the roots are wanted, nothing is walked */
	struct entered *entered[ENTERED_SLOTS];
};

static void add_file(struct walk *walk, const char *path)
{
	struct claude_files *out = walk->out;

	if (out->count == walk->capacity) {
		const char **paths;

		walk->capacity = walk->capacity ? walk->capacity * 2 : 256;
		paths = arena_zalloc(walk->arena, walk->capacity, sizeof(*paths));
		if (out->count > 0)
			memcpy(paths, out->paths, out->count * sizeof(*paths));
		out->paths = paths;
	}
	out->paths[out->count++] = path;
}

/* True the first time a directory is met. */
static bool enter(struct walk *walk, const struct stat *status)
{
	struct entered **slot = &walk->entered[(size_t)status->st_ino % ENTERED_SLOTS];
	struct entered *entry;

	for (entry = *slot; entry; entry = entry->next)
		if (entry->device == status->st_dev && entry->inode == status->st_ino)
			return false;
	entry = arena_alloc(walk->arena, sizeof(*entry));
	*entry = (struct entered){ status->st_dev, status->st_ino, *slot };
	*slot = entry;
	return true;
}

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* NULL when there is none, it cannot be read, or it was entered before. */
static DIR *open_dir(struct walk *walk, const char *path)
{
	DIR *dir = opendir(path);
	struct stat status;

	if (!dir) {
		if (errno != ENOENT && errno != ENOTDIR && walk->context->log)
			log_warn(walk->context->log, "cannot read '%s': %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(dirfd(dir), &status) == 0 && enter(walk, &status))
		return dir;
	closedir(dir);
	return NULL;
}

static bool is_transcript(const struct dirent *entry)
{
	return (entry->d_type == DT_REG || entry->d_type == DT_LNK ||
		       entry->d_type == DT_UNKNOWN) &&
	       str_ends(str_from(entry->d_name), STR(".jsonl")) &&
	       strcmp(entry->d_name, "journal.jsonl") != 0;
}

static bool may_be_dir(const struct dirent *entry)
{
	return (entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
		       entry->d_type == DT_UNKNOWN) &&
	       strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* What is a link may be a link to anything: only a regular file is a transcript. */
static void take_file(struct walk *walk, const char *dir, const struct dirent *entry)
{
	const char *path = fs_join(walk->arena, dir, entry->d_name);
	struct stat status;

	if (entry->d_type == DT_REG || (stat(path, &status) == 0 && S_ISREG(status.st_mode)))
		add_file(walk, path);
}

static void walk_subagents(struct walk *walk, const char *path, int levels)
{
	CLEANUP(close_dirp) DIR *dir = open_dir(walk, path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_transcript(entry))
			take_file(walk, path, entry);
		else if (levels > 1 && may_be_dir(entry))
			walk_subagents(walk, fs_join(walk->arena, path, entry->d_name), levels - 1);
	}
}

static void walk_project(struct walk *walk, const char *path)
{
	CLEANUP(close_dirp) DIR *dir = open_dir(walk, path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *session;

		if (is_transcript(entry)) {
			take_file(walk, path, entry);
		} else if (may_be_dir(entry)) {
			session = fs_join(walk->arena, path, entry->d_name);
			walk_subagents(
				walk, fs_join(walk->arena, session, "subagents"), SUBAGENT_LEVELS);
		}
	}
}

static void walk_projects(struct walk *walk, const char *path)
{
	CLEANUP(close_dirp) DIR *dir = open_dir(walk, path);
	struct dirent *entry;

	walk->out->roots += dir != NULL;
	while (dir && (entry = readdir(dir)))
		if (may_be_dir(entry))
			walk_project(walk, fs_join(walk->arena, path, entry->d_name));
}

static void walk_root(struct walk *walk, const char *root)
{
	struct str path = str_from(root);
	const char *projects;

	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	if (str_ends(path, STR("/projects")))
		projects = arena_cstr(walk->arena, path);
	else
		projects = fs_join(walk->arena, root, "projects");
	if (walk->places)
		source_place_add(walk->places, projects, PROJECTS_DEPTH, false);
	else
		walk_projects(walk, projects);
}

/* $CLAUDE_CONFIG_DIR, if it says anything. */
static bool walk_environment(struct walk *walk)
{
	struct str rest = str_from(getenv("CLAUDE_CONFIG_DIR"));
	bool any = false;

	while (rest.len > 0) {
		struct str entry = str_trim(str_split(&rest, ','));

		if (entry.len > 0)
			walk_root(walk, arena_cstr(walk->arena, entry));
		any |= entry.len > 0;
	}
	return any;
}

static void walk_home(struct walk *walk)
{
	const char *home = walk->context->dirs->home, *config = getenv("XDG_CONFIG_HOME");

	if (!config || config[0] != '/')
		config = fs_join(walk->arena, home, ".config");
	walk_root(walk, fs_join(walk->arena, config, "claude"));
	walk_root(walk, fs_join(walk->arena, home, ".claude"));
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void walk_roots(struct walk *walk)
{
	const char *const *extra = source_roots(walk->context, claude_source.name);

	if (!walk_environment(walk))
		walk_home(walk);
	for (size_t i = 0; extra[i]; i++)
		walk_root(walk, extra[i]);
}

void claude_places(const struct collect_context *context, struct source_places *places)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct walk walk = { .context = context, .arena = &arena, .places = places };

	walk_roots(&walk);
}

struct claude_files claude_walk(const struct collect_context *context, struct arena *arena)
{
	struct claude_files out = { NULL, 0, 0 };
	struct walk walk = { .context = context, .arena = arena, .out = &out };

	walk_roots(&walk);
	if (out.count > 1)
		qsort(out.paths, out.count, sizeof(*out.paths), by_bytes);
	return out;
}

struct str claude_agent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_from(slash ? slash + 1 : path);

	if (!str_starts(name, STR("agent-")) || !str_ends(name, STR(".jsonl")))
		return (struct str){ NULL, 0 };
	return str_sub(name, 6, name.len - 6 - 6);
}
