/*
 * The project a directory belongs to, found by reading .git or .jj up the tree: never a child
 * process, within a small budget of reads, so that the hook stays fast.
 */
#ifndef TT_COLLECT_PROJECT_H
#define TT_COLLECT_PROJECT_H

#include "base/mem.h"

struct project {
	struct str name; /* git_project: last component of the origin URL without .git, else the
			    repository's directory; empty: none */
	struct str workspace; /* git_workspace: name of the working tree's top directory (a
				 worktree's own), or jj workspace; empty: none */
};

/*
 * Look from CWD upwards (at most LIMIT_PROJECT_LEVELS directories and 64 KiB of configuration).
 * Worktrees (`.git` file, gitdir:, commondir) and submodules are understood; `.jj` repositories by
 * their git store. Nothing found, or unreadable: empty names.
 */
struct project project_find(struct arena *arena, const char *cwd);
/* The project's name of a remote URL: `https://h/u/acme.git`, `git@h:u/acme.git`, `git@h:acme.git`,
 * `ssh://h/u/acme/` are all acme. */
struct str project_of_url(struct str url);
/*
 * The URL of remote "origin" in a git configuration's TEXT (sections, subsections, quoting,
 * continuation lines, comments; includes are not followed). Empty when absent.
 */
struct str project_origin_url(struct str text, struct arena *arena);

#endif
