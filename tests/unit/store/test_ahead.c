/*
 * What is looked up together before it is taken (intake_expect, aw_expect_beats) changes
 * nothing but the number of questions: two stores get the same, one with and one without, and
 * everything that is answered and stored is the same. Others write between.
 */
#include "aw_fixture.h"
#include "base/hash.h"
#include "model/limits.h"
#include "store/sql/db.h"

enum { PLAIN, AHEAD, BOTH };

struct pair {
	struct fixture f[BOTH];
	struct store *store[BOTH];
	struct store *other[BOTH]; /* connections of somebody else */
	struct intake *intake[BOTH];
	struct arena arena;
	uint64_t dice;
	int64_t now_ns;      /* events come later and later */
	int64_t numbers[40]; /* that were given last, the oldest overwritten first */
	size_t given;
};

static size_t dice(struct pair *p, size_t sides)
{
	p->dice = hash64((struct str){ (const char *)&p->dice, sizeof(p->dice) }, 3);
	return (size_t)(p->dice % sides);
}

static void pair_begin(struct pair *p)
{
	*p = (struct pair){ .dice = 1 };
	for (int i = 0; i < BOTH; i++) {
		p->store[i] = open_new(&p->f[i]);
		p->other[i] = fixture_open(&p->f[i]);
	}
}

static void pair_end(struct pair *p)
{
	for (int i = 0; i < BOTH; i++) {
		intake_free(p->intake[i]);
		store_close(p->other[i]);
		close_all(&p->f[i], p->store[i]);
	}
	arena_release(&p->arena);
}

static void begin_both(struct pair *p)
{
	bool lazy = dice(p, 3) > 0;
	struct err err;

	for (int i = 0; i < BOTH; i++) {
		intake_free(p->intake[i]);
		p->intake[i] = NULL;
		GOOD((lazy ? intake_begin_lazy : intake_begin)(&p->intake[i], p->store[i], &err));
	}
}

static void commit_both(struct pair *p)
{
	for (int i = 0; i < BOTH; i++)
		commit(p->intake[i]);
}

/* --- events --- */

enum { MOST_EVENTS = 80 };

static struct event any_event(struct pair *p)
{
	int64_t start_ns = p->now_ns - (int64_t)dice(p, 6) * 40 * 24 * NS_PER_HOUR +
			   (int64_t)dice(p, 3) * NS_PER_MS + (dice(p, 4) == 0);
	struct str key = arena_printf(&p->arena, "k%zu", dice(p, 4));
	struct event event = event_make(&p->arena, dice(p, 2) ? "x" : "y", start_ns, key.ptr,
		arena_printf(&p->arena, "{\"a\":%zu}", dice(p, 300)).ptr);

	if (dice(p, 6) == 0)
		event.id = arena_printf(&p->arena, "odd-%zu", dice(p, 9));
	if (dice(p, 40) == 0)
		event.id = (struct str){ "a\0b", 3 };
	event.revision = (int64_t)dice(p, 4);
	event.duration_ns = (int64_t)dice(p, 3);
	event.deleted = dice(p, 9) == 0;
	if (event.deleted)
		event.data = (struct str){ NULL, 0 };
	return event;
}

/* Some of those that come, some that do not, some twice. */
static void expect_some(struct pair *p, const struct event *events, size_t count)
{
	struct event expected[MOST_EVENTS];
	size_t expected_count = dice(p, MOST_EVENTS);
	struct err err;

	for (size_t i = 0; i < expected_count; i++)
		expected[i] = dice(p, 5) ? events[dice(p, count)] : any_event(p);
	GOOD(intake_expect(p->intake[AHEAD], expected, expected_count, &err));
}

/* Somebody else's batches, which end before ours goes on: of ids and data that are ours, too. */
static void interfere(struct pair *p, const struct event *events, size_t count)
{
	size_t batches = dice(p, 4);

	while (batches-- > 0) {
		struct event event = events[dice(p, count)];

		if (dice(p, 2))
			event.revision = (int64_t)dice(p, 6);
		if (dice(p, 4) == 0)
			event.data = events[dice(p, count)].data;
		if (event.deleted || event.data.len == 0)
			event = any_event(p);
		for (int i = 0; i < BOTH; i++)
			(void)fixture_take(p->other[i], &event);
	}
}

static void take_in_both(struct pair *p, const struct event *event)
{
	enum intake_result result[BOTH] = { INTAKE_QUARANTINED, INTAKE_QUARANTINED };
	struct err err;

	for (int i = 0; i < BOTH; i++)
		GOOD(intake_event(p->intake[i], event, &fixture_origin, &result[i], &err));
	IS_INT(result[AHEAD], result[PLAIN]);
}

static void withdraw_in_both(struct pair *p, struct str id)
{
	struct err err;

	if (str_find(id, '\0', 0) >= 0)
		return;
	for (int i = 0; i < BOTH; i++)
		GOOD(intake_withdraw(p->intake[i], id, &err));
}

