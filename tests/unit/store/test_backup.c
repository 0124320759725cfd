/* Verification, backup and restore. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "base/fs.h"

static void fill(struct store *store, struct fixture *f, int from, int count)
{
	struct intake *intake = NULL;
	enum intake_result result;
	struct err err;

	GOOD(intake_begin(&intake, store, &err));
	for (int i = from; i < from + count; i++) {
		struct event event =
			event_make(&f->arena, "note", T0 + i * NS_PER_S, "n", "{\"a\":1}");

		GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
}

static int64_t events_in(const char *path, char store_id[40])
{
	const struct store_options options = { .url = path, .must_exist = true, .read_only = true };
	struct store *store = NULL;
	struct store_info info = { 0 };
	struct err err;

	if (GOOD(store_open(&store, &options, &err))) {
		GOOD(store_info(store, &info, &err));
		GOOD(store_verify(store, NULL, &err));
	}
	store_close(store);
	memcpy(store_id, info.store_id, 40);
	return info.events;
}

static bool exists(struct fixture *f, const char *path, const char *suffix)
{
	return fs_exists(arena_printf(&f->arena, "%s%s", path, suffix).ptr);
}

/* --- verification --- */

static const struct {
	const char *sql;
	const char *word; /* in the report */
} damages[] = {
	{ "DELETE FROM dict", "without data" },
	{ "UPDATE dict SET body = '{\"a\":2}'", "differ from what was stored" },
	{ "DELETE FROM odd_id", "not found by their id" },
	{ "INSERT INTO odd_id VALUES ('ghost', 3, 5); UPDATE store_state SET odd_ids = odd_ids + 1",
		"not there" },
	{ "UPDATE store_state SET events = events + 1", "more or less than counted" },
	{ "UPDATE store_state SET quarantined = 9", "more or less than counted" },
	{ "UPDATE store_state SET last_seq = 1", "beyond the store's change number" },
	{ "UPDATE bucket SET events = events - 1", "more or fewer" },
	{ "PRAGMA foreign_keys = OFF; DELETE FROM machine", "refers to a missing row" },
	{ "PRAGMA foreign_keys = OFF; DELETE FROM bucket", "without a bucket" },
	{ "INSERT INTO tombstone VALUES ('dead', 1, 0, 0, 1);"
	  "UPDATE store_state SET tombstones = 1",
		"share" },
	{ "INSERT INTO tombstone VALUES ('odd', 1, 0, 0, 99);"
	  "UPDATE store_state SET tombstones = 1, last_seq = 99",
		"still there" },
	{ "DELETE FROM derived_mark", "state and mark" },
	{ "UPDATE bucket SET end_ns = end_ns + 1", "bounds" },
	{ "UPDATE bucket SET longest_ns = -1", "bounds" },
	{ "UPDATE bucket SET changed_seq = 0", "bounds" },
	{ "UPDATE bucket SET changed_seq = 1000000", "changes of buckets beyond" },
	{ "UPDATE event SET number = 7 WHERE key = 'odd'", "not given out" },
	{ "INSERT INTO aw_bucket VALUES (1, 1, 'b', '', '', '', '{}', 0)", "another name" },
	{ "INSERT INTO aw_bucket VALUES (1, 9, 'b', '', '', '', '{}', 0)", "missing row" },
	{ "INSERT INTO aw_setting VALUES ('k', '{')", "no JSON" },
	{ "INSERT INTO user VALUES ('u', 'a@b', 0);"
	  "INSERT INTO api_key VALUES ('k', 'u', '', 1, x'00', 0, 0, 0, 0, '')",
		"SHA-256" },
};

