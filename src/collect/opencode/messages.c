/*
 * OpenCode's messages and their parts as a session.
 *
 * A message of the agent is a response with all its tokens (the step-finish parts repeat them) or,
 * when it ended in an error, that error; its tool parts are calls. A message of the person is a
 * prompt if a part of it was not made by the program. In a child session nobody types: its first
 * message comes from the agent that made it. Messages from the one that `revert` names on are taken
 * back, unless it names a part: then that message's parts from there on and all messages behind it.
 */
#include "collect/opencode/opencode.h"

#include <stdlib.h>

#include "collect/agent_value.h"
#include "collect/places.h"

enum { LONGEST_CODE = 64, LONGEST_NAME = 128 };

static struct str copy(struct arena *arena, struct str text)
{
	return text.len > 0 ? arena_str(arena, text) : (struct str){ NULL, 0 };
}

static struct str get_copy(struct arena *arena, const struct json *object, const char *key)
{
	return copy(arena, json_get_str(object, key));
}

static int64_t time_at(const struct json *object, const char *key)
{
	int64_t at_ns;

	return agent_time(json_get(object, key), &at_ns) ? at_ns : AGENT_NO_TIME;
}

/* A class such as MessageAbortedError: never free text. */
static struct str error_code(struct arena *arena, const struct json *error)
{
	struct str name =
		json_is(error, JSON_STRING) ? json_str(error) : json_get_str(error, "name");
	bool is_code = name.len > 0 && name.len <= LONGEST_CODE;

	if (!error || json_is(error, JSON_NULL))
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < name.len && is_code; i++)
		is_code = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
			  (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') ||
			  (name.ptr[i] >= '0' && name.ptr[i] <= '9') || strchr("._-", name.ptr[i]);
	return is_code ? arena_str(arena, name) : STR("unknown");
}

struct opencode_facts opencode_facts_of(const struct json *root)
{
	return (struct opencode_facts){
		.id = json_get_str(root, "id"),
		.parent = json_get_str(root, "parentID"),
		.directory = json_get_str(root, "directory"),
		.title = json_get_str(root, "title"),
		.version = json_get_str(root, "version"),
		.created_ns = time_at(json_get(root, "time"), "created"),
	};
}

/* --- the session --- */

static struct str workspace_of(struct arena *arena, const struct opencode_facts *facts)
{
	struct str path = facts->directory;

	/* The project that has no root stands for all directories. */
	if (path.len == 0 && !str_eq(facts->worktree, STR("/")))
		path = facts->worktree;
	return path.len > 0 ? places_workspace_of_uri(arena, path) : path;
}

void opencode_begin(struct opencode_chat *chat, struct arena *arena,
	const struct opencode_facts *facts, struct str path)
{
	const struct json *revert;
	struct err ignored;

	*chat = (struct opencode_chat){
		.session = agent_session(arena, OPENCODE_AGENT),
		.arena = arena,
	};
	chat->session.id = arena_str(arena, facts->id);
	chat->session.parent = copy(arena, facts->parent);
	chat->session.title = copy(arena, facts->title);
	chat->session.version = copy(arena, facts->version);
	chat->session.cwd = workspace_of(arena, facts);
	chat->session.path = path;
	chat->session.fallback_ns = facts->created_ns;
	chat->session.from_start = true;
	if (str_trim(facts->revert).len == 0 ||
		json_parse(&chat->parser, facts->revert, true, &revert, &ignored) < 0)
		return;
	chat->revert_message = get_copy(arena, revert, "messageID");
	chat->revert_part = get_copy(arena, revert, "partID");
}

/* --- messages --- */

static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	void *grown;

	if (count < *capacity)
		return items;
	*capacity = *capacity * 2 + 32;
	grown = arena_zalloc(arena, *capacity, size);
	if (count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

static const struct json *parse(struct opencode_chat *chat, struct str data, struct str path)
{
	const struct json *root;
	struct err err;

	if (json_parse(&chat->parser, data, true, &root, &err) < 0) {
		agent_session_bad(&chat->session, path, -1, "not_json", err.message, data);
		return NULL;
	}
	if (json_is(root, JSON_OBJECT))
		return root;
	agent_session_bad(&chat->session, path, -1, "not_an_object", "a row is an object", data);
	return NULL;
}

static enum opencode_role role_of(const struct json *root)
{
	struct str role = json_get_str(root, "role");

	if (str_eq(role, STR("user")))
		return OPENCODE_USER;
	return str_eq(role, STR("assistant")) ? OPENCODE_ASSISTANT : OPENCODE_STRANGER;
}

/* While an answer is being written its numbers are zero: unknown. */
static void read_tokens(struct opencode_message *message, const struct json *tokens)
{
	const struct json *cache = json_get(tokens, "cache");
	const struct json *values[AGENT_TOKENS] = {
		[AGENT_INPUT] = json_get(tokens, "input"),
		[AGENT_OUTPUT] = json_get(tokens, "output"),
		[AGENT_CACHE_READ] = json_get(cache, "read"),
		[AGENT_CACHE_WRITE] = json_get(cache, "write"),
		[AGENT_REASONING] = json_get(tokens, "reasoning"),
	};
	bool any = message->completed_ns != AGENT_NO_TIME;

	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (!json_to_i64(values[i], &message->tokens[i]) || message->tokens[i] < 0)
			message->tokens[i] = -1;
		any |= message->tokens[i] > 0;
	}
	for (int i = 0; i < AGENT_TOKENS && !any; i++)
		message->tokens[i] = -1;
}

