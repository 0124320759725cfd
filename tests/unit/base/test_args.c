/* The options parser, its messages, its help, and the guess at what was meant. */
#include "base/args.h"

#include "tap.h"

struct values {
	int all;
	const char *label;
	struct args_list tags;
	int64_t limit;
	const char *color;
};

struct globals {
	int verbose;
	const char *store;
};

static const struct args_option options[] = {
	{ "all", 'a', ARGS_FLAG, offsetof(struct values, all), NULL, "take everything" },
	{ "label", 'l', ARGS_TEXT, offsetof(struct values, label), "LABEL", "name the machine" },
	{ "tag", 't', ARGS_LIST, offsetof(struct values, tags), "TAG", "only this tag" },
	{ "limit", 'n', ARGS_COUNT, offsetof(struct values, limit), "N", "at most so many" },
	{ "color", 0, ARGS_OPTIONAL, offsetof(struct values, color), "WHEN", "paint" },
};

static const struct args_option global_options[] = {
	{ "verbose", 'v', ARGS_FLAG, offsetof(struct globals, verbose), NULL, "say more" },
	{ "store", 0, ARGS_TEXT, offsetof(struct globals, store), "URL", "the store to use" },
};

static const struct args_spec spec = { options, ARRAY_LEN(options), 0, 2, "REMOTE…" };
static const struct args_spec one_needed = { options, ARRAY_LEN(options), 1, SIZE_MAX, "REMOTE…" };
static const struct args_spec global_spec = { global_options, ARRAY_LEN(global_options), 0, 0,
	NULL };

struct run {
	struct arena arena;
	struct values values;
	struct globals globals;
	struct args_list operands;
	struct err err;
	int result;
};

enum { MAX_WORDS = 16 };

/* The words of LINE, separated by one space; "''" is an empty one. */
static void run(struct run *run, const struct args_spec *with, const char *line)
{
	const char *argv[MAX_WORDS];
	struct str rest = str_from(line);
	int argc = 0;

	memset(run, 0, sizeof(*run));
	while (rest.len > 0 && argc < MAX_WORDS) {
		struct str word = str_split(&rest, ' ');

		argv[argc++] = str_eq(word, STR("''")) ? "" : arena_cstr(&run->arena, word);
	}
	run->result = args_parse(with, &run->values, &global_spec, &run->globals, argc, argv,
		&run->operands, &run->arena, &run->err);
}

static void every_kind_of_option(void)
{
	struct run r;

	run(&r, &spec, "--all --label one --tag x --tag=y --limit 10 --color");
	IS_INT(r.result, 0);
	IS_INT(r.values.all, 1);
	IS_CSTR(r.values.label, "one");
	if (IS_INT(r.values.tags.count, 2)) {
		IS_CSTR(r.values.tags.items[0], "x");
		IS_CSTR(r.values.tags.items[1], "y");
	}
	IS_INT(r.values.limit, 10);
	OK(r.values.color != NULL);
	IS_CSTR(r.values.color, "");
	IS_INT(r.operands.count, 0);
	arena_release(&r.arena);
}

static void what_is_not_given_stays_zero(void)
{
	struct run r;

	run(&r, &spec, "");
	IS_INT(r.result, 0);
	IS_INT(r.values.all, 0);
	OK(r.values.label == NULL);
	OK(r.values.color == NULL);
	IS_INT(r.values.tags.count, 0);
	IS_INT(r.operands.count, 0);
	arena_release(&r.arena);
}

static void short_options(void)
{
	struct run r;

	run(&r, &spec, "-aavl one -n5 -t -x");
	IS_INT(r.result, 0);
	IS_INT(r.values.all, 2);
	IS_INT(r.globals.verbose, 1);
	IS_CSTR(r.values.label, "one");
	IS_INT(r.values.limit, 5);
	if (IS_INT(r.values.tags.count, 1))
		IS_CSTR(r.values.tags.items[0], "-x");
	arena_release(&r.arena);
}

