/* The ActivityWatch view: events, heartbeats, ids. */
#include "aw_fixture.h"

#include "model/codec.h"

struct world {
	struct fixture f;
	struct store *store;
	struct intake *intake;
	int64_t b;
};

static void world_begin(struct world *w)
{
	w->store = open_new(&w->f);
	w->intake = begin(w->store);
	w->b = make_bucket(w->intake, "b");
	commit(w->intake);
}

static void world_end(struct world *w)
{
	intake_free(w->intake);
	close_all(&w->f, w->store);
}

static void has(struct world *w, struct aw_range range, const char *want)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;

	list_range(w->store, range, &got);
	IS_STR(buf_str(&got), want);
}

static void has_all(struct world *w, const char *want)
{
	int lines = want[0] != '\0';

	for (const char *c = want; *c; c++)
		lines += *c == '|';
	commit(w->intake);
	has(w, range_all(w->b), want);
	IS_INT(count_of(w->store, range_all(w->b)), lines);
}

/* --- events --- */

static int64_t last_seq(struct world *w)
{
	struct store_info info;
	struct err err;

	GOOD(store_info(w->store, &info, &err));
	return info.last_seq;
}

/* One event's id, by the feed's last row; *SEQ is its change. */
static struct str newest_id(struct world *w, int64_t *seq)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct stored_event row;
	struct str id = { NULL, 0 };
	struct err err;

	GOOD(event_feed_open(&scan, w->store, 0, &err));
	while (event_scan_next(scan, &row, &err) == 1) {
		id = arena_str(&w->f.arena, row.event.id);
		*seq = row.seq;
	}
	return id;
}

/* The change that makes an event is its number: the two buckets are changes 1 and 2, the removal of
 * 5 is 6. */
static void numbers_are_those_of_changes(void)
{
	struct world w;
	struct aw_event event;
	int64_t seq = 0;
	int64_t other;
	bool removed;
	struct err err;

	world_begin(&w);
	other = make_bucket(w.intake, "other");
	IS_INT(put(w.intake, w.b, T0, S, "{}"), 3);
	IS_INT(put(w.intake, other, T0, S, "{}"), 4);
	IS_INT(put(w.intake, w.b, T0, S, "{}"), 5);
	GOOD(aw_remove(w.intake, w.b, 5, &removed, &err));
	OK(removed);
	GOOD(aw_remove(w.intake, w.b, 5, &removed, &err));
	OK(!removed);
	GOOD(aw_remove(w.intake, w.b, 4, &removed, &err)); /* the other bucket's */
	OK(!removed);
	commit(w.intake);
	IS_INT(put(w.intake, w.b, T0, S, "{}"), 7);
	has_all(&w, "3 0 1000000000 {}|7 0 1000000000 {}");
	newest_id(&w, &seq);
	IS_INT(seq, 7);
	IS_INT(last_seq(&w), 7);
	FAILS(aw_event_find(w.store, w.b, 4, &w.f.arena, &event, &err), ERR_NOT_FOUND);
	FAILS(aw_event_find(w.store, w.b, 5, &w.f.arena, &event, &err), ERR_NOT_FOUND);
	FAILS(aw_event_find(w.store, w.b, 6, &w.f.arena, &event, &err), ERR_NOT_FOUND);
	FAILS(aw_event_find(w.store, w.b, 0, &w.f.arena, &event, &err), ERR_NOT_FOUND);
	FAILS(aw_event_find(w.store, w.b, -1, &w.f.arena, &event, &err), ERR_NOT_FOUND);
	GOOD(aw_event_find(w.store, other, 4, &w.f.arena, &event, &err));
	IS_STR(event.data, "{}");
	world_end(&w);
}

/* What the bucket has under NUMBER, or NULL. */
static const char *data_under(struct world *w, int64_t number)
{
	struct aw_event event;
	struct err err;
	int rc = aw_event_find(w->store, w->b, number, &w->f.arena, &event, &err);

	if (rc < 0) {
		IS_INT(rc, ERR_NOT_FOUND);
		return NULL;
	}
	IS_INT(event.number, number);
	return arena_str(&w->f.arena, event.data).ptr;
}

struct numbered {
	int64_t number;
	const char *data;
};

