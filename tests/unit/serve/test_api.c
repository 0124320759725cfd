/* The handlers over a store: what clients of ActivityWatch rely on, and where we are kinder. */
#include "api_fixture.h"

#include "base/fs.h"
#include "base/time.h"
#include "model/limits.h"
#include "serve/api/listing.h"

#define B "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\"}"
#define AT(time) "2018-01-01T" time "Z"
#define E(time, duration, x)                                                                       \
	"{\"timestamp\":\"" AT(time) "\",\"duration\":" duration ",\"data\":{\"x\":" x "}}"

/* Its making is change 1 of the store: the first event is 2. */
static void with_bucket(struct api *api)
{
	api_open(api);
	IS_INT(api_post(api, "/api/0/buckets/b", B), 200);
}

static void tells_what_it_is(void)
{
	struct api api;

	api_open(&api);
	IS_STR(api_get(&api, "/api/0/info"),
		"{\"hostname\":\"host\",\"version\":\"v0.14.0 (rust-compatible, tidemark " TT_VERSION
		")\",\"testing\":false,\"device_id\":\"" MACHINE_A "\"}");
	api_close(&api);
}

static void makes_buckets(void)
{
	struct api api;

	with_bucket(&api);
	IS_STR(buf_str(&api.body), "");
	IS_INT(api_post(&api, "/api/0/buckets/b",
		       "{\"type\":\"u\",\"client\":\"d\",\"hostname\":\"i\"}"),
		304);
	IS_STR(buf_str(&api.body), "");
	OK(str_find_str(api_get(&api, "/api/0/buckets/b"),
		   STR("\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\"")) > 0);
	OK(str_find_str(buf_str(&api.body),
		   STR("\"metadata\":{\"start\":null,\"end\":null},\"last_updated\":null")) > 0);
	OK(str_find_str(buf_str(&api.body), STR("\"data\":{}")) > 0);
	OK(str_find_str(buf_str(&api.body), STR("\"events\":null}")) > 0);
	IS_INT(api_post(&api, "/api/0/buckets/c",
		       "{\"id\":\"other\",\"type\":\"t\",\"client\":\"c\",\"hostname\":\"!local\","
		       "\"created\":\"2017-05-16T13:37:00+00:00\",\"data\":{\"k\":1},\"events\":[" E(
			       "00:00:00", "1", "1") "]}"),
		200);
	OK(str_find_str(api_get(&api, "/api/0/buckets/c"), STR("\"id\":\"c\",")) > 0);
	OK(str_find_str(buf_str(&api.body), STR("\"created\":\"2017-05-16T13:37:00Z\"")) > 0);
	OK(str_find_str(buf_str(&api.body), STR("\"hostname\":\"host\"")) > 0);
	OK(str_find_str(buf_str(&api.body),
		   STR("\"data\":{\"device_id\":\"" MACHINE_A "\",\"k\":1}")) > 0);
	OK(str_find_str(buf_str(&api.body),
		   STR("\"metadata\":{\"start\":\"2018-01-01T00:00:00Z\",\"end\":\"2018-01-01T00:00:01Z\"},"
		       "\"last_updated\":\"2018-01-01T00:00:01Z\"")) > 0);
	IS_STR(api_get(&api, "/api/0/buckets/c/events/count"), "1");
	api_close(&api);
}

static void refuses_buckets(void)
{
	struct api api;

	api_open(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b", "{\"type\":\"t\",\"client\":\"c\"}"), 422);
	IS_STR(buf_str(&api.body), "{\"message\":\"'hostname' is missing (expected: a string)\"}");
	IS_INT(api_post(&api, "/api/0/buckets/b", "{bad"), 400);
	IS_STR(api_get(&api, "/api/0/buckets/b"),
		"{\"message\":\"The requested bucket 'b' does not exist\"}");
	IS_INT(api.status, 404);
	IS_STR(api_get(&api, "/api/0/buckets"), "{}");
	api_close(&api);
}