static void the_last_text_wins(void)
{
	struct run r;

	run(&r, &spec, "--label one --label= --color=always --label=a=b");
	IS_INT(r.result, 0);
	IS_CSTR(r.values.label, "a=b");
	IS_CSTR(r.values.color, "always");
	arena_release(&r.arena);
	run(&r, &spec, "--label one --label ''");
	IS_INT(r.result, 0);
	OK(r.values.label != NULL);
	IS_CSTR(r.values.label, "");
	arena_release(&r.arena);
}

static void an_optional_value_never_takes_the_next_word(void)
{
	struct run r;

	run(&r, &spec, "--color always");
	IS_INT(r.result, 0);
	IS_CSTR(r.values.color, "");
	IS_INT(r.operands.count, 1);
	arena_release(&r.arena);
}

static void operands_and_options_mix(void)
{
	struct run r;

	run(&r, &spec, "-v one --all - --store db");
	IS_INT(r.result, 0);
	IS_INT(r.values.all, 1);
	IS_INT(r.globals.verbose, 1);
	IS_CSTR(r.globals.store, "db");
	if (IS_INT(r.operands.count, 2)) {
		IS_CSTR(r.operands.items[0], "one");
		IS_CSTR(r.operands.items[1], "-");
	}
	arena_release(&r.arena);
}

static void two_dashes_end_the_options(void)
{
	struct run r;

	run(&r, &spec, "-a -- --all --");
	IS_INT(r.result, 0);
	IS_INT(r.values.all, 1);
	if (IS_INT(r.operands.count, 2)) {
		IS_CSTR(r.operands.items[0], "--all");
		IS_CSTR(r.operands.items[1], "--");
	}
	arena_release(&r.arena);
}

static void many_operands(void)
{
	struct run r;

	run(&r, &one_needed, "a b c d e f g h i");
	IS_INT(r.result, 0);
	if (IS_INT(r.operands.count, 9)) {
		IS_CSTR(r.operands.items[0], "a");
		IS_CSTR(r.operands.items[4], "e");
		IS_CSTR(r.operands.items[8], "i");
	}
	arena_release(&r.arena);
}

static void largest_count(void)
{
	struct run r;

	run(&r, &spec, "-n 9223372036854775807");
	IS_INT(r.result, 0);
	IS_INT(r.values.limit, INT64_MAX);
	arena_release(&r.arena);
}

