/* Retention: once a day, by the configuration's number of days, whoever asks. */
#include "collect/retention.h"

#include "world.h"

#define NOW (INT64_C(1772442000) * NS_PER_S) /* 2026-03-02T09:00:00Z */
#define HOUR (3600 * NS_PER_S)
#define DAY (24 * HOUR)

static struct world world;

/* Events 1, 2, … COUNT days old. */
static void put_days(int count)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct quarantine_entry origin = { .source = STR("claude"), .offset = -1 };
	enum intake_result result;

	OK(intake_begin(&intake, world.store, &world.err) == 0);
	for (int i = 1; i <= count; i++) {
		struct event event = {
			.id = arena_printf(&world.arena, "day %d", i),
			.source = STR("claude"),
			.type = STR("note"),
			.start_ns = NOW - i * DAY,
			.data = STR("{}"),
		};

		OK(intake_event(intake, &event, &origin, &result, &world.err) == 0);
	}
	OK(intake_commit(intake, &world.err) == 0);
}

/* How many events there are after a run at NOW_NS; -1 when it was not time for one. */
static int run(int64_t days, int64_t now_ns)
{
	const struct retention_rule rule = {
		.days = days, .held_seq = INT64_MAX, .now_ns = now_ns
	};
	struct retention_result result;
	int ran = retention_run(world.store, &rule, &world.log, &result, &world.err);

	OK(ran >= 0);
	return ran ? (int)world_events(&world, "").count : -1;
}

static void once_a_day(void)
{
	world_init(&world);
	put_days(10);
	IS_INT(run(0, NOW), -1);
	IS_INT(world_events(&world, "").count, 10);
	IS_INT(run(5, NOW), 5); /* what is exactly as old stays */
	IS_INT(run(5, NOW + HOUR), -1);
	IS_INT(run(5, NOW + DAY - 1), -1);
	world_reopen(&world);
	IS_INT(run(5, NOW + DAY - 1), -1);
	IS_INT(run(5, NOW + DAY), 4);
	world_end(&world);
}

static void at_once_for_another_number(void)
{
	world_init(&world);
	put_days(10);
	IS_INT(run(8, NOW), 8);
	IS_INT(run(3, NOW + 1), 2);
	IS_INT(run(3, NOW + 1), -1);
	world_end(&world);
}

/* A clock that was wrong once does not stop it for years. */
static void clock_goes_back(void)
{
	world_init(&world);
	put_days(10);
	IS_INT(run(5, NOW + HOUR), 4);
	IS_INT(run(5, NOW), 4);
	OK(store_setting_put(world.store, "retention.last_run_ns", STR("junk"), &world.err) == 0);
	IS_INT(run(5, NOW), 4);
	world_end(&world);
}

static void what_a_remote_waits_for_stays(void)
{
	const struct retention_rule rule = { .days = 1, .held_seq = 4, .now_ns = NOW };
	struct retention_result result;

	world_init(&world);
	put_days(10);
	IS_INT(retention_run(world.store, &rule, &world.log, &result, &world.err), 1);
	IS_INT(world_events(&world, "").count, 7); /* seqs 5 to 10, and the youngest */
	world_end(&world);
}

static bool enough(void *context, int64_t slice_ns)
{
	(void)context;
	(void)slice_ns;
	return false;
}

/* Who stops it goes on at the next occasion, not a day later. */
static void stopped(void)
{
	struct retention_rule rule = {
		.days = 5, .held_seq = INT64_MAX, .now_ns = NOW, .pause = enough
	};
	struct retention_result result;

	world_init(&world);
	put_days(10);
	IS_INT(retention_run(world.store, &rule, NULL, &result, &world.err), 1);
	OK(result.unfinished);
	rule.pause = NULL;
	IS_INT(retention_run(world.store, &rule, NULL, &result, &world.err), 1);
	OK(!result.unfinished);
	IS_INT(world_events(&world, "").count, 5);
	IS_INT(retention_run(world.store, &rule, NULL, &result, &world.err), 0);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(once_a_day),
	TAP_CASE(at_once_for_another_number),
	TAP_CASE(clock_goes_back),
	TAP_CASE(what_a_remote_waits_for_stays),
	TAP_CASE(stopped),
};

TAP_MAIN(cases)
