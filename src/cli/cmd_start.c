/*
 * tt start, stop, pause, resume: the daemon (serve/daemon.h) from the command line.
 *
 * In the background it is the grandchild of the command, in a session of its own, so that nothing
 * that happens to the terminal reaches it. The command waits until it has its lock and its
 * configuration, or hears why not: "started" is said of a daemon that works.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/become.h"
#include "cli/commands.h"
#include "cli/frame.h"
#include "cli/target.h"
#include "serve/daemon.h"

enum {
	WAIT_MS = 30000, /* for a daemon to do as it is told */
	LOOK_MS = 10,
	SERVE_MS = 2000, /* for the server to say where it answers */
	STATE_DIR_MODE = 0700,
	ANSWER_BYTES = ERR_MESSAGE_BYTES + 32,
};

/* --- what the daemon asks of the command line --- */

struct host {
	struct cli *cli;      /* of the command */
	struct cli *settings; /* a run of its own for each reading of the configuration */
	const char *store_url;
	int ready; /* where to say that it works; -1: nowhere */
};

static int configure(void *owner, struct collect_context *out, const char **store, struct err *err)
{
	struct host *host = owner;
	struct cli *settings;
	int rc = frame_again(host->cli, &settings, err);

	if (rc == 0)
		rc = cli_collect_context(settings, NULL, out, err);
	if (rc < 0) {
		frame_free(settings);
		return rc;
	}
	frame_free(host->settings);
	host->settings = settings;
	*store = settings->config.store;
	return 0;
}

/* `serve` on the daemon's store, with its configuration. */
static const char *const *serve(void *owner)
{
	struct host *host = owner;
	struct cli *settings = host->settings;
	const char **argv = arena_zalloc(&settings->arena, 8, sizeof(*argv));
	struct err err;
	size_t count = 0;

	if (!settings->config.serve.on_start)
		return NULL;
	if (become_path(&settings->arena, program()->server, &argv[count++], &err) < 0) {
		log_warn(&settings->log, "nothing is served: %s", err.message);
		return NULL;
	}
	argv[count++] = "serve";
	argv[count++] = "--json";
	/* Others see the arguments of a process: a URL with a password stays where it stands. */
	if (settings->globals.store || !cli_store_is_shared(settings)) {
		argv[count++] = "--store";
		argv[count++] = host->store_url;
	}
	if (settings->globals.config) {
		argv[count++] = "--config";
		argv[count++] = settings->globals.config;
	}
	return argv;
}

/* "0" or "CODE MESSAGE", and the end of the pipe. */
static void answer(struct host *host, const struct err *err)
{
	char text[ANSWER_BYTES];
	struct err ignored;
	int len = err ? snprintf(text, sizeof(text), "%d %s", err->code, err->message)
		      : snprintf(text, sizeof(text), "0 ");

	if (host->ready >= 0 && fs_write_all(host->ready, "the pipe",
					(struct str){ text, (size_t)len }, &ignored) < 0)
		log_debug(&host->cli->log, "nobody waits for the start any more");
	fs_closep(&host->ready);
}

static void ready(void *owner)
{
	answer(owner, NULL);
}

/* --- what is printed --- */

/* What the daemon says of its server: where it answers, once it does. */
struct served {
	struct json_parser parser;
	struct buf text;
	const struct json *serve; /* NULL: there is none */
};

static void served_release(struct served *served)
{
	json_parser_release(&served->parser);
	buf_release(&served->text);
}

static void find_served(const struct target *target, struct served *out)
{
	if (target->found.running)
		out->serve = json_get(
			instance_read_state(&target->paths, &out->parser, &out->text), "serve");
}

/* A daemon that has just started knows a moment later. */
static void await_served(const struct target *target, struct served *out)
{
	int64_t end_ns = clock_monotonic_ns() + SERVE_MS * NS_PER_MS;

	find_served(target, out);
	while (json_is(out->serve, JSON_OBJECT) &&
		!json_is(json_get(out->serve, "listen"), JSON_ARRAY) &&
		!json_is(json_get(out->serve, "error"), JSON_STRING) &&
		clock_monotonic_ns() < end_ns) {
		clock_sleep_ms(LOOK_MS);
		find_served(target, out);
	}
}

