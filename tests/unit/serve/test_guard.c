#include "base/sha256.h"
#include "fake_request.h"
#include "serve/guard.h"
#include "tap.h"

static const struct route routes[] = {
	{ .method = HTTP_GET, .path = "/api/0/buckets", .needs = KEY_READ },
	{ .method = HTTP_POST, .path = "/api/0/buckets/{bucket}", .needs = KEY_WRITE },
	{ .method = HTTP_GET, .path = "/api/0/info", .open = true },
	{ .method = HTTP_GET, .path = "/healthz", .open = true },
	{ .method = HTTP_GET, .path = "/{rest*}", .open = true },
};
static const struct route_table table = { routes, ARRAY_LEN(routes) };

static const struct http_listen loopback[] = { { "127.0.0.1", 5600 } },
				everywhere[] = { { "127.0.0.1", 5600 }, { "0.0.0.0", 5601 } };

struct case_options {
	struct guard_options guard;
	struct http_request request;
};

/* "reader", "writer", "admin" are good keys; "broken" makes the store fail. */
static int find_key(void *context, const unsigned char hash[KEY_HASH_BYTES], struct arena *arena,
	struct identity *out, struct err *err)
{
	static const char *const names[] = { "", "reader", "writer", "admin", "broken" };

	(void)context;
	(void)arena;
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		unsigned char known[SHA256_BYTES];

		sha256(str_from(names[i]), known);
		if (memcmp(known, hash, sizeof(known)) != 0)
			continue;
		if (i == 4)
			return err_set(err, ERR_IO, "broken");
		*out = (struct identity){ .known = true, .role = (enum key_role)i };
		return 1;
	}
	return 0;
}

static struct guard_verdict verdict;

/* The status: 0 for "come in". */
static int ask(struct case_options options)
{
	static const struct guard_keys keys = { find_key, NULL };
	struct http_request *request = &options.request;
	struct guard *guard = NULL;
	struct route_match match;
	struct err err;

	if (!options.guard.listen) {
		options.guard.listen = loopback;
		options.guard.listen_count = ARRAY_LEN(loopback);
	}
	if (!request->path)
		request->path = "/api/0/buckets/";
	if (request->method == HTTP_OTHER)
		request->method = HTTP_GET;
	if (!OK(guard_new(&guard, &options.guard, &err) == 0))
		return -1;
	if (route_match(&table, 1, request->method, http_path(request), &request->arena, &match,
		    &err) < 0)
		match.route = NULL;
	guard_check(guard, &keys, request, &match, &verdict);
	guard_free(guard);
	arena_release(&request->arena);
	if (verdict.status != 0 && verdict.status != 200)
		OK(verdict.message && verdict.message[0]);
	return verdict.status;
}

#define HOST                                                                                       \
	{                                                                                          \
		"Host", "127.0.0.1:5600"                                                           \
	}
#define ASK(...) ask((struct case_options){ __VA_ARGS__ })
#define HEADERS(...) .request.headers = { __VA_ARGS__ }
#define WITH_HOST(host) ASK(HEADERS({ "Host", host }))
#define WITH_ORIGIN(origin) ASK(HEADERS(HOST, { "Origin", origin }))
#define WITH_KEY(value) ASK(HEADERS(HOST, { "Authorization", value }))
#define OPEN_TO_ALL .guard = { .listen = everywhere, .listen_count = 2 }

