/* Events to grow old: what tests of retention share. */
#ifndef TT_TESTS_RETENTION_FIXTURE_H
#define TT_TESTS_RETENTION_FIXTURE_H

#include "store_fixture.h"

/* COUNT events of an agent, one a second from T0 on, each with data of its own that holds FILLER.
 */
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

/* As a scan counts them. */
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

#endif
