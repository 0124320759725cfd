/* The daemon of the store that a command works on. */
#include "cli/target.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/time.h"
#include "cli/database_url.h"

enum { WAIT_MS = 30000, LOOK_MS = 10 };

int target_absolute(struct cli *cli, const char **path, struct err *err)
{
	CLEANUP(mem_freep) char *here = NULL;

	if ((*path)[0] == '/')
		return 0;
	here = getcwd(NULL, 0);
	if (!here)
		return err_sys(err, "the current directory");
	*path = fs_join(&cli->arena, here, *path);
	return 0;
}

const char *target_store(struct cli *cli)
{
	struct str prefix = STR("sqlite:");
	const char *store = cli_store_url(cli);

	return str_starts(str_from(store), prefix) ? store + prefix.len : store;
}

/* A daemon of a database keeps its files in the data directory, under names of their own for each
 * database and user. */
static const char *place_of(struct cli *cli)
{
	CLEANUP(buf_release) struct buf whose = BUF_INIT;

	if (!cli_store_is_shared(cli))
		return target_store(cli);
	buf_add(&whose, database_url_shown(&cli->arena, str_from(cli->config.store)));
	buf_printf(&whose, "\n%s", cli->config.user);
	return arena_printf(&cli->arena, "%s/postgres-%016llx", cli->dirs.data,
		(unsigned long long)hash64(buf_str(&whose), 0))
		.ptr;
}

int target_find(struct cli *cli, struct target *target, struct err *err)
{
	target->paths = instance_paths(&cli->arena, &cli->dirs, place_of(cli));
	return instance_find(&target->paths, &cli->arena, &target->found, err);
}

int target_check(const struct target *target, struct err *err)
{
	if (!target->found.running || target->found.pid > 0)
		return 0;
	return err_set(err, ERR_BUSY, "'%s' is held by another process, which is no daemon",
		target->paths.lock);
}

int target_stop(struct cli *cli, const struct target *target, struct err *err)
{
	int64_t end_ns = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
	struct instance found = target->found;

	if (target_check(target, err) < 0)
		return err->code;
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
