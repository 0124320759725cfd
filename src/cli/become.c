/* Becoming tt-serve: in `tt`, instead of what cli/serve_main.c and cli/cmd_query_lang.c do. */
#include "cli/become.h"

#include <limits.h>
#include <unistd.h>

int become_path(struct arena *arena, const char **out, struct err *err)
{
	static const char *const places[] = { "tt-serve", "../libexec/tidemark/tt-serve" };
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return err_sys(err, "/proc/self/exe");
	while (length > 0 && self[length - 1] != '/')
		length--;
	self[length] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		*out = fs_join(arena, self, places[i]);
		if (access(*out, X_OK) == 0)
			return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
		"the server's program is missing: neither '%s%s' nor '%s%s' is there; install it with tt",
		self, places[0], self, places[1]);
}

static int become(struct cli *cli, struct err *err)
{
	const char *path;
	int rc = become_path(&cli->arena, &path, err);

	if (rc < 0)
		return rc;
	execv(path, cli->argv);
	return err_sys(err, "%s", path);
}

int serve_run(struct cli *cli, const struct serve_values *values, struct err *err)
{
	(void)values;
	return become(cli, err);
}

int query_lang_run(struct cli *cli, const struct query_lang_values *values, struct err *err)
{
	(void)values;
	return become(cli, err);
}
