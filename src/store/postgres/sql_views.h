/* The views that SQL of people finds on its connection. */
#ifndef TT_STORE_POSTGRES_SQL_VIEWS_H
#define TT_STORE_POSTGRES_SQL_VIEWS_H

#include "store/postgres/connect.h"

/* Make them on CONN, as temporary ones, over the rows of USER_NO. */
MUST_USE int sql_views_make(
	const struct store *store, PGconn *conn, int64_t user_no, struct err *err);

#endif
