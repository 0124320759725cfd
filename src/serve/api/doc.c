/* The API's description, made of the route tables. */
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "serve/call.h"
#include "serve/server.h"

static int doc_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct json_writer writer = call_json(call);
	size_t count;
	const struct route_table *tables = server_routes(&count);

	(void)store;
	(void)intake;
	(void)err;
	openapi_print(tables, count, TT_VERSION, writer.out);
	return 0;
}

static const struct route_doc doc_doc = {
	.tag = "server",
	.summary = "This description",
	.answer = "OpenAPI",
};

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/0/openapi.json",
		.work = WORK_HERE,
		.needs = KEY_READ,
		.handle = doc_handle,
		.doc = &doc_doc,
	},
};

const struct route_table api_doc_routes = { routes, ARRAY_LEN(routes) };
