/*
 * How many statements PostgreSQL is sent: what is looked up together costs as many whatever its
 * number. And the texts of data, of which neighbours are read together (postgres/texts.c).
 */
#include "aw_fixture.h"
#include "store/postgres/db.h"
#include "store/sql/dictionary.h"

enum { COUNT = 1000 };

static struct event nth_event(struct arena *arena, int i, const char *data)
{
	return event_make(arena, "x", T0 - i * NS_PER_HOUR, arena_printf(arena, "k%d", i).ptr,
		arena_printf(arena, "{\"%s\":%d}", data, i).ptr);
}

static void take_all(struct store *store, const struct event *events, enum intake_result want)
{
	struct intake *intake = NULL;
	struct err err;

	GOOD(intake_begin_lazy(&intake, store, &err));
	GOOD(intake_expect(intake, events, COUNT, &err));
	for (int i = 0; i < COUNT; i++)
		IS_INT(take(intake, events[i]), want);
	commit(intake);
	intake_free(intake);
}

/* New ones, the same again, and a revision of each. */
static void events_ask_together(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event *events = arena_zalloc(&f.arena, COUNT, sizeof(*events));
	uint64_t before;

	for (int i = 0; i < COUNT; i++)
		events[i] = nth_event(&f.arena, i, "a");
	fixture_take(store, &events[0]);
	before = store->queue.sent;
	take_all(store, events + 0, INTAKE_DUPLICATE + 0 * COUNT);
	OK(store->queue.sent > before);
	close_all(&f, store);
}
