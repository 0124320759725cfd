/* Where the program keeps its files: the environment's word, the standard places, the user
 * database. */
#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

static void finds_the_programs_directories(void)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct fs_dirs dirs;

	setenv("HOME", "/home/ana", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("XDG_DATA_HOME", "relative/is/ignored", 1);
	setenv("XDG_STATE_HOME", "", 1);
	IS_INT(fs_dirs(&arena, &dirs, &err), 0);
	IS_CSTR(dirs.home, "/home/ana");
	IS_CSTR(dirs.config, "/home/ana/.config/tt");
	IS_CSTR(dirs.data, "/home/ana/.local/share/tt");
	IS_CSTR(dirs.state, "/home/ana/.local/state/tt");
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_DATA_HOME", "/d/", 1);
	setenv("XDG_STATE_HOME", "/s", 1);
	IS_INT(fs_dirs(&arena, &dirs, &err), 0);
	IS_CSTR(dirs.config, "/c/tt");
	IS_CSTR(dirs.data, "/d/tt");
	IS_CSTR(dirs.state, "/s/tt");
	/* What they say outlives the environment. */
	setenv("HOME", "/changed!", 1);
	IS_CSTR(dirs.home, "/home/ana");
	arena_release(&arena);
}

/* In a child: become a user that no database knows, and look for its home. */
_Noreturn static void look_for_home_of_nobody(void)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct fs_dirs dirs;
	int result;

	unsetenv("HOME");
	if (setuid(3999999999u) < 0)
		_exit(2);
	result = fs_dirs(&arena, &dirs, &err);
	arena_release(&arena);
	_exit(result == ERR_NOT_FOUND && strstr(err.message, "3999999999") ? 0 : 1);
}

static void without_home_asks_the_user_database(void)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct fs_dirs dirs;
	int status = -1;
	pid_t pid;

	unsetenv("HOME");
	IS_INT(fs_dirs(&arena, &dirs, &err), 0);
	IS_INT(dirs.home[0], '/');
	setenv("HOME", "not/absolute", 1);
	IS_INT(fs_dirs(&arena, &dirs, &err), 0);
	IS_INT(dirs.home[0], '/');
	arena_release(&arena);
	if (geteuid() != 0)
		return; /* only root can become somebody without a home */
	pid = fork();
	if (pid == 0)
		look_for_home_of_nobody();
	OK(waitpid(pid, &status, 0) == pid);
	IS_INT(status, 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(finds_the_programs_directories),
	TAP_CASE(without_home_asks_the_user_database),
};

TAP_MAIN(cases)
