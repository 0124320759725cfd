/* Opening, refusing and creating stores; settings and what a store says of itself. */
#include "store_fixture.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/uuid.h"

static int open_with(struct store **store, const char *path, bool read_only, struct err *err)
{
	const struct store_options options = {
		.url = path, .read_only = read_only, .must_exist = true, .busy_ms = 200
	};

	return store_open(store, &options, err);
}

static void creates(void)
{
	struct fixture f;
	struct store *store;
	struct store_info info;
	struct stat status;
	struct err err;

	fixture_begin(&f);
	store = fixture_open(&f);
	IS_CSTR(store_path(store), f.path);
	GOOD(store_info(store, &info, &err));
	OK(uuid_valid(str_from(info.store_id)));
	IS_INT(info.schema_version, 3);
	IS_INT(info.last_seq, 0);
	IS_INT(info.events, 0);
	IS_INT(info.quarantined, 0);
	OK(info.bytes > 4096);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	OK(stat(f.path, &status) == 0);
	IS_INT(status.st_mode & 07777, 0600);
	IS_INT(info.bytes >= status.st_size, 1);
	OK(stat(fixture_path(&f, "data"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0700);
	store_close(NULL);
	fixture_end(&f);
}

static void understands_urls(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options = { 0 };
	struct err err;

	fixture_begin(&f);
	options.url = arena_printf(&f.arena, "sqlite:%s", f.path).ptr;
	GOOD(store_open(&store, &options, &err));
	IS_CSTR(store_path(store), f.path);
	store_closep(&store);
	options.url = "postgres://host/db";
	FAILS(store_open(&store, &options, &err), ERR_USAGE);
	options.url = "sqlite:";
	FAILS(store_open(&store, &options, &err), ERR_USAGE);
	fixture_end(&f);
}

static void keeps_its_id(void)
{
	struct fixture f;
	struct store *store;
	struct store_info first, second;
	struct err err;

	fixture_begin(&f);
	store = fixture_open(&f);
	GOOD(store_info(store, &first, &err));
	store_close(store);
	store = fixture_open(&f);
	GOOD(store_info(store, &second, &err));
	store_close(store);
	IS_CSTR(second.store_id, first.store_id);
	fixture_end(&f);
}

static void absent(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct err err;

	fixture_begin(&f);
	FAILS(open_with(&store, f.path, false, &err), ERR_NOT_FOUND);
	FAILS(open_with(&store, f.path, true, &err), ERR_NOT_FOUND);
	OK(!fs_exists(fixture_path(&f, "data")));
	OK(store == NULL);
	fixture_end(&f);
}

static void refuse_file(struct fixture *f, struct str content)
{
	CLEANUP(buf_release) struct buf after = BUF_INIT;
	struct store *store = NULL;
	struct err err;
	const char *path = fixture_path(f, "other.db");
	struct store_options options = { .url = path };

	GOOD(fs_write_atomic(path, content, 0600, &err));
	FAILS(store_open(&store, &options, &err), ERR_CORRUPT);
	GOOD(fs_read(path, 1 << 20, &after, &err));
	OK(str_eq(buf_str(&after), content));
}

static void refuses_what_is_no_store(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct err err;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	fixture_begin(&f);
	refuse_file(&f, STR(""));
	refuse_file(&f, STR("SQLite format 3"));
	for (int i = 0; i < 1000; i++)
		buf_addc(&text, "this is a letter\n");
	refuse_file(&f, buf_str(&text));
	FAILS(open_with(&store, f.dir, false, &err), ERR_CORRUPT);
	fixture_end(&f);
}

static void refuses_other_databases(void)
{
	struct fixture f;
	struct store *store = NULL;
	sqlite3 *db = NULL;
	struct err err;
	const char *path;

	fixture_begin(&f);
	path = fixture_path(&f, "music.db");
	IS_INT(sqlite3_open(path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, "CREATE TABLE song (title)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	FAILS(open_with(&store, path, false, &err), ERR_CORRUPT);
	OK(strstr(err.message, "not a Tidemark store") != NULL);
	fixture_end(&f);
}

static void damaged_is_never_recreated(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct stat status;
	struct err err;

	store_close(store);
	OK(truncate(f.path, 60) == 0);
	FAILS(open_with(&store, f.path, false, &err), ERR_CORRUPT);
	OK(stat(f.path, &status) == 0);
	IS_INT(status.st_size, 60);
	fixture_end(&f);
}

/* SQLite would replay the old log into a new file. */
static void log_without_store(void)
{
	struct fixture f;
	struct store *store = NULL;
	struct store_options options = { 0 };
	struct err err;
	const char *wal;

	fixture_begin(&f);
	store_close(fixture_open(&f));
	wal = arena_printf(&f.arena, "%s-wal", f.path).ptr;
	GOOD(fs_write_atomic(wal, STR("frames"), 0600, &err));
	OK(unlink(f.path) == 0);
	options.url = f.path;
	FAILS(store_open(&store, &options, &err), ERR_CORRUPT);
	OK(fs_exists(wal) && !fs_exists(f.path));
	fixture_end(&f);
}

static void newer_is_untouched(void)
{
	struct fixture f;
	CLEANUP(buf_release) struct buf before = BUF_INIT, after = BUF_INIT;
	struct store *store = NULL;
	struct err err;

	fixture_begin(&f);
	store_close(fixture_open(&f));
	fixture_poke(f.path, 63, 99); /* the low byte of user_version */
	GOOD(fs_read(f.path, 1 << 20, &before, &err));
	FAILS(open_with(&store, f.path, false, &err), ERR_VERSION);
	OK(strstr(err.message, "99") && strstr(err.message, "up to 3"));
	FAILS(open_with(&store, f.path, true, &err), ERR_VERSION);
	GOOD(fs_read(f.path, 1 << 20, &after, &err));
	OK(str_eq(buf_str(&before), buf_str(&after)));
	OK(!fs_exists(arena_printf(&f.arena, "%s-wal", f.path).ptr));
	fixture_end(&f);
}

static void newer_in_the_log(void)
{
	struct fixture f;
	struct store *keeper, *store = NULL;
	sqlite3 *db = NULL;
	struct err err;

	fixture_begin(&f);
	keeper = fixture_open(&f); /* keeps the log from being folded in */
	IS_INT(sqlite3_open(f.path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
	FAILS(open_with(&store, f.path, false, &err), ERR_VERSION);
	sqlite3_close(db);
	store_close(keeper);
	fixture_end(&f);
}

static void settings(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct str value;
	struct err err;

	GOOD(store_setting_get(store, "gap", &f.arena, &value, &err));
	IS_INT(value.len, 0);
	GOOD(store_setting_put(store, "gap", STR("30m"), &err));
	GOOD(store_setting_put(store, "gap", STR("45\0m"), &err));
	store_close(store);
	store = fixture_open(&f);
	GOOD(store_setting_get(store, "gap", &f.arena, &value, &err));
	OK(str_eq(value, STR("45\0m")));
	store_close(store);
	fixture_end(&f);
}

static void read_only(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct intake *intake = NULL;
	struct event event = event_make(&f.arena, "note", T0, "x", "{}");
	struct stored_event found;
	int64_t dropped;
	struct err err;

	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	store_close(store);
	if (!GOOD(open_with(&store, f.path, true, &err)))
		return;
	GOOD(store_event_find(store, event.id, &f.arena, &found, &err));
	FAILS(intake_begin(&intake, store, &err), ERR_READONLY);
	FAILS(intake_begin_lazy(&intake, store, &err), ERR_READONLY);
	FAILS(store_setting_put(store, "a", STR("b"), &err), ERR_READONLY);
	FAILS(store_quarantine_drop(store, 0, &dropped, &err), ERR_READONLY);
	store_close(store);
	fixture_end(&f);
}

/* Run CHECK without root's power over permissions; what it prints of failures is shown by the
 * parent. */
static void as_nobody(void (*check)(struct fixture *f), struct fixture *f)
{
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 ||
					      setresuid(65534, 65534, 65534) != 0))
			_exit(98);
		check(f);
		fflush(stdout);
		_exit(tap.failed != 0);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	OK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_read_only_dir(struct fixture *f)
{
	struct store *store = NULL;
	struct err err;
	CLEANUP(buf_release) struct buf dump = BUF_INIT;

	OK(access(f->dir, W_OK) != 0);
	if (GOOD(open_with(&store, fixture_path(f, "tt?#%.db"), true, &err)))
		fixture_dump(store, &dump);
	IS_INT(dump.len > 0, 1);
	store_close(store);
	FAILS(open_with(&store, fixture_path(f, "tt?#%.db"), false, &err), ERR_READONLY);
	FAILS(open_with(&store, fixture_path(f, "sub/none.db"), false, &err), ERR_NOT_FOUND);
}

static void check_log_in_read_only_dir(struct fixture *f)
{
	struct store *store = NULL;
	struct err err;

	FAILS(open_with(&store, fixture_path(f, "tt?#%.db"), true, &err), ERR_READONLY);
	OK(strstr(err.message, "-wal") != NULL);
}

static void read_only_directory(void)
{
	struct fixture f;
	struct store *store;
	struct event event;
	const char *path;
	struct err err;

	fixture_begin(&f);
	store = fixture_open(&f);
	event = event_make(&f.arena, "note", T0, "x", "{}");
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	store_close(store);
	path = fixture_path(&f, "tt?#%.db");
	OK(rename(f.path, path) == 0 && chmod(path, 0444) == 0 && chmod(f.dir, 0555) == 0);
	as_nobody(check_read_only_dir, &f);
	OK(chmod(f.dir, 0755) == 0);
	GOOD(fs_write_atomic(
		arena_printf(&f.arena, "%s-wal", path).ptr, STR("frames"), 0400, &err));
	OK(chmod(f.dir, 0555) == 0);
	as_nobody(check_log_in_read_only_dir, &f);
	OK(chmod(f.dir, 0755) == 0);
	fixture_end(&f);
}

static void busy(void)
{
	struct fixture f;
	struct store *first = fixture_open((fixture_begin(&f), &f)), *second = NULL;
	struct intake *holding = NULL, *waiting = NULL;
	struct store_info info;
	struct err err;

	GOOD(intake_begin(&holding, first, &err));
	GOOD(open_with(&second, f.path, false, &err));
	GOOD(store_info(second, &info, &err)); /* readers are not held up */
	FAILS(intake_begin(&waiting, second, &err), ERR_BUSY);
	OK(strstr(err.message, f.path) && strstr(err.message, "try again"));
	intake_free(holding);
	GOOD(intake_begin(&waiting, second, &err));
	intake_free(waiting);
	store_close(second);
	store_close(first);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(creates),
	TAP_CASE(understands_urls),
	TAP_CASE(keeps_its_id),
	TAP_CASE(absent),
	TAP_CASE(refuses_what_is_no_store),
	TAP_CASE(refuses_other_databases),
	TAP_CASE(damaged_is_never_recreated),
	TAP_CASE(log_without_store),
	TAP_CASE(newer_is_untouched),
	TAP_CASE(newer_in_the_log),
	TAP_CASE(settings),
	TAP_CASE(read_only),
	TAP_CASE(read_only_directory),
	TAP_CASE(busy),
};
TAP_MAIN(cases)
