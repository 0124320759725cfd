/*
 * A chat of Cursor's command line: messages that are stored under hashes of themselves, and indexes
 * that list those hashes in order, the newest of them named by the chat's row.
 *
 * The messages have no times, and the ids they carry tell nothing apart: a message is known by its
 * session, its hash and how many such messages came before; a call by its own id. An index is a
 * protobuf message; of it only the fields that are known are read.
 */
#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/cursor/words.h"

enum { HASH_BYTES = 32, MOST_IDS = 1 << 20, FIELD_IDS = 1, FIELD_WORKSPACE = 9, CALL_SEED = 1 };

static struct str copy(struct arena *arena, struct str text)
{
	return text.len > 0 ? agent_text(arena, text) : (struct str){ NULL, 0 };
}

/* --- the chat's row --- */

/* Empty: TEXT is not all hexadecimal digits. */
static struct str unhex(struct arena *arena, struct str text)
{
	char *out = arena_alloc(arena, text.len / 2 + 1);
	size_t count = 0;

	for (; count * 2 + 1 < text.len; count++) {
		int high = str_hex_digit(text.ptr[count * 2]),
		    low = str_hex_digit(text.ptr[count * 2 + 1]);

		if (high < 0 || low < 0)
			return (struct str){ NULL, 0 };
		out[count] = (char)(high << 4 | low);
	}
	return (struct str){ out, count * 2 == text.len ? count : 0 };
}

bool cursor_chat_meta(struct cursor_chat_meta *out, struct arena *arena, struct str value)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	struct str text = str_trim(value);
	const struct json *root;
	struct str model;
	struct err ignored;

	*out = (struct cursor_chat_meta){ .created_ns = AGENT_NO_TIME };
	if (!str_starts(text, STR("{")))
		text = unhex(arena, text);
	if (json_parse(&parser, text, true, &root, &ignored) < 0 || !json_is(root, JSON_OBJECT))
		return false;
	model = json_get_str(root, "lastUsedModel");
	out->root = copy(arena, json_get_str(root, "latestRootBlobId"));
	out->name = copy(arena, json_get_str(root, "name"));
	out->mode = copy(arena, json_get_str(root, "mode"));
	if (!str_eq(model, STR("default")))
		out->model = copy(arena, model);
	if (!agent_time(json_get(root, "createdAt"), &out->created_ns))
		out->created_ns = AGENT_NO_TIME;
	return true;
}

/* --- indexes --- */

