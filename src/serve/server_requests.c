/*
 * A request's way: matched and checked when its headers are there, prepared when its body is, then
 * to a worker, and back as a reply with the headers that all replies have. Nothing here waits.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "model/limits.h"
#include "serve/access_log.h"
#include "serve/server_inner.h"

/* A body that is longer is parsed by a reader: an HTTP thread has other connections. */
enum { LONG_BODY_BYTES = 64 << 10 };
/* A body may take its time: a key is looked up again when it took longer. */
enum { KEY_GOOD_MS = 1000 };

/* --- replies --- */

static bool has_header(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (str_eq_c(reply->headers[i][0], name))
			return true;
	return false;
}

static void add_default(struct http_reply *reply, const char *name, const char *value)
{
	if (!has_header(reply, name) && reply->header_count < HTTP_REPLY_HEADERS)
		http_reply_header(reply, str_from(name), str_from(value));
}

/* Only our own page is known to need no more than this; other people's files bring their own. */
static const char *page_policy(const struct work *work)
{
	const struct route *route = work->call.route;

	if (route_is_api(http_path(work->call.http)))
		return "default-src 'none'; frame-ancestors 'none'";
	if (work->settings->webui || (route && str_starts(str_from(route->path), STR("/pages"))))
		return NULL;
	return "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
}

/* What every reply says, also one that no handler made. */
static void add_usual(const struct http_request *http, struct http_reply *reply)
{
	add_default(reply, "Server", "tidemark");
	add_default(reply, "X-Content-Type-Options", "nosniff");
	add_default(reply, "X-Frame-Options", "SAMEORIGIN");
	add_default(reply, "Referrer-Policy", "no-referrer");
	add_default(reply, "Cross-Origin-Resource-Policy", "same-origin");
	if (route_is_api(http_path(http)))
		add_default(reply, "Cache-Control", "no-store");
	if (http_is_tls(http))
		add_default(reply, "Strict-Transport-Security", "max-age=31536000");
}

static void add_headers(const struct work *work, struct http_reply *reply)
{
	const char *policy = page_policy(work);

	for (size_t i = 0; i < work->cors.header_count; i++)
		http_reply_header(reply, work->cors.headers[i][0], work->cors.headers[i][1]);
	if (policy)
		add_default(reply, "Content-Security-Policy", policy);
	add_usual(work->call.http, reply);
}

static void refusing(void *context, struct http_request *request, struct http_reply *reply)
{
	const struct work *work = http_context(request);

	(void)context;
	if (work)
		add_headers(work, reply);
	else
		add_usual(request, reply);
}

static void add_retry_after(struct work *work, int seconds)
{
	http_reply_header(&work->call.reply, STR("Retry-After"),
		arena_printf(work->call.arena, "%d", seconds));
}

/* --- streams of the store: each has a connection to it and holds a snapshot --- */

struct counted_stream {
	struct http_stream inner;
	atomic_int *count;
};

static int fill_counted(void *context, struct buf *out, size_t want, struct err *err)
{
	const struct counted_stream *stream = context;

	return stream->inner.fill(stream->inner.context, out, want, err);
}

static void free_counted(void *context)
{
	struct counted_stream *stream = context;

	stream->inner.free(stream->inner.context);
	atomic_fetch_sub(stream->count, 1);
	free(stream);
}

/* Let the reply's stream count until it is freed, or answer 503 when there are too many. */
static void count_stream(struct work *work)
{
	struct call *call = &work->call;
	bool api = route_is_api(http_path(call->http));
	atomic_int *count = api ? &call->server->store_streams : &call->server->file_streams;
	int most = api ? SERVER_STREAMS : SERVER_FILE_STREAMS;
	struct counted_stream *stream;

	if (atomic_fetch_add(count, 1) >= most) {
		atomic_fetch_sub(count, 1);
		call_message(call, 503, "The server sends as many long replies as it may at once");
		add_retry_after(work, 1);
		return;
	}
	stream = mem_zalloc(sizeof(*stream));
	*stream = (struct counted_stream){ call->reply.stream, count };
	call->reply.stream = (struct http_stream){ fill_counted, free_counted, stream };
}

