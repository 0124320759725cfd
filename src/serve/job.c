/*
 * Jobs. Through the pipe come the lines that the child logs, as they are, and reports: lines that
 * begin with a byte which no log line has (base/log.c blanks control characters). The end of the
 * child closes the pipe.
 */
#include "serve/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "collect/retention.h"

enum {
	REPORT = 0x1e,
	READ_BYTES = 16 << 10,
	PLENTY_BYTES = 32 << 10, /* half of what a pipe holds */
	LINE_BYTES = 64 << 10,
	MOST_PLACES = 4096,
};

/* --- the child --- */

/* One line; nobody listens any more when it cannot be written. */
static void send(struct buf *line, struct json_writer *json)
{
	struct err ignored;

	json_end_object(json);
	buf_byte(line, '\n');
	if (fs_write_all(STDERR_FILENO, "the daemon", buf_str(line), &ignored) < 0)
		_exit(1);
}

static struct json_writer begin_line(struct buf *line, size_t item)
{
	struct json_writer json;

	buf_clear(line);
	buf_byte(line, REPORT);
	json = json_writer(line);
	json_begin_object(&json);
	json_kv_i64(&json, "item", (int64_t)item);
	return json;
}

static void report_begin(size_t item)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct json_writer json = begin_line(&line, item);

	send(&line, &json);
}

static void report_places(
	size_t item, const struct source *source, const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct source_places places = { .arena = &arena };
	struct json_writer json;

	if (source->places)
		source->places(context, &places);
	for (size_t i = 0; i < places.count && i < MOST_PLACES; i++) {
		json = begin_line(&line, item);
		json_kv_str(&json, "place", str_from(places.items[i].path));
		json_kv_i64(&json, "depth", places.items[i].depth);
		json_kv_bool(&json, "poll", places.items[i].poll);
		send(&line, &json);
	}
	json = begin_line(&line, item);
	json_kv_bool(&json, "has_places", true);
	send(&line, &json);
}

static void report_end(size_t item, const struct source_counts *counts, const struct err *err)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct json_writer json = begin_line(&line, item);

	json_kv_i64(&json, "files", counts->files);
	json_kv_i64(&json, "skipped_unchanged", counts->skipped_unchanged);
	json_kv_i64(&json, "new", counts->new_events);
	json_kv_i64(&json, "updated", counts->updated);
	json_kv_i64(&json, "duplicate", counts->duplicate);
	json_kv_i64(&json, "quarantined", counts->quarantined);
	json_kv_i64(&json, "failed", counts->failed);
	json_kv_i64(&json, "elapsed_ms", counts->elapsed_ms);
	json_kv_i64(&json, "code", err->code);
	json_kv_str(&json, "message", str_from(err->message));
	send(&line, &json);
}

/* What the terminal or the service manager tells the daemon is the daemon's to pass on. */
static void take_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGUSR1 };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
}

/* No remote is fed by itself yet: none holds anything back. */
static int retain(const struct collect_context *context, struct err *err)
{
	const struct retention_rule rule = {
		.days = context->retention_days, .held_seq = INT64_MAX, .now_ns = clock_now_ns()
	};
	struct retention_result result;

	return retention_run(context->store, &rule, context->log, &result, err);
}

static _Noreturn void work(const struct job_plan *plan, int fd)
{
	const struct store_options options = {
		.url = plan->store_url, .user = plan->store_user, .must_exist = true
	};
	struct collect_context context = *plan->context;
	struct err fault = { 0 };

	context.background = true;
	if (dup2(fd, STDERR_FILENO) < 0)
		_exit(1);
	take_signals();
	if (plan->keep_out >= 0)
		close(plan->keep_out);
	if (store_open(&context.store, &options, &fault) < 0)
		log_warn(context.log, "%s", fault.message);
	for (size_t i = 0; i < plan->count; i++) {
		const struct source *source = plan->sources[plan->chosen[i]];
		struct source_counts counts = { .source = source->name };
		struct err err = fault;
		size_t ran;

		report_begin(i);
		if (context.store && plan->places)
			report_places(i, source, &context);
		if (context.store && collect_run(&context, &source, 1, &counts, &ran, &err) == 0)
			err = (struct err){ 0 };
		report_end(i, &counts, &err);
	}
	if (context.store && retain(&context, &fault) < 0)
		log_warn(context.log, "retention: %s", fault.message);
	store_close(context.store);
	_exit(0);
}

/* --- the daemon --- */

