/*
 * The layer of statements over PostgreSQL: texts, parameters, cursors, the pipeline, connections
 * that end, locks, row-level security, and the making of a schema.
 */
#include "store_fixture.h"

#include <libpq-fe.h>
#include <sys/wait.h>

#include "store/keys.h"
#include "store/postgres/statement.h"
#include "store/sql/db.h"

/* --- texts --- */

static void texts_are_rewritten(void)
{
	static const struct {
		const char *from;
		const char *to;
		int params;
		bool own;
		bool rows;
		unsigned tables;
	} texts[] = {
		{ "SELECT 1", "SELECT 1", 0, false, true, 0 },
		{ "SELECT a FROM t WHERE " OWN "b = ? AND c = ?",
			"SELECT a FROM t WHERE user_no = $1 AND b = $2 AND c = $3", 2, true, true,
			0 },
		{ "SELECT ?, ?", "SELECT $1, $2", 2, false, true, 0 },
		{ "SELECT ?3, ?, ?1", "SELECT $3, $4, $1", 4, false, true, 0 },
		{ "SELECT ?2 FROM m" ALL_OWN_OF("m"), "SELECT $3 FROM m WHERE m.user_no = $1", 2,
			true, true, 0 },
		{ "INSERT INTO event (" OWNER "x) VALUES (" OWN_VALUE "?)",
			"INSERT INTO event (user_no, x) VALUES ($1, $2)", 1, true, false,
			HELD_EVENT },
		{ "DELETE FROM dict" SQLITE(" INDEXED BY ?") ALL_OWN,
			"DELETE FROM dict WHERE user_no = $1", 0, true, false, HELD_DICT },
		{ "SELECT '? $0 /*!x*/ it''s ?', \"?\" -- ? $0\n, ?",
			"SELECT '? $0 /*!x*/ it''s ?', \"?\" \n, $1", 1, false, true, 0 },
		{ "SELECT 1 /* ? */ + 2 FROM events, bucket_list",
			"SELECT 1  + 2 FROM events, bucket_list", 0, false, true, 0 },
		{ "SELECT e.x FROM bucket, derived_correction",
			"SELECT e.x FROM bucket, derived_correction", 0, false, true,
			HELD_BUCKET | HELD_EVENT },
		{ "WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x", 0,
			false, true, 0 },
		{ "WITH x AS (UPDATE t SET a = 1) SELECT 1",
			"WITH x AS (UPDATE t SET a = 1) SELECT 1", 0, false, false, 0 },
		{ POSTGRES("SELECT '*/'") SQLITE("SELECT 2"), "SELECT '*/'", 0, false, true, 0 },
		{ "SELECT 5 * /*!3*/ 2 / 1", "SELECT 5 * 3 2 / 1", 0, false, true, 0 },
		{ "SELECT $01", "SELECT $01", 0, false, true, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct pg_text text;

		pg_text_read(&text, texts[i].from);
		IS_CSTR(buf_cstr(&text.sql), texts[i].to);
		IS_INT(text.params, texts[i].params);
		OK(text.own == texts[i].own && text.rows == texts[i].rows);
		IS_INT(text.tables, texts[i].tables);
		pg_text_release(&text);
	}
}

/* --- the place --- */

static const char *test_url(void)
{
	const char *url = getenv("TT_TEST_PG");

	if (!url) {
		puts("Bail out! TT_TEST_PG is not set: run me by tests/lib/with-pg");
		exit(99);
	}
	return url;
}

static struct store *open_as(const char *user, int64_t busy_ms)
{
	const struct store_options options = {
		.url = test_url(), .user = user, .busy_ms = busy_ms
	};
	struct store *store = NULL;
	struct err err;

	if (!GOOD(store_open(&store, &options, &err)))
		exit(1);
	return store;
}

/* A new user, whose id stays in memory that lives as long as the program. */
static const char *new_user(void)
{
	static char ids[64][40];
	static size_t count;
	struct store *store = open_as(NULL, 20000);
	struct arena arena = { 0 };
	struct user user = { .email = arena_printf(
				     &arena, "p%ld-%zu@Example.org", (long)getpid(), count) };
	struct err err;

	ASSERT(count < ARRAY_LEN(ids));
	if (!GOOD(user_make(store, 1, &user, &arena, &err)))
		exit(1);
	snprintf(ids[count], sizeof(ids[count]), "%.*s", STR_ARG(user.user_id));
	arena_release(&arena);
	store_close(store);
	return ids[count++];
}

static struct store *open_fresh(void)
{
	return open_as(new_user(), 20000);
}

static void run(const char *url, const char *sql)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	tap_check(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, __FILE__, __LINE__,
		"%s: %s", sql, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* End the connection that the store has now, by another one; the role may, its own. */
static void kill_connection(struct store *store)
{
	char sql[96];

	if (!OK(store->conn))
		return;
	/* It waits until the backend is gone. */
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 20000)",
		PQbackendPID(store->conn));
	run(test_url(), sql);
}

