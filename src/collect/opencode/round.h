/* One round of the source OpenCode: what its files share. */
#ifndef TT_COLLECT_OPENCODE_ROUND_H
#define TT_COLLECT_OPENCODE_ROUND_H

#include "collect/opencode/opencode.h"
#include "collect/places.h"
#include "collect/tail.h"

#define OPENCODE_SOURCE STR("opencode")

struct opencode_round {
	const struct collect_context *context;
	struct source_counts *counts;
	struct agent_round *round;
	struct intake *intake;
	struct tail_set *set;
	struct arena arena;          /* of the round */
	struct path_list roots;      /* such as ~/.local/share/opencode */
	int64_t to_read, to_compare; /* bytes of messages and parts, at most, in this round: of
				      * sessions that changed, and of others, to make sure */
};

/* ROOT/opencode.db or ROOT/opencode-CHANNEL.db */
MUST_USE int opencode_collect_database(
	struct opencode_round *round, const char *path, struct err *err);
/* ROOT/storage */
MUST_USE int opencode_collect_tree(struct opencode_round *round, const char *dir, struct err *err);
/* Files of sessions below ROOT/storage. */
struct path_list opencode_sessions_in(
	const struct collect_context *context, struct arena *arena, const char *dir);

#endif
