/* Events and buckets as clients write them: what is taken, what is refused and in which words. */
#include "serve/api/aw_json.h"

#include <math.h>

#include "base/time.h"
#include "model/limits.h"
#include "tap.h"

#define GOOD(call) tap_check((call) >= 0, __FILE__, __LINE__, "%s: %s", #call, err.message)

static const struct json *parse(struct json_parser *parser, const char *text)
{
	const struct json *root = NULL;
	struct err err;

	GOOD(json_parse(parser, str_from(text), false, &root, &err));
	return root;
}

/* Reads TEXT as one event and writes it; the message where it is refused. */
static const char *round_trip(const char *text, struct arena *arena)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	struct aw_given given;
	struct err err;

	if (aw_read_event(parse(&parser, text), arena, &given, &err) < 0)
		return arena_cstr(arena, str_from(err.message));
	if (!given.numbered)
		given.event.number = -1;
	aw_put_event(&writer, &given.event);
	return arena_cstr(arena, buf_str(&out));
}

/* --- instants --- */

static void reads_relaxed_times(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "2018-01-01T01:01:01Z", "2018-01-01T01:01:01Z" },
		{ "2018-01-01t01:01:01z", "2018-01-01T01:01:01Z" },
		{ "2018-01-01 01:01:01Z", "2018-01-01T01:01:01Z" },
		{ "2018-01-01   01:01:01   Z", "2018-01-01T01:01:01Z" },
		{ " 2018-01-01T01:01:01Z ", "2018-01-01T01:01:01Z" },
		{ "2018-01-01T01:01:01UTC", "2018-01-01T01:01:01Z" },
		{ "2018-01-01 01:01:01 UTC", "2018-01-01T01:01:01Z" },
		{ "2018-01-01T02:01:02+02:00", "2018-01-01T00:01:02Z" },
		{ "2018-01-01T02:01:02+0200", "2018-01-01T00:01:02Z" },
		{ "2018-01-01T02:01:02 -0230", "2018-01-01T04:31:02Z" },
		{ "2018-01-01T00:01:02.5Z", "2018-01-01T00:01:02.500Z" },
		{ "2018-01-01T00:01:02.123456Z", "2018-01-01T00:01:02.123456Z" },
		{ "2018-01-01T00:01:02.123456789Z", "2018-01-01T00:01:02.123456789Z" },
		{ "2018-01-01T00:01:02.1234567899999+0000", "2018-01-01T00:01:02.123456789Z" },
		{ "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_writer writer = json_writer(&out);
		int64_t ns = 0;

		buf_clear(&out);
		GOOD(aw_read_time(str_from(cases[i].text), &ns, &err));
		aw_put_time(&writer, ns);
		IS_STR(str_sub(buf_str(&out), 1, out.len - 2), cases[i].want);
	}
}

static void refuses_other_times(void)
{
	static const char *const cases[] = {
		"", "x", "2018-01-01", "2018-01-01T00:00:00", "2018-01-01T00:00Z",
		"2018-01-0100:00:00Z", "2018-13-01T00:00:00Z", "2018-01-01T24:00:00Z",
		"2018-01-01T00:00:00+24:00", "2018-01-01T00:00:00+2", "2018-01-01T00:00:00.Z",
		"2018-01-01T00:00:00 PST", "3000-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
		"2018-01-01TT00:00:00Z", "2018-01-01T00:00:00Z Z", "2018-01-01 ", "2018-01-01T",
		"1514764800",
		"2018-01-01T00:00:00                                                              Z"
	};
	struct err err;
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		tap_check(aw_read_time(str_from(cases[i]), &ns, &err) == ERR_PARSE, __FILE__,
			__LINE__, "'%s' was taken", cases[i]);
	/* What is shown is what was sent. */
	OK(aw_read_time(STR("+2018-01-01T00:00:00Z"), &ns, &err) == ERR_PARSE);
	OK(str_starts(str_from(err.message), STR("'+2018-01-01T00:00:00Z' is not an instant")));
}

/* --- durations --- */

