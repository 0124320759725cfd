/*
 * What the files of the HTTP server share; for src/serve/http*.c alone.
 *
 *   http.c          start, quiesce, stop
 *   http_listen.c   addresses: sockets that listen, names of those that connect
 *   http_watch.c    one thread: accepts, and ends connections whose time is over
 *   http_handle.c   what libmicrohttpd calls: the course of one request
 *   http_request.c  the head of a request: refused when it is ambiguous, else its parts
 *   http_reply.c    replies, streams, waking a connection that sleeps
 *   http_tls.c      certificates
 *
 * A connection has one request at a time, so one record serves for both. It belongs to the HTTP
 * thread of its connection, save while the request sleeps (then to the owner, until http_reply) and
 * save `watch`, which is the watch's too.
 */
#ifndef TT_SERVE_HTTP_INTERNAL_H
#define TT_SERVE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "serve/http.h"

enum {
	/*
	 * Of each connection, for the head of its request and what is being sent. libmicrohttpd
	 * clears all of it after each request, and half of it once more before, so it is no larger
	 * than it has to be: HTTP_HEADER_BYTES, and some 60 for each field and argument.
	 */
	HTTP_POOL_BYTES = 40 << 10,
	/* A body that nobody wants is read up to here, since a reply that crosses it may get lost:
	 * closing a socket with unread bytes resets the connection. */
	HTTP_SWALLOW_BYTES = 1 << 20,
	/* Memory of a request that its connection keeps for the next one. */
	HTTP_KEEP_BYTES = 16 << 10,
	HTTP_LISTENERS = 32,
	HTTP_ADDRESS_BUCKETS = 1024,
};

/* What a connection is doing, and therefore what ends it. */
enum http_phase {
	PHASE_FRESH, /* accepted: the head of its first request is due */
	PHASE_IDLE,  /* between requests */
	PHASE_HEAD,  /* the request line is there, header fields are due */
	PHASE_BODY,  /* the body is due */
	PHASE_WORK,  /* the owner's turn: no limit here */
	PHASE_REPLY, /* the client's turn to take the reply */
	PHASE_CUT,   /* given up: the socket is shut */
};

/* Who wakes a connection: whoever comes second, the handler that returns or http_reply. */
enum http_answer { ANSWER_NONE, ANSWER_READY, ANSWER_ASLEEP };

struct http_field {
	struct str name;
	struct str value;
};

struct http_request {
	struct http *http;
	struct MHD_Connection *mhd;

	/* The connection, written once. */
	int fd;
	unsigned char address[16]; /* who shares a limit: ::ffff:IPv4, or the /64 of an IPv6 */
	char peer[INET6_ADDRSTRLEN];
	bool local;
	struct tls_cert *cert; /* what its handshake showed */

	/* The watch's lists and memory, under its lock. */
	struct http_request *prev, *next;
	struct http_request *bucket_prev, *bucket_next;
	bool started;         /* libmicrohttpd has taken it, the descriptor is open */
	uint64_t acked_bytes; /* at the last look */
	int64_t reply_ms;     /* the reply that was looked at: when it began, */
	uint64_t reply_acked; /* and what had been taken of the connection before */

	/* An enum http_phase in the low three bits, above them the time (ms, monotonic) at which it
	 * is over. */
	_Atomic int64_t watch;
	_Atomic int64_t replied_ms; /* when its reply began */

	/* --- the request --- */
	bool seen;    /* the owner knows it, or is told that it was refused */
	bool refused; /* answered before its body, which is read and thrown away */
	bool counted; /* in http->at_work: its head is complete */
	bool turned;  /* it is complete, and libmicrohttpd has asked once what to do */
	enum http_method method;
	bool http11;
	int64_t began_ns;
	struct str target; /* as sent */
	struct str path;
	struct str query;
	struct http_field *fields; /* in the arena */
	size_t field_count;
	int64_t content_length; /* -1: chunked */
	int64_t body_limit;
	int64_t swallowed_bytes;
	int64_t charged_bytes; /* of the body, in http->bodies_bytes */
	struct buf body;
	struct arena arena;
	void *context;

	/* --- its reply --- */
	_Atomic int answer; /* enum http_answer */
	struct http_reply reply;
	struct buf piece; /* of a stream */
	size_t piece_sent;
	bool stream_ended;
	int sent_status;
	int64_t sent_bytes;
};

