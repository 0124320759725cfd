/*
 * Opening the databases of others so that they do not notice.
 *
 * SQLite as a reader would make a missing -shm or -wal, write read marks into the -shm, and clean
 * up when it closes. So every connection has a VFS of its own that is the system's but for opening
 * and deleting: nothing is created, a log is opened for reading only, nothing is deleted; the
 * shared memory is mapped for reading only (readonly_shm). Where SQLite finds that this does not
 * do, because files have come or gone since we looked, the answer is ERR_BUSY: the next round sees
 * what is there then. Where the shared memory is left from a dead process SQLite reads the log by
 * itself, and where it cannot, a copy is read.
 *
 * An immutable file is read without locks. Its status and its header, which has a counter of
 * changes, are compared after reading.
 */
#include "store/foreign/statement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/limits.h"
#include "store/sqlite/db.h"

enum {
	DEFAULT_BUSY_MS = 2000,
	HEADER_BYTES = 100,
	CACHE_KIB = 4096,
	VALUE_BYTES = LIMIT_DOCUMENT_BYTES,
};

/* The files beside a database. */
enum { FILE_DB, FILE_WAL, FILE_JOURNAL, FILES };
static const char *const suffixes[FILES] = { "", "-wal", "-journal" };

struct foreign {
	sqlite3 *db;
	sqlite3_vfs vfs;
	char vfs_name[32];
	bool registered;
	char *path;
	const char *const *tables;
	int64_t busy_ms;
	enum foreign_way way;
	bool reading;
	struct foreign_file before[FILES];
	unsigned char header[HEADER_BYTES];
};

/* --- errors --- */

static const struct {
	int rc; /* extended or primary result code */
	int code;
	const char *what;
} failures[] = {
	/* What SQLite would have to write for is not there any more, or not yet. */
	{ SQLITE_READONLY_RECOVERY, ERR_BUSY, "its log has to be recovered by its own program" },
	{ SQLITE_READONLY_CANTINIT, ERR_BUSY, "its shared memory is being set up" },
	{ SQLITE_READONLY_ROLLBACK, ERR_BUSY, "a change is being rolled back" },
	{ SQLITE_READONLY_DBMOVED, ERR_BUSY, "it was replaced" },
	{ SQLITE_BUSY, ERR_BUSY, "it is locked" },
	{ SQLITE_LOCKED, ERR_BUSY, "it is locked" },
	{ SQLITE_PROTOCOL, ERR_BUSY, "it is locked" },
	{ SQLITE_READONLY, ERR_BUSY, "it is being changed" },
	{ SQLITE_SCHEMA, ERR_BUSY, "it is being changed" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, "it is damaged" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "it is no SQLite database" },
	{ SQLITE_FORMAT, ERR_CORRUPT, "it is damaged" },
	{ SQLITE_TOOBIG, ERR_LIMIT, "a value is too large" },
	{ SQLITE_NOMEM, ERR_LIMIT, "it takes too much memory" },
	{ SQLITE_FULL, ERR_FULL, "no space left" },
	{ SQLITE_PERM, ERR_READONLY, "permission denied" },
	{ SQLITE_INTERRUPT, ERR_INTERRUPTED, "interrupted" },
};

/* A file that SQLite cannot open was there a moment ago. */
static int fail_open(const struct foreign *foreign, const char *doing, struct err *err)
{
	int number = foreign->db ? sqlite3_system_errno(foreign->db) : 0;

	if (!fs_exists(foreign->path))
		return err_set(
			err, ERR_NOT_FOUND, "database '%s' is gone: %s", foreign->path, doing);
	if (number == 0 || number == ENOENT)
		return err_set(err, ERR_BUSY, "database '%s': %s: its files come and go",
			foreign->path, doing);
	errno = number;
	return err_sys(err, "database '%s': %s", foreign->path, doing);
}

int foreign_fail(const struct foreign *foreign, int rc, const char *doing, struct err *err)
{
	const char *text = foreign->db ? sqlite3_errmsg(foreign->db) : sqlite3_errstr(rc);

	if ((rc & 0xff) == SQLITE_CANTOPEN)
		return fail_open(foreign, doing, err);
	if (rc == SQLITE_ERROR || rc == SQLITE_AUTH)
		return err_set(err, ERR_VERSION, "unknown_schema: database '%s': %s: %s",
			foreign->path, doing, text);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].rc == rc || failures[i].rc == (rc & 0xff))
			return err_set(err, failures[i].code, "database '%s': %s: %s (%s)",
				foreign->path, doing, failures[i].what, text);
	return err_set(err, ERR_IO, "database '%s': %s: %s (SQLite code %d)", foreign->path, doing,
		text, rc);
}

