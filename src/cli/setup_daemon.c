/*
 * tt setup daemon: let the system start the daemon when the user logs in. One file is written, in
 * which systemd or launchd finds it; then they are told, where they answer. What each of them wants
 * to hear stands in a table. The file says at its head whose it is: one that does not is left
 * alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "cli/run_program.h"
#include "cli/setup.h"
#include "cli/target.h"
#include "cli/tmux.h"
#include "model/limits.h"

#define SERVICE "tidemark.service"
#define LABEL "tidemark"
#define MARK "'tt setup daemon' writes and removes this file"

enum {
	START_MS = 5000, /* until the daemon has its lock */
	LOOK_MS = 20,
	NEW_DIR_MODE = 0700,
	MOST_WORDS = 8,
};

typedef const char *words[MOST_WORDS];

struct manager {
	const char *program;
	const char *path; /* of the file it finds the daemon in */
	const char *unit; /* its template */
	void (*put_command)(struct buf *out, const char *const *command);
	void (*put_environment)(struct buf *out, const char *name, const char *value);
	words answers; /* status 0: it is there for this user */
	words reload;  /* after the file has changed; empty: no need */
	words enabled; /* status 0: the daemon starts with the next login */
	words runs;    /* status 0 */
	words start, restart, stop;
	const char *by_hand; /* what to do when it does not answer */
};

/* --- systemd --- */

static void systemd_command(struct buf *out, const char *const *command)
{
	for (size_t i = 0; command[i]; i++) {
		if (i > 0)
			buf_byte(out, ' ');
		setup_put_quoted(out, command[i], i > 0);
	}
}

static void systemd_environment(struct buf *out, const char *name, const char *value)
{
	CLEANUP(buf_release) struct buf pair = BUF_INIT;

	buf_printf(&pair, "%s=%s", name, value);
	buf_addc(out, "Environment=");
	setup_put_quoted(out, buf_cstr(&pair), false);
	buf_byte(out, '\n');
}

/* Beside our own directory stands systemd's: both follow XDG_CONFIG_HOME. */
static struct manager systemd_manager(struct cli *cli)
{
	struct str config = str_from(cli->dirs.config);
	struct str above = str_sub(config, 0, config.len - strlen("/tt"));

	return (struct manager){
		.program = "systemctl",
		.path = arena_printf(&cli->arena, "%.*s/systemd/user/" SERVICE, STR_ARG(above)).ptr,
		.unit = setup_systemd_unit,
		.put_command = systemd_command,
		.put_environment = systemd_environment,
		.answers = { "systemctl", "--user", "show-environment" },
		.reload = { "systemctl", "--user", "daemon-reload" },
		.enabled = { "systemctl", "--user", "is-enabled", "--quiet", SERVICE },
		.runs = { "systemctl", "--user", "is-active", "--quiet", SERVICE },
		.start = { "systemctl", "--user", "enable", "--now", SERVICE },
		.restart = { "systemctl", "--user", "restart", SERVICE },
		.stop = { "systemctl", "--user", "disable", "--now", SERVICE },
		.by_hand =
			"no systemd answers for this user here: where one does, 'systemctl --user enable --now " SERVICE
			"'; until then 'tt start'",
	};
}

/* --- launchd --- */

static void put_xml(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_addc(out, "&amp;");
		else if (*text == '<')
			buf_addc(out, "&lt;");
		else
			buf_byte(out, *text);
	}
}

static void launchd_command(struct buf *out, const char *const *command)
{
	for (size_t i = 0; command[i]; i++) {
		buf_addc(out, i > 0 ? "\n\t\t<string>" : "\t\t<string>");
		put_xml(out, command[i]);
		buf_addc(out, "</string>");
	}
}

static void launchd_environment(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\t\t<key>%s</key>\n\t\t<string>", name);
	put_xml(out, value);
	buf_addc(out, "</string>\n");
}

