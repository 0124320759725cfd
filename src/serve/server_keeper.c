/*
 * A thread with a connection of its own. It deletes what is older than storage.retention_days, of
 * all users, one after the other; and it counts the servers on a shared store, each of which has
 * its part of the rates.
 *
 * A round of retention comes each hour, and looks at each user; a user's turn comes once a day
 * (collect/retention.h), whoever does it. Of several servers one does a round at a time. Each of
 * its transactions is small, and is followed by a rest that is at least as long, in which writers
 * that wait for a user's lock have it: they try again more often than that. Whose lock is not to be
 * had is left out, and comes again in the next round, which is soon then.
 */
#include "serve/server_keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "collect/retention.h"
#include "serve/server_inner.h"
#include "store/keys.h"
#include "store/servers.h"

enum {
	ROUND_MS = 3600000,
	AGAIN_MS = 60000, /* the next round, when something is left to do */
	LOOK_MS = 5000,   /* how often servers are counted */
	REST_LEAST_MS = 10,
	REST_MOST_MS = 1000,
};

struct server_keeper {
	struct server *server;
	pthread_t thread;
	pthread_mutex_t lock; /* of: */
	pthread_cond_t news;
	bool stopped, woken;
	struct server_store conn; /* the thread's, as is what follows */
	int64_t look_ns;          /* monotonic: when servers are counted again */
	int64_t round_ns;
};

struct round {
	struct server_keeper *keeper;
	int64_t days;
	int64_t events; /* deleted */
	size_t users;   /* of so many */
	int64_t bytes;
	bool ran;  /* somebody's turn had come */
	bool left; /* not all is done */
	bool lost; /* another server does it now */
};

/* --- waiting --- */

/* False: it is to stop. */
static bool rest(struct server_keeper *keeper, int64_t ms, bool until_woken)
{
	const struct timespec deadline = clock_deadline(ms);
	bool stopped;
	int rc = 0;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stopped && !(until_woken && keeper->woken) && rc == 0)
		rc = pthread_cond_timedwait(&keeper->news, &keeper->lock, &deadline);
	if (until_woken && keeper->woken) {
		keeper->woken = false;
		keeper->round_ns = 0;
	}
	stopped = keeper->stopped;
	pthread_mutex_unlock(&keeper->lock);
	return !stopped;
}

static int64_t after_ms(int64_t ms)
{
	return clock_monotonic_ns() + ms * NS_PER_MS;
}

static bool is_due(int64_t at_ns)
{
	return clock_monotonic_ns() >= at_ns;
}

/* --- how many servers there are --- */

static void share_rates(struct server *server, int64_t count)
{
	int servers = count < 1 ? 1 : count > SERVERS_MOST ? SERVERS_MOST : (int)count;

	pthread_mutex_lock(&server->lock);
	server->servers = servers;
	rates_share(server->settings->rates, servers);
	rates_share(server->wrong_keys, servers);
	pthread_mutex_unlock(&server->lock);
	metrics_servers(server->metrics, servers);
}

/* When nobody can be asked, it is as it was. */
static int look_around(struct server_keeper *keeper, struct err *err)
{
	int64_t count;

	if (!keeper->server->shared || !is_due(keeper->look_ns))
		return 0;
	keeper->look_ns = after_ms(LOOK_MS);
	if (servers_announce(keeper->conn.store, &count, err) < 0)
		return err->code;
	share_rates(keeper->server, count);
	return 0;
}

/* Between rounds, when the connection may be made anew. */
static void look_from_outside(struct server_keeper *keeper)
{
	struct server *server = keeper->server;
	struct err err;

	if (server->shared && (server_store_open(server, &keeper->conn, &err) < 0 ||
				      look_around(keeper, &err) < 0))
		server_store_failed(server, &keeper->conn, err.code);
}

/* --- retention --- */

static bool pause_between(void *context, int64_t slice_ns)
{
	struct server_keeper *keeper = context;
	int64_t ms = slice_ns / NS_PER_MS;
	struct err ignored;

	(void)!look_around(keeper, &ignored);
	ms = ms < REST_LEAST_MS ? REST_LEAST_MS : ms > REST_MOST_MS ? REST_MOST_MS : ms;
	return rest(keeper, ms, false);
}

/* One user, whose the store is; the person, where it has but one. What is wrong with one user's
 * rows keeps no other waiting; < 0: the store is away. */
static int keep_user(struct round *round, struct err *err)
{
	struct server *server = round->keeper->server;
	const struct retention_rule rule = { .days = round->days,
		.held_seq = INT64_MAX,
		.now_ns = clock_now_ns(),
		.pause = pause_between,
		.context = round->keeper };
	struct retention_result result;
	int rc = retention_run(round->keeper->conn.store, &rule, NULL, &result, err);

	metrics_retention(server->metrics, result.events, rc < 0 && rc != ERR_BUSY);
	round->events += result.events;
	round->users += result.events > 0;
	round->ran |= rc > 0;
	round->left |= rc < 0 || result.unfinished;
	if (rc < 0 && rc != ERR_BUSY)
		log_warn(&server->log, "retention: %s", err->message);
	return rc == ERR_BUSY ? rc : 0;
}

