/* tt init: create or show this machine's identity. */
#include "cli/commands.h"

struct init_values {
	const char *label;
};

static const struct args_option init_options[] = {
	{ "label", 'l', ARGS_TEXT, offsetof(struct init_values, label), "LABEL",
		"what people call this machine (default: its host name)" },
};

static int init_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct init_values *init = values;
	const char *path = fs_join(&cli->arena, cli->dirs.data, "machine.json");
	struct json_writer json = json_writer(&cli->out);
	struct machine machine;
	bool created;
	int rc = machine_init(cli->dirs.data, init->label, &cli->arena, &machine, &created, err);

	(void)operands;
	if (rc < 0)
		return rc;
	if (!machine_is_this_host(&machine))
		log_warn(&cli->log,
			"this identity was made on another host ('%.*s'). If this is a clone or a synced home, "
			"move %s away and run 'tt init' again, so that the two are told apart",
			STR_ARG(machine.hostname), path);
	if (cli->globals.json) {
		json_begin_object(&json);
		json_kv_str(&json, "machine_id", machine.id);
		json_kv_str(&json, "label", machine.label);
		json_kv_str(&json, "path", str_from(path));
		json_kv_bool(&json, "created", created);
		json_end_object(&json);
		buf_byte(&cli->out, '\n');
		return 0;
	}
	buf_printf(&cli->out, "machine  %.*s\nlabel    %.*s\npath     %s\n", STR_ARG(machine.id),
		STR_ARG(machine.label), path);
	log_info(&cli->log, "%s",
		created ? "Identity created. Next: 'tt setup tmux', then 'tt today'."
			: "This machine has an identity already.");
	return 0;
}

const struct command command_init = {
	.name = "init",
	.summary = "create or show this machine's identity",
	.usage = "[--label LABEL]",
	.details =
		"The identity is a UUID, made once. The label is for people and may be changed at any time.",
	.args = { .options = init_options, .option_count = ARRAY_LEN(init_options) },
	.values_size = sizeof(struct init_values),
	.run = init_run,
	.storeless = true,
};
