/*
 * A composer and its bubbles as a session.
 *
 * The composer lists its bubbles; older ones hold them. A bubble that is not listed is left from a
 * turn that was edited: if it was given before, it is withdrawn now. Model and request id stand on
 * the person's bubble and hold for the turn. What a release without times leaves at the start of a
 * session happened when the composer was made, as far as anybody knows.
 *
 * Keys are of composer and bubble, since a composer may be copied with its bubbles' ids.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/cursor/cursor.h"

enum { BUBBLE_PERSON = 1, BUBBLE_AGENT = 2 };

static struct str copy(struct arena *arena, struct str text)
{
	return text.len > 0 ? arena_str(arena, text) : (struct str){ NULL, 0 };
}

static struct cursor_bubble *add_bubble(
	struct cursor_composer *composer, struct cursor_bubbles *list)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity * 2 + 32;
		struct cursor_bubble *grown =
			arena_zalloc(composer->arena, capacity, sizeof(*grown));

		if (list->count > 0)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
		list->capacity = capacity;
	}
	return &list->items[list->count++];
}

/* --- the composer's own row --- */

static void read_headers(struct cursor_composer *composer, const struct json *list)
{
	struct json_iter iter = json_iter(list);
	const struct json *header;
	struct str key;

	composer->listed = json_is(list, JSON_ARRAY);
	if (!composer->listed)
		return;
	composer->headers =
		arena_zalloc(composer->arena, json_len(list) + 1, sizeof(*composer->headers));
	while (json_next(&iter, &key, &header)) {
		struct cursor_header *out = &composer->headers[composer->header_count];

		out->id = copy(composer->arena, json_get_str(header, "bubbleId"));
		if (!agent_time(json_get(header, "createdAt"), &out->at_ns))
			out->at_ns = AGENT_NO_TIME;
		composer->header_count += out->id.len > 0;
	}
}

/* conversation: a list of bubbles; conversationMap: an object of them by id. */
static void read_inlined(struct cursor_composer *composer, const struct json *container)
{
	struct json_iter iter = json_iter(container);
	const struct json *value;
	struct str key;

	while (json_next(&iter, &key, &value)) {
		struct cursor_bubble *bubble;

		if (!json_is(value, JSON_OBJECT))
			continue;
		bubble = add_bubble(composer, &composer->inlined);
		cursor_bubble_read(bubble, composer->arena, value);
		if (bubble->id.len == 0)
			bubble->id = key.len > 0 ? arena_str(composer->arena, key)
						 : arena_printf(composer->arena, "#%zu",
							   composer->inlined.count - 1);
	}
}

/* A sub-agent's composer is known by its parent, or by its id alone: then its parent is not. */
static void read_parent(struct cursor_composer *composer, const struct json *root)
{
	struct agent_session *session = &composer->session;
	struct str parent = json_get_str(json_get(root, "subagentInfo"), "parentComposerId");

	session->id = composer->id;
	if (parent.len > 0 && !str_eq(parent, composer->id)) {
		session->parent = arena_str(composer->arena, parent);
		session->id = arena_printf(
			composer->arena, "%.*s/agent-%.*s", STR_ARG(parent), STR_ARG(composer->id));
	} else if (str_starts(composer->id, STR("task-"))) {
		session->automatic = true;
	}
}

static void read_facts(struct cursor_composer *composer, const struct json *root)
{
	struct agent_session *session = &composer->session;
	struct str model = json_get_str(json_get(root, "modelConfig"), "modelName");

	read_parent(composer, root);
	session->title = copy(composer->arena, json_get_str(root, "name"));
	session->cwd =
		cursor_workspace_identified(composer->arena, json_get(root, "workspaceIdentifier"));
	if (!agent_time(json_get(root, "lastUpdatedAt"), &composer->updated_ns))
		composer->updated_ns = INT64_MIN;
	if (!agent_time(json_get(root, "createdAt"), &composer->created_ns))
		composer->created_ns = composer->updated_ns;
	session->fallback_ns = composer->created_ns;
	composer->mode = copy(composer->arena, json_get_str(root, "unifiedMode"));
	if (!str_eq(model, STR("default")))
		composer->model = copy(composer->arena, model);
}

bool cursor_composer_begin(struct cursor_composer *composer, struct arena *arena, struct str id,
	struct str value, struct str path)
{
	const struct json *root;
	struct err err;