static void changes_and_deletes_buckets(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_call(&api, HTTP_PUT, "/api/0/buckets/b",
		       "{\"client\":\"new\",\"data\":{\"z\":2}}", NULL),
		200);
	OK(str_find_str(api_get(&api, "/api/0/buckets/b"),
		   STR("\"type\":\"t\",\"client\":\"new\",\"hostname\":\"h\"")) > 0);
	OK(str_find_str(buf_str(&api.body), STR("\"data\":{\"z\":2}")) > 0);
	IS_INT(api_call(&api, HTTP_PUT, "/api/0/buckets/no", "{}", NULL), 404);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=1", E("00:00:00", "0", "1")),
		200);
	IS_INT(api_delete(&api, "/api/0/buckets/b?force=1"), 200);
	IS_INT(api_delete(&api, "/api/0/buckets/b"), 404);
	IS_INT(api_post(&api, "/api/0/buckets/b", B), 200);
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "0");
	/* Nothing of the first one is merged into. */
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=9", E("00:00:01", "0", "1")),
		200);
	OK(str_find_str(buf_str(&api.body),
		   STR("\"timestamp\":\"2018-01-01T00:00:01Z\",\"duration\":0.0")) > 0);
	api_close(&api);
}

static void stores_and_replaces_events(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/c", B), 200);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "[" E("00:00:01", "1", "1") "," E("00:00:00", "1.001", "2") "]"),
		200);
	IS_STR(buf_str(&api.body),
		"[{\"id\":3,\"timestamp\":\"2018-01-01T00:00:01Z\",\"duration\":1.0,\"data\":{\"x\":1}},"
		"{\"id\":4,\"timestamp\":\"2018-01-01T00:00:00Z\",\"duration\":1.001,\"data\":{\"x\":2}}]");
	IS_INT(api_post(&api, "/api/0/buckets/b/events", E("00:00:02", "0", "3")), 200);
	IS_INT(api_post(&api, "/api/0/buckets/b/events", "[]"), 200);
	IS_STR(buf_str(&api.body), "[]");
	IS_INT(api_post(&api, "/api/0/buckets/no/events", "[]"), 404);
	/* By its id: another start, another data, the same event. */
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "[{\"id\":3,\"timestamp\":\"" AT(
			       "05:00:00") "\",\"duration\":2,\"data\":{\"y\":1}}]"),
		200);
	IS_STR(api_get(&api, "/api/0/buckets/b/events/3"),
		"{\"id\":3,\"timestamp\":\"2018-01-01T05:00:00Z\",\"duration\":2.0,\"data\":{\"y\":1}}");
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "3");
	/* An id of another bucket, or of none: a new event. */
	IS_INT(api_post(&api, "/api/0/buckets/c/events",
		       "{\"id\":3,\"timestamp\":\"" AT("06:00:00") "\",\"data\":{}}"),
		200);
	OK(str_find_str(buf_str(&api.body), STR("\"id\":3,")) < 0);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "{\"id\":77,\"timestamp\":\"" AT("06:00:00") "\",\"data\":{}}"),
		200);
	IS_STR(api_get(&api, "/api/0/buckets/c/events/count"), "1");
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "4");
	OK(str_find_str(api_get(&api, "/api/0/buckets/b/events/3"), STR("05:00:00")) > 0);
	api_close(&api);
}

static void refuses_events_as_a_whole(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "[" E("00:00:01", "1", "1") ",{\"data\":{}}]"),
		422);
	IS_STR(buf_str(&api.body),
		"{\"message\":\"event 1: 'timestamp' is missing (expected: an RFC 3339 instant with an offset)\"}");
	IS_INT(api_post(&api, "/api/0/buckets/b/events", "5"), 422);
	IS_INT(api_post(&api, "/api/0/buckets/b/events", "null"), 422);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "{\"timestamp\":\"3000-01-01T00:00:00Z\",\"data\":{}}"),
		422);
	IS_INT(api_post(&api, "/api/0/buckets/b/events", ""), 400);
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "0");
	api_close(&api);
}