static int put(struct store *store, const char *key, struct err *err)
{
	return store_setting_put(store, key, STR("x"), err);
}

static int64_t count_settings(struct store *store)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct err err;

	GOOD(db_stmt(store, "SELECT count(*) FROM setting" ALL_OWN, &stmt, &err));
	if (!GOOD(db_step(store, stmt, &err)))
		return -1;
	return db_col_i64(stmt, 0);
}

/* --- statements --- */

static void binds_and_columns(void)
{
	CLEANUP(store_closep) struct store *store = open_fresh();
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	static const char bytes[] = { 'a', '\0', (char)0xff };
	struct err err;

	GOOD(db_stmt(store,
		"SELECT ?1, ?2, ?3, ?4, ?5, ?1 + 1, ?1 > 0, 7::INT4, 3::INT2, '', NULL, -5::INT4, ?6",
		&stmt, &err));
	IS_INT(db_params(stmt), 6);
	db_bind_i64(stmt, 1, INT64_C(-9223372036854775807));
	db_bind_str(stmt, 2, STR("gr\xc3\xbc\xc3\x9f"));
	db_bind_bytes(stmt, 3, (struct str){ bytes, sizeof(bytes) });
	db_bind_blob(stmt, 4, (struct str){ NULL, 0 });
	db_bind_str(stmt, 5, (struct str){ NULL, 0 });
	IS_INT(db_step(store, stmt, &err), 1);
	OK(db_col_i64(stmt, 0) == INT64_C(-9223372036854775807));
	IS_STR(db_col_str(stmt, 1), "gr\xc3\xbc\xc3\x9f");
	OK(str_eq(db_col_str(stmt, 2), (struct str){ bytes, sizeof(bytes) }));
	OK(!db_col_null(stmt, 3) && db_col_str(stmt, 3).len == 0);
	OK(!db_col_null(stmt, 4) && db_col_str(stmt, 4).len == 0);
	IS_STR(db_col_str(stmt, 5), "-9223372036854775806");
	IS_INT(db_col_i64(stmt, 6), 0);
	IS_INT(db_col_i64(stmt, 7), 7);
	IS_INT(db_col_i64(stmt, 8), 3);
	OK(!db_col_null(stmt, 9) && db_col_str(stmt, 9).len == 0);
	OK(db_col_null(stmt, 10) && db_col_i64(stmt, 10) == 0 && db_col_str(stmt, 10).len == 0);
	IS_INT(db_col_i64(stmt, 11), -5);
	OK(db_col_null(stmt, 12));
	IS_INT(db_step(store, stmt, &err), 0);
}

/* A parameter that was NULL when it was prepared gets its type later. */
static void a_null_gets_a_type(void)
{
	struct store *store = open_fresh();
	struct err err;

	for (int round = 0; round < 4; round++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;

		GOOD(db_stmt(store, "SELECT coalesce(?1, 5)", &stmt, &err));
		if (round % 2 == 1)
			db_bind_i64(stmt, 1, INT64_C(1) << 40);
		IS_INT(db_step(store, stmt, &err), 1);
		IS_INT(db_col_i64(stmt, 0), round % 2 == 1 ? INT64_C(1) << 40 : 5);
	}
	store_close(store);
}

static void counts_and_numbers(void)
{
	struct store *store = open_fresh();
	struct err err;
	int64_t changes = 0, number = 0;

	GOOD(db_write_begin(store, &err));
	for (int i = 0; i < 3; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%d", i);
		GOOD(put(store, key, &err));
	}
	{
		CLEANUP(db_donep) struct db_statement *update = NULL;
		CLEANUP(db_donep) struct db_statement *insert = NULL;

		GOOD(db_stmt(store, "UPDATE setting SET value = ? WHERE " OWN "key <> ?", &update,
			&err));
		db_bind_blob(update, 1, STR("y"));
		db_bind_str(update, 2, STR("k1"));
		GOOD(db_exec_count(store, update, &changes, &err));
		IS_INT(changes, 2);
		GOOD(db_stmt(store,
			"INSERT INTO setting (" OWNER "key, value) VALUES (" OWN_VALUE "'n', ?)"
			" RETURNING 42",
			&insert, &err));
		db_bind_blob(insert, 1, STR(""));
		GOOD(db_exec_number(store, insert, &number, &err));
		IS_INT(number, 42);
	}
	GOOD(db_write_commit(store, &err));
	IS_INT(count_settings(store), 4);
	store_close(store);
}

