/*
 * Retention. Events go in slices by shelf, from the oldest; the triggers of 001_derived.sql note
 * what reports accounted for. Data is deleted when neither an event nor such a note uses it.
 *
 * Which data that is takes a look at all events, for which no writer is kept waiting: it is found
 * in a snapshot. What nothing used then is used now only if an event with a change number behind
 * the snapshot does, which is looked up under the lock; or a note of such an event, which there is
 * only when streams were derived since: then the rest is left to another time.
 */
#include "store/retention.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/sql/catalogue.h"
#include "store/sql/dictionary.h"
#include "store/users.h"

enum { SLICE = 2000, TRIES = 20 };

/* Numbers of data above it are not kept count of, one bit each. */
#define MOST_DATA (INT64_C(1) << 31)

struct shelves {
	int64_t *numbers;
	size_t count;
};

struct run {
	struct store *store;
	const struct retention *what;
	struct retention_result *out;
	int64_t events, data; /* of the open transaction */
	int64_t shelf;        /* at which it is */
	int64_t seen_seq;     /* of the snapshot in which the data was looked at */
	unsigned char *used;  /* a bit for each number of data below ROOM */
	int64_t room;
	int64_t *unused; /* in the snapshot */
	size_t unused_count, unused_at;
	struct arena arena;
};

static int number_of(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = 0;
	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*out = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

static int list_shelves(
	struct store *store, struct arena *arena, struct shelves *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t buckets;
	int rc;

	*out = (struct shelves){ 0 };
	if (number_of(store, "SELECT count(*) FROM bucket" ALL_OWN, &buckets, err) < 0 ||
		db_stmt(store, "SELECT bucket_no FROM bucket" ALL_OWN, &stmt, err) < 0)
		return err->code;
	out->numbers = arena_zalloc(arena, (size_t)buckets * 2 + 2, sizeof(*out->numbers));
	while ((rc = db_step(store, stmt, err)) == 1 && out->count < (size_t)buckets * 2) {
		int64_t bucket_no = db_col_i64(stmt, 0);

		out->numbers[out->count++] = bucket_no * 2;
		out->numbers[out->count++] = bucket_no * 2 + 1;
	}
	return rc < 0 ? rc : 0;
}

static int run_bound(struct store *store, const char *sql, int64_t shelf,
	const struct retention *what, int64_t *changed, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	db_bind_i64(stmt, 2, what->before_ns);
	db_bind_i64(stmt, 3, what->held_seq);
	db_bind_i64(stmt, 4, SLICE);
	return db_exec_count(store, stmt, changed, err);
}

static int longest_of(struct store *store, int64_t bucket_no, int64_t *longest_ns, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "SELECT longest_ns FROM bucket WHERE " OWN "bucket_no = ?", &stmt, err) <
		0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	if (db_step(store, stmt, err) < 0)
		return err->code;
	*longest_ns = db_col_i64(stmt, 0);
	return 0;
}

/* A change number is taken though nothing gets it: caches and intakes see by it that the bucket is
 * not what it was. */