static int print(struct cli *cli, const struct target *target)
{
	CLEANUP(served_release) struct served served = { .serve = NULL };
	struct json_writer json = json_writer(&cli->out);
	const struct instance *found = &target->found;
	const struct json *listen;

	if (!cli->globals.json)
		return 0;
	find_served(target, &served);
	listen = json_get(served.serve, "listen");
	json_begin_object(&json);
	if (found->running)
		json_kv_i64(&json, "pid", found->pid);
	else
		json_kv_null(&json, "pid");
	json_key(&json, STR("listen"));
	if (listen)
		json_put_value(&json, listen);
	else
		json_put_null(&json);
	json_kv_bool(&json, "running", found->running);
	json_kv_bool(&json, "paused", instance_paused(&target->paths));
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

/* --- start --- */

/* What names the store from every directory, whatever becomes of links. */
static int lasting_url(
	struct cli *cli, const struct store *store, const char **out, struct err *err)
{
	CLEANUP(mem_freep) char *real = NULL;

	*out = cli->config.store;
	if (cli_store_is_shared(cli))
		return 0;
	real = realpath(store_path(store), NULL);
	if (!real)
		return err_sys(err, "%s", store_path(store));
	*out = arena_printf(&cli->arena, "sqlite:%s", real).ptr;
	return 0;
}

/* Everything that would make the daemon fail, while somebody reads what is said. */
static int check(struct cli *cli, struct target *target, const char **store_url, struct err *err)
{
	const struct machine *machine;
	struct store *store;
	int rc = cli_machine(cli, &machine, err);

	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = lasting_url(cli, store, store_url, err);
	if (rc < 0)
		return rc;
	/* No connection may be open in a process that forks. */
	store_close(cli->store);
	cli->store = NULL;
	rc = fs_make_dirs(cli->dirs.state, STATE_DIR_MODE, err);
	return rc < 0 ? rc : target_find(cli, target, err);
}

static int run_daemon(struct cli *cli, struct daemon_options *options, int told, struct err *err)
{
	struct host host = { .cli = cli, .store_url = options->store_url, .ready = told };
	int rc;

	options->host = (struct daemon_host){
		.owner = &host, .configure = configure, .serve = serve, .ready = ready
	};
	rc = daemon_run(options, err);

	if (rc < 0)
		answer(&host, err);
	frame_free(host.settings);
	return rc;
}

/* The grandchild. */
static int begin_background(
	struct cli *cli, struct daemon_options *options, int told, struct err *err)
{
	CLEANUP(fs_closep) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
		return err_sys(err, "/dev/null");
	umask(077);
	if (chdir("/") < 0)
		return err_sys(err, "/");
	options->log_to_file = true;
	return run_daemon(cli, options, told, err);
}

/* What the daemon answered; an end without an answer is a failure. */
static int hear(int fd, const struct target *target, struct err *err)
{
	char text[ANSWER_BYTES];
	size_t got = 0;
	struct str rest, code;
	int64_t number = 0;

	for (;;) {
		ssize_t more = read(fd, text + got, sizeof(text) - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			break;
		got += (size_t)more;
	}
	rest = (struct str){ text, got };
	code = str_split(&rest, ' ');
	if (!str_to_i64(code, &number))
		return err_set(
			err, ERR_IO, "the daemon ended at its start: see %s", target->paths.log);
	return number == 0 ? 0 : err_set(err, (int)number, "%.*s", STR_ARG(rest));
}

/* True in the grandchild; false in the command, with RC. */
static bool detach(int ends[2], int *rc, struct err *err)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		pid_t daemon;

		setsid(); /* cannot fail: a new process leads no group */
		daemon = fork();
		if (daemon == 0) {
			fs_closep(&ends[0]);
			return true;
		}
		_exit(daemon < 0);
	}
	*rc = 0;
	fs_closep(&ends[1]);
	if (child < 0)
		*rc = err_sys(err, "a process for the daemon");
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return false;
}

static int launch(
	struct cli *cli, struct target *target, struct daemon_options *options, struct err *err)
{
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "a pipe for the daemon");
	if (detach(ends, &rc, err)) {
		rc = begin_background(cli, options, ends[1], err);
		frame_release(cli);
		_exit(rc < 0);
	}
	if (rc == 0)
		rc = hear(ends[0], target, err);
	close(ends[0]);
	return rc < 0 ? rc : instance_find(&target->paths, &cli->arena, &target->found, err);
}

struct start_values {
	int foreground;
	int log;
};

static const struct args_option start_options[] = {
	{ "foreground", 'f', ARGS_FLAG, offsetof(struct start_values, foreground), NULL,
		"stay here, log to standard error: for systemd and launchd" },
	{ "log", 0, ARGS_FLAG, offsetof(struct start_values, log), NULL,
		"with --foreground: log to the file that the background uses" },
};

static void say_served(struct cli *cli, const struct target *target)
{
	CLEANUP(served_release) struct served served = { .serve = NULL };
	struct json_iter iter;
	const struct json *place;
	struct str key;

	await_served(target, &served);
	iter = json_iter(json_get(served.serve, "listen"));
	while (json_next(&iter, &key, &place))
		log_info(&cli->log, "It serves on %.*s", STR_ARG(json_str(place)));
	if (json_is(json_get(served.serve, "error"), JSON_STRING))
		log_warn(&cli->log, "it does not serve yet: %.*s",
			STR_ARG(json_get_str(served.serve, "error")));
}

static void say_started(struct cli *cli, const struct target *target, bool was_running)
{
	log_info(&cli->log, "%s (process %lld); its log: %s",
		was_running ? "The daemon runs already" : "The daemon collects from now on",
		(long long)target->found.pid, target->paths.log);
	say_served(cli, target);
	if (instance_paused(&target->paths))
		log_warn(&cli->log, "it is paused: 'tt resume' lets it collect");
}

