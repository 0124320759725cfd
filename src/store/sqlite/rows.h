/* All rows of a query as an array of structs. */
#ifndef TT_STORE_SQLITE_ROWS_H
#define TT_STORE_SQLITE_ROWS_H

#include "store/sqlite/db.h"

/* What one row becomes. */
struct row_type {
	size_t bytes;
	void (*read)(sqlite3_stmt *stmt, struct arena *arena, void *row);
};

struct rows {
	void *ptr; /* in the arena */
	size_t count;
};

/* Step STMT to its end. */
MUST_USE int rows_read(struct store *store, sqlite3_stmt *stmt, const struct row_type *type,
	struct arena *arena, struct rows *out, struct err *err);

#endif
