/* What a filter excludes is not there; and an intake that uses filters finds everything it has
 * taken, also what others took meanwhile. */
#include "store_fixture.h"

#include "base/hash.h"
#include "store/sql/filter.h"

static uint64_t hash_of(int number)
{
	return hash64((struct str){ (const char *)&number, sizeof(number) }, 0);
}

static void excludes_only_what_is_absent(void)
{
	enum { ROWS = 100000 };
	struct filter filter = { 0 };
	int taken = 0;

	OK(!filter_excludes(&filter, hash_of(1))); /* it knows nothing */
	filter_counted(&filter, ROWS);
	filter_reset(&filter);
	for (int i = 0; i < ROWS; i++)
		filter_add(&filter, hash_of(i));
	for (int i = 0; i < ROWS; i++)
		taken += filter_excludes(&filter, hash_of(i));
	IS_INT(taken, 0);
	for (int i = ROWS; i < 2 * ROWS; i++)
		taken += !filter_excludes(&filter, hash_of(i));
	OK(taken < ROWS / 20);
	filter_release(&filter);
	OK(!filter_excludes(&filter, hash_of(1)));
}

static void is_filled_when_that_pays(void)
{
	struct filter filter = { 0 };

	OK(!filter_wants_count(&filter) && !filter_is_due(&filter));
	for (int i = 0; i < 64; i++)
		filter_missed(&filter, 8);
	OK(filter_wants_count(&filter) && !filter_is_due(&filter));
	filter_counted(&filter, 10000);
	OK(!filter_wants_count(&filter) && !filter_is_due(&filter));
	for (int i = 64; i < 1249; i++)
		filter_missed(&filter, 8);
	OK(!filter_is_due(&filter)); /* 9,992 rows' worth */
	filter_missed(&filter, 8);
	OK(filter_is_due(&filter));
	filter_reset(&filter);
	OK(!filter_is_due(&filter));
	for (int i = 0; i < 30000; i++)
		filter_inserted(&filter, hash_of(i));
	OK(filter_is_due(&filter)); /* too small by now */
	filter_reset(&filter);
	OK(!filter_is_due(&filter));
	filter_release(&filter);
	filter_counted(&filter, INT64_C(1) << 40);
	OK(!filter_is_due(&filter)); /* never so much memory */
}

/* Events in the order of time backwards, so that nothing is newer than its bucket. */
static struct event event_number(struct arena *arena, int number)
{
	const char *key = arena_printf(arena, "key%d", number).ptr;
	const char *data = arena_printf(arena, "{\"n\":%d}", number).ptr;

	return event_make(arena, "note", T0 - number * NS_PER_MS - (number % 3), key, data);
}

static void intake_finds_what_it_took(void)
{
	enum { EVENTS = 3000 };
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct intake *intake = begin(store), *rival;
	struct err err;

	for (int i = 0; i < EVENTS; i++)
		IS_INT(take(intake, event_number(&f.arena, i)), INTAKE_NEW);
	for (int i = 0; i < EVENTS; i += 7)
		IS_INT(take(intake, event_number(&f.arena, i)), INTAKE_DUPLICATE);
	GOOD(intake_commit(intake, &err));
	rival = begin(other);
	for (int i = EVENTS; i < EVENTS + 10; i++)
		IS_INT(take(rival, event_number(&f.arena, i)), INTAKE_NEW);
	GOOD(intake_commit(rival, &err));
	intake_free(rival);
	for (int i = 0; i < EVENTS + 10; i++)
		IS_INT(take(intake, event_number(&f.arena, i)), INTAKE_DUPLICATE);
	for (int i = EVENTS + 10; i < 2 * EVENTS; i++)
		IS_INT(take(intake, event_number(&f.arena, i)), INTAKE_NEW);
	intake_free(intake); /* not committed */
	intake = begin(store);
	for (int i = EVENTS + 10; i < EVENTS + 500; i++)
		IS_INT(take(intake, event_number(&f.arena, i)), INTAKE_NEW);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	store_close(other);
	close_all(&f, store);
}

/* What its maker knows of an event is not asked for again; all else is as ever. */
static void events_from_their_parts(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event =
		event_make(&f.arena, "user_message", T0 + 5, "k", "{\"session_id\":\"s\"}");
	struct event_id parts = { .machine = STR(MACHINE_A),
		.source = event.source,
		.type = event.type,
		.discriminator = STR("k") };
	struct intake *intake = begin(store);
	enum intake_result result;
	struct err err;

	GOOD(intake_made(intake, &event, &parts, &fixture_origin, &result, &err));
	IS_INT(result, INTAKE_NEW);
	GOOD(intake_made(intake, &event, &parts, &fixture_origin, &result, &err));
	IS_INT(result, INTAKE_DUPLICATE);
	IS_INT(take(intake, event), INTAKE_DUPLICATE);
	event.revision = 1;
	IS_INT(take(intake, event), INTAKE_UPDATED);
	GOOD(intake_made(intake, &event, &parts, &fixture_origin, &result, &err));
	IS_INT(result, INTAKE_DUPLICATE);
	event.revision = -1;
	GOOD(intake_made(intake, &event, &parts, &fixture_origin, &result, &err));
	IS_INT(result, INTAKE_QUARANTINED);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(excludes_only_what_is_absent),
	TAP_CASE(is_filled_when_that_pays),
	TAP_CASE(intake_finds_what_it_took),
	TAP_CASE(events_from_their_parts),
};

TAP_MAIN(cases)
