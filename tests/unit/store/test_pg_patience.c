/*
 * For how long a server is waited for that works, and what it is told to do when nobody waits any
 * more. Of one that is silent: test_pg_faults.c. Run by tests/lib/with-pg.
 */
#include "store_fixture.h"

#include "base/clock.h"
#include "store/postgres/db.h"

enum { PATIENCE_MS = 1500, LONG_PATIENCE_MS = 8000 };

static struct store *open_with(struct fixture *f, int64_t patience_ms, bool read_only)
{
	struct store_options options = fixture_options(f, 20000);
	struct store *store = NULL;
	struct err err;

	options.patience_ms = patience_ms;
	options.read_only = read_only;
	if (!GOOD(store_open(&store, &options, &err)))
		exit(1);
	return store;
}

/* Three seconds of work: longer than the patience. What may take long is waited for, since the
 * server lets others in meanwhile. */
static void long_statements(void)
{
	struct store *store;
	struct fixture f;
	struct err err;

	fixture_begin(&f);
	store = open_with(&f, PATIENCE_MS, false);
	for (int is_long = 0; is_long < 2; is_long++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		int rc;

		while ((rc = db_write_begin(store, &err)) == ERR_BUSY)
			clock_sleep_ms(5);
		GOOD(rc);
		if (is_long)
			db_may_take_long(store);
		GOOD(db_stmt(store, "SELECT pg_sleep(3)::TEXT", &stmt, &err));
		rc = db_step(store, stmt, &err);
		IS_INT(rc, is_long ? 1 : ERR_BUSY);
		db_write_rollback(store);
	}
	store_close(store);
	fixture_end(&f);
}

/* Rows in bulk are sent and not waited for. All of it takes longer than the patience, each part far
 * less: the server tells of each. */
static void work_in_parts(void)
{
	static const char text[] = "SELECT pg_sleep(2.5), length($1)";
	static char rows[20 << 10];
	const char *const values[1] = { rows };
	const int lengths[1] = { sizeof(rows) };
	const Oid types[1] = { 17 }; /* bytea */
	struct store *store;
	struct fixture f;
	struct err err;

	fixture_begin(&f);
	store = open_with(&f, LONG_PATIENCE_MS, false);
	GOOD(db_write_begin(store, &err));
	for (int i = 0; i < 4; i++)
		GOOD(pg_send(store, text, 1, types, values, lengths, &err));
	GOOD(db_write_commit(store, &err));
	store_close(store);
	fixture_end(&f);
}

/* What the server is told to do with a session whose client has gone, or does nothing. */
static void check_limits(struct fixture *f, int64_t patience_ms, bool read_only, const char *want)
{
	struct store *store = open_with(f, patience_ms, read_only);
	struct db_statement *stmt = NULL;
	struct err err;

	GOOD(db_stmt(store,
		"SELECT current_setting('idle_in_transaction_session_timeout') || ', ' ||"
		" current_setting('client_connection_check_interval')",
		&stmt, &err));
	if (IS_INT(db_step(store, stmt, &err), 1))
		IS_STR(db_col_str(stmt, 0), want);
	db_donep(&stmt);
	store_close(store);
}

static void limits_of_sessions(void)
{
	struct fixture f;

	fixture_begin(&f);
	check_limits(&f, PATIENCE_MS, false, "1min, 5s");
	check_limits(&f, PATIENCE_MS, true, "0, 5s"); /* who reads an answer may be slow */
	check_limits(&f, 0, false, "0, 0");
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(long_statements),
	TAP_CASE(work_in_parts),
	TAP_CASE(limits_of_sessions),
};
TAP_MAIN(cases)