void work_reply(struct work *work)
{
	struct http_reply reply;

	if (work->call.reply.stream.fill)
		count_stream(work);
	reply = work->call.reply;
	work->call.reply = (struct http_reply){ .status = 0 };
	if (reply.status == 0)
		reply.status = 200;
	add_headers(work, &reply);
	http_reply(work->call.http, &reply);
}

/* A reply from ERR: STATUS and its message. */
static void answer_error(struct work *work, int status, const struct err *err)
{
	struct call *call = &work->call;

	/* What is wrong with our disk is told here, not everywhere. */
	call_message(call, status,
		status < 500 || guard_is_here(call->http)
			? err->message
			: "The server cannot do this now; its log says why");
	if (status == 503)
		add_retry_after(work, 1);
	work_reply(work);
}

void work_fail(struct work *work, const struct err *err)
{
	struct http_request *http = work->call.http;
	int status = err_http_status(err->code);

	log_warn(&work->call.server->log, "%s %.*s: %s", route_method_name(http_method(http)),
		STR_ARG(str_sub(http_path(http), 0, 100)), err->message);
	/* A file that the store lacks is not what the client asked for. */
	answer_error(work, status < 500 ? 500 : status, err);
}

void work_refuse(struct work *work, int status, const char *message)
{
	call_message(&work->call, status, message);
	if (status == 401)
		http_reply_header(&work->call.reply, STR("WWW-Authenticate"), STR("Bearer"));
	work_reply(work);
}

/* --- the headers are there --- */

static void answer_verdict(struct work *work, const struct guard_verdict *verdict)
{
	struct call *call = &work->call;

	if (verdict->message)
		call_message(call, verdict->status, verdict->message);
	else
		call_empty(call, verdict->status);
	if (verdict->www_authenticate)
		http_reply_header(&call->reply, STR("WWW-Authenticate"), STR("Bearer"));
	if (verdict->retry_after_s > 0)
		add_retry_after(work, verdict->retry_after_s);
	work_reply(work);
}

static void answer_wait(struct work *work, int seconds)
{
	call_message(&work->call, 429, "Too many requests");
	add_retry_after(work, seconds);
	work_reply(work);
}

/* 0, or the seconds that this caller has to wait. */
static int check_rates(
	struct server *server, const struct work *work, const struct guard_verdict *verdict)
{
	const struct call *call = &work->call;
	struct str network = http_network(call->http);
	struct rates *rates =
		guard_is_here(call->http) ? work->settings->local_rates : work->settings->rates;
	int64_t now_ns = clock_monotonic_ns();

	if (verdict->wrong_key)
		return rates_take(server->wrong_keys, network, now_ns);
	return rates_take(rates, call->who.known ? call->who.key_id : network, now_ns);
}

static bool come_in(struct server *server, struct work *work, const struct route_match *match)
{
	const struct guard_keys keys = { server_keys_find, server->keys };
	struct guard_verdict verdict;
	int wait_s;

	guard_check(work->settings->guard, &keys, work->call.http, match, &verdict);
	work->call.who = verdict.who;
	work->cors = verdict.cors;
	wait_s = check_rates(server, work, &verdict);
	if (wait_s > 0)
		answer_wait(work, wait_s);
	else if (verdict.status != 0)
		answer_verdict(work, &verdict);
	else
		return work_name_caller(server, work, match->route);
	return false;
}

static struct work *make_work(struct server *server, struct http_request *request)
{
	struct arena *arena = http_arena(request);
	struct work *work = arena_zalloc(arena, 1, sizeof(*work));

	work->call.server = server;
	work->call.http = request;
	work->call.arena = arena;
	work->settings = settings_hold(server);
	http_set_context(request, work);
	return work;
}

