/* Buckets as readers see them. Their counts, and where their first and last events are, are kept by
 * the intake. */
#include "store/sql/buckets.h"

#include "model/id.h"

int buckets_load(struct store *store, struct arena *arena, struct bucket_row **out, size_t *count,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct bucket_row row;
	struct db_rows rows = db_rows(arena, sizeof(row));
	int rc;

	if (db_stmt(store,
		    "SELECT b.bucket_no, b.machine_no, m.machine_id, m.label, b.source, b.type, b.events,"
		    " b.first_ns, b.last_ns"
		    " FROM bucket b JOIN machine m USING (" OWNER
		    "machine_no)" ALL_OWN_OF("b") " ORDER BY m.machine_id, b.source, b.type",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		row.bucket_no = db_col_i64(stmt, 0);
		row.machine_no = db_col_i64(stmt, 1);
		row.machine_id = db_col_copy(stmt, 2, arena);
		row.label = db_col_copy(stmt, 3, arena);
		row.source = db_col_copy(stmt, 4, arena);
		row.type = db_col_copy(stmt, 5, arena);
		row.events = db_col_i64(stmt, 6);
		row.first_ns = db_col_i64(stmt, 7);
		row.last_ns = db_col_i64(stmt, 8);
		db_rows_add(&rows, &row);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

struct str bucket_name(struct arena *arena, const struct bucket_row *bucket, struct str machine)
{
	return arena_printf(arena, "%.*s.%.*s@%.*s", STR_ARG(bucket->source), STR_ARG(bucket->type),
		STR_ARG(machine));
}

void shelf_id(struct buf *out, const struct bucket_row *bucket, int64_t shelf, int64_t start_ns,
	struct str key)
{
	if (shelf % 2 != 0)
		buf_add(out, key);
	else
		id_build(out, bucket->machine_id, bucket->source, bucket->type, start_ns, key);
}

static int shelf_end(struct store *store, const struct bucket_row *bucket, int64_t shelf,
	bool newest, struct buf *id, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t start_ns = newest ? bucket->last_ns : bucket->first_ns;
	const char *sql = newest ? "SELECT key FROM event WHERE " OWN "shelf = ? AND start_ns = ?"
				   " ORDER BY key DESC LIMIT 1"
				 : "SELECT key FROM event WHERE " OWN "shelf = ? AND start_ns = ?"
				   " ORDER BY key LIMIT 1";
	int rc;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	db_bind_i64(stmt, 2, start_ns);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		shelf_id(id, bucket, shelf, start_ns, db_col_str(stmt, 0));
	return rc;
}

int bucket_end(struct store *store, const struct bucket_row *bucket, bool newest,
	struct arena *arena, struct event *out, struct err *err)
{
	int found = 0;

	*out = (struct event){
		.source = bucket->source,
		.type = bucket->type,
		.start_ns = newest ? bucket->last_ns : bucket->first_ns,
	};
	for (int odd = 0; odd < 2; odd++) {
		CLEANUP(buf_release) struct buf id = BUF_INIT;
		struct event end = *out;
		int rc = shelf_end(store, bucket, 2 * bucket->bucket_no + odd, newest, &id, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		end.id = buf_str(&id);
		if (found && (event_cmp(&end, out) > 0) != newest)
			continue;
		end.id = arena_str(arena, end.id);
		*out = end;
		found = 1;
	}
	return found;
}

static struct store_bucket describe(const struct bucket_row *row, struct arena *arena)
{
	return (struct store_bucket){
		.bucket_no = row->bucket_no,
		.id = bucket_name(arena, row, row->machine_id),
		.machine_id = row->machine_id,
		.source = row->source,
		.type = row->type,
		.events = row->events,
		.first_ns = row->first_ns == INT64_MAX ? INT64_MIN : row->first_ns,
		.last_ns = row->last_ns,
		.last_seen_ns = row->last_ns,
	};
}

static int list(struct store *store, struct arena *arena, struct store_bucket **out, size_t *count,
	struct err *err)
{
	struct bucket_row *rows;

	if (buckets_load(store, arena, &rows, count, err) < 0)
		return err->code;
	*out = arena_zalloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = describe(&rows[i], arena);
	return 0;
}

int store_buckets(struct store *store, struct arena *arena, struct store_bucket **out,
	size_t *count, struct err *err)
{
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = list(store, arena, out, count, err);
	db_read_end(store);
	return rc;
}
