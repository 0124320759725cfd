/* Decoded once, so that a bench measures what comes after. */
#include "event_list.h"

#include "base/fs.h"
#include "model/codec.h"

static struct event keep(struct arena *arena, const struct event *event)
{
	struct event copy = *event;

	copy.id = arena_str(arena, event->id);
	copy.source = arena_str(arena, event->source);
	copy.type = arena_str(arena, event->type);
	copy.data = arena_str(arena, event->data);
	return copy;
}

static int decode(struct str text, struct arena *arena, struct event_list *out, struct err *err)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	size_t lines = 0;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	out->events = arena_zalloc(arena, lines + 1, sizeof(*out->events));
	while (text.len > 0) {
		int rc = wire_decode(
			&decoder, str_split(&text, '\n'), (struct str){ 0 }, &line, err);

		if (rc < 0)
			return rc;
		if (line.kind == WIRE_EVENT)
			out->events[out->count++] = keep(arena, &line.event);
	}
	wire_decoder_release(&decoder);
	return 0;
}

int event_list_read(const char *path, struct arena *arena, struct event_list *out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	*out = (struct event_list){ 0 };
	if (fs_read(path, SIZE_MAX / 2, &text, err) < 0)
		return err->code;
	return decode(buf_str(&text), arena, out, err);
}
