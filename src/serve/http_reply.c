/*
 * Replies. A request is answered once, from any thread: by the owner inside begin or handle, or
 * while its connection sleeps. The handler that returns and http_reply meet in one atomic word:
 * who comes second lets the connection go on (http_handle.c has the other half).
 */
#include "serve/http_internal.h"

#include "base/json.h"

enum { STREAM_BLOCK_BYTES = 16 << 10, STREAM_PIECE_BYTES = 64 << 10 };

void http_reply_header(struct http_reply *reply, struct str name, struct str value)
{
	ASSERT(reply->header_count < HTTP_REPLY_HEADERS);
	reply->headers[reply->header_count][0] = name;
	reply->headers[reply->header_count][1] = value;
	reply->header_count++;
}

void http_reply(struct http_request *request, struct http_reply *reply)
{
	struct http *http = request->http;
	int before;

	ASSERT(reply->status >= 200 && reply->status <= 599);
	/* Behind the exchange the request may be gone already; http_stop waits for this count. */
	atomic_fetch_add(&http->replying, 1);
	request->reply = *reply;
	reply->body = (struct buf)BUF_INIT;
	reply->stream = (struct http_stream){ .fill = NULL };
	before = atomic_exchange(&request->answer, ANSWER_READY);
	ASSERT(before != ANSWER_READY);
	if (before == ANSWER_ASLEEP)
		MHD_resume_connection(request->mhd);
	atomic_fetch_sub(&http->replying, 1);
}

bool http_reply_is_ready(const struct http_request *request)
{
	return atomic_load(&request->answer) == ANSWER_READY;
}

static void set_message(struct http_request *request, int status, const char *message)
{
	struct http_reply *reply = &request->reply;

	http_reply_drop(request);
	*reply = (struct http_reply){ .status = status, .close = true };
	http_reply_header(reply, STR("Content-Type"), STR("application/json"));
	buf_addc(&reply->body, "{\"message\":");
	json_quote(&reply->body, str_from(message));
	buf_byte(&reply->body, '}');
}

void http_reply_refuse(struct http_request *request, int status, const char *message)
{
	const struct http_owner *owner = &request->http->options.owner;

	set_message(request, status, message);
	if (status == 503)
		http_reply_header(&request->reply, STR("Retry-After"),
			arena_printf(&request->arena, "%d", HTTP_RETRY_S));
	if (owner->refusing)
		owner->refusing(owner->context, request, &request->reply);
	atomic_store(&request->answer, ANSWER_READY);
}

void http_reply_drop(struct http_request *request)
{
	struct http_reply *reply = &request->reply;

	buf_release(&reply->body);
	if (reply->stream.free)
		reply->stream.free(reply->stream.context);
	reply->stream = (struct http_stream){ .fill = NULL };
}

/* --- streams --- */

/* Ask until something came. 1: there is some; 0: the end; < 0: failed. */
static int next_piece(struct http_request *request)
{
	const struct http_stream *stream = &request->reply.stream;
	struct err err;

	buf_clear(&request->piece);
	request->piece_sent = 0;
	while (request->piece.len == 0 && !request->stream_ended) {
		int rc = stream->fill(stream->context, &request->piece, STREAM_PIECE_BYTES, &err);

		if (rc < 0)
			return rc;
		request->stream_ended = rc == 0;
	}
	return request->piece.len > 0;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t room)
{
	struct http_request *request = context;
	size_t count;

	(void)position;
	if (request->piece_sent == request->piece.len) {
		int rc = next_piece(request);

		if (rc < 0) {
			http_watch_cut(request);
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (rc == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	count = request->piece.len - request->piece_sent;
	if (count > room)
		count = room;
	memcpy(out, request->piece.ptr + request->piece_sent, count);
	request->piece_sent += count;
	request->sent_bytes += (int64_t)count;
	return (ssize_t)count;
}

/* --- for libmicrohttpd --- */

static struct MHD_Response *make_stream(struct http_request *request)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream, request, NULL);

	/* libmicrohttpd 0.9.75 sends the last chunk to HEAD too, where no body may be. Without
	 * chunks it sends neither length nor coding, as it may, and ends the connection. */
	if (response && request->method == HTTP_HEAD)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

static struct MHD_Response *make_response(struct http_request *request)
{
	static char nothing[1];
	struct http_reply *reply = &request->reply;
	struct MHD_Response *response;

	if (reply->stream.fill)
		return make_stream(request);
	if (reply->body.len == 0)
		return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(
		reply->body.len, reply->body.ptr, MHD_RESPMEM_MUST_FREE);
	if (response)
		reply->body = (struct buf)BUF_INIT;
	return response;
}

/* false: a name or value that no header can have. */
static bool add_headers(struct http_request *request, struct MHD_Response *response)
{
	struct http_reply *reply = &request->reply;

	for (size_t i = 0; i < reply->header_count; i++) {
		const char *name = arena_cstr(&request->arena, reply->headers[i][0]);
		const char *value = arena_cstr(&request->arena, reply->headers[i][1]);

		if (strlen(value) != reply->headers[i][1].len ||
			MHD_add_response_header(response, name, value) != MHD_YES)
			return false;
	}
	if (reply->close || atomic_load(&request->http->quiesced))
		return MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") ==
		       MHD_YES;
	return true;
}

/* What a body that is not a stream will have sent when it was sent whole. */
static int64_t body_bytes(const struct http_request *request)
{
	return request->method == HTTP_HEAD ? 0 : (int64_t)request->reply.body.len;
}

static struct MHD_Response *response_of(struct http_request *request)
{
	struct MHD_Response *response;

	request->sent_bytes = body_bytes(request);
	response = make_response(request);
	if (response && !add_headers(request, response)) {
		MHD_destroy_response(response);
		set_message(request, 500, "the server made a header that cannot be sent");
		request->sent_bytes = body_bytes(request);
		response = make_response(request);
		if (response && !add_headers(request, response)) {
			MHD_destroy_response(response);
			return NULL;
		}
	}
	return response;
}

enum MHD_Result http_reply_send(struct http_request *request)
{
	int64_t now = http_watch_now_ms();
	struct MHD_Response *response;
	enum MHD_Result result;

	atomic_store(&request->replied_ms, now);
	if (!http_watch_enter(request, PHASE_REPLY, now + request->http->options.stall_ms))
		return MHD_NO;
	http_body_drop(request);
	response = response_of(request);
	if (!response)
		return MHD_NO;
	request->sent_status = request->reply.status;
	result = MHD_queue_response(request->mhd, (unsigned)request->reply.status, response);
	MHD_destroy_response(response);
	return result;
}
