/* Exports: buckets with all their events, as ActivityWatch's servers take them back. */
#include "base/url.h"
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/aw_json.h"
#include "serve/api/listing.h"
#include "serve/api/transfer.h"
#include "serve/server.h"

static int add_bucket(struct listing *listing, struct store *store, const struct aw_bucket *bucket,
	struct err *err)
{
	const struct listing_events events = { .range = { .bucket_no = bucket->bucket_no,
						       .from_ns = INT64_MIN,
						       .to_ns = INT64_MAX },
		.limit = UINT64_MAX };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	json_put_str(&writer, bucket->id);
	buf_addc(&text, ":");
	writer = json_writer(&text);
	json_begin_object(&writer);
	aw_put_bucket_members(&writer, bucket);
	buf_addc(&text, ",\"events\":[");
	listing_text(listing, buf_str(&text));
	if (listing_events(listing, &events, store, err) < 0)
		return err->code;
	listing_text(listing, STR("]}"));
	return 0;
}

/*
 * What a browser calls the file: after the bucket when there is just one. A name of other than
 * plain characters is said twice, as RFC 6266 has it: once without them, once encoded.
 */
static struct str disposition(struct call *call, const struct aw_bucket *only)
{
	CLEANUP(buf_release) struct buf plain = BUF_INIT, encoded = BUF_INIT;

	if (!only)
		return STR("attachment; filename=aw-buckets-export.json");
	url_encode(&encoded, only->id);
	for (size_t i = 0; i < only->id.len; i++) {
		unsigned char c = (unsigned char)only->id.ptr[i];
		bool safe = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';

		buf_byte(&plain, safe ? (char)c : '_');
	}
	if (str_eq(buf_str(&plain), only->id))
		return arena_printf(call->arena, "attachment; filename=aw-bucket-export_%s.json",
			buf_cstr(&plain));
	return arena_printf(call->arena,
		"attachment; filename=aw-bucket-export_%s.json; "
		"filename*=UTF-8''aw-bucket-export_%s.json",
		buf_cstr(&plain), buf_cstr(&encoded));
}

static int send(struct call *call, struct store *store, const struct aw_bucket *buckets,
	size_t count, struct err *err)
{
	CLEANUP(listing_freep)
	struct listing *listing = listing_new(server_attention(call->server));
	int rc;

	listing_text(listing, STR("{\"buckets\":{"));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			listing_text(listing, STR(","));
		if (add_bucket(listing, store, &buckets[i], err) < 0)
			return err->code;
	}
	listing_text(listing, STR("}}"));
	rc = listing_send(&listing, call, store, err);
	if (rc < 0)
		return rc;
	http_reply_header(&call->reply, STR("Content-Disposition"),
		disposition(call, count == 1 ? buckets : NULL));
	return 0;
}

static int all_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_bucket *buckets;
	size_t count;
	int rc = answer_buckets(call, store, &buckets, &count, err);

	(void)intake;
	return rc < 0 ? rc : send(call, store, buckets, count, err);
}

static int one_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_bucket bucket;
	int rc = answer_find_whole(call, store, &bucket, err);

	(void)intake;
	return rc < 0 ? rc : send(call, store, &bucket, 1, err);
}

static const struct route_doc all_doc = {
	.tag = "export",
	.summary = "All buckets with their events, newest first, uncut",
	.answer = "Export",
};
static const struct route_doc one_doc = {
	.tag = "export",
	.summary = "One bucket with its events, newest first, uncut",
	.answer = "Export",
	.statuses = { { 404, "There is no such bucket" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/export",
		.work = WORK_READ,
		.is_long = answer_always_long,
		.from_copy = true,
		.needs = KEY_READ,
		.handle = all_handle,
		.doc = &all_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/buckets/{bucket}/export",
		.work = WORK_READ,
		.is_long = answer_long_for_streams,
		.from_copy = true,
		.needs = KEY_READ,
		.handle = one_handle,
		.doc = &one_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/import",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_IMPORT_BODY_BYTES,
		.prepare = import_prepare,
		.handle = import_handle,
		.doc = &import_doc,
	},
};

const struct route_table api_transfer_routes = { routes, ARRAY_LEN(routes) };