static void reads_ranges(void)
{
	static const struct {
		const char *args, *want;
	} cases[] = {
		{ "?start=2018-01-01T00:00:02.5Z&end=2018-01-01T00:00:02.6Z",
			"[{\"id\":2,\"timestamp\":\"2018-01-01T00:00:02.500Z\",\"duration\":0.1,\"data\":{\"x\":1}}]" },
		{ "?start=2018-01-01T00:00:03Z&limit=1",
			"[{\"id\":3,\"timestamp\":\"2018-01-01T01:00:00Z\",\"duration\":0.0,\"data\":{\"x\":2}}]" },
		{ "?start=2018-01-01T00:00:03Z&end=2018-01-01T00:30:00Z",
			"[{\"id\":2,\"timestamp\":\"2018-01-01T00:00:03Z\",\"duration\":0.0,\"data\":{\"x\":1}}]" },
		{ "?start=2018-01-01T00:00:03.001Z&end=2018-01-01T00:30:00Z", "[]" },
		{ "?start=2019-01-01T00:00:00Z&end=2018-01-01T00:00:00Z", "[]" },
		{ "?limit=0", "[]" },
		{ "?start=9999-01-01T00:00:00Z", "[]" },
		{ "?end=0001-01-01T00:00:00Z", "[]" },
		{ "?start=2018-01-01T01:00:00+01:00&end=2018-01-01T01:00:02%2B01:00",
			"[{\"id\":2,\"timestamp\":\"2018-01-01T00:00:02Z\",\"duration\":0.0,\"data\":{\"x\":1}}]" },
	};
	static const char *const both[] = { "", "?limit=-1", "?limit=abc", "?limit=", "?limit=2",
		"?limit=1&limit=1", "?start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z",
		"?start=0004-02-29T00:00:00Z&end=9996-02-29T00:00:00Z",
		"?start=1677-12-31T23:59:59Z&end=2262-04-11T23:47:16.854775808Z" };
	static const char *const no_days[] = { "start=0001-13-01T00:00:00Z",
		"start=2019-02-29T00:00:00Z", "end=1900-02-29T00:00:00Z",
		"end=9999-02-29T00:00:00Z", "start=0100-02-29T00:00:00Z" };
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "[" E("00:00:02", "1", "1") "," E("01:00:00", "0", "2") "]"),
		200);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str target = arena_printf(
			&api.fixture.arena, "/api/0/buckets/b/events%s", cases[i].args);

		IS_STR(api_get(&api, target.ptr), cases[i].want);
		IS_INT(api.status, 200);
	}
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct str target =
			arena_printf(&api.fixture.arena, "/api/0/buckets/b/events%s", both[i]);

		IS_STR(api_get(&api, target.ptr),
			"[{\"id\":3,\"timestamp\":\"2018-01-01T01:00:00Z\",\"duration\":0.0,\"data\":{\"x\":2}},"
			"{\"id\":2,\"timestamp\":\"2018-01-01T00:00:02Z\",\"duration\":1.0,\"data\":{\"x\":1}}]");
	}
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count?start=2018-01-01T00:30:00Z"), "1");
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count?end=2018-01-01T00:00:02Z"), "1");
	IS_STR(api_get(&api,
		       "/api/0/buckets/b/events/count?start=2018-01-02T00:00:00Z&end=2018-01-01T00:00:00Z"),
		"0");
	OK(str_starts(api_get(&api, "/api/0/buckets/no/events?start=abc"),
		STR("{\"message\":\"Failed to parse starttime, ")));
	IS_INT(api.status, 400);
	OK(str_starts(api_get(&api, "/api/0/buckets/b/events?end=2018-01-01"),
		STR("{\"message\":\"Failed to parse endtime, ")));
	IS_INT(api.status, 400);
	/* Days that there are not: near, and in years that are beyond what is stored. */
	for (size_t i = 0; i < ARRAY_LEN(no_days); i++) {
		struct str target =
			arena_printf(&api.fixture.arena, "/api/0/buckets/b/events?%s", no_days[i]);

		OK(str_starts(api_get(&api, target.ptr), STR("{\"message\":\"Failed to parse ")));
		IS_INT(api.status, 400);
	}
	api_close(&api);
}

static void finds_and_deletes_one(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/c", B), 200);
	IS_INT(api_post(&api, "/api/0/buckets/b/events", E("00:00:02", "1", "1")), 200);
	api_get(&api, "/api/0/buckets/c/events/3");
	IS_INT(api.status, 404);
	api_get(&api, "/api/0/buckets/b/events/4");
	IS_INT(api.status, 404);
	api_get(&api, "/api/0/buckets/b/events/x");
	IS_INT(api.status, 422);
	IS_INT(api_delete(&api, "/api/0/buckets/c/events/3"), 200);
	IS_STR(buf_str(&api.body), "{\"success\":false}");
	IS_INT(api_delete(&api, "/api/0/buckets/b/events/3"), 200);
	IS_STR(buf_str(&api.body), "{\"success\":true}");
	IS_INT(api_delete(&api, "/api/0/buckets/b/events/3"), 200);
	IS_INT(api_delete(&api, "/api/0/buckets/no/events/3"), 404);
	IS_STR(api_get(&api, "/api/0/buckets/b/events"), "[]");
	api_close(&api);
}

