/*
 * The loop: what has come, what is due, wait. Jobs are not listened to while they work: only their
 * end wakes the daemon, and once a second what they logged is taken, so that they never wait for
 * long.
 *
 * The state file is written after whatever changed it, at most once a turn. `paused` in it means
 * that nothing is at work any more: who asked for the pause waits for that.
 */
#include "serve/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/time.h"
#include "serve/child.h"
#include "serve/job.h"
#include "serve/report.h"

enum {
	MOST_JOBS = 4,
	YOUNG_JOBS = 2, /* at most so many that are younger than OLD_MS: the others may be stuck */
	OLD_MS = 60000,
	READ_JOBS_MS = 1000,
	READ_SOON_MS = 10,
	KILL_MS = 2000, /* from SIGTERM to SIGKILL */
};

struct daemon {
	const struct daemon_options *options;
	struct diary *diary;
	struct watch *watch;
	struct schedule schedule;
	struct collect_context context;
	const struct source *const *sources;
	struct report_source reports[SCHEDULE_MOST];
	bool places_wanted[SCHEDULE_MOST]; /* once a round each is asked what to watch */
	size_t count;
	struct job jobs[MOST_JOBS];
	struct child server;
	int lock;
	int signals;
	bool stopping;
	bool paused;
	bool told_short;     /* why some directories are polled */
	bool dirty;          /* the state file is not what it should be */
	int64_t end_jobs_ns; /* when the next signal goes to jobs at work; INT64_MAX: never */
	int end_jobs_with;
	int64_t read_jobs_ns;
	int64_t started_ns, last_round_ns; /* wall clock */
	char configuration_error[ERR_MESSAGE_BYTES];
	struct arena arena;
	const char *store_text; /* what the configuration named at the start */
};

static size_t jobs_at_work(const struct daemon *daemon)
{
	size_t count = 0;

	for (size_t i = 0; i < MOST_JOBS; i++)
		count += daemon->jobs[i].pid > 0;
	return count;
}

/* --- what is configured --- */

static bool is_enabled(const struct daemon *daemon, const char *source)
{
	for (size_t i = 0; i < daemon->context.settings_count; i++)
		if (strcmp(daemon->context.settings[i].source, source) == 0)
			return daemon->context.settings[i].enabled;
	return true;
}

static int configure(struct daemon *daemon, struct err *err)
{
	const struct daemon_host *host = &daemon->options->host;
	const char *store;
	int rc = host->configure(host->owner, &daemon->context, &store, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < daemon->count; i++) {
		bool enabled = is_enabled(daemon, daemon->sources[i]->name);

		daemon->schedule.rows[i].enabled = enabled;
		if (!enabled)
			watch_set(daemon->watch, i, &(struct source_places){ .count = 0 },
				clock_monotonic_ns());
	}
	if (host->serve)
		child_want(&daemon->server, host->serve(host->owner));
	if (!daemon->store_text)
		daemon->store_text = arena_cstr(&daemon->arena, str_from(store));
	else if (strcmp(store, daemon->store_text) != 0)
		diary_say(daemon->diary,
			"the configuration names another store ('%s'): it takes effect when the daemon is started again",
			store);
	return 0;
}

static void reconfigure(struct daemon *daemon, int64_t now_ns)
{
	struct err err;

	daemon->dirty = true;
	daemon->configuration_error[0] = '\0';
	if (configure(daemon, &err) < 0) {
		memcpy(daemon->configuration_error, err.message, sizeof(err.message));
		diary_say(daemon->diary, "the new configuration is refused, the old one stays: %s",
			err.message);
		return;
	}
	diary_say(daemon->diary, "configuration read again");
	child_reload(&daemon->server);
	schedule_all(&daemon->schedule, now_ns);
}

/* --- jobs --- */

/* What a source wants watched: new places may have changed since it was collected. */
static void take_places(struct daemon *daemon, const struct job_item *item, int64_t now_ns)
{
	struct watch_coverage coverage;

	daemon->places_wanted[item->source] = false;
	if (watch_set(daemon->watch, item->source, &item->places, now_ns))
		daemon->schedule.rows[item->source].due = true;
	coverage = watch_coverage(daemon->watch);
	if (!coverage.short_of || daemon->told_short)
		return;
	daemon->told_short = true;
	diary_say(daemon->diary,
		"%lld directories are watched, %lld places are looked at every few seconds instead: %s",
		(long long)coverage.watched, (long long)coverage.polled, coverage.short_of);
}

