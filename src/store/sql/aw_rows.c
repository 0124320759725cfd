/* Single rows of events, buckets and settings, found as the ActivityWatch API asks for them. */
#include "store/sql/aw_rows.h"

#include "store/sql/buckets.h"

/* Columns of every query that gives an event_row. */
#define ROW_COLUMNS "shelf, start_ns, key, duration_ns, revision, data_no, seq, number"
enum {
	COL_SHELF,
	COL_START,
	COL_KEY,
	COL_DURATION,
	COL_REVISION,
	COL_DATA_NO,
	COL_SEQ,
	COL_NUMBER
};

/* --- events --- */

int64_t aw_number(const struct event_row *row)
{
	return row->number > 0 ? row->number : AW_NUMBER_SEQ + row->seq;
}

static void take_row(struct db_statement *stmt, struct event_row *row, struct buf *key)
{
	int64_t shelf = db_col_i64(stmt, COL_SHELF);

	*row = (struct event_row){
		.odd = shelf % 2 != 0,
		.bucket_no = shelf / 2,
		.start_ns = db_col_i64(stmt, COL_START),
		.duration_ns = db_col_i64(stmt, COL_DURATION),
		.revision = db_col_i64(stmt, COL_REVISION),
		.data_no = db_col_i64(stmt, COL_DATA_NO),
		.seq = db_col_i64(stmt, COL_SEQ),
		.number = db_col_i64(stmt, COL_NUMBER),
	};
	buf_clear(key);
	buf_add(key, db_col_str(stmt, COL_KEY));
}

static int query_one(struct store *store, const char *sql, int64_t param, struct event_row *row,
	struct buf *key, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, param);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		take_row(stmt, row, key);
	return rc;
}

int aw_row_by_number(struct store *store, int64_t number, struct event_row *row, struct buf *key,
	struct err *err)
{
	int rc;

	if (number <= 0)
		return 0;
	rc = query_one(store, "SELECT " ROW_COLUMNS " FROM event WHERE number = ?1 AND number > 0",
		number, row, key, err);
	if (rc != 0 || number < AW_NUMBER_SEQ)
		return rc;
	rc = query_one(store, "SELECT " ROW_COLUMNS " FROM event WHERE seq = ?1",
		number - AW_NUMBER_SEQ, row, key, err);
	return rc == 1 && row->number > 0 ? 0 : rc; /* it goes by its number */
}

/* Is LEFT before RIGHT, among events of one start? */
static bool is_before(const struct event_row *left, const struct event_row *right)
{
	if (left->duration_ns != right->duration_ns)
		return left->duration_ns < right->duration_ns;
	return aw_number(left) < aw_number(right);
}

