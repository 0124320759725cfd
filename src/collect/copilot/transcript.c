/*
 * The transcript that the extension keeps: typed events, one a line, each with its time.
 *
 * Its line ids are worth nothing: when the file was deleted and the chat goes on, the history is
 * written again with the old times and new ids. So an item is known by its time and its content, a
 * call by the call's id, and what comes twice is one. Lines without a time are told apart by their
 * order.
 */
#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/copilot/parts.h"
#include "collect/copilot/record.h"
#include "collect/doc.h"

struct reading {
	struct agent_session *session;
	struct copilot_extent *extent;
	struct str path;
	struct json_parser parser;
	struct arena arena;
	struct copilot_map seen;    /* keys of items, their type before them */
	struct copilot_map calls;   /* names of tools, by the call's key */
	struct copilot_map prompts; /* where their items are (size_t), by key */
	struct str turn;            /* key of the last prompt */
	size_t prompt;              /* its item + 1; 0: none */
	struct str model;           /* as last told */
	int64_t untimed;            /* lines without a time so far */
};

static void reading_release(struct reading *reading)
{
	json_parser_release(&reading->parser);
	arena_release(&reading->arena);
}

/* --- items --- */

/* True the first time KEY comes for something of TYPE. */
static bool is_first(struct reading *reading, struct str type, struct str key)
{
	struct str name = copilot_key(reading->session, type, "\n", key);

	return copilot_map_add(&reading->seen, name, NULL);
}

/* The key of what has no id: by time and CONTENT. */
static struct str key_of(
	struct reading *reading, const struct copilot_record *record, struct str content)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_i64(&text,
		record->at_ns != INT64_MIN ? time_floor_ms(record->at_ns) : reading->untimed);
	buf_byte(&text, record->at_ns != INT64_MIN ? ' ' : '#');
	buf_add(&text, content);
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	return copilot_key(reading->session, reading->session->id, ":", str_from(hex));
}

static struct agent_item *add_item(struct reading *reading, const struct copilot_record *record,
	enum agent_kind kind, struct str key)
{
	struct agent_item *item = agent_item(reading->session, kind, key, record->at_ns);

	item->turn = reading->turn;
	item->model = reading->model;
	return item;
}

/* The model that LINE names, from now on. */
static void note_model(
	struct reading *reading, const struct copilot_record *record, const char *key)
{
	struct str model = json_get_str(record->data, key);

	if (model.len > 0 && !str_eq(model, reading->model))
		reading->model = copilot_keep(reading->session, model);
}

/* --- lines, by type --- */

static void take_start(struct reading *reading, const struct copilot_record *record)
{
	struct agent_session *session = reading->session;
	const struct json *context = json_get(record->data, "context");
	struct str version = json_get_str(record->data, "copilotVersion");
	struct str branch = json_get_str(context, "branch");

	if (session->cwd.len == 0)
		session->cwd = copilot_file(session->arena, json_get(context, "cwd"));
	if (version.len > 0)
		session->version = copilot_keep(session, version);
	if (branch.len > 0)
		session->branch = copilot_keep(session, branch);
	if (session->fallback_ns == INT64_MIN)
		session->fallback_ns = record->at_ns != INT64_MIN
					       ? record->at_ns
					       : copilot_time(json_get(record->data, "startTime"));
}

static void take_attachments(struct reading *reading, const struct copilot_record *record)
{
	struct json_iter iter = json_iter(json_get(record->data, "attachments"));
	struct agent_session *session = reading->session;
	const struct json *attachment;
	struct str key, file;

	while (json_next(&iter, &key, &attachment)) {
		file = copilot_attachment_file(session->arena, attachment);
		if (copilot_attachment_is_image(attachment, file))
			session->items[reading->prompt - 1].has_image = true;
		key = copilot_key(session, reading->turn, ":", file);
		if (file.len > 0 && is_first(reading, STR("file"), key))
			add_item(reading, record, AGENT_FILE_READ, key)->file = file;
	}
}

static void note_prompt(struct reading *reading, struct str key)
{
	size_t *kept = arena_alloc(&reading->arena, sizeof(*kept));

	*kept = reading->prompt = reading->session->count;
	copilot_map_add(&reading->prompts, key, kept);
	reading->extent->prompts++;
}

