/* The rows of users, for the files that write about them: keys.c and erase.c. */
#ifndef TT_STORE_SQL_USERS_H
#define TT_STORE_SQL_USERS_H

#include "store/keys.h"
#include "store/sql/db.h"

/* All only between lookup_begin or lookup_join and its end. Strings in the arena. */

/* By e-mail address; all of OUT but `keys`. 1: found; 0; < 0. */
MUST_USE int users_find(struct store *store, struct str email, struct arena *arena,
	struct user *out, struct err *err);
/* ERR_USAGE: no e-mail address. */
MUST_USE int users_check_email(struct str email, struct err *err);
MUST_USE int users_insert(struct store *store, int64_t now_ns, struct str email,
	struct arena *arena, struct user *out, struct err *err);
/* ERR_BUSY when the user is being erased. */
MUST_USE int users_check_whole(struct store *store, const struct user *user, struct err *err);
/* Whatever remembers users or keys hears of a change. Before anything is changed: it makes those
 * who change users or keys wait for each other. */
MUST_USE int users_raise_generation(struct store *store, struct err *err);

#endif
