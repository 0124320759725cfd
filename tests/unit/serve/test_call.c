#include "base/time.h"
#include "fake_request.h"
#include "serve/call.h"
#include "tap.h"

static struct http_request request;
static struct call call;
static struct err err;

static void begin(const char *query, const char *body)
{
	request = (struct http_request){ .query = query, .body = body };
	call = (struct call){ .http = &request, .arena = &request.arena };
	err = (struct err){ 0 };
}

static void end(void)
{
	call_reset(&call);
	json_parser_release(&call.parser);
	arena_release(&request.arena);
}

static void arguments(void)
{
	bool repeated;

	begin("a=1&b=x%20y+z&empty=&flag&%63=%e2%82%ac&a=2&bad=%zz", "");
	IS_STR(call_arg(&call, "a", &repeated), "1");
	OK(repeated);
	IS_STR(call_arg(&call, "b", &repeated), "x y z");
	OK(!repeated);
	OK(call_arg(&call, "empty", NULL).ptr);
	IS_INT(call_arg(&call, "empty", NULL).len, 0);
	OK(call_arg(&call, "flag", NULL).ptr);
	IS_STR(call_arg(&call, "c", NULL), "\xe2\x82\xac");
	IS_STR(call_arg(&call, "bad", NULL), "%zz");
	OK(!call_arg(&call, "d", &repeated).ptr);
	OK(!repeated);
	end();
	begin("", "");
	OK(!call_arg(&call, "a", NULL).ptr);
	end();
}

static int64_t time_of(const char *query)
{
	int64_t out;

	begin(query, "");
	IS_INT(call_time(&call, "start", "starttime", 7, &out, &err), 0);
	end();
	return out;
}

static void times(void)
{
	static const char *const wrong[] = { "start=", "start=abc", "start=2018-01-01",
		"start=2018-01-01T00:00:00", "start=0001-01-01T00:00:00Z",
		"start=3000-01-01T00:00:00Z" };
	const int64_t moment = INT64_C(1514764800) * NS_PER_S; /* 2018-01-01 */
	int64_t out;

	IS_INT(time_of("end=x"), 7);
	IS_INT(time_of("start=2018-01-01T00:00:00Z"), moment);
	IS_INT(time_of("start=2018-01-01T02:00:00%2B02:00"), moment);
	IS_INT(time_of("start=2018-01-01T02:00:00+02:00"), moment); /* the '+' came as a space */
	IS_INT(time_of("start=2018-01-01%2000:00:00Z"), moment);
	IS_INT(time_of("start=2018-01-01T00:00:00.000000001Z"), moment + 1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		begin(wrong[i], "");
		OK(call_time(&call, "start", "starttime", 7, &out, &err) < 0);
		OK(call.answered);
		IS_INT(call.reply.status, 400);
		OK(str_starts(buf_str(&call.reply.body),
			STR("{\"message\":\"Failed to parse starttime, datetime needs to be in "
			    "rfc3339 format: ")));
		end();
	}
}

static int count_freed;

static void count_free(void *context)
{
	(void)context;
	count_freed++;
}

static int no_fill(void *context, struct buf *out, size_t want, struct err *error)
{
	(void)context;
	(void)out;
	(void)want;
	(void)error;
	return 0;
}

static void replies(void)
{
	const struct http_stream stream = { no_fill, count_free, NULL };
	struct json_writer json;

	begin("", "");
	json = call_json(&call);
	json_put_i64(&json, 5);
	IS_INT(call.reply.status, 200);
	IS_STR(buf_str(&call.reply.body), "5");
	IS_STR(fake_reply_header(&call.reply, "Content-Type"), "application/json");
	IS_INT(call_empty(&call, 304), 0);
	IS_INT(call.reply.status, 304);
	IS_INT(call.reply.body.len, 0);
	call_stream(&call, "text/csv", stream);
	IS_STR(fake_reply_header(&call.reply, "Content-Type"), "text/csv");
	/* An error takes the place of what was begun. */
	IS_INT(call_fail(&call, 404, &err, "no \"%s\"", "b"), ERR_NOT_FOUND);
	IS_INT(count_freed, 1);
	IS_INT(err.code, ERR_NOT_FOUND);
	IS_STR(buf_str(&call.reply.body), "{\"message\":\"no \\\"b\\\"\"}");
	OK(!call.reply.stream.fill);
	IS_INT(call.reply.header_count, 1);
	IS_INT(call_fail(&call, 422, &err, "x"), ERR_USAGE);
	end();
}

static int body_status(const char *body)
{
	const struct json *root;
	int rc, status;

	begin("", body);
	rc = call_body_json(&call, &root, &err);
	OK((rc < 0) == call.answered);
	status = call.reply.status;
	end();
	return status;
}

static void bodies(void)
{
	CLEANUP(buf_release) struct buf many = BUF_INIT;

	IS_INT(body_status("{\"a\":{\"b\":1,\"c\":[{\"d\":1}]}}"), 0);
	IS_INT(body_status(" 5 "), 0);
	IS_INT(body_status(""), 400);
	IS_INT(body_status("{bad"), 400);
	IS_INT(body_status("\"\xff\""), 400);
	IS_INT(body_status("{\"a\":1,\"b\":2,\"a\":1}"), 400);
	IS_INT(body_status("[{\"a\":1},{\"a\":1,\"\\u0061\":2}]"), 400);
	IS_INT(body_status("{\"x\":{\"a\":1,\"a\":1}}"), 400);
	/* Deeper, data are data: the last one counts (json_canonical). */
	IS_INT(body_status("[{\"data\":{\"a\":1,\"a\":2}}]"), 0);
	buf_addc(&many, "{\"k0\":0");
	for (int i = 1; i < 1000; i++)
		buf_printf(&many, ",\"k%d\":0", i);
	buf_addc(&many, "}");
	IS_INT(body_status(buf_cstr(&many)), 0);
	many.len--;
	buf_addc(&many, ",\"k500\":0}");
	IS_INT(body_status(buf_cstr(&many)), 400);
	buf_clear(&many);
	for (int i = 0; i < JSON_MAX_DEPTH + 1; i++)
		buf_byte(&many, '[');
	IS_INT(body_status(buf_cstr(&many)), 400);
}

static const struct tap_case cases[] = { TAP_CASE(arguments), TAP_CASE(times), TAP_CASE(replies),
	TAP_CASE(bodies) };
TAP_MAIN(cases)
