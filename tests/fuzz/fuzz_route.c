/*
 * Paths as anybody may send them. A route of the API is never reached by a path that is not gated
 * as one; what becomes the name of a file stays below its directory; slashes more or less change
 * nothing.
 */
#include <stdint.h>

#include "serve/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route routes[] = {
	{ .method = HTTP_GET, .path = "/api/0/buckets/{bucket}/events/{event}" },
	{ .method = HTTP_GET, .path = "/api/0/buckets/{bucket}/events/count" },
	{ .method = HTTP_GET, .path = "/api/0/buckets/{bucket}" },
	{ .method = HTTP_GET, .path = "/api/0/info" },
	{ .method = HTTP_GET, .path = "/v1/{x}" },
	{ .method = HTTP_GET, .path = "/{name}/x" },
	{ .method = HTTP_GET, .path = "/pages/{name}/{rest*}" },
	{ .method = HTTP_GET, .path = "/{rest*}" },
};
static const struct route_table table = { routes, ARRAY_LEN(routes) };

static int match(struct str path, struct arena *arena, struct route_match *out)
{
	struct err err;

	return route_match(&table, 1, HTTP_GET, path, arena, out, &err);
}

static void check_rest(struct str rest)
{
	ASSERT(str_find(rest, '\0', 0) < 0 && str_find(rest, '\\', 0) < 0);
	while (rest.len > 0) {
		struct str segment = str_split(&rest, '/');

		ASSERT(segment.len > 0 && !str_eq_c(segment, ".") && !str_eq_c(segment, ".."));
	}
}

static void same(const struct route_match *a, const struct route_match *b)
{
	ASSERT(a->route == b->route && a->param_count == b->param_count);
	ASSERT(str_eq(a->rest, b->rest));
	for (size_t i = 0; i < a->param_count; i++)
		ASSERT(str_eq(a->params[i], b->params[i]));
}

static struct str more_slashes(struct str path, struct arena *arena)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	for (size_t i = 0; i < path.len; i++) {
		buf_byte(&text, path.ptr[i]);
		if (path.ptr[i] == '/')
			buf_byte(&text, '/');
	}
	buf_byte(&text, '/');
	return arena_str(arena, buf_str(&text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str path = { (const char *)data, size };
	struct route_match once, twice;
	struct arena arena = { 0 };

	if (match(path, &arena, &once) == 0) {
		ASSERT(match(more_slashes(path, &arena), &arena, &twice) == 0);
		same(&once, &twice);
		check_rest(once.rest);
		if (once.route && (strncmp(once.route->path, "/api/", 5) == 0 ||
					  strncmp(once.route->path, "/v1/", 4) == 0))
			ASSERT(route_is_api(path));
		else if (once.route)
			ASSERT(!route_is_api(path));
	}
	arena_release(&arena);
	return 0;
}