static int start_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct start_values *start = values;
	struct daemon_options options = { 0 };
	struct target target;
	bool was_running;
	int rc = 0;

	(void)operands;
	/* The daemon changes to the root directory. */
	if (cli->globals.config)
		rc = target_absolute(cli, &cli->globals.config, err);
	if (rc == 0)
		rc = check(cli, &target, &options.store_url, err);
	if (rc < 0)
		return rc;
	options.store_user = cli->config.user;
	options.paths = target.paths;
	options.log_to_file = start->log;
	if (start->foreground)
		return run_daemon(cli, &options, -1, err);
	was_running = target.found.running;
	if (!was_running)
		rc = launch(cli, &target, &options, err);
	if (rc == ERR_BUSY) { /* another start was faster */
		was_running = true;
		rc = instance_find(&target.paths, &cli->arena, &target.found, err);
	}
	if (rc == 0)
		rc = target_check(&target, err);
	if (rc < 0)
		return rc;
	say_started(cli, &target, was_running);
	return print(cli, &target);
}

/* --- stop --- */

static int stop_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct target target;
	int rc = target_find(cli, &target, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	if (!target.found.running) {
		log_info(&cli->log, "No daemon runs.");
		return print(cli, &target);
	}
	if (target_stop(cli, &target, err) < 0)
		return err->code;
	log_info(&cli->log, "The daemon (process %lld) has ended.", (long long)target.found.pid);
	target.found.running = false;
	return print(cli, &target);
}

/* --- pause and resume --- */

/* Let the daemon look, and wait until it has: it is paused, with nothing at work, or it is not. */
static int tell_pause(const struct target *target, bool pause, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	int64_t end_ns = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
	bool seen = false;

	if (kill((pid_t)target->found.pid, SIGUSR1) < 0 && errno != ESRCH)
		return err_sys(err, "the daemon (process %lld)", (long long)target->found.pid);
	while (!seen && clock_monotonic_ns() < end_ns) {
		const struct json *state = instance_read_state(&target->paths, &parser, &text);

		seen = state && json_is_true(json_get(state, "paused")) == pause;
		if (!seen)
			clock_sleep_ms(LOOK_MS);
	}
	json_parser_release(&parser);
	return seen ? 0
		    : err_set(err, ERR_TIMEOUT, "the daemon (process %lld) does not answer",
			      (long long)target->found.pid);
}

static int set_pause(struct cli *cli, bool pause, struct err *err)
{
	struct target target;
	bool changed;
	int rc = target_find(cli, &target, err);

	if (rc == 0)
		rc = target_check(&target, err);
	if (rc == 0)
		rc = fs_make_dirs(cli->dirs.data, STATE_DIR_MODE, err);
	if (rc == 0)
		rc = instance_pause(&target.paths, pause, &changed, err);
	if (rc == 0 && target.found.running)
		rc = tell_pause(&target, pause, err);
	if (rc < 0)
		return rc;
	log_info(&cli->log, "%s%s",
		!changed ? (pause ? "Paused already" : "Not paused")
			 : (pause ? "Paused: nothing is collected until 'tt resume'" : "Resumed"),
		target.found.running ? "." : "; no daemon runs.");
	return print(cli, &target);
}

static int pause_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	(void)operands;
	return set_pause(cli, true, err);
}

static int resume_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	(void)operands;
	return set_pause(cli, false, err);
}

/* --- the commands --- */

#define START_DETAILS                                                                                                               \
	"One daemon a store; to start it again is no error. It watches the sources' files and collects what changes within\n"       \
	"seconds, and looks at everything once a minute. SIGHUP makes it read its configuration again. It does not see what your\n" \
	"shell exports: name directories that an agent keeps elsewhere in the configuration (collect.NAME.roots).\n"                \
	"It serves too, as 'tt serve' would (serve.on_start = false: not).\n"                                                       \
	"'tt setup daemon' lets systemd or launchd start it when you log in."

const struct command command_start = {
	.name = "start",
	.summary = "collect, and serve on this machine, in the background from now on",
	.usage = "[--foreground [--log]]",
	.details = START_DETAILS,
	.args = { .options = start_options, .option_count = ARRAY_LEN(start_options) },
	.values_size = sizeof(struct start_values),
	.run = start_run,
};

const struct command command_daemon = {
	.name = "daemon",
	.summary = "the same as 'tt start'",
	.usage = "[--foreground [--log]]",
	.details = START_DETAILS,
	.args = { .options = start_options, .option_count = ARRAY_LEN(start_options) },
	.values_size = sizeof(struct start_values),
	.run = start_run,
	.hidden = true,
};

const struct command command_stop = {
	.name = "stop",
	.summary = "end the daemon",
	.usage = "",
	.details =
		"Waits until it has ended. What it was about to collect is collected by the next 'tt start' or 'tt collect'.",
	.run = stop_run,
};

const struct command command_pause = {
	.name = "pause",
	.summary = "let the daemon collect nothing until 'tt resume'",
	.usage = "",
	.details = "It stays paused when it is started again. 'tt collect' still collects.",
	.run = pause_run,
};

const struct command command_resume = {
	.name = "resume",
	.summary = "let the daemon collect again, also what was missed",
	.usage = "",
	.run = resume_run,
};
