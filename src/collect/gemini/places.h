/* Which workspace a directory of Gemini's is of. */
#ifndef TT_COLLECT_GEMINI_PLACES_H
#define TT_COLLECT_GEMINI_PLACES_H

#include "base/mem.h"

/*
 * The workspace of the directory NAME below ~/.gemini/tmp, in ARENA: what its own .project_root
 * says (ROOT, its text), else the path to which projects.json (PROJECTS, its text) gives that name.
 * Empty: neither tells.
 */
struct str gemini_workspace(
	struct arena *arena, struct str name, struct str root, struct str projects);

#endif
