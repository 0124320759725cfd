/* Keys of the server: `tt serve generate-key`, `users`, `keys`, `revoke`. */
#ifndef TT_CLI_SERVE_KEYS_H
#define TT_CLI_SERVE_KEYS_H

#include "cli/command.h"

extern const struct command command_serve_generate_key, command_serve_users, command_serve_keys,
	command_serve_revoke;

/* The store that `--testing` means: tt-testing.db beside the configured one; else the store of the
 * run. Makes it that of CLI. */
void serve_choose_store(struct cli *cli, bool testing);

#endif
