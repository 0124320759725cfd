/* Running other programs to their end, for what they do and say. */
#ifndef TT_CLI_RUN_PROGRAM_H
#define TT_CLI_RUN_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"

enum { RUN_PROGRAM_MS = 20000, RUN_PROGRAM_BYTES = 1 << 20 };

struct run_program {
	struct str input; /* what it reads from its standard input */
	struct buf out;   /* the first RUN_PROGRAM_BYTES of what it wrote */
	struct buf errors;
};

/*
 * Exit status of ARGV, the first from the PATH; -1: it could not be run, or wrote nothing for
 * RUN_PROGRAM_MS and was ended. OUT and ERRORS begin anew.
 */
int run_program(struct run_program *run, const char *const *argv);
void run_program_release(struct run_program *run);
/* What it complained of: its errors without spaces around them, or "no answer". */
struct str run_program_complaint(const struct run_program *run);
/* Status 0? */
bool run_program_succeeds(const char *const *argv);

#endif
