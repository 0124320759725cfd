/*
 * Whose rows a connection works with. Users that it has met are remembered by their id: their
 * numbers never change and are never used again. That one is gone is seen by who locks its row.
 */
#include "store/postgres/users.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/uuid.h"
#include "store/postgres/array.h"
#include "store/postgres/lock.h"
#include "store/postgres/statement.h"

/* --- those that were met --- */

static struct pg_user **slot_of(const struct store *store, struct str user_id)
{
	size_t slot = hash64(user_id, 0) % PG_USER_SLOTS;

	return (struct pg_user **)(uintptr_t)&store->users[slot];
}

struct pg_user *pg_user_known(const struct store *store, struct str user_id)
{
	struct pg_user *user = *slot_of(store, user_id);

	while (user && !str_eq_c(user_id, user->user_id))
		user = user->next;
	return user;
}

static struct pg_user *add(struct store *store, int64_t user_no, struct str user_id)
{
	struct pg_user **slot, *user = pg_user_known(store, user_id);

	if (user)
		return user;
	ASSERT(user_id.len < sizeof(user->user_id));
	user = mem_zalloc(sizeof(*user));
	user->user_no = user_no;
	memcpy(user->user_id, user_id.ptr, user_id.len);
	slot = slot_of(store, user_id);
	user->next = *slot;
	*slot = user;
	return user;
}

void pg_users_free(struct store *store)
{
	for (size_t i = 0; i < PG_USER_SLOTS; i++)
		while (store->users[i]) {
			struct pg_user *user = store->users[i];

			store->users[i] = user->next;
			free(user);
		}
}

/* --- meeting --- */

/*
 * Who is asked for cannot be seen yet. So, in one group: the statements that look users up are let
 * see them; the users are let see their own rows; who has a row of counters is no one that is being
 * erased; and everything is as before.
 */
static const char look_up_on[] = "SELECT set_config('tt.keys', 'on', true)";
static const char look_up_off[] = "SELECT set_config('tt.keys', 'off', true)";
static const char become[] = "SELECT set_config('tt.users', convert_from($1::BYTEA, 'UTF8'), true)";

#define MEET(condition)                                                                             \
	{                                                                                           \
		"SELECT set_config('tt.users', '{' || coalesce(string_agg(user_no::TEXT, ','), '')" \
		" || '}', true) FROM \"user\" u WHERE " condition,                                  \
			"SELECT u.user_no, u.user_id FROM \"user\" u JOIN store_state s"            \
			" ON s.user_no = u.user_no WHERE " condition                                \
	}
static const char *const by_id[2] = MEET("u.user_id = ANY ($1::TEXT[])");
static const char *const by_email[2] = MEET("lower(u.email) = ANY ($1::TEXT[])");

static int send_meeting(struct store *store, const char *const texts[2], struct str list,
	PGresult **found, struct err *err)
{
	const struct pg_value value = { PG_TEXT_ARRAY, list }, none = { 0 };
	CLEANUP(buf_release) struct buf before = BUF_INIT;

	lock_users_text(store, &before);
	if (pg_send_one(store, look_up_on, none, NULL, err) < 0 ||
		pg_send_one(store, texts[0], value, NULL, err) < 0 ||
		pg_send_one(store, texts[1], value, found, err) < 0 ||
		pg_send_one(store, look_up_off, none, NULL, err) < 0)
		return err->code;
	if (!store->in_transaction)
		return 0;
	return pg_send_one(
		store, become, (struct pg_value){ PG_BYTEA, buf_str(&before) }, NULL, err);
}

static int meet(struct store *store, const char *const texts[2], struct pg_array *list,
	struct pg_user **last, struct err *err)
{
	PGresult *found = NULL;
	int rc = store->in_transaction ? 0 : pg_unit_begin(store, false, err);

	*last = NULL;
	if (rc == 0)
		rc = send_meeting(store, texts, pg_array_value(list), &found, err);
	if (rc == 0)
		rc = pg_wait(store, pg_last(store), 0, err);
	pg_abandon(store, &found);
	for (int i = 0; rc == 0 && i < PQntuples(found); i++)
		*last = add(store, pg_get_i64(PQgetvalue(found, i, 0)),
			(struct str){ PQgetvalue(found, i, 1), (size_t)PQgetlength(found, i, 1) });
	PQclear(found);
	return rc;
}

int pg_users_meet(struct store *store, const struct str *ids, size_t count, struct err *err)
{
	CLEANUP(pg_array_release) struct pg_array list = { 0 };
	struct pg_user *last;

	pg_array_begin(&list, PG_TEXT);
	for (size_t i = 0; i < count; i++)
		if (ids[i].len > 0 && !pg_user_known(store, ids[i]))
			pg_array_str(&list, ids[i]);
	return list.count == 0 ? 0 : meet(store, by_id, &list, &last, err);
}

int pg_user_find(struct store *store, struct str email_or_id, struct pg_user **out, struct err *err)
{
	CLEANUP(pg_array_release) struct pg_array list = { 0 };
	CLEANUP(buf_release) struct buf lower = BUF_INIT;
	bool is_id = uuid_valid(email_or_id);

	for (size_t i = 0; i < email_or_id.len; i++) {
		char c = email_or_id.ptr[i];

		buf_byte(&lower, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
	}
	pg_array_begin(&list, PG_TEXT);
	pg_array_str(&list, buf_str(&lower));
	if (meet(store, is_id ? by_id : by_email, &list, out, err) < 0)
		return err->code;
	if (*out)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		"store '%s' has no user '%.*s'; 'tt serve generate-key --email %s' makes one",
		store->url, STR_ARG(email_or_id), is_id ? "ADDRESS" : buf_cstr(&lower));
}

/* --- being one --- */

bool store_is_shared(const struct store *store)
{
	(void)store;
	return true;
}

struct actor store_actor(const struct store *store)
{
	return (struct actor){ str_from(store->user->user_id), str_from(store->machine_id) };
}

static int find(struct store *store, struct str user_id, struct pg_user **out, struct err *err)
{
	*out = user_id.len > 0 ? pg_user_known(store, user_id) : &store->nobody;
	if (*out)
		return 0;
	if (pg_users_meet(store, &user_id, 1, err) < 0)
		return err->code;
	*out = pg_user_known(store, user_id);
	if (*out)
		return 0;
	return err_set(err, ERR_NOT_FOUND, "store '%s' has no user '%.*s'", store->url,
		STR_ARG(str_sub(user_id, 0, UUID_BYTES)));
}

int store_as(struct store *store, const struct actor *actor, struct err *err)
{
	struct str machine_id = actor->machine_id;
	struct pg_user *user;

	ASSERT(store->readers == 0);
	if (machine_id.len >= sizeof(store->machine_id))
		return err_set(err, ERR_USAGE, "'%.*s' is no machine id",
			STR_ARG(str_sub(machine_id, 0, UUID_BYTES)));
	if (find(store, actor->user_id, &user, err) < 0)
		return err->code;
	ASSERT(user);
	if (store->writing && user != &store->nobody && !user->writing &&
		lock_another(store, user, err) < 0)
		return err->code;
	store->user = user;
	if (machine_id.len > 0)
		memcpy(store->machine_id, machine_id.ptr, machine_id.len);
	store->machine_id[machine_id.len] = '\0';
	return 0;
}
