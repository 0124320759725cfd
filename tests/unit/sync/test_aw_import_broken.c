/* ActivityWatch's data that is broken, cut, or changes while it is read; and faults of the store.
 */
#include "aw_world.h"
#include "fault_vfs.h"

/* --- what is refused --- */

#define BAD_EVENTS                                                                                     \
	"7," EVENT(                                                                                    \
		"08:00:00") ",{\"duration\":1,\"data\":{}},"                                           \
			    "{\"timestamp\":\"2026-01-05\",\"duration\":1,\"data\":{}},"               \
			    "{\"timestamp\":\"3026-01-05T08:00:00Z\",\"duration\":1,\"data\":{}},"     \
			    "{\"timestamp\":\"2026-01-05T08:00:00Z\",\"duration\":\"1\",\"data\":{}}," \
			    "{\"timestamp\":\"2026-01-05T08:00:00Z\",\"duration\":1e30,\"data\":{}},"  \
			    "{\"timestamp\":\"2026-01-05T08:00:00Z\",\"duration\":1,\"data\":[]},"     \
			    "{\"timestamp\":\"2026-01-05T08:00:00Z\",\"duration\":1}," EVENT(          \
				    "09:00:00")

static void check_refused(struct fixture *f, struct store *store, const char *source,
	const struct aw_import_counts *counts)
{
	struct quarantine_entry *entries;
	size_t count;
	struct err err;

	IS_INT(counts->new_events, 2);
	IS_INT(counts->quarantined, 8);
	IS_INT(reason(counts, "bad_timestamp"), 3);
	IS_INT(reason(counts, "bad_duration"), 2);
	IS_INT(reason(counts, "not_object"), 3);
	GOOD(store_quarantine(store, &f->arena, &entries, &count, &err));
	if (!IS_INT(count, 8))
		return;
	IS_STR(entries[0].source, source);
	IS_STR(entries[0].bytes, "7");
	OK(str_find_str(entries[0].detail, STR("bucket 'b'")) >= 0);
}

static void bad_events(void)
{
	static const char text[] =
		"{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[" BAD_EVENTS "]}}}";
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	struct err err;

	GOOD(take_text(&f, store, STR(text), &counts, &err));
	check_refused(&f, store, "import", &counts);
	GOOD(take_text(&f, store, STR(text), &counts, &err)); /* the same entries */
	IS_INT(counts.quarantined, 8);
	IS_INT(counts.duplicate, 2);
	close_all(&f, store);
	store = open_new(&f);
	GOOD(take_in_memory(store, STR(text), &counts, &err));
	check_refused(&f, store, "import", &counts);
	close_all(&f, store);
}

/* An event as long as may be, one that is longer, and one that is no JSON inside its brackets. */
static void long_events(void)
{
	static const char head[] = "{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[";
	struct fixture f;
	struct store *store = open_new(&f);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct aw_import_counts counts;
	struct err err;

	buf_addc(&text, head);
	for (int i = 0; i < 3; i++) {
		static const size_t lengths[] = { LIMIT_EVENT_BYTES - 8, LIMIT_EVENT_BYTES - 7,
			3 * LIMIT_EVENT_BYTES };
		size_t count = lengths[i];

		buf_addc(&text, "{\"timestamp\":\"2026-01-05T08:00:00Z\",\"data\":{\"t\":\"");
		memset(buf_reserve(&text, count), 'x', count);
		text.len += count;
		buf_addc(&text, "\"}},");
	}
	buf_addc(&text, "{nope},{\"a\":[}}," EVENT("10:00:00") "]}}}");
	GOOD(take_text(&f, store, buf_str(&text), &counts, &err));
	IS_INT(counts.new_events, 2);
	IS_INT(reason(&counts, "too_long"), 2);
	IS_INT(reason(&counts, "not_json"), 2);
	close_all(&f, store);
}

