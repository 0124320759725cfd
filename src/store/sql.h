/*
 * SQL of people and programs over the store, for reading only. What it sees is views with plain
 * names (docs/query.md); the tables behind them may change with any version.
 *
 * The connection is one of its own, opened for reading only, and everything but reading is refused
 * while the statement is compiled: writing, ATTACH, PRAGMA, extensions, virtual tables, functions
 * that are not on a list. Sizes, time and memory are limited; what does not fit into memory is
 * sorted in temporary files.
 */
#ifndef TT_STORE_SQL_H
#define TT_STORE_SQL_H

#include "store/store.h"

enum {
	SQL_TEXT_BYTES = 64 << 10,  /* longest statement */
	SQL_VALUE_BYTES = 16 << 20, /* longest text that may come up on the way */
};

struct sql_options {
	const char *url;    /* of a store that exists */
	const char *user;   /* whose rows: see store_options */
	int64_t timeout_ms; /* from sql_open to the last row; > 0 */
	int64_t now_ns;     /* what ns('2 hours ago') counts from */
};

enum sql_kind { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct sql_value {
	enum sql_kind kind;
	int64_t integer;
	double real;     /* may be infinite */
	struct str text; /* of SQL_TEXT (any bytes) and SQL_BLOB */
};

struct sql;
/*
 * Compile STATEMENT: one SELECT (or VALUES, WITH, EXPLAIN QUERY PLAN of one), without parameters.
 * ERR_USAGE says what is wrong with it. As store_open for the rest.
 */
MUST_USE int sql_open(
	struct sql **out, const struct sql_options *options, struct str statement, struct err *err);
size_t sql_columns(const struct sql *sql);
/* The heading of column INDEX, valid until sql_close. */
struct str sql_column(const struct sql *sql, size_t index);
/*
 * 1: ROW[sql_columns] is set, its texts valid until the next call; 0: the end. ERR_TIMEOUT,
 * ERR_LIMIT, ERR_USAGE (what the statement computes has no value: "malformed JSON").
 */
MUST_USE int sql_next(struct sql *sql, struct sql_value *row, struct err *err);
/* Accepts NULL. */
void sql_close(struct sql *sql);
void sql_closep(struct sql **sql);

/* The name of view INDEX, in the order of the documentation; NULL behind the last. */
const char *sql_view(size_t index);

#endif
