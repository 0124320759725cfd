/*
 * The conversation of a task as the person saw it: records with a time and a kind, some of which
 * are rewritten in place. A request's record is written when it is sent and again when it is
 * answered; the numbers it has not got yet are unknown. A record that is still streaming (partial)
 * says nothing.
 *
 * Records have no ids but their time. Those of one kind and time are told apart by their order.
 */
#include <stdio.h>

#include "collect/agent_value.h"
#include "collect/cline/cline.h"
#include "collect/cline/keys.h"

enum what {
	NOTHING,
	TEXT, /* the first one is the task */
	TASK,
	FEEDBACK,
	REQUEST,
	TOOL,
	COMMAND,
	MCP,
	NAMED_TOOL, /* its kind is its name */
	FAILURE,
	TOOL_FAILURE,
	USAGE
};

/* The kinds of `say` and `ask`, of all releases; what one program asks another may say. */
static const struct {
	const char *name;
	enum what what;
} kinds[] = {
	{ "task", TASK },
	{ "text", TEXT },
	{ "user_feedback", FEEDBACK },
	{ "api_req_started", REQUEST },
	{ "tool", TOOL },
	{ "command", COMMAND },
	{ "use_mcp_server", MCP },
	{ "browser_action", NAMED_TOOL },
	{ "browser_action_launch", NAMED_TOOL },
	{ "use_subagents", NAMED_TOOL },
	{ "new_task", NAMED_TOOL },
	{ "error", FAILURE },
	{ "error_retry", FAILURE },
	{ "api_req_failed", FAILURE },
	{ "api_req_retry_delayed", FAILURE },
	{ "condense_context_error", FAILURE },
	{ "mistake_limit_reached", FAILURE },
	{ "diff_error", TOOL_FAILURE },
	{ "clineignore_error", TOOL_FAILURE },
	{ "rooignore_error", TOOL_FAILURE },
	{ "deleted_api_reqs", USAGE },
	{ "api_req_deleted", USAGE },
	{ "subagent_usage", USAGE },
	{ "completion_result", TEXT },
	{ "plan_mode_respond", NOTHING },
	{ "act_mode_respond", NOTHING },
	{ "reasoning", NOTHING },
	{ "followup", NOTHING },
	{ "command_output", NOTHING },
	{ "user_feedback_diff", NOTHING },
	{ "api_req_finished", NOTHING },
	{ "api_req_retried", NOTHING },
	{ "api_req_rate_limit_wait", NOTHING },
	{ "auto_approval_max_req_reached", NOTHING },
	{ "browser_action_result", NOTHING },
	{ "browser_session_status", NOTHING },
	{ "checkpoint_created", NOTHING },
	{ "checkpoint_saved", NOTHING },
	{ "codebase_search_result", NOTHING },
	{ "condense", NOTHING },
	{ "condense_context", NOTHING },
	{ "conditional_rules_applied", NOTHING },
	{ "generate_explanation", NOTHING },
	{ "hook_output", NOTHING },
	{ "hook_status", NOTHING },
	{ "idle", NOTHING },
	{ "image", NOTHING },
	{ "info", NOTHING },
	{ "interactive_app", NOTHING },
	{ "load_mcp_documentation", NOTHING },
	{ "mcp_notification", NOTHING },
	{ "mcp_server_request_started", NOTHING },
	{ "mcp_server_response", NOTHING },
	{ "report_bug", NOTHING },
	{ "resume_completed_task", NOTHING },
	{ "resume_task", NOTHING },
	{ "shell_integration_warning", NOTHING },
	{ "shell_integration_warning_with_suggestion", NOTHING },
	{ "sliding_window_truncation", NOTHING },
	{ "subagent", NOTHING },
	{ "subtask_result", NOTHING },
	{ "summarize_task", NOTHING },
	{ "task_progress", NOTHING },
	{ "too_many_tools_warning", NOTHING },
	{ "user_edit_todos", NOTHING },
};

struct parser {
	struct agent_session *session;
	const struct cline_context *context;
	struct json_parser inner; /* of documents in texts */
	struct cline_keys keys;
	struct str turn;      /* key of the last prompt */
	struct str last_tool; /* key and name */
	struct str last_tool_name;
	size_t response; /* number of the last one's item, from 1; 0: none yet */
	bool begun;
};