/* Of all numbers that there could be, the bucket has these and no others. */
static void has_only(struct world *w, const struct numbered *want, size_t count)
{
	for (int64_t from = 0; from <= AW_NUMBER_SEQ; from += AW_NUMBER_SEQ)
		for (int64_t number = from - 2; number <= from + last_seq(w) + 10; number++) {
			const char *data = NULL;

			for (size_t i = 0; i < count; i++)
				if (want[i].number == number)
					data = want[i].data;
			if (data)
				IS_STR(str_from(data_under(w, number)), data);
			else
				OK(data_under(w, number) == NULL);
		}
}

/* Never changed, grown, put elsewhere, known by its seq: each is found under its one number,
 * whatever its seq is now, and a seq that is no number finds nothing. */
static void only_numbers_find_events(void)
{
	struct world w;
	struct aw_event moved = aw_make_event(T0 + 60 * S, S, "{\"e\":\"moved\"}");
	struct event other;
	struct err err;
	struct numbered want[5];
	int64_t seq = 0;

	world_begin(&w);
	want[0].number = put(w.intake, w.b, T0, S, want[0].data = "{\"e\":\"plain\"}");
	moved.number = want[1].number = put(w.intake, w.b, T0, S, "{}");
	want[1].data = "{\"e\":\"moved\"}";
	want[2].data = "{\"e\":\"grown\"}";
	want[2].number = beat(w.intake, w.b, T0 + 90 * S, S, want[2].data, S).number;
	for (int i = 1; i < 4; i++)
		IS_INT(beat(w.intake, w.b, T0 + (90 + i) * S, S, want[2].data, S).number,
			want[2].number);
	GOOD(aw_replace(w.intake, w.b, &moved, &err));
	want[3].number = put(w.intake, w.b, T0, S, want[3].data = "{\"e\":\"late\"}");
	other = event_make(&w.f.arena, "t", T0 + S, "n", want[4].data = "{\"e\":\"other\"}");
	other.source = STR("aw.b");
	other.id = STR(MACHINE_A ":aw.b:t:2026-02-02T02:40:01.000Z:lost");
	IS_INT(take(w.intake, other), INTAKE_NEW);
	commit(w.intake);
	newest_id(&w, &seq);
	want[4].number = AW_NUMBER_SEQ + seq;
	has_only(&w, want, ARRAY_LEN(want));
	world_end(&w);
}

/* ID, of this store, with another number of one digit. */
static struct event named_like(struct world *w, struct str id, char digit)
{
	struct event event = event_make(&w->f.arena, "t", T0, "n", "{\"home\":1}");
	struct str front = { id.ptr, id.len - 7 }, end = { id.ptr + id.len - 6, 6 };

	OK(id.ptr[front.len - 1] == ':' && end.ptr[0] == '-');
	event.source = STR("aw.b");
	event.id = arena_printf(&w->f.arena, "%.*s%c%.*s", STR_ARG(front), digit, STR_ARG(end));
	return event;
}

/* The store's file was put back to an older copy, and what it made after that came home: live, as a
 * tombstone. The number of such an id is passed over. */
static void ids_that_are_taken_are_passed_over(void)
{
	struct world w;
	struct event gone;
	struct str id;
	int64_t seq = 0;

	world_begin(&w);
	IS_INT(put(w.intake, w.b, T0, S, "{}"), 2);
	commit(w.intake);
	id = newest_id(&w, &seq);
	IS_INT(take(w.intake, named_like(&w, id, '5')), INTAKE_NEW);
	gone = named_like(&w, id, '6');
	gone.deleted = true;
	gone.revision = 1;
	IS_INT(take(w.intake, gone), INTAKE_UPDATED);
	commit(w.intake);
	IS_INT(last_seq(&w), 4);
	IS_INT(put(w.intake, w.b, T0, 2 * S, "{}"), 7);
	IS_INT(put(w.intake, w.b, T0 + S, 2 * S, "{}"), 8);
	has_all(&w, "8 1000000000 2000000000 {}|4503599627370499 0 0 {\"home\":1}"
		    "|2 0 1000000000 {}|7 0 2000000000 {}");
	IS_INT(last_seq(&w), 8);
	world_end(&w);
}

