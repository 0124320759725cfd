#include "base/clock.h"
#include "base/time.h"
#include "serve/queue.h"
#include "tap.h"

enum { MANY = 20000, PUSHERS = 4 };

struct item {
	struct queue_item waits;
	int number;
};

static int number(struct queue_item *item)
{
	return item ? ((struct item *)item)->number : -1;
}

static void order_and_limits(void)
{
	struct item items[5];
	struct queue queue;
	struct queue_item *first;

	queue_init(&queue, 4);
	OK(!queue_take(&queue, 10, 0));
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		OK(queue_push(&queue, &items[i].waits) == (i < 4));
	}
	IS_INT(queue_count(&queue), 4);
	first = queue_take(&queue, 2, -1);
	IS_INT(number(first), 0);
	IS_INT(number(first->next), 1);
	OK(!first->next->next);
	OK(queue_push(&queue, &items[4].waits));
	first = queue_take(&queue, 10, 0);
	IS_INT(number(first), 2);
	IS_INT(number(first->next), 3);
	IS_INT(number(first->next->next), 4);
	OK(!first->next->next->next);
	IS_INT(queue_count(&queue), 0);
	OK(queue_push(&queue, &items[0].waits)); /* the end was put right */
	IS_INT(number(queue_take(&queue, 1, 0)), 0);
	queue_release(&queue);
}

static void closing_and_waking(void)
{
	struct item item = { .number = 1 };
	int64_t began_ns = clock_monotonic_ns();
	struct queue queue;

	queue_init(&queue, 4);
	OK(!queue_take(&queue, 1, 20));
	OK(clock_monotonic_ns() - began_ns >= 15 * NS_PER_MS);
	queue_wake(&queue);
	OK(!queue_take(&queue, 1, -1));
	OK(!queue_closed(&queue));
	OK(queue_push(&queue, &item.waits));
	queue_close(&queue);
	OK(!queue_push(&queue, &item.waits));
	OK(!queue_closed(&queue)); /* something is in it */
	IS_INT(number(queue_take(&queue, 1, -1)), 1);
	OK(queue_closed(&queue));
	OK(!queue_take(&queue, 1, -1));
	queue_release(&queue);
}

static struct item many[PUSHERS][MANY];

struct pusher {
	struct queue *queue;
	struct item *items;
};

static void *push_all(void *context)
{
	struct pusher *pusher = context;

	for (int i = 0; i < MANY; i++) {
		pusher->items[i].number = i;
		while (!queue_push(pusher->queue, &pusher->items[i].waits))
			clock_sleep_ms(1);
	}
	return NULL;
}

/* Everything arrives once, and what one thread pushed in its order. */
static void threads(void)
{
	struct pusher pushers[PUSHERS];
	int next[PUSHERS] = { 0 }, wrong = 0;
	pthread_t ids[PUSHERS];
	struct queue queue;
	int64_t got = 0;

	queue_init(&queue, 100);
	for (int i = 0; i < PUSHERS; i++) {
		pushers[i] = (struct pusher){ &queue, many[i] };
		IS_INT(pthread_create(&ids[i], NULL, push_all, &pushers[i]), 0);
	}
	while (got < (int64_t)PUSHERS * MANY) {
		for (struct queue_item *at = queue_take(&queue, 7, -1), *after; at; at = after) {
			size_t who = (size_t)((struct item *)at - &many[0][0]) / MANY;

			after = at->next;
			wrong += number(at) != next[who]++;
			got++;
		}
	}
	IS_INT(wrong, 0);
	for (int i = 0; i < PUSHERS; i++)
		pthread_join(ids[i], NULL);
	queue_release(&queue);
}

static const struct tap_case cases[] = { TAP_CASE(order_and_limits), TAP_CASE(closing_and_waking),
	TAP_CASE(threads) };
TAP_MAIN(cases)
