/*
 * Cursor's transcripts: JSON lines {role, message}, or, of older releases, text with markers.
 *
 * Nothing in them has a time, an id or tokens. An item of JSON lines is known by its session, the
 * hash of its line and how many such lines came before; one of text by its place. A line of JSON
 * that is complete but for its newline is taken: nothing can follow it.
 */
#include "base/hash.h"
#include "collect/cursor/words.h"
#include "collect/doc.h"
#include "model/limits.h"

struct reading {
	struct agent_session *session;
	struct arena *arena;
	int64_t mtime_ns;
	struct json_parser parser;
	struct cursor_seen seen; /* lines */
	struct str key;          /* of the line at hand */
};

static struct agent_item *give(struct reading *reading, enum agent_kind kind, struct str key)
{
	struct agent_item *item = agent_item(reading->session, kind, key, reading->mtime_ns);

	item->estimated = true;
	return item;
}

/* --- items --- */

static void give_prompt(struct reading *reading, struct str key, struct str text, bool has_image)
{
	CLEANUP(buf_release) struct buf typed = BUF_INIT;
	struct agent_item *item;

	if (reading->session->parent.len > 0) /* told by its parent what to do */
		return;
	cursor_typed(&typed, text);
	if (typed.len == 0 && !has_image)
		return;
	item = give(reading, AGENT_PROMPT, key);
	item->text = arena_str(reading->arena, buf_str(&typed));
	item->has_image = has_image;
}

static void give_response(struct reading *reading, struct str key, struct str text)
{
	if (str_trim(text).len > 0)
		give(reading, AGENT_RESPONSE, key)->text = arena_str(reading->arena, text);
}

/* --- JSON lines --- */

static void give_call(struct reading *reading, const struct json *block, size_t number)
{
	struct str key = arena_printf(reading->arena, "%.*s:%zu", STR_ARG(reading->key), number);
	struct agent_item *item = give(reading, AGENT_TOOL_USE, key);

	item->tool = arena_str(reading->arena, json_get_str(block, "name"));
	item->file = arena_str(reading->arena, agent_tool_file(json_get(block, "input")));
}

/* The texts of a message's blocks; calls are given as they come. */
static void take_blocks(struct reading *reading, const struct json *content, bool assistant,
	struct buf *text, bool *has_image)
{
	static const char *const silent[] = { "thinking", "redacted_thinking", "reasoning",
		"tool_result", "image", "image_url", NULL };
	struct json_iter iter = json_iter(content);
	const struct json *block;
	struct str key;

	while (json_next(&iter, &key, &block)) {
		struct str type = json_get_str(block, "type");

		if (json_is(block, JSON_STRING))
			cursor_add_part(text, json_str(block));
		else if (str_eq(type, STR("text")))
			cursor_add_part(text, json_get_str(block, "text"));
		else if (str_eq(type, STR("tool_use")) && assistant)
			give_call(reading, block, iter.index);
		else if (!cursor_is_one_of(type, silent))
			reading->session->unknown++;
		*has_image |= str_starts(type, STR("image"));
	}
}

static void take_message(struct reading *reading, const struct json *root, bool assistant)
{
	const struct json *message = json_get(root, "message");
	const struct json *content = json_get(message ? message : root, "content");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool has_image = false;

	if (json_is(content, JSON_STRING))
		buf_add(&text, json_str(content));
	else
		take_blocks(reading, content, assistant, &text, &has_image);
	if (assistant)
		give_response(reading, reading->key, buf_str(&text));
	else
		give_prompt(reading, reading->key, buf_str(&text), has_image);
}

static void take_record(struct reading *reading, const struct json *root)
{
	static const char *const quiet_roles[] = { "system", "tool", NULL };
	static const char *const controls[] = { "turn_started", "turn_ended", NULL };
	struct str role = json_get_str(root, "role"), type = json_get_str(root, "type");

	if (str_eq(role, STR("user")) || str_eq(role, STR("assistant")))
		take_message(reading, root, str_eq(role, STR("assistant")));
	else if (!cursor_is_one_of(role, quiet_roles) &&
		 !(role.len == 0 && cursor_is_one_of(type, controls)))
		reading->session->unknown++;
}

/* False: LINE is no JSON object. */
static bool take_line(struct reading *reading, struct str line, struct err *err)
{
	uint64_t hash = hash64(line, 0);
	const struct json *root;

	if (line.len > LIMIT_LOG_LINE_BYTES) {
		err_set(err, ERR_LIMIT, "longer than any line may be");
		return false;
	}
	if (json_parse(&reading->parser, line, true, &root, err) < 0)
		return false;
	if (!json_is(root, JSON_OBJECT)) {
		err_set(err, ERR_PARSE, "no object");
		return false;
	}
	reading->key =
		arena_printf(reading->arena, "%.*s:%016llx:%lld", STR_ARG(reading->session->id),
			(unsigned long long)hash, (long long)cursor_seen(&reading->seen, hash));
	take_record(reading, root);
	return true;
}

