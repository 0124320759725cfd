/* Where Gemini CLI's chats are. */
#ifndef TT_COLLECT_GEMINI_WALK_H
#define TT_COLLECT_GEMINI_WALK_H

#include "collect/source.h"
#include "collect/tail.h"

struct gemini_file {
	const char *path;
	struct str project; /* the name of its directory */
	struct str parent;  /* of a sub-agent's chat: the name of its directory */
	struct str cwd;     /* its project's; empty: unknown */
	bool lines;         /* a .jsonl */
	/* For the caller: */
	struct str session;
	bool changed;
};

struct gemini_walk {
	const struct collect_context *context;
	struct tail_set *set; /* of the source; NULL: nobody asks for workspaces */
	struct intake *intake;
	struct arena arena; /* of all that is found */
	size_t roots;       /* directories that exist */
	struct gemini_file *files;
	size_t count, capacity;
};

/* All chats. Small files that tell the workspaces of projects are read when they have changed, and
 * what they say is kept with their cursors. WALK's arena is released by the caller. */
MUST_USE int gemini_walk(struct gemini_walk *walk, struct err *err);
void gemini_places(const struct collect_context *context, struct source_places *places);

#endif
