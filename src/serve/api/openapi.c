/*
 * OpenAPI 3.0.3 (spec.openapis.org): what a route does comes from its route_doc, how its path looks
 * from its path, what its bodies hold from the schemas below, which are written by hand.
 */
#include "serve/api/openapi.h"

#include <ctype.h>

#include "base/json.h"

#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":\"string\",\"format\":\"date-time\",\"nullable\":true}"
#define OBJECT "{\"type\":\"object\",\"additionalProperties\":true}"
#define OBJECT_OR_NULL "{\"type\":\"object\",\"additionalProperties\":true,\"nullable\":true}"
#define NAME                                                                                       \
	"{\"type\":\"string\",\"maxLength\":256,\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f]*$\"}"
#define NAME_OR_NULL "{\"type\":\"string\",\"maxLength\":256,\"nullable\":true}"
#define INTEGER "{\"type\":\"integer\",\"format\":\"int64\"}"

static const struct {
	const char *name;
	const char *json;
} schemas[] = {
	{ "Any", "{\"description\":\"Any JSON value\",\"nullable\":true}" },
	{ "Message",
		"{\"type\":\"object\",\"required\":[\"message\"],\"properties\":{\"message\":" TEXT
		",\"type\":" TEXT "}}" },
	{ "Info",
		"{\"type\":\"object\",\"required\":[\"hostname\",\"version\",\"testing\",\"device_id\"],"
		"\"properties\":{\"hostname\":" TEXT ",\"version\":" TEXT
		",\"testing\":{\"type\":\"boolean\"},\"device_id\":{\"type\":\"string\",\"format\":\"uuid\"}}}" },
	{ "OpenAPI", OBJECT },
	{ "Bucket",
		"{\"type\":\"object\",\"required\":[\"id\",\"type\",\"client\",\"hostname\",\"created\",\"data\"],"
		"\"properties\":{\"id\":" TEXT ",\"type\":" TEXT ",\"client\":" TEXT
		",\"hostname\":" TEXT ",\"created\":" TIME_OR_NULL
		",\"name\":{\"type\":\"string\",\"nullable\":true},\"data\":" OBJECT
		",\"metadata\":{\"type\":\"object\",\"properties\":{\"start\":" TIME_OR_NULL
		",\"end\":" TIME_OR_NULL "}},\"last_updated\":" TIME_OR_NULL ",\"machine_id\":" TEXT
		",\"event_count\":" INTEGER
		",\"events\":{\"type\":\"array\",\"nullable\":true,\"items\":" REF("Event") "}}}" },
	{ "Buckets", "{\"type\":\"object\",\"additionalProperties\":" REF("Bucket") "}" },
	{ "NewBucket",
		"{\"type\":\"object\",\"required\":[\"type\",\"client\",\"hostname\"],\"properties\":{\"type\":" NAME
		",\"client\":" NAME ",\"hostname\":" NAME ",\"created\":" TIME_OR_NULL
		",\"data\":" OBJECT_OR_NULL
		",\"events\":{\"type\":\"array\",\"nullable\":true,\"items\":" REF(
			"NewEvent") "}}}" },
	{ "BucketChange", "{\"type\":\"object\",\"properties\":{\"type\":" NAME_OR_NULL
			  ",\"client\":" NAME_OR_NULL ",\"hostname\":" NAME_OR_NULL
			  ",\"data\":" OBJECT_OR_NULL "}}" },
	{ "Event",
		"{\"type\":\"object\",\"required\":[\"id\",\"timestamp\",\"duration\",\"data\"],\"properties\":{\"id\":" INTEGER
		",\"timestamp\":" TIME
		",\"duration\":{\"type\":\"number\",\"description\":\"Seconds\"},\"data\":" OBJECT
		"}}" },
	{ "Events", "{\"type\":\"array\",\"items\":" REF("Event") "}" },
	{ "NewEvent",
		"{\"type\":\"object\",\"required\":[\"timestamp\",\"data\"],\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\",\"nullable\":true},\"timestamp\":" TIME
		",\"duration\":{\"type\":\"number\",\"default\":0,\"description\":\"Seconds\"},\"data\":" OBJECT
		"}}" },
	{ "NewEvents", "{\"oneOf\":[{\"type\":\"array\",\"items\":" REF("NewEvent") "}," REF(
			       "NewEvent") "]}" },
	{ "Count", INTEGER },
	{ "Success", "{\"type\":\"object\",\"properties\":{\"success\":{\"type\":\"boolean\"}}}" },
	{ "Settings", OBJECT },
	{ "Device",
		"{\"type\":\"object\",\"required\":[\"machine_id\"],\"properties\":{\"machine_id\":{\"type\":\"string\",\"format\":\"uuid\"},"
		"\"label\":" TEXT ",\"hostname\":" TEXT ",\"version\":" TEXT
		",\"registered\":" TIME_OR_NULL ",\"last_seen\":" TIME_OR_NULL "}}" },
	{ "Devices", "{\"type\":\"array\",\"items\":" REF("Device") "}" },
	{ "NewDevice",
		"{\"type\":\"object\",\"anyOf\":[{\"required\":[\"machine_id\"]},{\"required\":[\"device_id\"]}],"
		"\"properties\":{\"machine_id\":{\"type\":\"string\",\"format\":\"uuid\"},"
		"\"device_id\":{\"type\":\"string\",\"format\":\"uuid\"},\"label\":" NAME_OR_NULL
		",\"hostname\":" NAME_OR_NULL ",\"version\":" NAME_OR_NULL "}}" },
	{ "User",
		"{\"type\":\"object\",\"required\":[\"user_id\",\"email\",\"role\"],\"properties\":{"
		"\"user_id\":{\"type\":\"string\",\"format\":\"uuid\",\"nullable\":true},"
		"\"email\":{\"type\":\"string\",\"nullable\":true},"
		"\"role\":{\"type\":\"string\",\"enum\":[\"read\",\"write\",\"admin\"]},"
		"\"machine_id\":{\"type\":\"string\",\"format\":\"uuid\",\"nullable\":true},"
		"\"events\":" INTEGER ",\"buckets\":" INTEGER ",\"devices\":" INTEGER
		",\"quarantined\":" INTEGER "}}" },
	{ "Erasure", "{\"type\":\"object\",\"required\":[\"email\"],\"properties\":{\"email\":" TEXT
		     "}}" },
	{ "Erased", "{\"type\":\"object\",\"properties\":{\"erased\":" INTEGER "}}" },
	{ "Query",
		"{\"type\":\"object\",\"required\":[\"timeperiods\",\"query\"],\"properties\":{\"timeperiods\":"
		"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^[^/]+/[^/]+$\"}"
		",\"example\":[\"2026-02-03T00:00:00Z/2026-02-04T00:00:00Z\"]},\"query\":{\"type\":\"array\",\"items\":" TEXT
		",\"example\":[\"RETURN = query_bucket(\\\"aw-watcher-window_host\\\");\"]}}}" },
	{ "Answers", "{\"type\":\"array\",\"items\":" REF("Any") "}" },
	{ "Export",
		"{\"type\":\"object\",\"required\":[\"buckets\"],\"properties\":{\"buckets\":" REF(
			"Buckets") "}}" },
	{ "Import",
		"{\"type\":\"object\",\"required\":[\"buckets\"],\"properties\":{\"buckets\":{\"type\":\"object\",\"additionalProperties\":"
		"{\"type\":\"object\",\"properties\":{\"id\":" TEXT ",\"type\":" TEXT
		",\"client\":" TEXT ",\"hostname\":" TEXT ",\"created\":" TIME_OR_NULL
		",\"data\":" OBJECT_OR_NULL
		",\"events\":{\"type\":\"array\",\"nullable\":true,\"items\":" REF(
			"NewEvent") "}}}}}}" },
	{ "Imported",
		"{\"type\":\"object\",\"properties\":{\"buckets\":{\"type\":\"object\",\"properties\":{\"new\":" INTEGER
		",\"known\":" INTEGER ",\"readonly\":" INTEGER
		"}},\"events\":{\"type\":\"object\",\"properties\":{\"new\":" INTEGER
		",\"duplicate\":" INTEGER ",\"quarantined\":" INTEGER
		",\"reasons\":{\"type\":\"object\",\"additionalProperties\":" INTEGER "}}}}}" },
};

