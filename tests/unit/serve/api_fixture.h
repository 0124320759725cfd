/*
 * Calls of handlers without a server: a request made by hand, the route that fits it, a store. What
 * handlers ask of a server is answered here.
 */
#ifndef TT_TESTS_API_FIXTURE_H
#define TT_TESTS_API_FIXTURE_H

#include "fake_request.h"
#include "query/lang.h"
#include "serve/api/api.h"
#include "serve/server.h"
#include "store/users.h"
#include "store_fixture.h"

static const struct route_table *const fixture_tables[] = { &api_info_routes, &api_bucket_routes,
	&api_event_routes, &api_setting_routes, &api_device_routes, &api_query_routes,
	&api_transfer_routes, &api_user_routes, &api_doc_routes, &api_page_routes };

struct server {
	struct server_options options;
	struct lang *lang;
};

struct api {
	struct fixture fixture;
	struct store *store;
	struct server server;
	/* The last answer: */
	int rc; /* of the handler, or the commit */
	int status;
	struct buf body;
	struct http_reply reply; /* its headers alone; views into the last request's arena */
	bool streamed;
	struct http_request request;
	const char *if_none_match; /* sent, if not NULL */
	struct err err;
};

/* --- what handlers ask of a server --- */

const struct server_options *server_options(const struct server *server)
{
	return &server->options;
}

struct lang *server_lang(struct server *server)
{
	return server->lang;
}

bool server_is_shared(const struct server *server)
{
	(void)server;
	return store_place_is_shared();
}

const char *server_common_id(const struct server *server)
{
	return server->options.machine_id;
}

bool server_stopping(const struct server *server)
{
	(void)server;
	return false;
}

const char *server_webui(struct server *server, struct arena *arena)
{
	(void)arena;
	return server->options.config.webui;
}

const char *const *server_pages(struct server *server, struct arena *arena)
{
	(void)arena;
	return server->options.config.pages;
}

struct attention_params server_attention(struct server *server)
{
	(void)server;
	return (struct attention_params)ATTENTION_DEFAULTS;
}

const struct route_table *server_routes(size_t *count)
{
	static struct route_table tables[ARRAY_LEN(fixture_tables)];

	for (size_t i = 0; i < ARRAY_LEN(fixture_tables); i++)
		tables[i] = *fixture_tables[i];
	*count = ARRAY_LEN(tables);
	return tables;
}

bool http_gone(const struct http_request *request)
{
	(void)request;
	return false;
}

/* --- calls --- */

static void api_open(struct api *api)
{
	*api = (struct api){ 0 };
	fixture_begin(&api->fixture);
	api->store = fixture_open(&api->fixture);
	api->server.options = (struct server_options){ .store_url = api->fixture.path,
		.hostname = "host",
		.machine_id = MACHINE_A,
		.machine_label = "label" };
	api->server.lang = lang_new(&(struct lang_options){ 0 });
}

static void api_close(struct api *api)
{
	OK(store_verify(api->store, NULL, &api->err) == 0);
	store_close(api->store);
	lang_free(api->server.lang);
	buf_release(&api->body);
	arena_release(&api->request.arena);
	fixture_end(&api->fixture);
}

static int api_run(struct api *api, struct call *call)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct route *route = call->route;
	int rc = route->prepare ? route->prepare(call, &api->err) : 0;

	if (rc == 0 && route->work == WORK_WRITE)
		rc = intake_begin(&intake, api->store, &api->err);
	if (rc == 0)
		rc = route->handle(call, api->store, intake, &api->err);
	/* As the server does: a refusal leaves the batch as it is, anything else voids it. */
	if (intake && (rc == 0 || call->answered) && intake_commit(intake, &api->err) < 0)
		return api->err.code;
	return rc < 0 && call->answered ? 0 : rc;
}

/* The whole body, also of a stream. */
static int api_collect(struct api *api, struct http_reply *reply)
{
	int rc = 0;

	buf_clear(&api->body);
	buf_add(&api->body, buf_str(&reply->body));
	api->streamed = reply->stream.fill != NULL;
	while (reply->stream.fill &&
		(rc = reply->stream.fill(reply->stream.context, &api->body, 4096, &api->err)) > 0)
		;
	if (reply->stream.free)
		reply->stream.free(reply->stream.context);
	buf_release(&reply->body);
	return rc;
}

/* TARGET: path and perhaps '?' and query. The status, 0 when the store failed. */
static int api_call(struct api *api, enum http_method method, const char *target, const char *body,
	const char *type)
{
	struct call call = { .server = &api->server,
		.http = &api->request,
		.who = { .user_id = store_actor(api->store).user_id,
			.machine_id = STR(MACHINE_A) } };
	struct route_match match;
	struct str query, path;
	size_t count;
	const struct route_table *tables = server_routes(&count);

	arena_release(&api->request.arena);
	query = str_from(target);
	path = str_split(&query, '?');
	api->request = (struct http_request){ .method = method, .body = body };
	call.arena = &api->request.arena;
	api->request.path = arena_cstr(call.arena, path);
	api->request.query = arena_cstr(call.arena, query);
	api->request.headers[0][0] = type ? "Content-Type" : NULL;
	api->request.headers[0][1] = type;
	api->request.headers[type ? 1 : 0][0] = api->if_none_match ? "If-None-Match" : NULL;
	api->request.headers[type ? 1 : 0][1] = api->if_none_match;
	if (!OK(route_match(tables, count, method, path, call.arena, &match, &api->err) == 0 &&
		    match.route))
		return 0;
	call.route = match.route;
	memcpy(call.params, match.params, sizeof(call.params));
	call.rest = match.rest;
	api->rc = api_run(api, &call);
	api->status = api->rc == 0 ? (call.reply.status ? call.reply.status : 200) : 0;
	api->reply = call.reply;
	if (api->rc == 0)
		api->rc = api_collect(api, &call.reply);
	else
		call_reset(&call);
	json_parser_release(&call.parser);
	return api->rc < 0 ? 0 : api->status;
}

__attribute__((unused)) static struct str api_get(struct api *api, const char *target)
{
	api_call(api, HTTP_GET, target, "", NULL);
	return buf_str(&api->body);
}

__attribute__((unused)) static int api_post(struct api *api, const char *target, const char *body)
{
	return api_call(api, HTTP_POST, target, body, "application/json");
}

__attribute__((unused)) static int api_delete(struct api *api, const char *target)
{
	return api_call(api, HTTP_DELETE, target, "", NULL);
}

/* The person looked at a pane in CWD, AT_S seconds after T0. */
__attribute__((unused)) static void api_focus(struct api *api, int64_t at_s, const char *cwd)
{
	struct event event = { .source = STR("remote.tmux"),
		.type = STR("tmux_pane_focus"),
		.start_ns = T0 + at_s * NS_PER_S };
	CLEANUP(buf_release) struct buf id = BUF_INIT;

	id_build(&id, STR(MACHINE_A), event.source, event.type, event.start_ns, STR("%1"));
	event.id = arena_str(&api->fixture.arena, buf_str(&id));
	event.data = arena_printf(&api->fixture.arena, "{\"pane_id\":\"%%1\",\"cwd\":\"%s\"}", cwd);
	IS_INT(fixture_take(api->store, &event), INTAKE_NEW);
}

#endif
