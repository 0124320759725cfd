/*
 * Gathering the messages of a Gemini chat, and giving them as items.
 *
 *  - A message with the id of one before is its next version: it takes its place, and its time.
 *  - {"$rewindTo": id} withdraws that message and all behind it; an id that is not there,
 * everything.
 *  - {"$set": {"messages": […]}} is a new history: what it does not have is withdrawn. Only when
 * the history was compressed nobody took anything back: then what was said stands, and the summary
 * and the copies behind it, which have ids of their own, are nothing new.
 *  - "Request cancelled." says that the person stopped what the last prompt began.
 */
#include "collect/gemini/log.h"

#include "base/hash.h"
#include "collect/agent_value.h"

enum { FIRST_SLOTS = 64 };

struct gemini_log gemini_log(struct arena *arena)
{
	return (struct gemini_log){
		.arena = arena,
		.started_ns = INT64_MIN,
		.updated_ns = INT64_MIN,
	};
}

/* --- finding messages --- */

static void put_slot(struct gemini_index *index, struct str name, uint32_t number)
{
	size_t at = (size_t)hash64(name, 0) & (index->slot_count - 1);

	while (index->slots[at])
		at = (at + 1) & (index->slot_count - 1);
	index->slots[at] = number;
}

static struct gemini_message *find(const struct gemini_log *log, struct str id)
{
	const struct gemini_index *index = &log->by_id;
	size_t at;

	if (index->slot_count == 0)
		return NULL;
	at = (size_t)hash64(id, 0) & (index->slot_count - 1);
	for (; index->slots[at]; at = (at + 1) & (index->slot_count - 1))
		if (str_eq(log->messages[index->slots[at] - 1].id, id))
			return &log->messages[index->slots[at] - 1];
	return NULL;
}

static void reserve(struct gemini_log *log)
{
	struct gemini_index *index = &log->by_id;
	struct gemini_message *grown;

	if (log->count == log->capacity) {
		log->capacity = log->capacity * 2 + 16;
		grown = arena_alloc(log->arena, log->capacity * sizeof(*grown));
		if (log->count > 0)
			memcpy(grown, log->messages, log->count * sizeof(*grown));
		log->messages = grown;
	}
	if ((log->count + 1) * 2 <= index->slot_count)
		return;
	index->slot_count = index->slot_count ? index->slot_count * 2 : FIRST_SLOTS;
	index->slots = arena_zalloc(log->arena, index->slot_count, sizeof(*index->slots));
	for (size_t i = 0; i < log->count; i++)
		put_slot(index, log->messages[i].id, (uint32_t)i + 1);
}

/* --- changing the history --- */

/* Times change with each version that is written; the first one holds. */
static void keep_times(struct gemini_message *next, const struct gemini_message *before)
{
	if (before->at_ns != AGENT_NO_TIME)
		next->at_ns = before->at_ns;
	for (size_t i = 0; i < next->call_count; i++)
		for (size_t j = 0; j < before->call_count; j++)
			if (str_eq(next->calls[i].id, before->calls[j].id) &&
				before->calls[j].at_ns != AGENT_NO_TIME)
				next->calls[i].at_ns = before->calls[j].at_ns;
}

static void take_message(struct gemini_log *log, const struct json *value, bool also_new)
{
	struct gemini_message message, *before;

	if (!gemini_message(log->arena, value, &message)) {
		log->unknown++;
		return;
	}
	before = find(log, message.id);
	if (before) {
		keep_times(&message, before);
		*before = message;
	} else if (also_new) {
		reserve(log);
		log->messages[log->count++] = message;
		put_slot(&log->by_id, message.id, (uint32_t)log->count);
		log->unknown += message.kind == GEMINI_OTHER;
	}
}

static void withdraw_from(struct gemini_log *log, size_t first)
{
	for (size_t i = first; i < log->count; i++)
		log->messages[i].withdrawn = true;
}

static void take_messages(struct gemini_log *log, const struct json *messages)
{
	struct json_iter iter = json_iter(messages);
	const struct json *message;
	bool compressed = false;
	struct str key;

	if (!json_is(messages, JSON_ARRAY))
		return;
	while (json_next(&iter, &key, &message))
		compressed |= gemini_is_snapshot(message);
	if (!compressed)
		withdraw_from(log, 0);
	iter = json_iter(messages);
	while (json_next(&iter, &key, &message))
		take_message(log, message, !compressed);
}

static void take_rewind(struct gemini_log *log, const struct json *target)
{
	const struct gemini_message *message = find(log, agent_text(log->arena, json_str(target)));

	if (json_is(target, JSON_STRING))
		withdraw_from(log, message ? (size_t)(message - log->messages) : 0);
	else
		log->unknown++;
}

