/* Databases of ActivityWatch's servers, of every release. */
#include "aw_samples.h"
#include "foreign_fixture.h"
#include "store/foreign_aw.h"

#define AW_T0 INT64_C(1767600000000000000) /* 2026-01-05T08:00:00Z */

/* Of all events: how many, how many good, and sums that any mistake would change. */
struct sums {
	int64_t events, good, start_ns, duration_ns, data_bytes;
	struct foreign_aw_event last; /* without texts */
};

static int add(void *context, const struct foreign_aw_event *event, struct err *err)
{
	struct sums *sums = context;

	(void)err;
	sums->events++;
	sums->good += event->good;
	sums->start_ns += event->good ? event->start_ns - AW_T0 : 0;
	sums->duration_ns += event->good ? event->duration_ns : 0;
	sums->data_bytes += (int64_t)event->data.len;
	sums->last = *event;
	return 0;
}

static struct sums sum_up(struct foreign_aw *db, int64_t bucket_row)
{
	struct sums sums = { 0 };
	struct err err;

	GOOD(foreign_aw_events(db, bucket_row, add, &sums, &err));
	return sums;
}

static void check_buckets(struct fixture *f, struct foreign_aw *db, bool has_data)
{
	struct foreign_aw_bucket *buckets;
	size_t count;
	struct err err;

	GOOD(foreign_aw_buckets(db, &f->arena, &buckets, &count, &err));
	if (!IS_INT(count, SAMPLE_BUCKETS))
		return;
	IS_STR(buckets[0].id, "aw-watcher-window_laptop");
	IS_STR(buckets[0].type, "currentwindow");
	IS_STR(buckets[0].client, "aw-watcher-window");
	IS_STR(buckets[0].hostname, "laptop");
	OK(str_starts(buckets[0].created, STR("2026-01-05")));
	IS_STR(buckets[2].id, "aw-watcher-window_desk-synced-from-desk");
	OK((str_find_str(buckets[2].data, STR("aw.sync.origin")) > 0) == has_data);
}

/* The history that all samples have. */
static void check_events(struct foreign_aw *db)
{
	struct sums window = sum_up(db, 1), afk = sum_up(db, 2), synced = sum_up(db, 3);

	IS_INT(window.events, 5);
	IS_INT(window.good, 5);
	IS_INT(window.start_ns, INT64_C(123000000) + 2 * INT64_C(5623000000) + 30 * NS_PER_S);
	IS_INT(window.duration_ns, INT64_C(66501000000));
	IS_INT(afk.events, 2);
	IS_INT(afk.start_ns, NS_PER_HOUR);
	IS_INT(afk.duration_ns, NS_PER_HOUR - 250 * NS_PER_MS);
	IS_INT(synced.events, 1);
	IS_INT(synced.last.start_ns, AW_T0 + 30 * NS_PER_MINUTE + NS_PER_MS);
	IS_INT(synced.last.duration_ns, INT64_C(12000001000));
	IS_INT(sum_up(db, 4).events, 0);
}

static void check_sample(const char *name, enum foreign_aw_kind kind, int version, bool has_data)
{
	struct fixture f;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	struct foreign_aw_setting *settings;
	const char *path;
	int64_t events;
	size_t count;
	struct str before;
	struct err err;

	begin_world(&f);
	path = sample_database(&f, name);
	before = picture(&f, f.dir);
	if (GOOD(foreign_aw_open(&db, path, NULL, &err))) {
		IS_INT(foreign_aw_kind(db), kind);
		IS_INT(foreign_aw_version(db), version);
		check_buckets(&f, db, has_data);
		GOOD(foreign_aw_count(db, &events, &err));
		IS_INT(events, SAMPLE_EVENTS);
		check_events(db);
		GOOD(foreign_aw_settings(db, &f.arena, &settings, &count, &err));
		if (IS_INT(count, version >= 4 ? 2 : 0) && count > 0) {
			IS_STR(settings[1].key, "startOfDay");
			IS_STR(settings[1].value, "\"04:00\"");
		}
		GOOD(foreign_aw_check(db, &err));
	}
	same(&f, f.dir, before);
	fixture_end(&f);
}