static void read_message(
	struct opencode_chat *chat, struct opencode_message *out, const struct json *root)
{
	struct arena *arena = chat->arena;
	const struct json *time = json_get(root, "time"), *model = json_get(root, "model");
	int64_t created_ns = time_at(time, "created");

	out->role = role_of(root);
	if (created_ns != AGENT_NO_TIME)
		out->created_ns = created_ns;
	out->completed_ns = time_at(time, "completed");
	out->parent = get_copy(arena, root, "parentID");
	out->model = get_copy(arena, root, "modelID");
	if (out->model.len == 0)
		out->model = get_copy(arena, model, "modelID");
	out->mode = get_copy(arena, root, "agent");
	if (out->mode.len == 0)
		out->mode = get_copy(arena, root, "mode");
	out->cwd = get_copy(arena, json_get(root, "path"), "cwd");
	out->error = error_code(arena, json_get(root, "error"));
	read_tokens(out, json_get(root, "tokens"));
}

void opencode_message(struct opencode_chat *chat, struct str id, int64_t created_ns,
	struct str data, struct str path)
{
	const struct json *root = parse(chat, data, path);
	struct opencode_message *out;

	if (!root)
		return;
	chat->messages = grow(chat->arena, chat->messages, chat->message_count,
		&chat->message_capacity, sizeof(*chat->messages));
	out = &chat->messages[chat->message_count++];
	*out = (struct opencode_message){ .id = arena_str(chat->arena, id),
		.created_ns = created_ns };
	read_message(chat, out, root);
}

/* --- parts --- */

static void read_tool(
	struct opencode_chat *chat, struct opencode_part *out, const struct json *root)
{
	const struct json *state = json_get(root, "state");
	struct str name = json_get_str(root, "tool");
	int64_t exit_code = 0, started_ns = time_at(json_get(state, "time"), "start");

	out->tool = copy(chat->arena, str_sub(name, 0, LONGEST_NAME));
	out->file = copy(chat->arena, agent_tool_file(json_get(state, "input")));
	if (out->at_ns == AGENT_NO_TIME)
		out->at_ns = started_ns;
	/* A command that fails is complete all the same; "invalid" stands for a tool that there is
	 * not. */
	json_get_i64(json_get(state, "metadata"), "exit", &exit_code);
	out->failed = str_eq(json_get_str(state, "status"), STR("error")) || exit_code != 0 ||
		      str_eq(name, STR("invalid"));
}

/* A file that was attached: its path, if it is of a file system. */
static void read_file(
	struct opencode_chat *chat, struct opencode_part *out, const struct json *root)
{
	struct str url = json_get_str(root, "url");
	ptrdiff_t query;

	out->is_image = str_starts(json_get_str(root, "mime"), STR("image/"));
	out->file = get_copy(chat->arena, json_get(root, "source"), "path");
	if (out->file.len > 0 || !str_starts(url, STR("file:")))
		return;
	query = str_find(url, '?', 0);
	out->file = places_workspace_of_uri(
		chat->arena, query < 0 ? url : str_sub(url, 0, (size_t)query));
}

static void read_part(
	struct opencode_chat *chat, struct opencode_part *out, const struct json *root)
{
	static const struct {
		const char *type;
		enum opencode_part_kind kind;
	} kinds[] = { { "text", OPENCODE_TEXT }, { "tool", OPENCODE_TOOL },
		{ "file", OPENCODE_FILE }, { "retry", OPENCODE_RETRY },
		{ "reasoning", OPENCODE_SILENT }, { "step-start", OPENCODE_SILENT },
		{ "step-finish", OPENCODE_SILENT }, { "patch", OPENCODE_SILENT },
		{ "snapshot", OPENCODE_SILENT }, { "compaction", OPENCODE_SILENT },
		{ "subtask", OPENCODE_SILENT }, { "agent", OPENCODE_SILENT } };
	struct str type = json_get_str(root, "type");

