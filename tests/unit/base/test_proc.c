/* Child processes: both streams, however full, ends of every kind, limits of time, and nothing left
 * behind. */
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"

enum { TIMEOUT_MS = 20000, ERRORS_LIMIT = 4096 };

/* What a shell script wrote, and how it ended. */
struct run {
	struct buf out;
	struct buf errors;
	ssize_t last; /* what the last proc_read returned */
	int status;
	struct err err;
};

static struct run run_argv(const char *const argv[], size_t errors_limit)
{
	struct run run = { .out = BUF_INIT };
	struct proc proc;
	char part[5000];

	if (!OK(proc_start(&proc, argv, &run.err) == 0))
		return run;
	for (;;) {
		run.last = proc_read(
			&proc, part, sizeof(part), &run.errors, errors_limit, TIMEOUT_MS, &run.err);
		if (run.last <= 0)
			break;
		buf_add(&run.out, (struct str){ part, (size_t)run.last });
	}
	run.status = proc_wait(&proc);
	IS_INT(proc.pid, 0);
	IS_INT(proc.out, -1);
	IS_INT(proc.err, -1);
	proc_kill(&proc); /* of a finished one: nothing */
	return run;
}

static struct run run_script(const char *script)
{
	return run_argv((const char *const[]){ "sh", "-c", script, NULL }, ERRORS_LIMIT);
}

