/* When the person was away from each machine, from what its AFK watchers say. Internal to this
 * layer. */
#ifndef TT_ATTENTION_AWAY_H
#define TT_ATTENTION_AWAY_H

#include "attention/allocate.h"

/*
 * How long one event may say that the person was away: a month. Reports load what was said so long
 * before their period.
 */
#define AWAY_HORIZON_NS (30 * 24 * NS_PER_HOUR)

/* The person of MACHINE goes away, or is not known to be away any more. */
struct away_edge {
	int64_t at_ns;
	int32_t machine;
	bool away;
	size_t event; /* of the mark that said so */
};

/* On the heap; all-zero is empty. */
struct away_edges {
	struct away_edge *edges; /* in order of time, those of a machine in turns, away first */
	size_t count;
};

/*
 * Of the AFK marks with an extent: a person is away while some watcher of the machine says so and
 * none says the contrary, since who is active at one seat is active. Time of which no watcher
 * speaks is not away.
 */
void away_edges(const struct mark *marks, size_t count, struct away_edges *out);
void away_edges_release(struct away_edges *edges);

#endif
