/*
 * Taking turns: who writes next. SQLite keeps no queue of those who wait for its write lock: they
 * try again and again, and one who commits and begins anew at once, as bulk writers do, is always
 * faster than they. So every connection keeps two rules: who waits tries every TURNS_TRY_MS, and
 * who has kept the lock for TURNS_MOST_MS, with no pause in which a waiter must have tried, makes
 * one.
 */
#ifndef TT_STORE_SQLITE_TURNS_H
#define TT_STORE_SQLITE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

enum { TURNS_TRY_MS = 1, TURNS_PAUSE_MS = 3, TURNS_MOST_MS = 40 };

/* Of one connection; zeros at first. */
struct turns {
	int64_t held_ns;  /* with the lock, since the last pause */
	int64_t began_ns; /* of the write transaction that is open, or was last */
	int64_t ended_ns;
	int64_t wait_until_ns; /* for the lock that is being waited for; 0: none yet */
	int64_t busy_ms;
};

/* Before a write transaction is begun: the pause, if one is due. */
void turns_pause(struct turns *turns);
void turns_begun(struct turns *turns);
void turns_ended(struct turns *turns);
/* For sqlite3_busy_handler, with a struct turns: waits for TURNS_TRY_MS; 0 after busy_ms. */
int turns_busy(void *turns, int tries);

#endif
