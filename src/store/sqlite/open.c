/*
 * Opening and closing.
 *
 * The header is looked at before SQLite reads anything, through SQLite's own file handle (a second
 * descriptor of ours would, when closed, drop the locks that this process holds on the file). So
 * what is not a store, or is newer than this program, is refused without a byte of it changed.
 *
 * A store in WAL mode needs its -shm file even for reading. Where that cannot be made (read-only
 * directory or medium) the file is opened as immutable, which is right only if nothing is left in
 * the -wal file: otherwise that is an error.
 *
 * No memory mapping: a disk error under a mapping is a SIGBUS, under read(2) it is an ERR_IO.
 */
#include "store/sqlite/open.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum {
	DEFAULT_BUSY_MS = 30000,
	REOPENS = 5, /* a store replaced by a restore while it is being opened */
	HEADER_BYTES = 100,
	HEADER_USER_VERSION = 60,
	HEADER_APPLICATION_ID = 68,
};

/* sqlite.org/fileformat2.html, 1.3 */
static const char header_magic[16] = "SQLite format 3";

/* Of the connection, nothing stored in the file. cache_size: KiB when negative. */
static const char connection_pragmas[] = "PRAGMA foreign_keys = ON;"
					 "PRAGMA trusted_schema = OFF;"
					 "PRAGMA cell_size_check = ON;"
					 "PRAGMA cache_size = -16384;"
					 "PRAGMA mmap_size = 0;"
					 "PRAGMA secure_delete = FAST;";
