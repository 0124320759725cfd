/* What handlers share: arguments, bodies, replies. */
#include "serve/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "base/url.h"

/* --- arguments --- */

static bool name_is(struct str raw, const char *name, struct buf *text)
{
	buf_clear(text);
	return url_decode(text, raw, true) && str_eq_c(buf_str(text), name);
}

struct str call_arg(struct call *call, const char *name, bool *repeated)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str rest = http_query(call->http), found = { NULL, 0 };

	if (repeated)
		*repeated = false;
	while (rest.len > 0) {
		struct str value = str_split(&rest, '&'), key = str_split(&value, '=');

		if (!name_is(key, name, &text))
			continue;
		if (found.ptr) {
			if (repeated)
				*repeated = true;
			return found;
		}
		buf_clear(&text);
		/* What is no percent-encoding stands for itself: no argument is lost. */
		found = arena_str(
			call->arena, url_decode(&text, value, true) ? buf_str(&text) : value);
	}
	return found;
}

/* "… 02:00" at the end was "…+02:00" before a client forgot to encode it. */
static struct str mend_offset(struct str text, struct arena *arena)
{
	enum { OFFSET = sizeof(" HH:MM") - 1, DATE = sizeof("2026-02-03") - 1 };
	char *mended;

	if (text.len < DATE + 1 + OFFSET || text.ptr[text.len - OFFSET] != ' ' ||
		text.len - OFFSET <= DATE)
		return text;
	mended = arena_alloc(arena, text.len);
	memcpy(mended, text.ptr, text.len);
	mended[text.len - OFFSET] = '+';
	return (struct str){ mended, text.len };
}

int call_time(struct call *call, const char *name, const char *what, int64_t absent, int64_t *out,
	struct err *err)
{
	struct str text = call_arg(call, name, NULL);
	struct err fault;

	*out = absent;
	if (!text.ptr)
		return 0;
	text = mend_offset(text, call->arena);
	if (time_parse(text, out, &fault) == 0)
		return 0;
	return call_fail(call, 400, err,
		"Failed to parse %s, datetime needs to be in rfc3339 format: %s", what,
		fault.message);
}

/* --- replies --- */

static void drop_reply(struct http_reply *reply)
{
	buf_release(&reply->body);
	if (reply->stream.free)
		reply->stream.free(reply->stream.context);
	*reply = (struct http_reply){ .status = 0 };
}

void call_reset(struct call *call)
{
	drop_reply(&call->reply);
	call->answered = false;
}

void call_message(struct call *call, int status, const char *message)
{
	struct json_writer json = call_json(call);

	call->reply.status = status;
	json_begin_object(&json);
	json_kv_str(&json, "message", str_from(message));
	json_end_object(&json);
}

static int code_of_status(int status)
{
	switch (status) {
	case 404:
		return ERR_NOT_FOUND;
	case 413:
		return ERR_LIMIT;
	case 503:
		return ERR_BUSY;
	case 504:
		return ERR_TIMEOUT;
	default:
		return ERR_USAGE;
	}
}

int call_fail(struct call *call, int status, struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	call_message(call, status, err->message);
	call->answered = true;
	return err->code = code_of_status(status);
}

struct json_writer call_json(struct call *call)
{
	drop_reply(&call->reply);
	call->reply.status = 200;
	http_reply_header(&call->reply, STR("Content-Type"), STR("application/json"));
	return json_writer(&call->reply.body);
}

int call_empty(struct call *call, int status)
{
	drop_reply(&call->reply);
	call->reply.status = status;
	return 0;
}

void call_stream(struct call *call, const char *type, struct http_stream stream)
{
	drop_reply(&call->reply);
	call->reply.status = 200;
	http_reply_header(&call->reply, STR("Content-Type"), str_from(type));
	call->reply.stream = stream;
}

/* --- bodies --- */

enum { FEW = 16 };

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* A key that VALUE, if it is an object, has twice. */
static bool find_double(const struct json *value, struct str *out)
{
	struct str few[FEW], *keys = few;
	struct json_iter iter = json_iter(value);
	const struct json *member;
	size_t count = 0;
	bool found = false;

	if (!json_is(value, JSON_OBJECT))
		return false;
	if (json_len(value) > FEW)
		keys = mem_resize(NULL, json_len(value), sizeof(*keys));
	while (json_next(&iter, &keys[count], &member))
		if (++count == json_len(value))
			break;
	qsort(keys, count, sizeof(*keys), compare);
	for (size_t i = 1; i < count && !found; i++) {
		found = str_eq(keys[i - 1], keys[i]);
		*out = keys[i];
	}
	if (keys != few)
		free(keys);
	return found;
}

static bool find_double_near_top(const struct json *root, struct str *out)
{
	struct json_iter iter = json_iter(root);
	const struct json *member;
	struct str key;

	if (find_double(root, out))
		return true;
	while (json_next(&iter, &key, &member))
		if (find_double(member, out))
			return true;
	return false;
}

int call_body_json(struct call *call, const struct json **root, struct err *err)
{
	struct err fault;
	struct str key;

	if (json_parse(&call->parser, http_body(call->http), false, root, &fault) < 0)
		return call_fail(call, 400, err, "The body is not JSON: %s", fault.message);
	if (find_double_near_top(*root, &key))
		return call_fail(call, 400, err, "The body has the key '%.*s' twice in one object",
			(int)(key.len > 100 ? 100 : key.len), key.ptr);
	return 0;
}
