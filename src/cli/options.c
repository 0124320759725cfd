/* The options that every command takes. */
#include "cli/command.h"

static const struct args_option every_option[] = {
	{ "config", 'c', ARGS_TEXT, offsetof(struct cli_globals, config), "FILE",
		"configuration file (must exist)" },
	{ "store", 0, ARGS_TEXT, offsetof(struct cli_globals, store), "URL",
		"the store: sqlite:PATH or postgresql://…" },
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
