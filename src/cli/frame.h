/* What main.c and the commands share but commands do not call: configuration of a run, help, the
 * end. */
#ifndef TT_CLI_FRAME_H
#define TT_CLI_FRAME_H

#include "cli/command.h"

/* Directories, configuration file, environment and global options into CLI. */
MUST_USE int frame_configure(struct cli *cli, struct err *err);
/* Help on COMMAND (PARENT: the command it is a subcommand of, or NULL), or the overview without
 * one. */
void frame_help(const struct command *command, const struct command *parent, struct buf *out);
void frame_release(struct cli *cli);
/*
 * A run of its own with the options of CLI, for reading the configuration again as it is now: *OUT
 * is for frame_free, which accepts NULL.
 */
MUST_USE int frame_again(const struct cli *cli, struct cli **out, struct err *err);
void frame_free(struct cli *cli);

#endif
