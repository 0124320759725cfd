/* Nothing is read ahead: the file is as near as any memory of it would be. */
#include "store/sql/ahead.h"

bool ahead_pays(const struct store *store)
{
	(void)store;
	return false;
}

int ahead_rows_per_question(const struct store *store)
{
	(void)store;
	return 8;
}

int ahead_rows_per_look_up(const struct store *store)
{
	return ahead_rows_per_question(store);
}

unsigned ahead_connection(const struct store *store)
{
	(void)store;
	return 0;
}

int64_t ahead_owner(const struct store *store)
{
	(void)store;
	return 0;
}

int ahead_events(struct store *store, struct ahead_event *events, size_t count, struct err *err)
{
	(void)events;
	(void)count;
	(void)err;
	ASSERT(ahead_pays(store));
	return 0;
}

int ahead_data(struct store *store, struct ahead_data *datas, size_t count, struct err *err)
{
	(void)datas;
	(void)count;
	(void)err;
	ASSERT(ahead_pays(store));
	return 0;
}

int ahead_events_near(struct store *store, const struct ahead_range *range, struct arena *arena,
	struct ahead_near *out, size_t *count, struct err *err)
{
	(void)range;
	(void)arena;
	(void)out;
	(void)count;
	(void)err;
	ASSERT(ahead_pays(store));
	return 0;
}

int ahead_targets(struct store *store, struct ahead_target *targets, size_t count, struct err *err)
{
	(void)targets;
	(void)count;
	(void)err;
	ASSERT(ahead_pays(store));
	return 0;
}

int ahead_buckets(struct store *store, struct ahead_bucket *buckets, size_t count,
	struct arena *arena, struct err *err)
{
	(void)buckets;
	(void)count;
	(void)arena;
	(void)err;
	ASSERT(ahead_pays(store));
	return 0;
}

int ahead_text(struct store *store, int64_t no, struct buf *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, "SELECT body FROM dict WHERE data_no = ?", &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, no);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		buf_add(out, db_col_str(stmt, 0));
	return rc;
}

int ahead_texts(struct store *store, const int64_t *numbers, size_t count, struct err *err)
{
	(void)store;
	(void)numbers;
	(void)count;
	(void)err;
	return 0;
}
