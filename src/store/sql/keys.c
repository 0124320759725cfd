/* Users of the server and their keys. Every change of either raises the key generation, by which
 * the server knows that what it remembers is old. */
#include "store/keys.h"

#include "base/uuid.h"
#include "model/limits.h"
#include "store/sql/db.h"

enum { KEY_PREFIX_BYTES = 8 };

/* --- the generation --- */

int key_generation(struct store *store, int64_t *generation, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "SELECT key_generation FROM store_state", &stmt, err) < 0 ||
		db_step(store, stmt, err) < 0)
		return err->code;
	*generation = db_col_i64(stmt, 0);
	return 0;
}

static int raise_generation(struct store *store, struct err *err)
{
	return db_run(store, "UPDATE store_state SET key_generation = key_generation + 1", err);
}

/* --- making --- */

static bool is_email(struct str text)
{
	ptrdiff_t at = str_find(text, '@', 0);

	if (at <= 0 || (size_t)at + 1 == text.len || str_find(text, '@', (size_t)at + 1) >= 0 ||
		text.len > LIMIT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f)
			return false;
	return true;
}

static int check_key(const struct api_key *key, struct err *err)
{
	if (!is_email(key->email))
		return err_set(err, ERR_USAGE, "'%.*s' is no e-mail address", STR_ARG(key->email));
	if (key->name.len > LIMIT_NAME_BYTES)
		return err_set(
			err, ERR_USAGE, "the key's name is longer than %d bytes", LIMIT_NAME_BYTES);
	if (key->role < KEY_READ || key->role > KEY_ADMIN)
		return err_set(err, ERR_USAGE, "%d is no role of a key", (int)key->role);
	return 0;
}

/* The user as it is stored; 0 when there is none. */
static int find_user(struct store *store, struct str email, struct arena *arena, struct user *out,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, "SELECT user_id, email, created_ns FROM user WHERE email = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, email);
	rc = db_step(store, stmt, err);
	if (rc == 1) {
		out->user_id = db_col_copy(stmt, 0, arena);
		out->email = db_col_copy(stmt, 1, arena);
		out->created_ns = db_col_i64(stmt, 2);
	}
	return rc;
}

static struct str new_uuid(struct arena *arena)
{
	char text[UUID_BYTES + 1];

	uuid_v4(text);
	return arena_str(arena, str_from(text));
}

static int make_user(struct store *store, int64_t now_ns, struct str email, struct arena *arena,
	struct user *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	*out = (struct user){ new_uuid(arena), arena_str(arena, email), now_ns, 0 };
	if (db_stmt(store, "INSERT INTO user (user_id, email, created_ns) VALUES (?, ?, ?)", &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, out->user_id);
	db_bind_str(stmt, 2, out->email);
	db_bind_i64(stmt, 3, now_ns);
	return db_exec(store, stmt, err);
}

static int refuse_known_hash(struct store *store, struct str hash, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, "SELECT 1 FROM api_key WHERE hash = ?", &stmt, err) < 0)
		return err->code;
	db_bind_blob(stmt, 1, hash);
	rc = db_step(store, stmt, err);
	return rc == 1 ? err_set(err, ERR_EXISTS, "this key is there already") : rc;
}

