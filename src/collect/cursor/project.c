/*
 * Which workspace is meant by a name below ~/.cursor/projects.
 *
 * The names cannot be turned back into paths, so paths are compared with them: those of the
 * workspaces that the editor knows, those that a composer told together with its project's name,
 * and at last the directories that lie on the way the name describes. Two paths of one name are
 * none. Chats are filed under a hash of the path, with which the same paths are compared.
 *
 * Memos: `project:NAME` the workspace, empty when there are several; `md5:HASH` the workspace.
 */
#include "base/hash.h"
#include "collect/cursor/md5.h"
#include "collect/cursor/round.h"

enum { DISK_LEVELS = 24, DISK_DIRS = 4096 };

/* --- memos --- */

static struct str memo_key(struct arena *arena, struct str name)
{
	return arena_printf(arena, "project:%.*s", STR_ARG(name));
}

static struct str hash_key(struct arena *arena, struct str hash)
{
	return arena_printf(arena, "md5:%.*s", STR_ARG(hash));
}

struct str cursor_workspace_hash(struct arena *arena, struct str workspace)
{
	uint8_t hash[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];

	cursor_md5(workspace, hash);
	hash_hex(hash, MD5_BYTES, hex);
	return arena_str(arena, str_from(hex));
}

static int know_hash(struct cursor_round *round, struct str workspace, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str key = hash_key(&arena, cursor_workspace_hash(&arena, workspace)), known;
	bool found;

	if (intake_memo_get(round->intake, CURSOR_SOURCE, key, &arena, &known, &found, err) < 0)
		return err->code;
	return found ? 0 : intake_memo_put(round->intake, CURSOR_SOURCE, key, workspace, err);
}

int cursor_know_project(
	struct cursor_round *round, struct str name, struct str workspace, struct err *err)
{
	struct str key = memo_key(&round->arena, cursor_project_name(&round->arena, name)), known;
	bool found;

	if (name.len == 0 || workspace.len == 0)
		return 0;
	if (intake_memo_get(round->intake, CURSOR_SOURCE, key, &round->arena, &known, &found, err) <
		0)
		return err->code;
	if (found && str_eq(known, workspace))
		return 0;
	if (know_hash(round, workspace, err) < 0)
		return err->code;
	/* Two paths of one name: which one is meant cannot be said any more. */
	return intake_memo_put(
		round->intake, CURSOR_SOURCE, key, found ? (struct str){ "", 0 } : workspace, err);
}

/* --- directories --- */

struct search {
	struct collect_context context;
	struct arena arena;
	struct str found;
	int matches;
	int dirs;
};

/* Directories below DIR whose names make up REST. */
static void search_below(struct search *search, const char *dir, struct str rest, int level)
{
	struct path_list list;

	if (level == DISK_LEVELS || ++search->dirs > DISK_DIRS || search->matches > 1)
		return;
	list = places_list(&search->context, &search->arena, dir, PLACES_DIRS, NULL);
	for (size_t i = 0; i < list.count; i++) {
		struct str name = cursor_project_name(&search->arena, places_name(list.paths[i]));

		if (name.len == 0 || !str_starts(rest, name))
			continue;
		if (name.len == rest.len) {
			search->matches++;
			search->found = str_from(list.paths[i]);
		} else if (rest.ptr[name.len] == '-') {
			search_below(search, list.paths[i], str_sub(rest, name.len + 1, rest.len),
				level + 1);
		}
	}
}

static struct str search_disk(struct cursor_round *round, struct str name)
{
	struct search search = { .context = *round->context };
	struct str out = { NULL, 0 };

	search.context.log = NULL; /* a directory that may not be read is not on our way */
	search_below(&search, "/", name, 0);
	if (search.matches == 1 && search.dirs <= DISK_DIRS)
		out = places_workspace_of_uri(&round->arena, search.found);
	arena_release(&search.arena);
	return out;
}

int cursor_find_project(struct cursor_round *round, struct str name, bool disk,
	struct str *workspace, struct err *err)
{
	struct str plain = cursor_project_name(&round->arena, name);
	bool found;

	*workspace = (struct str){ NULL, 0 };
	if (plain.len == 0)
		return 0;
	for (size_t i = 0; i < round->known_count; i++) {
		const struct cursor_known *known = &round->known[i];

		if (!str_eq(known->name, plain) || str_eq(known->workspace, *workspace))
			continue;
		if (workspace->len > 0) {
			*workspace = (struct str){ NULL, 0 };
			return 0;
		}
		*workspace = known->workspace;
	}
	if (workspace->len > 0)
		return 0;
	if (intake_memo_get(round->intake, CURSOR_SOURCE, memo_key(&round->arena, plain),
		    &round->arena, workspace, &found, err) < 0)
		return err->code;
	if (!found && disk)
		*workspace = search_disk(round, plain);
	return 0;
}

/* One of the projects of this machine, whose names are what is left of their paths. */
static int search_projects(
	struct cursor_round *round, struct str hash, struct str *workspace, struct err *err)
{
	struct arena *arena = &round->arena;

	for (size_t i = 0; i < round->homes.count; i++) {
		struct path_list projects = places_list(round->context, arena,
			fs_join(arena, round->homes.paths[i], "projects"), PLACES_DIRS, NULL);

		for (size_t j = 0; j < projects.count; j++) {
			struct str name = places_name(projects.paths[j]), path;

			if (cursor_find_project(round, name, true, &path, err) < 0)
				return err->code;
			if (path.len == 0 || !str_eq(cursor_workspace_hash(arena, path), hash))
				continue;
			*workspace = path;
			return cursor_know_project(round, name, path, err);
		}
	}
	return 0;
}

int cursor_find_hashed(struct cursor_round *round, struct str hash, bool disk,
	struct str *workspace, struct err *err)
{
	bool found;

	*workspace = (struct str){ NULL, 0 };
	for (size_t i = 0; i < round->known_count; i++)
		if (str_eq(round->known[i].hash, hash)) {
			*workspace = round->known[i].workspace;
			return 0;
		}
	if (intake_memo_get(round->intake, CURSOR_SOURCE, hash_key(&round->arena, hash),
		    &round->arena, workspace, &found, err) < 0)
		return err->code;
	return found || !disk ? 0 : search_projects(round, hash, workspace, err);
}
