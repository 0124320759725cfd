/*
 * An owner for serve/http.h with a behaviour for each path, so that tests and measurements can
 * reach all of it over real sockets.
 *
 *   http_owner [KEY=VALUE]…
 *
 * listen=ADDRESS:PORT (again for more), threads, connections, per_address, header_ms, body_ms,
 * idle_ms, drain_ms, stall_ms, reply_ms, bodies_bytes, body_limit, cert, key, workers, log=1 (a
 * line for each request that ended). Prints the version of libmicrohttpd, "port N" for each
 * address, then "ready". SIGHUP loads the certificates again, SIGTERM ends: quiesce, wait, stop,
 * and a last line of sums.
 *
 * Paths: /here (answered in handle), /begin (in begin), /echo (the body, from a worker), /slow
 * (from a worker after ?ms), /stream (?bytes), /broken (a stream that fails), /big (?bytes), /show
 * (what the owner sees), /ignore (the body is thrown away), /refuse (401 by the head), /header (a
 * reply with a header of its own making), /gone (waits up to ?ms for the client to go), /close.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "serve/http.h"

enum { LISTENS = 8, QUEUE = 1 << 16, BODY_LIMIT = 1 << 20, WORKERS = 8, CHECK_MS = 5 };

struct owner {
	struct http *http;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct http_request *queue[QUEUE];
	size_t head, tail;
	bool stopping;
	int64_t body_limit;
	bool log;
	_Atomic int64_t begun, handled, ended, complete, freed, streams;
};

static int64_t argument(const struct http_request *request, const char *name, int64_t absent)
{
	struct str rest = http_query(request);
	int64_t value;

	while (rest.len > 0) {
		struct str value_text = str_split(&rest, '&');
		struct str key = str_split(&value_text, '=');

		if (str_eq_c(key, name) && str_to_i64(value_text, &value))
			return value;
	}
	return absent;
}

static void answer(struct http_request *request, int status, struct str body)
{
	struct http_reply reply = { .status = status };

	buf_add(&reply.body, body);
	http_reply_header(&reply, STR("Content-Type"), STR("text/plain"));
	http_reply(request, &reply);
}

/* --- streams --- */

struct stream {
	struct owner *owner;
	int64_t left;
	bool breaks;
};

static int fill(void *context, struct buf *out, size_t want, struct err *err)
{
	struct stream *stream = context;
	size_t count = stream->left < (int64_t)want ? (size_t)stream->left : want;

	if (stream->breaks && stream->left == 0)
		return err_set(err, ERR_IO, "broken as asked");
	memset(buf_reserve(out, count), 'x', count);
	out->len += count;
	stream->left -= (int64_t)count;
	return stream->breaks || stream->left > 0;
}

static void free_stream(void *context)
{
	struct stream *stream = context;

	atomic_fetch_add(&stream->owner->freed, 1);
	free(stream);
}

static void answer_stream(struct owner *owner, struct http_request *request, bool breaks)
{
	struct stream *stream = mem_zalloc(sizeof(*stream));
	struct http_reply reply = { .status = 200,
		.stream = { .fill = fill, .free = free_stream, .context = stream } };

	*stream = (struct stream){ owner, argument(request, "bytes", 1000), breaks };
	atomic_fetch_add(&owner->streams, 1);
	http_reply(request, &reply);
}

/* --- what a request is answered with --- */

static void show(struct http_request *request)
{
	static const char *const names[] = { "Host", "X-Test", "Content-Length", "Cookie" };
	struct buf out = BUF_INIT;
	struct json_writer json = json_writer(&out);

	json_begin_object(&json);
	json_kv_i64(&json, "method", http_method(request));
	json_kv_str(&json, "path", http_path(request));
	json_kv_str(&json, "query", http_query(request));
	json_kv_str(&json, "body", http_body(request));
	json_kv_str(&json, "peer", http_peer(request));
	json_kv_bool(&json, "local", http_is_local(request));
	json_kv_bool(&json, "tls", http_is_tls(request));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t count;

		json_kv_str(&json, names[i], http_header(request, names[i], &count));
		json_key(&json, arena_printf(http_arena(request), "%s count", names[i]));
		json_put_i64(&json, (int64_t)count);
	}
	json_end_object(&json);
	answer(request, 200, buf_str(&out));
	buf_release(&out);
}

