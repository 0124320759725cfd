/* The settings of the ActivityWatch API; aw_make.c writes them. */
#include "store/aw.h"
#include "store/sql/db.h"

int aw_settings(struct store *store, struct arena *arena, struct aw_setting **out, size_t *count,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(**out));
	struct aw_setting setting;
	int rc;

	if (db_stmt(store, "SELECT key, value FROM aw_setting" ALL_OWN " ORDER BY key", &stmt,
		    err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		setting.key = db_col_copy(stmt, 0, arena);
		setting.value = db_col_copy(stmt, 1, arena);
		db_rows_add(&rows, &setting);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

int aw_setting_find(struct store *store, struct str key, struct arena *arena, struct str *value,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*value = (struct str){ NULL, 0 };
	if (!db_is_text(key))
		return 0;
	if (db_stmt(store, "SELECT value FROM aw_setting WHERE " OWN "key = ?", &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, key);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*value = db_col_copy(stmt, 0, arena);
	return rc < 0 ? rc : 0;
}
