/* What is remembered of a session beside its ledger, in memos of the source. */
#ifndef TT_COLLECT_COPILOT_GIVEN_H
#define TT_COLLECT_COPILOT_GIVEN_H

#include "collect/copilot/copilot.h"

/* The first and the last prompt that only the transcript had; INT64_MIN: none. */
struct copilot_surplus {
	int64_t from_ns, to_ns;
};

/* What was given of a session. */
struct copilot_given {
	int strength; /* 0: nothing */
	bool document;
	int64_t requests, last_ns; /* most, and latest, that a document had */
	struct copilot_surplus surplus;
	int64_t unknown;                 /* most lines of unknown kind that a log had */
	struct str path;                 /* of the document */
	struct str cwd, branch, version; /* as last known, from whatever file */
};

/* Where it is kept. Strings are put into the arena. */
struct copilot_memory {
	struct intake *intake;
	struct arena *arena;
	struct str session;
};

/* ERR_CORRUPT when what was kept is damaged. */
MUST_USE int copilot_given_load(
	const struct copilot_memory *memory, struct copilot_given *out, struct err *err);
MUST_USE int copilot_given_save(
	const struct copilot_memory *memory, const struct copilot_given *given, struct err *err);
/*
 * Lines of a log that nobody could read stay counted when it is compacted: the same state again,
 * without the log of how it came to be, is nothing new. Adds to SESSION those that are remembered,
 * and remembers those it has (the first 64, up to 4 KiB each).
 */
MUST_USE int copilot_carry_bad(
	const struct copilot_memory *memory, struct agent_session *session, struct err *err);

#endif
