/* Records: what is put is there, strength decides, bad values never get in. */
#include "store/records.h"

#include <unistd.h>

#include "base/mem.h"
#include "store_place.h"
#include "tap.h"

#define S1 "aaaaaaaa-0000-4000-8000-000000000001"
#define S2 "aaaaaaaa-0000-4000-8000-000000000002"

struct opened {
	char dir[64];
	struct store_place place;
	struct store *store;
	struct arena arena;
	struct err err;
};

static void reopen(struct opened *opened)
{
	const struct store_options options = store_place_options(&opened->place);

	store_close(opened->store);
	if (store_open(&opened->store, &options, &opened->err) < 0) {
		printf("# %s\n", opened->err.message);
		abort();
	}
}

static struct opened open_new(void)
{
	struct opened opened = { .dir = "/tmp/tt-records-XXXXXX" };
	char path[128];

	if (!mkdtemp(opened.dir))
		abort();
	snprintf(path, sizeof(path), "sqlite:%s/tt.db", opened.dir);
	store_place_make(&opened.place, path);
	reopen(&opened);
	return opened;
}

static void close_all(struct opened *opened)
{
	static const char *const files[] = { "tt.db", "tt.db-wal", "tt.db-shm" };
	char path[128];

	store_close(opened->store);
	arena_release(&opened->arena);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", opened->dir, files[i]);
		unlink(path);
	}
	rmdir(opened->dir);
}

#define OK_RC(opened, call)                                                                        \
	((call) >= 0 ? OK(true) : tap_check(0, __FILE__, __LINE__, "%s", (opened)->err.message))

static void streams(void)
{
	struct opened opened = open_new();
	struct stream_record record = { .stream_id = STR(S1),
		.name = STR("one"),
		.anchor_id = STR("event"),
		.created_ns = 1,
		.updated_ns = 2 };
	struct stream_record *list;
	struct store_info before, after;
	size_t count;
	bool changed, found;

	OK_RC(&opened, store_info(opened.store, &before, &opened.err));
	OK_RC(&opened, records_stream_put(opened.store, &record, &opened.err));
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("b"), true, &changed, &opened.err));
	OK(changed);
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("a"), true, &changed, &opened.err));
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("a"), true, &changed, &opened.err));
	OK(!changed);
	record.name = STR("renamed");
	record.merged_into = STR(S2);
	OK_RC(&opened, records_stream_put(opened.store, &record, &opened.err));
	record = (struct stream_record){ .stream_id = STR(S2) };
	OK_RC(&opened, records_stream_put(opened.store, &record, &opened.err));
	OK_RC(&opened, records_tags_copy(opened.store, STR(S1), STR(S2), &opened.err));
	OK_RC(&opened, store_info(opened.store, &after, &opened.err));
	OK(after.last_seq >= before.last_seq + 6);
	reopen(&opened);
	OK_RC(&opened, records_streams(opened.store, &opened.arena, &list, &count, &opened.err));
	if (!OK(count == 2))
		return;
	IS_STR(list[0].stream_id, S1);
	IS_STR(list[0].name, "renamed");
	IS_STR(list[0].anchor_id, "event");
	IS_STR(list[0].merged_into, S2);
	IS_INT(list[0].created_ns, 1);
	IS_INT(list[0].updated_ns, 2);
	if (OK(list[0].tag_count == 2 && list[1].tag_count == 2)) {
		IS_STR(list[0].tags[0], "a");
		IS_STR(list[1].tags[1], "b");
	}
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("a"), false, &changed, &opened.err));
	OK(changed);
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("a"), false, &changed, &opened.err));
	OK(!changed);
	OK_RC(&opened, records_stream_delete(opened.store, STR(S1), &opened.err));
	IS_INT(records_stream_delete(opened.store, STR(S1), &opened.err), ERR_NOT_FOUND);
	OK_RC(&opened, records_stream_find(
			       opened.store, STR(S1), &opened.arena, &record, &found, &opened.err));
	OK(!found);
	OK_RC(&opened, records_stream_find(
			       opened.store, STR(S2), &opened.arena, &record, &found, &opened.err));
	OK(found);
	close_all(&opened);
}

