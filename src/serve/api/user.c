/* Who asks: what is kept of them, all of it as one stream, and its erasure. */
#include <ctype.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "serve/server.h"
#include "store/keys.h"
#include "sync/export_user.h"

/* --- who am I --- */

static void put_text(struct json_writer *writer, const char *key, struct str text)
{
	if (text.len > 0)
		json_kv_str(writer, key, text);
	else
		json_kv_null(writer, key);
}

static const char *role_name(enum key_role role)
{
	switch (role) {
	case KEY_READ:
		return "read";
	case KEY_WRITE:
		return "write";
	case KEY_ADMIN:
		return "admin";
	}
	return "none";
}

static int who_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct identity *who = &call->who;
	struct json_writer writer;
	struct store_info info;
	struct aw_bucket *buckets;
	struct device *devices;
	size_t bucket_count, device_count;

	(void)intake;
	if (store_info(store, &info, err) < 0 ||
		answer_buckets(call, store, &buckets, &bucket_count, err) < 0 ||
		device_list(store, call->arena, &devices, &device_count, err) < 0)
		return err->code;
	writer = call_json(call);
	json_begin_object(&writer);
	put_text(&writer, "user_id", who->user_id);
	put_text(&writer, "email", who->email);
	json_kv_str(&writer, "role", str_from(role_name(who->role)));
	put_text(&writer, "machine_id", who->machine_id);
	json_kv_i64(&writer, "events", info.events);
	json_kv_i64(&writer, "buckets", (int64_t)bucket_count);
	json_kv_i64(&writer, "devices", (int64_t)device_count);
	json_kv_i64(&writer, "quarantined", info.quarantined);
	json_end_object(&writer);
	return 0;
}

/* --- everything of a user --- */

struct user_stream {
	struct store *store;
	struct export_user *export;
	struct machine machine;
	struct export_user_request request;
};

static int stream_fill(void *context, struct buf *out, size_t want, struct err *err)
{
	struct user_stream *stream = context;

	return export_user_fill(stream->export, out, want, err);
}

static void stream_free(void *context)
{
	struct user_stream *stream = context;

	export_user_close(stream->export);
	store_close(stream->store);
	free(stream);
}

static int export_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct server_options *server = server_options(call->server);
	struct user_stream *stream = mem_zalloc(sizeof(*stream));
	int rc;

	(void)store;
	(void)intake;
	stream->machine = (struct machine){ .id = str_from(server->machine_id),
		.label = str_from(server->machine_label),
		.hostname = str_from(server->hostname) };
	stream->request = (struct export_user_request){ &stream->machine, clock_now_ns() };
	rc = answer_own_store(call, true, &stream->store, err);
	if (rc == 0)
		rc = export_user_open(
			&stream->export, stream->store, call->who.user_id, &stream->request, err);
	if (rc < 0) {
		stream_free(stream);
		return rc;
	}
	call_stream(call, "application/x-ndjson",
		(struct http_stream){ stream_fill, stream_free, stream });
	http_reply_header(&call->reply, STR("Content-Disposition"),
		STR("attachment; filename=tidemark-user-export.jsonl"));
	return 0;
}

/* --- erasure --- */

static bool same_email(struct str a, struct str b)
{
	bool same = a.len == b.len && a.len > 0;

	for (size_t i = 0; i < a.len && same; i++)
		same = tolower((unsigned char)a.ptr[i]) == tolower((unsigned char)b.ptr[i]);
	return same;
}

static int erase_prepare(struct call *call, struct err *err)
{
	const struct json *root;
	int rc;

	if (!server_is_shared(call->server))
		return call_fail(call, 409, err,
			"This server keeps one person's data, in a file of theirs: it is erased with the file");
	rc = call_body_json(call, &root, err);
	if (rc == 0 && !same_email(json_get_str(root, "email"), call->who.email))
		rc = call_fail(call, 422, err,
			"To confirm, 'email' must be the address of the user who is to be erased");
	return rc;
}

static int erase_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };
	struct json_writer writer;
	int64_t rows = 0;
	int rc = store_as(store, &nobody, err);

	(void)intake;
	if (rc == 0)
		rc = user_erase(store, call->who.user_id, &rows, err);
	if (rc < 0 && rc != ERR_NOT_FOUND) /* another request has done it */
		return rc;
	writer = call_json(call);
	json_begin_object(&writer);
	json_kv_i64(&writer, "erased", rows);
	json_end_object(&writer);
	return 0;
}

static const struct route_doc who_doc = {
	.tag = "user",
	.summary =
		"Who asks, with how much is kept of them; user and e-mail are null without a key",
	.answer = "User",
};
static const struct route_doc export_doc = {
	.tag = "user",
	.summary =
		"Everything of the user in one stream of JSON lines: events, devices, buckets, settings, what they decided, keys without secrets",
	.answer = "Any",
	.answer_type = "application/x-ndjson",
};
static const struct route_doc erase_doc = {
	.tag = "user",
	.summary = "Erase the user and everything of theirs, for good; their keys end at once",
	.body = "Erasure",
	.answer = "Erased",
	.statuses = { { 409, "The server keeps one person's data alone" },
		{ 422, "email is not the user's" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/user",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = who_handle,
		.doc = &who_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/user/export",
		.work = WORK_READ,
		.needs = KEY_ADMIN,
		.handle = export_handle,
		.doc = &export_doc,
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/0/user",
		.work = WORK_READ,
		.is_long = answer_always_long,
		.needs = KEY_ADMIN,
		.body_limit = LIMIT_SMALL_BODY_BYTES,
		.prepare = erase_prepare,
		.handle = erase_handle,
		.doc = &erase_doc,
	},
};

const struct route_table api_user_routes = { routes, ARRAY_LEN(routes) };
