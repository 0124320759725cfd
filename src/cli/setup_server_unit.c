/* tt setup server: systemd starts it, and it is asked whether it answers. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "cli/run_program.h"
#include "cli/setup_server.h"
#include "model/limits.h"

#define SERVICE "tidemark-server.service"
#define MARK "'tt setup server' writes and removes this file"
#define USUAL_CONFIG "/etc/tt/config.toml"
#define STATE "/var/lib/tidemark/"

enum { START_MS = 20000, LOOK_MS = 200, UNIT_MODE = 0644, UNIT_DIR_MODE = 0755 };

static const char *const answers[] = { "systemctl", "show-environment", NULL };
static const char *const reload[] = { "systemctl", "daemon-reload", NULL };
static const char *const enabled[] = { "systemctl", "is-enabled", "--quiet", SERVICE, NULL };
static const char *const runs[] = { "systemctl", "is-active", "--quiet", SERVICE, NULL };
static const char *const enable[] = { "systemctl", "enable", SERVICE, NULL };
static const char *const restart[] = { "systemctl", "restart", SERVICE, NULL };
static const char *const stop[] = { "systemctl", "disable", "--now", SERVICE, NULL };

static int tell(const char *const *command, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };

	if (run_program(&run, command) == 0)
		return 0;
	return err_set(err, ERR_IO, "%s %s: %.*s", command[0], command[1],
		STR_ARG(run_program_complaint(&run)));
}

/* --- the file --- */

static void put_command(struct server_setup *server, struct buf *out)
{
	setup_put_quoted(out, setup_program(&server->cli->arena), false);
	if (strcmp(server->chosen.config, USUAL_CONFIG) == 0)
		return;
	buf_addc(out, " --config ");
	setup_put_quoted(out, server->chosen.config, true);
}

/* A file of a store elsewhere would be one that cannot be written. */
static void put_writable(struct server_setup *server, struct buf *out)
{
	const char *path = server_store_path(server);
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!path || str_starts(str_from(path), STR(STATE)))
		return;
	buf_addc(out, "ReadWritePaths=");
	setup_put_quoted(out,
		arena_cstr(&server->cli->arena, (struct str){ path, (size_t)(slash - path) }),
		false);
	buf_byte(out, '\n');
}

int server_unit_text(struct server_setup *server, struct buf *out, struct err *err)
{
	struct str rest = str_from(setup_server_systemd_unit);

	(void)err;
	buf_addc(out, "# " MARK
		      ": put what you want otherwise into tidemark-server.service.d/ beside it.\n");
	while (rest.len > 0) {
		struct str line = str_split(&rest, '\n');
		ptrdiff_t at = str_find_str(line, STR("@TT@"));

		if (str_starts(line, STR("#")) && at >= 0)
			continue; /* how it is used without us */
		if (str_starts(line, STR("DynamicUser=")))
			continue; /* the account is a lasting one */
		if (str_starts(line, STR("User="))) {
			buf_printf(out, "User=%s\n", server->chosen.account);
			put_writable(server, out);
			continue;
		}
		if (at >= 0) {
			buf_add(out, str_sub(line, 0, (size_t)at));
			put_command(server, out);
			line = str_sub(line, (size_t)at + strlen("@TT@"), line.len);
		}
		buf_add(out, line);
		buf_byte(out, '\n');
	}
	return 0;
}

enum unit_state { UNIT_ABSENT, UNIT_OURS };

static int read_unit(const struct server_setup *server, struct buf *text, enum unit_state *state,
	struct err *err)
{
	const char *path = server->chosen.unit;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, text, err);

	*state = UNIT_ABSENT;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0 && str_find_str(buf_str(text), STR(MARK)) < 0)
		return err_set(err, ERR_EXISTS,
			"%s was not written by this program: move it away, then try again", path);
	*state = UNIT_OURS;
	return rc;
}

