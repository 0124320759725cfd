/*
 * One thread that accepts connections and ends those whose time is over.
 *
 * libmicrohttpd's own timeout is for silence: a client that sends a byte now and then stays for
 * ever. Here each phase of a connection has its end (enum http_phase), written by the HTTP thread
 * into one atomic word; the watch looks at all words once a tick and shuts the sockets of those
 * that are late. It says so in the same word first, so that a request is either given up or
 * handled, never both. A descriptor is open while its record is in the list and `started`, and the
 * list has a lock, so that no other connection's socket is shut by mistake.
 *
 * Without connections the thread sleeps until one comes.
 */
#include "serve/http_internal.h"

#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/time.h"

enum {
	ACCEPT_ROUND = 256,    /* before the connections are looked at again */
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
	OF_THIS_MACHINE = 8,   /* an eighth of the connections is for nobody else */
	PHASE_BITS = 3,
	LAST_ROUNDS = 4,          /* more than a socket's backlog has */
	DEAF_MS = 20,             /* for those whose connection is half made */
	TCP_STATE_CLOSE_WAIT = 8, /* of tcpi_state; named by a header that excludes linux/tcp.h */
	SLACK_MS = 20,            /* of the kernel's clock for data received, beside ours */
};

/* What libmicrohttpd keeps as the client's address: it gives it back in http_watch_begin. */
struct arrival {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from;
	struct http_request *request;
};

int64_t http_watch_now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

/* --- the word --- */

static int64_t word_of(enum http_phase phase, int64_t deadline_ms)
{
	return (int64_t)((uint64_t)deadline_ms << PHASE_BITS) | (int64_t)phase;
}

static enum http_phase phase_of(int64_t word)
{
	return (enum http_phase)(word & ((1 << PHASE_BITS) - 1));
}

static int64_t deadline_of(int64_t word)
{
	return word >> PHASE_BITS;
}

enum http_phase http_watch_phase(const struct http_request *request)
{
	return phase_of(atomic_load(&request->watch));
}

bool http_watch_enter(struct http_request *request, enum http_phase phase, int64_t deadline_ms)
{
	int64_t word = atomic_load(&request->watch);

	do {
		enum http_phase now = phase_of(word);

		if (now == PHASE_CUT)
			return false;
		/* The first request's head is due from the beginning, not from its first line. */
		if (phase == PHASE_HEAD && (now == PHASE_FRESH || now == PHASE_HEAD))
			deadline_ms = deadline_of(word);
	} while (
		!atomic_compare_exchange_weak(&request->watch, &word, word_of(phase, deadline_ms)));
	return true;
}

void http_watch_cut(struct http_request *request)
{
	atomic_store(&request->watch, word_of(PHASE_CUT, 0));
	shutdown(request->fd, SHUT_RDWR);
}

/* --- the list --- */

static size_t bucket_of(const unsigned char address[16])
{
	return hash64((struct str){ (const char *)address, 16 }, 0) % HTTP_ADDRESS_BUCKETS;
}

static void list_add(struct http_watch *watch, struct http_request *request)
{
	struct http_request **bucket = &watch->buckets[bucket_of(request->address)];

	request->next = watch->all;
	if (request->next)
		request->next->prev = request;
	watch->all = request;
	request->bucket_next = *bucket;
	if (*bucket)
		(*bucket)->bucket_prev = request;
	*bucket = request;
	atomic_fetch_add(&watch->count, 1);
}

static void list_remove(struct http_watch *watch, struct http_request *request)
{
	if (request->next)
		request->next->prev = request->prev;
	if (request->prev)
		request->prev->next = request->next;
	else
		watch->all = request->next;
	if (request->bucket_next)
		request->bucket_next->bucket_prev = request->bucket_prev;
	if (request->bucket_prev)
		request->bucket_prev->bucket_next = request->bucket_next;
	else
		watch->buckets[bucket_of(request->address)] = request->bucket_next;
	atomic_fetch_sub(&watch->count, 1);
}

static int64_t count_of_address(struct http_watch *watch, const struct http_request *request)
{
	int64_t count = 0;

	for (const struct http_request *at = watch->buckets[bucket_of(request->address)]; at;
		at = at->bucket_next)
		count += memcmp(at->address, request->address, sizeof(at->address)) == 0;
	return count;
}

static void forget(struct http_request *request)
{
	struct http *http = request->http;

	pthread_mutex_lock(&http->watch.lock);
	list_remove(&http->watch, request);
	pthread_mutex_unlock(&http->watch.lock);
	buf_release(&request->body);
	buf_release(&request->piece);
	arena_release(&request->arena);
	free(request);
}

void http_watch_started(struct http_request *request)
{
	pthread_mutex_lock(&request->http->watch.lock);
	request->started = true;
	pthread_mutex_unlock(&request->http->watch.lock);
}

void http_watch_ended(struct http_request *request)
{
	struct http *http = request->http;

	forget(request);
	if (atomic_exchange(&http->watch.full, false))
		http_watch_wake(http);
}

