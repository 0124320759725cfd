/*
 * A store is a user of a database. tests/lib/with-pg names an empty database in TT_TEST_PG; users
 * are cheap and keep out of each other's way, so that is what most tests get, and it is how the
 * database is used.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/keys.h"
#include "store_place.h"

static void give_up(const char *doing, const char *why)
{
	printf("Bail out! %s: %s\n", doing, why);
	exit(99);
}

static const char *given_url(void)
{
	const char *url = getenv("TT_TEST_PG");

	if (!url)
		give_up("TT_TEST_PG", "not set: run me by tests/lib/with-pg");
	return url;
}

static unsigned next_number(void)
{
	static unsigned last;

	return ++last;
}

/* Nobody's, kept for the next user: thousands are made. A process that was forked has its own. */
static struct store *administration(void)
{
	static struct store *kept;
	static pid_t keeper;
	struct err err;

	if (kept && keeper == getpid())
		return kept;
	keeper = getpid();
	if (store_open(&kept, &(struct store_options){ .url = given_url() }, &err) < 0)
		give_up("opening the database", err.message);
	return kept;
}

static void make_user(struct store_place *place)
{
	struct arena arena = { 0 };
	struct user user = { 0 };
	struct err err;

	snprintf(place->user, sizeof(place->user), "u%ld-%u@example.org", (long)getpid(),
		next_number());
	user.email = str_from(place->user);
	if (user_make(administration(), 1, &user, &arena, &err) < 0)
		give_up("making a user", err.message);
	arena_release(&arena);
}

void store_place_make(struct store_place *place, const char *path)
{
	(void)path;
	*place = (struct store_place){ 0 };
	ASSERT(snprintf(place->url, sizeof(place->url), "%s", given_url()) <
		(int)sizeof(place->url));
	make_user(place);
}

static PGconn *connect_to(const char *url)
{
	PGconn *conn = PQconnectdb(url);

	if (PQstatus(conn) != CONNECTION_OK)
		give_up(url, PQerrorMessage(conn));
	return conn;
}

static void run_sql(const char *url, const char *sql)
{
	PGconn *conn = connect_to(url);
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		give_up(sql, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* TT_TEST_PG with another database: postgresql://ROLE@/DATABASE?…. */
static void name_database(struct store_place *place, const char *name)
{
	const char *url = given_url(), *slash = strstr(url, "@/");
	const char *rest = slash ? strchr(slash, '?') : NULL;

	if (!rest)
		give_up("TT_TEST_PG", "not of the form postgresql://ROLE@/DATABASE?…");
	ASSERT(snprintf(place->url, sizeof(place->url), "%.*s@/%s%s", (int)(slash - url), url, name,
		       rest) < (int)sizeof(place->url));
}

void store_place_make_alone(struct store_place *place, const char *path)
{
	char name[32], sql[64];

	(void)path;
	*place = (struct store_place){ 0 };
	snprintf(name, sizeof(name), "d%ld_%u", (long)getpid(), next_number());
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	run_sql(given_url(), sql);
	name_database(place, name);
}

struct store_options store_place_options(const struct store_place *place)
{
	return (struct store_options){ .url = place->url, .user = place->user };
}

void store_place_empty(struct store_place *place)
{
	make_user(place);
}

static void check_user(PGconn *conn, const char *email)
{
	PGresult *result = PQexecParams(
		conn, "SELECT 1 FROM \"user\" WHERE email = $1", 1, NULL, &email, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		give_up("looking for a user", PQerrorMessage(conn));
	PQclear(result);
}

/* Rows as texts, in which bytes are hexadecimal. */
static bool table_holds(PGconn *conn, const char *table, const char *user, const char *text)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	const char *const values[] = { text, user };
	PGresult *result;
	bool found;

	buf_printf(&sql,
		"SELECT 1 FROM %s t WHERE user_no = (SELECT user_no FROM \"user\" WHERE email = $2)"
		" AND (position($1 IN t::text) > 0"
		" OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0) LIMIT 1",
		table);
	result = PQexecParams(conn, buf_cstr(&sql), 2, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		give_up(table, PQerrorMessage(conn));
	found = PQntuples(result) > 0;
	PQclear(result);
	return found;
}

/* As the server's owner, whom row-level security lets see everything. */
bool store_place_holds(const struct store_place *place, const char *text)
{
	CLEANUP(buf_release) struct buf url = BUF_INIT;
	bool found = false;
	PGresult *tables;
	PGconn *conn;

	buf_printf(&url, "postgresql://postgres%s&options=-csearch_path%%3Dtidemark",
		strstr(place->url, "@/"));
	conn = connect_to(buf_cstr(&url));
	check_user(conn, place->user);
	tables = PQexec(conn,
		"SELECT DISTINCT quote_ident(table_name) FROM information_schema.columns"
		" JOIN information_schema.tables USING (table_schema, table_name)"
		" WHERE column_name = 'user_no' AND table_schema = current_schema()"
		" AND table_type = 'BASE TABLE'");
	if (PQresultStatus(tables) != PGRES_TUPLES_OK || PQntuples(tables) < 10)
		give_up("looking for tables", PQerrorMessage(conn));
	for (int i = 0; i < PQntuples(tables) && !found; i++)
		found = table_holds(conn, PQgetvalue(tables, i, 0), place->user, text);
	PQclear(tables);
	PQfinish(conn);
	return found;
}

int store_place_rounds(int rounds)
{
	return rounds < 5 ? 1 : rounds / 5;
}

bool store_place_is_shared(void)
{
	return true;
}
