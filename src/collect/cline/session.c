/*
 * The messages of a session of Cline's command line: those of the model's API with ids, times and
 * numbers added. What a person typed stands among what the program adds: tool results, and a block
 * of details of the environment.
 */
#include <stdio.h>

#include "collect/agent_value.h"
#include "collect/cline/cline.h"
#include "collect/cline/keys.h"

struct parser {
	struct agent_session *session;
	const struct cline_context *context;
	struct buf text;
	struct cline_keys keys;
	struct str turn;
	int64_t number; /* of the message */
	bool opened;    /* somebody has said what to do */
};

/* Items are named after their message, or its number. */
static struct agent_item *add_item(
	struct parser *parser, enum agent_kind kind, struct str id, int64_t at_ns)
{
	struct agent_item *item;
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)parser->number);
	item = cline_add_item(
		&parser->keys, parser->session, kind, id.len > 0 ? id : str_from(number), at_ns);
	item->turn = parser->turn;
	return item;
}

static struct str copy(struct parser *parser, struct str text)
{
	return arena_str(parser->session->arena, text);
}

/* What a person typed of TEXT: without the program's details, and out of the tags around it. */
static struct str typed(struct str text)
{
	static const struct str tags[] = { STR_INIT("task"), STR_INIT("user_message"),
		STR_INIT("user_input"), STR_INIT("feedback") };
	ptrdiff_t details = str_find_str(text, STR("<environment_details>"));

	text = str_trim(details >= 0 ? str_sub(text, 0, (size_t)details) : text);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct str rest = str_sub(text, 1, text.len);
		ptrdiff_t end;

		if (!str_starts(text, STR("<")) || !str_starts(rest, tags[i]) ||
			rest.len == tags[i].len ||
			(rest.ptr[tags[i].len] != '>' && rest.ptr[tags[i].len] != ' '))
			continue;
		end = str_find(text, '>', 0);
		text = str_sub(text, end < 0 ? text.len : (size_t)end + 1, text.len);
		for (size_t at = text.len; at > 0; at--)
			if (str_starts(str_sub(text, at - 1, text.len), STR("</")))
				return str_trim(str_sub(text, 0, at - 1));
		return str_trim(text);
	}
	return text;
}

static void add_typed(struct parser *parser, struct str text)
{
	text = typed(text);
	if (text.len > 0 && parser->text.len > 0)
		buf_byte(&parser->text, '\n');
	buf_add(&parser->text, text);
}

static void take_result(struct parser *parser, const struct json *block, int64_t at_ns)
{
	struct str call = json_get_str(block, "tool_use_id");

	if (json_is_true(json_get(block, "is_error")))
		add_item(parser, AGENT_TOOL_ERROR, call, at_ns)->call = copy(parser, call);
}

static void take_user(struct parser *parser, const struct json *message, int64_t at_ns)
{
	const struct json *content = json_get(message, "content"), *block;
	struct json_iter blocks = json_iter(content);
	struct agent_item *item;
	bool image = false;
	struct str key;

	buf_clear(&parser->text);
	add_typed(parser, json_str(content));
	while (json_next(&blocks, &key, &block)) {
		struct str type = json_get_str(block, "type");

		if (str_eq(type, STR("text")))
			add_typed(parser, json_get_str(block, "text"));
		else if (str_eq(type, STR("tool_result")))
			take_result(parser, block, at_ns);
		image |= str_eq(type, STR("image"));
	}
	if (parser->text.len == 0 && !image)
		return;
	/* The first one of a session that another one began is not a person's. */
	if (!parser->opened && parser->context->parent.len > 0) {
		parser->opened = true;
		return;
	}
	parser->opened = true;
	item = add_item(parser, AGENT_PROMPT, json_get_str(message, "id"), at_ns);
	item->turn = parser->turn = item->key;
	item->text = copy(parser, buf_str(&parser->text));
	item->has_image = image;
}

static struct str model_of(struct parser *parser, const struct json *message)
{
	const struct json *info = json_get(message, "modelInfo");
	struct str model = json_get_str(info, "modelId");

	if (model.len == 0)
		model = json_get_str(info, "id");
	if (model.len == 0 && parser->context->model_count > 0)
		return parser->context->models[0].model;
	return copy(parser, model);
}

static const char *const token_names[AGENT_TOKENS] = {
	[AGENT_INPUT] = "inputTokens",
	[AGENT_OUTPUT] = "outputTokens",
	[AGENT_CACHE_READ] = "cacheReadTokens",
	[AGENT_CACHE_WRITE] = "cacheWriteTokens",
};

static void take_assistant(struct parser *parser, const struct json *message, int64_t at_ns)
{
	const struct json *content = json_get(message, "content"), *block;
	struct json_iter blocks = json_iter(content);
	struct str key, model = model_of(parser, message), text = json_str(content);
	struct agent_item *item;

	item = add_item(parser, AGENT_RESPONSE, json_get_str(message, "id"), at_ns);
	item->model = model;
	cline_read_tokens(json_get(message, "metrics"), token_names, item->tokens);
	item->text = copy(parser, text);
	while (json_next(&blocks, &key, &block)) {
		if (!str_eq(json_get_str(block, "type"), STR("tool_use")))
			continue;
		item = add_item(parser, AGENT_TOOL_USE, json_get_str(block, "id"), at_ns);
		item->tool = copy(parser, json_get_str(block, "name"));
		item->file = copy(parser, agent_tool_file(json_get(block, "input")));
		item->model = model;
	}
}

static void take_message(struct parser *parser, const struct json *message)
{
	struct str role = json_get_str(message, "role");
	int64_t at_ns;

	parser->number++;
	if (!agent_time(json_get(message, "ts"), &at_ns))
		at_ns = AGENT_NO_TIME;
	if (str_eq(role, STR("user")))
		take_user(parser, message, at_ns);
	else if (str_eq(role, STR("assistant")))
		take_assistant(parser, message, at_ns);
	else if (!str_eq(role, STR("system")))
		parser->session->unknown++;
}

enum cline_bytes cline_read_messages(struct agent_session *session,
	const struct cline_context *context, struct str bytes, struct err *detail)
{
	struct parser parser = { .session = session, .context = context };
	struct json_parser outer = { 0 };
	const struct json *root, *list, *message;
	enum cline_bytes status = cline_document(&outer, bytes, &root, detail);
	struct json_iter messages;
	struct str key;

	if (status == CLINE_GOOD) {
		list = json_is(root, JSON_ARRAY) ? root : json_get(root, "messages");
		if (!json_is(list, JSON_ARRAY)) {
			err_set(detail, ERR_PARSE, "no list of messages");
			status = CLINE_BAD;
		}
		messages = json_iter(list);
		while (json_next(&messages, &key, &message))
			take_message(&parser, message);
	}
	json_parser_release(&outer);
	buf_release(&parser.text);
	return status;
}
