/*
 * Users of the server and their keys. A key itself is never stored: only its SHA-256. All are seen
 * and changed here, whoever the store works for (store/users.h).
 * Each writing function is a transaction of its own.
 */
#ifndef TT_STORE_KEYS_H
#define TT_STORE_KEYS_H

#include "store/store.h"

enum { KEY_HASH_BYTES = 32 };

enum key_role {
	KEY_READ = 1,
	KEY_WRITE = 2,
	KEY_ADMIN = 3
}; /* each may what the ones below it may */

struct user {
	struct str user_id; /* UUID */
	struct str email;   /* unique, compared without case (ASCII) */
	int64_t created_ns;
	int64_t keys; /* that are good now */
};

struct api_key {
	struct str key_id; /* UUID */
	struct str user_id;
	struct str email;
	struct str name;       /* for people; may be empty */
	struct str machine_id; /* the device that uses the key; empty: any */
	enum key_role role;
	unsigned char hash[KEY_HASH_BYTES];
	int64_t created_ns;
	int64_t expires_ns; /* INT64_MAX: never */
	int64_t revoked_ns; /* INT64_MIN: not */
	int64_t used_ns;    /* INT64_MIN: never; known to some minutes */
};

/* Make a user, who has no rows yet: email counts, the rest of USER is set, strings in the arena.
 * ERR_USAGE: no e-mail address. ERR_EXISTS: there is a user of this address. */
MUST_USE int user_make(struct store *store, int64_t now_ns, struct user *user, struct arena *arena,
	struct err *err);
/* The user of KEY's email is made if there is none. name, machine_id, role, hash, expires_ns count;
 * the rest of KEY is set, strings in the arena. ERR_USAGE: no e-mail address, a machine_id that is
 * no UUID. ERR_EXISTS: this hash is there. ERR_BUSY: the user is being erased. */
MUST_USE int key_make(struct store *store, int64_t now_ns, struct api_key *key, struct arena *arena,
	struct err *err);
/* Ordered by e-mail, then creation; revoked and expired ones too. */
MUST_USE int key_list(struct store *store, struct arena *arena, struct api_key **out, size_t *count,
	struct err *err);
MUST_USE int user_list(struct store *store, int64_t now_ns, struct arena *arena, struct user **out,
	size_t *count, struct err *err);
/* Take back one key by id (also by the first 8 or more characters of it, if unique: ERR_AMBIGUOUS),
 * or all keys of a user by e-mail. *REVOKED counts those that were good. ERR_NOT_FOUND. */
MUST_USE int key_revoke(
	struct store *store, struct str which, int64_t now_ns, int64_t *revoked, struct err *err);
/* When they were used last: for several at once. */
struct key_use {
	struct str key_id;
	int64_t used_ns;
};
MUST_USE int key_used(
	struct store *store, const struct key_use *uses, size_t count, struct err *err);
/* A number that grows with every change of keys or users (not of their use): one cheap read. */
MUST_USE int key_generation(struct store *store, int64_t *generation, struct err *err);

/* --- devices: machines that came over the server --- */

struct device {
	struct str machine_id;
	struct str label;
	struct str hostname;
	struct str version;
	int64_t registered_ns; /* INT64_MIN: never */
	int64_t seen_ns;       /* registered or synced last; INT64_MIN: never */
};
/* Machine rows, this one included; ordered by label then id. */
MUST_USE int device_list(struct store *store, struct arena *arena, struct device **out,
	size_t *count, struct err *err);
/* Insert or update by machine_id (a UUID: ERR_USAGE); empty fields change nothing. DEVICE becomes
 * what is there now. */
MUST_USE int device_register(struct store *store, int64_t now_ns, struct device *device,
	struct arena *arena, struct err *err);

#endif
