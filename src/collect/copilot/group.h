/* The files of one session, and which of what they say is given. */
#ifndef TT_COLLECT_COPILOT_GROUP_H
#define TT_COLLECT_COPILOT_GROUP_H

#include "collect/copilot/copilot.h"
#include "collect/tail.h"

struct copilot_stored {
	const char *path;
	const char *home; /* the directory whose workspace.json it belongs to; NULL: no workspace */
	copilot_reader *read;
	struct str session; /* empty: not known yet */
	bool changed;       /* since it was read last */
	int64_t bytes;
};

struct copilot_round {
	const struct collect_context *context;
	struct source_counts *counts;
	struct tail_set *set;
	struct agent_round *round;
	struct arena arena;
};

/*
 * Read all FILES of a session, ordered by path, and give what is best of it. Files that cannot be
 * read are counted as failed; when one is just being written the session waits for the next round.
 * < 0 only for failures of the store.
 */
MUST_USE int copilot_take_group(struct copilot_round *round, const struct copilot_stored *files,
	size_t count, struct err *err);
/* The session that FILE's content names, in ARENA; empty: none, or it cannot be read. */
struct str copilot_find_session(struct arena *arena, const struct copilot_stored *file);
/* The workspace of directory HOME, by its workspace.json, in ARENA; empty: unknown. */
struct str copilot_workspace(struct arena *arena, const char *home);

#endif
