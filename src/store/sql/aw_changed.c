/*
 * What changed in a bucket, for caches.
 *
 * A bucket knows its last change, and the last one that left no trace of where an event was: moved,
 * made shorter, deleted with all others. Any other change shows in the rows: an event that came or
 * grew lies where it is, one that was deleted has a tombstone with its start, and was not longer
 * than the longest.
 */
#include "store/sql/aw_rows.h"

/* So many changes are read; of more it is not worth while to know. */
enum { MOST_CHANGES = 4096 };

struct question {
	const struct aw_range *range;
	int64_t after_seq;
	int64_t longest_ns;
	int64_t changed_seq;
	int64_t moved_seq;
};

/* A bucket that is not there has not changed. */
static int read_state(
	struct store *store, struct question *question, int64_t *last_seq, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*last_seq = 0;
	if (db_stmt(store,
		    "SELECT s.last_seq, b.longest_ns, b.changed_seq, b.moved_seq"
		    " FROM store_state s LEFT JOIN bucket b"
		    " ON b.bucket_no = ? /*!AND b.user_no = $0 WHERE s.user_no = $0*/",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, question->range->bucket_no);
	rc = db_step(store, stmt, err);
	if (rc == 1) {
		*last_seq = db_col_i64(stmt, 0);
		question->longest_ns = db_col_i64(stmt, 1);
		question->changed_seq = db_col_i64(stmt, 2);
		question->moved_seq = db_col_i64(stmt, 3);
	}
	return rc < 0 ? rc : 0;
}

/* Rows of start and duration with SQL, whose parameters are a seq and MOST_CHANGES, that are of the
 * bucket: does any touch the range? DURATION is used where a row does not say. */
static int search(struct store *store, const char *sql, const struct question *question,
	bool *changed, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	const struct aw_range *range = question->range;
	int rows = 0, rc;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, question->after_seq);
	db_bind_i64(stmt, 2, MOST_CHANGES);
	while ((rc = db_step(store, stmt, err)) == 1) {
		int64_t start_ns = db_col_i64(stmt, 1), end_ns;

		if (++rows == MOST_CHANGES)
			*changed = true;
		if (db_col_i64(stmt, 0) != range->bucket_no)
			continue;
		if (__builtin_add_overflow(start_ns,
			    db_col_null(stmt, 2) ? question->longest_ns : db_col_i64(stmt, 2),
			    &end_ns))
			end_ns = INT64_MAX;
		if (end_ns >= range->from_ns && start_ns <= range->to_ns)
			*changed = true;
		if (*changed)
			return 0;
	}
	return rc;
}

static int ask(struct store *store, struct question *question, bool *changed, int64_t *seq,
	struct err *err)
{
	*changed = false;
	if (read_state(store, question, seq, err) < 0)
		return err->code;
	/* A store that knows fewer changes is an older copy, put in its place. */
	*changed = *seq < question->after_seq || question->moved_seq > question->after_seq;
	if (*changed || question->changed_seq <= question->after_seq)
		return 0;
	if (search(store,
		    "SELECT shelf / 2, start_ns, duration_ns FROM event"
		    " /*-*/INDEXED BY event_by_seq/*.*/ WHERE " OWN "seq > ?" BY_SEQ
		    " ORDER BY seq LIMIT ?",
		    question, changed, err) < 0)
		return err->code;
	if (*changed)
		return 0;
	return search(store,
		"SELECT bucket_no, start_ns, NULL FROM tombstone WHERE " OWN "seq > ?" BY_SEQ
		" ORDER BY seq LIMIT ?",
		question, changed, err);
}

int aw_changed(struct store *store, const struct aw_range *range, int64_t after_seq, bool *changed,
	int64_t *seq, struct err *err)
{
	struct question question = { .range = range, .after_seq = after_seq };
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = ask(store, &question, changed, seq, err);
	db_read_end(store);
	return rc;
}
