#include "serve/route.h"
#include "tap.h"

enum { LIST, ONE, EVENT, COUNT, INFO, MAKE, PAGE, FILES, ROOT_ROUTES };

static const struct route api[] = {
	[LIST] = { .method = HTTP_GET, .path = "/api/0/buckets" },
	[ONE] = { .method = HTTP_GET, .path = "/api/0/buckets/{bucket}" },
	[EVENT] = { .method = HTTP_GET, .path = "/api/0/buckets/{bucket}/events/{event}" },
	[COUNT] = { .method = HTTP_GET, .path = "/api/0/buckets/{bucket}/events/count" },
	[INFO] = { .method = HTTP_GET, .path = "/api/0/info" },
	[MAKE] = { .method = HTTP_POST, .path = "/api/0/buckets/{bucket}" },
};
static const struct route page[] = {
	{ .method = HTTP_GET, .path = "/{rest*}" },
	{ .method = HTTP_GET, .path = "/pages/{name}/{rest*}" },
	{ .method = HTTP_GET, .path = "/healthz" },
};
static const struct route_table tables[] = { { api, ARRAY_LEN(api) }, { page, ARRAY_LEN(page) } };

static struct arena arena;
static struct route_match match;

static int ask(enum http_method method, const char *path)
{
	struct err err;

	return route_match(tables, ARRAY_LEN(tables), method, str_from(path), &arena, &match, &err);
}

static const struct route *find(enum http_method method, const char *path)
{
	IS_INT(ask(method, path), 0);
	return match.route;
}

static void slashes(void)
{
	OK(find(HTTP_GET, "/api/0/buckets") == &api[LIST]);
	OK(find(HTTP_GET, "/api/0/buckets/") == &api[LIST]);
	OK(find(HTTP_GET, "//api//0/buckets//") == &api[LIST]);
	OK(find(HTTP_GET, "/%61pi/0/buckets/") == &api[LIST]);
	OK(find(HTTP_HEAD, "/api/0/info") == &api[INFO]);
}

static void parameters(void)
{
	OK(find(HTTP_GET, "/api/0/buckets/a%2Fb%20c%25/") == &api[ONE]);
	IS_INT(match.param_count, 1);
	IS_STR(match.params[0], "a/b c%");
	OK(find(HTTP_GET, "/api/0/buckets/b/events/7") == &api[EVENT]);
	IS_INT(match.param_count, 2);
	IS_STR(match.params[0], "b");
	IS_STR(match.params[1], "7");
	OK(find(HTTP_GET, "/api/0/buckets/b/events/count") == &api[COUNT]);
	OK(find(HTTP_POST, "/api/0/buckets/b") == &api[MAKE]);
	/* A plus is a plus in a path. */
	OK(find(HTTP_GET, "/api/0/buckets/a+b") == &api[ONE]);
	IS_STR(match.params[0], "a+b");
}

static void unknown(void)
{
	OK(!find(HTTP_GET, "/api/0/nope"));
	OK(!match.path_known);
	OK(!find(HTTP_GET, "/api"));
	OK(!find(HTTP_GET, "/v1/x"));
	OK(!find(HTTP_GET, "/%76%31/x"));
	OK(!find(HTTP_POST, "/api/0/info"));
	OK(match.path_known);
	OK(!find(HTTP_OTHER, "/api/0/info"));
	OK(!find(HTTP_GET, "/api/0/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"));
	/* Names are as they are: case counts, and encoded once. */
	OK(!find(HTTP_GET, "/api/0/Info"));
	OK(!find(HTTP_GET, "/api%2F0/info") || match.route == &page[0]);
}

static void files(void)
{
	OK(find(HTTP_GET, "/") == &page[0]);
	IS_STR(match.rest, "");
	OK(find(HTTP_GET, "/js//app%2ejs") == &page[0]);
	IS_STR(match.rest, "js/app.js");
	OK(find(HTTP_GET, "/pages/mine/a/b") == &page[1]);
	IS_STR(match.params[0], "mine");
	IS_STR(match.rest, "a/b");
	OK(find(HTTP_GET, "/pages/mine") == &page[1]);
	IS_STR(match.rest, "");
	OK(find(HTTP_GET, "/healthz") == &page[2]);
}

/* None of these may ever become the name of a file. */
static void no_paths(void)
{
	static const char *const wrong[] = { "", "*", "x", "http://a/b", "/../etc/passwd",
		"/a/%2e%2e/b", "/a/.", "/%2E/", "/a%00b", "/a%", "/a%2", "/a%zz" };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (!IS_INT(ask(HTTP_GET, wrong[i]), ERR_PARSE))
			printf("# %s\n", wrong[i]);
	OK(!find(HTTP_GET, "/..%2f..%2fetc/passwd"));
	OK(!find(HTTP_GET, "/js/..%5cx"));
	OK(!find(HTTP_GET, "/pages/mine/..%2fx") || match.route == &page[1]);
}

static void api_paths(void)
{
	static const char *const gated[] = { "/api/0/x", "//api", "/%61pi/0/buckets/", "/v1/x",
		"/%76%31", "///%61%70%69", "/%zz" };
	static const char *const others[] = { "/", "", "/x/api", "/apix", "/js/api", "/API" };

	for (size_t i = 0; i < ARRAY_LEN(gated); i++)
		OK(route_is_api(str_from(gated[i])));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		OK(!route_is_api(str_from(others[i])));
}

static const struct tap_case cases[] = { TAP_CASE(slashes), TAP_CASE(parameters), TAP_CASE(unknown),
	TAP_CASE(files), TAP_CASE(no_paths), TAP_CASE(api_paths) };
TAP_MAIN(cases)
