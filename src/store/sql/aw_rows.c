/* Single rows of events, buckets and settings, found as the ActivityWatch API asks for them. */
#include "store/sql/aw_rows.h"

#include "store/sql/ahead.h"
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
	rc = query_one(store,
		"SELECT " ROW_COLUMNS " FROM event WHERE " OWN
		"number = ?1 AND number > 0" POSTGRES(
			" AND number <> seq UNION ALL SELECT " ROW_COLUMNS
			" FROM event WHERE user_no = $0"
			" AND seq = ?1 AND seq > 0 AND number = seq"),
		number, row, key, err);
	if (rc != 0 || number < AW_NUMBER_SEQ)
		return rc;
	rc = query_one(store, "SELECT " ROW_COLUMNS " FROM event WHERE " OWN "seq = ?1" BY_SEQ,
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
		    "SELECT " ROW_COLUMNS " FROM event WHERE " OWN
		    "shelf = ?1 AND start_ns = (SELECT start_ns FROM event WHERE " OWN
		    "shelf = ?1 ORDER BY start_ns DESC LIMIT 1)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	while ((rc = db_step(store, stmt, err)) == 1) {
		take_row(stmt, &row, &own_key);
		if (*found && (row.start_ns < best->start_ns ||
				      (row.start_ns == best->start_ns && !is_before(&row, best))))
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

int aw_row_equal(struct store *store, int64_t bucket_no, const struct ahead_near *like,
	int64_t *number, struct err *err)
{
	*number = 0;
	for (int odd = 0; odd < 2; odd++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		CLEANUP(buf_release) struct buf key = BUF_INIT;
		struct event_row row;
		int rc;

		if (db_stmt(store,
			    "SELECT " ROW_COLUMNS " FROM event WHERE " OWN
			    "shelf = ? AND start_ns = ? AND duration_ns = ? AND data_no = ? LIMIT 1",
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
		    "INSERT INTO tombstone (" OWNER
		    "id, bucket_no, start_ns, revision, seq) VALUES (" OWN_VALUE "?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	db_bind_i64(stmt, 2, bucket->bucket_no);
	db_bind_i64(stmt, 3, db_col_i64(event, COL_START));
	db_bind_i64(stmt, 4, db_col_i64(event, COL_REVISION) + 1);
	db_bind_i64(stmt, 5, db_next_seq(store));
	db_counters(store)->tombstones++;
	return db_exec(store, stmt, err);
}

static int bury_all(struct store *store, struct bucket *bucket, int64_t shelf,
	struct db_statement *stmt, int64_t *count, struct err *err)
{
	const struct bucket_row names = {
		.machine_id = bucket->machine_id,
		.source = bucket->source,
		.type = bucket->type,
	};
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	int rc;

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

static int bury_shelf(
	struct store *store, struct bucket *bucket, int64_t shelf, int64_t *count, struct err *err)
{
	struct db_statement *stmt = NULL;
	int rc = db_prepare(store,
		"SELECT " ROW_COLUMNS " FROM event WHERE " OWN "shelf = ? ORDER BY start_ns, key",
		&stmt, err);

	if (rc == 0)
		rc = bury_all(store, bucket, shelf, stmt, count, err);
	db_finalize(stmt);
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

	db_may_take_long(store);
	if (shelf % 2 != 0 && run_on_shelf(store,
				      "DELETE FROM odd_id WHERE " OWN
				      "id IN (SELECT key FROM event WHERE " OWN "shelf = ?)",
				      shelf, &pointers, err) < 0)
		return err->code;
	db_counters(store)->odd_ids -= pointers;
	return run_on_shelf(store, "DELETE FROM event WHERE " OWN "shelf = ?", shelf, deleted, err);
}

int aw_rows_delete(struct events *events, int64_t bucket_no, int64_t *deleted, struct err *err)
{
	struct store *store = events->store;
	struct bucket *bucket;

	*deleted = 0;
	events_unexpect(events);
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
	bucket->lost_first_ns = INT64_MIN;
	bucket->lost_last_ns = INT64_MAX;
	bucket_moved(bucket, db_counters(store)->last_seq);
	return 0;
}

/* --- buckets --- */

/* Was it made last of those of its id? (a: aw_bucket) */
#define IS_LAST                                                                                    \
	"a.making = (SELECT max(n.making) FROM aw_bucket n WHERE n.id = a.id"                      \
	" /*!AND n.user_no = a.user_no*/)"

#define SELECT_MADE                                                                                \
	"SELECT a.bucket_no, m.machine_id, m.label, a.id, a.type, a.client, a.hostname, a.data,"   \
	" a.created_ns, " IS_LAST                                                                  \
	", b.events, b.end_ns, b.first_ns, b.last_ns FROM aw_bucket a JOIN bucket b USING (" OWNER \
	"bucket_no)"                                                                               \
	" JOIN machine m USING (" OWNER "machine_no)"

/* A bucket made over the API, and its device's label. */
struct made {
	struct aw_bucket bucket;
	struct str label;
};

bool aw_row_last_is_meant(const struct store *store)
{
	struct actor actor = store_actor(store);

	return actor.user_id.len == 0 && actor.machine_id.len == 0;
}

void aw_row_ends(struct aw_bucket *bucket, int64_t first_ns, int64_t last_ns)
{
	bucket->first_ns = first_ns == INT64_MAX ? INT64_MIN : first_ns;
	bucket->newest_start_ns = last_ns;
	bucket->newest_end_ns = INT64_MIN;
}

static void take_made(struct db_statement *stmt, struct arena *arena, struct made *out)
{
	*out = (struct made){
		.bucket = {
			.bucket_no = db_col_i64(stmt, 0),
			.machine_id = db_col_copy(stmt, 1, arena),
			.id = db_col_copy(stmt, 3, arena),
			.type = db_col_copy(stmt, 4, arena),
			.client = db_col_copy(stmt, 5, arena),
			.hostname = db_col_copy(stmt, 6, arena),
			.data = db_col_copy(stmt, 7, arena),
			.created_ns = db_col_i64(stmt, 8),
			.writable = true,
			.events = db_col_i64(stmt, 10),
			.end_ns = db_col_i64(stmt, 11),
		},
		.label = db_col_copy(stmt, 2, arena),
	};
	aw_row_ends(&out->bucket, db_col_i64(stmt, 12), db_col_i64(stmt, 13));
}

/* The candidates, with SQL, whose parameter is the id: those that may be written. */
static int read_made(
	struct store *store, const char *sql, struct str id, struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct made made;
	int rc;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	while ((rc = db_step(store, stmt, err)) == 1) {
		if (aw_row_last_is_meant(store) && db_col_i64(stmt, 9) == 0)
			continue;
		take_made(stmt, rows->arena, &made);
		db_rows_add(rows, &made);
	}
	return rc;
}

/* NULL: there are several, and none is the actor's device's. */
static const struct made *choose_made(const struct store *store, const struct db_rows *rows)
{
	const struct made *made = rows->items;

	if (rows->count == 1)
		return &made[0];
	for (size_t i = 0; i < rows->count; i++)
		if (str_eq(made[i].bucket.machine_id, store_actor(store).machine_id))
			return &made[i];
	return NULL;
}

/* Does another device of the candidates have this label, too? */
static bool label_repeats(const struct db_rows *rows, const struct made *made)
{
	const struct made *others = rows->items;

	for (size_t i = 0; i < rows->count; i++)
		if (&others[i] != made && str_eq(others[i].label, made->label))
			return true;
	return false;
}

static int fail_ambiguous(struct str id, const struct db_rows *rows, struct err *err)
{
	CLEANUP(buf_release) struct buf names = BUF_INIT;
	const struct made *made = rows->items;
	enum { MOST_NAMES = 4 };

	for (size_t i = 0; i < rows->count && i < MOST_NAMES; i++) {
		bool labelled = made[i].label.len > 0 && !label_repeats(rows, &made[i]);

		buf_printf(&names, "%s'%.*s@%.*s'", i > 0 ? " or " : "", STR_ARG(made[i].bucket.id),
			STR_ARG(labelled ? made[i].label : made[i].bucket.machine_id));
	}
	return err_set(err, ERR_AMBIGUOUS, "several devices have a bucket '%.*s': say %.*s%s",
		STR_ARG(id), STR_ARG(buf_str(&names)),
		rows->count > MOST_NAMES ? " or another" : "");
}

int aw_row_bucket(struct store *store, struct str id, struct arena *arena, struct aw_bucket *out,
	struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct made));
	const struct made *made;
	int rc;

	*out = (struct aw_bucket){ .id = id };
	if (!db_is_text(id))
		return 0;
	rc = read_made(store,
		SELECT_MADE " WHERE a.id = ?1 /*!AND a.user_no = $0*/ ORDER BY a.making DESC", id,
		&rows, err);
	if (rc == 0 && rows.count == 0 && str_find(id, '@', 0) >= 0)
		rc = read_made(store,
			SELECT_MADE " WHERE (?1 = a.id || '@' || m.machine_id"
				    " OR (m.label <> '' AND ?1 = a.id || '@' || m.label))"
				    " /*!AND a.user_no = $0*/ ORDER BY a.making DESC",
			id, &rows, err);
	if (rc < 0 || rows.count == 0)
		return rc;
	made = choose_made(store, &rows);
	if (!made)
		return fail_ambiguous(id, &rows, err);
	*out = made->bucket;
	return 1;
}

int aw_row_made_by(struct store *store, struct str id, struct str machine_id, int64_t *bucket_no,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*bucket_no = 0;
	if (db_stmt(store,
		    SELECT_MADE " WHERE a.id = ? AND m.machine_id = ? /*!AND a.user_no = $0*/"
				" ORDER BY a.making DESC LIMIT 1",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	db_bind_str(stmt, 2, machine_id);
	rc = db_step(store, stmt, err);
	if (rc == 1 && (!aw_row_last_is_meant(store) || db_col_i64(stmt, 9) != 0))
		*bucket_no = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

int aw_row_writable(struct store *store, int64_t bucket_no, struct arena *arena, struct str *id,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT a.id, " IS_LAST " FROM bucket b LEFT JOIN aw_bucket a USING (" OWNER
		    "bucket_no) WHERE b.bucket_no = ? /*!AND b.user_no = $0*/",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(
			err, ERR_NOT_FOUND, "no bucket has the number %lld", (long long)bucket_no);
	if (db_col_null(stmt, 0) || (aw_row_last_is_meant(store) && db_col_i64(stmt, 1) == 0))
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
		    "SELECT b.bucket_no FROM bucket b JOIN machine m USING (" OWNER "machine_no)"
		    " WHERE substr(b.source, 1, 3) <> '" AW_SOURCE "'"
		    " AND ?1 IN (b.source || '.' || b.type || '@' || m.label,"
		    " b.source || '.' || b.type || '@' || m.machine_id) /*!AND b.user_no = $0*/",
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

	/* This machine's identity may have gone away and come back. */
	if (aw_row_delete(store, bucket->bucket_no, err) < 0 ||
		db_stmt(store,
			"INSERT INTO aw_bucket (/*!user_no, making, */bucket_no, id, type, client,"
			" hostname, data, created_ns) VALUES (/*!$0, (SELECT coalesce(max(making),"
			" 0) + 1 FROM aw_bucket WHERE user_no = $0), */?, ?, ?, ?, ?, ?, ?)",
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
		    " WHERE " OWN "bucket_no = ?",
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

	return run_on_shelf(store, "DELETE FROM aw_bucket WHERE " OWN "bucket_no = ?", bucket_no,
		&changes, err);
}

/* --- settings --- */

int aw_row_setting(struct store *store, struct str key, struct str value, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    value.ptr ? "INSERT INTO aw_setting (" OWNER "key, value) VALUES (" OWN_VALUE
				"?, ?) ON CONFLICT (" OWNER
				"key) DO UPDATE SET value = excluded.value"
			      : "DELETE FROM aw_setting WHERE " OWN "key = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, key);
	if (value.ptr)
		db_bind_str(stmt, 2, value);
	return db_exec(store, stmt, err);
}
