/*
 * Every call to the disk fails once, in every handler: then the answer is an error of the server,
 * never a wrong answer nor a refusal, the store is as before, and the next time it works.
 */
#include <sqlite3.h>

#include "../../lib/fault_vfs.h"
#include "api_fixture.h"

enum { MOST_CALLS = 2000 };

#define EVENT(at) "{\"timestamp\":\"2018-01-01T00:00:" at "Z\",\"duration\":1,\"data\":{\"x\":1}}"
#define BUCKET "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":[" EVENT("07") "]}"

static const struct act {
	enum http_method method;
	const char *target;
	const char *body;
	int status;
} acts[] = {
	{ HTTP_GET, "/api/0/buckets", "", 200 },
	{ HTTP_GET, "/api/0/buckets/b", "", 200 },
	{ HTTP_GET, "/api/0/buckets/b/events", "", 200 },
	{ HTTP_GET, "/api/0/buckets/b/events/2", "", 200 },
	{ HTTP_GET, "/api/0/buckets/b/events/count", "", 200 },
	{ HTTP_GET, "/api/0/export", "", 200 },
	{ HTTP_GET, "/api/0/buckets/tt-streams_host", "", 200 },
	{ HTTP_GET, "/api/0/buckets/tt-streams_host/events", "", 200 },
	{ HTTP_GET, "/api/0/buckets/tt-streams_host/events/count", "", 200 },
	{ HTTP_GET, "/api/0/buckets/b/export", "", 200 },
	{ HTTP_GET, "/api/0/settings", "", 200 },
	{ HTTP_GET, "/api/0/settings/k", "", 200 },
	{ HTTP_GET, "/api/0/devices", "", 200 },
	{ HTTP_POST, "/api/0/query",
		"{\"timeperiods\":[\"2018-01-01T00:00:00Z/2018-01-02T00:00:00Z\"],"
		"\"query\":[\"RETURN = query_bucket(\\\"b\\\");\"]}",
		200 },
	{ HTTP_POST, "/api/0/query",
		"{\"timeperiods\":[\"2026-02-02T00:00:00Z/2026-02-03T00:00:00Z\"],"
		"\"query\":[\"RETURN = query_bucket(\\\"tt-streams_host\\\");\"]}",
		200 },
	{ HTTP_POST, "/api/0/buckets/new", BUCKET, 200 },
	{ HTTP_PUT, "/api/0/buckets/b", "{\"type\":\"u\",\"data\":{\"k\":2}}", 200 },
	{ HTTP_DELETE, "/api/0/buckets/b", "", 200 },
	{ HTTP_POST, "/api/0/buckets/b/events", "[" EVENT("01") "," EVENT("02") "]", 200 },
	{ HTTP_POST, "/api/0/buckets/b/events",
		"[{\"id\":2,\"timestamp\":\"2018-01-01T00:00:05Z\",\"data\":{}}]", 200 },
	{ HTTP_DELETE, "/api/0/buckets/b/events/2", "", 200 },
	{ HTTP_POST, "/api/0/buckets/b/heartbeat?pulsetime=0", EVENT("30"), 200 },
	{ HTTP_POST, "/api/0/buckets/b/heartbeat?pulsetime=60", EVENT("30"), 200 },
	{ HTTP_POST, "/api/0/settings/k", "{\"a\":[1]}", 201 },
	{ HTTP_DELETE, "/api/0/settings/k", "", 200 },
	{ HTTP_POST, "/api/0/devices/register", "{\"machine_id\":\"" MACHINE_B "\"}", 200 },
	{ HTTP_POST, "/api/0/import",
		"{\"buckets\":{\"n\":{\"id\":\"n\",\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\","
		"\"events\":[" EVENT("40") "]}}}",
		200 },
};

static int run(struct api *api, const struct act *act)
{
	return api_call(api, act->method, act->target, act->body, NULL);
}

static void prepare(struct api *api)
{
	api_open(api);
	IS_INT(api_post(api, "/api/0/buckets/b", BUCKET), 200);
	IS_INT(api_post(api, "/api/0/settings/k", "1"), 201);
	api_focus(api, 0, "/h/p");
}

/* Everything that the API shows; the moment at which a device was seen is not the same twice. */
static struct str state(struct api *api)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	fixture_dump(api->store, &text);
	buf_add(&text, api_get(api, "/api/0/export"));
	buf_add(&text, api_get(api, "/api/0/settings"));
	return arena_str(&api->fixture.arena, buf_str(&text));
}

/* A connection that met a fault is not used again, as in the server. */
static void reopen(struct api *api)
{
	store_close(api->store);
	api->store = fixture_open(&api->fixture);
}

/* False: the Nth call was never made, nothing failed. */
static bool one_fault(const struct act *act, long n)
{
	struct api api;
	struct str before;
	int status;
	bool met;

	prepare(&api);
	before = state(&api);
	reopen(&api); /* with nothing in its memory yet */
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, n % 2 == 0);
	status = run(&api, act);
	met = fault_vfs_disarm();
	tap_check(status == act->status || (met && status == 0), __FILE__, __LINE__,
		"%s, call %ld: %d %s", act->target, n, status, buf_cstr(&api.body));
	reopen(&api);
	if (status == 0) {
		tap_check(str_eq(state(&api), before), __FILE__, __LINE__,
			"%s, call %ld left something", act->target, n);
		IS_INT(run(&api, act), act->status);
	}
	api_close(&api);
	return met;
}

static void survives_every_fault(void)
{
	static bool installed;

	if (!installed)
		fault_vfs_install();
	installed = true;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		int failed = tap.failed;
		long n = 1;

		while (n < MOST_CALLS && tap.failed == failed && one_fault(&acts[i], n))
			n++;
		tap_check(n > 1 && n < MOST_CALLS, __FILE__, __LINE__, "%s: %ld faults",
			acts[i].target, n - 1);
	}
}

static const struct tap_case cases[] = { TAP_CASE(survives_every_fault) };
TAP_MAIN(cases)