/* --- what the chat says of itself --- */

static void keep(struct gemini_log *log, struct str *field, struct str value)
{
	if (value.len > 0 && !str_eq(*field, value))
		*field = agent_text(log->arena, value);
}

static void take_metadata(struct gemini_log *log, const struct json *from)
{
	struct json_iter directories = json_iter(json_get(from, "directories"));
	const struct json *directory;
	struct str key;

	if (log->session.len == 0)
		keep(log, &log->session, json_get_str(from, "sessionId"));
	keep(log, &log->summary, json_get_str(from, "summary"));
	if (log->directory.len == 0 && json_next(&directories, &key, &directory))
		keep(log, &log->directory, json_str(directory));
	if (json_get(from, "kind"))
		log->subagent = str_eq_c(json_get_str(from, "kind"), "subagent");
	if (log->started_ns == INT64_MIN &&
		!agent_time(json_get(from, "startTime"), &log->started_ns))
		log->started_ns = INT64_MIN;
	agent_time(json_get(from, "lastUpdated"), &log->updated_ns);
	take_messages(log, json_get(from, "messages"));
}

/* --- both forms --- */

static void take_record(struct gemini_log *log, const struct json *root)
{
	const struct json *set = json_get(root, "$set"), *rewind = json_get(root, "$rewindTo");

	if (rewind)
		take_rewind(log, rewind);
	else if (json_is(set, JSON_OBJECT))
		take_metadata(log, set);
	else if (json_get(root, "type"))
		take_message(log, root, true);
	else if (json_get(root, "sessionId") || json_get(root, "projectHash"))
		take_metadata(log, root);
	else
		log->unknown++;
}

void gemini_log_line(struct gemini_log *log, struct json_parser *parser,
	const struct gemini_line *line, struct agent_session *out)
{
	const struct json *root;
	struct err fault;
	int rc;

	if (str_trim(line->text).len == 0)
		return;
	rc = json_parse(parser, line->text, true, &root, &fault);
	if (rc < 0)
		agent_session_bad(out, line->path, line->offset,
			rc == ERR_LIMIT ? "too_deep" : "not_json", fault.message, line->text);
	else if (!json_is(root, JSON_OBJECT))
		agent_session_bad(
			out, line->path, line->offset, "not_object", "no object", line->text);
	else
		take_record(log, root);
}

const char *gemini_log_document(struct gemini_log *log, struct json_parser *parser, struct str text)
{
	const struct json *root;
	struct err fault;

	if (json_parse(parser, text, true, &root, &fault) < 0)
		return fault.code == ERR_LIMIT ? "too_deep" : "not_json";
	if (!json_is(root, JSON_OBJECT))
		return "not_object";
	take_metadata(log, root);
	return NULL;
}

/* --- items --- */

struct giving {
	const struct gemini_log *log;
	struct agent_session *out;
	struct gemini_index calls, errors; /* of items by the id of the call */
	struct str turn;
	size_t prompt; /* the last one, number + 1; 0: none */
};

static struct str key_of(const struct giving *giving, struct str id)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;

	buf_add(&key, giving->out->id);
	buf_byte(&key, ':');
	buf_add(&key, id);
	return arena_str(giving->out->arena, buf_str(&key));
}

/* A command to the program begins with a slash and a word; a path has a slash within that word. */
static bool is_command(struct str text)
{
	text = str_trim(text);
	if (text.len < 2 || text.ptr[0] != '/' || text.ptr[1] < 'a' || text.ptr[1] > 'z')
		return false;
	for (size_t i = 1; i < text.len && !strchr(" \t\r\n", text.ptr[i]); i++)
		if (text.ptr[i] == '/' || text.ptr[i] == '.')
			return false;
	return true;
}

static struct agent_item *add_item(struct giving *giving, enum agent_kind kind, struct str key,
	const struct gemini_message *message)
{
	struct agent_item *item = agent_item(giving->out, kind, key, message->at_ns);

	item->model = message->model;
	item->turn = giving->turn;
	item->withdrawn = message->withdrawn;
	return item;
}

static void give_user(struct giving *giving, const struct gemini_message *message)
{
	struct agent_item *item;

	giving->turn = message->id;
	item = add_item(giving, AGENT_PROMPT, key_of(giving, message->id), message);
	item->text = message->text;
	item->has_image = message->image;
	item->command = is_command(message->text);
	if (!message->withdrawn)
		giving->prompt = giving->out->count;
}

