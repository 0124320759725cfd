/*
 * Reading the databases of ActivityWatch's servers.
 *
 * What a file is follows from its tables and columns. The three kinds differ in the names of their
 * columns and in how they write times: one row of a table for each, with its statements. Columns
 * that only some releases have are asked for in a statement of their own.
 *
 * user_version stands in the file's header. A newer release than we know may mean other things by
 * the same columns, so it is refused.
 */
#include "store/foreign_aw.h"

#include <math.h>
#include <stdlib.h>

#include "store/aw_text.h"
#include "store/foreign/statement.h"
#include "store/sqlite/db.h"

enum {
	NEWEST_RUST = 5,
	SORTED_RUST = 5, /* from here on: the one index of events has starttime DESC */
	/* SQLite's database header, "The Database File Format", 1.3. */
	VERSION_OFFSET = 60,
	NS_PER_US = 1000,
};

struct foreign_aw {
	struct foreign *foreign;
	const struct shape *shape;
	int version;
	bool bucket_data; /* buckets have data of their own */
	bool settings;
};

/* Columns 1 and 2 of a row of events. False: they are no times. */
typedef bool read_times(sqlite3_stmt *stmt, struct foreign_aw_event *out);

struct shape {
	enum foreign_aw_kind kind;
	/* Rust's events have data, sqlite v1's datastr: so the events' columns tell them apart. */
	const char *buckets_pragma, *events_pragma;
	const char *bucket_data;
	const char *bucket_columns[6], *event_columns[5];
	const char *buckets_sql, *plain_buckets_sql; /* plain: without data */
	const char *events_sql, *count_sql;
	const char *sorted_sql; /* of releases whose index runs from the newest to the oldest */
	read_times *read_times;
};

/* --- times --- */

/* Start and end of whole NS_PER_UNIT nanoseconds, REAL where Python computed them. */
static bool span_in(sqlite3_stmt *stmt, int64_t ns_per_unit, struct foreign_aw_event *out)
{
	int64_t ends[2];

	for (int i = 0; i < 2; i++) {
		int type = sqlite3_column_type(stmt, 1 + i);
		double real = sqlite3_column_double(stmt, 1 + i);

		if (type == SQLITE_INTEGER)
			ends[i] = sqlite3_column_int64(stmt, 1 + i);
		else if (type == SQLITE_FLOAT && fabs(real) < (double)INT64_MAX)
			ends[i] = llround(real);
		else
			return false;
		if (__builtin_mul_overflow(ends[i], ns_per_unit, &ends[i]))
			return false;
	}
	out->start_ns = ends[0];
	return !__builtin_sub_overflow(ends[1], ends[0], &out->duration_ns);
}

static bool rust_times(sqlite3_stmt *stmt, struct foreign_aw_event *out)
{
	return span_in(stmt, 1, out);
}

static bool v1_times(sqlite3_stmt *stmt, struct foreign_aw_event *out)
{
	return span_in(stmt, NS_PER_US, out);
}

/* A DECIMAL column: SQLite keeps whole numbers as INTEGER, others as REAL. */
static bool seconds_in(sqlite3_stmt *stmt, int column, int64_t *out_ns)
{
	int type = sqlite3_column_type(stmt, column);
	double ns;

	if (type == SQLITE_INTEGER)
		return !__builtin_mul_overflow(
			sqlite3_column_int64(stmt, column), NS_PER_S, out_ns);
	if (type == SQLITE_TEXT)
		return aw_text_seconds(foreign_col_str(stmt, column), out_ns);
	if (type != SQLITE_FLOAT)
		return false;
	ns = sqlite3_column_double(stmt, column) * (double)NS_PER_S;
	if (!(fabs(ns) < (double)INT64_MAX))
		return false;
	*out_ns = llround(ns);
	return true;
}

static bool peewee_times(sqlite3_stmt *stmt, struct foreign_aw_event *out)
{
	bool naive; /* the server writes UTC, with or without saying so */

	return aw_text_time(foreign_col_str(stmt, 1), &out->start_ns, &naive) &&
	       seconds_in(stmt, 2, &out->duration_ns);
}

/* --- the kinds --- */