static void check_damage(size_t index)
{
	CLEANUP(buf_release) struct buf report = BUF_INIT;
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event odd = event_make(&f.arena, "note", T0, "n", "{\"a\":1}");
	sqlite3 *db = NULL;
	struct err err;

	odd.id = STR("odd");
	fixture_take(store, &odd);
	fill(store, &f, 1, 5);
	GOOD(store_verify(store, &report, &err));
	IS_INT(report.len, 0);
	IS_INT(sqlite3_open(f.path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, damages[index].sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	FAILS(store_verify(store, &report, &err), ERR_CORRUPT);
	if (!OK(str_find_str(buf_str(&report), str_from(damages[index].word)) >= 0))
		printf("# %s: %s\n", damages[index].sql, buf_cstr(&report));
	OK(str_ends(buf_str(&report), STR("\n")));
	FAILS(store_verify(store, NULL, &err), ERR_CORRUPT);
	store_close(store);
	fixture_end(&f);
}

static void finds_damage(void)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		check_damage(i);
}

static void finds_torn_pages(void)
{
	CLEANUP(buf_release) struct buf report = BUF_INIT;
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct stat status;
	struct err err;

	fill(store, &f, 0, 3000);
	store_close(store);
	OK(stat(f.path, &status) == 0);
	for (long at = status.st_size - 8 * 4096; at < status.st_size; at += 7)
		fixture_poke(f.path, at, 0x5a);
	store = fixture_open(&f);
	FAILS(store_verify(store, &report, &err), ERR_CORRUPT);
	OK(report.len > 0);
	store_close(store);
	fixture_end(&f);
}

/* --- backup --- */

static void backs_up(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f)), *writer = fixture_open(&f);
	struct intake *intake = NULL;
	struct event open_event;
	enum intake_result result;
	struct stat status;
	struct store_info info;
	const char *copy;
	char store_id[40];
	struct err err;

	copy = fixture_path(&f, "copy.db");
	open_event = event_make(&f.arena, "note", T0 - NS_PER_S, "n", "{}");
	fill(store, &f, 0, 100);
	GOOD(intake_begin(&intake, writer, &err)); /* others write meanwhile */
	GOOD(intake_event(intake, &open_event, &fixture_origin, &result, &err));
	GOOD(store_backup(store, copy, &err));
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 101);
	IS_INT(events_in(copy, store_id), 100);
	IS_CSTR(store_id, info.store_id);
	OK(stat(copy, &status) == 0);
	IS_INT(status.st_mode & 07777, 0600);
	OK(!exists(&f, copy, "-wal") && !exists(&f, copy, "-shm"));
	FAILS(store_backup(store, copy, &err), ERR_EXISTS);
	FAILS(store_backup(store, fixture_path(&f, "no/dir/copy.db"), &err), ERR_NOT_FOUND);
	store_close(writer);
	store_close(store);
	fixture_end(&f);
}

static int count_files(const struct fixture *f)
{
	CLEANUP(buf_release) struct buf command = BUF_INIT;
	FILE *pipe;
	int count = -1;

	buf_printf(&command, "ls -A '%s' | wc -l", f->dir);
	pipe = popen(buf_cstr(&command), "re");
	OK(pipe && fscanf(pipe, "%d", &count) == 1);
	if (pipe)
		pclose(pipe);
	return count;
}

