/* An endless stream of events that is the same each time, taken on from where a store's own cursor
 * says it is: what is there can be told from what should be. */
#ifndef TT_TESTS_EVENT_STREAM_H
#define TT_TESTS_EVENT_STREAM_H

#include "store_fixture.h"

enum { STREAM_EVENTS = 12000, STREAM_BATCH = 400 };

/* Event I of an endless deterministic stream. */
__attribute__((unused)) static struct event stream_event(struct arena *arena, int i)
{
	struct event event = event_make(arena, i % 3 ? "note" : "remark", T0 + i % 5000 * NS_PER_S,
		i < 5000 ? "a" : "b", i % 4 ? "{\"a\":1}" : "{\"a\":22}");

	event.revision = i / 10000;
	if (i % 11 == 0)
		event.id = arena_printf(arena, "odd %d", i % 3000);
	return event;
}

/* Take the stream on from the store's own cursor. */
__attribute__((unused)) static int take_stream(const struct store_options *options, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct file_cursor *cursors, cursor = { .source = STR("stream"), .path = STR("/s") };
	enum intake_result result;
	size_t count;

	if (store_open(&store, options, err) < 0 ||
		store_cursors(store, cursor.source, &arena, &cursors, &count, err) < 0 ||
		intake_begin(&intake, store, err) < 0)
		return err->code;
	for (int i = count ? (int)cursors[0].offset : 0; i < STREAM_EVENTS; i++) {
		struct event event = stream_event(&arena, i);

		if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
			return err->code;
		cursor.offset = i + 1;
		if ((i + 1) % STREAM_BATCH == 0 &&
			(intake_cursor(intake, &cursor, err) < 0 || intake_commit(intake, err) < 0))
			return err->code;
	}
	return intake_commit(intake, err);
}

/* As much of the stream as the cursor says is there, and nothing else. */
__attribute__((unused)) static int64_t check_prefix(struct fixture *f)
{
	struct store *store = fixture_open(f);
	struct fixture undisturbed;
	struct file_cursor *cursors;
	CLEANUP(buf_release) struct buf got = BUF_INIT, want = BUF_INIT;
	size_t count;
	int64_t offset;
	struct err err;

	GOOD(store_verify(store, NULL, &err));
	GOOD(store_cursors(store, STR("stream"), &f->arena, &cursors, &count, &err));
	offset = count ? cursors[0].offset : 0;
	fixture_dump(store, &got);
	store_close(store);
	fixture_begin(&undisturbed);
	store = fixture_open(&undisturbed);
	if (offset > 0) {
		struct intake *intake = NULL;
		enum intake_result result;

		GOOD(intake_begin(&intake, store, &err));
		for (int i = 0; i < offset; i++) {
			struct event event = stream_event(&undisturbed.arena, i);

			GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
		}
		GOOD(intake_commit(intake, &err));
		intake_free(intake);
	}
	fixture_dump(store, &want);
	store_close(store);
	fixture_end(&undisturbed);
	OK(str_eq(buf_str(&got), buf_str(&want)));
	return offset;
}

#endif
