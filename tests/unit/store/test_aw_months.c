/* Where a bucket's events lie, over years: scans that read piece by piece, and the bucket's first
 * and last, against a list of what is there. */
#include "aw_fixture.h"

enum { EVENTS = 200, MOVED = 12 };
#define DAY_NS (86400 * NS_PER_S)

struct world {
	struct fixture f;
	struct store *store;
	struct intake *intake;
	int64_t b;
	struct aw_event list[EVENTS];
	size_t count;
	uint64_t random;
};

static int64_t dice(struct world *w, int64_t sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (int64_t)(w->random % (uint64_t)sides);
}

/* Few days, far apart, and few instants in each: ties, and months without anything. */
static int64_t some_start(struct world *w)
{
	static const int64_t days[] = { -1500, -1100, -1099, -400, -366, -31, -30, -1, 0 };

	return T0 + days[dice(w, ARRAY_LEN(days))] * DAY_NS + dice(w, 3) * S;
}

static int64_t some_duration(struct world *w)
{
	static const int64_t durations[] = { 0, S, 40 * DAY_NS, 3 * S, -5 * S };

	return durations[dice(w, ARRAY_LEN(durations))];
}

static void fill(struct world *w)
{
	char data[32];
	struct err err;

	for (w->count = 0; w->count < EVENTS; w->count++) {
		struct aw_event *event = &w->list[w->count];

		snprintf(data, sizeof(data), "{\"n\":%d}", (int)dice(w, 50));
		*event = aw_make_event(some_start(w), some_duration(w), data);
		GOOD(aw_insert(w->intake, w->b, event, &err));
	}
	for (size_t i = 0; i < MOVED; i++) { /* to the odd shelf */
		w->list[i].start_ns = some_start(w) + S / 2;
		w->list[i].data = STR("{}");
		GOOD(aw_replace(w->intake, w->b, &w->list[i], &err));
	}
	commit(w->intake);
}

/* --- what is to be expected --- */

static int by_end(const struct aw_event *left, const struct aw_event *right)
{
	if (left->duration_ns != right->duration_ns)
		return left->duration_ns < right->duration_ns ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static int newest_first(const void *a, const void *b)
{
	const struct aw_event *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns > right->start_ns ? -1 : 1;
	return by_end(left, right);
}

static int oldest_first(const void *a, const void *b)
{
	const struct aw_event *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return by_end(left, right);
}

static bool touches(const struct aw_event *event, const struct aw_range *range)
{
	return event->start_ns <= range->to_ns &&
	       event->start_ns + event->duration_ns >= range->from_ns;
}

static void check_range(struct world *w, struct aw_range range)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	struct aw_event event;
	size_t at = 0, wrong = 0;
	struct err err;
	int rc;

	qsort(w->list, w->count, sizeof(w->list[0]),
		range.oldest_first ? oldest_first : newest_first);
	if (!GOOD(aw_scan_open(&scan, w->store, &range, &err)))
		return;
	while ((rc = aw_scan_next(scan, &event, &err)) == 1) {
		while (at < w->count && !touches(&w->list[at], &range))
			at++;
		wrong += at == w->count || w->list[at].number != event.number ||
			 w->list[at].start_ns != event.start_ns ||
			 w->list[at].duration_ns != event.duration_ns;
		at += at < w->count;
	}
	GOOD(rc);
	while (at < w->count && !touches(&w->list[at], &range))
		at++;
	IS_INT(at, w->count);
	IS_INT(wrong, 0);
	wrong = 0;
	for (size_t i = 0; i < w->count; i++)
		wrong += touches(&w->list[i], &range);
	IS_INT(count_of(w->store, range), (int64_t)wrong);
}

static void check_ranges(struct world *w)
{
	static const int64_t days[][2] = { { -2000, 100 }, { -1500, -1099 }, { -1101, -1098 },
		{ -370, -369 }, { -35, 0 }, { -1, 0 }, { 30, 60 }, { -3000, -1600 }, { 200, 300 } };

	for (int lean = 0; lean < 2; lean++)
		for (int oldest = 0; oldest < 2; oldest++) {
			struct aw_range range = range_all(w->b);

			range.oldest_first = oldest != 0;
			range.lean = lean != 0;
			check_range(w, range);
			for (size_t i = 0; i < ARRAY_LEN(days); i++) {
				range.from_ns = T0 + days[i][0] * DAY_NS;
				range.to_ns = T0 + days[i][1] * DAY_NS + S;
				check_range(w, range);
			}
		}
}