static void replacing_keeps_id_and_number(void)
{
	struct world w;
	struct aw_event event = aw_make_event(T0 + 5 * S, 2 * S, "{\"a\":2}");
	struct store_info before, after;
	struct str id;
	int64_t seq = 0;
	struct err err;

	world_begin(&w);
	event.number = put(w.intake, w.b, T0, S, "{\"a\":1}");
	commit(w.intake);
	id = newest_id(&w, &seq);
	IS_INT(event.number, seq);
	GOOD(aw_replace(w.intake, w.b, &event, &err));
	has_all(&w, "2 5000000000 2000000000 {\"a\":2}");
	OK(str_eq(newest_id(&w, &seq), id));
	OK(seq > event.number);
	event.start_ns = T0; /* and back */
	GOOD(aw_replace(w.intake, w.b, &event, &err));
	has_all(&w, "2 0 2000000000 {\"a\":2}");
	OK(str_eq(newest_id(&w, &seq), id));
	GOOD(store_info(w.store, &before, &err));
	GOOD(aw_replace(w.intake, w.b, &event, &err)); /* the same is no change */
	commit(w.intake);
	GOOD(store_info(w.store, &after, &err));
	IS_INT(after.last_seq, before.last_seq);
	event.number = 99;
	FAILS(aw_replace(w.intake, w.b, &event, &err), ERR_NOT_FOUND);
	event.number = put(w.intake, make_bucket(w.intake, "other"), T0, S, "{}");
	FAILS(aw_replace(w.intake, w.b, &event, &err), ERR_NOT_FOUND);
	commit(w.intake);
	world_end(&w);
}

static void refusals_leave_the_batch_good(void)
{
	struct world w;
	struct aw_event event = aw_make_event(INT64_MAX, 0, "{}");
	CLEANUP(buf_release) struct buf large = BUF_INIT;
	int64_t number;
	bool added;
	struct err err;

	world_begin(&w);
	number = put(w.intake, w.b, T0, S, "{}");
	FAILS(aw_insert(w.intake, w.b, &event, &err), ERR_USAGE);
	event = aw_make_event(T0, INT64_MAX, "{}");
	FAILS(aw_insert(w.intake, w.b, &event, &err), ERR_USAGE);
	FAILS(aw_heartbeat(w.intake, w.b, &event, 0, &err), ERR_USAGE);
	FAILS(aw_merge(w.intake, w.b, &event, &added, &err), ERR_USAGE);
	event = aw_make_event(INT64_MIN + 2 * S, -3 * S, "{}");
	FAILS(aw_insert(w.intake, w.b, &event, &err), ERR_USAGE);
	buf_printf(&large, "{\"a\":\"%0*d\"}", 1 << 20, 0);
	event = aw_make_event(T0, 0, buf_cstr(&large));
	FAILS(aw_insert(w.intake, w.b, &event, &err), ERR_LIMIT);
	event.number = number;
	FAILS(aw_replace(w.intake, w.b, &event, &err), ERR_LIMIT);
	has_all(&w, "2 0 1000000000 {}");
	IS_INT(last_seq(&w), 2);
	world_end(&w);
}

/* A type that this program knows must have what it requires, or other machines would refuse it. */
static void known_types_need_their_keys(void)
{
	struct world w;
	struct aw_event event = aw_make_event(T0, 0, "{}");
	int64_t b;
	struct err err;

	world_begin(&w);
	b = make_on(w.intake, MACHINE_A, "afk", "afk_change");
	FAILS(aw_insert(w.intake, b, &event, &err), ERR_USAGE);
	event.data = STR("{\"status\":\"idle\"}");
	GOOD(aw_insert(w.intake, b, &event, &err));
	commit(w.intake);
	world_end(&w);
}

