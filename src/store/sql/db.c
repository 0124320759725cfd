/* What both databases' layers of statements have. */
#include "store/sql/db.h"

#include "base/utf8.h"

bool db_is_text(struct str text)
{
	return str_find(text, '\0', 0) < 0 && utf8_valid(text);
}

int db_check_text(const char *what, struct str text, struct err *err)
{
	if (db_is_text(text))
		return 0;
	return err_set(err, ERR_USAGE, "%s holds a zero byte or is no UTF-8", what);
}

struct str db_col_copy(struct db_statement *stmt, int column, struct arena *arena)
{
	return arena_str(arena, db_col_str(stmt, column));
}

int db_run(struct store *store, const char *sql, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	return db_exec(store, stmt, err);
}

int db_exec_number(struct store *store, struct db_statement *stmt, int64_t *number, struct err *err)
{
	int rc = db_step(store, stmt, err);

	if (rc == 1) {
		*number = db_col_i64(stmt, 0);
		rc = db_step(store, stmt, err);
	}
	ASSERT(rc <= 0);
	return rc;
}

struct db_rows db_rows(struct arena *arena, size_t item_bytes)
{
	struct db_rows rows = { .arena = arena, .room = 8, .item_bytes = item_bytes };

	rows.items = arena_zalloc(arena, rows.room, item_bytes);
	return rows;
}

void db_rows_add(struct db_rows *rows, const void *item)
{
	if (rows->count == rows->room) {
		void *larger = arena_zalloc(rows->arena, rows->room * 2, rows->item_bytes);

		memcpy(larger, rows->items, rows->count * rows->item_bytes);
		rows->items = larger;
		rows->room *= 2;
	}
	memcpy((char *)rows->items + rows->count * rows->item_bytes, item, rows->item_bytes);
	rows->count++;
}

int db_write_join(struct store *store, bool *own, struct err *err)
{
	*own = !db_is_writing(store);
	return *own ? db_write_begin(store, err) : 0;
}

int db_write_leave(struct store *store, bool own, int rc, struct err *err)
{
	if (!own)
		return rc;
	if (rc < 0) {
		db_write_rollback(store);
		return rc;
	}
	return db_write_commit(store, err) < 0 ? err->code : rc;
}

int64_t db_next_seq(struct store *store)
{
	ASSERT(db_is_writing(store));
	return ++db_counters(store)->last_seq;
}
