/*
 * Streams: coherent pieces of work, inferred from events or made by people; the unit of reporting.
 *
 * Inference. Events are partitioned by machine, then by project (git_project), else by directory
 * (cwd without trailing '/'). An agent's event goes where its session goes: to the partition of the
 * session's earliest event that has a project or cwd; a sub-agent's session follows its parent. In
 * a partition, events no further apart than the gap form a run; runs that share a session are one
 * stream. An event without partition has no stream: its time is unassigned. Events of two machines
 * are never in one stream. The id of an inferred stream is made of its partition and its first
 * event, so the same events give the same ids, whatever order they came in.
 *
 * People. A stream that somebody tagged, named or assigned to becomes a record anchored at its
 * first event (store/records.h): the stream that holds the anchor is this record, with its id, for
 * ever. Several anchors in one inferred stream split it: an event belongs to the last anchor not
 * after it, events before all of them to the first; a session stays whole and follows its first
 * event. Assignments of events and sessions override inference: an event's own, else its session's;
 * a person's beats a program's.
 */
#ifndef TT_ATTENTION_STREAMS_H
#define TT_ATTENTION_STREAMS_H

#include "attention/params.h"
#include "base/mem.h"
#include "store/records.h"

struct stream {
	struct str id;   /* UUID text */
	struct str name; /* given, else the project or the directory's last component, " (2)" … for
			    later ones of the same name */
	struct str machine_id;  /* empty for one made by hand without events of one machine */
	struct str project;     /* may be empty */
	struct str cwd;         /* may be empty */
	const struct str *tags; /* given and by rules, sorted, unique */
	size_t tag_count;
	const char *source; /* "inferred", or "user" once a person or program made, named or tagged
			       it */
	struct str anchor_id; /* the event that began it; empty for one made by hand */
	int64_t first_ns;     /* extent of its events; INT64_MIN without any */
	int64_t last_ns;
	int64_t events;
};

enum { STREAM_NONE = -1, STREAM_SHORT_ID_BYTES = 8 };

/*
 * Bring what is derived up to date with the events; with FORCE drop it and build it again. Cheap
 * when nothing is new. Not while a snapshot or a scan of STORE is open.
 */
MUST_USE int streams_update(
	struct store *store, const struct attention_params *params, bool force, struct err *err);
/* The same with the gap of the last update, else the default one. */
MUST_USE int streams_refresh(struct store *store, struct err *err);

/*
 * Streams with events in [FROM, TO) and all records, with what is needed to place events of that
 * time. Both 0: everything. Extents and counts are exact for everything. For a time they cover the
 * streams that touch it (others have none), and do not notice single events that were assigned, nor
 * where in a run a stream was split. The set is as of the last update; `params` is not needed for
 * that and may be NULL.
 */
struct stream_set;
MUST_USE int stream_set_load(struct stream_set **out, struct store *store,
	const struct attention_params *params, int64_t from_ns, int64_t to_ns, struct err *err);
void stream_set_free(struct stream_set *set);
void stream_set_freep(struct stream_set **set);
size_t stream_set_count(const struct stream_set *set);
const struct stream *stream_set_get(const struct stream_set *set, int32_t index);
/* False: stream_set_place needs no event ids, since no single event is assigned and no stream
 * split. */
bool stream_set_needs_ids(const struct stream_set *set);
/* The stream of an event of the set's time, or STREAM_NONE. */
int32_t stream_set_place(const struct stream_set *set, const struct stored_event *event,
	const struct event_facts *facts);
/*
 * A stream by id, by the first bytes of its id (at least 4), or by name where it is unique.
 * ERR_NOT_FOUND with a hint to list them; ERR_AMBIGUOUS names the candidates with their short ids.
 */
MUST_USE int stream_set_find(
	const struct stream_set *set, struct str word, int32_t *index, struct err *err);

#endif
