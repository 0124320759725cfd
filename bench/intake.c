/*
 * The rate of the intake alone: events are decoded first, then taken into a new store in batches,
 * each batch durable.
 *
 *   intake EVENTS.jsonl STORE     prints events per second
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "model/codec.h"
#include "model/limits.h"
#include "store/intake.h"

struct list {
	struct event *events;
	size_t count;
};

static struct event keep(struct arena *arena, const struct event *event)
{
	struct event copy = *event;

	copy.id = arena_str(arena, event->id);
	copy.source = arena_str(arena, event->source);
	copy.type = arena_str(arena, event->type);
	copy.data = arena_str(arena, event->data);
	return copy;
}

static int decode(struct str text, struct arena *arena, struct list *out, struct err *err)
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

static int take_all(const struct list *list, const char *path, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct quarantine_entry origin = { .source = STR("bench") };
	enum intake_result result;
	int rc = store_open(&store, &(struct store_options){ .url = path }, err);

	if (rc == 0)
		rc = intake_begin(&intake, store, err);
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		rc = intake_event(intake, &list->events[i], &origin, &result, err);
		if (rc == 0 && intake_pending(intake) >= LIMIT_INTAKE_BATCH)
			rc = intake_commit(intake, err);
	}
	return rc < 0 ? rc : intake_commit(intake, err);
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct buf text = BUF_INIT;
	struct list list = { 0 };
	struct err err = { 0 };
	int64_t began_ns;

	if (argc != 3) {
		fprintf(stderr, "usage: intake EVENTS.jsonl STORE\n");
		return 2;
	}
	if (fs_read(argv[1], SIZE_MAX / 2, &text, &err) < 0 ||
		decode(buf_str(&text), &arena, &list, &err) < 0) {
		fprintf(stderr, "intake: %s\n", err.message);
		return 1;
	}
	began_ns = clock_monotonic_ns();
	if (take_all(&list, argv[2], &err) < 0) {
		fprintf(stderr, "intake: %s\n", err.message);
		return 1;
	}
	printf("%.0f\n", (double)list.count * 1e9 / (double)(clock_monotonic_ns() - began_ns));
	return 0;
}