static const char writer_pragmas[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA journal_size_limit = 33554432;"
				     "PRAGMA wal_autocheckpoint = 2000;";

int open_path(const char *url, const char **path, struct err *err)
{
	struct str prefix = STR("sqlite:");

	*path = url;
	if (str_starts(str_from(url), prefix))
		*path = url + prefix.len;
	else if (str_find_str(str_from(url), STR("://")) >= 0)
		return err_set(err, ERR_USAGE,
			"cannot open store '%s': stores are sqlite:PATH or a plain path", url);
	if (**path == '\0')
		return err_set(err, ERR_USAGE, "the path of the store is empty");
	return 0;
}

/* --- the file --- */

int open_make_dir(const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT;
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	buf_add(&dir, (struct str){ path, (size_t)(slash - path) });
	return fs_make_dirs(buf_cstr(&dir), 0700, err);
}

static int create_missing(const char *path, const struct schema *schema, struct err *err)
{
	CLEANUP(buf_release) struct buf wal = BUF_INIT;
	struct stat status;

	/* SQLite would play an old log into the new file. */
	buf_printf(&wal, "%s-wal", path);
	if (stat(buf_cstr(&wal), &status) == 0 && status.st_size > 0)
		return err_set(err, ERR_CORRUPT,
			"there is no store '%s' but its log '%s' is there: put the store back, or move the log away",
			path, buf_cstr(&wal));
	if (open_make_dir(path, err) < 0 ||
		(schema_create(path, schema, err) < 0 && err->code != ERR_EXISTS))
		return err->code;
	return 0;
}

static int find_file(const char *path, const struct store_options *options,
	const struct schema *schema, struct err *err)
{
	struct stat status;

	if (stat(path, &status) == 0) {
		if (S_ISREG(status.st_mode))
			return 0;
		return err_set(err, ERR_CORRUPT, "'%s' is not a store: it is not a file", path);
	}
	if (errno != ENOENT)
		return err_sys(err, "cannot open store '%s'", path);
	if (options->must_exist || options->read_only)
		return err_set(err, ERR_NOT_FOUND, "there is no store '%s'", path);
	return create_missing(path, schema, err);
}

static int64_t big_endian(const unsigned char *at)
{
	uint32_t value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			 (uint32_t)at[3];

	return (int32_t)value;
}

static int check_header(struct store *store, const struct schema *schema, struct err *err)
{
	unsigned char header[HEADER_BYTES] = { 0 };
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (rc == SQLITE_OK && file && file->pMethods)
		rc = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
	else
		rc = SQLITE_CANTOPEN;
	if (rc == SQLITE_IOERR_SHORT_READ)
		return err_set(
			err, ERR_CORRUPT, "store '%s' is damaged: it is too short", store->path);
	if (rc != SQLITE_OK)
		return db_fail(store, rc, "reading its header", err);
	if (memcmp(header, header_magic, sizeof(header_magic)) != 0)
		return err_set(err, ERR_CORRUPT, "'%s' is not a Tidemark store, or it is damaged",
			store->path);
	if (big_endian(header + HEADER_APPLICATION_ID) != SCHEMA_APPLICATION_ID)
		return err_set(err, ERR_CORRUPT, "'%s' is an SQLite file but not a Tidemark store",
			store->path);
	return schema_check(store->path, big_endian(header + HEADER_USER_VERSION), schema, err);
}

/* --- the connection --- */

static int connect_url(struct store *store, const char *name, int flags, struct err *err)
{
	int rc = sqlite3_open_v2(
		name, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK)
		return db_fail(store, rc, "opening", err);
	sqlite3_busy_handler(store->db, turns_busy, &store->turns);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return 0;
}

static void disconnect(struct store *store)
{
	db_release_statements(store);
	ASSERT(sqlite3_close(store->db) == SQLITE_OK);
	store->db = NULL;
}

/* A file: URI, with every byte encoded that could mean something there. */
static void immutable_uri(struct buf *out, const char *path)
{
	buf_addc(out, "file:");
	for (; *path; path++) {
		if (strchr("%?#", *path))
			buf_printf(out, "%%%02x", (unsigned)(unsigned char)*path);
		else
			buf_byte(out, *path);
	}
	buf_addc(out, "?immutable=1");
}

static int reconnect_immutable(struct store *store, struct err *err)
{
	CLEANUP(buf_release) struct buf wal = BUF_INIT, uri = BUF_INIT;
	struct stat status;

	buf_printf(&wal, "%s-wal", store->path);
	if (stat(buf_cstr(&wal), &status) == 0 && status.st_size > 0)
		return err_set(err, ERR_READONLY,
			"store '%s': its newest changes are in '%s', which cannot be read where nothing may be written; copy both files to a writable directory and open them there",
			store->path, buf_cstr(&wal));
	disconnect(store);
	immutable_uri(&uri, store->path);
	return connect_url(store, buf_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

/* The first statement that reads the file: takes the locks, opens or recovers the WAL. */
static int first_read(struct store *store)
{
	return sqlite3_exec(store->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
}

/* The log of a store stands beside it. */
static bool may_make_log(const char *path)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT;
	const char *slash = strrchr(path, '/');

	buf_add(&dir, slash ? (struct str){ path, (size_t)(slash - path) + 1 } : STR("."));
	return access(buf_cstr(&dir), W_OK) == 0;
}

static int start_reading(struct store *store, struct err *err)
{
	int rc = first_read(store);

	if (rc != SQLITE_OK && store->read_only &&
		((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY)) {
		if (reconnect_immutable(store, err) < 0)
			return err->code;
		rc = first_read(store);
	}
	if ((rc & 0xff) == SQLITE_CANTOPEN && !may_make_log(store->path))
		return err_set(err, ERR_READONLY,
			"store '%s' may not be written: its directory may only be read",
			store->path);
	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "opening", err);
}

bool store_replaced(struct store *store)
{
	int moved = 0;

	return sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
		       SQLITE_OK &&
	       moved;
}

/*
 * A backup, or a file that another tool has rewritten, may be in another journal mode. The change
 * needs the file alone and is not covered by the busy handler.
 */
static int use_wal(struct store *store, struct err *err)
{
	int64_t give_up_ns = clock_monotonic_ns() + store->turns.busy_ms * NS_PER_MS;

	for (;;) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		int rc;

		if (db_stmt(store, "PRAGMA journal_mode = WAL", &stmt, err) < 0)
			return err->code;
		rc = db_step(store, stmt, err);
		if (rc == 1 && !str_eq(db_col_str(stmt, 0), STR("wal")))
			return err_set(err, ERR_IO,
				"store '%s': write-ahead logging cannot be used here (a network file system?)",
				store->path);
		if (rc == 1)
			return 0;
		if (rc != ERR_BUSY || clock_monotonic_ns() >= give_up_ns)
			return rc < 0 ? rc
				      : err_set(err, ERR_IO, "store '%s': no journal mode",
						store->path);
		clock_sleep_ms(5);
	}
}

static int start_writing(struct store *store, const struct schema *schema, struct err *err)
{
	if (sqlite3_db_readonly(store->db, "main") == 1)
		return err_set(err, ERR_READONLY, "store '%s' may not be written", store->path);
	if (db_script(store, writer_pragmas, err) < 0 || use_wal(store, err) < 0)
		return err->code;
	return schema_migrate(store, schema, err);
}

static int connect(struct store *store, const struct schema *schema, bool as_it_is, struct err *err)
{
	int64_t version;
	int flags = store->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

	if (connect_url(store, store->path, flags, err) < 0 ||
		check_header(store, schema, err) < 0 || start_reading(store, err) < 0 ||
		db_script(store, connection_pragmas, err) < 0)
		return err->code;
	/* The header may be older than what the WAL holds. */
	if (schema_version(store, &version, err) < 0 ||
		schema_check(store->path, version, schema, err) < 0)
		return err->code;
	if (as_it_is || store_replaced(store))
		return 0;
	return store->read_only ? schema_migrate(store, schema, err)
				: start_writing(store, schema, err);
}

static int open_with(struct store **out, const struct store_options *options,
	const struct schema *schema, bool as_it_is, struct err *err)
{
	CLEANUP(store_closep) struct store *store = mem_zalloc(sizeof(*store));
	const char *path;

	*out = NULL;
	if (open_path(options->url, &path, err) < 0)
		return err->code;
	store->path = mem_alloc(strlen(path) + 1);
	memcpy(store->path, path, strlen(path) + 1);
	store->read_only = options->read_only;
	store->turns.busy_ms = options->busy_ms > 0 ? options->busy_ms : DEFAULT_BUSY_MS;
	for (int tries = 0; tries < REOPENS; tries++) {
		if (find_file(path, options, schema, err) < 0 ||
			connect(store, schema, as_it_is, err) < 0)
			return err->code;
		if (!store_replaced(store)) {
			*out = store;
			store = NULL;
			return 0;
		}
		disconnect(store);
	}
	return err_set(err, ERR_BUSY, "store '%s' is being replaced again and again", path);
}

int open_store(struct store **out, const struct store_options *options, const struct schema *schema,
	struct err *err)
{
	return open_with(out, options, schema, false, err);
}

int open_as_it_is(struct store **out, const char *path, const struct schema *schema,
	int64_t busy_ms, struct err *err)
{
	const struct store_options options = {
		.url = path,
		.read_only = true,
		.must_exist = true,
		.busy_ms = busy_ms,
	};

	return open_with(out, &options, schema, true, err);
}

int store_open(struct store **out, const struct store_options *options, struct err *err)
{
	return open_store(out, options, &schema_current, err);
}

int store_open_again(struct store **out, const struct store *like,
	const struct store_options *options, struct err *err)
{
	struct store_options same = *options;

	same.url = like->path;
	if (store_open(out, &same, err) < 0)
		return err->code;
	memcpy((*out)->machine_id, like->machine_id, sizeof(like->machine_id));
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_snapshot_end(store);
	db_write_rollback(store);
	disconnect(store);
	free(store->path);
	free(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
}

const char *store_path(const struct store *store)
{
	return store->path;
}

int store_probe(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	bool own;
	int rc = db_write_join(store, &own, err);

	if (rc < 0)
		return rc;
	rc = db_stmt(store, "UPDATE store_state SET store_id = store_id", &stmt, err);
	if (rc == 0)
		rc = db_exec(store, stmt, err);
	return db_write_leave(store, own, rc, err);
}

int store_snapshot_begin(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	ASSERT(!store->snapshot);
	if (db_read_begin(store, err) < 0)
		return err->code;
	store->snapshot = true;
	/* SQLite fixes the view at the first read. */
	if (db_stmt(store, "SELECT last_seq FROM store_state", &stmt, err) < 0 ||
		db_step(store, stmt, err) < 0) {
		store_snapshot_end(store);
		return err->code;
	}
	return 0;
}

void store_snapshot_end(struct store *store)
{
	if (!store->snapshot)
		return;
	store->snapshot = false;
	db_read_end(store);
}