static void wrong_usage_is_explained(void)
{
	static const struct {
		const char *line;
		const char *message;
	} table[] = {
		{ "--lable x", "unknown option '--lable'; did you mean '--label'?" },
		{ "--lable=x", "unknown option '--lable'; did you mean '--label'?" },
		{ "--labell", "unknown option '--labell'; did you mean '--label'?" },
		{ "--verbsoe", "unknown option '--verbsoe'; did you mean '--verbose'?" },
		{ "--verb", "unknown option '--verb'; did you mean '--verbose'?" },
		{ "--l", "unknown option '--l'; did you mean '--label' or '--limit'?" },
		{ "--frobnicate", "unknown option '--frobnicate'" },
		{ "--=x", "unknown option '--'" },
		{ "---all", "unknown option '---all'; did you mean '--all'?" },
		{ "-z", "unknown option '-z'" },
		{ "-az", "unknown option '-z' in '-az'" },
		{ "-ä", "unknown option '-ä'" },
		{ "-aä", "unknown option '-ä' in '-aä'" },
		{ "--label", "option '--label' needs a value LABEL" },
		{ "x -l", "option '-l' needs a value LABEL" },
		{ "-al", "option '-l' needs a value LABEL" },
		{ "--all=yes", "option '--all' takes no value" },
		{ "--all=", "option '--all' takes no value" },
		{ "--limit x", "option '--limit' needs a whole number from 0 on, not 'x'" },
		{ "--limit=", "option '--limit' needs a whole number from 0 on, not ''" },
		{ "-n -1", "option '-n' needs a whole number from 0 on, not '-1'" },
		{ "-n -0", "option '-n' needs a whole number from 0 on, not '-0'" },
		{ "-n 9223372036854775808",
			"option '-n' needs a whole number from 0 on, not '9223372036854775808'" },
		{ "a b x y", "too many operands: 'x'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct run r;

		run(&r, &spec, table[i].line);
		IS_INT(r.result, ERR_USAGE);
		IS_INT(r.err.code, ERR_USAGE);
		IS_CSTR(r.err.message, table[i].message);
		arena_release(&r.arena);
	}
}

static void missing_operands(void)
{
	struct run r;

	run(&r, &one_needed, "--all");
	IS_INT(r.result, ERR_USAGE);
	IS_CSTR(r.err.message, "missing operand: REMOTE…");
	arena_release(&r.arena);
}

static void works_without_global_options(void)
{
	static const char *const good[] = { "-a", "x" }, *const bad[] = { "-v" };
	struct arena arena = { 0 };
	struct values values = { 0 };
	struct args_list operands;
	struct err err;

	IS_INT(args_parse(&spec, &values, NULL, NULL, 2, good, &operands, &arena, &err), 0);
	IS_INT(values.all, 1);
	IS_INT(operands.count, 1);
	IS_INT(args_parse(&spec, &values, NULL, NULL, 1, bad, &operands, &arena, &err), ERR_USAGE);
	arena_release(&arena);
}

static void help_is_aligned(void)
{
	struct buf out = BUF_INIT;

	args_help(options, ARRAY_LEN(options), &out);
	IS_STR(buf_str(&out), "  -a, --all            take everything\n"
			      "  -l, --label LABEL    name the machine\n"
			      "  -t, --tag TAG        only this tag\n"
			      "  -n, --limit N        at most so many\n"
			      "      --color[=WHEN]   paint\n");
	buf_release(&out);
}

static void help_counts_columns_not_bytes(void)
{
	static const struct args_option wide[] = {
		{ "to", 0, ARGS_TEXT, 0, "ZIEL…", "a" },
		{ "from", 0, ARGS_TEXT, 0, "PFAD", "b" },
	};
	struct buf out = BUF_INIT;

	args_help(wide, ARRAY_LEN(wide), &out);
	IS_STR(buf_str(&out), "      --to ZIEL…    a\n"
			      "      --from PFAD   b\n");
	args_help(wide, 0, &out);
	buf_release(&out);
}

static void nearest_names(void)
{
	static const char *const names[] = { "status", "sync", "pull", "push", "conflicts", "log" };
	static const struct {
		const char *word;
		const char *want; /* NULL: none is near */
	} table[] = {
		{ "sync", "sync" },
		{ "snyc", "sync" },
		{ "stauts", "status" },
		{ "statsu", "status" },
		{ "statuss", "status" },
		{ "puhs", "push" },
		{ "pul", "pull" },
		{ "lgo", "log" },
		{ "conflict", "conflicts" },
		{ "konflikts", "conflicts" },
		{ "cnflcts", "conflicts" },
		{ "koXXikts", NULL },
		{ "foo", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "remote", NULL },
	};
	char longest[200];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *got = args_nearest(table[i].word, names, ARRAY_LEN(names));

		OK((got == NULL) == (table[i].want == NULL));
		IS_CSTR(got, table[i].want);
	}
	memset(longest, 's', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	OK(args_nearest(longest, names, ARRAY_LEN(names)) == NULL);
	OK(args_nearest("sync", names, 0) == NULL);
}

static const struct tap_case cases[] = {
	TAP_CASE(every_kind_of_option),
	TAP_CASE(what_is_not_given_stays_zero),
	TAP_CASE(short_options),
	TAP_CASE(the_last_text_wins),
	TAP_CASE(an_optional_value_never_takes_the_next_word),
	TAP_CASE(operands_and_options_mix),
	TAP_CASE(two_dashes_end_the_options),
	TAP_CASE(many_operands),
	TAP_CASE(largest_count),
	TAP_CASE(wrong_usage_is_explained),
	TAP_CASE(missing_operands),
	TAP_CASE(works_without_global_options),
	TAP_CASE(help_is_aligned),
	TAP_CASE(help_counts_columns_not_bytes),
	TAP_CASE(nearest_names),
};

TAP_MAIN(cases)
