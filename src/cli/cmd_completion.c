/*
 * tt completion: scripts that let a shell complete this program's words. They are written from the
 * tables of commands and options, so they know exactly what this program knows.
 *
 * Each script tells which command the line names so far, and offers that command's subcommands and
 * options; where an option or an operand is a file, files.
 */
#include <stdio.h>

#include "cli/commands.h"

static bool is_file(const char *placeholder)
{
	return placeholder &&
	       (strcmp(placeholder, "FILE") == 0 || strcmp(placeholder, "PATH") == 0 ||
		       strcmp(placeholder, "DIR") == 0);
}

static bool takes_value(const struct args_option *option)
{
	return option->kind != ARGS_FLAG && option->kind != ARGS_OPTIONAL;
}

static bool is_shown(const struct command *command)
{
	return !command->hidden && command->name[0] != '\0';
}

/* TEXT within single quotes of a POSIX shell. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_byte(out, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'')
			buf_addc(out, "'\\''");
		else
			buf_byte(out, *c);
	}
	buf_byte(out, '\'');
}

/* "bash|zsh|fish" as operands are the words themselves. */
static struct str operand_words(const struct command *command)
{
	const char *operands = command->args.operands;

	return operands && strchr(operands, '|') ? str_from(operands) : (struct str){ NULL, 0 };
}

/* --- what bash and zsh share: which command a line names --- */

/* Add "--name|-n|" of the options of SPEC that take a value; those that take files only, with
 * FILES. */
static void add_option_pattern(struct buf *out, const struct args_spec *spec, bool files)
{
	for (size_t i = 0; i < spec->option_count; i++) {
		const struct args_option *option = &spec->options[i];

		if (!takes_value(option) || (files && !is_file(option->value)))
			continue;
		buf_printf(out, "--%s|", option->name);
		if (option->letter)
			buf_printf(out, "-%c|", option->letter);
	}
}

/* The same of every command, as one case pattern. */
static void add_all_patterns(struct buf *out, bool files)
{
	size_t count;
	const struct command *const *all = commands(&count);

	add_option_pattern(out, cli_options(), files);
	for (size_t i = 0; i < count; i++) {
		add_option_pattern(out, &all[i]->args, files);
		for (size_t s = 0; all[i]->subcommands && all[i]->subcommands[s]; s++)
			add_option_pattern(out, &all[i]->subcommands[s]->args, files);
	}
	out->len--; /* the last '|' */
	out->ptr[out->len] = '\0';
}

/* Each shell writes a word with its help, a call per candidate. */
typedef void add_word(struct buf *out, const char *word, const char *help);

static void add_options(struct buf *out, const struct args_spec *spec, add_word *add)
{
	char name[64];

	for (size_t i = 0; i < spec->option_count; i++) {
		snprintf(name, sizeof(name), "--%s", spec->options[i].name);
		add(out, name, spec->options[i].help);
	}
}

static void add_candidates(struct buf *out, const struct command *command, add_word *add)
{
	struct str words = operand_words(command);

	while (words.len > 0) {
		struct str next = str_split(&words, '|');
		char word[64];

		snprintf(word, sizeof(word), "%.*s", STR_ARG(next));
		add(out, word, "");
	}
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++)
		if (is_shown(command->subcommands[i]))
			add(out, command->subcommands[i]->name, command->subcommands[i]->summary);
	if (command->subcommands)
		add_options(out, &command->subcommands[0]->args, add);
	add_options(out, &command->args, add);
	add_options(out, cli_options(), add);
}

/* One branch of the case over "COMMAND SUBCOMMAND". */
static void add_branch(
	struct buf *out, const char *parent, const struct command *command, add_word *add)
{
	if (parent)
		buf_printf(out, "\t'%s %s')\n", parent, command->name);
	else
		buf_printf(out, "\t'%s '*)\n", command->name);
	if (is_file(command->args.operands))
		buf_addc(out, "\t\tfiles=1\n");
	buf_addc(out, "\t\tcandidates=(");
	add_candidates(out, command, add);
	buf_addc(out, ") ;;\n");
}