/* --- the VFS --- */

static int guard_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	sqlite3_vfs *base = sqlite3_vfs_find(NULL);

	(void)vfs;
	if (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) {
		flags &= ~(SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXCLUSIVE |
			   SQLITE_OPEN_DELETEONCLOSE);
		flags |= SQLITE_OPEN_READONLY;
	}
	return base->xOpen(base, name, file, flags, out);
}

static int guard_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	(void)name;
	(void)sync;
	return SQLITE_IOERR_DELETE;
}

static int make_vfs(struct foreign *foreign, struct err *err)
{
	const sqlite3_vfs *base = sqlite3_vfs_find(NULL);

	if (!base)
		return err_set(err, ERR_IO, "SQLite knows no file system here");
	foreign->vfs = *base;
	snprintf(foreign->vfs_name, sizeof(foreign->vfs_name), "tt-%p", (void *)foreign);
	foreign->vfs.zName = foreign->vfs_name;
	foreign->vfs.pNext = NULL;
	foreign->vfs.xOpen = guard_open;
	foreign->vfs.xDelete = guard_delete;
	if (sqlite3_vfs_register(&foreign->vfs, 0) != SQLITE_OK)
		return err_set(err, ERR_IO, "SQLite takes no further file system");
	foreign->registered = true;
	return 0;
}

/* --- what may be read --- */

static bool is_allowed(const struct foreign *foreign, const char *table)
{
	for (size_t i = 0; foreign->tables[i] && table; i++)
		if (strcmp(foreign->tables[i], table) == 0)
			return true;
	return false;
}

static bool is_harmless(const char *function)
{
	static const char *const functions[] = { "count", "max", "length" };

	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (sqlite3_stricmp(functions[i], function) == 0)
			return true;
	return false;
}

static int authorize(void *data, int action, const char *one, const char *two, const char *database,
	const char *view)
{
	const struct foreign *foreign = data;
	bool allowed = false;

	(void)database;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_TRANSACTION:
		allowed = true;
		break;
	case SQLITE_READ: /* table one, column two; through a view: not as any release has it */
		allowed = is_allowed(foreign, one) && !view;
		break;
	case SQLITE_PRAGMA:
		allowed = sqlite3_stricmp(one, "table_info") == 0 && is_allowed(foreign, two);
		break;
	case SQLITE_FUNCTION:
		allowed = is_harmless(two) && !view;
		break;
	default:
		break;
	}
	return allowed ? SQLITE_OK : SQLITE_DENY;
}

/* --- the connection --- */

/* Of the connection, nothing of the file; before the authorizer is there. */
static const char setup_pragmas[] = "PRAGMA query_only = ON;"
				    "PRAGMA trusted_schema = OFF;"
				    "PRAGMA cell_size_check = ON;"
				    "PRAGMA mmap_size = 0;"
				    "PRAGMA temp_store = MEMORY;";
/* A copy is ours alone: the index of its log stays in memory. */
static const char copy_pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;";

static void disconnect(struct foreign *foreign)
{
	ASSERT(sqlite3_close(foreign->db) == SQLITE_OK);
	foreign->db = NULL;
}

static int connect(
	struct foreign *foreign, const char *name, int flags, const char *vfs, struct err *err)
{
	sqlite3 *db;
	int rc = sqlite3_open_v2(
		name, &foreign->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);

