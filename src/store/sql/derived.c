/*
 * The derived tables. Each table has one list of columns and one function that reads them, side by
 * side.
 */
#include "store/derived.h"

#include "store/sql/rows.h"

int derived_point_cmp(const struct derived_point *a, const struct derived_point *b)
{
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->id, b->id);
}

int derived_begin(struct store *store, struct err *err)
{
	return db_write_begin(store, err);
}

int derived_commit(struct store *store, struct err *err)
{
	return db_write_commit(store, err);
}

void derived_rollback(struct store *store)
{
	db_write_rollback(store);
}

/* --- rows --- */

static void bind_point(struct db_statement *stmt, int index, const struct derived_point *point)
{
	db_bind_i64(stmt, index, point->ns);
	db_bind_i64(stmt, index + 1, point->rank);
	db_bind_str(stmt, index + 2, point->id);
}

static struct derived_point col_point(struct db_statement *stmt, int column, struct arena *arena)
{
	return (struct derived_point){ db_col_i64(stmt, column), db_col_i64(stmt, column + 1),
		db_col_copy(stmt, column + 2, arena) };
}

static void read_partition(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct derived_partition *out = row;

	*out = (struct derived_partition){
		.partition_no = db_col_i64(stmt, 0),
		.machine_id = db_col_copy(stmt, 1, arena),
		.by_project = db_col_i64(stmt, 2) != 0,
		.name = db_col_copy(stmt, 3, arena),
		.base = db_col_copy(stmt, 4, arena),
	};
}
#define PARTITION_COLUMNS "partition_no, machine_id, by_project, name, base"

static void read_run(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct derived_run *out = row;

	*out = (struct derived_run){
		.run_no = db_col_i64(stmt, 0),
		.partition_no = db_col_i64(stmt, 1),
		.first = col_point(stmt, 2, arena),
		.last_ns = db_col_i64(stmt, 5),
		.root_no = db_col_i64(stmt, 6),
		.cwd_ns = db_col_i64(stmt, 7),
		.cwd = db_col_copy(stmt, 8, arena),
	};
}
#define RUN_COLUMNS                                                                                \
	"run_no, partition_no, first_ns, first_rank, first_id, last_ns, root_no, cwd_ns, cwd"

static void read_piece(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct derived_piece *out = row;

	(void)arena;
	*out = (struct derived_piece){ db_col_i64(stmt, 0), db_col_i64(stmt, 1),
		db_col_i64(stmt, 2), db_col_i64(stmt, 3), db_col_i64(stmt, 4) };
}
#define PIECE_COLUMNS "run_no, session_no, events, first_ns, last_ns"

static void read_session(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct derived_session *out = row;

	*out = (struct derived_session){
		.session_no = db_col_i64(stmt, 0),
		.machine_id = db_col_copy(stmt, 1, arena),
		.session_id = db_col_copy(stmt, 2, arena),
		.parent_id = db_col_copy(stmt, 3, arena),
		.group_no = db_col_i64(stmt, 4),
		.partition_no = db_col_i64(stmt, 5),
		.first = col_point(stmt, 6, arena),
		.home = col_point(stmt, 9, arena),
		.home_by_project = db_col_i64(stmt, 12) != 0,
		.home_name = db_col_copy(stmt, 13, arena),
		.home_cwd = db_col_copy(stmt, 14, arena),
		.stray_events = db_col_i64(stmt, 15),
		.stray_first_ns = db_col_i64(stmt, 16),
		.stray_last_ns = db_col_i64(stmt, 17),
	};
}
#define SESSION_COLUMNS                                                                                           \
	"session_no, machine_id, session_id, parent_id, group_no, partition_no, first_ns, first_rank, first_id, " \
	"home_ns, home_rank, home_id, home_by_project, home_name, home_cwd, "                                     \
	"stray_events, stray_first_ns, stray_last_ns"

static void read_correction(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct derived_correction *out = row;

	*out = (struct derived_correction){ db_col_i64(stmt, 0), db_col_copy(stmt, 1, arena),
		db_col_copy(stmt, 2, arena) };
}

