/* What SQLite says went wrong, in our words. */
#include "store/sqlite/fail.h"

#include <errno.h>
#include <string.h>

static const struct {
	int rc; /* primary result code */
	int code;
	const char *advice;
} failures[] = {
	{ SQLITE_BUSY, ERR_BUSY,
		"another process is writing to it; wait for that process to finish, or end it, and try again" },
	{ SQLITE_LOCKED, ERR_BUSY, "another part of this program is using it; try again" },
	{ SQLITE_FULL, ERR_FULL, "no space left; free some and try again" },
	{ SQLITE_READONLY, ERR_READONLY, "it may only be read" },
	{ SQLITE_PERM, ERR_READONLY, "permission denied" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, "it is damaged; restore a backup with 'tt restore'" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "it is not a Tidemark store, or it is damaged" },
	{ SQLITE_INTERRUPT, ERR_INTERRUPTED, "interrupted" },
	{ SQLITE_TOOBIG, ERR_LIMIT, "a value is too large" },
};

/* The errno of the last failed system call on the database file or its log. */
static int last_errno(sqlite3 *db)
{
	static const int files[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };
	int number = sqlite3_system_errno(db);

	for (size_t i = 0; i < ARRAY_LEN(files) && number == 0; i++) {
		sqlite3_file *file = NULL;

		if (sqlite3_file_control(db, "main", files[i], &file) == SQLITE_OK && file &&
			file->pMethods)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
	}
	return number;
}

/* Of a failed system call SQLite says only which; errno tells a full disk from a broken one. */
static int fail_system(
	sqlite3 *db, const char *path, bool opening, const char *doing, struct err *err)
{
	int number = last_errno(db);

	if (number == 0)
		return 0;
	errno = number;
	if (opening && (number == ENOENT || number == ENOTDIR))
		return err_set(
			err, ERR_NOT_FOUND, "store '%s': %s: %s", path, doing, strerror(number));
	/* A store that is open is there: this is no name that somebody asked for. */
	if (number == ENOENT || number == ENOTDIR)
		return err_set(err, ERR_IO, "store '%s': %s: %s", path, doing, strerror(number));
	return err_sys(err, "store '%s': %s: %s", path, doing, sqlite3_errmsg(db));
}

int sqlite_fail(sqlite3 *db, const char *path, int rc, const char *doing, struct err *err)
{
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int primary = rc & 0xff;

	if (db && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
		fail_system(db, path, primary == SQLITE_CANTOPEN, doing, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].rc == primary)
			return err_set(err, failures[i].code, "store '%s': %s: %s (%s)", path,
				doing, failures[i].advice, text);
	return err_set(err, ERR_IO, "store '%s': %s: %s (SQLite code %d)", path, doing, text, rc);
}
