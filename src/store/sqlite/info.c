/* What a store says of itself. */
#include "base/fs.h"
#include "store/sqlite/migrate.h"

static struct stat file_status(const char *path, const char *suffix)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct stat status;

	buf_printf(&name, "%s%s", path, suffix);
	return stat(buf_cstr(&name), &status) == 0 ? status : (struct stat){ 0 };
}

int store_info(struct store *store, struct store_info *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct str store_id;
	struct stat file;
	int rc;

	*out = (struct store_info){ 0 };
	if (schema_version(store, &out->schema_version, err) < 0 ||
		db_stmt(store, "SELECT store_id, last_seq, events, quarantined FROM store_state",
			&stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	store_id = db_col_str(stmt, 0);
	if (rc == 0 || store_id.len >= sizeof(out->store_id))
		return err_set(err, ERR_CORRUPT, "store '%s': its state is missing", store->path);
	memcpy(out->store_id, store_id.ptr, store_id.len);
	out->last_seq = db_col_i64(stmt, 1);
	out->events = db_col_i64(stmt, 2);
	out->quarantined = db_col_i64(stmt, 3);
	if (store->writing) { /* the row is written at the commit */
		out->last_seq = store->counters.last_seq;
		out->events = store->counters.events;
		out->quarantined = store->counters.quarantined;
	}
	file = file_status(store->path, "");
	out->file_no = (uint64_t)file.st_ino;
	out->bytes = file.st_size + file_status(store->path, "-wal").st_size +
		     file_status(store->path, "-shm").st_size;
	return 0;
}
