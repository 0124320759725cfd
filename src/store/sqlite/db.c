/*
 * The connection's helpers.
 *
 * Statements are kept in a table keyed by the address of their text: the texts are literals, so the
 * address is the text. SQLite may undo a whole transaction by itself (disk full, I/O error). After
 * that single statements would commit one by one, which must not happen inside what the caller
 * believes to be a transaction: db_step refuses to go on.
 */
#include "store/sqlite/db.h"

#include <errno.h>

/* --- errors --- */

static const struct {
	int rc; /* primary result code */
	int code;
	const char *advice;
} failures[] = {
	{ SQLITE_BUSY, ERR_BUSY,
		"another process is writing to it; wait for that process to finish, or end it, and try again" },
	{ SQLITE_LOCKED, ERR_BUSY, "another part of this program is using it; try again" },
	{ SQLITE_FULL, ERR_FULL, "no space left; free some and try again" },
	{ SQLITE_READONLY, ERR_READONLY, "it may only be read" },
	{ SQLITE_PERM, ERR_READONLY, "permission denied" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, "it is damaged; restore a backup with 'tt restore'" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "it is not a Tidemark store, or it is damaged" },
	{ SQLITE_INTERRUPT, ERR_INTERRUPTED, "interrupted" },
	{ SQLITE_TOOBIG, ERR_LIMIT, "a value is too large" },
};

/* The errno of the last failed system call on the database file or its log. */
static int last_errno(sqlite3 *db)
{
	static const int files[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };
	int number = sqlite3_system_errno(db);

	for (size_t i = 0; i < ARRAY_LEN(files) && number == 0; i++) {
		sqlite3_file *file = NULL;

		if (sqlite3_file_control(db, "main", files[i], &file) == SQLITE_OK && file &&
			file->pMethods)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
	}
	return number;
}

/* Of a failed system call SQLite says only which; errno tells a full disk from a broken one. */
static int fail_system(
	sqlite3 *db, const char *path, bool opening, const char *doing, struct err *err)
{
	int number = last_errno(db);

	if (number == 0)
		return 0;
	errno = number;
	if (opening && (number == ENOENT || number == ENOTDIR))
		return err_set(
			err, ERR_NOT_FOUND, "store '%s': %s: %s", path, doing, strerror(number));
	/* A store that is open is there: this is no name that somebody asked for. */
	if (number == ENOENT || number == ENOTDIR)
		return err_set(err, ERR_IO, "store '%s': %s: %s", path, doing, strerror(number));
	return err_sys(err, "store '%s': %s: %s", path, doing, sqlite3_errmsg(db));
}

int db_fail_raw(sqlite3 *db, const char *path, int rc, const char *doing, struct err *err)
{
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int primary = rc & 0xff;

	if (db && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
		fail_system(db, path, primary == SQLITE_CANTOPEN, doing, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].rc == primary)
			return err_set(err, failures[i].code, "store '%s': %s: %s (%s)", path,
				doing, failures[i].advice, text);
	return err_set(err, ERR_IO, "store '%s': %s: %s (SQLite code %d)", path, doing, text, rc);
}

int db_fail(const struct store *store, int rc, const char *doing, struct err *err)
{
	return db_fail_raw(store->db, store->path, rc, doing, err);
}

/* --- statements --- */

int db_prepare(struct store *store, const char *sql, sqlite3_stmt **out, struct err *err)
{
	int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "preparing a query", err);
}

int db_stmt(struct store *store, const char *sql, sqlite3_stmt **out, struct err *err)
{
	size_t slot = ((uintptr_t)sql >> 3) % DB_STATEMENTS;

	while (store->cache[slot].sql && store->cache[slot].sql != sql)
		slot = (slot + 1) % DB_STATEMENTS;
	if (!store->cache[slot].sql) {
		sqlite3_stmt *stmt;

		ASSERT(store->cached < DB_STATEMENTS - 1);
		if (db_prepare(store, sql, &stmt, err) < 0)
			return err->code;
		store->cache[slot] = (struct db_cached){ sql, stmt };
		store->cached++;
	}
	*out = store->cache[slot].stmt;
	ASSERT(!sqlite3_stmt_busy(*out));
	return 0;
}

void db_release_statements(struct store *store)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++) {
		sqlite3_finalize(store->cache[i].stmt);
		store->cache[i] = (struct db_cached){ 0 };
	}
	store->cached = 0;
}

int db_step(struct store *store, sqlite3_stmt *stmt, struct err *err)
{
	int rc;

	if (store->writing && sqlite3_get_autocommit(store->db))
		return err_set(err, ERR_IO,
			"store '%s': the transaction was undone after an earlier failure",
			store->path);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(store, rc, store->writing ? "writing" : "reading", err);
}

int db_exec(struct store *store, sqlite3_stmt *stmt, struct err *err)
{
	int rc;

	do
		rc = db_step(store, stmt, err);
	while (rc == 1);
	sqlite3_reset(stmt);
	return rc;
}

void db_donep(sqlite3_stmt **stmt)
{
	if (!*stmt)
		return;
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
}

int db_script(struct store *store, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "running a script", err);
}

void db_bind_i64(sqlite3_stmt *stmt, int index, int64_t value)
{
	ASSERT(sqlite3_bind_int64(stmt, index, value) == SQLITE_OK);
}

