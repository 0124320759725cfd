/* ActivityWatch's data into a store: the same from everywhere. */
#include "aw_world.h"

static void same_from_everywhere(void)
{
	setenv("TZ", "UTC", 1); /* peewee writes local times into `created` */
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		struct err err;

		if (!GOOD(take_sample(&f, store, &samples[i], &counts, &err)))
			printf("# %s\n", samples[i].name);
		IS_INT(counts.new_events, SAMPLE_DISTINCT);
		IS_INT(counts.duplicate, SAMPLE_EVENTS - SAMPLE_DISTINCT);
		IS_INT(counts.quarantined, 0);
		IS_INT(counts.buckets_made, SAMPLE_BUCKETS);
		is_same(dump(&f, store, samples[i].plain), reference(&f, samples[i].plain));
		GOOD(take_sample(&f, store, &samples[i], &counts, &err));
		is_all_known(&counts);
		close_all(&f, store);
	}
}

/* All of them into one store: the first makes everything. */
static void one_after_another(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	struct str before;
	struct err err;

	GOOD(take_sample(&f, store, &samples[5], &counts, &err)); /* with settings */
	IS_INT(counts.settings, 2);
	before = dump(&f, store, false);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		GOOD(take_sample(&f, store, &samples[i], &counts, &err));
		is_all_known(&counts);
	}
	is_same(dump(&f, store, false), before);
	close_all(&f, store);
}

/* --- exports --- */

static void in_memory(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		struct err err;

		GOOD(take_in_memory(store, sample_text(&f, samples[i].name), &counts, &err));
		IS_INT(counts.new_events, SAMPLE_DISTINCT);
		is_same(dump(&f, store, false), reference(&f, false));
		GOOD(take_sample(&f, store, &samples[i], &counts, &err));
		is_all_known(&counts);
		close_all(&f, store);
	}
}

/* Other shapes than the servers' own; each has two events in bucket b. */
static void shapes(void)
{
	static const char *const texts[] = {
		"{\"buckets\":{\"b\":{\"events\":[" EVENT("08:00:00") "," EVENT(
			"09:00:00") "]," HEAD("b") "}}}",
		"\xef\xbb\xbf { \"version\" : [1, {\"buckets\": 2}],\n \"buckets\" : { \"x\" : {" HEAD(
			"b") ", \"events\" : [ " EVENT("08:00:00") " ,\n" EVENT("09:00:00") " ] } } } \n",
		"{\"buckets\":[{" HEAD("b") ",\"events\":[" EVENT("08:00:00") "," EVENT(
			"09:00:00") "]}]}",
		"[{" HEAD("b") ",\"events\":[" EVENT("08:00:00") "," EVENT("09:00:00") "]}]",
		"{" HEAD("b") ",\"events\":[" EVENT("08:00:00") "," EVENT("09:00:00") "]}",
		"{\"buckets\":{\"b\":{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":[" EVENT(
			"08:00:00") "," EVENT("09:00:00") "]}}}",
		"{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[" EVENT(
			"08:00:00") "]},\"other\":{" HEAD("b") ",\"events\":[" EVENT("09:00:00") "]}}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		struct aw_bucket bucket = { 0 };
		struct err err;

		if (!GOOD(take_text(&f, store, str_from(texts[i]), &counts, &err)))
			printf("# %s\n", texts[i]);
		IS_INT(counts.new_events, 2);
		if (GOOD(aw_bucket_find(store, STR("b"), &f.arena, &bucket, &err))) {
			IS_INT(bucket.events, 2);
			IS_STR(bucket.type, "t");
			IS_STR(bucket.client, "c");
			IS_STR(bucket.hostname, "h");
		}
		GOOD(take_in_memory(
			store, str_sub(str_from(texts[i]), 0, strlen(texts[i])), &counts, &err));
		IS_INT(counts.duplicate, 2);
		close_all(&f, store);
	}
}

#define AT(hour, seconds, n)                                                                       \
	"{\"timestamp\":\"2026-02-10T" hour ":00:00Z\",\"duration\":" #seconds                     \
	",\"data\":{\"n\":" #n "}}"

/* An export begins with the newest event; numbers go with time, and with what an event is where the
 * time is the same. */
static void as_it_happened(void)
{
	static const char text[] = "{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[" AT(
		"09", 1, 5) "," AT("08", 2, 3) "," AT("08", 2, 2) "," AT("08", 2, 2) "," AT("08", 9,
		4) "," AT("07", 3, 1) "]}}}";
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_scan *scan;
	struct aw_range range = { .from_ns = INT64_MIN, .to_ns = INT64_MAX, .oldest_first = true };
	struct aw_import_counts counts;
	struct aw_bucket bucket = { 0 };
	struct aw_event event = { 0 };
	int64_t last_number = 0;
	char want[16];
	struct err err;

	GOOD(take_text(&f, store, STR(text), &counts, &err));
	IS_INT(counts.new_events, 5);
	IS_INT(counts.duplicate, 1);
	GOOD(aw_bucket_find(store, STR("b"), &f.arena, &bucket, &err));
	range.bucket_no = bucket.bucket_no;
	if (!GOOD(aw_scan_open(&scan, store, &range, &err)))
		return;
	for (int n = 1; n <= 5; n++) {
		IS_INT(aw_scan_next(scan, &event, &err), 1);
		snprintf(want, sizeof(want), "{\"n\":%d}", n);
		IS_STR(event.data, want);
		OK(event.number > last_number);
		last_number = event.number;
	}
	aw_scan_close(scan);
	close_all(&f, store);
}