static void run_release(struct run *run)
{
	buf_release(&run->out);
	buf_release(&run->errors);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void reads_both_streams(void)
{
	struct run run = run_script("echo to out; echo to err >&2; exit 3");

	IS_CSTR(buf_cstr(&run.out), "to out\n");
	IS_CSTR(buf_cstr(&run.errors), "to err\n");
	IS_INT(run.last, 0);
	IS_INT(run.status, 3);
	run_release(&run);
}

static void passes_words_without_a_shell(void)
{
	const char *const argv[] = { "printf", "%s|", "a b", "$HOME; `x`", "", "*", NULL };
	struct run run = run_argv(argv, ERRORS_LIMIT);

	IS_CSTR(buf_cstr(&run.out), "a b|$HOME; `x`||*|");
	IS_INT(run.status, 0);
	run_release(&run);
}

static void standard_input_is_empty(void)
{
	struct run run = run_script("cat; readlink /proc/self/fd/0");

	IS_CSTR(buf_cstr(&run.out), "/dev/null\n");
	IS_INT(run.status, 0);
	run_release(&run);
}

/* A pipe holds 64 KiB: a reader of one stream only would wait for ever. */
static void much_on_standard_error_never_blocks(void)
{
	struct run run = run_script(
		"head -c 1048576 /dev/zero | tr '\\0' e >&2; echo the end >&2; echo done");

	IS_CSTR(buf_cstr(&run.out), "done\n");
	IS_INT(run.errors.len, ERRORS_LIMIT);
	OK(str_ends(buf_str(&run.errors), STR("eee\nthe end\n")) ||
		str_ends(buf_str(&run.errors), STR("eeethe end\n")));
	IS_INT(run.status, 0);
	run_release(&run);
}

static void much_on_both_arrives_whole(void)
{
	struct run run = run_script(
		"for i in 1 2 3 4; do head -c 262144 /dev/zero; head -c 262144 /dev/zero >&2; done");

	IS_INT(run.out.len, 4 * 262144);
	IS_INT(run.errors.len, ERRORS_LIMIT);
	IS_INT(run.status, 0);
	run_release(&run);
}

static void output_goes_on_after_the_other_stream_ends(void)
{
	struct run first = run_script("exec 2>&-; sleep 0.05; echo out");
	struct run second = run_script("exec >&-; sleep 0.05; echo err >&2");

	IS_CSTR(buf_cstr(&first.out), "out\n");
	IS_CSTR(buf_cstr(&second.errors), "err\n");
	IS_INT(second.out.len, 0);
	run_release(&first);
	run_release(&second);
}

static void errors_may_be_kept_not_at_all(void)
{
	const char *const argv[] = { "sh", "-c", "echo lost >&2; echo kept", NULL };
	struct run run = run_argv(argv, 0);

	IS_INT(run.errors.len, 0);
	IS_CSTR(buf_cstr(&run.out), "kept\n");
	run_release(&run);
}

static void a_signal_is_128_and_its_number(void)
{
	struct run run = run_script("kill -KILL $$");

	IS_INT(run.status, 128 + SIGKILL);
	run_release(&run);
}

static void cannot_start(const char *program)
{
	const char *const argv[] = { program, NULL };
	struct err err = { 0 };
	struct proc proc;
	int before = open_descriptors();

	IS_INT(proc_start(&proc, argv, &err), ERR_NOT_FOUND);
	IS_INT(err.code, ERR_NOT_FOUND);
	OK(strstr(err.message, program) != NULL);
	proc_kill(&proc);
	IS_INT(open_descriptors(), before);
	IS_INT(waitpid(-1, NULL, WNOHANG), -1);
	IS_INT(errno, ECHILD);
}

static void a_missing_program_is_an_error_at_the_start(void)
{
	cannot_start("tt-no-such-program");
	cannot_start("/nonexistent/dir/program");
	cannot_start("/etc/passwd"); /* not executable */
	cannot_start("/");
}

static void waiting_has_a_limit(void)
{
	const char *const argv[] = { "sleep", "60", NULL };
	CLEANUP(buf_release) struct buf errors = BUF_INIT;
	struct err err = { 0 };
	struct proc proc;
	char part[10];
	int64_t start_ns = clock_monotonic_ns();
	pid_t pid;

	if (!OK(proc_start(&proc, argv, &err) == 0))
		return;
	pid = proc.pid;
	IS_INT(proc_read(&proc, part, sizeof(part), &errors, 10, 0, &err), ERR_TIMEOUT);
	IS_INT(proc_read(&proc, part, sizeof(part), &errors, 10, 50, &err), ERR_TIMEOUT);
	OK(clock_monotonic_ns() - start_ns >= 49 * INT64_C(1000000));
	IS_INT(kill(pid, 0), 0);
	proc_kill(&proc);
	OK(clock_monotonic_ns() - start_ns < 20000 * INT64_C(1000000));
	IS_INT(kill(pid, 0), -1);
	IS_INT(proc.pid, 0);
	IS_INT(proc.out, -1);
	proc_kill(&proc);
}

/* Standard error alone does not count as progress. */
static void chatter_does_not_push_the_limit_away(void)
{
	const char *const argv[] = { "sh", "-c", "while :; do echo still busy; done >&2", NULL };
	CLEANUP(buf_release) struct buf errors = BUF_INIT;
	struct err err = { 0 };
	struct proc proc;
	char part[10];

	if (!OK(proc_start(&proc, argv, &err) == 0))
		return;
	IS_INT(proc_read(&proc, part, sizeof(part), &errors, 100, 60, &err), ERR_TIMEOUT);
	IS_INT(errors.len, 100);
	proc_kill(&proc);
}

static void kills_what_does_not_want_to_end(void)
{
	const char *const argv[] = { "sh", "-c",
		"trap '' TERM; echo ready; while :; do sleep 0.2; done", NULL };
	CLEANUP(buf_release) struct buf errors = BUF_INIT;
	struct err err = { 0 };
	struct proc proc;
	char part[100];
	pid_t pid;

	if (!OK(proc_start(&proc, argv, &err) == 0))
		return;
	pid = proc.pid;
	IS_INT(proc_read(&proc, part, sizeof(part), &errors, 10, TIMEOUT_MS, &err), 6);
	proc_kill(&proc);
	IS_INT(kill(pid, 0), -1);
	IS_INT(errno, ESRCH);
}

static void killing_nothing_does_nothing(void)
{
	struct proc proc = { 0 };
	int before = open_descriptors();

	proc_kill(&proc);
	IS_INT(open_descriptors(), before);
}

static bool mentions_pipe(const struct buf *listing, int fd)
{
	struct stat status;
	char name[64];

	if (fstat(fd, &status) != 0)
		return true;
	snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)status.st_ino);
	return strstr(buf_cstr(listing), name) != NULL;
}

