/*
 * Heartbeats that are looked up together: of several users in one batch, and of buckets whose last
 * event is not where one would look first. What becomes of them is what becomes of each by itself.
 */
#include "aw_fixture.h"
#include "pg_sent.h"
#include "store/users.h"

/* --- several users in one batch --- */

enum { PLAIN, AHEAD, BOTH, USERS = 3, ROUNDS = 4, TWIN = 3, IDS, BEATS = USERS * (IDS + 1) };
static const char *const ids[IDS] = { "b0", "b1", "b2", "twin" };

/* The same people twice: of one set each has a connection; of the other all are on one, as in a
 * server, and are looked up together. */
struct crowd {
	struct fixture f[BOTH][USERS];
	struct store *own[BOTH][USERS];
	struct store *server; /* of AHEAD */
	struct intake *intake[BOTH][USERS];
};

/* Equal ids have other numbers with each, as equal data has; numbers mean other things. */
static void fill_bucket(struct crowd *c, int set, int user)
{
	struct intake *intake = begin(c->own[set][user]);
	struct arena *arena = &c->f[set][user].arena;
	const char *data = arena_printf(arena, "{\"u\":%d}", user).ptr;
	int64_t bucket_no[IDS], twin;

	for (int i = 0; i < IDS; i++)
		bucket_no[(i + user) % IDS] = make_bucket(intake, ids[(i + user) % IDS]);
	twin = make_on(intake, MACHINE_B, ids[TWIN], "t");
	for (int i = 0; i < 2 * user; i++)
		(void)put(intake, bucket_no[0], T0 - NS_PER_HOUR, i,
			arena_printf(arena, "{\"filler\":%d}", i).ptr);
	for (int i = 0; i < IDS; i++)
		(void)put(intake, bucket_no[i], T0 + (100 * user + i) * S, 0, data);
	(void)put(intake, twin, T0 + (100 * user + 9) * S, 0, data);
	commit(intake);
	intake_free(intake);
}

static void crowd_begin(struct crowd *c)
{
	struct err err;

	*c = (struct crowd){ 0 };
	for (int set = 0; set < BOTH; set++)
		for (int user = 0; user < USERS; user++) {
			c->own[set][user] = open_new(&c->f[set][user]);
			fill_bucket(c, set, user);
		}
	c->server = fixture_open(&c->f[AHEAD][0]);
	for (int user = 0; user < USERS; user++) {
		const struct actor actor = store_actor(c->own[AHEAD][user]);

		GOOD(intake_begin_lazy(&c->intake[PLAIN][user], c->own[PLAIN][user], &err));
		GOOD(store_as(c->server, &actor, &err));
		GOOD(intake_begin_lazy(&c->intake[AHEAD][user], c->server, &err));
	}
}

static void crowd_end(struct crowd *c)
{
	for (int set = 0; set < BOTH; set++)
		for (int user = 0; user < USERS; user++)
			intake_free(c->intake[set][user]);
	store_close(c->server);
	for (int set = 0; set < BOTH; set++)
		for (int user = 0; user < USERS; user++)
			close_all(&c->f[set][user], c->own[set][user]);
}

/* Users in turn; the last beats are of the second twin. Now the same data as before, now another,
 * which all have. */
static void make_beat(
	int round, size_t at, struct arena *arena, struct aw_beat *beat, struct aw_event *event)
{
	int user = (int)(at % USERS), bucket = (int)(at / USERS);
	struct str data = round % 2 == 0 ? arena_printf(arena, "{\"u\":%d}", user)
					 : arena_printf(arena, "{\"filler\":%d}", round);

	*event = aw_make_event(
		T0 + (100 * user + 10 + 2 * round) * S + (int64_t)at * NS_PER_MS, 0, data.ptr);
	*beat = (struct aw_beat){ bucket < IDS ? STR(MACHINE_A) : STR(MACHINE_B),
		str_from(ids[bucket < IDS ? bucket : TWIN]), event };
}

static void beat_round(struct crowd *c, int set, int round)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct intake *intakes[BEATS];
	struct aw_event events[BEATS];
	struct aw_beat beats[BEATS];
	bool locked[USERS];
	uint64_t before = c->server->queue.sent;
	int64_t bucket_no;
	struct err err;

	for (size_t i = 0; i < BEATS; i++) {
		intakes[i] = c->intake[set][i % USERS];
		make_beat(round, i, &arena, &beats[i], &events[i]);
	}
	if (set == AHEAD) {
		GOOD(intake_lock_all(c->intake[set], USERS, locked, &err));
		GOOD(aw_expect_beats(intakes, beats, BEATS, &err));
	}
	/* What one's beats bring is of no meaning to another. */
	(void)put(c->intake[set][0], 1, T0 - (2 + round) * NS_PER_HOUR, 0, "{\"u\":1}");
	for (size_t i = 0; i < BEATS; i++) {
		GOOD(intake_device(intakes[i], beats[i].machine_id, &err));
		GOOD(aw_target(intakes[i], beats[i].bucket_id, &bucket_no, &err));
		GOOD(aw_heartbeat(intakes[i], bucket_no, &events[i], 10 * S, &err));
	}
	if (set == AHEAD) {
		GOOD(intake_commit_all(c->intake[set], USERS, &err));
		sent_at_most(c->server, before, 100);
	} else
		for (int user = 0; user < USERS; user++)
			commit(c->intake[set][user]);
}

