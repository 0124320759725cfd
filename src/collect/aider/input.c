/*
 * The history of inputs, and what it tells of a session's times.
 *
 *   # 2026-03-10 09:00:10.123456
 *   +the first line
 *   +the second line
 *
 * Everything is in the local time of the machine without its zone, so entries and sessions are held
 * against each other as they are, and only what was matched is converted.
 */
#include <stdlib.h>

#include "collect/aider/aider.h"
#include "collect/doc.h"

struct reader {
	struct arena *arena;
	struct aider_inputs out;
	struct buf text;
	struct aider_input now; /* being read, if `open` */
	bool open;
};

static void end_input(struct reader *reader)
{
	struct aider_inputs *out = &reader->out;

	if (!reader->open || reader->text.len == 0)
		return;
	if (out->count == out->capacity) {
		size_t capacity = out->capacity * 2 + 64;
		struct aider_input *grown = arena_zalloc(reader->arena, capacity, sizeof(*grown));

		if (out->count > 0)
			memcpy(grown, out->items, out->count * sizeof(*grown));
		out->items = grown;
		out->capacity = capacity;
	}
	reader->now.text = arena_str(reader->arena, str_trim(buf_str(&reader->text)));
	reader->now.number = out->count;
	out->items[out->count++] = reader->now;
}

static void take_line(struct reader *reader, struct str line, int64_t offset)
{
	struct aider_clock at;

	if (str_starts(line, STR("# ")) && aider_clock(str_trim(str_sub(line, 2, line.len)), &at)) {
		end_input(reader);
		reader->open = true;
		reader->now = (struct aider_input){ .at = at, .offset = offset };
		buf_clear(&reader->text);
	} else if (str_starts(line, STR("+"))) {
		line = str_sub(line, 1, line.len);
		while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]))
			line.len--;
		buf_add(&reader->text, line);
		buf_byte(&reader->text, '\n');
	}
}

static int by_time(const void *left, const void *right)
{
	const struct aider_input *a = left, *b = right;

	if (a->at.local_ns != b->at.local_ns)
		return a->at.local_ns < b->at.local_ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

struct aider_inputs aider_inputs(struct arena *arena, struct str bytes)
{
	struct reader reader = { .arena = arena };
	struct doc_lines lines = { bytes, 0 };
	struct str line;
	int64_t offset;

	while (doc_line(&lines, &line, &offset))
		take_line(&reader, line, offset);
	/* An entry is written in one piece: before a line that is not complete it is not either. */
	if (lines.rest.len == 0)
		end_input(&reader);
	reader.out.taken = lines.rest.len == 0 || !reader.open ? lines.offset : reader.now.offset;
	if (reader.out.count > 1)
		qsort(reader.out.items, reader.out.count, sizeof(*reader.out.items), by_time);
	buf_release(&reader.text);
	return reader.out;
}

/* The first entry at LOCAL_NS or later. */
static size_t first_at(const struct aider_inputs *inputs, int64_t local_ns)
{
	size_t low = 0, high = inputs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (inputs->items[middle].at.local_ns < local_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t instant_of(const struct zone *zone, const struct aider_clock *clock)
{
	return zone_instant(zone, clock->date, clock->second) + clock->local_ns % NS_PER_S;
}

void aider_set_times(struct aider_chat *chat, const struct aider_inputs *inputs, int64_t until_ns,
	const struct zone *zone)
{
	struct agent_session *session = &chat->session;
	size_t next = chat->headed ? first_at(inputs, chat->start.local_ns) : inputs->count;
	int64_t now = AGENT_NO_TIME;

	if (chat->headed)
		now = session->started_ns = instant_of(zone, &chat->start);
	for (size_t i = 0; i < session->count; i++) {
		struct agent_item *item = &session->items[i];
		size_t at = next;

		while (item->kind == AGENT_PROMPT && at < inputs->count &&
			inputs->items[at].at.local_ns < until_ns &&
			!str_eq(inputs->items[at].text, item->text))
			at++;
		item->estimated = item->kind != AGENT_PROMPT || at == inputs->count ||
				  inputs->items[at].at.local_ns >= until_ns;
		if (!item->estimated) {
			now = instant_of(zone, &inputs->items[at].at);
			next = at + 1;
		}
		item->at_ns = now;
	}
}