static void rust(void)
{
	check_sample("rust_v1", FOREIGN_AW_RUST, 1, false);
	check_sample("rust_v2", FOREIGN_AW_RUST, 2, true);
	check_sample("rust_v3", FOREIGN_AW_RUST, 3, true);
	check_sample("rust_v4", FOREIGN_AW_RUST, 4, true);
	check_sample("rust_v5", FOREIGN_AW_RUST, 5, true);
}

static void python(void)
{
	check_sample("peewee_v2", FOREIGN_AW_PEEWEE, 0, true);
	check_sample("peewee_v2_old", FOREIGN_AW_PEEWEE, 0, false);
	check_sample("sqlite_v1", FOREIGN_AW_SQLITE_V1, 0, true);
}

/* A server that runs, or was killed, has all its rows in the log; in the file there is nothing. */
static void log_not_merged(void)
{
	for (int killed = 0; killed < 2; killed++) {
		struct fixture f;
		const char *path = begin_world(&f);
		CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
		struct writer writer = writer_start(path);
		struct str before;
		struct err err;

		IS_INT(run(&writer, "PRAGMA journal_mode = WAL"), SQLITE_OK);
		IS_INT(run(&writer, "PRAGMA wal_autocheckpoint = 0"), SQLITE_OK);
		IS_INT(run(&writer, sample_text(&f, "rust_v5.sql").ptr), SQLITE_OK);
		if (killed)
			writer_end(&writer, true);
		before = picture(&f, fixture_path(&f, "theirs"));
		if (GOOD(foreign_aw_open(&db, path, NULL, &err))) {
			check_events(db);
			OK(foreign_aw_version(db) >= 4); /* where the header is in the log */
			GOOD(foreign_aw_check(db, &err));
		}
		foreign_aw_closep(&db);
		same(&f, fixture_path(&f, "theirs"), before);
		if (!killed)
			writer_end(&writer, false);
		fixture_end(&f);
	}
}

/* What an open transaction of an older server has written shall not be seen. */
static void journal_there(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	struct writer writer = writer_start(path);
	struct str before;
	struct err err;

	IS_INT(run(&writer, "PRAGMA cache_size = 1"), SQLITE_OK);
	IS_INT(run(&writer, sample_text(&f, "rust_v4.sql").ptr), SQLITE_OK);
	IS_INT(run(&writer, "BEGIN IMMEDIATE; UPDATE events SET starttime = 1, endtime = 2;"
			    "INSERT INTO events (bucketrow, starttime, endtime, data)"
			    " SELECT 1, 1, 2, hex(zeroblob(3000)) FROM events;"),
		SQLITE_OK);
	writer_end(&writer, true);
	OK(fs_exists(fixture_path(&f, "theirs/x.db-journal")));
	before = picture(&f, fixture_path(&f, "theirs"));
	if (GOOD(foreign_aw_open(&db, path, NULL, &err)))
		check_events(db);
	foreign_aw_closep(&db);
	same(&f, fixture_path(&f, "theirs"), before);
	fixture_end(&f);
}

static void changed_meanwhile(void)
{
	struct fixture f;
	const char *path;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	struct err err;

	begin_world(&f);
	path = sample_database(&f, "rust_v3");
	GOOD(foreign_aw_open(&db, path, NULL, &err));
	GOOD(foreign_aw_check(db, &err));
	make(path, "DELETE FROM events WHERE id = 1");
	FAILS(foreign_aw_check(db, &err), ERR_BUSY);
	fixture_end(&f);
}

/* --- rows that are no events --- */

static struct sums sums_after(const char *sample, const char *sql, int64_t bucket_row)
{
	struct fixture f;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	struct sums sums = { 0 };
	const char *path;
	struct err err;

	begin_world(&f);
	path = sample_database(&f, sample);
	sample_run(path, sql);
	if (GOOD(foreign_aw_open(&db, path, NULL, &err)))
		sums = sum_up(db, bucket_row);
	fixture_end(&f);
	return sums;
}