static void add_cases(struct buf *out, add_word *add)
{
	size_t count;
	const struct command *const *all = commands(&count);

	buf_addc(out, "\tcase \"$command $sub\" in\n\t' ')\n\t\tcandidates=(");
	for (size_t i = 0; i < count; i++)
		if (is_shown(all[i]))
			add(out, all[i]->name, all[i]->summary);
	add_options(out, cli_options(), add);
	buf_addc(out, ") ;;\n");
	for (size_t i = 0; i < count; i++) {
		for (size_t s = 0; all[i]->subcommands && all[i]->subcommands[s]; s++)
			if (is_shown(all[i]->subcommands[s]))
				add_branch(out, all[i]->name, all[i]->subcommands[s], add);
		add_branch(out, NULL, all[i], add);
	}
	buf_addc(out, "\tesac\n");
}

/* The loop that sets command and sub from the words before the cursor; LINE and LAST name the
 * shell's own array and index. */
static void add_walk(struct buf *out, const char *line, const char *first, const char *last)
{
	buf_printf(out,
		"\tfor ((i = %s; i < %s; i++)); do\n"
		"\t\tcase ${%s[i]} in\n\t\t",
		first, last, line);
	add_all_patterns(out, false);
	buf_printf(out,
		") i=$((i + 1)) ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*)\n"
		"\t\t\tif [ -z \"$command\" ]; then command=${%s[i]}\n"
		"\t\t\telif [ -z \"$sub\" ]; then sub=${%s[i]}; fi ;;\n"
		"\t\tesac\n"
		"\tdone\n",
		line, line);
}

/* --- bash --- */

static void bash_word(struct buf *out, const char *word, const char *help)
{
	(void)help;
	buf_printf(out, " %s", word);
}

static void write_bash(struct buf *out)
{
	buf_addc(out, "# tt " TT_VERSION ": made by 'tt completion bash'\n"
		      "_tt()\n{\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		      "\tlocal command= sub= files= i\n"
		      "\tlocal -a candidates=()\n"
		      "\tCOMPREPLY=()\n"
		      "\tcase $prev in\n\t");
	add_all_patterns(out, true);
	buf_addc(out,
		") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n\t");
	add_all_patterns(out, false);
	buf_addc(out, ") return ;;\n\tesac\n");
	add_walk(out, "COMP_WORDS", "1", "COMP_CWORD");
	add_cases(out, bash_word);
	buf_addc(out,
		"\t[ -z \"$files\" ] || compopt -o filenames\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"${candidates[*]}\" -- \"$cur\"; [ -z \"$files\" ] || compgen -f -- \"$cur\")\n"
		"}\n"
		"complete -F _tt tt\n");
}

/* --- zsh --- */

static void zsh_word(struct buf *out, const char *word, const char *help)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", word, help[0] ? ":" : "", help);
	buf_byte(out, ' ');
	add_quoted(out, text);
}

static void write_zsh(struct buf *out)
{
	buf_addc(out, "#compdef tt\n"
		      "# tt " TT_VERSION ": made by 'tt completion zsh'\n"
		      "_tt()\n{\n"
		      "\tlocal prev=${words[CURRENT-1]} command= sub= files= i\n"
		      "\tlocal -a candidates=()\n"
		      "\tcase $prev in\n\t");
	add_all_patterns(out, true);
	buf_addc(out, ") _files; return ;;\n\t");
	add_all_patterns(out, false);
	buf_addc(out, ") return ;;\n\tesac\n");
	add_walk(out, "words", "2", "CURRENT");
	add_cases(out, zsh_word);
	buf_addc(out, "\t_describe 'tt' candidates\n"
		      "\t[ -z \"$files\" ] || _files\n"
		      "}\n"
		      "if [ \"$funcstack[1]\" = _tt ]; then _tt \"$@\"; else compdef _tt tt; fi\n");
}

/* --- fish --- */

/* TEXT within single quotes of fish. */
static void add_fish_quoted(struct buf *out, const char *text)
{
	buf_byte(out, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'' || *c == '\\')
			buf_byte(out, '\\');
		buf_byte(out, *c);
	}
	buf_byte(out, '\'');
}

