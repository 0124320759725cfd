/*
 * Which workspace is meant by a name below ~/.cursor/projects.
 *
 * The names cannot be turned back into paths, so paths are compared with them: those of the
 * workspaces that the editor knows, those that a composer told together with its project's name,
 * and at last the directories that lie on the way the name describes. Two paths of one name are
 * none.
 */
#include "collect/cursor/round.h"

enum { DISK_LEVELS = 24, DISK_DIRS = 4096 };

/* --- memos --- */

static struct str memo_key(struct arena *arena, struct str name)
{
	return arena_printf(arena, "project:%.*s", STR_ARG(name));
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
