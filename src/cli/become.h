/*
 * The programs. `tt` links what starts at once; what would slow the start of every command stands
 * in programs of their own, which `tt` becomes by exec, with the same command line: tt-serve (HTTP,
 * regular expressions) and tt-postgres (libpq; all commands, and the server). What a program does
 * not do itself, its functions here do by becoming the one that does.
 */
#ifndef TT_CLI_BECOME_H
#define TT_CLI_BECOME_H

#include "cli/command.h"

/* Which program this is: program_tt.c, program_serve.c, program_postgres.c. */
struct program {
	const char *name;
	const char *server; /* what the daemon starts for serving */
	bool postgres;      /* its stores are PostgreSQL databases, not SQLite files */
};
const struct program *program(void);

/* Where the program NAME is: beside this one, or where it is installed. ERR_NOT_FOUND names the
 * places. */
MUST_USE int become_path(struct arena *arena, const char *name, const char **out, struct err *err);
/* Run NAME instead, with the same command line; returns when that fails. */
MUST_USE int become(struct cli *cli, const char *name, struct err *err);
/* The program for the store of this run: returns 0 when this is it. */
MUST_USE int become_for_store(struct cli *cli, struct err *err);

struct serve_values {
	struct args_list listen;
	int testing;
	int require_key;
	const char *tls_cert;
	const char *tls_key;
	const char *webui;
};
/* `tt serve`: until a signal ends it. */
MUST_USE int serve_run(struct cli *cli, const struct serve_values *values, struct err *err);
/* `tt serve check`: does it answer? */
MUST_USE int serve_check_run(struct cli *cli, struct err *err);

struct query_lang_values {
	const char *program; /* a file, or "-" */
	const char *last;
	const char *since;
	const char *until;
	const char *zone;
};
/* `tt query --lang`. */
MUST_USE int query_lang_run(
	struct cli *cli, const struct query_lang_values *values, struct err *err);

#endif
