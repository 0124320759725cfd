/*
 * Rows that wait to be written together (sql/put.h): what is put into one twice before it is
 * written becomes one row here, since a statement may touch a row only once. Memory only: put.c
 * writes them.
 */
#ifndef TT_STORE_POSTGRES_HELD_H
#define TT_STORE_POSTGRES_HELD_H

#include "store/postgres/array.h"
#include "store/sql/put.h"
#include "store/sql/row_index.h"

struct held_event {
	int64_t user_no;
	struct put_event row; /* its key lies in the arena of held_events */
	bool made;            /* not in the table yet; else old_seq and old_data_no are its own */
};

struct held_bucket {
	int64_t user_no;
	struct put_bucket row;
};

/* All-zero is an empty one. */
struct held_events {
	struct held_event *rows;
	size_t count;
	size_t room;
	struct row_index index;
	struct arena keys;
};

struct held_buckets {
	struct held_bucket *rows;
	size_t count;
	size_t room;
	struct row_index index;
};

/* Hold a row that is not in the table yet (MADE), or the new values of one that is; a row of the
 * same key that is held takes them. */
void held_event(
	struct held_events *events, int64_t user_no, const struct put_event *row, bool made);
void held_bucket(struct held_buckets *buckets, int64_t user_no, const struct put_bucket *row);
/* In the order in which they are written: those that are not in the table yet first, each kind by
 * key. Then nothing may be held before held_events_clear. Returns how many are of the first kind.
 */
size_t held_events_sort(struct held_events *events);
void held_events_clear(struct held_events *events);
void held_buckets_clear(struct held_buckets *buckets);
void held_events_release(struct held_events *events);
void held_buckets_release(struct held_buckets *buckets);

#endif
