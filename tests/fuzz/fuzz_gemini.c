/*
 * Properties of reading a Gemini chat. Messages are never lost or moved: those of the first lines
 * are the first ones of all lines, and the same lines once more add none. No two items of a kind
 * have the same key, no count is below -1, and what is given is told by the messages: as many
 * prompts, responses and errors, withdrawn where they are. A chat as one document and its messages
 * as lines give the same items.
 */
#include "collect/gemini/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct arena arena;
	struct json_parser parser;
	struct gemini_log log;
	struct agent_session session;
};

static void begin(struct reading *reading)
{
	*reading = (struct reading){ 0 };
	reading->log = gemini_log(&reading->arena);
	reading->session = agent_session(&reading->arena, "gemini-cli");
	reading->session.id = STR("S");
}

static void end(struct reading *reading)
{
	json_parser_release(&reading->parser);
	arena_release(&reading->arena);
}

static void take(struct reading *reading, struct str text)
{
	struct gemini_line line = { .path = STR("/chat") };

	while (text.len > 0) {
		line.text = str_split(&text, '\n');
		gemini_log_line(&reading->log, &reading->parser, &line, &reading->session);
	}
}

static void check_prefix(const struct gemini_log *part, const struct gemini_log *whole)
{
	ASSERT(part->count <= whole->count);
	for (size_t i = 0; i < part->count; i++)
		ASSERT(str_eq(part->messages[i].id, whole->messages[i].id));
	ASSERT(part->unknown <= whole->unknown);
}

static void check_items(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(item->key.len > 1);
		for (int t = 0; t < AGENT_TOKENS; t++)
			ASSERT(item->tokens[t] >= -1);
		for (size_t j = 0; j < i && i < 64; j++)
			ASSERT(session->items[j].kind != item->kind ||
				!str_eq(session->items[j].key, item->key));
	}
}

static void check_counts(const struct gemini_log *log, const struct agent_session *session)
{
	int64_t balance[2][3] = { { 0 } };

	for (size_t i = 0; i < log->count; i++) {
		const struct gemini_message *message = &log->messages[i];

		if (message->kind < GEMINI_INFO &&
			(message->kind != GEMINI_USER || message->prompt))
			balance[message->withdrawn][message->kind]++;
	}
	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		balance[item->withdrawn][GEMINI_USER] -= item->kind == AGENT_PROMPT;
		balance[item->withdrawn][GEMINI_MODEL] -= item->kind == AGENT_RESPONSE;
		balance[item->withdrawn][GEMINI_ERROR] -= item->kind == AGENT_ERROR;
	}
	for (int i = 0; i < 3; i++)
		ASSERT(balance[0][i] == 0 && balance[1][i] == 0);
}

/* TEXT as the document of a chat, and the messages of that document as lines. */
static void check_document(struct str text)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	struct reading one, many;
	const struct json *root, *message;
	struct json_iter iter;
	struct str key;
	struct err err;

	begin(&one);
	begin(&many);
	if (!gemini_log_document(&one.log, &one.parser, text)) {
		ASSERT(json_parse(&many.parser, text, true, &root, &err) == 0);
		iter = json_iter(json_get(root, "messages"));
		while (!iter.object && json_next(&iter, &key, &message)) {
			struct json_writer writer = json_writer(&lines);

			if (gemini_is_snapshot(message) || !json_get(message, "type") ||
				json_get(message, "$set") || json_get(message, "$rewindTo")) {
				buf_clear(&lines);
				break;
			}
			json_put_value(&writer, message);
			buf_byte(&lines, '\n');
		}
		take(&many, buf_str(&lines));
		if (lines.len > 0)
			ASSERT(many.log.count == one.log.count);
		for (size_t i = 0; i < many.log.count; i++)
			ASSERT(str_eq(many.log.messages[i].id, one.log.messages[i].id) &&
				!one.log.messages[i].withdrawn);
		gemini_log_items(&one.log, false, &one.session);
		check_items(&one.session);
	}
	end(&one);
	end(&many);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct reading whole, part;
	size_t count;

	begin(&whole);
	begin(&part);
	take(&whole, text);
	take(&part, str_sub(text, 0, (size_t)(str_find(text, '\n', size / 2) + 1)));
	check_prefix(&part.log, &whole.log);
	count = whole.log.count;
	gemini_log_items(&whole.log, false, &whole.session);
	check_items(&whole.session);
	check_counts(&whole.log, &whole.session);
	take(&whole, text);
	ASSERT(whole.log.count == count);
	end(&whole);
	end(&part);
	check_document(text);
	return 0;
}
