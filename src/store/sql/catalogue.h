/* The buckets and machines that one intake has met, so that an event costs no query for its bucket.
 */
#ifndef TT_STORE_SQL_CATALOGUE_H
#define TT_STORE_SQL_CATALOGUE_H

#include "store/sql/db.h"

struct bucket {
	int64_t bucket_no;
	struct str machine_id;
	struct str source;
	struct str type;
	uint64_t transaction; /* in which, or in one of those right before, what follows was read */
	/* Per shelf, while writing: no event starts later (INT64_MIN: none at all). A deletion may
	 * leave it too high. */
	int64_t newest_ns[2];
	int64_t added; /* events since the transaction began, not yet in the bucket's row */
	/* As in the bucket's row (schema/002_permanent.sql), with what this transaction did. */
	int64_t longest_ns;
	int64_t end_ns;
	int64_t changed_seq;
	int64_t moved_seq;
	/* Of this transaction: smallest and greatest start of events that came, and of those that
	 * went and that nothing came before, or behind. INT64_MAX and INT64_MIN: none. */
	int64_t first_ns, last_ns;
	int64_t lost_first_ns, lost_last_ns;
	bool dirty;    /* differs from the row */
	bool end_lost; /* the event that reached to end_ns does not any more */
};

struct catalogue;

struct catalogue *catalogue_new(struct store *store);
void catalogue_free(struct catalogue *catalogue);
/* After db_write_begin. ALONE: nobody else has written since this connection's last commit, and
 * what was known then still holds. */
void catalogue_begin(struct catalogue *catalogue, bool alone);
/* Before db_write_commit: write the buckets' event counts and bounds. */
MUST_USE int catalogue_flush(struct catalogue *catalogue, struct err *err);
/* Note what happens to an event of the bucket that has this start and duration: it comes, goes, or
 * its duration changes. SEQ is that of the change. Only while writing. */
void bucket_gains(struct bucket *bucket, int64_t start_ns, int64_t duration_ns, int64_t seq);
void bucket_loses(struct bucket *bucket, int64_t start_ns, int64_t duration_ns, int64_t seq);
/* Where the event was can no longer be told from the rows that stay. */
void bucket_moved(struct bucket *bucket, int64_t seq);
/* The greatest end of the bucket's events, none of which lasts longer than LONGEST_NS; INT64_MIN:
 * none. */
MUST_USE int bucket_last_end(struct store *store, int64_t bucket_no, int64_t longest_ns,
	int64_t *end_ns, struct err *err);

/* Write in the bucket's row where its first and its last event are, of which the first is known not
 * to start before FROM_NS, and the last not after TO_NS. Only while writing. */
MUST_USE int bucket_find_ends(
	struct store *store, int64_t bucket_no, int64_t from_ns, int64_t to_ns, struct err *err);

/* After a rollback: buckets made in it are gone. Pointers to buckets die. */
void catalogue_forget(struct catalogue *catalogue);

/* *OUT is NULL when there is none and MAKE is false (MAKE only while writing). Buckets live until
 * catalogue_forget or _free. */
MUST_USE int catalogue_bucket(struct catalogue *catalogue, struct str machine_id, struct str source,
	struct str type, bool make, struct bucket **out, struct err *err);
/* One that exists; ERR_CORRUPT otherwise. */
MUST_USE int catalogue_bucket_no(
	struct catalogue *catalogue, int64_t bucket_no, struct bucket **out, struct err *err);

/* The same if it is known and current without a question; else NULL. */
struct bucket *catalogue_known(const struct catalogue *catalogue, int64_t bucket_no);
/* Take over the row LIKE, which was read in the open transaction, with newest_ns; false when what
 * is known is newer. Only while writing. */
bool catalogue_learn(struct catalogue *catalogue, const struct bucket *like);

/* The number of a machine; with MAKE its row is made, else *NO is 0 when there is none. */
MUST_USE int machine_number(
	struct store *store, struct str machine_id, bool make, int64_t *no, struct err *err);

#endif
