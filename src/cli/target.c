/* The daemon of the store that a command works on. */
#include "cli/target.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/time.h"

enum { WAIT_MS = 30000, LOOK_MS = 10 };

int target_find(struct cli *cli, struct target *target, struct err *err)
{
	struct str prefix = STR("sqlite:");
	const char *store = cli->config.store;

	if (store[0] == '\0')
		store = fs_join(&cli->arena, cli->dirs.data, "tt.db");
	if (str_starts(str_from(store), prefix))
		store += prefix.len;
	target->paths = instance_paths(&cli->arena, &cli->dirs, store);
	return instance_find(&target->paths, &cli->arena, &target->found, err);
}

int target_stop(struct cli *cli, const struct target *target, struct err *err)
{
	int64_t end_ns = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
	struct instance found = target->found;

	if (kill((pid_t)found.pid, SIGTERM) < 0 && errno != ESRCH)
		return err_sys(err, "the daemon (process %lld)", (long long)found.pid);
	while (found.running && found.pid == target->found.pid) {
		if (clock_monotonic_ns() >= end_ns)
			return err_set(err, ERR_TIMEOUT,
				"the daemon (process %lld) was told to end but still runs",
				(long long)found.pid);
		clock_sleep_ms(LOOK_MS);
		if (instance_find(&target->paths, &cli->arena, &found, err) < 0)
			return err->code;
	}
	return 0;
}