	out->kind = OPENCODE_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq_c(type, kinds[i].type))
			out->kind = kinds[i].kind;
	if (out->kind == OPENCODE_TEXT && !json_is_true(json_get(root, "synthetic")) &&
		!json_is_true(json_get(root, "ignored")))
		out->text = get_copy(chat->arena, root, "text");
	else if (out->kind == OPENCODE_TOOL)
		read_tool(chat, out, root);
	else if (out->kind == OPENCODE_FILE)
		read_file(chat, out, root);
	else if (out->kind == OPENCODE_RETRY)
		out->error = error_code(chat->arena, json_get(root, "error"));
	if (out->at_ns == AGENT_NO_TIME)
		out->at_ns = time_at(
			json_get(root, "time"), out->kind == OPENCODE_RETRY ? "created" : "start");
}

void opencode_part(struct opencode_chat *chat, struct str id, struct str message,
	int64_t created_ns, struct str data, struct str path)
{
	const struct json *root = parse(chat, data, path);
	struct opencode_part *out;

	if (!root)
		return;
	if (message.len == 0)
		message = json_get_str(root, "messageID");
	chat->parts = grow(chat->arena, chat->parts, chat->part_count, &chat->part_capacity,
		sizeof(*chat->parts));
	out = &chat->parts[chat->part_count++];
	*out = (struct opencode_part){ .id = arena_str(chat->arena, id),
		.message = arena_str(chat->arena, message),
		.at_ns = created_ns };
	read_part(chat, out, root);
}

/* --- items --- */

static int by_time(const void *a, const void *b)
{
	const struct opencode_message *one = a, *two = b;

	if (one->created_ns != two->created_ns)
		return one->created_ns < two->created_ns ? -1 : 1;
	return str_cmp(one->id, two->id);
}

static int by_message(const void *a, const void *b)
{
	const struct opencode_part *one = a, *two = b;
	int order = str_cmp(one->message, two->message);

	return order != 0 ? order : str_cmp(one->id, two->id);
}

/* MESSAGE's parts. */
static struct opencode_part *parts_of(
	const struct opencode_chat *chat, struct str message, size_t *count)
{
	size_t low = 0, high = chat->part_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(chat->parts[middle].message, message) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < chat->part_count && str_eq(chat->parts[high].message, message);
		high++)
		;
	*count = high - low;
	return *count > 0 ? &chat->parts[low] : NULL;
}

static void mark_reverted(struct opencode_chat *chat)
{
	bool behind = false;

	if (chat->revert_message.len == 0)
		return;
	for (size_t i = 0; i < chat->message_count; i++) {
		struct opencode_message *message = &chat->messages[i];
		bool named = str_eq(message->id, chat->revert_message);
		struct opencode_part *parts;
		size_t count;

		message->withdrawn = behind || (named && chat->revert_part.len == 0);
		behind |= named;
		parts = parts_of(chat, message->id, &count);
		for (size_t j = 0; j < count; j++)
			parts[j].withdrawn =
				message->withdrawn ||
				(named && str_cmp(parts[j].id, chat->revert_part) >= 0);
	}
}

static struct agent_item *give(struct opencode_chat *chat, enum agent_kind kind, struct str key,
	int64_t at_ns, const struct opencode_message *message)
{
	struct agent_item *item = agent_item(&chat->session, kind, key, at_ns);

	item->model = message->model;
	item->mode = message->mode;
	item->withdrawn = message->withdrawn;
	item->turn = message->role == OPENCODE_USER ? message->id : message->parent;
	if (!str_eq(message->cwd, chat->session.cwd))
		item->cwd = message->cwd;
	return item;
}

/* What is said in a message, joined. */
static struct str words_of(
	struct opencode_chat *chat, const struct opencode_part *parts, size_t count)
{
	CLEANUP(buf_release) struct buf words = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		if (parts[i].kind != OPENCODE_TEXT || parts[i].text.len == 0)
			continue;
		if (words.len > 0)
			buf_byte(&words, '\n');
		buf_add(&words, parts[i].text);
	}
	return arena_str(chat->arena, buf_str(&words));
}

static void give_prompt(struct opencode_chat *chat, const struct opencode_message *message,
	const struct opencode_part *parts, size_t count)
{
	struct str words = words_of(chat, parts, count);
	bool has_image = false;
	struct agent_item *item;

	for (size_t i = 0; i < count; i++)
		has_image |= parts[i].is_image;
	if (str_trim(words).len == 0 && !has_image)
		return;
	item = give(chat, AGENT_PROMPT, message->id, message->created_ns, message);
	item->text = words;
	item->has_image = has_image;
}