/* Several cursors at once, of more rows than a part has, and statements between their rows. */
static void cursors_stream(void)
{
	enum { CURSORS = 3, ROWS = 5003 };
	static const char sql[] = "SELECT n, repeat('x', 20) FROM generate_series(1, ?) AS n";
	struct store *store = open_fresh();
	struct db_statement *cursors[CURSORS];
	int64_t seen[CURSORS] = { 0 }, sum[CURSORS] = { 0 };
	bool more = true;
	struct err err;

	GOOD(put(store, "a", &err));
	GOOD(db_read_begin(store, &err));
	for (int i = 0; i < CURSORS; i++) {
		GOOD(db_prepare(store, sql, &cursors[i], &err));
		db_bind_i64(cursors[i], 1, ROWS - 1000 * i);
	}
	while (more) {
		more = false;
		for (int i = 0; i < CURSORS; i++) {
			int rc = db_step(store, cursors[i], &err);

			if (rc < 0 && !GOOD(rc))
				break;
			if (rc != 1)
				continue;
			more = true;
			seen[i]++;
			sum[i] += db_col_i64(cursors[i], 0) == seen[i];
			if (seen[i] % 1000 == 0 && i == 1)
				IS_INT(count_settings(store), 1);
		}
	}
	for (int i = 0; i < CURSORS; i++) {
		IS_INT(seen[i], ROWS - 1000 * i);
		IS_INT(sum[i], seen[i]);
		IS_INT(db_step(store, cursors[i], &err), 0);
		db_finalize(cursors[i]);
	}
	db_read_end(store);
	IS_INT(count_settings(store), 1);
	store_close(store);
}

