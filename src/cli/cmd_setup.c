/*
 * tt setup: the steps between an installed program and one that records; each says what it did, and
 * may be repeated. What is changed in a file of the user's is one marked line, and it can be taken
 * back.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/tmux.h"
#include "model/limits.h"

enum { MOST_STEPS = 16, NEW_DIR_MODE = 0700, NEW_CONF_MODE = 0644 };

/* What became of one step: "done", "unchanged", "missing", "skipped" or "failed". */
struct step {
	const char *step;
	const char *status;
	struct str detail;
};

struct steps {
	struct cli *cli;
	struct step items[MOST_STEPS];
	size_t count;
};

static void note(struct steps *steps, const char *step, const char *status, struct str detail)
{
	ASSERT(steps->count < MOST_STEPS);
	steps->items[steps->count++] = (struct step){ step, status, detail };
}

static void print_steps(const struct steps *steps)
{
	static const char *const headings[] = { "STEP", "STATUS", "" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	struct cli *cli = steps->cli;
	struct json_writer json = json_writer(&cli->out);
	struct table *table;

	if (cli->globals.json) {
		json_begin_object(&json);
		json_key(&json, STR("steps"));
		json_begin_array(&json);
		for (size_t i = 0; i < steps->count; i++) {
			json_begin_object(&json);
			json_kv_str(&json, "step", str_from(steps->items[i].step));
			json_kv_str(&json, "status", str_from(steps->items[i].status));
			json_kv_str(&json, "detail", steps->items[i].detail);
			json_end_object(&json);
		}
		json_end_array(&json);
		json_end_object(&json);
		buf_byte(&cli->out, '\n');
		return;
	}
	table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	for (size_t i = 0; i < steps->count; i++)
		table_row(
			table, (const struct str[]){ str_from(steps->items[i].step),
				       str_from(steps->items[i].status), steps->items[i].detail });
	table_print(table, &cli->out);
}

/* --- setup tmux --- */

/* The whole of a file; empty if it is not there. */
static int read_conf(const char *path, struct buf *out, bool *exists, struct err *err)
{
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, out, err);

	*exists = rc == 0;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Replace a file of the user's: behind a link the file it leads to, with the permissions it had. */
static int write_conf(const char *path, struct str content, struct err *err)
{
	char *real CLEANUP(mem_freep) = realpath(path, NULL);
	struct stat info = { .st_mode = NEW_CONF_MODE };
	int rc;

	if (!real && errno == ENOENT && lstat(path, &info) == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is a link that leads nowhere", path);
	if (!real && errno != ENOENT)
		return err_sys(err, "%s", path);
	if (real && stat(real, &info) < 0)
		return err_sys(err, "%s", real);
	rc = fs_write_atomic(real ? real : path, content, info.st_mode & 0777, err);
	if (rc == 0 && real && chmod(real, info.st_mode & 0777) < 0)
		return err_sys(err, "%s", real);
	return rc;
}

static int put_fragment(struct steps *steps, const char *path, struct err *err)
{
	struct buf old CLEANUP(buf_release) = BUF_INIT;
	bool exists;
	int rc = read_conf(path, &old, &exists, err);

	if (rc < 0)
		return rc;
	if (exists && str_eq_c(buf_str(&old), tmux_fragment)) {
		note(steps, "hooks", "unchanged", str_from(path));
		return 0;
	}
	rc = fs_make_dirs(steps->cli->dirs.config, NEW_DIR_MODE, err);
	if (rc == 0)
		rc = fs_write_atomic(path, str_from(tmux_fragment), NEW_CONF_MODE, err);
	if (rc == 0)
		note(steps, "hooks", "done", arena_printf(&steps->cli->arena, "wrote %s", path));
	return rc;
}

static int put_line(struct steps *steps, const struct tmux_paths *paths, struct err *err)
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
		note(steps, "tmux.conf", "unchanged", str_from(paths->conf));
		return 0;
	}
	tmux_without(buf_str(&old), &bare);
	tmux_with(buf_str(&bare), buf_str(&line), &next);
	rc = write_conf(paths->conf, buf_str(&next), err);
	if (rc == 0)
		note(steps, "tmux.conf", "done",
			arena_printf(&steps->cli->arena, "added to %s: %s", paths->conf,
				buf_cstr(&line)));
	return rc;
}

/* Where the hooks put what goes wrong. */
static int put_state(struct steps *steps, struct err *err)
{
	const char *path = steps->cli->dirs.state;
	bool exists = fs_exists(path);
	int rc = fs_make_dirs(path, NEW_DIR_MODE, err);

	if (rc == 0)
		note(steps, "state", exists ? "unchanged" : "done", str_from(path));
	return rc;
}

