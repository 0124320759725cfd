/* Rows of bucket with their machines, and what lies at the ends of their shelves. */
#ifndef TT_STORE_SQL_BUCKETS_H
#define TT_STORE_SQL_BUCKETS_H

#include "store/sql/db.h"

struct bucket_row {
	int64_t bucket_no;
	int64_t machine_no;
	struct str machine_id;
	struct str label; /* of the machine */
	struct str source;
	struct str type;
	int64_t events;
	/* Smallest and greatest start of its events; INT64_MAX and INT64_MIN: it has none. */
	int64_t first_ns;
	int64_t last_ns;
};

/* All, ordered by machine id, source, type; copied into the arena. */
MUST_USE int buckets_load(struct store *store, struct arena *arena, struct bucket_row **out,
	size_t *count, struct err *err);
/* `{source}.{type}@{machine}`. */
struct str bucket_name(struct arena *arena, const struct bucket_row *bucket, struct str machine);
/*
 * The first (NEWEST false) or last event of the bucket in the total order: only id, source, type
 * and start_ns of OUT are set. 1, 0 when the bucket is empty, < 0.
 */
MUST_USE int bucket_end(struct store *store, const struct bucket_row *bucket, bool newest,
	struct arena *arena, struct event *out, struct err *err);

/* Append the id of an event on SHELF of BUCKET. */
void shelf_id(struct buf *out, const struct bucket_row *bucket, int64_t shelf, int64_t start_ns,
	struct str key);

#endif
