/* What other machines' buckets are like, beside aw_bucket, which has those made here. */
#include "store/aw_told.h"

#include "store/intake_part.h"
#include "store/sql/catalogue.h"

/* --- reading --- */

static void take(struct db_statement *stmt, struct arena *arena, struct wire_bucket *out)
{
	*out = (struct wire_bucket){
		.bucket_no = db_col_i64(stmt, 0),
		.machine_id = db_col_copy(stmt, 1, arena),
		.source = db_col_copy(stmt, 2, arena),
		.event_type = db_col_copy(stmt, 3, arena),
		.type = db_col_copy(stmt, 4, arena),
		.client = db_col_copy(stmt, 5, arena),
		.hostname = db_col_copy(stmt, 6, arena),
		.data = db_col_copy(stmt, 7, arena),
		.created_ns = db_col_i64(stmt, 8),
	};
}

int aw_told_list(struct store *store, struct arena *arena, struct wire_bucket **out, size_t *count,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(**out));
	struct wire_bucket bucket;
	int rc;

	if (db_stmt(store,
		    "SELECT b.bucket_no, m.machine_id, b.source, b.type, coalesce(a.type, t.type),"
		    " coalesce(a.client, t.client), coalesce(a.hostname, t.hostname),"
		    " coalesce(a.data, t.data), coalesce(a.created_ns, t.created_ns)"
		    " FROM bucket b JOIN machine m USING (" OWNER "machine_no)"
		    " LEFT JOIN aw_bucket a USING (" OWNER "bucket_no)"
		    " LEFT JOIN aw_told t USING (" OWNER "bucket_no)"
		    " WHERE (a.id IS NOT NULL OR t.type IS NOT NULL) /*!AND b.user_no = $0*/"
		    " ORDER BY b.bucket_no",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		take(stmt, arena, &bucket);
		db_rows_add(&rows, &bucket);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

/* --- writing --- */

#define INSERT                                                                                     \
	"INSERT INTO aw_told (" OWNER "bucket_no, type, client, hostname, data, created_ns)"       \
	" VALUES (" OWN_VALUE "?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER "bucket_no) DO "

static int put(struct store *store, const char *sql, int64_t bucket_no,
	const struct wire_bucket *bucket, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	db_bind_str(stmt, 2, bucket->type);
	db_bind_str(stmt, 3, bucket->client);
	db_bind_str(stmt, 4, bucket->hostname);
	db_bind_str(stmt, 5, bucket->data);
	db_bind_i64(stmt, 6, bucket->created_ns);
	return db_exec(store, stmt, err);
}

static int tell(
	struct intake *intake, const struct wire_bucket *bucket, bool by_owner, struct err *err)
{
	struct bucket *place;

	if (catalogue_bucket(intake->events.catalogue, bucket->machine_id, bucket->source,
		    bucket->event_type, false, &place, err) < 0)
		return err->code;
	if (!place)
		return 0;
	return put(intake->store,
		by_owner ? INSERT "UPDATE SET type = excluded.type, client = excluded.client,"
				  " hostname = excluded.hostname, data = excluded.data,"
				  " created_ns = excluded.created_ns"
			 : INSERT "NOTHING",
		place->bucket_no, bucket, err);
}

int intake_told(
	struct intake *intake, const struct wire_bucket *bucket, bool by_owner, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(intake, tell(intake, bucket, by_owner, err), err);
}
