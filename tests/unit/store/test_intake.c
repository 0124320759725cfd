/* The one write path: what is taken, refused, replaced, withdrawn, and that order and repetition do
 * not matter. */
#include "store_fixture.h"

#include "store/derived.h"

static void takes_and_knows_again(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event =
		event_make(&f.arena, "user_message", T0, "m1", "{\"session_id\":\"s\"}");
	struct stored_event found;
	struct store_info info;
	struct err err;

	event.duration_ns = 5 * NS_PER_S;
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	GOOD(store_event_find(store, event.id, &f.arena, &found, &err));
	OK(str_eq(found.event.id, event.id));
	IS_STR(found.event.source, "claude");
	IS_STR(found.event.type, "user_message");
	IS_STR(found.event.data, "{\"session_id\":\"s\"}");
	IS_STR(found.machine_id, MACHINE_A);
	IS_INT(found.event.start_ns, T0);
	IS_INT(found.event.duration_ns, 5 * NS_PER_S);
	IS_INT(found.seq, 1);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 1);
	IS_INT(info.last_seq, 1);
	FAILS(store_event_find(store, STR("nobody"), &f.arena, &found, &err), ERR_NOT_FOUND);
	close_all(&f, store);
}

static void higher_revisions_replace(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{\"a\":1}");
	struct stored_event found;
	struct err err;

	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	event.revision = 3;
	event.data = STR("{\"a\":2}");
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	event.revision = 2;
	event.data = STR("{\"a\":3}");
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	event.revision = 3;
	event.data = STR("{\"a\":1}"); /* lesser content */
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	event.data = STR("{\"a\":4}"); /* greater content */
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	GOOD(store_event_find(store, event.id, &f.arena, &found, &err));
	IS_STR(found.event.data, "{\"a\":4}");
	IS_INT(found.event.revision, 3);
	IS_INT(found.seq, 3);
	event.duration_ns = 1; /* the greater duration holds, whatever the data */
	event.data = STR("{\"a\":0}");
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	event.duration_ns = 0;
	event.data = STR("{\"a\":9}");
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	close_all(&f, store);
}

/* A canonical id is cut to milliseconds: finer instants within one are the same event. */
static void finer_instants(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0 + 1, "n", "{}");
	struct event later = event_make(&f.arena, "note", T0 + 999999, "n", "{}");
	struct event next = event_make(&f.arena, "note", T0 + 1000000, "n", "{}");
	struct stored_event found;
	struct err err;

	OK(str_eq(event.id, later.id) && !str_eq(event.id, next.id));
	IS_INT(fixture_take(store, &later), INTAKE_NEW);
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	IS_INT(fixture_take(store, &next), INTAKE_NEW);
	event.revision = 1;
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	GOOD(store_event_find(store, event.id, &f.arena, &found, &err));
	IS_INT(found.event.start_ns, T0 + 1);
	close_all(&f, store);
}

static void expect_found(struct store *store, struct fixture *f, const struct event *event)
{
	struct stored_event found;
	struct err err;

	if (!GOOD(store_event_find(store, event->id, &f->arena, &found, &err)))
		return;
	OK(str_eq(found.event.id, event->id) && str_eq(found.event.source, event->source));
	OK(str_eq(found.event.type, event->type));
	IS_INT(found.event.start_ns, event->start_ns);
}

/* Ids that do not tell where the event lies. */
static void odd_ids(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event events[6];
	CLEANUP(buf_release) struct buf dump = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		events[i] = event_make(&f.arena, "note", T0, "n", "{}");
	events[1].id = STR("7f3a-no-machine");
	events[2].id = STR(MACHINE_A ":whatever");
	events[3].start_ns = T0 + NS_PER_S; /* the id says T0 */
	events[3].id = event_make(&f.arena, "note", T0, "other", "{}").id;
	events[4].source = STR("codex"); /* the id says claude */
	events[4].id = event_make(&f.arena, "note", T0, "third", "{}").id;
	events[5].id = STR("n"); /* like the discriminator of the first */
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		IS_INT(fixture_take(store, &events[i]), INTAKE_NEW);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		IS_INT(fixture_take(store, &events[i]), INTAKE_DUPLICATE);
		expect_found(store, &f, &events[i]);
	}
	fixture_dump(store, &dump);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		OK(str_find_str(buf_str(&dump), events[i].id) >= 0);
	close_all(&f, store);
}

