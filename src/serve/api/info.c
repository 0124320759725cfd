/* What server this is. Web UI and clients read the version: it must be semver up to the first
 * blank, and name "rust", or the UI offers a Swagger page that only the Python server has. */
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "serve/call.h"
#include "serve/server.h"

/* The server whose behaviour this one follows. */
#define COMPATIBLE "v0.14.0 (rust-compatible, tidemark " TT_VERSION ")"

static int info_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct server_options *server = server_options(call->server);
	struct json_writer writer = call_json(call);

	(void)store;
	(void)intake;
	(void)err;
	json_begin_object(&writer);
	json_kv_str(&writer, "hostname", str_from(server->hostname));
	json_kv_str(&writer, "version", STR(COMPATIBLE));
	json_kv_bool(&writer, "testing", server->testing);
	json_kv_str(&writer, "device_id", str_from(server->machine_id));
	json_end_object(&writer);
	return 0;
}

static const struct route_doc info_doc = {
	.tag = "server",
	.summary = "Which server this is, on which machine",
	.answer = "Info",
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/info",
		.work = WORK_HERE,
		.open = true,
		.needs = KEY_READ,
		.handle = info_handle,
		.doc = &info_doc,
	},
};

const struct route_table api_info_routes = { routes, ARRAY_LEN(routes) };
