/* Turning streams into records; for the edits alone. */
#ifndef TT_ATTENTION_CONFIRM_H
#define TT_ATTENTION_CONFIRM_H

#include "attention/streams.h"

/*
 * Make a record of an inferred stream, within a transaction of records; one that is a record stays
 * as it is. OUT is the record, without its tags, in the arena. ERR_USAGE when it was merged into
 * another meanwhile.
 */
MUST_USE int confirm_stream(struct store *store, const struct stream *stream, struct arena *arena,
	struct stream_record *out, struct err *err);
/* Make a stream by hand; ANCHOR_ID may be empty. */
MUST_USE int confirm_new(struct store *store, struct str name, struct str anchor_id,
	char id[static 37], struct err *err);
/* Commit what was done since records_begin if RC is 0, else undo it; returns what came of it. */
MUST_USE int confirm_end(struct store *store, int rc, struct err *err);

#endif
