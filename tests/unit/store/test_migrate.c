/* Migrations, with a made-up history of schemas. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "base/fs.h"
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"

static const struct schema_step history[] = {
	{ { schema_001_permanent, schema_001_derived } },
	{ { schema_002_permanent } },
	{ { schema_003_permanent } },
	{ { "ALTER TABLE machine ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'; PRAGMA user_version = 4" } },
	{ { "CREATE TABLE third (x INTEGER) STRICT;",
		"INSERT INTO third SELECT count(*) FROM machine; PRAGMA user_version = 5" } },
};
static const struct schema_step broken[] = {
	{ { schema_001_permanent, schema_001_derived } },
	{ { schema_002_permanent } },
	{ { schema_003_permanent } },
	{ { "CREATE TABLE half (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)" } },
};
static const struct schema version_4 = { history, 4 };
static const struct schema version_5 = { history, 5 };
static const struct schema failing = { broken, 4 };

static struct store_options options_of(struct fixture *f)
{
	return (struct store_options){ .url = f->path, .must_exist = true, .busy_ms = 5000 };
}

static int64_t version_of(const char *path)
{
	struct store *store = NULL;
	int64_t version = -1;
	struct err err;

	if (GOOD(open_as_it_is(&store, path, &version_5, 1000, &err)))
		GOOD(schema_version(store, &version, &err));
	store_close(store);
	return version;
}

static void begin_old(struct fixture *f)
{
	struct store *store = fixture_open((fixture_begin(f), f));
	struct err err;

	GOOD(store_machine_label(store, STR(MACHINE_A), STR("laptop"), false, &err));
	store_close(store);
}

static void brings_up(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	struct store_info info;
	struct store_machine machine;
	struct err err;
	struct stat status;
	const char *copy;

	begin_old(&f);
	options = options_of(&f);
	GOOD(open_store(&store, &options, &version_5, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.schema_version, 5);
	GOOD(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err));
	IS_STR(machine.label, "laptop");
	store_close(store);
	copy = arena_printf(&f.arena, "%s.v3.bak", f.path).ptr;
	IS_INT(version_of(copy), 3);
	OK(stat(copy, &status) == 0);
	IS_INT(status.st_mode & 07777, 0600);
	OK(!fs_exists(arena_printf(&f.arena, "%s-wal", copy).ptr));
	/* This program is older now. */
	FAILS(store_open(&store, &options, &err), ERR_VERSION);
	fixture_end(&f);
}

static void one_step_at_a_time(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	struct err err;

	begin_old(&f);
	options = options_of(&f);
	GOOD(open_store(&store, &options, &version_4, &err));
	store_close(store);
	GOOD(open_store(&store, &options, &version_5, &err));
	store_close(store);
	IS_INT(version_of(arena_printf(&f.arena, "%s.v3.bak", f.path).ptr), 3);
	FAILS(open_store(&store, &options, &version_4, &err), ERR_VERSION);
	OK(strstr(err.message, "version 5") && strstr(err.message, "up to 4"));
	fixture_end(&f);
}

static void new_ones_start_at_the_newest(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	struct store_info info;
	struct err err;

	fixture_begin(&f);
	options = options_of(&f);
	options.must_exist = false;
	GOOD(open_store(&store, &options, &version_5, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.schema_version, 5);
	store_close(store);
	OK(!fs_exists(arena_printf(&f.arena, "%s.v3.bak", f.path).ptr));
	fixture_end(&f);
}

static void a_failing_step_changes_nothing(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	struct err err;

	begin_old(&f);
	options = options_of(&f);
	FAILS(open_store(&store, &options, &failing, &err), ERR_IO);
	store = fixture_open(&f);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	GOOD(open_store(&store, &options, &version_5, &err));
	store_close(store);
	fixture_end(&f);
}

static void not_without_a_copy(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	const char *copy;
	struct err err;

	begin_old(&f);
	options = options_of(&f);
	copy = arena_printf(&f.arena, "%s.v3.bak", f.path).ptr;
	OK(mkdir(copy, 0700) == 0); /* a rename cannot replace it */
	OK(open_store(&store, &options, &version_4, &err) < 0);
	OK(strstr(err.message, "before its migration") != NULL);
	IS_INT(version_of(f.path), 3);
	fixture_end(&f);
}

static void read_only_never_migrates(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options;
	struct err err;

	begin_old(&f);
	options = options_of(&f);
	options.read_only = true;
	FAILS(open_store(&store, &options, &version_4, &err), ERR_READONLY);
	IS_INT(version_of(f.path), 3);
	OK(!fs_exists(arena_printf(&f.arena, "%s.v3.bak", f.path).ptr));
	fixture_end(&f);
}

static void checks_versions(void)
{
	struct err err;

	GOOD(schema_check("x", 1, &version_5, &err));
	GOOD(schema_check("x", 4, &version_5, &err));
	FAILS(schema_check("x", 6, &version_5, &err), ERR_VERSION);
	FAILS(schema_check("x", 0, &version_5, &err), ERR_CORRUPT);
	FAILS(schema_check("x", -5, &version_5, &err), ERR_CORRUPT);
}

static const struct tap_case cases[] = {
	TAP_CASE(brings_up),
	TAP_CASE(one_step_at_a_time),
	TAP_CASE(new_ones_start_at_the_newest),
	TAP_CASE(a_failing_step_changes_nothing),
	TAP_CASE(not_without_a_copy),
	TAP_CASE(read_only_never_migrates),
	TAP_CASE(checks_versions),
};
TAP_MAIN(cases)