static void hosts(void)
{
	static const char *const good[] = { "127.0.0.1", "localhost", "localhost:5600",
		"127.0.0.1:9", "[::1]", "[::1]:5600", "LocalHost:1" };
	static const char *const bad[] = { "", "192.168.0.1:1234", "evil.com", "localhost.evil.com",
		"localhost:", "localhost:x", "localhost:99999", "::1", "[::1", "localhost:1:2",
		"local host", "localhost/", "a@localhost", "127.0.0.1.evil.com:5600" };
	static const char *const named[] = { "devbox.lan", "other:8080", NULL };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		IS_INT(WITH_HOST(good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		IS_INT(WITH_HOST(bad[i]), 400);
	IS_CSTR(verdict.message, "Host header is invalid");
	IS_INT(ASK(.guard.testing = false), 400); /* none at all */
	IS_INT(ASK(HEADERS(HOST, HOST)), 400);
	IS_INT(ASK(.request.path = "/", HEADERS({ "Host", "evil.com" })), 400);
	IS_INT(ASK(.request.path = "/healthz", HEADERS({ "Host", "evil.com" })), 400);
	IS_INT(ASK(.guard.hosts = named, HEADERS({ "Host", "devbox.lan:77" })), 0);
	IS_INT(ASK(.guard.hosts = named, HEADERS({ "Host", "other:8080" })), 0);
	IS_INT(ASK(.guard.hosts = named, HEADERS({ "Host", "other" })), 400);
}

static void hosts_elsewhere(void)
{
	IS_INT(ASK(OPEN_TO_ALL, .request.path = "/api/0/info", HEADERS({ "Host", "anything" })), 0);
	IS_INT(ASK(OPEN_TO_ALL, HEADERS({ "Host", "192.168.1.5:5601" })), 0);
	IS_INT(ASK(OPEN_TO_ALL, HEADERS({ "Host", "a b" })), 400);
	IS_INT(ASK(OPEN_TO_ALL, .request.path = "/api/0/info"), 400);
	/* A page may have given its own name our address: this machine's browser is not enough. */
	IS_INT(ASK(OPEN_TO_ALL, HEADERS({ "Host", "evil.com:5601" })), 401);
	IS_INT(ASK(OPEN_TO_ALL,
		       HEADERS({ "Host", "evil.com:5601" }, { "Origin", "http://evil.com:5601" })),
		401);
	IS_INT(ASK(OPEN_TO_ALL,
		       HEADERS({ "Host", "mine.org:5601" }, { "Authorization", "Bearer reader" })),
		0);
}

static void origins(void)
{
	static const char *const good[] = { "http://localhost:5600", "http://127.0.0.1:5600",
		"http://[::1]:5600", "https://localhost:5600", "moz-extension://any-uuid",
		"chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi" };
	static const char *const bad[] = { "null", "", "http://evil.com", "http://localhost",
		"http://localhost:5601", "http://localhost:5600.evil.com",
		"http://localhost:5600/x", "http://localhost:5600@evil.com", "file://",
		"chrome-extension://nglaklhklhcoonedhgnpgddginnjdadix", "chrome-extension://other",
		"http://127.0.0.1:27180" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		IS_INT(WITH_ORIGIN(good[i]), 0);
		IS_STR(fake_reply_header(&verdict.cors, "Access-Control-Allow-Origin"), good[i]);
		IS_STR(fake_reply_header(&verdict.cors, "Vary"), "Origin");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (!IS_INT(WITH_ORIGIN(bad[i]), 403))
			printf("# %s\n", bad[i]);
		IS_INT(verdict.cors.header_count, 0);
	}
	IS_INT(ASK(.request.path = "/", HEADERS(HOST, { "Origin", "http://evil.com" })), 403);
	IS_INT(ASK(HEADERS(HOST, { "Origin", "http://localhost:5600" },
		       { "Origin", "http://evil.com" })),
		403);
	IS_INT(ASK(.guard.testing = true, HEADERS(HOST, { "Origin", "http://127.0.0.1:27180" })),
		0);
	IS_INT(ASK(.guard.testing = true, HEADERS(HOST, { "Origin", "chrome-extension://x" })), 0);
}

static void configured_origins(void)
{
	static const char *const exact[] = { "https://tracker.example", NULL };
	static const char *const patterns[] = { "https://[a-z]+\\.example", "a|b", NULL };
	static const char *const wrong[] = { "(", NULL };
	const struct guard_options broken = { .origin_regexes = wrong };
	struct guard *guard;
	struct err err;

	IS_INT(ASK(.guard.origins = exact, HEADERS(HOST, { "Origin", "https://tracker.example" })),
		0);
	IS_INT(ASK(.guard.origins = exact, HEADERS(HOST, { "Origin", "https://tracker.exampl" })),
		403);
	IS_INT(ASK(.guard.origin_regexes = patterns,
		       HEADERS(HOST, { "Origin", "https://x.example" })),
		0);
	IS_INT(ASK(.guard.origin_regexes = patterns,
		       HEADERS(HOST, { "Origin", "https://x.example.evil.com" })),
		403);
	IS_INT(ASK(.guard.origin_regexes = patterns,
		       HEADERS(HOST, { "Origin", "evil https://x.example" })),
		403);
	IS_INT(ASK(.guard.origin_regexes = patterns, HEADERS(HOST, { "Origin", "b" })), 0);
	IS_INT(ASK(.guard.origin_regexes = patterns, HEADERS(HOST, { "Origin", "bc" })), 403);
	IS_INT(guard_new(&guard, &broken, &err), ERR_USAGE);
	OK(!guard);
}

/* The page under the name by which it was opened. */
static void own_origin(void)
{
	static const char *const named[] = { "devbox.lan", NULL };

	IS_INT(ASK(OPEN_TO_ALL,
		       HEADERS({ "Host", "10.0.0.5:5601" }, { "Origin", "http://10.0.0.5:5601" })),
		0);
	IS_INT(ASK(OPEN_TO_ALL,
		       HEADERS({ "Host", "10.0.0.5:5601" }, { "Origin", "http://10.0.0.5" })),
		403);
	IS_INT(ASK(.guard.hosts = named,
		       HEADERS({ "Host", "devbox.lan" }, { "Origin", "https://devbox.lan" })),
		0);
	IS_INT(ASK(HEADERS({ "Host", "evil.com" }, { "Origin", "http://evil.com" })), 403);
}

#define PREFLIGHT(origin, ...)                                                                     \
	ASK(.request.method = HTTP_OPTIONS, .request.path = "/api/0/buckets/b",                    \
		HEADERS(HOST, { "Origin", origin }, __VA_ARGS__))

static void preflights(void)
{
	static const char own[] = "http://localhost:5600";

	IS_INT(PREFLIGHT(own, { "Access-Control-Request-Method", "POST" },
		       { "Access-Control-Request-Headers", "content-type, authorization" }),
		200);
	OK(!verdict.message);
	IS_STR(fake_reply_header(&verdict.cors, "Access-Control-Allow-Origin"), own);
	IS_STR(fake_reply_header(&verdict.cors, "Access-Control-Allow-Headers"),
		"content-type, authorization");
	IS_INT(PREFLIGHT(own, { "Access-Control-Request-Method", "PUT" }), 403);
	IS_INT(PREFLIGHT(own, { "X", "y" }), 400);
	IS_INT(PREFLIGHT(own, { "Access-Control-Request-Method", "GET" },
		       { "Access-Control-Request-Headers", "a: b" }),
		400);
	IS_INT(PREFLIGHT("http://evil.com", { "Access-Control-Request-Method", "GET" }), 403);
	IS_INT(ASK(.request.method = HTTP_OPTIONS, HEADERS(HOST)), 200);
	IS_INT(verdict.cors.header_count, 0);
	/* A preflight never has a key. */
	IS_INT(ASK(.guard.require_key = true, .request.method = HTTP_OPTIONS,
		       HEADERS(HOST, { "Origin", own },
			       { "Access-Control-Request-Method", "POST" })),
		200);
}

static void keys(void)
{
	static const char *const wrong[] = { "Bearer x", "Basic reader", "bearer reader",
		"Bearer  reader", "Bearer", "Bearer ", "", "reader", "Bearer reader " };

	IS_INT(WITH_KEY("Bearer reader"), 0);
	OK(verdict.who.known && verdict.who.role == KEY_READ);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		IS_INT(WITH_KEY(wrong[i]), 401);
		OK(verdict.wrong_key && verdict.www_authenticate);
		OK(!verdict.who.known && verdict.who.role == 0);
	}
	IS_CSTR(verdict.message,
		"Missing or invalid API key. Set 'Authorization: Bearer <key>' header.");
	IS_INT(ASK(HEADERS(HOST, { "Authorization", "Bearer reader" },
		       { "Authorization", "Bearer reader" })),
		401);
	/* Also where none is needed, but for the health checks. */
	IS_INT(ASK(.request.path = "/api/0/info", HEADERS(HOST, { "Authorization", "Bearer x" })),
		401);
	IS_INT(ASK(.request.path = "/healthz", HEADERS(HOST, { "Authorization", "Bearer x" })), 0);
	IS_INT(WITH_KEY("Bearer broken"), 503);
	OK(verdict.retry_after_s > 0);
}

static void roles(void)
{
	static const struct {
		const char *key;
		int status;
	} rows[] = { { "Bearer reader", 403 }, { "Bearer writer", 0 }, { "Bearer admin", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_INT(ASK(.request.method = HTTP_POST, .request.path = "/api/0/buckets/b",
			       HEADERS(HOST, { "Authorization", rows[i].key })),
			rows[i].status);
	IS_INT(ASK(.request.path = "/api/0/info",
		       HEADERS(HOST, { "Authorization", "Bearer reader" })),
		0);
}

static void without_key(void)
{
	static const char *const proxies[] = { "Forwarded", "X-Forwarded-For", "x-real-ip", "Via",
		"X-Forwarded-Proto", "CF-Connecting-IP" };

	IS_INT(ASK(HEADERS(HOST)), 0);
	IS_INT(verdict.who.role, KEY_ADMIN);
	OK(!verdict.who.known);
	IS_INT(ASK(.guard.require_key = true, HEADERS(HOST)), 401);
	OK(!verdict.wrong_key);
	IS_INT(ASK(.request.elsewhere = true, HEADERS(HOST)), 401);
	OK(guard_is_here(&(struct http_request){ .path = "/" }));
	OK(!guard_is_here(&(struct http_request){ .elsewhere = true }));
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
		struct http_request proxied = { .headers = { { proxies[i], "203.0.113.9" } } };

		IS_INT(ASK(HEADERS(HOST, { proxies[i], "203.0.113.9" })), 401);
		OK(!guard_is_here(&proxied));
	}
	IS_INT(ASK(HEADERS(HOST, { "Forwarded", "for=x" }, { "Authorization", "Bearer reader" })),
		0);
	/* Open ones. */
	IS_INT(ASK(.guard.require_key = true, .request.path = "/api/0/info", HEADERS(HOST)), 0);
	IS_INT(verdict.who.role, 0);
	IS_INT(ASK(.guard.require_key = true, .request.path = "/api/0/info/", HEADERS(HOST)), 0);
	IS_INT(ASK(.guard.require_key = true, .request.path = "/", HEADERS(HOST)), 0);
	/* The decoded path counts, and what leads nowhere is gated too. */
	IS_INT(ASK(.guard.require_key = true, .request.path = "/%61pi/0/buckets/", HEADERS(HOST)),
		401);
	IS_INT(ASK(.guard.require_key = true, .request.path = "//api/0/buckets/", HEADERS(HOST)),
		401);
	IS_INT(ASK(.guard.require_key = true, .request.path = "/api/0/nope", HEADERS(HOST)), 401);
	IS_INT(ASK(.guard.require_key = true, .request.path = "/api/0/%zz", HEADERS(HOST)), 401);
	IS_INT(ASK(.guard.require_key = true, .request.method = HTTP_POST,
		       .request.path = "/api/0/info", HEADERS(HOST)),
		401);
	/* An allowed origin learns why. */
	IS_INT(ASK(.guard.require_key = true, HEADERS(HOST, { "Origin", "http://localhost:5600" })),
		401);
	IS_STR(fake_reply_header(&verdict.cors, "Access-Control-Allow-Origin"),
		"http://localhost:5600");
}

static const struct tap_case cases[] = { TAP_CASE(hosts), TAP_CASE(hosts_elsewhere),
	TAP_CASE(origins), TAP_CASE(configured_origins), TAP_CASE(own_origin), TAP_CASE(preflights),
	TAP_CASE(keys), TAP_CASE(roles), TAP_CASE(without_key) };
TAP_MAIN(cases)
