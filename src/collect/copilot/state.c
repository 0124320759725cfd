/*
 * Documents as text in pieces.
 *
 * Reading a level means finding where its values end: strings and brackets are counted, nothing
 * else is looked at. So a level costs its length, whatever is inside, and a node is opened at most
 * once. Whoever wants the content of a value has it parsed, and learns there whether it is JSON.
 *
 * A change costs its own length and that of what it opens, however many there were before it: keys
 * of large objects are found by their hash, and a member that is deleted leaves its place behind.
 */
#include "collect/copilot/state.h"

#include "base/hash.h"

enum {
	CUT = -1,
	BROKEN = -2,
	FIRST_MEMBERS = 8,
	SEARCHED_MEMBERS = 16, /* of an object, one by one; more are found by their hash */
	SPARE_DEPTH = 8,
};

struct copilot_node copilot_node(struct str text)
{
	return (struct copilot_node){ .kind = COPILOT_TEXT, .text = text };
}

/* --- finding the ends of values: an offset, or CUT, or BROKEN --- */

static ptrdiff_t skip_space(struct str text, ptrdiff_t at)
{
	while ((size_t)at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
		at++;
	return (size_t)at < text.len ? at : CUT;
}

/* AT is its opening quote. */
static ptrdiff_t skip_string(struct str text, ptrdiff_t at)
{
	ptrdiff_t from = at + 1;

	for (;;) {
		ptrdiff_t quote = str_find(text, '"', (size_t)from), first;

		if (quote < 0)
			return CUT;
		for (first = quote; first > from && text.ptr[first - 1] == '\\'; first--)
			;
		from = quote + 1;
		if ((quote - first) % 2 == 0)
			return from;
	}
}

static ptrdiff_t skip_nested(struct str text, ptrdiff_t at)
{
	size_t depth = 0;

	while ((size_t)at < text.len) {
		char c = text.ptr[at];

		if (c == '"') {
			at = skip_string(text, at);
			if (at < 0)
				return at;
			continue;
		}
		at++;
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && --depth == 0)
			return at;
	}
	return CUT;
}

static ptrdiff_t skip_value(struct str text, ptrdiff_t at)
{
	ptrdiff_t start = at;

	if (text.ptr[at] == '"')
		return skip_string(text, at);
	if (text.ptr[at] == '[' || text.ptr[at] == '{')
		return skip_nested(text, at);
	while ((size_t)at < text.len && !memchr(",:]} \t\r\n\"[{", text.ptr[at], 11))
		at++;
	return at > start ? at : BROKEN;
}

/* --- members --- */

/* Where KEY stands in the index of OBJECT, or would. Half of the places are free. */
static uint32_t *place_of(const struct copilot_node *object, struct str key)
{
	uint64_t last = (uint64_t)object->capacity * 2 - 1, at = hash64(key, 0) & last;

	while (object->index[at] > 0 && !str_eq(object->members[object->index[at] - 1].key, key))
		at = (at + 1) & last;
	return &object->index[at];
}

/* Member KEY of OBJECT, also when it is gone; NULL: none. */
static struct copilot_node *find(const struct copilot_node *object, struct str key)
{
	uint32_t at;

	if (object->index) {
		at = *place_of(object, key);
		return at > 0 ? &object->members[at - 1].node : NULL;
	}
	for (uint32_t i = 0; i < object->count; i++)
		if (str_eq(object->members[i].key, key))
			return &object->members[i].node;
	return NULL;
}

static void grow(struct arena *arena, struct copilot_node *node)
{
	struct copilot_member *grown;

	node->capacity = node->capacity ? node->capacity * 2 : FIRST_MEMBERS;
	grown = arena_zalloc(arena, node->capacity, sizeof(*grown));
	if (node->count > 0)
		memcpy(grown, node->members, node->count * sizeof(*grown));
	node->members = grown;
	if (node->kind != COPILOT_OBJECT || node->capacity <= SEARCHED_MEMBERS)
		return;
	node->index = arena_zalloc(arena, (size_t)node->capacity * 2, sizeof(*node->index));
	for (uint32_t i = 0; i < node->count; i++)
		*place_of(node, node->members[i].key) = i + 1;
}

