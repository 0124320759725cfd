/*
 * How much PostgreSQL is sent: what is looked up together costs as many statements whatever its
 * number. And the texts of data, of which neighbours are read together (postgres/texts.c).
 */
#include "aw_fixture.h"
#include "base/hash.h"
#include "pg_sent.h"
#include "store/sql/put.h"

enum { COUNT = 1000 };

/* --- events --- */

static void take_all(struct store *store, const struct event *events, enum intake_result want)
{
	struct intake *intake = NULL;
	int wrong = 0;
	struct err err;

	GOOD(intake_begin_lazy(&intake, store, &err));
	GOOD(intake_expect(intake, events, COUNT, &err));
	for (int i = 0; i < COUNT; i++)
		wrong += take(intake, events[i]) != want;
	IS_INT(wrong, 0);
	commit(intake);
	intake_free(intake);
}

static struct event *make_events(struct arena *arena, int64_t revision)
{
	struct event *events = arena_zalloc(arena, COUNT, sizeof(*events));

	/* Backwards, so that no event is the newest of its bucket. */
	for (int i = 0; i < COUNT; i++) {
		events[i] = event_make(arena, "x", T0 - i * NS_PER_MINUTE,
			arena_printf(arena, "k%d", i).ptr,
			arena_printf(arena, "{\"a\":%d,\"r\":%d}", i, (int)revision).ptr);
		events[i].revision = revision;
	}
	return events;
}

static void events_are_looked_up_together(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	static const struct {
		int64_t revision;
		enum intake_result want;
	} rounds[] = { { 0, INTAKE_NEW }, { 0, INTAKE_DUPLICATE }, { 1, INTAKE_UPDATED },
		{ 0, INTAKE_DUPLICATE } };

	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		uint64_t before = store->queue.sent;

		take_all(store, make_events(&f.arena, rounds[i].revision), rounds[i].want);
		sent_at_most(store, before, 100);
	}
	close_all(&f, store);
}

/* --- heartbeats --- */

static void beat_all(struct intake *intake, int64_t now_ns, const char *data)
{
	enum { BUCKETS = 20 };
	struct intake *intakes[BUCKETS];
	struct aw_beat beats[BUCKETS];
	struct aw_event events[BUCKETS];
	char ids[BUCKETS][8];
	bool locked;
	struct err err;

	GOOD(intake_lock_all(&intake, 1, &locked, &err));
	for (int i = 0; i < BUCKETS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "b%d", i);
		intakes[i] = intake;
		events[i] = aw_make_event(now_ns, 0, data);
		beats[i] = (struct aw_beat){ STR(MACHINE_A), str_from(ids[i]), &events[i] };
	}
	GOOD(aw_expect_beats(intakes, beats, BUCKETS, &err));
	for (int i = 0; i < BUCKETS; i++) {
		int64_t bucket_no;

		GOOD(aw_target(intake, str_from(ids[i]), &bucket_no, &err));
		GOOD(aw_heartbeat(intake, bucket_no, &events[i], 10 * S, &err));
	}
	commit(intake);
}

static void heartbeats_are_looked_up_together(void)
{
	struct fixture f;
	struct store *store = open_new(&f), *other = fixture_open(&f);
	struct intake *intake = begin(store), *others = NULL;
	const struct aw_range before_all = { 1, .from_ns = INT64_MIN, .to_ns = T0 - NS_PER_HOUR };
	int64_t seq, now;
	bool changed;
	char id[8];
	struct err err;

	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		(void)make_bucket(intake, id);
	}
	commit(intake);
	beat_all(intake, T0, "{\"a\":1}");
	GOOD(aw_changed(store, &before_all, 0, &changed, &seq, &err));
	GOOD(intake_begin_lazy(&others, other, &err));
	beat_all(others, T0 + S, "{\"a\":1}");
	for (int i = 2; i < 6; i++) {
		uint64_t before = store->queue.sent;

		beat_all(intake, T0 + i * S, i < 5 ? "{\"a\":1}" : "{\"a\":2}");
		sent_at_most(store, before, i == 2 ? 30 : 16);
		/* What was looked up and written back still says that only the end has moved. */
		GOOD(aw_changed(store, &before_all, seq, &changed, &now, &err));
		OK(!changed && now > seq);
	}
	intake_free(intake);
	intake_free(others);
	store_close(other);
	close_all(&f, store);
}

/* --- texts --- */

static void text_of(int64_t no, struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "{\"n\":%lld}", (long long)no);
	for (int i = 0; no % 100 == 7 && i < 6000; i++) /* a long one */
		buf_byte(out, ' ');
}

