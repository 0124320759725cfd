/*
 * What the source must remember of sessions beside their items: that it has read them, which turns
 * they have, and who starts with copies of one that was not there. Keys are hashes: they tell
 * nobody anything.
 */
#ifndef TT_COLLECT_CODEX_MEMORY_H
#define TT_COLLECT_CODEX_MEMORY_H

#include "store/intake.h"

/* Of a session, by all copies of its log: from when to when (AGENT_NO_TIME: unknown), and the most
 * records of unknown types. */
struct codex_span {
	int64_t started_ns, ended_ns;
	int64_t unknown;
};

/* *FOUND: has SESSION been read to its end at least once? Otherwise SPAN knows nothing. */
MUST_USE int codex_known(struct intake *intake, struct str session, struct codex_span *span,
	bool *found, struct err *err);
MUST_USE int codex_remember(
	struct intake *intake, struct str session, const struct codex_span *span, struct err *err);
MUST_USE int codex_turn_known(
	struct intake *intake, struct str session, struct str turn, bool *found, struct err *err);
MUST_USE int codex_turn_remember(
	struct intake *intake, struct str session, struct str turn, struct err *err);
/* The file at PATH waits for ORIGIN to be read. */
MUST_USE int codex_wait(
	struct intake *intake, struct str origin, const char *path, struct err *err);
/* Who waits for ORIGIN: *COUNT paths in the arena. Until codex_nobody_waits. */
MUST_USE int codex_waiting(struct intake *intake, struct str origin, struct arena *arena,
	const char ***paths, size_t *count, struct err *err);
MUST_USE int codex_nobody_waits(struct intake *intake, struct str origin, struct err *err);

#endif