/* A key that is in NODE must not be added again. */
static void append(
	struct arena *arena, struct copilot_node *node, struct str key, struct copilot_node value)
{
	if (node->count == node->capacity)
		grow(arena, node);
	if (node->index)
		*place_of(node, key) = node->count + 1;
	node->members[node->count++] = (struct copilot_member){ key, value };
}

static bool is_full(const struct copilot_node *node)
{
	return node->count >= COPILOT_MEMBERS;
}

/* --- opening --- */

/* TEXT with its quotes. */
static struct str decode_key(struct arena *arena, struct str text)
{
	struct json_parser parser = { 0 };
	struct str key = str_sub(text, 1, text.len - 2);
	const struct json *value;
	struct err ignored;

	if (str_find(key, '\\', 0) < 0)
		return key;
	if (json_parse(&parser, text, true, &value, &ignored) == 0)
		key = arena_str(arena, json_str(value));
	json_parser_release(&parser);
	return key;
}

static struct str between(struct str text, ptrdiff_t from, ptrdiff_t to)
{
	return str_sub(text, (size_t)from, (size_t)(to - from));
}

/* From the start of a member to the comma or bracket behind it. */
static ptrdiff_t take_member(
	struct arena *arena, struct copilot_node *node, struct str text, ptrdiff_t at)
{
	struct str key = { NULL, 0 };
	ptrdiff_t end;

	if (node->kind == COPILOT_OBJECT) {
		if (text.ptr[at] != '"')
			return BROKEN;
		end = skip_string(text, at);
		if (end < 0)
			return end;
		key = decode_key(arena, between(text, at, end));
		at = skip_space(text, end);
		if (at < 0 || text.ptr[at] != ':')
			return at < 0 ? CUT : BROKEN;
		at = skip_space(text, at + 1);
		if (at < 0)
			return CUT;
	}
	end = skip_value(text, at);
	if (end < 0)
		return end;
	if (node->kind == COPILOT_ARRAY || !find(node, key))
		append(arena, node, key, copilot_node(between(text, at, end)));
	return skip_space(text, end);
}

/* From behind the opening bracket to behind the closing one. */
static ptrdiff_t take_members(
	struct arena *arena, struct copilot_node *node, struct str text, ptrdiff_t at)
{
	char close = node->kind == COPILOT_ARRAY ? ']' : '}';

	at = skip_space(text, at);
	if (at >= 0 && text.ptr[at] == close)
		return at + 1;
	while (at >= 0) {
		if (is_full(node))
			return BROKEN;
		at = take_member(arena, node, text, at);
		if (at >= 0 && text.ptr[at] == close)
			return at + 1;
		if (at >= 0 && text.ptr[at] != ',')
			return BROKEN;
		if (at >= 0)
			at = skip_space(text, at + 1);
	}
	return at;
}

enum copilot_opened copilot_open(struct arena *arena, struct copilot_node *node)
{
	struct copilot_node opened = { 0 };
	struct str text = node->text;
	ptrdiff_t at;

	if (node->kind == COPILOT_ARRAY || node->kind == COPILOT_OBJECT)
		return COPILOT_OPEN;
	if (node->kind == COPILOT_SEALED)
		return COPILOT_CLOSED;
	node->kind = COPILOT_SEALED;
	at = skip_space(text, 0);
	if (at < 0)
		return COPILOT_CUT;
	if (text.ptr[at] != '[' && text.ptr[at] != '{')
		return COPILOT_CLOSED;
	opened.kind = text.ptr[at] == '[' ? COPILOT_ARRAY : COPILOT_OBJECT;
	at = take_members(arena, &opened, text, at + 1);
	if (at < 0)
		return is_full(&opened) ? COPILOT_CLOSED : at == CUT ? COPILOT_CUT : COPILOT_BROKEN;
	if (skip_space(text, at) >= 0)
		return COPILOT_BROKEN;
	*node = opened;
	return COPILOT_OPEN;
}

