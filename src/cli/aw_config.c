#include "cli/aw_config.h"

#include "cli/listen.h"
#include "model/limits.h"

#define MARK "# Written by 'tt serve generate-key --aw-config', which also replaces it.\n"

static const char *place(struct cli *cli, bool testing, struct err *err)
{
	/* Ours is <configuration>/tt. */
	struct str own = str_from(cli->dirs.config);
	const char *dir = arena_printf(&cli->arena, "%.*s/activitywatch/aw-server-rust",
		STR_ARG(str_sub(own, 0, own.len - (sizeof("/tt") - 1))))
				  .ptr;

	if (fs_make_dirs(dir, 0700, err) < 0)
		return NULL;
	return fs_join(&cli->arena, dir, testing ? "config-testing.toml" : "config.toml");
}

static int check_ours(const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, &text, err);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0 && !str_starts(buf_str(&text), STR(MARK)))
		return err_set(err, ERR_EXISTS, "'%s' is not tt's: it is left alone", path);
	return rc;
}

int aw_config_write(struct cli *cli, struct str key, bool testing)
{
	int port = listen_first_port(&cli->config.serve, testing);
	struct str text = arena_printf(
		&cli->arena, MARK "port = %d\n\n[auth]\napi_key = \"%.*s\"\n", port, STR_ARG(key));
	struct err err;
	const char *path = place(cli, testing, &err);

	if (path && check_ours(path, &err) == 0 && fs_write_atomic(path, text, 0600, &err) == 0) {
		log_info(&cli->log, "ActivityWatch's watchers find the key in %s", path);
		return 0;
	}
	log_warn(&cli->log,
		"%s; add to it by hand: port = %d, and api_key = \"<the key>\" below [auth]",
		err.message, port);
	return CLI_PARTIAL;
}