static void takes_heartbeats(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=2",
		       E("01:01:01", "1", "{\"b\":1,\"a\":2}")),
		200);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=2",
		       E("01:01:02", "1", "{\"a\":2,\"b\":1}")),
		200);
	IS_STR(buf_str(&api.body),
		"{\"id\":2,\"timestamp\":\"2018-01-01T01:01:01Z\",\"duration\":2.0,\"data\":{\"x\":{\"a\":2,\"b\":1}}}");
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=0", E("01:01:03", "0", "3")),
		200);
	IS_INT(api_post(
		       &api, "/api/0/buckets/b/heartbeat?pulsetime=1e999", E("01:01:03", "0", "3")),
		422);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=1e99", E("01:01:09", "0", "3")),
		200);
	OK(str_find_str(buf_str(&api.body), STR("\"duration\":6.0")) > 0);
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "2");
	/* The id of another event says nothing. */
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=0",
		       "{\"id\":2,\"timestamp\":\"" AT("09:00:00") "\",\"data\":{}}"),
		200);
	OK(str_find_str(buf_str(&api.body), STR("\"id\":2,")) < 0);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat", E("01:01:03", "0", "3")), 422);
	IS_STR(buf_str(&api.body),
		"{\"message\":\"Missing required parameter pulsetime (seconds)\"}");
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=abc", E("01:01:03", "0", "3")),
		422);
	IS_INT(api_post(&api, "/api/0/buckets/b/heartbeat?pulsetime=1",
		       "[" E("01:01:03", "0", "3") "]"),
		422);
	IS_INT(api_post(&api, "/api/0/buckets/no/heartbeat?pulsetime=1", E("01:01:03", "0", "3")),
		404);
	IS_STR(api_get(&api, "/api/0/buckets/b/events/count"), "3");
	api_close(&api);
}

static void keeps_settings(void)
{
	static const char *const values[] = { "5", "1.5", "false", "true", "null", "\"\"",
		"[1,2,3]", "[]", "{}", "{\"a\":{\"b\":[null]}}", "\"04:00\"" };
	CLEANUP(buf_release) struct buf target = BUF_INIT;
	struct api api;

	api_open(&api);
	IS_STR(api_get(&api, "/api/0/settings"), "{}");
	IS_STR(api_get(&api, "/api/0/settings/none"), "null");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		IS_INT(api_post(&api, "/api/0/settings/a%2Fb", values[i]), 201);
		IS_STR(buf_str(&api.body), "");
		IS_STR(api_get(&api, "/api/0/settings/a%2Fb"), values[i]);
	}
	IS_STR(api_get(&api, "/api/0/settings/"), "{\"a/b\":\"04:00\"}");
	IS_INT(api_post(&api, "/api/0/settings/a", "{bad"), 400);
	IS_INT(api_post(&api, "/api/0/settings/a", "1e999"), 422);
	IS_INT(api_delete(&api, "/api/0/settings/a%2Fb"), 200);
	IS_INT(api_delete(&api, "/api/0/settings/a%2Fb"), 200);
	IS_STR(api_get(&api, "/api/0/settings"), "{}");
	buf_addc(&target, "/api/0/settings/");
	for (int i = 0; i < LIMIT_SETTING_KEY_BYTES; i++)
		buf_byte(&target, 'k');
	IS_INT(api_post(&api, buf_cstr(&target), "1"), 201);
	buf_byte(&target, 'k');
	IS_INT(api_post(&api, buf_cstr(&target), "1"), 400);
	IS_STR(buf_str(&api.body), "{\"message\":\"Too long key\"}");
	IS_STR(api_get(&api, buf_cstr(&target)), "{\"message\":\"Too long key\"}");
	IS_INT(api_delete(&api, buf_cstr(&target)), 400);
	api_close(&api);
}

static void knows_devices(void)
{
	struct api api;

	api_open(&api);
	IS_INT(api_post(&api, "/api/0/devices/register",
		       "{\"device_id\":\"" MACHINE_B
		       "\",\"hostname\":\"laptop\",\"label\":\"L\",\"version\":\"1\"}"),
		200);
	OK(str_starts(buf_str(&api.body),
		STR("{\"machine_id\":\"" MACHINE_B
		    "\",\"label\":\"L\",\"hostname\":\"laptop\",\"version\":\"1\",")));
	IS_INT(api_post(&api, "/api/0/devices/register",
		       "{\"machine_id\":\"" MACHINE_B "\",\"version\":\"2\"}"),
		200);
	OK(str_find_str(buf_str(&api.body),
		   STR("\"label\":\"L\",\"hostname\":\"laptop\",\"version\":\"2\"")) > 0);
	OK(str_find_str(api_get(&api, "/api/0/devices"), STR(MACHINE_B)) > 0);
	IS_INT(api_post(&api, "/api/0/devices/register", "{\"machine_id\":\"me\"}"), 422);
	IS_INT(api_post(&api, "/api/0/devices/register", "{}"), 422);
	IS_INT(api_post(&api, "/api/0/devices/register", "[]"), 422);
	IS_INT(api_post(&api, "/api/0/devices/register",
		       "{\"machine_id\":\"" MACHINE_B "\",\"label\":5}"),
		422);
	api_close(&api);
}