struct copilot_node *copilot_get(const struct copilot_node *object, struct str key)
{
	struct copilot_node *member = object->kind == COPILOT_OBJECT ? find(object, key) : NULL;

	return member && member->kind != COPILOT_GONE ? member : NULL;
}

/* As deep as what was opened, which is at most COPILOT_PATH_STEPS. */
static void write_node(struct json_writer *writer, const struct copilot_node *node)
{
	bool object = node->kind == COPILOT_OBJECT;

	if (node->kind == COPILOT_TEXT || node->kind == COPILOT_SEALED) {
		json_put_raw(writer, node->text);
		return;
	}
	if (object)
		json_begin_object(writer);
	else
		json_begin_array(writer);
	for (uint32_t i = 0; i < node->count; i++) {
		if (node->members[i].node.kind == COPILOT_GONE)
			continue;
		if (object)
			json_key(writer, node->members[i].key);
		write_node(writer, &node->members[i].node);
	}
	if (object)
		json_end_object(writer);
	else
		json_end_array(writer);
}

struct str copilot_text(const struct copilot_node *node, struct buf *scratch)
{
	struct json_writer writer;

	if (node->kind == COPILOT_TEXT || node->kind == COPILOT_SEALED)
		return node->text;
	buf_clear(scratch);
	writer = json_writer(scratch);
	write_node(&writer, node);
	return buf_str(scratch);
}

/* --- changes --- */

static const char no_place[] = "the path leads nowhere";
static const char behind_end[] = "an index behind the end";
static const char too_much[] = "larger or deeper than a session may be";

/* The member of NODE, which is opened, that STEP names. */
static struct copilot_node *step_into(const struct copilot_node *node, const struct json *step)
{
	int64_t index;

	if (node->kind == COPILOT_OBJECT)
		return copilot_get(
			node, json_is(step, JSON_STRING) ? json_str(step) : json_number_text(step));
	if (!json_to_i64(step, &index) || index < 0 || index >= (int64_t)node->count)
		return NULL;
	return &node->members[index].node;
}

/* What holds the last step of PATH, opened, and that step; NULL: not there. */
static struct copilot_node *descend(struct arena *arena, struct copilot_node *root,
	const struct json *path, const struct json **last)
{
	struct json_iter iter = json_iter(path);
	struct copilot_node *node = root;
	struct str key;

	if (!json_is(path, JSON_ARRAY) || json_len(path) > COPILOT_PATH_STEPS ||
		!json_next(&iter, &key, last))
		return NULL;
	for (;;) {
		const struct json *step = *last;

		if (copilot_open(arena, node) != COPILOT_OPEN)
			return NULL;
		if (!json_next(&iter, &key, last))
			return node;
		node = step_into(node, step);
		if (!node)
			return NULL;
	}
}