static void ranges_are_inclusive_and_ordered(void)
{
	struct world w;
	struct aw_range range;
	struct aw_event event;

	world_begin(&w);
	put(w.intake, w.b, T0, 100 * S, "{\"long\":1}");
	put(w.intake, w.b, T0 + 50 * S, S, "{}");
	put(w.intake, w.b, T0 + 10 * S, 5 * S, "{\"x\":2}");
	put(w.intake, w.b, T0 + 10 * S, 5 * S, "{}");
	put(w.intake, w.b, T0 + 10 * S, 2 * S, "{}");
	put(w.intake, w.b, T0 + 70 * S, -5 * S, "{}");
	has_all(&w,
		"7 70000000000 -5000000000 {}|3 50000000000 1000000000 {}|6 10000000000 2000000000 {}"
		"|4 10000000000 5000000000 {\"x\":2}|5 10000000000 5000000000 {}|2 0 100000000000 {\"long\":1}");
	range = range_all(w.b);
	range.oldest_first = range.lean = true;
	has(&w, range,
		"2 0 100000000000 |6 10000000000 2000000000 |4 10000000000 5000000000 "
		"|5 10000000000 5000000000 |3 50000000000 1000000000 |7 70000000000 -5000000000 ");
	range = (struct aw_range){ .bucket_no = w.b, .from_ns = T0 + 51 * S, .to_ns = T0 + 60 * S };
	has(&w, range, "3 50000000000 1000000000 {}|2 0 100000000000 {\"long\":1}");
	IS_INT(count_of(w.store, range), 2);
	range.from_ns++;
	has(&w, range, "2 0 100000000000 {\"long\":1}");
	range = (struct aw_range){ .bucket_no = w.b, .from_ns = T0 + 100 * S, .to_ns = INT64_MAX };
	has(&w, range, "2 0 100000000000 {\"long\":1}");
	range.from_ns++;
	has(&w, range, "");
	range = (struct aw_range){ .bucket_no = w.b, .from_ns = T0 + 60 * S, .to_ns = T0 };
	has(&w, range, "");
	IS_INT(count_of(w.store, range), 0);
	event = aw_make_event(T0, 100 * S, "{}");
	aw_clip(&event, T0 + 20 * S, T0 + 30 * S);
	IS_INT(event.start_ns, T0 + 20 * S);
	IS_INT(event.duration_ns, 10 * S);
	event = aw_make_event(T0, -5 * S, "{}");
	aw_clip(&event, T0 - 5 * S, T0);
	IS_INT(event.start_ns, T0);
	IS_INT(event.duration_ns, -5 * S);
	world_end(&w);
}

static void merging_imports_is_idempotent(void)
{
	struct world w;
	struct aw_event event;
	int64_t first[3] = { 0 };
	bool added;
	struct err err;

	world_begin(&w);
	for (int i = 0; i < 6; i++) {
		event = aw_make_event(T0 + i % 3 * S, S, "{\"a\":1}");
		GOOD(aw_merge(w.intake, w.b, &event, &added, &err));
		IS_INT(added, i < 3);
		if (i < 3)
			first[i] = event.number;
		IS_INT(event.number, first[i % 3]);
		OK(event.number > (i % 3 > 0 ? first[i % 3 - 1] : 1));
	}
	event.duration_ns++;
	GOOD(aw_merge(w.intake, w.b, &event, &added, &err));
	OK(added);
	event = aw_make_event(T0, S, "{\"a\":2}");
	GOOD(aw_merge(w.intake, w.b, &event, &added, &err));
	OK(added);
	commit(w.intake);
	IS_INT(count_of(w.store, range_all(w.b)), 5);
	world_end(&w);
}

/* --- heartbeats --- */

/* Changes: 2 made, 3 grown; 4, 5, 6 made. */
static void heartbeats_follow_the_rule(void)
{
	struct world w;
	struct aw_event event;

	world_begin(&w);
	event = beat(w.intake, w.b, T0, S, "{\"a\":1}", 0);
	IS_INT(event.number, 2);
	event = beat(w.intake, w.b, T0 + S, S, "{\"a\":1}", 2 * S);
	IS_INT(event.number, 2);
	IS_INT(event.start_ns, T0);
	IS_INT(event.duration_ns, 2 * S);
	IS_STR(event.data, "{\"a\":1}");
	beat(w.intake, w.b, T0 + S, 0, "{\"a\":2}", 2 * S); /* other data, same instant */
	event = beat(w.intake, w.b, T0 + 2 * S, 0, "{\"a\":1}", 9 * S);
	IS_INT(event.number, 5); /* compared with the last one only */
	event = beat(w.intake, w.b, T0 - 5 * S, 0, "{\"a\":1}", 1000 * S);
	IS_INT(event.number, 6); /* older: new, and now the last */
	event = beat(w.intake, w.b, T0 - 4 * S, 0, "{\"a\":1}", 2 * S);
	IS_INT(event.number, 6);
	IS_INT(event.duration_ns, S);
	commit(w.intake);
	event = beat(
		w.intake, w.b, T0 - 3 * S, 0, "{\"a\":1}", 2 * S); /* remembered between batches */
	IS_INT(event.number, 6);
	has_all(&w, "5 2000000000 0 {\"a\":1}|4 1000000000 0 {\"a\":2}|2 0 2000000000 {\"a\":1}"
		    "|6 -5000000000 2000000000 {\"a\":1}");
	world_end(&w);
}