/* Corrections may move an event: between shelves, in time, to another bucket. */
static void moves(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct store_bucket *buckets;
	size_t count;
	struct err err;
	static const int64_t starts[] = { T0, T0 + NS_PER_HOUR, T0 - 5, T0, T0 + 7 };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		event.revision = (int64_t)i;
		event.start_ns = starts[i];
		IS_INT(fixture_take(store, &event), i == 0 ? INTAKE_NEW : INTAKE_UPDATED);
		expect_found(store, &f, &event);
		GOOD(store_verify(store, NULL, &err));
	}
	event.revision = 9;
	event.type = STR("remark");
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	expect_found(store, &f, &event);
	GOOD(store_buckets(store, &f.arena, &buckets, &count, &err));
	IS_INT(count, 2);
	IS_INT(buckets[0].events + buckets[1].events, 1);
	close_all(&f, store);
}

static void tombstones(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct event dead = event;
	struct stored_event found;
	struct store_info info;
	struct err err;

	dead.deleted = true;
	dead.data = STR("");
	dead.revision = 2;
	IS_INT(fixture_take(store, &dead), INTAKE_UPDATED); /* before its event */
	IS_INT(fixture_take(store, &dead), INTAKE_DUPLICATE);
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	event.revision = 2; /* of equal revisions the tombstone holds */
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	FAILS(store_event_find(store, event.id, &f.arena, &found, &err), ERR_NOT_FOUND);
	event.revision = 3;
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	expect_found(store, &f, &event);
	dead.revision = 3;
	IS_INT(fixture_take(store, &dead), INTAKE_UPDATED);
	FAILS(store_event_find(store, event.id, &f.arena, &found, &err), ERR_NOT_FOUND);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 0);
	IS_INT(info.last_seq, 3);
	close_all(&f, store);
}

static void withdraws(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct event odd = event_make(&f.arena, "note", T0, "n", "{}");
	struct intake *intake;
	struct store_info info;
	struct err err;

	odd.id = STR("odd one");
	event.revision = 4;
	intake = begin(store);
	take(intake, event);
	take(intake, odd);
	GOOD(intake_withdraw(intake, STR("never seen"), &err));
	GOOD(intake_withdraw(intake, event.id, &err));
	GOOD(intake_withdraw(intake, event.id, &err));
	GOOD(intake_withdraw(intake, odd.id, &err));
	IS_INT(intake_counts(intake)->updated, 2);
	IS_INT(take(intake, event), INTAKE_DUPLICATE);
	event.revision = 5;
	IS_INT(take(intake, event), INTAKE_DUPLICATE);
	event.revision = 6;
	IS_INT(take(intake, event), INTAKE_UPDATED);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 1);
	close_all(&f, store);
}

/* --- order and repetition --- */

/* Two versions of one event that differ in one thing only, for each thing. */
enum { PAIRS = 10, VERSIONS = 2 * PAIRS, ROUNDS = 60 };

static void versions(struct arena *arena, struct event out[VERSIONS])
{
	for (int i = 0; i < VERSIONS; i++)
		out[i] = event_make(
			arena, "note", T0, arena_printf(arena, "%d", i / 2).ptr, "{\"v\":1}");
	out[0].revision = 1;
	out[2].data = STR("{\"v\":2}");
	out[4].duration_ns = 9;
	out[6].start_ns = T0 + NS_PER_S; /* on the odd shelf */
	out[8].start_ns = T0 + 77;       /* within the same millisecond */
	out[10].source = STR("codex");
	out[12].type = STR("zebra");
	out[14].deleted = true;
	out[16].id = out[17].id = STR("odd");
	out[16].start_ns = T0 - NS_PER_S;
	out[18].duration_ns = 9;
	out[19].data = STR("{\"v\":3}");
}

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		size_t j, swap;

		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		j = (size_t)(*state >> 33) % i;
		swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static void run_order(
	const struct event *events, const size_t *order, size_t count, bool lazy, struct buf *dump)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = NULL;
	struct err err;

	if (lazy)
		GOOD(intake_begin_lazy(&intake, store, &err));
	else
		GOOD(intake_begin(&intake, store, &err));
	for (size_t i = 0; i < count; i++) {
		OK(take(intake, events[order[i]]) != INTAKE_QUARANTINED);
		if (i % 3 == 2)
			GOOD(intake_commit(intake, &err));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	fixture_dump(store, dump);
	close_all(&f, store);
}

