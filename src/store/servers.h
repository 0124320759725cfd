/* Server processes that share one store: how many there are, and which one does what only one is to
 * do. An SQLite file's server is alone. */
#ifndef TT_STORE_SERVERS_H
#define TT_STORE_SERVERS_H

#include "store/store.h"

/* As long as this connection lasts its process counts as a server; call it again now and then: a
 * connection that was lost and came back is announced anew. *COUNT: how many there are, this one
 * included. Not in a transaction. */
MUST_USE int servers_announce(struct store *store, int64_t *count, struct err *err);

/* Is it this connection's to do what one server does for all? It stays so until servers_resign or
 * the connection's end; ask again before each part, for a lost connection may have been replaced.
 * Not in a transaction. */
MUST_USE int servers_alone(struct store *store, bool *mine, struct err *err);
MUST_USE int servers_resign(struct store *store, struct err *err);

#endif
