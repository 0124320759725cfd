/* Devices: the machines whose data this store holds, and those that registered here. */
#include "base/clock.h"
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/aw_json.h"
#include "serve/api/openapi.h"
#include "serve/server.h"
#include "store/keys.h"

static void put_device(struct json_writer *writer, const struct device *device)
{
	json_begin_object(writer);
	aw_put_text(writer, "machine_id", device->machine_id);
	aw_put_text(writer, "label", device->label);
	aw_put_text(writer, "hostname", device->hostname);
	aw_put_text(writer, "version", device->version);
	aw_put_time_or_null(writer, "registered", device->registered_ns);
	aw_put_time_or_null(writer, "last_seen", device->seen_ns);
	json_end_object(writer);
}

/* This machine never registered with itself. */
static void name_own(const struct server_options *server, struct device *device)
{
	if (!str_eq_c(device->machine_id, server->machine_id))
		return;
	if (device->label.len == 0)
		device->label = str_from(server->machine_label);
	if (device->hostname.len == 0)
		device->hostname = str_from(server->hostname);
}

static int list_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct device *devices;
	struct json_writer writer;
	size_t count;
	int rc = device_list(store, call->arena, &devices, &count, err);

	(void)intake;
	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_array(&writer);
	for (size_t i = 0; i < count; i++) {
		name_own(server_options(call->server), &devices[i]);
		put_device(&writer, &devices[i]);
	}
	json_end_array(&writer);
	return 0;
}

/* A member that is a short string, or absent or null: then empty. */
static int read_text(struct call *call, const struct json *root, const char *member,
	struct str *out, struct err *err)
{
	const struct json *value = json_get(root, member);

	*out = STR("");
	if (!value || json_type(value) == JSON_NULL)
		return 0;
	*out = json_str(value);
	if (!json_is(value, JSON_STRING) || out->len > LIMIT_NAME_BYTES)
		return call_fail(call, 422, err, "'%s' is no string of at most %d bytes", member,
			LIMIT_NAME_BYTES);
	return 0;
}

static int register_prepare(struct call *call, struct err *err)
{
	struct device *device = arena_zalloc(call->arena, 1, sizeof(*device));
	const struct json *root;
	int rc = call_body_json(call, &root, err);

	if (rc == 0 && !json_is(root, JSON_OBJECT))
		rc = call_fail(call, 422, err, "A device is an object");
	if (rc == 0)
		rc = read_text(call, root,
			json_get(root, "machine_id") ? "machine_id" : "device_id",
			&device->machine_id, err);
	if (rc == 0)
		rc = read_text(call, root, "label", &device->label, err);
	if (rc == 0)
		rc = read_text(call, root, "hostname", &device->hostname, err);
	if (rc == 0)
		rc = read_text(call, root, "version", &device->version, err);
	call->prepared = device;
	return rc;
}

/* A transaction of its own: it is rare, and no part of a batch. */
static int register_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct device device = *(const struct device *)call->prepared;
	struct json_writer writer;
	int rc = device_register(store, clock_now_ns(), &device, call->arena, err);

	(void)intake;
	if (rc == ERR_USAGE)
		return answer_body(call, err);
	if (rc < 0)
		return rc;
	writer = call_json(call);
	put_device(&writer, &device);
	return 0;
}

static const struct route_doc list_doc = {
	.tag = "devices",
	.summary = "The machines that this server knows",
	.answer = "Devices",
};
static const struct route_doc register_doc = {
	.tag = "devices",
	.summary = "Make a machine known, or bring what is known of it up to date",
	.body = "NewDevice",
	.answer = "Device",
	.statuses = { { 422,
		"machine_id is no UUID, or a member is no string of at most 256 bytes" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/devices",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = list_handle,
		.doc = &list_doc,
	},
	{
		.method = HTTP_POST,
		.path = "/api/0/devices/register",
		.work = WORK_READ,
		.any_device = true,
		.needs = KEY_WRITE,
		.body_limit = LIMIT_SMALL_BODY_BYTES,
		.prepare = register_prepare,
		.handle = register_handle,
		.doc = &register_doc,
	},
};

const struct route_table api_device_routes = { routes, ARRAY_LEN(routes) };
