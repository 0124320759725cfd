/* Copies of whole stores, taken while others write. */
#ifndef TT_STORE_SQLITE_BACKUP_H
#define TT_STORE_SQLITE_BACKUP_H

#include "store/sqlite/migrate.h"

/*
 * Copy SOURCE into the new file TO (0600), which is closed, durable and without -wal beside it
 * afterwards. On failure nothing is left. Other writers are not held up.
 */
MUST_USE int backup_copy(struct store *source, const char *to, struct err *err);
/* Copy the store at FROM, of any version that SCHEMA knows, to TO, replacing it atomically. */
MUST_USE int backup_file(const char *from, const char *to, const struct schema *schema,
	int64_t busy_ms, struct err *err);
/* A name for a temporary file beside PATH. */
void backup_temporary(struct buf *out, const char *path);
/* Remove a database file and what SQLite may have left beside it. */
void backup_remove(const char *path);
/* fsync the directory that holds PATH. */
MUST_USE int backup_sync_dir(const char *path, struct err *err);

#endif