static const char *const method_names[] = {
	[HTTP_GET] = "get",
	[HTTP_POST] = "post",
	[HTTP_PUT] = "put",
	[HTTP_DELETE] = "delete",
};

/* What every route that needs a key may answer beside its own. */
static const struct route_doc_status common_statuses[] = {
	{ 400, "The request cannot be understood" },
	{ 401, "A key is missing, wrong, expired or revoked" },
	{ 403, "The key or the Origin does not allow this" },
	{ 429, "Too many requests: try again after Retry-After seconds" },
	{ 503, "The store or the server is busy: try again" },
};

/* --- paths --- */

/* "/api/0/buckets/{bucket}", with "{rest*}" as "{rest}". */
static void put_path_key(struct json_writer *out, const char *path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	for (; *path; path++)
		if (*path != '*')
			buf_byte(&text, *path);
	json_key(out, buf_str(&text));
}

/* The next "{name}" of *PATH, which moves behind it; empty at the end. */
static struct str next_param(const char **path)
{
	const char *open = strchr(*path, '{'), *close = open ? strchr(open, '}') : NULL;
	struct str name;

	if (!close)
		return (struct str){ NULL, 0 };
	*path = close + 1;
	name = (struct str){ open + 1, (size_t)(close - open - 1) };
	if (str_ends(name, STR("*")))
		name.len--;
	return name;
}

