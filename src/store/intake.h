/*
 * The only write path for events. One intake is one transaction: events, tombstones, quarantine,
 * cursors and memos in it are committed together or not at all.
 *
 * An event is new, or a duplicate (same id, not a higher revision), or a correction (higher
 * revision: replaces the stored one and gets a new seq). Order and repetition of the same events
 * never change what the store holds in the end: of equal revisions with different content the one
 * with the greater content (duration, then data bytewise) stays. A tombstone is a revision like any
 * other, above an event of the same revision; an event below it is a duplicate. It counts as
 * updated.
 */
#ifndef TT_STORE_INTAKE_H
#define TT_STORE_INTAKE_H

#include "store/store.h"

struct event_id;
struct intake;

enum intake_result { INTAKE_NEW, INTAKE_UPDATED, INTAKE_DUPLICATE, INTAKE_QUARANTINED };

struct intake_reason {
	const char *reason;
	int64_t count;
};

enum { INTAKE_REASONS = 32 };

struct intake_counts {
	int64_t new_events;
	int64_t updated;
	int64_t duplicate;
	int64_t quarantined;        /* lines refused now, also those already in quarantine */
	int64_t quarantine_entries; /* of them, those that were not in quarantine before */
	int64_t unknown_types; /* of the new and updated: of a type this program does not know; kept
				*/
	int64_t sessions;      /* of the new and updated: agent_session events */
	struct intake_reason
		reasons[INTAKE_REASONS]; /* of quarantined lines, by reason; count 0 ends it */
};

/* Begin; waits for other writers. Nothing is visible to readers before the commit. The intake
 * writes for the actor that the store has now (store/users.h), also when it has another later. */
MUST_USE int intake_begin(struct intake **out, struct store *store, struct err *err);
/* Take the write lock only when the first write comes: for callers that usually find nothing to do.
 */
MUST_USE int intake_begin_lazy(struct intake **out, struct store *store, struct err *err);
/*
 * Make everything durable; the intake may be used for the next batch, which takes the write lock at
 * its first write. On failure nothing of the batch is stored. After any call of this intake has
 * failed the batch is void: further calls fail too, until a commit, which also fails, or
 * intake_free ends it.
 */
MUST_USE int intake_commit(struct intake *intake, struct err *err);
/*
 * The same for several intakes of one store, each of another user (store/users.h): one transaction,
 * committed as a whole. On failure nothing of any is stored.
 */
MUST_USE int intake_commit_all(struct intake *const *intakes, size_t count, struct err *err);
/*
 * Take the write locks of the users of these intakes, without waiting for others who write for
 * them: LOCKED[i] says who was had. Those that were not had must not be written to before they are.
 * Intakes that write already must be of this transaction. On failure all are void.
 */
MUST_USE int intake_lock_all(
	struct intake *const *intakes, size_t count, bool *locked, struct err *err);
/* From now on it is this device of its user that writes (struct actor); empty: none. The store
 * works for both when this returns. */
MUST_USE int intake_device(struct intake *intake, struct str machine_id, struct err *err);
/* Whose it is; empty: nobody's, or of a file. */
struct str intake_user(const struct intake *intake);
/* Its user's change number as of its last commit; 0 before the first. */
int64_t intake_last_seq(const struct intake *intake);
/* What was not committed is undone. Accepts NULL. */
void intake_free(struct intake *intake);
void intake_freep(struct intake **intake);
/* Over the life of this intake, committed batches and the open one. */
const struct intake_counts *intake_counts(const struct intake *intake);
/* Events, quarantine entries and cursors taken since the last commit: when to commit
 * (LIMIT_INTAKE_BATCH). */
size_t intake_pending(const struct intake *intake);

/*
 * Take one event. It must have id, source, type; the rest is checked here: names (no colon, no
 * control characters, LIMIT_NAME_BYTES), data an object, keys required by a known type, times in
 * range, sizes. What fails goes to quarantine with ORIGIN, which says where it came from (its
 * source, path, offset, bytes; bytes empty: the event as a wire line is kept). < 0 only for
 * failures of the store.
 */
