/* Users of the server and their keys. Every change of either raises the key generation, by which
 * the server knows that what it remembers is old. */
#include "store/keys.h"

#include "base/uuid.h"
#include "model/id.h"
#include "model/limits.h"
#include "store/sql/lookup.h"
#include "store/sql/users.h"

enum { KEY_PREFIX_BYTES = 8 };

int key_generation(struct store *store, int64_t *generation, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, "SELECT key_generation FROM /*-*/store_state/*.*//*!server_state*/",
		    &stmt, err) < 0 ||
		db_step(store, stmt, err) < 0)
		return err->code;
	*generation = db_col_i64(stmt, 0);
	return 0;
}

/* --- making --- */

static int check_key(const struct api_key *key, struct err *err)
{
	if (users_check_email(key->email, err) < 0)
		return err->code;
	if (key->name.len > LIMIT_NAME_BYTES || !db_is_text(key->name))
		return err_set(err, ERR_USAGE, "the key's name is longer than %d bytes or no UTF-8",
			LIMIT_NAME_BYTES);
	if (key->machine_id.len > 0 && !uuid_valid(key->machine_id))
		return err_set(err, ERR_USAGE, "'%.*s' is no machine id: it must be a UUID",
			STR_ARG(key->machine_id));
	if (key->role < KEY_READ || key->role > KEY_ADMIN)
		return err_set(err, ERR_USAGE, "%d is no role of a key", (int)key->role);
	return 0;
}

static struct str new_uuid(struct arena *arena)
{
	char text[UUID_BYTES + 1];

	uuid_v4(text);
	return arena_str(arena, str_from(text));
}

static struct str machine_of(const struct api_key *key, struct arena *arena)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	id_add_machine(&text, key->machine_id);
	return arena_str(arena, buf_str(&text));
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
		    "INSERT INTO api_key (/*!user_no, */key_id, user_id, name, role, hash, created_ns,"
		    " expires_ns, revoked_ns, used_ns, machine_id) VALUES"
		    " (/*!(SELECT user_no FROM \"user\" WHERE user_id = ?2), */"
		    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
	db_bind_str(stmt, 10, key->machine_id);
	return db_exec(store, stmt, err);
}

static int make(struct store *store, int64_t now_ns, struct api_key *key, struct arena *arena,
	struct err *err)
{
	struct str hash = { (const char *)key->hash, KEY_HASH_BYTES };
	struct user user;
	int rc = users_raise_generation(store, err);

	if (rc == 0)
		rc = refuse_known_hash(store, hash, err);
	if (rc == 0)
		rc = users_find(store, key->email, arena, &user, err);
	if (rc == 1)
		rc = users_check_whole(store, &user, err);
	else if (rc == 0)
		rc = users_insert(store, now_ns, key->email, arena, &user, err);
	if (rc < 0)
		return rc;
	key->key_id = new_uuid(arena);
	key->user_id = user.user_id;
	key->email = user.email;
	key->name = arena_str(arena, key->name);
	key->machine_id = machine_of(key, arena);
	key->created_ns = now_ns;
	key->revoked_ns = key->used_ns = INT64_MIN;
	return insert_key(store, key, hash, err);
}

int key_make(struct store *store, int64_t now_ns, struct api_key *key, struct arena *arena,
	struct err *err)
{
	bool own;

	if (check_key(key, err) < 0 || lookup_join(store, &own, err) < 0)
		return err->code;
	return lookup_leave(store, own, make(store, now_ns, key, arena, err), err);
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
	out->machine_id = db_col_copy(stmt, 10, arena);
	return 0;
}

static int read_keys(struct store *store, struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct api_key key;
	int rc;

	if (db_stmt(store,
		    "SELECT k.key_id, k.user_id, u.email, k.name, k.role, k.hash, k.created_ns,"
		    " k.expires_ns, k.revoked_ns, k.used_ns, k.machine_id FROM api_key k"
		    " JOIN \"user\" u USING (user_id) ORDER BY lower(u.email), k.created_ns, k.key_id",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		if (take_key(store, stmt, rows->arena, &key, err) < 0)
			return err->code;
		db_rows_add(rows, &key);
	}
	return rc;
}

int key_list(struct store *store, struct arena *arena, struct api_key **out, size_t *count,
	struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(**out));
	int rc = lookup_begin(store, err);

	if (rc < 0)
		return rc;
	rc = read_keys(store, &rows, err);
	*out = rows.items;
	*count = rows.count;
	return lookup_end(store, rc, err);
}

#define IS_GOOD "revoked_ns = -9223372036854775808 AND expires_ns > ?1"

/* --- taking back --- */

/* The one key whose id begins with PREFIX. */
static int find_key(struct store *store, struct str prefix, struct arena *arena, struct str *key_id,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (prefix.len < KEY_PREFIX_BYTES || !db_is_text(prefix))
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
		rc = users_find(store, which, &arena, &user, err);
		if (rc == 0)
			return err_set(err, ERR_NOT_FOUND, "no user has the e-mail address '%.*s'",
				STR_ARG(which));
		if (rc == 1)
			rc = mark(store,
				"UPDATE api_key SET revoked_ns = ?1 WHERE user_id = ?2 AND " IS_GOOD,
				now_ns, user.user_id, revoked, err);
	}
	return rc < 0 || *revoked == 0 ? rc : users_raise_generation(store, err);
}

int key_revoke(
	struct store *store, struct str which, int64_t now_ns, int64_t *revoked, struct err *err)
{
	bool own;

	*revoked = 0;
	if (lookup_join(store, &own, err) < 0)
		return err->code;
	return lookup_leave(store, own, revoke(store, which, now_ns, revoked, err), err);
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

	if (lookup_join(store, &own, err) < 0)
		return err->code;
	return lookup_leave(store, own, put_uses(store, uses, count, err), err);
}
