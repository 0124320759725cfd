/* Events of a bucket: by range, one, how many; insert or replace, delete. */
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/aw_json.h"
#include "serve/api/heartbeat.h"
#include "serve/api/listing.h"
#include "serve/api/openapi.h"
#include "serve/server.h"
#include "serve/stream_bucket.h"
#include "store/aw_write.h"

/* --- reading --- */

static int list_prepare(struct call *call, struct err *err)
{
	struct answer_range *range = arena_alloc(call->arena, sizeof(*range));

	call->prepared = range;
	return answer_range(call, true, range, err);
}

static int list_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct answer_range *asked = call->prepared;
	CLEANUP(listing_freep) struct listing *listing = NULL;
	struct listing_events events = { .range = { .from_ns = asked->from_ns,
						 .to_ns = asked->to_ns },
		.clip = true,
		.limit = asked->limit };
	struct aw_bucket bucket;
	int rc = answer_find(call, store, &bucket, err);

	(void)intake;
	if (rc < 0)
		return rc;
	events.range.bucket_no = bucket.bucket_no;
	listing = listing_new(server_attention(call->server));
	listing_text(listing, STR("["));
	if (listing_events(listing, &events, store, err) < 0)
		return err->code;
	listing_text(listing, STR("]"));
	return listing_send(&listing, call, store, err);
}

static int count(struct call *call, struct store *store, const struct aw_range *range, int64_t *out,
	struct err *err)
{
	const struct attention_params params = server_attention(call->server);
	struct stream_bucket_events streams;

	*out = 0;
	if (range->from_ns > range->to_ns)
		return 0;
	if (range->bucket_no != STREAM_BUCKET_NO)
		return aw_count(store, range, out, err);
	if (stream_bucket_load(
		    store, &params, range->from_ns, range->to_ns, call->arena, &streams, err) < 0)
		return err->code;
	*out = (int64_t)streams.count;
	return 0;
}

static int count_prepare(struct call *call, struct err *err)
{
	struct answer_range *range = arena_alloc(call->arena, sizeof(*range));

	call->prepared = range;
	return answer_range(call, false, range, err);
}

static int count_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct answer_range *asked = call->prepared;
	struct aw_range range = { .from_ns = asked->from_ns, .to_ns = asked->to_ns };
	struct json_writer writer;
	struct aw_bucket bucket;
	int64_t events = 0;
	int rc = answer_find(call, store, &bucket, err);

	(void)intake;
	if (rc < 0)
		return rc;
	range.bucket_no = bucket.bucket_no;
	if (count(call, store, &range, &events, err) < 0)
		return err->code;
	writer = call_json(call);
	json_put_i64(&writer, events);
	return 0;
}

/* The path's second parameter, into call->prepared. */
static int number_prepare(struct call *call, struct err *err)
{
	int64_t *number = arena_alloc(call->arena, sizeof(*number));

	call->prepared = number;
	if (!str_to_i64(call->params[1], number))
		return call_fail(call, 422, err, "An event's id is an integer, this is '%.*s'",
			STR_ARG(str_sub(call->params[1], 0, 40)));
	return 0;
}

/* The interval of the streams that starts in microsecond NUMBER. */
static int find_interval(struct call *call, struct store *store, int64_t number,
	struct aw_event *out, struct err *err)
{
	const struct attention_params params = server_attention(call->server);
	struct stream_bucket_events streams = { 0 };
	int64_t at_ns;

	if (!__builtin_mul_overflow(number, 1000, &at_ns) && at_ns < INT64_MAX - 1000 &&
		stream_bucket_load(store, &params, at_ns, at_ns + 999, call->arena, &streams, err) <
			0)
		return err->code;
	for (size_t i = 0; i < streams.count; i++) {
		*out = streams.events[i];
		if (out->number == number)
			return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "no interval starts there");
}

static int one_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const int64_t *number = call->prepared;
	struct json_writer writer;
	struct aw_bucket bucket;
	struct aw_event event;
	int rc = answer_find(call, store, &bucket, err);

	(void)intake;
	if (rc < 0)
		return rc;
	rc = bucket.bucket_no == STREAM_BUCKET_NO
		     ? find_interval(call, store, *number, &event, err)
		     : aw_event_find(store, bucket.bucket_no, *number, call->arena, &event, err);
	if (rc == ERR_NOT_FOUND)
		return call_fail(call, 404, err, "Bucket '%.*s' has no event %lld",
			STR_ARG(call->params[0]), (long long)*number);
	if (rc < 0)
		return rc;
	writer = call_json(call);
	aw_put_event(&writer, &event);
	return 0;
}

/* --- writing --- */

struct events_given {
	struct aw_given *events;
	size_t count;
};

static int post_prepare(struct call *call, struct err *err)
{
	struct events_given *given = arena_alloc(call->arena, sizeof(*given));
	const struct json *root;
	int rc = call_body_json(call, &root, err);

	if (rc < 0)
		return rc;
	if (aw_read_events(root, call->arena, &given->events, &given->count, err) < 0)
		return answer_body(call, err);
	call->prepared = given;
	return 0;
}