/* Sizes about the parts' ends, left early, begun again, and left open by the transaction. */
static void cursors_end(void)
{
	static const int rows[] = { 0, 1, 99, 100, 101, 2099, 2100, 2101, 4100 };
	struct store *store = open_fresh();
	struct db_statement *stmt;
	struct err err;

	GOOD(db_write_begin(store, &err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int seen = 0;

		GOOD(db_prepare(store, "SELECT generate_series(1, ?)", &stmt, &err));
		db_bind_i64(stmt, 1, rows[i]);
		if (rows[i] > 10)
			for (int n = 0; n < 10; n++)
				IS_INT(db_step(store, stmt, &err), 1);
		db_reset(stmt);
		while (db_step(store, stmt, &err) == 1)
			seen++;
		IS_INT(seen, rows[i]);
		db_finalize(stmt);
	}
	GOOD(db_prepare(store, "SELECT generate_series(1, 9999)", &stmt, &err));
	for (int n = 0; n < 150; n++)
		IS_INT(db_step(store, stmt, &err), 1);
	GOOD(db_write_commit(store, &err));
	db_finalize(stmt);
	IS_INT(count_settings(store), 0);
	store_close(store);
}

/* More than any buffer holds, in both directions, without anybody reading meanwhile. */
static void much_is_sent(void)
{
	enum { ROWS = 3000 };
	struct store *store = open_fresh();
	CLEANUP(buf_release) struct buf value = BUF_INIT;
	struct err err;

	while (value.len < 10000)
		buf_addc(&value, "0123456789");
	GOOD(db_write_begin(store, &err));
	for (int i = 0; i < ROWS; i++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		char key[16];

		snprintf(key, sizeof(key), "k%05d", i);
		GOOD(db_stmt(store,
			"INSERT INTO setting (" OWNER "key, value) VALUES (" OWN_VALUE "?, ?)"
			" RETURNING value",
			&stmt, &err));
		db_bind_str(stmt, 1, str_from(key));
		db_bind_blob(stmt, 2, buf_str(&value));
		GOOD(db_exec(store, stmt, &err));
	}
	GOOD(db_write_commit(store, &err));
	IS_INT(count_settings(store), ROWS);
	store_close(store);
}

/* --- failures --- */

static void failures_void_the_transaction(void)
{
	struct store *store = open_fresh();
	struct err err;
	int rc = 0;

	GOOD(put(store, "before", &err));
	GOOD(db_write_begin(store, &err));
	GOOD(put(store, "a", &err));
	(void)db_next_seq(store);
	/* Sent, and not answered yet. */
	GOOD(db_run(
		store, "INSERT INTO setting (user_no, key, value) VALUES ($0, 'b', NULL)", &err));
	for (int i = 0; i < 2000 && rc == 0; i++)
		rc = put(store, "c", &err);
	FAILS(db_write_commit(store, &err), ERR_CORRUPT);
	OK(strstr(err.message, "value") && strstr(err.message, store_path(store)));
	OK(!db_is_writing(store));
	IS_INT(count_settings(store), 1);
	/* An answer that is asked for tells of what was sent before. */
	GOOD(db_write_begin(store, &err));
	IS_INT(db_next_seq(store), 1);
	GOOD(db_run(
		store, "INSERT INTO setting (user_no, key, value) VALUES ($0, 'b', NULL)", &err));
	{
		CLEANUP(db_donep) struct db_statement *stmt = NULL;

		GOOD(db_stmt(store, "SELECT count(*) FROM setting" ALL_OWN, &stmt, &err));
		FAILS(db_step(store, stmt, &err), ERR_CORRUPT);
	}
	FAILS(put(store, "d", &err), ERR_CORRUPT);
	db_write_rollback(store);
	GOOD(put(store, "e", &err));
	IS_INT(count_settings(store), 2);
	store_close(store);
}

/* What was to be prepared behind a failure is not, and is prepared when it is wanted again. */
static void what_was_not_prepared_is_later(void)
{
	struct store *store = open_fresh();
	struct err err;

	for (int round = 0; round < 2; round++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;

		GOOD(db_write_begin(store, &err));
		if (round == 0)
			GOOD(db_run(store, "SELECT 1 / 0", &err));
		GOOD(db_stmt(store, "UPDATE setting SET value = ? WHERE " OWN "key = 'never yet'",
			&stmt, &err));
		db_bind_blob(stmt, 1, STR("x"));
		GOOD(db_exec(store, stmt, &err));
		if (round == 0)
			FAILS(db_write_commit(store, &err), ERR_IO);
		else
			GOOD(db_write_commit(store, &err));
	}
	store_close(store);
}

static void reading_fails_and_goes_on(void)
{
	struct store *store = open_fresh();
	struct db_statement *good, *bad;
	struct err err;

	GOOD(db_read_begin(store, &err));
	GOOD(db_prepare(store, "SELECT generate_series(1, 1000)", &good, &err));
	IS_INT(db_step(store, good, &err), 1);
	GOOD(db_prepare(
		store, "SELECT 1 / (n - 500) FROM generate_series(1, 1000) AS n", &bad, &err));
	for (int i = 0; i < 100; i++)
		IS_INT(db_step(store, bad, &err), 1);
	FAILS(db_step(store, bad, &err), ERR_IO);
	OK(strstr(err.message, "zero"));
	db_finalize(bad);
	db_finalize(good);
	db_read_end(store);
	IS_INT(count_settings(store), 0);
	store_close(store);
}

/* --- connections that end --- */

/* After how much of a transaction the connection ends. */
enum { BEFORE, BEGUN, SENT, ASKED, POINTS };

static void write_and_lose(struct store *store, int point)
{
	struct err err;
	int rc = 0;

	if (point == BEFORE)
		kill_connection(store);
	GOOD(db_write_begin(store, &err));
	if (point == BEGUN)
		kill_connection(store);
	rc = put(store, "lost", &err);
	if (point == SENT)
		kill_connection(store);
	(void)db_next_seq(store);
	if (point == ASKED) {
		IS_INT(count_settings(store), 2);
		kill_connection(store);
	}
	if (rc == 0)
		rc = db_write_commit(store, &err);
	else
		db_write_rollback(store);
	if (point == BEFORE)
		GOOD(rc);
	else
		tap_check(rc == ERR_BUSY, __FILE__, __LINE__, "point %d: %d", point, rc);
	OK(!db_is_writing(store));
}

static void lost_while_writing(void)
{
	for (int point = 0; point < POINTS; point++) {
		struct store *store = open_fresh();
		struct err err;

		GOOD(put(store, "kept", &err));
		write_and_lose(store, point);
		IS_INT(count_settings(store), point == BEFORE ? 2 : 1);
		GOOD(put(store, "again", &err));
		IS_INT(count_settings(store), point == BEFORE ? 3 : 2);
		store_close(store);
	}
}

static void lost_while_reading(void)
{
	struct store *store = open_fresh();
	struct db_statement *stmt;
	struct err err;
	int rc = 1;

	GOOD(put(store, "a", &err));
	kill_connection(store);
	IS_INT(count_settings(store), 1);
	kill_connection(store);
	GOOD(db_read_begin(store, &err));
	IS_INT(count_settings(store), 1);
	GOOD(db_prepare(store, "SELECT generate_series(1, 100000)", &stmt, &err));
	IS_INT(db_step(store, stmt, &err), 1);
	kill_connection(store);
	while (rc == 1)
		rc = db_step(store, stmt, &err);
	IS_INT(rc, ERR_BUSY);
	db_finalize(stmt);
	db_read_end(store);
	GOOD(db_read_begin(store, &err));
	IS_INT(count_settings(store), 1);
	db_read_end(store);
	store_close(store);
}

/* Nobody answers: one attempt, then ERR_BUSY at once for a time. */
static void no_server(void)
{
	const struct store_options options = {
		.url = "postgresql://tt:hush@/none?host=/nonexistent", .busy_ms = 2000
	};
	struct store *store = NULL;
	struct err err;

	FAILS(store_open(&store, &options, &err), ERR_BUSY);
	OK(!store && strstr(err.message, "postgresql://tt@/none?host=/nonexistent"));
	OK(!strstr(err.message, "hush"));
	store = open_fresh();
	kill_connection(store);
	free(store->conninfo);
	store->conninfo = strdup(options.url);
	FAILS(db_write_begin(store, &err), ERR_BUSY);
	FAILS(db_read_begin(store, &err), ERR_BUSY);
	OK(strstr(err.message, "not connected"));
	store_close(store);
}

/* --- locks --- */

static void writers_wait_for_each_other(void)
{
	const char *user = new_user();
	struct store *first = open_as(user, 20000), *second = open_as(user, 150);
	struct err err;

	GOOD(db_write_begin(first, &err));
	(void)db_next_seq(first);
	FAILS(db_write_begin(second, &err), ERR_BUSY);
	OK(!db_is_writing(second));
	OK(strstr(err.message, "another process"));
	GOOD(db_write_commit(first, &err));
	GOOD(db_write_begin(second, &err));
	IS_INT(db_counters(second)->last_seq, 1);
	IS_INT(db_next_seq(second), 2);
	db_write_rollback(second);
	IS_INT(db_counters(second)->last_seq, 1);
	store_close(first);
	store_close(second);
}

static void many_users_are_locked(void)
{
	enum { USERS = 4 };
	struct store *server = open_as(NULL, 20000), *other;
	struct str ids[USERS + 1];
	bool locked[USERS + 1];
	struct err err;

	for (int i = 0; i < USERS; i++)
		ids[i] = str_from(new_user());
	ids[USERS] = STR("00000000-0000-4000-8000-000000000000");
	other = open_as(ids[1].ptr, 150);
	GOOD(db_write_begin(other, &err));
	GOOD(db_write_begin_for(server, ids, USERS + 1, locked, &err));
	for (int i = 0; i <= USERS; i++)
		tap_check(locked[i] == (i != 1 && i != USERS), __FILE__, __LINE__, "user %d", i);
	for (int i = 0; i < USERS; i++) {
		const struct actor actor = { .user_id = ids[i] };

		if (!locked[i])
			continue;
		GOOD(store_as(server, &actor, &err));
		OK(db_is_writing(server));
		for (int n = 0; n <= i; n++)
			(void)db_next_seq(server);
		GOOD(put(server, "mine", &err));
		IS_INT(count_settings(server), 1);
	}
	/* The one who was busy joins the transaction when it is free. */
	db_write_rollback(other);
	GOOD(store_as(server, &(struct actor){ .user_id = ids[1] }, &err));
	OK(db_is_writing(server));
	FAILS(db_write_begin(other, &err), ERR_BUSY);
	GOOD(put(server, "too", &err));
	GOOD(db_write_commit(server, &err));
	for (int i = 0; i < USERS; i++) {
		GOOD(store_as(server, &(struct actor){ .user_id = ids[i] }, &err));
		IS_INT(count_settings(server), 1);
		IS_INT(db_counters(server)->last_seq, i == 1 ? 0 : i + 1);
	}
	/* Nobody to be had: no transaction. */
	GOOD(db_write_begin(other, &err));
	GOOD(db_write_begin_for(server, ids + 1, 1, locked, &err));
	OK(!locked[0] && !server->in_transaction);
	db_write_rollback(other);
	store_close(other);
	store_close(server);
}

/* --- users --- */

static int64_t count_all(struct store *store, const char *sql)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct err err;

	GOOD(db_stmt(store, sql, &stmt, &err));
	return GOOD(db_step(store, stmt, &err)) ? db_col_i64(stmt, 0) : -1;
}

