/*
 * Allocation in two independent passes over the marks (direct.c, delegated.c), each blind to the
 * period asked for; only their spans are clipped to it. That is what makes adjacent periods add up:
 * no decision depends on where a period begins or ends.
 */
#include "attention/allocate.h"

#include <stdlib.h>

#include "attention/away.h"
#include "attention/spans.h"

void span_list_release(struct span_list *list)
{
	free(list->spans);
	*list = (struct span_list){ 0 };
}

void span_list_add(struct span_list *list, enum span_kind kind, const struct mark *mark,
	int32_t stream, int64_t start_ns, int64_t end_ns)
{
	if (start_ns >= end_ns)
		return;
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 64;
		list->spans = mem_resize(list->spans, list->cap, sizeof(*list->spans));
	}
	list->spans[list->count++] = (struct span){
		.start_ns = start_ns,
		.end_ns = end_ns,
		.kind = kind,
		.stream = stream,
		.session = mark->session,
		.machine = mark->machine,
		.event = mark->event,
		.cut = NOT_CUT,
	};
}

int64_t ns_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static int64_t max_ns(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t mark_end_ns(const struct mark *mark)
{
	bool idle = mark->role == ROLE_AFK && mark->idle;
	int64_t limit_ns = ns_add(mark->at_ns, idle ? AWAY_HORIZON_NS : SCREEN_HORIZON_NS);

	if (!mark->ended || mark->end_ns <= mark->at_ns)
		return mark->at_ns;
	return min_ns(mark->end_ns, limit_ns);
}

int64_t work_horizon_ns(const struct attention_params *params)
{
	return max_ns(WORK_HORIZON_NS, params->waiting_limit_ns);
}

int64_t allocate_margin_ns(const struct attention_params *params)
{
	return ns_add(max_ns(work_horizon_ns(params), SCREEN_STEPS * SCREEN_HORIZON_NS),
		max_ns(params->window_ns, params->agent_timeout_ns));
}

/* Later work tells whether an earlier sign went on; being away is told within SCREEN_HORIZON_NS. */
int64_t allocate_margin_after_ns(const struct attention_params *params)
{
	return ns_add(work_horizon_ns(params), max_ns(params->window_ns, params->agent_timeout_ns));
}

static void clip(struct span_list *list, int64_t from_ns, int64_t to_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct span span = list->spans[i];

		if (span.end_ns > to_ns)
			span.cut = NOT_CUT;
		span.start_ns = max_ns(span.start_ns, from_ns);
		span.end_ns = min_ns(span.end_ns, to_ns);
		if (span.start_ns < span.end_ns)
			list->spans[kept++] = span;
	}
	list->count = kept;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int span_cmp(const void *left, const void *right)
{
	const struct span *a = left, *b = right;
	int order = ORDER(a->start_ns, b->start_ns);

	if (!order)
		order = ORDER(a->kind, b->kind);
	if (!order)
		order = ORDER(a->stream, b->stream);
	if (!order)
		order = ORDER(a->session, b->session);
	if (!order)
		order = ORDER(a->end_ns, b->end_ns);
	return order;
}

static bool in_order(const struct mark *marks, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (marks[i].at_ns < marks[i - 1].at_ns)
			return false;
	return true;
}

int allocate(const struct mark *marks, size_t count, const struct attention_params *params,
	int64_t from_ns, int64_t to_ns, int64_t now_ns, struct arena *arena, struct allocation *out,
	struct err *err)
{
	struct span_list list = { 0 };

	ASSERT(in_order(marks, count));
	direct_spans(marks, count, params, &list);
	delegated_spans(marks, count, params, &list);
	clip(&list, from_ns, min_ns(to_ns, now_ns));
	out->count = list.count;
	out->spans = arena_zalloc(arena, list.count, sizeof(*out->spans));
	if (list.count > 0) {
		memcpy(out->spans, list.spans, list.count * sizeof(*out->spans));
		qsort(out->spans, out->count, sizeof(*out->spans), span_cmp);
	}
	span_list_release(&list);
	if (arena_over(arena))
		return err_set(err, ERR_LIMIT, "too many spans in this period (%zu)", out->count);
	return 0;
}

struct str span_kind_name(enum span_kind kind)
{
	static const struct str names[] = {
		[SPAN_DIRECT] = STR_INIT("direct"),
		[SPAN_DELEGATED] = STR_INIT("delegated"),
		[SPAN_WAITING] = STR_INIT("waiting"),
	};

	return names[kind];
}

/* --- totals --- */

static int ns_cmp(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return ORDER(*a, *b);
}

/* Starts come in order where spans do: that is seen sooner than sorted. */
static void sort_times(int64_t *times, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (times[i] < times[i - 1]) {
			qsort(times, count, sizeof(*times), ns_cmp);
			return;
		}
	}
}

struct sweep {
	int64_t *starts;
	int64_t *ends;
	size_t count;
};

static void sweep_add(struct sweep *sweep, const struct span *span)
{
	sweep->starts[sweep->count] = span->start_ns;
	sweep->ends[sweep->count] = span->end_ns;
	sweep->count++;
}

/* Length of the union, and the most spans at one instant. Ends come before starts: they are
 * half-open. */
static int64_t sweep_run(struct sweep *sweep, int64_t *peak)
{
	int64_t depth = 0, most = 0, covered = 0, since = 0;
	size_t started = 0;

	sort_times(sweep->starts, sweep->count);
	sort_times(sweep->ends, sweep->count);
	for (size_t ended = 0; ended < sweep->count;) {
		if (started < sweep->count && sweep->starts[started] < sweep->ends[ended]) {
			if (depth++ == 0)
				since = sweep->starts[started];
			most = max_ns(most, depth);
			started++;
			continue;
		}
		if (--depth == 0)
			covered += sweep->ends[ended] - since;
		ended++;
	}
	*peak = most;
	return covered;
}

static struct sweep sweep_new(size_t cap, struct arena *arena)
{
	return (struct sweep){
		.starts = arena_zalloc(arena, cap, sizeof(int64_t)),
		.ends = arena_zalloc(arena, cap, sizeof(int64_t)),
	};
}

static void add_span(struct time_totals *totals, const struct span *span)
{
	int64_t ns = span->end_ns - span->start_ns;
	bool unassigned = span->stream == UNASSIGNED;

	switch (span->kind) {
	case SPAN_DIRECT:
		totals->direct_ns += ns;
		totals->unassigned_direct_ns += unassigned ? ns : 0;
		break;
	case SPAN_DELEGATED:
		totals->delegated_ns += ns;
		totals->unassigned_delegated_ns += unassigned ? ns : 0;
		break;
	case SPAN_WAITING:
		totals->waiting_ns += ns;
		break;
	}
}

void allocation_totals(
	const struct span *spans, size_t count, struct arena *arena, struct time_totals *out)
{
	struct sweep agents = sweep_new(count, arena), all = sweep_new(count, arena);
	int64_t ignored;

	*out = (struct time_totals){ 0 };
	for (size_t i = 0; i < count; i++) {
		add_span(out, &spans[i]);
		if (spans[i].kind == SPAN_DELEGATED)
			sweep_add(&agents, &spans[i]);
		if (spans[i].kind != SPAN_WAITING)
			sweep_add(&all, &spans[i]);
	}
	out->delegated_union_ns = sweep_run(&agents, &out->peak_agents);
	out->tracked_ns = sweep_run(&all, &ignored);
}
