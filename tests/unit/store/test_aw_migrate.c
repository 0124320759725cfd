/* A store of version 1, which knew nothing of ActivityWatch nor of keys, becomes one of this
 * version.
 */
#include "aw_fixture.h"

#include <sqlite3.h>

#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"

static struct aw_bucket find(struct fixture *f, struct store *store, const char *id)
{
	struct aw_bucket bucket = { 0 };
	struct err err;

	GOOD(aw_bucket_find(store, str_from(id), &f->arena, &bucket, &err));
	return bucket;
}

static const struct schema_step first_step[] = { { { schema_001_permanent, schema_001_derived } } };
static const struct schema version_1 = { first_step, 1 };

static void run_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	IS_INT(sqlite3_open(f->path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* This program's intake cannot write version 1: the rows are as the one before it left them. */
static void version_1_with_events(struct fixture *f)
{
	struct err err;

	fixture_begin(f);
	GOOD(open_make_dir(f->path, &err));
	GOOD(schema_create(f->path, &version_1, &err));
	run_sql(f,
		"INSERT INTO machine VALUES (1, '" MACHINE_A "', 'laptop', '');"
		"INSERT INTO bucket VALUES (1, 1, 'claude', 'note', 3), (2, 1, 'claude', 'gone', 0);"
		"INSERT INTO odd_id VALUES ('odd', 3, 1770000005000000000);"
		"INSERT INTO event VALUES (2, 1770000000000000000, 'a', 9000000000, 0, 1, 2),"
		" (2, 1770000001000000000, 'b', 0, 0, 1, 3), (3, 1770000005000000000, 'odd', 1, 0, 1, 4);"
		"INSERT INTO tombstone VALUES ('dead', 2, 5, 1, 5);"
		"INSERT INTO setting VALUES ('dictionary.deletions', CAST('7' AS BLOB));"
		"UPDATE store_state SET last_seq = 5, events = 3, odd_ids = 1, tombstones = 1");
	/* The data of its events, number 1, is the first that is taken in: the dictionary's hash is
	 * the program's. */
}

static int64_t number_of(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t number = -1;

	IS_INT(sqlite3_open(f->path, &db), SQLITE_OK);
	IS_INT(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

static void version_1_is_brought_up(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options = { .must_exist = true, .busy_ms = 1000 };
	struct store_info info;
	struct aw_bucket bucket;
	struct intake *intake;
	struct event event;
	struct err err;

	version_1_with_events(&f);
	options.url = f.path;
	GOOD(store_open(&store, &options, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.schema_version, 3);
	IS_INT(info.events, 3);
	IS_INT(number_of(&f, "SELECT deletions FROM store_state"), 7);
	IS_INT(number_of(&f, "SELECT count(*) FROM setting"), 0);
	bucket = find(&f, store, "claude.note@laptop");
	IS_INT(bucket.end_ns, T0 + 9 * S);
	IS_INT(bucket.events, 3);
	IS_INT(count_of(store, (struct aw_range){ 1, T0 + 2 * S, T0 + 3 * S, false, false }), 1);
	OK(access(arena_printf(&f.arena, "%s.v1.bak", f.path).ptr, R_OK) == 0);
	/* It takes events like any other, old ones as duplicates. */
	intake = begin(store);
	event = event_make(&f.arena, "note", T0 + S, "b", "{}");
	IS_INT(put(intake, make_bucket(intake, "b"), T0, 0, "{}"), 7); /* the bucket is 6 */
	event.deleted = true;
	event.revision = 1;
	IS_INT(take(intake, event), INTAKE_UPDATED);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

static const struct schema_step first_steps[] = {
	{ { schema_001_permanent, schema_001_derived } },
	{ { schema_002_permanent } },
};
static const struct schema version_2 = { first_steps, 2 };

/* What version 2 has columns for, of all rows of the database NEW. */
static void copy_rows(sqlite3 *db)
{
	static const char statements[] =
		"SELECT 'DELETE FROM main.' || name || '; INSERT INTO main.' || name || ' (' || columns"
		" || ') SELECT ' || columns || ' FROM new.' || name FROM (SELECT t.name,"
		" (SELECT group_concat(name, ', ') FROM pragma_table_info(t.name, 'main') WHERE name IN"
		" (SELECT name FROM pragma_table_info(t.name, 'new'))) AS columns"
		" FROM main.sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%')";
	sqlite3_stmt *stmt = NULL;

	IS_INT(sqlite3_prepare_v2(db, statements, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		IS_INT(sqlite3_exec(
			       db, (const char *)sqlite3_column_text(stmt, 0), NULL, NULL, NULL),
			SQLITE_OK);
	sqlite3_finalize(stmt);
}

static void version_2_of(struct fixture *f, const char *new_path)
{
	sqlite3 *db = NULL;
	struct err err;

	GOOD(schema_create(f->path, &version_2, &err));
	IS_INT(sqlite3_open(f->path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, arena_printf(&f->arena, "ATTACH '%s' AS new", new_path).ptr, NULL,
		       NULL, NULL),
		SQLITE_OK);
	copy_rows(db);
	sqlite3_close(db);
}

/* Version 2 counted events and changes apart: here the number of one event is the change of the
 * other, and more numbers were given out than there were changes. */
static void version_2_with_numbers(struct fixture *f)
{
	struct store *store = open_new(f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b");
	const char *new_path = arena_printf(&f->arena, "%s.new", f->path).ptr;

	IS_INT(put(intake, b, T0, S, "{\"e\":1}"), 2);
	IS_INT(put(intake, b, T0 + 9 * S, S, "{\"e\":2}"), 3);
	commit(intake);
	intake_free(intake);
	store_close(store);
	IS_INT(rename(f->path, new_path), 0);
	version_2_of(f, new_path);
	run_sql(f, "UPDATE event SET number = 40 WHERE number = 3;"
		   "UPDATE event SET number = 3 WHERE number = 2;"
		   "UPDATE store_state SET last_number = 41");
	IS_INT(number_of(f, "SELECT last_seq FROM store_state"), 3);
	IS_INT(number_of(f, "SELECT seq FROM event WHERE number = 3"), 2);
	IS_INT(number_of(f, "PRAGMA user_version"), 2);
}

/* Under NUMBER the bucket has this, or (NULL) nothing. */
static void has_under(
	struct fixture *f, struct store *store, int64_t b, int64_t number, const char *data)
{
	struct aw_event event = { 0 };
	struct err err;

	IS_INT(aw_event_find(store, b, number, &f->arena, &event, &err), data ? 0 : ERR_NOT_FOUND);
	IS_STR(event.data, data ? data : "");
}

static void numbers_of_version_2_stay(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options = { .must_exist = true, .busy_ms = 1000 };
	struct store_info info;
	struct intake *intake;
	struct aw_event first = aw_make_event(T0, 2 * S, "{\"e\":1}");
	struct err err;
	int64_t b = 1;

	version_2_with_numbers(&f);
	options.url = f.path;
	GOOD(store_open(&store, &options, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.schema_version, 3);
	IS_INT(info.last_seq, 41);
	intake = begin(store);
	first.number = 3;
	GOOD(aw_replace(intake, b, &first, &err)); /* change 42 */
	IS_INT(put(intake, b, T0 + 20 * S, S, "{\"e\":3}"), 43);
	commit(intake);
	for (int64_t number = -1; number < 60; number++)
		has_under(&f, store, b, number,
			number == 3    ? "{\"e\":1}"
			: number == 40 ? "{\"e\":2}"
			: number == 43 ? "{\"e\":3}"
				       : NULL);
	GOOD(store_verify(store, NULL, &err));
	intake_free(intake);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(version_1_is_brought_up),
	TAP_CASE(numbers_of_version_2_stay),
};
TAP_MAIN(cases)
