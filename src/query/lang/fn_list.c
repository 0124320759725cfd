/* Sorting, cutting, joining and adding up; what works on any value. */
#include <math.h>

#include "base/clock.h"
#include "base/time.h"
#include "query/lang/function.h"

/* Nothing of what people record goes into a log: only the value it gives is kept. */
int fn_print(struct run *run, struct value **args, size_t count, struct value **out)
{
	(void)args;
	(void)count;
	return value_none(out, run);
}

static int contains_item(struct run *run, const struct value *list, struct value *wanted, bool *out)
{
	int result = 0;

	*out = false;
	for (size_t i = 0; result == 0 && !*out && i < list->list.count; i++)
		result = value_equal(run, list->list.items[i], wanted, out);
	return result;
}

int contains(struct run *run, struct value **args, size_t count, struct value **out)
{
	const struct value *in = args[0];
	bool found = false;
	int result = 0;

	(void)count;
	if (in->type == VALUE_DICT && args[1]->type != VALUE_STRING)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"function contains got second argument %.*s, expected type String",
			STR_ARG(value_show(run, args[1])));
	if (in->type == VALUE_DICT) {
		for (size_t i = 0; i < in->dict.count; i++)
			found |= str_eq(in->dict.members[i].key, args[1]->text);
	} else if (in->type == VALUE_LIST) {
		result = contains_item(run, in, args[1], &found);
	} else if (in->type != VALUE_EVENTS) { /* which no value of a program is in */
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"function contains got first argument %.*s, expected type List or Dict",
			STR_ARG(value_show(run, in)));
	}
	return result < 0 ? result : value_bool(out, run, found);
}

static int give_sorted(struct run *run, struct call *call,
	int (*sort)(struct events *events, struct run *run), struct events **out)
{
	struct events *events;
	int result = function_take(run, call, 0, &events);

	if (result < 0)
		return result;
	result = sort(events, run);
	if (result < 0)
		events_unref(run, events);
	else
		*out = events;
	return result;
}

int sort_by_timestamp(struct run *run, struct call *call, struct events **out)
{
	return give_sorted(run, call, events_sort_by_start, out);
}

int sort_by_duration(struct run *run, struct call *call, struct events **out)
{
	return give_sorted(run, call, events_sort_by_duration, out);
}

int limit_events(struct run *run, struct call *call, struct events **out)
{
	double limit = call->args[1]->number;
	struct events *all, *some;
	size_t count;
	int result = function_events(run, call->args[0], &all);

	if (result < 0)
		return result;
	/* Not a number is no limit that anything passes. */
	count = !(limit >= 1) ? 0 : limit >= (double)all->count ? all->count : (size_t)limit;
	result = events_new(&some, run, count);
	if (result < 0)
		return result;
	if (count > 0)
		memcpy(some->at, all->at, count * sizeof(struct moment));
	some->count = count;
	*out = some;
	return 0;
}

int concat(struct run *run, struct call *call, struct events **out)
{
	struct events *all;
	int result = call->count > 0 ? function_take(run, call, 0, &all) : events_new(&all, run, 0);

	if (result < 0)
		return result;
	for (size_t i = 1; result == 0 && i < call->count; i++) {
		struct events *more;

		result = function_events(run, call->args[i], &more);
		for (size_t j = 0; result == 0 && j < more->count; j++)
			result = events_add(all, run, &more->at[j]);
		if (result == 0)
			result = run_step(run, (unsigned)(more->count / 4));
	}
	if (result < 0)
		events_unref(run, all);
	else
		*out = all;
	return result;
}

/* Whole milliseconds, in seconds. */
static double total_seconds(const struct events *events)
{
	int64_t total_ns = 0;

	for (size_t i = 0; i < events->count; i++)
		total_ns = moment_add(total_ns, events->at[i].duration_ns);
	return (double)(total_ns / NS_PER_MS) / 1000.0;
}

int sum_durations(struct run *run, struct value **args, size_t count, struct value **out)
{
	struct memo *memo = hoard_memo(run->hoard);
	struct memo_value known = { 0 };
	struct memo_key key;
	struct events *events;
	int64_t began_ns = clock_monotonic_ns();
	int result;

	function_key(function_find(STR("sum_durations")), args, 0, count, "call", &key);
	if (memo_find(memo, &key, &known)) {
		run->hits++;
		return value_number(out, run, known.number);
	}
	run->misses++;
	result = function_events(run, args[0], &events);
	if (result < 0)
		return result;
	known.number = total_seconds(events);
	if (!run->stale)
		memo_keep(memo, &key, &known, clock_monotonic_ns() - began_ns);
	return value_number(out, run, known.number);
}
