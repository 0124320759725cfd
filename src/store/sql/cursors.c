/* Cursors over foreign files and memos of sources: small rows by natural key. */
#include "store/sql/writes.h"

int cursor_put(struct store *store, const struct file_cursor *cursor, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO cursor (" OWNER
		    "source, path, device, inode, size, mtime_ns, position,"
		    " head_hash, head_bytes, tail_hash, tail_bytes, state) VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER
		    "source, path) DO UPDATE SET device = excluded.device, inode = excluded.inode,"
		    " size = excluded.size, mtime_ns = excluded.mtime_ns,"
		    " position = excluded.position, head_hash = excluded.head_hash,"
		    " head_bytes = excluded.head_bytes, tail_hash = excluded.tail_hash,"
		    " tail_bytes = excluded.tail_bytes, state = excluded.state",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, cursor->source);
	db_bind_bytes(stmt, 2, cursor->path);
	db_bind_i64(stmt, 3, (int64_t)cursor->device);
	db_bind_i64(stmt, 4, (int64_t)cursor->inode);
	db_bind_i64(stmt, 5, cursor->size);
	db_bind_i64(stmt, 6, cursor->mtime_ns);
	db_bind_i64(stmt, 7, cursor->offset);
	db_bind_i64(stmt, 8, (int64_t)cursor->head_hash);
	db_bind_i64(stmt, 9, cursor->head_bytes);
	db_bind_i64(stmt, 10, (int64_t)cursor->tail_hash);
	db_bind_i64(stmt, 11, cursor->tail_bytes);
	db_bind_blob(stmt, 12, cursor->state);
	return db_exec(store, stmt, err);
}

int cursor_forget(struct store *store, struct str source, struct str path, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "DELETE FROM cursor WHERE " OWN "source = ? AND path = ?", &stmt, err) <
		0)
		return err->code;
	db_bind_str(stmt, 1, source);
	db_bind_bytes(stmt, 2, path);
	return db_exec(store, stmt, err);
}

static void take_cursor(struct db_statement *stmt, struct arena *arena, struct file_cursor *out)
{
	out->path = db_col_copy(stmt, 0, arena);
	out->device = (uint64_t)db_col_i64(stmt, 1);
	out->inode = (uint64_t)db_col_i64(stmt, 2);
	out->size = db_col_i64(stmt, 3);
	out->mtime_ns = db_col_i64(stmt, 4);
	out->offset = db_col_i64(stmt, 5);
	out->head_hash = (uint64_t)db_col_i64(stmt, 6);
	out->head_bytes = db_col_i64(stmt, 7);
	out->tail_hash = (uint64_t)db_col_i64(stmt, 8);
	out->tail_bytes = db_col_i64(stmt, 9);
	out->state = db_col_copy(stmt, 10, arena);
}

int store_cursors(struct store *store, struct str source, struct arena *arena,
	struct file_cursor **out, size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct file_cursor cursor = { .source = arena_str(arena, source) };
	struct db_rows rows = db_rows(arena, sizeof(cursor));
	int rc;

	if (db_stmt(store,
		    "SELECT path, device, inode, size, mtime_ns, position, head_hash, head_bytes,"
		    " tail_hash, tail_bytes, state FROM cursor WHERE " OWN
		    "source = ? ORDER BY path",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, source);
	while ((rc = db_step(store, stmt, err)) == 1) {
		take_cursor(stmt, arena, &cursor);
		db_rows_add(&rows, &cursor);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

int memo_get(struct store *store, struct str source, struct str key, struct arena *arena,
	struct str *value, bool *found, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*found = false;
	if (db_stmt(store, "SELECT value FROM memo WHERE " OWN "source = ? AND key = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, source);
	db_bind_bytes(stmt, 2, key);
	rc = db_step(store, stmt, err);
	if (rc == 1) {
		*found = true;
		*value = db_col_copy(stmt, 0, arena);
	}
	return rc < 0 ? rc : 0;
}

int memo_put(
	struct store *store, struct str source, struct str key, struct str value, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO memo (" OWNER "source, key, value) VALUES (" OWN_VALUE
		    "?, ?, ?) ON CONFLICT (" OWNER
		    "source, key) DO UPDATE SET value = excluded.value",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, source);
	db_bind_bytes(stmt, 2, key);
	db_bind_blob(stmt, 3, value);
	return db_exec(store, stmt, err);
}
