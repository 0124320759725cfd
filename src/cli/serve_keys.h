/* Who may use the server: `tt serve generate-key`, `keys`, `revoke`; `users`, `devices`, `export`,
 * `erase`. */
#ifndef TT_CLI_SERVE_KEYS_H
#define TT_CLI_SERVE_KEYS_H

#include "cli/command.h"

extern const struct command command_serve_generate_key, command_serve_users, command_serve_keys,
	command_serve_revoke, command_serve_devices, command_serve_export, command_serve_erase;

#endif
