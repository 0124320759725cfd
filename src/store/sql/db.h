/*
 * The layer of statements under everything that speaks SQL in the store. sqlite/ and postgres/ each
 * implement it, and a program is linked with one of them; what stands on it (sql/) is written once.
 *
 * A query looks like this:
 *
 *	CLEANUP(db_donep) struct db_statement *stmt = NULL;
 *
 *	if (db_stmt(store, "SELECT label FROM machine WHERE " OWN "machine_id = ?", &stmt, err) < 0)
 *		return err->code;
 *	db_bind_str(stmt, 1, machine_id);
 *	rc = db_step(store, stmt, err);
 *	if (rc == 1)
 *		label = db_col_copy(stmt, 0, arena);
 *
 * One text serves both databases. A PostgreSQL database holds the rows of many users, an SQLite
 * file those of one: in PostgreSQL every table has the column user_no, first in every key, and
 * every statement says whose rows it means, by the words below. They are SQL comments, which SQLite
 * skips; PostgreSQL's side reads what is in a comment that begins with '!', where $0 is the user
 * that the store belongs to at the moment. Parameters are ? or ?N, counted without $0. Inside a
 * long text the comments are written out.
 *
 * A number that SQLite gives a new row by itself is one more than the user's largest in PostgreSQL:
 * whoever writes a user's rows holds their lock.
 */
#ifndef TT_STORE_SQL_DB_H
#define TT_STORE_SQL_DB_H

#include "base/mem.h"
#include "store/store.h"

/* For PostgreSQL alone, and for SQLite alone: "ORDER BY seq" SQLITE(" INDEXED BY x"). */
#define POSTGRES(text) "/*!" text "*/"
#define SQLITE(text) "/*-*/" text "/*.*/"

/* Of a condition: WHERE OWN "machine_id = ?"; with the name of its table, where there are several:
 * WHERE OWN_OF("m") "m.machine_id = ?". ALL_OWN is the whole of one: "SELECT … FROM rule" ALL_OWN.
 */
#define OWN POSTGRES("user_no = $0 AND ")
#define OWN_OF(table) POSTGRES(table ".user_no = $0 AND ")
#define ALL_OWN POSTGRES(" WHERE user_no = $0")
#define ALL_OWN_OF(table) POSTGRES(" WHERE " table ".user_no = $0")
/* After a condition on the seq of event or tombstone, for the index by it. */
#define BY_SEQ POSTGRES(" AND seq > 0")
/* First of the columns in INSERT (…), ON CONFLICT (…), USING (…); of the values. */
#define OWNER POSTGRES("user_no, ")
#define OWN_VALUE POSTGRES("$0, ")

struct db_statement;

/* What the store counts, as of the open write transaction. A commit writes it. */
struct db_counters {
	int64_t last_seq;
	int64_t events;
	int64_t odd_ids;
	int64_t tombstones;
	int64_t quarantined;
	int64_t deletions;  /* how often rows of dict were deleted */
	int64_t last_entry; /* of quarantine */
};
/* Good while writing. */
struct db_counters *db_counters(struct store *store);
/* Between db_write_begin and its end. */
bool db_is_writing(const struct store *store);
bool db_is_read_only(const struct store *store);

/* --- statements --- */

/* The kept statement for SQL, which must be a string literal, ready to bind. It must not be in use
 * already. */
MUST_USE int db_stmt(
	struct store *store, const char *sql, struct db_statement **out, struct err *err);
/* A statement of the caller's own, for db_finalize: where the same one runs several times at once,
 * or has many rows. Only inside db_read_begin or while writing. */
MUST_USE int db_prepare(
	struct store *store, const char *sql, struct db_statement **out, struct err *err);
/* Accepts NULL. */
void db_finalize(struct db_statement *stmt);
/* 1: a row; 0: the end; < 0: error. */
MUST_USE int db_step(struct store *store, struct db_statement *stmt, struct err *err);
/*
 * Run to the end and make ready again; rows are ignored. What a statement could say is said at the
 * latest by the next db_step of the connection or the commit: a database behind a
 * network is not waited for after each one.
 */
