/* The daemon of the store that a command works on: what start, stop, status and setup share. */
#ifndef TT_CLI_TARGET_H
#define TT_CLI_TARGET_H

#include "cli/command.h"
#include "serve/instance.h"

struct target {
	struct instance_paths paths;
	struct instance found;
};

/* Make *PATH, named from the current directory, one that means the same to a daemon. */
MUST_USE int target_absolute(struct cli *cli, const char **path, struct err *err);
/* The path of the store of this run; the URL of a PostgreSQL database. */
const char *target_store(struct cli *cli);
/* Find it, without opening the store. */
MUST_USE int target_find(struct cli *cli, struct target *target, struct err *err);
/* ERR_BUSY when something holds the daemon's lock that is no process which can be told anything. */
MUST_USE int target_check(const struct target *target, struct err *err);
/* Tell it to end, and wait until it has. ERR_TIMEOUT; ERR_BUSY as target_check. */
MUST_USE int target_stop(struct cli *cli, const struct target *target, struct err *err);

#endif
