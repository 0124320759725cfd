/* Foreign bytes that nobody understood. The same bytes with the same source, path and reason are
 * one entry. Its number, by which people name it, is never given again. */
#include "base/hash.h"
#include "store/sql/writes.h"

enum { HASH_BYTES = 16 };

static void add_part(struct buf *out, struct str part)
{
	buf_i64(out, (int64_t)part.len);
	buf_byte(out, ':');
	buf_add(out, part);
}

static void identity(const struct quarantine_entry *entry, uint8_t out[static HASH_BYTES])
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	add_part(&text, entry->source);
	add_part(&text, entry->path);
	add_part(&text, entry->reason);
	buf_i64(&text, entry->bytes_total);
	add_part(&text, entry->bytes);
	hash128(buf_str(&text), out);
}

int quarantine_put(struct store *store, const struct quarantine_entry *entry, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	uint8_t hash[HASH_BYTES];
	int64_t added;

	if (db_stmt(store,
		    "INSERT INTO quarantine (" OWNER "hash, source, path, position, reason, detail,"
		    " at_ns, bytes_total, bytes, entry_no) VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER "hash) DO NOTHING",
		    &stmt, err) < 0)
		return err->code;
	identity(entry, hash);
	db_bind_blob(stmt, 1, (struct str){ (const char *)hash, sizeof(hash) });
	db_bind_str(stmt, 2, entry->source);
	db_bind_bytes(stmt, 3, entry->path);
	db_bind_i64(stmt, 4, entry->offset);
	db_bind_str(stmt, 5, entry->reason);
	db_bind_bytes(stmt, 6, entry->detail);
	db_bind_i64(stmt, 7, entry->at_ns);
	db_bind_i64(stmt, 8, entry->bytes_total);
	db_bind_blob(stmt, 9, entry->bytes);
	db_bind_i64(stmt, 10, db_counters(store)->last_entry + 1);
	if (db_exec_count(store, stmt, &added, err) < 0)
		return err->code;
	db_counters(store)->quarantined += added;
	db_counters(store)->last_entry += added;
	return 0;
}

static void take_entry(struct db_statement *stmt, struct arena *arena, struct quarantine_entry *out)
{
	out->entry_no = db_col_i64(stmt, 0);
	out->source = db_col_copy(stmt, 1, arena);
	out->path = db_col_copy(stmt, 2, arena);
	out->offset = db_col_i64(stmt, 3);
	out->reason = db_col_copy(stmt, 4, arena);
	out->detail = db_col_copy(stmt, 5, arena);
	out->at_ns = db_col_i64(stmt, 6);
	out->bytes_total = db_col_i64(stmt, 7);
	out->bytes = db_col_copy(stmt, 8, arena);
}

static int read_entries(
	struct store *store, struct db_statement *stmt, struct db_rows *rows, struct err *err)
{
	struct quarantine_entry entry;
	int rc;

	while ((rc = db_step(store, stmt, err)) == 1) {
		take_entry(stmt, rows->arena, &entry);
		db_rows_add(rows, &entry);
		if (arena_over(rows->arena))
			return err_set(err, ERR_LIMIT, "the quarantine is too large to be listed");
	}
	return rc;
}

int store_quarantine(struct store *store, struct arena *arena, struct quarantine_entry **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(**out));
	struct db_statement *stmt = NULL;
	int rc = db_read_begin(store, err);

	if (rc < 0)
		return rc;
	rc = db_prepare(store,
		"SELECT entry_no, source, path, position, reason, detail, at_ns, bytes_total, bytes"
		" FROM quarantine" ALL_OWN " ORDER BY entry_no",
		&stmt, err);
	if (rc == 0)
		rc = read_entries(store, stmt, &rows, err);
	db_finalize(stmt);
	db_read_end(store);
	*out = rows.items;
	*count = rows.count;
	return rc;
}

static int drop(struct store *store, int64_t entry_no, int64_t *dropped, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "DELETE FROM quarantine WHERE " OWN "(CAST(?1 AS BIGINT) = 0 OR entry_no = ?1)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, entry_no);
	if (db_exec_count(store, stmt, dropped, err) < 0)
		return err->code;
	db_counters(store)->quarantined -= *dropped;
	if (*dropped == 0 && entry_no != 0)
		return err_set(err, ERR_NOT_FOUND, "no quarantine entry has the number %lld",
			(long long)entry_no);
	return 0;
}

int store_quarantine_drop(struct store *store, int64_t entry_no, int64_t *dropped, struct err *err)
{
	bool own;

	*dropped = 0;
	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, drop(store, entry_no, dropped, err), err);
}
