/*
 * Properties of reading a chat: the first line is its row, every other one an index or a message.
 * The items of the first messages are the first items of all; every key is of the session, and no
 * two items of a kind have the same; who fails was called; an index names nothing but hashes, no
 * more than fit into it.
 */
#include "collect/cursor/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_LINES = 256, ID_DIGITS = 64 };

static void check_index(struct arena *arena, struct str line)
{
	struct cursor_chat_index index;

	if (!cursor_chat_index(&index, arena, line))
		return;
	ASSERT(index.count * (ID_DIGITS / 2 + 2) <= line.len);
	for (size_t i = 0; i < index.count; i++)
		ASSERT(index.ids[i].len == ID_DIGITS);
}

/* Of the first MOST lines. */
static void read_chat(struct cursor_chat *chat, struct arena *arena, struct str text, size_t most)
{
	struct str row = str_split(&text, '\n');
	struct cursor_chat_meta meta = { .created_ns = AGENT_NO_TIME };

	if (!cursor_chat_meta(&meta, arena, row))
		meta = (struct cursor_chat_meta){ .created_ns = AGENT_NO_TIME };
	cursor_chat_begin(chat, arena, STR("s"), &meta, 1, STR("/db"));
	for (size_t i = 0; i < most && text.len > 0; i++) {
		struct str line = str_split(&text, '\n');

		check_index(arena, line);
		/* Equal messages have equal ids. */
		cursor_chat_message(chat, str_sub(line, 0, 32), line);
	}
}

static void check(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(str_starts(item->key, STR("s:")) && item->key.len > 2 && item->estimated);
		ASSERT(agent_find(session, item->kind, item->key) == item);
		if (item->kind == AGENT_TOOL_ERROR)
			ASSERT(agent_find(session, AGENT_TOOL_USE, item->call));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(cursor_chat_release) struct cursor_chat all = { 0 };
	CLEANUP(cursor_chat_release) struct cursor_chat some = { 0 };

	read_chat(&all, &arena, text, MOST_LINES);
	read_chat(&some, &arena, text, MOST_LINES / 64);
	check(&all.session);
	ASSERT(some.session.count <= all.session.count);
	for (size_t i = 0; i < some.session.count; i++) {
		const struct agent_item *a = &some.session.items[i], *b = &all.session.items[i];

		ASSERT(a->kind == b->kind && str_eq(a->key, b->key) && a->at_ns == b->at_ns);
		ASSERT(str_eq(a->text, b->text) && str_eq(a->tool, b->tool));
	}
	return 0;
}