static const char forgetful[] = "SELECT count(*) FROM setting";

/* Statements that forget to say whose rows they mean see and touch their own user's alone. */
static void the_second_wall(void)
{
	CLEANUP(store_closep) struct store *store = open_fresh();
	CLEANUP(store_closep) struct store *other = open_fresh();
	struct actor nobody = { 0 };
	char user_id[40];
	const struct actor actor = { .user_id = { user_id, 36 } };
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t changes = -1;
	struct err err;

	snprintf(user_id, sizeof(user_id), "%.*s", STR_ARG(store_actor(store).user_id));
	GOOD(put(store, "mine", &err));
	GOOD(put(other, "yours", &err));
	GOOD(put(other, "yours too", &err));
	IS_INT(count_all(store, forgetful), 1);
	IS_INT(count_all(other, forgetful), 2);
	GOOD(db_read_begin(store, &err));
	IS_INT(count_all(store, forgetful), 1);
	db_read_end(store);
	GOOD(db_write_begin(store, &err));
	IS_INT(count_all(store, forgetful), 1);
	GOOD(db_stmt(store, "DELETE FROM setting", &stmt, &err));
	GOOD(db_exec_count(store, stmt, &changes, &err));
	IS_INT(changes, 1);
	GOOD(db_write_commit(store, &err));
	IS_INT(count_all(other, forgetful), 2);
	/* Another user's number is refused. */
	FAILS(db_run(store, "INSERT INTO setting (user_no, key, value) VALUES ($0 + 1, 'x', '')",
		      &err),
		ERR_READONLY);
	FAILS(db_run(store, "INSERT INTO setting (user_no, key, value) VALUES (0, 'x', '')", &err),
		ERR_READONLY);
	GOOD(store_as(store, &nobody, &err));
	IS_INT(count_all(store, forgetful), 0);
	IS_INT(count_all(store, "SELECT count(*) FROM \"user\""), 0);
	GOOD(store_as(store, &actor, &err));
	IS_INT(count_all(store, "SELECT count(*) FROM \"user\""), 1);
	/* Partitions are nobody's, except through their table. */
	IS_INT(count_all(store, "SELECT count(*) FROM pg_class WHERE relnamespace ="
				" 'tidemark'::regnamespace AND relkind IN ('r', 'p')"
				" AND NOT (relrowsecurity AND relforcerowsecurity)"),
		0);
}

