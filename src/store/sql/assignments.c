/*
 * Assignments of events and sessions to streams. A stronger one replaces a weaker one, and one of
 * the same strength an older one; what was so already keeps its seq.
 */
#include "store/records.h"
#include "store/sql/rows.h"

/* What a table of assignments has that another does not. */
struct kind {
	const char *sql; /* its last parameter, the fifth, is the seq */
	void (*bind)(struct db_statement *stmt, const void *assignment);
};

/* The rule of both: the end of their statements. */
#define UNLESS_WEAKER(table)                                                                       \
	" stream_id = excluded.stream_id, assigned_by = excluded.assigned_by,"                     \
	" seq = excluded.seq WHERE excluded.assigned_by > " table ".assigned_by"                   \
	" OR (excluded.assigned_by = " table ".assigned_by"                                        \
	" AND excluded.stream_id <> " table ".stream_id)"

static void bind_event(struct db_statement *stmt, const void *assignment)
{
	const struct event_assignment *given = assignment;

	db_bind_str(stmt, 1, given->event_id);
	db_bind_i64(stmt, 2, given->start_ns);
	db_bind_str(stmt, 3, given->stream_id);
	db_bind_i64(stmt, 4, given->by);
}

static const struct kind event_kind = {
	.sql = "INSERT INTO event_assignment (" OWNER
	       "event_id, start_ns, stream_id, assigned_by, seq) VALUES (" OWN_VALUE
	       "?, ?, ?, ?, ?) ON CONFLICT (" OWNER
	       "event_id) DO UPDATE SET start_ns = excluded.start_ns," UNLESS_WEAKER(
		       "event_assignment"),
	.bind = bind_event,
};

static void bind_session(struct db_statement *stmt, const void *assignment)
{
	const struct session_assignment *given = assignment;

	db_bind_str(stmt, 1, given->machine_id);
	db_bind_str(stmt, 2, given->session_id);
	db_bind_str(stmt, 3, given->stream_id);
	db_bind_i64(stmt, 4, given->by);
}

static const struct kind session_kind = {
	.sql = "INSERT INTO session_assignment (" OWNER
	       "machine_id, session_id, stream_id, assigned_by, seq) VALUES (" OWN_VALUE
	       "?, ?, ?, ?, ?) ON CONFLICT (" OWNER
	       "machine_id, session_id) DO UPDATE SET" UNLESS_WEAKER("session_assignment"),
	.bind = bind_session,
};

static int put(struct store *store, const struct kind *kind, const void *assignment, bool *changed,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t changes;

	if (db_stmt(store, kind->sql, &stmt, err) < 0)
		return err->code;
	kind->bind(stmt, assignment);
	db_bind_i64(stmt, 5, db_next_seq(store));
	if (db_exec_count(store, stmt, &changes, err) < 0)
		return err->code;
	*changed = changes > 0;
	return 0;
}

static int assign(struct store *store, const struct kind *kind, const void *assignment,
	bool *changed, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, put(store, kind, assignment, changed, err), err);
}

int records_assign_event(struct store *store, const struct event_assignment *assignment,
	bool *changed, struct err *err)
{
	return assign(store, &event_kind, assignment, changed, err);
}

int records_assign_session(struct store *store, const struct session_assignment *assignment,
	bool *changed, struct err *err)
{
	return assign(store, &session_kind, assignment, changed, err);
}

static void read_event_assignment(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct event_assignment *out = row;

	*out = (struct event_assignment){ db_col_copy(stmt, 0, arena), db_col_i64(stmt, 1),
		db_col_copy(stmt, 2, arena), (enum assigned_by)db_col_i64(stmt, 3) };
}

static void read_session_assignment(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct session_assignment *out = row;

	*out = (struct session_assignment){ db_col_copy(stmt, 0, arena),
		db_col_copy(stmt, 1, arena), db_col_copy(stmt, 2, arena),
		(enum assigned_by)db_col_i64(stmt, 3) };
}

static const struct row_type event_assignment_row = { sizeof(struct event_assignment),
	read_event_assignment };
static const struct row_type session_assignment_row = { sizeof(struct session_assignment),
	read_session_assignment };

int records_event_assignments(struct store *store, int64_t from_ns, int64_t to_ns,
	struct arena *arena, struct event_assignment **out, size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	bool all = from_ns == 0 && to_ns == 0;
	struct rows rows;

	if (db_stmt(store,
		    "SELECT event_id, start_ns, stream_id, assigned_by FROM event_assignment"
		    " WHERE " OWN "start_ns >= ? AND start_ns < ? ORDER BY start_ns, event_id",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, all ? INT64_MIN : from_ns);
	db_bind_i64(stmt, 2, all ? INT64_MAX : to_ns);
	if (rows_read(store, stmt, &event_assignment_row, arena, &rows, err) < 0)
		return err->code;
	*out = rows.ptr;
	*count = rows.count;
	return 0;
}

int records_session_assignments(struct store *store, struct arena *arena,
	struct session_assignment **out, size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct rows rows;

	if (db_stmt(store,
		    "SELECT machine_id, session_id, stream_id, assigned_by FROM session_assignment" ALL_OWN
		    " ORDER BY session_id, machine_id",
		    &stmt, err) < 0 ||
		rows_read(store, stmt, &session_assignment_row, arena, &rows, err) < 0)
		return err->code;
	*out = rows.ptr;
	*count = rows.count;
	return 0;
}

static int set_start(struct store *store, struct str event_id, int64_t start_ns, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "UPDATE event_assignment SET start_ns = ? WHERE " OWN "event_id = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, start_ns);
	db_bind_str(stmt, 2, event_id);
	return db_exec(store, stmt, err);
}

static int settle(struct store *store, struct arena *arena, struct err *err)
{
	struct event_assignment *assignments;
	size_t count;

	if (records_event_assignments(store, 0, 0, arena, &assignments, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct stored_event event;
		int rc = store_event_find(store, assignments[i].event_id, arena, &event, err);

		if (rc == ERR_NOT_FOUND)
			continue;
		if (rc == 0 && event.event.start_ns != assignments[i].start_ns)
			rc = set_start(store, assignments[i].event_id, event.event.start_ns, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int records_assignments_settle(struct store *store, struct err *err)
{
	struct arena arena = { 0 };
	bool own;
	int rc;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	rc = settle(store, &arena, err);
	arena_release(&arena);
	return db_write_leave(store, own, rc, err);
}