/* "get_buckets_bucket_events": unique, since path and method are. */
static void put_operation_id(struct json_writer *out, const struct route *route)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_addc(&text, method_names[route->method]);
	for (const char *at = route->path; *at; at++) {
		if (isalnum((unsigned char)*at))
			buf_byte(&text, *at);
		else if (*at == '/')
			buf_byte(&text, '_');
		else if (*at == '{')
			buf_addc(&text, "by_");
	}
	json_kv_str(out, "operationId", buf_str(&text));
}

static void put_param(struct json_writer *out, struct str name, const char *in, bool required,
	const char *summary, const char *type)
{
	bool time = strcmp(type, "date-time") == 0;

	json_begin_object(out);
	json_kv_str(out, "name", name);
	json_kv_str(out, "in", str_from(in));
	json_kv_bool(out, "required", required);
	if (summary)
		json_kv_str(out, "description", str_from(summary));
	json_key(out, STR("schema"));
	json_begin_object(out);
	json_kv_str(out, "type", time ? STR("string") : str_from(type));
	if (time)
		json_kv_str(out, "format", STR("date-time"));
	json_end_object(out);
	json_end_object(out);
}

static void put_params(struct json_writer *out, const struct route *route)
{
	const char *path = route->path;
	struct str name;

	json_key(out, STR("parameters"));
	json_begin_array(out);
	while ((name = next_param(&path)).len > 0)
		put_param(out, name, "path", true, NULL,
			str_eq_c(name, "event") ? "integer" : "string");
	for (size_t i = 0; i < ROUTE_DOC_ARGS && route->doc->args[i].name; i++) {
		const struct route_doc_arg *arg = &route->doc->args[i];

		put_param(
			out, str_from(arg->name), "query", arg->required, arg->summary, arg->type);
	}
	json_end_array(out);
}

/* --- bodies --- */

static void put_content(struct json_writer *out, const char *type, const char *schema)
{
	CLEANUP(buf_release) struct buf ref = BUF_INIT;

	buf_printf(&ref, "#/components/schemas/%s", schema);
	json_key(out, STR("content"));
	json_begin_object(out);
	json_key(out, type ? str_from(type) : STR("application/json"));
	json_begin_object(out);
	json_key(out, STR("schema"));
	json_begin_object(out);
	json_kv_str(out, "$ref", buf_str(&ref));
	json_end_object(out);
	json_end_object(out);
	json_end_object(out);
}

static void put_answer(struct json_writer *out, int status, const char *summary, const char *type,
	const char *schema)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;

	buf_i64(&key, status);
	json_key(out, buf_str(&key));
	json_begin_object(out);
	json_kv_str(out, "description", str_from(summary));
	if (schema)
		put_content(out, type, schema);
	json_end_object(out);
}

static bool has_status(const struct route_doc *doc, int status)
{
	for (size_t i = 0; i < ROUTE_DOC_STATUSES; i++)
		if (doc->statuses[i].status == status)
			return true;
	return false;
}

