#include "query/lang/value.h"

#include <stdlib.h>

#include "query/lang/function.h"

static int fail_weight(struct run *run)
{
	return run_fail(run, LANG_LIMIT, "a value is larger than %d MB", VALUE_WEIGHT >> 20);
}

int value_new(struct value **out, struct run *run, enum value_type type, size_t extra)
{
	size_t bytes = sizeof(struct value) + extra;
	struct value *value;
	int result;

	*out = NULL;
	result = extra > VALUE_WEIGHT ? fail_weight(run) : run_charge(run, bytes);
	if (result < 0)
		return result;
	value = mem_zalloc(bytes);
	value->refs = 1;
	value->type = (uint8_t)type;
	value->bytes = bytes;
	value->weight = bytes;
	*out = value;
	return 0;
}

int value_none(struct value **out, struct run *run)
{
	return value_new(out, run, VALUE_NONE, 0);
}

int value_bool(struct value **out, struct run *run, bool flag)
{
	int result = value_new(out, run, VALUE_BOOL, 0);

	if (result == 0)
		(*out)->flag = flag;
	return result;
}

int value_number(struct value **out, struct run *run, double number)
{
	int result = value_new(out, run, VALUE_NUMBER, 0);

	if (result == 0)
		(*out)->number = number;
	return result;
}

int value_string(struct value **out, struct run *run, struct str text)
{
	int result = value_new(out, run, VALUE_STRING, text.len);
	char *copy;

	if (result < 0)
		return result;
	copy = (char *)(*out + 1);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	(*out)->text = (struct str){ copy, text.len };
	return 0;
}

int value_list(struct value **out, struct run *run, size_t count)
{
	int result = value_new(out, run, VALUE_LIST, count * sizeof(struct value *));

	if (result < 0)
		return result;
	(*out)->list.items = (struct value **)(*out + 1);
	(*out)->list.count = count;
	return 0;
}

/* PARENT is to hold ITEM. */
static int nest(struct value *parent, struct run *run, const struct value *item)
{
	if (item->depth >= VALUE_DEPTH)
		return run_fail(
			run, LANG_LIMIT, "lists and dicts are nested deeper than %d", VALUE_DEPTH);
	parent->weight += item->weight;
	if (parent->weight > VALUE_WEIGHT)
		return fail_weight(run);
	if (item->depth >= parent->depth)
		parent->depth = (uint8_t)(item->depth + 1);
	return 0;
}

int value_put(struct value *list, struct run *run, size_t at, struct value *item)
{
	list->list.items[at] = item;
	return nest(list, run, item);
}

static int by_key(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = str_cmp(left->key, right->key);

	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* Drop all but the last of equal keys; returns how many are left. */
static size_t drop_repeated(struct run *run, struct member *members, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && str_eq(members[i].key, members[i + 1].key))
			value_unref(run, members[i].value);
		else
			members[kept++] = members[i];
	}
	return kept;
}

int value_dict(struct value **out, struct run *run, struct member *members, size_t count)
{
	int result = value_new(out, run, VALUE_DICT, count * sizeof(*members));
	struct value *dict = *out;

	if (result < 0) {
		for (size_t i = 0; i < count; i++)
			value_unref(run, members[i].value);
		return result;
	}
	if (count > 0)
		qsort(members, count, sizeof(*members), by_key);
	dict->dict.members = (struct member *)(dict + 1);
	dict->dict.count = drop_repeated(run, members, count);
	for (size_t i = 0; i < dict->dict.count; i++) {
		dict->dict.members[i] = members[i];
		if (result == 0)
			result = nest(dict, run, members[i].value);
	}
	return result;
}

struct value *value_ref(struct value *value)
{
	value->refs++;
	return value;
}

static void release_call(struct run *run, struct value *value)
{
	struct call *call = &value->call;
	struct value **link = &run->live[call->key.bytes[0]];

	while (*link && *link != value)
		link = &(*link)->call.next;
	if (*link)
		*link = call->next;
	for (size_t i = 0; i < call->count; i++)
		value_unref(run, call->args[i]);
	mapping_unref(call->mapping);
	events_unref(run, call->list);
}

void value_unref(struct run *run, struct value *value)
{
	if (!value || --value->refs > 0)
		return;
	if (value->type == VALUE_LIST)
		for (size_t i = 0; i < value->list.count; i++)
			value_unref(run, value->list.items[i]);
	if (value->type == VALUE_DICT)
		for (size_t i = 0; i < value->dict.count; i++)
			value_unref(run, value->dict.members[i].value);
	if (value->type == VALUE_EVENTS)
		release_call(run, value);
	run_refund(run, value->bytes);
	free(value);
}

bool value_is_list(const struct value *value)
{
	return value->type == VALUE_LIST || value->type == VALUE_EVENTS;
}

bool value_is_events(const struct value *value)
{
	return value->type == VALUE_EVENTS || (value->type == VALUE_LIST && value->list.count == 0);
}

int value_call(struct value **out, struct run *run, const struct function *function,
	struct value **args, size_t count)
{
	int result = value_new(out, run, VALUE_EVENTS, 0);

	if (result < 0) {
		for (size_t i = 0; i < count; i++)
			value_unref(run, args[i]);
		return result;
	}
	(*out)->call.function = function;
	(*out)->call.args = args;
	(*out)->call.count = count;
	return 0;
}
