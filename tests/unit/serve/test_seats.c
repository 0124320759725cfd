/* The intakes of a writer: the right one for each user, and no more than are kept. */
#include <stdio.h>

#include "serve/server_seats.h"
#include "store/users.h"
#include "store_fixture.h"

enum { KEPT = 8, USERS = 3000 };

static struct str user(int number, char text[UUID_BYTES + 1])
{
	snprintf(text, UUID_BYTES + 1, "user-%d", number);
	return str_from(text);
}

static void one_for_each(void)
{
	struct seats *seats = seats_new(KEPT);
	struct seat *all[USERS];
	char text[UUID_BYTES + 1];

	/* More than the table has chains: some have several. */
	for (int i = 0; i < USERS; i++)
		all[i] = seats_take(seats, user(i, text));
	IS_INT(seats_count(seats), USERS);
	for (int i = 0; i < USERS; i++) {
		OK(seats_take(seats, user(i, text)) == all[i]);
		OK(str_eq(str_from(all[i]->user_id), user(i, text)));
	}
	IS_INT(seats_count(seats), USERS);
	seats_free(seats);
	seats_free(NULL);
}

/* The oldest go first, by their last use. */
static void bounded(void)
{
	struct seats *seats = seats_new(KEPT);
	char text[UUID_BYTES + 1];

	for (int i = 0; i < 2 * KEPT; i++)
		seats_take(seats, user(i, text))->batch = 1 + (uint64_t)i;
	seats_take(seats, user(0, text));
	seats_trim(seats);
	IS_INT(seats_count(seats), KEPT);
	IS_INT(seats_take(seats, user(0, text))->batch, 1);
	for (int i = KEPT + 1; i < 2 * KEPT; i++)
		IS_INT(seats_take(seats, user(i, text))->batch, 1 + i);
	for (int i = 1; i <= KEPT; i++)
		IS_INT(seats_take(seats, user(i, text))->batch, 0);
	seats_forget(seats);
	IS_INT(seats_count(seats), 0);
	IS_INT(seats_take(seats, user(0, text))->batch, 0);
	seats_free(seats);
}

/* What was not committed goes with its seat. */
static void undone(void)
{
	CLEANUP(buf_release) struct buf all = BUF_INIT;
	struct fixture fixture;
	struct store *store;
	struct seats *seats = seats_new(KEPT);
	struct event event;
	enum intake_result result;
	struct err err;

	fixture_begin(&fixture);
	store = fixture_open(&fixture);
	GOOD(intake_begin_lazy(&seats_take(seats, STR(""))->intake, store, &err));
	event = event_make(&fixture.arena, "note", T0, "a", "{}");
	GOOD(intake_event(
		seats_take(seats, STR(""))->intake, &event, &fixture_origin, &result, &err));
	seats_free(seats);
	fixture_dump(store, &all);
	OK(str_find_str(buf_str(&all), STR(":a ")) < 0);
	store_close(store);
	fixture_end(&fixture);
}

static const struct tap_case cases[] = { TAP_CASE(one_for_each), TAP_CASE(bounded),
	TAP_CASE(undone) };
TAP_MAIN(cases)