/* What a string holds, wherever its quotes and escapes lie, says nothing of where a value ends. */
static void strings(void)
{
	static const char *const middles[] = { "", "\\\"", "\\\\", "}],", "\\\\\\\"]}",
		"\\n\\\"\\n" };
	enum { MOST = 300 };
	struct fixture f;
	struct store *store = open_new(&f);
	CLEANUP(buf_release) struct buf text = BUF_INIT, want = BUF_INIT;
	struct aw_import_counts counts;
	char time[TIME_TEXT_BYTES];
	int events = 0;
	struct str got;
	struct err err;

	buf_addc(&text, "{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[");
	for (int pad = 0; pad < MOST; pad++) {
		for (size_t i = 0; i < ARRAY_LEN(middles); i++, events++) {
			buf_printf(&text,
				"%s{\"timestamp\":\"%s\",\"duration\":0,\"data\":{\"t\":\"%0*d%s%0*d\"}}",
				events > 0 ? "," : "", time_format(T0 + events * NS_PER_S, 0, time),
				pad + 1, 0, middles[i], (pad % 7) + 1, 0);
			buf_printf(&want, "  %lld 0 {\"t\":\"%0*d%s%0*d\"}\n",
				(long long)(T0 + events * NS_PER_S), pad + 1, 0, middles[i],
				(pad % 7) + 1, 0);
		}
	}
	buf_addc(&text, "]}}}");
	GOOD(take_text(&f, store, buf_str(&text), &counts, &err));
	IS_INT(counts.new_events, events);
	IS_INT(counts.quarantined, 0);
	got = dump(&f, store, true);
	got = str_sub(got, (size_t)str_find(got, '\n', 0) + 1, got.len);
	is_same(got, buf_str(&want));
	close_all(&f, store);
}

static void no_exports(void)
{
	static const char *const texts[] = { "", " ", "7", "nonsense", "{}", "{\"bucket\":{}}",
		"{\"buckets\":7}", "{\"buckets\":{\"b\":7}}",
		"{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":{}}}}",
		"{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[]}}} x", "{\"buckets\":{\"b\" {}}}",
		"{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[" EVENT("08:00:00") " " EVENT(
			"08:00:00") "]}}}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		struct err err = { 0 };

		if (!FAILS(take_text(&f, store, str_from(texts[i]), &counts, &err), ERR_PARSE))
			printf("# %s\n", texts[i]);
		IS_INT(counts.new_events, 0);
		is_same(dump(&f, store, false), STR(""));
		close_all(&f, store);
	}
}

/* In memory nothing is written before all of it is seen. */
static void no_exports_in_memory(void)
{
	static const char *const texts[] = { "7", "{}", "{\"buckets\":7}",
		"{\"buckets\":{\"a\":{" HEAD("a") ",\"events\":[" EVENT("08:00:00") "]},\"b\":7}}",
		"{\"buckets\":{\"a\":{" HEAD("a") "},\"b\":{" HEAD("b") ",\"events\":7}}}",
		"{\"buckets\":[{\"type\":\"t\"}]}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		struct err err = { 0 };

		if (!FAILS(take_in_memory(store, str_from(texts[i]), &counts, &err), ERR_PARSE))
			printf("# %s\n", texts[i]);
		is_same(dump(&f, store, false), STR(""));
		close_all(&f, store);
	}
}

/* --- metadata --- */

static void metadata(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_bucket bucket = { 0 };
	struct aw_import_counts counts;
	const char *path;
	struct err err;

	setenv("TZ", "America/New_York", 1);
	path = sample_database(&f, "peewee_v2");
	sample_run(path, "UPDATE bucketmodel SET hostname = '!local' WHERE key = 1");
	GOOD(aw_import_database(store, path, f.dir, &usual, &counts, &err));
	GOOD(aw_bucket_find(store, STR("aw-watcher-window_laptop"), &f.arena, &bucket, &err));
	IS_STR(bucket.hostname, "here");
	/* 07:59:00.5 in New York */
	IS_INT(bucket.created_ns, INT64_C(1767599940500000000) + 5 * NS_PER_HOUR);
	GOOD(aw_bucket_find(
		store, STR("aw-watcher-window_desk-synced-from-desk"), &f.arena, &bucket, &err));
	IS_STR(bucket.hostname, "desk");
	IS_STR(bucket.machine_id, MACHINE_A);
	IS_STR(bucket.data, "{\"$aw.sync.origin\":\"desk\"}");
	IS_INT(bucket.created_ns, INT64_C(1767693600000000000)); /* says its offset */
	/* What is there stays. */
	GOOD(take_sample(&f, store, &samples[0], &counts, &err));
	GOOD(aw_bucket_find(store, STR("aw-watcher-window_laptop"), &f.arena, &bucket, &err));
	IS_STR(bucket.hostname, "here");
	setenv("TZ", "UTC", 1);
	close_all(&f, store);
}

