/*
 * Properties of reading a composer: the first line is its row, every other one a bubble. The order
 * in which bubbles come changes nothing; a key is of the composer, and no two items of a kind have
 * the same; no number of tokens is below "unknown"; who fails was called.
 */
#include "collect/cursor/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_LINES = 256 };

struct lines {
	struct str items[MOST_LINES];
	size_t count;
};

static void read_all(struct cursor_composer *composer, struct arena *arena,
	const struct lines *lines, bool backwards)
{
	if (!cursor_composer_begin(composer, arena, STR("c"), lines->items[0], STR("/db")))
		return;
	for (size_t i = 1; i < lines->count; i++) {
		size_t number = backwards ? lines->count - i : i;
		struct str id = arena_printf(arena, "b%zu", number);

		cursor_composer_bubble(composer, id, lines->items[number]);
	}
	cursor_composer_end(composer);
}

static bool same(const struct agent_item *a, const struct agent_item *b)
{
	return a->kind == b->kind && str_eq(a->key, b->key) && a->at_ns == b->at_ns &&
	       a->estimated == b->estimated && str_eq(a->text, b->text) &&
	       str_eq(a->model, b->model) && str_eq(a->turn, b->turn) && str_eq(a->tool, b->tool) &&
	       str_eq(a->file, b->file) && memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0;
}

static void check(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(str_starts(item->key, STR("c:")) && item->key.len > 2);
		ASSERT(agent_find(session, item->kind, item->key) == item);
		for (int token = 0; token < AGENT_TOKENS; token++)
			ASSERT(item->tokens[token] >= -1);
		if (item->kind == AGENT_TOOL_ERROR)
			ASSERT(agent_find(session, AGENT_TOOL_USE, item->call));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(cursor_composer_release) struct cursor_composer forwards = { 0 };
	CLEANUP(cursor_composer_release) struct cursor_composer backwards = { 0 };
	struct lines lines = { .count = 0 };

	do
		lines.items[lines.count++] = str_split(&rest, '\n');
	while (rest.len > 0 && lines.count < MOST_LINES);
	read_all(&forwards, &arena, &lines, false);
	read_all(&backwards, &arena, &lines, true);
	check(&forwards.session);
	ASSERT(forwards.session.count == backwards.session.count);
	ASSERT(forwards.session.unknown == backwards.session.unknown);
	ASSERT(forwards.session.malformed == backwards.session.malformed);
	ASSERT(forwards.ignored.orphans == backwards.ignored.orphans);
	for (size_t i = 0; i < forwards.session.count; i++)
		ASSERT(same(&forwards.session.items[i], &backwards.session.items[i]));
	return 0;
}
