/* Reading: the total order over many buckets, filters, the feed, snapshots. */
#include "store_fixture.h"

enum { EVENTS = 3000 };

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Few instants and many kinds, so that ties of every sort occur; some ids odd. */
static struct event random_event(struct arena *arena, uint64_t *state, int number)
{
	static const char *const types[] = { "user_message", "agent_tool_use", "note", "zebra" };
	static const char *const machines[] = { MACHINE_A, MACHINE_B };
	static const char *const sources[] = { "claude", "codex" };
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct event event = { .source = str_from(sources[next_random(state) % 2]),
		.type = str_from(types[next_random(state) % 4]),
		.start_ns = T0 + (int64_t)(next_random(state) % 40) * NS_PER_MS / 4,
		.data = STR("{\"session_id\":\"s\"}") };
	struct str discriminator =
		arena_printf(arena, "%c%d", (int)('!' + next_random(state) % 90), number);

	id_build(&id, str_from(machines[next_random(state) % 2]), event.source, event.type,
		event.start_ns, discriminator);
	event.id = arena_str(arena, buf_str(&id));
	if (next_random(state) % 5 == 0)
		event.id =
			arena_printf(arena, "%c:%d", (int)('!' + next_random(state) % 90), number);
	if (next_random(state) % 7 == 0)
		event.start_ns += NS_PER_S; /* not what the id says */
	return event;
}

static int by_order(const void *a, const void *b)
{
	return event_cmp(a, b);
}

static struct event *fill(struct store *store, struct fixture *f)
{
	struct event *events = arena_zalloc(&f->arena, EVENTS, sizeof(*events));
	struct intake *intake = NULL;
	enum intake_result result;
	uint64_t state = 7;
	struct err err;

