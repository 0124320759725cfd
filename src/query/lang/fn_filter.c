/* Events whose data has a value, or does not. */
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "query/lang/function.h"
#include "query/lang/pattern.h"

enum { LOOKUP_STEPS = 16, SEARCH_STEPS = 64 };

/* One of the two: a list of JSON texts, sorted, or a pattern for strings. */
struct filter {
	struct buf text; /* the key, then the values, one behind the other */
	size_t key_len;
	struct str *values;
	size_t count;
	struct pattern *pattern;
};

static const struct data data_yes = { 0 };

static void release_filter(void *state)
{
	struct filter *filter = state;

	buf_release(&filter->text);
	free(filter->values);
	pattern_free(filter->pattern);
	free(filter);
}

static int by_text(const void *a, const void *b)
{
	const struct str *left = a, *right = b;

	return str_cmp(*left, *right);
}

static bool is_found(const struct filter *filter, struct mapper *mapper, struct str value)
{
	struct str text;

	if (!data_string(value, &mapper->scratch, &text))
		return false;
	/* Long texts may take long. */
	mapper->run->steps +=
		SEARCH_STEPS + (unsigned)(text.len < RUN_STEPS ? text.len : RUN_STEPS);
	return pattern_search(filter->pattern, text) == PATTERN_YES;
}

static const struct data *map_filter(
	const void *state, struct mapper *mapper, const struct data *data)
{
	const struct filter *filter = state;
	struct str key = str_sub(buf_str(&filter->text), 0, filter->key_len);
	struct str value = data_get(data, key, &mapper->scratch);
	bool found;

	mapper->run->steps += LOOKUP_STEPS;
	if (!value.ptr)
		return &data_none;
	if (filter->pattern)
		found = is_found(filter, mapper, value);
	else
		found = bsearch(&value, filter->values, filter->count, sizeof(value), by_text);
	return found ? &data_yes : &data_none;
}

static const struct mapping_type filter_type = { map_filter, release_filter };

/* --- filter_keyvals, exclude_keyvals --- */

static int fail_value(struct run *run, const struct value *value)
{
	return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
		"Query2 support for parsing values is limited, does not support parsing %.*s",
		STR_ARG(value_show(run, value)));
}

/* Append VALUE as the JSON text that data has for it. */
static int put_json(struct run *run, const struct value *value, struct buf *out)
{
	struct json_writer writer = json_writer(out);
	int result = 0;

	switch ((enum value_type)value->type) {
	case VALUE_NONE:
		json_put_null(&writer);
		return 0;
	case VALUE_BOOL:
		json_put_bool(&writer, value->flag);
		return 0;
	case VALUE_STRING:
		json_put_str(&writer, value->text);
		return 0;
	case VALUE_NUMBER:
		if (!isfinite(value->number))
			return fail_value(run, value);
		json_put_float(&writer, value->number);
		return 0;
	case VALUE_LIST:
		buf_byte(out, '[');
		for (size_t i = 0; result == 0 && i < value->list.count; i++) {
			if (i > 0)
				buf_byte(out, ',');
			result = put_json(run, value->list.items[i], out);
		}
		buf_byte(out, ']');
		return result;
	default:
		return fail_value(run, value);
	}
}

/* The values as texts, in FILTER. */
static int put_values(struct run *run, struct filter *filter, const struct value *list)
{
	size_t *ends = arena_zalloc(&run->scratch, list->list.count + 1, sizeof(*ends));
	size_t from = filter->text.len;

	for (size_t i = 0; i < list->list.count; i++) {
		int result = put_json(run, list->list.items[i], &filter->text);

		if (result < 0)
			return result;
		ends[i] = filter->text.len;
	}
	/* The text has found its place. */
	filter->count = list->list.count;
	filter->values = mem_resize(NULL, filter->count, sizeof(struct str));
	for (size_t i = 0; i < filter->count; i++) {
		filter->values[i] = str_sub(buf_str(&filter->text), from, ends[i] - from);
		from = ends[i];
	}
	if (filter->count > 0)
		qsort(filter->values, filter->count, sizeof(struct str), by_text);
	return 0;
}

static struct filter *new_filter(struct str key)
{
	struct filter *filter = mem_zalloc(sizeof(*filter));

	buf_add(&filter->text, key);
	filter->key_len = key.len;
	return filter;
}

static int make_values(struct run *run, struct call *call, const struct memo_key *key)
{
	struct filter *filter = new_filter(call->args[1]->text);
	int result = put_values(run, filter, call->args[2]);

	if (result < 0)
		release_filter(filter);
	else
		call->mapping = mapping_new(&filter_type, filter, key);
	return result;
}

int filter_keyvals_prepare(struct run *run, struct call *call)
{
	if (call->args[2]->type == VALUE_EVENTS)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Query2 support for parsing values is limited, does not support parsing "
			"Event");
	return function_mapping(run, call, 1, make_values);
}

/* --- filter_keyvals_regex --- */

static int make_regex(struct run *run, struct call *call, const struct memo_key *key)
{
	struct filter *filter = new_filter(call->args[1]->text);
	struct str regex = call->args[2]->text;
	struct err cause;

	if (pattern_compile(&filter->pattern, regex, false, &cause) < 0) {
		release_filter(filter);
		return run_fail(run, LANG_REGEX_COMPILE_ERROR,
			"Failed to compile regex string '%.*s': %s", STR_ARG(utf8_cut(regex, 100)),
			cause.message);
	}
	call->mapping = mapping_new(&filter_type, filter, key);
	return 0;
}

int filter_keyvals_regex_prepare(struct run *run, struct call *call)
{
	return function_mapping(run, call, 1, make_regex);
}

/* --- filtering --- */

static int keep(struct run *run, struct call *call, const struct data *wanted, struct events **out)
{
	struct mapper mapper = { .run = run };
	struct events *events, *kept;
	int result = function_events(run, call->args[0], &events);

	if (result == 0)
		result = events_new(&kept, run, 0);
	if (result < 0)
		return result;
	for (size_t i = 0; result == 0 && i < events->count; i++) {
		if (mapping_get(call->mapping, &mapper, events->at[i].data) == wanted)
			result = events_add(kept, run, &events->at[i]);
		if (result == 0)
			result = run_step(run, 1);
	}
	mapper_release(&mapper);
	if (result < 0)
		events_unref(run, kept);
	else
		*out = kept;
	return result;
}

int filter_keyvals(struct run *run, struct call *call, struct events **out)
{
	return keep(run, call, &data_yes, out);
}

int exclude_keyvals(struct run *run, struct call *call, struct events **out)
{
	return keep(run, call, &data_none, out);
}
