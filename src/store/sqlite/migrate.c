/*
 * Making and migrating stores.
 *
 * A new store is built in memory and published as a whole file: no crash, full disk or second
 * process ever shows an unfinished one, and so an empty or half file at the path is known to be
 * damage, not a beginning.
 */
#include "store/sqlite/migrate.h"
#include "store/sqlite/fail.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/uuid.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/schema.h"

static const struct schema_step steps[] = {
	{ { schema_001_permanent, schema_001_derived } },
	{ { schema_002_permanent } },
	{ { schema_003_permanent } },
};

const struct schema schema_current = { steps, ARRAY_LEN(steps) };

/* Offsets of the file format's read and write versions, and their value for WAL
 * (sqlite.org/fileformat2.html, 1.3.3). */
enum { HEADER_WRITE_VERSION = 18, HEADER_READ_VERSION = 19, FORMAT_WAL = 2 };

static int run_step(sqlite3 *db, const struct schema_step *step)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_LEN(step->scripts) && step->scripts[i] && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, step->scripts[i], NULL, NULL, NULL);
	return rc;
}

static int put_state(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	char store_id[UUID_BYTES + 1];
	int rc = sqlite3_prepare_v2(db,
		"INSERT INTO store_state (one, store_id, last_seq, events, odd_ids, tombstones, quarantined)"
		" VALUES (1, ?, 0, 0, 0, 0, 0)",
		-1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	uuid_v4(store_id);
	db_bind_str(db_cover(stmt), 1, str_from(store_id));
	sqlite3_step(stmt);
	return sqlite3_finalize(stmt);
}

static int build(sqlite3 *db, const struct schema *schema)
{
	int rc = sqlite3_exec(db, "PRAGMA application_id = 1953784930; BEGIN", NULL, NULL, NULL);

	for (size_t i = 0; i < schema->count && rc == SQLITE_OK; i++)
		rc = run_step(db, &schema->steps[i]);
	if (rc == SQLITE_OK)
		rc = put_state(db);
	return rc == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : rc;
}

static int publish(sqlite3 *db, const char *path, struct err *err)
{
	sqlite3_int64 size = 0;
	unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
	int rc;

	ASSERT(image && size > HEADER_READ_VERSION);
	image[HEADER_WRITE_VERSION] = FORMAT_WAL;
	image[HEADER_READ_VERSION] = FORMAT_WAL;
	rc = fs_create_atomic(path, (struct str){ (char *)image, (size_t)size }, 0600, err);
	sqlite3_free(image);
	return rc;
}

int schema_create(const char *path, const struct schema *schema, struct err *err)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(":memory:", &db);

	if (rc == SQLITE_OK)
		rc = build(db, schema);
	if (rc == SQLITE_OK)
		rc = publish(db, path, err);
	else
		rc = sqlite_fail(db, path, rc, "making a new store", err);
	sqlite3_close(db);
	return rc;
}

int schema_check(const char *path, int64_t version, const struct schema *schema, struct err *err)
{
	if (version > (int64_t)schema->count)
		return err_set(err, ERR_VERSION,
			"store '%s' has schema version %lld, made by a newer tt; this tt (%s) knows versions up to %zu: upgrade it",
			path, (long long)version, TT_VERSION, schema->count);
	if (version < 1)
		return err_set(err, ERR_CORRUPT,
			"store '%s' is damaged: it has schema version %lld", path,
			(long long)version);
	return 0;
}

int schema_version(struct store *store, int64_t *version, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "PRAGMA user_version", &stmt, err) < 0 || db_step(store, stmt, err) < 0)
		return err->code;
	*version = db_col_i64(stmt, 0);
	return 0;
}

static int keep_copy(
	struct store *store, int64_t version, const struct schema *schema, struct err *err)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;

	buf_printf(&path, "%s.v%lld.bak", store->path, (long long)version);
	return backup_file(store->path, buf_cstr(&path), schema, store->turns.busy_ms, err);
}

/* Inside the write transaction: another process may have migrated while this one waited. */
static int migrate_locked(struct store *store, const struct schema *schema, struct err *err)
{
	int64_t version;

	if (schema_version(store, &version, err) < 0 ||
		schema_check(store->path, version, schema, err) < 0)
		return err->code;
	if (version == (int64_t)schema->count)
		return 0;
	if (keep_copy(store, version, schema, err) < 0)
		return err_context(err, "copying the store before its migration");
	for (; version < (int64_t)schema->count; version++) {
		int64_t now;
		int rc = run_step(store->db, &schema->steps[version]);

		if (rc != SQLITE_OK)
			return db_fail(store, rc, "migrating", err);
		if (schema_version(store, &now, err) < 0)
			return err->code;
		ASSERT(now == version + 1);
	}
	return 0;
}

int schema_migrate(struct store *store, const struct schema *schema, struct err *err)
{
	int64_t version;
	int rc;

	if (schema_version(store, &version, err) < 0 ||
		schema_check(store->path, version, schema, err) < 0)
		return err->code;
	if (version == (int64_t)schema->count)
		return 0;
	if (store->read_only)
		return err_set(err, ERR_READONLY,
			"store '%s' has schema version %lld and must be migrated to %zu first: open it once for writing",
			store->path, (long long)version, schema->count);
	/* Not db_write_begin: it reads counters, which an older schema may keep elsewhere. */
	if (db_script(store, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	rc = migrate_locked(store, schema, err);
	if (rc == 0)
		rc = db_script(store, "COMMIT", err);
	if (rc < 0 && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