	*composer = (struct cursor_composer){
		.session = agent_session(arena, CURSOR_AGENT),
		.arena = arena,
		.created_ns = INT64_MIN,
		.updated_ns = INT64_MIN,
	};
	composer->id = composer->session.id = arena_str(arena, id);
	composer->session.path = path;
	composer->session.strength = CURSOR_DATABASE;
	composer->session.from_start = true;
	if (id.len == 0 || str_find(id, '\n', 0) >= 0) {
		composer->ignored.subcalls++;
		return false;
	}
	if (str_trim(value).len == 0 || str_eq(str_trim(value), STR("null"))) {
		composer->ignored.empty++;
		return false;
	}
	if (json_parse(&composer->parser, value, true, &root, &err) < 0) {
		agent_session_bad(&composer->session, path, -1, "not_json", err.message, value);
		return true;
	}
	if (!json_is(root, JSON_OBJECT)) {
		agent_session_bad(&composer->session, path, -1, "not_an_object",
			"a composer is an object", value);
		return true;
	}
	read_facts(composer, root);
	read_headers(composer, json_get(root, "fullConversationHeadersOnly"));
	read_inlined(composer, json_get(root, "conversation"));
	read_inlined(composer, json_get(root, "conversationMap"));
	return true;
}

void cursor_composer_bubble(struct cursor_composer *composer, struct str id, struct str value)
{
	struct cursor_bubble *bubble;
	const struct json *root;
	struct err err;

	if (value.len == 0)
		return;
	bubble = add_bubble(composer, &composer->rows);
	if (json_parse(&composer->parser, value, true, &root, &err) < 0) {
		*bubble = (struct cursor_bubble){ .type = -1, .at_ns = AGENT_NO_TIME };
		agent_session_bad(&composer->session, composer->session.path, -1, "not_json",
			err.message, value);
	} else {
		cursor_bubble_read(bubble, composer->arena, root);
	}
	bubble->id = arena_str(composer->arena, id);
	if (composer->project_dir.len == 0)
		composer->project_dir = bubble->project_dir;
}

/* --- items --- */

/* What holds from a person's bubble on. */
struct turn {
	struct cursor_composer *composer;
	struct str model, request;
	bool timed; /* a bubble with a time was met */
	uint64_t *calls;
	size_t call_slots; /* a power of two */
};

/* False when call ID was met before in this session. */
static bool first_call(struct turn *turn, struct str id)
{
	uint64_t hash = hash64(id, 0) | 1;
	size_t at = (size_t)hash & (turn->call_slots - 1);

	if (id.len == 0)
		return true;
	for (; turn->calls[at]; at = (at + 1) & (turn->call_slots - 1))
		if (turn->calls[at] == hash)
			return false;
	turn->calls[at] = hash;
	return true;
}

static struct agent_item *give(
	struct turn *turn, enum agent_kind kind, struct cursor_bubble *bubble)
{
	struct cursor_composer *composer = turn->composer;
	bool before_all = bubble->at_ns == AGENT_NO_TIME && !turn->timed;
	struct str key = arena_printf(
		composer->arena, "%.*s:%.*s", STR_ARG(composer->id), STR_ARG(bubble->id));
	struct agent_item *item = agent_item(
		&composer->session, kind, key, before_all ? composer->created_ns : bubble->at_ns);

	item->estimated = before_all && item->at_ns != AGENT_NO_TIME;
	item->model = turn->model;
	item->mode = composer->mode;
	item->turn = turn->request;
	return item;
}

static void give_prompt(struct turn *turn, struct cursor_bubble *bubble)
{
	const struct agent_session *session = &turn->composer->session;
	struct agent_item *item;

	/* A sub-agent is told by its parent what to do. */
	if (session->parent.len > 0 || session->automatic)
		return;
	if (str_trim(bubble->text).len == 0 && !bubble->has_image)
		return;
	item = give(turn, AGENT_PROMPT, bubble);
	item->text = bubble->text;
	item->has_image = bubble->has_image;
}

static void give_call(struct turn *turn, struct cursor_bubble *bubble)
{
	struct agent_item *item;
	struct str key;

	if (!first_call(turn, bubble->call))
		return;
	item = give(turn, AGENT_TOOL_USE, bubble);
	item->tool = bubble->tool;
	item->file = bubble->file;
	item->cancelled = bubble->cancelled;
	key = item->key;
	if (!bubble->failed)
		return;
	item = give(turn, AGENT_TOOL_ERROR, bubble);
	item->tool = bubble->tool;
	item->call = key;
}

