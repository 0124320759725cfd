/* Buckets of the ActivityWatch view: making, names, ends, deletion, settings. */
#include "aw_fixture.h"

#include "store/retention.h"
#include "store/users.h"

static struct aw_bucket find(struct fixture *f, struct store *store, const char *id)
{
	struct aw_bucket bucket = { 0 };
	struct err err;

	GOOD(aw_bucket_find(store, str_from(id), &f->arena, &bucket, &err));
	return bucket;
}

static void missing(struct fixture *f, struct store *store, const char *id)
{
	struct aw_bucket bucket;
	struct err err;

	FAILS(aw_bucket_find(store, str_from(id), &f->arena, &bucket, &err), ERR_NOT_FOUND);
}

/* All ids, in order. */
static void ids_are(struct fixture *f, struct store *store, const char *want)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct aw_bucket *all;
	size_t count;
	struct err err;

	GOOD(aw_buckets(store, &f->arena, &all, &count, &err));
	for (size_t i = 0; i < count; i++) {
		buf_printf(&got, "%s%.*s%s", i > 0 ? " " : "", STR_ARG(all[i].id),
			all[i].writable ? "!" : "");
		IS_INT(find(f, store, arena_cstr(&f->arena, all[i].id)).bucket_no,
			all[i].bucket_no);
	}
	IS_STR(buf_str(&got), want);
}

static struct event foreign(struct fixture *f, const char *machine, const char *source,
	const char *type, int64_t start_ns)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct event event = { .source = str_from(source),
		.type = str_from(type),
		.start_ns = start_ns,
		.data = STR("{}") };

	id_build(&id, str_from(machine), event.source, event.type, start_ns, STR("x"));
	event.id = arena_str(&f->arena, buf_str(&id));
	return event;
}

static void made_once(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct aw_bucket bucket, again = {
		.id = STR("w:%\xc3\xa9"), .type = STR("other"), .machine_id = STR(MACHINE_A)
	};
	int64_t no, target;
	bool made;
	struct err err;

	no = make_bucket(intake, "w:%\xc3\xa9");
	GOOD(aw_make(intake, &again, &made, &err));
	OK(!made);
	IS_INT(again.bucket_no, no);
	GOOD(aw_target(intake, STR("w:%\xc3\xa9"), &target, &err));
	IS_INT(target, no);
	FAILS(aw_target(intake, STR("none"), &target, &err), ERR_NOT_FOUND);
	commit(intake);
	bucket = find(&f, store, "w:%\xc3\xa9");
	IS_STR(bucket.type, "t");
	IS_STR(bucket.client, "client");
	IS_STR(bucket.hostname, "host");
	IS_STR(bucket.data, "{\"k\":1}");
	IS_INT(bucket.created_ns, 77);
	IS_STR(bucket.machine_id, MACHINE_A);
	OK(bucket.writable && bucket.first_ns == INT64_MIN && bucket.end_ns == INT64_MIN &&
		bucket.newest_end_ns == INT64_MIN && bucket.newest_start_ns == INT64_MIN);
	put(intake, no, T0, S, "{}");
	commit(intake);
	{
		struct store_bucket *all;
		size_t count;

		GOOD(store_buckets(store, &f.arena, &all, &count, &err));
		IS_STR(all[0].source, "aw.w%3A%25\xc3\xa9");
	}
	intake_free(intake);
	close_all(&f, store);
}

