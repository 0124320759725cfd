/*
 * Imports into a bucket (aw_merge): an event is added unless an equal one is there, whatever was
 * read together before, in whatever order they come, and whoever writes between.
 */
#include "aw_fixture.h"
#include "base/hash.h"
#include "store/aw_window.h"

struct world {
	struct store *store;
	struct intake *intake;
	struct arena arena;
	uint64_t dice;
};

static int64_t world_begin(struct world *w, struct fixture *f, uint64_t seed)
{
	*w = (struct world){ .dice = seed };
	w->store = open_new(f);
	w->intake = begin(w->store);
	return make_bucket(w->intake, "b");
}

static void world_end(struct world *w, struct fixture *f)
{
	intake_free(w->intake);
	close_all(f, w->store);
	arena_release(&w->arena);
}

static size_t dice(struct world *w, size_t sides)
{
	w->dice = hash64((struct str){ (const char *)&w->dice, sizeof(w->dice) }, 3);
	return (size_t)(w->dice % sides);
}

/* The naive model: an event is added unless an equal one is there. */
struct list {
	struct aw_event events[4000];
	size_t count;
};

static bool add_to_list(struct list *list, const struct aw_event *event)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct aw_event *one = &list->events[i];

		if (one->start_ns == event->start_ns && one->duration_ns == event->duration_ns &&
			str_eq(one->data, event->data))
			return false;
	}
	list->events[list->count++] = *event;
	return true;
}

static void merge_one(
	struct world *w, struct list *list, int64_t bucket_no, const struct aw_event *event)
{
	struct aw_event given = *event;
	bool added = false;
	struct err err;

	GOOD(aw_merge(w->intake, bucket_no, &given, &added, &err));
	OK(added == add_to_list(list, event));
}

static void merge(struct world *w, struct list *list, int64_t bucket_no, int64_t at)
{
	struct aw_event event = aw_make_event(T0 + at * NS_PER_HOUR, (int64_t)dice(w, 2),
		arena_printf(&w->arena, "{\"d\":%zu}", dice(w, 3)).ptr);

	merge_one(w, list, bucket_no, &event);
}

/* Up, down and anyhow, over more than what is read together; and other changes between. */
static void imports(void)
{
	enum { MOST = 2500 };
	struct fixture f;
	struct world w;
	struct list *list = mem_zalloc(sizeof(*list));
	int64_t bucket_no = world_begin(&w, &f, 1);
	struct err err;

	for (int64_t i = 0; i < MOST; i += 2)
		merge(&w, list, bucket_no, i);
	for (int64_t i = 0; i < 700; i++)
		merge(&w, list, bucket_no, 3 * i);
	commit(w.intake);
	for (int64_t i = 700; i-- > 0;) {
		merge(&w, list, bucket_no, 3 * i);
		if (i % 100 == 50)
			commit(w.intake);
		if (i % 100 == 70) {
			bool removed = false;

			GOOD(aw_remove(w.intake, bucket_no, 1 + i, &removed, &err));
			OK(removed);
			list->events[i].start_ns = INT64_MIN; /* it is gone */
		}
	}
	for (int i = 0; i < 500; i++)
		merge(&w, list, bucket_no, (int64_t)dice(&w, MOST));
	commit(w.intake);
	IS_INT(count_of(w.store, range_all(bucket_no)), (int64_t)list->count - 7);
	world_end(&w, &f);
	free(list);
}

static int by_start(const void *left, const void *right)
{
	const struct aw_event *l = left, *r = right;

	return (l->start_ns > r->start_ns) - (l->start_ns < r->start_ns);
}

/* Some near AT, in order. */
static void make_block(struct world *w, int64_t at, struct aw_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		events[i] = aw_make_event(T0 + (at + (int64_t)dice(w, 60)) * NS_PER_HOUR,
			(int64_t)dice(w, 2),
			arena_printf(&w->arena, "{\"d\":%zu}", dice(w, 3)).ptr);
	qsort(events, count, sizeof(*events), by_start);
}

/* Blocks that were expected, anywhere, up or down: the same as if nobody had told. */
static void expected_imports(void)
{
	enum { BLOCKS = 120, MOST = 50 };
	struct fixture f;
	struct world w;
	struct list *list = mem_zalloc(sizeof(*list));
	int64_t bucket_no = world_begin(&w, &f, 2);
	struct err err;

	for (int i = 0; i < BLOCKS; i++) {
		struct aw_event events[MOST];
		size_t count = 1 + dice(&w, MOST);

		make_block(&w, (int64_t)dice(&w, 1000), events, count);
		GOOD(aw_expect_merges(w.intake, bucket_no, events, count, dice(&w, 2) == 1, &err));
		for (size_t k = 0; k < count; k++)
			merge_one(&w, list, bucket_no, &events[k]);
		if (dice(&w, 3) == 0)
			commit(w.intake);
	}
	commit(w.intake);
	IS_INT(count_of(w.store, range_all(bucket_no)), (int64_t)list->count);
	world_end(&w, &f);
	free(list);
}

