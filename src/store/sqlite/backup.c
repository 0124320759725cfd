/*
 * Backup: SQLite's own page copy, in one step inside one read transaction, so that no writer can
 * make it start over. It goes to a temporary file beside the target, is verified there, and only
 * then gets its name.
 */
#include "store/sqlite/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/rng.h"
#include "base/time.h"
#include "store/sqlite/fail.h"
#include "store/sqlite/open.h"

enum { LEFT_S = 24 * 3600 };

/* What processes that were killed left beside PATH: one that is a day old is nobody's. */
static void sweep(const char *path)
{
	CLEANUP(buf_release) struct buf pattern = BUF_INIT;
	glob_t found;

	for (const char *at = path; *at; at++) {
		if (strchr("*?[]\\", *at))
			buf_byte(&pattern, '\\');
		buf_byte(&pattern, *at);
	}
	buf_byte(&pattern, '.');
	for (int i = 0; i < 8; i++)
		buf_addc(&pattern, "[0-9a-f]");
	buf_addc(&pattern, ".tmp");
	if (glob(buf_cstr(&pattern), GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stat status;

		if (lstat(found.gl_pathv[i], &status) == 0 && S_ISREG(status.st_mode) &&
			status.st_mtime < clock_now_ns() / NS_PER_S - LEFT_S)
			backup_remove(found.gl_pathv[i]);
	}
	globfree(&found);
}

void backup_temporary(struct buf *out, const char *path)
{
	sweep(path);
	buf_printf(out, "%s.%08" PRIx32 ".tmp", path, (uint32_t)rng_u64());
}

void backup_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		CLEANUP(buf_release) struct buf name = BUF_INIT;

		buf_printf(&name, "%s%s", path, suffixes[i]);
		unlink(buf_cstr(&name));
	}
}

int backup_sync_dir(const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT;
	const char *slash = strrchr(path, '/');

	buf_add(&dir, slash ? (struct str){ path, (size_t)(slash - path) } : STR("."));
	return fs_sync_dir(slash == path ? "/" : buf_cstr(&dir), err);
}

static int make_file(const char *path, struct err *err)
{
	CLEANUP(fs_closep) int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(err, "cannot create '%s'", path) : 0;
}

static int copy_pages(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	if (!backup)
		return sqlite3_errcode(to);
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup);
}

static int fill(struct store *source, const char *to, struct err *err)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(
		to, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK)
		rc = copy_pages(db, source->db);
	/* The copy says of itself that it has a WAL; a backup is one file. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		rc = sqlite_fail(db, to, rc, "copying", err);
	sqlite3_close(db);
	return rc;
}

int backup_copy(struct store *source, const char *to, struct err *err)
{
	int rc;

	ASSERT(!source->writing);
	if (make_file(to, err) < 0)
		return err->code;
	rc = db_read_begin(source, err);
	if (rc == 0) {
		rc = fill(source, to, err);
		db_read_end(source);
	}
	if (rc < 0)
		backup_remove(to);
	return rc;
}

int backup_file(const char *from, const char *to, const struct schema *schema, int64_t busy_ms,
	struct err *err)
{
	CLEANUP(store_closep) struct store *source = NULL;
	CLEANUP(buf_release) struct buf temporary = BUF_INIT;

	backup_temporary(&temporary, to);
	if (open_as_it_is(&source, from, schema, busy_ms, err) < 0 ||
		backup_copy(source, buf_cstr(&temporary), err) < 0)
		return err->code;
	if (rename(buf_cstr(&temporary), to) < 0) {
		err_sys(err, "cannot create '%s'", to);
		backup_remove(buf_cstr(&temporary));
		return err->code;
	}
	return backup_sync_dir(to, err);
}

static int verify_file(const char *path, struct err *err)
{
	const struct store_options options = { .url = path, .read_only = true, .must_exist = true };
	CLEANUP(store_closep) struct store *store = NULL;

	if (store_open(&store, &options, err) < 0 || store_verify(store, NULL, err) < 0)
		return err_context(err, "verifying the copy");
	return 0;
}

/* Give the file its name unless that is taken. Not every file system knows both ways. */
static int publish(const char *temporary, const char *path, struct err *err)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if ((errno == EINVAL || errno == ENOSYS) && link(temporary, path) == 0) {
		unlink(temporary);
		return 0;
	}
	return err_sys(err, "cannot create '%s'", path);
}

int store_backup(struct store *store, const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf temporary = BUF_INIT;
	const char *name;

	if (fs_exists(path))
		return err_set(err, ERR_EXISTS, "'%s' exists already", path);
	backup_temporary(&temporary, path);
	name = buf_cstr(&temporary);
	if (backup_copy(store, name, err) < 0)
		return err->code;
	if (verify_file(name, err) < 0 || publish(name, path, err) < 0) {
		backup_remove(name);
		return err->code;
	}
	return backup_sync_dir(path, err);
}
