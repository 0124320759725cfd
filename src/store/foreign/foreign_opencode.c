/*
 * Reading OpenCode's tables.
 *
 * A table of three columns tells how far every session is. The counts come from the tables' indexes
 * by session; for the times the rows' heads are read, not their data, which lies behind.
 *
 * Columns that a release may lack are asked for in a statement of their own, so that no statement
 * is put together from pieces.
 */
#include "store/foreign_opencode.h"

#include <stdlib.h>

#include "store/foreign/statement.h"
#include "store/sqlite/db.h"

struct foreign_rows {
	struct foreign *foreign;
	sqlite3_stmt *stmt;
};

int foreign_opencode_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err)
{
	static const char *const tables[] = { "session", "message", "part", "project", NULL };
	const struct foreign_options options = {
		.path = path, .tables = tables, .state_dir = state_dir
	};

	return foreign_open(out, &options, err);
}

/* --- how far --- */

static int compare_progress(const void *a, const void *b)
{
	const struct foreign_progress *one = a, *two = b;

	return str_cmp(one->session, two->session);
}

static int list_sessions(struct foreign *foreign, struct db_rows *rows, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if (foreign_prepare(
		    foreign, "SELECT id, time_updated FROM session WHERE id <> ''", &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(foreign, stmt, err)) > 0) {
		const struct foreign_progress progress = {
			.session = foreign_col_copy(stmt, 0, rows->arena),
			.updated_ms = foreign_col_i64(stmt, 1),
		};

		db_rows_add(rows, &progress);
	}
	if (rc == 0 && rows->count > 1)
		qsort(rows->items, rows->count, rows->item_bytes, compare_progress);
	return rc;
}

/* SQL gives session, count and latest time of each group. Rows of no session are nobody's. */
static int add_groups(struct foreign *foreign, const char *sql, bool parts,
	const struct db_rows *rows, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if (foreign_prepare(foreign, sql, &stmt, err) < 0)
		return err->code;
	while ((rc = foreign_step(foreign, stmt, err)) > 0) {
		const struct foreign_progress key = { .session = foreign_col_str(stmt, 0) };
		struct foreign_progress *found =
			bsearch(&key, rows->items, rows->count, rows->item_bytes, compare_progress);
		int64_t latest = foreign_col_i64(stmt, 2);

		if (!found)
			continue;
		*(parts ? &found->parts : &found->messages) = foreign_col_i64(stmt, 1);
		if (latest > found->updated_ms)
			found->updated_ms = latest;
	}
	return rc;
}

int foreign_opencode_progress(struct foreign *foreign, struct arena *arena,
	struct foreign_progress **out, size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct foreign_progress));

	if (list_sessions(foreign, &rows, err) < 0 ||
		add_groups(foreign,
			"SELECT session_id, count(*), max(time_updated) FROM message GROUP BY session_id",
			false, &rows, err) < 0 ||
		add_groups(foreign,
			"SELECT session_id, count(*), max(time_updated) FROM part GROUP BY session_id",
			true, &rows, err) < 0)
		return err->code;
	*out = rows.items;
	*count = rows.count;
	return 0;
}

/* --- sessions --- */

/* Columns that came with later releases. */
enum { LATER_PARENT, LATER_DIRECTORY, LATER_TITLE, LATER_VERSION, LATER_REVERT, LATER };
static const char *const later_names[LATER] = { "parent_id", "directory", "title", "version",
	"revert" };
static const char *const later_sql[LATER] = {
	"SELECT parent_id FROM session WHERE id = ?",
	"SELECT directory FROM session WHERE id = ?",
	"SELECT title FROM session WHERE id = ?",
	"SELECT version FROM session WHERE id = ?",
	"SELECT revert FROM session WHERE id = ?",
};

static int read_later(struct foreign *foreign, struct arena *arena, struct foreign_session *session,
	struct err *err)
{
	struct str *const fields[LATER] = { &session->parent, &session->directory, &session->title,
		&session->version, &session->revert };
	bool present[LATER];

	if (foreign_columns(
		    foreign, "PRAGMA table_info(session)", later_names, LATER, present, err) < 0)
		return err->code;
	for (size_t i = 0; i < LATER; i++)
		if (present[i] &&
			foreign_text(foreign, later_sql[i], session->id, arena, fields[i], err) < 0)
			return err->code;
	return 0;
}

static int read_worktree(struct foreign *foreign, struct arena *arena, struct str project,
	struct foreign_session *session, struct err *err)
{
	static const char *const names[] = { "id", "worktree" };
	bool present[ARRAY_LEN(names)];

	if (foreign_columns(foreign, "PRAGMA table_info(project)", names, ARRAY_LEN(names), present,
		    err) < 0)
		return err->code;
	if (!present[0] || !present[1])
		return 0;
	return foreign_text(foreign, "SELECT worktree FROM project WHERE id = ?", project, arena,
		&session->worktree, err);
}

int foreign_opencode_session(struct foreign *foreign, struct str id, struct arena *arena,
	struct foreign_session *out, bool *found, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	struct str project;
	int rc;

	*out = (struct foreign_session){ .id = id };
	*found = false;
	if (foreign_prepare(foreign,
		    "SELECT project_id, time_created, time_updated FROM session WHERE id = ?",
		    &stmt, err) < 0)
		return err->code;
	foreign_bind_str(stmt, 1, id);
	rc = foreign_step(foreign, stmt, err);
	if (rc <= 0)
		return rc;
	*found = true;
	project = foreign_col_copy(stmt, 0, arena);
	out->created_ms = foreign_col_i64(stmt, 1);
	out->updated_ms = foreign_col_i64(stmt, 2);
	if (read_later(foreign, arena, out, err) < 0)
		return err->code;
	return read_worktree(foreign, arena, project, out, err);
}

/* --- messages and parts --- */

static const char *const rows_sql[] = {
	[FOREIGN_MESSAGES] = "SELECT id, '', time_created, time_updated, data FROM message"
			     " WHERE session_id = ? ORDER BY time_created, id",
	[FOREIGN_PARTS] = "SELECT id, message_id, time_created, time_updated, data FROM part"
			  " WHERE session_id = ? ORDER BY message_id, id",
};

int foreign_rows_open(struct foreign_rows **out, struct foreign *foreign,
	enum foreign_rows_kind kind, struct str session, struct err *err)
{
	CLEANUP(foreign_rows_closep) struct foreign_rows *rows = mem_zalloc(sizeof(*rows));

	*out = NULL;
	rows->foreign = foreign;
	if (foreign_prepare(foreign, rows_sql[kind], &rows->stmt, err) < 0)
		return err->code;
	foreign_bind_str(rows->stmt, 1, session);
	*out = rows;
	rows = NULL;
	return 0;
}

int foreign_rows_next(struct foreign_rows *rows, struct foreign_row *out, struct err *err)
{
	int rc = foreign_step(rows->foreign, rows->stmt, err);

	if (rc <= 0)
		return rc;
	*out = (struct foreign_row){
		.id = foreign_col_str(rows->stmt, 0),
		.message = foreign_col_str(rows->stmt, 1),
		.created_ms = foreign_col_i64(rows->stmt, 2),
		.updated_ms = foreign_col_i64(rows->stmt, 3),
		.data = foreign_col_str(rows->stmt, 4),
	};
	return 1;
}

void foreign_rows_close(struct foreign_rows *rows)
{
	if (!rows)
		return;
	sqlite3_finalize(rows->stmt);
	free(rows);
}

void foreign_rows_closep(struct foreign_rows **rows)
{
	foreign_rows_close(*rows);
	*rows = NULL;
}