static void streams_what_is_long(void)
{
	enum { EVENTS = LISTING_SHORT_BYTES / 60 }; /* each is longer */
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root = NULL;
	struct api api;

	with_bucket(&api);
	buf_byte(&body, '[');
	for (int i = 0; i < EVENTS; i++)
		buf_printf(&body,
			"%s{\"timestamp\":\"2018-01-%02dT%02d:%02d:%02dZ\",\"data\":{\"n\":%d}}",
			i ? "," : "", 1 + i / 86400, i / 3600 % 24, i / 60 % 60, i % 60, i);
	buf_byte(&body, ']');
	IS_INT(api_post(&api, "/api/0/buckets/b/events", buf_cstr(&body)), 200);
	api_get(&api, "/api/0/buckets/b/events");
	OK(api.streamed);
	OK(json_parse(&parser, buf_str(&api.body), false, &root, &api.err) == 0);
	IS_INT(json_len(root), EVENTS);
	api_get(&api, "/api/0/buckets/b/events?limit=100");
	OK(!api.streamed);
	api_get(&api, "/api/0/export");
	OK(api.streamed);
	OK(json_parse(&parser, buf_str(&api.body), false, &root, &api.err) == 0);
	IS_INT(json_len(json_get(json_get(json_get(root, "buckets"), "b"), "events")), EVENTS);
	api_close(&api);
}

static void exports(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b/events",
		       "[" E("00:00:02", "1", "1") "," E("01:00:00", "0", "2") "]"),
		200);
	OK(str_starts(api_get(&api, "/api/0/export"),
		STR("{\"buckets\":{\"b\":{\"id\":\"b\",\"type\":\"t\",")));
	OK(str_ends(buf_str(&api.body),
		STR("\"events\":[{\"id\":3,\"timestamp\":\"2018-01-01T01:00:00Z\",\"duration\":0.0,\"data\":{\"x\":2}},"
		    "{\"id\":2,\"timestamp\":\"2018-01-01T00:00:02Z\",\"duration\":1.0,\"data\":{\"x\":1}}]}}}")));
	IS_STR(fake_reply_header(&api.reply, "Content-Disposition"),
		"attachment; filename=aw-bucket-export_b.json");
	IS_STR(fake_reply_header(&api.reply, "Content-Type"), "application/json");
	IS_INT(api_post(&api, "/api/0/buckets/%22%C3%A9", B), 200);
	api_get(&api, "/api/0/export");
	IS_STR(fake_reply_header(&api.reply, "Content-Disposition"),
		"attachment; filename=aw-buckets-export.json");
	api_get(&api, "/api/0/buckets/%22%C3%A9/export");
	IS_STR(fake_reply_header(&api.reply, "Content-Disposition"),
		"attachment; filename=aw-bucket-export____.json; filename*=UTF-8''aw-bucket-export_%22%C3%A9.json");
	api_get(&api, "/api/0/buckets/no/export");
	IS_INT(api.status, 404);
	api_close(&api);
}

