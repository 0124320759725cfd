/*
 * A directory that people name, and whether an event happened in it or below. Paths are compared by
 * components: `~/work/shop` holds neither `~/work/shop front` nor `~/work/shop2`.
 *
 * A remote workspace is written `ssh-remote+host:/path`: another world, which holds no local path
 * and is held by none.
 */
#ifndef TT_QUERY_WORKSPACE_H
#define TT_QUERY_WORKSPACE_H

#include "base/err.h"
#include "base/mem.h"

struct workspace;

/*
 * TEXT as it was typed: `~` at the start is HOME, a relative path is below CWD (both absolute; CWD
 * may be empty when there is none), `.`, `..` and slashes at the end are understood. Where
 * symbolic links lead is matched as well as what was typed. ERR_USAGE: empty, `~user`.
 */
MUST_USE int workspace_make(struct workspace **out, struct arena *arena, struct str text,
	struct str home, struct str cwd, struct err *err);
/*
 * Is PATH, the directory of an event, in it? Empty: no. HERE: the path is of this machine, and
 * where its links lead may be looked up.
 */
bool workspace_has(const struct workspace *workspace, struct str path, bool here);

#endif
