/*
 * The log of changes that VS Code keeps of a session: one JSON object a line. Kind 0 is a complete
 * state; 1 sets, 2 cuts and appends to an array, 3 deletes what is at a path. The state at the end
 * is the session.
 *
 * VS Code refuses a log with one bad line. Here such a line is noted and passed over: what follows
 * still tells most of what happened, and the next complete state heals the rest. A last line
 * without its newline waits, unless it is complete.
 *
 * A log costs its length: no line is looked at again because of another.
 */
#include "collect/copilot/parts.h"
#include "collect/copilot/record.h"
#include "collect/doc.h"

struct replay {
	struct arena arena;
	struct arena line_arena;
	struct json_parser parser;
	struct copilot_node state;
	bool any; /* there was a complete state */
	struct agent_session *session;
	struct copilot_extent *extent;
	struct str path;
};

static void replay_release(struct replay *replay)
{
	json_parser_release(&replay->parser);
	arena_release(&replay->arena);
	arena_release(&replay->line_arena);
}

/* The text of member KEY of LINE; false: it has none. */
static bool text_of(const struct copilot_node *line, const char *key, struct str *text)
{
	const struct copilot_node *node = copilot_get(line, str_from(key));

	if (node)
		*text = node->text;
	return node != NULL;
}

static const char *push(
	struct replay *replay, const struct json *entry, const struct copilot_node *line)
{
	struct copilot_node values;
	struct str text;

	if (!text_of(line, "v", &text))
		return copilot_push(&replay->arena, &replay->state, json_get(entry, "k"), NULL,
			json_get(entry, "i"));
	values = copilot_node(text);
	if (copilot_open(&replay->line_arena, &values) != COPILOT_OPEN)
		return "values that are no array";
	return copilot_push(&replay->arena, &replay->state, json_get(entry, "k"), &values,
		json_get(entry, "i"));
}

/* NULL, or what is wrong. TEXT is ENTRY's. */
static const char *apply(
	struct replay *replay, int64_t kind, const struct json *entry, struct str text)
{
	struct copilot_node line = copilot_node(text);
	const struct json *path = json_get(entry, "k");
	struct str value = { NULL, 0 };
	bool has_value;

	if (copilot_open(&replay->line_arena, &line) != COPILOT_OPEN)
		return "not an object of this size";
	has_value = text_of(&line, "v", &value);
	if (kind == 0) {
		if (!json_is(json_get(entry, "v"), JSON_OBJECT))
			return "a state that is none";
		arena_reset(&replay->arena); /* nothing but the old state is in it */
		replay->state = copilot_node(value);
		replay->any = true;
		return NULL;
	}
	if (!replay->any)
		return "a change before any state";
	if (json_is(path, JSON_ARRAY) && json_len(path) == 0)
		return NULL; /* VS Code ignores these */
	if (kind == 2)
		return push(replay, entry, &line);
	if (kind == 1 && has_value) /* without: undefined was set */
		return copilot_set(&replay->arena, &replay->state, path, value);
	return copilot_delete(&replay->arena, &replay->state, path);
}

/* A change that can be read, but not done, without its value: that may be anybody's words. */
static void bad_change(
	struct replay *replay, const struct json *entry, int64_t offset, const char *fault)
{
	static const char *const keys[] = { "kind", "k", "i" };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	json_begin_object(&writer);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!json_get(entry, keys[i]))
			continue;
		json_key(&writer, str_from(keys[i]));
		json_put_value(&writer, json_get(entry, keys[i]));
	}
	json_end_object(&writer);
	agent_session_bad(
		replay->session, replay->path, offset, "bad_change", fault, buf_str(&text));
}

static void take_entry(
	struct replay *replay, const struct json *entry, struct str line, int64_t offset)
{
	const char *fault;
	int64_t kind;

	if (!json_get_i64(entry, "kind", &kind) || kind < 0 || kind > 3) {
		replay->extent->unknown++;
		return;
	}
	arena_reset(&replay->line_arena);
	fault = apply(replay, kind, entry, line);
	if (fault)
		bad_change(replay, entry, offset, fault);
}

/* LAST: it has no newline yet, and may be half a line. False: it is one. */
static bool take_line(struct replay *replay, struct str line, int64_t offset, bool last)
{
	const struct json *entry;
	const char *fault;
	struct err err;

	if (offset == 0 && str_starts(line, STR("\xef\xbb\xbf")))
		line = str_sub(line, 3, line.len);
	if (str_trim(line).len == 0)
		return true;
	fault = copilot_object_parse(&replay->parser, line, false, &entry, &err);
	if (fault && last)
		return false;
	if (fault)
		agent_session_bad(replay->session, replay->path, offset, fault, err.message, line);
	else
		take_entry(replay, entry, line, offset);
	return true;
}

bool copilot_read_log(struct str bytes, struct str path, struct agent_session *session,
	struct copilot_extent *extent)
{
	CLEANUP(replay_release)
	struct replay replay = { .session = session, .extent = extent, .path = path };
	struct doc_lines lines = { bytes, 0 };
	struct str line;
	int64_t offset;
	bool read;

	*extent = (struct copilot_extent){ .last_ns = INT64_MIN, .dated_ns = INT64_MIN };
	while (doc_line(&lines, &line, &offset))
		take_line(&replay, line, offset, false);
	extent->taken = take_line(&replay, lines.rest, lines.offset, true) ? bytes.len
									   : (size_t)lines.offset;
	read = replay.any && copilot_take_document(&replay.state, bytes, path, session, extent);
	session->unknown += extent->unknown;
	return read;
}
