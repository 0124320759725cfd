/*
 * tt setup server: a server of this machine, from its store to the first key. A row of steps, each
 * of which looks first at what is there: so the whole may be repeated, and goes on where it ended.
 */
#ifndef TT_CLI_SETUP_SERVER_H
#define TT_CLI_SETUP_SERVER_H

#include "cli/setup.h"

/* What a person decides; texts, empty when there is none; "yes" or empty what is true or not. Kept
 * in a state file, the store without its password. */
struct server_choices {
	const char *store;
	const char *make_database;
	const char *listen;
	const char *tls_cert;
	const char *tls_key;
	const char *plain;
	const char *email;
	const char *account;
	const char *config;
	const char *unit;
};

struct server_setup {
	struct setup setup;
	struct cli *cli;
	const char *state; /* the file */
	struct server_choices chosen;
	bool yes;     /* ask nobody */
	bool print;   /* change nothing */
	bool changed; /* what the server reads at its start is another now */
	bool started; /* the server runs */
};

/* --- choices: setup_server_choices.c --- */

/* What was chosen last time into CHOSEN, where it says nothing yet. *UNFINISHED: the step at which
 * that ended; empty: all was done, or there is none. */
MUST_USE int server_choices_load(
	struct server_setup *server, struct str *unfinished, struct err *err);
/* STEP: the one that begins; NULL: all are done. */
MUST_USE int server_choices_save(struct server_setup *server, const char *step, struct err *err);
/* Fill in what is missing: by asking or, with yes, by what is usual. ASK: ask for what is there
 * too. GIVEN: what the options said, which is not asked. ERR_USAGE: what is missing has no usual.
 */
MUST_USE int server_choices_complete(
	struct server_setup *server, const struct server_choices *given, bool ask, struct err *err);
/* Yes or no, by a person; USUAL without one. */
bool server_ask_yes(const struct server_setup *server, const char *question, bool usual);

/* --- steps: what is wrong is an error, what became of it a note --- */

MUST_USE int server_account(struct server_setup *server, struct err *err);
MUST_USE int server_store(struct server_setup *server, struct err *err);
MUST_USE int server_config_step(struct server_setup *server, struct err *err);
MUST_USE int server_key(struct server_setup *server, struct err *err);
MUST_USE int server_unit(struct server_setup *server, struct err *err);
MUST_USE int server_answers(struct server_setup *server, struct err *err);

/* Take back configuration and unit. */
MUST_USE int server_config_remove(struct server_setup *server, struct err *err);
MUST_USE int server_unit_remove(struct server_setup *server, struct err *err);

/* What the files would be, for print. */
MUST_USE int server_config_text(
	struct server_setup *server, const char *store, struct buf *out, struct err *err);
MUST_USE int server_unit_text(struct server_setup *server, struct buf *out, struct err *err);
/* The store's URL, with its password, that stands in the configuration; empty: none does. In the
 * arena. */
MUST_USE int server_config_store(struct server_setup *server, const char **out, struct err *err);

/* The path of the store's file; NULL: it is a database. */
const char *server_store_path(const struct server_setup *server);
/* ARGV, NULL-terminated, as the account of the server: where we are another user. In the arena. */
const char *const *server_as_account(struct server_setup *server, const char *const *argv);
/* Make those directories of PATH that are missing, the account's own. */
MUST_USE int server_make_dirs(const struct server_setup *server, const char *path, struct err *err);

extern const struct command setup_server;
/* packaging/systemd/tidemark-server.service.in and packaging/postgres/make_database.sql. */
extern const char setup_server_systemd_unit[];
extern const char setup_server_make_database[];

#endif