static void imports(void)
{
	CLEANUP(buf_release) struct buf copy = BUF_INIT, form = BUF_INIT;
	struct api from, to;

	with_bucket(&from);
	IS_INT(api_post(&from, "/api/0/buckets/b/events",
		       "[" E("00:00:02", "1", "1") "," E("01:00:00", "0", "2") "]"),
		200);
	buf_add(&copy, api_get(&from, "/api/0/export"));
	api_close(&from);

	api_open(&to);
	IS_INT(api_post(&to, "/api/0/import", buf_cstr(&copy)), 200);
	IS_STR(buf_str(&to.body),
		"{\"buckets\":{\"new\":1,\"known\":0,\"readonly\":0},\"events\":{\"new\":2,\"duplicate\":0,\"quarantined\":0,\"reasons\":{}}}");
	buf_addc(&form,
		"--XX\r\nContent-Disposition: form-data; name=\"any\"; filename=\"buckets.json\"\r\n\r\n");
	buf_add(&form, buf_str(&copy));
	buf_addc(&form, "\r\n--XX--\r\n");
	IS_INT(api_call(&to, HTTP_POST, "/api/0/import", buf_cstr(&form),
		       "multipart/form-data; boundary=XX"),
		200);
	IS_STR(buf_str(&to.body),
		"{\"buckets\":{\"new\":0,\"known\":1,\"readonly\":0},\"events\":{\"new\":0,\"duplicate\":2,\"quarantined\":0,\"reasons\":{}}}");
	IS_STR(api_get(&to, "/api/0/buckets/b/events/count"), "2");
	IS_INT(api_post(&to, "/api/0/import", "{bad"), 400);
	IS_INT(api_post(&to, "/api/0/import", "5"), 422);
	IS_INT(api_call(&to, HTTP_POST, "/api/0/import", "--XX\r\n\r\n{bad\r\n--XX--",
		       "multipart/form-data; boundary=XX"),
		400);
	IS_INT(api_call(&to, HTTP_POST, "/api/0/import", "--XX--",
		       "multipart/form-data; boundary=XX"),
		422);
	IS_INT(api_call(&to, HTTP_POST, "/api/0/import", "--YY--",
		       "multipart/form-data; boundary=XX"),
		400);
	/* Of two files the second is wrong: the first leaves nothing. */
	IS_INT(api_call(&to, HTTP_POST, "/api/0/import",
		       "--XX\r\n\r\n{\"buckets\":{\"z\":{\"id\":\"z\",\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":[]}}}"
		       "\r\n--XX\r\n\r\n5\r\n--XX--",
		       "multipart/form-data; boundary=XX"),
		422);
	api_get(&to, "/api/0/buckets/z");
	IS_INT(to.status, 404);
	api_close(&to);
}

#define QUERY(program)                                                                             \
	"{\"timeperiods\":[\"2000-01-01T00:00:00Z/2020-01-01T00:00:00Z\"],\"query\":[" program "]}"

static void answers_queries(void)
{
	struct api api;

	with_bucket(&api);
	IS_INT(api_post(&api, "/api/0/buckets/b/events", E("01:01:01", "1", "1")), 200);
	IS_INT(api_post(&api, "/api/0/query", QUERY("\"return 1;\"")), 200);
	IS_STR(buf_str(&api.body), "[1.0]");
	for (int again = 0; again < 2; again++) {
		IS_INT(api_post(&api, "/api/0/query",
			       QUERY("\"RETURN =\",\" query_bucket(\\\"b\\\");\"")),
			200);
		IS_STR(buf_str(&api.body),
			"[[{\"data\":{\"x\":1},\"duration\":1.0,\"id\":2,\"timestamp\":\"2018-01-01T01:01:01Z\"}]]");
	}
	/* What is kept of an answer does not outlive what it was made of. */
	IS_INT(api_post(&api, "/api/0/buckets/b/events", E("01:01:05", "0", "2")), 200);
	IS_INT(api_post(&api, "/api/0/query",
		       QUERY("\"RETURN = sum_durations(query_bucket(\\\"b\\\"));\"")),
		200);
	IS_INT(api_post(&api, "/api/0/query", QUERY("\"RETURN = query_bucket(\\\"b\\\");\"")), 200);
	OK(str_find_str(buf_str(&api.body), STR("01:01:05")) > 0);
	IS_INT(api_post(&api, "/api/0/query", "{\"timeperiods\":[],\"query\":[\"x\"]}"), 200);
	IS_STR(buf_str(&api.body), "[]");
	IS_INT(api_post(&api, "/api/0/query", QUERY("\"RETURN = query_bucket(\\\"no\\\");\"")),
		400);
	OK(str_starts(buf_str(&api.body),
		STR("{\"type\":\"BucketQueryError\",\"message\":\"BucketQueryError(")));
	IS_INT(api_post(&api, "/api/0/query", QUERY("\"RETURN = x;\"")), 400);
	OK(str_starts(buf_str(&api.body),
		STR("{\"type\":\"VariableNotDefined\",\"message\":\"VariableNotDefined(")));
	IS_INT(api_post(&api, "/api/0/query",
		       "{\"timeperiods\":[\"2018-01-01/2019-01-01\"],\"query\":[\"return 1;\"]}"),
		422);
	IS_INT(api_post(&api, "/api/0/query", "{\"timeperiods\":[5],\"query\":[\"return 1;\"]}"),
		422);
	IS_INT(api_post(&api, "/api/0/query", "{\"query\":[\"return 1;\"]}"), 422);
	IS_INT(api_post(&api, "/api/0/query", "[]"), 422);
	api_close(&api);
}

