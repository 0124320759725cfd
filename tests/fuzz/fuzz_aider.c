/*
 * Properties of reading Aider's histories: the sessions cover the bytes without a gap; every item
 * has a key of its own in its session; what is parsed up to the end of a line outside of fenced
 * blocks is found again, in the same order, when more follows, save that the last prompt and the
 * last answer may have grown; and times are set for all items, never before the start of their
 * session.
 */
#include "collect/aider/aider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct aider_file file = { .path = "/home/ana/shop/.aider.chat.history.md",
	.workspace = STR_INIT("/home/ana/shop"),
	.name = STR_INIT("/home/ana/shop") };

static void check_chat(const struct aider_chat *chat)
{
	const struct agent_session *session = &chat->session;

	ASSERT(session->id.len > 0 && chat->begin <= chat->end);
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(item->key.len > 0 && str_starts(item->key, session->id));
		ASSERT(agent_find(session, item->kind, item->key) == item);
		for (int t = 0; t < AGENT_TOKENS; t++)
			ASSERT(item->tokens[t] >= -1);
		ASSERT(item->kind != AGENT_PROMPT || item->text.len > 0);
	}
}

static void check_log(const struct aider_log *log, size_t size)
{
	ASSERT(log->count > 0 && log->chats[0].begin == 0);
	ASSERT(log->chats[log->count - 1].end == (int64_t)size);
	ASSERT(log->taken >= 0 && log->taken <= (int64_t)size);
	for (size_t i = 0; i < log->count; i++) {
		ASSERT(i == 0 || log->chats[i].begin == log->chats[i - 1].end);
		check_chat(&log->chats[i]);
	}
}

static bool is_grown(struct str before, struct str now)
{
	return str_starts(now, before);
}

/* LESS was parsed from the beginning of what MORE was parsed from. */
static void check_prefix(const struct aider_log *less, const struct aider_log *more)
{
	ASSERT(less->count <= more->count);
	for (size_t i = 0; i < less->count; i++) {
		const struct agent_session *a = &less->chats[i].session;
		const struct agent_session *b = &more->chats[i].session;

		ASSERT(str_eq(a->id, b->id) && a->count <= b->count);
		for (size_t j = 0; j < a->count; j++) {
			ASSERT(a->items[j].kind == b->items[j].kind);
			ASSERT(str_eq(a->items[j].key, b->items[j].key));
			ASSERT(is_grown(a->items[j].text, b->items[j].text));
		}
	}
}

static void check_times(struct aider_log *log, const struct aider_inputs *inputs)
{
	CLEANUP(zone_freep) struct zone *utc = NULL;
	struct err err;

	ASSERT(zone_open(&utc, STR("UTC"), &err) == 0);
	for (size_t i = 0; i < log->count; i++) {
		struct aider_chat *chat = &log->chats[i];

		aider_set_times(chat, inputs, INT64_MAX, utc);
		for (size_t j = 0; chat->headed && j < chat->session.count; j++) {
			ASSERT(chat->session.items[j].at_ns >= chat->session.started_ns);
			ASSERT(j == 0 ||
				chat->session.items[j].at_ns >= chat->session.items[j - 1].at_ns);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = { (const char *)data, size };
	struct aider_log log = aider_parse(&arena, text, &file);
	struct aider_inputs inputs = aider_inputs(&arena, text);

	check_log(&log, size);
	ASSERT(inputs.taken >= 0 && inputs.taken <= (int64_t)size);
	check_times(&log, &inputs);
	/* With a fence, what follows may tell that a session began before it. */
	if (size > 0 && str_find_str(text, STR("```")) < 0 && str_find_str(text, STR("~~~")) < 0) {
		size_t half = size / 2;
		struct aider_log less;

		while (half > 0 && text.ptr[half - 1] != '\n')
			half--;
		less = aider_parse(&arena, str_sub(text, 0, half), &file);
		check_log(&less, half);
		check_prefix(&less, &log);
	}
	return 0;
}
