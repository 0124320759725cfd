/* Which source is to be collected when; see schedule.h for the rules. */
#include "serve/schedule.h"

#include "base/err.h"
#include "base/time.h"

enum {
	ROUND_MS = 60000,
	RETRY_BASE_MS = 1000,
	RETRY_CAP_MS = 300000,
	SHORT_MS = 500, /* what takes less may be done together */
	MOST_DOUBLINGS = 30,
};

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

void schedule_init(
	struct schedule *schedule, size_t count, const struct schedule_times *times, int64_t now_ns)
{
	ASSERT(count <= SCHEDULE_MOST);
	*schedule = (struct schedule){
		.times = {
			.round_ms = or_default(times->round_ms, ROUND_MS),
			.retry_base_ms = or_default(times->retry_base_ms, RETRY_BASE_MS),
			.retry_cap_ms = or_default(times->retry_cap_ms, RETRY_CAP_MS),
		},
		.count = count,
		.round_at_ns = now_ns,
	};
	for (size_t i = 0; i < count; i++)
		schedule->rows[i] = (struct schedule_row){
			.enabled = true, .not_before_ns = INT64_MIN, .took_ms = -1
		};
}

bool schedule_round(struct schedule *schedule, int64_t now_ns)
{
	if (now_ns < schedule->round_at_ns)
		return false;
	schedule->round_at_ns = now_ns + schedule->times.round_ms * NS_PER_MS;
	for (size_t i = 0; i < schedule->count; i++)
		schedule->rows[i].due = true;
	return true;
}

void schedule_all(struct schedule *schedule, int64_t now_ns)
{
	schedule->round_at_ns = now_ns;
	for (size_t i = 0; i < schedule->count; i++)
		schedule->rows[i].not_before_ns = INT64_MIN;
}

static bool is_ready(const struct schedule_row *row, int64_t now_ns)
{
	return row->enabled && row->due && !row->running && now_ns >= row->not_before_ns;
}

static bool is_short(const struct schedule_row *row)
{
	return row->took_ms >= 0 && row->took_ms < SHORT_MS && row->failures == 0;
}

size_t schedule_pick(struct schedule *schedule, int64_t now_ns, size_t *chosen)
{
	size_t count = 0;

	for (size_t i = 0; i < schedule->count; i++) {
		struct schedule_row *row = &schedule->rows[i];

		if (!is_ready(row, now_ns) || (count > 0 && !is_short(row)))
			continue;
		row->due = false;
		row->running = true;
		chosen[count++] = i;
		if (!is_short(row))
			break;
	}
	return count;
}

/* Between half of the longest wait and all of it. */
static int64_t pause_ns(const struct schedule *schedule, int failures, uint64_t random)
{
	int doublings = failures - 1 < MOST_DOUBLINGS ? failures - 1 : MOST_DOUBLINGS;
	int64_t longest_ms = schedule->times.retry_base_ms;

	while (doublings-- > 0 && longest_ms < schedule->times.retry_cap_ms)
		longest_ms *= 2;
	if (longest_ms > schedule->times.retry_cap_ms)
		longest_ms = schedule->times.retry_cap_ms;
	return (longest_ms - (int64_t)(random % ((uint64_t)longest_ms / 2 + 1))) * NS_PER_MS;
}

void schedule_done(struct schedule *schedule, size_t source, enum schedule_end end, int64_t took_ms,
	int64_t now_ns, uint64_t random)
{
	struct schedule_row *row = &schedule->rows[source];

	row->running = false;
	if (end == SCHEDULE_UNDONE) {
		row->due = true;
		return;
	}
	row->took_ms = took_ms;
	row->not_before_ns = INT64_MIN;
	row->failures = end == SCHEDULE_OK ? 0 : row->failures + 1;
	if (end == SCHEDULE_FAILED) {
		row->due = true;
		row->not_before_ns = now_ns + pause_ns(schedule, row->failures, random);
	}
}

int64_t schedule_next(const struct schedule *schedule)
{
	int64_t next_ns = schedule->round_at_ns;

	for (size_t i = 0; i < schedule->count; i++) {
		const struct schedule_row *row = &schedule->rows[i];

		if (row->enabled && row->due && !row->running && row->not_before_ns < next_ns)
			next_ns = row->not_before_ns;
	}
	return next_ns;
}
