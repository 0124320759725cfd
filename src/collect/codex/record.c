/*
 * One line of a rollout as a record.
 *
 * A line is {timestamp, type, payload}; what the payload is, its own type says. The earliest files
 * have no envelope: the line is the payload. Types are rows of tables; a row without a function is
 * known and not for us. Such a line, when it is large, is told by its first bytes and not parsed:
 * reasoning and compaction are most of a long session. What is skipped so has an envelope as the
 * program writes it, ends as an object does and holds no second envelope, so a line that was cut
 * and then written on still is found out.
 */
#include "collect/codex/record.h"

#include <string.h>

#include "collect/agent_value.h"

enum { SKIPPED_BYTES = 1024, PEEKED_MEMBERS = 6, CODE_BYTES = 64 };

void codex_reader_release(struct codex_reader *reader)
{
	json_parser_release(&reader->line);
	json_parser_release(&reader->inner);
	buf_release(&reader->text);
	buf_release(&reader->name);
}

/* --- turns --- */

static void read_turn_start(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	(void)payload;
	record->kind = CODEX_TURN_START;
}

static void read_turn_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	(void)payload;
	record->kind = CODEX_TURN_END;
}

static void read_turn_aborted(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	struct str reason = json_get_str(payload, "reason");

	(void)reader;
	record->kind = CODEX_TURN_ABORTED;
	record->by_person =
		!str_eq_c(reason, "review_ended") && !str_eq_c(reason, "budget_limited");
}

static void read_rollback(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	if (json_get_i64(payload, "num_turns", &record->turns) && record->turns > 0)
		record->kind = CODEX_ROLLBACK;
}

static void read_title(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	record->text = json_get_str(payload, "thread_name");
	record->kind = CODEX_TITLE;
}

static void read_error(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	const struct json *info = json_get(payload, "codex_error_info");
	struct json_iter members = json_iter(info);
	struct str code = json_str(info);
	const struct json *value;

	(void)reader;
	if (json_is(info, JSON_OBJECT) && !json_next(&members, &code, &value))
		code = STR("");
	record->error = agent_is_code(code) ? code : json_get_str(payload, "type");
	record->kind = CODEX_ERROR;
}

static struct codex_tokens read_tokens(const struct json *usage)
{
	static const char *const keys[AGENT_TOKENS] = {
		[AGENT_INPUT] = "input_tokens",
		[AGENT_OUTPUT] = "output_tokens",
		[AGENT_CACHE_READ] = "cached_input_tokens",
		[AGENT_REASONING] = "reasoning_output_tokens",
	};
	struct codex_tokens tokens = { .known = false };

	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (!keys[i] || !json_get_i64(usage, keys[i], &tokens.by_kind[i]) ||
			tokens.by_kind[i] < 0)
			tokens.by_kind[i] = -1;
		tokens.known |= tokens.by_kind[i] >= 0;
	}
	return tokens;
}

static void read_usage(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	const struct json *info = json_get(payload, "info");

	(void)reader;
	record->total = read_tokens(json_get(info, "total_token_usage"));
	record->last = read_tokens(json_get(info, "last_token_usage"));
	if (record->total.known || record->last.known)
		record->kind = CODEX_USAGE;
}

/* --- the session --- */

static void read_origin(const struct json *payload, struct codex_meta *meta)
{
	const struct json *source = json_get(payload, "source");
	const struct json *sub = json_get(source, "subagent");
	struct json_iter members = json_iter(sub);
	const struct json *how;
	struct str key;

	meta->forked_from = json_get_str(payload, "forked_from_id");
	if (!sub && !json_get(source, "internal"))
		return;
	while (json_is(sub, JSON_OBJECT) && json_next(&members, &key, &how)) {
		if (meta->parent.len == 0)
			meta->parent = json_get_str(how, "parent_thread_id");
		meta->spawned |= str_eq_c(key, "thread_spawn");
	}
	if (meta->parent.len == 0)
		meta->parent = json_get_str(payload, "parent_thread_id");
	meta->automatic = meta->parent.len == 0;
}

static void read_meta(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	struct codex_meta *meta = &record->meta;

	(void)reader;
	meta->id = json_get_str(payload, "id");
	if (meta->id.len == 0)
		meta->id = json_get_str(payload, "session_id");
	if (meta->id.len == 0) {
		record->kind = CODEX_UNKNOWN;
		return;
	}
	record->kind = CODEX_META;
	record->cwd = json_get_str(payload, "cwd");
	meta->version = json_get_str(payload, "cli_version");
	meta->branch = json_get_str(json_get(payload, "git"), "branch");
	if (!agent_time(json_get(payload, "timestamp"), &meta->at_ns))
		meta->at_ns = record->at_ns;
	read_origin(payload, meta);
}