static void give_files(struct opencode_chat *chat, const struct opencode_message *message,
	const struct opencode_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct agent_item *item;

		if (parts[i].kind != OPENCODE_FILE || parts[i].is_image || parts[i].file.len == 0)
			continue;
		item = give(chat, AGENT_FILE_READ, parts[i].id, message->created_ns, message);
		item->file = parts[i].file;
		item->withdrawn = parts[i].withdrawn;
	}
}

static void give_answer(struct opencode_chat *chat, const struct opencode_message *message,
	const struct opencode_part *parts, size_t count)
{
	struct agent_item *item;
	bool spent = false;

	for (int i = 0; i < AGENT_TOKENS; i++)
		spent |= message->tokens[i] > 0;
	if (message->error.len > 0) {
		item = give(chat, AGENT_ERROR, message->id, message->created_ns, message);
		item->error = message->error;
		item->cancelled = str_eq(message->error, STR("MessageAbortedError"));
		if (!spent)
			return;
		item = give(chat, AGENT_USAGE, message->id, message->created_ns, message);
	} else {
		item = give(chat, AGENT_RESPONSE, message->id, message->created_ns, message);
		item->text = words_of(chat, parts, count);
		if (message->completed_ns > message->created_ns &&
			time_plausible(message->created_ns) &&
			time_plausible(message->completed_ns))
			item->duration_ns = message->completed_ns - message->created_ns;
	}
	memcpy(item->tokens, message->tokens, sizeof(item->tokens));
}

/* A part that has no time of its own is as old as its message, as far as anybody knows. */
static struct agent_item *give_part(struct opencode_chat *chat, enum agent_kind kind,
	const struct opencode_message *message, const struct opencode_part *part)
{
	bool timed = part->at_ns != AGENT_NO_TIME;
	struct agent_item *item =
		give(chat, kind, part->id, timed ? part->at_ns : message->created_ns, message);

	item->estimated = !timed && item->at_ns != AGENT_NO_TIME;
	item->withdrawn = part->withdrawn;
	return item;
}

static void give_parts(struct opencode_chat *chat, const struct opencode_message *message,
	const struct opencode_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct agent_item *item;

		if (parts[i].kind == OPENCODE_RETRY) {
			item = give_part(chat, AGENT_ERROR, message, &parts[i]);
			item->error = parts[i].error.len > 0 ? parts[i].error : STR("unknown");
		}
		if (parts[i].kind != OPENCODE_TOOL)
			continue;
		item = give_part(chat, AGENT_TOOL_USE, message, &parts[i]);
		item->tool = parts[i].tool;
		item->file = parts[i].file;
		if (!parts[i].failed)
			continue;
		item = give_part(chat, AGENT_TOOL_ERROR, message, &parts[i]);
		item->tool = parts[i].tool;
		item->call = parts[i].id;
	}
}

static void take_message(struct opencode_chat *chat, const struct opencode_message *message)
{
	size_t count;
	const struct opencode_part *parts = parts_of(chat, message->id, &count);

	switch (message->role) {
	case OPENCODE_USER:
		if (chat->session.parent.len == 0)
			give_prompt(chat, message, parts, count);
		give_files(chat, message, parts, count);
		break;
	case OPENCODE_ASSISTANT:
		give_answer(chat, message, parts, count);
		give_parts(chat, message, parts, count);
		break;
	default:
		chat->session.unknown++;
		break;
	}
}

/* From the first to the last sign of it, the end of answers among them. */
static void note_span(struct agent_session *session, int64_t at_ns)
{
	if (at_ns == AGENT_NO_TIME || !time_plausible(at_ns))
		return;
	if (session->started_ns == INT64_MIN || at_ns < session->started_ns)
		session->started_ns = at_ns;
	if (session->ended_ns == INT64_MIN || at_ns > session->ended_ns)
		session->ended_ns = at_ns;
}

void opencode_end(struct opencode_chat *chat)
{
	if (chat->message_count > 1)
		qsort(chat->messages, chat->message_count, sizeof(*chat->messages), by_time);
	if (chat->part_count > 1)
		qsort(chat->parts, chat->part_count, sizeof(*chat->parts), by_message);
	mark_reverted(chat);
	for (size_t i = 0; i < chat->message_count && chat->session.cwd.len == 0; i++)
		chat->session.cwd = chat->messages[i].cwd;
	for (size_t i = 0; i < chat->message_count; i++) {
		const struct opencode_message *message = &chat->messages[i];

		take_message(chat, message);
		if (message->withdrawn)
			continue;
		note_span(&chat->session, message->created_ns);
		note_span(&chat->session, message->completed_ns);
	}
	for (size_t i = 0; i < chat->part_count; i++)
		chat->session.unknown += chat->parts[i].kind == OPENCODE_UNKNOWN;
}

void opencode_release(struct opencode_chat *chat)
{
	json_parser_release(&chat->parser);
	*chat = (struct opencode_chat){ 0 };
}
