/*
 * tt ingest: what tmux hooks call. One line is appended to the journal, and that is all: no store,
 * no child process, no configuration. `ingest sessions` is the older word for `collect`.
 */
#include "cli/commands.h"
#include "collect/journal.h"

struct ingest_values {
	const char *pane;
	const char *cwd;
	const char *session;
	const char *window;
};

static const struct args_option ingest_options[] = {
	{ "pane", 0, ARGS_TEXT, offsetof(struct ingest_values, pane), "PANE",
		"the pane's id, as %3" },
	{ "cwd", 0, ARGS_TEXT, offsetof(struct ingest_values, cwd), "DIR",
		"its current directory" },
	{ "session", 0, ARGS_TEXT, offsetof(struct ingest_values, session), "NAME",
		"the tmux session's name" },
	{ "window", 0, ARGS_TEXT, offsetof(struct ingest_values, window), "INDEX",
		"the window's index" },
};

static int append(
	struct cli *cli, const struct ingest_values *values, const char *type, struct err *err)
{
	const struct machine *machine;
	struct hook_event event = {
		.type = type,
		.pane = values->pane ? values->pane : "",
		.session = values->session ? values->session : "",
		.cwd = values->cwd ? values->cwd : "",
		.window = values->window,
	};
	int rc = cli_machine(cli, &machine, err);

	if (rc < 0)
		return rc;
	rc = journal_append(cli->dirs.data, machine, &event, cli->now_ns, err);
	if (rc == ERR_USAGE)
		return err->code = ERR_IO; /* exit status 1, as hooks know it */
	return rc;
}

static int focus_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)operands;
	return append(cli, values, "tmux_pane_focus", err);
}

static int blur_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)operands;
	return append(cli, values, "tmux_pane_blur", err);
}

static int scroll_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)operands;
	return append(cli, values, "tmux_scroll", err);
}

#define HOOK_USAGE "--pane PANE --cwd DIR --session NAME [--window INDEX]"
#define HOOK_ARGS                                                                                  \
	{                                                                                          \
		.options = ingest_options, .option_count = ARRAY_LEN(ingest_options)               \
	}

static const struct command ingest_focus = {
	.name = "pane-focus",
	.summary = "a pane got the focus",
	.usage = HOOK_USAGE,
	.args = HOOK_ARGS,
	.values_size = sizeof(struct ingest_values),
	.run = focus_run,
	.bare = true,
};

static const struct command ingest_blur = {
	.name = "pane-blur",
	.summary = "a pane lost the focus, or its client went away",
	.usage = HOOK_USAGE,
	.args = HOOK_ARGS,
	.values_size = sizeof(struct ingest_values),
	.run = blur_run,
	.bare = true,
};

static const struct command ingest_scroll = {
	.name = "scroll",
	.summary = "copy mode was entered or left",
	.usage = HOOK_USAGE,
	.args = HOOK_ARGS,
	.values_size = sizeof(struct ingest_values),
	.run = scroll_run,
	.bare = true,
};

static int missing_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)cli;
	(void)values;
	(void)operands;
	return err_set(
		err, ERR_USAGE, "say what happened: pane-focus, pane-blur, scroll or sessions");
}

static const struct command ingest_missing = {
	.name = "",
	.summary = "one of the following",
	.usage = "",
	.run = missing_run,
	.args = { .max_operands = SIZE_MAX },
	.bare = true,
};

static const struct command *const ingest_commands[] = { &ingest_missing, &ingest_focus,
	&ingest_blur, &ingest_scroll, &command_ingest_sessions, NULL };

const struct command command_ingest = {
	.name = "ingest",
	.summary = "record one event; called by tmux hooks",
	.usage = "pane-focus|pane-blur|scroll|sessions …",
	.subcommands = ingest_commands,
};
