/*
 * Making and migrating the schema. Whoever does holds an advisory lock and looks again under it:
 * of several programs that start at once one does it, and the others find it done. Everything is
 * one transaction.
 */
#include "store/postgres/migrate.h"

#include "store/postgres/connect.h"

static const char *const steps[] = { schema_postgres_001 };

/* Any number, the same in every program that knows this schema: "tidemark" in ASCII. */
#define LOCK "SELECT pg_advisory_xact_lock(8388068008448025195)"

/* to_regclass() would not do: a name that was not there before the lock was waited for is taken as
 * still not there. */
static const char is_there[] =
	"SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = 'tidemark' AND c.relname = 'server_state'";

/* *VERSION: 0 when there is none. */
static int read_version(const struct store *store, PGconn *conn, int64_t *version, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	*version = 0;
	if (pg_ask_text(store, conn, is_there, &text, err) < 0)
		return err->code;
	if (text.len == 0)
		return 0;
	if (pg_ask_text(store, conn, "SELECT schema_version FROM tidemark.server_state", &text,
		    err) < 0)
		return err->code;
	if (!str_to_i64(buf_str(&text), version) || *version < 1)
		return err_set(err, ERR_CORRUPT,
			"store '%s' is damaged: it has schema version '%s'", store->url,
			buf_cstr(&text));
	return 0;
}

static int refuse_newer(const struct store *store, int64_t version, struct err *err)
{
	if (version <= (int64_t)ARRAY_LEN(steps))
		return 0;
	return err_set(err, ERR_VERSION,
		"store '%s' has schema version %lld, made by a newer tt; this tt (%s) knows versions up to %zu: upgrade it",
		store->url, (long long)version, TT_VERSION, ARRAY_LEN(steps));
}

int schema_check(const struct store *store, PGconn *conn, struct err *err)
{
	int64_t version;

	if (read_version(store, conn, &version, err) < 0 || refuse_newer(store, version, err) < 0)
		return err->code;
	if (version == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no store in '%s'", store->url);
	if (version < (int64_t)ARRAY_LEN(steps))
		return err_set(err, ERR_READONLY,
			"store '%s' has schema version %lld and must be migrated to %zu first: open it once for writing",
			store->url, (long long)version, ARRAY_LEN(steps));
	return 0;
}

static int run_step(const struct store *store, PGconn *conn, size_t index, struct err *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;

	if (pg_run(store, conn, steps[index], "migrating", err) < 0)
		return err->code;
	buf_printf(&sql, "UPDATE tidemark.server_state SET schema_version = %zu", index + 1);
	return pg_run(store, conn, buf_cstr(&sql), "migrating", err);
}

static int migrate_locked(const struct store *store, PGconn *conn, struct err *err)
{
	int64_t version;

	if (pg_run(store, conn, LOCK, "waiting to migrate", err) < 0 ||
		read_version(store, conn, &version, err) < 0 ||
		refuse_newer(store, version, err) < 0)
		return err->code;
	if (version == 0 && pg_run(store, conn, "CREATE SCHEMA IF NOT EXISTS tidemark",
				    "making a new store", err) < 0)
		return err->code;
	for (; version < (int64_t)ARRAY_LEN(steps); version++)
		if (run_step(store, conn, (size_t)version, err) < 0)
			return err->code;
	return 0;
}

static int migrate(const struct store *store, PGconn *conn, struct err *err)
{
	struct err ignored;

	if (pg_run(store, conn, "BEGIN", "migrating", err) < 0)
		return err->code;
	if (migrate_locked(store, conn, err) < 0 ||
		pg_run(store, conn, "COMMIT", "migrating", err) < 0) {
		(void)!pg_run(store, conn, "ROLLBACK", "migrating", &ignored);
		return err->code;
	}
	return 0;
}

int schema_ready(const struct store *store, PGconn *conn, bool must_exist, struct err *err)
{
	int64_t version;

	if (read_version(store, conn, &version, err) < 0 || refuse_newer(store, version, err) < 0)
		return err->code;
	if (version == (int64_t)ARRAY_LEN(steps))
		return 0;
	if (store->read_only || (version == 0 && must_exist))
		return schema_check(store, conn, err);
	return migrate(store, conn, err);
}