static void all_or_nothing(void)
{
	struct opened opened = open_new();
	const struct stream_record record = { .stream_id = STR(S1) };
	struct stream_record *list;
	size_t count;
	bool changed;

	OK_RC(&opened, records_begin(opened.store, &opened.err));
	OK_RC(&opened, records_stream_put(opened.store, &record, &opened.err));
	OK_RC(&opened, records_tag(opened.store, STR(S1), STR("a"), true, &changed, &opened.err));
	records_rollback(opened.store);
	OK_RC(&opened, records_streams(opened.store, &opened.arena, &list, &count, &opened.err));
	IS_INT(count, 0);
	OK_RC(&opened, records_begin(opened.store, &opened.err));
	OK_RC(&opened, records_stream_put(opened.store, &record, &opened.err));
	OK_RC(&opened, records_commit(opened.store, &opened.err));
	reopen(&opened);
	OK_RC(&opened, records_streams(opened.store, &opened.arena, &list, &count, &opened.err));
	IS_INT(count, 1);
	close_all(&opened);
}

static void bad_values(void)
{
	struct opened opened = open_new();
	char text[258];
	bool changed;

	memset(text, 'x', sizeof(text));
	IS_INT(record_check_name((struct str){ text, 256 }, &opened.err), 0);
	IS_INT(record_check_name((struct str){ text, 257 }, &opened.err), ERR_USAGE);
	IS_INT(record_check_name(STR("Größe 1/2: ok"), &opened.err), 0);
	IS_INT(record_check_name(STR(" \t"), &opened.err), ERR_USAGE);
	IS_INT(record_check_name(STR("a\x7f"), &opened.err), ERR_USAGE);
	IS_INT(record_check_name(STR("\xff"), &opened.err), ERR_USAGE);
	IS_INT(record_check_tag((struct str){ text, 64 }, &opened.err), 0);
	IS_INT(record_check_tag((struct str){ text, 65 }, &opened.err), ERR_USAGE);
	IS_INT(record_check_tag(STR("a_B-9:./"), &opened.err), 0);
	IS_INT(record_check_tag(STR(""), &opened.err), ERR_USAGE);
	IS_INT(record_check_tag(STR("a b"), &opened.err), ERR_USAGE);
	IS_INT(record_check_tag(STR("\xc3\xa4"), &opened.err), ERR_USAGE);
	IS_INT(record_check_tag((struct str){ "a\0", 2 }, &opened.err), ERR_USAGE);
	IS_INT(records_tag(opened.store, STR(S1), STR("a b"), true, &changed, &opened.err),
		ERR_USAGE);
	IS_INT(records_stream_put(opened.store,
		       &(struct stream_record){ .stream_id = STR(S1), .name = STR("\n") },
		       &opened.err),
		ERR_USAGE);
	close_all(&opened);
}

static bool assign(struct opened *opened, const char *stream, enum assigned_by by)
{
	const struct event_assignment event = { STR("e"), 5, str_from(stream), by };
	const struct session_assignment session = { STR("m"), STR("s"), str_from(stream), by };
	bool changed_event = false, changed_session = false;

	OK_RC(opened, records_assign_event(opened->store, &event, &changed_event, &opened->err));
	OK_RC(opened,
		records_assign_session(opened->store, &session, &changed_session, &opened->err));
	IS_INT(changed_event, changed_session);
	return changed_event;
}