/* --- streams --- */

#define STREAMS "/api/0/buckets/tt-streams_host"

static void shows_streams(void)
{
	struct str first;
	struct api api;

	api_open(&api);
	api_get(&api, STREAMS);
	IS_INT(api.status, 404);
	api_focus(&api, 0, "/h/p");
	api_focus(&api, 60, "/h/q");
	api_focus(&api, 120, "/h/p");
	OK(str_find_str(api_get(&api, "/api/0/buckets"),
		   STR("\"tt-streams_host\":{\"id\":\"tt-streams_host\",\"type\":\"tt.stream\"")) >
		0);
	OK(str_starts(api_get(&api, STREAMS), STR("{\"id\":\"tt-streams_host\"")));
	/* T0 is 2026-02-02T02:40:00Z; the last one counts for the window of five minutes. */
	api_get(&api, STREAMS "/events");
	OK(str_starts(buf_str(&api.body),
		STR("[{\"id\":1770000120000000,\"timestamp\":\"2026-02-02T02:42:00Z\",\"duration\":300.0,"
		    "\"data\":{\"project\":\"\",\"stream\":\"p\",\"stream_id\":\"")));
	OK(str_find_str(buf_str(&api.body),
		   STR("{\"id\":1770000060000000,\"timestamp\":\"2026-02-02T02:41:00Z\",\"duration\":60.0,"
		       "\"data\":{\"project\":\"\",\"stream\":\"q\",")) > 0);
	IS_STR(api_get(&api, STREAMS "/events/count"), "3");
	IS_STR(api_get(&api, STREAMS "/events/count?end=2026-02-02T02:40:30Z"), "1");
	/* Cut to a range, but the same event. */
	OK(str_starts(
		api_get(&api, STREAMS
			"/events?limit=1&end=2026-02-02T02:41:30Z&start=2026-02-02T02:41:10Z"),
		STR("[{\"id\":1770000060000000,\"timestamp\":\"2026-02-02T02:41:10Z\",\"duration\":20.0,")));
	first = arena_str(&api.fixture.arena, api_get(&api, STREAMS "/events/1770000060000000"));
	OK(str_starts(first, STR("{\"id\":1770000060000000,")));
	api_get(&api, STREAMS "/events/5");
	IS_INT(api.status, 404);
	/* A query, twice: the second finds what the engine kept. */
	for (int again = 0; again < 2; again++) {
		IS_INT(api_post(&api, "/api/0/query",
			       "{\"timeperiods\":[\"2026-02-02T00:00:00Z/2026-02-03T00:00:00Z\"],\"query\":["
			       "\"RETURN = merge_events_by_keys(query_bucket(find_bucket(\\\"tt-streams_\\\")), [\\\"stream\\\"]);\"]}"),
			200);
		OK(str_starts(buf_str(&api.body),
			STR("[[{\"data\":{\"project\":\"\",\"stream\":\"p\",")));
		OK(str_find_str(buf_str(&api.body), STR("},\"duration\":360.0,")) > 0);
	}
	OK(str_find_str(api_get(&api, "/api/0/export"), STR("\"stream\":\"q\"")) > 0);
	/* It cannot be written. */
	IS_INT(api_post(&api, STREAMS, B), 403);
	IS_INT(api_post(&api, STREAMS "/events", E("00:00:00", "1", "1")), 403);
	IS_INT(api_post(&api, STREAMS "/heartbeat?pulsetime=1", E("00:00:00", "1", "1")), 403);
	IS_INT(api_delete(&api, STREAMS), 403);
	IS_INT(api_delete(&api, STREAMS "/events/1770000060000000"), 403);
	/* Nor can what tmux told. */
	IS_INT(api_delete(&api, "/api/0/buckets/remote.tmux.tmux_pane_focus@" MACHINE_A), 403);
	api_close(&api);
}

/* --- pages --- */

static void put_file(struct api *api, const char *name, const char *content)
{
	const char *path = fixture_path(&api->fixture, name);

	OK(fs_write_atomic(path, str_from(content), 0600, &api->err) == 0);
}