/* One of them has another connection, too. */
static void write_aside(struct crowd *c, int set, int round)
{
	struct intake *intake = begin(c->own[set][round % USERS]);

	(void)put(intake, 1 + round % IDS, T0 + (100 * (round % USERS) + 12 + 2 * round) * S, S,
		"{\"aside\":1}");
	commit(intake);
	intake_free(intake);
}

static void users_are_looked_up_together_and_kept_apart(void)
{
	struct crowd c;

	crowd_begin(&c);
	for (int round = 0; round < ROUNDS; round++)
		for (int set = 0; set < BOTH; set++) {
			beat_round(&c, set, round);
			write_aside(&c, set, round);
		}
	for (int user = 0; user < USERS; user++)
		for (int64_t no = 1; no <= IDS + 1; no++) {
			CLEANUP(buf_release) struct buf plain = BUF_INIT;
			CLEANUP(buf_release) struct buf ahead = BUF_INIT;

			list_range(c.own[PLAIN][user], range_all(no), &plain);
			list_range(c.own[AHEAD][user], range_all(no), &ahead);
			OK(plain.len > 0);
			IS_STR(buf_str(&ahead), buf_cstr(&plain));
		}
	crowd_end(&c);
}

/* What was looked up of a bucket is its last events; that others lie before them is known. An odd
 * one was made elsewhere and put where it is. */
static void put_odd(struct intake *intake, int64_t bucket_no, int64_t start_ns)
{
	struct aw_event event = aw_make_event(start_ns, 0, "{\"a\":2}");
	struct err err;

	event.number = put(intake, bucket_no, start_ns - 20 * NS_PER_MINUTE, 0, "{\"a\":2}");
	GOOD(aw_replace(intake, bucket_no, &event, &err));
}

static size_t read_all(struct store *store, struct arena *arena, struct event *out, size_t room)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	const struct event_filter all = { 0 };
	struct stored_event row;
	size_t count = 0;
	struct err err;

	GOOD(event_scan_open(&scan, store, &all, &err));
	while (event_scan_next(scan, &row, &err) == 1 && count < room) {
		out[count] = row.event;
		out[count].id = arena_str(arena, row.event.id);
		out[count].source = arena_str(arena, row.event.source);
		out[count].type = arena_str(arena, row.event.type);
		out[count++].data = arena_str(arena, row.event.data);
	}
	return count;
}

static void older_ones_are_not_taken_for_new(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store), *intakes[2];
	int64_t odd_last = make_bucket(intake, "b0"), odd_before = make_bucket(intake, "b1");
	struct aw_event beaten = aw_make_event(T0 + 2 * NS_PER_HOUR + S, 0, "{\"a\":2}");
	const struct aw_beat beats[] = { { STR(MACHINE_A), STR("b0"), &beaten },
		{ STR(MACHINE_A), STR("b1"), &beaten } };
	struct event events[8];
	bool locked;
	struct err err;

	(void)put(intake, odd_last, T0, 0, "{\"a\":1}");
	put_odd(intake, odd_last, T0 + 2 * NS_PER_HOUR);
	(void)put(intake, odd_before, T0, 3 * NS_PER_HOUR, "{\"a\":1}");
	put_odd(intake, odd_before, T0 + NS_PER_HOUR);
	(void)put(intake, odd_before, T0 + 2 * NS_PER_HOUR, 0, "{\"a\":2}");
	commit(intake);
	intake_free(intake);
	IS_INT(read_all(store, &f.arena, events, ARRAY_LEN(events)), 5);

	GOOD(intake_begin_lazy(&intake, store, &err));
	GOOD(intake_device(intake, STR(MACHINE_A), &err));
	GOOD(intake_lock_all(&intake, 1, &locked, &err));
	intakes[0] = intakes[1] = intake;
	GOOD(aw_expect_beats(intakes, beats, 2, &err));
	for (int i = 0; i < 5; i++)
		IS_INT(take(intake, events[i]), INTAKE_DUPLICATE);
	GOOD(aw_heartbeat(intake, odd_last, &beaten, 10 * S, &err));
	IS_INT(beaten.start_ns, T0 + 2 * NS_PER_HOUR);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

