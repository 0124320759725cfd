/* Lists of events: 32 bytes an event, shared by reference, changed only by their one owner. */
#ifndef TT_QUERY_LANG_EVENTS_H
#define TT_QUERY_LANG_EVENTS_H

#include <stdatomic.h>

#include "query/lang/data.h"

struct run;

struct moment {
	int64_t start_ns;
	int64_t duration_ns; /* 0 or more */
	int64_t id;          /* EVENTS_NO_ID: none */
	union {
		const struct data *data;
		int64_t data_no; /* while it is being loaded */
	};
};

#define EVENTS_NO_ID INT64_MIN

struct events {
	atomic_uint refs;
	size_t count;
	size_t room;
	const struct run *charged; /* the run whose memory it is; NULL: the cache's */
	struct moment *at;
};

/* An empty list with room for ROOM. ERR_LIMIT: more memory than the run may have. */
MUST_USE int events_new(struct events **out, struct run *run, size_t room);
MUST_USE int events_copy(struct events **out, struct run *run, const struct events *from);
struct events *events_ref(struct events *events);
void events_unref(struct run *run, struct events *events);
/* It is the cache's from now on. */
void events_discharge(struct run *run, struct events *events);
bool events_shared(struct events *events);
size_t events_bytes(const struct events *events);
/* Append. */
MUST_USE int events_add(struct events *events, struct run *run, const struct moment *moment);
/* Give back room that is not used. */
void events_trim(struct events *events, struct run *run);

/* Sums that stop at the ends of int64_t, which only made-up events reach. */
int64_t moment_add(int64_t a_ns, int64_t b_ns);
int64_t moment_subtract(int64_t a_ns, int64_t b_ns);
int64_t moment_end(const struct moment *moment);

/* Stable. */
MUST_USE int events_sort_by_start(struct events *events, struct run *run);
MUST_USE int events_sort_by_duration(struct events *events, struct run *run); /* longest first */

#endif