static void serves_its_page(void)
{
	struct api api;

	api_open(&api);
	OK(str_starts(api_get(&api, "/"), STR("<!DOCTYPE html>")));
	IS_STR(fake_reply_header(&api.reply, "Content-Type"), "text/html; charset=utf-8");
	OK(api_get(&api, "/page.js").len > 0);
	IS_STR(fake_reply_header(&api.reply, "Content-Type"), "text/javascript; charset=utf-8");
	OK(api_get(&api, "/page.css").len > 0);
	api_get(&api, "/other");
	IS_INT(api.status, 404);
	OK(str_find_str(api_get(&api, "/api/0/openapi.json"), STR("\"openapi\":\"3.0.3\"")) > 0);
	api_close(&api);
}

static void serves_a_directory(void)
{
	static const char *const absent[] = { "/no", "/.git", "/sub/.x", "/link", "/linked/b.css",
		"/fifo", "/index.html/x", "/pages/other/", "/pages/vis/no" };
	const char *pages[] = { NULL, NULL };
	CLEANUP(buf_release) struct buf large = BUF_INIT;
	struct str tag;
	struct api api;

	api_open(&api);
	api.server.options.config.webui = fixture_path(&api.fixture, "web");
	pages[0] = arena_printf(&api.fixture.arena, "vis=%s/web/sub", api.fixture.dir).ptr;
	api.server.options.config.pages = pages;
	OK(mkdir(fixture_path(&api.fixture, "web"), 0700) == 0 &&
		mkdir(fixture_path(&api.fixture, "web/sub"), 0700) == 0);
	put_file(&api, "web/index.html", "index");
	put_file(&api, "web/.git", "secret");
	put_file(&api, "outside", "secret");
	put_file(&api, "web/sub/b.css", "css");
	put_file(&api, "web/sub/.x", "secret");
	put_file(&api, "web/sub/index.html", "sub");
	OK(symlink("../outside", fixture_path(&api.fixture, "web/link")) == 0);
	OK(symlink("sub", fixture_path(&api.fixture, "web/linked")) == 0);
	OK(mkfifo(fixture_path(&api.fixture, "web/fifo"), 0600) == 0);
	for (int i = 0; i < 100000; i++)
		buf_printf(&large, "%d\n", i);
	put_file(&api, "web/large.wasm", buf_cstr(&large));

	IS_STR(api_get(&api, "/"), "index");
	tag = arena_str(&api.fixture.arena, fake_reply_header(&api.reply, "ETag"));
	OK(tag.len > 2);
	IS_STR(api_get(&api, "/index.html"), "index");
	IS_STR(api_get(&api, "/sub/b.css"), "css");
	IS_STR(fake_reply_header(&api.reply, "Content-Type"), "text/css; charset=utf-8");
	IS_STR(api_get(&api, "/large.wasm"), buf_cstr(&large));
	OK(api.streamed);
	IS_STR(fake_reply_header(&api.reply, "Content-Type"), "application/wasm");
	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		api_get(&api, absent[i]);
		tap_check(api.status == 404, __FILE__, __LINE__, "%s: %d", absent[i], api.status);
	}
	IS_STR(api_get(&api, "/pages/vis/"), "sub");
	api_get(&api, "/pages/vis?a=b");
	IS_INT(api.status, 308);
	IS_STR(fake_reply_header(&api.reply, "Location"), "/pages/vis/?a=b");
	api_get(&api, "/sub");
	IS_STR(fake_reply_header(&api.reply, "Location"), "/sub/");
	/* What the client has is not sent again. */
	api.if_none_match = tag.ptr;
	IS_STR(api_get(&api, "/"), "");
	IS_INT(api.status, 304);
	IS_STR(fake_reply_header(&api.reply, "ETag"), tag.ptr);
	api.if_none_match = "\"x\", W/\"y\"";
	IS_STR(api_get(&api, "/"), "index");
	api_close(&api);
}

static const struct tap_case cases[] = {
	TAP_CASE(tells_what_it_is),
	TAP_CASE(makes_buckets),
	TAP_CASE(refuses_buckets),
	TAP_CASE(changes_and_deletes_buckets),
	TAP_CASE(stores_and_replaces_events),
	TAP_CASE(refuses_events_as_a_whole),
	TAP_CASE(reads_ranges),
	TAP_CASE(finds_and_deletes_one),
	TAP_CASE(takes_heartbeats),
	TAP_CASE(keeps_settings),
	TAP_CASE(knows_devices),
	TAP_CASE(streams_what_is_long),
	TAP_CASE(exports),
	TAP_CASE(imports),
	TAP_CASE(answers_queries),
	TAP_CASE(shows_streams),
	TAP_CASE(serves_its_page),
	TAP_CASE(serves_a_directory),
};
TAP_MAIN(cases)
