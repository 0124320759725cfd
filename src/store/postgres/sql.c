/*
 * SQL of people, in PostgreSQL's language, on a connection and in a transaction of its own that is
 * never committed. What holds it, in this order: the views show one user's rows; row-level security
 * shows no others to whatever else is read; the statement is first made a view, so that it can be
 * nothing but a query, and what it reads and calls is looked up in what the server understood: our
 * views, and functions that compute from their arguments; then the transaction may only read; the
 * server ends what takes too long.
 */
#include "store/sql.h"

#include <stdlib.h>

#include "base/time.h"
#include "store/postgres/sql_text.h"
#include "store/postgres/sql_views.h"
#include "store/users.h"

enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_OID = 26
};
enum { TYPE_FLOAT4 = 700, TYPE_FLOAT8 = 701, TYPE_NUMERIC = 1700 };

struct sql {
	struct store *store;
	PGconn *conn;
	int64_t timeout_ms;
	PGresult *head; /* the first result: what the columns are */
	PGresult *row;  /* the one that was given last; NULL: none, or HEAD */
	bool first;     /* the row of HEAD is to be given yet */
	bool ended;
	struct arena arena; /* of one row's values */
};

/* --- what may be said --- */

static int fail(struct sql *sql, const PGresult *result, struct err *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	/* Wrong syntax or names, values that cannot be computed, what is not offered. */
	static const char *const theirs[] = { "42", "22", "21", "0A", "25006", "26", "2F" };
	CLEANUP(buf_release) struct buf names = BUF_INIT;

	if (!state || !message)
		return pg_fail_on(sql->store->url, sql->conn, result, "running a query", err);
	if (strcmp(state, "57014") == 0)
		return err_set(err, ERR_TIMEOUT, "the query did not end within %lld ms",
			(long long)sql->timeout_ms);
	if (strcmp(state, "42P01") == 0) {
		for (size_t i = 0; sql_view(i); i++)
			buf_printf(&names, "%s%s", i > 0 ? ", " : "", sql_view(i));
		return err_set(err, ERR_USAGE, "%s (there are %s)", message, buf_cstr(&names));
	}
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
		if (str_starts(str_from(state), str_from(theirs[i])))
			return err_set(err, ERR_USAGE, "%s", message);
	return pg_fail_on(sql->store->url, sql->conn, result, "running a query", err);
}

/*
 * The first thing in tt_query that is not allowed, from the tree that the server keeps of a view:
 * relations are :relid, functions :funcid and their kin. What a constant holds stands there as
 * numbers of bytes. A view that is read is not looked into: ours are our own.
 */
static const char refusals[] =
	"SELECT * FROM ("
	" SELECT 'the table ' || c.relname FROM pg_rewrite r,"
	" regexp_matches(r.ev_action::TEXT, ':relid ([0-9]+)', 'g') AS found"
	" JOIN pg_class c ON c.oid = found[1]::OID"
	" WHERE r.ev_class = 'pg_temp.tt_query'::REGCLASS AND c.oid <> r.ev_class"
	" AND (c.relkind <> 'v' OR c.relnamespace <> pg_my_temp_schema())"
	" UNION ALL"
	" SELECT 'the function ' || p.proname FROM pg_rewrite r,"
	" regexp_matches(r.ev_action::TEXT,"
	" ':(?:funcid|aggfnoid|winfnoid|opfuncid|hashfuncid|tsmhandler) ([0-9]+)', 'g') AS found"
	" JOIN pg_proc p ON p.oid = found[1]::OID"
	" WHERE r.ev_class = 'pg_temp.tt_query'::REGCLASS"
	" AND (p.provolatile = 'v' OR p.pronamespace <> 'pg_catalog'::REGNAMESPACE"
	" OR p.proname ~ '^(pg_|has_|txid_|to_reg|inet_|lo_|row_security|current_setting|acl"
	"|.*_to_xml|.*_description|ts_|.*_recv$|.*_send$|regclass|amvalidate)')"
	") AS refused LIMIT 1";