static void start_job(struct daemon *daemon, struct job *job, int64_t now_ns)
{
	size_t chosen[SCHEDULE_MOST];
	struct job_plan plan = {
		.store_url = daemon->options->store_url,
		.store_user = daemon->options->store_user,
		.context = &daemon->context,
		.chosen = chosen,
		.count = schedule_pick(&daemon->schedule, now_ns, chosen),
		.sources = daemon->sources,
		.keep_out = daemon->lock,
	};
	struct err err;

	if (plan.count == 0)
		return;
	for (size_t i = 0; i < plan.count; i++)
		plan.places |= daemon->places_wanted[chosen[i]];
	if (job_start(job, &plan, now_ns, &err) == 0)
		return;
	diary_line(daemon->diary, str_from(err.message), now_ns);
	for (size_t i = 0; i < plan.count; i++)
		schedule_done(&daemon->schedule, chosen[i], SCHEDULE_FAILED, 0, now_ns, rng_u64());
}

static void start_jobs(struct daemon *daemon, int64_t now_ns)
{
	size_t young = 0;

	for (size_t i = 0; i < MOST_JOBS; i++)
		young += daemon->jobs[i].pid > 0 &&
			 now_ns - daemon->jobs[i].began_ns < OLD_MS * NS_PER_MS;
	for (size_t i = 0; i < MOST_JOBS && young < YOUNG_JOBS; i++) {
		if (daemon->jobs[i].pid > 0)
			continue;
		start_job(daemon, &daemon->jobs[i], now_ns);
		if (daemon->jobs[i].pid == 0)
			return;
		young++;
	}
}

static void finish_item(struct daemon *daemon, const struct job_item *item, int64_t now_ns)
{
	struct report_source *report = &daemon->reports[item->source];
	struct schedule_row *row = &daemon->schedule.rows[item->source];
	bool ended = daemon->end_jobs_with != 0; /* by us: no fault of the source */
	enum schedule_end end = item->code == 0 ? SCHEDULE_OK : SCHEDULE_FAILED;

	if (item->state == JOB_WAITS || (item->state == JOB_AT_WORK && ended))
		end = SCHEDULE_UNDONE;
	schedule_done(
		&daemon->schedule, item->source, end, item->counts.elapsed_ms, now_ns, rng_u64());
	if (item->has_places)
		take_places(daemon, item, now_ns);
	if (end == SCHEDULE_UNDONE)
		return;
	report->at_ns = daemon->last_round_ns = clock_now_ns();
	report->counts = item->counts;
	memcpy(report->error, item->message, sizeof(report->error));
	report->retry_at_ns =
		end == SCHEDULE_OK ? INT64_MIN : report->at_ns + row->not_before_ns - now_ns;
	/* What the source itself reports has been logged by its job. */
	if (item->state == JOB_AT_WORK)
		diary_say(daemon->diary, "source '%s': %s", daemon->sources[item->source]->name,
			item->message);
}

static void read_jobs(struct daemon *daemon, int64_t now_ns)
{
	int64_t pause_ms = READ_JOBS_MS;

	for (size_t i = 0; i < MOST_JOBS; i++) {
		struct job *job = &daemon->jobs[i];

		if (job->pid == 0)
			continue;
		if (!job_read(job, daemon->diary, now_ns)) {
			/* What takes long is worth telling. */
			daemon->dirty |= now_ns - job->began_ns >= READ_JOBS_MS * NS_PER_MS;
			pause_ms = job->plenty ? READ_SOON_MS : pause_ms;
			continue;
		}
		for (size_t item = 0; item < job->count; item++)
			finish_item(daemon, &job->items[item], now_ns);
		job_release(job);
		daemon->dirty = true;
	}
	daemon->read_jobs_ns = now_ns + pause_ms * NS_PER_MS;
}

/* Let jobs finish for GRACE_MS, then make them. */
static void end_jobs(struct daemon *daemon, int64_t grace_ms, int64_t now_ns)
{
	daemon->end_jobs_ns = now_ns + grace_ms * NS_PER_MS;
}

