/*
 * Random operations on two stores' worth of knowledge: the store, and a list in memory that does
 * the same the simple way. After each batch every read of the store must say what the list says;
 * other connections write in between, batches are undone, the store is opened anew.
 */
#include "aw_fixture.h"

#include "model/heartbeat.h"

enum { USERS = 2, BUCKETS = 3, MOST = 4000, ROUNDS = 400, SPAN = 60 };

static const char *const datas[] = { "{}", "{\"a\":1}", "{\"a\":2}" };

struct item {
	int64_t number;
	int64_t start_ns;
	int64_t duration_ns;
	int bucket;
	int data;
};

struct list {
	struct item items[MOST];
	size_t count;
	int64_t last_number; /* no number that is given from here on is this or less */
	/* What each connection remembers: the number of the event that its last heartbeat gave, if
	 * that was the last change to the bucket; else 0. */
	int64_t last_beat[USERS][BUCKETS];
};

struct world {
	struct fixture f;
	struct store *store[USERS];
	struct intake *intake[USERS];
	int user; /* whose turn it is */
	int64_t bucket_no[BUCKETS];
	struct list list;
	struct list committed;
	uint64_t random;
};

static int64_t dice(struct world *w, int64_t sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (int64_t)(w->random % (uint64_t)sides);
}

/* --- the list --- */

static int by_order(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns > right->start_ns ? -1 : 1;
	if (left->duration_ns != right->duration_ns)
		return left->duration_ns < right->duration_ns ? -1 : 1;
	return left->number < right->number ? -1 : 1;
}

static struct item *item_by_number(struct list *list, int bucket, int64_t number)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].number == number && list->items[i].bucket == bucket)
			return &list->items[i];
	return NULL;
}

static void changed(struct list *list, int bucket)
{
	for (int user = 0; user < USERS; user++)
		list->last_beat[user][bucket] = 0;
}

/* Its number is the store's choice, but new. */
static struct item *add(struct list *list, struct item made)
{
	struct item *item = &list->items[list->count++];

	OK(made.number > list->last_number);
	list->last_number = made.number;
	*item = made;
	changed(list, made.bucket);
	return item;
}

static struct item *newest(struct list *list, int user, int bucket)
{
	struct item *best = NULL;

	if (list->last_beat[user][bucket] != 0)
		return item_by_number(list, bucket, list->last_beat[user][bucket]);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].bucket == bucket &&
			(!best || by_order(&list->items[i], best) < 0))
			best = &list->items[i];
	return best;
}

static void drop(struct list *list, size_t at)
{
	changed(list, list->items[at].bucket);
	list->items[at] = list->items[--list->count];
}

/* --- one operation on both --- */

static void do_insert(struct world *w, struct intake *intake, int bucket)
{
	int64_t start = T0 + dice(w, SPAN) * S, duration = dice(w, 8) == 0 ? -S : dice(w, 9) * S;
	int data = (int)dice(w, 3);
	struct aw_event event = aw_make_event(start, duration, datas[data]);
	struct err err;

	if (dice(w, 20) == 0)
		event.duration_ns = duration = 30 * S;
	GOOD(aw_insert(intake, w->bucket_no[bucket], &event, &err));
	add(&w->list, (struct item){ event.number, start, duration, bucket, data });
}

static void do_beat(struct world *w, struct intake *intake, int bucket, int64_t pulse)
{
	struct item *last = newest(&w->list, w->user, bucket);
	struct beat beat = { T0 + dice(w, SPAN) * S, dice(w, 4) * S }, merged;
	int data = (int)dice(w, 2);
	struct aw_event event;
	struct err err;

	if (last && dice(w, 3) > 0)
		beat.start_ns = last->start_ns + last->duration_ns + dice(w, 3) * S;
	event = aw_make_event(beat.start_ns, beat.duration_ns, datas[data]);
	GOOD(aw_heartbeat(intake, w->bucket_no[bucket], &event, pulse, &err));
	merged = last ? (struct beat){ last->start_ns, last->duration_ns } : (struct beat){ 0, 0 };
	if (last && last->data == data && heartbeat_merge(&merged, &beat, pulse)) {
		if (merged.duration_ns != last->duration_ns) {
			last->duration_ns = merged.duration_ns;
			changed(&w->list, bucket);
			w->list.last_beat[w->user][bucket] = last->number;
		}
	} else {
		last = add(&w->list, (struct item){ event.number, beat.start_ns, beat.duration_ns,
					     bucket, data });
		w->list.last_beat[w->user][bucket] = last->number;
	}
	IS_INT(event.number, last->number);
	IS_INT(event.start_ns, last->start_ns);
	IS_INT(event.duration_ns, last->duration_ns);
}