static int keep_one(struct round *round, struct str user_id, struct err *err)
{
	const struct actor actor = { user_id, { "", 0 } };
	struct store *store = round->keeper->conn.store;
	bool mine = false;
	int rc = servers_alone(store, &mine, err);

	round->lost = rc == 0 && !mine;
	if (rc < 0 || round->lost)
		return rc;
	rc = store_as(store, &actor, err);
	if (rc == ERR_NOT_FOUND) /* erased meanwhile */
		return 0;
	return rc < 0 ? rc : keep_user(round, err);
}

static int keep_all(struct round *round, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct server_keeper *keeper = round->keeper;
	struct user *users;
	size_t count;

	if (!keeper->server->shared)
		return keep_user(round, err);
	if (user_list(keeper->conn.store, clock_now_ns(), &arena, &users, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count && !round->lost && rest(keeper, 0, false); i++)
		if (keep_one(round, users[i].user_id, err) < 0)
			return err->code;
	return 0;
}

static void tell(const struct round *round)
{
	struct server *server = round->keeper->server;
	const char *given_back = round->bytes == 0 ? ""
				 : server->shared  ? ", empty months dropped"
						   : ", the file made smaller";

	if (round->events > 0 && server->shared)
		log_info(&server->log,
			"retention: %lld event%s of %zu user%s older than %lld days deleted%s",
			(long long)round->events, round->events == 1 ? "" : "s", round->users,
			round->users == 1 ? "" : "s", (long long)round->days, given_back);
	else if (round->events > 0)
		log_info(&server->log, "retention: %lld event%s older than %lld days deleted%s",
			(long long)round->events, round->events == 1 ? "" : "s",
			(long long)round->days, given_back);
	else if (round->bytes > 0)
		log_info(&server->log, "retention: %lld bytes given back%s",
			(long long)round->bytes, given_back);
}

/* Under the lock of the servers, unless another has it. */
static int do_round(struct round *round, struct err *err)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };
	struct server_keeper *keeper = round->keeper;
	struct store *store = keeper->conn.store;
	bool mine = false;

	if (store_as(store, &nobody, err) < 0 || servers_alone(store, &mine, err) < 0)
		return err->code;
	round->left = !mine; /* it may end in the middle */
	if (!mine)
		return 0;
	if (keep_all(round, err) < 0 || store_as(store, &nobody, err) < 0)
		return err->code;
	if ((round->ran || keeper->server->shared) &&
		store_retention_shrink(store, &round->bytes, err) < 0)
		return err->code;
	return servers_resign(store, err);
}

static int64_t days_of(struct server *server)
{
	struct settings *settings = settings_hold(server);
	int64_t days = settings->retention_days;

	settings_drop(settings);
	return days;
}

static void retain(struct server_keeper *keeper)
{
	struct server *server = keeper->server;
	struct round round = { .keeper = keeper, .days = days_of(server) };
	struct err err = { 0 };
	int rc;

	keeper->round_ns = after_ms(ROUND_MS);
	if (round.days == 0)
		return;
	rc = server_store_open(server, &keeper->conn, &err);
	if (rc == 0)
		rc = do_round(&round, &err);
	tell(&round);
	if (rc < 0) {
		metrics_retention(server->metrics, 0, true);
		log_warn(&server->log, "retention: %s", err.message);
		server_store_close(&keeper->conn);
	} else if (!round.left && !round.lost) {
		metrics_retention_ran(server->metrics, clock_now_ns());
	}
	/* That a month is empty is seen a while after its last rows were deleted. */
	if (rc < 0 || round.left || round.lost || round.events > 0)
		keeper->round_ns = after_ms(AGAIN_MS);
}

/* --- the thread --- */

static void *keeper_main(void *context)
{
	struct server_keeper *keeper = context;
	int64_t wait_ns;

	do {
		look_from_outside(keeper);
		if (is_due(keeper->round_ns))
			retain(keeper);
		if (!keeper->server->shared)
			server_store_close(&keeper->conn);
		wait_ns = keeper->round_ns - clock_monotonic_ns();
		if (keeper->server->shared && wait_ns > LOOK_MS * NS_PER_MS)
			wait_ns = LOOK_MS * NS_PER_MS;
	} while (rest(keeper, wait_ns / NS_PER_MS + 1, true));
	server_store_close(&keeper->conn);
	return NULL;
}

static void say(struct server_keeper *keeper, bool *what)
{
	pthread_mutex_lock(&keeper->lock);
	*what = true;
	pthread_cond_signal(&keeper->news);
	pthread_mutex_unlock(&keeper->lock);
}

int server_keeper_start(struct server *server, struct server_keeper **out, struct err *err)
{
	struct server_keeper *keeper = mem_zalloc(sizeof(*keeper));
	int number;

	keeper->server = server;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_cond_init(&keeper->news, NULL);
	number = pthread_create(&keeper->thread, NULL, keeper_main, keeper);
	*out = number == 0 ? keeper : NULL;
	if (number == 0)
		return 0;
	pthread_mutex_destroy(&keeper->lock);
	pthread_cond_destroy(&keeper->news);
	free(keeper);
	errno = number;
	return err_sys(err, "a thread");
}

void server_keeper_wake(struct server_keeper *keeper)
{
	if (keeper)
		say(keeper, &keeper->woken);
}

void server_keeper_stop(struct server_keeper *keeper)
{
	if (!keeper)
		return;
	say(keeper, &keeper->stopped);
	pthread_join(keeper->thread, NULL);
	pthread_mutex_destroy(&keeper->lock);
	pthread_cond_destroy(&keeper->news);
	free(keeper);
}
