/* What holds for any marks whatever: adjacent periods add up, spans do not overlap, sums are in
 * proportion. */
#include "attention/away.h"
#include "outcome.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int64_t below(uint64_t *state, int64_t limit)
{
	return (int64_t)(next_random(state) % (uint64_t)limit);
}

static struct mark random_mark(uint64_t *state, int64_t at_ns)
{
	static const enum event_role roles[] = { ROLE_FOCUS, ROLE_BLUR, ROLE_SCROLL, ROLE_PROMPT,
		ROLE_ACTIVITY, ROLE_ACTIVITY, ROLE_SESSION, ROLE_AFK, ROLE_AFK, ROLE_WINDOW,
		ROLE_WINDOW, ROLE_TAB, ROLE_EDITOR, ROLE_NONE };
	static const char *const apps[] = { "kitty", "firefox", "chrome", "slack", "", "swaylock" };
	/* Extents of seconds, of hours, of days; some end before they begin. */
	static const int64_t extents[] = { 1, 10, 60, 300, 3000, 60000 };
	enum event_role role = roles[below(state, ARRAY_LEN(roles))];
	int64_t extent = minutes(
		role == ROLE_SESSION ? 60 : (double)extents[below(state, ARRAY_LEN(extents))]);
	int64_t idle_ns = below(state, 3) ? below(state, minutes(20)) : below(state, minutes(2000));

	return (struct mark){
		.at_ns = at_ns,
		.role = role,
		.stream = (int32_t)below(state, 5) - 1,
		.machine = (int32_t)below(state, 3),
		.session = (int32_t)below(state, 4) - 1,
		.human = below(state, 4) > 0,
		.idle = below(state, 2) > 0,
		.ended = below(state, 2) > 0,
		.idle_ns = idle_ns,
		.end_ns = at_ns + below(state, extent + minutes(20)) - minutes(20),
		.app = str_from(apps[below(state, ARRAY_LEN(apps))]),
	};
}

/* Bursts of marks with pauses of all sizes, over some days. */
static void random_marks(uint64_t *state, struct mark *marks, size_t count)
{
	int64_t at_ns = 0;

	for (size_t i = 0; i < count; i++) {
		static const int64_t steps[] = { 1, 1, 3, 10, 45, 300, 3000 };
		int64_t step = minutes((double)steps[below(state, ARRAY_LEN(steps))]);

		if (below(state, 5) > 0)
			at_ns += below(state, step);
		marks[i] = random_mark(state, at_ns);
		marks[i].event = i;
	}
}

/* Of the marks before FROM those that say the person was away until then, or longer. */
static size_t take_away(const struct mark *marks, size_t count, int64_t from, struct mark *out)
{
	size_t taken = 0;

	for (size_t i = 0; i < count && marks[i].at_ns < from; i++)
		if (marks[i].role == ROLE_AFK && marks[i].idle && marks[i].ended &&
			marks[i].at_ns >= from - AWAY_HORIZON_NS && marks[i].end_ns > from)
			out[taken++] = marks[i];
	return taken;
}

/* Allocate [FROM, TO) from the marks within the margin alone, and from who was away before. */
static void allocate_near(const struct mark *marks, size_t count, int64_t from, int64_t to,
	int64_t now, struct outcome *out)
{
	int64_t margin = allocate_margin_ns(&params), after = allocate_margin_after_ns(&params);
	struct mark *near = mem_alloc(count * sizeof(*near));
	size_t kept = take_away(marks, count, from - margin, near);
	struct arena arena = { 0 };
	struct allocation allocation;
	struct err err;

	for (size_t i = 0; i < count; i++)
		if (marks[i].at_ns >= from - margin && marks[i].at_ns < to + after)
			near[kept++] = marks[i];
	if (OK(allocate(near, kept, &params, from, to, now, &arena, &allocation, &err) == 0))
		judge(allocation.spans, allocation.count, out);
	free(near);
	arena_release(&arena);
}

static void add_outcome(struct outcome *sum, const struct outcome *part)
{
	for (int kind = 0; kind < 3; kind++)
		for (int i = 0; i <= STREAMS; i++)
			sum->by_stream[kind][i] += part->by_stream[kind][i];
	sum->totals.delegated_union_ns += part->totals.delegated_union_ns;
	sum->totals.tracked_ns += part->totals.tracked_ns;
}

