/* Buckets: list, one, make, change, delete. */
#include "base/clock.h"
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/aw_json.h"
#include "serve/api/openapi.h"
#include "serve/server.h"
#include "serve/stream_bucket.h"
#include "store/aw_write.h"

static int list_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_bucket *buckets;
	struct json_writer writer;
	size_t count;
	int rc = answer_buckets(call, store, &buckets, &count, err);

	(void)intake;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_object(&writer);
	for (size_t i = 0; i < count; i++) {
		json_key(&writer, buckets[i].id);
		aw_put_bucket(&writer, &buckets[i]);
	}
	json_end_object(&writer);
	return 0;
}

static int one_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_bucket bucket;
	struct json_writer writer;
	int rc = answer_find_whole(call, store, &bucket, err);

	(void)intake;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	aw_put_bucket(&writer, &bucket);
	return 0;
}

/* Clients that do not know their host's name leave it to the server. */
static void resolve_local(struct call *call, struct aw_given_bucket *given)
{
	if (!str_eq_c(given->hostname, "!local"))
		return;
	given->hostname = answer_host(call);
	given->data = aw_data_with(given->data.ptr ? given->data : STR("{}"), "device_id",
		answer_own_machine(call), call->arena);
}

static int read_body(struct call *call, bool whole, struct err *err)
{
	struct aw_given_bucket *given = arena_alloc(call->arena, sizeof(*given));
	const struct json *root;
	int rc = call_body_json(call, &root, err);

	if (rc < 0)
		return rc;
	if (aw_read_bucket(root, whole, call->arena, given, err) < 0)
		return answer_body(call, err);
	resolve_local(call, given);
	call->prepared = given;
	return 0;
}

static int make_prepare(struct call *call, struct err *err)
{
	return read_body(call, true, err);
}

static int change_prepare(struct call *call, struct err *err)
{
	return read_body(call, false, err);
}

static int insert_events(struct intake *intake, int64_t bucket_no,
	const struct aw_given_bucket *given, struct err *err)
{
	for (size_t i = 0; i < given->event_count; i++) {
		struct aw_event event = given->events[i].event;
		int rc = aw_insert(intake, bucket_no, &event, err);

		/* The bucket is made already: all of it is void, not this one event. */
		if (rc < 0)
			return err_context(err, "event %zu of a new bucket", i);
	}
	return 0;
}

/* The streams' bucket is there without being made. */
static int check_reserved(struct call *call, struct intake *intake, struct err *err)
{
	struct str id = call->params[0];
	int64_t bucket_no;

	if (!stream_bucket_is(id, answer_host(call)))
		return 0;
	return answer_target(call, intake, &bucket_no, err);
}

static int choose_machine(struct call *call, struct store *store, struct intake *intake,
	struct aw_bucket *bucket, struct err *err)
{
	int rc = answer_machine(call, store, bucket->hostname, &bucket->machine_id, err);

	if (rc == ERR_USAGE)
		return answer_bucket(call, bucket->id, err);
	return rc < 0 ? rc : intake_device(intake, bucket->machine_id, err);
}

static int make_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct aw_given_bucket *given = call->prepared;
	struct aw_bucket bucket = {
		.id = call->params[0],
		.type = given->type,
		.client = given->client,
		.hostname = given->hostname,
		.data = given->data.ptr ? given->data : STR("{}"),
		.created_ns = given->created_ns == INT64_MIN ? clock_now_ns() : given->created_ns,
	};
	bool made;
	int rc = check_reserved(call, intake, err);

	if (rc == 0)
		rc = choose_machine(call, store, intake, &bucket, err);
	if (rc < 0)
		return rc;
	if (aw_make(intake, &bucket, &made, err) < 0)
		return answer_bucket(call, call->params[0], err);
	if (made)
		rc = insert_events(intake, bucket.bucket_no, given, err);
	return rc < 0 ? rc : call_empty(call, made ? 200 : 304);
}

static int change_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct aw_given_bucket *given = call->prepared;
	const struct aw_bucket fields = {
		.type = given->type,
		.client = given->client,
		.hostname = given->hostname,
		.data = given->data,
	};
	int64_t bucket_no;
	int rc = answer_target(call, intake, &bucket_no, err);

	(void)store;
	if (rc < 0)
		return rc;
	if (aw_change(intake, bucket_no, &fields, err) < 0)
		return answer_bucket(call, call->params[0], err);
	return call_empty(call, 200);
}

static int delete_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	int64_t bucket_no;
	int rc = answer_target(call, intake, &bucket_no, err);

	(void)store;
	if (rc < 0)
		return rc;
	if (aw_delete(intake, bucket_no, err) < 0)
		return answer_bucket(call, call->params[0], err);
	return call_empty(call, 200);
}

static const struct route_doc list_doc = {
	.tag = "buckets",
	.summary = "All buckets, by id",
	.answer = "Buckets",
};
static const struct route_doc one_doc = {
	.tag = "buckets",
	.summary = "One bucket, without its events",
	.answer = "Bucket",
	.statuses = { { 404, "There is no such bucket" } },
};
static const struct route_doc make_doc = {
	.tag = "buckets",
	.summary = "Make a bucket; hostname \"!local\" becomes the server's",
	.body = "NewBucket",
	.statuses = { { 304, "There is a bucket of this id already; nothing was changed" },
		{ 422, "A member is missing or of the wrong type" } },
};
static const struct route_doc change_doc = {
	.tag = "buckets",
	.summary = "Change those of type, client, hostname and data that are given",
	.body = "BucketChange",
	.statuses = { { 404, "There is no such bucket" },
		{ 422, "A member is of the wrong type" } },
};
static const struct route_doc delete_doc = {
	.tag = "buckets",
	.summary = "Delete a bucket with its events",
	.args = { { "force", "string", false, "Accepted, not needed" } },
	.statuses = { { 404, "There is no such bucket" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = list_handle,
		.doc = &list_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets/{bucket}",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = one_handle,
		.doc = &one_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/buckets/{bucket}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_EVENTS_BODY_BYTES,
		.prepare = make_prepare,
		.handle = make_handle,
		.doc = &make_doc,
	},
	{
		.method = HTTP_PUT,
		.path = "/api/0/buckets/{bucket}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_SMALL_BODY_BYTES,
		.prepare = change_prepare,
		.handle = change_handle,
		.doc = &change_doc,
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/0/buckets/{bucket}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.handle = delete_handle,
		.doc = &delete_doc,
	},
};

const struct route_table api_bucket_routes = { routes, ARRAY_LEN(routes) };
