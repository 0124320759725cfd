/* The daemon of the store that a command works on: what start, stop, status and setup share. */
#ifndef TT_CLI_TARGET_H
#define TT_CLI_TARGET_H

#include "cli/command.h"
#include "serve/instance.h"

struct target {
	struct instance_paths paths;
	struct instance found;
};

/* Find it, without opening the store. */
MUST_USE int target_find(struct cli *cli, struct target *target, struct err *err);
/* Tell it to end, and wait until it has. ERR_TIMEOUT. */
MUST_USE int target_stop(struct cli *cli, const struct target *target, struct err *err);

#endif