/* The item of a call that is met once more, in another message; NULL: it is new. */
static struct agent_item *find_item(
	const struct giving *giving, const struct gemini_index *index, struct str key)
{
	size_t at = (size_t)hash64(key, 0) & (index->slot_count - 1);

	for (; index->slots[at]; at = (at + 1) & (index->slot_count - 1))
		if (str_eq(giving->out->items[index->slots[at] - 1].key, key))
			return &giving->out->items[index->slots[at] - 1];
	return NULL;
}

/* A call that is recorded in two messages is one; that of a message that was not withdrawn holds.
 */
static struct agent_item *call_item(struct giving *giving, struct gemini_index *index,
	enum agent_kind kind, struct str key, const struct gemini_message *message)
{
	struct agent_item *item = find_item(giving, index, key);

	if (!item) {
		item = add_item(giving, kind, key, message);
		put_slot(index, key, (uint32_t)giving->out->count);
		return item;
	}
	if (!item->withdrawn || message->withdrawn)
		return NULL;
	item->withdrawn = false;
	item->at_ns = message->at_ns;
	return item;
}

static void give_call(
	struct giving *giving, const struct gemini_message *message, const struct gemini_call *call)
{
	struct str key = key_of(giving, call->id);
	struct agent_item *item = call_item(giving, &giving->calls, AGENT_TOOL_USE, key, message);

	if (item) {
		item->at_ns = call->at_ns != AGENT_NO_TIME ? call->at_ns : item->at_ns;
		item->tool = call->tool;
		item->file = call->file;
		item->cancelled = call->cancelled;
	}
	if (!call->failed)
		return;
	item = call_item(giving, &giving->errors, AGENT_TOOL_ERROR, key, message);
	if (item) {
		item->at_ns = call->at_ns != AGENT_NO_TIME ? call->at_ns : item->at_ns;
		item->tool = call->tool;
		item->call = key;
	}
}

static void give_model(struct giving *giving, const struct gemini_message *message)
{
	struct agent_item *item =
		add_item(giving, AGENT_RESPONSE, key_of(giving, message->id), message);

	item->text = message->text;
	memcpy(item->tokens, message->tokens, sizeof(item->tokens));
	for (size_t i = 0; i < message->call_count; i++)
		give_call(giving, message, &message->calls[i]);
}

static void give_info(struct giving *giving, const struct gemini_message *message)
{
	if (giving->prompt > 0 && !message->withdrawn &&
		str_eq_c(str_trim(message->text), "Request cancelled."))
		giving->out->items[giving->prompt - 1].cancelled = true;
}

static void give_message(
	struct giving *giving, const struct gemini_message *message, bool delegated)
{
	switch (message->kind) {
	case GEMINI_USER:
		if (message->prompt && !delegated)
			give_user(giving, message);
		break;
	case GEMINI_MODEL:
		give_model(giving, message);
		break;
	case GEMINI_ERROR:
		add_item(giving, AGENT_ERROR, key_of(giving, message->id), message)->error =
			STR("error");
		break;
	case GEMINI_INFO:
		give_info(giving, message);
		break;
	case GEMINI_OTHER:
		break;
	}
}

/* From the first to the last message of the conversation. */
static void note_span(const struct gemini_log *log, struct agent_session *out)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct gemini_message *message = &log->messages[i];

		if (message->kind >= GEMINI_INFO || message->withdrawn ||
			(message->kind == GEMINI_USER && !message->prompt))
			continue;
		agent_widen(message->at_ns, &out->started_ns, &out->ended_ns);
	}
}

static struct gemini_index index_for(const struct gemini_log *log)
{
	struct gemini_index index = { .slot_count = FIRST_SLOTS };
	size_t calls = 0;

	for (size_t i = 0; i < log->count; i++)
		calls += log->messages[i].call_count;
	while (index.slot_count < calls * 2)
		index.slot_count *= 2;
	index.slots = arena_zalloc(log->arena, index.slot_count, sizeof(*index.slots));
	return index;
}

void gemini_log_items(const struct gemini_log *log, bool delegated, struct agent_session *out)
{
	struct giving giving = { .log = log, .out = out };

	if (log->session.len > 0)
		out->id = log->session;
	out->title = log->summary;
	if (out->cwd.len == 0)
		out->cwd = log->directory;
	out->unknown = log->unknown;
	out->fallback_ns = log->started_ns != INT64_MIN ? log->started_ns : log->updated_ns;
	note_span(log, out);
	giving.calls = index_for(log);
	giving.errors = index_for(log);
	for (size_t i = 0; i < log->count; i++)
		give_message(&giving, &log->messages[i], delegated);
}