/* An event's, of whichever bucket; or any. */
static int64_t some_number(struct world *w)
{
	if (w->list.count > 0 && dice(w, 2) == 0)
		return w->list.items[dice(w, (int64_t)w->list.count)].number;
	return 1 + dice(w, w->list.last_number + 1);
}

static void do_replace(struct world *w, struct intake *intake, int bucket)
{
	int64_t number = some_number(w);
	struct item *item = item_by_number(&w->list, bucket, number);
	struct aw_event event = aw_make_event(T0 + dice(w, SPAN) * S, dice(w, 9) * S, datas[1]);
	bool same;
	struct err err;

	event.number = number;
	if (!item) {
		FAILS(aw_replace(intake, w->bucket_no[bucket], &event, &err), ERR_NOT_FOUND);
		return;
	}
	GOOD(aw_replace(intake, w->bucket_no[bucket], &event, &err));
	same = item->start_ns == event.start_ns && item->duration_ns == event.duration_ns &&
	       item->data == 1;
	item->start_ns = event.start_ns;
	item->duration_ns = event.duration_ns;
	item->data = 1;
	if (!same)
		changed(&w->list, bucket);
}

static void do_remove(struct world *w, struct intake *intake, int bucket)
{
	int64_t number = some_number(w);
	struct item *item = item_by_number(&w->list, bucket, number);
	bool removed;
	struct err err;

	GOOD(aw_remove(intake, w->bucket_no[bucket], number, &removed, &err));
	IS_INT(removed, item != NULL);
	if (item)
		drop(&w->list, (size_t)(item - w->list.items));
}

static void do_merge(struct world *w, struct intake *intake, int bucket)
{
	int64_t start = T0 + dice(w, SPAN) * S, duration = dice(w, 3) * S;
	struct aw_event event = aw_make_event(start, duration, datas[0]);
	bool added, there = false;
	struct err err;

	for (size_t i = 0; i < w->list.count; i++) {
		const struct item *item = &w->list.items[i];

		there |= item->bucket == bucket && item->start_ns == start &&
			 item->duration_ns == duration && item->data == 0;
	}
	GOOD(aw_merge(intake, w->bucket_no[bucket], &event, &added, &err));
	IS_INT(added, !there);
	if (!there)
		add(&w->list, (struct item){ event.number, start, duration, bucket, 0 });
}

static void do_delete(struct world *w, struct intake *intake, int bucket)
{
	struct err err;
	char id[2] = { (char)('a' + bucket), '\0' };

	GOOD(aw_delete(intake, w->bucket_no[bucket], &err));
	for (size_t i = w->list.count; i-- > 0;)
		if (w->list.items[i].bucket == bucket)
			drop(&w->list, i);
	IS_INT(make_bucket(intake, id), w->bucket_no[bucket]);
}

static void operate(struct world *w, struct intake *intake)
{
	int bucket = (int)dice(w, BUCKETS);
	int64_t what = dice(w, 100);

	if (w->list.count > MOST - 10 || what == 0)
		do_delete(w, intake, bucket);
	else if (what < 25)
		do_insert(w, intake, bucket);
	else if (what < 65)
		do_beat(w, intake, bucket, (dice(w, 4) - 1) * S);
	else if (what < 75)
		do_replace(w, intake, bucket);
	else if (what < 92)
		do_remove(w, intake, bucket);
	else
		do_merge(w, intake, bucket);
}

/* --- what both say --- */

static void list_expected(
	struct world *w, int bucket, const struct aw_range *range, struct buf *out, int64_t *count)
{
	struct item sorted[MOST];

	*count = 0;
	for (size_t i = 0; i < w->list.count; i++) {
		const struct item *item = &w->list.items[i];

		if (item->bucket == bucket && range->from_ns <= range->to_ns &&
			item->start_ns <= range->to_ns &&
			item->start_ns + item->duration_ns >= range->from_ns)
			sorted[(*count)++] = *item;
	}
	qsort(sorted, (size_t)*count, sizeof(*sorted), by_order);
	for (int64_t i = 0; i < *count; i++)
		buf_printf(out, "%s%lld %lld %lld %s", i > 0 ? "|" : "",
			(long long)sorted[i].number, (long long)(sorted[i].start_ns - T0),
			(long long)sorted[i].duration_ns, datas[sorted[i].data]);
}

static void compare_range(struct world *w, int bucket, struct aw_range range)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT, got = BUF_INIT;
	int64_t count;

	list_expected(w, bucket, &range, &want, &count);
	list_range(w->store[0], range, &got);
	OK(str_eq(buf_str(&got), buf_str(&want)));
	IS_INT(count_of(w->store[0], range), count);
}