/* A child that inherits another's pipe end would keep that one from ever seeing its end. */
static void children_inherit_only_the_standard_streams(void)
{
	const char *const sleeper[] = { "sleep", "60", NULL };
	struct err err = { 0 };
	struct proc first;
	struct run second;

	if (!OK(proc_start(&first, sleeper, &err) == 0))
		return;
	second = run_argv((const char *const[]){ "ls", "-l", "/proc/self/fd", NULL }, ERRORS_LIMIT);
	OK(strstr(buf_cstr(&second.out), "pipe:[") != NULL);
	OK(!mentions_pipe(&second.out, first.out));
	OK(!mentions_pipe(&second.out, first.err));
	run_release(&second);
	proc_kill(&first);
}

static void leaves_no_descriptor_open(void)
{
	int before = open_descriptors();

	for (int i = 0; i < 3; i++) {
		struct run run = run_script("echo x");

		run_release(&run);
	}
	IS_INT(open_descriptors(), before);
}

/* The set of signals behind NAME, as the kernel lists it. */
static unsigned long long signals_after(const struct buf *status, const char *name)
{
	const char *at = strstr(buf_cstr(status), name);

	return at ? strtoull(at + strlen(name), NULL, 16) : ~0ull;
}

/* A server ignores SIGPIPE and blocks signals; its children must not inherit that. */
static void children_have_ordinary_signals(void)
{
	sigset_t blocked, old;
	struct run run;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	run = run_script("grep -E '^Sig(Blk|Ign)' /proc/self/status");
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	IS_INT(signals_after(&run.out, "SigBlk:"), 0);
	IS_INT(signals_after(&run.out, "SigIgn:") & 1u << (SIGPIPE - 1), 0);
	run_release(&run);
}

/* Started with closed standard streams, as by some daemons: the pipes get the low numbers. */
static void works_without_standard_streams(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		const char *const argv[] = { "sh", "-c", "echo out; echo err >&2", NULL };
		struct buf errors = BUF_INIT;
		struct err err;
		struct proc proc;
		char part[10];
		bool right;

		close(0);
		close(1);
		close(2);
		if (proc_start(&proc, argv, &err) < 0)
			_exit(1);
		right = proc_read(&proc, part, sizeof(part), &errors, 10, TIMEOUT_MS, &err) == 4 &&
			memcmp(part, "out\n", 4) == 0;
		right = right &&
			proc_read(&proc, part, sizeof(part), &errors, 10, TIMEOUT_MS, &err) == 0;
		right = right && str_eq_c(buf_str(&errors), "err\n") && proc_wait(&proc) == 0;
		buf_release(&errors);
		_exit(right ? 0 : 2);
	}
	OK(waitpid(pid, &status, 0) == pid);
	IS_INT(status, 0);
}

static void an_untold_end_is_minus_one(void)
{
	struct run run;

	signal(SIGCHLD, SIG_IGN);
	run = run_argv((const char *const[]){ "true", NULL }, 0);
	signal(SIGCHLD, SIG_DFL);
	IS_INT(run.status, -1);
	run_release(&run);
}

static const struct tap_case cases[] = {
	TAP_CASE(reads_both_streams),
	TAP_CASE(passes_words_without_a_shell),
	TAP_CASE(standard_input_is_empty),
	TAP_CASE(much_on_standard_error_never_blocks),
	TAP_CASE(much_on_both_arrives_whole),
	TAP_CASE(output_goes_on_after_the_other_stream_ends),
	TAP_CASE(errors_may_be_kept_not_at_all),
	TAP_CASE(a_signal_is_128_and_its_number),
	TAP_CASE(a_missing_program_is_an_error_at_the_start),
	TAP_CASE(waiting_has_a_limit),
	TAP_CASE(chatter_does_not_push_the_limit_away),
	TAP_CASE(kills_what_does_not_want_to_end),
	TAP_CASE(killing_nothing_does_nothing),
	TAP_CASE(children_inherit_only_the_standard_streams),
	TAP_CASE(leaves_no_descriptor_open),
	TAP_CASE(children_have_ordinary_signals),
	TAP_CASE(works_without_standard_streams),
	TAP_CASE(an_untold_end_is_minus_one),
};

TAP_MAIN(cases)