static void bad_names_are_refused(void)
{
	char name[300];
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct aw_bucket bucket = { .id = STR(""), .machine_id = STR(MACHINE_A) };
	bool made;
	struct err err;

	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	bucket.id = STR("a\nb");
	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	bucket.id = STR("a\xff");
	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	memset(name, 'x', sizeof(name));
	bucket.id = (struct str){ name, 253 };
	GOOD(aw_make(intake, &bucket, &made, &err));
	OK(made);
	bucket.id.len = 254; /* with "aw." it is too long for a source */
	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	bucket.id = STR("b");
	bucket.client = (struct str){ name, 257 };
	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	bucket.client.len = 256;
	GOOD(aw_make(intake, &bucket, &made, &err));
	bucket.machine_id = STR("me");
	FAILS(aw_make(intake, &bucket, &made, &err), ERR_USAGE);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

static void fields_change(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct aw_bucket bucket, fields = { .hostname = STR("new"), .type = STR("") };
	int64_t no = make_bucket(intake, "b");
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct err err;

	GOOD(aw_change(intake, no, &fields, &err));
	take(intake, event);
	commit(intake);
	bucket = find(&f, store, "b");
	IS_STR(bucket.hostname, "new");
	IS_STR(bucket.type, "");
	IS_STR(bucket.client, "client");
	FAILS(aw_change(intake, 99, &fields, &err), ERR_NOT_FOUND);
	FAILS(aw_change(intake, no + 1, &fields, &err), ERR_READONLY);
	FAILS(aw_delete(intake, 99, &err), ERR_NOT_FOUND);
	FAILS(aw_delete(intake, no + 1, &err), ERR_READONLY);
	commit(intake);
	intake_free(intake);
	close_all(&f, store);
}

static void names_are_unique(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct aw_bucket bucket;
	int64_t target;
	struct err err;

	take(intake, foreign(&f, MACHINE_A, "claude", "note", T0));
	take(intake, foreign(&f, MACHINE_B, "aw.watch%3Aer", "t", T0 + 5));
	take(intake, foreign(&f, MACHINE_B, "aw.same", "t", T0));
	commit(intake);
	ids_are(&f, store, "claude.note@" MACHINE_A " watch:er same");
	GOOD(store_machine_label(store, STR(MACHINE_A), STR("laptop"), false, &err));
	GOOD(store_machine_label(store, STR(MACHINE_B), STR("desk"), false, &err));
	bucket = find(&f, store, "watch:er");
	OK(!bucket.writable);
	IS_STR(bucket.hostname, "desk");
	IS_STR(bucket.client, "");
	IS_STR(bucket.data, "{}");
	IS_STR(bucket.type, "t");
	IS_INT(bucket.created_ns, T0 + 5);
	FAILS(aw_target(intake, STR("watch:er"), &target, &err), ERR_READONLY);
	FAILS(aw_target(intake, STR("claude.note@laptop"), &target, &err), ERR_READONLY);
	/* This machine's own keeps its name, the other one steps aside. */
	make_bucket(intake, "same");
	commit(intake);
	ids_are(&f, store, "same! claude.note@laptop watch:er same@desk");
	IS_INT(find(&f, store, "claude.note@" MACHINE_A).bucket_no,
		find(&f, store, "claude.note@laptop").bucket_no);
	IS_INT(find(&f, store, "same@" MACHINE_B).bucket_no,
		find(&f, store, "same@desk").bucket_no);
	/* Two machines of one label. */
	take(intake, foreign(&f, "00000000-1111-4222-8333-444455556666", "aw.same", "t", T0));
	commit(intake);
	GOOD(store_machine_label(
		store, STR("00000000-1111-4222-8333-444455556666"), STR("desk"), false, &err));
	ids_are(&f, store,
		"same! claude.note@laptop watch:er same@" MACHINE_B
		" same@00000000-1111-4222-8333-444455556666");
	/* Two types under one id. */
	take(intake, foreign(&f, MACHINE_B, "aw.watch%3Aer", "u", T0));
	commit(intake);
	ids_are(&f, store,
		"same! claude.note@laptop watch:er.t@" MACHINE_B " same@" MACHINE_B
		" same@00000000-1111-4222-8333-444455556666 watch:er.u@" MACHINE_B);
	{
		/* What a bucket that is not of the API is called is taken. */
		struct aw_bucket own = { .id = STR("claude.note@laptop"),
			.machine_id = STR(MACHINE_A) };
		bool made;

		GOOD(aw_make(intake, &own, &made, &err));
		OK(!made);
		IS_INT(own.bucket_no, find(&f, store, "claude.note@laptop").bucket_no);
	}
	missing(&f, store, "nothing");
	intake_free(intake);
	close_all(&f, store);
}

/* A copied machine gets an identity of its own, and buckets of its own with it. Where nobody in
 * particular asks: there is no such person in a store of many. */
static void another_identity(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t old = make_on(intake, MACHINE_A, "b", "t"), fresh, target;
	struct err err;

	if (store_place_is_shared()) {
		intake_free(intake);
		close_all(&f, store);
		return;
	}
	put(intake, old, T0, S, "{}");
	fresh = make_on(intake, MACHINE_B, "b", "t");
	OK(fresh != old);
	GOOD(aw_target(intake, STR("b"), &target, &err));
	IS_INT(target, fresh);
	FAILS(aw_delete(intake, old, &err), ERR_READONLY);
	commit(intake);
	ids_are(&f, store, "b@" MACHINE_A " b!");
	IS_INT(find(&f, store, "b@" MACHINE_A).created_ns, 77);
	IS_INT(make_on(intake, MACHINE_A, "b", "t"), old);
	commit(intake);
	ids_are(&f, store, "b@" MACHINE_B " b!");
	intake_free(intake);
	close_all(&f, store);
}

#define MACHINE_C "00000000-1111-4222-8333-444455556666"

/* From now on MACHINE asks, to write (INTAKE may be NULL) or to read. */
static void ask_from(struct store *store, struct intake *intake, const char *machine)
{
	char user_id[40] = "";
	struct actor actor = store_actor(store);
	struct err err;

	memcpy(user_id, actor.user_id.ptr, actor.user_id.len);
	actor = (struct actor){ str_from(user_id), str_from(machine) };
	GOOD(store_as(store, &actor, &err));
	if (intake)
		GOOD(intake_device(intake, str_from(machine), &err));
}

static int64_t target_of(struct intake *intake, const char *id)
{
	int64_t target = 0;
	struct err err;

	GOOD(aw_target(intake, str_from(id), &target, &err));
	return target;
}

/* Two devices have a bucket of one id, and neither sees the other's under it. */
static void devices_have_their_own(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t a, b, alone;
	struct aw_bucket again = { .id = STR("b"), .machine_id = STR(MACHINE_A) };
	bool made;
	struct err err;

	ask_from(store, intake, MACHINE_A);
	a = make_on(intake, MACHINE_A, "b", "t");
	ask_from(store, intake, MACHINE_B);
	IS_INT(target_of(intake, "b"), a); /* as long as it is the only one */
	b = make_on(intake, MACHINE_B, "b", "t");
	alone = make_on(intake, MACHINE_B, "alone", "t");
	OK(a != b);
	IS_INT(target_of(intake, "b"), b);
	ask_from(store, intake, MACHINE_A);
	IS_INT(target_of(intake, "b"), a);
	IS_INT(target_of(intake, "alone"), alone);
	IS_INT(target_of(intake, "b@" MACHINE_B), b);
	GOOD(aw_make(intake, &again, &made, &err));
	OK(!made);
	IS_INT(again.bucket_no, a);
	commit(intake);
	GOOD(store_machine_label(store, STR(MACHINE_B), STR("desk"), false, &err));
	ids_are(&f, store, "b! b@desk! alone!");
	IS_INT(find(&f, store, "b@" MACHINE_B).bucket_no, b);
	IS_INT(find(&f, store, "b@" MACHINE_A).bucket_no, a);
	IS_INT(target_of(intake, "b@desk"), b);
	ask_from(store, intake, MACHINE_B);
	ids_are(&f, store, "b@" MACHINE_A "! b! alone!");
	intake_free(intake);
	close_all(&f, store);
}

static void ids_of_several_devices_are_refused(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t a = make_on(intake, MACHINE_A, "b", "t"), b = make_on(intake, MACHINE_B, "b", "t");
	int64_t target;
	struct aw_bucket bucket;
	struct err err;

	commit(intake);
	GOOD(store_machine_label(store, STR(MACHINE_A), STR("desk"), false, &err));
	ask_from(store, intake, MACHINE_C);
	FAILS(aw_target(intake, STR("b"), &target, &err), ERR_AMBIGUOUS);
	OK(strstr(err.message, "'b@desk'") && strstr(err.message, "'b@" MACHINE_B "'"));
	FAILS(aw_bucket_find(store, STR("b"), &f.arena, &bucket, &err), ERR_AMBIGUOUS);
	IS_INT(target_of(intake, "b@desk"), a); /* the batch goes on */
	IS_INT(target_of(intake, "b@" MACHINE_B), b);
	FAILS(aw_target(intake, STR("b@"), &target, &err), ERR_NOT_FOUND);
	commit(intake);
	ids_are(&f, store, "b@desk! b@" MACHINE_B "!");
	/* Two devices of one label. */
	GOOD(store_machine_label(store, STR(MACHINE_B), STR("desk"), false, &err));
	ids_are(&f, store, "b@" MACHINE_A "! b@" MACHINE_B "!");
	FAILS(aw_target(intake, STR("b@desk"), &target, &err), ERR_AMBIGUOUS);
	OK(strstr(err.message, "'b@" MACHINE_A "'") && strstr(err.message, "'b@" MACHINE_B "'"));
	/* Of one that is gone the id means the other. */
	GOOD(aw_delete(intake, a, &err));
	IS_INT(target_of(intake, "b"), b);
	commit(intake);
	ids_are(&f, store, "b!");
	intake_free(intake);
	close_all(&f, store);
}

static void ends_are(struct fixture *f, struct store *store, int64_t first, int64_t end,
	int64_t newest, int64_t newest_end)
{
	struct aw_bucket bucket = find(f, store, "b");

	IS_INT(bucket.first_ns - T0, first);
	IS_INT(bucket.end_ns - T0, end);
	IS_INT(bucket.newest_start_ns - T0, newest);
	IS_INT(bucket.newest_end_ns - T0, newest_end);
}

static void ends_shrink_too(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b"), number;
	const struct retention old = { .before_ns = T0 + 1, .held_seq = INT64_MAX };
	struct retention_result result;
	struct aw_event event;
	bool removed;
	struct err err;

	put(intake, b, T0, 100, "{}");
	put(intake, b, T0 + 10, 20, "{}");
	number = put(intake, b, T0 + 10, 500, "{}");
	put(intake, b, T0 + 10, 10, "{\"a\":1}");
	commit(intake);
	ends_are(&f, store, 0, 510, 10, 20);
	event = aw_make_event(T0 + 10, 15, "{}");
	event.number = number;
	GOOD(aw_replace(intake, b, &event, &err));
	commit(intake);
	ends_are(&f, store, 0, 100, 10, 20);
	event.start_ns = T0 + 300;
	GOOD(aw_replace(intake, b, &event, &err));
	commit(intake);
	ends_are(&f, store, 0, 315, 300, 315);
	GOOD(aw_remove(intake, b, number, &removed, &err));
	commit(intake);
	ends_are(&f, store, 0, 100, 10, 20);
	GOOD(store_retention(store, &old, &result, &err));
	IS_INT(result.events, 1);
	ends_are(&f, store, 10, 30, 10, 20);
	/* What retention took is not merged into. */
	beat(intake, b, T0 + 10, 0, "{}", 0);
	commit(intake);
	GOOD(store_verify(store, NULL, &err));
	GOOD(aw_delete(intake, b, &err));
	commit(intake);
	missing(&f, store, "b");
	intake_free(intake);
	close_all(&f, store);
}

static void deleted_with_its_events(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b"), other = make_bucket(intake, "other"), target;
	int64_t numbers[100];
	struct store_info info;
	struct aw_event event;
	struct err err;

	for (int i = 0; i < 100; i++)
		numbers[i] = put(intake, b, T0 + i * S, S, "{}");
	event = aw_make_event(T0 + 7000 * S, S, "{}");
	event.number = numbers[49];
	GOOD(aw_replace(intake, b, &event, &err)); /* on the odd shelf */
	put(intake, other, T0, S, "{}");
	beat(intake, b, T0 + 8000 * S, 0, "{}", S);
	commit(intake);
	GOOD(aw_delete(intake, b, &err));
	FAILS(aw_target(intake, STR("b"), &target, &err), ERR_NOT_FOUND);
	commit(intake);
	ids_are(&f, store, "other!");
	GOOD(store_info(store, &info, &err));
	IS_INT(info.events, 1);
	{
		CLEANUP(event_scan_closep) struct event_scan *feed = NULL;
		struct stored_event row;
		int deleted = 0;

		GOOD(event_feed_open(&feed, store, 0, &err));
		while (event_scan_next(feed, &row, &err) == 1)
			deleted += row.event.deleted;
		IS_INT(deleted, 101);
	}
	IS_INT(make_bucket(intake, "b"), b);
	event = beat(intake, b, T0 + 8000 * S, 0, "{}", S);
	IS_INT(event.number, info.last_seq + 2); /* new, not merged: the bucket's making is + 1 */
	commit(intake);
	ids_are(&f, store, "other! b!");
	IS_INT(count_of(store, range_all(b)), 1);
	intake_free(intake);
	close_all(&f, store);
}

static void targets_are_looked_up_again(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *second = fixture_open(&f);
	struct intake *intake = begin(store), *other;
	int64_t b = make_bucket(intake, "b"), target;
	struct err err;

	commit(intake);
	GOOD(aw_target(intake, STR("b"), &target, &err));
	commit(intake);
	other = begin(second);
	GOOD(aw_delete(other, b, &err)); /* it has no events */
	commit(other);
	FAILS(aw_target(intake, STR("b"), &target, &err), ERR_NOT_FOUND);
	commit(intake);
	intake_free(other);
	intake_free(intake);
	store_close(second);
	close_all(&f, store);
}

static void settings_hold_json(void)
{
	char long_key[129];
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct aw_setting *all;
	struct str value;
	size_t count;
	struct err err;

	memset(long_key, 'k', sizeof(long_key));
	GOOD(aw_setting_put(intake, STR("b"), STR("null"), &err));
	GOOD(aw_setting_put(intake, STR("a/b"), STR("5"), &err));
	GOOD(aw_setting_put(intake, STR("b"), STR("[1,2]"), &err));
	GOOD(aw_setting_put(intake, (struct str){ long_key, 127 }, STR("0"), &err));
	FAILS(aw_setting_put(intake, (struct str){ long_key, 128 }, STR("0"), &err), ERR_LIMIT);
	commit(intake);
	GOOD(aw_settings(store, &f.arena, &all, &count, &err));
	if (IS_INT(count, 3)) {
		IS_STR(all[0].key, "a/b");
		IS_STR(all[1].value, "[1,2]");
	}
	GOOD(aw_setting_put(intake, STR("b"), (struct str){ NULL, 0 }, &err));
	GOOD(aw_setting_put(intake, STR("none"), (struct str){ NULL, 0 }, &err));
	commit(intake);
	GOOD(aw_setting_find(store, STR("b"), &f.arena, &value, &err));
	OK(value.ptr == NULL && value.len == 0);
	GOOD(aw_setting_find(store, STR("a/b"), &f.arena, &value, &err));
	IS_STR(value, "5");
	intake_free(intake);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(made_once),
	TAP_CASE(bad_names_are_refused),
	TAP_CASE(fields_change),
	TAP_CASE(names_are_unique),
	TAP_CASE(another_identity),
	TAP_CASE(devices_have_their_own),
	TAP_CASE(ids_of_several_devices_are_refused),
	TAP_CASE(ends_shrink_too),
	TAP_CASE(deleted_with_its_events),
	TAP_CASE(targets_are_looked_up_again),
	TAP_CASE(settings_hold_json),
};
TAP_MAIN(cases)
