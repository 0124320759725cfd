/* How much a connection to PostgreSQL has sent. */
#ifndef TT_TESTS_PG_SENT_H
#define TT_TESTS_PG_SENT_H

#include "store/postgres/db.h"
#include "tap.h"

/* Sent since BEFORE: statements, and the ends of groups of them. */
static void sent_at_most(const struct store *store, uint64_t before, uint64_t most)
{
	uint64_t sent = store->queue.sent - before;

	if (!OK(sent <= most))
		printf("# %llu were sent, at most %llu are expected\n", (unsigned long long)sent,
			(unsigned long long)most);
}

#endif