static struct manager launchd_manager(struct cli *cli)
{
	struct arena *arena = &cli->arena;
	const char *domain = arena_printf(arena, "gui/%lld", (long long)getuid()).ptr;
	const char *target = arena_printf(arena, "%s/" LABEL, domain).ptr;
	const char *path = fs_join(arena, cli->dirs.home, "Library/LaunchAgents/" LABEL ".plist");

	return (struct manager){
		.program = "launchctl",
		.path = path,
		.unit = setup_launchd_plist,
		.put_command = launchd_command,
		.put_environment = launchd_environment,
		.answers = { "launchctl", "print", domain },
		.enabled = { "launchctl", "print", target },
		.runs = { "launchctl", "print", target },
		.start = { "launchctl", "bootstrap", domain, path },
		.restart = { "launchctl", "kickstart", "-k", target },
		.stop = { "launchctl", "bootout", target },
		.by_hand =
			"launchd does not answer for this user here: it starts the daemon with the next login; until then 'tt "
			"start'",
	};
}

static struct manager choose_manager(struct cli *cli)
{
	const char *path = getenv("PATH");

	if (path && !tmux_find_program(&cli->arena, path, "systemctl") &&
		tmux_find_program(&cli->arena, path, "launchctl"))
		return launchd_manager(cli);
	return systemd_manager(cli);
}

/* --- talking to it --- */

/* False, and a step that failed, when COMMAND does. */
static bool do_it(struct setup *setup, const char *const *command)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	CLEANUP(buf_release) struct buf line = BUF_INIT;

	if (!command[0] || run_program(&run, command) == 0)
		return true;
	for (size_t i = 0; command[i]; i++)
		buf_printf(&line, "%s%s", i > 0 ? " " : "", command[i]);
	setup_note(setup, "daemon", "failed",
		arena_printf(&setup->cli->arena, "%s: %.*s", buf_cstr(&line),
			STR_ARG(run_program_complaint(&run))));
	return false;
}

/* --- the file --- */

/* Was the store named for this run alone? What the configuration file says, the daemon reads. */
static bool names_store(const struct cli *cli)
{
	const char *environment = getenv("TT_STORE");

	return cli->config.store[0] != '\0' &&
	       (cli->globals.store || (environment && environment[0] != '\0'));
}

static int put_command(
	struct cli *cli, const struct manager *manager, struct buf *out, struct err *err)
{
	const char *command[6] = { setup_program(&cli->arena) };
	const char *config = cli->globals.config, *store = target_store(cli);
	size_t count = 1;

	if (config && target_absolute(cli, &config, err) < 0)
		return err->code;
	if (config) {
		command[count++] = "--config";
		command[count++] = config;
	}
	if (names_store(cli) && cli_store_is_shared(cli))
		return err_set(err, ERR_USAGE,
			"the unit could be read by others, and a database's URL may hold a password: "
			"write it into the configuration (store = \"postgresql://…\")");
	if (names_store(cli)) {
		if (target_absolute(cli, &store, err) < 0)
			return err->code;
		command[count++] = "--store";
		command[count++] = store;
	}
	manager->put_command(out, command);
	return 0;
}

/* The directories that this command works with: the system's managers do not know them. */
static void put_environment(const struct manager *manager, struct buf *out)
{
	static const char *const names[] = { "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0] == '/')
			manager->put_environment(out, names[i], value);
	}
	if (out->len > 0)
		out->len--; /* the template has the line's end */
}