static struct agent_item *add_item(struct parser *parser, enum agent_kind kind, int64_t at_ns)
{
	struct agent_item *item;
	char name[24] = "";

	if (at_ns != AGENT_NO_TIME)
		snprintf(name, sizeof(name), "%lld", (long long)(at_ns / NS_PER_MS));
	item = cline_add_item(&parser->keys, parser->session, kind, str_from(name), at_ns);
	item->turn = parser->turn;
	return item;
}

/* --- records --- */

static struct str copy(struct parser *parser, struct str text)
{
	return arena_str(parser->session->arena, text);
}

static void add_prompt(struct parser *parser, const struct json *record, int64_t at_ns)
{
	struct agent_item *item = add_item(parser, AGENT_PROMPT, at_ns);
	struct json_iter files = json_iter(json_get(record, "files"));
	const struct json *file;
	struct str key;

	item->turn = parser->turn = item->key;
	item->text = copy(parser, json_get_str(record, "text"));
	item->has_image = json_len(json_get(record, "images")) > 0;
	while (json_next(&files, &key, &file))
		if (json_str(file).len > 0)
			add_item(parser, AGENT_FILE_READ, at_ns)->file =
				copy(parser, json_str(file));
}

static const char *const token_names[AGENT_TOKENS] = {
	[AGENT_INPUT] = "tokensIn",
	[AGENT_OUTPUT] = "tokensOut",
	[AGENT_CACHE_READ] = "cacheReads",
	[AGENT_CACHE_WRITE] = "cacheWrites",
};

/* The document in a record's text; NULL when it is none. */
static const struct json *inner(struct parser *parser, const struct json *record)
{
	const struct json *root;

	return cline_document(&parser->inner, json_get_str(record, "text"), &root, NULL) ==
			       CLINE_GOOD
		       ? root
		       : NULL;
}

static void add_request(struct parser *parser, const struct json *record, int64_t at_ns)
{
	const struct json *request = inner(parser, record), *info = json_get(record, "modelInfo");
	struct str reason = json_get_str(request, "cancelReason");
	struct agent_item *item = add_item(parser, AGENT_RESPONSE, at_ns);

	parser->response = parser->session->count;
	cline_read_tokens(request, token_names, item->tokens);
	item->model = copy(parser, json_get_str(info, "modelId"));
	item->mode = copy(parser, json_get_str(info, "mode"));
	if (str_eq(reason, STR("user_cancelled")))
		item->cancelled = true;
	else if (reason.len > 0)
		add_item(parser, AGENT_ERROR, at_ns)->error =
			agent_is_code(reason) ? copy(parser, reason) : STR("cancelled");
}

static struct str tool_name(struct parser *parser, enum what what, const struct json *call)
{
	struct str server = json_get_str(call, "serverName"), type = json_get_str(call, "type");
	struct str name = json_get_str(call, "toolName");

	if (what == COMMAND)
		return STR("execute_command");
	if (what == TOOL)
		return copy(parser, json_get_str(call, "tool"));
	if (name.len == 0)
		return type.len > 0 ? copy(parser, type) : STR("use_mcp_tool");
	return arena_printf(
		parser->session->arena, "mcp__%.*s__%.*s", STR_ARG(server), STR_ARG(name));
}

static void add_tool(struct parser *parser, const struct json *record, struct str kind,
	enum what what, int64_t at_ns)
{
	struct agent_item *item = add_item(parser, AGENT_TOOL_USE, at_ns);
	const struct json *call = what == TOOL || what == MCP ? inner(parser, record) : NULL;

	item->tool = what == NAMED_TOOL ? copy(parser, kind) : tool_name(parser, what, call);
	if (what == TOOL)
		item->file = copy(parser, agent_tool_file(call));
	parser->last_tool = item->key;
	parser->last_tool_name = item->tool;
}

static void add_tool_error(struct parser *parser, int64_t at_ns)
{
	struct agent_item *item = add_item(parser, AGENT_TOOL_ERROR, at_ns);

	item->call = parser->last_tool;
	item->tool = parser->last_tool_name;
}

/* What the model said first belongs to its response. */
static void add_text(struct parser *parser, const struct json *record)
{
	struct agent_item *item;

	if (parser->response == 0)
		return;
	item = &parser->session->items[parser->response - 1];
	if (item->text.len == 0)
		item->text = copy(parser, json_get_str(record, "text"));
}

