/*
 * Erasing a user: everything of theirs goes, in transactions of one batch each. The first one takes
 * their keys, and the row by which their writers lock: it waits for the one that is writing, and
 * after it nobody can write for the user any more, whoever still knows a key. The user's own row
 * goes last, so that an erasure that was interrupted can be called again.
 */
#include "store/users.h"

#include "store/sql/lookup.h"
#include "store/sql/users.h"

enum { BATCH = 10000 };

struct erasure {
	struct store *store;
	struct str user_id;
	int64_t user_no;
	int64_t rows;
};

/* Statements of a store of many users: the user is not who the store works for, but ?1. */
static const char *const first[] = {
	"DELETE FROM store_state WHERE user_no = ?1",
	"DELETE FROM derived_mark WHERE user_no = ?1", /* so that no deletion is noted in the next
							*/
};

#define BATCH_OF(table)                                                                            \
	"DELETE FROM " table " WHERE user_no = ?1 AND ctid = ANY (ARRAY(SELECT ctid FROM " table   \
	" WHERE user_no = ?1 LIMIT ?2))"

/* What refers to a row goes before it. */
static const char *const tables[] = {
	BATCH_OF("derived_correction"),
	BATCH_OF("derived_piece"),
	BATCH_OF("derived_run"),
	BATCH_OF("derived_session"),
	BATCH_OF("derived_partition"),
	BATCH_OF("odd_id"),
	BATCH_OF("tombstone"),
	BATCH_OF("dict"),
	BATCH_OF("quarantine"),
	BATCH_OF("cursor"),
	BATCH_OF("memo"),
	BATCH_OF("setting"),
	BATCH_OF("event_assignment"),
	BATCH_OF("session_assignment"),
	BATCH_OF("stream_tag"),
	BATCH_OF("stream"),
	BATCH_OF("rule_tag"),
	BATCH_OF("rule"),
	BATCH_OF("aw_setting"),
	BATCH_OF("aw_bucket"),
	BATCH_OF("aw_told"),
	BATCH_OF("bucket"),
	BATCH_OF("device"),
	BATCH_OF("alias"),
	BATCH_OF("peer"),
	BATCH_OF("machine"),
};

/* --- pieces of a transaction --- */

