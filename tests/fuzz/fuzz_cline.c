/*
 * Properties of reading tasks: what is good is no longer good when its last bracket is missing, and
 * then it is cut, never broken; every item has a key of its own; tokens are known or not; parsing
 * twice gives the same; and a list with one record less at its end gives the items of the whole
 * list without the last ones.
 */
#include "base/err.h"
#include "collect/cline/cline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum cline_bytes (*reader)(struct agent_session *session,
	const struct cline_context *context, struct str bytes, struct err *detail);

static struct agent_session read_with(
	reader read, struct arena *arena, struct str bytes, enum cline_bytes *status)
{
	struct cline_context context = { .arena = arena };
	struct agent_session session = agent_session(arena, "cline");
	struct err err;

	session.id = STR("1773223200000");
	*status = read(&session, &context, bytes, &err);
	return session;
}

static void check_items(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(str_starts(item->key, session->id));
		ASSERT(agent_find(session, item->kind, item->key) == item);
		for (int t = 0; t < AGENT_TOKENS; t++)
			ASSERT(item->tokens[t] >= -1);
	}
}

/* A has at most the items of B, the same ones. */
static void check_prefix(const struct agent_session *a, const struct agent_session *b)
{
	ASSERT(a->count <= b->count && a->unknown <= b->unknown);
	for (size_t i = 0; i < a->count; i++) {
		ASSERT(a->items[i].kind == b->items[i].kind);
		ASSERT(a->items[i].at_ns == b->items[i].at_ns);
		ASSERT(str_eq(a->items[i].key, b->items[i].key));
	}
}

/* The first COUNT records, as a list of their own. */
static struct agent_session read_first(
	reader read, struct arena *arena, const struct json *list, size_t count)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	struct json_iter records = json_iter(list);
	struct agent_session session;
	const struct json *record;
	enum cline_bytes status;
	struct str key;

	json_begin_array(&writer);
	for (size_t i = 0; i < count && json_next(&records, &key, &record); i++)
		json_put_value(&writer, record);
	json_end_array(&writer);
	session = read_with(read, arena, buf_str(&out), &status);
	ASSERT(status == CLINE_GOOD);
	return session;
}

static void check_reader(reader read, struct arena *arena, struct str text)
{
	struct json_parser parser = { 0 };
	struct agent_session whole, again, less;
	enum cline_bytes status, same;
	const struct json *root;
	size_t end;

	whole = read_with(read, arena, text, &status);
	again = read_with(read, arena, text, &same);
	ASSERT(status == same && whole.count == again.count);
	check_items(&whole);
	check_prefix(&whole, &again);
	ASSERT(status == CLINE_GOOD || whole.count == 0);
	if (status != CLINE_GOOD)
		return;
	for (end = text.len; text.ptr[end - 1] != ']' && text.ptr[end - 1] != '}'; end--)
		;
	less = read_with(read, arena, str_sub(text, 0, end - 1), &same);
	ASSERT(same == CLINE_CUT && less.count == 0);
	if (cline_document(&parser, text, &root, NULL) == CLINE_GOOD && json_len(root) > 0 &&
		json_is(root, JSON_ARRAY)) {
		whole = read_first(read, arena, root, json_len(root));
		less = read_first(read, arena, root, json_len(root) - 1);
		check_prefix(&less, &whole);
	}
	json_parser_release(&parser);
}

static void check_state(struct arena *arena, struct str text)
{
	struct cline_context context = { .arena = arena }, again = { .arena = arena };
	struct err err;

	(void)cline_read_history_item(&context, text, &err);
	(void)cline_read_conversation(&context, text, &err);
	(void)cline_read_metadata(&context, text, &err);
	(void)cline_read_session(&context, text, &err);
	cline_context_load(&again, cline_context_state(&context));
	ASSERT(str_eq(cline_context_state(&again), cline_context_state(&context)));
	ASSERT(str_eq(places_workspace_of_uri(arena, context.cwd), context.cwd));
	for (size_t i = 1; i < context.model_count; i++)
		ASSERT(context.models[i - 1].at_ns <= context.models[i].at_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = { (const char *)data, size };
	struct cline_history history;
	struct err err;

	check_reader(cline_read_task, &arena, text);
	check_reader(cline_read_messages, &arena, text);
	check_state(&arena, text);
	(void)cline_read_history(&history, &arena, text, &err);
	for (size_t i = 0; i < history.count; i++)
		ASSERT(cline_history_find(&history, history.entries[i].id) != NULL);
	return 0;
}