static void read_context(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	record->kind = CODEX_CONTEXT;
	record->cwd = json_get_str(payload, "cwd");
	record->model = json_get_str(payload, "model");
	record->mode = json_get_str(json_get(payload, "collaboration_mode"), "mode");
}

/* --- what there is --- */

static void read_completed(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record);

static const struct codex_row response_items[] = { { "message", codex_read_message },
	{ "function_call", codex_read_function_call },
	{ "function_call_output", codex_read_output },
	{ "custom_tool_call", codex_read_custom_call },
	{ "custom_tool_call_output", codex_read_output },
	{ "local_shell_call", codex_read_shell_call }, { "web_search_call", codex_read_web_call },
	{ "tool_search_call", codex_read_search_call },
	{ "image_generation_call", codex_read_image_call }, { "reasoning", NULL },
	{ "tool_search_output", NULL }, { "compaction", NULL }, { "compaction_summary", NULL },
	{ "context_compaction", NULL }, { "compaction_trigger", NULL }, { "ghost_snapshot", NULL },
	{ "additional_tools", NULL }, { "agent_message", NULL }, { "other", NULL } };

static const struct codex_row events[] = { { "token_count", read_usage },
	{ "agent_message", codex_read_agent_event }, { "user_message", codex_read_user_event },
	{ "item_completed", read_completed }, { "task_started", read_turn_start },
	{ "turn_started", read_turn_start }, { "task_complete", read_turn_end },
	{ "turn_complete", read_turn_end }, { "turn_aborted", read_turn_aborted },
	{ "thread_rolled_back", read_rollback }, { "thread_name_updated", read_title },
	{ "error", read_error }, { "stream_error", read_error },
	{ "exec_command_end", codex_read_exec_end }, { "patch_apply_end", codex_read_patch_end },
	{ "mcp_tool_call_end", codex_read_mcp_end }, { "web_search_end", codex_read_web_end },
	{ "image_generation_end", codex_read_image_end },
	{ "view_image_tool_call", codex_read_view_image }, { "agent_reasoning", NULL },
	{ "agent_reasoning_raw_content", NULL }, { "agent_reasoning_section_break", NULL },
	{ "agent_message_delta", NULL }, { "agent_reasoning_delta", NULL },
	{ "agent_reasoning_raw_content_delta", NULL }, { "agent_message_content_delta", NULL },
	{ "reasoning_content_delta", NULL }, { "reasoning_raw_content_delta", NULL },
	{ "plan_delta", NULL }, { "plan_update", NULL }, { "turn_diff", NULL },
	{ "context_compacted", NULL }, { "item_started", NULL }, { "raw_response_item", NULL },
	{ "session_configured", NULL }, { "thread_settings_applied", NULL },
	{ "thread_goal_updated", NULL }, { "injected_message", NULL },
	{ "exec_command_begin", NULL }, { "exec_command_output_delta", NULL },
	{ "terminal_interaction", NULL }, { "exec_approval_request", NULL },
	{ "apply_patch_approval_request", NULL }, { "request_permissions", NULL },
	{ "request_user_input", NULL }, { "elicitation_request", NULL },
	{ "patch_apply_begin", NULL }, { "patch_apply_updated", NULL },
	{ "mcp_tool_call_begin", NULL }, { "mcp_startup_update", NULL },
	{ "mcp_startup_complete", NULL }, { "mcp_list_tools_response", NULL },
	{ "web_search_begin", NULL }, { "image_generation_begin", NULL },
	{ "dynamic_tool_call_request", NULL }, { "dynamic_tool_call_response", NULL },
	{ "collab_agent_spawn_begin", NULL }, { "collab_agent_spawn_end", NULL },
	{ "collab_agent_interaction_begin", NULL }, { "collab_agent_interaction_end", NULL },
	{ "collab_waiting_begin", NULL }, { "collab_waiting_end", NULL },
	{ "collab_close_begin", NULL }, { "collab_close_end", NULL },
	{ "collab_resume_begin", NULL }, { "collab_resume_end", NULL },
	{ "sub_agent_activity", NULL }, { "entered_review_mode", NULL },
	{ "exited_review_mode", NULL }, { "undo_started", NULL }, { "undo_completed", NULL },
	{ "hook_started", NULL }, { "hook_completed", NULL }, { "background_event", NULL },
	{ "warning", NULL }, { "guardian_warning", NULL }, { "guardian_assessment", NULL },
	{ "deprecation_notice", NULL }, { "model_reroute", NULL }, { "model_verification", NULL },
	{ "safety_buffering", NULL }, { "turn_moderation_metadata", NULL },
	{ "get_history_entry_response", NULL }, { "conversation_path", NULL },
	{ "list_custom_prompts_response", NULL }, { "list_skills_response", NULL },
	{ "skills_update_available", NULL }, { "remote_skill_downloaded", NULL },
	{ "realtime_conversation_started", NULL }, { "realtime_conversation_sdp", NULL },
	{ "realtime_conversation_realtime", NULL }, { "realtime_conversation_closed", NULL },
	{ "realtime_conversation_list_voices_response", NULL },
	{ "add_credits_nudge_email_response", NULL }, { "shutdown_complete", NULL } };

