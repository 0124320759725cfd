/*
 * Calls of tools and their results, in the three ways that a rollout has them: what the model asked
 * for and was answered (response items), what the program did (events), and, in paginated
 * histories, both in one (completed items).
 *
 * A result says that the call failed by an exit code that is not 0 (in a head of lines above the
 * output, in JSON around it, or as a member), by a status, or by success false. Nothing else in an
 * output is looked at: it is what the tool read or ran, and may say anything.
 */
#include <string.h>

#include "collect/codex/record.h"

enum { HEAD_LINES = 8, HEAD_BYTES = 1024 };

/* --- results --- */

/* "Process exited with code 1" or "Exit code: 1", as a line. */
static bool line_failed(struct str line, bool *told)
{
	static const char *const words[] = { "Process exited with code ", "Exit code: " };
	int64_t code;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct str word = str_from(words[i]);

		if (!str_starts(line, word))
			continue;
		*told = str_to_i64(str_trim(str_sub(line, word.len, line.len)), &code);
		return *told && code != 0;
	}
	return false;
}

/* The head that some tools' outputs have: lines before "Output:". */
static bool head_failed(struct str output)
{
	struct str rest = str_sub(output, 0, HEAD_BYTES);
	bool told = false;

	for (int i = 0; i < HEAD_LINES && rest.len > 0; i++) {
		struct str line = str_trim(str_split(&rest, '\n'));
		bool failed = line_failed(line, &told);

		if (told)
			return failed;
		if (str_eq_c(line, "Output:"))
			return false;
	}
	return false;
}

static bool code_failed(const struct json *object)
{
	int64_t code;

	return json_get_i64(object, "exit_code", &code) && code != 0;
}

static bool is_false(const struct json *value)
{
	return json_is(value, JSON_BOOL) && !json_is_true(value);
}

/* {"output": …, "metadata": {"exit_code": …}} as a text. */
static bool wrapped_failed(struct codex_reader *reader, struct str output)
{
	const struct json *root;
	struct err ignored;

	return str_find_str(output, STR("exit_code")) >= 0 &&
	       json_parse(&reader->inner, output, true, &root, &ignored) == 0 &&
	       code_failed(json_get(root, "metadata"));
}

static bool text_failed(struct codex_reader *reader, struct str output)
{
	return str_starts(str_trim(str_sub(output, 0, HEAD_BYTES)), STR("{"))
		       ? wrapped_failed(reader, output)
		       : head_failed(output);
}

void codex_read_output(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	const struct json *output = json_get(payload, "output"), *part;
	struct json_iter parts = json_iter(output);
	struct str key;

	record->kind = CODEX_RESULT;
	record->id = json_get_str(payload, "call_id");
	record->failed = is_false(json_get(payload, "success"));
	if (json_is(output, JSON_STRING))
		record->failed |= text_failed(reader, json_str(output));
	if (json_is(output, JSON_OBJECT)) {
		record->failed |= is_false(json_get(output, "success")) ||
				  code_failed(json_get(output, "metadata")) ||
				  text_failed(reader, json_get_str(output, "content"));
		return;
	}
	while (!record->failed && json_next(&parts, &key, &part))
		record->failed = text_failed(reader, json_get_str(part, "text"));
}

/* --- calls --- */

static void begin_call(const struct json *payload, const char *id_key, struct str tool,
	struct codex_record *record)
{
	record->kind = CODEX_CALL;
	record->id = json_get_str(payload, id_key);
	if (record->id.len == 0)
		record->id = json_get_str(payload, "id");
	record->tool = tool;
}

/* SPACE and NAME as one name of an MCP server's tool. */
static struct str join(struct codex_reader *reader, struct str space, struct str name)
{
	if (space.len == 0 || str_eq_c(space, "functions"))
		return name;
	buf_clear(&reader->name);
	buf_add(&reader->name, space);
	if (!str_ends(space, STR("__")))
		buf_addc(&reader->name, "__");
	buf_add(&reader->name, name);
	return buf_str(&reader->name);
}

/* The first file of a patch as the program's own format has it. */
static struct str patch_file(struct str patch)
{
	static const char *const heads[] = {
		"*** Update File: ", "*** Add File: ", "*** Delete File: "
	};
	ptrdiff_t begin = str_find_str(patch, STR("*** Begin Patch"));
	struct str rest = begin < 0 ? STR("") : str_sub(patch, (size_t)begin, patch.len);

	while (rest.len > 0) {
		struct str line = str_trim(str_split(&rest, '\n'));

		for (size_t i = 0; i < ARRAY_LEN(heads); i++)
			if (str_starts(line, str_from(heads[i])))
				return str_trim(str_sub(line, strlen(heads[i]), line.len));
	}
	return STR("");
}

/* A command that applies a patch works on its file. */
static struct str command_file(const struct json *command)
{
	struct json_iter words = json_iter(command);
	struct str file = patch_file(json_str(command)), key;
	const struct json *word;

	while (file.len == 0 && json_is(command, JSON_ARRAY) && json_next(&words, &key, &word))
		file = patch_file(json_str(word));
	return file;
}

static struct str arguments_file(const struct json *arguments)
{
	static const char *const keys[] = { "command", "cmd", "input", "patch" };
	struct str file = agent_tool_file(arguments);

	for (size_t i = 0; file.len == 0 && i < ARRAY_LEN(keys); i++)
		file = command_file(json_get(arguments, keys[i]));
	return file;
}

void codex_read_function_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	const struct json *arguments = json_get(payload, "arguments"), *root = arguments;
	struct err ignored;

	begin_call(payload, "call_id",
		join(reader, json_get_str(payload, "namespace"), json_get_str(payload, "name")),
		record);
	if (json_is(arguments, JSON_STRING) &&
		json_parse(&reader->inner, json_str(arguments), true, &root, &ignored) < 0)
		return;
	record->file = arguments_file(root);
}

