/*
 * SQL of people. The connection's own protections, in the order in which they take hold: the file
 * is opened for reading; SQLite's limits bound what a statement may be and hold; the authorizer
 * refuses, while the statement is compiled, all that is not on a list; the progress handler ends
 * what takes too long.
 */
#include "store/sql.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/sql/rows.h"
#include "store/sqlite/sql_views.h"

enum { STEPS_BETWEEN_LOOKS = 4096 };

struct sql {
	struct store *store;
	sqlite3_stmt *stmt;
	int64_t timeout_ms;
	int64_t deadline_ns;
	bool ended;
	const char *refused; /* what the authorizer said no to, or NULL */
	struct arena arena;
	struct rows hidden; /* names (struct str) of the store's tables and of virtual ones */
};

static const struct {
	int category;
	int limit;
} limits[] = {
	{ SQLITE_LIMIT_LENGTH, SQL_VALUE_BYTES },
	{ SQLITE_LIMIT_SQL_LENGTH, SQL_TEXT_BYTES },
	{ SQLITE_LIMIT_COLUMN, 200 },
	{ SQLITE_LIMIT_EXPR_DEPTH, 200 },
	{ SQLITE_LIMIT_COMPOUND_SELECT, 50 },
	{ SQLITE_LIMIT_VDBE_OP, 100000 },
	{ SQLITE_LIMIT_FUNCTION_ARG, 50 },
	{ SQLITE_LIMIT_ATTACHED, 0 },
	{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000 },
	{ SQLITE_LIMIT_TRIGGER_DEPTH, 0 },
	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
};

/* What people call the actions that are refused; all others are "this". */
static const struct {
	int action;
	const char *name;
} actions[] = {
	{ SQLITE_ATTACH, "ATTACH" },
	{ SQLITE_DETACH, "DETACH" },
	{ SQLITE_PRAGMA, "PRAGMA" },
	{ SQLITE_INSERT, "writing" },
	{ SQLITE_UPDATE, "writing" },
	{ SQLITE_DELETE, "writing" },
	{ SQLITE_TRANSACTION, "a transaction" },
	{ SQLITE_SAVEPOINT, "SAVEPOINT" },
	{ SQLITE_ANALYZE, "ANALYZE" },
	{ SQLITE_REINDEX, "REINDEX" },
	{ SQLITE_READ, "this table" },
	{ SQLITE_FUNCTION, "this function" },
	{ SQLITE_CREATE_VTABLE, "a virtual table" },
};

static const char *action_name(int action)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (actions[i].action == action)
			return actions[i].name;
	return "this";
}

/*
 * What SQLite knows under NAME, in SCHEMA. Views and what a statement names itself (WITH) are in
 * the temporary schema or in none; a table of which only the rows are counted comes without a
 * schema.
 */
static bool may_read(const struct sql *sql, const char *name, const char *schema)
{
	const struct str *hidden = sql->hidden.ptr;

	if (!name || sql_views_table(name))
		return name != NULL;
	if (schema)
		return strcmp(schema, "main") != 0;
	/* PRAGMAs as tables, which SQLite makes when they are first asked for. */
	if (sqlite3_strnicmp(name, "pragma_", 7) == 0)
		return false;
	for (size_t i = 0; i < sql->hidden.count; i++)
		if (sqlite3_stricmp(hidden[i].ptr, name) == 0)
			return false;
	return true;
}

static int authorize(void *context, int action, const char *first, const char *second,
	const char *schema, const char *view)
{
	struct sql *sql = context;
	bool allowed = false;

	(void)view;
	if (action == SQLITE_SELECT || action == SQLITE_RECURSIVE)
		allowed = true;
	else if (action == SQLITE_READ)
		allowed = may_read(sql, first, schema);
	else if (action == SQLITE_FUNCTION)
		allowed = second && sql_views_function(second);
	if (allowed)
		return SQLITE_OK;
	if (!sql->refused)
		sql->refused = action_name(action);
	return SQLITE_DENY;
}

static int look_at_clock(void *context)
{
	const struct sql *sql = context;

	return clock_monotonic_ns() >= sql->deadline_ns;
}

static int fail(struct sql *sql, int rc, struct err *err)
{
	switch (rc & 0xff) {
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_TIMEOUT, "the query did not end within %lld ms",
			(long long)sql->timeout_ms);
	case SQLITE_TOOBIG:
		return err_set(err, ERR_LIMIT, "a text in the query is longer than %d bytes",
			SQL_VALUE_BYTES);
	case SQLITE_AUTH:
		return err_set(err, ERR_USAGE,
			"%s is not allowed: queries only read the views (%s)",
			sql->refused ? sql->refused : "this", sqlite3_errmsg(sql->store->db));
	case SQLITE_ERROR:
		return err_set(err, ERR_USAGE, "%s", sqlite3_errmsg(sql->store->db));
	default:
		return db_fail(sql->store, rc, "running a query", err);
	}
}

