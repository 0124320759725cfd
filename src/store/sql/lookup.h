/*
 * Looking users and keys up, before it is known whose they are, and making and deleting a user's
 * first and last rows. PostgreSQL shows these rows only to a transaction that says what it does:
 * tt.keys and tt.users of schema/postgres_001.sql.
 */
#ifndef TT_STORE_SQL_LOOKUP_H
#define TT_STORE_SQL_LOOKUP_H

#include "store/sql/db.h"

/* A read transaction in which users and keys are seen; RC goes through the end. */
MUST_USE int lookup_begin(struct store *store, struct err *err);
MUST_USE int lookup_end(struct store *store, int rc, struct err *err);
/* The same for writing: db_write_join and db_write_leave. */
MUST_USE int lookup_join(struct store *store, bool *own, struct err *err);
MUST_USE int lookup_leave(struct store *store, bool own, int rc, struct err *err);

/* Only in a store of many users, and in one of the above: from now on the rows of this user are
 * seen instead of those of BEFORE, which is what to give back to lookup_rows_back. */
MUST_USE int lookup_rows_of(struct store *store, struct str user_id, struct arena *arena,
	struct str *before, struct err *err);
MUST_USE int lookup_rows_back(struct store *store, struct str before, struct err *err);

#endif
