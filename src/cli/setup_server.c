#include "cli/setup_server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/database_url.h"

struct step {
	const char *name;
	const char *says; /* when it begins */
	int (*run)(struct server_setup *server, struct err *err);
};

static const struct step steps[] = {
	{ "account", "The user that the server runs as", server_account },
	{ "store", "Where it keeps events", server_store },
	{ "config", "Its configuration", server_config_step },
	{ "key", "The first key", server_key },
	{ "unit", "Its start with the system", server_unit },
	{ "server", "Does it answer?", server_answers },
};

struct values {
	const char *listen;
	const char *tls_cert;
	const char *tls_key;
	const char *email;
	const char *account;
	const char *unit;
	int plain;
	int make_database;
	int yes;
	int print;
	int undo;
};

#define VALUE(name) offsetof(struct values, name)

static const struct args_option options[] = {
	{ "listen", 'l', ARGS_TEXT, VALUE(listen), "ADDRESS:PORT", "where it listens" },
	{ "tls-cert", 0, ARGS_TEXT, VALUE(tls_cert), "FILE", "its certificate chain (PEM)" },
	{ "tls-key", 0, ARGS_TEXT, VALUE(tls_key), "FILE", "the certificate's key (PEM)" },
	{ "plain", 0, ARGS_FLAG, VALUE(plain), NULL, "no certificate: a proxy in front has TLS" },
	{ "email", 'e', ARGS_TEXT, VALUE(email), "EMAIL", "who gets the first key, an admin's" },
	{ "make-database", 0, ARGS_FLAG, VALUE(make_database), NULL,
		"make role and database of --store, as PostgreSQL's administrator of this machine" },
	{ "user", 0, ARGS_TEXT, VALUE(account), "NAME",
		"the system's user that it runs as (default tidemark; made if there is none)" },
	{ "unit", 0, ARGS_TEXT, VALUE(unit), "FILE",
		"systemd's unit (default /etc/systemd/system/tidemark-server.service)" },
	{ "yes", 'y', ARGS_FLAG, VALUE(yes), NULL,
		"ask nothing: options, what was chosen last time, what is usual" },
	{ "print", 0, ARGS_FLAG, VALUE(print), NULL, "change nothing; print what would be" },
	{ "undo", 0, ARGS_FLAG, VALUE(undo), NULL,
		"take back configuration and unit; what is stored stays" },
};

static struct server_choices given_by(struct cli *cli, const struct values *values)
{
	return (struct server_choices){
		.store = cli->globals.store,
		.make_database = values->make_database ? "yes" : NULL,
		.listen = values->listen,
		.tls_cert = values->tls_cert,
		.tls_key = values->tls_key,
		.plain = values->plain ? "yes" : NULL,
		.email = values->email,
		.account = values->account,
		.config = cli->globals.config,
		.unit = values->unit,
	};
}

