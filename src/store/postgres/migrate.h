/* The schema tidemark of a database. */
#ifndef TT_STORE_POSTGRES_MIGRATE_H
#define TT_STORE_POSTGRES_MIGRATE_H

#include "store/postgres/db.h"

/* The texts of schema/postgres_<version>.sql, embedded by schema/embed.sh. */
extern const char schema_postgres_001[];

/* Make or migrate it, if the store may. ERR_NOT_FOUND, ERR_VERSION, ERR_READONLY. CONN is one of
 * pg_connect, not in pipeline mode. */
MUST_USE int schema_ready(
	const struct store *store, PGconn *conn, bool must_exist, struct err *err);
/* Is it the one that this program knows? */
MUST_USE int schema_check(const struct store *store, PGconn *conn, struct err *err);

#endif
