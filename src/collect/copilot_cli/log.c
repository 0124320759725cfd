/*
 * The records of a Copilot CLI log as items. Keys are the log's own ids with the session before
 * them, since tools are often called "call_1".
 *
 *  - A prompt is a user.message that a person typed: neither a skill's body nor another agent's
 * order. `content` is what was typed; `transformedContent` is not.
 *  - A response is an assistant.message; the tools it asks for are calls, also if they never run. A
 * tool that starts without having been asked for is one too.
 *  - An abort stops the prompt that is being answered. When that prompt was given in an earlier
 * reading it is to be taken again from its line.
 *  - Every other record of the documented types tells facts, or nothing.
 */
#include "collect/copilot_cli/log.h"

#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/copilot/record.h"

enum { MOST_PARTS = 4096 }; /* of what one record may have */

struct record {
	struct copilot_cli_log *log;
	const struct copilot_cli_line *line;
	struct agent_session *out;
	struct copilot_record is;
	struct str key;
};

static struct str joined(struct arena *arena, struct str a, struct str b)
{
	char *text = arena_alloc(arena, a.len + b.len + 2);

	if (a.len > 0)
		memcpy(text, a.ptr, a.len);
	text[a.len] = ':';
	if (b.len > 0)
		memcpy(text + a.len + 1, b.ptr, b.len);
	text[a.len + b.len + 1] = '\0';
	return (struct str){ text, a.len + b.len + 1 };
}

static void keep(struct copilot_cli_log *log, struct str *field, struct str value)
{
	if (value.len > 0 && !str_eq(*field, value))
		*field = agent_text(&log->arena, value);
}

/* Member KEY of the record's data, in the arena of the items. */
static struct str member(const struct record *record, const char *key)
{
	return agent_text(record->out->arena, json_get_str(record->is.data, key));
}

static struct agent_item *add_item(struct record *record, enum agent_kind kind, struct str key)
{
	struct arena *arena = record->out->arena;
	struct agent_item *item = agent_item(record->out, kind, key, record->is.at_ns);

	item->cwd = arena_str(arena, record->log->cwd);
	item->mode = arena_str(arena, record->log->mode);
	item->turn = arena_str(arena, record->log->turn);
	return item;
}

/* --- facts --- */

static void take_context(struct copilot_cli_log *log, const struct json *context)
{
	struct str cwd = json_get_str(context, "cwd");

	keep(log, &log->cwd, cwd);
	if (log->first_cwd.len == 0)
		keep(log, &log->first_cwd, cwd);
	if (log->branch.len == 0)
		keep(log, &log->branch, json_get_str(context, "branch"));
}

static void take_start(struct record *record)
{
	struct copilot_cli_log *log = record->log;
	struct str session = json_get_str(record->is.data, "sessionId");

	if (session.len > 0 && !log->named) {
		keep(log, &log->session, session);
		log->named = true;
	}
	keep(log, &log->version, json_get_str(record->is.data, "copilotVersion"));
	keep(log, &log->model, json_get_str(record->is.data, "selectedModel"));
	take_context(log, json_get(record->is.data, "context"));
}

static void take_changed_context(struct record *record)
{
	take_context(record->log, record->is.data);
}

static void take_model(struct record *record)
{
	keep(record->log, &record->log->model, json_get_str(record->is.data, "newModel"));
}

static void take_mode(struct record *record)
{
	keep(record->log, &record->log->mode, json_get_str(record->is.data, "newMode"));
}

static void take_title(struct record *record)
{
	keep(record->log, &record->log->title, json_get_str(record->is.data, "title"));
}

static void take_turn(struct record *record)
{
	keep(record->log, &record->log->turn, json_get_str(record->is.data, "interactionId"));
}

static void take_shutdown(struct record *record)
{
	copilot_cli_usage_shutdown(record->log, json_get(record->is.data, "modelMetrics"),
		record->key, record->is.at_ns, record->out);
}

/* --- prompts --- */

/* The files given with a prompt; true when one is an image. */
static bool take_attachments(struct record *record)
{
	struct json_iter iter = json_iter(json_get(record->is.data, "attachments"));
	struct arena *arena = record->out->arena;
	const struct json *attachment;
	bool image = false;
	struct str key;

	for (int i = 0; i < MOST_PARTS && json_next(&iter, &key, &attachment); i++) {
		struct str file = copilot_attachment_file(arena, attachment);

		image |= copilot_attachment_is_image(attachment, file);
		if (file.len == 0)
			continue;
		key = joined(arena, record->key, arena_printf(arena, "%d", i));
		add_item(record, AGENT_FILE_READ, key)->file = file;
	}
	return image;
}