struct http_listener {
	int fd;
	size_t index; /* in options.listen */
	int port;
};

struct http_watch {
	pthread_t thread;
	bool running;
	int wake_fd;
	pthread_mutex_t lock; /* the lists below and what they hold for the watch */
	struct http_request *all;
	struct http_request *buckets[HTTP_ADDRESS_BUCKETS];
	_Atomic int64_t count;
	_Atomic bool full; /* somebody who leaves must wake the watch */
	_Atomic bool deaf; /* nobody listens any more */
	_Atomic bool stopping;
};

struct http {
	struct http_options options; /* with the defaults filled in */
	int64_t tick_ms;             /* between looks at the connections, while there are any */
	struct MHD_Daemon *mhd;
	bool old_parser; /* libmicrohttpd before 1.0: what it lacks is done here */
	struct http_listener listeners[HTTP_LISTENERS];
	size_t listener_count;
	struct http_watch watch;
	_Atomic bool quiesced;
	_Atomic int64_t drained_ms; /* when idle connections end; good once quiesced */
	_Atomic int64_t at_work;
	_Atomic int64_t bodies_bytes; /* of all bodies, without what each has free */
	_Atomic int64_t replying;     /* threads inside http_reply */
	pthread_mutex_t tls_lock;     /* tls_current and the counts of certificates */
	struct tls_cert *tls_current;
};

/* --- http_listen.c --- */

/* Listen on everything; what was opened is in http->listeners, also after a failure. */
MUST_USE int http_listen_open(struct http *http, struct err *err);
/* Nobody connects any more. */
void http_listen_deafen(struct http *http);
void http_listen_close(struct http *http);
/* Fill address, peer and local. */
void http_listen_name(struct http_request *request, const struct sockaddr *from);

/* --- http_watch.c --- */

MUST_USE int http_watch_start(struct http *http, struct err *err);
void http_watch_wake(struct http *http);
/* Ends the thread; the connections stay. */
void http_watch_stop(struct http *http);
/* Free the records of connections that libmicrohttpd never began. */
void http_watch_clear(struct http *http);
/* The record of a connection that libmicrohttpd begins. */
struct http_request *http_watch_of(struct MHD_Connection *mhd);
/* The connection of the record has begun, has ended: the record is freed. */
void http_watch_started(struct http_request *request);
void http_watch_ended(struct http_request *request);
/* Now in PHASE until DEADLINE_MS (0: no limit). False: it was cut before. */
bool http_watch_enter(struct http_request *request, enum http_phase phase, int64_t deadline_ms);
/* End the connection, from its HTTP thread: libmicrohttpd itself would wait for the client. */
void http_watch_cut(struct http_request *request);
enum http_phase http_watch_phase(const struct http_request *request);
int64_t http_watch_now_ms(void);

/* --- http_handle.c --- */

void *http_on_target(void *http, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_on_request(void *http, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_bytes,
	void **context);
void http_on_completed(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode how);
/* The body is not needed any more. */
void http_body_drop(struct http_request *request);
void http_on_connection(void *http, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode what);

/* --- http_request.c --- */

/* The target as it was sent, when nothing else is known. */
void http_head_target(struct http_request *request, const char *target);
/* The whole head, from libmicrohttpd's strings. 0, or the status to refuse it with and *MESSAGE. */
int http_head_check(struct http_request *request, const char *url, const char *method,
	const char *version, const char **message);

/* --- http_reply.c --- */

/* Answer {"message": MESSAGE} from here, instead of the owner. */
void http_reply_refuse(struct http_request *request, int status, const char *message);
bool http_reply_is_ready(const struct http_request *request);
/* Hand the reply, which is ready, to libmicrohttpd. */
enum MHD_Result http_reply_send(struct http_request *request);
/* Whatever was not sent. */
void http_reply_drop(struct http_request *request);

/* --- http_tls.c --- */

/* Read the files of the options; ERR_PARSE, or why they cannot be read. The former certificate
 * lives on with its connections. */
MUST_USE int http_tls_load(struct http *http, struct buf *cert, struct buf *key, struct err *err);
/* Give a new connection today's certificate; take it back. */
void http_tls_begin(struct http_request *request);
void http_tls_end(struct http_request *request);
void http_tls_release(struct http *http);

#endif
