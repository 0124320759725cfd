/* One lock, held for a few instructions at a time. */
#include "serve/queue.h"

#include "base/clock.h"

void queue_init(struct queue *queue, size_t most)
{
	*queue = (struct queue){ .most = most };
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->news, NULL);
}

void queue_release(struct queue *queue)
{
	ASSERT(!queue->first);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->news);
}

bool queue_push(struct queue *queue, struct queue_item *item)
{
	bool taken;

	item->next = NULL;
	pthread_mutex_lock(&queue->lock);
	taken = !queue->closed && queue->count < queue->most;
	if (taken) {
		if (queue->last)
			queue->last->next = item;
		else
			queue->first = item;
		queue->last = item;
		queue->count++;
		pthread_cond_signal(&queue->news);
	}
	pthread_mutex_unlock(&queue->lock);
	return taken;
}

static void wait_for_news(struct queue *queue, int64_t wait_ms)
{
	const struct timespec deadline = clock_deadline(wait_ms > 0 ? wait_ms : 0);
	int rc = 0;

	while (!queue->first && !queue->closed && !queue->woken && rc == 0) {
		if (wait_ms < 0)
			pthread_cond_wait(&queue->news, &queue->lock);
		else
			rc = pthread_cond_timedwait(&queue->news, &queue->lock, &deadline);
	}
	queue->woken = false;
}

/* With the lock held. */
static struct queue_item *cut(struct queue *queue, size_t most)
{
	struct queue_item *first = queue->first, *last = first;

	if (!first)
		return NULL;
	for (queue->count--; --most > 0 && last->next; queue->count--)
		last = last->next;
	queue->first = last->next;
	if (!queue->first)
		queue->last = NULL;
	last->next = NULL;
	return first;
}

struct queue_item *queue_take(struct queue *queue, size_t most, int64_t wait_ms)
{
	struct queue_item *first;

	pthread_mutex_lock(&queue->lock);
	if (wait_ms != 0)
		wait_for_news(queue, wait_ms);
	first = cut(queue, most);
	pthread_mutex_unlock(&queue->lock);
	return first;
}

void queue_wake(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->woken = true;
	pthread_cond_signal(&queue->news);
	pthread_mutex_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->news);
	pthread_mutex_unlock(&queue->lock);
}

bool queue_closed(struct queue *queue)
{
	bool closed;

	pthread_mutex_lock(&queue->lock);
	closed = queue->closed && !queue->first;
	pthread_mutex_unlock(&queue->lock);
	return closed;
}

size_t queue_count(struct queue *queue)
{
	size_t count;

	pthread_mutex_lock(&queue->lock);
	count = queue->count;
	pthread_mutex_unlock(&queue->lock);
	return count;
}
