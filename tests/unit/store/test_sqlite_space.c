/* The file of a store shrinks when what is old goes. */
#include "store/retention.h"

#include "retention_fixture.h"
#include "store/sqlite/db.h"

static void space_is_given_back(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct retention what = { .before_ns = T0 + 11900 * NS_PER_S, .held_seq = INT64_MAX };
	struct retention_result result;
	struct store_info before, after;
	char filler[1000];
	struct err err;

	memset(filler, 'x', sizeof(filler));
	filler[sizeof(filler) - 1] = '\0';
	fill(store, &f, 12000, filler); /* more than a batch */
	GOOD(store_info(store, &before, &err));
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 11900);
	OK(result.bytes > 8000000);
	GOOD(store_info(store, &after, &err));
	OK(after.bytes < before.bytes / 10);
	IS_INT(events_in(store), 100);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

/* Also of a small store, and also when nothing is to be deleted any more: another process was
 * writing when it was. */
static void space_is_given_back_later(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct retention what = { .before_ns = T0 + 290 * NS_PER_S, .held_seq = INT64_MAX };
	struct retention_result result;
	struct store_info before, after;
	char filler[1000];
	struct err err;

	memset(filler, 'x', sizeof(filler));
	filler[sizeof(filler) - 1] = '\0';
	fill(store, &f, 300, filler);
	GOOD(store_info(store, &before, &err));
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 290);
	OK(result.bytes > 200000);
	GOOD(store_info(store, &after, &err));
	OK(after.bytes < before.bytes * 2 / 3);
	GOOD(db_script(store,
		"CREATE TABLE scratch (body BLOB); INSERT INTO scratch VALUES (randomblob(900000));"
		" DROP TABLE scratch; PRAGMA wal_checkpoint(TRUNCATE)",
		&err));
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 0);
	OK(result.bytes > 800000);
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.bytes, 0);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(space_is_given_back),
	TAP_CASE(space_is_given_back_later),
};

TAP_MAIN(cases)
