#include "sync/aw_sink.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"
#include "model/limits.h"
#include "store/aw_text.h"
#include "store/aw_write.h"

#define LOCAL_HOST "!local" /* what clients write for "the server's own host" */

enum { SECONDS_OF_DAY = 86400, HELD_BYTES = 1 << 20 };

/* --- batches --- */

int aw_sink_open(struct aw_sink *sink, struct store *store, struct intake *intake,
	const struct aw_import_options *options, struct err *err)
{
	*sink = (struct aw_sink){
		.options = options, .store = store, .intake = intake, .own = !intake
	};
	sink->held = mem_zalloc(LIMIT_INTAKE_EXPECT * sizeof(*sink->held));
	return intake ? 0 : intake_begin_lazy(&sink->intake, store, err);
}

void aw_sink_release(struct aw_sink *sink)
{
	if (sink->own)
		intake_free(sink->intake);
	zone_free(sink->zone);
	json_parser_release(&sink->parser);
	buf_release(&sink->canonical);
	buf_release(&sink->memory);
	buf_release(&sink->name);
	arena_release(&sink->arena);
	arena_release(&sink->held_data);
	free(sink->held);
}

/* Exports begin with the newest event; a store takes them best as they happened. Equal starts as
 * they will be read, so that nothing depends on qsort. */
static int by_time(const void *left, const void *right)
{
	const struct aw_event *l = left, *r = right;

	if (l->start_ns != r->start_ns)
		return l->start_ns < r->start_ns ? -1 : 1;
	if (l->duration_ns != r->duration_ns)
		return l->duration_ns < r->duration_ns ? -1 : 1;
	return str_cmp(l->data, r->data);
}

static int expect_held(struct aw_sink *sink, struct err *err)
{
	size_t count = sink->held_count;
	bool down = sink->held[0].start_ns > sink->held[count - 1].start_ns;

	qsort(sink->held, count, sizeof(*sink->held), by_time);
	return aw_expect_merges(sink->intake, sink->bucket_no, sink->held, count, down, err);
}

static int take_held(struct aw_sink *sink, struct err *err)
{
	int rc = sink->held_count > 0 ? expect_held(sink, err) : 0;
	bool added;

	for (size_t i = 0; i < sink->held_count && rc == 0; i++) {
		rc = aw_merge(sink->intake, sink->bucket_no, &sink->held[i], &added, err);
		if (rc < 0)
			break;
		sink->counts.new_events += added;
		sink->counts.duplicate += !added;
	}
	sink->held_count = 0;
	arena_reset(&sink->held_data);
	return rc;
}

static int hold(struct aw_sink *sink, const struct aw_event *event, struct err *err)
{
	struct aw_event *held = &sink->held[sink->held_count];

	*held = *event;
	if (sink->held_count > 0 && str_eq(held[-1].data, event->data))
		held->data = held[-1].data;
	else
		held->data = arena_str(&sink->held_data, event->data);
	sink->taken++;
	if (++sink->held_count < LIMIT_INTAKE_EXPECT && sink->held_data.used_bytes < HELD_BYTES)
		return 0;
	return take_held(sink, err);
}

static int commit(struct aw_sink *sink, struct err *err)
{
	if (take_held(sink, err) < 0)
		return err->code;
	if (sink->may_commit && sink->may_commit(sink->may_commit_context, err) < 0)
		return err->code;
	if (sink->own && !sink->options->dry_run && intake_commit(sink->intake, err) < 0)
		return err->code;
	sink->committed = sink->counts;
	sink->taken = 0;
	return 0;
}

int aw_sink_pace(struct aw_sink *sink, int64_t done, int64_t total, struct err *err)
{
	if (sink->taken < LIMIT_INTAKE_BATCH)
		return 0;
	if (sink->options->progress)
		sink->options->progress(sink->options->context, done, total);
	return commit(sink, err);
}

int aw_sink_end(struct aw_sink *sink, struct err *err)
{
	return commit(sink, err);
}

/* --- what is refused --- */

static void count_reason(struct aw_sink *sink, const char *reason)
{
	struct intake_reason *at = sink->counts.reasons;
	struct intake_reason *last = at + INTAKE_REASONS - 2; /* the one behind it stays the end */

	while (at < last && at->count > 0 && strcmp(at->reason, reason) != 0)
		at++;
	if (at->count == 0)
		at->reason = at < last ? reason : "other";
	at->count++;
}

int aw_sink_refuse(struct aw_sink *sink, const struct aw_sink_origin *origin, const char *reason,
	const char *detail, struct err *err)
{
	const struct quarantine_entry entry = {
		.source = sink->options->origin,
		.path = sink->options->path,
		.offset = origin->offset,
		.reason = str_from(reason),
		.detail = str_from(detail),
		.bytes_total = origin->bytes,
		.bytes = origin->raw,
	};

	count_reason(sink, reason);
	sink->counts.quarantined++;
	sink->taken++;
	return intake_quarantine(sink->intake, &entry, err);
}

/* --- data --- */

