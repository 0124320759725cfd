/* Small named values of the store. */
#include "store/sql/db.h"

int store_setting_get(
	struct store *store, const char *key, struct arena *arena, struct str *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = (struct str){ NULL, 0 };
	if (db_stmt(store, "SELECT value FROM setting WHERE " OWN "key = ?", &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, str_from(key));
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*out = db_col_copy(stmt, 0, arena);
	return rc < 0 ? rc : 0;
}

static int put(struct store *store, const char *key, struct str value, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO setting (" OWNER "key, value) VALUES (" OWN_VALUE
		    "?, ?) ON CONFLICT (" OWNER "key) DO UPDATE SET value = excluded.value",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, str_from(key));
	db_bind_blob(stmt, 2, value);
	return db_exec(store, stmt, err);
}

int store_setting_put(struct store *store, const char *key, struct str value, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, put(store, key, value, err), err);
}