static void add_prompt(struct record *record, bool stopped)
{
	struct str delivery = json_get_str(record->is.data, "delivery");
	struct agent_item *item;
	bool image = take_attachments(record);

	item = add_item(record, AGENT_PROMPT, record->key);
	item->text = member(record, "content");
	item->has_image = image;
	item->queued = delivery.len > 0 && !str_eq_c(delivery, "idle");
	item->command = copilot_record_is_command(&record->is);
	item->cancelled = stopped;
}

/* The turn and the mode that a prompt begins. */
static void begin_turn(struct record *record)
{
	struct copilot_cli_log *log = record->log;
	struct str turn = json_get_str(record->is.data, "interactionId");

	keep(log, &log->turn, turn.len > 0 ? turn : record->key);
	keep(log, &log->mode, json_get_str(record->is.data, "agentMode"));
}

static void take_user(struct record *record)
{
	struct copilot_cli_log *log = record->log;

	if (!copilot_record_is_typed(&record->is))
		return;
	begin_turn(record);
	add_prompt(record, false);
	log->prompt = (struct copilot_cli_prompt){
		.key = arena_str(&log->arena, record->key),
		.offset = record->line->offset,
		.bytes = (int64_t)record->line->text.len,
		.cwd = log->cwd,
		.mode = log->mode,
	};
}

static void take_abort(struct record *record)
{
	struct copilot_cli_log *log = record->log;
	struct agent_item *item = agent_find(record->out, AGENT_PROMPT, log->prompt.key);

	if (log->prompt.key.len == 0 || log->prompt.stopped)
		return;
	log->prompt.stopped = true;
	if (item)
		item->cancelled = true;
	else
		log->stopped = log->prompt;
}

/* --- tools --- */

static struct copilot_cli_call *find_call(struct copilot_cli_log *log, struct str id)
{
	for (size_t i = 0; i < log->call_count; i++)
		if (str_eq(log->calls[i].id, id))
			return &log->calls[i];
	return NULL;
}

static void forget_call(struct copilot_cli_log *log, const struct copilot_cli_call *call)
{
	size_t at = (size_t)(call - log->calls);

	memmove(&log->calls[at], &log->calls[at + 1],
		(log->call_count - at - 1) * sizeof(*log->calls));
	log->call_count--;
}

static void remember_call(struct copilot_cli_log *log, struct str id, struct str tool)
{
	if (log->call_count == COPILOT_CLI_CALLS)
		forget_call(log, &log->calls[0]);
	log->calls[log->call_count++] = (struct copilot_cli_call){
		.id = arena_str(&log->arena, id),
		.tool = arena_str(&log->arena, tool),
	};
}

static struct str model_of(const struct record *record)
{
	struct str model = member(record, "model");

	return model.len > 0 ? model : arena_str(record->out->arena, record->log->model);
}

static void add_call(
	struct record *record, struct str key, struct str tool, const struct json *arguments)
{
	struct arena *arena = record->out->arena;
	struct agent_item *item = add_item(record, AGENT_TOOL_USE, key);

	item->tool = tool;
	item->file = copilot_argument_file(arena, arguments);
	item->model = model_of(record);
}

static void take_requests(struct record *record)
{
	struct json_iter iter = json_iter(json_get(record->is.data, "toolRequests"));
	struct arena *arena = record->out->arena;
	const struct json *request;
	struct str key;

	for (int i = 0; i < MOST_PARTS && json_next(&iter, &key, &request); i++) {
		struct str id = agent_text(arena, json_get_str(request, "toolCallId"));
		struct str tool = agent_text(arena, json_get_str(request, "name"));

		if (!json_is(request, JSON_OBJECT))
			continue;
		if (id.len > 0) {
			key = joined(arena, record->log->session, id);
			remember_call(record->log, id, tool);
		} else {
			key = joined(arena, record->key, arena_printf(arena, "%d", i));
		}
		add_call(record, key, tool, json_get(request, "arguments"));
	}
}

/* The key of the call that a tool's record is of. */
static struct str call_key(const struct record *record, struct str id)
{
	return id.len > 0 ? joined(record->out->arena, record->log->session, id) : record->key;
}

static void take_tool_start(struct record *record)
{
	struct str id = agent_text(record->out->arena, record->is.call),
		   tool = member(record, "toolName");

	if (id.len > 0 && find_call(record->log, id))
		return;
	if (id.len > 0)
		remember_call(record->log, id, tool);
	add_call(record, call_key(record, id), tool, json_get(record->is.data, "arguments"));
}

static void take_tool_end(struct record *record)
{
	struct str id = agent_text(record->out->arena, record->is.call), key = call_key(record, id);
	struct copilot_cli_call *call = find_call(record->log, id);

	if (copilot_record_has_failed(&record->is)) {
		struct agent_item *item = add_item(record, AGENT_TOOL_ERROR, key);

		item->call = key;
		item->tool = call ? arena_str(record->out->arena, call->tool)
				  : member(record, "toolName");
	}
	if (call)
		forget_call(record->log, call);
}

