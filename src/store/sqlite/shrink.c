/* Making the file smaller. Rewriting it is the only way to that costs nothing in daily use. */
#include "store/sqlite/db.h"

enum { FREE_SHARE = 4, FREE_PAGES = 16 };

static int pragma(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = 0;
	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*out = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

/* Another writer may be at work: then another time. Readers only put off when the file itself
 * shrinks. */
int db_shrink(struct store *store, int64_t *bytes, struct err *err)
{
	int64_t pages, unused, page_bytes, left;
	int rc;

	if (pragma(store, "PRAGMA page_count", &pages, err) < 0 ||
		pragma(store, "PRAGMA freelist_count", &unused, err) < 0 ||
		pragma(store, "PRAGMA page_size", &page_bytes, err) < 0)
		return err->code;
	if (unused < FREE_PAGES || unused < pages / FREE_SHARE)
		return 0;
	rc = db_script(store, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
	if (rc == ERR_BUSY)
		return 0;
	if (rc == 0)
		rc = pragma(store, "PRAGMA page_count", &left, err);
	*bytes = rc == 0 ? (pages - left) * page_bytes : 0;
	return rc;
}
