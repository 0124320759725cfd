/*
 * Putting a backup in the place of a store.
 *
 * The new file is made, brought to the newest schema, verified and given its id under a temporary
 * name; until then nothing of the old store is touched. The old store is then locked against
 * everybody, which SQLite grants only when nobody else has it open, and folded into one file, so
 * that what is set aside is complete. A store too damaged for that is set aside with its log as it
 * is.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/uuid.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/fail.h"
#include "store/sqlite/open.h"

enum { WAIT_MS = 2000, PAUSE_MS = 20 };

/* --- the new file --- */

static int new_store_id(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	char store_id[UUID_BYTES + 1];
	bool own;
	int rc;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	uuid_v4(store_id);
	rc = db_stmt(store, "UPDATE store_state SET store_id = ?", &stmt, err);
	if (rc == 0) {
		db_bind_str(stmt, 1, str_from(store_id));
		rc = db_exec(store, stmt, err);
	}
	return db_write_leave(store, own, rc, err);
}

static int prepare(const char *from, const char *to, int64_t *version, struct err *err)
{
	const struct store_options options = { .url = to, .must_exist = true };
	CLEANUP(store_closep) struct store *source = NULL;
	CLEANUP(store_closep) struct store *copy = NULL;

	if (open_as_it_is(&source, from, &schema_current, WAIT_MS, err) < 0 ||
		schema_version(source, version, err) < 0 || backup_copy(source, to, err) < 0)
		return err->code;
	if (store_open(&copy, &options, err) < 0 || store_verify(copy, NULL, err) < 0)
		return err_context(err, "the backup '%s' is not good", from);
	return new_store_id(copy, err);
}

/* --- the old file --- */

static bool is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT;
}

/* Fold the log into the file and keep everybody out. */
static int lock_out(sqlite3 *db)
{
	int64_t give_up_ns = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;

	for (;;) {
		int rc = sqlite3_exec(
			db, "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE", NULL, NULL, NULL);

		if ((rc & 0xff) != SQLITE_BUSY || clock_monotonic_ns() >= give_up_ns)
			return rc;
		clock_sleep_ms(PAUSE_MS);
	}
}

static int lock_old(const char *path, sqlite3 **db, struct err *err)
{
	int rc = sqlite3_open_v2(path, db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK)
		rc = lock_out(*db);
	if (rc == SQLITE_OK || is_damage(rc))
		return 0;
	if ((rc & 0xff) == SQLITE_BUSY)
		return err_set(err, ERR_BUSY,
			"store '%s' is in use: end every tt that has it open and try again", path);
	return sqlite_fail(*db, path, rc, "locking it for the restore", err);
}

/* PATH and SUFFIX to `<path>.before-restore` and SUFFIX, if it is there; KEEP: without a moment in
 * which PATH is missing. */
static int set_aside(const char *path, const char *suffix, bool keep, struct err *err)
{
	CLEANUP(buf_release) struct buf from = BUF_INIT, to = BUF_INIT, step = BUF_INIT;

	buf_printf(&from, "%s%s", path, suffix);
	buf_printf(&to, "%s.before-restore%s", path, suffix);
	if (keep) {
		backup_temporary(&step, buf_cstr(&to));
		if (link(buf_cstr(&from), buf_cstr(&step)) == 0) {
			if (rename(buf_cstr(&step), buf_cstr(&to)) == 0)
				return 0;
			err_sys(err, "cannot set aside '%s'", buf_cstr(&from));
			unlink(buf_cstr(&step));
			return err->code;
		}
	}
	if (rename(buf_cstr(&from), buf_cstr(&to)) == 0 || errno == ENOENT)
		return 0;
	return err_sys(err, "cannot set aside '%s'", buf_cstr(&from));
}

static void forget_shm(const char *path)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	buf_printf(&name, "%s-shm", path);
	unlink(buf_cstr(&name));
}

static int swap(const char *path, const char *fresh, struct err *err)
{
	if (set_aside(path, "-wal", false, err) < 0 ||
		set_aside(path, "-journal", false, err) < 0 || set_aside(path, "", true, err) < 0)
		return err->code;
	forget_shm(path);
	if (rename(fresh, path) < 0)
		return err_sys(err, "cannot replace '%s'", path);
	return backup_sync_dir(path, err);
}

static int replace(const char *path, const char *fresh, struct err *err)
{
	sqlite3 *db = NULL;
	int rc = fs_exists(path) ? lock_old(path, &db, err) : 0;

	if (rc == 0)
		rc = swap(path, fresh, err);
	sqlite3_close(db);
	return rc;
}

static int refuse_itself(const char *path, const char *from, struct err *err)
{
	struct stat a, b;

	if (stat(path, &a) == 0 && stat(from, &b) == 0 && a.st_dev == b.st_dev &&
		a.st_ino == b.st_ino)
		return err_set(err, ERR_USAGE, "'%s' is the store itself", from);
	return 0;
}

int store_restore(const char *url, const char *from, struct err *err)
{
	CLEANUP(buf_release) struct buf fresh = BUF_INIT, old_copy = BUF_INIT;
	const char *path;
	int64_t version = 0;
	int rc;

	if (open_path(url, &path, err) < 0 || refuse_itself(path, from, err) < 0 ||
		open_make_dir(path, err) < 0)
		return err->code;
	backup_temporary(&fresh, path);
	rc = prepare(from, buf_cstr(&fresh), &version, err);
	/* FROM itself is the copy of before the migration. */
	buf_printf(&old_copy, "%s.v%lld.bak", buf_cstr(&fresh), (long long)version);
	unlink(buf_cstr(&old_copy));
	if (rc == 0)
		rc = replace(path, buf_cstr(&fresh), err);
	if (rc < 0)
		backup_remove(buf_cstr(&fresh));
	return rc;
}
