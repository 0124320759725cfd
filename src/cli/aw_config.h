/*
 * A key where ActivityWatch's clients look for it: the configuration of its server,
 * `activitywatch/aw-server-rust/config.toml` below the user's configuration directory, with `port`
 * and `[auth] api_key` (aw-client of 2026 reads it for servers on this machine).
 */
#ifndef TT_CLI_AW_CONFIG_H
#define TT_CLI_AW_CONFIG_H

#include "cli/command.h"

/* A file that this did not write is left alone: CLI_PARTIAL then, and for any failure, after
 * saying what to do by hand. */
MUST_USE int aw_config_write(struct cli *cli, struct str key, bool testing);

#endif
