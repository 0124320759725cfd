/*
 * Start and stop. libmicrohttpd has a pool of threads that read and write (epoll); it neither
 * listens nor times out: one thread of our own does (http_watch.c), so that all addresses share the
 * pool, limits are exact, and nobody wakes when nothing is to be done.
 */
#include "serve/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	MOST_THREADS = 4,
	CONNECTIONS = 4096,
	FILES_OF_OTHERS = 384, /* descriptors that are not connections: stores, files, logs */
	SHARE = 4,             /* one address may have a quarter of the connections */
	LOOKS_MS = 1000,       /* between looks at the connections */
	LOOKS_PER_LIMIT = 8,   /* or more often, when a limit is short */
	STOP_PAUSE_MS = 1,
};

/* TLS 1.2 and 1.3 with what GnuTLS holds to be sound. */
static const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* --- options --- */

static void default_to(int *value, int other)
{
	if (*value == 0)
		*value = other;
}

static int processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : (int)count;
}

/* Raise the limit of descriptors as far as it is ours to raise; what is wanted must fit. */
static int fit_connections(struct http_options *options, struct err *err)
{
	rlim_t wanted = (rlim_t)(options->connections ? options->connections : CONNECTIONS) +
			FILES_OF_OTHERS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, "asking for the limit of open files");
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return err_sys(err, "raising the limit of open files");
	}
	if (limit.rlim_cur < wanted && (options->connections || limit.rlim_cur <= FILES_OF_OTHERS))
		return err_set(err, ERR_LIMIT,
			"%d connections need %llu open files, but the limit is %llu: allow fewer, or "
			"raise it (ulimit -n)",
			options->connections, (unsigned long long)wanted,
			(unsigned long long)limit.rlim_cur);
	default_to(&options->connections,
		limit.rlim_cur < wanted ? (int)limit.rlim_cur - FILES_OF_OTHERS : CONNECTIONS);
	default_to(&options->connections_per_address, options->connections / SHARE + 1);
	return 0;
}

static int64_t tick_of(const struct http_options *options)
{
	const int limits[] = { options->header_ms, options->body_ms, options->idle_ms,
		options->stall_ms, options->reply_ms };
	int64_t tick = LOOKS_MS;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i] / LOOKS_PER_LIMIT < tick)
			tick = limits[i] / LOOKS_PER_LIMIT;
	return tick < 1 ? 1 : tick;
}

static int fill_options(struct http *http, struct err *err)
{
	struct http_options *options = &http->options;

	if (options->listen_count == 0)
		return err_set(err, ERR_USAGE, "no address to listen on");
	if (!options->tls_cert != !options->tls_key)
		return err_set(err, ERR_USAGE,
			"TLS needs a certificate and its key: only the %s was given",
			options->tls_cert ? "certificate" : "key");
	default_to(&options->threads, processors());
	default_to(&options->header_ms, HTTP_HEADER_MS);
	default_to(&options->body_ms, HTTP_BODY_MS);
	default_to(&options->idle_ms, HTTP_IDLE_MS);
	default_to(&options->stall_ms, HTTP_STALL_MS);
	default_to(&options->reply_ms, HTTP_REPLY_MS);
	default_to(&options->bodies_bytes, HTTP_BODIES_BYTES);
	http->tick_ms = tick_of(options);
	return fit_connections(options, err);
}

/* --- libmicrohttpd --- */

/* Paths stay as they were sent. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
	(void)context;
	(void)mhd;
	return strlen(text);
}

static int start_mhd(struct http *http, struct err *err)
{
	CLEANUP(buf_release) struct buf cert = BUF_INIT, key = BUF_INIT;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_NO_LISTEN_SOCKET;
	struct MHD_OptionItem tls[] = { { MHD_OPTION_END, 0, NULL }, { MHD_OPTION_END, 0, NULL },
		{ MHD_OPTION_END, 0, NULL }, { MHD_OPTION_END, 0, NULL } };

	if (http->options.tls_cert) {
		int rc = http_tls_load(http, &cert, &key, err);

		if (rc < 0)
			return rc;
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, cert.ptr };
		tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, key.ptr };
		tls[2] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t)TLS_PRIORITIES };
	}
	errno = 0;
	http->mhd = MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, http,
		MHD_OPTION_URI_LOG_CALLBACK, http_on_target, http, MHD_OPTION_NOTIFY_COMPLETED,
		http_on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, http,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_BYTES,
		/* Ours is exact and counts before: this one must never be met, and each thread
		 * gets its part of it. */
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(http->options.connections + 1) * (unsigned)http->options.threads,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U,
		/* One thread is none in a pool. */
		MHD_OPTION_THREAD_POOL_SIZE,
		http->options.threads > 1 ? (unsigned)http->options.threads : 0U,
		/* Strictness of the older one has holes: http_head_check is strict for it. */
		MHD_OPTION_STRICT_FOR_CLIENT, http->old_parser ? 0 : 1, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (!http->mhd)
		return err_sys(err, "starting libmicrohttpd %s", MHD_get_version());
	return 0;
}

/* --- start and stop --- */

static void release(struct http *http)
{
	http_listen_close(http);
	http_tls_release(http);
	if (http->watch.wake_fd >= 0)
		close(http->watch.wake_fd);
	pthread_mutex_destroy(&http->watch.lock);
	pthread_mutex_destroy(&http->tls_lock);
	free(http);
}

int http_start(struct http **out, const struct http_options *options, struct err *err)
{
	struct http *http = mem_zalloc(sizeof(*http));
	int rc;

	*out = NULL;
	http->options = *options;
	http->watch.wake_fd = -1;
	http->old_parser = MHD_get_version()[0] == '0';
	pthread_mutex_init(&http->watch.lock, NULL);
	pthread_mutex_init(&http->tls_lock, NULL);
	rc = fill_options(http, err);
	if (rc == 0)
		rc = http_listen_open(http, err);
	if (rc == 0)
		rc = start_mhd(http, err);
	if (rc == 0)
		rc = http_watch_start(http, err);
	if (rc < 0) {
		if (http->mhd)
			MHD_stop_daemon(http->mhd);
		release(http);
		return rc;
	}
	*out = http;
	return 0;
}

void http_quiesce(struct http *http)
{
	atomic_store(&http->drained_ms, http_watch_now_ms() + http->options.drain_ms);
	atomic_store(&http->quiesced, true);
	http_watch_wake(http);
}

int64_t http_at_work(const struct http *http)
{
	/* A connection that was told to go may have a request on its way. */
	if (atomic_load(&http->quiesced))
		return http_connections(http) + !atomic_load(&http->watch.deaf);
	return atomic_load(&http->at_work);
}

int64_t http_connections(const struct http *http)
{
	return atomic_load(&http->watch.count);
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	http_watch_stop(http);
	while (atomic_load(&http->replying) > 0)
		clock_sleep_ms(STOP_PAUSE_MS);
	MHD_stop_daemon(http->mhd);
	http_watch_clear(http);
	release(http);
}
