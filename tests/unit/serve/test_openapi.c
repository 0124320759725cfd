/* The description of the API is whole: every route of the API is in it, with every parameter, and
 * every schema that it names is there. */
#include "serve/api/openapi.h"

#include <ctype.h>

#include "base/json.h"
#include "serve/api/api.h"
#include "serve/server.h"
#include "tap.h"

static struct buf text;
static struct json_parser parser;
static const struct json *doc;

static const struct json *read_doc(void)
{
	const struct route_table *tables;
	size_t count;
	struct err err;

	if (doc)
		return doc;
	tables = server_routes(&count);
	openapi_print(tables, count, "1.2.3", &text);
	if (json_parse(&parser, buf_str(&text), false, &doc, &err) < 0)
		tap_check(0, __FILE__, __LINE__, "no JSON: %s", err.message);
	return doc;
}

static const char *method_name(enum http_method method)
{
	return method == HTTP_GET      ? "get"
	       : method == HTTP_POST   ? "post"
	       : method == HTTP_PUT    ? "put"
	       : method == HTTP_DELETE ? "delete"
				       : NULL;
}

static const struct json *find(const struct json *object, struct str key)
{
	struct json_iter iter = json_iter(object);
	const struct json *value;
	struct str name;

	while (json_next(&iter, &name, &value))
		if (str_eq(name, key))
			return value;
	return NULL;
}

static const struct json *find_route(const struct route *route)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;

	for (const char *at = route->path; *at; at++)
		if (*at != '*')
			buf_byte(&path, *at);
	return json_get(
		find(json_get(read_doc(), "paths"), buf_str(&path)), method_name(route->method));
}

/* All but a path that only says that it is not served. */
static bool is_served_by_api(const struct route *route)
{
	return route_is_api(str_from(route->path)) && strcmp(route->path, "/api/0/log") != 0;
}

static void each_route(void (*check)(const struct route *route, const struct json *operation))
{
	size_t count;
	const struct route_table *tables = server_routes(&count);

	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			if (is_served_by_api(&tables[t].routes[i]))
				check(&tables[t].routes[i], find_route(&tables[t].routes[i]));
}

static void has_what_a_document_needs(void)
{
	const struct json *root = read_doc();

	IS_STR(json_get_str(root, "openapi"), "3.0.3");
	IS_STR(json_get_str(json_get(root, "info"), "version"), "1.2.3");
	OK(json_get_str(json_get(root, "info"), "title").len > 0);
	OK(json_len(json_get(root, "paths")) > 10);
	OK(json_is(json_get(json_get(json_get(root, "components"), "securitySchemes"), "key"),
		JSON_OBJECT));
}

static void check_there(const struct route *route, const struct json *operation)
{
	tap_check(operation != NULL, __FILE__, __LINE__, "%s has no description", route->path);
	tap_check(json_get_str(operation, "summary").len > 10, __FILE__, __LINE__,
		"%s has no summary", route->path);
	tap_check(json_len(json_get(operation, "tags")) == 1, __FILE__, __LINE__, "%s has no tag",
		route->path);
	tap_check((json_get(operation, "requestBody") != NULL) == (route->body_limit > 0), __FILE__,
		__LINE__, "%s: a body is described if and only if it is read", route->path);
	tap_check((json_get(operation, "security") != NULL) == route->open, __FILE__, __LINE__,
		"%s: whether a key is needed", route->path);
}

static void describes_every_route(void)
{
	each_route(check_there);
}

static const struct json *find_param(const struct json *operation, struct str name)
{
	struct json_iter iter = json_iter(json_get(operation, "parameters"));
	const struct json *param;
	struct str key;

	while (json_next(&iter, &key, &param))
		if (str_eq(json_get_str(param, "name"), name))
			return param;
	return NULL;
}

static void check_params(const struct route *route, const struct json *operation)
{
	size_t count = 0;

	for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
		struct str name = { at + 1, strcspn(at + 1, "*}") };
		const struct json *param = find_param(operation, name);

		count++;
		tap_check(str_eq_c(json_get_str(param, "in"), "path") &&
				  json_is_true(json_get(param, "required")),
			__FILE__, __LINE__, "%s: parameter %.*s", route->path, STR_ARG(name));
	}
	for (size_t i = 0; i < ROUTE_DOC_ARGS && route->doc && route->doc->args[i].name; i++) {
		const struct json *param =
			find_param(operation, str_from(route->doc->args[i].name));

		count++;
		tap_check(str_eq_c(json_get_str(param, "in"), "query") &&
				  json_get_str(json_get(param, "schema"), "type").len > 0,
			__FILE__, __LINE__, "%s: argument %s", route->path,
			route->doc->args[i].name);
	}
	IS_INT(json_len(json_get(operation, "parameters")), count);
}

static void names_every_parameter(void)
{
	each_route(check_params);
}

static void check_answers(const struct route *route, const struct json *operation)
{
	const struct json *answers = json_get(operation, "responses");
	struct json_iter iter = json_iter(answers);
	const struct json *answer;
	struct str status;

	tap_check(json_get(answers, "200") || json_get(answers, "201"), __FILE__, __LINE__,
		"%s has no success", route->path);
	while (json_next(&iter, &status, &answer)) {
		OK(status.len == 3 && isdigit((unsigned char)status.ptr[0]));
		OK(json_get_str(answer, "description").len > 0);
	}
	if (!route->open)
		OK(json_get(answers, "401") && json_get(answers, "429") &&
			json_get(answers, "503"));
}

static void says_every_answer(void)
{
	each_route(check_answers);
}

/* Every "$ref" under VALUE. */
static void check_refs(const struct json *value, size_t *count)
{
	struct json_iter iter = json_iter(value);
	struct str prefix = STR("#/components/schemas/"), key;
	const struct json *member;

	while (json_next(&iter, &key, &member)) {
		struct str ref = json_str(member);

		check_refs(member, count);
		if (!str_eq_c(key, "$ref"))
			continue;
		++*count;
		tap_check(str_starts(ref, prefix) &&
				  find(json_get(json_get(doc, "components"), "schemas"),
					  str_sub(ref, prefix.len, ref.len)),
			__FILE__, __LINE__, "%.*s is not there", STR_ARG(ref));
	}
}

static void resolves_every_schema(void)
{
	size_t count = 0;

	check_refs(read_doc(), &count);
	OK(count > 40);
}

static struct str ids[200];
static size_t id_count;

static void check_id(const struct route *route, const struct json *operation)
{
	struct str id = json_get_str(operation, "operationId");

	OK(id.len > 0);
	for (size_t i = 0; i < id_count; i++)
		tap_check(!str_eq(ids[i], id), __FILE__, __LINE__, "%s: its id is another's too",
			route->path);
	if (id_count < ARRAY_LEN(ids))
		ids[id_count++] = id;
}

static void tells_operations_apart(void)
{
	id_count = 0;
	each_route(check_id);
}

static const struct tap_case cases[] = {
	TAP_CASE(has_what_a_document_needs),
	TAP_CASE(describes_every_route),
	TAP_CASE(names_every_parameter),
	TAP_CASE(says_every_answer),
	TAP_CASE(resolves_every_schema),
	TAP_CASE(tells_operations_apart),
};
TAP_MAIN(cases)
