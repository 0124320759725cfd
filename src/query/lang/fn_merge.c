/* Events with equal values of some keys, as one: all of a list, or those that follow each other. */
#include <stdlib.h>

#include "base/sha256.h"
#include "query/lang/function.h"

/* A group's name that is longer stands as its hash: names are compared, never shown. */
enum { NAME_BYTES = 32, FIRST_SLOTS = 1024, LOOKUP_STEPS = 16 };

/* --- the group of a data object --- */

struct keys {
	size_t count;
	struct str *keys;
	char *text; /* of all keys */
};

static void release_keys(void *state)
{
	struct keys *keys = state;

	free(keys->keys);
	free(keys->text);
	free(keys);
}

static struct keys *new_keys(struct value *const *items, size_t count)
{
	struct keys *keys = mem_zalloc(sizeof(*keys));
	size_t bytes = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += items[i]->text.len;
	keys->count = count;
	keys->keys = mem_resize(NULL, count, sizeof(struct str));
	keys->text = at = mem_alloc(bytes);
	for (size_t i = 0; i < count; i++) {
		struct str key = items[i]->text;

		if (key.len > 0)
			memcpy(at, key.ptr, key.len);
		keys->keys[i] = (struct str){ at, key.len };
		at += key.len;
	}
	return keys;
}

/* The values of all keys with dots between them, or nothing when one is missing. Values that hold
 * dots may look alike this way; ActivityWatch's do too. */
static const struct data *map_group(
	const void *state, struct mapper *mapper, const struct data *data)
{
	const struct keys *keys = state;
	uint8_t hash[SHA256_BYTES];
	struct buf *name = &mapper->text;

	buf_clear(name);
	for (size_t i = 0; i < keys->count; i++) {
		struct str value = data_get(data, keys->keys[i], &mapper->scratch);

		if (!value.ptr)
			return &data_none;
		if (i > 0)
			buf_byte(name, '.');
		buf_add(name, value);
	}
	mapper->run->steps += (unsigned)keys->count * LOOKUP_STEPS;
	if (name->len < NAME_BYTES)
		return run_data(mapper->run, buf_str(name));
	sha256(buf_str(name), hash);
	return run_data(mapper->run, (struct str){ (const char *)hash, NAME_BYTES });
}

static const struct mapping_type group_type = { map_group, release_keys };

static int make_merge(struct run *run, struct call *call, const struct memo_key *key)
{
	const struct value *list = call->args[1];

	(void)run;
	call->mapping = mapping_new(&group_type, new_keys(list->list.items, list->list.count), key);
	return 0;
}

int merge_events_by_keys_prepare(struct run *run, struct call *call)
{
	const struct value *list = call->args[1];

	if (list->type == VALUE_EVENTS)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type List of Strings, list contains an "
			"Event");
	for (size_t i = 0; i < list->list.count; i++)
		if (list->list.items[i]->type != VALUE_STRING)
			return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
				"Expected function parameter of type List of Strings, list "
				"contains %.*s",
				STR_ARG(value_show(run, list->list.items[i])));
	return function_mapping(run, call, 1, make_merge);
}

static int make_chunk(struct run *run, struct call *call, const struct memo_key *key)
{
	(void)run;
	call->mapping = mapping_new(&group_type, new_keys(&call->args[1], 1), key);
	return 0;
}

int chunk_events_by_key_prepare(struct run *run, struct call *call)
{
	return function_mapping(run, call, 1, make_chunk);
}

/* --- merging --- */

/* By the number of a group's name: the place of its event in the result, plus 1. */
struct places {
	uint32_t *at;
	size_t room;
};

static int make_room(struct run *run, struct places *places, size_t no)
{
	size_t room = places->room > 0 ? places->room : FIRST_SLOTS;
	int result;

	while (room <= no)
		room *= 2;
	result = run_charge(run, (room - places->room) * sizeof(uint32_t));
	if (result < 0)
		return result;
	places->at = mem_resize(places->at, room, sizeof(uint32_t));
	memset(places->at + places->room, 0, (room - places->room) * sizeof(uint32_t));
	places->room = room;
	return 0;
}

static int merge_one(struct run *run, struct places *places, const struct data *group,
	const struct moment *moment, struct events *out)
{
	struct moment first = *moment;
	int result = group->no < places->room ? 0 : make_room(run, places, group->no);

	if (result < 0)
		return result;
	if (places->at[group->no] > 0) {
		struct moment *there = &out->at[places->at[group->no] - 1];

		there->duration_ns = moment_add(there->duration_ns, moment->duration_ns);
		return 0;
	}
	first.id = EVENTS_NO_ID;
	result = events_add(out, run, &first);
	places->at[group->no] = (uint32_t)out->count;
	return result;
}

static int merge_all(
	struct run *run, struct call *call, const struct events *events, struct events *out)
{
	struct mapper mapper = { .run = run };
	struct places places = { NULL, 0 };
	int result = 0;

	for (size_t i = 0; result == 0 && i < events->count; i++) {
		const struct moment *moment = &events->at[i];
		const struct data *group = mapping_get(call->mapping, &mapper, moment->data);

		if (group != &data_none)
			result = merge_one(run, &places, group, moment, out);
		if (result == 0)
			result = run_step(run, 1);
	}
	run_refund(run, places.room * sizeof(uint32_t));
	free(places.at);
	mapper_release(&mapper);
	return result;
}

int merge_events_by_keys(struct run *run, struct call *call, struct events **out)
{
	struct events *events, *merged;
	int result = function_events(run, call->args[0], &events);

	if (result == 0)
		result = events_new(&merged, run, 0);
	if (result < 0)
		return result;
	/* Without keys there is no group that an event could be in. */
	if (call->args[1]->list.count > 0)
		result = merge_all(run, call, events, merged);
	if (result < 0)
		events_unref(run, merged);
	else
		*out = merged;
	return result;
}

/* --- chunking --- */

static int chunk_in_place(struct run *run, struct call *call, struct events *events)
{
	struct mapper mapper = { .run = run };
	const struct data *last = &data_none;
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < events->count; i++) {
		struct moment moment = events->at[i];
		const struct data *group = mapping_get(call->mapping, &mapper, moment.data);

		if (group != &data_none && group == last)
			events->at[count - 1].duration_ns =
				moment_add(events->at[count - 1].duration_ns, moment.duration_ns);
		else if (group != &data_none)
			events->at[count++] = moment;
		if (group != &data_none)
			last = group;
		result = run_step(run, 1);
	}
	events->count = count;
	mapper_release(&mapper);
	return result;
}

int chunk_events_by_key(struct run *run, struct call *call, struct events **out)
{
	struct events *events;
	int result = function_take(run, call, 0, &events);

	if (result < 0)
		return result;
	result = chunk_in_place(run, call, events);
	if (result < 0)
		events_unref(run, events);
	else
		*out = events;
	return result;
}
