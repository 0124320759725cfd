/*
 * HTTP/1.1 over libmicrohttpd: the only place of the server that knows sockets.
 *
 * Some threads wait for many connections (epoll); they read requests and send replies, and never
 * wait for a store: a request that is complete is handed to the owner, its connection sleeps, and
 * http_reply, from any thread, wakes it. Everything about a client that is slow, silent, too many
 * or too long is decided here:
 *   - headers complete within HTTP_HEADER_MS and the body within the time that its bytes allow
 *     (HTTP_BODY_MS + 1 ms per KiB), whatever drips in meanwhile; then the socket is shut;
 *   - a request with both Content-Length and Transfer-Encoding, or with two Content-Lengths, 400,
 *     as is what else two readers could understand differently: folded fields, NUL bytes, names
 *     that are none, no Host (HTTP/1.1) or two; an unknown Transfer-Encoding: 501;
 *   - a body longer than the owner allows: 413, before it is read, or as soon as it is seen;
 *   - bodies that are together longer than HTTP_BODIES_BYTES: 503 for the one that is too much; up
 *     to HTTP_BODY_FREE_BYTES each does not count, so that small requests always come in;
 *   - header fields of more than HTTP_HEADER_BYTES: 431; more connections than allowed: not
 *     accepted, from one address no more than its share, and the last eighth is this machine's;
 *   - a reply of which the client takes nothing for HTTP_STALL_MS, or that is not taken after
 *     HTTP_REPLY_MS + 1 ms for each HTTP_REPLY_BYTES_PER_MS taken, or after HTTP_REPLY_MOST_MS: the
 *     socket is shut. It may hold a snapshot of the store, which cannot be tidied up meanwhile.
 */
#ifndef TT_SERVE_HTTP_H
#define TT_SERVE_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum {
	HTTP_HEADER_MS = 10000,
	HTTP_BODY_MS = 20000,
	HTTP_IDLE_MS = 75000, /* a kept-alive connection without a request */
	HTTP_STALL_MS = 30000,
	HTTP_REPLY_MS = 60000,
	HTTP_REPLY_BYTES_PER_MS = 64,
	HTTP_REPLY_MOST_MS = 30 * 60000,
	HTTP_HEADER_BYTES = 32 << 10,
	HTTP_BODIES_BYTES = 384 << 20,
	HTTP_BODY_FREE_BYTES = 64 << 10,
	HTTP_RETRY_S = 2, /* Retry-After of the 503 for bodies */
};

enum http_method {
	HTTP_OTHER, /* none of those below */
	HTTP_GET,
	HTTP_HEAD, /* answered as GET, without the body */
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
};

struct http_request; /* one request; lives from its headers until owner->ended returns */

enum http_method http_method(const struct http_request *request);
/* Path and query as they were sent (percent-encoded), views for the life of the request. */
struct str http_path(const struct http_request *request);
struct str http_query(const struct http_request *request);
/* A header field by its name, case-insensitive; ptr NULL when absent. *COUNT, if not NULL: how
 * often it was sent (the first is given). */
struct str http_header(const struct http_request *request, const char *name, size_t *count);
/* The whole body, once it has come. */
struct str http_body(const struct http_request *request);
/* The client: text of its address without port; is it this machine itself (127.0.0.0/8, ::1)? */
struct str http_peer(const struct http_request *request);
bool http_is_local(const struct http_request *request);
/* Who shares a limit with the client: bytes that stand for its IPv4 address, or for the network of
 * 64 bits of its IPv6 one, all of whose addresses one customer has. */
struct str http_network(const struct http_request *request);
bool http_is_tls(const struct http_request *request);
/* ns of the monotonic clock when the headers were complete. */
int64_t http_began_ns(const struct http_request *request);
/* Memory for as long as the request lives. One thread at a time, as for the whole request. */
struct arena *http_arena(struct http_request *request);
/* The owner's own, NULL at first. */
void http_set_context(struct http_request *request, void *context);
void *http_context(const struct http_request *request);
/* Has the client gone? For work that takes long; may be asked from any thread. */
bool http_gone(const struct http_request *request);

/* --- replies --- */

/* A body made piece by piece. fill appends up to WANT bytes (a little more is fine) to OUT without
 * waiting for anything but the store: 1: more may come, 0: that was the end, < 0: failed, the
 * connection is cut so that the client sees it. free is called once, also when nothing was asked.
 */