static void put_texts(struct store *store, int64_t from, int64_t count)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int64_t no;
	struct err err;

	for (int64_t i = from; i < from + count; i++) {
		text_of(i, &text);
		GOOD(put_data(store, buf_str(&text), hash64(buf_str(&text), 0), &no, &err));
		IS_INT(no, i);
	}
}

static void read_texts(struct store *store, int64_t from, int64_t count)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	int wrong = 0;
	struct err err;

	for (int64_t i = from; i < from + count; i++) {
		text_of(i, &want);
		buf_clear(&got);
		GOOD(aw_data(store, i, &got, &err));
		wrong += !str_eq(buf_str(&got), buf_str(&want));
	}
	IS_INT(wrong, 0);
}

static void texts_are_read_with_their_neighbours(void)
{
	enum { TEXTS = 4000 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct fixture f;
	struct store *store = open_new(&f);
	uint64_t before;
	struct err err;

	GOOD(db_write_begin(store, &err));
	put_texts(store, 1, TEXTS);
	read_texts(store, 1, TEXTS); /* one's own, not committed */
	db_write_rollback(store);
	FAILS(aw_data(store, 5, &text, &err), ERR_CORRUPT);

	GOOD(db_write_begin(store, &err));
	put_texts(store, 1, 10);
	GOOD(db_write_commit(store, &err));
	read_texts(store, 1, 10);
	GOOD(db_write_begin(store, &err));
	put_texts(store, 11, TEXTS - 10);
	GOOD(db_write_commit(store, &err));
	before = store->queue.sent;
	read_texts(store, 1, TEXTS);
	/* Blocks, the first of them twice, and long ones by themselves; two sent for each. */
	sent_at_most(store, before, 2 * (TEXTS / 256 + 2 + TEXTS / 100) + 10);
	FAILS(aw_data(store, TEXTS + 1, &text, &err), ERR_CORRUPT);
	FAILS(aw_data(store, -1, &text, &err), ERR_CORRUPT);
	close_all(&f, store);
}

/* Those that are said before cost one question, wherever they lie; long ones one each. */
static void texts_that_are_expected_are_read_together(void)
{
	enum { TEXTS = 4000, STEP = 37 };
	struct fixture f;
	struct store *store = open_new(&f);
	int64_t numbers[2 * (TEXTS / STEP)];
	size_t count = 0;
	uint64_t before;
	struct err err;

	GOOD(db_write_begin(store, &err));
	put_texts(store, 1, TEXTS);
	GOOD(db_write_commit(store, &err));
	for (int64_t no = STEP; count + 2 <= ARRAY_LEN(numbers); no += STEP) {
		numbers[count++] = no;
		numbers[count++] = no;
	}
	for (int round = 0; round < 2; round++) {
		before = store->queue.sent;
		GOOD(aw_expect_data(store, numbers, count, &err));
		for (size_t i = 0; i < count; i++)
			if (numbers[i] % 100 != 7)
				read_texts(store, numbers[i], 1);
		sent_at_most(store, before, 6);
	}
	read_texts(store, 1, TEXTS); /* what is known of a block does not hide the rest */
	close_all(&f, store);
}

/* More than what is kept: the least used goes. */
static void texts_are_given_up(void)
{
	enum { TEXTS = 12000, BYTES = 2000 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct fixture f;
	struct store *store = open_new(&f);
	int64_t no;
	int wrong = 0;
	struct err err;

	GOOD(db_write_begin(store, &err));
	for (int i = 1; i <= TEXTS; i++) {
		buf_clear(&text);
		buf_printf(&text, "%0*d", BYTES, i);
		GOOD(put_data(store, buf_str(&text), hash64(buf_str(&text), 0), &no, &err));
	}
	GOOD(db_write_commit(store, &err));
	for (int round = 0; round < 2; round++)
		for (int i = 1; i <= TEXTS; i++) {
			buf_clear(&text);
			GOOD(aw_data(store, i, &text, &err));
			wrong += text.len != BYTES || atoi(buf_cstr(&text) + BYTES - 6) != i;
		}
	IS_INT(wrong, 0);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(events_are_looked_up_together),
	TAP_CASE(heartbeats_are_looked_up_together),
	TAP_CASE(texts_are_read_with_their_neighbours),
	TAP_CASE(texts_that_are_expected_are_read_together),
	TAP_CASE(texts_are_given_up),
};
TAP_MAIN(cases)
