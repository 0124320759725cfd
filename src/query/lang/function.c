/* The table, and how calls are checked, remembered and made. */
#include "query/lang/function.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "model/limits.h"

/* Calls that wait for calls that wait …: at this many one is made, so that the stack is bounded. */
enum { DEPTH_MAX = LIMIT_QUERY_DEPTH };

static const struct function functions[] = {
	{ "query_bucket", "s", query_bucket, NULL, query_bucket_prepare },
	{ "query_bucket_names", "", NULL, query_bucket_names, NULL },
	{ "find_bucket", "ss?", NULL, find_bucket, NULL },
	{ "print", "v*", NULL, fn_print, NULL },
	{ "contains", "vv", NULL, contains, NULL },
	{ "flood", "e", flood, NULL, NULL },
	{ "categorize", "el", map_events, NULL, categorize_prepare },
	{ "tag", "el", map_events, NULL, tag_prepare },
	{ "sort_by_timestamp", "e", sort_by_timestamp, NULL, NULL },
	{ "sort_by_duration", "e", sort_by_duration, NULL, NULL },
	{ "limit_events", "en", limit_events, NULL, NULL },
	{ "sum_durations", "e", NULL, sum_durations, NULL },
	{ "merge_events_by_keys", "el", merge_events_by_keys, NULL, merge_events_by_keys_prepare },
	{ "chunk_events_by_key", "es", chunk_events_by_key, NULL, chunk_events_by_key_prepare },
	{ "filter_keyvals", "esl", filter_keyvals, NULL, filter_keyvals_prepare },
	{ "exclude_keyvals", "esl", exclude_keyvals, NULL, filter_keyvals_prepare },
	{ "filter_keyvals_regex", "ess", filter_keyvals, NULL, filter_keyvals_regex_prepare },
	{ "filter_period_intersect", "ee", filter_period_intersect, NULL, NULL },
	{ "split_url_events", "e", map_events, NULL, split_url_events_prepare },
	{ "concat", "e*", concat, NULL, NULL },
	{ "period_union", "ee", period_union, NULL, NULL },
	{ "union_no_overlap", "ee", union_no_overlap, NULL, NULL },
};

const struct function *function_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (str_eq_c(name, functions[i].name))
			return &functions[i];
	return NULL;
}

/* --- arguments --- */

static int check_count(struct run *run, const struct function *function, size_t count)
{
	size_t parameters = 0, optional = 0;

	for (const char *at = function->types; *at; at++) {
		if (*at == '*')
			return 0;
		if (*at == '?')
			optional++;
		else
			parameters++;
	}
	if (count <= parameters && count >= parameters - optional)
		return 0;
	return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
		"Expected %zu parameters in function, got %zu", parameters, count);
}

static int check_events(struct run *run, const struct value *value)
{
	size_t i = 0;

	if (value_is_events(value))
		return 0;
	if (value->type != VALUE_LIST)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type List of Events, got %.*s",
			STR_ARG(value_show(run, value)));
	/* A list that holds events and nothing else is of the other type. */
	while (i + 1 < value->list.count && value->list.items[i]->type == VALUE_EVENT)
		i++;
	return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
		"Expected function parameter of type List of Events, list contains %.*s",
		STR_ARG(value_show(run, value->list.items[i])));
}

static int check_type(struct run *run, char type, const struct value *value)
{
	const char *wanted;
	bool right;

	switch (type) {
	case 'e':
		return check_events(run, value);
	case 's':
		wanted = "String";
		right = value->type == VALUE_STRING;
		break;
	case 'n':
		wanted = "Number";
		right = value->type == VALUE_NUMBER;
		break;
	case 'l':
		wanted = "List";
		right = value_is_list(value);
		break;
	default:
		return 0;
	}
	if (right)
		return 0;
	return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
		"Expected function parameter of type %s, got %.*s", wanted,
		STR_ARG(value_show(run, value)));
}

static int check_args(
	struct run *run, const struct function *function, struct value *const *args, size_t count)
{
	const char *type = function->types;
	int result = check_count(run, function, count);

	for (size_t i = 0; result == 0 && i < count; i++) {
		result = check_type(run, *type, args[i]);
		if (type[1] == '?')
			type += 2;
		else if (type[1] != '*')
			type++;
	}
	return result;
}

/* --- identity --- */

void function_key(const struct function *function, struct value *const *args, size_t from,
	size_t count, const char *purpose, struct memo_key *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	uint8_t hash[SHA256_BYTES];

	buf_addc(&text, purpose);
	buf_byte(&text, ' ');
	buf_addc(&text, function->name);
	for (size_t i = from; i < count; i++)
		value_identity(args[i], &text);
	sha256(buf_str(&text), hash);
	memcpy(out->bytes, hash, sizeof(out->bytes));
}

