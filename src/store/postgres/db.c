/*
 * Transactions.
 *
 * A writer's first answer is the lock: BEGIN and SELECT … FOR UPDATE go together. What it sees
 * after that is what the last writer of the user has committed (READ COMMITTED). The commit is one
 * more: rows held back, counters, COMMIT. Readers see one state (REPEATABLE READ), and wait for
 * nothing at their beginning and end.
 */
#include "store/postgres/db.h"

#include "base/clock.h"
#include "store/postgres/lock.h"
#include "store/postgres/pipe.h"
#include "store/postgres/users.h"

static const struct pg_params no_params = { 0 };

struct db_counters *db_counters(struct store *store)
{
	return &store->user->counters;
}

bool db_is_writing(const struct store *store)
{
	return store->writing && (store->user->writing || store->user == &store->nobody);
}

bool db_is_read_only(const struct store *store)
{
	return store->read_only;
}

/* --- units of several statements --- */

static int begin(struct store *store, const char *sql, struct err *err)
{
	const struct pg_sending how = { "beginning a transaction", NULL };

	if (pg_unit_begin(store, false, err) < 0 ||
		pg_send_text(store, sql, &no_params, &how, err) < 0)
		return err->code;
	store->in_transaction = true;
	return 0;
}

/* What becomes of SQL is not waited for, and no failure of anybody's any more. */
static void end(struct store *store, const char *sql)
{
	const struct pg_sending how = { "ending a transaction", NULL };
	struct err err;

	store->in_transaction = store->writing = false;
	store->unit++;
	store->failure = (struct err){ 0 };
	pg_sync(store);
	if (store->conn && pg_send_text(store, sql, &no_params, &how, &err) == 0) {
		pg_sync(store);
		pg_push(store);
	}
}

/* --- writing --- */

static int begin_locked(struct store *store, struct err *err)
{
	if (begin(store, "BEGIN", err) < 0)
		return err->code;
	store->writing = true;
	if (lock_send_users(store, err) < 0)
		return err->code;
	if (store->user == &store->nobody)
		return pg_wait(store, pg_last(store), store->busy_ms, err);
	return lock_own(store, err);
}

/* Nothing is lost with a connection that ends here; but who has waited for long is told so. */
static bool may_try_again(const struct store *store, int64_t begun_ns)
{
	return !store->conn && clock_monotonic_ns() - begun_ns < INT64_C(1000000) * RECONNECT_MS;
}

int db_write_begin(struct store *store, struct err *err)
{
	int64_t begun_ns = clock_monotonic_ns();
	int rc;

	ASSERT(!store->writing && store->readers == 0);
	if (store->read_only)
		return err_set(
			err, ERR_READONLY, "store '%s': opened for reading only", store->url);
	rc = begin_locked(store, err);
	if (rc < 0 && store->in_transaction && may_try_again(store, begun_ns)) {
		db_write_rollback(store);
		rc = begin_locked(store, err);
	}
	if (rc < 0)
		db_write_rollback(store);
	return rc;
}

static int begin_many(
	struct store *store, struct pg_user *const *users, size_t count, struct err *err)
{
	bool own = !store->writing;

	if (own && begin(store, "BEGIN", err) < 0)
		return err->code;
	store->writing = true;
	if (lock_many(store, users, count, err) < 0) {
		if (own)
			db_write_rollback(store);
		return err->code;
	}
	if (own && !store->writers)
		db_write_rollback(store);
	return 0;
}

int db_write_begin_for(struct store *store, const struct str *user_ids, size_t count, bool *locked,
	struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct pg_user **users = arena_zalloc(&arena, count, sizeof(struct pg_user *));
	size_t known = 0;

	ASSERT(store->readers == 0);
	if (store->read_only)
		return err_set(
			err, ERR_READONLY, "store '%s': opened for reading only", store->url);
	if (pg_users_meet(store, user_ids, count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		users[i] = pg_user_known(store, user_ids[i]);
		known += users[i] != NULL;
	}
	if (known > 0 && begin_many(store, users, count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		locked[i] = users[i] && users[i]->writing;
	return 0;
}

static int commit(struct store *store, struct err *err)
{
	PGresult *result = NULL;
	const struct pg_sending how = { "committing", &result };
	int rc;

	if (pg_held_write(store, HELD_EVENT | HELD_DICT | HELD_BUCKET, err) < 0 ||
		lock_send_counters(store, err) < 0 ||
		pg_send_text(store, "COMMIT", &no_params, &how, err) < 0)
		return err->code;
	rc = pg_wait(store, pg_last(store), 0, err);
	pg_abandon(store, &result);
	if (rc == ERR_BUSY && !store->conn)
		rc = err_context(err, "whether it was stored is not known");
	/* What fails is no COMMIT, whatever it is called. */
	if (rc == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		rc = err_set(err, ERR_IO, "store '%s': the transaction was undone", store->url);
	PQclear(result);
	return rc;
}

int db_write_commit(struct store *store, struct err *err)
{
	int rc;

	ASSERT(store->writing);
	rc = commit(store, err);
	if (rc < 0) {
		db_write_rollback(store);
		return rc;
	}
	store->in_transaction = store->writing = false;
	lock_end(store, true);
	return 0;
}

void db_write_rollback(struct store *store)
{
	if (!store->writing)
		return;
	/* A month that was known to be there may have been dropped by another process since. */
	if (store->failure.code != 0)
		memset(store->months, 0, sizeof(store->months));
	pg_held_forget(store);
	lock_end(store, false);
	end(store, "ROLLBACK");
}

void db_may_take_long(struct store *store)
{
	ASSERT(store->in_transaction);
	store->long_unit = store->unit;
}

/* --- reading --- */

int db_read_begin(struct store *store, struct err *err)
{
	if (store->readers == 0 && !store->writing) {
		if (begin(store, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) < 0)
			return err->code;
		if (lock_send_users(store, err) < 0) {
			end(store, "ROLLBACK");
			return err->code;
		}
	}
	store->readers++;
	return 0;
}

void db_read_end(struct store *store)
{
	ASSERT(store->readers > 0);
	if (--store->readers == 0 && !store->writing && store->in_transaction)
		end(store, "COMMIT");
}
