/*
 * Cursor's bubbles: one message of the person or the agent, or one call of a tool.
 *
 * Releases differ in which of several places hold a text or a time; they are tried in order.
 * Numbers of tokens are there on the last bubble of a turn only, and zero everywhere else: zero is
 * unknown.
 */
#include <stdlib.h>

#include "collect/agent_value.h"
#include "collect/cursor/cursor.h"

enum {
	BUBBLE_PERSON = 1,
	BUBBLE_AGENT = 2,
	CAPABILITY_TOOL = 15,
	RICH_DEPTH = 32,
	LONGEST_NAME = 128,
};

/* A clientStartTime below this (ms, the year 2000) counts from the start of the program. */
static const double earliest_absolute_ms = 946684800000.0;

static struct str copy(struct arena *arena, struct str text)
{
	return text.len > 0 ? arena_str(arena, text) : (struct str){ NULL, 0 };
}

/* --- texts --- */

/* The texts of a Lexical document, in order. */
static void add_rich(struct buf *out, const struct json *node, int depth)
{
	struct json_iter children = json_iter(json_get(node, "children"));
	const struct json *child;
	struct str key;

	buf_add(out, json_get_str(node, "text"));
	while (depth < RICH_DEPTH && json_next(&children, &key, &child))
		add_rich(out, child, depth + 1);
}

static struct str rich_text(struct arena *arena, struct str rich)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *root;
	struct err ignored;

	if (rich.len > 0 && json_parse(&parser, rich, true, &root, &ignored) == 0)
		add_rich(&text, json_get(root, "root"), 0);
	return copy(arena, buf_str(&text));
}

static struct str text_of(struct arena *arena, const struct json *value)
{
	struct str text = json_get_str(value, "text");

	if (text.len == 0)
		text = json_get_str(value, "rawText");
	return text.len > 0 ? copy(arena, text) : rich_text(arena, json_get_str(value, "richText"));
}

static bool has_image(const struct json *value)
{
	return json_len(json_get(value, "images")) > 0 ||
	       json_len(json_get(json_get(value, "context"), "selectedImages")) > 0;
}

/* --- times --- */

/* The first of these that is not zero, ms. */
static bool later_time(const struct json *timing, double *out)
{
	static const char *const keys[] = { "clientRpcSendTime", "clientSettleTime",
		"clientEndTime" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_to_double(json_get(timing, keys[i]), out) && *out > 0)
			return true;
	return false;
}

static int64_t timing_of(const struct json *timing)
{
	double start_ms = 0, later_ms = 0;
	bool started = json_to_double(json_get(timing, "clientStartTime"), &start_ms);

	if (!started || start_ms < earliest_absolute_ms) {
		if (!later_time(timing, &later_ms))
			return AGENT_NO_TIME;
		start_ms = later_ms - (started && start_ms > 0 ? start_ms : 0);
	}
	if (!(start_ms > 0 && start_ms < 9e12))
		return AGENT_NO_TIME;
	return (int64_t)start_ms * NS_PER_MS;
}

static int64_t time_of(const struct json *value)
{
	int64_t at_ns;

	if (agent_time(json_get(value, "createdAt"), &at_ns))
		return at_ns;
	return timing_of(json_get(value, "timingInfo"));
}

/* --- tools --- */

/* Did a command end badly, though its call is complete? */
static bool has_bad_exit(struct str result)
{
	static const char *const keys[] = { "exitCode", "exitCodeV2", "exit_code" };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root;
	struct err ignored;
	int64_t code = 0;

	if (result.len == 0 || json_parse(&parser, result, true, &root, &ignored) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys) && code == 0; i++)
		json_get_i64(root, keys[i], &code);
	return code != 0;
}

/* Arguments are JSON in a string. */
static struct str file_in(struct arena *arena, const struct json *arguments)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root = arguments;
	struct str text = json_str(arguments);
	struct err ignored;

	if (text.len > 0 && json_parse(&parser, text, true, &root, &ignored) < 0)
		return (struct str){ NULL, 0 };
	return copy(arena, agent_tool_file(root));
}

static struct str tool_name(struct arena *arena, const struct json *tool)
{
	struct str name = json_get_str(tool, "name");
	int64_t number;

	if (name.len > 0)
		return copy(arena, str_sub(name, 0, LONGEST_NAME));
	if (json_get_i64(tool, "tool", &number))
		return arena_printf(arena, "tool-%lld", (long long)number);
	return (struct str){ NULL, 0 };
}

static void read_tool(struct cursor_bubble *out, struct arena *arena, const struct json *tool)
{
	struct str status = json_get_str(tool, "status");

	out->tool = tool_name(arena, tool);
	out->call = copy(arena, json_get_str(tool, "toolCallId"));
	out->has_tool = out->tool.len > 0 || out->call.len > 0;
	out->file = file_in(arena, json_get(tool, "params"));
	if (out->file.len == 0)
		out->file = file_in(arena, json_get(tool, "rawArgs"));
	out->cancelled = str_eq(status, STR("cancelled"));
	out->failed = str_eq(status, STR("error"));
	if (!out->failed && strcmp(agent_tool_class(out->tool), "command") == 0)
		out->failed = has_bad_exit(json_get_str(tool, "result"));
}

/* --- a bubble --- */

static void read_tokens(struct cursor_bubble *out, const struct json *count)
{
	static const struct {
		const char *key;
		enum agent_token token;
	} keys[] = { { "inputTokens", AGENT_INPUT }, { "outputTokens", AGENT_OUTPUT } };
	bool any = false;

	for (size_t i = 0; i < AGENT_TOKENS; i++)
		out->tokens[i] = -1;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int64_t number;

		if (!json_get_i64(count, keys[i].key, &number) || number < 0)
			continue;
		out->tokens[keys[i].token] = number;
		any |= number > 0;
	}
	for (size_t i = 0; i < AGENT_TOKENS && !any; i++)
		out->tokens[i] = -1;
}

/* "default": Cursor chose one, and does not say which. */
static struct str model_of(struct arena *arena, const struct json *value)
{
	struct str model = json_get_str(json_get(value, "modelInfo"), "modelName");

	return str_eq(model, STR("default")) ? (struct str){ NULL, 0 } : copy(arena, model);
}

void cursor_bubble_read(struct cursor_bubble *out, struct arena *arena, const struct json *value)
{
	const struct json *tool = json_get(value, "toolFormerData");
	int64_t capability = 0;

	*out = (struct cursor_bubble){
		.id = copy(arena, json_get_str(value, "bubbleId")),
		.at_ns = time_of(value),
		.text = text_of(arena, value),
		.has_image = has_image(value),
		.model = model_of(arena, value),
		.request = copy(arena, json_get_str(value, "requestId")),
		.project_dir = copy(arena, json_get_str(value, "workspaceProjectDir")),
	};
	json_get_i64(value, "type", &out->type);
	json_get_i64(value, "capabilityType", &capability);
	out->internal = capability != 0 && capability != CAPABILITY_TOOL;
	read_tokens(out, json_get(value, "tokenCount"));
	if (json_is(tool, JSON_OBJECT))
		read_tool(out, arena, tool);
}
