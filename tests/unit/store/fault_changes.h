/* What is done while something fails: every kind of change that an intake makes, and what the store
 * holds before. */
#ifndef TT_TESTS_FAULT_CHANGES_H
#define TT_TESTS_FAULT_CHANGES_H

#include "aw_fixture.h"

/* Events 0 to 19 and an odd one. */
__attribute__((unused)) static void change_first(struct store *store, struct arena *arena)
{
	struct intake *intake = NULL;
	enum intake_result result;
	struct err err;

	GOOD(intake_begin(&intake, store, &err));
	for (int i = 0; i <= 20; i++) {
		struct event event = event_make(arena, "note", T0 + i * NS_PER_S, "n", "{\"a\":0}");

		if (i == 20)
			event.id = STR("odd");
		GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
}

/* Everything an intake does with events, after change_first: with COUNT of them, ten at least. */
__attribute__((unused)) static int change_intake(
	struct intake *intake, int count, struct arena *arena, struct err *err)
{
	struct file_cursor cursor = { .source = STR("s"), .path = STR("/p"), .offset = 5 };
	enum intake_result result;

	for (int i = 0; i < count; i++) {
		struct event event = event_make(arena, i % 2 ? "note" : "remark",
			T0 + i / 2 * NS_PER_S, "n", i % 3 ? "{\"a\":1}" : "{\"a\":2}");

		event.revision = i % 2;
		if (i % 10 == 4)
			event.id = arena_printf(arena, "odd %d", i);
		event.deleted = i % 10 == 7;
		if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
			return err->code;
	}
	if (intake_withdraw(intake, STR("odd"), err) < 0 ||
		intake_cursor(intake, &cursor, err) < 0 ||
		intake_memo_put(intake, STR("s"), STR("k"), STR("v"), err) < 0)
		return err->code;
	return intake_commit(intake, err);
}

/* --- the ActivityWatch view --- */

__attribute__((unused)) static void change_aw_first(struct store *store)
{
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b"), doomed = make_bucket(intake, "doomed");
	struct err err;

	for (int i = 0; i < 10; i++) {
		put(intake, b, T0 - i * S, S, "{}");
		put(intake, doomed, T0 - i * S, S, "{\"d\":1}");
	}
	GOOD(aw_setting_put(intake, STR("old"), STR("1"), &err));
	commit(intake);
	intake_free(intake);
}

static int change_aw_events(struct intake *intake, int64_t b, struct err *err)
{
	struct aw_event event;
	bool removed, added;

	for (int i = 0; i < 12; i++) {
		event = aw_make_event(T0 + i * S, S, i % 2 ? "{\"a\":1}" : "{\"a\":2}");
		if (aw_insert(intake, b, &event, err) < 0 ||
			aw_heartbeat(intake, b, &event, 0, err) < 0)
			return err->code;
	}
	event = aw_make_event(T0 + 100 * S, S, "{\"b\":1}");
	event.number = 3;
	if (aw_replace(intake, b, &event, err) < 0 || aw_remove(intake, b, 5, &removed, err) < 0 ||
		aw_merge(intake, b, &event, &added, err) < 0)
		return err->code;
	event = aw_make_event(T0 + 101 * S, S, "{\"b\":1}");
	return aw_heartbeat(intake, b, &event, S, err);
}

static int insert_one(struct intake *intake, int64_t b, struct err *err)
{
	struct aw_event event = aw_make_event(T0, S, "{}");

	return aw_insert(intake, b, &event, err);
}

/* Everything the ActivityWatch view writes, after change_aw_first. */
__attribute__((unused)) static int change_aw(struct intake *intake, struct err *err)
{
	struct aw_bucket bucket = {
		.id = STR("new"), .type = STR("u"), .machine_id = STR(MACHINE_A)
	};
	int64_t b;
	bool made;

	if (aw_target(intake, STR("b"), &b, err) < 0 || change_aw_events(intake, b, err) < 0 ||
		aw_make(intake, &bucket, &made, err) < 0 ||
		insert_one(intake, bucket.bucket_no, err) < 0 ||
		aw_change(intake, b, &bucket, err) < 0 ||
		aw_setting_put(intake, STR("k"), STR("[]"), err) < 0 ||
		aw_setting_put(intake, STR("old"), (struct str){ NULL, 0 }, err) < 0 ||
		aw_target(intake, STR("doomed"), &b, err) < 0 || aw_delete(intake, b, err) < 0)
		return err->code;
	return intake_commit(intake, err);
}

__attribute__((unused)) static void dump_aw(
	struct store *store, struct arena *arena, struct buf *out)
{
	struct aw_bucket *all;
	struct aw_setting *settings;
	size_t count;
	struct err err;

	GOOD(aw_buckets(store, arena, &all, &count, &err));
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "\n%.*s %.*s %lld %lld:", STR_ARG(all[i].id), STR_ARG(all[i].type),
			(long long)all[i].events, (long long)all[i].end_ns);
		list_range(store, range_all(all[i].bucket_no), out);
	}
	GOOD(aw_settings(store, arena, &settings, &count, &err));
	for (size_t i = 0; i < count; i++)
		buf_printf(
			out, "\n%.*s=%.*s", STR_ARG(settings[i].key), STR_ARG(settings[i].value));
}

#endif
