/* One round of the source Cursor: what its files share. */
#ifndef TT_COLLECT_CURSOR_ROUND_H
#define TT_COLLECT_CURSOR_ROUND_H

#include "collect/cursor/cursor.h"
#include "collect/places.h"
#include "collect/tail.h"

#define CURSOR_SOURCE STR("cursor")

struct cursor_known {
	struct str workspace;
	struct str name; /* see cursor_project_name */
	struct str hash; /* see cursor_workspace_hash */
};

struct cursor_round {
	const struct collect_context *context;
	struct source_counts *counts;
	struct agent_round *round;
	struct intake *intake;
	struct tail_set *set;
	struct arena arena;     /* of the round */
	struct path_list users; /* an editor's `User` directories */
	struct path_list homes; /* such as ~/.cursor */
	struct cursor_known *known;
	size_t known_count, known_capacity;
	bool unlinked; /* a database was locked, or is not read to its end: what workspace a session
			* has may become known */
	bool relinked; /* the workspace of a composer became known in this round */
	int64_t to_read, to_compare; /* bytes of composers, at most, that are read in this round,
				      * because they changed, and to see whether they did */
};

/* USER/workspaceStorage/HASH: which composers belong to its workspace. */
MUST_USE int cursor_collect_workspace(struct cursor_round *round, const char *dir, struct err *err);
/* Links in ItemTable; those that name no workspace are of WORKSPACE. */
struct foreign_item;
MUST_USE int cursor_keep_links(struct cursor_round *round, const struct foreign_item *items,
	size_t count, struct str workspace, struct err *err);
/* Where COMPOSER was opened, copied into ARENA; empty: nobody said. */
MUST_USE int cursor_get_link(struct cursor_round *round, struct arena *arena, struct str composer,
	struct str *workspace, struct err *err);
/* COMPOSER itself says it. */
MUST_USE int cursor_tell_link(
	struct cursor_round *round, struct str composer, struct str workspace, struct err *err);
/* USER/globalStorage/state.vscdb */
MUST_USE int cursor_collect_database(struct cursor_round *round, const char *path, struct err *err);
/* Of all homes. */
MUST_USE int cursor_collect_transcripts(struct cursor_round *round, struct err *err);
/* How many there are. */
int64_t cursor_count_transcripts(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes);

/* Chats of all homes, and how many there are. */
MUST_USE int cursor_collect_chats(struct cursor_round *round, struct err *err);
int64_t cursor_count_chats(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes);

/* Is it to wait until everything is read, since what has no workspace yet may be of an excluded
 * one? */
bool cursor_must_wait(const struct cursor_round *round);

/* The workspace whose directory below projects/ is NAME: one of those known, or, if DISK, one that
 * is there. Empty when there is none, or several. */
MUST_USE int cursor_find_project(struct cursor_round *round, struct str name, bool disk,
	struct str *workspace, struct err *err);
/* The same of the one whose directory below chats/ is HASH. */
MUST_USE int cursor_find_hashed(struct cursor_round *round, struct str hash, bool disk,
	struct str *workspace, struct err *err);
struct str cursor_workspace_hash(struct arena *arena, struct str workspace);
MUST_USE int cursor_know_project(
	struct cursor_round *round, struct str name, struct str workspace, struct err *err);

#endif