/* A number of at most 64 bits, seven of them a byte. */
static bool take_number(struct str *rest, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && rest->len > 0; shift += 7) {
		uint8_t byte = (uint8_t)rest->ptr[0];

		*rest = str_sub(*rest, 1, rest->len);
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* The next field: its number, and its bytes if it has any of its own. */
static bool take_field(struct str *rest, uint64_t *number, struct str *bytes)
{
	uint64_t tag, size = 0;

	*bytes = (struct str){ NULL, 0 };
	if (!take_number(rest, &tag))
		return false;
	*number = tag >> 3;
	switch (tag & 7) {
	case 0:
		return take_number(rest, &size);
	case 1:
		size = 8;
		break;
	case 2:
		if (!take_number(rest, &size))
			return false;
		break;
	case 5:
		size = 4;
		break;
	default:
		return false;
	}
	if (size > rest->len)
		return false;
	if ((tag & 7) == 2)
		*bytes = str_sub(*rest, 0, (size_t)size);
	*rest = str_sub(*rest, (size_t)size, rest->len);
	return true;
}

bool cursor_chat_index(struct cursor_chat_index *out, struct arena *arena, struct str data)
{
	struct str rest = data, bytes;
	size_t room = data.len / (HASH_BYTES + 2);
	uint64_t number;

	*out = (struct cursor_chat_index){ .ids = arena_zalloc(
						   arena, room + 1, sizeof(*out->ids)) };
	while (rest.len > 0) {
		char hex[2 * HASH_BYTES + 1];

		if (!take_field(&rest, &number, &bytes))
			return false;
		if (number == FIELD_WORKSPACE && out->workspace.len == 0)
			out->workspace = copy(arena, bytes);
		if (number != FIELD_IDS || bytes.len != HASH_BYTES || out->count >= MOST_IDS)
			continue;
		hash_hex((const uint8_t *)bytes.ptr, HASH_BYTES, hex);
		out->ids[out->count++] = arena_str(arena, str_from(hex));
	}
	return true;
}

/* --- items --- */

void cursor_chat_begin(struct cursor_chat *chat, struct arena *arena, struct str id,
	const struct cursor_chat_meta *meta, int64_t mtime_ns, struct str path)
{
	struct agent_session *session = &chat->session;

	*chat = (struct cursor_chat){
		.session = agent_session(arena, CURSOR_AGENT),
		.arena = arena,
		.mtime_ns = mtime_ns,
		.seen = { .arena = arena },
		.meta = *meta,
	};
	session->id = arena_str(arena, id);
	session->title = meta->name;
	session->path = path;
	session->strength = CURSOR_CHAT;
	session->started_ns = meta->created_ns;
	session->fallback_ns = mtime_ns;
	session->from_start = true;
}

static struct agent_item *give(struct cursor_chat *chat, enum agent_kind kind, struct str key)
{
	struct agent_session *session = &chat->session;
	bool first = session->count == 0 && chat->meta.created_ns != AGENT_NO_TIME;
	struct agent_item *item =
		agent_item(session, kind, key, first ? chat->meta.created_ns : chat->mtime_ns);

	item->estimated = true;
	item->mode = chat->meta.mode;
	item->model = chat->meta.model;
	return item;
}

static void give_prompt(struct cursor_chat *chat, struct str text, bool has_image)
{
	CLEANUP(buf_release) struct buf typed = BUF_INIT;
	struct agent_item *item;

	cursor_typed(&typed, text);
	if (typed.len == 0 && !has_image)
		return;
	item = give(chat, AGENT_PROMPT, chat->key);
	item->text = arena_str(chat->arena, buf_str(&typed));
	item->has_image = has_image;
}

/* The key of the call with ID; NUMBER is of the block, for one that has none. */
static struct str call_key(const struct cursor_chat *chat, struct str id, size_t number)
{
	if (id.len == 0)
		return arena_printf(chat->arena, "%.*s:%zu", STR_ARG(chat->key), number);
	return arena_printf(chat->arena, "%.*s:call-%016llx", STR_ARG(chat->session.id),
		(unsigned long long)hash64(id, 0));
}

static void give_call(struct cursor_chat *chat, const struct json *block, size_t number)
{
	const struct json *input = json_get(block, "args");
	struct str key = call_key(chat, json_get_str(block, "toolCallId"), number);
	struct agent_item *item;

	if (cursor_seen(&chat->seen, hash64(key, CALL_SEED)) > 1)
		return;
	item = give(chat, AGENT_TOOL_USE, key);
	item->tool = copy(chat->arena, json_get_str(block, "toolName"));
	item->file = copy(chat->arena, agent_tool_file(input ? input : json_get(block, "input")));
}

/* Only what says that it failed; of a call that was met. */
static void give_result(struct cursor_chat *chat, const struct json *block, size_t number)
{
	struct str key = call_key(chat, json_get_str(block, "toolCallId"), number);
	struct agent_item *item;

	if (!json_is_true(json_get(block, "isError")) ||
		!agent_find(&chat->session, AGENT_TOOL_USE, key) ||
		agent_find(&chat->session, AGENT_TOOL_ERROR, key))
		return;
	item = give(chat, AGENT_TOOL_ERROR, key);
	item->tool = copy(chat->arena, json_get_str(block, "toolName"));
	item->call = key;
}

/* --- messages --- */

static void take_blocks(
	struct cursor_chat *chat, const struct json *content, struct buf *text, bool *has_image)
{
	static const char *const silent[] = { "reasoning", "redacted-reasoning", "thinking", "file",
		"image", "source", NULL };
	struct json_iter iter = json_iter(content);
	const struct json *block;
	struct str key;

	while (json_next(&iter, &key, &block)) {
		struct str type = json_get_str(block, "type");

		if (json_is(block, JSON_STRING))
			cursor_add_part(text, json_str(block));
		else if (str_eq(type, STR("text")))
			cursor_add_part(text, json_get_str(block, "text"));
		else if (str_eq(type, STR("tool-call")))
			give_call(chat, block, iter.index);
		else if (str_eq(type, STR("tool-result")))
			give_result(chat, block, iter.index);
		else if (!cursor_is_one_of(type, silent))
			chat->session.unknown++;
		*has_image |= str_eq(type, STR("image"));
	}
}

static void take_record(struct cursor_chat *chat, const struct json *root)
{
	static const char *const quiet[] = { "system", "tool", NULL };
	const struct json *content = json_get(root, "content");
	struct str role = json_get_str(root, "role");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool has_image = false;

	if (json_is(content, JSON_STRING))
		buf_add(&text, json_str(content));
	else
		take_blocks(chat, content, &text, &has_image);
	if (str_eq(role, STR("user")))
		give_prompt(chat, buf_str(&text), has_image);
	else if (str_eq(role, STR("assistant")) && str_trim(buf_str(&text)).len > 0)
		give(chat, AGENT_RESPONSE, chat->key)->text =
			arena_str(chat->arena, buf_str(&text));
	else if (!str_eq(role, STR("assistant")) && !cursor_is_one_of(role, quiet))
		chat->session.unknown++;
}

void cursor_chat_message(struct cursor_chat *chat, struct str id, struct str data)
{
	uint64_t hash = hash64(id, 0);
	const struct json *root;
	struct err err;

	if (json_parse(&chat->parser, data, true, &root, &err) < 0) {
		agent_session_bad(
			&chat->session, chat->session.path, -1, "not_json", err.message, data);
		return;
	}
	if (!json_is(root, JSON_OBJECT)) {
		agent_session_bad(&chat->session, chat->session.path, -1, "not_an_object",
			"a message is an object", data);
		return;
	}
	chat->key = arena_printf(chat->arena, "%.*s:%016llx:%lld", STR_ARG(chat->session.id),
		(unsigned long long)hash, (long long)cursor_seen(&chat->seen, hash));
	take_record(chat, root);
}

void cursor_chat_release(struct cursor_chat *chat)
{
	json_parser_release(&chat->parser);
	*chat = (struct cursor_chat){ 0 };
}
