/* Retention: what is old goes, what a remote waits for stays, nothing else changes. */
#include "store/retention.h"

#include "retention_fixture.h"
#include "store/derived.h"

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

/* --- in slices, while others write --- */

enum { MANY = 2500 };

struct meanwhile {
	struct fixture *f;
	struct store *other;
	const struct retention_result *result;
	int pauses;
	int enough; /* the pause at which it is */
	bool derived, done;
};

static bool pausing(void *context, int64_t slice_ns)
{
	struct meanwhile *w = context;

	OK(slice_ns >= 0);
	return ++w->pauses != w->enough;
}

static void can_be_stopped(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct meanwhile w = { .enough = 2 };
	struct retention what = { T0 + MANY * NS_PER_S, INT64_MAX, pausing, &w };
	struct retention_result result;
	int64_t deleted;
	struct err err;

	fill(store, &f, MANY, "");
	GOOD(store_retention(store, &what, &result, &err));
	OK(result.unfinished);
	OK(result.events > 0 && result.events < MANY);
	IS_INT(result.data, 0);
	IS_INT(events_in(store), MANY - result.events);
	GOOD(store_verify(store, NULL, &err));
	deleted = result.events;
	w.enough = 0;
	GOOD(store_retention(store, &what, &result, &err));
	OK(!result.unfinished);
	IS_INT(deleted + result.events, MANY);
	OK(w.pauses > 4);
	IS_INT(result.data, MANY - 1); /* the last number is not given again */
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

/* The data of the last event but LEFT of fill(). */
static struct event event_with(struct fixture *f, int left, int64_t revision, const char *data)
{
	struct event event = event_make(&f->arena, "agent_response", T0 + 2 * MANY * NS_PER_S,
		arena_printf(&f->arena, "again %d", left).ptr,
		data ? data
		     : arena_printf(&f->arena, "{\"session_id\":\"s\",\"n\":%d,\"filler\":\"\"}",
			       MANY - 1 - left)
				.ptr);

	event.revision = revision;
	return event;
}

static void take_of(struct store *store, struct event event)
{
	CLEANUP(intake_freep) struct intake *intake = begin(store);
	enum intake_result result;
	struct err err;

	GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	OK(result != INTAKE_QUARANTINED);
	GOOD(intake_commit(intake, &err));
}

/* Data that was found unused is used again before it is deleted; or was used, by an event that
 * streams were made from and that has changed since. */
static bool using(void *context, int64_t slice_ns)
{
	struct meanwhile *w = context;
	struct derived_mark mark = { .gap_ns = 1 };
	struct store_info info;
	struct err err;

	(void)slice_ns;
	if (w->done || w->result->data == 0)
		return true;
	w->done = true;
	take_of(w->other, event_with(w->f, 3, 1, NULL));
	if (!w->derived)
		return true;
	GOOD(store_info(w->other, &info, &err));
	mark.seq = info.last_seq;
	GOOD(derived_begin(w->other, &err));
	GOOD(derived_mark_put(w->other, &mark, &err));
	GOOD(derived_commit(w->other, &err));
	take_of(w->other, event_with(w->f, 3, 2, "{\"session_id\":\"else\"}"));
	return true;
}

static void data_is_used_again(bool derived)
{
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct retention_result result = { 0 };
	struct meanwhile w = { .f = &f, .other = other, .result = &result, .derived = derived };
	struct retention what = { T0 + MANY * NS_PER_S, INT64_MAX, using, &w };
	struct derived_correction *corrections;
	size_t count;
	struct err err;

	fill(store, &f, MANY, "");
	GOOD(store_retention(store, &what, &result, &err));
	OK(w.done);
	IS_INT(result.events, MANY);
	IS_INT(events_in(store), 1);
	GOOD(store_verify(store, NULL, &err));
	GOOD(derived_corrections(store, &f.arena, &corrections, &count, &err));
	if (IS_INT(count, derived))
		for (size_t i = 0; i < count; i++)
			OK(str_find_str(corrections[i].before, STR("\"n\":2496")) > 0);
	if (!derived)
		IS_INT(result.data, MANY - 2);
	store_close(other);
	store_close(store);
	fixture_end(&f);
}

/* What reports accounted for, they can take back: what it was is kept. */
static void data_of_reports(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct retention what = { .before_ns = T0 + 60 * NS_PER_S, .held_seq = INT64_MAX };
	struct derived_mark mark = { .gap_ns = 1 };
	struct derived_correction *corrections;
	struct retention_result result;
	struct store_info info;
	size_t count;
	struct err err;

	fill(store, &f, 100, "");
	GOOD(store_info(store, &info, &err));
	mark.seq = info.last_seq;
	GOOD(derived_begin(store, &err));
	GOOD(derived_mark_put(store, &mark, &err));
	GOOD(derived_commit(store, &err));
	GOOD(store_retention(store, &what, &result, &err));
	IS_INT(result.events, 60);
	IS_INT(result.data, 0);
	GOOD(derived_corrections(store, &f.arena, &corrections, &count, &err));
	IS_INT(count, 60);
	for (size_t i = 0; i < count; i++)
		OK(str_find_str(corrections[i].before, STR("\"session_id\":\"s\"")) > 0);
	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(&f);
}

static void data_of_a_new_event(void)
{
	data_is_used_again(false);
}

static void data_of_a_correction(void)
{
	data_is_used_again(true);
}

static const struct tap_case cases[] = {
	TAP_CASE(old_events_go),
	TAP_CASE(what_a_remote_waits_for_stays),
	TAP_CASE(others_notice),
	TAP_CASE(can_be_stopped),
	TAP_CASE(data_of_reports),
	TAP_CASE(data_of_a_new_event),
	TAP_CASE(data_of_a_correction),
};

TAP_MAIN(cases)
