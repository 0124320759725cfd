/*
 * How a pooler is told. The session that a connection was promised (PQbackendPID) is another than
 * the one that answers (pg_backend_pid): something is in between. It keeps sessions if a second
 * connection gets another one while the first is idle, and the first has its own still.
 */
#include "store/postgres/pooler.h"

#include <stdlib.h>

#include "store/postgres/connect.h"

static int session_of(const struct store *store, PGconn *conn, int *out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (pg_ask_text(store, conn, "SELECT pg_backend_pid()", &text, err) < 0)
		return err->code;
	*out = atoi(buf_cstr(&text));
	return 0;
}

/* The session of a connection of its own, while that is open; 0: none was to be had. */
static int another_session(const struct store *store)
{
	CLEANUP(pg_connection_freep) PGconn *conn = NULL;
	struct err ignored;
	int session;

	if (pg_connect(store, &conn, &ignored) < 0 ||
		session_of(store, conn, &session, &ignored) < 0)
		return 0;
	return session;
}

int pooler_check(const struct store *store, PGconn *conn, struct err *err)
{
	int before, after;

	if (session_of(store, conn, &before, err) < 0)
		return err->code;
	if (before == PQbackendPID(conn))
		return 0;
	if (another_session(store) != before) {
		if (session_of(store, conn, &after, err) < 0)
			return err->code;
		if (after == before)
			return 0;
	}
	return err_set(err, ERR_USAGE,
		"store '%s': a pooler in between gives each transaction another session; it must keep them (pgbouncer: pool_mode = session)",
		store->url);
}
