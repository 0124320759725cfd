/* What work on a PostgreSQL store has cost: take two, and subtract. */
#ifndef TT_BENCH_PG_COST_H
#define TT_BENCH_PG_COST_H

#include "store/store.h"

struct pg_cost {
	double seconds;
	double own;    /* of the processor, seconds */
	double server; /* of the server's process for the store's connection; -1: not on this
			  machine */
	double wal_bytes;
};
struct pg_cost pg_cost_now(struct store *store);
/* The one number that SQL gives, asked over a connection of its own; -1 after a message when it
 * does not. */
double pg_number(struct store *store, const char *sql);

#endif