static int check(struct sql *sql, struct err *err)
{
	CLEANUP(buf_release) struct buf refused = BUF_INIT;

	if (pg_ask_text(sql->store, sql->conn, refusals, &refused, err) < 0)
		return err->code;
	if (refused.len == 0)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s is not allowed: queries only read the views, and compute", buf_cstr(&refused));
}

/* Of what is no single SELECT the server's words speak of the view. */
static bool is_no_query(const PGresult *result)
{
	static const char *const states[] = { "42601", "42701", "42P02", "42P16" };
	struct str state = str_from(PQresultErrorField(result, PG_DIAG_SQLSTATE));

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq_c(state, states[i]))
			return true;
	return false;
}

static int make_query(struct sql *sql, struct str statement, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	PGresult *result;
	int rc = 0;

	buf_addc(&text, "CREATE TEMP VIEW tt_query AS\n");
	buf_add(&text, statement);
	/* With parameters, although there are none: then it is one statement, or an error. */
	result = PQexecParams(sql->conn, buf_cstr(&text), 0, NULL, NULL, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		rc = fail(sql, result, err);
		if (is_no_query(result))
			err_context(
				err, "a query is one SELECT, each column with a name of its own");
	}
	PQclear(result);
	return rc;
}

/*
 * How the view would be read: of what was checked, never of text that might say ANALYZE, which runs
 * it. Without costs and counts, which the server knows of everybody's rows.
 */
static const char explanation[] = "EXPLAIN (COSTS OFF) SELECT * FROM pg_temp.tt_query";

/* --- opening --- */

static int begin(struct sql *sql, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int64_t user_no = sql->store->user->user_no;

	buf_printf(&text,
		"BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL tt.users = '{%lld}';"
		" SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL bytea_output = 'hex';"
		" SET LOCAL statement_timeout = %lld; SET LOCAL search_path = pg_temp, pg_catalog",
		(long long)user_no,
		(long long)(sql->timeout_ms < INT32_MAX ? sql->timeout_ms : INT32_MAX));
	if (pg_run(sql->store, sql->conn, buf_cstr(&text), "running a query", err) < 0)
		return err->code;
	return sql_views_make(sql->store, sql->conn, user_no, err);
}

static int check_text(struct str statement, struct err *err)
{
	if (statement.len > SQL_TEXT_BYTES)
		return err_set(err, ERR_LIMIT, "a query has at most %d bytes", SQL_TEXT_BYTES);
	if (str_find(statement, '\0', 0) >= 0)
		return err_set(err, ERR_USAGE, "a query is text: it holds a NUL byte");
	if (str_trim(statement).len == 0)
		return err_set(err, ERR_USAGE, "the query is empty");
	return 0;
}

/* The next result; false: it is a failure. */
static bool take(struct sql *sql, PGresult **out, struct err *err)
{
	ExecStatusType status;

	*out = PQgetResult(sql->conn);
	status = PQresultStatus(*out);
	if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK)
		return true;
	fail(sql, *out, err);
	PQclear(*out);
	*out = NULL;
	return false;
}

static int start(struct sql *sql, const char *statement, struct err *err)
{
	if (pg_run(sql->store, sql->conn, "SET TRANSACTION READ ONLY", "running a query", err) < 0)
		return err->code;
	if (PQsendQueryParams(sql->conn, statement, 0, NULL, NULL, NULL, NULL, 0) != 1 ||
		PQsetSingleRowMode(sql->conn) != 1)
		return pg_fail_on(sql->store->url, sql->conn, NULL, "running a query", err);
	if (!take(sql, &sql->head, err))
		return err->code;
	sql->first = PQresultStatus(sql->head) == PGRES_SINGLE_TUPLE;
	sql->ended = !sql->first;
	return 0;
}

int sql_open(
	struct sql **out, const struct sql_options *options, struct str statement, struct err *err)
{
	CLEANUP(sql_closep) struct sql *sql = mem_zalloc(sizeof(*sql));
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool explains;
	const struct store_options store_options = {
		.url = options->url, .user = options->user, .read_only = true, .must_exist = true
	};

