/* Where Codex CLI's rollouts are. */
#ifndef TT_COLLECT_CODEX_WALK_H
#define TT_COLLECT_CODEX_WALK_H

#include "collect/source.h"

struct codex_file {
	const char *path;
	struct str id; /* of the session, as the name has it; never empty */
	bool compressed;
	bool done;    /* for the caller, */
	int64_t todo; /* and this */
};
struct codex_files {
	struct codex_file *items;
	size_t count, capacity;
	size_t roots; /* directories that exist */
};

/* All rollouts, ordered by session id, which is the order they began in, and path. A compressed one
 * that stands beside its plain form is left out. Everything in the arena. */
struct codex_files codex_walk(const struct collect_context *context, struct arena *arena);
void codex_places(const struct collect_context *context, struct source_places *places);

#endif