/* Tokens belong to the response; where there is none, they stand for themselves. */
static void give_words(struct turn *turn, struct cursor_bubble *bubble)
{
	bool speaks =
		bubble->type == BUBBLE_AGENT && !bubble->internal && str_trim(bubble->text).len > 0;
	bool counts = bubble->tokens[AGENT_INPUT] >= 0 || bubble->tokens[AGENT_OUTPUT] >= 0;
	struct agent_item *item;

	if (!speaks && !counts)
		return;
	item = give(turn, speaks ? AGENT_RESPONSE : AGENT_USAGE, bubble);
	memcpy(item->tokens, bubble->tokens, sizeof(item->tokens));
	if (speaks)
		item->text = bubble->text;
}

static void take_bubble(struct turn *turn, struct cursor_bubble *bubble)
{
	if (bubble->used)
		return;
	bubble->used = true;
	if (bubble->type == -1)
		return;
	if (bubble->at_ns != AGENT_NO_TIME)
		turn->timed = true;
	if (bubble->type == BUBBLE_PERSON) {
		turn->request = bubble->request;
		turn->model = bubble->model.len > 0 ? bubble->model : turn->composer->model;
		give_prompt(turn, bubble);
	} else if (bubble->type != BUBBLE_AGENT) {
		turn->composer->session.unknown++;
		return;
	}
	if (bubble->type == BUBBLE_AGENT && bubble->model.len > 0)
		turn->model = bubble->model;
	if (bubble->type == BUBBLE_AGENT && bubble->has_tool)
		give_call(turn, bubble);
	give_words(turn, bubble);
}

/* --- order --- */

static int by_id(const void *a, const void *b)
{
	const struct cursor_bubble *one = a, *two = b;

	return str_cmp(one->id, two->id);
}

static int by_time(const void *a, const void *b)
{
	const struct cursor_bubble *one = a, *two = b;

	if (one->at_ns != two->at_ns)
		return one->at_ns < two->at_ns ? -1 : 1;
	return by_id(a, b);
}

static void sort(struct cursor_bubbles *list, int (*compare)(const void *, const void *))
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

/* LIST is sorted by id. */
static struct cursor_bubble *find(const struct cursor_bubbles *list, struct str id)
{
	const struct cursor_bubble key = { .id = id };

	if (list->count == 0)
		return NULL;
	return bsearch(&key, list->items, list->count, sizeof(*list->items), by_id);
}

static void take_listed(struct turn *turn)
{
	struct cursor_composer *composer = turn->composer;

	sort(&composer->inlined, by_id);
	for (size_t i = 0; i < composer->header_count; i++) {
		const struct cursor_header *header = &composer->headers[i];
		struct cursor_bubble *bubble = find(&composer->rows, header->id);

		if (!bubble)
			bubble = find(&composer->inlined, header->id);
		if (!bubble) {
			composer->ignored.missing++;
			continue;
		}
		if (bubble->at_ns == AGENT_NO_TIME)
			bubble->at_ns = header->at_ns;
		take_bubble(turn, bubble);
	}
}

static void take_inlined(struct turn *turn)
{
	struct cursor_composer *composer = turn->composer;

	for (size_t i = 0; i < composer->inlined.count; i++) {
		struct cursor_bubble *inlined = &composer->inlined.items[i];
		struct cursor_bubble *row = find(&composer->rows, inlined->id);

		take_bubble(turn, row ? row : inlined);
	}
}

/* A release that lists them somewhere else. */
static void take_by_time(struct turn *turn)
{
	struct cursor_bubbles *rows = &turn->composer->rows;

	sort(rows, by_time);
	for (size_t i = 0; i < rows->count; i++)
		take_bubble(turn, &rows->items[i]);
}

void cursor_composer_end(struct cursor_composer *composer)
{
	struct turn turn = { .composer = composer, .model = composer->model, .call_slots = 64 };

	while (turn.call_slots < 2 * (composer->rows.count + composer->inlined.count + 1))
		turn.call_slots *= 2;
	turn.calls = arena_zalloc(composer->arena, turn.call_slots, sizeof(*turn.calls));
	sort(&composer->rows, by_id);
	if (composer->header_count > 0)
		take_listed(&turn);
	else if (composer->inlined.count > 0)
		take_inlined(&turn);
	else if (!composer->listed)
		take_by_time(&turn);
	for (size_t i = 0; i < composer->rows.count; i++)
		composer->ignored.orphans += !composer->rows.items[i].used;
}

void cursor_composer_release(struct cursor_composer *composer)
{
	json_parser_release(&composer->parser);
	*composer = (struct cursor_composer){ 0 };
}
