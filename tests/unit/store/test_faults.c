/*
 * The disk fails at every call it could fail at, or is full: what is on disk is always the old
 * state or the new one, and passes verification.
 */
#include "event_stream.h"
#include "fault_changes.h"
#include "store/retention.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "base/fs.h"
#include "fault_vfs.h"
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"

enum { LAST_CALL = 3000, CHANGES = 60 };

static const struct {
	int rc;
	bool sticky;
} faults[] = {
	{ SQLITE_IOERR_WRITE, false },
	{ SQLITE_FULL, false },
	{ SQLITE_FULL, true },
};

static int change(struct store *store, struct arena *arena, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	if (intake_begin(&intake, store, err) < 0)
		return err->code;
	return change_intake(intake, CHANGES, arena, err);
}

static void prepare(struct fixture *f)
{
	struct store *store = fixture_open((fixture_begin(f), f));

	change_first(store, &f->arena);
	store_close(store);
}

static void dump_of(const char *path, struct buf *out)
{
	const struct store_options options = { .url = path, .must_exist = true };
	CLEANUP(store_closep) struct store *store = NULL;
	struct err err;

	if (GOOD(store_open(&store, &options, &err)) && GOOD(store_verify(store, NULL, &err)))
		fixture_dump(store, out);
}

struct states {
	struct buf old;
	struct buf new;
};

static void learn_states(struct states *states)
{
	struct fixture f;
	struct store *store;
	struct err err;

	prepare(&f);
	dump_of(f.path, &states->old);
	store = fixture_open(&f);
	GOOD(change(store, &f.arena, &err));
	store_close(store);
	dump_of(f.path, &states->new);
	OK(!str_eq(buf_str(&states->old), buf_str(&states->new)));
	fixture_end(&f);
}

static bool is_fault_code(int code)
{
	return code == ERR_IO || code == ERR_FULL || code == ERR_READONLY || code == ERR_NOT_FOUND;
}

/* One run with the Nth call failing; false when it met no fault. */
static bool intake_with_fault(const struct states *states, long n, size_t fault)
{
	const struct store_options options = { .busy_ms = 1000 };
	CLEANUP(buf_release) struct buf dump = BUF_INIT;
	struct store_options own = options;
	struct fixture f;
	struct store *store = NULL;
	struct err err;
	bool met;
	int rc;

	prepare(&f);
	own.url = f.path;
	fault_vfs_arm(n, faults[fault].rc, faults[fault].sticky);
	rc = store_open(&store, &own, &err);
	if (rc == 0)
		rc = change(store, &f.arena, &err);
	store_close(store);
	met = fault_vfs_disarm();
	if (rc < 0 && !OK(is_fault_code(rc)))
		printf("# call %ld: %d %s\n", n, rc, err.message);
	dump_of(f.path, &dump);
	if (rc == 0)
		OK(str_eq(buf_str(&dump), buf_str(&states->new)));
	else
		OK(str_eq(buf_str(&dump), buf_str(&states->old)) ||
			str_eq(buf_str(&dump), buf_str(&states->new)));
	fixture_end(&f);
	return met;
}

static void intake_survives_every_fault(void)
{
	struct states states = { BUF_INIT, BUF_INIT };
	long n;

	learn_states(&states);
	for (size_t fault = 0; fault < ARRAY_LEN(faults); fault++) {
		for (n = 1; n < LAST_CALL && tap.failed == 0; n++)
			if (!intake_with_fault(&states, n, fault))
				break;
		OK(n > 20 && n < LAST_CALL);
	}
	buf_release(&states.old);
	buf_release(&states.new);
}

/* Deleting what is old, with the Nth call failing: what is left is some of what was there, all of
 * the newer ones among it, and another run ends it. */