/* An id that the bucket does not have, be it of another bucket, is none. */
static int put_event(
	struct intake *intake, int64_t bucket_no, struct aw_given *given, struct err *err)
{
	int rc = ERR_NOT_FOUND;

	if (given->numbered)
		rc = aw_replace(intake, bucket_no, &given->event, err);
	if (rc == ERR_NOT_FOUND)
		rc = aw_insert(intake, bucket_no, &given->event, err);
	return rc;
}

/* Those from FIRST on. */
static int expect(
	struct intake *intake, const struct events_given *given, size_t first, struct err *err)
{
	struct str datas[LIMIT_INTAKE_EXPECT];
	size_t count = 0;

	for (size_t i = first; i < given->count && count < ARRAY_LEN(datas); i++)
		datas[count++] = given->events[i].event.data;
	return aw_expect(intake, datas, count, err);
}

static int post_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct events_given *given = call->prepared;
	struct json_writer writer;
	int64_t bucket_no;
	int rc = answer_target(call, intake, &bucket_no, err);

	(void)store;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_array(&writer);
	for (size_t i = 0; i < given->count; i++) {
		struct aw_given one = given->events[i];

		if (i % LIMIT_INTAKE_EXPECT == 0 && expect(intake, given, i, err) < 0)
			return err->code;
		rc = put_event(intake, bucket_no, &one, err);
		if (rc < 0 && i == 0)
			return answer_bucket(call, call->params[0], err);
		if (rc < 0) /* some are written: all of it is void */
			return err_context(err, "event %zu", i);
		one.event.data = given->events[i].event.data;
		aw_put_event(&writer, &one.event);
	}
	json_end_array(&writer);
	return 0;
}

static int delete_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const int64_t *number = call->prepared;
	struct json_writer writer;
	int64_t bucket_no;
	bool removed;
	int rc = answer_target(call, intake, &bucket_no, err);

	(void)store;
	if (rc == 0)
		rc = aw_remove(intake, bucket_no, *number, &removed, err);
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_object(&writer);
	json_kv_bool(&writer, "success", removed);
	json_end_object(&writer);
	return 0;
}

/* --- routes --- */

#define RANGE_ARGS                                                                                 \
	{ "start", "date-time", false, "Events that end at or after this instant" },               \
	{                                                                                          \
		"end", "date-time", false, "Events that start at or before this instant"           \
	}

static const struct route_doc list_doc = {
	.tag = "events",
	.summary = "Events that touch a range, newest first, cut to the range",
	.args = { RANGE_ARGS,
		{ "limit", "integer", false, "At most so many; negative: no limit" } },
	.answer = "Events",
	.statuses = { { 404, "There is no such bucket" } },
};
static const struct route_doc count_doc = {
	.tag = "events",
	.summary = "How many events touch a range",
	.args = { RANGE_ARGS },
	.answer = "Count",
	.statuses = { { 404, "There is no such bucket" } },
};
static const struct route_doc one_doc = {
	.tag = "events",
	.summary = "One event, as it is stored",
	.answer = "Event",
	.statuses = { { 404, "The bucket or the event is not there" },
		{ 422, "The event's id is no integer" } },
};
static const struct route_doc post_doc = {
	.tag = "events",
	.summary =
		"Add events, or replace those of this bucket whose id is given; answers them as stored",
	.body = "NewEvents",
	.answer = "Events",
	.statuses = { { 404, "There is no such bucket" },
		{ 413, "More events or bytes than one request may have" },
		{ 422, "A member of an event is missing or wrong; nothing was stored" } },
};
static const struct route_doc delete_doc = {
	.tag = "events",
	.summary = "Delete an event; success says whether it was there",
	.answer = "Success",
	.statuses = { { 404, "There is no such bucket" }, { 422, "The event's id is no integer" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets/{bucket}/events",
		.work = WORK_READ,
		.is_long = answer_long_for_streams,
		.from_copy = true,
		.needs = KEY_READ,
		.prepare = list_prepare,
		.handle = list_handle,
		.doc = &list_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/buckets/{bucket}/events",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_EVENTS_BODY_BYTES,
		.prepare = post_prepare,
		.handle = post_handle,
		.doc = &post_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets/{bucket}/events/count",
		.work = WORK_READ,
		.is_long = answer_long_for_streams,
		.from_copy = true,
		.needs = KEY_READ,
		.prepare = count_prepare,
		.handle = count_handle,
		.doc = &count_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets/{bucket}/events/{event}",
		.work = WORK_READ,
		.is_long = answer_long_for_streams,
		.needs = KEY_READ,
		.prepare = number_prepare,
		.handle = one_handle,
		.doc = &one_doc,
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/0/buckets/{bucket}/events/{event}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.prepare = number_prepare,
		.handle = delete_handle,
		.doc = &delete_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/buckets/{bucket}/heartbeat",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_SMALL_BODY_BYTES,
		.prepare = heartbeat_prepare,
		.handle = heartbeat_handle,
		.beat = heartbeat_beat,
		.doc = &heartbeat_doc,
	},
};

const struct route_table api_event_routes = { routes, ARRAY_LEN(routes) };