static void users_are_found(void)
{
	const char *id = new_user();
	struct store_options options = { .url = test_url(), .user = "nobody@example.org" };
	struct store *store = NULL;
	struct store_info info, whole;
	struct err err;

	FAILS(store_open(&store, &options, &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "generate-key --email nobody@example.org"));
	options.user = "00000000-0000-4000-8000-000000000000";
	FAILS(store_open(&store, &options, &err), ERR_NOT_FOUND);
	store = open_as(id, 1000);
	IS_STR(store_actor(store).user_id, id);
	OK(store_is_shared(store) && !store_replaced(store));
	FAILS(store_as(store, &(struct actor){ .user_id = STR("x") }, &err), ERR_NOT_FOUND);
	IS_STR(store_actor(store).user_id, id);
	GOOD(store_info(store, &info, &err));
	GOOD(store_probe(store, &err));
	GOOD(store_verify(store, NULL, &err));
	GOOD(store_as(store, &(struct actor){ 0 }, &err));
	GOOD(store_info(store, &whole, &err));
	OK(strcmp(info.store_id, whole.store_id) != 0 && strlen(info.store_id) == 36);
	IS_INT(whole.schema_version, 1);
	OK(whole.bytes > 0);
	GOOD(store_probe(store, &err));
	GOOD(store_verify(store, NULL, &err));
	FAILS(store_backup(store, "/tmp/x", &err), ERR_USAGE);
	OK(strstr(err.message, "pg_dump"));
	store_close(store);
}

/* --- partitions --- */

static int64_t partitions(struct store *store)
{
	return count_all(store, "SELECT count(*) FROM pg_class WHERE relnamespace ="
				" 'tidemark'::regnamespace AND relname ~ '^event_h[0-7]_[0-9]{4}_'"
				" AND relkind = 'r'");
}

