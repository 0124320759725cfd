/*
 * Finding tasks: below the directories that editors give these extensions, below Cline's own, and
 * in what the configuration names, which may be any of them. Names are listed; what is opened is
 * told by cline.c.
 */
#include <stdlib.h>

#include "collect/cline/cline.h"

static const struct {
	const char *directory; /* below globalStorage */
	const char *agent;
} extensions[] = {
	{ "saoudrizwan.claude-dev", "cline" },
	{ "saoudrizwan.cline-nightly", "cline" },
	{ "rooveterinaryinc.roo-cline", "roo-code" },
	{ "rooveterinaryinc.roo-code-nightly", "roo-code" },
	{ "kilocode.kilo-code", "kilo-code" },
};

struct walk {
	const struct collect_context *context;
	struct arena *arena;
	struct cline_copies *out;
	struct path_list entered;
};

static void add_copy(struct walk *walk, struct cline_copy copy)
{
	struct cline_copies *out = walk->out;

	if (!fs_exists(copy.main))
		return;
	if (out->count == out->capacity) {
		size_t capacity = out->capacity * 2 + 64;
		struct cline_copy *grown = arena_zalloc(walk->arena, capacity, sizeof(*grown));

		if (out->count > 0)
			memcpy(grown, out->items, out->count * sizeof(*grown));
		out->items = grown;
		out->capacity = capacity;
	}
	out->items[out->count++] = copy;
}

/* Task directories in BASE/tasks; the list of them beside it. AGENT NULL: each directory tells. */
static void walk_tasks(struct walk *walk, const char *base, const char *agent)
{
	struct arena *arena = walk->arena;
	const char *dir = fs_join(arena, base, "tasks");
	const char *history = fs_join(arena, base, "state/taskHistory.json");
	struct path_list tasks;

	if (!path_list_add(&walk->entered, dir))
		return;
	path_list_add(&walk->out->histories, history);
	tasks = places_list(walk->context, arena, dir, PLACES_DIRS, NULL);
	for (size_t i = 0; i < tasks.count; i++) {
		const char *task = tasks.paths[i];
		const char *item = fs_join(arena, task, "history_item.json");

		add_copy(walk, (struct cline_copy){
				       .dir = task,
				       .main = fs_join(arena, task, "ui_messages.json"),
				       .history = history,
				       .agent = agent             ? agent
						: fs_exists(item) ? "roo-code"
								  : "cline",
				       .id = places_name(task),
			       });
	}
}

static void walk_sessions(struct walk *walk, const char *dir)
{
	struct path_list sessions;

	if (!path_list_add(&walk->entered, dir))
		return;
	sessions = places_list(walk->context, walk->arena, dir, PLACES_DIRS, NULL);
	for (size_t i = 0; i < sessions.count; i++) {
		struct str id = places_name(sessions.paths[i]);
		const char *name = arena_printf(walk->arena, "%.*s.messages.json", STR_ARG(id)).ptr;

		add_copy(walk, (struct cline_copy){
				       .dir = sessions.paths[i],
				       .main = fs_join(walk->arena, sessions.paths[i], name),
				       .agent = "cline",
				       .id = id,
				       .session = true,
			       });
	}
}

static void note_dir(struct walk *walk, const char *dir)
{
	path_list_add(&walk->out->dirs, dir);
}

static void walk_user(struct walk *walk, const char *user)
{
	const char *storage = fs_join(walk->arena, user, "globalStorage");

	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		const char *base = fs_join(walk->arena, storage, extensions[i].directory);

		walk_tasks(walk, base, extensions[i].agent);
		note_dir(walk, fs_join(walk->arena, base, "tasks"));
	}
}

/* A directory from environment variable NAME, if it says one. */
static const char *named(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

static void walk_own(struct walk *walk)
{
	struct arena *arena = walk->arena;
	const char *root = named("CLINE_DIR"), *data = named("CLINE_DATA_DIR");
	const char *sessions = named("CLINE_SESSION_DATA_DIR");

	if (!root)
		root = fs_join(arena, walk->context->dirs->home, ".cline");
	if (!data)
		data = fs_join(arena, root, "data");
	if (!sessions)
		sessions = fs_join(arena, data, "sessions");
	walk_tasks(walk, data, "cline");
	walk_sessions(walk, sessions);
	note_dir(walk, fs_join(arena, data, "tasks"));
	note_dir(walk, sessions);
}

/* A root of the configuration: Cline's directory, its data, an extension's, or a place of tasks. */
static void walk_configured(struct walk *walk, const char *root)
{
	const char *data = fs_join(walk->arena, root, "data");

	walk_tasks(walk, root, NULL);
	walk_tasks(walk, data, "cline");
	walk_sessions(walk, fs_join(walk->arena, root, "sessions"));
	walk_sessions(walk, fs_join(walk->arena, data, "sessions"));
	note_dir(walk, fs_join(walk->arena, root, "tasks"));
	note_dir(walk, fs_join(walk->arena, data, "tasks"));
}

static int by_id(const void *a, const void *b)
{
	const struct cline_copy *left = a, *right = b;
	int order = str_cmp(left->id, right->id);

	return order ? order : strcmp(left->dir, right->dir);
}

struct cline_copies cline_walk(const struct collect_context *context, struct arena *arena)
{
	struct cline_copies out = { .histories = path_list(arena), .dirs = path_list(arena) };
	struct walk walk = {
		.context = context, .arena = arena, .out = &out, .entered = path_list(arena)
	};
	struct path_list users = places_vscode_users(context, arena, cline_source.name);
	struct path_list roots = places_roots(context, arena, cline_source.name, NULL, NULL);

	for (size_t i = 0; i < users.count; i++)
		walk_user(&walk, users.paths[i]);
	walk_own(&walk);
	for (size_t i = 0; i < roots.count; i++)
		walk_configured(&walk, roots.paths[i]);
	if (out.count > 1)
		qsort(out.items, out.count, sizeof(*out.items), by_id);
	return out;
}
