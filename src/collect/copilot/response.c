/*
 * The parts of a response: tools and their errors, edits, text.
 *
 * What a tool was called with is not in its part but in the result's rounds, found by the id of the
 * call. Some releases number the calls of the two apart. So the calls of the rounds are added to
 * those of the parts only when the ids are seen to agree, or when there are no parts: never is a
 * call counted twice.
 */
#include "collect/copilot/parts.h"
#include "collect/copilot/record.h"
#include "collect/places.h"

/* Kinds of parts that are known. What they hold is used here, or is of no interest. */
static const char *const known_parts[] = { "thinking", "toolInvocationSerialized", "toolInvocation",
	"prepareToolInvocation", "textEditGroup", "notebookEditGroup", "codeblockUri",
	"inlineReference", "undoStop", "mcpServersStarting", "progressTaskSerialized",
	"progressTask", "progressMessage", "confirmation", "elicitationSerialized", "elicitation",
	"warning", "markdownContent", "markdownVuln", "treeData", "command", "extensions",
	"clearToPreviousToolInvocation", "pullRequest", "questionCarousel", "multiDiffData", "hook",
	"workspaceEdit", "disabledClaudeHooks", "codeCitation", "reference", "changesSummary" };

struct parts {
	const struct copilot_request *request;
	struct copilot_map calls;   /* of the rounds, by id */
	struct copilot_map results; /* of the calls, by id */
	bool ids_agree;
	int64_t tools, unnamed, edits;
};

static bool is_known(struct str kind)
{
	for (size_t i = 0; i < ARRAY_LEN(known_parts); i++)
		if (str_eq_c(kind, known_parts[i]))
			return true;
	return false;
}

static const struct json *metadata_of(const struct copilot_request *request)
{
	return json_get(json_get(request->root, "result"), "metadata");
}

/* --- tools --- */

static struct str file_of_arguments(const struct copilot_request *request, const struct json *call)
{
	return copilot_argument_file(request->session->arena, json_get(call, "arguments"));
}

/* A message is a text, or Markdown with the URIs in it beside it. Its first file. */
static struct str file_of_message(const struct copilot_request *request, const struct json *message)
{
	struct json_iter uris = json_iter(json_get(message, "uris"));
	struct str text =
		json_is(message, JSON_STRING) ? json_str(message) : json_get_str(message, "value");
	const struct json *uri;
	struct str key, file;
	ptrdiff_t at, end;

	while (json_next(&uris, &key, &uri)) {
		file = copilot_file(request->session->arena, uri);
		if (file.len > 0)
			return file;
	}
	at = str_find_str(text, STR("](file:"));
	end = at < 0 ? -1 : str_find(text, ')', (size_t)at);
	if (end < 0)
		return STR("");
	text = str_sub(text, (size_t)at + 2, (size_t)(end - at) - 2);
	at = str_find(text, '#', 0);
	return places_workspace_of_uri(
		request->session->arena, at < 0 ? text : str_sub(text, 0, (size_t)at));
}

static struct str file_of_part(const struct copilot_request *request, const struct json *part)
{
	struct str file = file_of_message(request, json_get(part, "invocationMessage"));

	return file.len > 0 ? file : file_of_message(request, json_get(part, "pastTenseMessage"));
}

/* Does what the part or the result of call ID says mean that it failed? */
static bool has_failed(const struct parts *parts, const struct json *part, struct str id)
{
	const struct json *terminal =
		json_get(json_get(part, "toolSpecificData"), "terminalCommandState");
	int64_t status;
	bool found;

	if (json_is_true(json_get(json_get(part, "resultDetails"), "isError")))
		return true;
	if (json_get_i64(terminal, "exitCode", &status) && status != 0)
		return true;
	return json_is_true(json_get(copilot_map_get(&parts->results, id, &found), "isError"));
}

static void add_tool(
	struct parts *parts, struct str id, struct str name, struct str file, bool failed)
{
	const struct copilot_request *request = parts->request;
	struct str key = copilot_key(request->session, request->session->id, ":", id);
	struct agent_item *item;

	if (id.len == 0)
		key = copilot_number_key(
			request->session, request->key, ":tool:", parts->unnamed++);
	if (!copilot_map_add(request->tools, key, NULL))
		return;
	name = copilot_keep(request->session, name);
	item = copilot_item(request, AGENT_TOOL_USE, key, AGENT_NO_TIME);
	item->tool = name;
	item->file = file;
	if (!failed)
		return;
	item = copilot_item(request, AGENT_TOOL_ERROR, key, AGENT_NO_TIME);
	item->tool = name;
	item->call = key;
}