static void adjacent_periods_add_up(void)
{
	static struct mark marks[400];
	uint64_t state = 20260203;

	for (int round = 0; round < 300; round++) {
		struct outcome whole, sum = { 0 };
		int64_t end, at = -minutes(100), now;

		random_marks(&state, marks, ARRAY_LEN(marks));
		end = marks[ARRAY_LEN(marks) - 1].at_ns + minutes(100);
		now = below(&state, 2) ? end : below(&state, end);
		allocate_near(marks, ARRAY_LEN(marks), at, end, now, &whole);
		while (at < end) {
			int64_t next =
				at + 1 + below(&state, minutes(1 + (double)below(&state, 3000)));
			struct outcome part;

			if (next > end)
				next = end;
			allocate_near(marks, ARRAY_LEN(marks), at, next, now, &part);
			add_outcome(&sum, &part);
			at = next;
		}
		if (!IS_INT(memcmp(sum.by_stream, whole.by_stream, sizeof(sum.by_stream)), 0) ||
			!IS_INT(sum.totals.delegated_union_ns, whole.totals.delegated_union_ns) ||
			!IS_INT(sum.totals.tracked_ns, whole.totals.tracked_ns))
			return;
	}
}

static bool spans_hold(const struct allocation *a, int64_t from, int64_t to)
{
	int64_t direct_end = INT64_MIN,
		work_end[4] = { INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN };

	for (size_t i = 0; i < a->count; i++) {
		const struct span *span = &a->spans[i];
		int64_t *end =
			span->kind == SPAN_DIRECT ? &direct_end : &work_end[span->session + 1];

		if (span->start_ns >= span->end_ns || span->start_ns < from || span->end_ns > to)
			return false;
		if (i > 0 && span->start_ns < a->spans[i - 1].start_ns)
			return false;
		if (span->start_ns < *end)
			return false;
		*end = span->end_ns;
	}
	return true;
}

static void invariants_hold(void)
{
	static struct mark marks[300];
	uint64_t state = 7;

	for (int round = 0; round < 300; round++) {
		struct arena arena = { 0 };
		struct allocation a;
		struct outcome got;
		struct err err;
		int64_t from, to, now;

		random_marks(&state, marks, ARRAY_LEN(marks));
		from = below(&state, marks[150].at_ns + 1);
		to = from + below(&state, marks[299].at_ns + 1);
		now = from + below(&state, marks[299].at_ns + 1);
		if (!OK(allocate(marks, 300, &params, from, to, now, &arena, &a, &err) == 0))
			return;
		OK(spans_hold(&a, from, to < now ? to : now));
		judge(a.spans, a.count, &got);
		OK(got.totals.direct_ns <= to - from);
		OK(got.totals.direct_ns <= got.totals.tracked_ns);
		OK(got.totals.tracked_ns <= got.totals.direct_ns + got.totals.delegated_union_ns);
		OK(got.totals.delegated_union_ns <= got.totals.delegated_ns);
		OK(got.totals.delegated_ns <= 3 * got.totals.delegated_union_ns);
		OK(got.totals.peak_agents <= 3);
		arena_release(&arena);
	}
}

/* A million marks: a year. Only that it comes out at all is asserted; a quadratic step would not.
 */
static void a_year_of_marks(void)
{
	enum { COUNT = 1000000 };
	struct mark *marks = mem_alloc(COUNT * sizeof(*marks));
	struct arena arena = { 0 };
	struct allocation a;
	struct outcome got;
	struct err err;
	uint64_t state = 99;

	for (size_t i = 0; i < COUNT; i++) {
		marks[i] = random_mark(&state, (int64_t)i * 31 * NS_PER_S);
		marks[i].event = i;
	}
	OK(allocate(marks, COUNT, &params, 0, INT64_MAX, INT64_MAX, &arena, &a, &err) == 0);
	judge(a.spans, a.count, &got);
	OK(got.totals.direct_ns > 0 && got.totals.direct_ns <= COUNT * 31 * NS_PER_S);
	OK(got.totals.delegated_union_ns > 0 && got.totals.waiting_ns > 0);
	arena_release(&arena);
	free(marks);
}

static const struct tap_case cases[] = {
	TAP_CASE(adjacent_periods_add_up),
	TAP_CASE(invariants_hold),
	TAP_CASE(a_year_of_marks),
};
TAP_MAIN(cases)