static void bad_buckets(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	struct err err;

	GOOD(take_text(&f, store,
		STR("{\"buckets\":{\"a\\u0001\":{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":[" EVENT(
			"08:00:00") "]},\"b\":{" HEAD("b") ",\"events\":[" EVENT("08:00:00") "]}}}"),
		&counts, &err));
	IS_INT(counts.new_events, 1);
	IS_INT(reason(&counts, "bad_bucket"), 2); /* the bucket and its event */
	IS_INT(counts.buckets_made, 1);
	close_all(&f, store);
}

/* A bucket of this store's own collectors is not written to. */
static void own_bucket(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event;
	struct aw_import_counts counts;
	struct err err;
	struct str before;

	event = event_make(&f.arena, "note", T0, "a", "{}");
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	before = dump(&f, store, false);
	GOOD(take_text(&f, store,
		STR("{\"buckets\":{\"claude.note@" MACHINE_A "\":{\"id\":\"claude.note@" MACHINE_A
		    "\",\"type\":\"note\",\"events\":[" EVENT("08:00:00") ",7]}}}"),
		&counts, &err));
	IS_INT(counts.buckets_readonly, 1);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.quarantined, 0);
	is_same(dump(&f, store, false), before);
	close_all(&f, store);
}

/* --- cut short --- */

/* Whatever is missing, it is said, and the whole adds the rest. */
static void cut_anywhere(void)
{
	struct fixture f;
	struct str text, want;

	fixture_begin(&f);
	text = sample_text(&f, "export_rust.json");
	want = reference(&f, false);
	for (size_t length = 0; length < text.len; length += 7) {
		struct fixture own;
		struct store *store = open_new(&own);
		struct aw_import_counts counts;
		struct err err = { 0 };

		FAILS(take_text(&own, store, str_sub(text, 0, length), &counts, &err), ERR_PARSE);
		is_same(dump(&own, store, false), STR("")); /* it is less than a batch */
		GOOD(take_text(&own, store, text, &counts, &err));
		is_same(dump(&own, store, false), want);
		store_close(store);
		fixture_end(&own);
	}
	fixture_end(&f);
}

enum { MANY = 3 * LIMIT_INTAKE_BATCH + 100 };

static void put_many(struct buf *out)
{
	char text[TIME_TEXT_BYTES];

	buf_addc(out, "{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[");
	for (int i = 0; i < MANY; i++)
		buf_printf(out,
			"%s{\"timestamp\":\"%s\",\"duration\":0.5,\"data\":{\"title\":\"%d\"}}",
			i > 0 ? "," : "", time_format(T0 + i * NS_PER_S, 0, text), i % 50);
	buf_addc(out, "]}}}");
}

struct seen {
	int calls;
	int64_t done, total;
};

static void see(void *context, int64_t done, int64_t total)
{
	struct seen *seen = context;

	OK(done > seen->done && done <= total);
	*seen = (struct seen){ seen->calls + 1, done, total };
}

static void batches(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct aw_import_options options = usual;
	struct aw_import_counts counts;
	struct seen seen = { 0 };
	struct err err;

	put_many(&text);
	FAILS(take_text(&f, store, str_sub(buf_str(&text), 0, text.len - 200), &counts, &err),
		ERR_PARSE);
	OK(str_find_str(str_from(err.message), STR("it ends at byte")) > 0);
	IS_INT(counts.new_events, 3 * LIMIT_INTAKE_BATCH); /* what is in the store */
	options.progress = see;
	options.context = &seen;
	GOOD(aw_import_file(
		store, put_file(&f, "export.json", buf_str(&text)), &options, &counts, &err));
	IS_INT(counts.new_events, 100);
	IS_INT(counts.duplicate, 3 * LIMIT_INTAKE_BATCH);
	IS_INT(seen.calls, 3);
	IS_INT(seen.total, text.len);
	close_all(&f, store);
}

/* --- databases that are no good, or change --- */

