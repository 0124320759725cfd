/*
 * flood: watchers report now and then, so that between two reports of one state there are gaps, and
 * between two states too. Gaps below 5 seconds are filled: by the state that is on both sides, or
 * half by the one and half by the other.
 */
#include "base/time.h"
#include "query/lang/function.h"

static const int64_t pulsetime_ns = 5 * NS_PER_S;

/* AT is in the order of starts; the result stands at its front. Returns its count. */
static int flood_sorted(struct run *run, struct moment *at, size_t *count)
{
	size_t last = 0;

	for (size_t i = 1; i < *count; i++) {
		struct moment *current = &at[last], next = at[i];
		int64_t end_ns = moment_end(current), next_end_ns = moment_end(&next);
		int64_t gap_ns = moment_subtract(next.start_ns, end_ns);
		int result = run_step(run, 1);

		if (result < 0)
			return result;
		if (gap_ns < pulsetime_ns && current->data == next.data) {
			if (end_ns < next_end_ns)
				current->duration_ns =
					moment_subtract(next_end_ns, current->start_ns);
			continue;
		}
		if (gap_ns >= 0 && gap_ns < pulsetime_ns) {
			current->duration_ns += gap_ns / 2;
			next.start_ns -= gap_ns / 2;
			next.duration_ns = moment_add(next.duration_ns, gap_ns / 2);
		}
		at[++last] = next;
	}
	if (*count > 0)
		*count = last + 1;
	return 0;
}

int flood(struct run *run, struct call *call, struct events **out)
{
	struct events *events;
	int result = function_take(run, call, 0, &events);

	if (result < 0)
		return result;
	result = events_sort_by_start(events, run);
	if (result == 0)
		result = flood_sorted(run, events->at, &events->count);
	if (result < 0)
		events_unref(run, events);
	else
		*out = events;
	return result;
}
