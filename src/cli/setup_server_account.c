/* tt setup server: who it runs as, and what is made or done as that account. */
#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "cli/run_program.h"
#include "cli/setup_server.h"

enum { MOST_WORDS = 24, DIR_MODE = 0700 };

#define HOME "/var/lib/tidemark"

static bool is_other_user(const struct server_setup *server)
{
	const struct passwd *account = getpwnam(server->chosen.account);

	return account && account->pw_uid != geteuid();
}

const char *const *server_as_account(struct server_setup *server, const char *const *argv)
{
	const char *const prefix[] = { "runuser", "-u", server->chosen.account, "--" };
	const char **words = arena_zalloc(&server->cli->arena, MOST_WORDS, sizeof(*words));
	size_t count = 0;

	for (size_t i = 0; is_other_user(server) && i < ARRAY_LEN(prefix); i++)
		words[count++] = prefix[i];
	for (size_t i = 0; argv[i] && count + 1 < MOST_WORDS; i++)
		words[count++] = argv[i];
	return words;
}

int server_account(struct server_setup *server, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	const char *account = server->chosen.account;
	const char *const command[] = { "useradd", "--system", "--user-group", "--home-dir", HOME,
		"--no-create-home", "--shell", "/usr/sbin/nologin", account, NULL };
	struct setup *setup = &server->setup;

	if (getpwnam(account)) {
		setup_note(setup, "account", "unchanged", str_from(account));
		return 0;
	}
	if (server->print) {
		setup_note(setup, "account", "missing",
			arena_printf(&server->cli->arena, "useradd --system --user-group … %s",
				account));
		return 0;
	}
	if (run_program(&run, command) != 0)
		return err_set(err, ERR_IO, "useradd %s: %.*s", account,
			STR_ARG(run_program_complaint(&run)));
	setup_note(setup, "account", "done",
		arena_printf(
			&server->cli->arena, "made the user %s, who owns what it keeps", account));
	return 0;
}

int server_make_dirs(const struct server_setup *server, const char *path, struct err *err)
{
	const struct passwd *account = getpwnam(server->chosen.account);
	CLEANUP(buf_release) struct buf dir = BUF_INIT;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		buf_clear(&dir);
		buf_add(&dir, (struct str){ path, (size_t)(slash - path) });
		if (mkdir(buf_cstr(&dir), DIR_MODE) < 0) {
			if (errno == EEXIST)
				continue;
			return err_sys(err, "%s", buf_cstr(&dir));
		}
		if (account && is_other_user(server) &&
			chown(buf_cstr(&dir), account->pw_uid, account->pw_gid) < 0)
			return err_sys(err, "%s", buf_cstr(&dir));
	}
	return 0;
}