static void other_writes_are_seen_by_heartbeats(void)
{
	struct world w;
	struct aw_event event;
	struct store *second;
	struct intake *other;
	int64_t inserted, last;
	bool removed;
	struct err err;

	world_begin(&w);
	beat(w.intake, w.b, T0, 0, "{}", S);
	inserted = put(w.intake, w.b, T0 + 5 * S, S, "{}");
	event = beat(w.intake, w.b, T0 + 6 * S, 0, "{}", 2 * S);
	IS_INT(event.number, inserted); /* it is newer */
	GOOD(aw_remove(w.intake, w.b, inserted, &removed, &err));
	OK(removed);
	event = beat(w.intake, w.b, T0 + 6 * S, 0, "{}", 2 * S);
	OK(event.number > inserted); /* the deleted one is gone */
	commit(w.intake);
	second = fixture_open(&w.f);
	other = begin(second);
	inserted = put(other, w.b, T0 + 60 * S, S, "{}");
	commit(other);
	event = beat(w.intake, w.b, T0 + 61 * S, 0, "{}", S);
	IS_INT(event.number, inserted);
	commit(w.intake);
	make_bucket(other, "elsewhere"); /* no reason to forget */
	commit(other);
	last = beat(w.intake, w.b, T0, 0, "{\"old\":1}", 0).number;
	OK(last > inserted);
	commit(w.intake);
	put(other, w.b + 1, T0, 0, "{}");
	commit(other);
	event = beat(w.intake, w.b, T0 + S, 0, "{\"old\":1}", S);
	IS_INT(event.number, last);
	IS_INT(event.duration_ns, S);
	commit(w.intake);
	intake_free(other);
	store_close(second);
	world_end(&w);
}

static void ties_are_told_apart(void)
{
	struct world w;
	struct aw_event event;
	struct intake *fresh;
	int64_t first, third;

	world_begin(&w);
	put(w.intake, w.b, T0, 2 * S, "{\"a\":1}");
	first = put(w.intake, w.b, T0, S, "{\"a\":2}");
	third = put(w.intake, w.b, T0, S, "{\"a\":3}");
	commit(w.intake);
	fresh = begin(w.store);
	event = beat(
		fresh, w.b, T0 + S, 0, "{\"a\":2}", 0); /* the first in the order of the list */
	IS_INT(event.number, first);
	commit(fresh);
	event = beat(fresh, w.b, T0 + 3 * S, 0, "{\"a\":2}", 2 * S);
	IS_INT(event.number, first);
	event = beat(fresh, w.b, T0 + 3 * S, 0, "{\"a\":3}", 2 * S);
	OK(event.number > third); /* the last one is a:2 now, wherever the others lie */
	commit(fresh);
	intake_free(fresh);
	world_end(&w);
}

static void negative_beats_are_stored(void)
{
	struct world w;

	world_begin(&w);
	beat(w.intake, w.b, T0, -5 * S, "{}", S);
	beat(w.intake, w.b, T0, -4 * S, "{}", 100 * S);
	has_all(&w, "2 0 -5000000000 {}|3 0 -4000000000 {}");
	world_end(&w);
}

static void a_batch_that_is_undone_is_forgotten(void)
{
	struct world w;
	struct aw_event event;
	struct intake *other;
	int64_t kept, undone;

	world_begin(&w);
	kept = beat(w.intake, w.b, T0, 0, "{}", S).number;
	commit(w.intake);
	beat(w.intake, w.b, T0 + S, 0, "{}", S);
	undone = put(w.intake, w.b, T0 + 9 * S, 0, "{}");
	intake_free(w.intake);
	other = begin(w.store);
	event = beat(other, w.b, T0 + S, 0, "{}", S);
	IS_INT(event.number, kept);
	IS_INT(put(other, w.b, T0 + 9 * S, 0, "{}"), undone); /* nobody has seen it */
	w.intake = other;
	commit(w.intake);
	world_end(&w);
}

/* --- events of other origin --- */

/* What an intake knows of a bucket's newest event ends when somebody else writes the bucket. */
static void others_events_are_known(void)
{
	struct world w;
	struct store *second;
	struct intake *other;
	struct event first, later;

	world_begin(&w);
	second = fixture_open(&w.f);
	other = begin(second);
	first = event_make(&w.f.arena, "note", T0, "n", "{}");
	later = event_make(&w.f.arena, "note", T0 + S, "n", "{}");
	IS_INT(take(other, first), INTAKE_NEW);
	commit(other);
	IS_INT(take(w.intake, later), INTAKE_NEW);
	commit(w.intake);
	IS_INT(take(other, later), INTAKE_DUPLICATE);
	commit(other);
	intake_free(other);
	store_close(second);
	world_end(&w);
}