enum { EQUAL = 7, STARTS = AW_WINDOW_LOAD / EQUAL + 40, BLOCK = 98 };

static bool equal_is_added(struct intake *intake, int64_t bucket_no, int64_t at)
{
	struct aw_event event = aw_make_event(T0 + at / EQUAL, at % EQUAL, "{\"a\":1}");
	bool added = false;
	struct err err;

	GOOD(aw_merge(intake, bucket_no, &event, &added, &err));
	return added;
}

static void expect_block(struct intake *intake, int64_t bucket_no, int64_t first, bool down)
{
	struct aw_event events[BLOCK];
	struct err err;

	for (int64_t i = 0; i < BLOCK; i++)
		events[i] =
			aw_make_event(T0 + (first + i) / EQUAL, (first + i) % EQUAL, "{\"a\":1}");
	GOOD(aw_expect_merges(intake, bucket_no, events, BLOCK, down, &err));
}

/* What is read together ends between events of one start: none of these may be taken for new. */
static void imports_of_equal_starts(void)
{
	const int64_t blocks = STARTS * EQUAL / BLOCK, all = blocks * BLOCK;
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t bucket_no = make_bucket(intake, "b");

	_Static_assert(AW_WINDOW_LOAD % EQUAL != 0, "it would end behind them");
	_Static_assert(STARTS * EQUAL / BLOCK * BLOCK > AW_WINDOW_LOAD, "it would not end");
	for (int round = 0; round < 4; round++) { /* made, looked for, told of up and down */
		int wrong = 0;

		for (int64_t i = 0; i < all; i++) {
			bool down = round == 3;
			int64_t block = down ? blocks - 1 - i / BLOCK : i / BLOCK;

			if (round >= 2 && i % BLOCK == 0)
				expect_block(intake, bucket_no, block * BLOCK, down);
			wrong += equal_is_added(intake, bucket_no, block * BLOCK + i % BLOCK) !=
				 (round == 0);
		}
		IS_INT(wrong, 0);
		commit(intake);
		intake_free(intake);
		intake = begin(store);
	}
	for (int64_t at = all; at-- > all - BLOCK;) /* downwards, and nobody has told */
		OK(!equal_is_added(intake, bucket_no, at));
	IS_INT(count_of(store, range_all(bucket_no)), all);
	intake_free(intake);
	close_all(&f, store);
}

static bool is_added(struct intake *intake, int64_t bucket_no, int64_t at, int64_t *number)
{
	struct aw_event event = aw_make_event(T0 + at * S, 0, "{\"a\":1}");
	bool added = false;
	struct err err;

	GOOD(aw_merge(intake, bucket_no, &event, &added, &err));
	*number = event.number;
	return added;
}

static void remove_one(struct intake *intake, int64_t bucket_no, int64_t number)
{
	bool removed = false;
	struct err err;

	GOOD(aw_remove(intake, bucket_no, number, &removed, &err));
	OK(removed);
}

/* What was removed is new again, whoever removed it, and whatever came in between. */
static void imports_after_removals(void)
{
	enum { COUNT = 10 };
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct intake *intake = begin(store), *others;
	int64_t buckets[] = { make_bucket(intake, "b"), make_bucket(intake, "c") };
	struct aw_event moved = aw_make_event(T0 + 30 * S, 0, "{\"a\":1}");
	int64_t numbers[COUNT], number;
	struct err err;

	for (int i = 0; i < COUNT; i++)
		OK(is_added(intake, buckets[0], i, &numbers[i]));
	moved.number = numbers[3];
	GOOD(aw_replace(intake, buckets[0], &moved, &err)); /* its id says another time now */
	OK(!is_added(intake, buckets[0], 30, &number));
	OK(is_added(intake, buckets[0], 3, &number));
	OK(!is_added(intake, buckets[0], 0, &number)); /* all are known now */
	remove_one(intake, buckets[0], numbers[5]);
	OK(is_added(intake, buckets[0], COUNT, &number));
	OK(is_added(intake, buckets[0], 5, &number));
	OK(!is_added(intake, buckets[0], 5, &number));
	commit(intake);
	others = begin(other);
	remove_one(others, buckets[0], numbers[7]);
	commit(others);
	intake_free(others);
	OK(!is_added(intake, buckets[0], 6, &number));
	IS_INT(number, numbers[6]);
	OK(is_added(intake, buckets[0], 7, &number));
	for (int i = 0; i < COUNT; i++) { /* another bucket is another one */
		OK(is_added(intake, buckets[1], i, &number));
		OK(!is_added(intake, buckets[0], i, &number));
		OK(!is_added(intake, buckets[1], i, &number));
	}
	commit(intake);
	intake_free(intake);
	store_close(other);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(imports),
	TAP_CASE(expected_imports),
	TAP_CASE(imports_of_equal_starts),
	TAP_CASE(imports_after_removals),
};
TAP_MAIN(cases)