/* What this machine's own programs are told is not the server's. */
static int forget_environment(struct err *err)
{
	static const char *const names[] = { "TT_STORE", "TT_USER", "TT_SERVE_LISTEN",
		"TT_SERVE_TLS_CERT", "TT_SERVE_TLS_KEY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (unsetenv(names[i]) < 0)
			return err_sys(err, "%s", names[i]);
	return 0;
}

/* --- the end --- */

static void print_part(struct buf *out, const char *path, struct str text)
{
	buf_printf(out, "\n--- %s\n%.*s", path, STR_ARG(text));
}

static int print_files(struct server_setup *server, struct err *err)
{
	CLEANUP(buf_release) struct buf config = BUF_INIT, unit = BUF_INIT;
	struct arena *arena = &server->cli->arena;
	struct str store = database_url_shown(arena, str_from(server->chosen.store));

	if (server->cli->globals.json)
		return 0;
	if (server_config_text(server, arena_cstr(arena, store), &config, err) < 0 ||
		server_unit_text(server, &unit, err) < 0)
		return err->code;
	print_part(&server->cli->out, server->chosen.config, buf_str(&config));
	print_part(&server->cli->out, server->chosen.unit, buf_str(&unit));
	return 0;
}

static int finish(struct server_setup *server, struct err *err)
{
	struct cli *cli = server->cli;
	int rc = setup_print(&server->setup);

	if (rc != 0)
		return rc;
	if (server->print)
		return print_files(server, err);
	log_info(&cli->log,
		"More keys: tt --config %s serve generate-key --email …. To take this back: tt setup server --undo",
		server->chosen.config);
	return 0;
}

/* --- doing --- */

static int choose(struct server_setup *server, const struct server_choices *given, struct err *err)
{
	struct cli *cli = server->cli;
	struct str unfinished;
	bool asking = true;

	server->chosen = *given;
	if (server_choices_load(server, &unfinished, err) < 0)
		return err->code;
	if (unfinished.len > 0) {
		log_info(&cli->log, "Last time it ended at the step '%.*s'.", STR_ARG(unfinished));
		asking = !server_ask_yes(server, "Go on with what was chosen then?", true);
	}
	if (!server->yes && !cli_interactive())
		return err_set(err, ERR_USAGE,
			"this is no terminal: answer with options, and --yes (see 'tt setup server --help')");
	return server_choices_complete(server, given, asking, err);
}

static int walk(struct server_setup *server, struct err *err)
{
	struct cli *cli = server->cli;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct step *step = &steps[i];
		struct err fault;

		if (!server->print)
			log_info(&cli->log, "%zu/%zu  %s", i + 1, ARRAY_LEN(steps), step->says);
		if (server_choices_save(server, step->name, err) < 0)
			return err->code;
		if (step->run(server, &fault) < 0) {
			setup_note(&server->setup, step->name, "failed",
				arena_str(&cli->arena, str_from(fault.message)));
			log_warn(&cli->log, "%s: %s", step->name, fault.message);
			log_info(&cli->log,
				"What was done stays; 'tt setup server' goes on from here.");
			return setup_print(&server->setup);
		}
	}
	if (server_choices_save(server, NULL, err) < 0)
		return err->code;
	return finish(server, err);
}

static int undo(struct server_setup *server, const struct server_choices *given, struct err *err)
{
	struct str unfinished;
	bool removed = false;

	server->chosen = *given;
	server->yes = true;
	if (server_choices_load(server, &unfinished, err) < 0)
		return err->code;
	if (!server->chosen.email)
		server->chosen.email = "nobody@localhost"; /* nobody gets a key */
	if (server_choices_complete(server, given, false, err) < 0 ||
		server_unit_remove(server, err) < 0 || server_config_remove(server, err) < 0)
		return err->code;
	if (!server->print && unlink(server->state) < 0 && errno != ENOENT)
		return err_sys(err, "%s", server->state);
	for (size_t i = 0; i < server->setup.count; i++)
		removed |= strcmp(server->setup.items[i].status, "done") == 0;
	if (!removed)
		return setup_print(&server->setup);
	log_info(&server->cli->log,
		"What is stored stays, in %.*s; so do the keys and the user %s.",
		STR_ARG(database_url_shown(&server->cli->arena, str_from(server->chosen.store))),
		server->chosen.account);
	return setup_print(&server->setup);
}

static int server_command(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct values *command = values;
	struct server_setup server = { .cli = cli,
		.setup = { .cli = cli, .has_key = true },
		.yes = command->yes || command->print,
		.print = command->print,
		.state = fs_join(&cli->arena, cli->dirs.state, "setup-server.json") };
	const struct server_choices given = given_by(cli, command);

	(void)operands;
	if (forget_environment(err) < 0)
		return err->code;
	if (command->undo)
		return undo(&server, &given, err);
	if (choose(&server, &given, err) < 0)
		return err->code;
	return walk(&server, err);
}

const struct command setup_server = {
	.name = "server",
	.summary = "a server for several people or machines, started with the system",
	.usage =
		"[--store URL] [--listen ADDRESS:PORT] [--tls-cert FILE --tls-key FILE | --plain] [--email EMAIL] "
		"[--make-database] [--yes] [--print | --undo]",
	.details =
		"As root. Asks what it has to know, then does it step by step, saying so: the user it runs as, the store (a file,\n"
		"or a database in PostgreSQL, which it makes on this machine if you like), /etc/tt/config.toml (--config: another), the\n"
		"first key, systemd's unit; at last it asks the server whether it answers. Twice changes nothing; what was cut short\n"
		"goes on where it ended, with what was chosen.",
	.args = { .options = options, .option_count = ARRAY_LEN(options) },
	.values_size = sizeof(struct values),
	.run = server_command,
	.bare = true,
};
