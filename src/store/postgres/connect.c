/*
 * Connecting, and connecting again. A URL may hold a password, so that it is never in a message:
 * neither are libpq's words about a URL that it cannot read.
 */
#include "store/postgres/connect.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "base/url.h"
#include "store/postgres/migrate.h"
#include "store/postgres/patience.h"

enum {
	OLDEST_SERVER = 140000,
	LEAST_CONNECT_S = 2, /* libpq takes less as that */
	MOST_CONNECT_S = 10,
	/* An abandoned transaction is undone after so long, or some patiences. */
	LEAST_IDLE_MS = 60000,
	IDLE_PATIENCES = 3,
};

/* A peer that a network has swallowed is given up after a minute, by both sides. */
#define KEEPALIVE_IDLE "30"
#define KEEPALIVE_INTERVAL "10"
#define KEEPALIVE_COUNT "3"
#define TCP_TIMEOUT_MS "30000"

/* --- URLs --- */

bool pg_is_url(struct str url)
{
	return str_starts(url, STR("postgresql://")) || str_starts(url, STR("postgres://"));
}

static struct str option(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return str_from(options->val);
	return (struct str){ 0 };
}

static void show(struct buf *out, const PQconninfoOption *options)
{
	struct str user = option(options, "user"), host = option(options, "host");
	struct str port = option(options, "port"), database = option(options, "dbname");
	bool is_socket = host.len > 0 && host.ptr[0] == '/';

	if (host.len == 0)
		host = option(options, "hostaddr");
	buf_addc(out, "postgresql://");
	if (user.len > 0) {
		url_encode(out, user);
		buf_byte(out, '@');
	}
	if (!is_socket)
		buf_add(out, host);
	if (!is_socket && port.len > 0)
		buf_printf(out, ":%.*s", STR_ARG(port));
	buf_byte(out, '/');
	url_encode(out, database);
	if (is_socket)
		buf_printf(out, "?host=%.*s", STR_ARG(host));
	if (is_socket && port.len > 0)
		buf_printf(out, "&port=%.*s", STR_ARG(port));
}

int pg_url_shown(const char *url, struct buf *out, struct err *err)
{
	PQconninfoOption *options;
	char *why = NULL;

	if (!pg_is_url(str_from(url)))
		return err_set(err, ERR_USAGE,
			"cannot open store '%.*s…': this program opens postgresql://USER@HOST/DATABASE",
			STR_ARG(str_sub(str_from(url), 0, 12)));
	options = PQconninfoParse(url, &why);
	PQfreemem(why);
	if (!options)
		return err_set(err, ERR_USAGE,
			"the URL of the store cannot be read: it must be postgresql://USER@HOST:PORT/DATABASE?…, with '%%' and two hexadecimal digits for what has a meaning there");
	show(out, options);
	PQconninfoFree(options);
	return 0;
}

/* --- plain statements --- */

void pg_connection_freep(PGconn **conn)
{
	PQfinish(*conn);
}

int pg_run(const struct store *store, PGconn *conn, const char *sql, const char *doing,
	struct err *err)
{
	PGresult *result = patience_exec(store, conn, sql);
	ExecStatusType status = PQresultStatus(result);
	int rc = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = pg_fail_on(store->url, conn, result, doing, err);
	PQclear(result);
	return rc;
}

int pg_ask_text(
	const struct store *store, PGconn *conn, const char *sql, struct buf *out, struct err *err)
{
	PGresult *result = patience_exec(store, conn, sql);
	int rc = 0;

	buf_clear(out);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		rc = pg_fail_on(store->url, conn, result, "reading", err);
	else if (PQntuples(result) > 0)
		buf_addc(out, PQgetvalue(result, 0, 0));
	PQclear(result);
	return rc;
}

/* --- connecting --- */