static void take_block(struct pair *p)
{
	struct event events[MOST_EVENTS];
	size_t count = 1 + dice(p, MOST_EVENTS);

	for (size_t i = 0; i < count; i++)
		events[i] = any_event(p);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || dice(p, 30) == 0)
			expect_some(p, events, count);
		if (dice(p, 20) == 0) {
			commit_both(p);
			interfere(p, events, count);
		}
		if (dice(p, 20) == 0)
			withdraw_in_both(p, events[dice(p, count)].id);
		take_in_both(p, &events[i]);
	}
}

/* Equal data has one number. Quadratic: there are few. */
static void check_numbers(struct pair *p, struct store *store)
{
	const struct event_filter all = { 0 };
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct db_rows rows = db_rows(&p->arena, sizeof(struct stored_event));
	struct stored_event row, *seen;
	int wrong = 0;
	struct err err;

	if (!GOOD(event_scan_open(&scan, store, &all, &err)))
		return;
	while (event_scan_next(scan, &row, &err) == 1) {
		row.event.data = arena_str(&p->arena, row.event.data);
		seen = rows.items;
		for (size_t i = 0; i < rows.count; i++)
			wrong += (seen[i].data_no == row.data_no) !=
				 str_eq(seen[i].event.data, row.event.data);
		db_rows_add(&rows, &row);
	}
	IS_INT(wrong, 0);
}

static void compare(struct pair *p)
{
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	CLEANUP(buf_release) struct buf ahead = BUF_INIT;

	fixture_dump(p->store[PLAIN], &plain);
	fixture_dump(p->store[AHEAD], &ahead);
	OK(plain.len > 0);
	IS_STR(buf_str(&ahead), buf_cstr(&plain));
	check_numbers(p, p->store[AHEAD]);
}

static void events(void)
{
	struct pair p;

	pair_begin(&p);
	for (int round = 0; round < 40; round++) {
		p.now_ns = T0 + round * 10 * 24 * NS_PER_HOUR;
		begin_both(&p);
		take_block(&p);
		if (dice(&p, 4) > 0)
			commit_both(&p);
		arena_reset(&p.arena);
	}
	begin_both(&p); /* undoes the last block, if it is open */
	commit_both(&p);
	compare(&p);
	pair_end(&p);
}

