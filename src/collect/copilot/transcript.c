/*
 * The transcript that the extension keeps: typed events, one a line, each with its time.
 *
 * Its line ids are worth nothing: when the file was deleted and the chat goes on, the history is
 * written again with the old times and new ids. So an item is known by its time and its content, a
 * call by the call's id, and what comes twice is one. Lines without a time are told apart by their
 * order.
 */
#include "base/hash.h"
#include "collect/copilot/parts.h"
#include "collect/doc.h"
#include "model/limits.h"

struct line {
	const char *type;
	struct str id; /* of a call */
	const struct json *data;
	int64_t at_ns;
};

struct reading {
	struct agent_session *session;
	struct copilot_extent *extent;
	struct str path;
	struct json_parser parser, arguments;
	struct arena arena;
	struct copilot_map seen;  /* keys of items, their type before them */
	struct copilot_map calls; /* names of tools, by the call's id */
	struct str turn;          /* key of the last prompt */
	size_t prompt;            /* its item + 1; 0: none */
	struct str model;         /* as last told */
	int64_t untimed;          /* lines without a time so far */
};

static void reading_release(struct reading *reading)
{
	json_parser_release(&reading->parser);
	json_parser_release(&reading->arguments);
	arena_release(&reading->arena);
}

/* --- items --- */

/* True the first time KEY comes for something of TYPE. */
static bool is_first(struct reading *reading, const char *type, struct str key)
{
	struct str name = copilot_key(reading->session, str_from(type), "\n", key);

	return copilot_map_add(&reading->seen, name, NULL);
}

/* The key of what has no id: by time and CONTENT. */
static struct str key_of(struct reading *reading, const struct line *line, struct str content)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_i64(&text, line->at_ns != INT64_MIN ? time_floor_ms(line->at_ns) : reading->untimed);
	buf_byte(&text, line->at_ns != INT64_MIN ? ' ' : '#');
	buf_add(&text, content);
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	return copilot_key(reading->session, reading->session->id, ":", str_from(hex));
}

static struct agent_item *add_item(
	struct reading *reading, const struct line *line, enum agent_kind kind, struct str key)
{
	struct agent_item *item = agent_item(reading->session, kind, key, line->at_ns);

	item->turn = reading->turn;
	item->model = reading->model;
	return item;
}

/* The model that LINE names, from now on. */
static void note_model(struct reading *reading, const struct line *line, const char *key)
{
	struct str model = json_get_str(line->data, key);

	if (model.len > 0 && !str_eq(model, reading->model))
		reading->model = copilot_keep(reading->session, model);
}

/* --- lines, by type --- */

static void take_start(struct reading *reading, const struct line *line)
{
	struct agent_session *session = reading->session;
	const struct json *context = json_get(line->data, "context");
	struct str version = json_get_str(line->data, "copilotVersion");
	struct str branch = json_get_str(context, "branch");

	if (session->cwd.len == 0)
		session->cwd = copilot_file(session->arena, json_get(context, "cwd"));
	if (version.len > 0)
		session->version = copilot_keep(session, version);
	if (branch.len > 0)
		session->branch = copilot_keep(session, branch);
	if (session->fallback_ns == INT64_MIN)
		session->fallback_ns = line->at_ns != INT64_MIN
					       ? line->at_ns
					       : copilot_time(json_get(line->data, "startTime"));
}

/* What a skill or the program itself says in the person's place. */
static bool is_typed(const struct json *data)
{
	struct str source = json_get_str(data, "source");

	return !str_starts(source, STR("skill")) && !str_eq(source, STR("system"));
}

static bool is_image(const struct json *attachment)
{
	return str_eq(json_get_str(attachment, "type"), STR("image")) ||
	       str_starts(json_get_str(attachment, "mimeType"), STR("image/"));
}

static void take_attachments(struct reading *reading, const struct line *line)
{
	struct json_iter iter = json_iter(json_get(line->data, "attachments"));
	struct agent_session *session = reading->session;
	const struct json *attachment;
	struct str key, file;

	while (json_next(&iter, &key, &attachment)) {
		if (is_image(attachment))
			session->items[reading->prompt - 1].has_image = true;
		if (str_eq(json_get_str(attachment, "type"), STR("directory")))
			continue;
		file = copilot_file(session->arena, attachment);
		if (file.len == 0)
			file = copilot_file(session->arena, json_get(attachment, "filePath"));
		key = copilot_key(session, reading->turn, ":", file);
		if (file.len > 0 && is_first(reading, "file", key))
			add_item(reading, line, AGENT_FILE_READ, key)->file = file;
	}
}

