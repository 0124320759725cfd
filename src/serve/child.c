#include "serve/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"

enum {
	RETRY_MS = 1000,
	RETRY_MOST_MS = 300000,
	LASTING_MS = 60000, /* one that worked for so long was no failure */
	KILL_MS = 5000,     /* one that is not wanted any more */
	REAP_MS = 20,       /* from the end of its pipes to its own */
	MOST_LINE_BYTES = 8 << 10,
	MOST_WORDS_BYTES = 16 << 10,
	NO_PROGRAM = 127,
};

void child_init(struct child *child)
{
	*child = (struct child){
		.out = -1, .err = -1, .retry_at_ns = INT64_MIN, .kill_at_ns = INT64_MAX
	};
}

void child_release(struct child *child)
{
	fs_closep(&child->out);
	fs_closep(&child->err);
	buf_release(&child->said);
	buf_release(&child->complaints);
	buf_release(&child->words);
	arena_release(&child->arena);
}

void child_want(struct child *child, const char *const *argv)
{
	if (argv && !child->argv)
		child->retry_at_ns = INT64_MIN;
	child->argv = argv;
}

void child_reload(struct child *child)
{
	child->retry_at_ns = INT64_MIN;
	if (child->pid > 0)
		kill(child->pid, SIGHUP);
}

static void end(struct child *child, int64_t grace_ms, int64_t now_ns)
{
	if (child->pid <= 0 || child->kill_at_ns != INT64_MAX)
		return;
	kill(child->pid, SIGTERM);
	child->kill_at_ns = now_ns + grace_ms * NS_PER_MS;
}

void child_stop(struct child *child, int64_t grace_ms, int64_t now_ns)
{
	child->stopping = true;
	if (grace_ms == 0 && child->pid > 0)
		child->kill_at_ns = now_ns;
	else
		end(child, grace_ms, now_ns);
}

/* --- start --- */

/* In the child: only what is safe between fork and exec. */
_Noreturn static void become(
	const char *const *argv, const int out[2], const int err[2], pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() != parent || dup2(out[1], STDOUT_FILENO) < 0 ||
		dup2(err[1], STDERR_FILENO) < 0)
		_exit(NO_PROGRAM);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "tt: the server cannot be started: %s: %s\n", argv[0],
		strerror(errno));
	_exit(NO_PROGRAM);
}

static int make_pipe(int ends[2], struct err *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "a pipe for the server");
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "a pipe for the server");
	return 0;
}

static int fork_child(struct child *child, struct err *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	pid_t parent = getpid();
	int rc = make_pipe(out, err);

	if (rc == 0)
		rc = make_pipe(errors, err);
	if (rc == 0) {
		child->pid = fork();
		if (child->pid == 0)
			become(child->argv, out, errors, parent);
		if (child->pid < 0)
			rc = err_sys(err, "a process for the server");
	}
	fs_closep(&out[1]);
	fs_closep(&errors[1]);
	child->out = out[0];
	child->err = errors[0];
	return rc;
}

static void later(struct child *child, int64_t now_ns)
{
	int64_t wait_ms = RETRY_MS;

	for (int i = 0; i < child->failures && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	child->failures++;
	child->retry_at_ns =
		now_ns + (wait_ms < RETRY_MOST_MS ? wait_ms : RETRY_MOST_MS) * NS_PER_MS;
}

static void start(struct child *child, struct diary *diary, int64_t now_ns)
{
	struct err err;

	child->began_ns = now_ns;
	child->kill_at_ns = INT64_MAX;
	buf_clear(&child->said);
	buf_clear(&child->complaints);
	buf_clear(&child->words);
	if (fork_child(child, &err) == 0)
		return;
	child->pid = 0;
	fs_closep(&child->out);
	fs_closep(&child->err);
	diary_line(diary, str_from(err.message), now_ns);
	later(child, now_ns);
}

/* --- what it says --- */

/* What was held back is told, line by line. */
static void tell_words(struct child *child, struct diary *diary, int64_t now_ns)
{
	struct str rest = buf_str(&child->words);

	while (rest.len > 0)
		diary_line(diary, str_split(&rest, '\n'), now_ns);
	buf_clear(&child->words);
}

static void hear_where(struct child *child, struct str line, struct diary *diary, int64_t now_ns)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	struct json_writer json = json_writer(&text);
	const struct json *root;
	struct err err;

	if (json_parse(&parser, line, false, &root, &err) == 0 &&
		json_is(json_get(root, "listen"), JSON_ARRAY)) {
		json_put_value(&json, json_get(root, "listen"));
		arena_reset(&child->arena);
		child->listen = arena_str(&child->arena, buf_str(&text));
		child->error[0] = '\0';
		child->trouble = 0;
		tell_words(child, diary, now_ns);
	}
	json_parser_release(&parser);
}