/* query_bucket is told apart by what it reads, not by what the bucket is called. */
static void range_key(const struct call *call, struct memo_key *out)
{
	struct {
		char purpose[16];
		struct hoard_range range;
		int64_t version;
	} what = { "query_bucket", call->range, call->version };
	uint8_t hash[SHA256_BYTES];

	sha256((struct str){ (const char *)&what, sizeof(what) }, hash);
	memcpy(out->bytes, hash, sizeof(out->bytes));
}

/* Another value of the run that is the same call, still alive. */
static struct value *find_live(struct run *run, const struct memo_key *key)
{
	struct value *at = run->live[key->bytes[0]];

	while (at && memcmp(at->call.key.bytes, key->bytes, MEMO_KEY_BYTES) != 0)
		at = at->call.next;
	return at;
}

int function_mapping(struct run *run, struct call *call, size_t from,
	int (*make)(struct run *run, struct call *call, const struct memo_key *key))
{
	struct mappings *mappings = hoard_mappings(run->hoard);
	struct memo_key key;
	int result;

	function_key(call->function, call->args, from, call->count, "mapping", &key);
	call->mapping = mappings_get(mappings, &key);
	if (call->mapping)
		return 0;
	result = make(run, call, &key);
	if (result == 0)
		mappings_put(mappings, call->mapping);
	return result;
}

/* --- calls on events --- */

static unsigned waiting(const struct value *value)
{
	return value->type == VALUE_EVENTS && !value->call.list ? value->call.depth + 1 : 0;
}

/* Make VALUE's depth known; when it waits for too many, compute its arguments. */
static int bound_depth(struct run *run, struct call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		struct events *list;
		int result;

		if (waiting(call->args[i]) >= DEPTH_MAX) {
			result = function_events(run, call->args[i], &list);
			if (result < 0)
				return result;
		}
		if (call->depth < waiting(call->args[i]))
			call->depth = waiting(call->args[i]);
	}
	return 0;
}

static int prepare_call(struct value **out, struct run *run, const struct function *function,
	struct value **args, size_t count)
{
	int result = value_call(out, run, function, args, count);
	struct value *value = *out, *same;
	struct call *call;

	if (result < 0)
		return result;
	call = &value->call;
	if (function->prepare)
		result = function->prepare(run, call);
	if (result == 0)
		result = bound_depth(run, call);
	if (result < 0)
		return result;
	if (call->range.identity != 0)
		range_key(call, &call->key);
	else
		function_key(function, args, 0, count, "call", &call->key);
	same = find_live(run, &call->key);
	if (same) {
		*out = value_ref(same);
		value_unref(run, value);
		return 0;
	}
	call->next = run->live[call->key.bytes[0]];
	run->live[call->key.bytes[0]] = value;
	return 0;
}

static void unref_all(struct run *run, struct value **args, size_t count)
{
	for (size_t i = 0; i < count; i++)
		value_unref(run, args[i]);
}

int function_call(struct value **out, struct run *run, const struct function *function,
	struct value **args, size_t count)
{
	int result = check_args(run, function, args, count);

	*out = NULL;
	if (result == 0 && function->events) {
		result = prepare_call(out, run, function, args, count);
		if (result < 0) {
			value_unref(run, *out);
			*out = NULL;
		}
		return result;
	}
	if (result == 0)
		result = function->value(run, args, count, out);
	unref_all(run, args, count);
	return result;
}

/* The arguments are not needed any more once the list is there. */
static void settle(struct run *run, struct call *call, struct events *list)
{
	call->list = list;
	call->depth = 0;
	unref_all(run, call->args, call->count);
	call->count = 0;
	mapping_unref(call->mapping);
	call->mapping = NULL;
}

static int compute(struct run *run, struct call *call)
{
	struct memo *memo = hoard_memo(run->hoard);
	int64_t began_ns = clock_monotonic_ns();
	struct events *list;
	int result = call->function->events(run, call, &list);

	if (result < 0)
		return result;
	events_trim(list, run);
	if (!run->stale && !events_shared(list) && memo_fits(memo, events_bytes(list))) {
		struct memo_value value = { .events = list };

		events_discharge(run, list);
		memo_keep(memo, &call->key, &value, clock_monotonic_ns() - began_ns);
	}
	settle(run, call, list);
	return 0;
}

int function_events(struct run *run, struct value *value, struct events **out)
{
	struct call *call = &value->call;
	struct memo_value known;
	int result = 0;

	if (value->type == VALUE_LIST)
		return run_empty(run, out);
	if (!call->list) {
		if (memo_find(hoard_memo(run->hoard), &call->key, &known)) {
			run->hits++;
			settle(run, call, known.events);
		} else {
			run->misses++;
			result = compute(run, call);
		}
	}
	*out = call->list;
	return result;
}

int function_take(struct run *run, struct call *call, size_t at, struct events **out)
{
	struct value *value = call->args[at];
	struct events *list;
	int result = function_events(run, value, &list);

	if (result < 0)
		return result;
	if (value->type == VALUE_LIST || value->refs > 1 || events_shared(list))
		return events_copy(out, run, list);
	value->call.list = NULL; /* nobody will ask this value again: it goes with the call */
	*out = list;
	return 0;
}