static void fish_options(struct buf *out, const struct args_spec *spec, const char *condition)
{
	for (size_t i = 0; i < spec->option_count; i++) {
		const struct args_option *option = &spec->options[i];

		buf_addc(out, "complete -c tt");
		if (condition[0])
			buf_printf(out, " -n '%s'", condition);
		buf_printf(out, " -l %s", option->name);
		if (option->letter)
			buf_printf(out, " -s %c", option->letter);
		if (takes_value(option))
			buf_addc(out, is_file(option->value) ? " -rF" : " -x");
		buf_addc(out, " -d ");
		add_fish_quoted(out, option->help);
		buf_byte(out, '\n');
	}
}

static void fish_word(struct buf *out, const char *condition, const char *word, const char *help)
{
	buf_printf(out, "complete -c tt -n '%s' -a %s", condition, word);
	if (help[0]) {
		buf_addc(out, " -d ");
		add_fish_quoted(out, help);
	}
	buf_byte(out, '\n');
}

static void fish_operands(struct buf *out, const struct command *command, const char *condition)
{
	struct str words = operand_words(command);

	if (is_file(command->args.operands))
		buf_printf(out, "complete -c tt -n '%s' -F\n", condition);
	while (words.len > 0) {
		struct str next = str_split(&words, '|');
		char word[64];

		snprintf(word, sizeof(word), "%.*s", STR_ARG(next));
		fish_word(out, condition, word, "");
	}
}

static void fish_subcommands(struct buf *out, const struct command *parent)
{
	struct buf condition CLEANUP(buf_release) = BUF_INIT;
	struct buf names CLEANUP(buf_release) = BUF_INIT;

	for (size_t i = 0; parent->subcommands[i]; i++)
		if (is_shown(parent->subcommands[i]))
			buf_printf(&names, " %s", parent->subcommands[i]->name);
	buf_printf(&condition,
		"__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from%s",
		parent->name, buf_cstr(&names));
	fish_options(out, &parent->subcommands[0]->args, buf_cstr(&condition));
	for (size_t i = 0; parent->subcommands[i]; i++)
		if (is_shown(parent->subcommands[i]))
			fish_word(out, buf_cstr(&condition), parent->subcommands[i]->name,
				parent->subcommands[i]->summary);
	for (size_t i = 0; parent->subcommands[i]; i++) {
		if (!is_shown(parent->subcommands[i]))
			continue;
		buf_clear(&condition);
		buf_printf(&condition,
			"__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s",
			parent->name, parent->subcommands[i]->name);
		fish_options(out, &parent->subcommands[i]->args, buf_cstr(&condition));
		fish_operands(out, parent->subcommands[i], buf_cstr(&condition));
	}
}

static void write_fish(struct buf *out)
{
	size_t count;
	const struct command *const *all = commands(&count);

	buf_addc(out, "# tt " TT_VERSION ": made by 'tt completion fish'\ncomplete -c tt -f\n");
	fish_options(out, cli_options(), "");
	for (size_t i = 0; i < count; i++) {
		struct buf condition CLEANUP(buf_release) = BUF_INIT;

		if (!is_shown(all[i]))
			continue;
		fish_word(out, "__fish_use_subcommand", all[i]->name, all[i]->summary);
		buf_printf(&condition, "__fish_seen_subcommand_from %s", all[i]->name);
		fish_options(out, &all[i]->args, buf_cstr(&condition));
		fish_operands(out, all[i], buf_cstr(&condition));
		if (all[i]->subcommands)
			fish_subcommands(out, all[i]);
	}
}

static const struct {
	const char *shell;
	void (*write)(struct buf *out);
} shells[] = { { "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish } };

static int completion_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (strcmp(operands->items[0], shells[i].shell) == 0) {
			shells[i].write(&cli->out);
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "'%s': use bash, zsh or fish", operands->items[0]);
}

const struct command command_completion = {
	.name = "completion",
	.summary = "a script that completes this program's words in your shell",
	.usage = "bash|zsh|fish",
	.details = "bash: tt completion bash > ~/.local/share/bash-completion/completions/tt\n"
		   "zsh:  tt completion zsh > _tt in a directory of $fpath\n"
		   "fish: tt completion fish > ~/.config/fish/completions/tt.fish",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "bash|zsh|fish" },
	.run = completion_run,
	.bare = true,
};
