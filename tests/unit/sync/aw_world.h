/* What the tests of imports from ActivityWatch share: the samples, and a store as text. */
#ifndef TT_TESTS_SYNC_AW_WORLD_H
#define TT_TESTS_SYNC_AW_WORLD_H

#include "aw_samples.h"
#include "base/zone.h"
#include "model/limits.h"
#include "store/aw.h"
#include "sync/aw_import.h"

static const struct aw_import_options usual = {
	.machine_id = STR_INIT(MACHINE_A),
	.hostname = STR_INIT("here"),
	.origin = STR_INIT("import"),
};

/* --- a store as text --- */

__attribute__((unused)) static void dump_events(
	struct store *store, int64_t bucket_no, struct buf *out)
{
	const struct aw_range range = { .bucket_no = bucket_no,
		.from_ns = INT64_MIN,
		.to_ns = INT64_MAX,
		.oldest_first = true };
	struct aw_scan *scan = NULL;
	struct aw_event event;
	struct err err;

	if (!GOOD(aw_scan_open(&scan, store, &range, &err)))
		return;
	while (aw_scan_next(scan, &event, &err) > 0)
		buf_printf(out, "  %lld %lld %.*s\n", (long long)event.start_ns,
			(long long)event.duration_ns, STR_ARG(event.data));
	aw_scan_close(scan);
}

/* PLAIN: without the buckets' data, which some sources lack. */
__attribute__((unused)) static struct str dump(struct fixture *f, struct store *store, bool plain)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct aw_bucket *buckets;
	size_t count;
	struct err err;

	if (!GOOD(aw_buckets(store, &f->arena, &buckets, &count, &err)))
		return STR("");
	for (size_t i = 0; i < count; i++) {
		buf_printf(&out, "%.*s %.*s %.*s %.*s %lld %.*s %.*s\n", STR_ARG(buckets[i].id),
			STR_ARG(buckets[i].type), STR_ARG(buckets[i].client),
			STR_ARG(buckets[i].hostname), (long long)buckets[i].created_ns,
			STR_ARG(buckets[i].machine_id), STR_ARG(plain ? STR("") : buckets[i].data));
		dump_events(store, buckets[i].bucket_no, &out);
	}
	return arena_str(&f->arena, buf_str(&out));
}

/* --- importing the samples --- */

static const struct sample {
	const char *name; /* of the SQL, or of the export */
	bool database;
	bool plain; /* without the buckets' data */
} samples[] = {
	{ "export_rust.json", false, false },
	{ "export_python.json", false, false },
	{ "rust_v1", true, true },
	{ "rust_v2", true, false },
	{ "rust_v3", true, false },
	{ "rust_v4", true, false },
	{ "rust_v5", true, false },
	{ "peewee_v2", true, false },
	{ "peewee_v2_old", true, true },
	{ "sqlite_v1", true, false },
};

/* A file of this content. */
__attribute__((unused)) static const char *put_file(
	struct fixture *f, const char *name, struct str content)
{
	const char *path = fixture_path(f, name);
	struct err err;

	GOOD(fs_write_atomic(path, content, 0600, &err));
	return path;
}

__attribute__((unused)) static int take_sample(struct fixture *f, struct store *store,
	const struct sample *sample, struct aw_import_counts *counts, struct err *err)
{
	if (sample->database)
		return aw_import_database(
			store, sample_database(f, sample->name), f->dir, &usual, counts, err);
	return aw_import_file(store, put_file(f, "export.json", sample_text(f, sample->name)),
		&usual, counts, err);
}

__attribute__((unused)) static void is_all_known(const struct aw_import_counts *counts)
{
	IS_INT(counts->new_events, 0);
	IS_INT(counts->duplicate, SAMPLE_EVENTS);
	IS_INT(counts->quarantined, 0);
	IS_INT(counts->buckets_made, 0);
	IS_INT(counts->buckets_known, SAMPLE_BUCKETS);
	IS_INT(counts->settings, 0);
}

/* The store that the first sample gives. */
__attribute__((unused)) static struct str reference(struct fixture *f, bool plain)
{
	CLEANUP(store_closep) struct store *store = NULL;
	struct aw_import_counts counts;
	struct fixture own;
	struct str text;
	struct err err;

	store = open_new(&own);
	GOOD(take_sample(&own, store, &samples[0], &counts, &err));
	text = arena_str(&f->arena, dump(&own, store, plain));
	fixture_end(&own);
	return text;
}

__attribute__((unused)) static void is_same(struct str got, struct str want)
{
	if (!OK(str_eq(got, want)))
		printf("# got:\n%.*s\n# want:\n%.*s\n", STR_ARG(got), STR_ARG(want));
}

/* --- exports --- */

__attribute__((unused)) static int take_text(struct fixture *f, struct store *store,
	struct str text, struct aw_import_counts *counts, struct err *err)
{
	return aw_import_file(store, put_file(f, "export.json", text), &usual, counts, err);
}

/* As the server does it, in an intake of its own. */
__attribute__((unused)) static int take_in_memory(
	struct store *store, struct str text, struct aw_import_counts *counts, struct err *err)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct json *root;
	int rc;

	if (json_parse(&parser, text, true, &root, err) < 0 ||
		intake_begin(&intake, store, err) < 0)
		return err->code;
	rc = aw_import_json(intake, root, &usual, counts, err);
	return rc < 0 ? rc : intake_commit(intake, err);
}

#define EVENT(time) "{\"timestamp\":\"2026-01-05T" time "Z\",\"duration\":1,\"data\":{}}"
#define HEAD(id) "\"id\":\"" id "\",\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\""

__attribute__((unused)) static int64_t reason(
	const struct aw_import_counts *counts, const char *name)
{
	for (size_t i = 0; i < INTAKE_REASONS && counts->reasons[i].count > 0; i++)
		if (strcmp(counts->reasons[i].reason, name) == 0)
			return counts->reasons[i].count;
	return 0;
}

#endif