/* VALUE, or the JSON of TEXT, into sink->canonical. NULL, or why not. */
static const char *canonise(
	struct aw_sink *sink, struct str text, const struct json *value, struct err *detail)
{
	if (!value && sink->memory.len > 0 && str_eq(buf_str(&sink->memory), text))
		return NULL;
	buf_clear(&sink->memory);
	buf_clear(&sink->canonical);
	if (!value && json_parse(&sink->parser, text, true, &value, detail) < 0)
		return detail->code == ERR_LIMIT ? "too_deep" : "not_json";
	if (!json_is(value, JSON_OBJECT)) {
		err_set(detail, ERR_PARSE, "the data is no object");
		return "not_object";
	}
	if (!json_canonical(&sink->canonical, value)) {
		err_set(detail, ERR_PARSE, "the data has a number that no program can hold");
		return "bad_data";
	}
	if (sink->canonical.len > LIMIT_EVENT_BYTES) {
		err_set(detail, ERR_LIMIT, "the data is longer than %d bytes", LIMIT_EVENT_BYTES);
		return "too_long";
	}
	buf_add(&sink->memory, text);
	return NULL;
}

/* --- buckets --- */

/* The instant of which NS is the wall clock here. */
static int from_local(struct aw_sink *sink, int64_t ns, int64_t *out_ns, struct err *err)
{
	int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);
	int64_t days = seconds / SECONDS_OF_DAY - (seconds % SECONDS_OF_DAY < 0);

	if (!sink->zone && zone_open(&sink->zone, STR(""), err) < 0)
		return err->code;
	*out_ns = zone_instant(sink->zone, date_from_days(days),
			  (int32_t)(seconds - days * SECONDS_OF_DAY)) +
		  (ns - seconds * NS_PER_S);
	return 0;
}

/* Now, where none is told: so the servers have it. */
static int created_at(struct aw_sink *sink, struct str text, int64_t *out_ns, struct err *err)
{
	bool naive;

	if (!aw_text_time(text, out_ns, &naive)) {
		*out_ns = clock_now_ns();
		return 0;
	}
	return naive ? from_local(sink, *out_ns, out_ns, err) : 0;
}

static struct str bucket_data(struct aw_sink *sink, struct str text)
{
	struct err ignored;

	if (text.len == 0 || canonise(sink, text, NULL, &ignored))
		return STR("{}");
	return arena_str(&sink->arena, buf_str(&sink->canonical));
}

/* Make it or find it; what is refused before anything is written shows in the sink. */
static int enter(struct aw_sink *sink, struct aw_bucket *bucket, struct err *err)
{
	bool made;
	int rc;

	if (str_eq_c(bucket->type, AW_COMPUTED_TYPE)) {
		sink->skip = true;
		sink->counts.buckets_known++;
		sink->counts.buckets_readonly++;
		return 0;
	}
	rc = aw_make(sink->intake, bucket, &made, err);
	if (rc == ERR_USAGE || rc == ERR_LIMIT) {
		sink->refuse = "bad_bucket";
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = aw_target(sink->intake, sink->bucket_id, &sink->bucket_no, err);
	sink->skip = rc == ERR_READONLY;
	sink->counts.buckets_made += made;
	sink->counts.buckets_known += !made;
	sink->counts.buckets_readonly += sink->skip;
	return sink->skip ? 0 : rc;
}

static void put_member(struct json_writer *json, const char *key, struct str value)
{
	json_key(json, str_from(key));
	json_put_str(json, value);
}

/* A bucket without events would leave no trace otherwise. */
static int refuse_bucket(struct aw_sink *sink, const struct aw_sink_bucket *bucket, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);
	struct aw_sink_origin origin = { .offset = -1 };

	json_begin_object(&json);
	put_member(&json, "id", bucket->id);
	put_member(&json, "type", bucket->type);
	put_member(&json, "client", bucket->client);
	put_member(&json, "hostname", bucket->hostname);
	put_member(&json, "created", bucket->created);
	put_member(&json, "data", bucket->data);
	json_end_object(&json);
	origin.raw = buf_str(&text);
	return aw_sink_refuse(sink, &origin, sink->refuse, err->message, err);
}

int aw_sink_bucket(struct aw_sink *sink, const struct aw_sink_bucket *bucket, struct err *err)
{
	struct aw_bucket made = {
		.type = bucket->type,
		.client = bucket->client,
		.hostname = bucket->hostname,
		.machine_id = sink->options->machine_id,
	};

	if (take_held(sink, err) < 0)
		return err->code;
	arena_reset(&sink->arena);
	sink->bucket_id = arena_str(&sink->arena, bucket->id);
	sink->refuse = NULL;
	sink->skip = false;
	made.id = sink->bucket_id;
	made.data = bucket_data(sink, bucket->data);
	if (str_eq_c(made.hostname, LOCAL_HOST) && sink->options->hostname.len > 0)
		made.hostname = sink->options->hostname;
	if (created_at(sink, bucket->created, &made.created_ns, err) < 0 ||
		enter(sink, &made, err) < 0)
		return err->code;
	return sink->refuse ? refuse_bucket(sink, bucket, err) : 0;
}

/* --- events --- */