static void bad_rows(void)
{
	struct sums sums = sums_after("rust_v5",
		"INSERT INTO events (bucketrow, starttime, endtime, data) VALUES"
		" (4, 'x', 2, '{}'), (4, 1, X'00', '{}'), (4, -9223372036854775807, 9223372036854775807, '{}'),"
		" (4, 1.5e30, 2, '{}'), (4, 5, 3, 'no json')",
		4);

	IS_INT(sums.events, 5);
	IS_INT(sums.good, 1);
	IS_INT(sums.duration_ns, -2);
	sums = sums_after("peewee_v2",
		"INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES"
		" (4, '2026-01-05', 1, '{}'), (4, 5, 1, '{}'), (4, '2026-01-05 08:00:00', 'x', '{}'),"
		" (4, '2026-01-05 08:00:00+00:00', 1e300, '{}'),"
		" (4, '2026-01-05 08:00:00+00:00', 9300000000, '{}'), (4, '3026-01-05 08:00:00+00:00', 1, '{}')",
		4);
	IS_INT(sums.events, 6);
	IS_INT(sums.good, 0);
	sums = sums_after("peewee_v2",
		"INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES"
		" (4, '2026-01-05T08:00:00.5+0000', '1.25', '{}'), (4, '2026-01-05 08:00:01', 2, '{}')",
		4);
	IS_INT(sums.good, 2);
	IS_INT(sums.start_ns, 1500 * NS_PER_MS);
	IS_INT(sums.duration_ns, 3250 * NS_PER_MS);
	sums = sums_after("sqlite_v1",
		"INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES"
		" (4, 1767600000000001, 1767600001000000.0, '{}'), (4, 9300000000000000, 0, '{}')",
		4);
	IS_INT(sums.good, 1);
	IS_INT(sums.start_ns, 1000);
	IS_INT(sums.duration_ns, NS_PER_S - 1000);
}

/* --- what is not one of them --- */

static void refused(const char *sql, int code)
{
	struct fixture f;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	const char *path = begin_world(&f);
	struct err err;

	sample_run(path, sql);
	FAILS(foreign_aw_open(&db, path, NULL, &err), code);
	if (code == ERR_VERSION)
		OK(str_starts(str_from(err.message), STR("unknown_schema")));
	fixture_end(&f);
}

static void no_database(void)
{
	struct fixture f;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	const char *path = begin_world(&f);
	char noise[4096];
	struct err err;

	refused("CREATE TABLE moz_places(id INTEGER)", ERR_VERSION);
	refused("CREATE TABLE buckets(id INTEGER, name TEXT); CREATE TABLE events(id INTEGER)",
		ERR_VERSION);
	refused("CREATE TABLE t(a); DROP TABLE t", ERR_VERSION);
	FAILS(foreign_aw_open(&db, path, NULL, &err), ERR_NOT_FOUND);
	memset(noise, 0x5a, sizeof(noise)); /* as an encrypted file */
	GOOD(fs_write_atomic(path, (struct str){ noise, sizeof(noise) }, 0600, &err));
	FAILS(foreign_aw_open(&db, path, NULL, &err), ERR_CORRUPT);
	fixture_end(&f);
}

static void newer(void)
{
	struct fixture f;
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	const char *path;
	struct err err;

	begin_world(&f);
	path = sample_database(&f, "rust_v5");
	sample_run(path, "PRAGMA user_version = 6");
	FAILS(foreign_aw_open(&db, path, NULL, &err), ERR_VERSION);
	OK(str_starts(str_from(err.message), STR("unknown_schema")));
	fixture_end(&f);
}

static const struct tap_case cases[] = { TAP_CASE(rust), TAP_CASE(python), TAP_CASE(log_not_merged),
	TAP_CASE(journal_there), TAP_CASE(changed_meanwhile), TAP_CASE(bad_rows),
	TAP_CASE(no_database), TAP_CASE(newer) };
TAP_MAIN(cases)
