/*
 * Token buckets, each kept as one time: the moment at which it will be full again (the generic cell
 * rate algorithm). A table of fixed size, so that many callers cost no memory: who comes new takes
 * the place in its row that is nearest to full, and a bucket that is full says nothing that a
 * missing one does not. The hash is salted: nobody can choose names that share a row.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/time.h"
#include "serve/guard.h"

enum { ROWS = 1024, PLACES = 8 };

struct place {
	uint64_t who;    /* hash; 0: free */
	int64_t full_ns; /* when the bucket is full again */
};

struct rates {
	pthread_mutex_t lock;
	int64_t interval_ns; /* a token comes so often */
	int64_t burst_ns;    /* from empty to full */
	int64_t servers;     /* each gives out its part of the tokens */
	uint64_t salt;
	struct place places[ROWS][PLACES];
};

struct rates *rates_new(int per_second, int burst)
{
	struct rates *rates = mem_zalloc(sizeof(*rates));

	ASSERT(per_second > 0 && burst > 0);
	pthread_mutex_init(&rates->lock, NULL);
	rates->interval_ns = NS_PER_S / per_second;
	rates->burst_ns = rates->interval_ns * burst;
	rates->servers = 1;
	rates->salt = rng_u64();
	return rates;
}

void rates_free(struct rates *rates)
{
	if (rates)
		pthread_mutex_destroy(&rates->lock);
	free(rates);
}

void rates_share(struct rates *rates, int servers)
{
	ASSERT(servers > 0);
	pthread_mutex_lock(&rates->lock);
	rates->servers = servers;
	pthread_mutex_unlock(&rates->lock);
}

static struct place *find(struct rates *rates, uint64_t who)
{
	struct place *row = rates->places[who % ROWS], *least = row;

	for (size_t i = 0; i < PLACES; i++) {
		if (row[i].who == who)
			return &row[i];
		if (row[i].full_ns < least->full_ns)
			least = &row[i];
	}
	*least = (struct place){ .who = who, .full_ns = INT64_MIN };
	return least;
}

int rates_take(struct rates *rates, struct str who, int64_t now_ns)
{
	uint64_t hash = hash64(who, rates->salt);
	struct place *place;
	int64_t interval_ns, full_ns, late_ns;

	pthread_mutex_lock(&rates->lock);
	place = find(rates, hash == 0 ? 1 : hash);
	interval_ns = rates->interval_ns * rates->servers;
	full_ns = (place->full_ns > now_ns ? place->full_ns : now_ns) + interval_ns;
	/* A bucket that holds less than one token would never give one. */
	late_ns =
		full_ns - now_ns - (interval_ns > rates->burst_ns ? interval_ns : rates->burst_ns);
	if (late_ns <= 0)
		place->full_ns = full_ns;
	pthread_mutex_unlock(&rates->lock);
	return late_ns <= 0 ? 0 : (int)((late_ns + NS_PER_S - 1) / NS_PER_S);
}