static void any_order_gives_the_same(void)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT, got = BUF_INIT;
	struct arena arena = { 0 };
	struct event events[VERSIONS];
	size_t order[2 * VERSIONS];
	uint64_t state = 20260203;

	versions(&arena, events);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		order[i] = i % VERSIONS;
	run_order(events, order, VERSIONS, false, &want);
	OK(want.len > 0);
	for (int round = store_place_rounds(ROUNDS); round-- > 0;) {
		shuffle(order, ARRAY_LEN(order), &state);
		buf_clear(&got);
		run_order(events, order, ARRAY_LEN(order), round % 2 == 1, &got);
		if (!IS_STR(buf_str(&got), buf_cstr(&want)))
			break;
	}
	arena_release(&arena);
}

static void counts(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	const struct intake_counts *counted = intake_counts(intake);
	struct err err;

	take(intake, event_make(&f.arena, "agent_session", T0, "s", "{\"session_id\":\"s\"}"));
	take(intake, event_make(&f.arena, "agent_session", T0, "s", "{\"session_id\":\"s\"}"));
	take(intake, event_make(&f.arena, "mystery", T0, "s", "{}"));
	IS_INT(intake_pending(intake), 3);
	GOOD(intake_commit(intake, &err));
	IS_INT(intake_pending(intake), 0);
	take(intake, event_make(&f.arena, "mystery", T0, "t", "{}"));
	IS_INT(counted->new_events, 3);
	IS_INT(counted->duplicate, 1);
	IS_INT(counted->sessions, 1);
	IS_INT(counted->unknown_types, 2);
	IS_INT(counted->updated, 0);
	intake_freep(&intake);
	close_all(&f, store);
}

/* --- transactions --- */

static void nothing_before_the_commit(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *reader = fixture_open(&f);
	struct intake *intake = begin(store);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct file_cursor cursor = { .source = STR("claude"), .path = STR("/x") }, *cursors;
	struct stored_event found;
	struct store_info info;
	size_t count;
	struct err err;

	take(intake, event);
	GOOD(intake_cursor(intake, &cursor, &err));
	FAILS(store_event_find(reader, event.id, &f.arena, &found, &err), ERR_NOT_FOUND);
	intake_free(intake); /* undoes */
	FAILS(store_event_find(store, event.id, &f.arena, &found, &err), ERR_NOT_FOUND);
	GOOD(store_cursors(store, STR("claude"), &f.arena, &cursors, &count, &err));
	IS_INT(count, 0);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.last_seq, 0);
	/* The bucket and the data of the undone event are not believed to be there. */
	intake = begin(store);
	take(intake, event);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_event_find(reader, event.id, &f.arena, &found, &err));
	store_close(reader);
	close_all(&f, store);
}

/* Who writes finds what the transaction has taken, and what was there. */
static void the_writer_finds_its_own(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event old = event_make(&f.arena, "note", T0, "n", "{}");
	struct event new = event_make(&f.arena, "note", T0 + 60 * NS_PER_S, "n", "{\"a\":1}");
	struct stored_event found;
	struct intake *intake;
	struct err err;

	IS_INT(fixture_take(store, &old), INTAKE_NEW);
	intake = begin(store);
	take(intake, new);
	GOOD(store_event_find(store, old.id, &f.arena, &found, &err));
	GOOD(store_event_find(store, new.id, &f.arena, &found, &err));
	IS_STR(found.event.data, "{\"a\":1}");
	GOOD(intake_withdraw(intake, old.id, &err));
	FAILS(store_event_find(store, old.id, &f.arena, &found, &err), ERR_NOT_FOUND);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	close_all(&f, store);
}

static void lazy(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct event next = event_make(&f.arena, "note", T0 + NS_PER_S, "n", "{}");
	struct intake *intake = NULL, *holding;
	struct str value;
	bool found;
	struct err err;

	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	GOOD(intake_begin_lazy(&intake, store, &err));
	holding = begin(other); /* another process writes: no matter */
	IS_INT(take(intake, event), INTAKE_DUPLICATE);
	GOOD(intake_memo_get(intake, STR("s"), STR("k"), &f.arena, &value, &found, &err));
	OK(!found);
	GOOD(intake_commit(intake, &err));
	IS_INT(intake_counts(intake)->duplicate, 1);
	IS_INT(take(holding, next), INTAKE_NEW);
	GOOD(intake_commit(holding, &err));
	/* What was new for the look may be a duplicate under the lock. */
	IS_INT(take(intake, next), INTAKE_DUPLICATE);
	next.revision = 1;
	IS_INT(take(intake, next), INTAKE_UPDATED);
	GOOD(intake_commit(intake, &err));
	intake_free(holding);
	intake_free(intake);
	store_close(other);
	close_all(&f, store);
}

