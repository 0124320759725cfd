/*
 * How long a server that says nothing is waited for. One that was stopped, or that a network has
 * swallowed, closes no connection: whoever waits for its answer would wait until TCP gives up, and
 * on a unix socket for ever. A store that has patience_ms waits for so long after the last byte
 * that came; then the connection is given up, and with it what was begun.
 *
 * A server that is busy says nothing either. What is known to take long (db_may_take_long; whatever
 * makes or drops tables) is waited for as long as the server still answers others: after each
 * patience it is asked by a connection of its own.
 */
#ifndef TT_STORE_POSTGRES_PATIENCE_H
#define TT_STORE_POSTGRES_PATIENCE_H

#include "store/postgres/db.h"

enum patience {
	PATIENCE_USUAL,
	PATIENCE_LONG, /* what may take long */
};

/* Until CONN can be read from, or written to if WRITING; at most until LIMIT_NS (monotonic), if it
 * is not 0. false: it took too long. */
MUST_USE bool patience_wait(const struct store *store, PGconn *conn, bool writing, int64_t limit_ns,
	enum patience patience);

/* As PQexec, for what may take long; NULL also when the server said nothing: CONN is no good any
 * more. */
PGresult *patience_exec(const struct store *store, PGconn *conn, const char *sql);

#endif