int job_start(struct job *job, const struct job_plan *plan, int64_t now_ns, struct err *err)
{
	int ends[2];

	ASSERT(plan->count <= SCHEDULE_MOST);
	*job = (struct job){ .fd = -1, .began_ns = now_ns, .count = plan->count };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "a pipe for collecting");
	job->pid = fork();
	if (job->pid == 0)
		work(plan, ends[1]);
	close(ends[1]);
	if (job->pid < 0) {
		job->pid = 0;
		err_sys(err, "a process for collecting");
		close(ends[0]);
		return err->code;
	}
	job->fd = ends[0];
	if (fcntl(job->fd, F_SETFL, O_NONBLOCK) < 0)
		ASSERT(errno != EBADF); /* reads would wait, which is slow but right */
	for (size_t i = 0; i < job->count; i++)
		job->items[i] = (struct job_item){ .source = plan->chosen[i],
			.counts = { .source = plan->sources[plan->chosen[i]]->name },
			.places = { .arena = &job->arena } };
	return 0;
}

static void take_end(struct job_item *item, const struct json *root, int64_t code)
{
	struct str message = json_get_str(root, "message");

	item->state = JOB_DONE;
	item->code = (int)code;
	snprintf(item->message, sizeof(item->message), "%.*s", STR_ARG(message));
	json_get_i64(root, "files", &item->counts.files);
	json_get_i64(root, "skipped_unchanged", &item->counts.skipped_unchanged);
	json_get_i64(root, "new", &item->counts.new_events);
	json_get_i64(root, "updated", &item->counts.updated);
	json_get_i64(root, "duplicate", &item->counts.duplicate);
	json_get_i64(root, "quarantined", &item->counts.quarantined);
	json_get_i64(root, "failed", &item->counts.failed);
	json_get_i64(root, "elapsed_ms", &item->counts.elapsed_ms);
}

static void take_report(struct job *job, struct str line)
{
	const struct json *root;
	struct err ignored;
	struct job_item *item;
	struct str place;
	int64_t at, code, depth;

	if (json_parse(&job->parser, line, true, &root, &ignored) < 0 ||
		!json_get_i64(root, "item", &at) || at < 0 || at >= (int64_t)job->count)
		return;
	item = &job->items[at];
	item->state = JOB_AT_WORK;
	item->has_places |= json_is_true(json_get(root, "has_places"));
	place = json_get_str(root, "place");
	if (place.len > 0 && json_get_i64(root, "depth", &depth))
		source_place_add(&item->places, arena_cstr(&job->arena, place), (int)depth,
			json_is_true(json_get(root, "poll")));
	if (json_get_i64(root, "code", &code))
		take_end(item, root, code);
}

static void take_lines(struct job *job, struct diary *diary, bool last, int64_t now_ns)
{
	for (;;) {
		struct str text = buf_str(&job->pending);
		ptrdiff_t end = str_find(text, '\n', 0);
		struct str line = str_sub(text, 0, end < 0 ? text.len : (size_t)end);

		/* A line without an end is cut where it gets too long. */
		if (text.len == 0 || (end < 0 && !last && text.len < LINE_BYTES))
			return;
		if (line.len > 0 && line.ptr[0] == REPORT)
			take_report(job, str_sub(line, 1, line.len));
		else
			diary_line(diary, line, now_ns);
		buf_consume(&job->pending, line.len + (end >= 0));
	}
}

/* Why the child is over, when it had not done its work. */
static void blame(struct job *job, int status)
{
	for (size_t i = 0; i < job->count; i++) {
		struct job_item *item = &job->items[i];

		if (item->state != JOB_AT_WORK)
			continue;
		item->code = ERR_INTERRUPTED;
		if (WIFSIGNALED(status))
			snprintf(item->message, sizeof(item->message),
				"its process was ended by signal %d (%s)", WTERMSIG(status),
				strsignal(WTERMSIG(status)));
		else
			snprintf(item->message, sizeof(item->message),
				"its process ended with status %d", WEXITSTATUS(status));
	}
}

bool job_read(struct job *job, struct diary *diary, int64_t now_ns)
{
	int status = 0;
	size_t total = 0;
	ssize_t got;

	for (;;) {
		char *to = buf_reserve(&job->pending, READ_BYTES);

		got = read(job->fd, to, READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		job->pending.len += (size_t)got;
		total += (size_t)got;
		take_lines(job, diary, false, now_ns);
	}
	job->plenty = total >= PLENTY_BYTES;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	take_lines(job, diary, true, now_ns);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	blame(job, status);
	job->pid = 0;
	return true;
}

void job_signal(const struct job *job, int number)
{
	if (job->pid > 0)
		kill(job->pid, number);
}

void job_release(struct job *job)
{
	fs_closep(&job->fd);
	buf_release(&job->pending);
	json_parser_release(&job->parser);
	arena_release(&job->arena);
	*job = (struct job){ .fd = -1 };
}
