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

enum { CODE_BYTES = 64, MOST_PARTS = 4096 }; /* of what one record may have */

struct record {
	struct copilot_cli_log *log;
	const struct copilot_cli_line *line;
	struct agent_session *out;
	const struct json *data;
	int64_t at_ns;
	struct str key;
	bool by_agent; /* a sub-agent's own record */
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
	return agent_text(record->out->arena, json_get_str(record->data, key));
}

static struct agent_item *add_item(struct record *record, enum agent_kind kind, struct str key)
{
	struct arena *arena = record->out->arena;
	struct agent_item *item = agent_item(record->out, kind, key, record->at_ns);

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
	struct str session = json_get_str(record->data, "sessionId");

	if (session.len > 0 && !log->named) {
		keep(log, &log->session, session);
		log->named = true;
	}
	keep(log, &log->version, json_get_str(record->data, "copilotVersion"));
	keep(log, &log->model, json_get_str(record->data, "selectedModel"));
	take_context(log, json_get(record->data, "context"));
}

static void take_changed_context(struct record *record)
{
	take_context(record->log, record->data);
}

static void take_model(struct record *record)
{
	keep(record->log, &record->log->model, json_get_str(record->data, "newModel"));
}

static void take_mode(struct record *record)
{
	keep(record->log, &record->log->mode, json_get_str(record->data, "newMode"));
}

static void take_title(struct record *record)
{
	keep(record->log, &record->log->title, json_get_str(record->data, "title"));
}

static void take_turn(struct record *record)
{
	keep(record->log, &record->log->turn, json_get_str(record->data, "interactionId"));
}

static void take_shutdown(struct record *record)
{
	copilot_cli_usage_shutdown(record->log, json_get(record->data, "modelMetrics"), record->key,
		record->at_ns, record->out);
}

/* --- prompts --- */

static bool is_command(struct str source)
{
	return str_eq_c(source, "command") || str_starts(source, STR("command-"));
}

static bool is_typed(const struct record *record)
{
	struct str source = json_get_str(record->data, "source");

	return !record->by_agent &&
	       !json_is_true(json_get(record->data, "isAutopilotContinuation")) &&
	       (source.len == 0 || str_eq_c(source, "user") || is_command(source));
}

