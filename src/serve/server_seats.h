/*
 * The intakes of one writer, one for each user. They are kept from batch to batch, since they
 * remember what heartbeats need (store/aw_memory.h); of more users than may be kept, those that
 * were not written for the longest are forgotten. Not thread-safe.
 */
#ifndef TT_SERVE_SERVER_SEATS_H
#define TT_SERVE_SERVER_SEATS_H

#include "base/uuid.h"
#include "store/intake.h"

enum { SERVER_SEATS = 1024 };

struct seat {
	struct intake *intake; /* NULL: not made yet */
	char user_id[UUID_BYTES + 1];
	uint64_t batch;             /* the last one that had it, by its number */
	bool locked;                /* in it */
	struct seat *newer, *older; /* by their last use */
	struct seat *chained;       /* of the same hash */
};

struct seats;
/* MOST: how many are kept. */
struct seats *seats_new(size_t most);
/* Undoes what is not committed. Accepts NULL. */
void seats_free(struct seats *seats);
/* The seat of USER_ID, made if there is none; it is the newest then. Lives until seats_trim,
 * seats_forget or seats_free. */
struct seat *seats_take(struct seats *seats, struct str user_id);
/* Forget the oldest beyond those that are kept; never those that were taken last. */
void seats_trim(struct seats *seats);
/* Forget all: their store is to be closed. */
void seats_forget(struct seats *seats);
size_t seats_count(const struct seats *seats);

#endif