void codex_read_custom_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	begin_call(payload, "call_id",
		join(reader, json_get_str(payload, "namespace"), json_get_str(payload, "name")),
		record);
	record->file = patch_file(json_get_str(payload, "input"));
}

void codex_read_shell_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	begin_call(payload, "call_id", STR("local_shell"), record);
	record->file = command_file(json_get(json_get(payload, "action"), "command"));
}

void codex_read_search_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	begin_call(payload, "call_id", STR("tool_search"), record);
}

/* What tells one search from another when it has no id. */
static struct str web_subject(const struct json *payload)
{
	static const char *const keys[] = { "query", "url", "pattern" };
	const struct json *action = json_get(payload, "action");
	struct str subject = json_get_str(payload, "query");

	for (size_t i = 0; subject.len == 0 && i < ARRAY_LEN(keys); i++)
		subject = json_get_str(action, keys[i]);
	return subject;
}

static void read_hosted(const struct json *payload, const char *tool, struct str subject,
	struct codex_record *record)
{
	begin_call(payload, "call_id", str_from(tool), record);
	record->text = subject;
	record->failed = str_eq_c(json_get_str(payload, "status"), "failed");
}

void codex_read_web_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_hosted(payload, "web_search", web_subject(payload), record);
}

void codex_read_web_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	codex_read_web_call(reader, payload, record);
}

void codex_read_web_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	codex_read_web_call(reader, payload, record);
}

void codex_read_image_call(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_hosted(payload, "image_generation", json_get_str(payload, "revised_prompt"), record);
}

void codex_read_image_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	codex_read_image_call(reader, payload, record);
}

void codex_read_image_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	codex_read_image_call(reader, payload, record);
}

/* --- what the program did --- */

/* By its status, where there is no exit code; what the person declined has not failed. */
static bool status_failed(const struct json *payload)
{
	return str_eq_c(json_get_str(payload, "status"), "failed");
}

static void read_execution(
	const struct json *payload, const char *id_key, struct codex_record *record)
{
	struct str source = json_get_str(payload, "source");

	/* A command of the person's own is no tool call. */
	if (str_eq_c(source, "user_shell") || str_eq_c(source, "userShell"))
		return;
	begin_call(payload, id_key, STR("exec_command"), record);
	record->failed = !str_eq_c(json_get_str(payload, "status"), "declined") &&
			 (code_failed(payload) || status_failed(payload));
}

void codex_read_exec_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_execution(payload, "call_id", record);
}

void codex_read_command_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_execution(payload, "id", record);
}

static void read_change(const struct json *payload, const char *id_key, struct codex_record *record)
{
	struct json_iter changes = json_iter(json_get(payload, "changes"));
	const struct json *change;
	struct str file;

	begin_call(payload, id_key, STR("apply_patch"), record);
	record->failed = is_false(json_get(payload, "success")) || status_failed(payload);
	if (changes.object && json_next(&changes, &file, &change))
		record->file = file;
}

void codex_read_patch_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_change(payload, "call_id", record);
}

void codex_read_change_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_change(payload, "id", record);
}

static bool mcp_failed(const struct json *payload)
{
	const struct json *result = json_get(payload, "result");
	const struct json *answer = json_get(result, "Ok");

	if (!answer)
		answer = result;
	return json_get(result, "Err") || json_is_true(json_get(answer, "isError")) ||
	       json_is_true(json_get(answer, "is_error")) ||
	       json_is(json_get(payload, "error"), JSON_OBJECT) ||
	       json_is(json_get(payload, "error"), JSON_STRING) || status_failed(payload);
}

/* A server's tool, named as calls of the model name it. */
static void read_mcp(struct codex_reader *reader, const struct json *payload, const char *id_key,
	const struct json *called, struct codex_record *record)
{
	begin_call(payload, id_key,
		join(reader, json_get_str(called, "server"), json_get_str(called, "tool")), record);
	record->failed = mcp_failed(payload);
	record->file = agent_tool_file(json_get(called, "arguments"));
}

void codex_read_mcp_end(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	read_mcp(reader, payload, "call_id", json_get(payload, "invocation"), record);
}

void codex_read_mcp_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	read_mcp(reader, payload, "id", payload, record);
}

void codex_read_dynamic_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	begin_call(payload, "id",
		join(reader, json_get_str(payload, "namespace"), json_get_str(payload, "tool")),
		record);
	record->failed = is_false(json_get(payload, "success")) || status_failed(payload);
	record->file = agent_tool_file(json_get(payload, "arguments"));
}

/* "spawnAgent" is the tool spawn_agent. */
void codex_read_collab_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	struct str tool = json_get_str(payload, "tool");

	buf_clear(&reader->name);
	for (size_t i = 0; i < tool.len; i++) {
		bool upper = tool.ptr[i] >= 'A' && tool.ptr[i] <= 'Z';

		if (upper && i > 0)
			buf_byte(&reader->name, '_');
		buf_byte(&reader->name, upper ? (char)(tool.ptr[i] + 32) : tool.ptr[i]);
	}
	begin_call(payload, "id", buf_str(&reader->name), record);
	record->failed = status_failed(payload);
}

static void read_view(const struct json *payload, const char *id_key, struct codex_record *record)
{
	begin_call(payload, id_key, STR("view_image"), record);
	record->file = json_get_str(payload, "path");
}

void codex_read_view_image(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_view(payload, "call_id", record);
}

void codex_read_view_item(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record)
{
	(void)reader;
	read_view(payload, "id", record);
}
