/*
 * The program: finds the command, reads options and configuration, runs it, prints its error in the
 * one place where errors are printed. The hook commands come here too, and have 3 ms: nothing is
 * opened or read that the command does not ask for.
 */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/become.h"
#include "cli/frame.h"

enum { MOST_NAMES = 64 };

/* The option with this long name, or with NULL this letter, of SPEC (may be NULL) or of every
 * command. */
static const struct args_option *find_option(
	const struct args_spec *spec, const char *name, char letter)
{
	const struct args_spec *const specs[] = { spec, cli_options() };

	for (size_t s = 0; s < ARRAY_LEN(specs); s++)
		for (size_t i = 0; specs[s] && i < specs[s]->option_count; i++)
			if (name ? strcmp(specs[s]->options[i].name, name) == 0
				 : specs[s]->options[i].letter == letter)
				return &specs[s]->options[i];
	return NULL;
}

static bool wants_value(const struct args_option *option)
{
	return option && option->kind != ARGS_FLAG && option->kind != ARGS_OPTIONAL;
}

/* ARG, which begins with '-', is an option whose value is the next argument. */
static bool takes_next(const struct args_spec *spec, const char *arg)
{
	if (arg[1] == '-')
		return wants_value(find_option(spec, arg + 2, 0));
	for (size_t at = 1; arg[at] != '\0'; at++)
		if (wants_value(find_option(spec, NULL, arg[at])))
			return arg[at + 1] == '\0';
	return false;
}

/*
 * The index in ARGV of the first word that is no option, or ARGC. Options with a value before it
 * are stepped over: the global ones, and those of SPEC, which may be NULL.
 */
static int find_word(int argc, const char *const argv[], const struct args_spec *spec)
{
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			return i;
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc ? i + 1 : argc;
		if (takes_next(spec, argv[i]))
			i++;
	}
	return argc;
}

static const struct command *find_in(
	const struct command *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i]->name, name) == 0)
			return list[i];
	return NULL;
}

