/* Who asks of an SQLite store: always the person whose file it is, from one device or another; and
 * who serves it: one process. */
#include "store/users.h"
#include "store/servers.h"

#include "store/sqlite/db.h"

int store_as(struct store *store, const struct actor *actor, struct err *err)
{
	if (actor->machine_id.len > UUID_BYTES)
		return err_set(err, ERR_USAGE, "'%.*s' is no machine id",
			STR_ARG(str_sub(actor->machine_id, 0, UUID_BYTES)));
	if (actor->machine_id.len > 0)
		memcpy(store->machine_id, actor->machine_id.ptr, actor->machine_id.len);
	store->machine_id[actor->machine_id.len] = '\0';
	return 0;
}

struct actor store_actor(const struct store *store)
{
	return (struct actor){ STR(""), str_from(store->machine_id) };
}

bool store_is_shared(const struct store *store)
{
	(void)store;
	return false;
}

int db_write_begin_for(struct store *store, const struct str *user_ids, size_t count, bool *locked,
	struct err *err)
{
	(void)user_ids;
	for (size_t i = 0; i < count; i++)
		locked[i] = true;
	return store->writing || count == 0 ? 0 : db_write_begin(store, err);
}

int servers_announce(struct store *store, int64_t *count, struct err *err)
{
	(void)store;
	(void)err;
	*count = 1;
	return 0;
}

int servers_alone(struct store *store, bool *mine, struct err *err)
{
	(void)store;
	(void)err;
	*mine = true;
	return 0;
}

int servers_resign(struct store *store, struct err *err)
{
	(void)store;
	(void)err;
	return 0;
}