static void press_jobs(struct daemon *daemon, int64_t now_ns)
{
	if (now_ns < daemon->end_jobs_ns)
		return;
	daemon->end_jobs_with = daemon->end_jobs_with == 0 ? SIGTERM : SIGKILL;
	for (size_t i = 0; i < MOST_JOBS; i++)
		job_signal(&daemon->jobs[i], daemon->end_jobs_with);
	daemon->end_jobs_ns = now_ns + KILL_MS * NS_PER_MS;
}

/* --- what the daemon is told --- */

static void look_for_pause(struct daemon *daemon, int64_t now_ns)
{
	bool paused = instance_paused(&daemon->options->paths);

	if (paused == daemon->paused)
		return;
	daemon->paused = paused;
	daemon->dirty = true;
	diary_say(daemon->diary, paused ? "paused" : "resumed");
	if (paused)
		end_jobs(daemon, DAEMON_PAUSE_MS, now_ns);
	else
		schedule_all(&daemon->schedule, now_ns);
}

static void stop(struct daemon *daemon, int64_t grace_ms, int64_t now_ns)
{
	daemon->stopping = true;
	end_jobs(daemon, grace_ms, now_ns);
	child_stop(&daemon->server, grace_ms, now_ns);
}

static void take_signal(struct daemon *daemon, uint32_t number, int64_t now_ns)
{
	if (number == SIGHUP)
		reconfigure(daemon, now_ns);
	if (number == SIGTERM || number == SIGINT) {
		stop(daemon, daemon->stopping ? 0 : DAEMON_STOP_MS, now_ns);
	}
	look_for_pause(daemon, now_ns);
}