static void a_failed_batch_is_void(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *other;
	const struct store_options options = fixture_options(&f, 50);
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct intake *intake = NULL, *holding = begin(store);
	enum intake_result result;
	struct store_info info;
	struct err err;

	GOOD(store_open(&other, &options, &err));
	GOOD(intake_begin_lazy(&intake, other, &err));
	FAILS(intake_event(intake, &event, &fixture_origin, &result, &err), ERR_BUSY);
	intake_free(holding);
	/* Free now, but the batch has failed: only its commit, which says so, ends it. */
	FAILS(intake_event(intake, &event, &fixture_origin, &result, &err), ERR_BUSY);
	FAILS(intake_commit(intake, &err), ERR_BUSY);
	IS_INT(intake_counts(intake)->new_events, 0);
	IS_INT(take(intake, event), INTAKE_NEW);
	GOOD(intake_commit(intake, &err));
	GOOD(store_info(other, &info, &err));
	IS_INT(info.events, 1);
	intake_free(intake);
	store_close(other);
	close_all(&f, store);
}

/* Texts that fall on one slot of the dictionary's cache, and ones too long for it, keep their own
 * numbers. */
static void dictionary(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	const struct event_filter all = { 0 };
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct stored_event row;
	int64_t first_no = 0, last_no = 0;
	struct err err;
	int n = 0;

	for (int i = 0; i < 20000; i++) {
		char data[2048];

		snprintf(data, sizeof(data), "{\"n\":%d,\"pad\":\"%*d\"}", i % 10000,
			i % 7 == 0 ? 1500 : 1, 0);
		take(intake, event_make(&f.arena, "note", T0 + i * NS_PER_S, "n", data));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(event_scan_open(&scan, store, &all, &err));
	while (event_scan_next(scan, &row, &err) == 1) {
		char want[32];

		snprintf(want, sizeof(want), "{\"n\":%d,", n % 10000);
		if (!OK(str_starts(row.event.data, str_from(want))))
			break;
		if (n == 1)
			first_no = row.data_no;
		if (n == 10001)
			last_no = row.data_no;
		n++;
	}
	IS_INT(n, 20000);
	OK(first_no != 0 && first_no == last_no);
	event_scan_closep(&scan);
	scan = NULL;
	close_all(&f, store);
}

/* What is derived hears of changes to events that it has seen, and of nothing else. */
static void derived_hears_of_corrections(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "{\"session_id\":\"a\"}");
	struct event second = event_make(&f.arena, "note", T0 + NS_PER_S, "n", "{}");
	struct derived_mark mark = { .seq = 1, .gap_ns = 1 };
	struct derived_correction *corrections;
	size_t count;
	struct err err;

	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	GOOD(derived_begin(store, &err));
	GOOD(derived_mark_put(store, &mark, &err));
	GOOD(derived_commit(store, &err));
	IS_INT(fixture_take(store, &second), INTAKE_NEW);
	IS_INT(fixture_take(store, &event), INTAKE_DUPLICATE);
	GOOD(derived_mark_get(store, &mark, &err));
	OK(!mark.corrected && !mark.rebuild);
	event.revision = 1;
	event.data = STR("{\"session_id\":\"b\"}");
	IS_INT(fixture_take(store, &event), INTAKE_UPDATED);
	GOOD(derived_mark_get(store, &mark, &err));
	OK(mark.corrected);
	GOOD(derived_corrections(store, &f.arena, &corrections, &count, &err));
	if (IS_INT(count, 1)) {
		IS_STR(corrections[0].before, "{\"session_id\":\"a\"}");
		IS_STR(corrections[0].after, "{\"session_id\":\"b\"}");
		IS_INT(corrections[0].seq, 3);
	}
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(takes_and_knows_again),
	TAP_CASE(higher_revisions_replace),
	TAP_CASE(finer_instants),
	TAP_CASE(odd_ids),
	TAP_CASE(moves),
	TAP_CASE(tombstones),
	TAP_CASE(withdraws),
	TAP_CASE(any_order_gives_the_same),
	TAP_CASE(counts),
	TAP_CASE(nothing_before_the_commit),
	TAP_CASE(the_writer_finds_its_own),
	TAP_CASE(lazy),
	TAP_CASE(a_failed_batch_is_void),
	TAP_CASE(dictionary),
	TAP_CASE(derived_hears_of_corrections),
};
TAP_MAIN(cases)