static int insert_event(struct store *store, int64_t start_ns, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (pg_partitions_ensure(store, &start_ns, 1, err) < 0 ||
		db_stmt(store,
			"INSERT INTO event (" OWNER "shelf, start_ns, key, duration_ns, revision,"
			" data_no, seq) VALUES (" OWN_VALUE "2, ?, 'k', 0, 0, 1, ?)",
			&stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, start_ns);
	db_bind_i64(stmt, 2, db_next_seq(store));
	return db_exec(store, stmt, err);
}

/* Months that come one by one in a transaction that has the table in use, made by itself and by
 * another connection. */
static void months_are_made(void)
{
	struct store *store = open_fresh(), *other = open_fresh();
	const int64_t month = 31 * INT64_C(86400) * NS_PER_S;
	int64_t before, bytes = 0;
	struct err err;

	GOOD(db_write_begin(store, &err));
	GOOD(db_write_begin(other, &err));
	GOOD(insert_event(store, INT64_MIN, &err));
	GOOD(insert_event(store, INT64_MAX, &err));
	GOOD(insert_event(other, 0, &err));
	before = partitions(store);
	for (int i = 0; i < 6; i++) {
		GOOD(insert_event(store, T0 - i * month, &err));
		GOOD(insert_event(other, T0 - i * month, &err));
		GOOD(insert_event(other, T0 - (20 + i) * month, &err));
		GOOD(insert_event(store, T0 - (20 + i) * month, &err));
	}
	GOOD(db_write_commit(store, &err));
	GOOD(db_write_commit(other, &err));
	OK(partitions(store) >= before + 12 * 8);
	IS_INT(count_all(store, "SELECT count(*) FROM event" ALL_OWN), 14);
	IS_INT(count_all(store, "SELECT count(*) FROM event WHERE tableoid::regclass::text"
				" NOT LIKE 'event%' || to_char(to_timestamp(start_ns / 1000000000)"
				" AT TIME ZONE 'UTC', '_YYYY_MM') AND " OWN
				"start_ns BETWEEN 1 AND 2000000000000000000"),
		0);
	/* Empty months go, all their parts with them; one that holds a single row stays. */
	GOOD(db_write_begin(store, &err));
	GOOD(insert_event(store, T0 - 60 * month, &err));
	GOOD(insert_event(store, T0 - 70 * month, &err));
	GOOD(db_run(store,
		"DELETE FROM event WHERE start_ns BETWEEN 1 AND 1650000000000000000 AND"
		" user_no = $0",
		&err));
	GOOD(db_write_commit(store, &err));
	before = partitions(store);
	GOOD(db_shrink(store, &bytes, &err));
	IS_INT(partitions(store), before - 2 * 8);
	OK(bytes > 0);
	IS_INT(count_all(store, "SELECT count(*) FROM event" ALL_OWN), 14);
	IS_INT(count_all(other, "SELECT count(*) FROM event" ALL_OWN), 13);
	GOOD(db_write_begin(other, &err));
	for (int i = 0; i < 30; i++)
		GOOD(insert_event(other, T0 - i * month + 1, &err));
	GOOD(db_write_commit(other, &err));
	/* A month that somebody else has dropped is missed once, and made when it is tried again.
	 */
	GOOD(db_write_begin(other, &err));
	GOOD(insert_event(other, T0 - 60 * month, &err));
	GOOD(db_write_commit(other, &err));
	GOOD(db_write_begin(other, &err));
	GOOD(db_run(other,
		"DELETE FROM event WHERE start_ns < 1650000000000000000 AND user_no = $0", &err));
	GOOD(db_write_commit(other, &err));
	GOOD(db_shrink(store, &bytes, &err));
	GOOD(db_write_begin(other, &err));
	GOOD(insert_event(other, T0 - 60 * month, &err));
	FAILS(db_write_commit(other, &err), ERR_BUSY);
	GOOD(db_write_begin(other, &err));
	GOOD(insert_event(other, T0 - 60 * month, &err));
	GOOD(db_write_commit(other, &err));
	store_close(store);
	store_close(other);
}

/* --- verification --- */

static void verification_finds_faults(void)
{
	static const struct {
		const char *damage;
		const char *found;
	} faults[] = {
		{ "UPDATE store_state SET events = events + 1" ALL_OWN, "1 events more or less" },
		{ "UPDATE store_state SET odd_ids = odd_ids + 2" ALL_OWN, "2 odd events more" },
		{ "UPDATE store_state SET tombstones = 9" ALL_OWN, "tombstones more or less" },
		{ "UPDATE store_state SET quarantined = 9" ALL_OWN, "quarantine entries more" },
		{ "UPDATE store_state SET last_seq = 0" ALL_OWN,
			"beyond the store's change number" },
		{ "UPDATE store_state SET last_data = 0" ALL_OWN, "1 data numbers that were not" },
		{ "DELETE FROM derived_mark" ALL_OWN, "state and mark" },
		{ "DELETE FROM dict" ALL_OWN, "2 events without data" },
		{ "UPDATE dict SET body = body || ' '" ALL_OWN, "1 texts of data that differ" },
		{ "DELETE FROM odd_id" ALL_OWN, "1 odd events that are not found" },
		{ "UPDATE odd_id SET start_ns = start_ns + 1" ALL_OWN, "1 ids of odd events" },
		{ "UPDATE event SET seq = 1" ALL_OWN, "1 change numbers that several" },
		{ "UPDATE event SET shelf = shelf + 200" ALL_OWN, "2 shelves of events without" },
		{ "UPDATE bucket SET events = 7" ALL_OWN, "buckets with more or fewer" },
		{ "UPDATE bucket SET end_ns = 7" ALL_OWN, "whose bounds are not" },
		{ "UPDATE bucket SET first_ns = first_ns - 1" ALL_OWN, "whose bounds are not" },
		{ "UPDATE bucket SET last_ns = last_ns + 1" ALL_OWN, "whose bounds are not" },
		{ "UPDATE bucket SET changed_seq = 99" ALL_OWN, "changes of buckets beyond" },
		{ "UPDATE event SET number = 5" ALL_OWN, "3 numbers of events" },
		{ "INSERT INTO aw_setting (user_no, key, value) VALUES ($0, 'k', '{')", "no JSON" },
		{ "INSERT INTO aw_bucket (user_no, making, bucket_no, id, type, client, hostname, data,"
		  " created_ns) SELECT $0, 1, bucket_no, '', '', '', '', '[', 0 FROM bucket" ALL_OWN
		  " LIMIT 1",
			"1 buckets with data that is no JSON" },
	};
	struct arena arena = { 0 };
	struct event odd = event_make(&arena, "t", T0, "a", "{}");
	struct event plain = event_make(&arena, "t", T0 + 1, "b", "{}");
	struct err err;

	odd.id = STR("odd");
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		CLEANUP(buf_release) struct buf report = BUF_INIT;
		struct store *store = open_fresh();

		OK(fixture_take(store, &odd) == INTAKE_NEW);
		OK(fixture_take(store, &plain) == INTAKE_NEW);
		GOOD(store_verify(store, NULL, &err));
		GOOD(db_write_begin(store, &err));
		GOOD(db_run(store, faults[i].damage, &err));
		GOOD(db_write_commit(store, &err));
		FAILS(store_verify(store, &report, &err), ERR_CORRUPT);
		tap_check(strstr(buf_cstr(&report), faults[i].found) != NULL, __FILE__, __LINE__,
			"%s: %s", faults[i].damage, buf_cstr(&report));
		store_close(store);
	}
	arena_release(&arena);
}

/* --- the schema --- */

static void database_url(char *out, size_t size, const char *name)
{
	const char *url = test_url(), *at = strstr(url, "@/"), *rest = strchr(url, '?');

	ASSERT(at && rest);
	snprintf(out, size, "%.*s@/%s%s", (int)(at - url), url, name, rest);
}

