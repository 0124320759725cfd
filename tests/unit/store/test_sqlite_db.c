/* SQLite's own: a transaction that it has undone, result codes. */
#include "store_fixture.h"

#include "store/sqlite/db.h"
#include "store/sqlite/fail.h"

static int put_setting(struct store *store, const char *key, struct err *err)
{
	return store_setting_put(store, key, STR("x"), err);
}

static bool has_setting(struct store *store, struct fixture *f, const char *key)
{
	struct str value;
	struct err err;

	GOOD(store_setting_get(store, key, &f->arena, &value, &err));
	return value.len > 0;
}

/* SQLite undoes a transaction by itself after some failures: what follows must not commit alone. */
static void an_undone_transaction_stays_undone(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct err err;

	GOOD(db_write_begin(store, &err));
	GOOD(put_setting(store, "a", &err));
	IS_INT(sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	FAILS(put_setting(store, "b", &err), ERR_IO);
	(void)db_next_seq(store);
	FAILS(db_write_commit(store, &err), ERR_IO);
	OK(!has_setting(store, &f, "a") && !has_setting(store, &f, "b"));
	GOOD(put_setting(store, "c", &err));
	store_close(store);
	fixture_end(&f);
}

static void result_codes(void)
{
	static const struct {
		int rc;
		int code;
	} codes[] = {
		{ SQLITE_BUSY, ERR_BUSY },
		{ SQLITE_BUSY_SNAPSHOT, ERR_BUSY },
		{ SQLITE_LOCKED, ERR_BUSY },
		{ SQLITE_FULL, ERR_FULL },
		{ SQLITE_READONLY_DBMOVED, ERR_READONLY },
		{ SQLITE_PERM, ERR_READONLY },
		{ SQLITE_CORRUPT_INDEX, ERR_CORRUPT },
		{ SQLITE_NOTADB, ERR_CORRUPT },
		{ SQLITE_INTERRUPT, ERR_INTERRUPTED },
		{ SQLITE_TOOBIG, ERR_LIMIT },
		{ SQLITE_IOERR_FSYNC, ERR_IO },
		{ SQLITE_CANTOPEN, ERR_IO },
		{ SQLITE_ERROR, ERR_IO },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		FAILS(sqlite_fail(NULL, "/my/tt.db", codes[i].rc, "trying", &err), codes[i].code);
		OK(strstr(err.message, "/my/tt.db") && strstr(err.message, "trying"));
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(an_undone_transaction_stays_undone),
	TAP_CASE(result_codes),
};
TAP_MAIN(cases)