static void put_common(struct json_writer *out, const struct route_doc *doc)
{
	for (size_t i = 0; i < ARRAY_LEN(common_statuses); i++)
		if (!has_status(doc, common_statuses[i].status))
			put_answer(out, common_statuses[i].status, common_statuses[i].summary, NULL,
				"Message");
	if (doc->body && !has_status(doc, 413))
		put_answer(out, 413, "The body is too large", NULL, "Message");
}

static void put_answers(struct json_writer *out, const struct route_doc *doc, bool open)
{
	json_key(out, STR("responses"));
	json_begin_object(out);
	if (!has_status(doc, 201))
		put_answer(out, 200, doc->answer ? "Done" : "Done; the body is empty",
			doc->answer_type, doc->answer);
	for (size_t i = 0; i < ROUTE_DOC_STATUSES && doc->statuses[i].status; i++) {
		const struct route_doc_status *one = &doc->statuses[i];

		put_answer(out, one->status, one->summary, NULL,
			one->status >= 400 ? "Message" : NULL);
	}
	if (!open)
		put_common(out, doc);
	json_end_object(out);
}

static void put_route(struct json_writer *out, const struct route *route)
{
	const struct route_doc *doc = route->doc;

	json_key(out, str_from(method_names[route->method]));
	json_begin_object(out);
	put_operation_id(out, route);
	json_key(out, STR("tags"));
	json_begin_array(out);
	json_put_str(out, str_from(doc->tag));
	json_end_array(out);
	json_kv_str(out, "summary", str_from(doc->summary));
	put_params(out, route);
	if (doc->body) {
		json_key(out, STR("requestBody"));
		json_begin_object(out);
		json_kv_bool(out, "required", true);
		put_content(out, doc->body_type, doc->body);
		json_end_object(out);
	}
	put_answers(out, doc, route->open);
	if (route->open) {
		json_key(out, STR("security"));
		json_put_raw(out, STR("[]"));
	}
	json_end_object(out);
}

/* --- the document --- */

static bool documented(const struct route *route)
{
	return route->doc && route->method < ARRAY_LEN(method_names) && method_names[route->method];
}

/* Was the path of tables[T].routes[I] there before? */
static bool seen_before(const struct route_table *tables, size_t t, size_t i)
{
	for (size_t u = 0; u <= t; u++)
		for (size_t j = 0; j < (u == t ? i : tables[u].count); j++)
			if (documented(&tables[u].routes[j]) &&
				strcmp(tables[u].routes[j].path, tables[t].routes[i].path) == 0)
				return true;
	return false;
}

/* All methods of PATH. */
static void put_path(
	struct json_writer *out, const struct route_table *tables, size_t count, const char *path)
{
	put_path_key(out, path);
	json_begin_object(out);
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			if (documented(&tables[t].routes[i]) &&
				strcmp(tables[t].routes[i].path, path) == 0)
				put_route(out, &tables[t].routes[i]);
	json_end_object(out);
}

static void put_components(struct json_writer *out)
{
	json_key(out, STR("components"));
	json_begin_object(out);
	json_key(out, STR("schemas"));
	json_begin_object(out);
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		json_key(out, str_from(schemas[i].name));
		json_put_raw(out, str_from(schemas[i].json));
	}
	json_end_object(out);
	json_key(out, STR("securitySchemes"));
	json_put_raw(out, STR("{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
	json_end_object(out);
}

void openapi_print(
	const struct route_table *tables, size_t count, const char *version, struct buf *out)
{
	struct json_writer json = json_writer(out);

	json_begin_object(&json);
	json_kv_str(&json, "openapi", STR("3.0.3"));
	json_key(&json, STR("info"));
	json_begin_object(&json);
	json_kv_str(&json, "title", STR("Tidemark"));
	json_kv_str(&json, "description",
		STR("ActivityWatch's REST API, as Tidemark serves it. Keys are optional on this machine itself."));
	json_kv_str(&json, "version", str_from(version));
	json_end_object(&json);
	json_key(&json, STR("servers"));
	json_put_raw(&json, STR("[{\"url\":\"/\"}]"));
	json_key(&json, STR("security"));
	json_put_raw(&json, STR("[{\"key\":[]},{}]"));
	json_key(&json, STR("paths"));
	json_begin_object(&json);
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			if (documented(&tables[t].routes[i]) && !seen_before(tables, t, i))
				put_path(&json, tables, count, tables[t].routes[i].path);
	json_end_object(&json);
	put_components(&json);
	json_end_object(&json);
}
