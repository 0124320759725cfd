/*
 * Servers hold advisory locks, which end with their sessions, however those end: a shared one says
 * that they are there, an exclusive one that they do what one does for all. A lock that is taken
 * twice must be given back twice, so who has it does not take it again.
 */
#include "store/servers.h"

#include "store/postgres/db.h"

/* "tt s" in ASCII, and what it is about. */
#define HERE "1953767539, 1"
#define ALONE "1953767539, 2"
/* Of pg_locks: those of THIS. */
#define LOCKS(this)                                                                                \
	" FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"                  \
	" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"         \
	" AND (classid::BIGINT, objid::BIGINT) = (" this ")"
#define OWN_LOCKS(this) LOCKS(this) " AND pid = pg_backend_pid()"

static int ask(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = 0;
	ASSERT(!store->in_transaction);
	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*out = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

int servers_announce(struct store *store, int64_t *count, struct err *err)
{
	int64_t had;

	if (ask(store,
		    "SELECT CASE WHEN EXISTS (SELECT 1" OWN_LOCKS(
			    HERE) ") THEN true"
				  " ELSE pg_try_advisory_lock_shared(" HERE ") END",
		    &had, err) < 0)
		return err->code;
	return ask(store, "SELECT count(*)" LOCKS(HERE), count, err);
}

int servers_alone(struct store *store, bool *mine, struct err *err)
{
	int64_t had;

	if (ask(store,
		    "SELECT CASE WHEN EXISTS (SELECT 1" OWN_LOCKS(
			    ALONE) ") THEN true"
				   " ELSE pg_try_advisory_lock(" ALONE ") END",
		    &had, err) < 0)
		return err->code;
	*mine = had != 0;
	return 0;
}

int servers_resign(struct store *store, struct err *err)
{
	int64_t had;

	return ask(store,
		"SELECT CASE WHEN EXISTS (SELECT 1" OWN_LOCKS(
			ALONE) ")"
			       " THEN pg_advisory_unlock(" ALONE ") ELSE false END",
		&had, err);
}