/* With SQL, whose parameter is the user's id. */
static int delete_by_id(struct erasure *erasure, const char *sql, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t deleted;

	if (db_stmt(erasure->store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, erasure->user_id);
	if (db_exec_count(erasure->store, stmt, &deleted, err) < 0)
		return err->code;
	erasure->rows += deleted;
	return 0;
}

static int delete_keys(struct erasure *erasure, struct err *err)
{
	if (users_raise_generation(erasure->store, err) < 0)
		return err->code;
	return delete_by_id(erasure, "DELETE FROM api_key WHERE user_id = ?", err);
}

static int delete_user(struct erasure *erasure, struct err *err)
{
	return delete_by_id(erasure, "DELETE FROM \"user\" WHERE user_id = ?", err);
}

/* With SQL, whose parameters are the user's number and those in PARAMS. */
static int delete_some(struct erasure *erasure, const char *sql, const int64_t params[2],
	int64_t *deleted, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(erasure->store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, erasure->user_no);
	for (int i = 2; i <= db_params(stmt); i++)
		db_bind_i64(stmt, i, params[i - 2]);
	if (db_exec_count(erasure->store, stmt, deleted, err) < 0)
		return err->code;
	erasure->rows += *deleted;
	return 0;
}

static int read_user_no(struct erasure *erasure, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(erasure->store, "SELECT user_no FROM \"user\" WHERE user_id = ?", &stmt, err) <
		0)
		return err->code;
	db_bind_str(stmt, 1, erasure->user_id);
	rc = db_step(erasure->store, stmt, err);
	if (rc == 1)
		erasure->user_no = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

/* --- transactions --- */

/* Of many users: what is deleted by DO are rows of this one. */
static int in_transaction(struct erasure *erasure,
	int (*perform)(struct erasure *erasure, const void *what, struct err *err),
	const void *what, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct store *store = erasure->store;
	struct str before;
	bool own;
	int rc;

	if (lookup_join(store, &own, err) < 0)
		return err->code;
	db_may_take_long(store);
	rc = lookup_rows_of(store, erasure->user_id, &arena, &before, err);
	if (rc == 0)
		rc = perform(erasure, what, err);
	if (rc >= 0 && lookup_rows_back(store, before, err) < 0)
		rc = err->code;
	return lookup_leave(store, own, rc, err);
}

static int begin(struct erasure *erasure, const void *nothing, struct err *err)
{
	int64_t deleted;

	(void)nothing;
	if (read_user_no(erasure, err) < 0 || delete_keys(erasure, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		if (delete_some(erasure, first[i], NULL, &deleted, err) < 0)
			return err->code;
	return 0;
}

static int finish(struct erasure *erasure, const void *nothing, struct err *err)
{
	(void)nothing;
	return delete_user(erasure, err);
}

/* 1: there may be more. */
static int batch_of_table(struct erasure *erasure, const void *sql, struct err *err)
{
	const int64_t params[2] = { BATCH };
	int64_t deleted;

	if (delete_some(erasure, sql, params, &deleted, err) < 0)
		return err->code;
	return deleted == BATCH;
}

static int erase_table(struct erasure *erasure, const char *sql, struct err *err)
{
	int rc;

	do
		rc = in_transaction(erasure, batch_of_table, sql, err);
	while (rc == 1);
	return rc;
}

/* --- events --- */

/* One with the parameters user and a number. 1: *OUT is its value; 0: there is none. */
static int ask(
	struct erasure *erasure, const char *sql, int64_t param, int64_t *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(erasure->store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, erasure->user_no);
	db_bind_i64(stmt, 2, param);
	rc = db_step(erasure->store, stmt, err);
	if (rc == 1)
		*out = db_col_i64(stmt, 0);
	return rc;
}

/* The oldest events of one shelf. 1: there may be more. */
static int batch_of_events(struct erasure *erasure, const void *nothing, struct err *err)
{
	int64_t params[2] = { 0, INT64_MAX }, deleted;
	int rc = ask(erasure,
		"SELECT shelf FROM event WHERE user_no = ?1 AND shelf >= ?2 ORDER BY shelf LIMIT 1",
		INT64_MIN, &params[0], err);

	(void)nothing;
	if (rc != 1)
		return rc;
	if (ask(erasure,
		    "SELECT start_ns FROM event WHERE user_no = ?1 AND shelf = ?2"
		    " ORDER BY start_ns LIMIT 1 OFFSET 9999",
		    params[0], &params[1], err) < 0 ||
		delete_some(erasure,
			"DELETE FROM event WHERE user_no = ?1 AND shelf = ?2 AND start_ns <= ?3",
			params, &deleted, err) < 0)
		return err->code;
	return 1;
}

static int erase_events(struct erasure *erasure, struct err *err)
{
	int rc;

	do
		rc = in_transaction(erasure, batch_of_events, NULL, err);
	while (rc == 1);
	return rc;
}

/* --- the whole --- */

static int erase_all(struct erasure *erasure, struct err *err)
{
	if (in_transaction(erasure, begin, NULL, err) < 0 || erase_events(erasure, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (erase_table(erasure, tables[i], err) < 0)
			return err->code;
	return in_transaction(erasure, finish, NULL, err);
}

/* The file's rows are the person's: the user is a name for keys. */
static int erase_name(struct erasure *erasure, struct err *err)
{
	bool own;
	int rc;

	if (lookup_join(erasure->store, &own, err) < 0)
		return err->code;
	rc = delete_keys(erasure, err);
	if (rc == 0)
		rc = delete_user(erasure, err);
	return lookup_leave(erasure->store, own, rc, err);
}

int user_erase(struct store *store, struct str email_or_id, int64_t *rows, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct actor nobody = { { NULL, 0 }, { NULL, 0 } };
	struct erasure erasure = { .store = store };
	struct user user;
	int rc;

	*rows = 0;
	if (user_find(store, email_or_id, &arena, &user, err) < 0)
		return err->code;
	erasure.user_id = user.user_id;
	if (!store_is_shared(store))
		rc = erase_name(&erasure, err);
	else if (store_as(store, &nobody, err) < 0)
		rc = err->code;
	else
		rc = erase_all(&erasure, err);
	*rows = erasure.rows;
	return rc;
}
