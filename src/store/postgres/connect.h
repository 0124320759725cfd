/* Connecting to the database. */
#ifndef TT_STORE_POSTGRES_CONNECT_H
#define TT_STORE_POSTGRES_CONNECT_H

#include "store/postgres/db.h"

/* Is URL one of ours: postgresql://… or postgres://…? */
bool pg_is_url(struct str url);
/* URL without its password, and as short as it can be. ERR_USAGE: libpq cannot read it; the message
 * does not show it. */
MUST_USE int pg_url_shown(const char *url, struct buf *out, struct err *err);

/* What pg_fail says, of a connection that is no store's. */
int pg_fail_on(
	const char *url, PGconn *conn, const PGresult *result, const char *doing, struct err *err);

/* A connection as the store has it, not in pipeline mode, of a server and database that we can work
 * with, in the schema tidemark, which may not be there. Waits busy_ms, ten seconds at most, for
 * each host. ERR_VERSION: the server is too old. ERR_USAGE: the database is not UTF-8. */
MUST_USE int pg_connect(const struct store *store, PGconn **out, struct err *err);
/* Make CONN, which pg_connect has made, the store's. */
void pg_take(struct store *store, PGconn *conn);
/* Connect again, if it is time for another attempt: ERR_BUSY. */
MUST_USE int pg_reconnect(struct store *store, struct err *err);

/* Run SQL, statements without parameters, on a connection that is not in pipeline mode, and wait.
 */
MUST_USE int pg_run(const struct store *store, PGconn *conn, const char *sql, const char *doing,
	struct err *err);
/* The first column of the first row as text; empty when it is NULL or there is no row. */
MUST_USE int pg_ask_text(
	const struct store *store, PGconn *conn, const char *sql, struct buf *out, struct err *err);

void pg_connection_freep(PGconn **conn);

#endif