static const struct row_type partition_row = { sizeof(struct derived_partition), read_partition };
static const struct row_type run_row = { sizeof(struct derived_run), read_run };
static const struct row_type piece_row = { sizeof(struct derived_piece), read_piece };
static const struct row_type session_row = { sizeof(struct derived_session), read_session };
static const struct row_type correction_row = { sizeof(struct derived_correction),
	read_correction };

/* --- the mark --- */

int derived_mark_get(struct store *store, struct derived_mark *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT seq, gap_ns, rebuild, EXISTS (SELECT 1 FROM derived_correction" ALL_OWN
		    ") FROM derived_mark" ALL_OWN,
		    &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store '%s': the mark of the streams is missing",
			store_path(store));
	*out = (struct derived_mark){ db_col_i64(stmt, 0), db_col_i64(stmt, 1),
		db_col_i64(stmt, 2) != 0, db_col_i64(stmt, 3) != 0 };
	return 0;
}

int derived_mark_put(struct store *store, const struct derived_mark *mark, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "UPDATE derived_mark SET seq = ?, gap_ns = ?, rebuild = ?" ALL_OWN,
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, mark->seq);
	db_bind_i64(stmt, 2, mark->gap_ns);
	db_bind_i64(stmt, 3, mark->rebuild);
	return db_exec(store, stmt, err);
}

int derived_clear(struct store *store, struct err *err)
{
	static const char *const scripts[] = {
		"DELETE FROM derived_partition" ALL_OWN,
		"DELETE FROM derived_run" ALL_OWN,
		"DELETE FROM derived_piece" ALL_OWN,
		"DELETE FROM derived_session" ALL_OWN,
		"DELETE FROM derived_correction" ALL_OWN,
		"UPDATE derived_mark SET seq = 0, gap_ns = 0, rebuild = 0" ALL_OWN,
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (db_run(store, scripts[i], err) < 0)
			return err->code;
	}
	return 0;
}

/* NAME.body: the text of ROW's data_no, or NULL. Looked up for each row, and for the user of the
 * row: a planner who thinks that a user has no rows would compare each row with each text. */
#define BODY_OF(row, name)                                                                         \
	SQLITE(" LEFT JOIN dict " name " ON " name ".data_no = " row ".data_no")                   \
	POSTGRES(" LEFT JOIN LATERAL (SELECT x.body FROM dict x WHERE x.user_no = " row            \
		 ".user_no AND x.data_no = " row ".data_no LIMIT 1) " name " ON true")
#define BEFORE BODY_OF("c", "b")
#define AFTER BODY_OF("e", "a")
#define ITS_EVENT                                                                                  \
	SQLITE(" LEFT JOIN event e USING (shelf, start_ns, key)")                                  \
	POSTGRES(" LEFT JOIN LATERAL (SELECT * FROM event v WHERE v.user_no = $0"                  \
		 " AND v.shelf = c.shelf AND v.start_ns = c.start_ns AND v.key = c.key LIMIT 1)"   \
		 " e ON true")

int derived_corrections(struct store *store, struct arena *arena, struct derived_correction **out,
	size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct rows rows;

	if (db_stmt(store,
		    "SELECT coalesce(e.seq, 0), coalesce(b.body, ''), coalesce(a.body, '')"
		    " FROM derived_correction c" BEFORE ITS_EVENT AFTER ALL_OWN_OF("c"),
		    &stmt, err) < 0 ||
		rows_read(store, stmt, &correction_row, arena, &rows, err) < 0)
		return err->code;
	*out = rows.ptr;
	*count = rows.count;
	return 0;
}

int derived_corrections_clear(struct store *store, struct err *err)
{
	return db_run(store, "DELETE FROM derived_correction" ALL_OWN, err);
}

int derived_numbers_get(struct store *store, struct derived_numbers *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "SELECT (SELECT max(partition_no) FROM derived_partition" ALL_OWN
		    "), (SELECT max(run_no) FROM derived_run" ALL_OWN
		    "), (SELECT max(session_no) FROM derived_session" ALL_OWN ")",
		    &stmt, err) < 0 ||
		db_step(store, stmt, err) < 0)
		return err->code;
	*out = (struct derived_numbers){ db_col_i64(stmt, 0), db_col_i64(stmt, 1),
		db_col_i64(stmt, 2) };
	return 0;
}

/* --- partitions --- */