static void rounds_durations(void)
{
	int64_t ns = 0;

	OK(aw_seconds_to_ns(1.001, &ns) && ns == INT64_C(1001000000));
	OK(aw_seconds_to_ns(0.123456789, &ns) && ns == 123456789);
	OK(aw_seconds_to_ns(-5, &ns) && ns == -5 * NS_PER_S);
	OK(aw_seconds_to_ns(0, &ns) && ns == 0);
	/* Every millisecond of 20 seconds survives, which truncation does not manage. */
	for (int64_t ms = 0; ms < 20000; ms++)
		if (!aw_seconds_to_ns((double)ms / 1000.0, &ns) || ns != ms * NS_PER_MS)
			tap_check(0, __FILE__, __LINE__, "%lld ms were lost", (long long)ms);
	OK(!aw_seconds_to_ns(1e10, &ns));
	OK(!aw_seconds_to_ns(-1e10, &ns));
	OK(!aw_seconds_to_ns((double)INFINITY, &ns));
	OK(!aw_seconds_to_ns((double)NAN, &ns));
}

/* What aw_put_event writes of an event that lasts NS. */
static const char *shown_duration(int64_t ns, struct arena *arena)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	struct aw_event event = { .number = 1, .duration_ns = ns, .data = STR("{}") };
	struct str rest;

	aw_put_event(&writer, &event);
	rest = str_sub(buf_str(&out),
		strlen("{'id':1,'timestamp':'1970-01-01T00:00:00Z','duration':"), out.len);
	return arena_cstr(arena, str_split(&rest, ','));
}

static void shows_durations_as_floats(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	uint64_t state = 1;

	for (int i = 0; i < 20000; i++) {
		CLEANUP(buf_release) struct buf want = BUF_INIT;
		struct json_writer writer = json_writer(&want);
		/* Of every size, around every power of ten, and of either sign. */
		static const int64_t near[] = { 0, 1, 9999, 10000, 10001, 999999999, 1000000000,
			1000000001, 999999999999999, 1000000000000000, 1000000000000001,
			INT64_MAX };
		int64_t ns;

		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ns = i < (int)ARRAY_LEN(near) ? near[i] : (int64_t)state >> (i % 64);
		json_put_float(&writer, (double)ns / 1e9);
		IS_CSTR(shown_duration(ns, &arena), buf_cstr(&want));
	}
	IS_CSTR(shown_duration(0, &arena), "0.0");
	IS_CSTR(shown_duration(12500 * NS_PER_MS, &arena), "12.5");
	IS_CSTR(shown_duration(10, &arena), "1e-8");
}

static void reads_arguments(void)
{
	static const char *const bad[] = { "", "abc", "inf", "nan", "0x10", " 1", "1 ", "1e", "e1",
		".", "1e999", "1.2.3" };
	double number = 0;

	OK(aw_read_number(STR("1"), &number) && number == 1);
	OK(aw_read_number(STR("-2.5"), &number) && number == -2.5);
	OK(aw_read_number(STR("+.5e1"), &number) && number == 5);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		tap_check(!aw_read_number(str_from(bad[i]), &number), __FILE__, __LINE__,
			"'%s' was taken", bad[i]);
}

/* --- events --- */

static void reads_events(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	IS_CSTR(round_trip("{\"timestamp\":\"2018-01-01T01:01:01Z\",\"duration\":1,\"data\":{}}",
			&arena),
		"{\"id\":-1,\"timestamp\":\"2018-01-01T01:01:01Z\",\"duration\":1.0,\"data\":{}}");
	IS_CSTR(round_trip("{\"id\":7,\"foo\":[1],\"data\":{\"b\":{\"z\":1,\"a\":2},\"a\":\"x\"},"
			   "\"timestamp\":\"2018-01-01 01:01:01.5+0100\",\"duration\":-0.5}",
			&arena),
		"{\"id\":7,\"timestamp\":\"2018-01-01T00:01:01.500Z\",\"duration\":-0.5,"
		"\"data\":{\"a\":\"x\",\"b\":{\"a\":2,\"z\":1}}}");
	IS_CSTR(round_trip(
			"{\"id\":null,\"timestamp\":\"2018-01-01T01:01:01Z\",\"data\":{\"n\":1.0}}",
			&arena),
		"{\"id\":-1,\"timestamp\":\"2018-01-01T01:01:01Z\",\"duration\":0.0,"
		"\"data\":{\"n\":1.0}}");
	IS_CSTR(round_trip("{\"id\":\"12\",\"timestamp\":\"2018-01-01T01:01:01Z\",\"data\":{}}",
			&arena),
		"{\"id\":12,\"timestamp\":\"2018-01-01T01:01:01Z\",\"duration\":0.0,\"data\":{}}");
}

