/*
 * One message of a Gemini chat. Its content is a text or a list of parts. Of a user's message,
 * parts that the program wrote (the session's context, the result of a function, what a hook said)
 * are left out, and a message that has nothing else was typed by nobody. What was typed is
 * displayContent, where `content` has the files that were named in it, too.
 */
#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/gemini/log.h"

enum { MOST_CALLS = 4096 };

static const char *const program_texts[] = { "<session_context>", "<hook_context>",
	"<state_snapshot>", "This is the Gemini CLI. We are setting up the context for our chat." };

static const char *const token_keys[AGENT_TOKENS] = {
	[AGENT_INPUT] = "input",
	[AGENT_OUTPUT] = "output",
	[AGENT_CACHE_READ] = "cached",
	[AGENT_REASONING] = "thoughts",
};

static const struct {
	const char *type;
	enum gemini_kind kind;
} kinds[] = { { "user", GEMINI_USER }, { "gemini", GEMINI_MODEL }, { "error", GEMINI_ERROR },
	{ "info", GEMINI_INFO }, { "warning", GEMINI_INFO } };

static enum gemini_kind kind_of(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq_c(type, kinds[i].type))
			return kinds[i].kind;
	return GEMINI_OTHER;
}

/* --- content --- */

static bool is_by_program(struct str text)
{
	text = str_trim(text);
	for (size_t i = 0; i < ARRAY_LEN(program_texts); i++)
		if (str_starts(text, str_from(program_texts[i])))
			return true;
	return false;
}

static void add_text(struct buf *out, struct str text)
{
	if (out->len > 0 && text.len > 0)
		buf_byte(out, '\n');
	buf_add(out, text);
}

static void add_part(struct buf *out, const struct json *part, bool user, bool *image)
{
	struct str text = json_is(part, JSON_STRING) ? json_str(part) : json_get_str(part, "text");

	*image |= str_starts(json_get_str(json_get(part, "inlineData"), "mimeType"), STR("image/"));
	*image |= str_starts(json_get_str(json_get(part, "fileData"), "mimeType"), STR("image/"));
	if (!json_is_true(json_get(part, "thought")) && !(user && is_by_program(text)))
		add_text(out, text);
}

/* A text, a part, or a list of them. */
static void add_content(struct buf *out, const struct json *content, bool user, bool *image)
{
	struct json_iter iter = json_iter(content);
	const struct json *part;
	struct str key;

	if (!json_is(content, JSON_ARRAY)) {
		add_part(out, content, user, image);
		return;
	}
	while (json_next(&iter, &key, &part))
		add_part(out, part, user, image);
}

static void read_content(
	struct arena *arena, const struct json *value, struct gemini_message *message)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *content = json_get(value, "content");
	const struct json *shown = json_get(value, "displayContent");
	bool user = message->kind == GEMINI_USER, ignored = false;

	add_content(&text, content, user, &message->image);
	message->prompt = user && (text.len > 0 || message->image);
	if (message->prompt && (json_is(shown, JSON_STRING) || json_is(shown, JSON_ARRAY))) {
		buf_clear(&text);
		add_content(&text, shown, user, &ignored);
	}
	message->text = agent_text(arena, buf_str(&text));
}

bool gemini_is_snapshot(const struct json *value)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool ignored = false;

	add_content(&text, json_get(value, "content"), false, &ignored);
	return str_starts(str_trim(buf_str(&text)), STR("<state_snapshot>"));
}

/* --- tools --- */

static struct gemini_call call_of(struct arena *arena, const struct json *value,
	const struct gemini_message *message, size_t n)
{
	struct str status = json_get_str(value, "status"), id = json_get_str(value, "id");
	struct gemini_call call = {
		.tool = agent_text(arena, json_get_str(value, "name")),
		.file = agent_text(arena, agent_tool_file(json_get(value, "args"))),
		.failed = str_eq_c(status, "error"),
		.cancelled = str_eq_c(status, "cancelled"),
	};

	call.id = id.len > 0 ? agent_text(arena, id)
			     : arena_printf(arena, "%.*s:%zu", STR_ARG(message->id), n);
	if (!agent_time(json_get(value, "timestamp"), &call.at_ns))
		call.at_ns = AGENT_NO_TIME;
	return call;
}

/* Each object of LIST, or with MEMBER what it has under that name. */
static void read_list(struct arena *arena, const struct json *list, const char *member,
	struct gemini_message *message)
{
	struct json_iter iter = json_iter(json_is(list, JSON_ARRAY) ? list : NULL);
	size_t most = iter.count < MOST_CALLS ? iter.count : MOST_CALLS;
	const struct json *value;
	struct str key;

	message->calls = arena_zalloc(arena, most, sizeof(*message->calls));
	while (message->call_count < most && json_next(&iter, &key, &value)) {
		if (member)
			value = json_get(value, member);
		if (!json_is(value, JSON_OBJECT))
			continue;
		message->calls[message->call_count] =
			call_of(arena, value, message, message->call_count);
		message->call_count++;
	}
}

/* A file that was rewritten may have the calls among the parts only. */
static void read_calls(
	struct arena *arena, const struct json *value, struct gemini_message *message)
{
	read_list(arena, json_get(value, "toolCalls"), NULL, message);
	if (message->call_count == 0)
		read_list(arena, json_get(value, "content"), "functionCall", message);
}

/* --- the message --- */

static void read_tokens(const struct json *tokens, int64_t out[AGENT_TOKENS])
{
	for (int i = 0; i < AGENT_TOKENS; i++)
		if (!token_keys[i] || !json_get_i64(tokens, token_keys[i], &out[i]) || out[i] < 0)
			out[i] = -1;
}

/* One without an id is known by what it says. */
static struct str id_of(
	struct arena *arena, const struct json *value, const struct gemini_message *message)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str id = json_get_str(value, "id");
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	if (id.len > 0)
		return agent_text(arena, id);
	buf_printf(&text, "%d %lld ", (int)message->kind, (long long)message->at_ns);
	buf_add(&text, message->text);
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	return arena_str(arena, str_from(hex));
}

bool gemini_message(struct arena *arena, const struct json *value, struct gemini_message *out)
{
	*out = (struct gemini_message){ .kind = kind_of(json_get_str(value, "type")) };
	if (!json_is(value, JSON_OBJECT))
		return false;
	if (!agent_time(json_get(value, "timestamp"), &out->at_ns))
		out->at_ns = AGENT_NO_TIME;
	read_content(arena, value, out);
	out->id = id_of(arena, value, out);
	out->model = agent_text(arena, json_get_str(value, "model"));
	read_tokens(json_get(value, "tokens"), out->tokens);
	if (out->kind == GEMINI_MODEL)
		read_calls(arena, value, out);
	return true;
}