	ASSERT(options->timeout_ms > 0);
	*out = NULL;
	sql->timeout_ms = options->timeout_ms;
	if (check_text(statement, err) < 0)
		return err->code;
	explains = sql_text_explains(statement, &statement);
	if (sql_text_instants(statement, options->now_ns, &text, err) < 0 ||
		store_open(&sql->store, &store_options, err) < 0 ||
		pg_connect(sql->store, &sql->conn, err) < 0)
		return err->code;
	if (begin(sql, err) < 0 || make_query(sql, buf_str(&text), err) < 0 ||
		check(sql, err) < 0 ||
		start(sql, explains ? explanation : buf_cstr(&text), err) < 0)
		return err->code;
	*out = sql;
	sql = NULL;
	return 0;
}

/* --- rows --- */

size_t sql_columns(const struct sql *sql)
{
	return (size_t)PQnfields(sql->head);
}

struct str sql_column(const struct sql *sql, size_t index)
{
	return str_from(PQfname(sql->head, (int)index));
}

/* NUMERIC: whole numbers are what counts and sums are. */
static struct sql_value number(struct str text)
{
	struct sql_value value = { .kind = SQL_INTEGER };

	if (str_to_i64(text, &value.integer))
		return value;
	return (struct sql_value){ .kind = SQL_REAL, .real = strtod(text.ptr, NULL) };
}

/* "\x0a1b…" */
static struct sql_value bytes(struct sql *sql, struct str text)
{
	size_t len = text.len < 2 ? 0 : (text.len - 2) / 2;
	char *out = arena_alloc(&sql->arena, len + 1);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(str_hex_digit(text.ptr[2 + 2 * i]) << 4 |
				str_hex_digit(text.ptr[3 + 2 * i]));
	return (struct sql_value){ .kind = SQL_BLOB, .text = { out, len } };
}

static struct sql_value value_of(struct sql *sql, const PGresult *row, int column)
{
	struct str text = { PQgetvalue(row, 0, column), (size_t)PQgetlength(row, 0, column) };
	struct sql_value value = { .kind = SQL_INTEGER };

	if (PQgetisnull(row, 0, column))
		return (struct sql_value){ .kind = SQL_NULL };
	switch (PQftype(row, column)) {
	case TYPE_BOOL:
		value.integer = text.ptr[0] == 't';
		return value;
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
	case TYPE_OID:
	case TYPE_NUMERIC:
		return number(text);
	case TYPE_FLOAT4:
	case TYPE_FLOAT8:
		return (struct sql_value){ .kind = SQL_REAL, .real = strtod(text.ptr, NULL) };
	case TYPE_BYTEA:
		return bytes(sql, text);
	default:
		return (struct sql_value){ .kind = SQL_TEXT, .text = text };
	}
}

static int give(struct sql *sql, const PGresult *from, struct sql_value *row, struct err *err)
{
	arena_reset(&sql->arena);
	for (int i = 0; i < PQnfields(from); i++) {
		if (PQgetlength(from, 0, i) > SQL_VALUE_BYTES)
			return err_set(err, ERR_LIMIT,
				"a text in the query is longer than %d bytes", SQL_VALUE_BYTES);
		row[i] = value_of(sql, from, i);
	}
	return 1;
}

int sql_next(struct sql *sql, struct sql_value *row, struct err *err)
{
	if (sql->ended)
		return 0;
	if (sql->first) {
		sql->first = false;
		return give(sql, sql->head, row, err);
	}
	PQclear(sql->row);
	sql->row = NULL;
	if (!take(sql, &sql->row, err)) {
		sql->ended = true;
		return err->code;
	}
	sql->ended = PQresultStatus(sql->row) == PGRES_TUPLES_OK;
	return sql->ended ? 0 : give(sql, sql->row, row, err);
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	PQclear(sql->row);
	PQclear(sql->head);
	PQfinish(sql->conn); /* and with it the transaction, and the views */
	store_close(sql->store);
	arena_release(&sql->arena);
	free(sql);
}

void sql_closep(struct sql **sql)
{
	sql_close(*sql);
}
