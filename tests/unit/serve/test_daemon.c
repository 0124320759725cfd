/*
 * A daemon in a process of its own, with the real sources and short times; what it does is seen in
 * the store, the state file and the log, what it is told are signals.
 */
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/time.h"
#include "collect/journal.h"
#include "place.h"
#include "serve/daemon.h"
#include "store/store.h"

#define MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"

enum { LONGEST_MS = 10000, CALM_MS = 300, SETTLE_MS = 50 };

struct stage {
	struct place place;
	struct machine machine;
	struct log log;
	struct daemon_options options;
	pid_t child;
	int lines; /* hook events so far */
};

/* The configuration is a file: "bad", "other store", "no tmux" or nothing. */
static int configure(void *owner, struct collect_context *out, const char **store, struct err *err)
{
	static const struct source_settings off[] = { { .source = "tmux", .enabled = false } };
	struct stage *stage = owner;
	const char *text = place_text(&stage->place, place_path(&stage->place, "config"));

	if (strcmp(text, "bad") == 0)
		return err_set(err, ERR_USAGE, "config:1: it is bad");
	*store = strcmp(text, "other store") == 0 ? "other.db" : "";
	*out = (struct collect_context){
		.machine = &stage->machine, .dirs = &stage->place.dirs, .log = &stage->log
	};
	if (strcmp(text, "no tmux") == 0) {
		out->settings = off;
		out->settings_count = ARRAY_LEN(off);
	}
	return 0;
}

static void ready(void *owner)
{
	struct stage *stage = owner;
	struct err err;

	if (fs_write_atomic(place_path(&stage->place, "ready"), STR(""), 0600, &err) < 0)
		_exit(9);
}

static void begin(struct stage *stage)
{
	struct store *store = NULL;
	struct store_options options;

	*stage = (struct stage){
		.machine = { .id = STR(MACHINE), .label = STR("test") },
		.log = { .program = "tt" },
	};
	place_begin(&stage->place);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", stage->place.dir, 1);
	options = (struct store_options){ .url = place_path(&stage->place, "data/tt.db") };
	OK(store_open(&store, &options, &stage->place.err) == 0);
	store_close(store);
	stage->options = (struct daemon_options){
		.paths = instance_paths(&stage->place.arena, &stage->place.dirs, options.url),
		.store_url = options.url,
		.host = { stage, configure, ready },
		.log_to_file = true,
		.times = { .round_ms = 60000, .retry_base_ms = 50, .retry_cap_ms = 100 },
		.watching = { .settle_ms = SETTLE_MS, .poll_ms = SETTLE_MS },
	};
}

static void start(struct stage *stage)
{
	const char *flag = place_path(&stage->place, "ready");

	unlink(flag);
	stage->child = fork();
	if (stage->child == 0) {
		struct err err;

		_exit(daemon_run(&stage->options, &err) < 0 ? -err.code : 0);
	}
	for (int i = 0; i < LONGEST_MS / 10 && !fs_exists(flag); i++)
		clock_sleep_ms(10);
	OK(fs_exists(flag));
}

