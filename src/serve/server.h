/*
 * The server: HTTP threads take requests, readers answer from their own connections to the store,
 * a writer (several on a shared store) takes what waits into one transaction and answers when it is
 * on disk.
 *
 * A reply to a write is sent after the commit that holds it, never before. The writer takes all
 * that is waiting, up to SERVER_BATCH calls or SERVER_BATCH_MS, commits, replies to all. If the
 * store fails, every call of the batch is answered 503 or 500 and nothing of the batch is stored.
 */
#ifndef TT_SERVE_SERVER_H
#define TT_SERVE_SERVER_H

#include "attention/params.h"
#include "query/lang.h"
#include "serve/call.h"
#include "serve/metrics.h"

enum {
	SERVER_BATCH = 1024,
	SERVER_BATCH_MS = 5,
	SERVER_QUEUE = 8192,
	SERVER_STOP_MS = 20000,
	SERVER_PROBE_MS = 10000
};
/* Long replies at once: of the store, each with a connection to it; and files. Then 503. */
enum { SERVER_STREAMS = 32, SERVER_FILE_STREAMS = 128 };

struct server_config {              /* what may change while it runs (SIGHUP) */
	struct guard_options guard; /* listen is the server's own */
	int rate_per_second;        /* per address or key, from elsewhere; 0: 200 */
	int rate_local_per_second;  /* from this machine; 0: 100,000 */
	/* E-mail address or id of the user that callers without a key are, where they are let in
	 * without one and the store is shared; NULL or "": nobody. */
	const char *user;
	const char *webui;        /* directory, or NULL: the page */
	const char *const *pages; /* "NAME=DIR": custom visualisations under /pages/NAME/ */
	bool access_log;
	int64_t retention_days;            /* older events of every user are deleted; 0: none are */
	struct attention_params attention; /* of the streams' bucket, as reports have them */
};

struct server_options {
	const char *store_url;
	/* Of a copy that follows the store, from which what reads much is answered, as far as it
	 * has what this process has written for the user; else from the store. NULL or "": none. */
	const char *read_store;
	/* For how long a database's server may say nothing (store_options); then who waits for it
	 * is told to come again: 503. 0: for ever. */
	int64_t patience_ms;
	struct http_options http; /* owner is the server's own */
	struct server_config config;
	bool testing;
	int readers;            /* threads; 0: four */
	const char *hostname;   /* of this machine */
	const char *machine_id; /* device id */
	const char *machine_label;
	int log_fd; /* of the access log; -1: none */
	/* Read the configuration again; what OUT points to stays valid until the next call. */
	int (*configure)(void *owner, struct server_config *out, struct err *err);
	/* It listens and answers from now on. */
	void (*ready)(void *owner, const struct server *server);
	void *owner;
};

/* Runs until SIGTERM or SIGINT: takes no more requests, finishes those it has (for SERVER_STOP_MS;
 * another signal cuts that short), 0. SIGHUP: configure and new certificates; a configuration that
 * is wrong is logged and the old one stays. */
MUST_USE int server_run(const struct server_options *options, struct err *err);

/* What handlers see. */
const struct server_options *server_options(const struct server *server);
int server_port(const struct server *server, size_t index);
struct metrics *server_metrics(struct server *server);
struct lang *server_lang(struct server *server);
bool server_stopping(const struct server *server);
/* ns of the wall clock since which it runs. */
int64_t server_began_ns(const struct server *server);
/* webui directory as configured now, or NULL. Valid for the call. */
const char *server_webui(struct server *server, struct arena *arena);

/* "NAME=DIR" as configured now, NULL-terminated. Valid for the call. */
const char *const *server_pages(struct server *server, struct arena *arena);
/*
 * For /readyz, on the writer's thread: has it to try a write? After a failure it has, and otherwise
 * every SERVER_PROBE_MS: strangers may ask, and each write costs a sync.
 */
bool server_probe_due(const struct server *server);
void server_probed(struct server *server);
/* As configured now. */
struct attention_params server_attention(struct server *server);
int64_t server_connections(const struct server *server);
/* For how long its connections to the store wait for another writer; 0: the usual. */
int64_t server_busy_ms(const struct server *server);
/* On a shared store, the id of no machine: one that all its servers have, wherever they run. */
const char *server_common_id(const struct server *server);
/* Has its store rows of many users (store/users.h)? */
bool server_is_shared(const struct server *server);

/* The routes, all of them: serve/api/routes.c. */
const struct route_table *server_routes(size_t *count);

#endif
