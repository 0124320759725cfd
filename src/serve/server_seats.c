/* A hash table whose entries are a list in the order of their last use, too. */
#include "serve/server_seats.h"

#include <stdlib.h>

#include "base/hash.h"

enum { CHAINS = 1024 };

struct seats {
	struct seat *chains[CHAINS];
	struct seat *newest, *oldest;
	size_t count;
	size_t most;
};

struct seats *seats_new(size_t most)
{
	struct seats *seats = mem_zalloc(sizeof(*seats));

	seats->most = most;
	return seats;
}

static struct seat **chain_of(struct seats *seats, struct str user_id)
{
	return &seats->chains[hash64(user_id, 0) % CHAINS];
}

/* --- the list --- */

static void unlink_seat(struct seats *seats, struct seat *seat)
{
	*(seat->newer ? &seat->newer->older : &seats->newest) = seat->older;
	*(seat->older ? &seat->older->newer : &seats->oldest) = seat->newer;
	seat->newer = seat->older = NULL;
}

static void link_newest(struct seats *seats, struct seat *seat)
{
	seat->older = seats->newest;
	*(seats->newest ? &seats->newest->newer : &seats->oldest) = seat;
	seats->newest = seat;
}

/* --- seats --- */

static struct seat *make(struct seats *seats, struct str user_id)
{
	struct seat *seat = mem_zalloc(sizeof(*seat)), **chain = chain_of(seats, user_id);

	ASSERT(user_id.len < sizeof(seat->user_id));
	if (user_id.len > 0)
		memcpy(seat->user_id, user_id.ptr, user_id.len);
	seat->chained = *chain;
	*chain = seat;
	seats->count++;
	return seat;
}

struct seat *seats_take(struct seats *seats, struct str user_id)
{
	struct seat *seat = *chain_of(seats, user_id);

	while (seat && !str_eq_c(user_id, seat->user_id))
		seat = seat->chained;
	if (seat)
		unlink_seat(seats, seat);
	else
		seat = make(seats, user_id);
	link_newest(seats, seat);
	return seat;
}

static void drop(struct seats *seats, struct seat *seat)
{
	struct seat **at = chain_of(seats, str_from(seat->user_id));

	while (*at != seat)
		at = &(*at)->chained;
	*at = seat->chained;
	unlink_seat(seats, seat);
	seats->count--;
	intake_free(seat->intake);
	free(seat);
}

void seats_trim(struct seats *seats)
{
	while (seats->count > seats->most)
		drop(seats, seats->oldest);
}

void seats_forget(struct seats *seats)
{
	while (seats->oldest)
		drop(seats, seats->oldest);
}

void seats_free(struct seats *seats)
{
	if (!seats)
		return;
	seats_forget(seats);
	free(seats);
}

size_t seats_count(const struct seats *seats)
{
	return seats->count;
}