static bool retention_with_fault(long n, size_t fault)
{
	const struct retention what = { .before_ns = T0 + 10 * NS_PER_S, .held_seq = INT64_MAX };
	struct retention_result result;
	struct store_info info = { 0 };
	struct fixture f;
	struct store *store;
	struct err err;
	bool met;
	int rc;

	prepare(&f);
	store = fixture_open(&f);
	fault_vfs_arm(n, faults[fault].rc, faults[fault].sticky);
	rc = store_retention(store, &what, &result, &err);
	met = fault_vfs_disarm();
	store_close(store);
	if (rc < 0 && !OK(is_fault_code(rc)))
		printf("# call %ld: %d %s\n", n, rc, err.message);
	store = fixture_open(&f);
	GOOD(store_info(store, &info, &err));
	OK(info.events >= 11 && info.events <= 21);
	GOOD(store_verify(store, NULL, &err));
	GOOD(store_retention(store, &what, &result, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 11);
	close_all(&f, store);
	return met;
}

static void retention_survives_every_fault(void)
{
	for (size_t fault = 0; fault < ARRAY_LEN(faults); fault++) {
		long n = 1;

		while (n < LAST_CALL && tap.failed == 0 && retention_with_fault(n, fault))
			n++;
		OK(n > 10 && n < LAST_CALL);
	}
}

/* A commit returns when its bytes are on disk: the log was synced. */
static void commits_are_synced(void)
{
	struct fixture f;
	struct store *store;
	struct event event;
	long before;

	prepare(&f);
	store = fixture_open(&f);
	for (int i = 0; i < 5; i++) {
		event = event_make(&f.arena, "other", T0 + i, "n", "{}");
		event.id = arena_printf(&f.arena, "id %d", i);
		before = fault_vfs_syncs();
		IS_INT(fixture_take(store, &event), INTAKE_NEW);
		OK(fault_vfs_syncs() > before);
	}
	store_close(store);
	fixture_end(&f);
}

/* What an intake knew of a batch that was undone, it must not believe when the batch is taken
 * again. */
static bool again_with_fault(const struct states *states, long n)
{
	CLEANUP(buf_release) struct buf dump = BUF_INIT;
	struct fixture f;
	struct store *store;
	struct intake *intake = NULL;
	struct err err;
	bool met;

	prepare(&f);
	store = fixture_open(&f);
	GOOD(intake_begin(&intake, store, &err));
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	if (change_intake(intake, CHANGES, &f.arena, &err) < 0) {
		met = fault_vfs_disarm();
		if (intake_commit(intake, &err) < 0)
			OK(intake_counts(intake)->new_events == 0 && intake_pending(intake) == 0);
		GOOD(change_intake(intake, CHANGES, &f.arena, &err));
	} else {
		met = fault_vfs_disarm();
	}
	intake_free(intake);
	store_close(store);
	dump_of(f.path, &dump);
	OK(str_eq(buf_str(&dump), buf_str(&states->new)));
	fixture_end(&f);
	return met;
}

static void failed_batches_can_be_taken_again(void)
{
	struct states states = { BUF_INIT, BUF_INIT };
	long n;

	learn_states(&states);
	for (n = 1; n < LAST_CALL && tap.failed == 0; n++)
		if (!again_with_fault(&states, n))
			break;
	OK(n > 5 && n < LAST_CALL);
	buf_release(&states.old);
	buf_release(&states.new);
}

/* --- backup, restore, migration --- */

static bool backup_with_fault(long n)
{
	struct fixture f;
	struct store *store;
	const char *copy;
	CLEANUP(buf_release) struct buf want = BUF_INIT, got = BUF_INIT;
	struct err err;
	bool met;
	int rc;

	prepare(&f);
	store = fixture_open(&f);
	copy = fixture_path(&f, "copy.db");
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	rc = store_backup(store, copy, &err);
	met = fault_vfs_disarm();
	store_close(store);
	IS_INT(fs_exists(copy), rc == 0);
	if (rc == 0) {
		dump_of(f.path, &want);
		dump_of(copy, &got);
		OK(str_eq(buf_str(&want), buf_str(&got)));
	} else {
		OK(rmdir(fixture_path(&f, "data")) < 0);
		unlink(f.path);
		unlink(arena_printf(&f.arena, "%s-wal", f.path).ptr);
		unlink(arena_printf(&f.arena, "%s-shm", f.path).ptr);
		OK(rmdir(fixture_path(&f, "data")) == 0 &&
			rmdir(f.dir) == 0); /* nothing was left */
	}
	fixture_end(&f);
	return met;
}

static void backup_survives_every_fault(void)
{
	long n;

	for (n = 1; n < LAST_CALL && tap.failed == 0; n++)
		if (!backup_with_fault(n))
			break;
	OK(n > 10 && n < LAST_CALL);
}

static bool restore_with_fault(const struct states *states, long n)
{
	struct fixture f;
	struct store *store;
	const char *copy;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct err err;
	bool met;
	int rc;

	prepare(&f);
	copy = fixture_path(&f, "copy.db");
	store = fixture_open(&f);
	GOOD(store_backup(store, copy, &err));
	GOOD(change(store, &f.arena, &err));
	store_close(store);
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	rc = store_restore(f.path, copy, &err);
	met = fault_vfs_disarm();
	dump_of(f.path, &got);
	OK(str_eq(buf_str(&got), rc == 0 ? buf_str(&states->old) : buf_str(&states->new)));
	fixture_end(&f);
	return met;
}

static void restore_survives_every_fault(void)
{
	struct states states = { BUF_INIT, BUF_INIT };
	long n;

	learn_states(&states);
	for (n = 1; n < LAST_CALL && tap.failed == 0; n++)
		if (!restore_with_fault(&states, n))
			break;
	OK(n > 20 && n < LAST_CALL);
	buf_release(&states.old);
	buf_release(&states.new);
}

static const struct schema_step next_version[] = {
	{ { schema_001_permanent, schema_001_derived } },
	{ { schema_002_permanent } },
	{ { schema_003_permanent } },
	{ { "ALTER TABLE machine ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'; PRAGMA user_version = 4" } },
};

static bool migrate_with_fault(const struct states *states, long n)
{
	static const struct schema newer = { next_version, 4 };
	struct store_options options = { .must_exist = true, .busy_ms = 1000 };
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct fixture f;
	struct store *store = NULL;
	struct err err;
	bool met;

	prepare(&f);
	options.url = f.path;
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	if (open_store(&store, &options, &newer, &err) < 0)
		OK(is_fault_code(err.code));
	store_close(store);
	met = fault_vfs_disarm();
	store = NULL;
	if (GOOD(open_store(&store, &options, &newer, &err))) {
		GOOD(store_verify(store, NULL, &err));
		fixture_dump(store, &got);
		OK(str_eq(buf_str(&got), buf_str(&states->old)));
	}
	store_close(store);
	fixture_end(&f);
	return met;
}

static void migration_survives_every_fault(void)
{
	struct states states = { BUF_INIT, BUF_INIT };
	long n;

	learn_states(&states);
	for (n = 1; n < LAST_CALL && tap.failed == 0; n++)
		if (!migrate_with_fault(&states, n))
			break;
	OK(n > 20 && n < LAST_CALL);
	buf_release(&states.old);
	buf_release(&states.new);
}

/* --- a full disk --- */

/* A limit on the size of files stands for a full disk. */
static void full_disk(void)
{
	struct fixture f;
	struct store_options options, fresh;
	struct rlimit old, small;
	struct store *store;
	const char *copy;
	int64_t before;
	struct err err;

	fixture_begin(&f);
	store = fixture_open(&f);
	options = fixture_options(&f, 0);
	fresh = options;
	fresh.url = fixture_path(&f, "fresh.db");
	copy = fixture_path(&f, "copy.db");
	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = old;
	small.rlim_cur = 300000;
	OK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	FAILS(take_stream(&options, &err), ERR_FULL);
	FAILS(take_stream(&options, &err), ERR_FULL); /* still, and nothing is lost by trying */
	small.rlim_cur = 50000;
	OK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	FAILS(store_backup(store, copy, &err), ERR_FULL);
	OK(!fs_exists(copy));
	store_close(store);
	FAILS(take_stream(&fresh, &err), ERR_FULL);
	OK(!fs_exists(fresh.url));
	OK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	signal(SIGXFSZ, SIG_DFL);
	before = check_prefix(&f);
	OK(before > 0 && before < STREAM_EVENTS);
	GOOD(take_stream(&options, &err));
	IS_INT(check_prefix(&f), STREAM_EVENTS);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(intake_survives_every_fault),
	TAP_CASE(retention_survives_every_fault),
	TAP_CASE(commits_are_synced),
	TAP_CASE(failed_batches_can_be_taken_again),
	TAP_CASE(backup_survives_every_fault),
	TAP_CASE(restore_survives_every_fault),
	TAP_CASE(migration_survives_every_fault),
	TAP_CASE(full_disk),
};

int main(int argc, char **argv)
{
	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
