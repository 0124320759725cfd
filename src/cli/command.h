/*
 * Commands. Each is one file cmd_<name>.c with its descriptor at the end and one row in commands.c.
 *
 * Data goes to cli->out (flushed to standard output by the frame, or by cli_flush in between for
 * long streams); everything else to the log. With --json a command that prints data writes exactly
 * one object. run() returns 0, a negative ERR_* with ERR set (the frame prints it), or CLI_PARTIAL
 * when it did all it could and some of it failed (already said).
 */
#ifndef TT_CLI_COMMAND_H
#define TT_CLI_COMMAND_H

#include "attention/params.h"
#include "attention/period.h"
#include "base/args.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/config.h"
#include "collect/source.h"
#include "model/machine.h"
#include "store/store.h"

enum { CLI_PARTIAL = 1 };

/* Options every command takes, before or after its name. */
struct cli_globals {
	const char *config;
	const char *store;
	int json;
	int quiet;
	int verbose;
	int no_color;
	int version;
	int help;
};

struct cli {
	char **argv; /* the whole command line: see become.h */
	struct cli_globals globals;
	struct log log;
	struct arena arena; /* freed when the command ends */
	struct buf out;     /* data, on its way to standard output */
	struct fs_dirs dirs;
	struct config config;
	struct store *store;    /* see cli_store */
	struct machine machine; /* see cli_machine */
	bool machine_loaded;
	int64_t now_ns;                    /* read once: one command, one now */
	struct collect_progress *progress; /* NULL: nobody looks */
	bool printing;                     /* a part of the data is on standard output already */
	bool answered; /* with --json: the object is complete, an error in it included */
};

struct command {
	const char *name;
	const char *summary; /* one line */
	const char *usage;   /* what follows the name: "[--label L]" */
	const char *details; /* more help, or NULL */
	struct args_spec args;
	size_t values_size; /* of the struct that args fills; at most CLI_VALUES_BYTES */
	int (*run)(struct cli *cli, const void *values, const struct args_list *operands,
		struct err *err);
	/* `tt streams list`: NULL-terminated; the first is taken when no operand names one. */
	const struct command *const *subcommands;
	bool hidden; /* another word for a command, left out of the overview */
	bool bare;   /* reads no configuration: a hook must work, and be fast, whatever stands in it
		      */
	bool storeless; /* opens no store: works whichever database the configuration names */
};

enum { CLI_VALUES_BYTES = 512 };

/* All commands in the order of the overview. */
const struct command *const *commands(size_t *count);
/* The options of struct cli_globals. */
const struct args_spec *cli_options(void);

/* Is the store of this run a PostgreSQL database, which many users share? */
bool cli_store_is_shared(const struct cli *cli);
/* Its URL, or the path of the usual one. Passwords may be in it: see database_url.h. */
const char *cli_store_url(struct cli *cli);
/* How to open it, as the user whom the configuration names. ERR_USAGE: a shared one, and it names
 * nobody. */
MUST_USE int cli_store_options(struct cli *cli, struct store_options *out, struct err *err);
/*
 * The store of this run (option, environment, configuration, default), opened on first use, made if
 * there is none, closed by the frame.
 */
MUST_USE int cli_store(struct cli *cli, struct store **out, struct err *err);
/* The same as nobody's, for what concerns users, keys and the server. */
MUST_USE int cli_store_to_administer(struct cli *cli, struct store **out, struct err *err);
/*
 * The same for a command that only looks, with what the hooks wrote. Where nothing may be written,
 * the store is read as it is; while another process writes for longer than BUSY_MS (0: the store's
 * usual patience), what is committed is read.
 */
MUST_USE int cli_store_to_read(
	struct cli *cli, int64_t busy_ms, struct store **out, struct err *err);
/* This machine's identity: ERR_IDENTITY without one. */
MUST_USE int cli_machine(struct cli *cli, const struct machine **out, struct err *err);
/*
 * Take what the hooks have written into the store, if this machine has an identity; then every
 * command sees it. A failure to write is a warning: what the journal holds stays there.
 */
void cli_drain(struct cli *cli, struct store *store);
/* What the configuration says about collecting into STORE. ERR_IDENTITY without an identity,
 * ERR_USAGE for a pattern that does not compile. */
MUST_USE int cli_collect_context(
	struct cli *cli, struct store *store, struct collect_context *out, struct err *err);
/* What one collecting round did, a row per source that ran. */
struct cli_round {
	struct source_counts *results;
	size_t count;
};
/*
 * Collect from the named sources of this machine, from all that the configuration leaves on with
 * COUNT 0 (drain included). ERR_IDENTITY without an identity; a source that fails is logged and the
 * others go on: CLI_PARTIAL then.
 */
MUST_USE int cli_collect_sources(struct cli *cli, struct store *store,
	const struct source *const *which, size_t count, struct cli_round *round, struct err *err);
/* The same with all sources, for commands that only want to be up to date. */
MUST_USE int cli_collect(struct cli *cli, struct store *store, struct err *err);
/* Delete what is older than the configuration keeps, if a day has passed since the last time. */
MUST_USE int cli_retention(struct cli *cli, struct store *store, struct err *err);
/* Write what is in cli->out to standard output now. A closed pipe ends the program quietly, as for
 * any filter. */
MUST_USE int cli_flush(struct cli *cli, struct err *err);
/* NAME, or what the configuration says, or the machine's own zone. Freed by the caller. */
MUST_USE int cli_zone(struct cli *cli, const char *name, struct zone **out, struct err *err);
struct attention_params cli_params(const struct cli *cli);
struct calendar cli_calendar(const struct cli *cli, const struct zone *zone);
/* RFC 3339 or "2 hours ago", named by OPTION in the error. */
MUST_USE int cli_time(
	struct cli *cli, const char *option, const char *text, int64_t *out_ns, struct err *err);
/* RFC 3339 text of NS in the arena; NULL view for INT64_MIN (json_kv_str makes it null). */
struct str cli_time_text(struct cli *cli, int64_t ns);
/* How far NS lies back, as people say it: "5h 32m ago", "12 days ago"; WITHOUT for INT64_MIN. In
 * the arena. */
struct str cli_ago(struct cli *cli, int64_t ns, const char *without);
/* The date that OPTION gives. ERR_USAGE names both. */
MUST_USE int cli_day(const char *option, const char *text, struct date *out, struct err *err);
/* For JSON: an empty text is null. */
struct str cli_or_null(struct str text);
/* What makes a plural of the word behind COUNT: "s" or "". */
const char *cli_plural(int64_t count);
/* The member `error` of an open object. */
void cli_put_error(struct json_writer *json, const struct err *err);
/* Standard error is a terminal, and standard input too: a person can be asked. */
bool cli_interactive(void);

#endif
