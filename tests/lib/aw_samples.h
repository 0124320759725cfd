/* The databases of tests/data/activitywatch, built from their SQL. */
#ifndef TT_TESTS_AW_SAMPLES_H
#define TT_TESTS_AW_SAMPLES_H

#include <sqlite3.h>

#include "base/fs.h"
#include "store_fixture.h"

#define SAMPLE_EVENTS 8 /* one of them twice */
#define SAMPLE_DISTINCT 7
#define SAMPLE_BUCKETS 4

/* The file NAME of the samples, in the arena; empty when it is not there. */
__attribute__((unused)) static struct str sample_text(struct fixture *f, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");
	const char *path =
		arena_printf(&f->arena, "%s/activitywatch/%s", dir ? dir : "tests/data", name).ptr;
	struct err err;

	if (!GOOD(fs_read(path, 1 << 20, &text, &err)))
		return STR("");
	return arena_str(&f->arena, buf_str(&text));
}

/* Run SQL, a NUL-terminated text, in the database PATH. */
__attribute__((unused)) static void sample_run(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *message = NULL;
	int rc = sqlite3_open(path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, &message);
	tap_check(rc == SQLITE_OK, __FILE__, __LINE__, "%s: %s", path, message ? message : "?");
	sqlite3_free(message);
	sqlite3_close(db);
}

/* The database that NAME.sql makes, in the fixture's directory. */
__attribute__((unused)) static const char *sample_database(struct fixture *f, const char *name)
{
	const char *path = fixture_path(f, arena_printf(&f->arena, "%s.db", name).ptr);

	remove(path);
	sample_run(path, sample_text(f, arena_printf(&f->arena, "%s.sql", name).ptr).ptr);
	return path;
}

#endif