static const struct shape shapes[] = {
	{
		.kind = FOREIGN_AW_RUST,
		.buckets_pragma = "PRAGMA table_info(buckets)",
		.events_pragma = "PRAGMA table_info(events)",
		.bucket_data = "data",
		.bucket_columns = { "id", "name", "type", "client", "hostname", "created" },
		.event_columns = { "id", "bucketrow", "starttime", "endtime", "data" },
		.buckets_sql = "SELECT id, name, type, client, hostname, created, data FROM buckets"
			       " ORDER BY id",
		.plain_buckets_sql =
			"SELECT id, name, type, client, hostname, created, NULL FROM buckets"
			" ORDER BY id",
		.events_sql = "SELECT id, starttime, endtime, data FROM events WHERE bucketrow = ?",
		.sorted_sql = "SELECT id, starttime, endtime, data FROM events WHERE bucketrow = ?"
			      " ORDER BY starttime",
		.count_sql = "SELECT count(*) FROM events",
		.read_times = rust_times,
	},
	{
		.kind = FOREIGN_AW_PEEWEE,
		.buckets_pragma = "PRAGMA table_info(bucketmodel)",
		.events_pragma = "PRAGMA table_info(eventmodel)",
		.bucket_data = "datastr",
		.bucket_columns = { "key", "id", "type", "client", "hostname", "created" },
		.event_columns = { "id", "bucket_id", "timestamp", "duration", "datastr" },
		.buckets_sql =
			"SELECT key, id, type, client, hostname, created, datastr FROM bucketmodel"
			" ORDER BY key",
		.plain_buckets_sql =
			"SELECT key, id, type, client, hostname, created, NULL FROM bucketmodel"
			" ORDER BY key",
		.events_sql = "SELECT id, timestamp, duration, datastr FROM eventmodel"
			      " WHERE bucket_id = ?",
		.count_sql = "SELECT count(*) FROM eventmodel",
		.read_times = peewee_times,
	},
	{
		.kind = FOREIGN_AW_SQLITE_V1,
		.buckets_pragma = "PRAGMA table_info(buckets)",
		.events_pragma = "PRAGMA table_info(events)",
		.bucket_data = "datastr",
		.bucket_columns = { "rowid", "id", "type", "client", "hostname", "created" },
		.event_columns = { "id", "bucketrow", "starttime", "endtime", "datastr" },
		.buckets_sql =
			"SELECT rowid, id, type, client, hostname, created, datastr FROM buckets"
			" ORDER BY rowid",
		.plain_buckets_sql =
			"SELECT rowid, id, type, client, hostname, created, NULL FROM buckets"
			" ORDER BY rowid",
		.events_sql =
			"SELECT id, starttime, endtime, datastr FROM events WHERE bucketrow = ?",
		.count_sql = "SELECT count(*) FROM events",
		.read_times = v1_times,
	},
};

static bool all(const bool *present, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!present[i])
			return false;
	return true;
}

/* Is the database of SHAPE? */
static int look_for(
	struct foreign *foreign, const struct shape *shape, bool *found, struct err *err)
{
	bool buckets[ARRAY_LEN(shape->bucket_columns)], events[ARRAY_LEN(shape->event_columns)];

	if (foreign_columns(foreign, shape->buckets_pragma, shape->bucket_columns,
		    ARRAY_LEN(buckets), buckets, err) < 0 ||
		foreign_columns(foreign, shape->events_pragma, shape->event_columns,
			ARRAY_LEN(events), events, err) < 0)
		return err->code;
	*found = all(buckets, ARRAY_LEN(buckets)) && all(events, ARRAY_LEN(events));
	return 0;
}

/* *VERSION as the file itself has it; what a log says is not seen. */
static int file_version(struct foreign *foreign, int *version, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	unsigned char bytes[4] = { 0 };
	sqlite3_file *file = NULL;
	int rc;

	/* Any statement leads to the connection. */
	if (foreign_prepare(foreign, "SELECT 1", &stmt, err) < 0)
		return err->code;
	rc = sqlite3_file_control(
		sqlite3_db_handle(stmt), "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK && file && file->pMethods)
		rc = file->pMethods->xRead(file, bytes, sizeof(bytes), VERSION_OFFSET);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return foreign_fail(foreign, rc, "reading its header", err);
	*version = (int)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			 (uint32_t)bytes[2] << 8 | bytes[3]);
	return 0;
}

/* The parts that came with Rust's releases tell the lowest version, whatever the header says. */
static int find_version(struct foreign_aw *db, struct err *err)
{
	static const char *const columns[] = { "data", "data_deprecated" };
	bool present[ARRAY_LEN(columns)];
	int by_header = 0, by_shape;

	if (foreign_columns(db->foreign, "PRAGMA table_info(buckets)", columns, ARRAY_LEN(columns),
		    present, err) < 0 ||
		file_version(db->foreign, &by_header, err) < 0)
		return err->code;
	if (by_header > NEWEST_RUST || by_header < 0)
		return err_set(err, ERR_VERSION,
			"unknown_schema: it has user_version %d, this program reads up to %d",
			by_header, NEWEST_RUST);
	by_shape = db->settings ? 4 : present[1] ? 3 : present[0] ? 2 : 1;
	db->version = by_header > by_shape ? by_header : by_shape;
	return 0;
}

static int find_shape(struct foreign_aw *db, struct err *err)
{
	static const char *const key_value[] = { "key", "value" };
	bool found = false, present[ARRAY_LEN(key_value)];

	for (size_t i = 0; i < ARRAY_LEN(shapes) && !found; i++) {
		db->shape = &shapes[i];
		if (look_for(db->foreign, db->shape, &found, err) < 0)
			return err->code;
	}
	if (!found)
		return err_set(err, ERR_VERSION,
			"unknown_schema: it is no database of ActivityWatch, or of a release that is not known");
	if (foreign_columns(db->foreign, db->shape->buckets_pragma, &db->shape->bucket_data, 1,
		    &db->bucket_data, err) < 0)
		return err->code;
	if (db->shape->kind != FOREIGN_AW_RUST)
		return 0;
	if (foreign_columns(db->foreign, "PRAGMA table_info(key_value)", key_value,
		    ARRAY_LEN(key_value), present, err) < 0)
		return err->code;
	db->settings = all(present, ARRAY_LEN(present));
	return find_version(db, err);
}