static void tell_server(struct steps *steps, const struct tmux_paths *paths)
{
	const char *const argv[] = { "tmux", "source-file", paths->fragment, NULL };
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	if (!tmux_server_runs())
		note(steps, "server", "skipped",
			STR("no tmux server runs; the next one has the hooks"));
	else if (tmux_run(argv, &out) == 0)
		note(steps, "server", "done", STR("the running tmux server has the hooks now"));
	else
		note(steps, "server", "failed",
			STR("the running tmux server did not take the hooks: restart it"));
}

static void say_identity(struct steps *steps)
{
	const struct machine *machine;
	struct err err;

	if (cli_machine(steps->cli, &machine, &err) == 0)
		note(steps, "identity", "done", machine->label);
	else
		note(steps, "identity", "missing",
			arena_str(&steps->cli->arena, str_from(err.message)));
}

static void say_program(struct steps *steps)
{
	struct arena *arena = &steps->cli->arena;
	const char *program = tmux_find_program(arena, tmux_search_path(arena), "tt");

	if (program)
		note(steps, "program", "done", str_from(program));
	else
		note(steps, "program", "missing",
			STR("'tt' is in no directory of the PATH that tmux has: install it there, then restart tmux"));
}

static int add_hooks(struct steps *steps, const struct tmux_paths *paths, struct err *err)
{
	int rc = put_fragment(steps, paths->fragment, err);

	if (rc == 0)
		rc = put_line(steps, paths, err);
	if (rc == 0)
		rc = put_state(steps, err);
	if (rc < 0)
		return rc;
	tell_server(steps, paths);
	say_identity(steps);
	say_program(steps);
	return 0;
}

static int take_line(struct steps *steps, const char *path, struct err *err)
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
		note(steps, "tmux.conf", "unchanged", str_from(path));
		return 0;
	}
	tmux_without(buf_str(&old), &next);
	ours = tmux_line_made_file(line) && next.len == 0;
	if (ours && unlink(path) < 0)
		return err_sys(err, "%s", path);
	rc = ours ? 0 : write_conf(path, buf_str(&next), err);
	if (rc == 0)
		note(steps, "tmux.conf", "done",
			ours ? arena_printf(&steps->cli->arena, "removed %s", path)
			     : arena_printf(&steps->cli->arena, "removed from %s: %.*s", path,
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
static void clear_server(struct steps *steps)
{
	struct str rest = str_from(tmux_fragment);
	bool cleared = true;

	if (!tmux_server_runs()) {
		note(steps, "server", "skipped", STR("no tmux server runs"));
		return;
	}
	while (rest.len > 0)
		cleared &= unset_line(&steps->cli->arena, str_trim(str_split(&rest, '\n')));
	note(steps, "server", cleared ? "done" : "failed",
		cleared ? STR("the running tmux server has no hooks of this program any more")
			: STR("the running tmux server keeps hooks: restart it"));
}

static int remove_hooks(struct steps *steps, const struct tmux_paths *paths, struct err *err)
{
	int rc = take_line(steps, paths->conf, err);

	if (rc < 0)
		return rc;
	if (unlink(paths->fragment) == 0)
		note(steps, "hooks", "done",
			arena_printf(&steps->cli->arena, "removed %s", paths->fragment));
	else if (errno == ENOENT)
		note(steps, "hooks", "unchanged", str_from(paths->fragment));
	else
		return err_sys(err, "%s", paths->fragment);
	clear_server(steps);
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
	struct steps steps = { .cli = cli };
	struct tmux_paths paths;
	int rc = tmux_paths(&cli->arena, &cli->dirs, &paths, err);

	(void)operands;
	if (rc == 0)
		rc = command->remove ? remove_hooks(&steps, &paths, err)
				     : add_hooks(&steps, &paths, err);
	if (rc < 0)
		return rc;
	print_steps(&steps);
	return 0;
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
};

/* --- setup --- */

static int say_tmux(struct steps *steps, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct tmux_paths paths;
	bool exists;
	int rc = tmux_paths(&steps->cli->arena, &steps->cli->dirs, &paths, err);

	if (rc == 0)
		rc = read_conf(paths.conf, &text, &exists, err);
	if (rc < 0)
		return rc;
	if (tmux_find_line(buf_str(&text)).len > 0)
		note(steps, "tmux", "done", str_from(paths.conf));
	else
		note(steps, "tmux", "missing", STR("'tt setup tmux' records where you look"));
	return 0;
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct steps steps = { .cli = cli };
	int rc;

	(void)values;
	(void)operands;
	say_identity(&steps);
	rc = say_tmux(&steps, err);
	if (rc < 0)
		return rc;
	say_program(&steps);
	print_steps(&steps);
	return 0;
}

static const struct command setup_list = {
	.name = "list",
	.summary = "the steps, and which are done; changes nothing",
	.usage = "",
	.run = list_run,
};

static const struct command *const setup_commands[] = { &setup_list, &setup_tmux, NULL };

const struct command command_setup = {
	.name = "setup",
	.summary = "what is left to do before everything is recorded; do it",
	.usage = "[list|tmux [--remove]]",
	.subcommands = setup_commands,
};