static int insert_key(
	struct store *store, const struct api_key *key, struct str hash, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO api_key (key_id, user_id, name, role, hash, created_ns, expires_ns,"
		    " revoked_ns, used_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, key->key_id);
	db_bind_str(stmt, 2, key->user_id);
	db_bind_str(stmt, 3, key->name);
	db_bind_i64(stmt, 4, key->role);
	db_bind_blob(stmt, 5, hash);
	db_bind_i64(stmt, 6, key->created_ns);
	db_bind_i64(stmt, 7, key->expires_ns);
	db_bind_i64(stmt, 8, key->revoked_ns);
	db_bind_i64(stmt, 9, key->used_ns);
	return db_exec(store, stmt, err);
}

static int make(struct store *store, int64_t now_ns, struct api_key *key, struct arena *arena,
	struct err *err)
{
	struct str hash = { (const char *)key->hash, KEY_HASH_BYTES };
	struct user user;
	int rc = refuse_known_hash(store, hash, err);

	if (rc == 0)
		rc = find_user(store, key->email, arena, &user, err);
	if (rc == 0)
		rc = make_user(store, now_ns, key->email, arena, &user, err);
	if (rc < 0)
		return rc;
	key->key_id = new_uuid(arena);
	key->user_id = user.user_id;
	key->email = user.email;
	key->name = arena_str(arena, key->name);
	key->created_ns = now_ns;
	key->revoked_ns = key->used_ns = INT64_MIN;
	if (insert_key(store, key, hash, err) < 0)
		return err->code;
	return raise_generation(store, err);
}

int key_make(struct store *store, int64_t now_ns, struct api_key *key, struct arena *arena,
	struct err *err)
{
	bool own;

	if (check_key(key, err) < 0 || db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, make(store, now_ns, key, arena, err), err);
}

/* --- listing --- */

static int take_key(const struct store *store, struct db_statement *stmt, struct arena *arena,
	struct api_key *out, struct err *err)
{
	struct str hash = db_col_str(stmt, 5);

	if (hash.len != KEY_HASH_BYTES)
		return err_set(err, ERR_CORRUPT, "store '%s': the hash of a key has %zu bytes",
			store_path(store), hash.len);
	out->key_id = db_col_copy(stmt, 0, arena);
	out->user_id = db_col_copy(stmt, 1, arena);
	out->email = db_col_copy(stmt, 2, arena);
	out->name = db_col_copy(stmt, 3, arena);
	out->role = (enum key_role)db_col_i64(stmt, 4);
	memcpy(out->hash, hash.ptr, KEY_HASH_BYTES);
	out->created_ns = db_col_i64(stmt, 6);
	out->expires_ns = db_col_i64(stmt, 7);
	out->revoked_ns = db_col_i64(stmt, 8);
	out->used_ns = db_col_i64(stmt, 9);
	return 0;
}

int key_list(struct store *store, struct arena *arena, struct api_key **out, size_t *count,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(**out));
	struct api_key key;
	int rc;

	if (db_stmt(store,
		    "SELECT k.key_id, k.user_id, u.email, k.name, k.role, k.hash, k.created_ns,"
		    " k.expires_ns, k.revoked_ns, k.used_ns FROM api_key k JOIN user u USING (user_id)"
		    " ORDER BY u.email, k.created_ns, k.key_id",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		if (take_key(store, stmt, arena, &key, err) < 0)
			return err->code;
		db_rows_add(&rows, &key);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

#define IS_GOOD "revoked_ns = -9223372036854775808 AND expires_ns > ?1"

int user_list(struct store *store, int64_t now_ns, struct arena *arena, struct user **out,
	size_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct db_rows rows = db_rows(arena, sizeof(**out));
	struct user user;
	int rc;

	if (db_stmt(store,
		    "SELECT user_id, email, created_ns, (SELECT count(*) FROM api_key k"
		    " WHERE k.user_id = user.user_id AND " IS_GOOD ") FROM user ORDER BY email",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, now_ns);
	while ((rc = db_step(store, stmt, err)) == 1) {
		user.user_id = db_col_copy(stmt, 0, arena);
		user.email = db_col_copy(stmt, 1, arena);
		user.created_ns = db_col_i64(stmt, 2);
		user.keys = db_col_i64(stmt, 3);
		db_rows_add(&rows, &user);
	}
	*out = rows.items;
	*count = rows.count;
	return rc;
}

/* --- taking back --- */

/* The one key whose id begins with PREFIX. */
static int find_key(struct store *store, struct str prefix, struct arena *arena, struct str *key_id,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (prefix.len < KEY_PREFIX_BYTES)
		return err_set(err, ERR_NOT_FOUND,
			"'%.*s' names no key: give an e-mail address, or %d or more characters of the key's id",
			STR_ARG(prefix), KEY_PREFIX_BYTES);
	if (db_stmt(store,
		    "SELECT key_id FROM api_key WHERE substr(key_id, 1, length(?1)) = lower(?1)"
		    " LIMIT 2",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, prefix);
	rc = db_step(store, stmt, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "no key has an id that begins with '%.*s'",
			STR_ARG(prefix));
	if (rc == 1)
		*key_id = db_col_copy(stmt, 0, arena);
	if (rc == 1)
		rc = db_step(store, stmt, err);
	if (rc == 1)
		return err_set(err, ERR_AMBIGUOUS,
			"several keys have an id that begins with '%.*s': give more of it",
			STR_ARG(prefix));
	return rc;
}

/* Mark with SQL, whose parameters are now and the id. */
static int mark(struct store *store, const char *sql, int64_t now_ns, struct str id,
	int64_t *changes, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, now_ns);
	db_bind_str(stmt, 2, id);
	return db_exec_count(store, stmt, changes, err);
}

static int revoke(
	struct store *store, struct str which, int64_t now_ns, int64_t *revoked, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str key_id;
	struct user user;
	int rc;

	if (str_find(which, '@', 0) < 0) {
		if (find_key(store, which, &arena, &key_id, err) < 0)
			return err->code;
		rc = mark(store,
			"UPDATE api_key SET revoked_ns = ?1 WHERE key_id = ?2 AND " IS_GOOD, now_ns,
			key_id, revoked, err);
	} else {
		rc = find_user(store, which, &arena, &user, err);
		if (rc == 0)
			return err_set(err, ERR_NOT_FOUND, "no user has the e-mail address '%.*s'",
				STR_ARG(which));
		if (rc == 1)
			rc = mark(store,
				"UPDATE api_key SET revoked_ns = ?1 WHERE user_id = ?2 AND " IS_GOOD,
				now_ns, user.user_id, revoked, err);
	}
	return rc < 0 || *revoked == 0 ? rc : raise_generation(store, err);
}

int key_revoke(
	struct store *store, struct str which, int64_t now_ns, int64_t *revoked, struct err *err)
{
	bool own;

	*revoked = 0;
	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, revoke(store, which, now_ns, revoked, err), err);
}

/* --- use --- */

static int put_use(struct store *store, const struct key_use *use, struct err *err)
{
	int64_t changes;

	return mark(store, "UPDATE api_key SET used_ns = ?1 WHERE key_id = ?2 AND used_ns < ?1",
		use->used_ns, use->key_id, &changes, err);
}

static int put_uses(struct store *store, const struct key_use *uses, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (put_use(store, &uses[i], err) < 0)
			return err->code;
	return 0;
}

int key_used(struct store *store, const struct key_use *uses, size_t count, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, put_uses(store, uses, count, err), err);
}
