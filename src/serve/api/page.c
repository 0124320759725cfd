/* What a browser sees: the page of the program, or a directory in its place, and custom
 * visualisations. All of it is open; the data that it shows is not. */
#include "serve/api/page.h"

#include "serve/api/api.h"
#include "serve/api/files.h"
#include "serve/server.h"

static const struct {
	const char *path;
	const char *name;
	const char *content;
} embedded[] = {
	{ "", "page.html", page_html },
	{ "index.html", "page.html", page_html },
	{ "page.css", "page.css", page_css },
	{ "page.js", "page.js", page_js },
	{ "page.svg", "page.svg", page_svg },
};

static int page_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const char *dir = server_webui(call->server, call->arena);

	(void)store;
	(void)intake;
	if (dir)
		return files_send(call, dir, call->rest, err);
	for (size_t i = 0; i < ARRAY_LEN(embedded); i++)
		if (str_eq_c(call->rest, embedded[i].path))
			return files_answer(
				call, str_from(embedded[i].name), str_from(embedded[i].content));
	return call_fail(call, 404, err, "There is no such page");
}

/* The directory of visualisation NAME among the configured "NAME=DIR". */
static const char *find_page(struct call *call, struct str name)
{
	const char *const *pages = server_pages(call->server, call->arena);

	for (; pages && *pages; pages++) {
		struct str directory = str_from(*pages), own = str_split(&directory, '=');

		if (str_eq(own, name) && directory.len > 0)
			return arena_cstr(call->arena, directory);
	}
	return NULL;
}

static int visualisation_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const char *dir = find_page(call, call->params[0]);

	(void)store;
	(void)intake;
	if (!dir)
		return call_fail(call, 404, err, "There is no visualisation '%.*s'",
			STR_ARG(str_sub(call->params[0], 0, 100)));
	return files_send(call, dir, call->rest, err);
}

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/pages/{name}/{rest*}",
		.work = WORK_READ,
		.open = true,
		.needs = KEY_READ,
		.handle = visualisation_handle,
	},
	{
		.method = HTTP_GET,
		.path = "/{rest*}",
		.work = WORK_READ,
		.open = true,
		.needs = KEY_READ,
		.handle = page_handle,
	},
};

const struct route_table api_page_routes = { routes, ARRAY_LEN(routes) };