static void compare_ends(struct world *w, int bucket)
{
	char id[2] = { (char)('a' + bucket), '\0' };
	int64_t first = INT64_MIN, end = INT64_MIN;
	struct aw_bucket shown = { 0 };
	struct err err;

	for (size_t i = 0; i < w->list.count; i++) {
		const struct item *item = &w->list.items[i];

		if (item->bucket != bucket)
			continue;
		if (first == INT64_MIN || item->start_ns < first)
			first = item->start_ns;
		if (item->start_ns + item->duration_ns > end)
			end = item->start_ns + item->duration_ns;
	}
	GOOD(aw_bucket_find(w->store[0], str_from(id), &w->f.arena, &shown, &err));
	IS_INT(shown.first_ns, first);
	IS_INT(shown.end_ns, end);
}

static void compare(struct world *w)
{
	for (int bucket = 0; bucket < BUCKETS; bucket++) {
		struct aw_range range = range_all(w->bucket_no[bucket]);

		compare_range(w, bucket, range);
		range.from_ns = T0 + dice(w, SPAN) * S;
		compare_range(w, bucket, range);
		range.to_ns = T0 + dice(w, SPAN) * S;
		compare_range(w, bucket, range);
		compare_ends(w, bucket);
	}
}

/* True: the list has an event of this number in this bucket, and the store says the same. */
static bool compare_number(struct world *w, int bucket, int64_t number)
{
	const struct item *item = item_by_number(&w->list, bucket, number);
	struct aw_event event = { 0 };
	struct err err;
	int rc =
		aw_event_find(w->store[0], w->bucket_no[bucket], number, &w->f.arena, &event, &err);

	IS_INT(rc, item ? 0 : ERR_NOT_FOUND);
	if (!item || rc < 0)
		return false;
	IS_INT(event.number, number);
	IS_INT(event.start_ns, item->start_ns);
	IS_INT(event.duration_ns, item->duration_ns);
	IS_STR(event.data, datas[item->data]);
	return true;
}

/* Every event is found under its number, in its bucket alone, and nothing under a number that is
 * only a change's: of those each is asked for in one bucket, as each is a question. */
static void compare_numbers(struct world *w)
{
	struct store_info info;
	size_t found = 0;
	struct err err;

	for (size_t i = 0; i < w->list.count; i++)
		for (int bucket = 0; bucket < BUCKETS; bucket++)
			found += compare_number(w, bucket, w->list.items[i].number);
	IS_INT(found, w->list.count);
	GOOD(store_info(w->store[0], &info, &err));
	for (int64_t number = 0; number <= info.last_seq + 10; number++)
		compare_number(w, (int)(number % BUCKETS), number);
}

/* What other changes there were, later numbers are above. */
static void pass_changes(struct world *w)
{
	struct store_info info;
	struct err err;

	GOOD(store_info(w->store[0], &info, &err));
	OK(info.last_seq >= w->list.last_number);
	w->list.last_number = info.last_seq;
}

static void start(struct world *w)
{
	struct err err;

	for (int i = 0; i < USERS; i++) {
		w->store[i] = fixture_open(&w->f);
		GOOD(intake_begin_lazy(&w->intake[i], w->store[i], &err));
	}
}

static void stop(struct world *w)
{
	for (int i = 0; i < USERS; i++) {
		intake_free(w->intake[i]);
		store_close(w->store[i]);
	}
	memset(w->list.last_beat, 0, sizeof(w->list.last_beat)); /* who remembers is gone */
}

static void round_of(struct world *w)
{
	int user = w->user = dice(w, 4) == 0;

	w->committed = w->list;
	for (int64_t i = 1 + dice(w, 12); i > 0; i--)
		operate(w, w->intake[user]);
	if (dice(w, 8) > 0) {
		commit(w->intake[user]);
		pass_changes(w);
	} else {
		struct err err;

		intake_free(w->intake[user]);
		GOOD(intake_begin_lazy(&w->intake[user], w->store[user], &err));
		w->list = w->committed;
		memset(w->list.last_beat[user], 0, sizeof(w->list.last_beat[user]));
	}
	compare(w);
	if (dice(w, 40) == 0) {
		stop(w);
		start(w);
	}
}

static void random_operations_agree(void)
{
	static struct world w;
	struct err err;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		w = (struct world){ .random = seed * UINT64_C(0x9e3779b97f4a7c15) };
		fixture_begin(&w.f);
		start(&w);
		for (int bucket = 0; bucket < BUCKETS; bucket++) {
			char id[2] = { (char)('a' + bucket), '\0' };

			w.bucket_no[bucket] = make_bucket(w.intake[0], id);
		}
		commit(w.intake[0]);
		for (int i = store_place_rounds(ROUNDS); i-- > 0 && tap.failed == 0;)
			round_of(&w);
		compare_numbers(&w);
		GOOD(store_verify(w.store[0], NULL, &err));
		stop(&w);
		fixture_end(&w.f);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(random_operations_agree),
};
TAP_MAIN(cases)
