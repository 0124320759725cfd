/*
 * Retention. Events go in batches by shelf, from the oldest; the triggers of 001_derived.sql note
 * what reports accounted for. Data is deleted when neither an event nor such a note uses it.
 */
#include "store/retention.h"

#include "store/sql/catalogue.h"
#include "store/sql/dictionary.h"

enum { BATCH = 10000 };

struct shelves {
	int64_t *numbers;
	size_t count;
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
	db_bind_i64(stmt, 4, BATCH);
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
	return db_exec(store, stmt, err);
}

/* One batch of SHELF. An odd event's id points at it: the pointer goes first. */
static int delete_batch(struct store *store, int64_t shelf, const struct retention *what,
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

static int delete_shelf(struct store *store, int64_t shelf, const struct retention *what,
	struct retention_result *out, struct err *err)
{
	int64_t deleted;

	do {
		if (db_write_begin(store, err) < 0)
			return err->code;
		if (db_write_leave(
			    store, true, delete_batch(store, shelf, what, &deleted, err), err) < 0)
			return err->code;
		out->events += deleted;
	} while (deleted == BATCH);
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

/* The last row stays, so that a number is never given twice. A plan for NOT IN is good in SQLite,
 * one for NOT EXISTS in PostgreSQL. */
static int delete_unused(struct store *store, int64_t *deleted, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "DELETE FROM dict WHERE " OWN "data_no < (SELECT max(data_no) FROM dict" ALL_OWN
		    ") AND /*-*/data_no NOT IN (SELECT data_no FROM event"
		    " UNION SELECT data_no FROM derived_correction)/*.*//*!NOT EXISTS"
		    " (SELECT 1 FROM event e WHERE e.user_no = $0 AND e.data_no = dict.data_no)"
		    " AND NOT EXISTS (SELECT 1 FROM derived_correction c WHERE c.user_no = $0"
		    " AND c.data_no = dict.data_no)*/",
		    &stmt, err) < 0 ||
		db_exec_count(store, stmt, deleted, err) < 0)
		return err->code;
	dictionary_note_deletions(store);
	return 0;
}

static int delete_data(struct store *store, int64_t *deleted, struct err *err)
{
	if (db_write_begin(store, err) < 0)
		return err->code;
	return db_write_leave(store, true, delete_unused(store, deleted, err), err);
}

int store_retention(struct store *store, const struct retention *what, struct retention_result *out,
	struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct shelves shelves;

	*out = (struct retention_result){ 0 };
	if (list_shelves(store, &arena, &shelves, err) < 0)
		return err->code;
	for (size_t i = 0; i < shelves.count; i++)
		if (delete_shelf(store, shelves.numbers[i], what, out, err) < 0)
			return err->code;
	if (count_held(store, &shelves, what, &out->held, err) < 0)
		return err->code;
	if (out->events > 0 && delete_data(store, &out->data, err) < 0)
		return err->code;
	return db_shrink(store, &out->bytes, err);
}
