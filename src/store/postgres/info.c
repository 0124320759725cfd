/* What a store says of itself. */
#include "base/clock.h"
#include "store/postgres/db.h"

/* The size of a database takes a look at each of its files: an old answer is good enough. */
enum { BYTES_MS = 60000 };

static int read_bytes(struct store *store, int64_t *bytes, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t now_ns = clock_monotonic_ns();

	if (store->bytes == 0 || now_ns >= store->bytes_until_ns) {
		if (db_stmt(store, "SELECT pg_database_size(current_database())", &stmt, err) < 0 ||
			db_step(store, stmt, err) < 0)
			return err->code;
		store->bytes = db_col_i64(stmt, 0);
		store->bytes_until_ns = now_ns + INT64_C(1000000) * BYTES_MS;
	}
	*bytes = store->bytes;
	return 0;
}

static int read_state(struct store *store, struct store_info *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct str store_id;
	int rc;

	/* Nobody's store is the database. */
	if (db_stmt(store,
		    "SELECT coalesce(s.store_id, v.store_id), coalesce(s.last_seq, 0),"
		    " coalesce(s.events, 0), coalesce(s.quarantined, 0), v.schema_version"
		    " FROM server_state v LEFT JOIN store_state s ON s.user_no = $0",
		    &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	store_id = rc == 1 ? db_col_str(stmt, 0) : (struct str){ 0 };
	if (store_id.len == 0 || store_id.len >= sizeof(out->store_id))
		return err_set(err, ERR_CORRUPT, "store '%s': its state is missing", store->url);
	memcpy(out->store_id, store_id.ptr, store_id.len);
	out->last_seq = db_col_i64(stmt, 1);
	out->events = db_col_i64(stmt, 2);
	out->quarantined = db_col_i64(stmt, 3);
	out->schema_version = db_col_i64(stmt, 4);
	return 0;
}

int store_info(struct store *store, struct store_info *out, struct err *err)
{
	*out = (struct store_info){ 0 };
	if (read_state(store, out, err) < 0 || read_bytes(store, &out->bytes, err) < 0)
		return err->code;
	if (store->user->writing) { /* the row is written at the commit */
		out->last_seq = store->user->counters.last_seq;
		out->events = store->user->counters.events;
		out->quarantined = store->user->counters.quarantined;
	}
	return 0;
}