static size_t depth_of(struct str text)
{
	size_t depth = 0, deepest = 0;

	for (ptrdiff_t at = 0; (size_t)at < text.len; at++) {
		char c = text.ptr[at];

		if (c == '"') {
			at = skip_string(text, at) - 1;
			if (at < 0)
				break;
		} else if (c == '[' || c == '{') {
			depth++;
			deepest = depth > deepest ? depth : deepest;
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

/* One mutation must not make the whole state deeper than anybody reads. */
static bool too_deep(const struct json *path, struct str value)
{
	return json_len(path) + depth_of(value) > JSON_MAX_DEPTH - SPARE_DEPTH;
}

static void add_element(struct arena *arena, struct copilot_node *array, struct copilot_node value)
{
	append(arena, array, (struct str){ NULL, 0 }, value);
}

/* Lengthen ARRAY to INDEX elements. False: that is too far away. */
static bool reach(struct arena *arena, struct copilot_node *array, int64_t index)
{
	if (index >= COPILOT_MEMBERS || index - (int64_t)array->count > COPILOT_GAP)
		return false;
	while ((int64_t)array->count < index)
		add_element(arena, array, copilot_node(STR("null")));
	return true;
}

static const char *set_element(struct arena *arena, struct copilot_node *array,
	const struct json *step, struct copilot_node value)
{
	const char *fault = NULL;
	int64_t index;

	if (!json_to_i64(step, &index) || index < 0)
		return no_place;
	if (index < (int64_t)array->count) {
		array->members[index].node = value;
		return NULL;
	}
	if (index > (int64_t)array->count)
		fault = behind_end;
	if (!reach(arena, array, index))
		return fault ? fault : too_much;
	add_element(arena, array, value);
	return fault;
}

static const char *set_member(struct arena *arena, struct copilot_node *holder,
	const struct json *step, struct copilot_node value)
{
	struct copilot_node *member;
	struct str key = json_is(step, JSON_STRING) ? json_str(step) : json_number_text(step);

	if (holder->kind == COPILOT_ARRAY)
		return set_element(arena, holder, step, value);
	member = find(holder, key);
	if (member)
		*member = value;
	else if (is_full(holder))
		return too_much;
	else
		append(arena, holder, arena_str(arena, key), value);
	return NULL;
}

const char *copilot_set(
	struct arena *arena, struct copilot_node *root, const struct json *path, struct str value)
{
	const struct json *last;
	struct copilot_node *holder = descend(arena, root, path, &last);

	if (!holder)
		return no_place;
	return too_deep(path, value) ? too_much
				     : set_member(arena, holder, last, copilot_node(value));
}

const char *copilot_delete(struct arena *arena, struct copilot_node *root, const struct json *path)
{
	const struct json *last;
	struct copilot_node *holder = descend(arena, root, path, &last);
	struct copilot_node *member = holder ? step_into(holder, last) : NULL;

	if (!holder)
		return no_place;
	if (member && holder->kind == COPILOT_ARRAY) /* JavaScript leaves a hole */
		*member = copilot_node(STR("null"));
	else if (member)
		*member = (struct copilot_node){ .kind = COPILOT_GONE };
	return NULL;
}

/* The array at PATH, opened; one is made in place of nothing and of null. */
static struct copilot_node *array_at(
	struct arena *arena, struct copilot_node *root, const struct json *path)
{
	const struct json *last;
	struct copilot_node *holder = descend(arena, root, path, &last);
	struct copilot_node *array = holder ? step_into(holder, last) : NULL;

	if (!holder)
		return NULL;
	if (!array || (array->kind == COPILOT_TEXT && str_eq(array->text, STR("null")))) {
		if (set_member(arena, holder, last, copilot_node(STR("[]"))))
			return NULL;
		array = step_into(holder, last);
	}
	if (!array || copilot_open(arena, array) != COPILOT_OPEN || array->kind != COPILOT_ARRAY)
		return NULL;
	return array;
}

const char *copilot_push(struct arena *arena, struct copilot_node *root, const struct json *path,
	const struct copilot_node *values, const struct json *from)
{
	struct copilot_node *array = array_at(arena, root, path);
	const char *fault = NULL;
	int64_t index = 0;

	if (!array || (values && values->kind != COPILOT_ARRAY))
		return no_place;
	if (from && (!json_to_i64(from, &index) || index < 0))
		return behind_end;
	for (uint32_t i = 0; values && i < values->count; i++)
		if (too_deep(path, values->members[i].node.text))
			return too_much;
	if (from && index > (int64_t)array->count) {
		fault = behind_end;
		(void)reach(arena, array, index);
	} else if (from) {
		array->count = (uint32_t)index;
	}
	for (uint32_t i = 0; values && i < values->count; i++) {
		if (is_full(array))
			return too_much;
		add_element(arena, array, values->members[i].node);
	}
	return fault;
}