/* --- compiling --- */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The message of a name that is not there, with the names that are. */
static int fail_compile(struct sql *sql, int rc, struct err *err)
{
	CLEANUP(buf_release) struct buf names = BUF_INIT;

	fail(sql, rc, err);
	if (rc != SQLITE_ERROR || !begins(err->message, "no such table"))
		return err->code;
	for (size_t i = 0; sql_view(i); i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", sql_view(i));
	return err_set(err, ERR_USAGE, "%s (there are %s)", sqlite3_errmsg(sql->store->db),
		buf_cstr(&names));
}

/* Only blanks and comments may stand in REST. */
static int check_rest(struct sql *sql, const char *rest, const char *end, struct err *err)
{
	while (rest < end) {
		sqlite3_stmt *more = NULL;
		const char *next = NULL;
		int rc;

		if (strchr("; \t\r\n", *rest)) {
			rest++;
			continue;
		}
		rc = sqlite3_prepare_v2(sql->store->db, rest, (int)(end - rest), &more, &next);
		sqlite3_finalize(more);
		if (rc != SQLITE_OK || more || !next || next == rest)
			return err_set(err, ERR_USAGE, "one statement at a time");
		rest = next;
	}
	return 0;
}

static int compile(struct sql *sql, struct str statement, struct err *err)
{
	const char *rest = NULL;
	int rc;

	if (statement.len > SQL_TEXT_BYTES)
		return err_set(err, ERR_LIMIT, "a query has at most %d bytes", SQL_TEXT_BYTES);
	if (str_find(statement, '\0', 0) >= 0)
		return err_set(err, ERR_USAGE, "a query is text: it holds a NUL byte");
	rc = sqlite3_prepare_v3(
		sql->store->db, statement.ptr, (int)statement.len, 0, &sql->stmt, &rest);
	if (rc != SQLITE_OK)
		return fail_compile(sql, rc, err);
	if (!sql->stmt)
		return err_set(err, ERR_USAGE, "the query is empty");
	if (check_rest(sql, rest, statement.ptr + statement.len, err) < 0)
		return err->code;
	if (sqlite3_bind_parameter_count(sql->stmt) > 0)
		return err_set(err, ERR_USAGE,
			"'%s': a query has no parameters; write the value into it",
			sqlite3_bind_parameter_name(sql->stmt, 1)
				? sqlite3_bind_parameter_name(sql->stmt, 1)
				: "?");
	if (sqlite3_column_count(sql->stmt) == 0 || !sqlite3_stmt_readonly(sql->stmt))
		return err_set(err, ERR_USAGE, "a query is a SELECT");
	return 0;
}

static void read_name(struct db_statement *stmt, struct arena *arena, void *row)
{
	*(struct str *)row = db_col_copy(stmt, 0, arena);
}

static int protect(struct sql *sql, struct err *err)
{
	static const struct row_type names = { sizeof(struct str), read_name };
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	sqlite3 *db = sql->store->db;

	if (db_stmt(sql->store,
		    "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
		    " UNION SELECT name FROM pragma_module_list",
		    &stmt, err) < 0 ||
		rows_read(sql->store, stmt, &names, &sql->arena, &sql->hidden, err) < 0 ||
		db_script(sql->store, "PRAGMA query_only = ON", err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		sqlite3_limit(db, limits[i].category, limits[i].limit);
	sqlite3_set_authorizer(db, authorize, sql);
	sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_at_clock, sql);
	return 0;
}

int sql_open(
	struct sql **out, const struct sql_options *options, struct str statement, struct err *err)
{
	CLEANUP(sql_closep) struct sql *sql = mem_zalloc(sizeof(*sql));
	const struct store_options store_options = { .url = options->url, .read_only = true };

	ASSERT(options->timeout_ms > 0);
	*out = NULL;
	sql->timeout_ms = options->timeout_ms;
	if (store_open(&sql->store, &store_options, err) < 0 ||
		sql_views_make(sql->store, options->now_ns, err) < 0)
		return err->code;
	sql->deadline_ns = sql->timeout_ms > INT64_MAX / (2 * NS_PER_MS)
				   ? INT64_MAX
				   : clock_monotonic_ns() + sql->timeout_ms * NS_PER_MS;
	if (protect(sql, err) < 0 || compile(sql, statement, err) < 0)
		return err->code;
	*out = sql;
	sql = NULL;
	return 0;
}

/* --- rows --- */

size_t sql_columns(const struct sql *sql)
{
	return (size_t)sqlite3_column_count(sql->stmt);
}

struct str sql_column(const struct sql *sql, size_t index)
{
	return str_from(sqlite3_column_name(sql->stmt, (int)index));
}

static struct sql_value value_of(sqlite3_stmt *stmt, int column)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		return (struct sql_value){ .kind = SQL_INTEGER,
			.integer = db_col_i64(db_cover(stmt), column) };
	case SQLITE_FLOAT:
		return (struct sql_value){ .kind = SQL_REAL,
			.real = sqlite3_column_double(stmt, column) };
	case SQLITE_TEXT:
		return (struct sql_value){ .kind = SQL_TEXT,
			.text = db_col_str(db_cover(stmt), column) };
	case SQLITE_BLOB:
		return (struct sql_value){ .kind = SQL_BLOB,
			.text = db_col_str(db_cover(stmt), column) };
	default:
		return (struct sql_value){ .kind = SQL_NULL };
	}
}

int sql_next(struct sql *sql, struct sql_value *row, struct err *err)
{
	int rc = sql->ended ? SQLITE_DONE : sqlite3_step(sql->stmt);

	sql->ended = rc == SQLITE_DONE; /* SQLite would begin again */
	if (sql->ended)
		return 0;
	if (rc != SQLITE_ROW)
		return fail(sql, rc, err);
	for (int i = 0; i < sqlite3_column_count(sql->stmt); i++)
		row[i] = value_of(sql->stmt, i);
	return 1;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	sqlite3_finalize(sql->stmt);
	if (sql->store) { /* store_close speaks SQL too */
		sqlite3_set_authorizer(sql->store->db, NULL, NULL);
		sqlite3_progress_handler(sql->store->db, 0, NULL, NULL);
	}
	store_close(sql->store);
	arena_release(&sql->arena);
	free(sql);
}

void sql_closep(struct sql **sql)
{
	sql_close(*sql);
}
