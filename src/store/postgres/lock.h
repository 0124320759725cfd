/* The locks of users: their rows of store_state, with what is counted in them. */
#ifndef TT_STORE_POSTGRES_LOCK_H
#define TT_STORE_POSTGRES_LOCK_H

#include "store/postgres/db.h"

/* The setting tt.users as it should be now: of the users being written for, or else of the store's.
 */
void lock_users_text(const struct store *store, struct buf *out);
/* Send it, for this transaction. */
MUST_USE int lock_send_users(struct store *store, struct err *err);

/* In a transaction that has begun, within busy_ms. The store's user, whom tt.users names. */
MUST_USE int lock_own(struct store *store, struct err *err);
/* One more. */
MUST_USE int lock_another(struct store *store, struct pg_user *user, struct err *err);
/* Those of USERS that can be had without waiting; NULLs among them are passed over. */
MUST_USE int lock_many(
	struct store *store, struct pg_user *const *users, size_t count, struct err *err);

/* Send what has changed of the counters of all users that are written for. */
MUST_USE int lock_send_counters(struct store *store, struct err *err);
/* The transaction is over. STORED: the rows have the counters now; else the counters are the rows'.
 */
void lock_end(struct store *store, bool stored);

#endif
