/*
 * A server's database. A file without a log is read without locks, so what was read of it counts
 * only when it was not changed meanwhile: that is asked before each commit. When it was, everything
 * begins again, and what is in the store already is found to be there.
 */
#include "base/clock.h"
#include "store/foreign_aw.h"
#include "sync/aw_sink.h"

/* A server that writes every few seconds leaves enough time for most histories. */
enum { TRIES = 5, PAUSE_MS = 200 };

struct reading {
	struct foreign_aw *db;
	struct aw_sink *sink;
	int64_t done, total;
	bool changed; /* the error is that the file is not what it was */
};

static int unchanged(void *context, struct err *err)
{
	struct reading *reading = context;
	int rc = foreign_aw_check(reading->db, err);

	reading->changed |= rc == ERR_BUSY;
	return rc;
}

/* --- events --- */

static const char *const time_names[2] = { "starts", "ends" };

/* The row as text, for quarantine. */
struct row_origin {
	const struct foreign_aw_event *event;
	struct buf text;
};

static struct aw_sink_origin row_origin(void *context)
{
	struct row_origin *at = context;
	struct json_writer json = json_writer(&at->text);

	json_begin_object(&json);
	json_kv_i64(&json, "row", at->event->row);
	for (int i = 0; i < 2 && !at->event->good; i++)
		json_kv_str(&json, time_names[i], at->event->times[i]);
	if (at->event->good) {
		json_kv_i64(&json, "start_ns", at->event->start_ns);
		json_kv_i64(&json, "duration_ns", at->event->duration_ns);
	}
	json_kv_str(&json, "data", at->event->data);
	json_end_object(&json);
	return (struct aw_sink_origin){ .offset = at->event->row, .raw = buf_str(&at->text) };
}

static int refuse_row(struct reading *reading, struct row_origin *origin, struct err *err)
{
	const struct aw_sink_origin from = row_origin(origin);

	return aw_sink_refuse(reading->sink, &from, "bad_timestamp",
		"the row's times are no numbers or instants between 1678 and 2262", err);
}

static int take_row(void *context, const struct foreign_aw_event *event, struct err *err)
{
	struct reading *reading = context;
	struct row_origin origin = { .event = event };
	const struct aw_sink_event made = {
		.start_ns = event->start_ns, .duration_ns = event->duration_ns, .data = event->data
	};
	int rc = event->good || reading->sink->skip
			 ? aw_sink_event(reading->sink, &made, row_origin, &origin, err)
			 : refuse_row(reading, &origin, err);

	buf_release(&origin.text);
	reading->done++;
	return rc < 0 ? rc : aw_sink_pace(reading->sink, reading->done, reading->total, err);
}

/* --- one reading --- */

static int take_bucket(
	struct reading *reading, const struct foreign_aw_bucket *bucket, struct err *err)
{
	const struct aw_sink_bucket head = {
		.id = bucket->id,
		.type = bucket->type,
		.client = bucket->client,
		.hostname = bucket->hostname,
		.created = bucket->created,
		.data = bucket->data,
	};

	if (aw_sink_bucket(reading->sink, &head, err) < 0)
		return err->code;
	return foreign_aw_events(reading->db, bucket->row, take_row, reading, err);
}

static int take_settings(struct reading *reading, struct arena *arena, struct err *err)
{
	struct foreign_aw_setting *settings;
	size_t count;

	if (foreign_aw_settings(reading->db, arena, &settings, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (aw_sink_setting(reading->sink, settings[i].key, settings[i].value, err) < 0)
			return err->code;
	return 0;
}

static int take_all(struct reading *reading, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct foreign_aw_bucket *buckets;
	size_t count;

	if (foreign_aw_count(reading->db, &reading->total, err) < 0 ||
		foreign_aw_buckets(reading->db, &arena, &buckets, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (take_bucket(reading, &buckets[i], err) < 0)
			return err->code;
	if (take_settings(reading, &arena, err) < 0)
		return err->code;
	return aw_sink_end(reading->sink, err);
}

/* ERR_BUSY with *AGAIN: the file was changed. */
static int read_once(
	const char *path, const char *state_dir, struct aw_sink *sink, bool *again, struct err *err)
{
	CLEANUP(foreign_aw_closep) struct foreign_aw *db = NULL;
	struct reading reading = { .sink = sink };
	int rc = foreign_aw_open(&db, path, state_dir, err);

	*again = rc == ERR_BUSY;
	if (rc < 0)
		return rc;
	sink->counts.server =
		foreign_aw_kind(db) == FOREIGN_AW_RUST ? "aw-server-rust" : "aw-server";
	sink->counts.version = foreign_aw_version(db);
	reading.db = db;
	sink->may_commit = unchanged;
	sink->may_commit_context = &reading;
	rc = take_all(&reading, err);
	sink->may_commit = NULL;
	/* A torn page may look like damage. */
	*again = reading.changed || (rc < 0 && foreign_aw_check(db, &(struct err){ 0 }) < 0);
	return rc;
}

/* --- again and again --- */

/* What EARLIER stored was found again: it is new all the same. */
static void add_earlier(struct aw_import_counts *counts, const struct aw_import_counts *earlier)
{
	counts->new_events += earlier->new_events;
	counts->duplicate -=
		earlier->new_events < counts->duplicate ? earlier->new_events : counts->duplicate;
	counts->buckets_made += earlier->buckets_made;
	counts->buckets_known -= earlier->buckets_made < counts->buckets_known
					 ? earlier->buckets_made
					 : counts->buckets_known;
	counts->settings += earlier->settings;
}

int aw_import_database(struct store *store, const char *path, const char *state_dir,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err)
{
	bool again = true;
	int rc = ERR_BUSY;

	*counts = (struct aw_import_counts){ 0 };
	for (int i = 0; i < TRIES && again; i++) {
		CLEANUP(aw_sink_release) struct aw_sink sink = { 0 };
		const struct aw_import_counts earlier = *counts;

		if (i > 0)
			clock_sleep_ms(PAUSE_MS);
		if (aw_sink_open(&sink, store, NULL, options, err) < 0)
			return err->code;
		rc = read_once(path, state_dir, &sink, &again, err);
		*counts = sink.committed;
		if (!options->dry_run)
			add_earlier(counts, &earlier);
	}
	if (rc < 0 && again)
		return err_set(err, ERR_BUSY,
			"%s is being changed by its server again and again: stop ActivityWatch, then try again",
			path);
	return rc;
}
