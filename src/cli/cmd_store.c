/* tt verify, backup, restore: the care of the store's file. */
#include "cli/commands.h"

static int finish(
	struct cli *cli, const char *path, const struct store_info *info, const char *text)
{
	struct json_writer json = json_writer(&cli->out);

	if (!cli->globals.json) {
		log_info(&cli->log, "%s: %s, %lld events", path, text, (long long)info->events);
		return 0;
	}
	json_begin_object(&json);
	json_kv_str(&json, "path", str_from(path));
	json_kv_i64(&json, "bytes", info->bytes);
	json_kv_i64(&json, "events", info->events);
	json_kv_bool(&json, "ok", true);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

static int verify_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct buf faults CLEANUP(buf_release) = BUF_INIT;
	struct store_info info;
	struct store *store;
	int rc = cli_store(cli, &store, err);

	(void)values;
	(void)operands;
	if (rc == 0)
		rc = store_verify(store, &faults, err);
	if (faults.len > 0)
		log_warn(&cli->log, "%s", buf_cstr(&faults));
	if (rc == 0)
		rc = store_info(store, &info, err);
	return rc < 0 ? rc : finish(cli, store_path(store), &info, "sound");
}

static int backup_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct store *copy CLEANUP(store_closep) = NULL;
	struct store_options options = {
		.url = operands->items[0], .read_only = true, .must_exist = true
	};
	struct store_info info;
	struct store *store;
	int rc = cli_store(cli, &store, err);

	(void)values;
	if (rc < 0)
		return rc;
	cli_drain(cli, store);
	rc = store_backup(store, operands->items[0], err);
	if (rc == 0)
		rc = store_open(&copy, &options, err);
	if (rc == 0)
		rc = store_info(copy, &info, err);
	return rc < 0 ? rc : finish(cli, operands->items[0], &info, "backed up and verified");
}

static int restore_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct store_info info;
	struct store *store;
	int rc = store_restore(cli_store_url(cli), operands->items[0], err);

	(void)values;
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = store_info(store, &info, err);
	return rc < 0 ? rc
		      : finish(cli, store_path(store), &info,
				"restored; what was there before is kept beside it");
}

const struct command command_verify = {
	.name = "verify",
	.summary = "check the store's integrity",
	.usage = "",
	.run = verify_run,
};

const struct command command_backup = {
	.name = "backup",
	.summary = "copy the store while it is in use, and verify the copy",
	.usage = "FILE",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "FILE" },
	.run = backup_run,
};

const struct command command_restore = {
	.name = "restore",
	.summary = "put a verified backup in the store's place",
	.usage = "FILE",
	.details =
		"The store that was there is kept beside it (.before-restore). Other machines that read from here start over.",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "FILE" },
	.run = restore_run,
};
