/* Becoming another of our programs. */
#include "cli/become.h"

#include <limits.h>
#include <unistd.h>

/* The directory of this program, with its last '/'. */
static int own_directory(char out[static PATH_MAX], struct err *err)
{
	ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (length < 0)
		return err_sys(err, "/proc/self/exe");
	while (length > 0 && out[length - 1] != '/')
		length--;
	out[length] = '\0';
	return 0;
}

int become_path(struct arena *arena, const char *name, const char **out, struct err *err)
{
	static const char *const places[] = { "", "../libexec/tidemark/", "../../bin/" };
	char self[PATH_MAX];

	if (own_directory(self, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		*out = arena_printf(arena, "%s%s%s", self, places[i], name).ptr;
		if (access(*out, X_OK) == 0)
			return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
		"the program %s is missing: neither '%s%s' nor '%s%s%s' is there; install it with tt, it is a part of it",
		name, self, name, self, places[1], name);
}

int become(struct cli *cli, const char *name, struct err *err)
{
	const char *path;
	int rc = become_path(&cli->arena, name, &path, err);

	if (rc < 0)
		return rc;
	execv(path, cli->argv);
	return err_sys(err, "%s", path);
}

int become_for_store(struct cli *cli, struct err *err)
{
	bool shared = cli_store_is_shared(cli);

	if (shared == program()->postgres)
		return 0;
	if (become(cli, shared ? "tt-postgres" : "tt", err) < 0 && shared)
		return err_context(err, "the store is a PostgreSQL database");
	return err->code;
}