struct http_stream {
	int (*fill)(void *context, struct buf *out, size_t want, struct err *err);
	void (*free)(void *context);
	void *context;
};

enum { HTTP_REPLY_HEADERS = 24 };

struct http_reply {
	int status;
	struct str headers[HTTP_REPLY_HEADERS]
			  [2]; /* name, value: in the request's arena or static */
	size_t header_count;
	/* One of: a body, which the reply takes over; or a stream (fill not NULL). */
	struct buf body;
	struct http_stream stream;
	bool close; /* the connection ends with this reply */
};
/* Name and value: views that live as long as the request. */
void http_reply_header(struct http_reply *reply, struct str name, struct str value);
/* Answer; the reply's body and stream are taken over. From any thread, once per request. */
void http_reply(struct http_request *request, struct http_reply *reply);

/* --- the server --- */

/* As a limit of a body: up to 1 MiB is read and thrown away. */
enum { HTTP_BODY_IGNORED = -1 };

struct http_owner {
	void *context;
	/*
	 * The headers are complete. 0: go on, *BODY_LIMIT bytes of body are allowed. Otherwise
	 * http_reply was called, before begin returned: the body is not kept. Up to 1 MiB of it are
	 * read, so that the client sees the reply; if it announces more, or waits for 100 Continue,
	 * the reply is sent at once and the connection ends. On an HTTP thread: must not wait.
	 */
	int (*begin)(void *context, struct http_request *request, int64_t *body_limit);
	/* Body and all. Must lead to one http_reply, now or later. On an HTTP thread: must not
	 * wait. */
	void (*handle)(void *context, struct http_request *request);
	/* REPLY, an error, is made here: headers may be added to it. begin may have been called or
	 * not. May be NULL. */
	void (*refusing)(void *context, struct http_request *request, struct http_reply *reply);
	/* The reply was sent (STATUS, body BYTES) or, COMPLETE false, the connection was lost
	 * before its end; STATUS 0: there was none yet; 408: it did not come in time. Requests that
	 * were refused here and never reached begin come too, when their first line was read. */
	void (*ended)(void *context, struct http_request *request, int status, int64_t bytes,
		bool complete);
};

struct http_listen {
	const char *address; /* IP literal, or "localhost": 127.0.0.1 and, if there is IPv6, ::1 */
	int port;            /* 0: any free one; http_ports tells */
};

struct http_options {
	const struct http_listen *listen;
	size_t listen_count;
	const char *tls_cert; /* PEM files, both or neither */
	const char *tls_key;
	int threads; /* 0: one per processor, at most 4 */
	/* 0: 4096, or what the limit of descriptors allows, which is raised as far as it may be. */
	int connections;
	/* From one IPv4 address or IPv6 network of 64 bits; 0: a quarter; of this machine: no
	 * limit. */
	int connections_per_address;
	struct http_owner owner;
	/* After http_quiesce those who keep their connection may still ask for so long, and are
	 * told with the answer that it was the last: who asks again and again loses no request. 0:
	 * idle connections end at once. */
	int drain_ms;
	/* For tests; 0: HTTP_HEADER_MS and so on. */
	int header_ms;
	int body_ms;
	int idle_ms;
	int stall_ms;
	int reply_ms;
	int bodies_bytes;
};

struct http;

/* ERR_BUSY: an address is in use (message names it and what to do); ERR_USAGE: no such address;
 * ERR_LIMIT: more connections than descriptors; ERR_IO; ERR_PARSE: certificate. */
MUST_USE int http_start(struct http **out, const struct http_options *options, struct err *err);
/* The ports listened on, in the order of LISTEN. */
int http_port(const struct http *http, size_t index);
/* Other certificates for new connections: after they were renewed. After an error those from before
 * stay. Nothing to do without TLS. */
MUST_USE int http_reload_tls(struct http *http, struct err *err);
/* Take no new connection; requests at work go on, idle connections end (drain_ms). */
void http_quiesce(struct http *http);
/* Requests that have begun and not ended; after http_quiesce, connections that are left, since each
 * may have a request on its way: once it is 0 it stays so, and http_stop loses nothing. */
int64_t http_at_work(const struct http *http);
int64_t http_connections(const struct http *http);
/* Cut what is left and free everything. No reply may be pending with another thread. */
void http_stop(struct http *http);

#endif
