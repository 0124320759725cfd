/*
 * The options parser: walks the arguments once, looks each option up in the command's table and
 * then in the global one, and stores its value at the row's offset. Options and operands may be
 * mixed; an option that wants a value takes the next argument whatever it looks like, as getopt
 * does. Names are never abbreviated, so that a new option cannot change what an old script means: a
 * beginning of a name is an error which names what it could have been.
 *
 * Values point into ARGV or the arena. A failed parse may leave some values set.
 */
#include "base/args.h"

#include "base/utf8.h"

enum { NEAREST_MAX_BYTES = 64, GUESS_MAX = 64 };

struct parser {
	const struct args_spec *spec;
	void *values;
	const struct args_spec *global;
	void *global_values;
	int argc;
	const char *const *argv;
	int next; /* the argument to read next */
	struct arena *arena;
	struct err *err;
};

/* An option as it was found: its row, and the struct that takes its value. */
struct found {
	const struct args_option *option;
	void *values;
};

static const struct args_option *by_name(const struct args_spec *spec, struct str name)
{
	for (size_t i = 0; spec && i < spec->option_count; i++)
		if (str_eq_c(name, spec->options[i].name))
			return &spec->options[i];
	return NULL;
}

static const struct args_option *by_letter(const struct args_spec *spec, char letter)
{
	for (size_t i = 0; spec && i < spec->option_count; i++)
		if (spec->options[i].letter == letter)
			return &spec->options[i];
	return NULL;
}

static struct found find_name(const struct parser *parser, struct str name)
{
	const struct args_option *own = by_name(parser->spec, name);

	if (own)
		return (struct found){ own, parser->values };
	return (struct found){ by_name(parser->global, name), parser->global_values };
}

static struct found find_letter(const struct parser *parser, char letter)
{
	const struct args_option *own = by_letter(parser->spec, letter);

