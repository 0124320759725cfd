/* What the parts of the server share: server.c, server_caller.c, server_requests.c,
 * server_writer.c, server_readers.c, server_settings.c, server_store.c, server_keeper.c. */
#ifndef TT_SERVE_SERVER_INNER_H
#define TT_SERVE_SERVER_INNER_H

#include <stdatomic.h>

#include "base/log.h"
#include "base/uuid.h"
#include "serve/queue.h"
#include "serve/reads.h"
#include "serve/server.h"
#include "serve/server_keeper.h"
#include "serve/server_keys.h"
#include "serve/server_seats.h"
#include "store/users.h"

/* --- settings: what may change while it runs; requests keep the ones they began with --- */

struct settings {
	atomic_int held; /* one for being the current ones, one for each request */
	struct guard *guard;
	struct rates *rates;       /* from elsewhere, by key or address */
	struct rates *local_rates; /* from this machine, likewise */
	const char *user;          /* who callers without a key are, on a shared store; or NULL */
	const char *webui;         /* NULL: the page */
	const char *const *pages;
	bool access_log;
	int64_t retention_days; /* 0: everything is kept */
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
	struct reads_item waits; /* first: a queue's item is its work */
	struct call call;
	struct settings *settings;
	struct http_reply cors; /* its headers alone */
	bool prepared;
	bool alone;          /* no other user's may be in its batch */
	int64_t put_back_ns; /* monotonic: since when it waits for its user's lock; 0: not yet */
};

/* Its reply is ready: the headers that all have, and away. WORK may be gone when this returns. */
void work_reply(struct work *work);
/* The store failed, as ERR says: 500 or more, and a line in the log. */
void work_fail(struct work *work, const struct err *err);
/* It is refused: STATUS and MESSAGE. */
void work_refuse(struct work *work, int status, const char *message);
/* Do what needs no store; false: it has been answered. */
bool work_prepare(struct work *work);
/* To the readers or the writer. Away with WORK, whatever happens. */
void work_queue(struct work *work, enum route_work where);
/* Run its handler: 0, answered, or < 0: the store failed and there is no reply yet. */
MUST_USE int work_handle(
	struct work *work, struct store *store, struct intake *intake, struct err *err);

extern const struct http_owner work_owner; /* context: the server's */

/* --- who asks: server_caller.c --- */

struct server_devices; /* of users: those that were found to be registered */
struct server_devices *server_devices_new(void);
void server_devices_free(struct server_devices *devices);

/* On the HTTP thread: complete who asks, for ROUTE. False: it has been answered. */
bool work_name_caller(struct server *server, struct work *work, const struct route *route);
/* On a worker, whose STORE is the user's: is the device that was named one of theirs? < 0 after
 * call_fail: it is not. */
MUST_USE int work_check_device(struct work *work, struct store *store, struct err *err);
/* Views into WORK. */
struct actor work_actor(const struct work *work);

/* --- a worker's connection: server_store.c --- */

struct server_store {
	struct store *store; /* NULL: not open */
	int64_t retry_ns;    /* monotonic: no attempt to open it before */
	struct err failure;  /* of the last one */
};
/* Unless it is open. */
MUST_USE int server_store_open(struct server *server, struct server_store *self, struct err *err);
/* The same of the copy (server_options.read_store). */
MUST_USE int server_copy_open(struct server *server, struct server_store *self, struct err *err);

/* What this process has written last for each user: a copy must have it, to answer for it. */
struct server_written;
struct server_written *server_written_new(void);
void server_written_free(struct server_written *written);
void server_written_note(struct server_written *written, struct str user_id, int64_t seq);
/* 0: nothing; INT64_MAX: not known. */
int64_t server_written_seq(struct server_written *written, struct str user_id);
/* CODE was an answer's failure: the connection is closed, unless it finds its way back by itself.
 */
void server_store_failed(const struct server *server, struct server_store *self, int code);
void server_store_close(struct server_store *self);

/* --- the server --- */

/* On a shared store SHARED_WRITERS, the last of them for large bodies; else one. */
enum { MOST_READERS = 16, SHARED_WRITERS = 3, MOST_WRITERS = 4, SERVERS_MOST = 1000 };

struct server_writer {
	struct server *server;
	struct queue queue;
	pthread_t thread;
	bool running;
};

struct server {
	const struct server_options *options;
	struct log log;
	bool shared; /* the store has rows of many users */
	char common_id[UUID_BYTES + 1];
	const struct route_table *tables;
	size_t table_count;
	struct metrics *metrics;
	struct lang *lang;
	struct server_keys *keys;
	struct server_devices *devices;
	struct server_written *written; /* NULL: there is no copy */
	struct rates *wrong_keys;       /* by address */
	pthread_mutex_t lock;           /* of: */
	struct settings *settings;
	int servers; /* on the store, this one included: each has its part of the rates */
	struct http *http;
	struct server_keeper *keeper; /* NULL: not begun */
	struct reads reads;
	pthread_t readers[MOST_READERS];
	size_t reader_count; /* that run */
	struct server_writer writers[MOST_WRITERS];
	size_t writer_count;
	_Atomic int64_t probed_ns; /* monotonic: since when the store is known to take writes; 0:
				      not */
	atomic_bool stopping;
	atomic_int store_streams, file_streams; /* being sent */
	int64_t began_ns;
};

/* COUNT writers, that do not run yet. */
void server_writers_init(struct server *server, size_t count);
/* Which one is to have WORK. */
struct server_writer *server_writer_for(struct server *server, const struct work *work);
/* Tell the metrics how many wait. */
void server_count_queues(struct server *server);

void *writer_main(void *writer);
void *reader_main(void *server);

#endif
