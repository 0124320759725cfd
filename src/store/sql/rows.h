/* All rows of a query as an array of structs. */
#ifndef TT_STORE_SQL_ROWS_H
#define TT_STORE_SQL_ROWS_H

#include "store/sql/db.h"

/* What one row becomes. */
struct row_type {
	size_t bytes;
	void (*read)(struct db_statement *stmt, struct arena *arena, void *row);
};

struct rows {
	void *ptr; /* in the arena */
	size_t count;
};

/* Step STMT to its end. */
MUST_USE int rows_read(struct store *store, struct db_statement *stmt, const struct row_type *type,
	struct arena *arena, struct rows *out, struct err *err);

#endif