static void assignments(void)
{
	struct opened opened = open_new();
	struct event_assignment *events;
	struct session_assignment *sessions;
	size_t count;

	OK(assign(&opened, S1, BY_PROGRAM));
	OK(!assign(&opened, S1, BY_PROGRAM));
	OK(assign(&opened, S2, BY_PROGRAM));
	OK(assign(&opened, S2, BY_PERSON));
	OK(!assign(&opened, S1, BY_PROGRAM));
	OK(!assign(&opened, S2, BY_PERSON));
	OK(assign(&opened, S1, BY_PERSON));
	OK_RC(&opened, records_event_assignments(
			       opened.store, 0, 0, &opened.arena, &events, &count, &opened.err));
	if (OK(count == 1)) {
		IS_STR(events[0].event_id, "e");
		IS_STR(events[0].stream_id, S1);
		IS_INT(events[0].start_ns, 5);
		IS_INT(events[0].by, BY_PERSON);
	}
	OK_RC(&opened, records_event_assignments(
			       opened.store, 5, 6, &opened.arena, &events, &count, &opened.err));
	IS_INT(count, 1);
	OK_RC(&opened, records_event_assignments(
			       opened.store, 6, 9, &opened.arena, &events, &count, &opened.err));
	IS_INT(count, 0);
	OK_RC(&opened, records_event_assignments(
			       opened.store, 1, 5, &opened.arena, &events, &count, &opened.err));
	IS_INT(count, 0);
	OK_RC(&opened, records_session_assignments(
			       opened.store, &opened.arena, &sessions, &count, &opened.err));
	if (OK(count == 1)) {
		IS_STR(sessions[0].machine_id, "m");
		IS_STR(sessions[0].session_id, "s");
		IS_STR(sessions[0].stream_id, S1);
		IS_INT(sessions[0].by, BY_PERSON);
	}
	/* Of events that are not here, nothing is known better. */
	OK_RC(&opened, records_assignments_settle(opened.store, &opened.err));
	OK_RC(&opened, records_event_assignments(
			       opened.store, 5, 6, &opened.arena, &events, &count, &opened.err));
	IS_INT(count, 1);
	/* A stream that is deleted takes what was assigned to it along. */
	OK_RC(&opened, records_stream_put(opened.store,
			       &(struct stream_record){ .stream_id = STR(S1) }, &opened.err));
	OK_RC(&opened, records_stream_delete(opened.store, STR(S1), &opened.err));
	OK_RC(&opened, records_event_assignments(
			       opened.store, 0, 0, &opened.arena, &events, &count, &opened.err));
	IS_INT(count, 0);
	close_all(&opened);
}

static void rules(void)
{
	struct opened opened = open_new();
	const struct str tags[] = { STR_INIT("z"), STR_INIT("a") };
	const struct str bad[] = { STR_INIT("ok"), STR_INIT("not ok") };
	struct rule_record *list;
	size_t count;
	int64_t first, second, third;

	OK_RC(&opened,
		records_rule_add(opened.store, STR("~/work/**"), tags, 2, &first, &opened.err));
	OK_RC(&opened, records_rule_add(opened.store, STR("/h"), tags, 1, &second, &opened.err));
	OK(second > first);
	IS_INT(records_rule_add(opened.store, STR("[x"), tags, 1, &third, &opened.err), ERR_PARSE);
	IS_INT(records_rule_add(opened.store, STR("/h"), tags, 0, &third, &opened.err), ERR_USAGE);
	IS_INT(records_rule_add(opened.store, STR("/h"), bad, 2, &third, &opened.err), ERR_USAGE);
	OK_RC(&opened, records_rules(opened.store, &opened.arena, &list, &count, &opened.err));
	if (OK(count == 2 && list[0].tag_count == 2 && list[1].tag_count == 1)) {
		IS_STR(list[0].glob, "~/work/**");
		IS_STR(list[0].tags[0], "z");
		IS_STR(list[0].tags[1], "a");
		IS_INT(list[1].rule_no, second);
	}
	OK_RC(&opened, records_rule_remove(opened.store, second, &opened.err));
	IS_INT(records_rule_remove(opened.store, second, &opened.err), ERR_NOT_FOUND);
	/* A number is never used again. */
	OK_RC(&opened, records_rule_add(opened.store, STR("/h"), tags, 1, &third, &opened.err));
	OK(third > second);
	close_all(&opened);
}

static const struct tap_case cases[] = {
	TAP_CASE(streams),
	TAP_CASE(all_or_nothing),
	TAP_CASE(bad_values),
	TAP_CASE(assignments),
	TAP_CASE(rules),
};
TAP_MAIN(cases)