static void answer_big(struct http_request *request)
{
	struct http_reply reply = { .status = 200 };
	size_t count = (size_t)argument(request, "bytes", 100);

	memset(buf_reserve(&reply.body, count), 'y', count);
	reply.body.len = count;
	http_reply(request, &reply);
}

static void answer_header(struct http_request *request)
{
	struct http_reply reply = { .status = 200 };

	http_reply_header(&reply, STR("X-Own"),
		argument(request, "bad", 0) ? STR("a\r\nX-Injected: b") : STR("fine"));
	buf_addc(&reply.body, "header");
	http_reply(request, &reply);
}

static void wait_until_gone(struct http_request *request)
{
	int64_t left = argument(request, "ms", 1000);

	for (; left > 0 && !http_gone(request); left -= CHECK_MS)
		clock_sleep_ms(CHECK_MS);
	answer(request, 200, left > 0 ? STR("gone") : STR("there"));
}

static void work(struct owner *owner, struct http_request *request)
{
	struct str path = http_path(request);

	(void)owner;
	if (str_eq_c(path, "/slow")) {
		clock_sleep_ms(argument(request, "ms", 100));
		answer(request, 200, STR("slow"));
	} else if (str_eq_c(path, "/gone")) {
		wait_until_gone(request);
	} else {
		answer(request, 200, http_body(request));
	}
}

static void answer_close(struct http_request *request)
{
	struct http_reply reply = { .status = 200, .close = true };

	http_reply(request, &reply);
}

static bool answer_here(struct owner *owner, struct http_request *request)
{
	struct str path = http_path(request);

	if (str_eq_c(path, "/here"))
		answer(request, 200,
			STR("A hundred bytes or so, as a small answer of the API has them: "
			    "{\"hostname\":\"box\",\"version\":\"v0.13\"}"));
	else if (str_eq_c(path, "/show"))
		show(request);
	else if (str_eq_c(path, "/stream") || str_eq_c(path, "/broken"))
		answer_stream(owner, request, str_eq_c(path, "/broken"));
	else if (str_eq_c(path, "/big"))
		answer_big(request);
	else if (str_eq_c(path, "/header"))
		answer_header(request);
	else if (str_eq_c(path, "/close"))
		answer_close(request);
	else
		return false;
	return true;
}

/* --- the owner --- */

static int on_begin(void *context, struct http_request *request, int64_t *body_limit)
{
	struct owner *owner = context;

	atomic_fetch_add(&owner->begun, 1);
	http_set_context(request, owner);
	*body_limit = owner->body_limit;
	if (str_eq_c(http_path(request), "/ignore"))
		*body_limit = HTTP_BODY_IGNORED;
	if (str_eq_c(http_path(request), "/begin")) {
		answer(request, 200, STR("begin"));
		return -1;
	}
	if (str_eq_c(http_path(request), "/refuse")) {
		answer(request, 401, STR("who are you?"));
		return -1;
	}
	return 0;
}

static void on_handle(void *context, struct http_request *request)
{
	struct owner *owner = context;

	atomic_fetch_add(&owner->handled, 1);
	ASSERT(http_context(request) == owner);
	if (answer_here(owner, request))
		return;
	pthread_mutex_lock(&owner->lock);
	owner->queue[owner->tail++ % QUEUE] = request;
	pthread_cond_signal(&owner->more);
	pthread_mutex_unlock(&owner->lock);
}

static void on_ended(
	void *context, struct http_request *request, int status, int64_t bytes, bool complete)
{
	struct owner *owner = context;

	atomic_fetch_add(&owner->ended, 1);
	if (complete)
		atomic_fetch_add(&owner->complete, 1);
	if (owner->log) {
		printf("ended %d %lld %d %.*s\n", status, (long long)bytes, complete,
			STR_ARG(http_path(request)));
		fflush(stdout);
	}
}

static void *worker(void *context)
{
	struct owner *owner = context;

	pthread_mutex_lock(&owner->lock);
	for (;;) {
		struct http_request *request;

		while (owner->head == owner->tail && !owner->stopping)
			pthread_cond_wait(&owner->more, &owner->lock);
		if (owner->head == owner->tail)
			break;
		request = owner->queue[owner->head++ % QUEUE];
		pthread_mutex_unlock(&owner->lock);
		work(owner, request);
		pthread_mutex_lock(&owner->lock);
	}
	pthread_mutex_unlock(&owner->lock);
	return NULL;
}