static void take_prompt(struct reading *reading, const struct line *line)
{
	struct str content = json_get_str(line->data, "content");
	struct str key = key_of(reading, line, content);
	struct agent_item *item;

	if (!is_typed(line->data) || !is_first(reading, line->type, key))
		return;
	reading->turn = key;
	item = add_item(reading, line, AGENT_PROMPT, key);
	item->text = copilot_keep(reading->session, content);
	reading->prompt = reading->session->count;
	reading->extent->prompts++;
	if (line->at_ns > reading->extent->last_ns)
		reading->extent->last_ns = line->at_ns;
	take_attachments(reading, line);
}

/* A call is told when it is asked for and when it begins; the first counts. */
static void take_call(struct reading *reading, const struct line *line, struct str name,
	const struct json *arguments)
{
	struct str *kept = arena_alloc(&reading->arena, sizeof(*kept));
	struct str key = copilot_keep(reading->session, line->id);
	struct agent_item *item;

	*kept = copilot_keep(reading->session, name);
	if (key.len == 0 || !copilot_map_add(&reading->calls, key, kept))
		return;
	item = add_item(reading, line, AGENT_TOOL_USE, key);
	item->tool = *kept;
	item->file = copilot_argument_file(reading->session, &reading->arguments, arguments);
}

static void take_message(struct reading *reading, const struct line *line)
{
	struct json_iter calls = json_iter(json_get(line->data, "toolRequests"));
	struct str content = json_get_str(line->data, "content");
	struct str key = key_of(reading, line, content);
	const struct json *call;
	struct line of = *line;

	note_model(reading, line, "model");
	if (content.len > 0 && is_first(reading, line->type, key))
		add_item(reading, line, AGENT_RESPONSE, key)->text =
			copilot_keep(reading->session, content);
	while (json_next(&calls, &key, &call)) {
		of.id = json_get_str(call, "toolCallId");
		take_call(reading, &of, json_get_str(call, "name"), json_get(call, "arguments"));
	}
}

static void take_execution(struct reading *reading, const struct line *line)
{
	take_call(reading, line, json_get_str(line->data, "toolName"),
		json_get(line->data, "arguments"));
}

static void take_result(struct reading *reading, const struct line *line)
{
	const struct json *success = json_get(line->data, "success");
	bool failed = json_is(success, JSON_BOOL)
			      ? !json_is_true(success)
			      : json_is(json_get(line->data, "error"), JSON_OBJECT);
	const struct str *tool;
	struct agent_item *item;
	bool found;

	if (!failed || line->id.len == 0 || !is_first(reading, line->type, line->id))
		return;
	tool = copilot_map_get(&reading->calls, line->id, &found);
	item = add_item(reading, line, AGENT_TOOL_ERROR, copilot_keep(reading->session, line->id));
	item->call = item->key;
	if (found)
		item->tool = *tool;
}

static void take_usage(struct reading *reading, const struct line *line)
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

	note_model(reading, line, "model");
	buf_add(&content, json_get_str(line->data, "model"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t number = copilot_number(json_get(line->data, rows[i].key));

		any |= number >= 0;
		if (number >= 0)
			tokens[rows[i].token] = number;
		buf_printf(&content, " %lld", (long long)number);
	}
	key = key_of(reading, line, buf_str(&content));
	if (any && is_first(reading, line->type, key))
		memcpy(add_item(reading, line, AGENT_USAGE, key)->tokens, tokens, sizeof(tokens));
}

static void take_model_change(struct reading *reading, const struct line *line)
{
	note_model(reading, line, "newModel");
}

static void take_error(struct reading *reading, const struct line *line)
{
	struct str code = json_get_str(line->data, "errorType");
	struct str key = key_of(reading, line, code);

	if (is_first(reading, line->type, key))
		add_item(reading, line, AGENT_ERROR, key)->error =
			code.len > 0 && code.len <= 64 && str_find(code, ' ', 0) < 0
				? copilot_keep(reading->session, code)
				: STR("failed");
}

