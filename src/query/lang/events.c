/*
 * Lists come from the store newest first and are wanted oldest first nearly always: the sort turns
 * runs that go down around, keeping equal ones in their order, before it begins to merge.
 */
#include "query/lang/events.h"

#include <stdlib.h>

#include "query/lang/run.h"

enum { FIRST_ROOM = 16 };

size_t events_bytes(const struct events *events)
{
	return sizeof(*events) + events->room * sizeof(struct moment);
}

int events_new(struct events **out, struct run *run, size_t room)
{
	struct events *events;
	int result = run_charge(run, sizeof(*events) + room * sizeof(struct moment));

	if (result < 0)
		return result;
	events = mem_zalloc(sizeof(*events));
	atomic_init(&events->refs, 1);
	events->room = room;
	events->charged = run;
	events->at = room > 0 ? mem_resize(NULL, room, sizeof(struct moment)) : NULL;
	*out = events;
	return 0;
}

int events_copy(struct events **out, struct run *run, const struct events *from)
{
	int result = events_new(out, run, from->count);

	if (result < 0)
		return result;
	if (from->count > 0)
		memcpy((*out)->at, from->at, from->count * sizeof(struct moment));
	(*out)->count = from->count;
	return 0;
}

struct events *events_ref(struct events *events)
{
	atomic_fetch_add_explicit(&events->refs, 1, memory_order_relaxed);
	return events;
}

void events_discharge(struct run *run, struct events *events)
{
	if (events->charged)
		run_refund(run, events_bytes(events));
	events->charged = NULL;
}

void events_unref(struct run *run, struct events *events)
{
	if (!events || atomic_fetch_sub_explicit(&events->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (run)
		events_discharge(run, events);
	free(events->at);
	free(events);
}

bool events_shared(struct events *events)
{
	return atomic_load_explicit(&events->refs, memory_order_acquire) > 1;
}

int events_add(struct events *events, struct run *run, const struct moment *moment)
{
	if (events->count == events->room) {
		size_t room = events->room > 0 ? events->room * 2 : FIRST_ROOM;
		int result = run_charge(run, (room - events->room) * sizeof(struct moment));

		if (result < 0)
			return result;
		events->at = mem_resize(events->at, room, sizeof(struct moment));
		events->room = room;
	}
	events->at[events->count++] = *moment;
	return 0;
}

void events_trim(struct events *events, struct run *run)
{
	/* Moving a little is not worth it. */
	if (events->room - events->count <= events->room / 8)
		return;
	if (events->charged)
		run_refund(run, (events->room - events->count) * sizeof(struct moment));
	events->at = mem_resize(events->at, events->count, sizeof(struct moment));
	events->room = events->count;
}

int64_t moment_add(int64_t a_ns, int64_t b_ns)
{
	int64_t sum;

	if (!__builtin_add_overflow(a_ns, b_ns, &sum))
		return sum;
	return b_ns > 0 ? INT64_MAX : INT64_MIN;
}

int64_t moment_subtract(int64_t a_ns, int64_t b_ns)
{
	int64_t difference;

	if (!__builtin_sub_overflow(a_ns, b_ns, &difference))
		return difference;
	return b_ns < 0 ? INT64_MAX : INT64_MIN;
}

int64_t moment_end(const struct moment *moment)
{
	return moment_add(moment->start_ns, moment->duration_ns);
}

/* --- sorting --- */

typedef bool before_fn(const struct moment *a, const struct moment *b);

static bool starts_before(const struct moment *a, const struct moment *b)
{
	return a->start_ns < b->start_ns;
}

static bool is_longer(const struct moment *a, const struct moment *b)
{
	return a->duration_ns > b->duration_ns;
}

static void reverse(struct moment *at, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct moment moment = at[i];

		at[i] = at[count - 1 - i];
		at[count - 1 - i] = moment;
	}
}

/* AT goes down: turn it around, and each stretch of equal ones again. */
static void turn_around(struct moment *at, size_t count, before_fn *before)
{
	size_t from = 0;

	reverse(at, count);
	for (size_t i = 1; i <= count; i++) {
		if (i < count && !before(&at[i - 1], &at[i]))
			continue;
		reverse(at + from, i - from);
		from = i;
	}
}

/* Does no element come before the one in front of it (or, BACKWARDS, the other way round)? */
static bool is_ordered(const struct events *events, before_fn *before, bool backwards)
{
	for (size_t i = 1; i < events->count; i++) {
		const struct moment *a = &events->at[i - backwards],
				    *b = &events->at[i - !backwards];

		if (before(a, b))
			return false;
	}
	return true;
}

static void merge(struct moment *out, const struct moment *a, size_t a_count,
	const struct moment *b, size_t b_count, before_fn *before)
{
	size_t i = 0, j = 0;

	while (i < a_count && j < b_count) {
		bool second = before(&b[j], &a[i]);

		*out++ = second ? b[j] : a[i];
		j += second;
		i += !second;
	}
	if (i < a_count)
		memcpy(out, a + i, (a_count - i) * sizeof(*a));
	if (j < b_count)
		memcpy(out, b + j, (b_count - j) * sizeof(*b));
}

/* One round: each pair of neighbours of WIDTH elements of FROM becomes one of TO. */
static int merge_round(struct run *run, const struct moment *from, struct moment *to, size_t count,
	size_t width, before_fn *before)
{
	for (size_t i = 0; i < count; i += 2 * width) {
		size_t left = count - i;
		size_t a = left < width ? left : width;
		size_t b = left - a < width ? left - a : width;
		int result = run_step(run, (unsigned)(a + b));

		if (result < 0)
			return result;
		merge(to + i, from + i, a, from + i + a, b, before);
	}
	return 0;
}

static int merge_sort(struct events *events, struct run *run, before_fn *before)
{
	struct events *spare;
	int result = events_new(&spare, run, events->room);

	if (result < 0)
		return result;
	for (size_t width = 1; result == 0 && width < events->count; width *= 2) {
		struct moment *from = events->at;

		result = merge_round(run, from, spare->at, events->count, width, before);
		if (result < 0)
			break;
		events->at = spare->at;
		spare->at = from;
	}
	events_unref(run, spare);
	return result;
}

static int sort(struct events *events, struct run *run, before_fn *before)
{
	if (is_ordered(events, before, false))
		return 0;
	if (is_ordered(events, before, true)) {
		turn_around(events->at, events->count, before);
		return 0;
	}
	return merge_sort(events, run, before);
}

int events_sort_by_start(struct events *events, struct run *run)
{
	return sort(events, run, starts_before);
}

int events_sort_by_duration(struct events *events, struct run *run)
{
	return sort(events, run, is_longer);
}