void db_bind_str(sqlite3_stmt *stmt, int index, struct str value)
{
	ASSERT(sqlite3_bind_text64(stmt, index, value.len > 0 ? value.ptr : "", value.len,
		       SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *stmt, int index, struct str value)
{
	ASSERT(sqlite3_bind_blob64(stmt, index, value.len > 0 ? value.ptr : "", value.len,
		       SQLITE_STATIC) == SQLITE_OK);
}

struct str db_col_str(sqlite3_stmt *stmt, int column)
{
	const void *ptr = sqlite3_column_blob(stmt, column);
	int len = sqlite3_column_bytes(stmt, column);

	return len > 0 ? (struct str){ ptr, (size_t)len } : (struct str){ "", 0 };
}

struct str db_col_copy(sqlite3_stmt *stmt, int column, struct arena *arena)
{
	return arena_str(arena, db_col_str(stmt, column));
}

int64_t db_col_i64(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt, column);
}

struct db_rows db_rows(struct arena *arena, size_t item_bytes)
{
	struct db_rows rows = { .arena = arena, .room = 8, .item_bytes = item_bytes };

	rows.items = arena_zalloc(arena, rows.room, item_bytes);
	return rows;
}

void db_rows_add(struct db_rows *rows, const void *item)
{
	if (rows->count == rows->room) {
		void *larger = arena_zalloc(rows->arena, rows->room * 2, rows->item_bytes);

		memcpy(larger, rows->items, rows->count * rows->item_bytes);
		rows->items = larger;
		rows->room *= 2;
	}
	memcpy((char *)rows->items + rows->count * rows->item_bytes, item, rows->item_bytes);
	rows->count++;
}

/* --- transactions --- */

static int load_counters(struct store *store, struct err *err)
{
	CLEANUP(db_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT last_seq, events, odd_ids, tombstones, quarantined, last_number FROM store_state",
		    &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(
			err, ERR_CORRUPT, "store '%s': its counters are missing", store->path);
	store->stored = (struct db_counters){
		.last_seq = db_col_i64(stmt, 0),
		.events = db_col_i64(stmt, 1),
		.odd_ids = db_col_i64(stmt, 2),
		.tombstones = db_col_i64(stmt, 3),
		.quarantined = db_col_i64(stmt, 4),
		.last_number = db_col_i64(stmt, 5),
	};
	store->counters = store->stored;
	return 0;
}

static int save_counters(struct store *store, struct err *err)
{
	CLEANUP(db_donep) sqlite3_stmt *stmt = NULL;
	const struct db_counters *now = &store->counters;

	if (memcmp(now, &store->stored, sizeof(*now)) == 0)
		return 0;
	if (db_stmt(store,
		    "UPDATE store_state SET last_seq = ?, events = ?, odd_ids = ?, tombstones = ?,"
		    " quarantined = ?, last_number = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, now->last_seq);
	db_bind_i64(stmt, 2, now->events);
	db_bind_i64(stmt, 3, now->odd_ids);
	db_bind_i64(stmt, 4, now->tombstones);
	db_bind_i64(stmt, 5, now->quarantined);
	db_bind_i64(stmt, 6, now->last_number);
	return db_exec(store, stmt, err);
}

static int run(struct store *store, const char *sql, struct err *err)
{
	CLEANUP(db_donep) sqlite3_stmt *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	return db_exec(store, stmt, err);
}

int db_write_begin(struct store *store, struct err *err)
{
	CLEANUP(db_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	ASSERT(!store->writing && store->readers == 0);
	if (store->read_only)
		return err_set(
			err, ERR_READONLY, "store '%s': opened for reading only", store->path);
	if (db_stmt(store, "BEGIN IMMEDIATE", &stmt, err) < 0)
		return err->code;
	turns_pause(&store->turns);
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE)
		return db_fail(store, rc, "waiting to write", err);
	turns_begun(&store->turns);
	store->writing = true;
	if (load_counters(store, err) < 0) {
		db_write_rollback(store);
		return err->code;
	}
	return 0;
}

int db_write_commit(struct store *store, struct err *err)
{
	int rc;

	ASSERT(store->writing);
	rc = save_counters(store, err);
	if (rc == 0)
		rc = run(store, "COMMIT", err);
	if (rc < 0) {
		db_write_rollback(store);
		return rc;
	}
	turns_ended(&store->turns);
	store->writing = false;
	return 0;
}

void db_write_rollback(struct store *store)
{
	if (!store->writing)
		return;
	store->writing = false;
	/* May fail only because SQLite has rolled back already. */
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	turns_ended(&store->turns);
}

int db_write_join(struct store *store, bool *own, struct err *err)
{
	*own = !store->writing;
	return *own ? db_write_begin(store, err) : 0;
}

int db_write_leave(struct store *store, bool own, int rc, struct err *err)
{
	if (!own)
		return rc;
	if (rc < 0) {
		db_write_rollback(store);
		return rc;
	}
	return db_write_commit(store, err) < 0 ? err->code : rc;
}

int64_t db_next_seq(struct store *store)
{
	ASSERT(store->writing);
	return ++store->counters.last_seq;
}

int64_t db_next_number(struct store *store)
{
	ASSERT(store->writing);
	return ++store->counters.last_number;
}

int db_read_begin(struct store *store, struct err *err)
{
	if (store->readers == 0 && !store->writing && run(store, "BEGIN", err) < 0)
		return err->code;
	store->readers++;
	return 0;
}

void db_read_end(struct store *store)
{
	ASSERT(store->readers > 0);
	if (--store->readers == 0 && !store->writing && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
}
