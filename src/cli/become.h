/*
 * What the program tt-serve does. It is linked with libraries that would slow the start of every
 * command (HTTP, regular expressions), so `tt` becomes it by exec, with the same command line; in
 * tt-serve these functions do the work themselves.
 */
#ifndef TT_CLI_BECOME_H
#define TT_CLI_BECOME_H

#include "cli/command.h"

/* Where tt-serve is: beside this program, or in ../libexec/tidemark. ERR_NOT_FOUND names both. */
MUST_USE int become_path(struct arena *arena, const char **out, struct err *err);

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
