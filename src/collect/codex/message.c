/*
 * What people and models said. Not everything that stands in a user's message was typed: the
 * program puts contexts there, as parts of a message or as whole ones.
 */
#include "collect/codex/record.h"

/* How texts begin that the program puts into a user's mouth. */
static const char *const contexts[] = { "<environment_context>", "<permissions",
	"<user_instructions>", "# AGENTS.md", "<turn_aborted>", "<goal_context>",
	"<codex_internal_context", "<subagent_notification>", "<skill>", "<model_switch>",
	"<hook_prompt", "<collaboration_mode>", "<personality_spec>", "<apps_instructions>",
	"<plugins_instructions>", "<skills_instructions>", "<realtime_conversation>",
	"<user_action>" };

static bool is_context(struct str text)
{
	text = str_trim(text);
	for (size_t i = 0; i < ARRAY_LEN(contexts); i++)
		if (str_starts(text, str_from(contexts[i])))
			return true;
	return false;
}

/* The directory that a text of the program names. */
static struct str context_cwd(struct str text)
{
	ptrdiff_t begin, end;

	if (!str_starts(str_trim(text), STR("<environment_context>")))
		return STR("");
	begin = str_find_str(text, STR("<cwd>"));
	if (begin < 0)
		return STR("");
	text = str_sub(text, (size_t)begin + 5, text.len);
	end = str_find_str(text, STR("</cwd>"));
	return end < 0 ? STR("") : str_trim(str_sub(text, 0, (size_t)end));
}

/* What stands around an image in the texts of a message. */
static bool is_image_tag(struct str text)
{
	text = str_trim(text);
	return (str_starts(text, STR("<image")) || str_eq_c(text, "</image>")) &&
	       str_ends(text, STR(">")) && str_find(text, '\n', 0) < 0;
}

static void add_user_text(struct codex_reader *reader, struct codex_record *record, struct str text)
{
	if (is_context(text)) {
		if (record->cwd.len == 0)
			record->cwd = context_cwd(text);
	} else if (!is_image_tag(text)) {
		buf_add(&reader->text, text);
	}
}

static bool is_image(const struct json *part)
{
	struct str type = json_get_str(part, "type");

	return str_eq_c(type, "input_image") || str_eq_c(type, "image") ||
	       str_eq_c(type, "local_image") || str_eq_c(type, "Image") ||
	       str_eq_c(type, "LocalImage") || str_eq_c(type, "localImage");
}

/* A user's message is one when anything of their own is in it. */
static void end_user(struct codex_reader *reader, struct codex_record *record)
{
	record->text = buf_str(&reader->text);
	record->command = str_starts(str_trim(record->text), STR("<user_shell_command>"));
	record->kind =
		str_trim(record->text).len > 0 || record->has_image ? CODEX_USER : CODEX_NOTHING;
}

static void read_user_parts(
	struct codex_reader *reader, const struct json *content, struct codex_record *record)
{
	struct json_iter parts = json_iter(content);
	const struct json *part;
	struct str key;

	if (json_is(content, JSON_STRING))
		add_user_text(reader, record, json_str(content));
	while (!json_is(content, JSON_OBJECT) && json_next(&parts, &key, &part)) {
		record->has_image |= is_image(part);
		add_user_text(reader, record, json_get_str(part, "text"));
	}
	end_user(reader, record);
}

static void read_assistant_parts(
	struct codex_reader *reader, const struct json *content, struct codex_record *record)
{
	struct json_iter parts = json_iter(content);
	const struct json *part;
	struct str key;

	buf_add(&reader->text, json_str(content));
	while (!json_is(content, JSON_OBJECT) && json_next(&parts, &key, &part))
		buf_add(&reader->text, json_get_str(part, "text"));
	record->text = buf_str(&reader->text);
	record->kind = CODEX_ASSISTANT;
}

void codex_read_message(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	struct str role = json_get_str(payload, "role");
	const struct json *content = json_get(payload, "content");

	if (str_eq_c(role, "user"))
		read_user_parts(reader, content, record);
	else if (str_eq_c(role, "assistant"))
		read_assistant_parts(reader, content, record);
}

void codex_read_user_event(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	struct str kind = json_get_str(payload, "kind");

	if (str_eq_c(kind, "user_instructions") || str_eq_c(kind, "environment_context"))
		return;
	record->has_image = json_len(json_get(payload, "images")) > 0 ||
			    json_len(json_get(payload, "local_images")) > 0;
	add_user_text(reader, record, json_get_str(payload, "message"));
	end_user(reader, record);
}

void codex_read_agent_event(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	record->text = json_get_str(payload, "message");
	record->kind = CODEX_ASSISTANT;
}

void codex_read_user_item(
	struct codex_reader *reader, const struct json *item, struct codex_record *record)
{
	read_user_parts(reader, json_get(item, "content"), record);
}

void codex_read_agent_item(
	struct codex_reader *reader, const struct json *item, struct codex_record *record)
{
	read_assistant_parts(reader, json_get(item, "content"), record);
}