static int write_unit(struct server_setup *server, struct str text, struct err *err)
{
	const char *path = server->chosen.unit;
	const char *dir = arena_cstr(
		&server->cli->arena, (struct str){ path, (size_t)(strrchr(path, '/') - path) });

	if (fs_make_dirs(dir, UNIT_DIR_MODE, err) < 0 ||
		fs_write_atomic(path, text, UNIT_MODE, err) < 0)
		return err->code;
	server->changed = true;
	setup_note(&server->setup, "unit", "done",
		arena_printf(&server->cli->arena, "wrote %s", path));
	return 0;
}

static int put_unit(struct server_setup *server, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT, text = BUF_INIT;
	const char *path = server->chosen.unit;
	enum unit_state state;

	if (read_unit(server, &old, &state, err) < 0 || server_unit_text(server, &text, err) < 0)
		return err->code;
	if (state == UNIT_OURS && str_eq(buf_str(&old), buf_str(&text))) {
		setup_note(&server->setup, "unit", "unchanged", str_from(path));
		return 0;
	}
	if (!server->print)
		return write_unit(server, buf_str(&text), err);
	setup_note(&server->setup, "unit", "missing", str_from(path));
	return 0;
}

int server_unit(struct server_setup *server, struct err *err)
{
	bool running;

	if (put_unit(server, err) < 0)
		return err->code;
	if (server->print || !run_program_succeeds(answers)) {
		setup_note(&server->setup, "systemd", "skipped",
			server->print
				? STR("starts it, now and with the system")
				: arena_printf(&server->cli->arena,
					  "no systemd answers here: start 'tt --config %s serve' by other means",
					  server->chosen.config));
		return 0;
	}
	running = run_program_succeeds(runs);
	server->started = true;
	if (running && !server->changed && run_program_succeeds(enabled)) {
		setup_note(&server->setup, "systemd", "unchanged",
			STR("it runs, and starts with the system"));
		return 0;
	}
	if (tell(reload, err) < 0 || tell(enable, err) < 0 || tell(restart, err) < 0)
		return err->code;
	setup_note(&server->setup, "systemd", "done",
		running ? STR("started again, with what is new")
			: STR("started, now and with the system"));
	return 0;
}

int server_unit_remove(struct server_setup *server, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT;
	const char *path = server->chosen.unit;
	enum unit_state state;
	bool there;

	if (read_unit(server, &old, &state, err) < 0)
		return err->code;
	if (state == UNIT_ABSENT || server->print) {
		setup_note(&server->setup, "unit", state == UNIT_ABSENT ? "unchanged" : "missing",
			state == UNIT_ABSENT ? str_from(path)
					     : arena_printf(&server->cli->arena,
						       "%s goes, and the server ends", path));
		return 0;
	}
	there = run_program_succeeds(answers);
	if (there && tell(stop, err) < 0)
		return err->code;
	if (unlink(path) < 0)
		return err_sys(err, "%s", path);
	setup_note(&server->setup, "unit", "done",
		arena_printf(&server->cli->arena, "ended the server, removed %s", path));
	return there ? tell(reload, err) : 0;
}

/* --- the server --- */

/* A line for each address, as `tt serve check` says it. */
static struct str said(struct server_setup *server, const struct run_program *run)
{
	struct str text = str_trim(buf_str(&run->out));

	return arena_str(&server->cli->arena, text.len > 0 ? text : run_program_complaint(run));
}

int server_answers(struct server_setup *server, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	const char *const command[] = { setup_program(&server->cli->arena), "--config",
		server->chosen.config, "serve", "check", NULL };
	int64_t end_ns = clock_monotonic_ns() + START_MS * NS_PER_MS;

	if (!server->started) {
		setup_note(&server->setup, "server", "skipped",
			server->print ? STR("asked whether it answers")
				      : STR("nothing was started"));
		return 0;
	}
	while (run_program(&run, command) != 0) {
		if (clock_monotonic_ns() >= end_ns)
			return err_set(err, ERR_REMOTE,
				"%.*s; 'journalctl -u " SERVICE "' says why",
				STR_ARG(said(server, &run)));
		clock_sleep_ms(LOOK_MS);
	}
	setup_note(&server->setup, "server", "done", said(server, &run));
	return 0;
}