/* Without case: both "AgentMessage" and "agentMessage" occur. */
static const struct codex_row completed_items[] = { { "usermessage", codex_read_user_item },
	{ "agentmessage", codex_read_agent_item }, { "commandexecution", codex_read_command_item },
	{ "filechange", codex_read_change_item }, { "mcptoolcall", codex_read_mcp_item },
	{ "dynamictoolcall", codex_read_dynamic_item },
	{ "collabagenttoolcall", codex_read_collab_item }, { "websearch", codex_read_web_item },
	{ "imageview", codex_read_view_item }, { "imagegeneration", codex_read_image_item },
	{ "reasoning", NULL }, { "plan", NULL }, { "hookprompt", NULL },
	{ "subagentactivity", NULL }, { "sleep", NULL }, { "contextcompaction", NULL },
	{ "enteredreviewmode", NULL }, { "exitedreviewmode", NULL } };

/* What a line itself is; the two that hold typed payloads name their tables. */
static const struct {
	const char *name;
	codex_read_fn *read;
	const struct codex_row *rows;
	size_t count;
	enum codex_side side;
} lines[] = { { "response_item", NULL, response_items, ARRAY_LEN(response_items),
		      CODEX_RESPONSE_ITEM },
	{ "event_msg", NULL, events, ARRAY_LEN(events), CODEX_EVENT },
	{ "turn_context", read_context, NULL, 0, CODEX_RESPONSE_ITEM },
	{ "session_meta", read_meta, NULL, 0, CODEX_RESPONSE_ITEM },
	{ "compacted", NULL, NULL, 0, 0 }, { "world_state", NULL, NULL, 0, 0 },
	{ "inter_agent_communication", NULL, NULL, 0, 0 },
	{ "inter_agent_communication_metadata", NULL, NULL, 0, 0 },
	{ "security_risk_score", NULL, NULL, 0, 0 }, { "realtime_item", NULL, NULL, 0, 0 } };

