/* Reading Cursor's key-value tables. Ranges of keys, since LIKE reads every row: ':' is followed by
 * ';' and '.' by '/' in the order of bytes. */
#include "store/foreign_cursor.h"

#include <stdlib.h>

#include "store/foreign/statement.h"
#include "store/sqlite/db.h"

#define COMPOSER_PREFIX "composerData:"
#define BUBBLE_PREFIX "bubbleId:"

struct foreign_bubbles {
	struct foreign *foreign;
	sqlite3_stmt *stmt;
	struct buf from, to;
};

int foreign_cursor_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err)
{
	static const char *const tables[] = { "ItemTable", "cursorDiskKV", NULL };
	const struct foreign_options options = {
		.path = path, .tables = tables, .state_dir = state_dir
	};

	return foreign_open(out, &options, err);
}

/* A text or blob; ptr NULL when the row has NULL. */
static struct str value_of(sqlite3_stmt *stmt, int column)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return (struct str){ NULL, 0 };
	return foreign_col_str(stmt, column);
}

static struct str copy_of(sqlite3_stmt *stmt, int column, struct arena *arena)
{
	struct str value = value_of(stmt, column);

	return value.ptr ? arena_str(arena, value) : value;
}

int foreign_cursor_composers(struct foreign *foreign, struct arena *arena,
	struct foreign_composer **out, size_t *count, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(struct foreign_composer));
	int rc;

	if (foreign_prepare(foreign,
		    "SELECT rowid, key FROM cursorDiskKV"
		    " WHERE key >= 'composerData:' AND key < 'composerData;' ORDER BY rowid DESC",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(foreign, stmt, err)) > 0) {
		struct str key = foreign_col_str(stmt, 1);
		struct foreign_composer composer = { .rowid = foreign_col_i64(stmt, 0) };

		key = str_sub(key, sizeof(COMPOSER_PREFIX) - 1, key.len);
		composer.id = arena_str(arena, key);
		db_rows_add(&rows, &composer);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

int foreign_cursor_composer(struct foreign *foreign, struct str id, struct arena *arena,
	struct str *value, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	*value = (struct str){ NULL, 0 };
	buf_addc(&key, COMPOSER_PREFIX);
	buf_add(&key, id);
	if (foreign_prepare(foreign, "SELECT value FROM cursorDiskKV WHERE key = ?", &stmt, err) <
		0)
		return err->code;
	foreign_bind_str(stmt, 1, buf_str(&key));
	rc = foreign_step(foreign, stmt, err);
	if (rc > 0)
		*value = copy_of(stmt, 0, arena);
	return rc < 0 ? rc : 0;
}

/* COMPOSER of `bubbleId:COMPOSER:BUBBLE`. */
static struct str composer_of(struct str key)
{
	struct str id = str_sub(key, sizeof(BUBBLE_PREFIX) - 1, key.len);
	ptrdiff_t end = str_find(id, ':', 0);

	return str_starts(key, STR(BUBBLE_PREFIX)) && end >= 0 ? str_sub(id, 0, (size_t)end)
							       : (struct str){ NULL, 0 };
}

int foreign_cursor_written(struct foreign *foreign, size_t limit, struct arena *arena,
	struct foreign_written *written, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(struct str));
	int rc;

	if (foreign_prepare(foreign,
		    "SELECT rowid, key FROM cursorDiskKV WHERE rowid > ? ORDER BY rowid LIMIT ?",
		    &stmt, err) < 0)
		return err->code;
	foreign_bind_i64(stmt, 1, written->last);
	foreign_bind_i64(stmt, 2, (int64_t)limit);
	while ((rc = foreign_step(foreign, stmt, err)) > 0) {
		struct str id = composer_of(foreign_col_str(stmt, 1));
		const struct str *before =
			rows.count > 0 ? (const struct str *)rows.items + rows.count - 1 : NULL;

		written->last = foreign_col_i64(stmt, 0);
		if (id.len == 0 || (before && str_eq(*before, id)))
			continue;
		id = arena_str(arena, id);
		db_rows_add(&rows, &id);
	}
	written->composers = rows.items;
	written->count = rows.count;
	return rc;
}

int foreign_cursor_last(struct foreign *foreign, int64_t *last, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	*last = 0;
	if (foreign_prepare(foreign, "SELECT max(rowid) FROM cursorDiskKV", &stmt, err) < 0)
		return err->code;
	rc = foreign_step(foreign, stmt, err);
	if (rc > 0)
		*last = foreign_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

int foreign_bubbles_open(
	struct foreign_bubbles **out, struct foreign *foreign, struct str composer, struct err *err)
{
	CLEANUP(foreign_bubbles_closep)
	struct foreign_bubbles *bubbles = mem_zalloc(sizeof(*bubbles));

	*out = NULL;
	bubbles->foreign = foreign;
	buf_addc(&bubbles->from, BUBBLE_PREFIX);
	buf_add(&bubbles->from, composer);
	buf_add(&bubbles->to, buf_str(&bubbles->from));
	buf_byte(&bubbles->from, ':');
	buf_byte(&bubbles->to, ';');
	if (foreign_prepare(foreign,
		    "SELECT key, value FROM cursorDiskKV WHERE key >= ? AND key < ? ORDER BY key",
		    &bubbles->stmt, err) < 0)
		return err->code;
	foreign_bind_str(bubbles->stmt, 1, buf_str(&bubbles->from));
	foreign_bind_str(bubbles->stmt, 2, buf_str(&bubbles->to));
	*out = bubbles;
	bubbles = NULL;
	return 0;
}

int foreign_bubbles_next(
	struct foreign_bubbles *bubbles, struct foreign_bubble *out, struct err *err)
{
	int rc = foreign_step(bubbles->foreign, bubbles->stmt, err);
	struct str key;

	if (rc <= 0)
		return rc;
	key = foreign_col_str(bubbles->stmt, 0);
	out->id = str_sub(key, bubbles->from.len, key.len);
	out->value = value_of(bubbles->stmt, 1);
	return 1;
}

void foreign_bubbles_close(struct foreign_bubbles *bubbles)
{
	if (!bubbles)
		return;
	sqlite3_finalize(bubbles->stmt);
	buf_release(&bubbles->from);
	buf_release(&bubbles->to);
	free(bubbles);
}

void foreign_bubbles_closep(struct foreign_bubbles **bubbles)
{
	foreign_bubbles_close(*bubbles);
	*bubbles = NULL;
}

int foreign_cursor_items(struct foreign *foreign, struct arena *arena, struct foreign_item **out,
	size_t *count, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(struct foreign_item));
	int rc;

	if (foreign_prepare(foreign,
		    "SELECT key, value FROM ItemTable WHERE value IS NOT NULL"
		    " AND (key IN ('composer.composerData', 'composer.composerHeaders')"
		    " OR (key >= 'workbench.panel.composerChatViewPane.'"
		    " AND key < 'workbench.panel.composerChatViewPane/'))"
		    " ORDER BY key",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(foreign, stmt, err)) > 0) {
		const struct foreign_item item = { .key = copy_of(stmt, 0, arena),
			.value = copy_of(stmt, 1, arena) };

		db_rows_add(&rows, &item);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}
