/* Deleting what is old: events by age. History is deleted only because the configuration says so.
 */
#ifndef TT_STORE_RETENTION_H
#define TT_STORE_RETENTION_H

#include "store/store.h"

struct retention {
	int64_t before_ns; /* events that began earlier go */
	int64_t held_seq;  /* changes beyond it stay whatever their age: a remote has not
			      acknowledged them; INT64_MAX: no remote waits */
};

struct retention_result {
	int64_t events; /* deleted */
	int64_t held;   /* old enough, but not acknowledged */
	int64_t data;   /* distinct data that nothing uses any more, deleted */
	int64_t bytes;  /* by which the file shrank; 0: the space will be used again */
};

/*
 * Delete old events, in transactions small enough that other writers hardly wait. No tombstones:
 * other machines keep theirs. Cursors and memos stay, so nothing is collected again. The file is
 * made smaller (it is written anew: nobody may write meanwhile) when more than a quarter of it is
 * free.
 */
MUST_USE int store_retention(struct store *store, const struct retention *what,
	struct retention_result *out, struct err *err);

#endif