static size_t list_length(const struct command *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/* What is wrong with WORD, which is none of LIST; PARENT: whose subcommands these are, or NULL. */
static int unknown_command(const struct command *parent, const struct command *const *list,
	size_t count, const char *word, struct err *err)
{
	const char *names[MOST_NAMES];
	const char *near;
	size_t used = 0;

	for (size_t i = 0; i < count && used < ARRAY_LEN(names); i++)
		if (!list[i]->hidden && list[i]->name[0] != '\0')
			names[used++] = list[i]->name;
	near = args_nearest(word, names, used);
	return err_set(err, ERR_USAGE, "%s%sunknown command '%s'%s%s%s; 'tt %s%s--help' lists them",
		parent ? parent->name : "", parent ? ": " : "", word,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
		parent ? parent->name : "", parent ? " " : "");
}

/* A command line taken apart: what to run, and its words without the command's name. */
struct invocation {
	const struct command *command;
	const struct command *parent; /* of a subcommand, else NULL */
	bool named;                   /* the subcommand was, and is not just the first */
	const char **argv;
	int argc;
};

/* Drop word AT from the invocation's arguments. */
static void drop_word(struct invocation *invocation, int at)
{
	for (int i = at; i + 1 < invocation->argc; i++)
		invocation->argv[i] = invocation->argv[i + 1];
	invocation->argc--;
}

static int choose_subcommand(struct invocation *invocation, struct err *err)
{
	const struct command *parent = invocation->command, *first;
	size_t count = list_length(parent->subcommands);
	const struct command *sub = NULL;
	int at;

	if (count == 0)
		return 0;
	first = parent->subcommands[0];
	invocation->parent = parent;
	invocation->command = first;
	at = find_word(invocation->argc, invocation->argv, &first->args);
	if (at == invocation->argc)
		return 0;
	sub = find_in(parent->subcommands, count, invocation->argv[at]);
	if (!sub && first->args.max_operands == 0)
		return unknown_command(
			parent, parent->subcommands, count, invocation->argv[at], err);
	if (!sub)
		return 0;
	invocation->command = sub;
	invocation->named = true;
	drop_word(invocation, at);
	return 0;
}

/* `tt help COMMAND` is what many type first: *HELP is set then. */
static int choose(struct invocation *invocation, int *help, struct err *err)
{
	size_t count;
	const struct command *const *all = commands(&count);
	int at = find_word(invocation->argc, invocation->argv, NULL);

	if (at < invocation->argc && strcmp(invocation->argv[at], "help") == 0) {
		*help = 1;
		drop_word(invocation, at);
		at = find_word(invocation->argc, invocation->argv, NULL);
	}
	if (at == invocation->argc)
		return 0;
	invocation->command = find_in(all, count, invocation->argv[at]);
	if (!invocation->command)
		return unknown_command(NULL, all, count, invocation->argv[at], err);
	drop_word(invocation, at);
	return choose_subcommand(invocation, err);
}

static void print_error(struct cli *cli, const struct err *err)
{
	struct json_writer writer = json_writer(&cli->out);

	fprintf(stderr, "tt: %s\n", err->message);
	if (!cli->globals.json || cli->answered)
		return;
	buf_clear(&cli->out); /* one object: the error, not half an answer */
	json_begin_object(&writer);
	cli_put_error(&writer, err);
	json_end_object(&writer);
	buf_byte(&cli->out, '\n');
}

/*
 * `--help`, `--version` and `--json` hold wherever they stand, also when the rest is wrong: then it
 * is help that is needed, and an error in JSON. What is another option's value is none of them.
 */
static void look_ahead(struct cli *cli, const struct invocation *invocation)
{
	const struct args_spec *spec = invocation->command ? &invocation->command->args : NULL;

	for (int i = 0; i < invocation->argc && strcmp(invocation->argv[i], "--") != 0; i++) {
		const char *arg = invocation->argv[i];

		if (arg[0] != '-' || arg[1] == '\0')
			continue;
		if (takes_next(spec, arg))
			i++;
		cli->globals.help |= strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
		cli->globals.version |= strcmp(arg, "--version") == 0 || strcmp(arg, "-V") == 0;
		cli->globals.json |= strcmp(arg, "--json") == 0;
	}
}

static void show_help(struct cli *cli, const struct invocation *invocation)
{
	const struct command *parent = invocation->parent;

	if (parent && !invocation->named)
		frame_help(parent, NULL, &cli->out);
	else
		frame_help(invocation->command, parent, &cli->out);
}

static int run_command(struct cli *cli, const struct invocation *invocation,
	const struct args_list *operands, const void *values, struct err *err)
{
	int rc = clock_check(err);

	if (rc < 0)
		return rc;
	cli->now_ns = clock_now_ns();
	rc = invocation->command->bare ? fs_dirs(&cli->arena, &cli->dirs, err)
				       : frame_configure(cli, err);
	if (rc == 0 && !invocation->command->bare && !invocation->command->storeless)
		rc = become_for_store(cli, err);
	if (rc < 0)
		return rc;
	return invocation->command->run(cli, values, operands, err);
}

static int parse(struct cli *cli, const struct invocation *invocation, void *values,
	struct args_list *operands, struct err *err)
{
	static const struct args_spec none = { .max_operands = 0 };
	const struct args_spec *spec = invocation->command ? &invocation->command->args : &none;
	int rc = args_parse(spec, values, cli_options(), &cli->globals, invocation->argc,
		invocation->argv, operands, &cli->arena, err);

	if (rc < 0 && invocation->command)
		return err_context(err, "%s%s%s",
			invocation->parent ? invocation->parent->name : "",
			invocation->parent && invocation->command->name[0] ? " " : "",
			invocation->command->name);
	return rc;
}

static int run(struct cli *cli, struct invocation *invocation, struct err *err)
{
	_Alignas(max_align_t) unsigned char values[CLI_VALUES_BYTES] = { 0 };
	struct args_list operands = { NULL, 0 };
	int rc = choose(invocation, &cli->globals.help, err);

	ASSERT(!invocation->command || invocation->command->values_size <= sizeof(values));
	look_ahead(cli, invocation);
	if (rc == 0 && !cli->globals.help && !cli->globals.version)
		rc = parse(cli, invocation, values, &operands, err);
	cli->log.level = cli->globals.quiet ? LOG_QUIET : cli->globals.verbose;
	if (rc < 0)
		return rc;
	if (cli->globals.version) {
		buf_addc(&cli->out, "tt " TT_VERSION "\n");
		return 0;
	}
	if (cli->globals.help || !invocation->command) {
		show_help(cli, invocation);
		return 0;
	}
	return run_command(cli, invocation, &operands, values, err);
}

/* Installed under this name, the program does that. */
static const struct {
	const char *name;
	const char *word;
} other_names[] = {
	{ "kt-server", "serve" },
};

static void take_words(struct cli *cli, struct invocation *invocation, int argc)
{
	const char *slash = argc > 0 ? strrchr(cli->argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? cli->argv[0] : "";

	invocation->argv = arena_zalloc(&cli->arena, (size_t)argc + 2, sizeof(*invocation->argv));
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++)
		if (strcmp(name, other_names[i].name) == 0)
			invocation->argv[invocation->argc++] = other_names[i].word;
	for (int i = 1; i < argc; i++)
		invocation->argv[invocation->argc++] = cli->argv[i];
}

int main(int argc, char **argv)
{
	struct cli cli = { .argv = argv, .log = { .program = "tt" } };
	struct invocation invocation = { 0 };
	struct err err = { 0 };
	int rc, status;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an answer to write(), handled in cli_flush */
	signal(SIGXFSZ,
		SIG_IGN); /* a limit on file sizes is an error of write(), as a full disk is */
	take_words(&cli, &invocation, argc);
	rc = run(&cli, &invocation, &err);
	if (rc < 0)
		print_error(&cli, &err);
	status = rc < 0 ? err_exit_status(rc) : rc;
	rc = cli_flush(&cli, &err);
	if (rc < 0 && status == 0) {
		fprintf(stderr, "tt: %s\n", err.message);
		status = err_exit_status(rc);
	}
	frame_release(&cli);
	return status;
}
