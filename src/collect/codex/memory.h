/*
 * What the source must remember of sessions beside their items: that it has read them, which turns
 * they have, who starts with copies of one that was not there, and who took for its own a turn that
 * may yet turn out to be its origin's. Keys are hashes: they tell nobody anything.
 */
#ifndef TT_COLLECT_CODEX_MEMORY_H
#define TT_COLLECT_CODEX_MEMORY_H

#include "store/intake.h"

/* Of a session, by all copies of its log that were read with as much known of its origin: from when
 * to when (AGENT_NO_TIME: unknown), and the most records of unknown types. */
struct codex_span {
	int64_t started_ns, ended_ns;
	int64_t unknown;
	int64_t strength; /* see codex_origin */
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
/* A file by its path, which may be any bytes. */
uint64_t codex_file_mark(const char *path);
/* FILE waits for ORIGIN to be read. */
MUST_USE int codex_wait(struct intake *intake, struct str origin, uint64_t file, struct err *err);
/* Who waits for ORIGIN: *COUNT files in the arena. Until codex_nobody_waits. */
MUST_USE int codex_waiting(struct intake *intake, struct str origin, struct arena *arena,
	uint64_t **files, size_t *count, struct err *err);
MUST_USE int codex_nobody_waits(struct intake *intake, struct str origin, struct err *err);
/* SESSION, as FILE has it, took TURN for its own. */
MUST_USE int codex_claim(struct intake *intake, struct str origin, struct str turn,
	struct str session, uint64_t file, struct err *err);
/* TURN is ORIGIN's: who took it for its own waits to be read again, and with greater strength. */
MUST_USE int codex_disclaim(
	struct intake *intake, struct str origin, struct str turn, struct err *err);

#endif