static int render(struct cli *cli, const struct manager *manager, struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf command = BUF_INIT, environment = BUF_INIT;
	struct str rest = str_from(manager->unit);

	if (put_command(cli, manager, &command, err) < 0)
		return err->code;
	put_environment(manager, &environment);
	while (rest.len > 0) {
		struct str line = str_split(&rest, '\n');
		ptrdiff_t at = str_find_str(line, STR("@TT@"));

		if (str_eq_c(line, "@ENVIRONMENT@")) {
			if (environment.len == 0)
				continue;
			buf_add(out, buf_str(&environment));
		} else if (at >= 0) {
			buf_add(out, str_sub(line, 0, (size_t)at));
			buf_add(out, buf_str(&command));
			buf_add(out, str_sub(line, (size_t)at + strlen("@TT@"), line.len));
		} else {
			buf_add(out, line);
		}
		buf_byte(out, '\n');
	}
	return 0;
}

enum unit_state { UNIT_ABSENT, UNIT_OURS, UNIT_FOREIGN };

static int read_unit(const char *path, struct buf *text, enum unit_state *state, struct err *err)
{
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, text, err);

	*state = UNIT_ABSENT;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		*state = str_find_str(buf_str(text), STR(MARK)) >= 0 ? UNIT_OURS : UNIT_FOREIGN;
	return rc;
}

/* Step "unit". *CHANGED: the file is another now. */
static int put_unit(
	struct setup *setup, const struct manager *manager, bool *changed, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT, unit = BUF_INIT;
	struct arena *arena = &setup->cli->arena;
	const char *slash = strrchr(manager->path, '/');
	enum unit_state state;

	*changed = false;
	if (read_unit(manager->path, &old, &state, err) < 0)
		return err->code;
	if (state == UNIT_FOREIGN)
		return err_set(err, ERR_EXISTS,
			"%s was not written by this program: move it away, then try again",
			manager->path);
	if (render(setup->cli, manager, &unit, err) < 0)
		return err->code;
	if (state == UNIT_OURS && str_eq(buf_str(&old), buf_str(&unit))) {
		setup_note(setup, "unit", "unchanged", str_from(manager->path));
		return 0;
	}
	if (fs_make_dirs(arena_cstr(arena,
				 (struct str){ manager->path, (size_t)(slash - manager->path) }),
		    NEW_DIR_MODE, err) < 0 ||
		setup_write(manager->path, buf_str(&unit), err) < 0)
		return err->code;
	*changed = true;
	setup_note(setup, "unit", "done", arena_printf(arena, "wrote %s", manager->path));
	return 0;
}

/* --- the daemon --- */

/* Wait for the daemon to be there; step "daemon" tells. */
static int say_started(struct setup *setup, const struct manager *manager, struct err *err)
{
	int64_t end_ns = clock_monotonic_ns() + START_MS * NS_PER_MS;
	struct target target;

	for (;;) {
		if (target_find(setup->cli, &target, err) < 0)
			return err->code;
		if (target.found.running || clock_monotonic_ns() >= end_ns)
			break;
		clock_sleep_ms(LOOK_MS);
	}
	if (target.found.running)
		setup_note(setup, "daemon", "done",
			arena_printf(&setup->cli->arena,
				"runs now (process %lld), and starts with every login",
				(long long)target.found.pid));
	else
		setup_note(setup, "daemon", "failed",
			arena_printf(&setup->cli->arena,
				"%s was told to start it, but it does not run: its log says why",
				manager->program));
	return 0;
}

/* One that was started by hand has the lock that the manager's needs. */
static int stop_other(struct setup *setup, struct err *err)
{
	struct target target;

	if (target_find(setup->cli, &target, err) < 0)
		return err->code;
	if (!target.found.running)
		return 0;
	if (target_stop(setup->cli, &target, err) < 0)
		return err->code;
	setup_note(setup, "before", "done",
		arena_printf(&setup->cli->arena,
			"ended the daemon that was started by hand (process %lld)",
			(long long)target.found.pid));
	return 0;
}

static int put_daemon(
	struct setup *setup, const struct manager *manager, bool changed, struct err *err)
{
	bool runs;

