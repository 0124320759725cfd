/* What the readers of typed events have in common: the line, and what its parts mean. */
#include "collect/copilot/record.h"

#include "collect/agent_value.h"
#include "collect/copilot/parts.h"
#include "model/limits.h"

const char *copilot_object_parse(struct json_parser *parser, struct str line, bool overlong,
	const struct json **root, struct err *fault)
{
	int rc;

	err_set(fault, ERR_LIMIT, "longer than any line may be");
	if (overlong || line.len > LIMIT_LOG_LINE_BYTES)
		return "too_long";
	rc = json_parse(parser, line, true, root, fault);
	if (rc < 0)
		return rc == ERR_LIMIT ? "too_deep" : "not_json";
	if (json_is(*root, JSON_OBJECT))
		return NULL;
	err_set(fault, ERR_PARSE, "no object");
	return "not_object";
}

const char *copilot_record_parse(struct json_parser *parser, struct str line, bool overlong,
	struct copilot_record *out, struct err *fault)
{
	const struct json *root;
	const char *reason = copilot_object_parse(parser, line, overlong, &root, fault);

	if (reason)
		return reason;
	*out = (struct copilot_record){ .id = json_get_str(root, "id"),
		.type = json_get_str(root, "type"),
		.data = json_get(root, "data"),
		.at_ns = copilot_time(json_get(root, "timestamp")),
		.by_agent = json_get_str(root, "agentId").len > 0 };
	out->call = json_get_str(out->data, "toolCallId");
	return NULL;
}

bool copilot_record_is(struct str type, const char *name)
{
	struct str known = str_from(name);

	return str_ends(known, STR(".")) ? str_starts(type, known) : str_eq(type, known);
}

bool copilot_record_is_idle(struct str type)
{
	static const char *const idle[] = { "assistant.turn_start", "assistant.turn_end",
		"assistant.reasoning", "assistant.intent", "assistant.usage", "tool.user_requested",
		"tool.execution_progress", "tool.execution_partial_result", "system.message",
		"system.notification", "session.info", "session.warning", "session.idle",
		"session.truncation", "session.compaction_start", "session.compaction_complete",
		"session.handoff", "session.shutdown", "session.context_changed",
		"session.mode_changed", "session.title_changed",
		"session.snapshot_rewind", /* what it takes back is no longer in the log */
		"session.usage_info", "session.usage_checkpoint", "session.plan_changed",
		"session.workspace_file_changed", "session.task_complete",
		"pending_messages.modified", "skill.", "subagent.", "hook.", "permission.",
		"user_input.", "elicitation." };

	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		if (copilot_record_is(type, idle[i]))
			return true;
	return false;
}

/* --- prompts --- */

bool copilot_record_is_typed(const struct copilot_record *record)
{
	static const char *const others[] = { "skill", "agent", "subagent", "system", "autopilot",
		"schedule", "hook" };
	struct str source = json_get_str(record->data, "source");

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_starts(source, str_from(others[i])))
			return false;
	return !record->by_agent &&
	       !json_is_true(json_get(record->data, "isAutopilotContinuation"));
}

bool copilot_record_is_command(const struct copilot_record *record)
{
	struct str source = json_get_str(record->data, "source");

	return str_eq_c(source, "command") || str_starts(source, STR("command-"));
}

struct str copilot_attachment_file(struct arena *arena, const struct json *attachment)
{
	struct str type = json_get_str(attachment, "type"), file;

	if (str_eq_c(type, "directory") || str_eq_c(type, "folder"))
		return STR("");
	file = copilot_file(arena, attachment);
	if (file.len == 0)
		file = copilot_file(arena, json_get(attachment, "filePath"));
	if (file.len == 0) /* relative */
		file = agent_text(arena, agent_tool_file(attachment));
	return str_find_str(file, STR("://")) < 0 ? file : STR("");
}

bool copilot_attachment_is_image(const struct json *attachment, struct str file)
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

/* --- tools and errors --- */

bool copilot_record_has_failed(const struct copilot_record *record)
{
	const struct json *success = json_get(record->data, "success");

	if (json_is(success, JSON_BOOL))
		return !json_is_true(success);
	return json_is(json_get(record->data, "error"), JSON_OBJECT);
}

struct str copilot_argument_file(struct arena *arena, const struct json *arguments)
{
	struct json_parser parser = { 0 };
	const struct json *root = arguments;
	struct err ignored;
	struct str file;

	if (json_is(arguments, JSON_STRING) &&
		json_parse(&parser, json_str(arguments), true, &root, &ignored) < 0)
		root = NULL;
	file = agent_text(arena, agent_tool_file(root));
	json_parser_release(&parser);
	return file;
}

struct str copilot_record_error(struct arena *arena, const struct copilot_record *record)
{
	struct str code = json_get_str(record->data, "errorType");

	return agent_is_code(code) ? arena_str(arena, code) : STR("failed");
}