static bool is_image(const struct json *attachment, struct str file)
{
	static const char *const ends[] = { ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp" };

	if (str_starts(json_get_str(attachment, "mimeType"), STR("image/")) ||
		str_eq_c(json_get_str(attachment, "type"), "image"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(file, str_from(ends[i])))
			return true;
	return false;
}

/* The files given with a prompt; true when one is an image. */
static bool take_attachments(struct record *record)
{
	struct json_iter iter = json_iter(json_get(record->data, "attachments"));
	struct arena *arena = record->out->arena;
	const struct json *attachment;
	bool image = false;
	struct str key;

	for (int i = 0; i < MOST_PARTS && json_next(&iter, &key, &attachment); i++) {
		struct str type = json_get_str(attachment, "type");
		struct str file = agent_tool_file(attachment);
		struct agent_item *item;

		image |= is_image(attachment, file);
		if (file.len == 0 || (!str_eq_c(type, "file") && !str_eq_c(type, "selection")))
			continue;
		key = joined(arena, record->key, arena_printf(arena, "%d", i));
		item = add_item(record, AGENT_FILE_READ, key);
		item->file = agent_text(arena, file);
	}
	return image;
}

static void add_prompt(struct record *record, bool stopped)
{
	struct str delivery = json_get_str(record->data, "delivery");
	struct agent_item *item;
	bool image = take_attachments(record);

	item = add_item(record, AGENT_PROMPT, record->key);
	item->text = member(record, "content");
	item->has_image = image;
	item->queued = delivery.len > 0 && !str_eq_c(delivery, "idle");
	item->command = is_command(json_get_str(record->data, "source"));
	item->cancelled = stopped;
}

/* The turn and the mode that a prompt begins. */
static void begin_turn(struct record *record)
{
	struct copilot_cli_log *log = record->log;
	struct str turn = json_get_str(record->data, "interactionId");

	keep(log, &log->turn, turn.len > 0 ? turn : record->key);
	keep(log, &log->mode, json_get_str(record->data, "agentMode"));
}

static void take_user(struct record *record)
{
	struct copilot_cli_log *log = record->log;

	if (!is_typed(record))
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

/* Arguments are an object, or one as text. */
static struct str file_of(struct arena *arena, const struct json *arguments)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err ignored;
	struct str file;

	if (!json_is(arguments, JSON_STRING))
		return agent_text(arena, agent_tool_file(arguments));
	if (json_parse(&parser, json_str(arguments), true, &root, &ignored) < 0)
		root = NULL;
	file = agent_text(arena, agent_tool_file(root));
	json_parser_release(&parser);
	return file;
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
	item->file = file_of(arena, arguments);
	item->model = model_of(record);
}

static void take_requests(struct record *record)
{
	struct json_iter iter = json_iter(json_get(record->data, "toolRequests"));
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
	struct str id = member(record, "toolCallId"), tool = member(record, "toolName");

	if (id.len > 0 && find_call(record->log, id))
		return;
	if (id.len > 0)
		remember_call(record->log, id, tool);
	add_call(record, call_key(record, id), tool, json_get(record->data, "arguments"));
}

static bool has_failed(const struct json *data)
{
	const struct json *success = json_get(data, "success");

	if (json_is(success, JSON_BOOL))
		return !json_is_true(success);
	return json_is(json_get(data, "error"), JSON_OBJECT);
}

static void take_tool_end(struct record *record)
{
	struct str id = member(record, "toolCallId"), key = call_key(record, id);
	struct copilot_cli_call *call = find_call(record->log, id);

	if (has_failed(record->data)) {
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
	if (json_get_i64(record->data, "outputTokens", &output) && output >= 0) {
		item->tokens[AGENT_OUTPUT] = output;
		copilot_cli_usage_given(record->log, model, output);
	}
	take_requests(record);
}

/* A word that a program may have chosen, no text for people. */
static bool is_code(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '_' && c != '-' && c != '.')
			return false;
	}
	return text.len > 0 && text.len <= CODE_BYTES;
}

static void take_error(struct record *record)
{
	struct str code = json_get_str(record->data, "errorType");
	struct agent_item *item = add_item(record, AGENT_ERROR, record->key);

	item->error = is_code(code) ? arena_str(record->out->arena, code) : STR("error");
}

/* --- records --- */

/* The documented types; a name that ends in a point stands for all that begin with it. */
static const struct {
	const char *type;
	void (*take)(struct record *record); /* NULL: nothing in it is of use here */
} types[] = {
	{ "assistant.message", take_message },
	{ "tool.execution_start", take_tool_start },
	{ "tool.execution_complete", take_tool_end },
	{ "assistant.turn_start", take_turn },
	{ "assistant.turn_end", NULL },
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
	{ "assistant.reasoning", NULL },
	{ "assistant.intent", NULL },
	{ "assistant.usage", NULL }, /* its numbers are in the shutdown's */
	{ "tool.user_requested", NULL },
	{ "tool.execution_progress", NULL },
	{ "tool.execution_partial_result", NULL },
	{ "system.message", NULL },
	{ "system.notification", NULL },
	{ "session.info", NULL },
	{ "session.warning", NULL },
	{ "session.idle", NULL },
	{ "session.truncation", NULL },
	{ "session.compaction_start", NULL },
	{ "session.compaction_complete", NULL },
	{ "session.handoff", NULL },
	{ "session.snapshot_rewind", NULL }, /* what it takes back is no longer in the log */
	{ "session.usage_info", NULL },
	{ "session.usage_checkpoint", NULL },
	{ "session.plan_changed", NULL },
	{ "session.workspace_file_changed", NULL },
	{ "session.task_complete", NULL },
	{ "pending_messages.modified", NULL },
	{ "skill.", NULL },
	{ "subagent.", NULL },
	{ "hook.", NULL },
	{ "permission.", NULL },
	{ "user_input.", NULL },
	{ "elicitation.", NULL },
};

static bool fits(struct str type, const char *name)
{
	struct str row = str_from(name);

	return str_ends(row, STR(".")) ? str_starts(type, row) : str_eq(type, row);
}

static void take_record(struct record *record, struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!fits(type, types[i].type))
			continue;
		if (types[i].take)
			types[i].take(record);
		return;
	}
	record->log->unknown++;
}