/* --- the program --- */

struct setup {
	struct http_listen listens[LISTENS];
	struct http_options options;
	int workers;
	int log;
	int body_limit;
};

static bool take_listen(struct setup *setup, char *value)
{
	char *colon = strrchr(value, ':');

	if (!colon || setup->options.listen_count == LISTENS)
		return false;
	*colon = '\0';
	setup->listens[setup->options.listen_count++] =
		(struct http_listen){ value, atoi(colon + 1) };
	return true;
}

static bool take_option(struct setup *setup, char *text)
{
	struct http_options *options = &setup->options;
	const struct {
		const char *name;
		int *value;
	} numbers[] = {
		{ "threads", &options->threads },
		{ "connections", &options->connections },
		{ "per_address", &options->connections_per_address },
		{ "header_ms", &options->header_ms },
		{ "body_ms", &options->body_ms },
		{ "idle_ms", &options->idle_ms },
		{ "drain_ms", &options->drain_ms },
		{ "stall_ms", &options->stall_ms },
		{ "reply_ms", &options->reply_ms },
		{ "bodies_bytes", &options->bodies_bytes },
		{ "workers", &setup->workers },
		{ "log", &setup->log },
		{ "body_limit", &setup->body_limit },
	};
	char *value = strchr(text, '=');

	if (!value)
		return false;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(numbers[i].name, text) == 0) {
			*numbers[i].value = atoi(value);
			return true;
		}
	if (strcmp(text, "cert") == 0)
		options->tls_cert = value;
	else if (strcmp(text, "key") == 0)
		options->tls_key = value;
	else
		return strcmp(text, "listen") == 0 && take_listen(setup, value);
	return true;
}

static void serve_until_told(struct owner *owner, const sigset_t *signals)
{
	struct err err;
	int number;

	printf("ready\n");
	fflush(stdout);
	while (sigwait(signals, &number) == 0 && number == SIGHUP) {
		if (http_reload_tls(owner->http, &err) < 0)
			printf("reload: %s\n", err.message);
		else
			printf("reloaded\n");
		fflush(stdout);
	}
	http_quiesce(owner->http);
	while (http_at_work(owner->http) > 0)
		clock_sleep_ms(1);
}

static int run(struct owner *owner, struct setup *setup, const sigset_t *signals)
{
	pthread_t workers[WORKERS];
	struct err err;

	if (http_start(&owner->http, &setup->options, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err_name(err.code), err.message);
		return 1;
	}
	printf("libmicrohttpd %s\n", MHD_get_version());
	for (size_t i = 0; i < setup->options.listen_count; i++)
		printf("port %d\n", http_port(owner->http, i));
	for (int i = 0; i < setup->workers; i++)
		pthread_create(&workers[i], NULL, worker, owner);
	serve_until_told(owner, signals);
	pthread_mutex_lock(&owner->lock);
	owner->stopping = true;
	pthread_cond_broadcast(&owner->more);
	pthread_mutex_unlock(&owner->lock);
	for (int i = 0; i < setup->workers; i++)
		pthread_join(workers[i], NULL);
	http_stop(owner->http);
	printf("{\"begun\":%lld,\"handled\":%lld,\"ended\":%lld,\"complete\":%lld,\"streams\":%lld,"
	       "\"freed\":%lld}\n",
		(long long)owner->begun, (long long)owner->handled, (long long)owner->ended,
		(long long)owner->complete, (long long)owner->streams, (long long)owner->freed);
	return 0;
}

int main(int argc, char **argv)
{
	static struct owner owner = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.more = PTHREAD_COND_INITIALIZER };
	static struct setup setup = { .workers = 1, .body_limit = BODY_LIMIT };
	sigset_t signals;

	setup.options.listen = setup.listens;
	for (int i = 1; i < argc; i++)
		if (!take_option(&setup, argv[i])) {
			fprintf(stderr, "http_owner: what is '%s'?\n", argv[i]);
			return 2;
		}
	if (setup.workers > WORKERS)
		setup.workers = WORKERS;
	owner.body_limit = setup.body_limit;
	owner.log = setup.log != 0;
	setup.options.owner = (struct http_owner){
		.context = &owner, .begin = on_begin, .handle = on_handle, .ended = on_ended
	};
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return run(&owner, &setup, &signals);
}
