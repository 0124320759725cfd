/*
 * One connection to a SQLite store: what sql/db.h says of statements and transactions. A struct
 * db_statement is an sqlite3_stmt.
 */
#ifndef TT_STORE_SQLITE_DB_H
#define TT_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "base/uuid.h"
#include "store/sql/db.h"
#include "store/sqlite/turns.h"

enum { DB_STATEMENTS = 256 };

struct db_cached {
	const char *sql; /* compared by address */
	struct db_statement *stmt;
};

struct store {
	sqlite3 *db;
	char *path;
	bool read_only;
	struct turns turns; /* its busy_ms: how long to wait for other writers */
	bool writing;       /* between db_write_begin and its end */
	unsigned readers;   /* open scans and the snapshot, which share one read transaction */
	bool snapshot;      /* one of the readers is store_snapshot_begin's */
	char machine_id[UUID_BYTES + 1];       /* of the actor (store/users.h) */
	struct db_counters counters;           /* good while writing */
	struct db_counters stored;             /* what the row holds */
	struct db_cached cache[DB_STATEMENTS]; /* open addressing */
	unsigned cached;
};

/* Translate result code RC of the last call on the connection; the message names the store and what
 * was being done. */
int db_fail(const struct store *store, int rc, const char *doing, struct err *err);

/* For the functions of sql/db.h, a statement that was not prepared by them. */
struct db_statement *db_cover(sqlite3_stmt *stmt);
/* Several statements without parameters, from a literal. */
MUST_USE int db_script(struct store *store, const char *sql, struct err *err);
/* Throw away all kept statements, before the connection closes. */
void db_release_statements(struct store *store);

#endif