/* Exit status of the daemon, at its end. */
static int wait_for_end(struct stage *stage)
{
	int status = -1;

	for (int i = 0; i < LONGEST_MS / 10; i++) {
		if (waitpid(stage->child, &status, WNOHANG) == stage->child) {
			stage->child = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		clock_sleep_ms(10);
	}
	return -1;
}

static void end(struct stage *stage)
{
	if (stage->child > 0) {
		kill(stage->child, SIGKILL);
		waitpid(stage->child, NULL, 0);
	}
	place_end(&stage->place);
}

static void tell(struct stage *stage, int number)
{
	OK(kill(stage->child, number) == 0);
}

/* One hook event more, at a moment of its own. */
static void hook(struct stage *stage)
{
	const struct hook_event event = {
		.type = "tmux_pane_focus", .pane = "%1", .session = "main", .cwd = "/h"
	};

	stage->lines++;
	OK(journal_append(stage->place.dirs.data, &stage->machine, &event,
		   (INT64_C(1770000000) + stage->lines) * NS_PER_S, &stage->place.err) == 0);
}

static int64_t events(struct stage *stage)
{
	const struct store_options options = { .url = stage->options.store_url, .read_only = true };
	struct store *store = NULL;
	struct store_info info = { .events = -1 };

	if (store_open(&store, &options, &stage->place.err) == 0 &&
		store_info(store, &info, &stage->place.err) < 0)
		info.events = -1;
	store_close(store);
	return info.events;
}

static bool has_events(struct stage *stage, int64_t count)
{
	for (int i = 0; i < LONGEST_MS / 20; i++) {
		if (events(stage) == count)
			return true;
		clock_sleep_ms(20);
	}
	return false;
}

/* Does TEXT come to stand in file PATH? */
static bool says(struct stage *stage, const char *path, const char *text)
{
	for (int i = 0; i < LONGEST_MS / 20; i++) {
		if (strstr(place_text(&stage->place, path), text))
			return true;
		clock_sleep_ms(20);
	}
	return false;
}

static bool logs(struct stage *stage, const char *text)
{
	return says(stage, stage->options.paths.log, text);
}

static bool reports(struct stage *stage, const char *text)
{
	return says(stage, stage->options.paths.state, text);
}

static void collects_what_comes(void)
{
	struct stage stage;

	begin(&stage);
	hook(&stage);
	start(&stage);
	OK(has_events(&stage, 1));
	OK(logs(&stage, " collects (process "));
	OK(reports(&stage, "\"source\":\"tmux\",\"running\":false,\"at\":\"2"));
	for (int i = 0; i < 3; i++) {
		hook(&stage);
		OK(has_events(&stage, stage.lines));
	}
	for (int i = 0; i < 100; i++)
		hook(&stage);
	OK(has_events(&stage, stage.lines));
	OK(!fs_exists(place_path(&stage.place, "data/events.jsonl")));
	tell(&stage, SIGTERM);
	IS_INT(wait_for_end(&stage), 0);
	OK(logs(&stage, " ended\n"));
	OK(!fs_exists(stage.options.paths.state));
	hook(&stage);
	clock_sleep_ms(CALM_MS);
	IS_INT(events(&stage), stage.lines - 1);
	start(&stage);
	OK(has_events(&stage, stage.lines));
	tell(&stage, SIGINT);
	IS_INT(wait_for_end(&stage), 0);
	end(&stage);
}

static void only_one(void)
{
	struct stage stage;
	struct err err;

	begin(&stage);
	start(&stage);
	IS_INT(daemon_run(&stage.options, &err), ERR_BUSY);
	OK(strstr(
		err.message, arena_printf(&stage.place.arena, "process %d", (int)stage.child).ptr));
	/* Killed, it is in nobody's way. */
	tell(&stage, SIGKILL);
	IS_INT(wait_for_end(&stage), 128 + SIGKILL);
	start(&stage);
	tell(&stage, SIGTERM);
	IS_INT(wait_for_end(&stage), 0);
	end(&stage);
}

static void pauses(void)
{
	struct stage stage;
	struct err err;
	bool changed;

	begin(&stage);
	start(&stage);
	hook(&stage);
	OK(has_events(&stage, 1));
	OK(instance_pause(&stage.options.paths, true, &changed, &err) == 0);
	tell(&stage, SIGUSR1);
	OK(reports(&stage, "\"paused\":true"));
	hook(&stage);
	clock_sleep_ms(CALM_MS);
	IS_INT(events(&stage), 1);
	/* Also over a new start. */
	tell(&stage, SIGTERM);
	IS_INT(wait_for_end(&stage), 0);
	start(&stage);
	OK(reports(&stage, "\"paused\":true"));
	hook(&stage);
	tell(&stage, SIGHUP);
	OK(logs(&stage, "configuration read again"));
	clock_sleep_ms(CALM_MS);
	IS_INT(events(&stage), 1);
	OK(instance_pause(&stage.options.paths, false, &changed, &err) == 0);
	tell(&stage, SIGUSR1);
	OK(has_events(&stage, 3));
	OK(reports(&stage, "\"paused\":false"));
	OK(logs(&stage, " resumed\n"));
	end(&stage);
}

static void configuration(void)
{
	struct stage stage;
	const char *config;
	struct err err;

	begin(&stage);
	config = place_path(&stage.place, "config");
	start(&stage);
	OK(fs_write_atomic(config, STR("bad"), 0600, &err) == 0);
	tell(&stage, SIGHUP);
	OK(logs(&stage,
		"the new configuration is refused, the old one stays: config:1: it is bad"));
	OK(reports(&stage, "\"configuration_error\":\"config:1: it is bad\""));
	hook(&stage);
	OK(has_events(&stage, 1));
	OK(fs_write_atomic(config, STR("no tmux"), 0600, &err) == 0);
	tell(&stage, SIGHUP);
	OK(reports(&stage, "\"configuration_error\":null"));
	hook(&stage);
	clock_sleep_ms(CALM_MS);
	IS_INT(events(&stage), 1);
	OK(!strstr(place_text(&stage.place, stage.options.paths.state), "\"source\":\"tmux\""));
	OK(fs_write_atomic(config, STR("other store"), 0600, &err) == 0);
	tell(&stage, SIGHUP);
	OK(logs(&stage, "another store ('other.db')"));
	OK(has_events(&stage, 2));
	/* A bad one at the start is an error. */
	tell(&stage, SIGTERM);
	IS_INT(wait_for_end(&stage), 0);
	OK(fs_write_atomic(config, STR("bad"), 0600, &err) == 0);
	stage.options.log_to_file = false;
	IS_INT(daemon_run(&stage.options, &err), ERR_USAGE);
	IS_CSTR(err.message, "config:1: it is bad");
	OK(!fs_exists(stage.options.paths.state));
	end(&stage);
}

/* Backing off while the store is gone, and going on by itself once it is back. */
static void failures(void)
{
	struct stage stage;
	const char *moved;

	begin(&stage);
	start(&stage);
	hook(&stage);
	OK(has_events(&stage, 1));
	moved = place_path(&stage.place, "data/moved.db");
	OK(rename(stage.options.store_url, moved) == 0);
	hook(&stage);
	OK(reports(&stage, "there is no store"));
	OK(reports(&stage, "\"failures\":3"));
	OK(rename(moved, stage.options.store_url) == 0);
	OK(has_events(&stage, 2));
	OK(reports(&stage, "\"error\":null,\"failures\":0"));
	end(&stage);
}

/* A daemon whose lock was deleted is no longer the only one there may be: it ends. */
static void a_lost_lock(void)
{
	struct stage stage;

	begin(&stage);
	stage.options.times.round_ms = 100;
	start(&stage);
	OK(unlink(stage.options.paths.lock) == 0);
	IS_INT(wait_for_end(&stage), 0);
	OK(logs(&stage, "this daemon ends"));
	end(&stage);
}

static const struct tap_case cases[] = {
	TAP_CASE(collects_what_comes),
	TAP_CASE(only_one),
	TAP_CASE(pauses),
	TAP_CASE(configuration),
	TAP_CASE(failures),
	TAP_CASE(a_lost_lock),
};

TAP_MAIN(cases)
