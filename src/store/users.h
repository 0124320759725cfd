/*
 * Who a store works for. A PostgreSQL database holds many users, each with rows of their own that
 * nobody else can read or write; an SQLite file holds one person's, whoever asks.
 *
 * A connection works for one user at a time, and nothing that it does touches another's rows. A
 * server changes the user from request to request; one transaction may write for several.
 */
#ifndef TT_STORE_USERS_H
#define TT_STORE_USERS_H

#include "store/store.h"

struct actor {
	struct str user_id;    /* UUID; empty: nobody, who has no rows (SQLite: the person) */
	struct str machine_id; /* the device that asks: its buckets are meant before others of the
				  same id; empty: none */
};

/* From now on the store is ACTOR's, until the next call; strings are copied. Not while a scan, a
 * snapshot or a transaction of db_write_… of this user is open. ERR_NOT_FOUND: no such user. */
MUST_USE int store_as(struct store *store, const struct actor *actor, struct err *err);
/* Who it works for now; views valid until the next store_as. */
struct actor store_actor(const struct store *store);
/* Has the store rows of many users? */
bool store_is_shared(const struct store *store);

/* The user of an e-mail address or UUID, strings in the arena. ERR_NOT_FOUND. */
struct user;
MUST_USE int user_find(struct store *store, struct str email_or_id, struct arena *arena,
	struct user *out, struct err *err);
/*
 * Delete a user and everything of theirs: keys, devices, events, records, settings, quarantine.
 * What others wrote stays. In transactions small enough that others hardly wait: a user that is
 * being erased cannot write any more, and an erasure that was interrupted is finished by calling
 * again. *ROWS counts what was deleted. ERR_NOT_FOUND. The store works for nobody afterwards.
 * SQLite: the user and their keys alone; the file is the person's. Not while a scan, a snapshot or
 * a transaction is open.
 */
MUST_USE int user_erase(
	struct store *store, struct str email_or_id, int64_t *rows, struct err *err);

#endif
