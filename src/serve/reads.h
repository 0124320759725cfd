/*
 * Requests that wait for a reader. Most are short and are taken as they came; some may take long
 * (route.h: is_long). So that short ones never wait behind those, one reader at least is kept for
 * them; and so that nobody's long ones keep another user's waiting, users take turns, and on a
 * shared store one of them never has all the readers that do long ones, where these are several.
 * Thread-safe; intrusive, but for a small thing for each user whose long requests wait or run.
 */
#ifndef TT_SERVE_READS_H
#define TT_SERVE_READS_H

#include "base/str.h"
#include "serve/queue.h"

struct reads_line; /* one user's long requests */

struct reads_item {
	struct queue_item item;  /* first */
	struct reads_line *line; /* NULL: it is short */
};

struct reads {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct reads_options {
		size_t most; /* that may wait */
		size_t readers;
		bool shared; /* they are many users' */
	} options;
	struct queue_item *first, *last; /* short ones */
	struct reads_line *lines, **end; /* whose turn it is first */
	size_t count;                    /* all that wait */
	size_t running;                  /* long ones */
	bool long_was_last;
	bool closed;
};

void reads_init(struct reads *reads, const struct reads_options *options);
/* Nothing may wait in it or run any more. */
void reads_release(struct reads *reads);
/* A short one. False: it is full or closed. */
bool reads_push(struct reads *reads, struct reads_item *item);
/* The same for a long one of USER (its id; "": nobody in particular). */
bool reads_push_long(struct reads *reads, struct reads_item *item, struct str user);
/*
 * The next one. Waits until there is one that may be taken; NULL when it was closed and nothing is
 * left, or after WAIT_MS (negative: no limit; 0: not at all).
 */
struct reads_item *reads_take(struct reads *reads, int64_t wait_ms);
/* What was in LINE of an item that was taken is done (NULL: it was short). The item itself may be
 * gone by now. */
void reads_done(struct reads *reads, struct reads_line *line);
/* Nothing more comes; what waits is still taken. */
void reads_close(struct reads *reads);
/* And nothing is left. */
bool reads_closed(struct reads *reads);
size_t reads_count(struct reads *reads);

#endif
