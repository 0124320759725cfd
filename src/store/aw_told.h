/*
 * What a bucket that was made over the ActivityWatch API is like beside its events (its client, the
 * host, data, when it was made), as stores tell each other of it (model/codec.h). A store shows
 * what it was told of other machines' buckets; those cannot be changed here.
 */
#ifndef TT_STORE_AW_TOLD_H
#define TT_STORE_AW_TOLD_H

#include "model/codec.h"
#include "store/intake.h"

/* All that were made here, and those that others told of; copied into the arena. */
MUST_USE int aw_told_list(struct store *store, struct arena *arena, struct wire_bucket **out,
	size_t *count, struct err *err);
/*
 * BUCKET is told of, as wire_decode gives it. Nothing happens unless its events are here. What its
 * own machine says (BY_OWNER) takes the place of what was known, what another says does not.
 */
MUST_USE int intake_told(
	struct intake *intake, const struct wire_bucket *bucket, bool by_owner, struct err *err);

#endif
