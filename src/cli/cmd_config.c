/* tt config: each value and where it came from. */
#include "base/table.h"
#include "cli/commands.h"
#include "cli/database_url.h"

/* What may be seen of a value: no password. */
static struct str shown(struct cli *cli, size_t index)
{
	const struct config_value *value = &cli->config.values[index];
	struct str text = str_from(value->text);

	return database_url_shown(&cli->arena, text);
}

static void write_json(struct cli *cli)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("values"));
	json_begin_array(&json);
	for (size_t i = 0; i < cli->config.value_count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "key", str_from(cli->config.values[i].key));
		json_kv_str(&json, "value", shown(cli, i));
		json_kv_str(&json, "from", str_from(cli->config.values[i].from));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static int config_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	static const char *const headings[] = { "KEY", "VALUE", "FROM" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	struct table *table;

	(void)values;
	(void)operands;
	(void)err;
	if (cli->globals.json) {
		write_json(cli);
		return 0;
	}
	table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	for (size_t i = 0; i < cli->config.value_count; i++)
		table_row(table, (const struct str[]){ str_from(cli->config.values[i].key),
					 shown(cli, i), str_from(cli->config.values[i].from) });
	table_print(table, &cli->out);
	return 0;
}

const struct command command_config = {
	.name = "config",
	.summary = "the effective configuration, and where each value came from",
	.usage = "",
	.details =
		"Precedence: command line, environment (TT_ATTENTION_WINDOW=10m), configuration file, default.",
	.run = config_run,
	.storeless = true,
};
