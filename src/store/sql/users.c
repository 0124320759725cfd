/* Users. In a store of many each has a row in store_state, by which they can write: the erasure of
 * a user begins with deleting it. */
#include "store/users.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "model/limits.h"
#include "store/sql/lookup.h"
#include "store/sql/users.h"

/* --- checks --- */

int users_check_email(struct str email, struct err *err)
{
	ptrdiff_t at = str_find(email, '@', 0);
	bool ok = at > 0 && (size_t)at + 1 < email.len &&
		  str_find(email, '@', (size_t)at + 1) < 0 && email.len <= LIMIT_NAME_BYTES &&
		  utf8_valid(email);

	for (size_t i = 0; i < email.len && ok; i++)
		ok = (unsigned char)email.ptr[i] > 0x20 && email.ptr[i] != 0x7f;
	return ok ? 0 : err_set(err, ERR_USAGE, "'%.*s' is no e-mail address", STR_ARG(email));
}

static int read_whole(struct store *store, const struct user *user, bool *whole, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT 1 FROM store_state"
		    " WHERE user_no = (SELECT user_no FROM \"user\" WHERE user_id = ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, user->user_id);
	rc = db_step(store, stmt, err);
	*whole = rc == 1;
	return rc < 0 ? rc : 0;
}

int users_check_whole(struct store *store, const struct user *user, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str before;
	bool whole = false;

	if (!store_is_shared(store))
		return 0;
	if (lookup_rows_of(store, user->user_id, &arena, &before, err) < 0 ||
		read_whole(store, user, &whole, err) < 0 ||
		lookup_rows_back(store, before, err) < 0)
		return err->code;
	if (whole)
		return 0;
	return err_set(err, ERR_BUSY, "the user '%.*s' is being erased", STR_ARG(user->email));
}

int users_raise_generation(struct store *store, struct err *err)
{
	return db_run(store,
		"UPDATE /*-*/store_state/*.*//*!server_state*/"
		" SET key_generation = key_generation + 1",
		err);
}

/* --- finding --- */

/* lower is ASCII's in SQLite, and here in PostgreSQL. */
#define IS_EMAIL "/*-*/email = ?1/*.*//*!lower(email) = lower(CAST(?1 AS TEXT) COLLATE \"C\")*/"

static void take_user(struct db_statement *stmt, struct arena *arena, struct user *out)
{
	*out = (struct user){
		.user_id = db_col_copy(stmt, 0, arena),
		.email = db_col_copy(stmt, 1, arena),
		.created_ns = db_col_i64(stmt, 2),
	};
}

int users_find(struct store *store, struct str email, struct arena *arena, struct user *out,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (!db_is_text(email))
		return 0;
	if (db_stmt(store, "SELECT user_id, email, created_ns FROM \"user\" WHERE " IS_EMAIL, &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, email);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		take_user(stmt, arena, out);
	return rc;
}

#define SELECT_USERS                                                                               \
	"SELECT user_id, email, created_ns, (SELECT count(*) FROM api_key k"                       \
	" WHERE k.user_id = u.user_id AND k.revoked_ns = -9223372036854775808"                     \
	" AND k.expires_ns > ?2) FROM \"user\" u"

static int read_users(struct store *store, const char *sql, struct str which, int64_t now_ns,
	struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct user user;
	int rc;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, which);
	db_bind_i64(stmt, 2, now_ns);
	while ((rc = db_step(store, stmt, err)) == 1) {
		take_user(stmt, rows->arena, &user);
		user.keys = db_col_i64(stmt, 3);
		db_rows_add(rows, &user);
	}
	return rc;
}

int user_list(struct store *store, int64_t now_ns, struct arena *arena, struct user **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(**out));
	int rc = lookup_begin(store, err);

	if (rc < 0)
		return rc;
	rc = read_users(store, SELECT_USERS " WHERE ?1 = '' ORDER BY lower(email)", STR(""), now_ns,
		&rows, err);
	*out = rows.items;
	*count = rows.count;
	return lookup_end(store, rc, err);
}

int user_find(struct store *store, struct str email_or_id, struct arena *arena, struct user *out,
	struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(*out));
	int rc = lookup_begin(store, err);

	if (rc < 0)
		return rc;
	if (db_is_text(email_or_id))
		rc = read_users(store,
			str_find(email_or_id, '@', 0) >= 0 ? SELECT_USERS " WHERE " IS_EMAIL
							   : SELECT_USERS " WHERE user_id = ?1",
			email_or_id, clock_now_ns(), &rows, err);
	if (rc == 0 && rows.count == 0)
		rc = err_set(
			err, ERR_NOT_FOUND, "no user is known as '%.*s'", STR_ARG(email_or_id));
	if (rc == 0)
		memcpy(out, rows.items, sizeof(*out));
	return lookup_end(store, rc, err);
}

/* --- making --- */

static int run_for(
	struct store *store, const char *sql, struct str user_id, struct str other, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, user_id);
	if (db_params(stmt) > 1)
		db_bind_str(stmt, 2, other);
	return db_exec(store, stmt, err);
}

/* What SQLite has one of. */
static int insert_rows(struct store *store, const struct user *user, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	char store_id[UUID_BYTES + 1];
	struct str before;

	if (!store_is_shared(store))
		return 0;
	uuid_v4(store_id);
	if (lookup_rows_of(store, user->user_id, &arena, &before, err) < 0 ||
		run_for(store,
			"INSERT INTO store_state (user_no, store_id)"
			" SELECT user_no, CAST(?2 AS TEXT) FROM \"user\" WHERE user_id = ?1",
			user->user_id, str_from(store_id), err) < 0 ||
		run_for(store,
			"INSERT INTO derived_mark (user_no)"
			" SELECT user_no FROM \"user\" WHERE user_id = ?1",
			user->user_id, STR(""), err) < 0)
		return err->code;
	return lookup_rows_back(store, before, err);
}

int users_insert(struct store *store, int64_t now_ns, struct str email, struct arena *arena,
	struct user *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	char user_id[UUID_BYTES + 1];

	uuid_v4(user_id);
	*out = (struct user){ arena_str(arena, str_from(user_id)), arena_str(arena, email), now_ns,
		0 };
	if (db_stmt(store, "INSERT INTO \"user\" (user_id, email, created_ns) VALUES (?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, out->user_id);
	db_bind_str(stmt, 2, out->email);
	db_bind_i64(stmt, 3, now_ns);
	if (db_exec(store, stmt, err) < 0)
		return err->code;
	return insert_rows(store, out, err);
}

static int make(struct store *store, int64_t now_ns, struct user *user, struct arena *arena,
	struct err *err)
{
	struct user there;
	int rc = users_raise_generation(store, err);

	if (rc == 0)
		rc = users_find(store, user->email, arena, &there, err);
	if (rc == 1)
		return err_set(
			err, ERR_EXISTS, "there is a user '%.*s' already", STR_ARG(there.email));
	return rc < 0 ? rc : users_insert(store, now_ns, user->email, arena, user, err);
}

int user_make(struct store *store, int64_t now_ns, struct user *user, struct arena *arena,
	struct err *err)
{
	bool own;

	if (users_check_email(user->email, err) < 0 || lookup_join(store, &own, err) < 0)
		return err->code;
	return lookup_leave(store, own, make(store, now_ns, user, arena, err), err);
}