static void a_bad_copy_is_removed(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	sqlite3 *db = NULL;
	struct err err;

	fill(store, &f, 0, 10);
	IS_INT(sqlite3_open(f.path, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, "DELETE FROM dict", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	FAILS(store_backup(store, fixture_path(&f, "copy.db"), &err), ERR_CORRUPT);
	IS_INT(count_files(&f), 1); /* "data" */
	store_close(store);
	fixture_end(&f);
}

/* --- restore --- */

static const char *make_backup(struct fixture *f)
{
	struct store *store = fixture_open(f);
	const char *copy = fixture_path(f, "copy.db");
	struct err err;

	fill(store, f, 0, 50);
	GOOD(store_backup(store, copy, &err));
	fill(store, f, 50, 50);
	store_close(store);
	return copy;
}

static void restores(void)
{
	struct fixture f;
	const char *copy, *old;
	char before[40], after[40], of_copy[40];
	struct err err;

	fixture_begin(&f);
	copy = make_backup(&f);
	old = arena_printf(&f.arena, "%s.before-restore", f.path).ptr;
	IS_INT(events_in(f.path, before), 100);
	GOOD(store_restore(f.path, copy, &err));
	OK(!exists(&f, f.path, "-wal") && !exists(&f, old, "-wal"));
	IS_INT(events_in(f.path, after), 50);
	OK(strcmp(before, after) != 0);
	IS_INT(events_in(old, after), 100);
	IS_CSTR(after, before);
	IS_INT(events_in(copy, of_copy), 50);
	/* Again: the newer old one is kept. */
	GOOD(store_restore(f.path, copy, &err));
	IS_INT(events_in(old, after), 50);
	fixture_end(&f);
}

/* What the old store had only in its log is in the file that is set aside. */
static void keeps_the_log(void)
{
	struct fixture f;
	struct store *store;
	const char *copy, *old, *saved;
	CLEANUP(buf_release) struct buf command = BUF_INIT;
	char store_id[40];
	struct err err;

	fixture_begin(&f);
	copy = make_backup(&f);
	old = arena_printf(&f.arena, "%s.before-restore", f.path).ptr;
	saved = fixture_path(&f, "saved");
	/* As a crash leaves it: copied while open. */
	store = fixture_open(&f);
	fill(store, &f, 100, 7);
	buf_printf(&command, "mkdir '%s' && cp '%s' '%s-wal' '%s'", saved, f.path, f.path, saved);
	IS_INT(system(buf_cstr(&command)), 0);
	store_close(store);
	buf_clear(&command);
	buf_printf(&command, "cp '%s'/* '%s'/", saved, fixture_path(&f, "data"));
	IS_INT(system(buf_cstr(&command)), 0);
	OK(exists(&f, f.path, "-wal"));
	GOOD(store_restore(f.path, copy, &err));
	OK(!exists(&f, f.path, "-wal"));
	IS_INT(events_in(f.path, store_id), 50);
	IS_INT(events_in(old, store_id), 107);
	fixture_end(&f);
}

static void not_while_in_use(void)
{
	struct fixture f;
	struct store *store;
	const char *copy;
	char store_id[40];
	struct err err;

	fixture_begin(&f);
	copy = make_backup(&f);
	store = fixture_open(&f);
	FAILS(store_restore(f.path, copy, &err), ERR_BUSY);
	fill(store, &f, 100, 1); /* still whole and in use */
	store_close(store);
	IS_INT(events_in(f.path, store_id), 101);
	OK(!exists(&f, f.path, ".before-restore"));
	fixture_end(&f);
}

static void refuses_bad_backups(void)
{
	struct fixture f;
	const char *copy, *bad;
	char store_id[40];
	sqlite3 *db = NULL;
	struct err err;

	fixture_begin(&f);
	copy = make_backup(&f);
	bad = fixture_path(&f, "bad.db");
	FAILS(store_restore(f.path, bad, &err), ERR_NOT_FOUND);
	FAILS(store_restore(f.path, f.path, &err), ERR_USAGE);
	GOOD(fs_write_atomic(bad, STR("no store"), 0600, &err));
	FAILS(store_restore(f.path, bad, &err), ERR_CORRUPT);
	IS_INT(sqlite3_open(copy, &db), SQLITE_OK);
	IS_INT(sqlite3_exec(db, "UPDATE store_state SET events = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	FAILS(store_restore(f.path, copy, &err), ERR_CORRUPT);
	fixture_poke(copy, 63, 77);
	FAILS(store_restore(f.path, copy, &err), ERR_VERSION);
	IS_INT(events_in(f.path, store_id), 100);
	OK(!exists(&f, f.path, ".before-restore"));
	IS_INT(count_files(&f), 3); /* data, copy.db, bad.db */
	fixture_end(&f);
}

static void replaces_damaged_and_missing_stores(void)
{
	struct fixture f;
	const char *copy, *elsewhere, *wal;
	char store_id[40];
	CLEANUP(buf_release) struct buf kept = BUF_INIT;
	struct err err;

	fixture_begin(&f);
	copy = make_backup(&f);
	wal = arena_printf(&f.arena, "%s-wal", f.path).ptr;
	GOOD(fs_write_atomic(f.path, STR("garbage"), 0600, &err));
	GOOD(fs_write_atomic(wal, STR("its log"), 0600, &err));
	GOOD(store_restore(f.path, copy, &err));
	IS_INT(events_in(f.path, store_id), 50);
	GOOD(fs_read(arena_printf(&f.arena, "%s.before-restore", f.path).ptr, 100, &kept, &err));
	IS_STR(buf_str(&kept), "garbage");
	OK(exists(&f, f.path, ".before-restore-wal"));
	elsewhere = fixture_path(&f, "new/place/tt.db");
	GOOD(store_restore(elsewhere, copy, &err));
	IS_INT(events_in(elsewhere, store_id), 50);
	OK(!exists(&f, elsewhere, ".before-restore"));
	fixture_end(&f);
}

/* What a process left that was killed: only when it is old enough to be nobody's. */
static void sweeps_up(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	const struct timespec old[] = { { 1000, 0 }, { 1000, 0 } };
	const char *copy = fixture_path(&f, "a[b]*.db");
	const char *stale = arena_printf(&f.arena, "%s.0123abcd.tmp", copy).ptr;
	const char *fresh = arena_printf(&f.arena, "%s.89abcdef.tmp", copy).ptr;
	const char *other = arena_printf(&f.arena, "%s.my-notes.tmp", copy).ptr;
	struct err err;

	GOOD(fs_write_atomic(stale, STR("half"), 0600, &err));
	GOOD(fs_write_atomic(fresh, STR("half"), 0600, &err));
	GOOD(fs_write_atomic(other, STR("mine"), 0600, &err));
	OK(utimensat(AT_FDCWD, stale, old, 0) == 0 && utimensat(AT_FDCWD, other, old, 0) == 0);
	GOOD(store_backup(store, copy, &err));
	OK(!exists(&f, stale, ""));
	OK(exists(&f, fresh, ""));
	OK(exists(&f, other, ""));
	store_close(store);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(finds_damage),
	TAP_CASE(finds_torn_pages),
	TAP_CASE(backs_up),
	TAP_CASE(sweeps_up),
	TAP_CASE(a_bad_copy_is_removed),
	TAP_CASE(restores),
	TAP_CASE(keeps_the_log),
	TAP_CASE(not_while_in_use),
	TAP_CASE(refuses_bad_backups),
	TAP_CASE(replaces_damaged_and_missing_stores),
};
TAP_MAIN(cases)