static int count_bucket(struct store *store, int64_t shelf, int64_t deleted, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t longest_ns = 0, end_ns;

	db_counters(store)->events -= deleted;
	if (longest_of(store, shelf / 2, &longest_ns, err) < 0 ||
		bucket_last_end(store, shelf / 2, longest_ns, &end_ns, err) < 0 ||
		db_stmt(store,
			"UPDATE bucket SET events = events - ?1, end_ns = ?2, changed_seq = ?3,"
			" moved_seq = ?3 WHERE " OWN "bucket_no = ?4",
			&stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, deleted);
	db_bind_i64(stmt, 2, end_ns);
	db_bind_i64(stmt, 3, db_next_seq(store));
	db_bind_i64(stmt, 4, shelf / 2);
	if (db_exec(store, stmt, err) < 0)
		return err->code;
	return bucket_find_ends(store, shelf / 2, INT64_MIN, INT64_MAX, err);
}

/* One slice of SHELF. An odd event's id points at it: the pointer goes first. */
static int delete_slice(struct store *store, int64_t shelf, const struct retention *what,
	int64_t *deleted, struct err *err)
{
	int64_t pointers;

	if (shelf % 2 == 1) {
		if (run_bound(store,
			    "DELETE FROM odd_id WHERE " OWN
			    "id IN (SELECT key FROM event WHERE " OWN
			    "shelf = ?1 AND start_ns < ?2 AND seq <= ?3 ORDER BY start_ns, key LIMIT ?4)",
			    shelf, what, &pointers, err) < 0)
			return err->code;
		db_counters(store)->odd_ids -= pointers;
	}
	if (run_bound(store,
		    "DELETE FROM event WHERE " OWN
		    "shelf = ?1 AND start_ns < ?2 AND (start_ns, key) IN (SELECT start_ns, key"
		    " FROM event WHERE " OWN "shelf = ?1 AND start_ns < ?2 AND seq <= ?3"
		    " ORDER BY start_ns, key LIMIT ?4)",
		    shelf, what, deleted, err) < 0)
		return err->code;
	return *deleted > 0 ? count_bucket(store, shelf, *deleted, err) : 0;
}

/* --- slices --- */

/* One transaction's work, *MORE: another one is needed. */
typedef int slice_fn(struct run *run, bool *more, struct err *err);

static bool pause_after(struct run *run, int64_t began_ns)
{
	const struct retention *what = run->what;

	if (what->pause && !what->pause(what->context, clock_monotonic_ns() - began_ns))
		run->out->unfinished = true;
	return !run->out->unfinished;
}

/* The lock of the user; 0: another has it, again and again. */
static int lock(struct run *run, int64_t *began_ns, struct err *err)
{
	const struct str user_id = store_actor(run->store).user_id;
	bool locked = false;

	for (int i = 0; i < TRIES; i++) {
		*began_ns = clock_monotonic_ns();
		if (!run->what->pause)
			return db_write_begin(run->store, err) < 0 ? err->code : 1;
		if (db_write_begin_for(run->store, &user_id, 1, &locked, err) < 0)
			return err->code;
		if (locked)
			return 1;
		if (!pause_after(run, *began_ns))
			return 0;
	}
	run->out->unfinished = true;
	return 0;
}

static int run_slices(struct run *run, slice_fn *slice, struct err *err)
{
	int64_t began_ns;
	bool more = true;
	int rc;

	while (more && !run->out->unfinished) {
		rc = lock(run, &began_ns, err);
		if (rc <= 0)
			return rc;
		db_may_take_long(run->store);
		rc = slice(run, &more, err);
		if (db_write_leave(run->store, true, rc, err) < 0)
			return err->code;
		run->out->events += run->events;
		run->out->data += run->data;
		run->events = run->data = 0;
		pause_after(run, began_ns);
	}
	return 0;
}

/* Looking costs no lock, and most shelves have nothing. */
static int is_due(struct run *run, bool *due, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(run->store,
		    "SELECT 1 FROM event WHERE " OWN
		    "shelf = ? AND start_ns < ? AND seq <= ? LIMIT 1",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, run->shelf);
	db_bind_i64(stmt, 2, run->what->before_ns);
	db_bind_i64(stmt, 3, run->what->held_seq);
	rc = db_step(run->store, stmt, err);
	*due = rc == 1;
	return rc < 0 ? rc : 0;
}

static int slice_of_shelf(struct run *run, bool *more, struct err *err)
{
	if (delete_slice(run->store, run->shelf, run->what, &run->events, err) < 0)
		return err->code;
	*more = run->events == SLICE;
	return 0;
}

static int count_held(struct store *store, const struct shelves *shelves,
	const struct retention *what, int64_t *held, struct err *err)
{
	for (size_t i = 0; i < shelves->count; i++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;

		if (db_stmt(store,
			    "SELECT count(*) FROM event WHERE " OWN "shelf = ? AND start_ns < ?",
			    &stmt, err) < 0)
			return err->code;
		db_bind_i64(stmt, 1, shelves->numbers[i]);
		db_bind_i64(stmt, 2, what->before_ns);
		if (db_step(store, stmt, err) < 0)
			return err->code;
		*held += db_col_i64(stmt, 0);
	}
	return 0;
}

/* --- data --- */

static void mark(struct run *run, int64_t data_no)
{
	if (data_no >= 0 && data_no < run->room)
		run->used[data_no / 8] |= (unsigned char)(1U << (data_no % 8));
}

static bool is_marked(const struct run *run, int64_t data_no)
{
	return (run->used[data_no / 8] >> (data_no % 8) & 1) != 0;
}

/* All that SQL, with AFTER for its parameter if it has one, tells of. */
static int mark_all(struct run *run, const char *sql, int64_t after, struct err *err)
{
	struct db_statement *stmt = NULL;
	int rc = db_prepare(run->store, sql, &stmt, err);

	if (rc == 0 && db_params(stmt) > 0)
		db_bind_i64(stmt, 1, after);
	while (rc == 0 && (rc = db_step(run->store, stmt, err)) == 1) {
		mark(run, db_col_i64(stmt, 0));
		rc = 0;
	}
	db_finalize(stmt);
	return rc;
}

/* The last row stays, so that a number is never given twice. */
static int list_unused(struct run *run, struct err *err)
{
	struct db_rows rows = db_rows(&run->arena, sizeof(int64_t));
	struct db_statement *stmt = NULL;
	int rc = db_prepare(run->store,
		"SELECT data_no FROM dict WHERE " OWN "data_no < ? ORDER BY data_no", &stmt, err);

	if (rc == 0)
		db_bind_i64(stmt, 1, run->room - 1);
	while (rc == 0 && (rc = db_step(run->store, stmt, err)) == 1) {
		int64_t data_no = db_col_i64(stmt, 0);

		if (data_no >= 0 && !is_marked(run, data_no))
			db_rows_add(&rows, &data_no);
		rc = 0;
	}
	db_finalize(stmt);
	run->unused = rows.items;
	run->unused_count = rows.count;
	return rc;
}

static int find_unused(struct run *run, struct err *err)
{
	int64_t last;

	if (number_of(run->store, "SELECT last_seq FROM store_state" ALL_OWN, &run->seen_seq, err) <
			0 ||
		number_of(run->store, "SELECT max(data_no) FROM dict" ALL_OWN, &last, err) < 0)
		return err->code;
	if (last <= 0 || last >= MOST_DATA)
		return 0;
	run->room = last + 1;
	run->used = mem_zalloc((size_t)run->room / 8 + 1);
	if (mark_all(run, "SELECT /*!DISTINCT */data_no FROM event" ALL_OWN, 0, err) < 0 ||
		mark_all(run, "SELECT data_no FROM derived_correction" ALL_OWN, 0, err) < 0)
		return err->code;
	return list_unused(run, err);
}

/* The next ones in the list, as SQL takes them: "1,2,3". */
static int64_t take_unused(struct run *run, struct buf *list)
{
	int64_t count = 0;

	for (; run->unused_at < run->unused_count && count < SLICE; run->unused_at++) {
		int64_t data_no = run->unused[run->unused_at];

		if (is_marked(run, data_no))
			continue;
		if (count++ > 0)
			buf_byte(list, ',');
		buf_i64(list, data_no);
	}
	return count;
}

static int delete_listed(struct run *run, struct str list, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(run->store,
		    "DELETE FROM dict WHERE " OWN
		    "data_no IN (/*-*/SELECT value FROM json_each('[' || ?1 || ']')/*.*/"
		    "/*!SELECT unnest(string_to_array(CAST(?1 AS TEXT), ',')::BIGINT[])*/)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, list);
	if (db_exec_count(run->store, stmt, &run->data, err) < 0)
		return err->code;
	dictionary_note_deletions(run->store);
	return 0;
}

static int slice_of_data(struct run *run, bool *more, struct err *err)
{
	CLEANUP(buf_release) struct buf list = BUF_INIT;
	int64_t derived_seq;

	*more = false;
	if (number_of(run->store, "SELECT seq FROM derived_mark" ALL_OWN, &derived_seq, err) < 0 ||
		mark_all(run, "SELECT data_no FROM event WHERE " OWN "seq > ?" BY_SEQ,
			run->seen_seq, err) < 0)
		return err->code;
	if (derived_seq > run->seen_seq || take_unused(run, &list) == 0)
		return 0;
	*more = run->unused_at < run->unused_count;
	return delete_listed(run, buf_str(&list), err);
}

static int delete_data(struct run *run, struct err *err)
{
	int rc = db_read_begin(run->store, err);

	if (rc < 0)
		return rc;
	db_may_take_long(run->store);
	rc = find_unused(run, err);
	db_read_end(run->store);
	if (rc == 0 && run->unused_count > 0)
		rc = run_slices(run, slice_of_data, err);
	free(run->used);
	return rc;
}

/* --- all of it --- */

static int run_all(struct run *run, struct err *err)
{
	struct shelves shelves;
	bool due = false;

	if (list_shelves(run->store, &run->arena, &shelves, err) < 0)
		return err->code;
	for (size_t i = 0; i < shelves.count && !run->out->unfinished; i++) {
		run->shelf = shelves.numbers[i];
		if (is_due(run, &due, err) < 0 || (due && run_slices(run, slice_of_shelf, err) < 0))
			return err->code;
	}
	if (run->what->held_seq < INT64_MAX && !run->out->unfinished &&
		count_held(run->store, &shelves, run->what, &run->out->held, err) < 0)
		return err->code;
	return run->out->events > 0 && !run->out->unfinished ? delete_data(run, err) : 0;
}

int store_retention_shrink(struct store *store, int64_t *bytes, struct err *err)
{
	*bytes = 0;
	return db_shrink(store, bytes, err);
}

int store_retention(struct store *store, const struct retention *what, struct retention_result *out,
	struct err *err)
{
	struct run run = { .store = store, .what = what, .out = out };
	int rc;

	*out = (struct retention_result){ 0 };
	rc = run_all(&run, err);
	arena_release(&run.arena);
	if (rc < 0 || what->pause)
		return rc;
	return store_retention_shrink(store, &out->bytes, err);
}
