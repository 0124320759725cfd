/* The views and functions that SQL of people finds on its connection. */
#ifndef TT_STORE_SQLITE_SQL_VIEWS_H
#define TT_STORE_SQLITE_SQL_VIEWS_H

#include "store/sqlite/db.h"

/* Register the functions and make the views, as temporary ones. */
MUST_USE int sql_views_make(struct store *store, int64_t now_ns, struct err *err);
/* May a statement read TABLE of the store itself? Those that the views stand on. */
bool sql_views_table(const char *table);
/* May a statement call FUNCTION? */
bool sql_views_function(const char *function);

#endif