static void lines(void)
{
	static const struct str text[] = { STR_INIT("no JSON"), STR_INIT(""),
		STR_INIT("{\"type\":\"header\",\"format\":1}"),
		STR_INIT("{\"id\":\"i1\",\"timestamp\":\"2026-01-02T00:00:00Z\",\"type\":\"x\","
			 "\"data\":{\"a\":1}}"),
		STR_INIT(
			"{\"id\":\"i\\u0000\",\"timestamp\":\"2026-01-02T00:00:00Z\",\"type\":\"x\","
			"\"data\":{\"a\":\"\\u0000\"}}") };
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	enum intake_result result;
	struct err err;

	GOOD(intake_expect_lines(intake, text, ARRAY_LEN(text), STR("s"), &err));
	GOOD(intake_expect_lines(intake, text, 0, STR("s"), &err));
	for (int i = 0; i < 2; i++) {
		GOOD(intake_line(intake, text[3], STR("s"), &fixture_origin, &result, NULL, &err));
		IS_INT(result, i == 0 ? INTAKE_NEW : INTAKE_DUPLICATE);
	}
	GOOD(intake_line(intake, text[4], STR("s"), &fixture_origin, &result, NULL, &err));
	IS_INT(result, INTAKE_QUARANTINED);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

/* --- heartbeats --- */

static void compare_bucket(struct pair *p, int64_t bucket_no)
{
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	CLEANUP(buf_release) struct buf ahead = BUF_INIT;

	list_range(p->store[PLAIN], range_all(bucket_no), &plain);
	list_range(p->store[AHEAD], range_all(bucket_no), &ahead);
	IS_STR(buf_str(&ahead), buf_cstr(&plain));
}

enum { MOST_BEATS = 30 };
static const char *const buckets[] = { "b0", "b1", "b2", "none" };

struct beats {
	struct aw_event events[MOST_BEATS];
	const char *bucket_ids[MOST_BEATS];
	size_t count;
};

static void make_beats(struct pair *p, struct beats *beats, int64_t *now_ns)
{
	beats->count = dice(p, MOST_BEATS);
	for (size_t i = 0; i < beats->count; i++) {
		*now_ns += (int64_t)dice(p, 4) * S;
		beats->bucket_ids[i] = buckets[dice(p, ARRAY_LEN(buckets))];
		beats->events[i] = aw_make_event(*now_ns - (dice(p, 10) == 0 ? 20 * S : 0),
			(int64_t)dice(p, 3) * S,
			arena_printf(&p->arena, "{\"w\":%zu}", dice(p, 3)).ptr);
	}
}

static void expect_beats(struct pair *p, const struct beats *beats)
{
	struct intake *intakes[MOST_BEATS];
	struct aw_beat expected[MOST_BEATS];
	struct err err;

	for (size_t i = 0; i < beats->count; i++) {
		intakes[i] = p->intake[AHEAD];
		expected[i] = (struct aw_beat){ STR(MACHINE_A), str_from(beats->bucket_ids[i]),
			&beats->events[i] };
	}
	GOOD(aw_expect_beats(intakes, expected, beats->count, &err));
}

static void beat_both(struct pair *p, const struct beats *beats, size_t at)
{
	struct aw_event event[BOTH] = { beats->events[at], beats->events[at] };
	int64_t bucket_no[BOTH] = { 0 };
	int rc[BOTH];
	struct err err;

	for (int i = 0; i < BOTH; i++) {
		rc[i] = aw_target(
			p->intake[i], str_from(beats->bucket_ids[at]), &bucket_no[i], &err);
		if (rc[i] == 0)
			GOOD(aw_heartbeat(p->intake[i], bucket_no[i], &event[i], 3 * S, &err));
	}
	IS_INT(rc[AHEAD], rc[PLAIN]);
	IS_INT(bucket_no[AHEAD], bucket_no[PLAIN]);
	IS_INT(event[AHEAD].number, event[PLAIN].number);
	p->numbers[p->given++ % ARRAY_LEN(p->numbers)] = event[AHEAD].number;
	IS_INT(event[AHEAD].start_ns, event[PLAIN].start_ns);
	IS_INT(event[AHEAD].duration_ns, event[PLAIN].duration_ns);
}

/* Somebody else's change to a bucket: an event inserted, removed, or put elsewhere (it is odd
 * then). */
static void interfere_in_bucket(struct pair *p, int64_t now_ns)
{
	int64_t bucket_no = 1 + (int64_t)dice(p, 3);
	int64_t number = p->numbers[dice(p, ARRAY_LEN(p->numbers))];
	size_t what = dice(p, 4);
	const struct aw_event moved = { .number = number,
		.start_ns = now_ns - (int64_t)dice(p, 3) * S,
		.duration_ns = (int64_t)dice(p, 3) * S,
		.data = arena_printf(&p->arena, "{\"w\":%zu}", dice(p, 3)) };

	for (int i = 0; i < BOTH; i++) {
		struct intake *intake = begin(p->other[i]);
		struct aw_event event = moved;
		bool removed;
		struct err err;
		int rc = 0;

		if (what < 2)
			rc = aw_insert(intake, bucket_no, &event, &err);
		else if (what == 2)
			rc = aw_remove(intake, bucket_no, number, &removed, &err);
		else
			rc = aw_replace(intake, bucket_no, &event, &err);
		OK(rc == 0 || rc == ERR_NOT_FOUND);
		commit(intake);
		intake_free(intake);
	}
}

static void begin_beats(struct pair *p)
{
	bool locked;
	struct err err;

	for (int i = 0; i < BOTH; i++) {
		GOOD(intake_device(p->intake[i], STR(MACHINE_A), &err));
		GOOD(intake_lock_all(&p->intake[i], 1, &locked, &err));
		OK(locked);
	}
}

static void heartbeats(void)
{
	struct pair p;
	int64_t now_ns = T0;

	pair_begin(&p);
	for (int i = 0; i < BOTH; i++) {
		p.intake[i] = begin(p.store[i]);
		for (int no = 0; no < 3; no++)
			IS_INT(make_bucket(p.intake[i], buckets[no]), no + 1);
		commit(p.intake[i]);
	}
	for (int round = 0; round < 60; round++) {
		struct beats beats;

		make_beats(&p, &beats, &now_ns);
		begin_beats(&p);
		expect_beats(&p, &beats);
		for (size_t i = 0; i < beats.count; i++)
			beat_both(&p, &beats, i);
		if (dice(&p, 8) > 0)
			commit_both(&p);
		else
			begin_both(&p), commit_both(&p); /* undone */
		for (size_t i = dice(&p, 4); i > 0; i--)
			interfere_in_bucket(&p, now_ns);
	}
	for (int64_t no = 1; no <= 3; no++)
		compare_bucket(&p, no);
	pair_end(&p);
}

/* What was undone had change numbers that others give out again. */
static void undone_beats_are_forgotten(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct intake *intake = begin(store), *others;
	int64_t bucket_no = make_bucket(intake, "b");
	struct aw_event event;

	(void)beat(intake, bucket_no, T0, 0, "{\"a\":1}", S);
	commit(intake);
	(void)beat(intake, bucket_no, T0 + 100 * S, 0, "{\"a\":1}", S);
	intake_free(intake);
	others = begin(other);
	(void)beat(others, bucket_no, T0 + 200 * S, 0, "{\"a\":2}", S);
	commit(others);
	intake_free(others);
	intake = begin(store);
	event = beat(intake, bucket_no, T0 + 201 * S, 0, "{\"a\":2}", S);
	IS_INT(event.start_ns, T0 + 200 * S);
	commit(intake);
	intake_free(intake);
	store_close(other);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(events),
	TAP_CASE(lines),
	TAP_CASE(heartbeats),
	TAP_CASE(undone_beats_are_forgotten),
};
TAP_MAIN(cases)
