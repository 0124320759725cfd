/*
 * Finding Claude Code's transcripts, by an allow-list of places: a root holds credentials and
 * settings too. Depth is bounded at every step and each directory is entered once, so that links
 * may point wherever they like.
 */
#include "collect/claude/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "collect/claude/claude.h"
#include "collect/places.h"

enum {
	SUBAGENT_LEVELS = 4,
	PROJECT_LEVELS = 2 + SUBAGENT_LEVELS, /* below `projects`: PROJECT/SESSION/subagents/… */
	LOCAL_LEVELS = 8,
	LOCAL_DIRS = 20000, /* people's files lie among them */
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
	struct entered *entered[ENTERED_SLOTS];
};

struct path_names {
	const char **names;
	size_t count;
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

/* The `projects` of ROOT. */
static const char *projects_of(struct arena *arena, const char *root)
{
	struct str path = str_from(root);

	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	if (str_ends(path, STR("/projects")))
		return arena_cstr(arena, path);
	return fs_join(arena, root, "projects");
}

/*
 * Every `projects` below PATH is one of an agent that the desktop program started. Links are not
 * followed here: what an agent works on lies beside it.
 */
static void walk_local(struct walk *walk, const char *path, int levels, int *dirs)
{
	CLEANUP(close_dirp) DIR *dir = open_dir(walk, path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && *dirs > 0) {
		const char *below;

		if (entry->d_type != DT_DIR || !may_be_dir(entry))
			continue;
		--*dirs;
		below = fs_join(walk->arena, path, entry->d_name);
		if (strcmp(entry->d_name, "projects") == 0)
			walk_projects(walk, below);
		else if (levels > 1)
			walk_local(walk, below, levels - 1, dirs);
	}
}

static const char *local_root(const struct collect_context *context, struct arena *arena)
{
	return fs_join(
		arena, places_config_home(context, arena), "Claude/local-agent-mode-sessions");
}

/* `projects` directories that there are or may be: of $CLAUDE_CONFIG_DIR, if it says anything, or
 * else of the home directory; and of the configuration. */
static struct path_names root_names(const struct collect_context *context, struct arena *arena)
{
	struct str rest = str_from(getenv("CLAUDE_CONFIG_DIR"));
	const char *const *extra = source_roots(context, claude_source.name);
	struct path_names out = { NULL, 0 };
	size_t most = 2;

	for (size_t i = 0; i < rest.len; i++)
		most += rest.ptr[i] == ',';
	for (size_t i = 0; extra[i]; i++)
		most++;
	out.names = arena_zalloc(arena, most, sizeof(*out.names));
	while (rest.len > 0) {
		struct str entry = str_trim(str_split(&rest, ','));

		if (entry.len > 0)
			out.names[out.count++] = projects_of(arena, arena_cstr(arena, entry));
	}
	if (out.count == 0) {
		const char *config = getenv("XDG_CONFIG_HOME");

		if (!config || config[0] != '/')
			config = fs_join(arena, context->dirs->home, ".config");
		out.names[out.count++] = projects_of(arena, fs_join(arena, config, "claude"));
		out.names[out.count++] =
			projects_of(arena, fs_join(arena, context->dirs->home, ".claude"));
	}
	for (size_t i = 0; extra[i]; i++)
		out.names[out.count++] = projects_of(arena, extra[i]);
	return out;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct claude_files claude_walk(const struct collect_context *context, struct arena *arena)
{
	struct claude_files out = { NULL, 0, 0 };
	struct walk walk = { .context = context, .arena = arena, .out = &out };
	struct path_names roots = root_names(context, arena);
	int dirs = LOCAL_DIRS;

	for (size_t i = 0; i < roots.count; i++)
		walk_projects(&walk, roots.names[i]);
	walk_local(&walk, local_root(context, arena), LOCAL_LEVELS, &dirs);
	if (dirs == 0)
		log_warn(context->log,
			"more than %d directories below '%s': not all were looked at", LOCAL_DIRS,
			local_root(context, arena));
	if (out.count > 1)
		qsort(out.paths, out.count, sizeof(*out.paths), by_bytes);
	return out;
}

void claude_places(const struct collect_context *context, struct source_places *places)
{
	struct path_names roots = root_names(context, places->arena);

	for (size_t i = 0; i < roots.count; i++)
		source_place_add(places, roots.names[i], PROJECT_LEVELS, false);
	source_place_add(
		places, local_root(context, places->arena), LOCAL_LEVELS + PROJECT_LEVELS, false);
}

struct str claude_agent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_from(slash ? slash + 1 : path);

	if (!str_starts(name, STR("agent-")) || !str_ends(name, STR(".jsonl")))
		return (struct str){ NULL, 0 };
	return str_sub(name, 6, name.len - 6 - 6);
}
