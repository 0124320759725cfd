/* Retention: what is old goes, what a remote waits for stays, nothing else changes. */
#include "store/retention.h"

#include "store_fixture.h"

static void fill(struct store *store, struct fixture *f, int count, const char *filler)
{
	struct intake *intake = begin(store);
	struct err err;

	for (int i = 0; i < count; i++) {
		struct str data = arena_printf(
			&f->arena, "{\"session_id\":\"s\",\"n\":%d,\"filler\":\"%s\"}", i, filler);
		struct event event = event_make(&f->arena, "agent_response", T0 + i * NS_PER_S,
			arena_printf(&f->arena, "r%d", i).ptr, data.ptr);
		enum intake_result result;

		if (i % 10 == 0) /* an id of another form */
			event.id = arena_printf(&f->arena, "odd-%d", i);
		GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
}

static int64_t events_in(struct store *store)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct event_filter filter = { 0 };
	struct stored_event event;
	struct err err;
	int64_t count = 0;

	GOOD(event_scan_open(&scan, store, &filter, &err));
	while (event_scan_next(scan, &event, &err) > 0)
		count++;
	return count;
}

static void old_events_go(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct retention what = { .before_ns = T0 + 60 * NS_PER_S, .held_seq = INT64_MAX };
	struct retention_result result;
	struct store_info info;
	struct err err;

	fill(store, &f, 100, "");
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 60);
	IS_INT(result.held, 0);
	IS_INT(result.data, 60);
	IS_INT(events_in(store), 40);
	GOOD(store_verify(store, NULL, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 40);
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 0);
	fill(store, &f, 100, ""); /* a store that got them again can delete them again */
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 60);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

static void what_a_remote_waits_for_stays(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct retention what = { .before_ns = T0 + 60 * NS_PER_S, .held_seq = 25 };
	struct retention_result result;
	struct err err;

	fill(store, &f, 100, "");
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 25);
	IS_INT(result.held, 35);
	IS_INT(events_in(store), 75);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

/* An intake of another connection that was open before must not use data that is gone. */
static void others_notice(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct retention what = { .before_ns = T0 + 60 * NS_PER_S, .held_seq = INT64_MAX };
	struct intake *intake = begin(other);
	struct event event =
		event_make(&f.arena, "agent_response", T0, "r", "{\"session_id\":\"same\"}");
	struct event later = event_make(
		&f.arena, "agent_response", T0 + 90 * NS_PER_S, "r1", "{\"session_id\":\"other\"}");
	struct retention_result result;
	enum intake_result taken;
	struct err err;

	GOOD(intake_event(intake, &event, &fixture_origin, &taken, &err));
	GOOD(intake_event(intake, &later, &fixture_origin, &taken, &err));
	GOOD(intake_commit(intake, &err));
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.data, 1);
	event = event_make(
		&f.arena, "agent_response", T0 + 100 * NS_PER_S, "r2", "{\"session_id\":\"same\"}");
	GOOD(intake_event(intake, &event, &fixture_origin, &taken, &err));
	GOOD(intake_commit(intake, &err));
	IS_INT(events_in(store), 2);
	GOOD(store_verify(store, NULL, &err));
	intake_free(intake);
	store_close(other);
	store_close(store);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(old_events_go),
	TAP_CASE(what_a_remote_waits_for_stays),
	TAP_CASE(others_notice),
};

TAP_MAIN(cases)
