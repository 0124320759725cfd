/*
 * The course of one request, as libmicrohttpd calls it: the target, then the head (begin), pieces
 * of the body, the end (handle), and when the reply was made while the connection slept, once more
 * to send it; completed when it was sent or lost.
 */
#include "serve/http_internal.h"

#include "base/clock.h"
#include "base/time.h"

enum { BODY_BYTES_PER_MS = 1024, BODY_FIRST_BYTES = 64 << 10 };

void *http_on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
	struct http *http = context;
	struct http_request *request =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	http_head_target(request, target);
	http_watch_enter(request, PHASE_HEAD, http_watch_now_ms() + http->options.header_ms);
	return request;
}

/* --- the head --- */

static bool body_due(struct http_request *request, int64_t bytes)
{
	int64_t ms = request->http->options.body_ms + bytes / BODY_BYTES_PER_MS;

	return http_watch_enter(request, PHASE_BODY, request->began_ns / NS_PER_MS + ms);
}

/* Body bytes that count towards what all may have together. */
static int64_t counted_bytes(int64_t body_bytes)
{
	return body_bytes > HTTP_BODY_FREE_BYTES ? body_bytes - HTTP_BODY_FREE_BYTES : 0;
}

static bool is_ignored(const struct http_request *request)
{
	return request->body_limit == HTTP_BODY_IGNORED;
}

/* What the owner allows, or what is read though nobody wants it. */
static int64_t most_bytes(const struct http_request *request)
{
	return is_ignored(request) ? HTTP_SWALLOW_BYTES : request->body_limit;
}

static void refuse_body(struct http_request *request, int status, const char *message)
{
	http_reply_refuse(request, status, message);
	request->refused = true;
	http_body_drop(request);
}

static void refuse_too_long(struct http_request *request)
{
	refuse_body(request, 413, "the body is too long");
}

static void refuse_busy(struct http_request *request)
{
	refuse_body(request, 503, "the server has as many long bodies as it takes at once");
}

/* Would the body that is announced fit, as it is now? It takes its room as it comes. */
static bool has_room(struct http_request *request)
{
	const struct http *http = request->http;

	return is_ignored(request) ||
	       counted_bytes(request->content_length) + atomic_load(&http->bodies_bytes) <=
		       http->options.bodies_bytes;
}

static void ask_owner(struct http_request *request)
{
	const struct http_owner *owner = &request->http->options.owner;

	request->seen = true;
	if (owner->begin(owner->context, request, &request->body_limit) != 0) {
		ASSERT(http_reply_is_ready(request));
		request->refused = true;
	} else if (request->content_length > most_bytes(request)) {
		refuse_too_long(request);
	} else if (!has_room(request)) {
		refuse_busy(request);
	}
}

/* The client waits for a word before it sends the body. */
static bool expects_word(const struct http_request *request)
{
	return request->content_length != 0 && http_header(request, "Expect", NULL).ptr;
}

/*
 * A request that was refused by its head. Its body is read first if that is little work: the client
 * then sees the reply for certain, and the connection stays. A client that waits for permission, or
 * announces more, is told at once, and libmicrohttpd ends the connection.
 */
static enum MHD_Result after_refusal(struct http_request *request)
{
	if (expects_word(request) || request->content_length > HTTP_SWALLOW_BYTES)
		return http_reply_send(request);
	return MHD_YES;
}

static enum MHD_Result on_head(
	struct http_request *request, const char *url, const char *method, const char *version)
{
	const char *message = NULL;
	int status;

	request->began_ns = clock_monotonic_ns();
	request->counted = true;
	atomic_fetch_add(&request->http->at_work, 1);
	status = http_head_check(request, url, method, version, &message);
	if (status != 0) {
		request->seen = true;
		http_reply_refuse(request, status, message);
		return http_reply_send(request);
	}
	if (!body_due(request, request->content_length > 0 ? request->content_length : 0))
		return MHD_NO;
	ask_owner(request);
	return request->refused ? after_refusal(request) : MHD_YES;
}

/* --- the body --- */

void http_body_drop(struct http_request *request)
{
	atomic_fetch_sub(&request->http->bodies_bytes, request->charged_bytes);
	request->charged_bytes = 0;
	if (request->body.cap > HTTP_KEEP_BYTES)
		buf_release(&request->body);
	else
		buf_clear(&request->body);
}

/* Let MORE bytes of the body count; false: all bodies together would be too long. */
static bool charge(struct http_request *request, size_t more)
{
	struct http *http = request->http;
	int64_t bytes = counted_bytes((int64_t)(request->body.len + more)) - request->charged_bytes;

	if (atomic_fetch_add(&http->bodies_bytes, bytes) + bytes > http->options.bodies_bytes &&
		bytes > 0) {
		atomic_fetch_sub(&http->bodies_bytes, bytes);
		return false;
	}
	request->charged_bytes += bytes;
	return true;
}

static void keep(struct http_request *request, const char *bytes, size_t count)
{
	if (request->body.len == 0 && request->content_length > 0)
		buf_reserve(&request->body, request->content_length < BODY_FIRST_BYTES
						    ? (size_t)request->content_length
						    : BODY_FIRST_BYTES);
	buf_add(&request->body, (struct str){ bytes, count });
}

