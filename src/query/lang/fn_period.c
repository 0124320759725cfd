/* Sets of time: what of one list lies within another, both together, both without overlap. */
#include "query/lang/function.h"

/* --- filter_period_intersect --- */

/*
 * Both in the order of starts. The cursor of FILTER never goes back: of events that overlap each
 * other, later ones lose what lies in filter periods already passed, as in ActivityWatch.
 */
static int intersect(struct run *run, const struct events *events, const struct events *filter,
	struct events *out)
{
	size_t i = 0, j = 0;
	struct moment current;

	if (events->count == 0 || filter->count == 0)
		return 0;
	current = events->at[0];
	for (;;) {
		const struct moment *period = &filter->at[j];
		int64_t end_ns = moment_end(&current), period_end_ns = moment_end(period);
		int result = run_step(run, 1);

		if (result < 0)
			return result;
		if (current.duration_ns == 0 || end_ns <= period->start_ns) {
			if (++i == events->count)
				return 0;
			current = events->at[i];
		} else if (current.start_ns >= period_end_ns) {
			if (++j == filter->count)
				return 0;
		} else {
			struct moment piece = current;

			if (piece.start_ns < period->start_ns)
				piece.start_ns = period->start_ns;
			current.start_ns = end_ns < period_end_ns ? end_ns : period_end_ns;
			current.duration_ns = moment_subtract(end_ns, current.start_ns);
			piece.duration_ns = moment_subtract(current.start_ns, piece.start_ns);
			result = events_add(out, run, &piece);
			if (result < 0)
				return result;
		}
	}
}

/* Argument AT in the order of starts, the caller's. */
static int take_sorted(struct run *run, struct call *call, size_t at, struct events **out)
{
	int result = function_take(run, call, at, out);

	if (result < 0)
		return result;
	result = events_sort_by_start(*out, run);
	if (result < 0) {
		events_unref(run, *out);
		*out = NULL;
	}
	return result;
}

int filter_period_intersect(struct run *run, struct call *call, struct events **out)
{
	struct events *events = NULL, *filter = NULL, *pieces = NULL;
	int result = take_sorted(run, call, 1, &filter);

	if (result == 0)
		result = take_sorted(run, call, 0, &events);
	if (result == 0)
		result = events_new(&pieces, run, 0);
	if (result == 0)
		result = intersect(run, events, filter, pieces);
	events_unref(run, filter);
	events_unref(run, events);
	if (result < 0)
		events_unref(run, pieces);
	else
		*out = pieces;
	return result;
}

/* --- period_union --- */

/* Join what overlaps or touches, in place. */
static int join(struct run *run, struct events *events)
{
	const struct data *nothing = run_data(run, STR("{}"));
	size_t count = 0;

	for (size_t i = 0; i < events->count; i++) {
		struct moment moment = events->at[i], *last = &events->at[count - (count > 0)];
		int result = run_step(run, 1);

		if (result < 0)
			return result;
		moment.data = nothing;
		if (count == 0 || moment.start_ns > moment_end(last))
			events->at[count++] = moment;
		else if (moment_end(last) < moment_end(&moment))
			last->duration_ns = moment_subtract(moment_end(&moment), last->start_ns);
	}
	events->count = count;
	return 0;
}

int period_union(struct run *run, struct call *call, struct events **out)
{
	struct events *all;
	int result = concat(run, call, &all);

	if (result < 0)
		return result;
	result = events_sort_by_start(all, run);
	if (result == 0)
		result = join(run, all);
	if (result < 0)
		events_unref(run, all);
	else
		*out = all;
	return result;
}

/* --- union_no_overlap --- */

/* A list that is read from its front, whose first event may be replaced by a part of it. */
struct reader {
	const struct events *events;
	size_t at;
	struct moment head;
};

static bool has_more(const struct reader *reader)
{
	return reader->at < reader->events->count;
}

static void next(struct reader *reader)
{
	if (++reader->at < reader->events->count)
		reader->head = reader->events->at[reader->at];
}

static struct reader reader_of(const struct events *events)
{
	struct reader reader = { .events = events };

	if (events->count > 0)
		reader.head = events->at[0];
	return reader;
}

static struct moment part(struct moment of, int64_t start_ns, int64_t end_ns)
{
	of.start_ns = start_ns;
	of.duration_ns = moment_subtract(end_ns, start_ns);
	of.id = EVENTS_NO_ID;
	return of;
}

static int64_t min_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max_ns(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The heads X and Y overlap: Y gives way. */
static struct moment split_heads(struct reader *x, struct reader *y)
{
	int64_t x_end_ns = moment_end(&x->head), y_end_ns = moment_end(&y->head);
	struct moment emitted = x->head;

	if (x->head.start_ns > y->head.start_ns) {
		emitted = part(y->head, y->head.start_ns, x->head.start_ns);
		y->head = part(y->head, x->head.start_ns, y_end_ns);
		return emitted;
	}
	if (y->head.start_ns < x_end_ns && x_end_ns < y_end_ns)
		y->head = part(y->head, x_end_ns, y_end_ns);
	else
		next(y);
	next(x);
	return emitted;
}

static struct moment next_of_both(struct reader *x, struct reader *y)
{
	int64_t start_ns = max_ns(x->head.start_ns, y->head.start_ns);
	struct reader *first = x->head.start_ns <= y->head.start_ns ? x : y;
	struct moment emitted = first->head;

	if (start_ns < min_ns(moment_end(&x->head), moment_end(&y->head)))
		return split_heads(x, y);
	next(first);
	return emitted;
}

static int unite(
	struct run *run, const struct events *a, const struct events *b, struct events *out)
{
	struct reader x = reader_of(a), y = reader_of(b);
	int result = 0;

	while (result == 0 && (has_more(&x) || has_more(&y))) {
		struct moment emitted;

		if (has_more(&x) && has_more(&y)) {
			emitted = next_of_both(&x, &y);
		} else {
			struct reader *left = has_more(&x) ? &x : &y;

			emitted = left->head;
			next(left);
		}
		result = events_add(out, run, &emitted);
		if (result == 0)
			result = run_step(run, 1);
	}
	return result;
}

int union_no_overlap(struct run *run, struct call *call, struct events **out)
{
	struct events *a, *b, *united = NULL;
	int result = function_events(run, call->args[0], &a);

	if (result == 0)
		result = function_events(run, call->args[1], &b);
	if (result == 0)
		result = events_new(&united, run, 0);
	if (result < 0)
		return result;
	result = unite(run, a, b, united);
	if (result < 0)
		events_unref(run, united);
	else
		*out = united;
	return result;
}
