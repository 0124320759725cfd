/*
 * One connection to a SQLite store, shared by the files of this directory: prepared statements kept
 *for reuse, transactions, the store's counters, and the one place where SQLite's result codes
 *become ERR_*.
 *
 * A query looks like this:
 *
 *	CLEANUP(db_donep) sqlite3_stmt *stmt = NULL;
 *
 *	if (db_stmt(store, "SELECT label FROM machine WHERE machine_id = ?", &stmt, err) < 0)
 *		return err->code;
 *	db_bind_str(stmt, 1, machine_id);
 *	rc = db_step(store, stmt, err);
 *	if (rc == 1)
 *		label = db_col_copy(stmt, 0, arena);
 */
#ifndef TT_STORE_SQLITE_DB_H
#define TT_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "base/mem.h"
#include "store/sqlite/turns.h"
#include "store/store.h"

enum { DB_STATEMENTS = 256 };

/* The row store_state, as of the open write transaction. */
struct db_counters {
	int64_t last_seq;
	int64_t events;
	int64_t odd_ids;
	int64_t tombstones;
	int64_t quarantined;
	int64_t last_number;
};

struct db_cached {
	const char *sql; /* compared by address */
	sqlite3_stmt *stmt;
};

struct store {
	sqlite3 *db;
	char *path;
	bool read_only;
	struct turns turns; /* its busy_ms: how long to wait for other writers */
	bool writing;       /* between db_write_begin and its end */
	unsigned readers;   /* open scans and the snapshot, which share one read transaction */
	bool snapshot;      /* one of the readers is store_snapshot_begin's */
	struct db_counters counters;           /* good while writing */
	struct db_counters stored;             /* what the row holds */
	struct db_cached cache[DB_STATEMENTS]; /* open addressing */
	unsigned cached;
};

/* --- errors --- */

/* Translate result code RC of the last call on the connection; the message names the store and what
 * was being done. */
int db_fail(const struct store *store, int rc, const char *doing, struct err *err);
/* The same where there is no struct store yet. DB may be NULL. */
int db_fail_raw(sqlite3 *db, const char *path, int rc, const char *doing, struct err *err);

/* --- statements --- */

/* The kept statement for SQL, which must be a string literal, ready to bind. It must not be in use
 * already. */
MUST_USE int db_stmt(struct store *store, const char *sql, sqlite3_stmt **out, struct err *err);
/* A statement of the caller's own, for sqlite3_finalize: where the same one runs several times at
 * once. */
MUST_USE int db_prepare(struct store *store, const char *sql, sqlite3_stmt **out, struct err *err);
/* 1: a row; 0: the end; < 0: error. */
MUST_USE int db_step(struct store *store, sqlite3_stmt *stmt, struct err *err);
/* Run to the end and make ready again; rows are ignored. */
MUST_USE int db_exec(struct store *store, sqlite3_stmt *stmt, struct err *err);
/* For CLEANUP on a kept statement: reset and unbind. Accepts NULL. */
void db_donep(sqlite3_stmt **stmt);
/* Several statements without parameters, from a literal. */
MUST_USE int db_script(struct store *store, const char *sql, struct err *err);

/* Indexes count from 1. The bytes of a view must live until the statement is reset; they are not
 * copied. */
void db_bind_i64(sqlite3_stmt *stmt, int index, int64_t value);
void db_bind_str(sqlite3_stmt *stmt, int index, struct str value);  /* TEXT; an empty view is '' */
void db_bind_blob(sqlite3_stmt *stmt, int index, struct str value); /* BLOB */

/* Columns count from 0. A view lives until the next step. NULL is an empty view. */
struct str db_col_str(sqlite3_stmt *stmt, int column);
struct str db_col_copy(sqlite3_stmt *stmt, int column, struct arena *arena);
int64_t db_col_i64(sqlite3_stmt *stmt, int column);

/* An array that grows in an arena, for results of unknown count. */
struct db_rows {
	struct arena *arena;
	void *items; /* never NULL */
	size_t count;
	size_t room;
	size_t item_bytes;
};
struct db_rows db_rows(struct arena *arena, size_t item_bytes);
/* Append a copy of the ITEM_BYTES at ITEM. */
void db_rows_add(struct db_rows *rows, const void *item);

/* --- transactions --- */

/*
 * BEGIN IMMEDIATE: waits up to busy_ms for other writers, ERR_BUSY then; ERR_READONLY. Not nested,
 * and not while a scan or snapshot is open (a bug: a reader cannot become a writer without losing
 * its snapshot). Loads the counters.
 */
MUST_USE int db_write_begin(struct store *store, struct err *err);
/* Store the counters and commit, durably. After a failure everything since the begin is undone. */
MUST_USE int db_write_commit(struct store *store, struct err *err);
/* Nothing happens when not writing. */
void db_write_rollback(struct store *store);
/*
 * For functions that are a transaction of their own unless the caller has one open:
 *	if (db_write_join(store, &own, err) < 0) return err->code;
 *	rc = …;
 *	return db_write_leave(store, own, rc, err);
 * leave commits (RC >= 0) or rolls back (RC < 0) when OWN, and returns RC or the failure of the
 *commit.
 */
MUST_USE int db_write_join(struct store *store, bool *own, struct err *err);
MUST_USE int db_write_leave(struct store *store, bool own, int rc, struct err *err);
/* The next change number. Only while writing. */
int64_t db_next_seq(struct store *store);
/* The next number for an event of the ActivityWatch API. Only while writing. */
int64_t db_next_number(struct store *store);

/* One read transaction for several statements, counted; inside a write transaction it is the
 * writer's view. */
MUST_USE int db_read_begin(struct store *store, struct err *err);
void db_read_end(struct store *store);

/* Throw away all kept statements, before the connection closes. */
void db_release_statements(struct store *store);

#endif