static int shelf_last(struct store *store, int64_t shelf, struct event_row *best, struct buf *key,
	bool *found, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	CLEANUP(buf_release) struct buf own_key = BUF_INIT;
	struct event_row row;
	int rc;

	if (db_stmt(store,
		    "SELECT " ROW_COLUMNS " FROM event WHERE shelf = ? ORDER BY start_ns DESC",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	while ((rc = db_step(store, stmt, err)) == 1) {
		if (*found && db_col_i64(stmt, COL_START) < best->start_ns)
			return 0;
		take_row(stmt, &row, &own_key);
		if (*found && row.start_ns == best->start_ns && !is_before(&row, best))
			continue;
		*best = row;
		buf_clear(key);
		buf_add(key, buf_str(&own_key));
		*found = true;
	}
	return rc;
}

int aw_row_last(struct store *store, int64_t bucket_no, struct event_row *row, struct buf *key,
	struct err *err)
{
	bool found = false;

	for (int odd = 0; odd < 2; odd++)
		if (shelf_last(store, 2 * bucket_no + odd, row, key, &found, err) < 0)
			return err->code;
	return found;
}

int aw_row_equal(struct store *store, int64_t bucket_no, const struct event_row *like,
	int64_t *number, struct err *err)
{
	*number = 0;
	for (int odd = 0; odd < 2; odd++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		CLEANUP(buf_release) struct buf key = BUF_INIT;
		struct event_row row;
		int rc;

		if (db_stmt(store,
			    "SELECT " ROW_COLUMNS " FROM event WHERE shelf = ? AND start_ns = ?"
			    " AND duration_ns = ? AND data_no = ? LIMIT 1",
			    &stmt, err) < 0)
			return err->code;
		db_bind_i64(stmt, 1, 2 * bucket_no + odd);
		db_bind_i64(stmt, 2, like->start_ns);
		db_bind_i64(stmt, 3, like->duration_ns);
		db_bind_i64(stmt, 4, like->data_no);
		rc = db_step(store, stmt, err);
		if (rc < 0)
			return rc;
		if (rc == 1) {
			take_row(stmt, &row, &key);
			*number = aw_number(&row);
			return 0;
		}
	}
	return 0;
}

static int bury(struct store *store, const struct bucket *bucket, struct db_statement *event,
	struct str id, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO tombstone (id, bucket_no, start_ns, revision, seq)"
		    " VALUES (?, ?, ?, ? + 1, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	db_bind_i64(stmt, 2, bucket->bucket_no);
	db_bind_i64(stmt, 3, db_col_i64(event, COL_START));
	db_bind_i64(stmt, 4, db_col_i64(event, COL_REVISION));
	db_bind_i64(stmt, 5, db_next_seq(store));
	db_counters(store)->tombstones++;
	return db_exec(store, stmt, err);
}

static int bury_shelf(
	struct store *store, struct bucket *bucket, int64_t shelf, int64_t *count, struct err *err)
{
	const struct bucket_row names = {
		.machine_id = bucket->machine_id,
		.source = bucket->source,
		.type = bucket->type,
	};
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	int rc;

	if (db_stmt(store,
		    "SELECT " ROW_COLUMNS " FROM event WHERE shelf = ? ORDER BY start_ns, key",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	while ((rc = db_step(store, stmt, err)) == 1) {
		buf_clear(&id);
		shelf_id(
			&id, &names, shelf, db_col_i64(stmt, COL_START), db_col_str(stmt, COL_KEY));
		if (bury(store, bucket, stmt, buf_str(&id), err) < 0)
			return err->code;
		++*count;
	}
	return rc;
}

static int run_on_shelf(
	struct store *store, const char *sql, int64_t shelf, int64_t *changes, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	return db_exec_count(store, stmt, changes, err);
}

/* The ids of odd events are found through the events: they go first. */
static int clear_shelf(struct store *store, int64_t shelf, int64_t *deleted, struct err *err)
{
	int64_t pointers = 0;

	if (shelf % 2 != 0 &&
		run_on_shelf(store,
			"DELETE FROM odd_id WHERE id IN (SELECT key FROM event WHERE shelf = ?)",
			shelf, &pointers, err) < 0)
		return err->code;
	db_counters(store)->odd_ids -= pointers;
	return run_on_shelf(store, "DELETE FROM event WHERE shelf = ?", shelf, deleted, err);
}

int aw_rows_delete(struct events *events, int64_t bucket_no, int64_t *deleted, struct err *err)
{
	struct store *store = events->store;
	struct bucket *bucket;

	*deleted = 0;
	if (catalogue_bucket_no(events->catalogue, bucket_no, &bucket, err) < 0)
		return err->code;
	for (int odd = 0; odd < 2; odd++) {
		int64_t shelf = 2 * bucket_no + odd, buried = 0, gone = 0;

		if (bury_shelf(store, bucket, shelf, &buried, err) < 0 ||
			clear_shelf(store, shelf, &gone, err) < 0)
			return err->code;
		ASSERT(buried == gone);
		*deleted += gone;
		bucket->newest_ns[odd] = INT64_MIN;
	}
	bucket->added -= *deleted;
	db_counters(store)->events -= *deleted;
	bucket->end_lost = true;
	bucket_moved(bucket, db_counters(store)->last_seq);
	return 0;
}

/* --- buckets --- */

int aw_row_bucket(struct store *store, struct str id, struct arena *arena, struct aw_bucket *out,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = (struct aw_bucket){ .id = id };
	if (db_stmt(store,
		    "SELECT a.bucket_no, m.machine_id, a.type, a.client, a.hostname, a.data,"
		    " a.created_ns FROM aw_bucket a JOIN bucket b USING (bucket_no)"
		    " JOIN machine m USING (machine_no) WHERE a.id = ? ORDER BY a.making DESC LIMIT 1",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	rc = db_step(store, stmt, err);
	if (rc != 1)
		return rc;
	out->bucket_no = db_col_i64(stmt, 0);
	out->machine_id = db_col_copy(stmt, 1, arena);
	out->type = db_col_copy(stmt, 2, arena);
	out->client = db_col_copy(stmt, 3, arena);
	out->hostname = db_col_copy(stmt, 4, arena);
	out->data = db_col_copy(stmt, 5, arena);
	out->created_ns = db_col_i64(stmt, 6);
	out->writable = true;
	return 1;
}

int aw_row_writable(struct store *store, int64_t bucket_no, struct arena *arena, struct str *id,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT a.id, a.making = (SELECT max(making) FROM aw_bucket WHERE id = a.id)"
		    " FROM bucket b LEFT JOIN aw_bucket a USING (bucket_no) WHERE b.bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(
			err, ERR_NOT_FOUND, "no bucket has the number %lld", (long long)bucket_no);
	if (db_col_i64(stmt, 1) == 0)
		return err_set(err, ERR_READONLY,
			"the bucket was not made here over the ActivityWatch API: it cannot be changed");
	*id = db_col_copy(stmt, 0, arena);
	return 0;
}

int aw_row_shown(struct store *store, struct str id, int64_t *bucket_no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*bucket_no = 0;
	if (db_stmt(store,
		    "SELECT bucket_no FROM bucket JOIN machine USING (machine_no)"
		    " WHERE source NOT GLOB '" AW_SOURCE "*'"
		    " AND ?1 IN (source || '.' || type || '@' || label,"
		    " source || '.' || type || '@' || machine_id)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*bucket_no = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

int aw_row_make(struct store *store, const struct aw_bucket *bucket, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	/* REPLACE: this machine's identity may have gone away and come back. */
	if (db_stmt(store,
		    "INSERT OR REPLACE INTO aw_bucket (bucket_no, id, type, client, hostname, data,"
		    " created_ns) VALUES (?, ?, ?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket->bucket_no);
	db_bind_str(stmt, 2, bucket->id);
	db_bind_str(stmt, 3, bucket->type);
	db_bind_str(stmt, 4, bucket->client);
	db_bind_str(stmt, 5, bucket->hostname);
	db_bind_str(stmt, 6, bucket->data);
	db_bind_i64(stmt, 7, bucket->created_ns);
	return db_exec(store, stmt, err);
}

static void bind_or_null(struct db_statement *stmt, int index, struct str value)
{
	if (value.ptr)
		db_bind_str(stmt, index, value);
}

int aw_row_change(
	struct store *store, int64_t bucket_no, const struct aw_bucket *fields, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "UPDATE aw_bucket SET type = coalesce(?, type), client = coalesce(?, client),"
		    " hostname = coalesce(?, hostname), data = coalesce(?, data)"
		    " WHERE bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	bind_or_null(stmt, 1, fields->type);
	bind_or_null(stmt, 2, fields->client);
	bind_or_null(stmt, 3, fields->hostname);
	bind_or_null(stmt, 4, fields->data);
	db_bind_i64(stmt, 5, bucket_no);
	return db_exec(store, stmt, err);
}

int aw_row_delete(struct store *store, int64_t bucket_no, struct err *err)
{
	int64_t changes;

	return run_on_shelf(
		store, "DELETE FROM aw_bucket WHERE bucket_no = ?", bucket_no, &changes, err);
}

/* --- settings --- */

int aw_row_setting(struct store *store, struct str key, struct str value, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    value.ptr ? "INSERT OR REPLACE INTO aw_setting (key, value) VALUES (?, ?)"
			      : "DELETE FROM aw_setting WHERE key = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, key);
	if (value.ptr)
		db_bind_str(stmt, 2, value);
	return db_exec(store, stmt, err);
}