static int begin(void *context, struct http_request *request, int64_t *body_limit)
{
	struct server *server = context;
	struct work *work = make_work(server, request);
	struct route_match match;
	struct err err;
	int rc = route_match(server->tables, server->table_count, http_method(request),
		http_path(request), work->call.arena, &match, &err);

	work->call.route = match.route;
	memcpy(work->call.params, match.params, sizeof(match.params));
	work->call.rest = match.rest;
	if (!come_in(server, work, &match))
		return -1;
	if (rc < 0) {
		work_refuse(work, 400, err.message);
		return -1;
	}
	if (!match.route) {
		work_refuse(work, 404, "The requested resource could not be found");
		return -1;
	}
	*body_limit = match.route->body_limit > 0 ? match.route->body_limit : HTTP_BODY_IGNORED;
	return 0;
}

/* --- its body is there --- */

bool work_prepare(struct work *work)
{
	struct call *call = &work->call;
	struct err err;
	int rc = call->route->prepare ? call->route->prepare(call, &err) : 0;

	work->prepared = true;
	if (rc < 0 && !call->answered)
		answer_error(work, err_http_status(err.code), &err);
	else if (rc < 0)
		work_reply(work);
	return rc == 0;
}

int work_handle(struct work *work, struct store *store, struct intake *intake, struct err *err)
{
	struct call *call = &work->call;
	int rc = call->route->handle(call, store, intake, err);

	return rc < 0 && !call->answered ? rc : 0;
}

static bool push_read(struct reads *reads, struct work *work)
{
	const struct call *call = &work->call;

	return call->route->is_long && call->route->is_long(call)
		       ? reads_push_long(reads, &work->waits, call->who.user_id)
		       : reads_push(reads, &work->waits);
}

void work_queue(struct work *work, enum route_work where)
{
	struct server *server = work->call.server;
	struct queue_item *item = &work->waits.item;

	if (where == WORK_WRITE ? queue_push(&server_writer_for(server, work)->queue, item)
				: push_read(&server->reads, work))
		return;
	call_message(&work->call, 503, "The server is busy");
	add_retry_after(work, 1);
	work_reply(work);
}

/* Is its key still what it was, a body later? If not, that is answered. */
static bool is_still_good(struct server *server, struct work *work)
{
	const struct guard_keys keys = { server_keys_find, server->keys };
	const struct route_match match = { .route = work->call.route, .path_known = true };
	struct guard_verdict verdict;

	if (!work->call.who.known ||
		clock_monotonic_ns() - http_began_ns(work->call.http) < KEY_GOOD_MS * NS_PER_MS)
		return true;
	guard_check(work->settings->guard, &keys, work->call.http, &match, &verdict);
	if (verdict.status != 0)
		answer_verdict(work, &verdict);
	return verdict.status == 0;
}

static void handle(void *context, struct http_request *request)
{
	struct work *work = http_context(request);
	const struct route *route = work->call.route;
	struct err err;

	if (!is_still_good(context, work))
		return;
	if (route->prepare && http_body(request).len > LONG_BODY_BYTES) {
		work_queue(work, WORK_READ);
		return;
	}
	if (!work_prepare(work))
		return;
	if (route->work != WORK_HERE)
		work_queue(work, route->work);
	else if (work_handle(work, NULL, NULL, &err) < 0)
		answer_error(work, err_http_status(err.code), &err);
	else
		work_reply(work);
}

/* --- it is over --- */

static void ended(
	void *context, struct http_request *request, int status, int64_t bytes, bool complete)
{
	struct server *server = context;
	struct work *work = http_context(request);
	struct settings *settings = work ? work->settings : settings_hold(server);
	const struct access access = {
		.now_ns = clock_now_ns(),
		.duration_ns = clock_monotonic_ns() - http_began_ns(request),
		.route = work ? work->call.route : NULL,
		.key_id = work ? work->call.who.key_id : (struct str){ NULL, 0 },
		.status = status,
		.bytes = bytes,
		.complete = complete,
	};

	metrics_request(server->metrics, access.route, status, access.duration_ns, bytes);
	if (settings->access_log && server->options->log_fd >= 0)
		access_log_write(server->options->log_fd, request, &access);
	if (work) {
		call_reset(&work->call);
		json_parser_release(&work->call.parser);
	}
	settings_drop(settings);
}

const struct http_owner work_owner = {
	.begin = begin, .handle = handle, .refusing = refusing, .ended = ended
};
