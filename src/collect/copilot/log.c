/*
 * The log of changes that VS Code keeps of a session: one JSON object a line. Kind 0 is a complete
 * state; 1 sets, 2 cuts and appends to an array, 3 deletes what is at a path. The state at the end
 * is the session.
 *
 * VS Code refuses a log with one bad line. Here such a line is noted and passed over: what follows
 * still tells most of what happened, and the next complete state heals the rest. A last line
 * without its newline waits, unless it is complete.
 */
#include "collect/copilot/parts.h"
#include "collect/doc.h"
#include "model/limits.h"

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
	if (kind == 0 && !has_value)
		return "a state that is not there";
	if (kind == 0) {
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

static void bad(struct replay *replay, int64_t offset, const char *reason, const char *detail,
	struct str line)
{
	agent_session_bad(replay->session, replay->path, offset, reason, detail, line);
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
		bad(replay, offset, "bad_change", fault, line);
}

static void take_line(struct replay *replay, struct str line, int64_t offset)
{
	const struct json *entry;
	struct err err;

	if (str_trim(line).len == 0)
		return;
	if (line.len > LIMIT_LOG_LINE_BYTES)
		bad(replay, offset, "too_long", "longer than any line may be", line);
	else if (json_parse(&replay->parser, line, true, &entry, &err) < 0)
		bad(replay, offset, "not_json", err.message, line);
	else
		take_entry(replay, entry, line, offset);
}

/* What stands behind the last newline, if it is complete. */
static bool take_rest(struct replay *replay, const struct doc_lines *lines)
{
	const struct json *entry;
	struct str rest = lines->rest;
	struct err err;

	if (lines->offset == 0 && str_starts(rest, STR("\xef\xbb\xbf")))
		rest = str_sub(rest, 3, rest.len);
	if (str_trim(rest).len == 0)
		return true;
	if (rest.len > LIMIT_LOG_LINE_BYTES ||
		json_parse(&replay->parser, rest, true, &entry, &err) < 0 ||
		!json_is(entry, JSON_OBJECT))
		return false;
	take_entry(replay, entry, rest, lines->offset);
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
		take_line(&replay, line, offset);
	extent->taken = take_rest(&replay, &lines) ? bytes.len : (size_t)lines.offset;
	read = replay.any && copilot_take_document(&replay.state, bytes, path, session, extent);
	session->unknown += extent->unknown;
	return read;
}