static enum MHD_Result on_body(struct http_request *request, const char *bytes, size_t *count)
{
	size_t got = *count;

	*count = 0;
	if (!request->refused && (int64_t)(request->body.len + got) > most_bytes(request))
		refuse_too_long(request);
	else if (!request->refused && !is_ignored(request) && !charge(request, got))
		refuse_busy(request);
	if (request->refused || is_ignored(request)) {
		request->swallowed_bytes += (int64_t)got;
		return request->swallowed_bytes > HTTP_SWALLOW_BYTES ? MHD_NO : MHD_YES;
	}
	keep(request, bytes, got);
	if (request->content_length < 0 && !body_due(request, (int64_t)request->body.len))
		return MHD_NO;
	return MHD_YES;
}

/* --- the end --- */

static enum MHD_Result on_end(struct http_request *request)
{
	const struct http_owner *owner = &request->http->options.owner;
	int expected = ANSWER_NONE;

	/*
	 * libmicrohttpd reads from a connection that wakes before it lets it answer, if it was
	 * reading when it fell asleep; the reply to a client that has ended its side would be lost.
	 * Asked a second time it knows that it is not reading any more. The owner gets the request
	 * only then: between two turns the connection may end, and the request with it.
	 */
	if (!request->turned) {
		request->turned = true;
		return MHD_YES;
	}
	if (!http_watch_enter(request, PHASE_WORK, 0))
		return MHD_NO;
	owner->handle(owner->context, request);
	if (http_reply_is_ready(request))
		return http_reply_send(request);
	/* Asleep first, then known to be: http_reply wakes only what sleeps. */
	MHD_suspend_connection(request->mhd);
	if (!atomic_compare_exchange_strong(&request->answer, &expected, ANSWER_ASLEEP))
		MHD_resume_connection(request->mhd); /* the reply came in between */
	return MHD_YES;
}

enum MHD_Result http_on_request(void *http, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_bytes,
	void **context)
{
	struct http_request *request = *context;

	(void)http;
	(void)mhd;
	if (!request->counted)
		return on_head(request, url, method, version);
	if (*upload_bytes > 0)
		return on_body(request, upload, upload_bytes);
	if (!http_reply_is_ready(request))
		return on_end(request);
	/* Asked again for what was given already: libmicrohttpd is stopping. */
	return http_watch_phase(request) == PHASE_REPLY ? MHD_NO : http_reply_send(request);
}

/* --- completed --- */

/* Ready for the next request of the connection. */
static void reset(struct http_request *request)
{
	if (request->arena.used_bytes > HTTP_KEEP_BYTES)
		arena_release(&request->arena);
	else
		arena_reset(&request->arena);
	http_body_drop(request);
	buf_release(&request->piece);
	request->piece_sent = 0;
	request->stream_ended = false;
	request->seen = request->refused = request->counted = request->turned = false;
	request->method = HTTP_OTHER;
	request->began_ns = 0;
	request->target = request->path = request->query = (struct str){ NULL, 0 };
	request->fields = NULL;
	request->field_count = 0;
	request->content_length = request->body_limit = request->swallowed_bytes = 0;
	request->context = NULL;
	request->sent_status = 0;
	request->sent_bytes = 0;
	request->reply.status = 0;
	atomic_store(&request->answer, ANSWER_NONE);
}

/* The status that the client got, or would have got. */
static int final_status(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info;
	enum http_phase phase = http_watch_phase(request);

	if (request->sent_status != 0)
		return request->sent_status;
	/* libmicrohttpd answers itself what it cannot read. */
	info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
	if (info && info->http_status != 0)
		return (int)info->http_status;
	return phase == PHASE_CUT ? 408 : 0;
}

void http_on_completed(void *context, struct MHD_Connection *mhd, void **request_context,
	enum MHD_RequestTerminationCode how)
{
	struct http *http = context;
	struct http_request *request = *request_context;
	const struct http_owner *owner = &http->options.owner;
	bool complete = how == MHD_REQUEST_TERMINATED_COMPLETED_OK && request->sent_status != 0;
	int status = final_status(request);

	(void)mhd;
	/* How much of a body in one piece was sent is not known. */
	if (!complete && !request->reply.stream.fill)
		request->sent_bytes = 0;
	http_reply_drop(request);
	if (request->seen || status != 0)
		owner->ended(owner->context, request, status, request->sent_bytes, complete);
	if (request->counted)
		atomic_fetch_sub(&http->at_work, 1);
	reset(request);
	*request_context = NULL;
	http_watch_enter(request, PHASE_IDLE, http_watch_now_ms() + http->options.idle_ms);
}

void http_on_connection(void *http, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_request *request = *socket_context;

	(void)http;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		request = http_watch_of(mhd);
		request->mhd = mhd;
		*socket_context = request;
		http_tls_begin(request);
		http_watch_started(request);
	} else {
		http_tls_end(request);
		http_watch_ended(request);
	}
}
