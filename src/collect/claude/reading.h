/*
 * One transcript being read: where its records belong, and what its lines say. What is done with
 * the records is the pass's.
 */
#ifndef TT_COLLECT_CLAUDE_READING_H
#define TT_COLLECT_CLAUDE_READING_H

#include "collect/claude/items.h"

/* A file being read. */
struct claude_reading {
	struct claude_round *round;
	struct claude_pass pass;
	struct claude_reader reader;
	const char *path;
	struct tail *tail;
	struct str agent;            /* of the file, if it is a sub-agent's */
	struct claude_session *only; /* not collecting: records of other sessions are passed over */
	struct claude_session *last; /* of the last record that named one */
	struct buf session_id; /* the first of the file: lines without one are counted there */
	bool looked_for_cwd;
	int64_t malformed, unknown, records; /* lines so far */
};

/* PATH must live as long as the round. */
struct claude_reading claude_reading_of(
	struct claude_round *round, const char *path, enum claude_mode mode);
void claude_reading_release(struct claude_reading *reading);
/*
 * Before a file is read from its start. Where workspaces are excluded, its directory must be known
 * before anything of it is kept: one that does not tell yet, and holds nothing but notes, waits
 * (false).
 */
bool claude_reading_may_begin(struct claude_reading *reading);
/* Take the next line. OVERLONG: it is cut. */
MUST_USE int claude_reading_take(
	struct claude_reading *reading, struct str line, bool overlong, struct err *err);
/*
 * What waits at the end of the file, if it is a record but for its newline: whoever wrote it may be
 * dead. The place in the file must have been saved before: the line is read again when it ends, and
 * knows its items then.
 */
MUST_USE int claude_reading_take_rest(struct claude_reading *reading, struct err *err);
/* What is kept with the cursor, to go on as if the file had been read in one go; of an excluded
 * directory only that it is one. A state that cannot be read is none: counts of bad lines start
 * again, nothing else depends on it. */
void claude_reading_write(const struct claude_reading *reading, struct buf *out);
void claude_reading_read(struct claude_reading *reading, struct str state);
/* The counts of lines belong to the file's own session, unless it has them from another file. */
MUST_USE int claude_reading_note_lines(struct claude_reading *reading, struct err *err);

#endif