int derived_partition_find(struct store *store, struct str machine_id, bool by_project,
	struct str name, int64_t *no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT partition_no FROM derived_partition WHERE " OWN
		    "machine_id = ? AND by_project = ? AND name = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, machine_id);
	db_bind_i64(stmt, 2, by_project);
	db_bind_str(stmt, 3, name);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	*no = rc == 1 ? db_col_i64(stmt, 0) : 0;
	return 0;
}

int derived_partition_put(
	struct store *store, const struct derived_partition *partition, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO derived_partition (" OWNER PARTITION_COLUMNS ") VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, partition->partition_no);
	db_bind_str(stmt, 2, partition->machine_id);
	db_bind_i64(stmt, 3, partition->by_project);
	db_bind_str(stmt, 4, partition->name);
	db_bind_str(stmt, 5, partition->base);
	return db_exec(store, stmt, err);
}

/* --- runs --- */

int derived_runs_near(struct store *store, int64_t partition_no, int64_t from_ns, int64_t to_ns,
	struct arena *arena, struct derived_run **out, size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct rows rows;

	if (db_stmt(store,
		    "SELECT " RUN_COLUMNS " FROM derived_run WHERE " OWN
		    "partition_no = ?1 AND first_ns <= ?3 AND first_ns >="
		    " coalesce((SELECT max(first_ns) FROM derived_run WHERE " OWN
		    "partition_no = ?1 AND first_ns <= ?2), ?2)"
		    " ORDER BY first_ns",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, partition_no);
	db_bind_i64(stmt, 2, from_ns);
	db_bind_i64(stmt, 3, to_ns);
	if (rows_read(store, stmt, &run_row, arena, &rows, err) < 0)
		return err->code;
	*out = rows.ptr;
	*count = rows.count;
	return 0;
}

int derived_run_get(struct store *store, int64_t run_no, struct arena *arena,
	struct derived_run *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, "SELECT " RUN_COLUMNS " FROM derived_run WHERE " OWN "run_no = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, run_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT,
			"store '%s': run %lld is missing; run 'tt recompute --force'",
			store_path(store), (long long)run_no);
	read_run(stmt, arena, out);
	return 0;
}

int derived_run_put(struct store *store, const struct derived_run *run, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO derived_run (" OWNER RUN_COLUMNS ") VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER "run_no) DO UPDATE SET"
		    " partition_no = excluded.partition_no, first_ns = excluded.first_ns,"
		    " first_rank = excluded.first_rank, first_id = excluded.first_id,"
		    " last_ns = excluded.last_ns, root_no = excluded.root_no,"
		    " cwd_ns = excluded.cwd_ns, cwd = excluded.cwd",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, run->run_no);
	db_bind_i64(stmt, 2, run->partition_no);
	bind_point(stmt, 3, &run->first);
	db_bind_i64(stmt, 6, run->last_ns);
	db_bind_i64(stmt, 7, run->root_no);
	db_bind_i64(stmt, 8, run->cwd_ns);
	db_bind_str(stmt, 9, run->cwd);
	return db_exec(store, stmt, err);
}

#define PIECE_ADD                                                                                  \
	" ON CONFLICT (" OWNER "run_no, session_no) DO UPDATE SET"                                 \
	" events = derived_piece.events + excluded.events,"                                        \
	" first_ns = CASE WHEN excluded.first_ns < derived_piece.first_ns"                         \
	" THEN excluded.first_ns ELSE derived_piece.first_ns END,"                                 \
	" last_ns = CASE WHEN excluded.last_ns > derived_piece.last_ns"                            \
	" THEN excluded.last_ns ELSE derived_piece.last_ns END"

/* Statements with the numbers of two things. */
static int change_two(
	struct store *store, const char *sql, int64_t first, int64_t second, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, first);
	if (db_params(stmt) > 1)
		db_bind_i64(stmt, 2, second);
	return db_exec(store, stmt, err);
}

int derived_run_absorb(struct store *store, int64_t from_no, int64_t into_no, struct err *err)
{
	if (change_two(store,
		    "INSERT INTO derived_piece (" OWNER PIECE_COLUMNS ") SELECT " OWN_VALUE
		    "CAST(?2 AS BIGINT), session_no, events, first_ns, last_ns FROM derived_piece"
		    " WHERE " OWN "run_no = ?1" PIECE_ADD,
		    from_no, into_no, err) < 0 ||
		change_two(store, "DELETE FROM derived_piece WHERE " OWN "run_no = ?", from_no, 0,
			err) < 0)
		return err->code;
	return change_two(
		store, "DELETE FROM derived_run WHERE " OWN "run_no = ?", from_no, 0, err);
}

