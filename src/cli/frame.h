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

#endif