static int open_and_look(const struct store_options *options)
{
	struct store *store = NULL;
	struct store_info info;
	struct err err;

	if (store_open(&store, options, &err) == 0 && store_info(store, &info, &err) == 0 &&
		info.schema_version == 1)
		return 0;
	printf("# %s\n", err.message);
	fflush(stdout);
	return 1;
}

static void several_make_the_schema(void)
{
	enum { PROCESSES = 8 };
	const struct store_options *options;
	char url[256];
	struct store *store = NULL;
	pid_t pids[PROCESSES];
	struct err err;

	run(test_url(), "CREATE DATABASE made_by_many");
	database_url(url, sizeof(url), "made_by_many");
	options = &(struct store_options){ .url = url, .busy_ms = 60000, .must_exist = true };
	FAILS(store_open(&store, options, &err), ERR_NOT_FOUND);
	options = &(struct store_options){ .url = url, .busy_ms = 60000, .read_only = true };
	FAILS(store_open(&store, options, &err), ERR_NOT_FOUND);
	options = &(struct store_options){ .url = url, .busy_ms = 60000 };
	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(open_and_look(options));
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		OK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	}
	GOOD(store_open(&store, options, &err));
	store_close(store);
}

static void other_databases_are_refused(void)
{
	char url[256];
	struct store_options options = { .url = url, .busy_ms = 5000 };
	struct store *store = NULL;
	struct err err;

	database_url(url, sizeof(url), "not_there");
	FAILS(store_open(&store, &options, &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "createdb"));
	run(test_url(), "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
	database_url(url, sizeof(url), "latin");
	FAILS(store_open(&store, &options, &err), ERR_USAGE);
	OK(strstr(err.message, "LATIN1") && strstr(err.message, "UTF8"));
	run(test_url(), "CREATE DATABASE newer");
	database_url(url, sizeof(url), "newer");
	if (!GOOD(store_open(&store, &options, &err)))
		return;
	run(url, "UPDATE tidemark.server_state SET schema_version = 99");
	/* Also for who had it open before. */
	kill_connection(store);
	FAILS(db_write_begin(store, &err), ERR_VERSION);
	store_close(store);
	FAILS(store_open(&store, &options, &err), ERR_VERSION);
	OK(strstr(err.message, "99") && strstr(err.message, TT_VERSION));
	options.url = "sqlite:/tmp/x";
	FAILS(store_open(&store, &options, &err), ERR_USAGE);
	options.url = "postgresql://u:sec%zzret@h/d";
	FAILS(store_open(&store, &options, &err), ERR_USAGE);
	OK(!strstr(err.message, "ret"));
}

static void a_replica_is_only_read(void)
{
	const char *user = new_user();
	const struct store_options options = { .url = test_url(), .user = user, .read_only = true };
	struct store *store = NULL;
	struct err err;

	if (!GOOD(store_open(&store, &options, &err)))
		return;
	FAILS(db_write_begin(store, &err), ERR_READONLY);
	IS_INT(count_settings(store), 0);
	GOOD(store_snapshot_begin(store, &err));
	IS_INT(count_settings(store), 0);
	store_close(store);
}

static void a_snapshot_is_of_its_moment(void)
{
	const char *user = new_user();
	struct store *store = open_as(user, 1000), *other = NULL;
	struct err err;

	GOOD(store_open_again(&other, store, &(struct store_options){ .busy_ms = 1000 }, &err));
	GOOD(store_snapshot_begin(store, &err));
	GOOD(put(other, "later", &err));
	IS_INT(count_settings(store), 0);
	store_snapshot_end(store);
	IS_INT(count_settings(store), 1);
	store_close(store);
	store_close(other);
}

static const struct tap_case cases[] = {
	TAP_CASE(texts_are_rewritten),
	TAP_CASE(binds_and_columns),
	TAP_CASE(a_null_gets_a_type),
	TAP_CASE(counts_and_numbers),
	TAP_CASE(cursors_stream),
	TAP_CASE(cursors_end),
	TAP_CASE(much_is_sent),
	TAP_CASE(failures_void_the_transaction),
	TAP_CASE(what_was_not_prepared_is_later),
	TAP_CASE(reading_fails_and_goes_on),
	TAP_CASE(lost_while_writing),
	TAP_CASE(lost_while_reading),
	TAP_CASE(no_server),
	TAP_CASE(writers_wait_for_each_other),
	TAP_CASE(many_users_are_locked),
	TAP_CASE(the_second_wall),
	TAP_CASE(users_are_found),
	TAP_CASE(months_are_made),
	TAP_CASE(verification_finds_faults),
	TAP_CASE(several_make_the_schema),
	TAP_CASE(other_databases_are_refused),
	TAP_CASE(a_replica_is_only_read),
	TAP_CASE(a_snapshot_is_of_its_moment),
};

TAP_MAIN(cases)
