/* Servers on one database: how many there are, and which one does what one does for all. */
#include "store/servers.h"

#include "store_fixture.h"

static int64_t announce(struct store *store)
{
	int64_t count = -1;
	struct err err;

	GOOD(servers_announce(store, &count, &err));
	return count;
}

static bool alone(struct store *store)
{
	bool mine = false;
	struct err err;

	GOOD(servers_alone(store, &mine, &err));
	return mine;
}

/* Closing does not wait for the session's end. */
static void until(struct store *store, int64_t count)
{
	while (announce(store) != count)
		usleep(1000);
}

static void are_counted(void)
{
	struct fixture f;
	struct store *one = open_alone(&f), *two = fixture_open(&f), *other = fixture_open(&f);

	IS_INT(announce(one), 1);
	IS_INT(announce(one), 1);
	IS_INT(announce(two), 2);
	IS_INT(announce(one), 2);
	store_close(two);
	until(one, 1); /* also who was announced twice goes at once */
	two = fixture_open(&f);
	IS_INT(announce(two), 2);
	store_close(one);
	until(two, 1);
	store_close(two);
	store_close(other);
	fixture_end(&f);
}

static void one_at_a_time(void)
{
	struct fixture f;
	struct store *one = open_alone(&f), *two = fixture_open(&f);
	struct err err;

	OK(alone(one));
	OK(!alone(two));
	OK(alone(one)); /* it stays so, and once is enough to resign */
	GOOD(servers_resign(two, &err));
	OK(!alone(two));
	GOOD(servers_resign(one, &err));
	OK(alone(two));
	OK(!alone(one));
	store_close(two); /* as one that was killed */
	while (!alone(one))
		usleep(1000);
	store_close(one);
	fixture_end(&f);
}

/* Each database has its own. */
static void databases_are_apart(void)
{
	struct fixture f, g;
	struct store *one = open_alone(&f), *two = open_alone(&g);

	IS_INT(announce(one), 1);
	IS_INT(announce(two), 1);
	OK(alone(one));
	OK(alone(two));
	store_close(two);
	store_close(one);
	fixture_end(&g);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(are_counted),
	TAP_CASE(one_at_a_time),
	TAP_CASE(databases_are_apart),
};

TAP_MAIN(cases)
