/*
 * tt setup: the steps between an installed program and one that records; each says what it did, and
 * may be repeated. What is changed in a file of the user's is one marked line, and it can be taken
 * back.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/setup.h"
#include "cli/setup_server.h"
#include "cli/tmux.h"
#include "model/limits.h"

enum { NEW_DIR_MODE = 0700 };

/* --- setup tmux --- */

/* The whole of a file; empty if it is not there. */
static int read_conf(const char *path, struct buf *out, bool *exists, struct err *err)
{
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, out, err);

	*exists = rc == 0;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int put_fragment(struct setup *setup, const char *path, struct err *err)
{
	struct buf old CLEANUP(buf_release) = BUF_INIT;
	bool exists;
	int rc = read_conf(path, &old, &exists, err);

	if (rc < 0)
		return rc;
	if (exists && str_eq_c(buf_str(&old), tmux_fragment)) {
		setup_note(setup, "hooks", "unchanged", str_from(path));
		return 0;
	}
	rc = fs_make_dirs(setup->cli->dirs.config, NEW_DIR_MODE, err);
	if (rc == 0)
		rc = fs_write_atomic(path, str_from(tmux_fragment), SETUP_FILE_MODE, err);
	if (rc == 0)
		setup_note(
			setup, "hooks", "done", arena_printf(&setup->cli->arena, "wrote %s", path));
	return rc;
}

static int put_line(struct setup *setup, const struct tmux_paths *paths, struct err *err)
{
	struct buf old CLEANUP(buf_release) = BUF_INIT;
	struct buf bare CLEANUP(buf_release) = BUF_INIT;
	struct buf next CLEANUP(buf_release) = BUF_INIT;
	struct buf line CLEANUP(buf_release) = BUF_INIT;
	struct str present;
	bool exists;
	int rc = read_conf(paths->conf, &old, &exists, err);

	if (rc < 0)
		return rc;
	present = tmux_find_line(buf_str(&old));
	rc = tmux_line(paths->fragment, !exists || tmux_line_made_file(present), &line, err);
	if (rc < 0)
		return rc;
	if (str_eq(present, buf_str(&line))) {
		setup_note(setup, "tmux.conf", "unchanged", str_from(paths->conf));
		return 0;
	}
	tmux_without(buf_str(&old), &bare);
	tmux_with(buf_str(&bare), buf_str(&line), &next);
	rc = setup_write(paths->conf, buf_str(&next), err);
	if (rc == 0)
		setup_note(setup, "tmux.conf", "done",
			arena_printf(&setup->cli->arena, "added to %s: %s", paths->conf,
				buf_cstr(&line)));
	return rc;
}

/* Where the hooks put what goes wrong. */
static int put_state(struct setup *setup, struct err *err)
{
	const char *path = setup->cli->dirs.state;
	bool exists = fs_exists(path);
	int rc = fs_make_dirs(path, NEW_DIR_MODE, err);

	if (rc == 0)
		setup_note(setup, "state", exists ? "unchanged" : "done", str_from(path));
	return rc;
}

static void tell_server(struct setup *setup, const struct tmux_paths *paths)
{
	const char *const argv[] = { "tmux", "source-file", paths->fragment, NULL };
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	if (!tmux_server_runs())
		setup_note(setup, "server", "skipped",
			STR("no tmux server runs; the next one has the hooks"));
	else if (tmux_run(argv, &out) == 0)
		setup_note(
			setup, "server", "done", STR("the running tmux server has the hooks now"));
	else
		setup_note(setup, "server", "failed",
			STR("the running tmux server did not take the hooks: restart it"));
}

static void say_program(struct setup *setup)
{
	struct arena *arena = &setup->cli->arena;
	const char *program = tmux_find_program(arena, tmux_search_path(arena), "tt");

	if (program)
		setup_note(setup, "program", "done", str_from(program));
	else
		setup_note(setup, "program", "missing",
			STR("'tt' is in no directory of the PATH that tmux has: install it there, then restart tmux"));
}

static int add_hooks(struct setup *setup, const struct tmux_paths *paths, struct err *err)
{
	int rc = put_fragment(setup, paths->fragment, err);

	if (rc == 0)
		rc = put_line(setup, paths, err);
	if (rc == 0)
		rc = put_state(setup, err);
	if (rc < 0)
		return rc;
	tell_server(setup, paths);
	setup_say_identity(setup);
	say_program(setup);
	return 0;
}

static int take_line(struct setup *setup, const char *path, struct err *err)
{
	struct buf old CLEANUP(buf_release) = BUF_INIT;
	struct buf next CLEANUP(buf_release) = BUF_INIT;
	struct str line;
	bool exists, ours;
	int rc = read_conf(path, &old, &exists, err);

	if (rc < 0)
		return rc;
	line = tmux_find_line(buf_str(&old));
	if (line.len == 0) {
		setup_note(setup, "tmux.conf", "unchanged", str_from(path));
		return 0;
	}
	tmux_without(buf_str(&old), &next);
	ours = tmux_line_made_file(line) && next.len == 0;
	if (ours && unlink(path) < 0)
		return err_sys(err, "%s", path);
	rc = ours ? 0 : setup_write(path, buf_str(&next), err);
	if (rc == 0)
		setup_note(setup, "tmux.conf", "done",
			ours ? arena_printf(&setup->cli->arena, "removed %s", path)
			     : arena_printf(&setup->cli->arena, "removed from %s: %.*s", path,
				       STR_ARG(line)));
	return rc;
}