static void take_prompt(struct reading *reading, const struct copilot_record *record)
{
	struct str content = json_get_str(record->data, "content");
	struct str key = key_of(reading, record, content);
	const size_t *known;
	struct agent_item *item;
	bool found;

	if (!copilot_record_is_typed(record))
		return;
	reading->turn = key;
	known = copilot_map_get(&reading->prompts, key, &found);
	if (found) { /* history that is told again: what follows is its */
		reading->prompt = *known;
		return;
	}
	item = add_item(reading, record, AGENT_PROMPT, key);
	item->text = copilot_keep(reading->session, content);
	item->command = copilot_record_is_command(record);
	note_prompt(reading, key);
	if (record->at_ns > reading->extent->last_ns)
		reading->extent->last_ns = record->at_ns;
	take_attachments(reading, record);
}

/* Calls are often numbered anew in each session. */
static struct str call_key(struct reading *reading, struct str id)
{
	return copilot_key(reading->session, reading->session->id, ":", id);
}

/* A call is told when it is asked for and when it begins; the first counts. */
static void take_call(struct reading *reading, const struct copilot_record *record, struct str name,
	const struct json *arguments)
{
	struct str *kept = arena_alloc(&reading->arena, sizeof(*kept));
	struct str key = call_key(reading, record->call);
	struct agent_item *item;

	*kept = copilot_keep(reading->session, name);
	if (record->call.len == 0 || !copilot_map_add(&reading->calls, key, kept))
		return;
	item = add_item(reading, record, AGENT_TOOL_USE, key);
	item->tool = *kept;
	item->file = copilot_argument_file(reading->session->arena, arguments);
}

static void take_message(struct reading *reading, const struct copilot_record *record)
{
	struct json_iter calls = json_iter(json_get(record->data, "toolRequests"));
	struct str content = json_get_str(record->data, "content");
	struct str key = key_of(reading, record, content);
	const struct json *call;
	struct copilot_record of = *record;

	note_model(reading, record, "model");
	if (content.len > 0 && is_first(reading, record->type, key))
		add_item(reading, record, AGENT_RESPONSE, key)->text =
			copilot_keep(reading->session, content);
	while (json_next(&calls, &key, &call)) {
		of.call = json_get_str(call, "toolCallId");
		take_call(reading, &of, json_get_str(call, "name"), json_get(call, "arguments"));
	}
}

static void take_execution(struct reading *reading, const struct copilot_record *record)
{
	take_call(reading, record, json_get_str(record->data, "toolName"),
		json_get(record->data, "arguments"));
}

static void take_result(struct reading *reading, const struct copilot_record *record)
{
	struct str key = call_key(reading, record->call);
	const struct str *tool;
	struct agent_item *item;
	bool found;

	if (!copilot_record_has_failed(record) || record->call.len == 0 ||
		!is_first(reading, record->type, key))
		return;
	tool = copilot_map_get(&reading->calls, key, &found);
	item = add_item(reading, record, AGENT_TOOL_ERROR, key);
	item->call = key;
	if (found)
		item->tool = *tool;
}

