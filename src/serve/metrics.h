/* Counters of the server, and how they are printed for Prometheus (text format 0.0.4). Thread-safe,
 * no locks on the way of a request. */
#ifndef TT_SERVE_METRICS_H
#define TT_SERVE_METRICS_H

#include "base/buf.h"
#include "serve/route.h"

struct metrics;

struct metrics *metrics_new(const struct route_table *tables, size_t count);
void metrics_free(struct metrics *metrics);

/* A request has ended. ROUTE NULL: none matched. */
void metrics_request(struct metrics *metrics, const struct route *route, int status,
	int64_t duration_ns, int64_t bytes);
/* A batch of CALLS was committed (or failed) in DURATION_NS. */
void metrics_commit(struct metrics *metrics, size_t calls, int64_t duration_ns, bool failed);
/* Retention has deleted EVENTS, or failed; and it has been through all users, at NOW_NS. */
void metrics_retention(struct metrics *metrics, int64_t events, bool failed);
void metrics_retention_ran(struct metrics *metrics, int64_t now_ns);
/* Servers on the store, this one included. */
void metrics_servers(struct metrics *metrics, int count);
/* Waiting for the writer now, for the readers now. */
void metrics_queues(struct metrics *metrics, int64_t writes, int64_t reads);

/* What is read when somebody asks. */
struct metrics_now {
	int64_t connections;
	int64_t store_bytes;
	int64_t store_events;
	int64_t quarantined;
	int64_t resident_bytes;
	int64_t cache_hits, cache_misses, cache_bytes;
	struct metrics_source {
		struct str name;
		int64_t last_event_ns; /* INT64_MIN: none */
	} * sources;
	size_t source_count;
	int64_t now_ns;
};
void metrics_print(struct metrics *metrics, const struct metrics_now *now, struct buf *out);

#endif
