/* Requests that wait for a worker: first come, first served. Thread-safe; intrusive, so that
 * waiting needs no memory. */
#ifndef TT_SERVE_QUEUE_H
#define TT_SERVE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_item {
	struct queue_item *next;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct queue_item *first, *last;
	size_t count;
	size_t most;
	bool closed;
	bool woken; /* by queue_wake */
};

void queue_init(struct queue *queue, size_t most);
/* Nothing may wait in it any more. */
void queue_release(struct queue *queue);
/* False: it is full or closed. */
bool queue_push(struct queue *queue, struct queue_item *item);
/*
 * Up to MOST items, linked in their order. Waits until there is one; NULL when the queue was closed
 * and is empty, after WAIT_MS (negative: no limit; 0: not at all), or after queue_wake.
 */
struct queue_item *queue_take(struct queue *queue, size_t most, int64_t wait_ms);
/* Let one who waits look at what else there is. */
void queue_wake(struct queue *queue);
/* Nothing more comes; what waits is still taken. */
void queue_close(struct queue *queue);
bool queue_closed(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