struct http_request *http_watch_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct arrival arrival;

	memcpy(&arrival, info->client_addr, sizeof(arrival));
	return arrival.request;
}

/* --- accepting --- */

static bool is_full(struct http *http)
{
	return atomic_load(&http->watch.count) >= http->options.connections;
}

/* Enter it into the lists unless its address has its share already, or strangers have theirs. */
static bool admit(struct http *http, struct http_request *request)
{
	int64_t share = http->options.connections_per_address;
	int64_t of_strangers =
		http->options.connections - http->options.connections / OF_THIS_MACHINE;
	bool good;

	pthread_mutex_lock(&http->watch.lock);
	good = request->local || (atomic_load(&http->watch.count) < of_strangers &&
					 count_of_address(&http->watch, request) < share);
	if (good)
		list_add(&http->watch, request);
	pthread_mutex_unlock(&http->watch.lock);
	return good;
}

static void take(struct http *http, int fd, struct arrival *arrival)
{
	struct http_request *request = mem_zalloc(sizeof(*request));

	request->http = http;
	request->fd = fd;
	atomic_init(&request->watch,
		word_of(PHASE_FRESH, http_watch_now_ms() + http->options.header_ms));
	http_listen_name(request, &arrival->from.any);
	if (!admit(http, request)) {
		close(fd);
		free(request);
		return;
	}
	arrival->request = request;
	if (MHD_add_connection(http->mhd, fd, &arrival->from.any, sizeof(*arrival)) != MHD_YES)
		forget(request);
}

