/*
 * The person's own streams of work (attention/streams.h) as one more bucket of ActivityWatch's:
 *each event is an interval of direct attention, its data says which stream it belongs to. Nothing
 *of it is stored: it is computed when it is asked for, as `tt report --explain` has it.
 *
 *	{"project":"…","stream":"…","stream_id":"…","tags":["…"]}
 *
 * Time of no stream has the stream "(unassigned)" and neither id nor project.
 */
#ifndef TT_SERVE_STREAM_BUCKET_H
#define TT_SERVE_STREAM_BUCKET_H

#include "attention/params.h"
#include "base/mem.h"
#include "store/aw.h"

enum { STREAM_BUCKET_NO = -1 }; /* no bucket of the store has it */

/* Its id on host HOSTNAME: "tt-streams_HOST". */
bool stream_bucket_is(struct str id, struct str hostname);
/*
 * What it looks like beside the COUNT buckets of the store: false when there is none, since nothing
 * is there that attention could be computed from, or a bucket of its id is. Its extent is that of
 * the events it is computed from; event_count is not known before it is computed: 0.
 */
bool stream_bucket_make(const struct aw_bucket *buckets, size_t count, struct str hostname,
	struct str machine_id, struct arena *arena, struct aw_bucket *out);

struct stream_bucket_data {
	int64_t data_no; /* negative, unlike those of the store; equal ones: equal data */
	struct str data;
};
struct stream_bucket_events {
	struct aw_event *events; /* newest first, uncut; numbers are the microsecond they start */
	size_t count;
	struct stream_bucket_data *data; /* each once */
	size_t data_count;
};
/* Those that touch [FROM, TO], in the arena. Of PARAMS the gap counts for streams that were never
 * made before: otherwise it is the one of last time, as reports had it. Brings streams up to date,
 * so STORE must have no scan or snapshot open. */
MUST_USE int stream_bucket_load(struct store *store, const struct attention_params *params,
	int64_t from_ns, int64_t to_ns, struct arena *arena, struct stream_bucket_events *out,
	struct err *err);

#endif
