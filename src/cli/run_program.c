/* Input goes through a file without a name: neither others nor a list of processes show it. */
#include "cli/run_program.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

enum { ERRORS_BYTES = 4096, READ_BYTES = 4096 };

/* A file for its owner alone that holds TEXT, at its beginning; -1. */
static int nameless(struct str text)
{
	char name[] = "/tmp/tt-input-XXXXXX";
	int fd = mkstemp(name);
	struct err ignored;

	if (fd < 0)
		return -1;
	unlink(name);
	if (fs_write_all(fd, name, text, &ignored) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		fs_closep(&fd);
	return fd;
}

int run_program(struct run_program *run, const char *const *argv)
{
	CLEANUP(fs_closep) int in = -1;
	char text[READ_BYTES];
	struct err failure;
	struct proc proc;
	ssize_t got;

	buf_clear(&run->out);
	buf_clear(&run->errors);
	if (run->input.len > 0 && (in = nameless(run->input)) < 0)
		return -1;
	if (proc_start_reading(&proc, argv, in, &failure) < 0) {
		buf_addc(&run->errors, failure.message);
		return -1;
	}
	while ((got = proc_read(&proc, text, sizeof(text), &run->errors, ERRORS_BYTES,
			RUN_PROGRAM_MS, &failure)) > 0)
		if (run->out.len < RUN_PROGRAM_BYTES)
			buf_add(&run->out, (struct str){ text, (size_t)got });
	if (got == 0)
		return proc_wait(&proc);
	proc_kill(&proc);
	return -1;
}

void run_program_release(struct run_program *run)
{
	buf_release(&run->out);
	buf_release(&run->errors);
}

struct str run_program_complaint(const struct run_program *run)
{
	struct str text = str_trim(buf_str(&run->errors));

	return text.len > 0 ? text : STR("no answer");
}

bool run_program_succeeds(const char *const *argv)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };

	return run_program(&run, argv) == 0;
}