int foreign_aw_open(
	struct foreign_aw **out, const char *path, const char *state_dir, struct err *err)
{
	static const char *const tables[] = { "buckets", "events", "key_value", "bucketmodel",
		"eventmodel", NULL };
	const struct foreign_options options = {
		.path = path, .tables = tables, .state_dir = state_dir
	};
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = mem_zalloc(sizeof(*db));

	*out = NULL;
	if (foreign_open(&db->foreign, &options, err) < 0)
		return err->code;
	if (find_shape(db, err) < 0) {
		/* The message of an unknown schema begins with that word. */
		return err->code == ERR_VERSION ? err->code
						: err_context(err, "database '%s'", path);
	}
	*out = db;
	db = NULL;
	return 0;
}

void foreign_aw_close(struct foreign_aw *db)
{
	if (!db)
		return;
	foreign_close(db->foreign);
	free(db);
}

void foreign_aw_closep(struct foreign_aw **db)
{
	foreign_aw_close(*db);
	*db = NULL;
}

enum foreign_aw_kind foreign_aw_kind(const struct foreign_aw *db)
{
	return db->shape->kind;
}

int foreign_aw_version(const struct foreign_aw *db)
{
	return db->version;
}

int foreign_aw_check(struct foreign_aw *db, struct err *err)
{
	return foreign_check(db->foreign, err);
}

/* --- what is in it --- */

int foreign_aw_buckets(struct foreign_aw *db, struct arena *arena, struct foreign_aw_bucket **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct foreign_aw_bucket));
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if (foreign_prepare(db->foreign,
		    db->bucket_data ? db->shape->buckets_sql : db->shape->plain_buckets_sql, &stmt,
		    err) < 0)
		return err->code;
	while ((rc = foreign_step(db->foreign, stmt, err)) > 0) {
		const struct foreign_aw_bucket bucket = {
			.row = foreign_col_i64(stmt, 0),
			.id = foreign_col_copy(stmt, 1, arena),
			.type = foreign_col_copy(stmt, 2, arena),
			.client = foreign_col_copy(stmt, 3, arena),
			.hostname = foreign_col_copy(stmt, 4, arena),
			.created = foreign_col_copy(stmt, 5, arena),
			.data = foreign_col_copy(stmt, 6, arena),
		};

		db_rows_add(&rows, &bucket);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

int foreign_aw_count(struct foreign_aw *db, int64_t *events, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if (foreign_prepare(db->foreign, db->shape->count_sql, &stmt, err) < 0)
		return err->code;
	rc = foreign_step(db->foreign, stmt, err);
	*events = rc > 0 ? foreign_col_i64(stmt, 0) : 0;
	return rc < 0 ? rc : 0;
}

static void read_event(const struct shape *shape, sqlite3_stmt *stmt, struct foreign_aw_event *out)
{
	*out = (struct foreign_aw_event){ .row = foreign_col_i64(stmt, 0) };
	out->good = shape->read_times(stmt, out);
	out->data =
		sqlite3_column_type(stmt, 3) == SQLITE_NULL ? STR("{}") : foreign_col_str(stmt, 3);
	for (int i = 0; i < 2 && !out->good; i++)
		out->times[i] = foreign_col_str(stmt, 1 + i);
}

int foreign_aw_events(struct foreign_aw *db, int64_t bucket_row,
	int (*row)(void *context, const struct foreign_aw_event *event, struct err *err),
	void *context, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	struct foreign_aw_event event;
	int rc;

	if (foreign_prepare(db->foreign,
		    db->version >= SORTED_RUST ? db->shape->sorted_sql : db->shape->events_sql,
		    &stmt, err) < 0)
		return err->code;
	foreign_bind_i64(stmt, 1, bucket_row);
	while ((rc = foreign_step(db->foreign, stmt, err)) > 0) {
		read_event(db->shape, stmt, &event);
		rc = row(context, &event, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int foreign_aw_settings(struct foreign_aw *db, struct arena *arena, struct foreign_aw_setting **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct foreign_aw_setting));
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	*out = rows.items;
	*count = 0;
	if (!db->settings)
		return 0;
	/* '/' follows '.'. */
	if (foreign_prepare(db->foreign,
		    "SELECT key, value FROM key_value WHERE key >= 'settings.' AND key < 'settings/'"
		    " ORDER BY key",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(db->foreign, stmt, err)) > 0) {
		struct str key = foreign_col_str(stmt, 0);
		const struct foreign_aw_setting setting = {
			.key = arena_str(arena, str_sub(key, strlen("settings."), key.len)),
			.value = foreign_col_copy(stmt, 1, arena),
		};

		db_rows_add(&rows, &setting);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}
