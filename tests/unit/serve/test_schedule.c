#include "base/time.h"
#include "serve/schedule.h"
#include "tap.h"

#define MS(ms) ((ms)*NS_PER_MS)

static const struct schedule_times usual = { 0 };

/* One job, all of it done at once: the sources it had, as bits. */
static unsigned job(
	struct schedule *schedule, int64_t now_ns, enum schedule_end end, int64_t took_ms)
{
	size_t chosen[SCHEDULE_MOST], count = schedule_pick(schedule, now_ns, chosen);
	unsigned bits = 0;

	for (size_t i = 0; i < count; i++) {
		bits |= 1U << chosen[i];
		schedule_done(schedule, chosen[i], end, took_ms, now_ns, 0);
	}
	return bits;
}

static void rounds(void)
{
	struct schedule schedule;
	size_t chosen[SCHEDULE_MOST];

	schedule_init(&schedule, 3, &usual, MS(100));
	IS_INT(schedule_next(&schedule), MS(100));
	OK(!schedule_round(&schedule, MS(99)));
	OK(schedule_round(&schedule, MS(100)));
	OK(!schedule_round(&schedule, MS(101)));
	/* Nothing is known of them: each is a job of its own. */
	IS_INT(job(&schedule, MS(101), SCHEDULE_OK, 10), 1);
	IS_INT(job(&schedule, MS(101), SCHEDULE_OK, 600), 2);
	IS_INT(job(&schedule, MS(101), SCHEDULE_OK, 499), 4);
	IS_INT(schedule_pick(&schedule, MS(101), chosen), 0);
	IS_INT(schedule_next(&schedule), MS(60100));
	/* Short ones go together, the long one alone. */
	OK(schedule_round(&schedule, MS(60100)));
	IS_INT(job(&schedule, MS(60100), SCHEDULE_OK, 10), 1 | 4);
	IS_INT(job(&schedule, MS(60100), SCHEDULE_OK, 10), 2);
	OK(schedule_round(&schedule, MS(130000)));
	IS_INT(job(&schedule, MS(130000), SCHEDULE_OK, 10), 7);
	/* All at once, before the round. */
	schedule_all(&schedule, MS(140000));
	OK(schedule_round(&schedule, MS(140000)));
	IS_INT(job(&schedule, MS(140000), SCHEDULE_OK, 10), 7);
}

static void changes(void)
{
	struct schedule schedule;
	size_t chosen[SCHEDULE_MOST];

	schedule_init(&schedule, 3, &usual, 0);
	OK(schedule_round(&schedule, 0));
	while (job(&schedule, 0, SCHEDULE_OK, 1))
		;
	schedule.rows[1].due = true;
	OK(schedule_next(&schedule) <= MS(5));
	IS_INT(schedule_pick(&schedule, MS(5), chosen), 1);
	IS_INT(chosen[0], 1);
	/* A change while it is collected: again, once it is done. */
	schedule.rows[1].due = true;
	IS_INT(schedule_pick(&schedule, MS(6), chosen), 0);
	schedule_done(&schedule, 1, SCHEDULE_OK, 1, MS(7), 0);
	IS_INT(schedule_pick(&schedule, MS(7), chosen), 1);
	/* Not done, and not its fault: at once. */
	schedule_done(&schedule, 1, SCHEDULE_UNDONE, 0, MS(8), 0);
	IS_INT(schedule.rows[1].failures, 0);
	IS_INT(job(&schedule, MS(8), SCHEDULE_OK, 1), 2);
	/* What is disabled is never due. */
	schedule.rows[1].enabled = false;
	schedule.rows[1].due = true;
	IS_INT(schedule_next(&schedule), MS(60000));
	IS_INT(schedule_pick(&schedule, MS(9), chosen), 0);
}

static void failures(void)
{
	struct schedule schedule;
	size_t chosen[SCHEDULE_MOST];
	int64_t now_ns = 0, pause_ms = 1000;

	schedule_init(&schedule, 2, &usual, 0);
	OK(schedule_round(&schedule, now_ns));
	while (job(&schedule, 0, SCHEDULE_OK, 1))
		;
	schedule.rows[0].due = true;
	for (int i = 0; i < 100; i++) {
		IS_INT(job(&schedule, now_ns, SCHEDULE_FAILED, 1), 1);
		IS_INT(schedule.rows[0].failures, i + 1);
		IS_INT(schedule.rows[0].not_before_ns - now_ns, MS(pause_ms));
		/* However often something changes meanwhile. */
		schedule.rows[0].due = true;
		IS_INT(schedule_pick(&schedule, now_ns + MS(pause_ms) - 1, chosen), 0);
		now_ns += MS(pause_ms);
		schedule.round_at_ns = now_ns + MS(600000);
		pause_ms = pause_ms * 2 < 300000 ? pause_ms * 2 : 300000;
	}
	OK(schedule_next(&schedule) <= now_ns);
	IS_INT(job(&schedule, now_ns, SCHEDULE_OK, 1), 1);
	IS_INT(schedule.rows[0].failures, 0);
	IS_INT(schedule_pick(&schedule, now_ns, chosen), 0);
}

static void jitter(void)
{
	const struct schedule_times times = { .retry_base_ms = 100, .retry_cap_ms = 100 };
	struct schedule schedule;
	int64_t least = INT64_MAX, most = 0;

	schedule_init(&schedule, 1, &times, 0);
	for (uint64_t random = 0; random < 1000; random++) {
		int64_t pause_ns;

		schedule_done(&schedule, 0, SCHEDULE_FAILED, 1, MS(7), random * 0x9e3779b97f4a7c15);
		pause_ns = schedule.rows[0].not_before_ns - MS(7);
		least = pause_ns < least ? pause_ns : least;
		most = pause_ns > most ? pause_ns : most;
	}
	IS_INT(least, MS(50));
	IS_INT(most, MS(100));
}

/* One that fails is no company for others; somebody who asks does not wait. */
static void failing_ones_alone(void)
{
	struct schedule schedule;

	schedule_init(&schedule, 2, &usual, 0);
	OK(schedule_round(&schedule, 0));
	IS_INT(job(&schedule, 0, SCHEDULE_FAILED, 1), 1);
	IS_INT(job(&schedule, 0, SCHEDULE_OK, 1), 2);
	schedule_all(&schedule, MS(1));
	OK(schedule_round(&schedule, MS(1)));
	IS_INT(job(&schedule, MS(1), SCHEDULE_OK, 1), 1);
	IS_INT(job(&schedule, MS(1), SCHEDULE_OK, 1), 2);
}

static const struct tap_case cases[] = {
	TAP_CASE(rounds),
	TAP_CASE(changes),
	TAP_CASE(failures),
	TAP_CASE(jitter),
	TAP_CASE(failing_ones_alone),
};

TAP_MAIN(cases)