int derived_root_move(struct store *store, int64_t from_root, int64_t to_root, struct err *err)
{
	return change_two(store, "UPDATE derived_run SET root_no = ?2 WHERE " OWN "root_no = ?1",
		from_root, to_root, err);
}

int derived_piece_add(struct store *store, const struct derived_piece *piece, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO derived_piece (" OWNER PIECE_COLUMNS ") VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?)" PIECE_ADD,
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, piece->run_no);
	db_bind_i64(stmt, 2, piece->session_no);
	db_bind_i64(stmt, 3, piece->events);
	db_bind_i64(stmt, 4, piece->first_ns);
	db_bind_i64(stmt, 5, piece->last_ns);
	return db_exec(store, stmt, err);
}

int derived_session_root(struct store *store, int64_t session_no, int64_t *root_no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT r.root_no FROM derived_piece AS p JOIN derived_run AS r USING (" OWNER
		    "run_no)"
		    " WHERE " OWN_OF("p") "p.session_no = ? LIMIT 1",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, session_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	*root_no = rc == 1 ? db_col_i64(stmt, 0) : 0;
	return 0;
}

/* --- sessions --- */

int derived_group(struct store *store, struct str machine_id, struct str session_id,
	struct arena *arena, struct derived_session **out, size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct rows rows;

	if (db_stmt(store,
		    "SELECT " SESSION_COLUMNS " FROM derived_session WHERE " OWN
		    "group_no = (SELECT group_no FROM derived_session WHERE " OWN
		    "session_id = ? AND machine_id = ?) ORDER BY session_no",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, session_id);
	db_bind_str(stmt, 2, machine_id);
	if (rows_read(store, stmt, &session_row, arena, &rows, err) < 0)
		return err->code;
	*out = rows.ptr;
	*count = rows.count;
	return 0;
}

int derived_session_put(struct store *store, const struct derived_session *session, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO derived_session (" OWNER SESSION_COLUMNS ") VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER
		    "session_no) DO UPDATE SET machine_id = excluded.machine_id,"
		    " session_id = excluded.session_id, parent_id = excluded.parent_id,"
		    " group_no = excluded.group_no, partition_no = excluded.partition_no,"
		    " first_ns = excluded.first_ns, first_rank = excluded.first_rank,"
		    " first_id = excluded.first_id, home_ns = excluded.home_ns,"
		    " home_rank = excluded.home_rank, home_id = excluded.home_id,"
		    " home_by_project = excluded.home_by_project, home_name = excluded.home_name,"
		    " home_cwd = excluded.home_cwd, stray_events = excluded.stray_events,"
		    " stray_first_ns = excluded.stray_first_ns,"
		    " stray_last_ns = excluded.stray_last_ns",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, session->session_no);
	db_bind_str(stmt, 2, session->machine_id);
	db_bind_str(stmt, 3, session->session_id);
	db_bind_str(stmt, 4, session->parent_id);
	db_bind_i64(stmt, 5, session->group_no);
	db_bind_i64(stmt, 6, session->partition_no);
	bind_point(stmt, 7, &session->first);
	bind_point(stmt, 10, &session->home);
	db_bind_i64(stmt, 13, session->home_by_project);
	db_bind_str(stmt, 14, session->home_name);
	db_bind_str(stmt, 15, session->home_cwd);
	db_bind_i64(stmt, 16, session->stray_events);
	db_bind_i64(stmt, 17, session->stray_first_ns);
	db_bind_i64(stmt, 18, session->stray_last_ns);
	return db_exec(store, stmt, err);
}

/* --- views --- */

/* Among what a query gives, which is answered once. PostgreSQL would make one join of all of them,
 * and without statistics, as new tables are, a slow one. */
#define AMONG(query) "IN " POSTGRES("(SELECT unnest(ARRAY") "(" query ")" POSTGRES("))")
#define RUNS_SEEN "derived_run WHERE " OWN "last_ns >= ?1 AND first_ns < ?2"
#define OF_ROOTS_SEEN "root_no " AMONG("SELECT root_no FROM " RUNS_SEEN)
#define OF_STREAMS_SEEN "run_no " AMONG("SELECT run_no FROM derived_run WHERE " OWN OF_ROOTS_SEEN)

/* Per table: the query for everything, and for the streams of a time. */
static const struct view_query {
	const struct row_type *type;
	const char *all;
	const char *some;
} view_queries[] = {
	{ &partition_row,
		"SELECT " PARTITION_COLUMNS " FROM derived_partition" ALL_OWN
		" ORDER BY partition_no",
		"SELECT " PARTITION_COLUMNS " FROM derived_partition WHERE " OWN
		"partition_no " AMONG(
			"SELECT partition_no FROM " RUNS_SEEN) " ORDER BY partition_no" },
	{ &run_row,
		"SELECT " RUN_COLUMNS " FROM derived_run" ALL_OWN
		" ORDER BY partition_no, first_ns",
		"SELECT " RUN_COLUMNS " FROM derived_run WHERE " OWN OF_ROOTS_SEEN
		" ORDER BY partition_no, first_ns" },
	{ &piece_row,
		"SELECT " PIECE_COLUMNS " FROM derived_piece" ALL_OWN
		" ORDER BY run_no, session_no",
		"SELECT " PIECE_COLUMNS " FROM derived_piece WHERE " OWN OF_STREAMS_SEEN
		" ORDER BY run_no, session_no" },
	{ &session_row,
		"SELECT " SESSION_COLUMNS " FROM derived_session" ALL_OWN " ORDER BY session_no",
		"SELECT " SESSION_COLUMNS " FROM derived_session WHERE " OWN
		"session_no " AMONG("SELECT session_no FROM derived_session WHERE " OWN "group_no " AMONG(
			"SELECT group_no FROM derived_session WHERE " OWN
			"session_no " AMONG("SELECT session_no FROM derived_piece WHERE " OWN
					OF_STREAMS_SEEN)) " UNION SELECT session_no FROM derived_session WHERE " OWN
							  "stray_events > 0") " ORDER BY session_no" },
};

static int view_part(struct store *store, const struct view_query *query, const int64_t range[2],
	struct arena *arena, struct rows *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	bool all = range[0] == 0 && range[1] == 0;

	if (db_stmt(store, all ? query->all : query->some, &stmt, err) < 0)
		return err->code;
	if (!all) {
		db_bind_i64(stmt, 1, range[0]);
		db_bind_i64(stmt, 2, range[1]);
	}
	return rows_read(store, stmt, query->type, arena, out, err);
}

int derived_view_load(struct store *store, int64_t from_ns, int64_t to_ns, struct arena *arena,
	struct derived_view *out, struct err *err)
{
	const int64_t range[2] = { from_ns, to_ns };
	struct rows parts[ARRAY_LEN(view_queries)];
	int rc = db_read_begin(store, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(parts) && rc == 0; i++)
		rc = view_part(store, &view_queries[i], range, arena, &parts[i], err);
	db_read_end(store);
	if (rc < 0)
		return rc;
	*out = (struct derived_view){ parts[0].ptr, parts[0].count, parts[1].ptr, parts[1].count,
		parts[2].ptr, parts[2].count, parts[3].ptr, parts[3].count };
	return 0;
}

int derived_roots_between(struct store *store, struct str base, const struct derived_point *from,
	const struct derived_point *to, int64_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "SELECT count(*) FROM derived_partition AS p"
		    " JOIN derived_run AS r USING (" OWNER "partition_no)"
		    " WHERE p.base = ?1 AND r.root_no = r.run_no AND r.first_ns BETWEEN ?2 AND ?5"
		    " AND (r.first_ns > ?2 OR (r.first_rank, r.first_id) >= (?3, ?4))"
		    " AND (r.first_ns < ?5 OR (r.first_rank, r.first_id) < (?6, ?7))"
		    " /*!AND p.user_no = $0*/",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, base);
	bind_point(stmt, 2, from);
	bind_point(stmt, 5, to);
	if (db_step(store, stmt, err) < 0)
		return err->code;
	*count = db_col_i64(stmt, 0);
	return 0;
}
