/*
 * Child processes by posix_spawnp(3), which is safe in a program with threads, does not copy page
 * tables and reports a failed exec itself. The pipes' ends here do not block, so that one stream
 * can never keep the other from being read. The child gets an empty signal mask and the ordinary
 * SIGPIPE, whatever the caller has.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum { ERRORS_CHUNK_BYTES = 4096, KILL_GRACE_MS = 500, KILL_PAUSE_MS = 5 };

static int open_pipe(int *reader, int *writer)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*reader = ends[0];
	*writer = ends[1];
	return fcntl(*reader, F_SETFL, O_NONBLOCK);
}

/*
 * This and the next return 0 or an errno, as the posix_spawn family does. A caller without standard
 * streams gets their numbers for its pipes. Even so OUT is above 0 and ERRORS above OUT, so no step
 * overwrites what a later one needs.
 */
static int place_streams(posix_spawn_file_actions_t *actions, int in, int out, int errors)
{
	int fault = in < 0 ? posix_spawn_file_actions_addopen(
				     actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
			   : posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);

	if (fault == 0)
		fault = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	if (fault == 0)
		fault = posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
	return fault;
}

static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, ordinary;
	int fault;

	sigemptyset(&none);
	sigemptyset(&ordinary);
	sigaddset(&ordinary, SIGPIPE);
	fault = posix_spawnattr_setsigmask(attributes, &none);
	if (fault == 0)
		fault = posix_spawnattr_setsigdefault(attributes, &ordinary);
	if (fault == 0)
		fault = posix_spawnattr_setflags(
			attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return fault;
}

static int spawn(pid_t *pid, const char *const argv[], int in, int out, int errors)
{
	union {
		const char *const *in;
		char *const *out;
	} words = {
		.in = argv
	}; /* POSIX leaves const out for history's sake; nothing is written */
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int fault = posix_spawn_file_actions_init(&actions);

	if (fault != 0)
		return fault;
	fault = posix_spawnattr_init(&attributes);
	if (fault == 0) {
		fault = place_streams(&actions, in, out, errors);
		if (fault == 0)
			fault = set_signals(&attributes);
		if (fault == 0)
			fault = posix_spawnp(
				pid, argv[0], &actions, &attributes, words.out, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return fault;
}

/* Too little of something is the system's trouble; all else means that there is nothing to run
 * under this name. */
static int start_failed(int fault, const char *program, struct err *err)
{
	errno = fault;
	(void)err_sys(err, "cannot run '%s'", program);
	if (fault != EAGAIN && fault != ENOMEM && fault != EMFILE && fault != ENFILE &&
		fault != E2BIG)
		err->code = ERR_NOT_FOUND;
	return err->code;
}

int proc_start(struct proc *proc, const char *const argv[], struct err *err)
{
	return proc_start_reading(proc, argv, -1, err);
}

int proc_start_reading(struct proc *proc, const char *const argv[], int in, struct err *err)
{
	CLEANUP(fs_closep) int out_reader = -1, out_writer = -1, err_reader = -1, err_writer = -1;
	pid_t pid = 0;
	int fault;

	*proc = (struct proc){ .pid = 0, .out = -1, .err = -1 };
	if (open_pipe(&out_reader, &out_writer) < 0 || open_pipe(&err_reader, &err_writer) < 0)
		return err_sys(err, "cannot open a pipe for '%s'", argv[0]);
	fault = spawn(&pid, argv, in, out_writer, err_writer);
	if (fault != 0)
		return start_failed(fault, argv[0], err);
	*proc = (struct proc){ .pid = pid, .out = out_reader, .err = err_reader };
	out_reader = err_reader = -1;
	return 0;
}

static void keep_last(struct buf *buf, size_t limit)
{
	if (buf->len > limit)
		buf_consume(buf, buf->len - limit);
}

/* Bytes read; 0 when there is nothing now or no more (*FD is closed and -1 then), -1 on failure. */
static ssize_t read_ready(int *fd, char *buffer, size_t size)
{
	ssize_t got = read(*fd, buffer, size);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got == 0)
		fs_closep(fd);
	return got;
}

static ssize_t read_errors(struct proc *proc, struct buf *errors, size_t limit)
{
	char chunk[ERRORS_CHUNK_BYTES];
	ssize_t got = read_ready(&proc->err, chunk, sizeof(chunk));

	if (got > 0) {
		buf_add(errors, (struct str){ chunk, (size_t)got });
		keep_last(errors, limit);
	}
	return got;
}

static int left_until(int64_t start_ns, int64_t timeout_ms)
{
	int64_t left_ms = timeout_ms - (clock_monotonic_ns() - start_ns) / 1000000;

	if (left_ms < 0)
		return 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static bool is_open(const struct proc *proc)
{
	return proc->out >= 0 || proc->err >= 0;
}

ssize_t proc_read(struct proc *proc, char *buffer, size_t size, struct buf *errors,
	size_t errors_limit, int64_t timeout_ms, struct err *err)
{
	int64_t start_ns = clock_monotonic_ns();

	ASSERT(size > 0);
	while (is_open(proc)) {
		/* poll() itself passes over closed ones, which are -1. */
		struct pollfd fds[2] = { { .fd = proc->out, .events = POLLIN },
			{ .fd = proc->err, .events = POLLIN } };
		int left_ms = left_until(start_ns, timeout_ms);
		int ready = poll(fds, ARRAY_LEN(fds), left_ms);
		ssize_t got = 0;

		if (ready < 0 && errno != EINTR)
			return err_sys(err, "cannot wait for a child process");
		if (ready > 0 && fds[1].revents)
			got = read_errors(proc, errors, errors_limit);
		if (ready > 0 && fds[0].revents && got >= 0) {
			got = read_ready(&proc->out, buffer, size);
			if (got > 0)
				return got;
		}
		if (got < 0)
			return err_sys(err, "cannot read from a child process");
		/* Behind the reads: a child that writes errors without end must not push the limit
		 * away. */
		if (left_ms == 0 && is_open(proc))
			return err_set(err, ERR_TIMEOUT, "no output of a child process for %lld ms",
				(long long)timeout_ms);
	}
	return 0;
}

static void close_pipes(struct proc *proc)
{
	fs_closep(&proc->out);
	fs_closep(&proc->err);
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_wait(struct proc *proc)
{
	int status = 0;
	pid_t reaped;

	ASSERT(proc->pid > 0);
	close_pipes(proc);
	do
		reaped = waitpid(proc->pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	proc->pid = 0;
	return reaped < 0 ? -1 : status_of(status);
}

/* Reap PROC if it ends within the grace period. */
static bool ends_soon(const struct proc *proc)
{
	int64_t start_ns = clock_monotonic_ns();

	for (;;) {
		if (waitpid(proc->pid, NULL, WNOHANG) == proc->pid)
			return true;
		if (clock_monotonic_ns() - start_ns > KILL_GRACE_MS * INT64_C(1000000))
			return false;
		clock_sleep_ms(KILL_PAUSE_MS);
	}
}

void proc_kill(struct proc *proc)
{
	/* Without a child the descriptors are nobody's: all-zero ones would be the standard input.
	 */
	if (proc->pid <= 0)
		return;
	close_pipes(proc);
	kill(proc->pid, SIGTERM);
	if (ends_soon(proc)) {
		proc->pid = 0;
		return;
	}
	kill(proc->pid, SIGKILL);
	(void)proc_wait(proc);
}