static void take_abort(struct reading *reading, const struct line *line)
{
	(void)line;
	if (reading->prompt > 0)
		reading->session->items[reading->prompt - 1].cancelled = true;
}

static void take_nothing(struct reading *reading, const struct line *line)
{
	(void)reading;
	(void)line;
}

/* Types that end in '.' stand for all that begin so. */
static const struct {
	const char *type;
	void (*take)(struct reading *reading, const struct line *line);
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
	{ "assistant.turn_start", take_nothing },
	{ "assistant.turn_end", take_nothing },
	{ "assistant.reasoning", take_nothing },
	{ "session.info", take_nothing },
	{ "session.truncation", take_nothing },
	{ "session.compaction_start", take_nothing },
	{ "session.compaction_complete", take_nothing },
	{ "session.handoff", take_nothing },
	{ "session.shutdown", take_nothing },
	{ "system.message", take_nothing },
	{ "skill.invoked", take_nothing },
	{ "subagent.", take_nothing },
	{ "hook.", take_nothing },
};

static bool is_type(struct str name, const char *type)
{
	struct str known = str_from(type);

	return str_ends(known, STR(".")) ? str_starts(name, known) : str_eq(name, known);
}

/* --- the file --- */

static void note_span(struct agent_session *session, int64_t at_ns)
{
	if (at_ns == INT64_MIN || !time_plausible(at_ns))
		return;
	if (session->started_ns == INT64_MIN || at_ns < session->started_ns)
		session->started_ns = at_ns;
	if (at_ns > session->ended_ns)
		session->ended_ns = at_ns;
}

static void take_record(struct reading *reading, const struct json *root)
{
	struct str type = json_get_str(root, "type");
	struct line line = { .data = json_get(root, "data"),
		.at_ns = copilot_time(json_get(root, "timestamp")) };

	line.id = json_get_str(line.data, "toolCallId");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!is_type(type, types[i].type))
			continue;
		reading->untimed += line.at_ns == INT64_MIN;
		line.type = types[i].type;
		note_span(reading->session, line.at_ns);
		types[i].take(reading, &line);
		return;
	}
	reading->extent->unknown++;
}

static void take_line(struct reading *reading, struct str line, int64_t offset)
{
	const struct json *root;
	struct err err;

	if (str_trim(line).len == 0)
		return;
	if (line.len > LIMIT_LOG_LINE_BYTES)
		agent_session_bad(reading->session, reading->path, offset, "too_long",
			"longer than any line may be", line);
	else if (json_parse(&reading->parser, line, true, &root, &err) < 0)
		agent_session_bad(
			reading->session, reading->path, offset, "not_json", err.message, line);
	else
		take_record(reading, root);
}

/* What stands behind the last newline, if it is complete. */
static bool take_rest(struct reading *reading, const struct doc_lines *lines)
{
	const struct json *root;
	struct err err;

	if (str_trim(lines->rest).len == 0)
		return true;
	if (lines->rest.len > LIMIT_LOG_LINE_BYTES ||
		json_parse(&reading->parser, lines->rest, true, &root, &err) < 0 ||
		!json_is(root, JSON_OBJECT))
		return false;
	take_record(reading, root);
	return true;
}

/* The session's id stands in its first lines; keys need it from the start. */
static void find_id(struct reading *reading, struct str bytes)
{
	struct doc_lines lines = { bytes, 0 };
	const struct json *root;
	struct err ignored;
	struct str line;
	int64_t offset;

	while (reading->session->id.len == 0 && doc_line(&lines, &line, &offset))
		if (line.len <= LIMIT_LOG_LINE_BYTES &&
			json_parse(&reading->parser, line, true, &root, &ignored) == 0)
			reading->session->id = copilot_keep(reading->session,
				json_get_str(json_get(root, "data"), "sessionId"));
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
	reading.seen.arena = reading.calls.arena = &reading.arena;
	find_id(&reading, bytes);
	while (doc_line(&lines, &line, &offset))
		take_line(&reading, line, offset);
	extent->taken = take_rest(&reading, &lines) ? bytes.len : (size_t)lines.offset;
	extent->dated_ns = extent->last_ns;
	session->unknown += extent->unknown;
	return session->count > 0;
}
