/*
 * GitHub Copilot Chat in VS Code: the source, and its parsers, which know no files, store or clock.
 *
 * A session is in up to three stores: a document (chatSessions/ID.json, rewritten whole), a log of
 * changes to such a document (ID.jsonl), and the extension's transcript (transcripts/ID.jsonl,
 * typed events).
 */
#ifndef TT_COLLECT_COPILOT_H
#define TT_COLLECT_COPILOT_H

#include "collect/agent.h"

extern const struct source copilot_source;

#define COPILOT_AGENT "copilot-vscode"

/* How much of its session a file holds. */
struct copilot_extent {
	int64_t prompts;  /* requests of a document, prompts of a transcript */
	int64_t last_ns;  /* of the last of them; INT64_MIN: unknown */
	int64_t dated_ns; /* when the document says it was last used, else last_ns */
	int64_t unknown;  /* lines of an unknown kind: those of a log vanish when it is compacted */
	size_t taken; /* bytes that were understood; what follows waits for the rest of its line */
};

/*
 * Read BYTES, the content of PATH, into SESSION (its id is filled in when it is empty). Strings are
 * copied into the session's arena. False: no state could be had (nothing, half a document, no
 * session at all); what is wrong and will stay so is in the session's bad list.
 */
typedef bool copilot_reader(struct str bytes, struct str path, struct agent_session *session,
	struct copilot_extent *extent);
copilot_reader copilot_read_document, copilot_read_log, copilot_read_transcript;

#endif