/* What the URL says comes last, and counts. */
static PGconn *dial(const struct store *store)
{
	bool hasty = store->patience_ms > 0 && store->patience_ms < store->busy_ms;
	int64_t timeout_s = (hasty ? store->patience_ms : store->busy_ms) / 1000;
	char connect_s[16];
	const char *const keywords[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "fallback_application_name", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { connect_s, TCP_TIMEOUT_MS, KEEPALIVE_IDLE,
		KEEPALIVE_INTERVAL, KEEPALIVE_COUNT, "tidemark", store->conninfo, "UTF8", NULL };

	if (timeout_s < LEAST_CONNECT_S)
		timeout_s = LEAST_CONNECT_S;
	if (timeout_s > MOST_CONNECT_S)
		timeout_s = MOST_CONNECT_S;
	snprintf(connect_s, sizeof(connect_s), "%d", (int)timeout_s);
	return PQconnectdbParams(keywords, values, 1);
}

static int check_server(const struct store *store, PGconn *conn, struct err *err)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	int version = PQserverVersion(conn);

	if (version < OLDEST_SERVER)
		return err_set(err, ERR_VERSION,
			"store '%s' is on PostgreSQL %d.%d: 14 or newer is needed", store->url,
			version / 10000, version % 10000);
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return err_set(err, ERR_USAGE,
			"store '%s': the database has the encoding %s; make one with UTF8: createdb --template=template0 --encoding=UTF8 NAME",
			store->url, encoding ? encoding : "(unknown)");
	return 0;
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

/* Who gives up a silent server wants the same of it: a transaction that was abandoned holds its
 * user's lock. One that reads may be slow, as those are who read its answer. */
static void add_limits(const struct store *store, struct buf *sql)
{
	int64_t idle_ms = IDLE_PATIENCES * store->patience_ms;

	buf_addc(sql, "; SET tcp_keepalives_idle TO " KEEPALIVE_IDLE
		      "; SET tcp_keepalives_interval TO " KEEPALIVE_INTERVAL
		      "; SET tcp_keepalives_count TO " KEEPALIVE_COUNT
		      "; SET tcp_user_timeout TO " TCP_TIMEOUT_MS);
	if (store->patience_ms > 0 && !store->read_only)
		buf_printf(sql, "; SET idle_in_transaction_session_timeout TO %lld",
			(long long)(idle_ms > LEAST_IDLE_MS ? idle_ms : LEAST_IDLE_MS));
}

static int set_up(const struct store *store, PGconn *conn, struct err *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	struct err ignored;

	buf_printf(&sql,
		"SET search_path TO tidemark, pg_temp; SET lock_timeout TO %lld;"
		" SET jit TO off; SET client_min_messages TO warning",
		(long long)store->busy_ms);
	add_limits(store, &sql);
	if (pg_run(store, conn, buf_cstr(&sql), "connecting", err) < 0)
		return err->code;
	/* A statement in whose midst we are gone; not every system can tell. */
	if (store->patience_ms > 0)
		(void)!pg_run(store, conn, "SET client_connection_check_interval TO '5s'",
			"connecting", &ignored);
	return PQstatus(conn) == CONNECTION_OK
		       ? 0
		       : pg_fail_on(store->url, conn, NULL, "connecting", err);
}

int pg_connect(const struct store *store, PGconn **out, struct err *err)
{
	CLEANUP(pg_connection_freep) PGconn *conn = dial(store);

	*out = NULL;
	if (PQstatus(conn) != CONNECTION_OK)
		return pg_fail_on(store->url, conn, NULL, "connecting", err);
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	if (check_server(store, conn, err) < 0 || set_up(store, conn, err) < 0)
		return err->code;
	*out = conn;
	conn = NULL;
	return 0;
}

void pg_take(struct store *store, PGconn *conn)
{
	ASSERT(!store->conn);
	ASSERT(PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1);
	store->conn = conn;
	store->connection++;
	store->session_user = -1;
	memset(store->months, 0, sizeof(store->months));
	store->event_parts = 0;
}

int pg_reconnect(struct store *store, struct err *err)
{
	int64_t begun_ns = clock_monotonic_ns();
	PGconn *conn;

	if (begun_ns < store->retry_ns)
		return err_set(err, ERR_BUSY, "store '%s': not connected; try again", store->url);
	if (pg_connect(store, &conn, err) < 0 || schema_check(store, conn, err) < 0) {
		int64_t now_ns = clock_monotonic_ns(), pause_ns = RECONNECT_MS * NS_PER_MS;

		PQfinish(conn);
		/* A server that says nothing takes at most half of our time. */
		store->retry_ns =
			now_ns + (now_ns - begun_ns > pause_ns ? now_ns - begun_ns : pause_ns);
		return err->code;
	}
	pg_take(store, conn);
	return 0;
}
