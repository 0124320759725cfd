/*
 * The keys, and the users, as the server knows them: read whole when they changed, which one number
 * in the store tells, so that a key made or revoked by another process counts from the next request
 * on. Thread-safe.
 */
#ifndef TT_SERVE_SERVER_KEYS_H
#define TT_SERVE_SERVER_KEYS_H

#include "serve/guard.h"

struct server_keys;

/* The store must exist; it is opened on first use, and read with the patience of store_options. One
 * that is shared and was lost is looked for in the background: who asks meanwhile is told ERR_BUSY
 * at once. USED is called, from any thread, when there are uses to be written where there were
 * none. */
struct server_keys *server_keys_new(
	const char *store_url, int64_t patience_ms, void (*used)(void *context), void *context);
void server_keys_free(struct server_keys *keys);

/* Fits struct guard_keys; CONTEXT is the keys. A good key's use is noted. */
int server_keys_find(void *context, const unsigned char hash[KEY_HASH_BYTES], struct arena *arena,
	struct identity *out, struct err *err);

/* The user of an e-mail address or id: 1 and the user of *OUT (strings in the arena), 0: none. < 0:
 * cannot tell. */
int server_keys_user(struct server_keys *keys, struct str email_or_id, struct arena *arena,
	struct identity *out, struct err *err);

/* How long until uses should be written: ms, 0: now, -1: there are none. */
int64_t server_keys_due(struct server_keys *keys, int64_t monotonic_ns);
/* Write when keys were used, with a connection of the caller. What fails is tried again later. */
MUST_USE int server_keys_write(
	struct server_keys *keys, struct store *store, int64_t monotonic_ns, struct err *err);

#endif
