/* Where Claude Code keeps its transcripts, and which files there are transcripts. Nothing else
 * below a root is ever opened. */
#ifndef TT_COLLECT_CLAUDE_WALK_H
#define TT_COLLECT_CLAUDE_WALK_H

#include "collect/source.h"

struct claude_files {
	const char **paths; /* ordered bytewise */
	size_t count;
	size_t roots; /* `projects` directories that exist */
};

/*
 * All transcripts of this user. Roots: $CLAUDE_CONFIG_DIR (a comma list; entries may end in
 * `projects`), else ~/.config/claude and ~/.claude; those of the configuration; and those that the
 * desktop program makes for its agents (CONFIG/Claude/local-agent-mode-sessions, up to 8 levels
 * down). In each: projects/PROJECT/SESSION.jsonl and, below projects/PROJECT/SESSION/subagents,
 * every *.jsonl but journal.jsonl. A directory reached twice (links) is walked once. What cannot be
 * read is skipped and logged.
 */
struct claude_files claude_walk(const struct collect_context *context, struct arena *arena);
/* Where they may come to be. */
void claude_places(const struct collect_context *context, struct source_places *places);

/* The agent's id if PATH is a sub-agent's transcript (agent-ID.jsonl), else empty. */
struct str claude_agent_of(const char *path);

#endif
