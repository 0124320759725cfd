/* Single writes that the intake makes beside events. Each runs inside the caller's write
 * transaction. */
#ifndef TT_STORE_SQL_WRITES_H
#define TT_STORE_SQL_WRITES_H

#include "store/intake.h"
#include "store/sql/db.h"

/* Keep ENTRY (entry_no ignored, bytes already cut); nothing if the same is there. */
MUST_USE int quarantine_put(
	struct store *store, const struct quarantine_entry *entry, struct err *err);

MUST_USE int cursor_put(struct store *store, const struct file_cursor *cursor, struct err *err);
MUST_USE int cursor_forget(
	struct store *store, struct str source, struct str path, struct err *err);

MUST_USE int memo_get(struct store *store, struct str source, struct str key, struct arena *arena,
	struct str *value, bool *found, struct err *err);
MUST_USE int memo_put(
	struct store *store, struct str source, struct str key, struct str value, struct err *err);

MUST_USE int peer_put(struct store *store, const struct peer_state *peer, struct err *err);

#endif
