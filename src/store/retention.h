/* Deleting what is old: events by age. History is deleted only because the configuration says so.
 */
#ifndef TT_STORE_RETENTION_H
#define TT_STORE_RETENTION_H

#include "store/store.h"

struct retention {
	int64_t before_ns; /* events that began earlier go */
	int64_t held_seq;  /* changes beyond it stay whatever their age: a remote has not
			      acknowledged them; INT64_MAX: no remote waits */
	/*
	 * For one who serves others meanwhile: called after each transaction, which took SLICE_NS,
	 * and when another writes for the user just now, who is not waited for then. False: enough
	 * for this time. NULL: one transaction after the other, and the file is made smaller.
	 */
	bool (*pause)(void *context, int64_t slice_ns);
	void *context;
};

struct retention_result {
	int64_t events;  /* deleted */
	int64_t held;    /* old enough, but not acknowledged */
	int64_t data;    /* distinct data that nothing uses any more, deleted */
	int64_t bytes;   /* by which the file shrank; 0: the space will be used again */
	bool unfinished; /* PAUSE said so, or the user's lock was not to be had */
};

/*
 * Delete old events, in transactions small enough that other writers hardly wait. No tombstones:
 * other machines keep theirs. Cursors and memos stay, so nothing is collected again. The result
 * tells also after a failure what was deleted before it.
 */
MUST_USE int store_retention(struct store *store, const struct retention *what,
	struct retention_result *out, struct err *err);

/*
 * Give back what deletions left free, *BYTES: how much. SQLite: the file is written anew, and
 * nobody may write meanwhile, when more than a quarter of it is free. PostgreSQL: months in which
 * no user has anything left are dropped; the store may be anybody's.
 */
MUST_USE int store_retention_shrink(struct store *store, int64_t *bytes, struct err *err);

#endif
