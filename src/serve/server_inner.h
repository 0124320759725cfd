/* What the parts of the server share: server.c, server_requests.c, server_writer.c,
 * server_readers.c, server_settings.c. */
#ifndef TT_SERVE_SERVER_INNER_H
#define TT_SERVE_SERVER_INNER_H

#include <stdatomic.h>

#include "base/log.h"
#include "serve/queue.h"
#include "serve/server.h"
#include "serve/server_keys.h"

/* --- settings: what may change while it runs; requests keep the ones they began with --- */

struct settings {
	atomic_int held; /* one for being the current ones, one for each request */
	struct guard *guard;
	struct rates *rates;       /* from elsewhere, by key or address */
	struct rates *local_rates; /* from this machine, likewise */
	const char *webui;         /* NULL: the page */
	const char *const *pages;
	bool access_log;
	struct attention_params attention;
	struct arena arena;
};

/* LISTEN with the real ports. */
MUST_USE int settings_new(struct settings **out, const struct server_config *config,
	const struct http_listen *listen, size_t listen_count, bool testing, struct err *err);
void settings_drop(struct settings *settings);
struct settings *settings_hold(struct server *server);

/* --- a request on its way --- */

struct work {
	struct queue_item waits; /* first: a queue's item is its work */
	struct call call;
	struct settings *settings;
	struct http_reply cors; /* its headers alone */
	bool prepared;
};

/* Its reply is ready: the headers that all have, and away. WORK may be gone when this returns. */
void work_reply(struct work *work);
/* The store failed, as ERR says: 500 or more, and a line in the log. */
void work_fail(struct work *work, const struct err *err);
/* Do what needs no store; false: it has been answered. */
bool work_prepare(struct work *work);
/* To the readers or the writer. Away with WORK, whatever happens. */
void work_queue(struct work *work, enum route_work where);
/* Run its handler: 0, answered, or < 0: the store failed and there is no reply yet. */
MUST_USE int work_handle(
	struct work *work, struct store *store, struct intake *intake, struct err *err);

extern const struct http_owner work_owner; /* context: the server's */

/* --- the server --- */

enum { MOST_READERS = 16 };

struct server {
	const struct server_options *options;
	struct log log;
	const struct route_table *tables;
	size_t table_count;
	struct metrics *metrics;
	struct lang *lang;
	struct server_keys *keys;
	struct rates *wrong_keys; /* by address */
	pthread_mutex_t lock;     /* of: */
	struct settings *settings;
	struct http *http;
	struct queue reads, writes;
	pthread_t writer;
	pthread_t readers[MOST_READERS];
	size_t reader_count; /* that run */
	bool writing;        /* the writer runs */
	int64_t probed_ns; /* the writer's own: since when the store is known to take writes; 0: not
			    */
	atomic_bool stopping;
	atomic_int store_streams, file_streams; /* being sent */
	int64_t began_ns;
};

void *writer_main(void *server);
void *reader_main(void *server);

#endif