static void take_tool(struct parts *parts, const struct json *part)
{
	struct str id = json_get_str(part, "toolCallId");
	const struct json *call;
	struct str file = STR("");
	bool found;

	parts->tools++;
	call = copilot_map_get(&parts->calls, id, &found);
	parts->ids_agree |= found;
	if (found)
		file = file_of_arguments(parts->request, call);
	if (file.len == 0)
		file = file_of_part(parts->request, part);
	add_tool(parts, id, json_get_str(part, "toolId"), file, has_failed(parts, part, id));
}

static void take_results(struct parts *parts)
{
	struct json_iter iter = json_iter(json_get(metadata_of(parts->request), "toolCallResults"));
	const struct json *result;
	struct str key;

	while (json_next(&iter, &key, &result))
		if (key.len > 0)
			copilot_map_add(&parts->results, key, result);
}

/* Walk the calls of the rounds: into the map, or, when NAMED, into the session. */
static void take_calls(struct parts *parts, bool named)
{
	struct json_iter rounds =
		json_iter(json_get(metadata_of(parts->request), "toolCallRounds"));
	const struct json *round, *call;
	struct str key;

	while (json_next(&rounds, &key, &round)) {
		struct json_iter calls = json_iter(json_get(round, "toolCalls"));

		while (json_next(&calls, &key, &call)) {
			struct str id = json_get_str(call, "id");

			if (named)
				add_tool(parts, id, json_get_str(call, "name"),
					file_of_arguments(parts->request, call),
					has_failed(parts, NULL, id));
			else if (id.len > 0)
				copilot_map_add(&parts->calls, id, call);
		}
	}
}

/* --- edits --- */

/* Groups of edits, or edits. */
static int64_t count_edits(const struct json *edits)
{
	struct json_iter iter = json_iter(edits);
	const struct json *entry;
	struct str key;
	int64_t count = 0;

	while (json_next(&iter, &key, &entry))
		count += json_is(entry, JSON_ARRAY)    ? (int64_t)json_len(entry)
			 : json_is(entry, JSON_OBJECT) ? 1
						       : 0;
	return count;
}

static void take_edit(struct parts *parts, const struct json *part)
{
	const struct copilot_request *request = parts->request;
	struct str key =
		copilot_number_key(request->session, request->key, ":edit:", parts->edits++);
	struct str file = copilot_file(request->session->arena, json_get(part, "uri"));
	struct agent_item *item = copilot_item(request, AGENT_FILE_EDIT, key, AGENT_NO_TIME);

	item->file = file;
	item->edits = count_edits(json_get(part, "edits"));
}

/* --- all parts --- */

static void take_part(struct parts *parts, const struct json *part)
{
	struct str kind = json_get_str(part, "kind");

	if (str_eq(kind, STR("toolInvocationSerialized")) || str_eq(kind, STR("toolInvocation")))
		take_tool(parts, part);
	else if (str_eq(kind, STR("textEditGroup")) || str_eq(kind, STR("notebookEditGroup")))
		take_edit(parts, part);
	else if (kind.len > 0 && !is_known(kind))
		parts->request->session->unknown++;
}

void copilot_take_parts(const struct copilot_request *request)
{
	struct parts parts = { .request = request,
		.calls = { .arena = request->scratch },
		.results = { .arena = request->scratch } };
	struct json_iter iter = json_iter(json_get(request->root, "response"));
	const struct json *part;
	struct str key;

	take_results(&parts);
	take_calls(&parts, false);
	while (json_next(&iter, &key, &part))
		take_part(&parts, part);
	if (parts.ids_agree || parts.tools == 0)
		take_calls(&parts, true);
}

/* Markdown is {value}, in parts of its own kind {content: {value}}, and long ago a bare text. */
static struct str text_of(const struct json *part)
{
	struct str kind = json_get_str(part, "kind");

	if (json_is(part, JSON_STRING))
		return json_str(part);
	if (kind.len == 0)
		return json_get_str(part, "value");
	if (str_starts(kind, STR("markdown")))
		return json_get_str(json_get(part, "content"), "value");
	return STR("");
}

struct str copilot_response_text(const struct copilot_request *request)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *response = json_get(request->root, "response");
	struct json_iter iter = json_iter(response);
	const struct json *part;
	struct str key;

	if (json_is(response, JSON_STRING))
		return copilot_keep(request->session, json_str(response));
	while (json_next(&iter, &key, &part))
		buf_add(&text, text_of(part));
	return copilot_keep(request->session, buf_str(&text));
}