void cursor_transcript_lines(
	struct agent_session *session, struct str bytes, int64_t mtime_ns, int64_t *taken)
{
	struct reading reading = { session, session->arena, mtime_ns,
		.seen = { .arena = session->arena } };
	struct doc_lines lines = { bytes, 0 };
	struct str line;
	int64_t offset;
	struct err err;

	while (doc_line(&lines, &line, &offset))
		if (str_trim(line).len > 0 && !take_line(&reading, line, &err))
			agent_session_bad(session, session->path, offset,
				err.code == ERR_LIMIT && line.len > LIMIT_LOG_LINE_BYTES
					? "too_long"
					: "not_json",
				err.message, line);
	*taken = lines.offset;
	line = lines.offset == 0 && str_starts(lines.rest, STR("\xef\xbb\xbf"))
		       ? str_sub(lines.rest, 3, lines.rest.len)
		       : lines.rest;
	if (str_trim(line).len == 0 || take_line(&reading, line, &err))
		*taken += (int64_t)lines.rest.len;
	json_parser_release(&reading.parser);
}

/* --- text --- */

enum place { BEFORE, PERSON, AGENT };
enum section { WORDS, THINKING, CALL, RESULT };

struct text_reading {
	struct reading reading;
	enum place place;
	enum section section;
	struct buf words;
	bool in_query; /* within <user_query>: whatever it looks like, it was typed */
	size_t number; /* of the next item */
	size_t call;   /* index of the last call's item + 1 */
};

static struct str next_key(struct text_reading *text)
{
	return arena_printf(text->reading.arena, "%.*s:%zu", STR_ARG(text->reading.session->id),
		text->number++);
}

static void end_words(struct text_reading *text)
{
	struct str words = str_trim(buf_str(&text->words));

	if (words.len > 0 && text->place == PERSON)
		give_prompt(&text->reading, next_key(text), words, false);
	else if (words.len > 0 && text->place == AGENT)
		give_response(&text->reading, next_key(text), words);
	buf_clear(&text->words);
}

static void begin_part(struct text_reading *text, enum place place)
{
	end_words(text);
	text->place = place;
	text->section = WORDS;
	text->call = 0;
}

static void begin_call(struct text_reading *text, struct str name)
{
	struct agent_item *item = give(&text->reading, AGENT_TOOL_USE, next_key(text));

	item->tool = arena_str(text->reading.arena, str_trim(name));
	text->call = text->reading.session->count;
	text->section = CALL;
}

/* `  path: app.py` */
static void take_argument(struct text_reading *text, struct str line)
{
	static const char *const keys[] = { "file_path", "path", "target_file", "filename", NULL };
	struct str rest = str_trim(line), key = str_split(&rest, ':');
	struct agent_item *item;

	if (text->call == 0 || !cursor_is_one_of(key, keys))
		return;
	item = &text->reading.session->items[text->call - 1];
	if (item->file.len == 0)
		item->file = arena_str(text->reading.arena, str_trim(rest));
}

static bool take_marker(struct text_reading *text, struct str line)
{
	static const struct {
		const char *marker;
		enum section section;
	} markers[] = { { "[Thinking]", THINKING }, { "[Tool call]", CALL },
		{ "[Tool result]", RESULT } };

	for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
		struct str marker = str_from(markers[i].marker);

		if (!str_starts(line, marker))
			continue;
		text->section = markers[i].section;
		if (text->section == CALL)
			begin_call(text, str_sub(line, marker.len, line.len));
		return true;
	}
	return false;
}

static void take_words(struct text_reading *text, struct str line)
{
	bool indented = line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');

	if (text->section == CALL && indented) {
		take_argument(text, line);
		return;
	}
	/* Thoughts and arguments end with their paragraph; a result with the next marker. */
	if (line.len == 0 && text->section != RESULT)
		text->section = WORDS;
	else if (text->section == CALL)
		text->section = WORDS;
	if (text->section != WORDS)
		return;
	buf_add(&text->words, line);
	buf_byte(&text->words, '\n');
}

static void take_text_line(struct text_reading *text, struct str line)
{
	if (text->place == PERSON && str_find_str(line, STR("<user_query>")) >= 0)
		text->in_query = true;
	if (text->in_query) {
		take_words(text, line);
		text->in_query = str_find_str(line, STR("</user_query>")) < 0;
	} else if (str_eq(line, STR("user:"))) {
		begin_part(text, PERSON);
	} else if (str_eq(line, STR("assistant:"))) {
		begin_part(text, AGENT);
	} else if (text->place != AGENT || !take_marker(text, line)) {
		take_words(text, line);
	}
}

void cursor_transcript_text(
	struct agent_session *session, struct str bytes, int64_t mtime_ns, int64_t *taken)
{
	struct text_reading text = { .reading = { session, session->arena, mtime_ns,
					     .seen = { .arena = session->arena } } };
	struct doc_lines lines = { bytes, 0 };
	struct str line;
	int64_t offset;

	while (doc_line(&lines, &line, &offset))
		take_text_line(&text, line);
	if (lines.rest.len > 0)
		take_text_line(&text, lines.rest);
	end_words(&text);
	*taken = (int64_t)bytes.len;
	buf_release(&text.words);
}
