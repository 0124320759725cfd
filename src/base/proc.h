/* Child processes: an argument vector, no shell; standard input, output and error as pipes that are
 * drained together. */
#ifndef TT_BASE_PROC_H
#define TT_BASE_PROC_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct proc {
	pid_t pid;
	int out; /* the child's standard output, readable; -1 once closed */
	int err; /* the child's standard error, readable; -1 once closed */
};

/*
 * Start ARGV[0] from the PATH, standard input from /dev/null. ERR_NOT_FOUND when there is no such
 * program or it cannot be executed. On failure *PROC is one that proc_kill takes.
 */
MUST_USE int proc_start(struct proc *proc, const char *const argv[], struct err *err);
/* The same with the open file IN as its standard input; -1: /dev/null. IN stays the caller's. */
MUST_USE int proc_start_reading(
	struct proc *proc, const char *const argv[], int in, struct err *err);
/*
 * Read whatever arrives from either stream first, waiting up to TIMEOUT_MS for standard output,
 * however much standard error comes meanwhile. Standard error is appended to ERRORS, keeping at
 * most its last ERRORS_LIMIT bytes, so that a child that writes much of it never blocks. Returns
 * bytes put into BUFFER (standard output), 0 at the end of both streams, or ERR_TIMEOUT (the child
 * still runs), ERR_IO.
 */
MUST_USE ssize_t proc_read(struct proc *proc, char *buffer, size_t size, struct buf *errors,
	size_t errors_limit, int64_t timeout_ms, struct err *err);
/* Wait for the end: exit status, or 128 + signal; -1 if the system does not tell (SIGCHLD is
 * ignored). Closes the pipes. */
int proc_wait(struct proc *proc);
/* Terminate (SIGTERM, after half a second SIGKILL) and reap; safe on an all-zero or finished one.
 */
void proc_kill(struct proc *proc);

#endif