/* What the batch itself has written is not in the bucket's row yet. */
static void a_batch_knows_what_it_wrote(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t bucket_no = make_bucket(intake, "b");
	struct aw_event event = aw_make_event(T0 + S, 0, "{\"a\":1}");
	const struct aw_beat beat = { STR(MACHINE_A), STR("b"), &event };
	bool locked;
	struct err err;

	commit(intake);
	intake_free(intake);
	GOOD(intake_begin_lazy(&intake, store, &err));
	GOOD(intake_device(intake, STR(MACHINE_A), &err));
	GOOD(intake_lock_all(&intake, 1, &locked, &err));
	(void)put(intake, bucket_no, T0, 0, "{\"a\":1}");
	GOOD(aw_expect_beats(&intake, &beat, 1, &err));
	GOOD(aw_heartbeat(intake, bucket_no, &event, 10 * S, &err));
	IS_INT(event.start_ns, T0);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

/* Of events that start at once one is the last, be it on one shelf or on the other: the same that a
 * question about one bucket finds. An odd one was made elsewhere and put there. */
static const struct {
	bool odd[2];
	int64_t durations_s[2];
} equal_starts[] = {
	{ { false, false }, { 0, 5 } },
	{ { false, false }, { 5, 0 } },
	{ { false, true }, { 5, 3 } },
	{ { false, true }, { 3, 5 } },
	{ { true, true }, { 3, 5 } },
	{ { true, true }, { 5, 3 } },
	{ { false, true }, { 4, 4 } },
	{ { true, false }, { 4, 4 } },
	{ { true, true }, { 4, 4 } },
	{ { false, false }, { 4, 4 } },
};

static void fill_equal_starts(struct intake *intake)
{
	for (size_t i = 0; i < ARRAY_LEN(equal_starts); i++) {
		char id[8];
		int64_t bucket_no;

		snprintf(id, sizeof(id), "b%zu", i);
		bucket_no = make_bucket(intake, id);
		for (int k = 0; k < 2; k++) {
			bool odd = equal_starts[i].odd[k];
			struct aw_event event =
				aw_make_event(T0, equal_starts[i].durations_s[k] * S, "{\"a\":1}");
			struct err err;

			event.number = put(intake, bucket_no, T0 - odd * NS_PER_HOUR,
				event.duration_ns, "{\"a\":1}");
			if (odd)
				GOOD(aw_replace(intake, bucket_no, &event, &err));
		}
	}
	commit(intake);
	intake_free(intake);
}

/* The numbers of the events that heartbeats go on with. */
static void beat_equal_starts(struct store *store, bool ahead, int64_t *numbers)
{
	struct intake *intake = NULL, *intakes[ARRAY_LEN(equal_starts)];
	struct aw_beat beats[ARRAY_LEN(equal_starts)];
	struct aw_event events[ARRAY_LEN(equal_starts)];
	char names[ARRAY_LEN(equal_starts)][8];
	int64_t bucket_no;
	bool locked;
	struct err err;

	GOOD(intake_begin_lazy(&intake, store, &err));
	GOOD(intake_device(intake, STR(MACHINE_A), &err));
	GOOD(intake_lock_all(&intake, 1, &locked, &err));
	for (size_t i = 0; i < ARRAY_LEN(equal_starts); i++) {
		snprintf(names[i], sizeof(names[i]), "b%zu", i);
		intakes[i] = intake;
		events[i] = aw_make_event(T0 + 6 * S, 0, "{\"a\":1}");
		beats[i] = (struct aw_beat){ STR(MACHINE_A), str_from(names[i]), &events[i] };
	}
	if (ahead)
		GOOD(aw_expect_beats(intakes, beats, ARRAY_LEN(equal_starts), &err));
	for (size_t i = 0; i < ARRAY_LEN(equal_starts); i++) {
		GOOD(aw_target(intake, beats[i].bucket_id, &bucket_no, &err));
		GOOD(aw_heartbeat(intake, bucket_no, &events[i], 60 * S, &err));
		numbers[i] = events[i].number;
	}
	commit(intake);
	intake_free(intake);
}

static void the_last_of_equal_starts_is_one(void)
{
	int64_t numbers[BOTH][ARRAY_LEN(equal_starts)];
	struct fixture f[BOTH];

	for (int i = 0; i < BOTH; i++) {
		struct store *store = open_new(&f[i]);

		fill_equal_starts(begin(store));
		beat_equal_starts(store, i == AHEAD, numbers[i]);
		close_all(&f[i], store);
	}
	for (size_t i = 0; i < ARRAY_LEN(equal_starts); i++)
		IS_INT(numbers[AHEAD][i], numbers[PLAIN][i]);
}

static const struct tap_case cases[] = {
	TAP_CASE(users_are_looked_up_together_and_kept_apart),
	TAP_CASE(older_ones_are_not_taken_for_new),
	TAP_CASE(a_batch_knows_what_it_wrote),
	TAP_CASE(the_last_of_equal_starts_is_one),
};
TAP_MAIN(cases)
