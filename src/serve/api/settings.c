/* Settings of web UIs and clients: any JSON under any short key. */
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "store/aw_write.h"

static int check_key(struct call *call, struct err *err)
{
	if (call->params[0].len > LIMIT_SETTING_KEY_BYTES)
		return call_fail(call, 400, err, "Too long key");
	return 0;
}

static int list_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_setting *settings;
	struct json_writer writer;
	size_t count;
	int rc = aw_settings(store, call->arena, &settings, &count, err);

	(void)intake;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_object(&writer);
	for (size_t i = 0; i < count; i++) {
		json_key(&writer, settings[i].key);
		json_put_raw(&writer, settings[i].value);
	}
	json_end_object(&writer);
	return 0;
}

static int one_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct json_writer writer;
	struct str value;
	int rc = aw_setting_find(store, call->params[0], call->arena, &value, err);

	(void)intake;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_put_raw(&writer, value.len > 0 ? value : STR("null"));
	return 0;
}

static int post_prepare(struct call *call, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str *value = arena_alloc(call->arena, sizeof(*value));
	const struct json *root;
	int rc = check_key(call, err);

	if (rc == 0)
		rc = call_body_json(call, &root, err);
	if (rc < 0)
		return rc;
	buf_reserve(&text, http_body(call->http).len);
	if (!json_canonical(&text, root))
		return call_fail(call, 422, err,
			"The value holds a number beyond what a double of 64 bits can say");
	*value = arena_str(call->arena, buf_str(&text));
	call->prepared = value;
	return 0;
}

static int put(
	struct call *call, struct intake *intake, struct str value, int status, struct err *err)
{
	int rc = aw_setting_put(intake, call->params[0], value, err);

	if (rc < 0 && answer_is_refusal(rc))
		return call_fail(call, 400, err, "The key or the value cannot be stored");
	return rc < 0 ? rc : call_empty(call, status);
}

static int post_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct str *value = call->prepared;

	(void)store;
	return put(call, intake, *value, 201, err);
}

static int delete_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	(void)store;
	return put(call, intake, (struct str){ 0 }, 200, err);
}

static const struct route_doc list_doc = {
	.tag = "settings",
	.summary = "All settings, by key",
	.answer = "Settings",
};
static const struct route_doc one_doc = {
	.tag = "settings",
	.summary = "One setting; null when it is not set",
	.answer = "Any",
	.statuses = { { 400, "The key has more than 127 bytes" } },
};
static const struct route_doc post_doc = {
	.tag = "settings",
	.summary = "Set a setting to any JSON, null included",
	.body = "Any",
	.statuses = { { 201, "It is set" },
		{ 400, "The key has more than 127 bytes, or no JSON" } },
};
static const struct route_doc delete_doc = {
	.tag = "settings",
	.summary = "Delete a setting, if it is there",
	.statuses = { { 400, "The key has more than 127 bytes" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/settings",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = list_handle,
		.doc = &list_doc,
	},
	{
		.method = HTTP_GET,
		.path = "/api/0/settings/{key}",
		.work = WORK_READ,
		.needs = KEY_READ,
		.prepare = check_key,
		.handle = one_handle,
		.doc = &one_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/settings/{key}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_SMALL_BODY_BYTES,
		.prepare = post_prepare,
		.handle = post_handle,
		.doc = &post_doc,
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/0/settings/{key}",
		.work = WORK_WRITE,
		.needs = KEY_WRITE,
		.prepare = check_key,
		.handle = delete_handle,
		.doc = &delete_doc,
	},
};

const struct route_table api_setting_routes = { routes, ARRAY_LEN(routes) };