/* Before it listens, words may be those of the attempt before: see tell_end. */
static void hear_words(struct child *child, struct str line, struct diary *diary, int64_t now_ns)
{
	if (child->listen.len > 0) {
		diary_line(diary, line, now_ns);
	} else if (child->words.len < MOST_WORDS_BYTES) {
		buf_add(&child->words, line);
		buf_byte(&child->words, '\n');
	}
}

/* False: nothing more will come. */
static bool read_some(int *fd, struct buf *into)
{
	for (;;) {
		ssize_t got = read(*fd, buf_reserve(into, MOST_LINE_BYTES), MOST_LINE_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN;
		if (got == 0)
			return false;
		into->len += (size_t)got;
		if (into->len > 4 * MOST_LINE_BYTES)
			return true; /* the rest at the next look */
	}
}

static bool next_line(struct buf *from, size_t *at, struct str *out)
{
	struct str rest = str_sub(buf_str(from), *at, from->len);
	ptrdiff_t end = str_find(rest, '\n', 0);

	if (end < 0 && rest.len < MOST_LINE_BYTES)
		return false;
	*out = str_sub(rest, 0, end < 0 ? rest.len : (size_t)end);
	*at += out->len + (end >= 0);
	return true;
}

static void hear(struct child *child, struct diary *diary, int64_t now_ns)
{
	struct str line;
	size_t at = 0;

	if (child->out >= 0 && !read_some(&child->out, &child->said))
		fs_closep(&child->out);
	while (next_line(&child->said, &at, &line))
		hear_where(child, line, diary, now_ns);
	buf_consume(&child->said, at);
	at = 0;
	if (child->err >= 0 && !read_some(&child->err, &child->complaints))
		fs_closep(&child->err);
	while (next_line(&child->complaints, &at, &line))
		hear_words(child, line, diary, now_ns);
	buf_consume(&child->complaints, at);
}

/* --- its end --- */

static void keep_last_line(struct child *child)
{
	struct str rest = str_trim(buf_str(&child->words)), line = rest;

	while (rest.len > 0)
		line = str_split(&rest, '\n');
	line = str_sub(line, 0, sizeof(child->error) - 1);
	if (line.len > 0)
		memcpy(child->error, line.ptr, line.len);
	child->error[line.len] = '\0';
}

/* The same trouble at every attempt is told once. */
static void tell_end(struct child *child, int status, struct diary *diary, int64_t now_ns)
{
	uint64_t trouble = hash64(buf_str(&child->words), (uint64_t)status) | 1;

	if (child->words.len > 0)
		keep_last_line(child);
	if (trouble != child->trouble) {
		tell_words(child, diary, now_ns);
		if (WIFSIGNALED(status))
			diary_say(diary, "the server was ended by signal %d; it is started again",
				WTERMSIG(status));
		else
			diary_say(diary, "the server has ended (status %d); it is tried again",
				WEXITSTATUS(status));
	}
	child->trouble = trouble;
}

static void bury(struct child *child, int status, struct diary *diary, int64_t now_ns)
{
	bool asked = child->kill_at_ns != INT64_MAX;

	child->pid = 0;
	child->kill_at_ns = INT64_MAX;
	fs_closep(&child->out);
	fs_closep(&child->err);
	if (asked) {
		tell_words(child, diary, now_ns);
		child->listen = (struct str){ NULL, 0 };
		child->retry_at_ns = INT64_MIN;
		return;
	}
	tell_end(child, status, diary, now_ns);
	child->listen = (struct str){ NULL, 0 };
	if (now_ns - child->began_ns >= LASTING_MS * NS_PER_MS)
		child->failures = 0;
	later(child, now_ns);
}

bool child_look(struct child *child, struct diary *diary, int64_t now_ns)
{
	struct str listen = child->listen;
	pid_t before = child->pid;
	int status;

	if (child->pid > 0) {
		if (!child->argv)
			end(child, KILL_MS, now_ns);
		if (now_ns >= child->kill_at_ns)
			kill(child->pid, SIGKILL);
		hear(child, diary, now_ns);
		if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
			hear(child, diary, now_ns); /* its last words */
			bury(child, status, diary, now_ns);
		}
	}
	if (child->pid == 0 && child->argv && !child->stopping && now_ns >= child->retry_at_ns)
		start(child, diary, now_ns);
	return child->pid != before || child->listen.ptr != listen.ptr;
}

int64_t child_next(const struct child *child, int64_t now_ns)
{
	if (child->pid == 0)
		return child->argv && !child->stopping ? child->retry_at_ns : INT64_MAX;
	if (child->out < 0 && child->err < 0)
		return now_ns + REAP_MS * NS_PER_MS;
	return child->kill_at_ns;
}

void child_fds(const struct child *child, struct pollfd fds[CHILD_FDS])
{
	fds[0] = (struct pollfd){ .fd = child->out, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = child->err, .events = POLLIN };
}