static void names_what_is_wrong(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "5", "an event is an object, this is a number" },
		{ "null", "an event is an object, this is null" },
		{ "[]", "an event is an object, this is an array" },
		{ "{\"data\":{}}",
			"'timestamp' is missing (expected: an RFC 3339 instant with an offset)" },
		{ "{\"timestamp\":5,\"data\":{}}",
			"'timestamp' is a number (expected: an RFC 3339 instant with an offset)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\"}",
			"'data' is missing (expected: an object)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":null}",
			"'data' is null (expected: an object)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":[]}",
			"'data' is an array (expected: an object)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{},\"duration\":null}",
			"'duration' is null (expected: a number of seconds)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{},\"duration\":\"1\"}",
			"'duration' is a string (expected: a number of seconds)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{},\"duration\":1e10}",
			"'duration' is longer than 292 years" },
		{ "{\"timestamp\":\"2200-01-01T00:00:00Z\",\"data\":{},\"duration\":5e9}",
			"'timestamp' and 'duration': it would end outside the years 1678 to 2262" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{},\"id\":1.5}",
			"'id' is a number (expected: an integer of 64 bits or null)" },
		{ "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{\"a\":1e999}}",
			"'data' holds a number beyond what a double of 64 bits can say" },
	};
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_CSTR(round_trip(cases[i].text, &arena), cases[i].want);
	OK(strstr(round_trip("{\"timestamp\":\"2018-01-01\",\"data\":{}}", &arena),
		"'timestamp': '2018-01-01' is not an instant"));
}

/* Data as deep as this can be exported and read again; deeper is refused. */
static void limits_depth(void)
{
	enum { LEVELS = 120 };
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (int more = 0; more < 2; more++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;

		buf_addc(&text, "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{\"a\":");
		for (int i = 1; i < LEVELS + more; i++)
			buf_byte(&text, '[');
		for (int i = 1; i < LEVELS + more; i++)
			buf_byte(&text, ']');
		buf_addc(&text, "}}");
		OK((strcmp(round_trip(buf_cstr(&text), &arena),
			    "'data' nests deeper than 120 levels") == 0) == (more == 1));
	}
}

static void reads_lists(void)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_given *events;
	size_t count = 9;
	struct err err;

	GOOD(aw_read_events(parse(&parser, "[]"), &arena, &events, &count, &err));
	IS_INT(count, 0);
	GOOD(aw_read_events(parse(&parser, "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{}}"),
		&arena, &events, &count, &err));
	IS_INT(count, 1);
	GOOD(aw_read_events(parse(&parser, "[{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{}},"
					   "{\"timestamp\":\"2018-01-01T00:00:01Z\",\"data\":{}}]"),
		&arena, &events, &count, &err));
	IS_INT(count, 2);
	IS_INT(events[1].event.start_ns - events[0].event.start_ns, NS_PER_S);
	IS_INT(aw_read_events(
		       parse(&parser, "[{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{}},3]"),
		       &arena, &events, &count, &err),
		ERR_PARSE);
	IS_CSTR(err.message, "event 1: an event is an object, this is a number");
}

static void limits_what_is_large(void)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct aw_given *events, event;
	size_t count;
	struct err err;

	buf_byte(&text, '[');
	for (int i = 0; i < LIMIT_BODY_EVENTS; i++)
		buf_addc(&text, "1,");
	buf_addc(&text, "1]");
	IS_INT(aw_read_events(parse(&parser, buf_cstr(&text)), &arena, &events, &count, &err),
		ERR_LIMIT);

	for (int over = 0; over < 2; over++) {
		buf_clear(&text);
		buf_addc(&text, "{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{\"a\":\"");
		for (int i = 0; i < LIMIT_EVENT_BYTES - 8 + over; i++)
			buf_byte(&text, 'x');
		buf_addc(&text, "\"}}");
		IS_INT(aw_read_event(parse(&parser, buf_cstr(&text)), &arena, &event, &err),
			over ? ERR_LIMIT : 0);
	}
}

/* --- buckets --- */

