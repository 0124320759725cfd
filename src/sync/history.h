/*
 * Marks: how a reader knows that its cursor is still of the same history.
 *
 * Change numbers say nothing about what was changed. When the store's file is put back to an older
 * copy (a restored home directory, a cloned machine) and then written to, numbers that readers have
 * already seen are given to other events, and a reader that asks from its cursor on would miss
 * them. So the end of each answer to a reader gets a random mark, kept in the store beside its
 * change number: a store that went back and on has no mark for the reader's cursor, or another one.
 * A store that was restored by this program has a new store id anyway.
 */
#ifndef TT_SYNC_HISTORY_H
#define TT_SYNC_HISTORY_H

#include "base/mem.h"
#include "store/store.h"

/* The mark of change number SEQ, copied into the arena; empty when it has none. */
MUST_USE int history_find(
	struct store *store, int64_t seq, struct arena *arena, struct str *mark, struct err *err);
/* The same, made when there is none. Of two processes at once one makes it and both get the same.
 */
MUST_USE int history_make(
	struct store *store, int64_t seq, struct arena *arena, struct str *mark, struct err *err);

#endif
