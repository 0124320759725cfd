/*
 * Answers that are made of many events: text and events of buckets in turn, written as they are
 * read. A short answer is made at once on the worker's connection; a long one is a stream with a
 * connection and a snapshot of its own, in memory that does not grow with it.
 */
#ifndef TT_SERVE_API_LISTING_H
#define TT_SERVE_API_LISTING_H

#include "attention/params.h"
#include "serve/call.h"
#include "store/aw.h"

enum { LISTING_SHORT_BYTES = 512 << 10 }; /* up to this an answer is made at once */

struct listing;
/* ATTENTION: how the streams' bucket is computed. */
struct listing *listing_new(struct attention_params attention);
void listing_free(struct listing *listing);
void listing_freep(struct listing **listing);

/* Append TEXT, which is copied. */
void listing_text(struct listing *listing, struct str text);
/* Append the events of RANGE, at most LIMIT, with commas between them. CLIP: start and duration
 * within the range. */
struct listing_events {
	struct aw_range range;
	bool clip;
	uint64_t limit;
	const struct aw_event *made; /* those of the streams' bucket: listing_bucket */
	size_t made_count;
};
/* Those of the streams' bucket are computed now: STORE has no scan or snapshot open. */
MUST_USE int listing_events(struct listing *listing, const struct listing_events *events,
	struct store *store, struct err *err);

/* Make it the reply of CALL, as application/json. *LISTING is taken over and becomes NULL. */
MUST_USE int listing_send(
	struct listing **listing, struct call *call, struct store *store, struct err *err);

#endif