MUST_USE int db_exec(struct store *store, struct db_statement *stmt, struct err *err);
/* The same, and how many rows it changed: this waits. */
MUST_USE int db_exec_count(
	struct store *store, struct db_statement *stmt, int64_t *changes, struct err *err);
/* The same for an INSERT … RETURNING one number. */
MUST_USE int db_exec_number(
	struct store *store, struct db_statement *stmt, int64_t *number, struct err *err);
/* The same for SQL, a literal without parameters. */
MUST_USE int db_run(struct store *store, const char *sql, struct err *err);
/* Ready to bind again, and to be stepped from the beginning. */
void db_reset(struct db_statement *stmt);
/* For CLEANUP on a kept statement: reset and unbind. Accepts NULL. */
void db_donep(struct db_statement **stmt);

/* How many parameters it has. */
int db_params(const struct db_statement *stmt);
/* Indexes count from 1; what is not bound is NULL. The bytes of a view must live until the
 * statement is reset; they are not copied. */
void db_bind_i64(struct db_statement *stmt, int index, int64_t value);
/* Text; an empty view is ''. */
void db_bind_str(struct db_statement *stmt, int index, struct str value);
void db_bind_blob(struct db_statement *stmt, int index, struct str value);
/* Text that may be no UTF-8 or hold zeros: names of files, foreign bytes, keys of memos. Its column
 * is TEXT in SQLite and BYTEA in PostgreSQL. */
void db_bind_bytes(struct db_statement *stmt, int index, struct str value);

/* Columns count from 0. A view lives until the next step. NULL is an empty view, and 0. */
struct str db_col_str(struct db_statement *stmt, int column);
struct str db_col_copy(struct db_statement *stmt, int column, struct arena *arena);
/* Integers and truth values. */
int64_t db_col_i64(struct db_statement *stmt, int column);
bool db_col_null(struct db_statement *stmt, int column);

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

/* UTF-8 without a zero byte: what db_bind_str can bind in both databases. Another text is in no
 * column: who looks for one finds nothing, and must not ask (the transaction would fail). */
bool db_is_text(struct str text);
/* ERR_USAGE unless it is that; the message begins with WHAT. For what comes in from outside. */
MUST_USE int db_check_text(const char *what, struct str text, struct err *err);

/* --- transactions --- */

/*
 * Waits for other writers of the same rows, ERR_BUSY after a time; ERR_READONLY. Not nested, and
 * not while a scan or snapshot is open (a bug: a reader cannot become a writer without losing its
 * snapshot). Loads the counters.
 */
MUST_USE int db_write_begin(struct store *store, struct err *err);
/*
 * The same for all these users at once, without waiting for others who write for one of them:
 * LOCKED[i] says who was had. It joins the transaction that is open; when nobody is had, none is
 * opened. Whichever of them the store is for (store_as), commit and rollback end it for all.
 */
MUST_USE int db_write_begin_for(struct store *store, const struct str *user_ids, size_t count,
	bool *locked, struct err *err);
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
 * commit.
 */
MUST_USE int db_write_join(struct store *store, bool *own, struct err *err);
MUST_USE int db_write_leave(struct store *store, bool own, int rc, struct err *err);
/*
 * The open transaction has statements that may take the database longer than a store's patience
 * (store_options): they are waited for as long as it is there.
 */
void db_may_take_long(struct store *store);
/* The next change number. Only while writing. */
int64_t db_next_seq(struct store *store);

/* One read transaction for several statements, counted; inside a write transaction it is the
 * writer's view. */
MUST_USE int db_read_begin(struct store *store, struct err *err);
void db_read_end(struct store *store);

/* Give back to the system what deletions left free; *BYTES: how much. */
MUST_USE int db_shrink(struct store *store, int64_t *bytes, struct err *err);

#endif
