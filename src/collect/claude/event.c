/*
 * Writing events' data; the taxonomy is that of docs/events.md. An event that is to be given in
 * this batch is only memory, so that making it again, as more of a response is read, costs nothing
 * in the store.
 */
#include "collect/claude/event.h"

#define CANCELLED ",\"cancelled\":true"

/* --- what all have --- */

static void put_text(struct json_writer *writer, const char *key, struct str value)
{
	if (value.len > 0)
		json_kv_str(writer, key, value);
}

static void put_mark(struct json_writer *writer, const char *key, bool value)
{
	if (value)
		json_kv_bool(writer, key, true);
}

/* Written once per session: the members that all its events begin with. */
static void write_members(const struct claude_event *event)
{
	struct claude_session *session = event->session;
	struct buf *text = &event->round->text;
	struct json_writer writer = json_writer(text);

	buf_clear(text);
	json_begin_object(&writer);
	json_kv_str(&writer, "agent", STR("claude-code"));
	json_kv_str(&writer, "session_id", session->id);
	put_text(&writer, "parent_session_id", session->parent);
	session->members =
		arena_str(&event->round->sessions_arena, str_sub(buf_str(text), 1, text->len));
}

static struct json_writer begin(const struct claude_event *event)
{
	struct json_writer writer;

	if (event->session->members.len == 0)
		write_members(event);
	buf_clear(&event->round->text);
	writer = json_writer(&event->round->text);
	json_begin_object(&writer);
	json_put_raw(&writer, event->session->members);
	return writer;
}

/* Written once as long as place and branch are the same: the members that all events there end
 * with. */
static struct str ending(const struct claude_event *event)
{
	struct claude_round *round = event->round;
	struct str branch = event->record->git_branch;
	struct json_writer writer = json_writer(&round->ending);

	if (event->place == round->ending_place && str_eq(branch, buf_str(&round->ending_branch)))
		return str_sub(buf_str(&round->ending), 1, round->ending.len);
	round->ending_place = event->place;
	buf_clear(&round->ending_branch);
	buf_add(&round->ending_branch, branch);
	buf_clear(&round->ending);
	json_begin_object(&writer);
	put_text(&writer, "cwd", event->place->cwd);
	put_text(&writer, "git_project", event->place->project);
	put_text(&writer, "git_branch", branch);
	return str_sub(buf_str(&round->ending), 1, round->ending.len);
}

/* The mark of a cancelled turn stands last: it may be added when the event is written already. */
static void end(const struct claude_event *event, struct json_writer *writer)
{
	struct claude_item *item = event->item;
	struct str members = ending(event);

	if (members.len > 0)
		json_put_raw(writer, members);
	put_mark(writer, "implausible_time", event->record->implausible_time);
	put_mark(writer, "cancelled", item->cancelled);
	json_end_object(writer);
	item->data =
		arena_str(claude_memory_arena(event->round->memory), buf_str(&event->round->text));
	item->path = event->path;
	item->offset = event->offset;
}

/* --- by kind --- */

static void put_human_text(const struct claude_event *event, struct json_writer *writer)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (event->place->text == TEXT_NONE || event->record->length == 0)
		return;
	claude_record_text(event->record, &text);
	json_kv_str(writer, "text", claude_kept_text(buf_str(&text), event->place->text));
}

void claude_event_prompt(const struct claude_event *event)
{
	struct json_writer writer = begin(event);
	const struct claude_record *record = event->record;

	json_kv_i64(&writer, "length", record->length);
	json_kv_bool(&writer, "has_image", record->has_image);
	put_text(&writer, "prompt_source", record->prompt_source);
	put_mark(&writer, "queued", record->queued);
	put_mark(&writer, "command", record->command.len > 0);
	put_human_text(event, &writer);
	end(event, &writer);
}

void claude_event_response(const struct claude_event *event)
{
	struct json_writer writer = begin(event);
	const struct claude_record *record = event->record;

	put_text(&writer, "model", record->model);
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		if (event->item->tokens[i] >= 0)
			json_kv_i64(&writer, claude_token_key(i), event->item->tokens[i]);
	put_text(&writer, "request_id", record->request_id);
	put_text(&writer, "stop_reason", record->stop_reason);
	put_text(&writer, "text", event->item->text);
	end(event, &writer);
}

void claude_event_call(const struct claude_event *event, const struct claude_tools *tool)
{
	struct json_writer writer = begin(event);

	put_text(&writer, "tool", tool->name);
	put_text(&writer, "tool_class", claude_round_tool_class(event->round, tool->name));
	put_text(&writer, "file", tool->file);
	put_text(&writer, "model", event->record->model);
	end(event, &writer);
}

void claude_event_tool_error(const struct claude_event *event, const struct claude_tools *tool)
{
	struct json_writer writer = begin(event);

	put_text(&writer, "tool_use_id", tool->id);
	put_text(&writer, "tool", tool->name);
	end(event, &writer);
}

void claude_event_api_error(const struct claude_event *event)
{
	struct json_writer writer = begin(event);

	put_text(&writer, "error", event->record->error);
	end(event, &writer);
}

/* --- what is added later --- */

/* The text of the event that ITEM has; empty when it has none. */
static int stored_text(struct claude_round *round, const struct claude_item *item, struct str *out,
	struct err *err)
{
	const struct json *root;
	struct str data;

	*out = (struct str){ NULL, 0 };
	if (claude_round_data(round, item, &data, err) < 0)
		return err->code;
	if (data.len == 0)
		return 0;
	if (json_parse(&round->parser, data, true, &root, err) < 0)
		return err_context(err, "reading what was stored of a Claude record");
	*out = json_get_str(root, "text");
	return 0;
}

/* Of a summary nothing but the beginning counts; and what is there already is not added again when
 * a file is read another time. */
static bool is_text_complete(struct str text, struct str more, enum collect_text how)
{
	return more.len == 0 || (how == TEXT_SUMMARY && text.len > 0) ||
	       str_find_str(text, more) >= 0;
}

int claude_event_add_text(const struct claude_event *event, bool *changed, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, more = BUF_INIT;
	struct claude_item *item = event->item;
	struct arena *arena = claude_memory_arena(event->round->memory);
	enum collect_text how = event->place->text;

	*changed = false;
	if (how == TEXT_NONE)
		return 0;
	if (item->data.len == 0 && item->stored) {
		if (stored_text(event->round, item, &item->text, err) < 0)
			return err->code;
		item->text = arena_str(arena, item->text);
	}
	claude_record_text(event->record, &more);
	if (is_text_complete(item->text, claude_kept_text(buf_str(&more), how), how))
		return 0;
	buf_add(&text, item->text);
	if (text.len > 0)
		buf_byte(&text, '\n');
	buf_add(&text, buf_str(&more));
	if (str_eq(claude_kept_text(buf_str(&text), how), item->text))
		return 0; /* as much as is kept was there */
	item->text = arena_str(arena, claude_kept_text(buf_str(&text), how));
	*changed = true;
	return 0;
}

int claude_event_cancel(struct claude_round *round, struct claude_item *item, struct err *err)
{
	struct str data;

	if (claude_round_data(round, item, &data, err) < 0)
		return err->code;
	item->cancelled = item->changed = true;
	if (data.len == 0)
		return 0;
	ASSERT(data.ptr[data.len - 1] == '}');
	buf_clear(&round->text);
	buf_add(&round->text, str_sub(data, 0, data.len - 1));
	buf_addc(&round->text, CANCELLED "}");
	item->data = arena_str(claude_memory_arena(round->memory), buf_str(&round->text));
	item->revision++;
	return 0;
}
