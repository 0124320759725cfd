/* What may stand between a server and its database: a pooler of connections. */
#ifndef TT_STORE_POSTGRES_POOLER_H
#define TT_STORE_POSTGRES_POOLER_H

#include "store/postgres/db.h"

/*
 * Refuse a pooler that gives each transaction another session (pgbouncer's pool_mode = transaction
 * or statement): one's prepared statements would be another's, and so would be whose rows tt.users
 * shows. ERR_USAGE; ERR_BUSY and so on when the question cannot be asked over CONN.
 */
MUST_USE int pooler_check(const struct store *store, PGconn *conn, struct err *err);

#endif
