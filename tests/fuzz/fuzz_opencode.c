/*
 * Properties of reading a session of OpenCode: every line is a row, a part where it begins with
 * 'p', else a message; the second byte names the message. The order of rows changes nothing; a call
 * that failed was made; an error is a code; no number of tokens is below "unknown".
 */
#include "collect/opencode/opencode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_LINES = 256 };

struct lines {
	struct str items[MOST_LINES];
	size_t count;
};

static void read_all(
	struct opencode_chat *chat, struct arena *arena, const struct lines *lines, bool backwards)
{
	const struct opencode_facts facts = { .id = STR("s"),
		.revert = STR("{\"messageID\":\"m4\",\"partID\":\"p6\"}"),
		.created_ns = AGENT_NO_TIME };

	opencode_begin(chat, arena, &facts, STR("/db"));
	for (size_t i = 0; i < lines->count; i++) {
		size_t number = backwards ? lines->count - 1 - i : i;
		struct str line = lines->items[number];
		struct str message = arena_printf(
			arena, "m%d", line.len > 1 ? (unsigned char)line.ptr[1] % 8 : 0);

		if (str_starts(line, STR("p")))
			opencode_part(chat, arena_printf(arena, "p%zu", number), message,
				AGENT_NO_TIME, str_sub(line, 2, line.len), STR("/db"));
		else
			opencode_message(chat, arena_printf(arena, "m%zu", number), AGENT_NO_TIME,
				line, STR("/db"));
	}
	opencode_end(chat);
}

static void check(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(agent_find(session, item->kind, item->key) == item);
		for (int token = 0; token < AGENT_TOKENS; token++)
			ASSERT(item->tokens[token] >= -1);
		if (item->kind == AGENT_TOOL_ERROR)
			ASSERT(agent_find(session, AGENT_TOOL_USE, item->call));
		if (item->kind == AGENT_ERROR)
			ASSERT(item->error.len > 0 && item->error.len <= 64 &&
				str_find(item->error, ' ', 0) < 0);
	}
	ASSERT(session->started_ns <= session->ended_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(opencode_release) struct opencode_chat forwards = { 0 };
	CLEANUP(opencode_release) struct opencode_chat backwards = { 0 };
	const struct agent_session *a = &forwards.session, *b = &backwards.session;
	struct lines lines = { .count = 0 };

	while (rest.len > 0 && lines.count < MOST_LINES)
		lines.items[lines.count++] = str_split(&rest, '\n');
	read_all(&forwards, &arena, &lines, false);
	read_all(&backwards, &arena, &lines, true);
	check(a);
	ASSERT(a->count == b->count && a->unknown == b->unknown && a->malformed == b->malformed);
	ASSERT(a->started_ns == b->started_ns && a->ended_ns == b->ended_ns);
	for (size_t i = 0; i < a->count; i++)
		ASSERT(a->items[i].kind == b->items[i].kind &&
			str_eq(a->items[i].key, b->items[i].key) &&
			a->items[i].at_ns == b->items[i].at_ns &&
			a->items[i].withdrawn == b->items[i].withdrawn &&
			str_eq(a->items[i].text, b->items[i].text));
	return 0;
}
