/* One round of the source Cursor: what its files (cursor.c, cursor_database.c, cursor_files.c)
 * share. */
#ifndef TT_COLLECT_CURSOR_ROUND_H
#define TT_COLLECT_CURSOR_ROUND_H

#include "collect/cursor/cursor.h"
#include "collect/places.h"
#include "collect/tail.h"

#define CURSOR_SOURCE STR("cursor")

struct cursor_known {
	struct str workspace;
	struct str name; /* see cursor_project_name */
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
	bool unlinked; /* a workspace's database was locked: its composers cannot be told */
	bool relinked; /* the workspace of a composer became known in this round */
	int64_t to_read, to_compare; /* bytes of composers, at most, that are read in this round,
				      * because they changed, and to see whether they did */
};

/* USER/workspaceStorage/HASH: which composers belong to its workspace. */
MUST_USE int cursor_collect_workspace(struct cursor_round *round, const char *dir, struct err *err);
/* USER/globalStorage/state.vscdb */
MUST_USE int cursor_collect_database(struct cursor_round *round, const char *path, struct err *err);
/* Of all homes. */
MUST_USE int cursor_collect_transcripts(struct cursor_round *round, struct err *err);
/* How many there are. */
int64_t cursor_count_transcripts(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes);

/* The workspace whose directory below projects/ is NAME: one of those known, or, if DISK, one that
 * is there. Empty when there is none, or several. */
MUST_USE int cursor_find_project(struct cursor_round *round, struct str name, bool disk,
	struct str *workspace, struct err *err);
MUST_USE int cursor_know_project(
	struct cursor_round *round, struct str name, struct str workspace, struct err *err);

#endif
