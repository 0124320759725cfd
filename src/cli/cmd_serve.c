/* tt serve: the server, and who may use it. The work itself is tt-serve's: become.h. */
#include "cli/become.h"
#include "cli/commands.h"
#include "cli/serve_keys.h"

#define VALUE(name) offsetof(struct serve_values, name)

static const struct args_option serve_options[] = {
	{ "listen", 'l', ARGS_LIST, VALUE(listen), "ADDRESS:PORT",
		"where to listen (may be repeated; default 127.0.0.1:5600; port 0: any)" },
	{ "testing", 0, ARGS_FLAG, VALUE(testing), NULL,
		"port 5666 and a store of its own, for trying things out" },
	{ "require-key", 0, ARGS_FLAG, VALUE(require_key), NULL,
		"ask for a key on this machine too" },
	{ "tls-cert", 0, ARGS_TEXT, VALUE(tls_cert), "FILE", "certificate chain (PEM)" },
	{ "tls-key", 0, ARGS_TEXT, VALUE(tls_key), "FILE", "its key (PEM)" },
	{ "webui", 0, ARGS_TEXT, VALUE(webui), "DIR",
		"serve these files instead of the own page: ActivityWatch's web page" },
};

static int run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)operands;
	return serve_run(cli, values, err);
}

#define SUMMARY "answer ActivityWatch's API and show the page, over HTTP"

static const struct command command_serve_itself = {
	.name = "",
	.summary = SUMMARY,
	.usage =
		"[--listen ADDRESS:PORT]… [--testing] [--require-key] [--tls-cert FILE --tls-key FILE] [--webui DIR]",
	.args = { .options = serve_options, .option_count = ARRAY_LEN(serve_options) },
	.values_size = sizeof(struct serve_values),
	.run = run,
};

static int check_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	(void)operands;
	return serve_check_run(cli, err);
}

static const struct command command_serve_check = {
	.name = "check",
	.summary = "does the server of this configuration answer, and can it write?",
	.usage = "",
	.details =
		"Asks /healthz and /readyz at each of serve.listen, from this machine. Exit status 1 unless all are ready.",
	.run = check_run,
	.storeless = true,
};

static const struct command *const subcommands[] = { &command_serve_itself,
	&command_serve_generate_key, &command_serve_users, &command_serve_keys,
	&command_serve_revoke, &command_serve_devices, &command_serve_export, &command_serve_erase,
	&command_serve_check, NULL };

const struct command command_serve = {
	.name = "serve",
	.summary = SUMMARY,
	.usage =
		"[--listen ADDRESS:PORT]… [--testing] [--require-key] [--tls-cert FILE --tls-key FILE] [--webui DIR] | COMMAND",
	.details =
		"On this machine nobody needs a key, unless --require-key; from elsewhere everybody does:\n"
		"  tt serve generate-key --email you@example.org\n"
		"SIGTERM ends it when what it accepted is stored; SIGHUP makes it read its configuration (serve.NAME), its\n"
		"certificate and its access log again. 'tt start' starts it too. docs/serving.md tells more.",
	.args = { .options = serve_options, .option_count = ARRAY_LEN(serve_options) },
	.values_size = sizeof(struct serve_values),
	.run = run,
	.subcommands = subcommands,
};