	if (own)
		return (struct found){ own, parser->values };
	return (struct found){ by_letter(parser->global, letter), parser->global_values };
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours; both at most NEAREST_MAX_BYTES. */
static size_t edit_distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_MAX_BYTES + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t replaced = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);

			row[j] = smaller(replaced, smaller(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				a.ptr[i - 2] == b.ptr[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.len];
}

/* How many slips still look like one: a short word would otherwise be near everything. */
static size_t allowed_distance(size_t word_len)
{
	if (word_len < 4)
		return word_len > 1 ? 1 : 0;
	return word_len / 3 > 2 ? word_len / 3 : 2;
}

const char *args_nearest(const char *word, const char *const names[], size_t count)
{
	struct str wanted = str_from(word);
	size_t best = allowed_distance(wanted.len) + 1;
	const char *nearest = NULL;

	if (wanted.len > NEAREST_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct str name = str_from(names[i]);
		size_t distance;

		if (name.len > NEAREST_MAX_BYTES)
			continue;
		distance = edit_distance(wanted, name);
		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

static size_t collect_names(const struct args_spec *spec, const char **names, size_t count)
{
	for (size_t i = 0; spec && i < spec->option_count && count < GUESS_MAX; i++)
		names[count++] = spec->options[i].name;
	return count;
}

static int unknown_name(const struct parser *parser, struct str name)
{
	const char *names[GUESS_MAX];
	size_t count = collect_names(parser->global, names, collect_names(parser->spec, names, 0));
	struct str guesses = { NULL, 0 };
	const char *nearest;

	for (size_t i = 0; i < count && name.len > 0; i++)
		if (str_starts(str_from(names[i]), name))
			guesses = arena_printf(parser->arena, "%.*s%s'--%s'", STR_ARG(guesses),
				guesses.len > 0 ? " or " : "", names[i]);
	nearest = args_nearest(arena_cstr(parser->arena, name), names, count);
	if (guesses.len == 0 && nearest)
		guesses = arena_printf(parser->arena, "'--%s'", nearest);
	if (guesses.len == 0)
		return err_set(parser->err, ERR_USAGE, "unknown option '--%.*s'", STR_ARG(name));
	return err_set(parser->err, ERR_USAGE, "unknown option '--%.*s'; did you mean %.*s?",
		STR_ARG(name), STR_ARG(guesses));
}

/* Room is doubled whenever the count is a power of two. */
static void list_add(struct args_list *list, const char *item, struct arena *arena)
{
	if ((list->count & (list->count - 1)) == 0) {
		const char **items =
			arena_zalloc(arena, list->count > 0 ? list->count * 2 : 1, sizeof(*items));

		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] = item;
}

static bool takes_value(enum args_kind kind)
{
	return kind == ARGS_TEXT || kind == ARGS_LIST || kind == ARGS_COUNT;
}

/* SHOWN is the option as it was typed, VALUE what came with it. */
static int store(
	const struct parser *parser, struct found found, struct str shown, const char *value)
{
	void *field = (char *)found.values + found.option->offset;
	int64_t number;

	switch (found.option->kind) {
	case ARGS_FLAG:
		++*(int *)field;
		return 0;
	case ARGS_TEXT:
	case ARGS_OPTIONAL:
		*(const char **)field = value;
		return 0;
	case ARGS_LIST:
		list_add(field, value, parser->arena);
		return 0;
	case ARGS_COUNT:
		if (!str_to_i64(str_from(value), &number) || value[0] == '-')
			return err_set(parser->err, ERR_USAGE,
				"option '%.*s' needs a whole number from 0 on, not '%s'",
				STR_ARG(shown), value);
		*(int64_t *)field = number;
		return 0;
	}
	return 0;
}

static int store_next(struct parser *parser, struct found found, struct str shown)
{
	if (parser->next >= parser->argc)
		return err_set(parser->err, ERR_USAGE, "option '%.*s' needs a value%s%s",
			STR_ARG(shown), found.option->value ? " " : "",
			found.option->value ? found.option->value : "");
	return store(parser, found, shown, parser->argv[parser->next++]);
}

/* ARG is "--name" or "--name=value". */
static int parse_long(struct parser *parser, const char *arg)
{
	const char *equals = strchr(arg, '=');
	struct str shown = { arg, equals ? (size_t)(equals - arg) : strlen(arg) };
	struct found found = find_name(parser, str_sub(shown, 2, shown.len));

	if (!found.option)
		return unknown_name(parser, str_sub(shown, 2, shown.len));
	if (equals && found.option->kind == ARGS_FLAG)
		return err_set(
			parser->err, ERR_USAGE, "option '%.*s' takes no value", STR_ARG(shown));
	if (equals)
		return store(parser, found, shown, equals + 1);
	if (takes_value(found.option->kind))
		return store_next(parser, found, shown);
	return store(parser, found, shown, "");
}

static int unknown_letter(const struct parser *parser, const char *arg, size_t at)
{
	size_t bytes = utf8_sequence(str_from(arg), at);
	struct str letter = { arg + at, bytes > 0 ? bytes : 1 };

	if (at == 1 && strlen(arg) == 1 + letter.len)
		return err_set(parser->err, ERR_USAGE, "unknown option '%s'", arg);
	return err_set(
		parser->err, ERR_USAGE, "unknown option '-%.*s' in '%s'", STR_ARG(letter), arg);
}

/* ARG is "-abc": flags, of which the last may take a value, the rest of ARG or the next argument.
 */
static int parse_letters(struct parser *parser, const char *arg)
{
	for (size_t at = 1; arg[at] != '\0'; at++) {
		struct found found = find_letter(parser, arg[at]);
		char shown[] = { '-', arg[at] };
		struct str name = { shown, sizeof(shown) };

		if (!found.option)
			return unknown_letter(parser, arg, at);
		if (takes_value(found.option->kind)) {
			if (arg[at + 1] != '\0')
				return store(parser, found, name, arg + at + 1);
			return store_next(parser, found, name);
		}
		if (store(parser, found, name, "") < 0)
			return parser->err->code;
	}
	return 0;
}

static int check_operands(const struct parser *parser, const struct args_list *operands)
{
	const struct args_spec *spec = parser->spec;

	if (operands->count > spec->max_operands)
		return err_set(parser->err, ERR_USAGE, "too many operands: '%s'",
			operands->items[spec->max_operands]);
	if (operands->count < spec->min_operands)
		return err_set(parser->err, ERR_USAGE, "missing operand%s%s",
			spec->operands ? ": " : "", spec->operands ? spec->operands : "");
	return 0;
}

int args_parse(const struct args_spec *spec, void *values, const struct args_spec *global,
	void *global_values, int argc, const char *const argv[], struct args_list *operands,
	struct arena *arena, struct err *err)
{
	struct parser parser = { spec, values, global, global_values, argc, argv, 0, arena, err };
	bool options_ended = false;

	*operands = (struct args_list){ NULL, 0 };
	while (parser.next < argc) {
		const char *arg = argv[parser.next++];
		int failed = 0;

		if (options_ended || arg[0] != '-' || arg[1] == '\0')
			list_add(operands, arg, arena);
		else if (strcmp(arg, "--") == 0)
			options_ended = true;
		else if (arg[1] == '-')
			failed = parse_long(&parser, arg);
		else
			failed = parse_letters(&parser, arg);
		if (failed < 0)
			return failed;
	}
	return check_operands(&parser, operands);
}

/* "--label LABEL", the columns it takes. */
static size_t add_usage(const struct args_option *option, struct buf *out)
{
	size_t from = out->len;

	buf_printf(out, "--%s", option->name);
	if (option->kind == ARGS_OPTIONAL)
		buf_printf(out, "[=%s]", option->value ? option->value : "");
	else if (option->value)
		buf_printf(out, " %s", option->value);
	return utf8_columns(str_sub(buf_str(out), from, out->len));
}

void args_help(const struct args_option *options, size_t count, struct buf *out)
{
	struct buf scratch = BUF_INIT;
	size_t widest = 0;

	for (size_t i = 0; i < count; i++) {
		size_t columns = add_usage(&options[i], &scratch);

		widest = columns > widest ? columns : widest;
	}
	buf_release(&scratch);
	for (size_t i = 0; i < count; i++) {
		size_t columns;

		if (options[i].letter)
			buf_printf(out, "  -%c, ", options[i].letter);
		else
			buf_addc(out, "      ");
		columns = add_usage(&options[i], out);
		buf_printf(out, "%*s%s\n", (int)(widest - columns) + 3, "", options[i].help);
	}
}