static void events_without_a_number_are_known_by_seq(void)
{
	struct world w;
	struct event event;
	struct aw_bucket bucket;
	struct aw_event found, replaced;
	bool removed;
	struct err err;

	world_begin(&w);
	put(w.intake, w.b, T0, 0, "{}");
	event = event_make(&w.f.arena, "t", T0 + S, "n", "{\"a\":1}");
	event.source = STR("aw.b");
	event.id = STR(MACHINE_A ":aw.b:t:2026-02-02T02:40:01.000Z:lost");
	event.duration_ns = -7;
	IS_INT(take(w.intake, event), INTAKE_NEW);
	commit(w.intake);
	GOOD(aw_bucket_find(w.store, STR("b"), &w.f.arena, &bucket, &err));
	IS_INT(bucket.bucket_no, w.b);
	IS_INT(bucket.events, 2);
	{
		CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
		struct aw_range range = range_all(w.b);

		GOOD(aw_scan_open(&scan, w.store, &range, &err));
		IS_INT(aw_scan_next(scan, &found, &err), 1);
		OK(found.number > AW_NUMBER_SEQ);
		IS_INT(found.duration_ns, -7);
	}
	GOOD(aw_event_find(w.store, w.b, found.number, &w.f.arena, &replaced, &err));
	replaced.duration_ns = S;
	GOOD(aw_replace(w.intake, w.b, &replaced, &err));
	commit(w.intake);
	IS_INT(replaced.number, found.number); /* which it keeps now */
	GOOD(aw_event_find(w.store, w.b, found.number, &w.f.arena, &replaced, &err));
	IS_INT(replaced.duration_ns, S);
	found = beat(w.intake, w.b, T0 + 3 * S, 0, "{\"a\":1}", S);
	IS_INT(found.number, replaced.number);
	GOOD(aw_remove(w.intake, w.b, found.number, &removed, &err));
	OK(removed);
	has_all(&w, "2 0 0 {}");
	world_end(&w);
}

/* From one store to another in the wire form. */
static void negative_durations_travel(void)
{
	struct world w, other;
	CLEANUP(event_scan_closep) struct event_scan *feed = NULL;
	CLEANUP(buf_release) struct buf line = BUF_INIT, dump = BUF_INIT, want = BUF_INIT;
	struct stored_event row;
	enum intake_result result;
	struct event event;
	struct err err;

	world_begin(&w);
	world_begin(&other);
	put(w.intake, w.b, T0, -5 * S, "{\"id\":1,\"type\":\"x\"}");
	commit(w.intake);
	GOOD(event_feed_open(&feed, w.store, 0, &err));
	IS_INT(event_scan_next(feed, &row, &err), 1);
	wire_encode_event(&line, &row.event);
	GOOD(intake_line(other.intake, buf_str(&line), (struct str){ NULL, 0 }, &fixture_origin,
		&result, NULL, &err));
	IS_INT(result, INTAKE_NEW);
	event = event_make(&other.f.arena, "note", T0, "n", "{}");
	event.duration_ns = -1; /* no other source may */
	IS_INT(take(other.intake, event), INTAKE_QUARANTINED);
	commit(other.intake);
	fixture_dump(w.store, &want);
	fixture_dump(other.store, &dump);
	OK(str_eq(buf_str(&dump), buf_str(&want)));
	event_scan_closep(&feed);
	feed = NULL;
	world_end(&w);
	world_end(&other);
}

static const struct tap_case cases[] = {
	TAP_CASE(numbers_are_those_of_changes),
	TAP_CASE(only_numbers_find_events),
	TAP_CASE(ids_that_are_taken_are_passed_over),
	TAP_CASE(replacing_keeps_id_and_number),
	TAP_CASE(refusals_leave_the_batch_good),
	TAP_CASE(known_types_need_their_keys),
	TAP_CASE(ranges_are_inclusive_and_ordered),
	TAP_CASE(merging_imports_is_idempotent),
	TAP_CASE(heartbeats_follow_the_rule),
	TAP_CASE(other_writes_are_seen_by_heartbeats),
	TAP_CASE(ties_are_told_apart),
	TAP_CASE(negative_beats_are_stored),
	TAP_CASE(a_batch_that_is_undone_is_forgotten),
	TAP_CASE(others_events_are_known),
	TAP_CASE(events_without_a_number_are_known_by_seq),
	TAP_CASE(negative_durations_travel),
};
TAP_MAIN(cases)
