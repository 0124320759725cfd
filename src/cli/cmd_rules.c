/* tt rules: path globs that give tags to every stream whose directory they match. */
#include <errno.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/stream_words.h"
#include "model/limits.h"
#include "store/records.h"

struct rules {
	struct rule_record *items;
	size_t count;
};

static int load_rules(struct cli *cli, struct store **store, struct rules *out, struct err *err)
{
	int rc = cli_store(cli, store, err);

	return rc < 0 ? rc : records_rules(*store, &cli->arena, &out->items, &out->count, err);
}

static void rules_array(struct json_writer *json, const struct rules *rules)
{
	json_key(json, STR("rules"));
	json_begin_array(json);
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule_record *rule = &rules->items[i];

		json_begin_object(json);
		json_kv_i64(json, "id", rule->rule_no);
		json_kv_str(json, "glob", rule->glob);
		json_key(json, STR("tags"));
		json_begin_array(json);
		for (size_t t = 0; t < rule->tag_count; t++)
			json_put_str(json, rule->tags[t]);
		json_end_array(json);
		json_end_object(json);
	}
	json_end_array(json);
}

static void rules_json(struct cli *cli, const struct rules *rules)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	rules_array(&json, rules);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void rules_table(struct cli *cli, const struct rules *rules)
{
	static const char *const headings[] = { "RULE", "GLOB", "TAGS" };
	static const enum table_align aligns[] = { TABLE_RIGHT, TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule_record *rule = &rules->items[i];

		table_row(table,
			(const struct str[]){
				arena_printf(&cli->arena, "%lld", (long long)rule->rule_no),
				rule->glob, cli_tags_text(cli, rule->tags, rule->tag_count) });
	}
	table_print(table, &cli->out);
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct rules rules;
	struct store *store;
	int rc = load_rules(cli, &store, &rules, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		rules_json(cli, &rules);
	else if (rules.count == 0)
		log_info(&cli->log,
			"No rules yet. Example: tt rules add '~/work/acme/**' client:acme");
	else
		rules_table(cli, &rules);
	return 0;
}

/* What is stored now, for programs; for people one line. */
static int answer(struct cli *cli, const char *text, int64_t rule_no, struct err *err)
{
	struct rules rules;
	struct store *store;
	int rc = load_rules(cli, &store, &rules, err);

	if (rc < 0)
		return rc;
	if (cli->globals.json)
		rules_json(cli, &rules);
	else
		log_info(&cli->log, "rule %lld %s", (long long)rule_no, text);
	return 0;
}

static int add_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct str pattern = str_from(operands->items[0]);
	struct str *tags = arena_zalloc(&cli->arena, operands->count, sizeof(*tags));
	struct store *store;
	struct glob *glob;
	int64_t rule_no;
	int rc = glob_compile(&glob, &cli->arena, pattern, str_from(cli->dirs.home), err);

	(void)values;
	if (rc < 0) {
		err_context(err, "'%s'", operands->items[0]);
		return err->code = ERR_USAGE;
	}
	for (size_t i = 1; i < operands->count; i++) {
		tags[i - 1] = str_from(operands->items[i]);
		rc = record_check_tag(tags[i - 1], err);
		if (rc < 0)
			return rc;
	}
	rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = records_rule_add(store, pattern, tags, operands->count - 1, &rule_no, err);
	return rc < 0 ? rc : answer(cli, "added", rule_no, err);
}

static int remove_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct store *store;
	int64_t rule_no;
	int rc;

	(void)values;
	if (!str_to_i64(str_from(operands->items[0]), &rule_no) || rule_no <= 0)
		return err_set(err, ERR_USAGE, "'%s' is no rule's number (see 'tt rules')",
			operands->items[0]);
	rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = records_rule_remove(store, rule_no, err);
	return rc < 0 ? rc : answer(cli, "removed", rule_no, err);
}

/* PATH as an absolute one; it need not exist. */
static int absolute(struct cli *cli, const char *path, struct str *out, struct err *err)
{
	char *here = NULL;

	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0')) {
		*out = arena_printf(&cli->arena, "%s%s", cli->dirs.home, path + 1);
		return 0;
	}
	if (path[0] == '/') {
		*out = str_from(path);
		return 0;
	}
	here = arena_alloc(&cli->arena, LIMIT_PATH_BYTES);
	if (!getcwd(here, LIMIT_PATH_BYTES))
		return err_sys(err, "the current directory");
	*out = arena_printf(&cli->arena, "%s%s%s", here, strcmp(here, "/") == 0 ? "" : "/", path);
	return 0;
}

/* The rules that match PATH, moved to the front; COUNT becomes their number. */
static int keep_matching(struct cli *cli, struct rules *rules, struct str path, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		struct glob *glob;
		int rc = glob_compile(
			&glob, &cli->arena, rules->items[i].glob, str_from(cli->dirs.home), err);

		if (rc < 0)
			return err_context(err, "rule %lld", (long long)rules->items[i].rule_no);
		if (glob_match(glob, path))
			rules->items[kept++] = rules->items[i];
	}
	rules->count = kept;
	return 0;
}

static int test_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct json_writer json = json_writer(&cli->out);
	struct rules rules;
	struct store *store;
	struct str path;
	int rc = absolute(cli, operands->items[0], &path, err);

	(void)values;
	if (rc == 0)
		rc = load_rules(cli, &store, &rules, err);
	if (rc == 0)
		rc = keep_matching(cli, &rules, path, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json) {
		json_begin_object(&json);
		json_kv_str(&json, "path", path);
		rules_array(&json, &rules);
		json_end_object(&json);
		buf_byte(&cli->out, '\n');
	} else if (rules.count == 0) {
		log_info(&cli->log, "no rule matches %.*s", STR_ARG(path));
	} else {
		rules_table(cli, &rules);
	}
	return 0;
}

static const struct command rules_list = {
	.name = "list",
	.summary = "the rules",
	.usage = "",
	.run = list_run,
};

static const struct command rules_add = {
	.name = "add",
	.summary = "give tags to what happens in these directories, now and later",
	.usage = "GLOB TAG…",
	.details =
		"~ is the home directory, ** any number of directories; a plain directory means all below it. Quote the glob,\n"
		"so that the shell leaves it alone: tt rules add '~/work/acme/**' client:acme",
	.args = { .min_operands = 2, .max_operands = SIZE_MAX, .operands = "GLOB TAG…" },
	.run = add_run,
};

static const struct command rules_remove = {
	.name = "remove",
	.summary = "forget a rule, and the tags that came from it",
	.usage = "RULE",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "RULE" },
	.run = remove_run,
};

static const struct command rules_test = {
	.name = "test",
	.summary = "the rules that match a directory",
	.usage = "PATH",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "PATH" },
	.run = test_run,
};

static const struct command *const rules_commands[] = { &rules_list, &rules_add, &rules_remove,
	&rules_test, NULL };

const struct command command_rules = {
	.name = "rules",
	.summary = "path globs that give tags",
	.usage = "[list|add GLOB TAG…|remove RULE|test PATH]",
	.subcommands = rules_commands,
};
