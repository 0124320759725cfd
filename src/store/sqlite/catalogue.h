/* The buckets and machines that one intake has met, so that an event costs no query for its bucket.
 */
#ifndef TT_STORE_SQLITE_CATALOGUE_H
#define TT_STORE_SQLITE_CATALOGUE_H

#include "store/sqlite/db.h"

struct bucket {
	int64_t bucket_no;
	struct str machine_id;
	struct str source;
	struct str type;
	uint64_t transaction; /* in which newest_ns was read */
	/* Per shelf, while writing: no event starts later (INT64_MIN: none at all). A deletion may
	 * leave it too high. */
	int64_t newest_ns[2];
	int64_t added; /* events since the transaction began, not yet in the bucket's row */
};

struct catalogue;

struct catalogue *catalogue_new(struct store *store);
void catalogue_free(struct catalogue *catalogue);
/* After db_write_begin: what was known of newest events no longer holds. */
void catalogue_begin(struct catalogue *catalogue);
/* Before db_write_commit: write the buckets' event counts. */
MUST_USE int catalogue_flush(struct catalogue *catalogue, struct err *err);
/* After a rollback: buckets made in it are gone. Pointers to buckets die. */
void catalogue_forget(struct catalogue *catalogue);

/* *OUT is NULL when there is none and MAKE is false (MAKE only while writing). Buckets live until
 * catalogue_forget or _free. */
MUST_USE int catalogue_bucket(struct catalogue *catalogue, struct str machine_id, struct str source,
	struct str type, bool make, struct bucket **out, struct err *err);
/* One that exists; ERR_CORRUPT otherwise. */
MUST_USE int catalogue_bucket_no(
	struct catalogue *catalogue, int64_t bucket_no, struct bucket **out, struct err *err);

/* The number of a machine; with MAKE its row is made, else *NO is 0 when there is none. */
MUST_USE int machine_number(
	struct store *store, struct str machine_id, bool make, int64_t *no, struct err *err);

#endif