/* A record without an id is known by what it says. */
static struct str key_of(const struct record *record, const struct json *root)
{
	struct str id = agent_text(record->out->arena, json_get_str(root, "id"));
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	if (id.len == 0) {
		hash128(record->line->text, hash);
		hash_hex(hash, sizeof(hash), hex);
		id = str_from(hex);
	}
	return joined(record->out->arena, record->log->session, id);
}

static void note_time(struct copilot_cli_log *log, int64_t at_ns)
{
	if (at_ns == AGENT_NO_TIME || !time_plausible(at_ns))
		return;
	if (log->started_ns == INT64_MIN || at_ns < log->started_ns)
		log->started_ns = at_ns;
	if (log->ended_ns == INT64_MIN || at_ns > log->ended_ns)
		log->ended_ns = at_ns;
}

/* Why LINE is no record; NULL when it is one. */
static const char *parse(struct json_parser *parser, const struct copilot_cli_line *line,
	const struct json **root, struct err *fault)
{
	int rc;

	err_set(fault, ERR_LIMIT, "longer than any line may be");
	if (line->overlong)
		return "too_long";
	rc = json_parse(parser, line->text, true, root, fault);
	if (rc < 0)
		return rc == ERR_LIMIT ? "too_deep" : "not_json";
	if (json_is(*root, JSON_OBJECT))
		return NULL;
	err_set(fault, ERR_PARSE, "no object");
	return "not_object";
}

static struct record record_of(struct copilot_cli_log *log, const struct copilot_cli_line *line,
	const struct json *root, struct agent_session *out)
{
	struct record record = {
		.log = log,
		.line = line,
		.out = out,
		.data = json_get(root, "data"),
		.by_agent = json_get_str(root, "agentId").len > 0,
	};

	if (!agent_time(json_get(root, "timestamp"), &record.at_ns))
		record.at_ns = AGENT_NO_TIME;
	record.key = key_of(&record, root);
	return record;
}

void copilot_cli_log_line(struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_line *line, struct agent_session *out)
{
	const struct json *root;
	struct record record;
	const char *reason;
	struct err fault;

	if (str_trim(line->text).len == 0)
		return;
	reason = parse(parser, line, &root, &fault);
	if (reason) {
		agent_session_bad(out, line->path, line->offset, reason, fault.message, line->text);
		return;
	}
	record = record_of(log, line, root, out);
	note_time(log, record.at_ns);
	take_record(&record, json_get_str(root, "type"));
}

void copilot_cli_log_again(const struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_prompt *prompt, const struct copilot_cli_line *line,
	struct agent_session *out)
{
	struct copilot_cli_log then = copilot_cli_log(log->session);
	const struct json *root;
	struct record record;
	struct err fault;

	if (parse(parser, line, &root, &fault) == NULL) {
		record = record_of(&then, line, root, out);
		then.cwd = prompt->cwd;
		then.mode = prompt->mode;
		if (str_eq(record.key, prompt->key)) {
			begin_turn(&record);
			add_prompt(&record, prompt->stopped);
		}
	}
	copilot_cli_log_release(&then);
}

struct str copilot_cli_log_session(struct json_parser *parser, struct str line)
{
	const struct json *root;
	struct err ignored;

	if (json_parse(parser, line, true, &root, &ignored) < 0 ||
		!str_eq_c(json_get_str(root, "type"), "session.start"))
		return (struct str){ NULL, 0 };
	return json_get_str(json_get(root, "data"), "sessionId");
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