/* false: there is nothing more now, or no descriptor for it (*PAUSE). */
static bool accept_one(struct http *http, int listen_fd, bool *pause)
{
	struct arrival arrival = { 0 };
	socklen_t len = sizeof(arrival.from);
	int fd = accept4(listen_fd, &arrival.from.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		take(http, fd, &arrival);
		return true;
	}
	*pause =
		*pause || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
	/* A client that has gone already, or a signal: the next one. */
	return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

static bool accept_all(struct http *http)
{
	bool pause = false;

	for (size_t i = 0; i < http->listener_count; i++)
		for (int n = 0; n < ACCEPT_ROUND && !is_full(http); n++)
			if (!accept_one(http, http->listeners[i].fd, &pause))
				break;
	return pause;
}

/* --- ending --- */

static bool tcp_info(const struct http_request *request, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	*info = (struct tcp_info){ 0 };
	return getsockopt(request->fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0;
}

static void change(struct http_request *request, int64_t *word, enum http_phase phase, int64_t at)
{
	if (!atomic_compare_exchange_strong(&request->watch, word, word_of(phase, at)))
		return; /* it has just gone on */
	if (phase == PHASE_CUT)
		shutdown(request->fd, SHUT_RDWR);
}

/* Slow as a whole, or too long under way, however much is taken now and then. */
static bool drags_on(struct http_request *request, uint64_t acked_bytes, int64_t now)
{
	int64_t began = atomic_load(&request->replied_ms), allowed;

	if (request->reply_ms != began) { /* another reply than at the last look */
		request->reply_ms = began;
		request->reply_acked = acked_bytes;
	}
	allowed = request->http->options.reply_ms +
		  (int64_t)((acked_bytes - request->reply_acked) / HTTP_REPLY_BYTES_PER_MS);
	return now - began > (allowed < HTTP_REPLY_MOST_MS ? allowed : HTTP_REPLY_MOST_MS);
}

/* A reply is late when none of it was taken for as long as its phase lasts. */
static void look_at_reply(struct http_request *request, int64_t word, int64_t now)
{
	struct tcp_info info;
	bool taken;

	if (!tcp_info(request, &info))
		return; /* the connection has ended: libmicrohttpd will see it */
	taken = info.tcpi_bytes_acked != request->acked_bytes ||
		(info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0);
	request->acked_bytes = info.tcpi_bytes_acked;
	if (drags_on(request, info.tcpi_bytes_acked, now))
		change(request, &word, PHASE_CUT, 0);
	else if (taken)
		change(request, &word, PHASE_REPLY, now + request->http->options.stall_ms);
	else if (now >= deadline_of(word))
		change(request, &word, PHASE_CUT, 0);
}

/*
 * The client has ended its side, perhaps with its last bytes: libmicrohttpd 0.9.75 does not see the
 * end then, since it asks epoll for changes only. This is a change.
 */
static void nudge(struct http_request *request, const struct tcp_info *info)
{
	if (info->tcpi_state == TCP_STATE_CLOSE_WAIT)
		shutdown(request->fd, SHUT_RD);
}

/* Something came since the last request ended, but no request line yet. */
static bool has_begun(
	const struct http_request *request, const struct tcp_info *info, int64_t word, int64_t now)
{
	int64_t since = deadline_of(word) - request->http->options.idle_ms;

	return now - since > SLACK_MS &&
	       now - (int64_t)info->tcpi_last_data_recv > since + SLACK_MS;
}

/* Something has come that libmicrohttpd will read at once. */
static bool has_unread(const struct http_request *request)
{
	int count = 0;

	return ioctl(request->fd, FIONREAD, &count) == 0 && count > 0;
}

/* What is idle now is not waited for any more. */
static bool is_drained(const struct http *http, int64_t now)
{
	return atomic_load(&http->quiesced) && now >= atomic_load(&http->drained_ms);
}

/* The client's turn to send. */
static void look_at_client(struct http_request *request, int64_t word, int64_t now)
{
	const struct http *http = request->http;
	enum http_phase phase = phase_of(word);
	bool between = phase == PHASE_IDLE || phase == PHASE_FRESH;
	int64_t late_ms = now - deadline_of(word);
	struct tcp_info info;

	if (between && late_ms < http->options.header_ms && has_unread(request))
		return;
	if (late_ms >= 0 || (between && is_drained(http, now))) {
		change(request, &word, PHASE_CUT, 0);
	} else if (tcp_info(request, &info)) {
		nudge(request, &info);
		if (phase == PHASE_IDLE && has_begun(request, &info, word, now))
			change(request, &word, PHASE_HEAD, now + http->options.header_ms);
	}
}

static void look_at(struct http_request *request, int64_t now)
{
	int64_t word = atomic_load(&request->watch);

	switch (phase_of(word)) {
	case PHASE_WORK:
	case PHASE_CUT:
		break;
	case PHASE_REPLY:
		look_at_reply(request, word, now);
		break;
	default:
		look_at_client(request, word, now);
	}
}

static void look_at_all(struct http *http)
{
	int64_t now = http_watch_now_ms();

	pthread_mutex_lock(&http->watch.lock);
	for (struct http_request *at = http->watch.all; at; at = at->next)
		if (at->started)
			look_at(at, now);
	pthread_mutex_unlock(&http->watch.lock);
}

/* --- the thread --- */

void http_watch_wake(struct http *http)
{
	const uint64_t one = 1;

	/* Full only when it was woken 2^64 - 1 times: then it is awake. */
	if (write(http->watch.wake_fd, &one, sizeof(one)) < 0)
		ASSERT(errno == EAGAIN);
}

/* Until a connection comes, the watch is woken, or WAIT_MS are over. */
static void wait_for(struct http *http, bool listening, int64_t wait_ms)
{
	struct pollfd fds[HTTP_LISTENERS + 1] = { { .fd = http->watch.wake_fd, .events = POLLIN } };
	nfds_t count = 1;
	uint64_t woken;

	for (size_t i = 0; listening && i < http->listener_count; i++)
		fds[count++] = (struct pollfd){ .fd = http->listeners[i].fd, .events = POLLIN };
	if (poll(fds, count, (int)wait_ms) > 0 && fds[0].revents != 0 &&
		read(http->watch.wake_fd, &woken, sizeof(woken)) < 0)
		ASSERT(errno == EAGAIN);
}

/* Those who have connected already are served; nobody else is. With http_listen_deafen nobody
 * connects between the last one and the end of the socket, to be cut off. */
static void stop_listening(struct http *http)
{
	http_listen_deafen(http);
	for (int round = 0; round < LAST_ROUNDS; round++)
		accept_all(http);
	if (http->options.drain_ms > 0) {
		clock_sleep_ms(DEAF_MS);
		accept_all(http);
	}
	http_listen_close(http);
	atomic_store(&http->watch.deaf, true);
}

static void *watch_main(void *context)
{
	struct http *http = context;
	int64_t next_look = 0;
	bool pause = false, open = true;

	while (!atomic_load(&http->watch.stopping)) {
		int64_t now = http_watch_now_ms(), wait = -1;
		bool full;

		if (open && atomic_load(&http->quiesced)) {
			stop_listening(http);
			open = false;
			next_look = now;
		}
		if (now >= next_look) {
			look_at_all(http);
			next_look = now + http->tick_ms;
		}
		/* Set before it is asked: who leaves afterwards wakes the watch. */
		atomic_store(&http->watch.full, true);
		full = is_full(http);
		if (!full)
			atomic_store(&http->watch.full, false);
		if (atomic_load(&http->watch.count) > 0)
			wait = next_look - now;
		if (pause && (wait < 0 || wait > ACCEPT_PAUSE_MS))
			wait = ACCEPT_PAUSE_MS;
		wait_for(http, open && !full && !pause, wait);
		pause = open && accept_all(http);
	}
	return NULL;
}

int http_watch_start(struct http *http, struct err *err)
{
	struct http_watch *watch = &http->watch;
	sigset_t all, old;
	int rc;

	watch->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->wake_fd < 0)
		return err_sys(err, "opening an event descriptor");
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&watch->thread, NULL, watch_main, http);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		errno = rc;
		return err_sys(err, "starting a thread for the connections");
	}
	watch->running = true;
	return 0;
}

void http_watch_stop(struct http *http)
{
	struct http_watch *watch = &http->watch;

	if (watch->running) {
		atomic_store(&watch->stopping, true);
		http_watch_wake(http);
		pthread_join(watch->thread, NULL);
		watch->running = false;
	}
}

void http_watch_clear(struct http *http)
{
	while (http->watch.all)
		forget(http->watch.all);
}
