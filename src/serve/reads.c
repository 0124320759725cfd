/*
 * One lock, held for a few instructions at a time. Lines stand in the order of their turns: who
 * comes anew, or was served, stands last; so between two of one user's requests each other user
 * who may has one. A line goes when nothing of it waits or runs.
 */
#include "serve/reads.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct reads_line {
	struct queue_item *first, *last;
	size_t running;
	struct reads_line *next;
	struct str user; /* its bytes are behind */
};

void reads_init(struct reads *reads, const struct reads_options *options)
{
	*reads = (struct reads){ .options = *options };
	reads->end = &reads->lines;
	pthread_mutex_init(&reads->lock, NULL);
	pthread_cond_init(&reads->news, NULL);
}

void reads_release(struct reads *reads)
{
	ASSERT(reads->count == 0 && !reads->lines);
	pthread_mutex_destroy(&reads->lock);
	pthread_cond_destroy(&reads->news);
}

/* --- how many --- */

/* Long ones at once: one reader is kept for the others, if there are two. */
static size_t most_running(const struct reads *reads)
{
	return reads->options.readers > 1 ? reads->options.readers - 1 : 1;
}

/* Of one user's. */
static size_t most_of_one(const struct reads *reads)
{
	size_t most = most_running(reads);

	return reads->options.shared && most > 1 ? most - 1 : most;
}

/* --- lines --- */

static void put_last(struct reads *reads, struct reads_line *line)
{
	line->next = NULL;
	*reads->end = line;
	reads->end = &line->next;
}

/* The line that *AT points to. */
static struct reads_line *take_out(struct reads *reads, struct reads_line **at)
{
	struct reads_line *line = *at;

	*at = line->next;
	if (!line->next)
		reads->end = at;
	return line;
}

static struct reads_line **place_of(struct reads *reads, const struct reads_line *line)
{
	struct reads_line **at = &reads->lines;

	while (*at != line)
		at = &(*at)->next;
	return at;
}

static struct reads_line *line_of(struct reads *reads, struct str user)
{
	struct reads_line *line = reads->lines;

	while (line && !str_eq(line->user, user))
		line = line->next;
	if (line)
		return line;
	line = mem_zalloc(sizeof(*line) + user.len);
	if (user.len > 0)
		memcpy(line + 1, user.ptr, user.len);
	line->user = (struct str){ (const char *)(line + 1), user.len };
	put_last(reads, line);
	return line;
}

/* --- items --- */

static void append(struct queue_item **first, struct queue_item **last, struct queue_item *item)
{
	item->next = NULL;
	if (*last)
		(*last)->next = item;
	else
		*first = item;
	*last = item;
}

static struct queue_item *take_first(struct queue_item **first, struct queue_item **last)
{
	struct queue_item *item = *first;

	*first = item->next;
	if (!*first)
		*last = NULL;
	item->next = NULL;
	return item;
}

/* The line whose turn it is, if it may have another one run; NULL: none. */
static struct reads_line **next_line(struct reads *reads)
{
	if (reads->running >= most_running(reads))
		return NULL;
	for (struct reads_line **at = &reads->lines; *at; at = &(*at)->next)
		if ((*at)->first && (*at)->running < most_of_one(reads))
			return at;
	return NULL;
}

static struct queue_item *take_long(struct reads *reads, struct reads_line **at)
{
	struct reads_line *line = take_out(reads, at);

	put_last(reads, line);
	line->running++;
	reads->running++;
	return take_first(&line->first, &line->last);
}

/* With the lock held; NULL: nothing may be taken. Short and long ones in turn, where both wait. */
static struct reads_item *take(struct reads *reads)
{
	struct reads_line **at = next_line(reads);
	struct queue_item *item;

	if (!reads->first && !at)
		return NULL;
	reads->long_was_last = at && (!reads->first || !reads->long_was_last);
	item = reads->long_was_last ? take_long(reads, at)
				    : take_first(&reads->first, &reads->last);
	reads->count--;
	return (struct reads_item *)item;
}

/* --- what workers and their givers call --- */

static bool is_open(const struct reads *reads)
{
	return !reads->closed && reads->count < reads->options.most;
}

bool reads_push(struct reads *reads, struct reads_item *item)
{
	bool taken;

	item->line = NULL;
	pthread_mutex_lock(&reads->lock);
	taken = is_open(reads);
	if (taken) {
		append(&reads->first, &reads->last, &item->item);
		reads->count++;
		pthread_cond_signal(&reads->news);
	}
	pthread_mutex_unlock(&reads->lock);
	return taken;
}

bool reads_push_long(struct reads *reads, struct reads_item *item, struct str user)
{
	bool taken;

	pthread_mutex_lock(&reads->lock);
	taken = is_open(reads);
	if (taken) {
		item->line = line_of(reads, user);
		append(&item->line->first, &item->line->last, &item->item);
		reads->count++;
		pthread_cond_signal(&reads->news);
	}
	pthread_mutex_unlock(&reads->lock);
	return taken;
}

struct reads_item *reads_take(struct reads *reads, int64_t wait_ms)
{
	const struct timespec deadline = clock_deadline(wait_ms > 0 ? wait_ms : 0);
	struct reads_item *item;
	int rc = 0;

	pthread_mutex_lock(&reads->lock);
	item = take(reads);
	while (!item && wait_ms != 0 && rc == 0 && !(reads->closed && reads->count == 0)) {
		if (wait_ms < 0)
			pthread_cond_wait(&reads->news, &reads->lock);
		else
			rc = pthread_cond_timedwait(&reads->news, &reads->lock, &deadline);
		item = take(reads);
	}
	if (reads->closed && reads->count == 0) /* others wait for it */
		pthread_cond_broadcast(&reads->news);
	pthread_mutex_unlock(&reads->lock);
	return item;
}

void reads_done(struct reads *reads, struct reads_line *line)
{
	if (!line)
		return;
	pthread_mutex_lock(&reads->lock);
	line->running--;
	reads->running--;
	if (!line->first && line->running == 0)
		free(take_out(reads, place_of(reads, line)));
	if (reads->count > 0) /* one that might not be taken before */
		pthread_cond_signal(&reads->news);
	pthread_mutex_unlock(&reads->lock);
}

void reads_close(struct reads *reads)
{
	pthread_mutex_lock(&reads->lock);
	reads->closed = true;
	pthread_cond_broadcast(&reads->news);
	pthread_mutex_unlock(&reads->lock);
}

bool reads_closed(struct reads *reads)
{
	bool closed;

	pthread_mutex_lock(&reads->lock);
	closed = reads->closed && reads->count == 0;
	pthread_mutex_unlock(&reads->lock);
	return closed;
}

size_t reads_count(struct reads *reads)
{
	size_t count;

	pthread_mutex_lock(&reads->lock);
	count = reads->count;
	pthread_mutex_unlock(&reads->lock);
	return count;
}