	db = foreign->db;
	if (rc != SQLITE_OK)
		return foreign_fail(foreign, rc, "opening", err);
	sqlite3_busy_timeout(db, (int)foreign->busy_ms);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
		return err_set(err, ERR_IO, "SQLite cannot be kept from cleaning up");
	rc = sqlite3_exec(db, setup_pragmas, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : foreign_fail(foreign, rc, "opening", err);
}

/* The first statement that reads the file: takes its locks, reads its log, and finds out what it
 * is. */
static int first_read(struct foreign *foreign, struct err *err)
{
	int rc = sqlite3_exec(foreign->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : foreign_fail(foreign, rc, "opening", err);
}

/* A file: URI, with every byte encoded that could mean something there. */
static void add_uri(struct buf *out, const char *path, const char *parameters)
{
	buf_addc(out, "file:");
	if (str_starts(str_from(path), STR("//")))
		buf_addc(out, "//"); /* else the first component would be a host */
	for (; *path; path++) {
		if (strchr("%?#", *path))
			buf_printf(out, "%%%02x", (unsigned)(unsigned char)*path);
		else
			buf_byte(out, *path);
	}
	buf_addc(out, parameters);
}

static int read_header(
	const struct foreign *foreign, unsigned char header[static HEADER_BYTES], struct err *err)
{
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(foreign->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	memset(header, 0, HEADER_BYTES);
	if (rc == SQLITE_OK && file && file->pMethods)
		rc = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
	if (rc == SQLITE_IOERR_SHORT_READ) /* an empty file is an empty database */
		return 0;
	return rc == SQLITE_OK ? 0 : foreign_fail(foreign, rc, "reading its header", err);
}

static int open_in_place(struct foreign *foreign, const char *parameters, struct err *err)
{
	CLEANUP(buf_release) struct buf uri = BUF_INIT;

	add_uri(&uri, foreign->path, parameters);
	if (connect(foreign, buf_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
		    foreign->vfs_name, err) < 0)
		return err->code;
	return first_read(foreign, err);
}

static int open_copy(
	struct foreign *foreign, const struct foreign_options *options, struct err *err)
{
	struct foreign_copy copy;
	int rc;

	if (foreign_copy_make(&copy, options, err) < 0)
		return err->code;
	rc = connect(foreign, copy.db, SQLITE_OPEN_READWRITE, NULL, err);
	if (rc == 0 && sqlite3_exec(foreign->db, copy_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		rc = foreign_fail(foreign, sqlite3_errcode(foreign->db), "opening a copy", err);
	if (rc == 0)
		rc = first_read(foreign, err);
	foreign_copy_remove(&copy); /* what is open stays readable */
	return rc;
}

/* --- which way --- */

static void look_at(const struct foreign *foreign, struct foreign_file files[static FILES])
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;

	for (size_t i = 0; i < FILES; i++) {
		buf_clear(&path);
		buf_printf(&path, "%s%s", foreign->path, suffixes[i]);
		files[i] = foreign_file_of(buf_cstr(&path));
	}
}

static enum foreign_way choose(const struct foreign *foreign)
{
	CLEANUP(buf_release) struct buf shm = BUF_INIT;
	const struct foreign_file *files = foreign->before;

	buf_printf(&shm, "%s-shm", foreign->path);
	if (files[FILE_JOURNAL].size > 0)
		return FOREIGN_COPY;
	if (files[FILE_WAL].inode != 0 && fs_exists(buf_cstr(&shm)))
		return FOREIGN_LIVE;
	return files[FILE_WAL].size > 0 ? FOREIGN_COPY : FOREIGN_IMMUTABLE;
}

static int open_by(struct foreign *foreign, const struct foreign_options *options, struct err *err)
{
	switch (foreign->way) {
	case FOREIGN_LIVE:
		return open_in_place(foreign, "?mode=ro&readonly_shm=1", err);
	case FOREIGN_IMMUTABLE:
		if (open_in_place(foreign, "?mode=ro&immutable=1", err) < 0)
			return err->code;
		return read_header(foreign, foreign->header, err);
	default:
		return open_copy(foreign, options, err);
	}
}

/* What is left from a dead process may need more than reading, for ever, and some file systems have
 * no shared memory: a copy can be given both. */
static bool needs_copy(const struct foreign *foreign)
{
	int rc = foreign->db ? sqlite3_extended_errcode(foreign->db) & 0xff : SQLITE_OK;

	return foreign->way == FOREIGN_LIVE &&
	       (rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN || rc == SQLITE_IOERR);
}

static int open_any_way(
	struct foreign *foreign, const struct foreign_options *options, struct err *err)
{
	int rc;

	look_at(foreign, foreign->before);
	if (foreign->before[FILE_DB].inode == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no database '%s'", foreign->path);
	foreign->way = choose(foreign);
	rc = open_by(foreign, options, err);
	if (rc < 0 && needs_copy(foreign)) {
		disconnect(foreign);
		foreign->way = FOREIGN_COPY;
		rc = open_by(foreign, options, err);
	}
	if (rc < 0)
		return rc;
	if (sqlite3_set_authorizer(foreign->db, authorize, foreign) != SQLITE_OK)
		return err_set(err, ERR_IO, "SQLite takes no authorizer");
	return 0;
}

int foreign_open(struct foreign **out, const struct foreign_options *options, struct err *err)
{
	CLEANUP(foreign_closep) struct foreign *foreign = mem_zalloc(sizeof(*foreign));
	struct stat status;

	*out = NULL;
	foreign->path = mem_alloc(strlen(options->path) + 1);
	memcpy(foreign->path, options->path, strlen(options->path) + 1);
	foreign->tables = options->tables;
	foreign->busy_ms = options->busy_ms > 0 ? options->busy_ms : DEFAULT_BUSY_MS;
	if (stat(options->path, &status) < 0)
		return err_sys(err, "cannot look at database '%s'", options->path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_CORRUPT, "'%s' is no database: it is no regular file",
			options->path);
	if (make_vfs(foreign, err) < 0 || open_any_way(foreign, options, err) < 0)
		return err->code;
	*out = foreign;
	foreign = NULL;
	return 0;
}

void foreign_close(struct foreign *foreign)
{
	if (!foreign)
		return;
	foreign_end(foreign);
	disconnect(foreign);
	if (foreign->registered)
		sqlite3_vfs_unregister(&foreign->vfs);
	free(foreign->path);
	free(foreign);
}

void foreign_closep(struct foreign **foreign)
{
	foreign_close(*foreign);
	*foreign = NULL;
}

enum foreign_way foreign_way(const struct foreign *foreign)
{
	return foreign->way;
}

/* --- reading --- */

int foreign_begin(struct foreign *foreign, struct err *err)
{
	int rc = sqlite3_exec(foreign->db, "BEGIN", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return foreign_fail(foreign, rc, "beginning to read", err);
	foreign->reading = true;
	return 0;
}

void foreign_end(struct foreign *foreign)
{
	if (foreign->reading && !sqlite3_get_autocommit(foreign->db))
		sqlite3_exec(foreign->db, "COMMIT", NULL, NULL, NULL);
	foreign->reading = false;
}

int foreign_check(struct foreign *foreign, struct err *err)
{
	struct foreign_file now[FILES];
	unsigned char header[HEADER_BYTES];

	if (foreign->way != FOREIGN_IMMUTABLE)
		return 0;
	look_at(foreign, now);
	if (read_header(foreign, header, err) < 0)
		return err->code;
	/* An empty log may come and go with readers of the file's own program. */
	if (foreign_file_same(&now[FILE_DB], &foreign->before[FILE_DB]) &&
		now[FILE_WAL].size == 0 && now[FILE_JOURNAL].size == 0 &&
		memcmp(header, foreign->header, sizeof(header)) == 0)
		return 0;
	return err_set(err, ERR_BUSY, "database '%s' was changed while it was read", foreign->path);
}

int foreign_prepare(struct foreign *foreign, const char *sql, sqlite3_stmt **out, struct err *err)
{
	int rc = sqlite3_prepare_v2(foreign->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? 0 : foreign_fail(foreign, rc, "preparing to read", err);
}

int foreign_step(struct foreign *foreign, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : foreign_fail(foreign, rc, "reading", err);
}

void foreign_donep(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

void foreign_bind_i64(sqlite3_stmt *stmt, int index, int64_t value)
{
	ASSERT(sqlite3_bind_int64(stmt, index, value) == SQLITE_OK);
}

void foreign_bind_str(sqlite3_stmt *stmt, int index, struct str value)
{
	ASSERT(sqlite3_bind_text64(stmt, index, value.len > 0 ? value.ptr : "", value.len,
		       SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

int64_t foreign_col_i64(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt, column);
}

struct str foreign_col_str(sqlite3_stmt *stmt, int column)
{
	const void *ptr = sqlite3_column_blob(stmt, column);
	int len = sqlite3_column_bytes(stmt, column);

	return len > 0 ? (struct str){ ptr, (size_t)len } : (struct str){ "", 0 };
}

struct str foreign_col_copy(sqlite3_stmt *stmt, int column, struct arena *arena)
{
	return arena_str(arena, foreign_col_str(stmt, column));
}

int foreign_text(struct foreign *foreign, const char *sql, struct str key, struct arena *arena,
	struct str *out, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	*out = (struct str){ NULL, 0 };
	if (foreign_prepare(foreign, sql, &stmt, err) < 0)
		return err->code;
	foreign_bind_str(stmt, 1, key);
	rc = foreign_step(foreign, stmt, err);
	if (rc > 0 && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*out = foreign_col_copy(stmt, 0, arena);
	return rc < 0 ? rc : 0;
}

int foreign_columns(struct foreign *foreign, const char *pragma, const char *const *names,
	size_t count, bool *present, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	memset(present, 0, count * sizeof(*present));
	if (foreign_prepare(foreign, pragma, &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(foreign, stmt, err)) > 0)
		for (size_t i = 0; i < count; i++)
			present[i] |= str_eq_c(foreign_col_str(stmt, 1), names[i]);
	return rc;
}
