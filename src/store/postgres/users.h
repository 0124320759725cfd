/* Users as a connection meets them. */
#ifndef TT_STORE_POSTGRES_USERS_H
#define TT_STORE_POSTGRES_USERS_H

#include "store/postgres/db.h"

/* The user of a UUID that the connection has met; NULL: not yet. */
struct pg_user *pg_user_known(const struct store *store, struct str user_id);
/* Meet those of IDS that it has not; in one round trip. Who is not there stays unknown. */
MUST_USE int pg_users_meet(
	struct store *store, const struct str *ids, size_t count, struct err *err);
/* Meet the user of an e-mail address or UUID. ERR_NOT_FOUND. */
MUST_USE int pg_user_find(
	struct store *store, struct str email_or_id, struct pg_user **out, struct err *err);
void pg_users_free(struct store *store);

#endif
