/* Reading a chat of Cursor's command line, one row at a time. */
#include "store/foreign_chat.h"

#include "store/foreign/statement.h"
#include "store/sqlite/db.h"

int foreign_chat_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err)
{
	static const char *const tables[] = { "meta", "blobs", NULL };
	const struct foreign_options options = {
		.path = path, .tables = tables, .state_dir = state_dir
	};

	return foreign_open(out, &options, err);
}

static int read_one(struct foreign *foreign, const char *sql, struct str key, struct arena *arena,
	struct str *out, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	*out = (struct str){ NULL, 0 };
	if (foreign_prepare(foreign, sql, &stmt, err) < 0)
		return err->code;
	foreign_bind_str(stmt, 1, key);
	rc = foreign_step(foreign, stmt, err);
	if (rc > 0 && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*out = arena_str(arena, foreign_col_str(stmt, 0));
	return rc < 0 ? rc : 0;
}

int foreign_chat_meta(
	struct foreign *foreign, struct arena *arena, struct str *value, struct err *err)
{
	return read_one(
		foreign, "SELECT value FROM meta WHERE key = ?", STR("0"), arena, value, err);
}

int foreign_chat_blob(struct foreign *foreign, struct str id, struct arena *arena, struct str *data,
	struct err *err)
{
	return read_one(foreign, "SELECT data FROM blobs WHERE id = ?", id, arena, data, err);
}