static void bad_rows(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	struct quarantine_entry *entries;
	const char *path;
	size_t count;
	struct err err;

	path = sample_database(&f, "rust_v5");
	sample_run(path, "INSERT INTO events (bucketrow, starttime, endtime, data) VALUES"
			 " (1, 'never', 5, '{}'), (1, 1, 2, 'no json'), (1, 1, 2, '[]'),"
			 " (1, 9223372036854775807, 9223372036854775807, '{}')");
	GOOD(aw_import_database(store, path, f.dir, &usual, &counts, &err));
	IS_INT(counts.new_events, SAMPLE_DISTINCT);
	IS_INT(counts.quarantined, 4);
	IS_CSTR(counts.server, "aw-server-rust");
	IS_INT(counts.version, 5);
	IS_INT(reason(&counts, "bad_timestamp"), 2);
	IS_INT(reason(&counts, "not_json"), 1);
	IS_INT(reason(&counts, "not_object"), 1);
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	for (size_t i = 0; i < count; i++)
		if (entries[i].offset == SAMPLE_EVENTS + 1)
			IS_STR(entries[i].bytes,
				"{\"row\":9,\"starts\":\"never\",\"ends\":\"5\",\"data\":\"{}\"}");
	close_all(&f, store);
}

/* The server adds an event after the first batch, once: what was read begins again. */
struct meddler {
	const char *path;
	int times; /* that it still will */
};

static void meddle(void *context, int64_t done, int64_t total)
{
	struct meddler *meddler = context;

	(void)done;
	(void)total;
	if (meddler->times-- > 0)
		sample_run(meddler->path,
			"INSERT INTO events (bucketrow, starttime, endtime, data)"
			" SELECT 4, max(starttime) + 7, max(endtime) + 9, '{}' FROM events");
}

static void changing(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_options options = usual;
	struct meddler meddler = { .times = 1 };
	struct aw_import_counts counts;
	struct err err;

	meddler.path = sample_database(&f, "rust_v5");
	sample_run(meddler.path,
		"WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
		" INSERT INTO events (bucketrow, starttime, endtime, data)"
		" SELECT 4, i * 1000, i * 1000, '{}' FROM n");
	options.progress = meddle;
	options.context = &meddler;
	GOOD(aw_import_database(store, meddler.path, f.dir, &options, &counts, &err));
	IS_INT(counts.new_events, SAMPLE_DISTINCT + 12000 + 1);
	IS_INT(counts.duplicate, 1);
	IS_INT(counts.buckets_made, SAMPLE_BUCKETS);
	IS_INT(counts.buckets_known, 0);
	IS_INT(counts.settings, 2);
	meddler.times = 1000;
	FAILS(aw_import_database(store, meddler.path, f.dir, &options, &counts, &err), ERR_BUSY);
	close_all(&f, store);
}

/* --- faults --- */

/* The Nth call that could fail does; then it is imported again. False: nothing failed any more. */
static bool with_fault(const struct sample *sample, const char *path, long n, struct str want)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	struct err err = { 0 };
	bool met;
	int rc;

	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	rc = sample->database ? aw_import_database(store, path, f.dir, &usual, &counts, &err)
			      : aw_import_file(store, path, &usual, &counts, &err);
	met = fault_vfs_disarm();
	OK(met || rc == 0);
	if (rc < 0)
		OK(err.message[0] != '\0');
	else
		is_same(dump(&f, store, false), want);
	GOOD(sample->database ? aw_import_database(store, path, f.dir, &usual, &counts, &err)
			      : aw_import_file(store, path, &usual, &counts, &err));
	is_same(dump(&f, store, false), want);
	close_all(&f, store);
	return met;
}

static void faults(void)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i += 6) { /* an export and a database */
		struct fixture f;
		const char *path;
		struct str want;
		long n = 1;

		fixture_begin(&f);
		path = samples[i].database
			       ? sample_database(&f, samples[i].name)
			       : put_file(&f, "export.json", sample_text(&f, samples[i].name));
		want = reference(&f, false);
		while (with_fault(&samples[i], path, n, want))
			n++;
		OK(n > 10);
		fixture_end(&f);
	}
}

static const struct tap_case cases[] = { TAP_CASE(bad_events), TAP_CASE(long_events),
	TAP_CASE(bad_buckets), TAP_CASE(own_bucket), TAP_CASE(cut_anywhere), TAP_CASE(batches),
	TAP_CASE(bad_rows), TAP_CASE(changing), TAP_CASE(faults) };

int main(int argc, char **argv)
{
	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