/* The first word of REST, without quotes around it. */
static struct str next_word(struct str *rest)
{
	struct str word = str_split(rest, ' ');

	if (word.len > 1 && word.ptr[0] == '\'' && word.ptr[word.len - 1] == '\'')
		return str_sub(word, 1, word.len - 2);
	return word;
}

/* Undo in the running server what LINE of the fragment sets there; false if it does not answer. */
static bool unset_line(struct arena *arena, struct str line)
{
	struct str command = next_word(&line), flags = next_word(&line);
	const char *const argv[] = { "tmux", arena_cstr(arena, command), "-gu",
		arena_cstr(arena, next_word(&line)), NULL };
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	if (!str_eq_c(flags, "-g") ||
		!(str_eq_c(command, "set-hook") || str_eq_c(command, "set-environment")))
		return true;
	return tmux_run(argv, &out) == 0;
}

/* The server would keep the hooks until it ends. */
static void clear_server(struct setup *setup)
{
	struct str rest = str_from(tmux_fragment);
	bool cleared = true;

	if (!tmux_server_runs()) {
		setup_note(setup, "server", "skipped", STR("no tmux server runs"));
		return;
	}
	while (rest.len > 0)
		cleared &= unset_line(&setup->cli->arena, str_trim(str_split(&rest, '\n')));
	setup_note(setup, "server", cleared ? "done" : "failed",
		cleared ? STR("the running tmux server has no hooks of this program any more")
			: STR("the running tmux server keeps hooks: restart it"));
}

static int remove_hooks(struct setup *setup, const struct tmux_paths *paths, struct err *err)
{
	int rc = take_line(setup, paths->conf, err);

	if (rc < 0)
		return rc;
	if (unlink(paths->fragment) == 0)
		setup_note(setup, "hooks", "done",
			arena_printf(&setup->cli->arena, "removed %s", paths->fragment));
	else if (errno == ENOENT)
		setup_note(setup, "hooks", "unchanged", str_from(paths->fragment));
	else
		return err_sys(err, "%s", paths->fragment);
	clear_server(setup);
	return 0;
}

struct tmux_values {
	int remove;
};

static const struct args_option tmux_options[] = {
	{ "remove", 0, ARGS_FLAG, offsetof(struct tmux_values, remove), NULL,
		"take everything back" },
};

static int tmux_command(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct tmux_values *command = values;
	struct setup setup = { .cli = cli };
	struct tmux_paths paths;
	int rc = tmux_paths(&cli->arena, &cli->dirs, &paths, err);

	(void)operands;
	if (rc == 0)
		rc = command->remove ? remove_hooks(&setup, &paths, err)
				     : add_hooks(&setup, &paths, err);
	return rc < 0 ? rc : setup_print(&setup);
}

static const struct command setup_tmux = {
	.name = "tmux",
	.summary = "record where you look: add this program's hooks to tmux",
	.usage = "[--remove]",
	.details =
		"Adds one marked line to your tmux configuration (~/.config/tmux/tmux.conf if there is one, else ~/.tmux.conf) and\n"
		"tells the running server, if any. Twice changes nothing; --remove gives the file back as it was.",
	.args = { .options = tmux_options, .option_count = ARRAY_LEN(tmux_options) },
	.values_size = sizeof(struct tmux_values),
	.run = tmux_command,
	.storeless = true,
};

/* --- setup --- */

static int say_tmux(struct setup *setup, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct tmux_paths paths;
	bool exists;
	int rc = tmux_paths(&setup->cli->arena, &setup->cli->dirs, &paths, err);

	if (rc == 0)
		rc = read_conf(paths.conf, &text, &exists, err);
	if (rc < 0)
		return rc;
	if (tmux_find_line(buf_str(&text)).len > 0)
		setup_note(setup, "tmux", "done", str_from(paths.conf));
	else
		setup_note(setup, "tmux", "missing", STR("'tt setup tmux' records where you look"));
	return 0;
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct setup setup = { .cli = cli };
	int rc;

	(void)values;
	(void)operands;
	setup_say_identity(&setup);
	rc = say_tmux(&setup, err);
	if (rc == 0)
		rc = setup_say_daemon(&setup, err);
	if (rc == 0)
		rc = setup_say_activitywatch(&setup, err);
	if (rc < 0)
		return rc;
	say_program(&setup);
	return setup_print(&setup);
}

static const struct command setup_list = {
	.name = "list",
	.summary = "the steps, and which are done; changes nothing",
	.usage = "",
	.run = list_run,
};

static const struct command *const setup_commands[] = { &setup_list, &setup_tmux, &setup_daemon,
	&setup_activitywatch, &setup_server, NULL };

const struct command command_setup = {
	.name = "setup",
	.summary = "what is left to do before everything is recorded; do it",
	.usage = "[list|tmux [--remove]|daemon [--remove]|activitywatch [--import]|server]",
	.subcommands = setup_commands,
};