static void take_signals(struct daemon *daemon, int64_t now_ns)
{
	struct signalfd_siginfo info;

	while (read(daemon->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(daemon, info.ssi_signo, now_ns);
}

static int open_signals(struct daemon *daemon, struct err *err)
{
	static const int heeded[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(heeded); i++)
		sigaddset(&set, heeded[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "signals");
	daemon->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return daemon->signals < 0 ? err_sys(err, "signals") : 0;
}

/* --- the loop --- */

static void write_state(struct daemon *daemon)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);
	const struct report report = {
		.started_ns = daemon->started_ns,
		.paused = daemon->paused && jobs_at_work(daemon) == 0,
		.last_round_ns = daemon->last_round_ns,
		.configuration_error = daemon->configuration_error,
		.coverage = watch_coverage(daemon->watch),
		.schedule = &daemon->schedule,
		.sources = daemon->reports,
		.count = daemon->count,
		.serve = daemon->server.argv != NULL,
		.listen = daemon->server.listen,
		.serve_error = daemon->server.error,
	};
	struct err err;

	daemon->dirty = false;
	report_write(&json, &report);
	if (instance_write_state(&daemon->options->paths, buf_str(&text), &err) < 0)
		diary_line(daemon->diary, str_from(err.message), clock_monotonic_ns());
}

/* A round is also when what was missed otherwise is found out. */
static void begin_round(struct daemon *daemon, int64_t now_ns)
{
	look_for_pause(daemon, now_ns);
	for (size_t i = 0; i < daemon->count; i++)
		daemon->places_wanted[i] = true;
	if (instance_holds(&daemon->options->paths, daemon->lock) || daemon->stopping)
		return;
	diary_say(daemon->diary, "'%s' is gone or another: this daemon ends",
		daemon->options->paths.lock);
	stop(daemon, DAEMON_STOP_MS, now_ns);
}

/* One turn. */
static void do_what_is_due(struct daemon *daemon, int64_t now_ns)
{
	take_signals(daemon, now_ns);
	if (schedule_round(&daemon->schedule, now_ns))
		begin_round(daemon, now_ns);
	watch_look(daemon->watch, now_ns);
	for (size_t i = 0; i < daemon->count; i++)
		daemon->schedule.rows[i].due |= watch_take(daemon->watch, i, now_ns);
	read_jobs(daemon, now_ns);
	daemon->dirty |= child_look(&daemon->server, daemon->diary, now_ns);
	if (jobs_at_work(daemon) > 0)
		press_jobs(daemon, now_ns);
	if (!daemon->stopping && !daemon->paused) {
		if (daemon->end_jobs_with == 0 || jobs_at_work(daemon) == 0) {
			daemon->end_jobs_ns = INT64_MAX;
			daemon->end_jobs_with = 0;
		}
		start_jobs(daemon, now_ns);
	}
	if (daemon->dirty)
		write_state(daemon);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until when nothing is to be done unless something comes; *WATCH_FD as watch_next. */
static int64_t next_due(const struct daemon *daemon, int64_t now_ns, int *watch_fd)
{
	int64_t next_ns = watch_next(daemon->watch, now_ns, watch_fd);
	size_t at_work = jobs_at_work(daemon);

	if (at_work > 0)
		next_ns = earliest(earliest(next_ns, daemon->read_jobs_ns), daemon->end_jobs_ns);
	/* With jobs at work the next one may have to wait for the end of one. */
	if (!daemon->stopping && !daemon->paused && at_work == 0)
		next_ns = earliest(next_ns, schedule_next(&daemon->schedule));
	next_ns = earliest(next_ns, child_next(&daemon->server, now_ns));
	return earliest(next_ns, daemon->schedule.round_at_ns);
}

static void wait(struct daemon *daemon)
{
	struct pollfd fds[2 + MOST_JOBS + CHILD_FDS];
	int64_t now_ns = clock_monotonic_ns();
	int64_t left_ns;
	int watch_fd;

	left_ns = next_due(daemon, now_ns, &watch_fd) - now_ns;
	fds[0] = (struct pollfd){ .fd = daemon->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = watch_fd, .events = POLLIN };
	for (size_t i = 0; i < MOST_JOBS; i++) /* their end shows also when no event is asked for */
		fds[2 + i] =
			(struct pollfd){ .fd = daemon->jobs[i].pid > 0 ? daemon->jobs[i].fd : -1 };
	child_fds(&daemon->server, &fds[2 + MOST_JOBS]);
	if (left_ns <= 0)
		return;
	/* Up to the next millisecond: waking too early would be for nothing. */
	poll(fds, ARRAY_LEN(fds), (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
}

static void loop(struct daemon *daemon)
{
	do {
		do_what_is_due(daemon, clock_monotonic_ns());
		if (daemon->stopping && jobs_at_work(daemon) == 0 && daemon->server.pid == 0)
			return;
		wait(daemon);
	} while (true);
}

static int set_up(struct daemon *daemon, struct err *err)
{
	const struct daemon_options *options = daemon->options;

	daemon->sources = sources(&daemon->count);
	schedule_init(&daemon->schedule, daemon->count, &options->times, clock_monotonic_ns());
	for (size_t i = 0; i < daemon->count; i++)
		daemon->reports[i] = (struct report_source){ .source = daemon->sources[i]->name,
			.at_ns = INT64_MIN,
			.retry_at_ns = INT64_MIN };
	if (open_signals(daemon, err) < 0)
		return err->code;
	daemon->watch = watch_new(&options->watching);
	return configure(daemon, err);
}

static void tear_down(struct daemon *daemon)
{
	watch_free(daemon->watch);
	child_release(&daemon->server);
	arena_release(&daemon->arena);
	fs_closep(&daemon->signals);
}

int daemon_run(const struct daemon_options *options, struct err *err)
{
	CLEANUP(diary_closep) struct diary *diary = NULL;
	CLEANUP(tear_down)
	struct daemon daemon = {
		.options = options,
		.lock = -1,
		.signals = -1,
		.dirty = true,
		.end_jobs_ns = INT64_MAX,
		.started_ns = clock_now_ns(),
		.last_round_ns = INT64_MIN,
	};

	child_init(&daemon.server);
	if (instance_take(&options->paths, &daemon.lock, err) < 0)
		return err->code;
	if (diary_open(&diary, options->log_to_file ? options->paths.log : NULL, DIARY_LIMIT_BYTES,
		    err) < 0) {
		instance_leave(&options->paths, &daemon.lock);
		return err->code;
	}
	daemon.diary = diary;
	if (set_up(&daemon, err) == 0) {
		daemon.paused = instance_paused(&options->paths);
		diary_say(diary, "tt %s collects (process %lld)%s", TT_VERSION, (long long)getpid(),
			daemon.paused ? ", but is paused" : "");
		write_state(&daemon);
		options->host.ready(options->host.owner);
		loop(&daemon);
		diary_say(diary, "ended");
	}
	instance_leave(&options->paths, &daemon.lock);
	return daemon.stopping ? 0 : err->code;
}
