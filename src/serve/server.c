/*
 * Its beginning and its end. The threads: HTTP's own, the readers, the writer, the keeper, which
 * has something to do once in a while, and the first one, which waits for signals; so next to
 * nothing runs while nobody asks.
 *
 * The end: no new connection, requests at work go on, until the last one has its reply; then the
 * queues are closed, which lets the workers finish what is in them and end.
 */
#include "serve/server.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>

#include "base/clock.h"
#include "base/time.h"
#include "serve/server_inner.h"

enum {
	READERS = 4,
	WRONG_KEYS_PER_SECOND = 2, /* from one address; then 429 */
	WRONG_KEYS_BURST = 20,
	SHARED_DRAIN_MS = 2000,
	LOOK_MS = 10, /* whether the last request has ended */
	MOST_LISTEN = 16,
	MMAP_BYTES = 256 << 10,
	TRIM_BYTES = 1 << 20,
};

/* --- what handlers see --- */

const struct server_options *server_options(const struct server *server)
{
	return server->options;
}

int server_port(const struct server *server, size_t index)
{
	return http_port(server->http, index);
}

struct metrics *server_metrics(struct server *server)
{
	return server->metrics;
}

struct lang *server_lang(struct server *server)
{
	return server->lang;
}

bool server_is_shared(const struct server *server)
{
	return server->shared;
}

const char *server_common_id(const struct server *server)
{
	return server->common_id;
}

bool server_stopping(const struct server *server)
{
	return atomic_load(&server->stopping);
}

int64_t server_began_ns(const struct server *server)
{
	return server->began_ns;
}

int64_t server_connections(const struct server *server)
{
	return http_connections(server->http);
}

/* --- settings --- */

/* SERVER's settings become CONFIG's. */
static int apply(struct server *server, const struct server_config *config, struct err *err)
{
	struct http_listen listen[MOST_LISTEN];
	size_t count = server->options->http.listen_count;
	struct settings *settings;

	for (size_t i = 0; i < count; i++) {
		listen[i] = server->options->http.listen[i];
		listen[i].port = http_port(server->http, i);
	}
	if (settings_new(&settings, config, listen, count, server->options->testing, err) < 0)
		return err->code;
	rates_share(settings->rates, server->servers);
	server->settings = settings;
	return 0;
}

static int reapply(struct server *server, struct err *err)
{
	const struct server_options *options = server->options;
	struct server_config config = { .access_log = false };
	struct settings *old;
	int rc = options->configure(options->owner, &config, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&server->lock);
	old = server->settings;
	rc = apply(server, &config, err);
	pthread_mutex_unlock(&server->lock);
	if (rc == 0)
		settings_drop(old);
	return rc;
}

static void reload(struct server *server)
{
	struct err err;

	if (reapply(server, &err) < 0)
		log_warn(&server->log, "the new configuration is refused, the old one stays: %s",
			err.message);
	else
		log_info(&server->log, "the server has read its configuration again");
	server_keeper_wake(server->keeper);
	if (server->options->http.tls_cert && http_reload_tls(server->http, &err) < 0)
		log_warn(&server->log, "the new certificate is refused, the old one stays: %s",
			err.message);
}

/* --- threads --- */

static int start_thread(pthread_t *thread, void *(*run)(void *), void *context, struct err *err)
{
	int number = pthread_create(thread, NULL, run, context);

	if (number == 0)
		return 0;
	errno = number;
	return err_sys(err, "a thread");
}

static size_t most_readers(const struct server *server)
{
	int readers = server->options->readers > 0 ? server->options->readers : READERS;

	return readers < MOST_READERS ? (size_t)readers : MOST_READERS;
}

static int start_workers(struct server *server, struct err *err)
{
	for (size_t i = 0; i < server->writer_count; i++) {
		struct server_writer *writer = &server->writers[i];

		if (start_thread(&writer->thread, writer_main, writer, err) < 0)
			return err->code;
		writer->running = true;
	}
	while (server->reader_count < most_readers(server)) {
		if (start_thread(&server->readers[server->reader_count], reader_main, server, err) <
			0)
			return err->code;
		server->reader_count++;
	}
	return 0;
}

static void stop_workers(struct server *server)
{
	/* Readers give work to the writer, so they end first. */
	reads_close(&server->reads);
	while (server->reader_count > 0)
		pthread_join(server->readers[--server->reader_count], NULL);
	for (size_t i = 0; i < server->writer_count; i++) {
		struct server_writer *writer = &server->writers[i];

		queue_close(&writer->queue);
		if (writer->running)
			pthread_join(writer->thread, NULL);
		writer->running = false;
	}
}

/* --- the server --- */

static void heed_signals(sigset_t *set, sigset_t *before)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, before);
}

