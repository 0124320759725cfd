/*
 * Properties of reading a transcript: what waits begins behind a line, and is not read; the items
 * of its first lines are the first items of the whole, so that a file may grow; no two items of a
 * kind have the same key. And of the text form: it is read to its end.
 */
#include "collect/cursor/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct agent_session read_lines(struct arena *arena, struct str bytes, int64_t *taken)
{
	struct agent_session session = agent_session(arena, CURSOR_AGENT);

	session.id = STR("s");
	session.path = STR("/t");
	cursor_transcript_lines(&session, bytes, 7, taken);
	return session;
}

static void check_items(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(item->key.len > 2 && item->estimated && item->at_ns == 7);
		ASSERT(agent_find(session, item->kind, item->key) == item);
		ASSERT(item->kind != AGENT_PROMPT || item->text.len > 0 || item->has_image);
	}
}

/* Behind the newline that is nearest to the middle from the left; 0: none. */
static size_t cut_of(struct str bytes)
{
	size_t cut = bytes.len / 2;

	while (cut > 0 && bytes.ptr[cut - 1] != '\n')
		cut--;
	return cut;
}

static void check_prefix(
	struct arena *arena, const struct agent_session *whole, struct str bytes, size_t cut)
{
	int64_t taken;
	struct agent_session part = read_lines(arena, str_sub(bytes, 0, cut), &taken);

	ASSERT(taken == (int64_t)cut && part.count <= whole->count);
	for (size_t i = 0; i < part.count; i++)
		ASSERT(part.items[i].kind == whole->items[i].kind &&
			str_eq(part.items[i].key, whole->items[i].key) &&
			str_eq(part.items[i].text, whole->items[i].text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct agent_session text = agent_session(&arena, CURSOR_AGENT);
	struct agent_session whole, again;
	int64_t taken, taken_again;

	whole = read_lines(&arena, bytes, &taken);
	ASSERT(taken >= 0 && taken <= (int64_t)size);
	ASSERT(taken == (int64_t)size || taken == 0 || data[taken - 1] == '\n');
	check_items(&whole);
	again = read_lines(&arena, str_sub(bytes, 0, (size_t)taken), &taken_again);
	ASSERT(taken_again == taken && again.count == whole.count);
	check_prefix(&arena, &whole, bytes, cut_of(bytes));
	text.id = STR("s");
	cursor_transcript_text(&text, bytes, 7, &taken);
	ASSERT(taken == (int64_t)size);
	check_items(&text);
	return 0;
}
