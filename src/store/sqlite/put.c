/* Rows that writing in bulk makes, each by a statement of its own: nothing is nearer than the file.
 */
#include "store/sql/put.h"

#include "store/sqlite/db.h"

int put_event(struct store *store, const struct put_event *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO event (shelf, start_ns, key, duration_ns, revision, data_no, seq,"
		    " number) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, row->shelf);
	db_bind_i64(stmt, 2, row->start_ns);
	db_bind_str(stmt, 3, row->key);
	db_bind_i64(stmt, 4, row->duration_ns);
	db_bind_i64(stmt, 5, row->revision);
	db_bind_i64(stmt, 6, row->data_no);
	db_bind_i64(stmt, 7, row->seq);
	db_bind_i64(stmt, 8, row->number);
	return db_exec(store, stmt, err);
}

static int change(struct store *store, const struct put_event *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "UPDATE event SET duration_ns = ?, revision = ?, data_no = ?, seq = ?"
		    " WHERE shelf = ? AND start_ns = ? AND key = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, row->duration_ns);
	db_bind_i64(stmt, 2, row->revision);
	db_bind_i64(stmt, 3, row->data_no);
	db_bind_i64(stmt, 4, row->seq);
	db_bind_i64(stmt, 5, row->shelf);
	db_bind_i64(stmt, 6, row->start_ns);
	db_bind_str(stmt, 7, row->key);
	return db_exec(store, stmt, err);
}

/* A statement of its own, so that what is corrected otherwise does not touch event_by_number. */
static int number(struct store *store, const struct put_event *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "UPDATE event SET number = ? WHERE shelf = ? AND start_ns = ? AND key = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, row->number);
	db_bind_i64(stmt, 2, row->shelf);
	db_bind_i64(stmt, 3, row->start_ns);
	db_bind_str(stmt, 4, row->key);
	return db_exec(store, stmt, err);
}

int put_event_change(
	struct store *store, const struct put_event *row, bool numbered, struct err *err)
{
	if (change(store, row, err) < 0)
		return err->code;
	return numbered ? number(store, row, err) : 0;
}

int put_data(struct store *store, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "INSERT INTO dict (hash, body) VALUES (?, ?)", &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, (int64_t)hash);
	db_bind_str(stmt, 2, data);
	if (db_exec(store, stmt, err) < 0)
		return err->code;
	*no = sqlite3_last_insert_rowid(store->db);
	return 0;
}

int put_bucket(struct store *store, const struct put_bucket *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "UPDATE bucket SET events = events + ?, longest_ns = ?, end_ns = ?,"
		    " changed_seq = ?, moved_seq = ?, first_ns = min(first_ns, ?),"
		    " last_ns = max(last_ns, ?) WHERE bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, row->added);
	db_bind_i64(stmt, 2, row->longest_ns);
	db_bind_i64(stmt, 3, row->end_ns);
	db_bind_i64(stmt, 4, row->changed_seq);
	db_bind_i64(stmt, 5, row->moved_seq);
	db_bind_i64(stmt, 6, row->first_ns);
	db_bind_i64(stmt, 7, row->last_ns);
	db_bind_i64(stmt, 8, row->bucket_no);
	return db_exec(store, stmt, err);
}