/* Make or migrate the store before anybody is let in. */
static int open_once(struct server *server, struct err *err)
{
	const struct store_options options = { .url = server->options->store_url,
		.patience_ms = server->options->patience_ms };
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct store_info info;

	if (store_open(&store, &options, err) < 0)
		return err->code;
	server->shared = store_is_shared(store);
	if (store_info(store, &info, err) < 0)
		return err->code;
	buf_printf(&name, "tidemark servers of %s", info.store_id);
	uuid_of_name(buf_str(&name), server->common_id);
	return 0;
}

static void wake_writer(void *server)
{
	queue_wake(&((struct server *)server)->writers[0].queue);
}

/*
 * glibc raises both limits as large blocks are freed, up to 64 MiB for each thread that has
 * answered something large: memory that would never be given back. Said once, they stay.
 */
static void give_memory_back(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
#endif
}

static void set_up(struct server *server)
{
	const struct lang_options usual = { 0 };
	const struct reads_options reads = {
		.most = SERVER_QUEUE, .readers = most_readers(server), .shared = server->shared
	};

	server->tables = server_routes(&server->table_count);
	server->metrics = metrics_new(server->tables, server->table_count);
	server->lang = lang_new(&usual);
	server->wrong_keys = rates_new(WRONG_KEYS_PER_SECOND, WRONG_KEYS_BURST);
	reads_init(&server->reads, &reads);
	server_writers_init(server, server->shared ? SHARED_WRITERS : 1);
	pthread_mutex_init(&server->lock, NULL);
	server->devices = server_devices_new();
	if (server->shared && server->options->read_store && server->options->read_store[0])
		server->written = server_written_new();
	/* HTTP's threads wait for those: half as long as anybody else. */
	server->keys = server_keys_new(
		server->options->store_url, server->options->patience_ms / 2, wake_writer, server);
	server->began_ns = clock_now_ns();
}

static void tear_down(struct server *server)
{
	settings_drop(server->settings);
	server_keys_free(server->keys);
	server_devices_free(server->devices);
	server_written_free(server->written);
	reads_release(&server->reads);
	for (size_t i = 0; i < server->writer_count; i++)
		queue_release(&server->writers[i].queue);
	pthread_mutex_destroy(&server->lock);
	rates_free(server->wrong_keys);
	lang_free(server->lang);
	metrics_free(server->metrics);
}

/* Requests that come before the settings are there wait for them, in settings_hold. */
static int open_doors(struct server *server, struct err *err)
{
	struct http_options options = server->options->http;
	int rc;

	options.owner = work_owner;
	options.owner.context = server;
	/* Another process serves the same store: a restart is to be seen by nobody. */
	options.drain_ms = server->shared ? SHARED_DRAIN_MS : 0;
	pthread_mutex_lock(&server->lock);
	rc = http_start(&server->http, &options, err);
	if (rc == 0)
		rc = apply(server, &server->options->config, err);
	if (rc < 0 && server->http) { /* who came meanwhile is sent away by what lets nobody in */
		const struct server_config nothing = { .access_log = false };
		struct err ignored;

		ASSERT(apply(server, &nothing, &ignored) == 0);
	}
	pthread_mutex_unlock(&server->lock);
	return rc;
}

static void finish_requests(struct server *server, const sigset_t *signals)
{
	int64_t end_ns = clock_monotonic_ns() + SERVER_STOP_MS * NS_PER_MS;
	const struct timespec pause = { .tv_nsec = LOOK_MS * NS_PER_MS };

	atomic_store(&server->stopping, true);
	http_quiesce(server->http);
	while (http_at_work(server->http) > 0 && clock_monotonic_ns() < end_ns) {
		int number = sigtimedwait(signals, NULL, &pause);

		if (number == SIGTERM || number == SIGINT)
			return;
	}
}

static void run(struct server *server, const sigset_t *signals)
{
	int number;

	server->options->ready(server->options->owner, server);
	while ((number = sigwaitinfo(signals, NULL)) != SIGTERM && number != SIGINT)
		if (number == SIGHUP)
			reload(server);
	finish_requests(server, signals);
}

int server_run(const struct server_options *options, struct err *err)
{
	struct server server = { .options = options, .log = { .program = "tt" }, .servers = 1 };
	sigset_t signals, before;
	int rc = open_once(&server, err);

	ASSERT(options->http.listen_count <= MOST_LISTEN);
	if (rc < 0)
		return rc;
	heed_signals(&signals, &before);
	give_memory_back();
	set_up(&server);
	rc = start_workers(&server, err);
	if (rc == 0)
		rc = open_doors(&server, err);
	if (rc == 0)
		rc = server_keeper_start(&server, &server.keeper, err);
	if (rc == 0)
		run(&server, &signals);
	else if (server.http)
		http_quiesce(server.http);
	server_keeper_stop(server.keeper);
	stop_workers(&server);
	if (server.http)
		http_stop(server.http);
	tear_down(&server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}