/* --- responses and errors --- */

static void take_message(struct record *record)
{
	struct arena *arena = record->out->arena;
	struct str id = member(record, "messageId"), model = model_of(record);
	struct str key = id.len > 0 ? joined(arena, record->log->session, id) : record->key;
	struct agent_item *item = add_item(record, AGENT_RESPONSE, key);
	int64_t output;

	item->text = member(record, "content");
	item->model = model;
	if (json_get_i64(record->is.data, "outputTokens", &output) && output >= 0) {
		item->tokens[AGENT_OUTPUT] = output;
		copilot_cli_usage_given(record->log, model, output);
	}
	take_requests(record);
}

static void take_error(struct record *record)
{
	add_item(record, AGENT_ERROR, record->key)->error =
		copilot_record_error(record->out->arena, &record->is);
}

/* --- records --- */

static const struct {
	const char *type;
	void (*take)(struct record *record);
} types[] = {
	{ "assistant.message", take_message },
	{ "tool.execution_start", take_tool_start },
	{ "tool.execution_complete", take_tool_end },
	{ "assistant.turn_start", take_turn },
	{ "user.message", take_user },
	{ "session.start", take_start },
	{ "session.resume", take_start },
	{ "session.context_changed", take_changed_context },
	{ "session.model_change", take_model },
	{ "session.mode_changed", take_mode },
	{ "session.title_changed", take_title },
	{ "session.error", take_error },
	{ "session.shutdown", take_shutdown },
	{ "abort", take_abort },
};

static void take_record(struct record *record)
{
	struct copilot_cli_log *log = record->log;
	size_t row = 0;

	while (row < ARRAY_LEN(types) && !copilot_record_is(record->is.type, types[row].type))
		row++;
	if (row == ARRAY_LEN(types) && !copilot_record_is_idle(record->is.type)) {
		log->unknown++;
		return;
	}
	agent_widen(record->is.at_ns, &log->started_ns, &log->ended_ns);
	if (row < ARRAY_LEN(types))
		types[row].take(record);
}

/* LINE as a record; one without an id is known by what it says. NULL, or why it is none. */
static const char *read_record(struct json_parser *parser, struct record *record, struct err *fault)
{
	const struct copilot_cli_line *line = record->line;
	const char *reason =
		copilot_record_parse(parser, line->text, line->overlong, &record->is, fault);
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];
	struct str id;

	if (reason)
		return reason;
	id = agent_text(record->out->arena, record->is.id);
	if (id.len == 0) {
		hash128(line->text, hash);
		hash_hex(hash, sizeof(hash), hex);
		id = str_from(hex);
	}
	record->key = joined(record->out->arena, record->log->session, id);
	return NULL;
}

void copilot_cli_log_line(struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_line *line, struct agent_session *out)
{
	struct record record = { .log = log, .line = line, .out = out };
	const char *reason;
	struct err fault;

	if (str_trim(line->text).len == 0)
		return;
	reason = read_record(parser, &record, &fault);
	if (reason)
		agent_session_bad(out, line->path, line->offset, reason, fault.message, line->text);
	else
		take_record(&record);
}

void copilot_cli_log_again(const struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_prompt *prompt, const struct copilot_cli_line *line,
	struct agent_session *out)
{
	struct copilot_cli_log then = copilot_cli_log(log->session);
	struct record record = { .log = &then, .line = line, .out = out };
	struct err ignored;

	then.cwd = prompt->cwd;
	then.mode = prompt->mode;
	if (!read_record(parser, &record, &ignored) && str_eq(record.key, prompt->key)) {
		begin_turn(&record);
		add_prompt(&record, prompt->stopped);
	}
	copilot_cli_log_release(&then);
}

struct str copilot_cli_log_session(struct json_parser *parser, struct str line)
{
	struct copilot_record record;
	struct err ignored;

	if (copilot_record_parse(parser, line, false, &record, &ignored) ||
		!str_eq_c(record.type, "session.start"))
		return (struct str){ NULL, 0 };
	return json_get_str(record.data, "sessionId");
}

void copilot_cli_log_facts(const struct copilot_cli_log *log, struct agent_session *out)
{
	out->id = log->session;
	out->version = log->version;
	out->title = log->title;
	out->cwd = log->first_cwd;
	out->branch = log->branch;
	out->started_ns = log->started_ns;
	out->ended_ns = log->ended_ns;
	out->fallback_ns = log->ended_ns;
	out->unknown = log->unknown;
	out->from_start = !log->given;
}