static void is_setting(struct fixture *f, struct store *store, const char *key, const char *want)
{
	struct str value;
	struct err err;

	if (GOOD(aw_setting_find(store, str_from(key), &f->arena, &value, &err)))
		IS_STR(value, want);
}

static void settings(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct aw_import_counts counts;
	const char *path;
	struct err err;

	path = put_file(&f, "settings.json", sample_text(&f, "settings.json"));
	GOOD(aw_import_settings(store, path, &usual, &counts, &err));
	IS_INT(counts.settings, 2);
	is_setting(&f, store, "startOfDay", "\"04:00\"");
	is_setting(&f, store, "classes",
		"[{\"name\":[\"Work\"],\"rule\":{\"regex\":\"vim\",\"type\":\"regex\"}}]");
	path = put_file(
		&f, "settings.json", STR("{\"startOfDay\":\"05:00\",\"new\":{\"b\":1,\"a\":2}}"));
	GOOD(aw_import_settings(store, path, &usual, &counts, &err));
	IS_INT(counts.settings, 1);
	is_setting(&f, store, "startOfDay", "\"04:00\"");
	is_setting(&f, store, "new", "{\"a\":2,\"b\":1}");
	GOOD(take_sample(&f, store, &samples[6], &counts, &err));
	IS_INT(counts.settings, 0);
	FAILS(aw_import_settings(
		      store, put_file(&f, "settings.json", STR("[1]")), &usual, &counts, &err),
		ERR_PARSE);
	close_all(&f, store);
}

/* --- counting only --- */

static void dry_run(void)
{
	struct aw_import_options options = usual;

	options.dry_run = true;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct fixture f;
		struct store *store = open_new(&f);
		struct aw_import_counts counts;
		const char *path;
		struct err err;

		if (samples[i].database) {
			path = sample_database(&f, samples[i].name);
			GOOD(aw_import_database(store, path, f.dir, &options, &counts, &err));
		} else {
			path = put_file(&f, "export.json", sample_text(&f, samples[i].name));
			GOOD(aw_import_file(store, path, &options, &counts, &err));
		}
		IS_INT(counts.new_events, SAMPLE_DISTINCT);
		IS_INT(counts.duplicate, SAMPLE_EVENTS - SAMPLE_DISTINCT);
		IS_INT(counts.buckets_made, SAMPLE_BUCKETS);
		is_same(dump(&f, store, false), STR(""));
		close_all(&f, store);
	}
}

/* --- places --- */

static void places(void)
{
	struct fixture f;
	struct aw_place *found;
	size_t count;
	struct err err;

	fixture_begin(&f);
	setenv("HOME", f.dir, 1);
	setenv("XDG_DATA_HOME", "relative", 1);
	unsetenv("XDG_CONFIG_HOME");
	GOOD(aw_places(&f.arena, &found, &count, &err));
	IS_INT(count, 0);
	GOOD(fs_make_dirs(
		fixture_path(&f, ".local/share/activitywatch/aw-server-rust"), 0700, &err));
	GOOD(fs_make_dirs(fixture_path(&f, ".config/activitywatch/aw-server"), 0700, &err));
	GOOD(fs_make_dirs(fixture_path(&f, "Library/Application Support/activitywatch/aw-server"),
		0700, &err));
	put_file(&f, ".local/share/activitywatch/aw-server-rust/sqlite.db", STR("four"));
	put_file(&f, ".config/activitywatch/aw-server/settings.json", STR("{}"));
	put_file(&f, "Library/Application Support/activitywatch/aw-server/peewee-sqlite.v2.db",
		STR(""));
	GOOD(aw_places(&f.arena, &found, &count, &err));
	if (IS_INT(count, 3)) {
		IS_CSTR(found[0].what, "aw-server-rust");
		IS_INT(found[0].bytes, 4);
		OK(found[0].database);
		OK(!found[1].database);
		IS_CSTR(found[2].what, "aw-server");
	}
	setenv("XDG_DATA_HOME", f.dir, 1);
	GOOD(aw_places(&f.arena, &found, &count, &err));
	IS_INT(count, 2);
	fixture_end(&f);
}

static const struct tap_case cases[] = { TAP_CASE(same_from_everywhere),
	TAP_CASE(one_after_another), TAP_CASE(in_memory), TAP_CASE(shapes),
	TAP_CASE(as_it_happened), TAP_CASE(strings), TAP_CASE(no_exports),
	TAP_CASE(no_exports_in_memory), TAP_CASE(metadata), TAP_CASE(settings), TAP_CASE(dry_run),
	TAP_CASE(places) };
TAP_MAIN(cases)