/* What stands first is what the task is: of a person, unless another task asked for it. */
static void add_opening(struct parser *parser, const struct json *record, int64_t at_ns)
{
	if (parser->context->parent.len == 0)
		add_prompt(parser, record, at_ns);
}

static void take_kind(struct parser *parser, const struct json *record, struct str kind,
	enum what what, int64_t at_ns)
{
	bool first = !parser->begun;

	parser->begun = true;
	switch (what) {
	case NOTHING:
		break;
	case TASK:
		add_opening(parser, record, at_ns);
		break;
	case TEXT:
		if (first && str_eq(kind, STR("text")))
			add_opening(parser, record, at_ns);
		else
			add_text(parser, record);
		break;
	case FEEDBACK:
		add_prompt(parser, record, at_ns);
		break;
	case REQUEST:
		add_request(parser, record, at_ns);
		break;
	case TOOL:
	case COMMAND:
	case MCP:
	case NAMED_TOOL:
		add_tool(parser, record, kind, what, at_ns);
		break;
	case FAILURE:
		add_item(parser, AGENT_ERROR, at_ns)->error = copy(parser, kind);
		break;
	case TOOL_FAILURE:
		add_tool_error(parser, at_ns);
		break;
	case USAGE:
		cline_read_tokens(inner(parser, record), token_names,
			add_item(parser, AGENT_USAGE, at_ns)->tokens);
		break;
	}
}

static void take_record(struct parser *parser, const struct json *record)
{
	struct agent_session *session = parser->session;
	struct str type = json_get_str(record, "type"), kind;
	int64_t at_ns;

	kind = json_get_str(record, str_eq(type, STR("ask")) ? "ask" : "say");
	if (agent_time(json_get(record, "ts"), &at_ns))
		agent_widen(at_ns, &session->started_ns, &session->ended_ns);
	else
		at_ns = AGENT_NO_TIME;
	if (json_is_true(json_get(record, "partial")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq_c(kind, kinds[i].name)) {
			take_kind(parser, record, kind, kinds[i].what, at_ns);
			return;
		}
	session->unknown++;
}

/* --- models --- */

/* What answered a request at AT_NS: what was noted last before the next one, at UNTIL_NS. */
static const struct cline_model *model_at(const struct cline_context *context, int64_t until_ns)
{
	size_t at = context->model_count;

	while (at > 1 && context->models[at - 1].at_ns >= until_ns)
		at--;
	return at > 0 ? &context->models[at - 1] : NULL;
}

/* Responses and what follows from them have the model and mode of their request. */
static void set_models(struct agent_session *session, const struct cline_context *context)
{
	struct str model = { NULL, 0 }, mode = { NULL, 0 };
	int64_t until_ns = INT64_MAX;

	for (size_t i = session->count; i > 0; i--) {
		struct agent_item *item = &session->items[i - 1];
		const struct cline_model *noted = model_at(context, until_ns);

		if (item->kind != AGENT_RESPONSE)
			continue;
		if (item->model.len == 0 && noted)
			item->model = noted->model;
		if (item->mode.len == 0 && noted)
			item->mode = noted->mode;
		if (item->at_ns != AGENT_NO_TIME)
			until_ns = item->at_ns;
	}
	for (size_t i = 0; i < session->count; i++) {
		struct agent_item *item = &session->items[i];

		if (item->kind == AGENT_RESPONSE) {
			model = item->model;
			mode = item->mode;
		} else if (item->kind == AGENT_TOOL_USE) {
			item->model = model;
			item->mode = mode;
		}
	}
}

enum cline_bytes cline_read_task(struct agent_session *session, const struct cline_context *context,
	struct str bytes, struct err *detail)
{
	struct parser parser = { .session = session, .context = context };
	struct json_parser outer = { 0 };
	const struct json *root, *record;
	enum cline_bytes status = cline_document(&outer, bytes, &root, detail);
	struct json_iter records;
	struct str key;

	if (status == CLINE_GOOD && !json_is(root, JSON_ARRAY)) {
		err_set(detail, ERR_PARSE, "not a list");
		status = CLINE_BAD;
	}
	if (status == CLINE_GOOD) {
		records = json_iter(root);
		while (json_next(&records, &key, &record))
			take_record(&parser, record);
		set_models(session, context);
	}
	json_parser_release(&outer);
	json_parser_release(&parser.inner);
	return status;
}
