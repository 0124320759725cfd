/* All sums are checked: times come from clients. */
#include "model/heartbeat.h"

/* END + PULSETIME, kept in range: a bound, not a time. */
static int64_t latest_start(int64_t end_ns, int64_t pulsetime_ns)
{
	int64_t sum_ns;

	if (__builtin_add_overflow(end_ns, pulsetime_ns, &sum_ns))
		return pulsetime_ns < 0 ? INT64_MIN : INT64_MAX;
	return sum_ns;
}

bool heartbeat_merge(struct beat *last, const struct beat *beat, int64_t pulsetime_ns)
{
	int64_t last_end_ns, end_ns, duration_ns;

	if (__builtin_add_overflow(last->start_ns, last->duration_ns, &last_end_ns) ||
		__builtin_add_overflow(beat->start_ns, beat->duration_ns, &end_ns))
		return false;
	if (beat->start_ns < last->start_ns ||
		beat->start_ns > latest_start(last_end_ns, pulsetime_ns))
		return false;
	if (end_ns < last_end_ns)
		end_ns = last_end_ns;
	if (__builtin_sub_overflow(end_ns, last->start_ns, &duration_ns) || duration_ns < 0)
		return false;
	last->duration_ns = duration_ns;
	return true;
}