static void reads_buckets(void)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_given_bucket bucket;
	struct err err;

	GOOD(aw_read_bucket(
		parse(&parser,
			"{\"id\":\"other\",\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\","
			"\"created\":null,\"events\":null,\"last_updated\":null,"
			"\"metadata\":{\"start\":null},\"data\":null,\"more\":1}"),
		true, &arena, &bucket, &err));
	IS_STR(bucket.type, "t");
	IS_STR(bucket.client, "c");
	IS_STR(bucket.hostname, "h");
	OK(!bucket.data.ptr && bucket.created_ns == INT64_MIN && bucket.event_count == 0);

	GOOD(aw_read_bucket(
		parse(&parser,
			"{\"type\":\"\",\"client\":\"\",\"hostname\":\"\","
			"\"created\":\"2017-05-16T13:37:00Z\",\"data\":{\"k\":1,\"a\":2},"
			"\"events\":[{\"timestamp\":\"2018-01-01T00:00:00Z\",\"data\":{}}]}"),
		true, &arena, &bucket, &err));
	IS_STR(bucket.data, "{\"a\":2,\"k\":1}");
	IS_INT(bucket.created_ns / NS_PER_S, 1494941820);
	IS_INT(bucket.event_count, 1);
	IS_STR(aw_data_with(bucket.data, "device_id", STR("x\"y"), &arena),
		"{\"a\":2,\"device_id\":\"x\\\"y\",\"k\":1}");
	IS_STR(aw_data_with(STR("{\"device_id\":5}"), "device_id", STR("x"), &arena),
		"{\"device_id\":\"x\"}");

	GOOD(aw_read_bucket(
		parse(&parser, "{\"client\":\"n\",\"created\":5}"), false, &arena, &bucket, &err));
	OK(!bucket.type.ptr && !bucket.hostname.ptr && bucket.created_ns == INT64_MIN);
	IS_STR(bucket.client, "n");
}

static void refuses_buckets(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "[]", "a bucket is an object, this is an array" },
		{ "{\"type\":\"t\",\"client\":\"c\"}",
			"'hostname' is missing (expected: a string)" },
		{ "{\"type\":null,\"client\":\"c\",\"hostname\":\"h\"}",
			"'type' is null (expected: a string)" },
		{ "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"data\":[]}",
			"'data' is an array (expected: an object)" },
		{ "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"created\":1}",
			"'created' is a number (expected: an RFC 3339 instant with an offset)" },
		{ "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":{}}",
			"'events' is an object (expected: an array of events)" },
		{ "{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"events\":[{}]}",
			"'events': event 0: 'timestamp' is missing (expected: an RFC 3339 instant with an offset)" },
	};
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_given_bucket bucket;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		IS_INT(aw_read_bucket(parse(&parser, cases[i].text), true, &arena, &bucket, &err),
			ERR_PARSE);
		IS_CSTR(err.message, cases[i].want);
	}
}

static void writes_buckets(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	struct aw_bucket bucket = { .id = STR("b\"1"),
		.type = STR("t"),
		.hostname = STR("h"),
		.created_ns = 0,
		.machine_id = STR("m"),
		.first_ns = INT64_MIN,
		.end_ns = INT64_MIN,
		.newest_end_ns = INT64_MIN };

	aw_put_bucket(&writer, &bucket);
	IS_STR(buf_str(&out),
		"{\"id\":\"b\\\"1\",\"type\":\"t\",\"client\":\"\",\"hostname\":\"h\","
		"\"created\":\"1970-01-01T00:00:00Z\",\"name\":null,\"data\":{},"
		"\"metadata\":{\"start\":null,\"end\":null},\"last_updated\":null,"
		"\"machine_id\":\"m\",\"event_count\":0,\"events\":null}");
	bucket.data = STR("{\"k\":1}");
	bucket.events = 2;
	bucket.first_ns = NS_PER_S;
	bucket.end_ns = 3 * NS_PER_S;
	bucket.newest_end_ns = 2 * NS_PER_S + 1;
	buf_clear(&out);
	aw_put_bucket(&writer, &bucket);
	OK(strstr(buf_cstr(&out),
		"\"data\":{\"k\":1},\"metadata\":{\"start\":\"1970-01-01T00:00:01Z\","
		"\"end\":\"1970-01-01T00:00:03Z\"},\"last_updated\":\"1970-01-01T00:00:02.000000001Z\","
		"\"machine_id\":\"m\",\"event_count\":2,\"events\":null}"));
}

static const struct tap_case cases[] = {
	TAP_CASE(reads_relaxed_times),
	TAP_CASE(refuses_other_times),
	TAP_CASE(rounds_durations),
	TAP_CASE(shows_durations_as_floats),
	TAP_CASE(reads_arguments),
	TAP_CASE(reads_events),
	TAP_CASE(names_what_is_wrong),
	TAP_CASE(limits_depth),
	TAP_CASE(reads_lists),
	TAP_CASE(limits_what_is_large),
	TAP_CASE(reads_buckets),
	TAP_CASE(refuses_buckets),
	TAP_CASE(writes_buckets),
};
TAP_MAIN(cases)
