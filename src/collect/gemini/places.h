/* Which workspace a directory of Gemini's is of. */
#ifndef TT_COLLECT_GEMINI_PLACES_H
#define TT_COLLECT_GEMINI_PLACES_H

#include "collect/source.h"

/* What is known of the directories below one ~/.gemini/tmp. */
struct gemini_known {
	struct str projects; /* the text of projects.json; empty: there is none */
	/* What may be workspaces: the home directory, what any .project_root says. */
	const struct str *paths;
	size_t count;
};

/*
 * The workspace of the directory NAME, in ARENA: what its own .project_root says (ROOT, its text),
 * else the path to which projects.json gives that name, else the one of all paths that are KNOWN
 * whose SHA-256 the name is: so older releases named directories. Empty: nothing tells.
 */
struct str gemini_workspace(
	struct arena *arena, struct str name, struct str root, const struct gemini_known *known);
/* The directory above FILE, a view of it, whose SHA-256 is NAME; empty: none. */
struct str gemini_workspace_above(struct str name, struct str file);
/* Does TEXT, of a projects.json or a .project_root, name a workspace that is excluded? */
bool gemini_names_excluded(const struct collect_context *context, struct str text);

#endif
