/*
 * Which source is to be collected when. Pure: times and randomness come from the caller.
 *
 * A source is due when something changed, and every round (all together, so that an idle machine is
 * woken once). One that fails is left alone for a while: 1 s at first, twice as long each time up
 * to five minutes, a random part of it taken off, so that machines which share a file server do not
 * come at once. What was asked for meanwhile is done then.
 *
 * Jobs: a source that is known to take little time is collected together with its like; one that
 * may take long (or was never collected) is a job of its own, so that nobody waits for it.
 */
#ifndef TT_SERVE_SCHEDULE_H
#define TT_SERVE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule_times {
	int64_t round_ms;      /* 0: 60,000 */
	int64_t retry_base_ms; /* 0: 1,000 */
	int64_t retry_cap_ms;  /* 0: 300,000 */
};

enum { SCHEDULE_MOST = 32 };

struct schedule_row {
	bool enabled;
	bool due;
	bool running;
	int failures;          /* in a row */
	int64_t not_before_ns; /* INT64_MIN: now */
	int64_t took_ms;       /* the last time; -1: never collected */
};

struct schedule {
	struct schedule_times times;
	struct schedule_row rows[SCHEDULE_MOST];
	size_t count;
	int64_t round_at_ns;
};

/* COUNT sources, all enabled; the first round is due at NOW_NS. */
void schedule_init(struct schedule *schedule, size_t count, const struct schedule_times *times,
	int64_t now_ns);
/* Is a round due? Then all enabled sources are. */
bool schedule_round(struct schedule *schedule, int64_t now_ns);
/* All sources are due, and those that wait after a failure wait no longer: somebody asks. */
void schedule_all(struct schedule *schedule, int64_t now_ns);
/*
 * The sources of the next job, into CHOSEN (room for SCHEDULE_MOST): they are running now. 0: none.
 */
size_t schedule_pick(struct schedule *schedule, int64_t now_ns, size_t *chosen);

enum schedule_end {
	SCHEDULE_OK,
	SCHEDULE_FAILED,
	SCHEDULE_UNDONE, /* not its fault: due again */
};
void schedule_done(struct schedule *schedule, size_t source, enum schedule_end end, int64_t took_ms,
	int64_t now_ns, uint64_t random);
/* When schedule_round or schedule_pick has something next. */
int64_t schedule_next(const struct schedule *schedule);

#endif
