#include "serve/stream_bucket.h"

#include <stdlib.h>

#include "attention/report.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "store/derived.h"

#define PREFIX "tt-streams_"

enum { LOAD_BYTES = 1 << 30 }; /* memory of one report */

/*
 * An interval that crosses a bound is cut there by the report; with this much more on both sides,
 * longer than attention lasts without a sign, those of the range keep their own start and number.
 */
static const int64_t margin_ns = NS_PER_HOUR;

bool stream_bucket_is(struct str id, struct str hostname)
{
	return str_starts(id, STR(PREFIX)) &&
	       str_eq(str_sub(id, sizeof(PREFIX) - 1, id.len), hostname);
}

bool stream_bucket_make(const struct aw_bucket *buckets, size_t count, struct str hostname,
	struct str machine_id, struct arena *arena, struct aw_bucket *out)
{
	bool any = false;

	*out = (struct aw_bucket){ .bucket_no = STREAM_BUCKET_NO,
		.id = arena_printf(arena, PREFIX "%.*s", STR_ARG(hostname)),
		.type = STR(AW_COMPUTED_TYPE),
		.client = STR("tidemark"),
		.hostname = hostname,
		.data = STR("{}"),
		.machine_id = machine_id,
		.first_ns = INT64_MIN,
		.end_ns = INT64_MIN,
		.newest_start_ns = INT64_MIN,
		.newest_end_ns = INT64_MIN };
	for (size_t i = 0; i < count; i++) {
		const struct aw_bucket *from = &buckets[i];

		if (str_eq(from->id, out->id))
			return false;
		if (from->writable || from->end_ns == INT64_MIN)
			continue;
		if (!any || from->first_ns < out->first_ns)
			out->first_ns = from->first_ns;
		if (!any || from->end_ns > out->end_ns)
			out->end_ns = from->end_ns;
		any = true;
	}
	out->created_ns = out->first_ns;
	out->newest_end_ns = out->end_ns;
	return any;
}

/* --- data --- */

static struct str stream_data(const struct stream *stream, struct arena *arena)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	/* Canonical, as all data of events: keys in their order. */
	json_begin_object(&writer);
	json_kv_str(&writer, "project", stream->project.ptr ? stream->project : STR(""));
	json_kv_str(&writer, "stream", stream->name);
	json_kv_str(&writer, "stream_id", stream->id);
	json_key(&writer, STR("tags"));
	json_begin_array(&writer);
	for (size_t i = 0; i < stream->tag_count; i++)
		json_put_str(&writer, stream->tags[i]);
	json_end_array(&writer);
	json_end_object(&writer);
	return arena_str(arena, buf_str(&text));
}

static struct stream_bucket_data numbered(struct str data)
{
	return (struct stream_bucket_data){ .data_no = -(int64_t)(hash64(data, 0) >> 1) - 1,
		.data = data };
}

/* The streams of a report by their ids, each with its data. */
struct named {
	struct str id;
	struct stream_bucket_data data;
};

static int named_cmp(const void *left, const void *right)
{
	return str_cmp(((const struct named *)left)->id, ((const struct named *)right)->id);
}

static struct named *name_streams(
	const struct report *report, struct arena *scratch, struct arena *arena)
{
	struct named *all = arena_zalloc(scratch, report->stream_count + 1, sizeof(*all));

	for (size_t i = 0; i < report->stream_count; i++)
		all[i] = (struct named){ .id = report->streams[i]->stream->id,
			.data = numbered(stream_data(report->streams[i]->stream, arena)) };
	qsort(all, report->stream_count, sizeof(*all), named_cmp);
	all[report->stream_count].data = numbered(STR(
		"{\"project\":\"\",\"stream\":\"(unassigned)\",\"stream_id\":null,\"tags\":[]}"));
	return all;
}

/* --- events --- */

static const struct stream_bucket_data *data_of(
	const struct named *named, size_t count, struct str stream_id)
{
	const struct named key = { .id = stream_id };
	const struct named *found =
		stream_id.ptr ? bsearch(&key, named, count, sizeof(key), named_cmp) : NULL;

	return found ? &found->data : &named[count].data;
}

static void make_events(const struct report *report, int64_t from_ns, int64_t to_ns,
	struct arena *scratch, struct arena *arena, struct stream_bucket_events *out)
{
	size_t streams = report->stream_count;
	struct named *named = name_streams(report, scratch, arena);

	out->events = arena_zalloc(arena, report->explain_count, sizeof(*out->events));
	for (size_t i = report->explain_count; i-- > 0;) {
		const struct report_explain *span = &report->explain[i];
		const struct stream_bucket_data *data = data_of(named, streams, span->stream_id);

		if (span->kind != SPAN_DIRECT || span->end_ns < from_ns || span->start_ns > to_ns)
			continue;
		out->events[out->count++] = (struct aw_event){ .number = span->start_ns / 1000,
			.start_ns = span->start_ns,
			.duration_ns = span->end_ns - span->start_ns,
			.data_no = data->data_no,
			.data = data->data };
	}
	out->data = arena_zalloc(arena, streams + 1, sizeof(*out->data));
	for (size_t i = 0; i <= streams; i++)
		out->data[out->data_count++] = named[i].data;
}

/* With the gap that the streams were made with last: another one would make them all anew. */
static int keep_gap(struct store *store, struct attention_params *params, struct err *err)
{
	struct derived_mark mark;

	if (derived_mark_get(store, &mark, err) < 0)
		return err->code;
	if (mark.gap_ns > 0)
		params->gap_ns = mark.gap_ns;
	return 0;
}

static int64_t add(int64_t ns, int64_t more_ns)
{
	int64_t sum;

	if (__builtin_add_overflow(ns, more_ns, &sum))
		return more_ns < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

int stream_bucket_load(struct store *store, const struct attention_params *params, int64_t from_ns,
	int64_t to_ns, struct arena *arena, struct stream_bucket_events *out, struct err *err)
{
	CLEANUP(arena_release) struct arena scratch = { .limit_bytes = LOAD_BYTES };
	struct report_request request = { .explain = STR("all"),
		.now_ns = clock_now_ns(),
		.params = *params,
		.period = { .type = PERIOD_CUSTOM,
			.start_ns = add(from_ns, -margin_ns),
			.end_ns = add(to_ns, margin_ns) } };
	struct report report;

	*out = (struct stream_bucket_events){ 0 };
	if (from_ns > to_ns)
		return 0;
	if (keep_gap(store, &request.params, err) < 0 ||
		report_build(store, &request, &scratch, &report, err) < 0)
		return err->code;
	make_events(&report, from_ns, to_ns, &scratch, arena, out);
	return 0;
}
