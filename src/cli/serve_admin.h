/* What those who administer a server share: which store it has, and whose machines are whose. */
#ifndef TT_CLI_SERVE_ADMIN_H
#define TT_CLI_SERVE_ADMIN_H

#include "cli/command.h"
#include "store/keys.h"

/* The store that `--testing` means: tt-testing.db beside the configured one; else the store of the
 * run. Makes it that of CLI. ERR_USAGE: beside a PostgreSQL database there is none. */
MUST_USE int serve_choose_store(struct cli *cli, bool testing, struct err *err);
/* Choose it, and open it as nobody's. */
MUST_USE int serve_open_store(struct cli *cli, bool testing, struct store **out, struct err *err);
/* From now on the store is USER_ID's; empty: nobody's. As store_as. */
MUST_USE int serve_work_as(struct store *store, struct str user_id, struct err *err);

/* A user with their machines; the store's own machines where it is not shared. */
struct serve_owner {
	struct user user; /* all zero: nobody */
	struct device *devices;
	size_t count;
};
/* Set devices from user, as nobody before and after. */
MUST_USE int serve_load_devices(
	struct cli *cli, struct store *store, struct serve_owner *out, struct err *err);

#endif
