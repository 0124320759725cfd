/*
 * SQLite databases of other programs, for reading. Nothing is ever written into the directory of
 * such a database, no byte of it or of its log is changed, and its writer never waits for us.
 *
 * What can be read is fixed when it is opened: a list of tables, to which SQLite's own authorizer
 * holds every statement. The statements are in foreign_*.h, one header for each program.
 *
 * How it is read depends on what lies beside it:
 *   -wal and -shm       as another reader beside the writer, in short transactions;
 *   no or an empty -wal as an immutable file; foreign_check tells whether it was one;
 *   -wal without -shm, or a rollback journal
 *                       a private copy (0700, removed as soon as it is open): the log cannot be
 *                       read where it is without making files there.
 *
 * Errors, whatever is called: ERR_BUSY: locked, or it changed under us: what was read is not to be
 * used; try again later. ERR_CORRUPT: it is damaged, or no SQLite database. ERR_NOT_FOUND.
 * ERR_VERSION: the message begins with "unknown_schema": tables or columns are not as any release
 * we know has them. ERR_LIMIT: too large to be copied, or a value too large to be read.
 */
#ifndef TT_STORE_FOREIGN_H
#define TT_STORE_FOREIGN_H

#include "base/err.h"
#include "base/mem.h"

struct foreign;

enum foreign_way { FOREIGN_LIVE, FOREIGN_IMMUTABLE, FOREIGN_COPY };

struct foreign_options {
	const char *path;
	const char *const *tables; /* NULL-terminated, static: all that may be read */
	/* Where a copy may be made if $XDG_RUNTIME_DIR has no room for it; NULL: $TMPDIR or /tmp.
	 */
	const char *state_dir;
	int64_t busy_ms;          /* how long to wait for a lock; 0: two seconds */
	int64_t copy_limit_bytes; /* 0: LIMIT_FOREIGN_COPY_BYTES */
};

MUST_USE int foreign_open(
	struct foreign **out, const struct foreign_options *options, struct err *err);
void foreign_close(struct foreign *foreign);
void foreign_closep(struct foreign **foreign);
enum foreign_way foreign_way(const struct foreign *foreign);

/* One view for several statements: keep it short, a log cannot be reset while somebody reads it.
 * Not nested. */
MUST_USE int foreign_begin(struct foreign *foreign, struct err *err);
void foreign_end(struct foreign *foreign);
/* May what was read so far be used? ERR_BUSY: the file was changed while it was read as immutable.
 */
MUST_USE int foreign_check(struct foreign *foreign, struct err *err);

#endif
