/* The rule of heartbeats: the table of ActivityWatch's behaviour, and what must hold for any input.
 */
#include "model/heartbeat.h"

#include "base/time.h"
#include "tap.h"

enum { NEW = -1000 }; /* not merged */

/* The last event is 10:00:00 +5 s; all in ms from 10:00:00. */
static const struct {
	int64_t start_ms, duration_ms, pulse_ms, result_ms;
} table[] = {
	{ 6000, 0, 1000, 6000 },                      /* the bound is inclusive */
	{ 6001, 0, 1000, NEW }, { 2000, 0, 0, 5000 }, /* never shrinks */
	{ 2000, 10000, 0, 12000 }, { 0, 0, 0, 5000 },
	{ -1000, 100000, 1000000, NEW }, /* older start */
	{ 5000, 0, 0, 5000 }, { 3000, 0, -1000, 5000 }, { 5000, 0, -1000, NEW },
	{ 4000, -9000, 0, 5000 }, /* a negative beat reaches nowhere */
};

static void follows_the_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct beat last = { 0, 5000 * NS_PER_MS };
		struct beat beat = { table[i].start_ms * NS_PER_MS,
			table[i].duration_ms * NS_PER_MS };
		bool merged = heartbeat_merge(&last, &beat, table[i].pulse_ms * NS_PER_MS);

		if (!OK(merged == (table[i].result_ms != NEW)))
			printf("# row %zu\n", i);
		IS_INT(last.start_ns, 0);
		IS_INT(last.duration_ns / NS_PER_MS, merged ? table[i].result_ms : 5000);
	}
}

static void negative_results_are_refused(void)
{
	struct beat last = { 100, -50 }, beat = { 100, -20 };

	OK(!heartbeat_merge(&last, &beat, 1000));
	IS_INT(last.duration_ns, -50);
	beat.duration_ns = 7;
	OK(heartbeat_merge(&last, &beat, 1000));
	IS_INT(last.duration_ns, 7);
}

static void extremes_do_not_overflow(void)
{
	static const int64_t values[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1,
		INT64_MAX };
	enum { N = ARRAY_LEN(values) };
	long merged = 0;

	for (size_t i = 0; i < (size_t)N * N * N * N * N; i++) {
		struct beat last = { values[i % N], values[i / N % N] }, old = last;
		struct beat beat = { values[i / N / N % N], values[i / N / N / N % N] };

		if (!heartbeat_merge(&last, &beat, values[i / N / N / N / N % N])) {
			OK(last.start_ns == old.start_ns && last.duration_ns == old.duration_ns);
			continue;
		}
		merged++;
		OK(last.start_ns == old.start_ns && last.duration_ns >= 0 &&
			last.duration_ns >= old.duration_ns && beat.start_ns >= last.start_ns);
	}
	OK(merged > 100);
}

static const struct tap_case cases[] = {
	TAP_CASE(follows_the_table),
	TAP_CASE(negative_results_are_refused),
	TAP_CASE(extremes_do_not_overflow),
};
TAP_MAIN(cases)
