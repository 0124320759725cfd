#include "cli/serve_admin.h"

#include "cli/target.h"
#include "store/users.h"

int serve_choose_store(struct cli *cli, bool testing, struct err *err)
{
	struct str path = str_from(target_store(cli)), name;
	ptrdiff_t at, slash = -1;

	if (!testing || cli->globals.store)
		return 0;
	if (cli_store_is_shared(cli))
		return err_set(err, ERR_USAGE,
			"--testing has its own store beside an SQLite file; of a PostgreSQL server name another database: --store");
	while ((at = str_find(path, '/', (size_t)(slash + 1))) >= 0)
		slash = at;
	name = arena_printf(&cli->arena, "sqlite:%.*stt-testing.db",
		STR_ARG(str_sub(path, 0, (size_t)(slash + 1))));
	cli->config.store = name.ptr;
	return 0;
}

int serve_open_store(struct cli *cli, bool testing, struct store **out, struct err *err)
{
	int rc = serve_choose_store(cli, testing, err);

	return rc < 0 ? rc : cli_store_to_administer(cli, out, err);
}

int serve_work_as(struct store *store, struct str user_id, struct err *err)
{
	const struct actor actor = { .user_id = user_id };

	return store_as(store, &actor, err);
}

int serve_load_devices(
	struct cli *cli, struct store *store, struct serve_owner *out, struct err *err)
{
	struct err ignored;
	int rc = serve_work_as(store, out->user.user_id, err);

	if (rc == ERR_NOT_FOUND) /* being erased */
		return 0;
	if (rc == 0)
		rc = device_list(store, &cli->arena, &out->devices, &out->count, err);
	if (serve_work_as(store, (struct str){ NULL, 0 }, rc < 0 ? &ignored : err) < 0 && rc == 0)
		rc = err->code;
	return rc;
}