MUST_USE int intake_event(struct intake *intake, const struct event *event,
	const struct quarantine_entry *origin, enum intake_result *result, struct err *err);
/*
 * The same for an event that the caller has made from its parts: its id is what id_build makes of
 * PARTS and the start, and its data was written with a json_writer and holds the keys that its type
 * requires. Neither is read again.
 */
MUST_USE int intake_made(struct intake *intake, const struct event *event,
	const struct event_id *parts, const struct quarantine_entry *origin,
	enum intake_result *result, struct err *err);
/*
 * Take one wire line (see wire_decode); the result of lines that are no events (header, trailer,
 * blank) is INTAKE_DUPLICATE and counts nothing. LINE_OUT, if not NULL, shows what it was.
 */
struct wire_line;
MUST_USE int intake_line(struct intake *intake, struct str line, struct str default_source,
	const struct quarantine_entry *origin, enum intake_result *result,
	struct wire_line *line_out, struct err *err);
/*
 * These events, or lines, are about to be taken, in this order or another: a store that is far away
 * looks them up together, some thousand at a time (LIMIT_INTAKE_EXPECT). For speed alone; where
 * that pays, an intake that wrote in its last batch takes the write lock here.
 */
MUST_USE int intake_expect(
	struct intake *intake, const struct event *events, size_t count, struct err *err);
MUST_USE int intake_expect_lines(struct intake *intake, const struct str *lines, size_t count,
	struct str default_source, struct err *err);
/* Keep foreign bytes that nobody understands. The same bytes with the same source, path and reason
 * are one entry. */
MUST_USE int intake_quarantine(
	struct intake *intake, const struct quarantine_entry *entry, struct err *err);
/* Withdraw an event for good: a tombstone with REVISION + 1 of the stored event. Absent: nothing
 * happens. */
MUST_USE int intake_withdraw(struct intake *intake, struct str id, struct err *err);

/* --- cursors over foreign files, committed with the rows they cover --- */

struct file_cursor {
	struct str source;
	struct str path;
	uint64_t device;
	uint64_t inode;
	int64_t size; /* at the last reading */
	int64_t mtime_ns;
	int64_t offset;     /* behind the last complete line taken */
	uint64_t head_hash; /* of the first head_bytes bytes */
	int64_t head_bytes;
	uint64_t tail_hash; /* of the tail_bytes bytes before offset */
	int64_t tail_bytes;
	struct str state; /* the source's own, opaque (JSON by custom) */
};
/* All cursors of a source, copied into the arena, ordered by path. */
MUST_USE int store_cursors(struct store *store, struct str source, struct arena *arena,
	struct file_cursor **out, size_t *count, struct err *err);
MUST_USE int intake_cursor(
	struct intake *intake, const struct file_cursor *cursor, struct err *err);
MUST_USE int intake_cursor_forget(
	struct intake *intake, struct str source, struct str path, struct err *err);

/* --- memos: what a source must remember by natural key (message ids, sessions); opaque bytes ---
 */

/* *FOUND tells; VALUE is copied into the arena. Sees what this intake has put. */
MUST_USE int intake_memo_get(struct intake *intake, struct str source, struct str key,
	struct arena *arena, struct str *value, bool *found, struct err *err);
MUST_USE int intake_memo_put(struct intake *intake, struct str source, struct str key,
	struct str value, struct err *err);

/* --- sync: what was learned of another machine, committed with its rows --- */

struct peer_state {
	struct str machine_id;
	struct str alias;
	struct str store_id;
	struct str version;
	struct str hostname; /* of its host; empty: what is known stays */
	int64_t cursor;
	int64_t synced_at_ns;
	int64_t clock_skew_ns;
};
/* An alias belongs to one machine: it moves when another machine answers under it. */
MUST_USE int intake_peer(struct intake *intake, const struct peer_state *peer, struct err *err);

#endif