static void check_ends(struct world *w)
{
	struct arena arena = { 0 };
	struct aw_bucket one, *all;
	struct store_bucket *stored;
	size_t count;
	struct err err;
	int64_t first_ns = INT64_MIN, start_ns = INT64_MIN, end_ns = INT64_MIN;

	qsort(w->list, w->count, sizeof(w->list[0]), newest_first);
	if (w->count > 0) {
		first_ns = w->list[w->count - 1].start_ns;
		start_ns = w->list[0].start_ns;
		end_ns = start_ns + w->list[0].duration_ns;
	}
	GOOD(aw_bucket_find(w->store, STR("b"), &arena, &one, &err));
	GOOD(aw_buckets(w->store, &arena, &all, &count, &err));
	IS_INT(count, 1);
	IS_INT(one.first_ns, first_ns);
	IS_INT(one.newest_start_ns, start_ns);
	IS_INT(one.newest_end_ns, end_ns);
	IS_INT(all[0].first_ns, first_ns);
	IS_INT(all[0].newest_start_ns, start_ns);
	IS_INT(all[0].newest_end_ns, end_ns);
	GOOD(store_buckets(w->store, &arena, &stored, &count, &err));
	IS_INT(stored[0].first_ns, first_ns);
	IS_INT(stored[0].last_ns, start_ns);
	arena_release(&arena);
}

/* --- the tests --- */

static void world_begin(struct world *w, uint64_t random)
{
	*w = (struct world){ .random = random };
	w->store = open_new(&w->f);
	w->intake = begin(w->store);
	w->b = make_bucket(w->intake, "b");
	commit(w->intake);
}

static void world_end(struct world *w)
{
	struct err err;

	GOOD(store_verify(w->store, NULL, &err));
	intake_free(w->intake);
	close_all(&w->f, w->store);
}

static void scans_read_all_pieces(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct world w;

		world_begin(&w, seed * 7919);
		check_ends(&w);
		check_ranges(&w);
		fill(&w);
		check_ends(&w);
		check_ranges(&w);
		world_end(&w);
	}
}

/* From both ends, several in one batch, and in some batches something comes again. */
static void deletions_move_the_ends(void)
{
	struct world w;
	struct err err;
	bool removed;

	world_begin(&w, 4711);
	fill(&w);
	while (w.count > 0) {
		for (int64_t i = dice(&w, 9); i >= 0 && w.count > 0; i--) {
			size_t at = dice(&w, 2) == 0 ? 0 : w.count - 1;

			qsort(w.list, w.count, sizeof(w.list[0]), newest_first);
			GOOD(aw_remove(w.intake, w.b, w.list[at].number, &removed, &err));
			OK(removed);
			w.list[at] = w.list[--w.count];
		}
		if (dice(&w, 4) == 0) {
			w.list[w.count] = aw_make_event(some_start(&w), S, "{}");
			GOOD(aw_insert(w.intake, w.b, &w.list[w.count++], &err));
		}
		commit(w.intake);
		check_ends(&w);
	}
	world_end(&w);
}

/* A bucket that another is made in the place of begins empty. */
static void emptied_buckets_have_no_ends(void)
{
	struct world w;
	struct err err;

	world_begin(&w, 99);
	fill(&w);
	GOOD(aw_delete(w.intake, w.b, &err));
	w.b = make_bucket(w.intake, "b");
	commit(w.intake);
	w.count = 0;
	check_ends(&w);
	check_ranges(&w);
	fill(&w);
	check_ends(&w);
	world_end(&w);
}

/* Buckets whose last events are months apart are asked for one group after the other. */
static void ends_of_buckets_far_apart(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct arena arena = { 0 };
	struct aw_bucket *buckets;
	char id[16];
	size_t count;
	struct err err;

	for (int i = 0; i < 24; i++) {
		int64_t b;

		snprintf(id, sizeof(id), "b%02d", i);
		b = make_bucket(intake, id);
		if (i % 8 == 7)
			continue;
		put(intake, b, T0 - i * 13 * DAY_NS, (i + 1) * S, "{}");
		put(intake, b, T0 - i * 13 * DAY_NS, (i + 2) * S, "{}");
	}
	commit(intake);
	GOOD(aw_buckets(store, &arena, &buckets, &count, &err));
	IS_INT(count, 24);
	for (int i = 0; i < 24; i++)
		IS_INT(buckets[i].newest_end_ns,
			i % 8 == 7 ? INT64_MIN : T0 - i * 13 * DAY_NS + (i + 1) * S);
	arena_release(&arena);
	intake_free(intake);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(scans_read_all_pieces),
	TAP_CASE(deletions_move_the_ends),
	TAP_CASE(emptied_buckets_have_no_ends),
	TAP_CASE(ends_of_buckets_far_apart),
};
TAP_MAIN(cases)