static void take_usage(struct reading *reading, const struct copilot_record *record)
{
	static const struct {
		enum agent_token token;
		const char *key;
	} rows[] = { { AGENT_INPUT, "inputTokens" }, { AGENT_OUTPUT, "outputTokens" },
		{ AGENT_CACHE_READ, "cacheReadTokens" },
		{ AGENT_CACHE_WRITE, "cacheCreationInputTokens" },
		{ AGENT_CACHE_WRITE, "cacheWriteTokens" }, { AGENT_REASONING, "reasoningTokens" } };
	CLEANUP(buf_release) struct buf content = BUF_INIT;
	int64_t tokens[AGENT_TOKENS] = { -1, -1, -1, -1, -1 };
	struct str key;
	bool any = false;

	note_model(reading, record, "model");
	buf_add(&content, json_get_str(record->data, "model"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t number = copilot_number(json_get(record->data, rows[i].key));

		any |= number >= 0;
		if (number >= 0)
			tokens[rows[i].token] = number;
		buf_printf(&content, " %lld", (long long)number);
	}
	key = key_of(reading, record, buf_str(&content));
	if (any && is_first(reading, record->type, key))
		memcpy(add_item(reading, record, AGENT_USAGE, key)->tokens, tokens, sizeof(tokens));
}

static void take_model_change(struct reading *reading, const struct copilot_record *record)
{
	note_model(reading, record, "newModel");
}

static void take_error(struct reading *reading, const struct copilot_record *record)
{
	struct str key = key_of(reading, record, json_get_str(record->data, "errorType"));

	if (is_first(reading, record->type, key))
		add_item(reading, record, AGENT_ERROR, key)->error =
			copilot_record_error(reading->session->arena, record);
}

static void take_abort(struct reading *reading, const struct copilot_record *record)
{
	(void)record;
	if (reading->prompt > 0)
		reading->session->items[reading->prompt - 1].cancelled = true;
}

static const struct {
	const char *type;
	void (*take)(struct reading *reading, const struct copilot_record *record);
} types[] = {
	{ "session.start", take_start },
	{ "session.resume", take_start },
	{ "session.model_change", take_model_change },
	{ "session.error", take_error },
	{ "user.message", take_prompt },
	{ "assistant.message", take_message },
	{ "assistant.usage", take_usage },
	{ "tool.execution_start", take_execution },
	{ "tool.execution_complete", take_result },
	{ "abort", take_abort },
};

/* --- the file --- */

static void take_record(struct reading *reading, const struct copilot_record *record)
{
	struct agent_session *session = reading->session;
	size_t row = 0;

	while (row < ARRAY_LEN(types) && !copilot_record_is(record->type, types[row].type))
		row++;
	if (row == ARRAY_LEN(types) && !copilot_record_is_idle(record->type)) {
		reading->extent->unknown++;
		return;
	}
	agent_widen(record->at_ns, &session->started_ns, &session->ended_ns);
	reading->untimed += record->at_ns == INT64_MIN;
	if (row < ARRAY_LEN(types))
		types[row].take(reading, record);
}

/* LAST: it has no newline yet, and may be half a line. False: it is one. */
static bool take_line(struct reading *reading, struct str text, int64_t offset, bool last)
{
	struct agent_session *session = reading->session;
	struct copilot_record record;
	const char *fault;
	struct err err;

	if (str_trim(text).len == 0)
		return true;
	fault = copilot_record_parse(&reading->parser, text, false, &record, &err);
	if (fault && last)
		return false;
	if (fault) {
		agent_session_bad(session, reading->path, offset, fault, err.message, text);
		return true;
	}
	take_record(reading, &record);
	return true;
}

/* The session's id stands in its first lines; keys need it from the start. */
static void find_id(struct reading *reading, struct str bytes)
{
	struct doc_lines lines = { bytes, 0 };
	struct copilot_record record;
	struct err ignored;
	struct str line;
	int64_t offset;

	while (reading->session->id.len == 0 && doc_line(&lines, &line, &offset))
		if (!copilot_record_parse(&reading->parser, line, false, &record, &ignored))
			reading->session->id = copilot_keep(
				reading->session, json_get_str(record.data, "sessionId"));
}

bool copilot_read_transcript(struct str bytes, struct str path, struct agent_session *session,
	struct copilot_extent *extent)
{
	CLEANUP(reading_release)
	struct reading reading = { .session = session, .extent = extent, .path = path };
	struct doc_lines lines = { bytes, 0 };
	struct str line;
	int64_t offset;

	*extent = (struct copilot_extent){ .last_ns = INT64_MIN, .dated_ns = INT64_MIN };
	reading.seen.arena = reading.calls.arena = reading.prompts.arena = &reading.arena;
	find_id(&reading, bytes);
	while (doc_line(&lines, &line, &offset))
		take_line(&reading, line, offset, false);
	extent->taken = take_line(&reading, lines.rest, lines.offset, true) ? bytes.len
									    : (size_t)lines.offset;
	extent->dated_ns = extent->last_ns;
	session->unknown += extent->unknown;
	return session->count > 0;
}
