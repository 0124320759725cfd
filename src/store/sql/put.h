/*
 * The rows that writing in bulk makes. sqlite/put.c writes each at once; postgres/put.c gathers
 * them, from as many users as one transaction has, and writes them together before the next
 * statement that could see them, or the commit. Only while writing.
 */
#ifndef TT_STORE_SQL_PUT_H
#define TT_STORE_SQL_PUT_H

#include "store/sql/db.h"

/* A row of event; key is copied if it is kept. */
struct put_event {
	int64_t shelf;
	int64_t start_ns;
	struct str key;
	int64_t duration_ns;
	int64_t revision;
	int64_t data_no;
	int64_t seq;
	int64_t number;
	/* Of a change: what the row was. SQLite's trigger sees for itself (001_derived.sql). */
	int64_t old_seq;
	int64_t old_data_no;
};
/* One that is not there yet. */
MUST_USE int put_event(struct store *store, const struct put_event *row, struct err *err);
/* Other duration, revision, data and seq for the one that is there under shelf, start_ns and key;
 * NUMBERED: it had no number, and gets this one. ROW says the number that it has then in any case.
 */
MUST_USE int put_event_change(
	struct store *store, const struct put_event *row, bool numbered, struct err *err);
/* A row of dict: *NO is its new number. */
MUST_USE int put_data(
	struct store *store, struct str data, uint64_t hash, int64_t *no, struct err *err);

/* What a bucket's row says of its events. */
struct put_bucket {
	int64_t bucket_no;
	int64_t added; /* to its count of events */
	int64_t longest_ns;
	int64_t end_ns;
	int64_t changed_seq;
	int64_t moved_seq;
	/* Smallest and greatest start of what came; INT64_MAX and INT64_MIN: nothing did. */
	int64_t first_ns;
	int64_t last_ns;
};
MUST_USE int put_bucket(struct store *store, const struct put_bucket *row, struct err *err);

#endif
