/* The feed as a wire stream: header, events in the order of seq, trailer. */
#ifndef TT_SYNC_EXPORT_H
#define TT_SYNC_EXPORT_H

#include "model/codec.h"
#include "model/machine.h"
#include "store/store.h"

/* A trailer with "more" stands after so many events: a reader may commit there, and go on from
 * there after a cut. */
enum { EXPORT_CHECKPOINT_EVENTS = 5000 };

struct export_request {
	int64_t after_seq;    /* 0: everything; beyond the store's last seq: everything, for its
				 history is another */
	int64_t since_ns;     /* only events that start then or later; INT64_MIN: all */
	struct str workspace; /* path glob over cwd; empty: all */
	struct str home;      /* for '~' in it */
	const struct machine *machine;
	bool marked; /* for a reader that keeps its cursor: see history.h; may write to the store */
	int64_t now_ns;
};

/* Where the bytes go, in pieces; < 0 ends the export with ERR as it set it. */
typedef int export_sink(void *context, struct str bytes, struct err *err);

/* All of one snapshot. Memory does not grow with the number of events. */
MUST_USE int export_stream(struct store *store, const struct export_request *request,
	export_sink *sink, void *context, struct err *err);
/*
 * The seq to go on from after the event ID: its own, so that everything that came or changed later
 * follows. An id that is not here (unknown, deleted, of another form), or whose event was corrected
 * since it came: 0, which means everything, never nothing.
 */
MUST_USE int export_after(struct store *store, struct str id, int64_t *seq, struct err *err);

#endif