	if (!run_program_succeeds(manager->answers)) {
		setup_note(setup, "daemon", "skipped", str_from(manager->by_hand));
		return 0;
	}
	if (changed && !do_it(setup, manager->reload))
		return 0;
	runs = run_program_succeeds(manager->runs);
	if (runs && !changed && run_program_succeeds(manager->enabled)) {
		setup_note(setup, "daemon", "unchanged", STR("runs, and starts with every login"));
		return 0;
	}
	if (!runs && stop_other(setup, err) < 0)
		return err->code;
	if (!do_it(setup, runs && changed ? manager->restart : manager->start))
		return 0;
	return say_started(setup, manager, err);
}

static int add_daemon(struct setup *setup, const struct manager *manager, struct err *err)
{
	bool changed;

	if (put_unit(setup, manager, &changed, err) < 0)
		return err->code;
	if (setup_say_identity(setup))
		return put_daemon(setup, manager, changed, err);
	setup_note(setup, "daemon", "skipped",
		STR("it needs an identity: 'tt init', then 'tt setup daemon' again"));
	return 0;
}

static int remove_daemon(struct setup *setup, const struct manager *manager, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT;
	struct arena *arena = &setup->cli->arena;
	enum unit_state state;
	bool answers;

	if (read_unit(manager->path, &old, &state, err) < 0)
		return err->code;
	if (state == UNIT_FOREIGN)
		return err_set(
			err, ERR_EXISTS, "%s was not written by this program", manager->path);
	if (state == UNIT_ABSENT) {
		setup_note(setup, "unit", "unchanged", str_from(manager->path));
		return 0;
	}
	answers = run_program_succeeds(manager->answers);
	if (answers &&
		(run_program_succeeds(manager->runs) || run_program_succeeds(manager->enabled))) {
		if (!do_it(setup, manager->stop))
			return 0;
		setup_note(setup, "daemon", "done", STR("ended; it starts no more by itself"));
	} else {
		setup_note(setup, "daemon", "skipped", STR("it was not running by itself"));
	}
	if (unlink(manager->path) < 0)
		return err_sys(err, "%s", manager->path);
	setup_note(setup, "unit", "done", arena_printf(arena, "removed %s", manager->path));
	if (answers)
		do_it(setup, manager->reload);
	return 0;
}

int setup_say_daemon(struct setup *setup, struct err *err)
{
	CLEANUP(buf_release) struct buf unit = BUF_INIT;
	struct manager manager = choose_manager(setup->cli);
	enum unit_state state;

	if (read_unit(manager.path, &unit, &state, err) < 0)
		return err->code;
	if (state == UNIT_ABSENT)
		setup_note(setup, "daemon", "missing",
			STR("'tt setup daemon' collects by itself, from every login on"));
	else
		setup_note(setup, "daemon", "done", str_from(manager.path));
	return 0;
}

struct daemon_values {
	int remove;
};

static const struct args_option daemon_options[] = {
	{ "remove", 0, ARGS_FLAG, offsetof(struct daemon_values, remove), NULL,
		"take everything back" },
};

static int daemon_command(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct daemon_values *command = values;
	struct manager manager = choose_manager(cli);
	struct setup setup = { .cli = cli };
	int rc = command->remove ? remove_daemon(&setup, &manager, err)
				 : add_daemon(&setup, &manager, err);

	(void)operands;
	return rc < 0 ? rc : setup_print(&setup);
}

const struct command setup_daemon = {
	.name = "daemon",
	.summary = "collect by itself: let systemd or launchd start the daemon when you log in",
	.usage = "[--remove]",
	.details =
		"Writes ~/.config/systemd/user/" SERVICE " (on macOS ~/Library/LaunchAgents/" LABEL
		".plist), and starts it where the\n"
		"system's manager answers. Twice changes nothing. On a server where it shall also run while you are not logged in:\n"
		"'loginctl enable-linger'.",
	.args = { .options = daemon_options, .option_count = ARRAY_LEN(daemon_options) },
	.values_size = sizeof(struct daemon_values),
	.run = daemon_command,
	.storeless = true,
};
