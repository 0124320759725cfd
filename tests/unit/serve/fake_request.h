/* A request as a test makes it: what the pure parts of the server ask of serve/http.h. */
#ifndef TT_TESTS_FAKE_REQUEST_H
#define TT_TESTS_FAKE_REQUEST_H

#include <strings.h>

#include "serve/http.h"

enum { FAKE_HEADERS = 12 };

struct http_request {
	enum http_method method;
	const char *path;
	const char *query;
	const char *body;
	const char *headers[FAKE_HEADERS][2];
	bool elsewhere; /* it does not come from this machine */
	struct arena arena;
	void *context;
	int replies; /* how often it was answered, and with what the last time: */
	int status;
	struct buf body_sent;
};

enum http_method http_method(const struct http_request *request)
{
	return request->method;
}

struct str http_path(const struct http_request *request)
{
	return str_from(request->path);
}

struct str http_query(const struct http_request *request)
{
	return str_from(request->query);
}

struct str http_body(const struct http_request *request)
{
	return str_from(request->body);
}

struct str http_header(const struct http_request *request, const char *name, size_t *count)
{
	struct str found = { NULL, 0 };
	size_t times = 0;

	for (size_t i = 0; i < FAKE_HEADERS && request->headers[i][0]; i++)
		if (strcasecmp(request->headers[i][0], name) == 0 && times++ == 0)
			found = str_from(request->headers[i][1]);
	if (count)
		*count = times;
	return found;
}

bool http_is_local(const struct http_request *request)
{
	return !request->elsewhere;
}

bool http_is_tls(const struct http_request *request)
{
	(void)request;
	return false;
}

struct str http_network(const struct http_request *request)
{
	return request->elsewhere ? STR("elsewhere") : STR("here");
}

struct str http_peer(const struct http_request *request)
{
	return str_from(request->elsewhere ? "203.0.113.9" : "127.0.0.1");
}

int64_t http_began_ns(const struct http_request *request)
{
	(void)request;
	return 0;
}

void http_set_context(struct http_request *request, void *context)
{
	request->context = context;
}

void *http_context(const struct http_request *request)
{
	return request->context;
}

void http_reply(struct http_request *request, struct http_reply *reply)
{
	request->replies++;
	request->status = reply->status;
	buf_release(&request->body_sent);
	request->body_sent = reply->body;
	if (reply->stream.free)
		reply->stream.free(reply->stream.context);
}

struct arena *http_arena(struct http_request *request)
{
	return &request->arena;
}

void http_reply_header(struct http_reply *reply, struct str name, struct str value)
{
	ASSERT(reply->header_count < HTTP_REPLY_HEADERS);
	reply->headers[reply->header_count][0] = name;
	reply->headers[reply->header_count++][1] = value;
}

/* The value of a header of a reply, or an empty view. */
__attribute__((unused)) static struct str fake_reply_header(
	const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (str_eq_c(reply->headers[i][0], name))
			return reply->headers[i][1];
	return (struct str){ NULL, 0 };
}

#endif