static const struct codex_row *find_row(const struct codex_row *rows, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_c(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static void read_row(struct codex_reader *reader, const struct codex_row *row,
	const struct json *payload, struct codex_record *record)
{
	record->kind = row ? CODEX_NOTHING : CODEX_UNKNOWN;
	if (row && row->read)
		row->read(reader, payload, record);
}

static void read_completed(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	const struct json *item = json_get(payload, "item");
	struct str type = json_get_str(item, "type");

	buf_clear(&reader->name);
	for (size_t i = 0; i < type.len && i < CODE_BYTES; i++)
		if (type.ptr[i] != '_')
			buf_byte(&reader->name,
				(char)(type.ptr[i] >= 'A' && type.ptr[i] <= 'Z' ? type.ptr[i] + 32
										: type.ptr[i]));
	record->side = CODEX_COMPLETED;
	read_row(reader,
		find_row(completed_items, ARRAY_LEN(completed_items), buf_str(&reader->name)), item,
		record);
}

/* --- lines --- */

static size_t find_line(struct str type)
{
	size_t at = 0;

	while (at < ARRAY_LEN(lines) && !str_eq_c(type, lines[at].name))
		at++;
	return at;
}

static void read_payload(struct codex_reader *reader, struct str type, const struct json *payload,
	struct codex_record *record)
{
	size_t at = find_line(type);

	if (at == ARRAY_LEN(lines) || !json_is(payload, JSON_OBJECT)) {
		record->kind = at < ARRAY_LEN(lines) && !lines[at].rows && !lines[at].read
				       ? CODEX_NOTHING
				       : CODEX_UNKNOWN;
		return;
	}
	record->side = lines[at].side;
	record->turn = json_get_str(payload, "turn_id");
	if (lines[at].rows)
		read_row(reader,
			find_row(lines[at].rows, lines[at].count, json_get_str(payload, "type")),
			payload, record);
	else if (lines[at].read)
		lines[at].read(reader, payload, record);
}

/* A line of the earliest files. */
static void read_bare(
	struct codex_reader *reader, const struct json *root, struct codex_record *record)
{
	struct str type = json_get_str(root, "type");

	record->side = CODEX_RESPONSE_ITEM;
	if (type.len > 0)
		read_row(reader, find_row(response_items, ARRAY_LEN(response_items), type), root,
			record);
	else if (str_eq_c(json_get_str(root, "record_type"), "state"))
		record->kind = CODEX_NOTHING;
	else
		read_meta(reader, root, record);
}

/* --- what need not be parsed --- */

struct peeked {
	struct str time, type, inner;
};

/* A string without escapes that begins AT. */
static bool peek_string(struct str line, size_t *at, struct str *out)
{
	ptrdiff_t end;

	if (*at >= line.len || line.ptr[*at] != '"')
		return false;
	end = str_find(line, '"', *at + 1);
	if (end < 0)
		return false;
	*out = str_sub(line, *at + 1, (size_t)end - *at - 1);
	*at = (size_t)end + 1;
	return str_find(*out, '\\', 0) < 0;
}

static bool peek_byte(struct str line, size_t *at, char byte)
{
	if (*at >= line.len || line.ptr[*at] != byte)
		return false;
	++*at;
	return true;
}

/* A short string, kept when its key is one of ours, or digits. */
static bool peek_value(struct str line, size_t *at, struct str key, struct peeked *out)
{
	struct str value;
	size_t from = *at;

	if (peek_string(line, at, &value)) {
		if (str_eq_c(key, "timestamp"))
			out->time = value;
		else if (str_eq_c(key, "type"))
			out->type = value;
		return true;
	}
	while (*at < line.len && line.ptr[*at] >= '0' && line.ptr[*at] <= '9')
		++*at;
	return *at > from;
}

/* The envelope, as far as the type of the payload. */
static bool peek(struct str line, struct peeked *out)
{
	size_t at = 0;
	struct str key;

	*out = (struct peeked){ 0 };
	if (!peek_byte(line, &at, '{'))
		return false;
	for (int i = 0; i < PEEKED_MEMBERS; i++) {
		if (!peek_string(line, &at, &key) || !peek_byte(line, &at, ':'))
			return false;
		if (str_eq_c(key, "payload"))
			break;
		if (!peek_value(line, &at, key, out) || !peek_byte(line, &at, ','))
			return false;
	}
	if (peek_byte(line, &at, '{') && peek_string(line, &at, &key) && str_eq_c(key, "type") &&
		peek_byte(line, &at, ':') && !peek_string(line, &at, &out->inner))
		return false;
	return out->type.len > 0 && out->time.len > 0;
}

static bool is_for_us(const struct peeked *peeked)
{
	size_t at = find_line(peeked->type);
	const struct codex_row *row;

	if (at == ARRAY_LEN(lines) || !lines[at].rows)
		return at == ARRAY_LEN(lines) || lines[at].read;
	row = find_row(lines[at].rows, lines[at].count, peeked->inner);
	return !row || row->read;
}

static bool skip(struct str line, struct codex_record *record)
{
	static const char envelope[] = "{\"timestamp\":";
	struct peeked peeked;
	struct err ignored;

	return line.len >= SKIPPED_BYTES && peek(line, &peeked) && !is_for_us(&peeked) &&
	       str_ends(line, STR("}}")) &&
	       time_parse(peeked.time, &record->at_ns, &ignored) == 0 &&
	       !memmem(line.ptr + 1, line.len - 1, envelope, sizeof(envelope) - 1);
}

int codex_record_read(
	struct codex_reader *reader, struct str line, struct codex_record *record, struct err *err)
{
	const struct json *root, *payload;

	*record = (struct codex_record){ .kind = CODEX_NOTHING, .at_ns = AGENT_NO_TIME };
	record->meta.at_ns = AGENT_NO_TIME;
	if (skip(line, record))
		return 0;
	record->at_ns = AGENT_NO_TIME;
	if (json_parse(&reader->line, line, true, &root, err) < 0) {
		record->reason = err->code == ERR_LIMIT ? "too_deep" : "not_json";
		return err->code;
	}
	if (!json_is(root, JSON_OBJECT)) {
		record->reason = "not_object";
		return err_set(err, ERR_PARSE, "no object");
	}
	buf_clear(&reader->text);
	if (!agent_time(json_get(root, "timestamp"), &record->at_ns))
		record->at_ns = AGENT_NO_TIME;
	payload = json_get(root, "payload");
	if (payload)
		read_payload(reader, json_get_str(root, "type"), payload, record);
	else
		read_bare(reader, root, record);
	return 0;
}
