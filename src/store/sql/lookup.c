/* The settings that PostgreSQL's policies read, for the length of a transaction at most. */
#include "store/sql/lookup.h"

static int see_keys(struct store *store, bool on, struct err *err)
{
	return db_run(store,
		on ? "SELECT /*-*/1/*.*//*!set_config('tt.keys', 'on', true)*/"
		   : "SELECT /*-*/0/*.*//*!set_config('tt.keys', 'off', true)*/",
		err);
}

static int stop_seeing(struct store *store, int rc, struct err *err)
{
	/* A failure ends the transaction, and the setting with it. */
	return rc < 0 || see_keys(store, false, err) == 0 ? rc : err->code;
}

int lookup_begin(struct store *store, struct err *err)
{
	if (db_read_begin(store, err) < 0)
		return err->code;
	if (see_keys(store, true, err) < 0) {
		db_read_end(store);
		return err->code;
	}
	return 0;
}

int lookup_end(struct store *store, int rc, struct err *err)
{
	rc = stop_seeing(store, rc, err);
	db_read_end(store);
	return rc;
}

int lookup_join(struct store *store, bool *own, struct err *err)
{
	if (db_write_join(store, own, err) < 0)
		return err->code;
	return see_keys(store, true, err) < 0 ? db_write_leave(store, *own, err->code, err) : 0;
}

int lookup_leave(struct store *store, bool own, int rc, struct err *err)
{
	return db_write_leave(store, own, stop_seeing(store, rc, err), err);
}

/* --- rows of one user --- */

int lookup_rows_of(struct store *store, struct str user_id, struct arena *arena, struct str *before,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *now = NULL;
	CLEANUP(db_donep) struct db_statement *set = NULL;

	if (db_stmt(store, "SELECT coalesce(current_setting('tt.users', true), '')", &now, err) <
			0 ||
		db_step(store, now, err) < 0)
		return err->code;
	*before = db_col_copy(now, 0, arena);
	if (db_stmt(store,
		    "SELECT set_config('tt.users', format('{%s}', user_no), true) FROM \"user\""
		    " WHERE user_id = ?",
		    &set, err) < 0)
		return err->code;
	db_bind_str(set, 1, user_id);
	return db_exec(store, set, err);
}

int lookup_rows_back(struct store *store, struct str before, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "SELECT set_config('tt.users', ?, true)", &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, before);
	return db_exec(store, stmt, err);
}
