/*
 * The connection's helpers.
 *
 * Statements are kept in a table keyed by the address of their text: the texts are literals, so the
 * address is the text. SQLite may undo a whole transaction by itself (disk full, I/O error). After
 * that single statements would commit one by one, which must not happen inside what the caller
 * believes to be a transaction: db_step refuses to go on.
 */
#include "store/sqlite/db.h"

#include "store/sqlite/fail.h"

static sqlite3_stmt *raw(struct db_statement *stmt)
{
	return (sqlite3_stmt *)stmt;
}

struct db_statement *db_cover(sqlite3_stmt *stmt)
{
	return (struct db_statement *)stmt;
}

int db_fail(const struct store *store, int rc, const char *doing, struct err *err)
{
	return sqlite_fail(store->db, store->path, rc, doing, err);
}

/* --- statements --- */

int db_prepare(struct store *store, const char *sql, struct db_statement **out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

	*out = db_cover(stmt);
	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "preparing a query", err);
}

int db_stmt(struct store *store, const char *sql, struct db_statement **out, struct err *err)
{
	size_t slot = ((uintptr_t)sql >> 3) % DB_STATEMENTS;

	while (store->cache[slot].sql && store->cache[slot].sql != sql)
		slot = (slot + 1) % DB_STATEMENTS;
	if (!store->cache[slot].sql) {
		struct db_statement *stmt;

		ASSERT(store->cached < DB_STATEMENTS - 1);
		if (db_prepare(store, sql, &stmt, err) < 0)
			return err->code;
		store->cache[slot] = (struct db_cached){ sql, stmt };
		store->cached++;
	}
	*out = store->cache[slot].stmt;
	ASSERT(!sqlite3_stmt_busy(raw(*out)));
	return 0;
}

void db_release_statements(struct store *store)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++) {
		sqlite3_finalize(raw(store->cache[i].stmt));
		store->cache[i] = (struct db_cached){ 0 };
	}
	store->cached = 0;
}

int db_step(struct store *store, struct db_statement *stmt, struct err *err)
{
	int rc;

	if (store->writing && sqlite3_get_autocommit(store->db))
		return err_set(err, ERR_IO,
			"store '%s': the transaction was undone after an earlier failure",
			store->path);
	rc = sqlite3_step(raw(stmt));
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(store, rc, store->writing ? "writing" : "reading", err);
}

int db_exec(struct store *store, struct db_statement *stmt, struct err *err)
{
	int rc;

	do
		rc = db_step(store, stmt, err);
	while (rc == 1);
	sqlite3_reset(raw(stmt));
	return rc;
}

int db_exec_count(struct store *store, struct db_statement *stmt, int64_t *changes, struct err *err)
{
	int rc = db_exec(store, stmt, err);

	*changes = rc < 0 ? 0 : sqlite3_changes64(store->db);
	return rc;
}

void db_finalize(struct db_statement *stmt)
{
	sqlite3_finalize(raw(stmt));
}

void db_reset(struct db_statement *stmt)
{
	sqlite3_reset(raw(stmt));
}

void db_donep(struct db_statement **stmt)
{
	if (!*stmt)
		return;
	sqlite3_reset(raw(*stmt));
	sqlite3_clear_bindings(raw(*stmt));
}

int db_script(struct store *store, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "running a script", err);
}

int db_params(const struct db_statement *stmt)
{
	return sqlite3_bind_parameter_count((sqlite3_stmt *)(uintptr_t)stmt);
}

void db_bind_i64(struct db_statement *stmt, int index, int64_t value)
{
	ASSERT(sqlite3_bind_int64(raw(stmt), index, value) == SQLITE_OK);
}

void db_bind_str(struct db_statement *stmt, int index, struct str value)
{
	ASSERT(sqlite3_bind_text64(raw(stmt), index, value.len > 0 ? value.ptr : "", value.len,
		       SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

void db_bind_bytes(struct db_statement *stmt, int index, struct str value)
{
	db_bind_str(stmt, index, value);
}

void db_bind_blob(struct db_statement *stmt, int index, struct str value)
{
	ASSERT(sqlite3_bind_blob64(raw(stmt), index, value.len > 0 ? value.ptr : "", value.len,
		       SQLITE_STATIC) == SQLITE_OK);
}

struct str db_col_str(struct db_statement *stmt, int column)
{
	const void *ptr = sqlite3_column_blob(raw(stmt), column);
	int len = sqlite3_column_bytes(raw(stmt), column);

	return len > 0 ? (struct str){ ptr, (size_t)len } : (struct str){ "", 0 };
}

int64_t db_col_i64(struct db_statement *stmt, int column)
{
	return sqlite3_column_int64(raw(stmt), column);
}

bool db_col_null(struct db_statement *stmt, int column)
{
	return sqlite3_column_type(raw(stmt), column) == SQLITE_NULL;
}

/* --- transactions --- */

struct db_counters *db_counters(struct store *store)
{
	return &store->counters;
}

bool db_is_writing(const struct store *store)
{
	return store->writing;
}

/* A file is always there. */
void db_may_take_long(struct store *store)
{
	(void)store;
}

bool db_is_read_only(const struct store *store)
{
	return store->read_only;
}

static int load_counters(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT last_seq, events, odd_ids, tombstones, quarantined, deletions,"
		    " last_entry FROM store_state",
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
		.deletions = db_col_i64(stmt, 5),
		.last_entry = db_col_i64(stmt, 6),
	};
	store->counters = store->stored;
	return 0;
}

static int save_counters(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	const struct db_counters *now = &store->counters;

	if (memcmp(now, &store->stored, sizeof(*now)) == 0)
		return 0;
	if (db_stmt(store,
		    "UPDATE store_state SET last_seq = ?, events = ?, odd_ids = ?, tombstones = ?,"
		    " quarantined = ?, deletions = ?, last_entry = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, now->last_seq);
	db_bind_i64(stmt, 2, now->events);
	db_bind_i64(stmt, 3, now->odd_ids);
	db_bind_i64(stmt, 4, now->tombstones);
	db_bind_i64(stmt, 5, now->quarantined);
	db_bind_i64(stmt, 6, now->deletions);
	db_bind_i64(stmt, 7, now->last_entry);
	return db_exec(store, stmt, err);
}

int db_write_begin(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	ASSERT(!store->writing && store->readers == 0);
	if (store->read_only)
		return err_set(
			err, ERR_READONLY, "store '%s': opened for reading only", store->path);
	if (db_stmt(store, "BEGIN IMMEDIATE", &stmt, err) < 0)
		return err->code;
	turns_pause(&store->turns);
	rc = sqlite3_step(raw(stmt));
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
		rc = db_run(store, "COMMIT", err);
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

int db_read_begin(struct store *store, struct err *err)
{
	if (store->readers == 0 && !store->writing && db_run(store, "BEGIN", err) < 0)
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