static int refuse_event(struct aw_sink *sink, aw_sink_origin_of *origin_of, void *context,
	const char *reason, struct err *err)
{
	const struct aw_sink_origin origin = origin_of(context);

	err_context(err, "bucket '%.*s'", STR_ARG(sink->bucket_id));
	return aw_sink_refuse(sink, &origin, reason, err->message, err);
}

int aw_sink_event(struct aw_sink *sink, const struct aw_sink_event *event,
	aw_sink_origin_of *origin, void *context, struct err *err)
{
	struct aw_event made = { .start_ns = event->start_ns, .duration_ns = event->duration_ns };
	const char *reason = sink->refuse;
	int rc;

	if (sink->skip)
		return 0;
	if (reason)
		err_set(err, ERR_USAGE, "the bucket cannot be made");
	else
		reason = canonise(sink, event->data, event->value, err);
	if (reason)
		return refuse_event(sink, origin, context, reason, err);
	made.data = buf_str(&sink->canonical);
	rc = aw_check(sink->intake, sink->bucket_no, &made, err);
	if (rc == ERR_USAGE || rc == ERR_LIMIT)
		return refuse_event(
			sink, origin, context, rc == ERR_USAGE ? "bad_timestamp" : "too_long", err);
	return rc < 0 ? rc : hold(sink, &made, err);
}

/* --- events of an export --- */

struct json_origin {
	const struct json *event;
	struct str raw;
	int64_t offset;
	struct buf text;
};

static struct aw_sink_origin json_origin(void *context)
{
	struct json_origin *at = context;
	struct json_writer json = json_writer(&at->text);

	if (at->raw.len == 0) {
		json_put_value(&json, at->event);
		at->raw = buf_str(&at->text);
	}
	return (struct aw_sink_origin){ .offset = at->offset, .raw = at->raw };
}

/* NULL, or why it is no event. */
static const char *read_event(
	const struct json *json, struct aw_sink_event *out, struct err *detail)
{
	const struct json *duration = json_get(json, "duration");
	bool naive;

	if (!json_is(json, JSON_OBJECT)) {
		err_set(detail, ERR_PARSE, "the event is no object");
		return "not_object";
	}
	/* Without an offset it is UTC, as aw-server takes it. */
	if (!aw_text_time(json_get_str(json, "timestamp"), &out->start_ns, &naive)) {
		err_set(detail, ERR_PARSE,
			"the timestamp is missing, or no instant between 1678 and 2262");
		return "bad_timestamp";
	}
	out->duration_ns = 0;
	if (duration && !aw_text_seconds(json_number_text(duration), &out->duration_ns)) {
		err_set(detail, ERR_PARSE, "the duration is no number of seconds");
		return "bad_duration";
	}
	out->value = json_get(json, "data");
	out->data = (struct str){ NULL, 0 };
	return NULL;
}

int aw_sink_json_event(struct aw_sink *sink, const struct json *event, struct str raw,
	int64_t offset, struct err *err)
{
	struct json_origin origin = { .event = event, .raw = raw, .offset = offset };
	struct aw_sink_event made;
	const char *reason;
	int rc;

	if (sink->skip)
		return 0;
	reason = read_event(event, &made, err);
	if (!reason && !made.value) {
		err_set(err, ERR_PARSE, "the event has no data");
		reason = "not_object";
	}
	rc = reason ? refuse_event(sink, json_origin, &origin, reason, err)
		    : aw_sink_event(sink, &made, json_origin, &origin, err);
	buf_release(&origin.text);
	return rc;
}

/* --- settings --- */

static int refuse_setting(
	struct aw_sink *sink, struct str key, struct str value, const char *reason, struct err *err)
{
	struct aw_sink_origin origin = { .offset = -1 };

	buf_clear(&sink->name);
	buf_add(&sink->name, key);
	buf_byte(&sink->name, '=');
	buf_add(&sink->name, value);
	origin.raw = buf_str(&sink->name);
	err_context(err, "setting");
	return aw_sink_refuse(sink, &origin, reason, err->message, err);
}

int aw_sink_setting(struct aw_sink *sink, struct str key, struct str value, struct err *err)
{
	const struct json *parsed;
	struct str there;
	int rc;

	arena_reset(&sink->arena);
	if (aw_setting_find(sink->store, key, &sink->arena, &there, err) < 0)
		return err->code;
	if (there.len > 0)
		return 0;
	buf_clear(&sink->memory);
	buf_clear(&sink->canonical);
	if (json_parse(&sink->parser, value, true, &parsed, err) < 0)
		return refuse_setting(sink, key, value, "not_json", err);
	if (!json_canonical(&sink->canonical, parsed)) {
		err_set(err, ERR_PARSE, "it has a number that no program can hold");
		return refuse_setting(sink, key, value, "bad_setting", err);
	}
	rc = aw_setting_put(sink->intake, key, buf_str(&sink->canonical), err);
	if (rc == ERR_USAGE || rc == ERR_LIMIT)
		return refuse_setting(sink, key, value, "bad_setting", err);
	if (rc < 0)
		return rc;
	sink->counts.settings++;
	sink->taken++;
	return 0;
}