	GOOD(intake_begin(&intake, store, &err));
	for (int i = 0; i < EVENTS; i++) {
		events[i] = random_event(&f->arena, &state, i);
		GOOD(intake_event(intake, &events[i], &fixture_origin, &result, &err));
		OK(result == INTAKE_NEW);
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	return events;
}

static bool none(const struct event *event)
{
	(void)event;
	return false;
}

/* The scan yields exactly those of EVENTS that KEEP keeps, in their order. */
static void expect_scan(struct store *store, const struct event_filter *filter,
	const struct event *events, bool (*keep)(const struct event *event))
{
	struct event_scan *scan = NULL;
	struct stored_event row;
	struct err err;
	int kept = 0;

	if (!GOOD(event_scan_open(&scan, store, filter, &err)))
		return;
	for (int i = 0; i < EVENTS; i++) {
		if (!keep(&events[i]))
			continue;
		kept++;
		if (!OK(event_scan_next(scan, &row, &err) == 1) ||
			!OK(str_eq(row.event.id, events[i].id)) ||
			!OK(str_eq(row.event.source, events[i].source)) ||
			!OK(str_eq(row.event.type, events[i].type)) ||
			!IS_INT(row.event.start_ns, events[i].start_ns))
			break;
	}
	IS_INT(event_scan_next(scan, &row, &err), 0);
	IS_INT(event_scan_next(scan, &row, &err), 0);
	OK((kept == 0) == (keep == none));
	event_scan_close(scan);
}

static bool any(const struct event *event)
{
	(void)event;
	return true;
}

static bool in_window(const struct event *event)
{
	return event->start_ns >= T0 + NS_PER_MS && event->start_ns < T0 + 5 * NS_PER_MS;
}

static bool from_a_second_on(const struct event *event)
{
	return event->start_ns >= T0 + NS_PER_S;
}

static bool of_machine_b(const struct event *event)
{
	return str_eq_c(id_machine(event->id), MACHINE_B);
}

static bool is_codex(const struct event *event)
{
	return str_eq_c(event->source, "codex");
}

static bool is_codex_note(const struct event *event)
{
	return is_codex(event) && str_eq_c(event->type, "note");
}

static bool is_codex_note_of_b(const struct event *event)
{
	return is_codex_note(event) && of_machine_b(event);
}

static void total_order_and_filters(void)
{
	static const struct {
		struct event_filter filter;
		bool (*keep)(const struct event *event);
	} tries[] = {
		{ { 0 }, any },
		{ { .from_ns = T0 + NS_PER_MS, .to_ns = T0 + 5 * NS_PER_MS }, in_window },
		{ { .from_ns = T0 + NS_PER_S }, from_a_second_on },
		{ { .to_ns = INT64_MIN }, none },
		{ { .from_ns = INT64_MAX }, none },
		{ { .machine_id = STR_INIT(MACHINE_B) }, of_machine_b },
		{ { .source = STR_INIT("codex") }, is_codex },
		{ { .source = STR_INIT("codex"), .type = STR_INIT("note") }, is_codex_note },
		{ { .bucket = STR_INIT("codex.note@*") }, is_codex_note },
		{ { .bucket = STR_INIT("codex.note@" MACHINE_B) }, is_codex_note_of_b },
		{ { .bucket = STR_INIT("codex.note@my ?aptop") }, is_codex_note_of_b },
	};
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event *events = fill(store, &f);
	struct event_filter none = { .source = STR("nobody") };
	struct event_scan *scan;
	struct stored_event row;
	struct err err;

	GOOD(store_machine_label(store, STR(MACHINE_B), STR("my laptop"), false, &err));
	qsort(events, EVENTS, sizeof(*events), by_order);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++)
		expect_scan(store, &tries[i].filter, events, tries[i].keep);
	GOOD(event_scan_open(&scan, store, &none, &err));
	IS_INT(event_scan_next(scan, &row, &err), 0);
	event_scan_close(scan);
	event_scan_close(NULL);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

static void finds_each(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event *events = fill(store, &f);
	struct stored_event row;
	struct err err;

	for (int i = 0; i < EVENTS; i++)
		if (!GOOD(store_event_find(store, events[i].id, &f.arena, &row, &err)) ||
			!IS_INT(row.event.start_ns, events[i].start_ns))
			break;
	store_close(store);
	fixture_end(&f);
}

static void expect_feed(struct store *store, int64_t after, const int64_t *seqs, size_t count)
{
	struct event_scan *scan = NULL;
	struct stored_event row;
	struct err err;

	GOOD(event_feed_open(&scan, store, after, &err));
	for (size_t i = 0; i < count; i++)
		if (OK(event_scan_next(scan, &row, &err) == 1))
			IS_INT(row.seq, seqs[i]);
	IS_INT(event_scan_next(scan, &row, &err), 0);
	event_scan_close(scan);
}

static void feed(void)
{
	static const int64_t want[] = { 2, 4, 5, 6 };
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event a = event_make(&f.arena, "note", T0, "a", "{}");
	struct event b = event_make(&f.arena, "note", T0 - NS_PER_S, "b", "{\"x\":1}");
	struct event c = event_make(&f.arena, "note", T0, "c", "{}");
	struct event_scan *scan = NULL;
	struct stored_event row;
	struct err err;

	fixture_take(store, &a); /* 1 */
	fixture_take(store, &b); /* 2 */
	fixture_take(store, &c); /* 3 */
	a.revision = 1;
	fixture_take(store, &a); /* 4 */
	c.deleted = true;
	c.revision = 1;
	fixture_take(store, &c); /* 5 */
	a.id = STR("odd");
	fixture_take(store, &a); /* 6 */
	expect_feed(store, 0, want, 4);
	expect_feed(store, 2, want + 1, 3);
	expect_feed(store, 5, want + 3, 1);
	expect_feed(store, 6, want, 0);
	expect_feed(store, INT64_MAX, want, 0);
	GOOD(event_feed_open(&scan, store, 4, &err));
	IS_INT(event_scan_next(scan, &row, &err), 1);
	OK(row.event.deleted && str_eq(row.event.id, c.id) && row.event.revision == 1);
	OK(row.event.start_ns == T0 && str_eq_c(row.event.source, "claude"));
	OK(str_eq_c(row.event.type, "note") && str_eq_c(row.machine_id, MACHINE_A));
	IS_INT(event_scan_next(scan, &row, &err), 1);
	OK(!row.event.deleted && str_eq_c(row.event.id, "odd") && row.machine_id.len == 0);
	event_scan_close(scan);
	store_close(store);
	fixture_end(&f);
}

static int64_t count_events(struct store *store)
{
	const struct event_filter all = { 0 };
	struct event_scan *scan = NULL;
	struct stored_event row;
	int64_t count = 0;
	struct err err;

	GOOD(event_scan_open(&scan, store, &all, &err));
	while (event_scan_next(scan, &row, &err) == 1)
		count++;
	event_scan_close(scan);
	return count;
}

/* An open scan and a snapshot see the store as it was when they began. */
static void snapshots(void)
{
	const struct event_filter all = { 0 };
	struct fixture f;
	struct store *reader = fixture_open((fixture_begin(&f), &f)), *writer = fixture_open(&f);
	struct event a = event_make(&f.arena, "note", T0, "a", "{}");
	struct event b = event_make(&f.arena, "note", T0 + NS_PER_S, "b", "{}");
	struct event c = event_make(&f.arena, "other", T0 + NS_PER_S, "b", "{}");
	struct event_scan *scan = NULL;
	struct stored_event row;
	struct store_info info;
	struct err err;

	fixture_take(writer, &a);
	GOOD(event_scan_open(&scan, reader, &all, &err));
	fixture_take(writer, &b);
	IS_INT(event_scan_next(scan, &row, &err), 1);
	IS_INT(event_scan_next(scan, &row, &err), 0);
	event_scan_close(scan);
	IS_INT(count_events(reader), 2);
	GOOD(store_snapshot_begin(reader, &err));
	fixture_take(writer, &c);
	IS_INT(count_events(reader), 2);
	GOOD(store_info(reader, &info, &err));
	IS_INT(info.events, 2);
	FAILS(store_event_find(reader, c.id, &f.arena, &row, &err), ERR_NOT_FOUND);
	store_snapshot_end(reader);
	store_snapshot_end(reader);
	IS_INT(count_events(reader), 3);
	GOOD(store_snapshot_begin(reader, &err));
	store_close(reader);
	store_close(writer);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(total_order_and_filters),
	TAP_CASE(finds_each),
	TAP_CASE(feed),
	TAP_CASE(snapshots),
};
TAP_MAIN(cases)
