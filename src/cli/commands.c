/* The tables of commands, in the order of the overview, and of the options that every command
 * takes. */
#include "cli/commands.h"

static const struct command *const table[] = {
	&command_init,
	&command_setup,
	&command_today,
	&command_yesterday,
	&command_week,
	&command_report,
	&command_streams,
	&command_tag,
	&command_untag,
	&command_tags,
	&command_rules,
	&command_classify,
	&command_sync,
	&command_machines,
	&command_status,
	&command_doctor,
	&command_start,
	&command_daemon,
	&command_stop,
	&command_pause,
	&command_resume,
	&command_collect,
	&command_ingest,
	&command_import,
	&command_export,
	&command_events,
	&command_query,
	&command_stats,
	&command_context,
	&command_recompute,
	&command_quarantine,
	&command_verify,
	&command_backup,
	&command_restore,
	&command_config,
	&command_completion,
};

const struct command *const *commands(size_t *count)
{
	*count = ARRAY_LEN(table);
	return table;
}

static const struct args_option every_option[] = {
	{ "config", 'c', ARGS_TEXT, offsetof(struct cli_globals, config), "FILE",
		"configuration file (must exist)" },
	{ "store", 0, ARGS_TEXT, offsetof(struct cli_globals, store), "URL",
		"the store: sqlite:PATH" },
	{ "json", 0, ARGS_FLAG, offsetof(struct cli_globals, json), NULL,
		"one JSON object on standard output" },
	{ "quiet", 'q', ARGS_FLAG, offsetof(struct cli_globals, quiet), NULL,
		"warnings and errors only" },
	{ "verbose", 'v', ARGS_FLAG, offsetof(struct cli_globals, verbose), NULL,
		"say more (may be repeated)" },
	{ "no-color", 0, ARGS_FLAG, offsetof(struct cli_globals, no_color), NULL, "no colours" },
	{ "version", 'V', ARGS_FLAG, offsetof(struct cli_globals, version), NULL,
		"print the version and end" },
	{ "help", 'h', ARGS_FLAG, offsetof(struct cli_globals, help), NULL, "help on a command" },
};

static const struct args_spec every_command = { .options = every_option,
	.option_count = ARRAY_LEN(every_option) };

const struct args_spec *cli_options(void)
{
	return &every_command;
}
