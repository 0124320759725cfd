/*
 * A SQLite VFS over the real one that fails the Nth call which could fail on a real disk: open,
 * read, write, sync, truncate, delete, shared memory. A writer that is run for N = 1, 2, 3, … until
 * nothing fails has met every fault.
 */
#ifndef TT_TESTS_FAULT_VFS_H
#define TT_TESTS_FAULT_VFS_H

#include <stdbool.h>

/* Make it SQLite's default VFS; once per program, before any store is opened. */
void fault_vfs_install(void);
/* Let the Nth call from now fail with RC (an SQLITE_IOERR_… or SQLITE_FULL); with STICKY every
 * later one too. 0: none. */
void fault_vfs_arm(long n, int rc, bool sticky);
/* Syncs asked for since the program began. */
long fault_vfs_syncs(void);
/* Did a call fail since the arming? Disarms. */
bool fault_vfs_disarm(void);

#endif
