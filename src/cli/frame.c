/* What every command stands on: configuration, store, identity, collecting, output, help. */
#include "cli/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "cli/database_url.h"
#include "collect/journal.h"
#include "collect/retention.h"
#include "collect/source.h"

int frame_configure(struct cli *cli, struct err *err)
{
	const char *path = cli->globals.config;
	int rc = fs_dirs(&cli->arena, &cli->dirs, err);

	if (rc < 0)
		return rc;
	if (!path)
		path = fs_join(&cli->arena, cli->dirs.config, "config.toml");
	rc = config_load(&cli->config, path, cli->globals.config != NULL, &cli->arena, err);
	if (rc < 0)
		return rc;
	if (cli->globals.store) {
		cli->config.store = cli->globals.store;
		config_override(&cli->config, "store", cli->globals.store);
	}
	return 0;
}

void frame_release(struct cli *cli)
{
	store_close(cli->store);
	buf_release(&cli->out);
	arena_release(&cli->arena);
}

void frame_free(struct cli *cli)
{
	if (cli)
		frame_release(cli);
	free(cli);
}

int frame_again(const struct cli *cli, struct cli **out, struct err *err)
{
	struct cli *again = mem_zalloc(sizeof(*again));
	int rc;

	*out = NULL;
	again->globals = cli->globals;
	again->log = cli->log;
	again->now_ns = clock_now_ns();
	rc = frame_configure(again, err);
	if (rc < 0)
		frame_free(again);
	else
		*out = again;
	return rc;
}

bool cli_store_is_shared(const struct cli *cli)
{
	return database_url_is(cli->config.store);
}

const char *cli_store_url(struct cli *cli)
{
	return cli->config.store[0] ? cli->config.store
				    : fs_join(&cli->arena, cli->dirs.data, "tt.db");
}

int cli_store_options(struct cli *cli, struct store_options *out, struct err *err)
{
	*out = (struct store_options){ .url = cli_store_url(cli), .user = cli->config.user };
	if (!cli_store_is_shared(cli) || cli->config.user[0] != '\0')
		return 0;
	return err_set(err, ERR_USAGE,
		"the store has the rows of many users: say whose are meant, in the configuration "
		"(user = \"you@example.org\") or the environment (TT_USER)");
}

int cli_store(struct cli *cli, struct store **out, struct err *err)
{
	struct store_options options;
	int rc = 0;

	if (!cli->store)
		rc = cli_store_options(cli, &options, err);
	if (!cli->store && rc == 0)
		rc = store_open(&cli->store, &options, err);
	*out = cli->store;
	return rc;
}

int cli_store_to_administer(struct cli *cli, struct store **out, struct err *err)
{
	const struct store_options options = { .url = cli_store_url(cli) };
	int rc = 0;

	if (!cli->store)
		rc = store_open(&cli->store, &options, err);
	*out = cli->store;
	return rc;
}

int cli_store_to_read(struct cli *cli, int64_t busy_ms, struct store **out, struct err *err)
{
	struct store_options options;
	struct err ignored;
	int rc = cli_store_options(cli, &options, err);

	if (rc < 0)
		return rc;
	options.busy_ms = busy_ms;
	rc = store_open(&cli->store, &options, err);
	if (rc == 0)
		cli_drain(cli, cli->store);
	options.read_only = true;
	if ((rc == ERR_READONLY || rc == ERR_BUSY) &&
		store_open(&cli->store, &options, &ignored) == 0)
		rc = 0;
	*out = cli->store;
	return rc;
}

int cli_machine(struct cli *cli, const struct machine **out, struct err *err)
{
	int rc = cli->machine_loaded
			 ? 0
			 : machine_load(cli->dirs.data, &cli->arena, &cli->machine, err);

	cli->machine_loaded = rc == 0;
	*out = &cli->machine;
	return rc;
}

int cli_collect_context(
	struct cli *cli, struct store *store, struct collect_context *out, struct err *err)
{
	const struct config *config = &cli->config;
	struct workspace_rules rules = { .exclude = config->exclude,
		.text = { config->text_none, config->text_summary, config->text_full } };
	struct source_settings *settings =
		arena_zalloc(&cli->arena, CONFIG_SOURCES, sizeof(*settings));
	struct workspace_policy *policy;

	*out = (struct collect_context){
		.store = store, .dirs = &cli->dirs, .log = &cli->log, .progress = cli->progress
	};
	for (size_t i = 0; i < CONFIG_SOURCES; i++) {
		const struct config_source *source = &config->sources[i];
		int64_t text =
			source->text == CONFIG_TEXT_INHERIT ? config->collect_text : source->text;

		settings[i] = (struct source_settings){ .source = config_sources[i],
			.enabled = source->enabled,
			.text = (enum collect_text)text,
			.roots = source->roots };
	}
	if (workspace_policy(&policy, &cli->arena, &rules, cli->dirs.home, err) < 0)
		return err->code;
	out->retention_days = config->retention_days;
	out->policy = policy;
	out->settings = settings;
	out->settings_count = CONFIG_SOURCES;
	return cli_machine(cli, &out->machine, err);
}

int cli_collect_sources(struct cli *cli, struct store *store, const struct source *const *which,
	size_t count, struct cli_round *round, struct err *err)
{
	struct collect_context context;
	struct err fault;
	size_t all;
	int rc = cli_collect_context(cli, store, &context, err);

	*round = (struct cli_round){ NULL, 0 };
	if (rc < 0)
		return rc;
	sources(&all);
	round->results =
		arena_zalloc(&cli->arena, count > 0 ? count : all, sizeof(*round->results));
	rc = collect_run(&context, which, count, round->results, &round->count, &fault);
	for (size_t i = 0; i < round->count; i++)
		if (round->results[i].failed > 0)
			rc = CLI_PARTIAL;
	return rc != 0 ? CLI_PARTIAL : 0; /* each fault has been logged */
}

void cli_drain(struct cli *cli, struct store *store)
{
	const struct source *const journal[] = { &journal_source };
	struct cli_round round;
	struct err err;
	int rc = cli_collect_sources(cli, store, journal, ARRAY_LEN(journal), &round, &err);

	if (rc < 0 && rc != ERR_IDENTITY) /* without identity no hook has ever written */
		log_warn(&cli->log, "%s", err.message);
}

int cli_collect(struct cli *cli, struct store *store, struct err *err)
{
	struct cli_round round;

	return cli_collect_sources(cli, store, NULL, 0, &round, err);
}

/* No remote is fed by itself yet: none holds anything back. */
int cli_retention(struct cli *cli, struct store *store, struct err *err)
{
	const struct retention_rule rule = {
		.days = cli->config.retention_days, .held_seq = INT64_MAX, .now_ns = cli->now_ns
	};
	struct retention_result result;

	return retention_run(store, &rule, &cli->log, &result, err) < 0 ? err->code : 0;
}

int cli_flush(struct cli *cli, struct err *err)
{
	struct str rest = buf_str(&cli->out);

	cli->printing |= rest.len > 0;
	while (rest.len > 0) {
		ssize_t written = write(STDOUT_FILENO, rest.ptr, rest.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EPIPE)
			_exit(0); /* whoever read us has seen enough */
		if (written < 0) {
			buf_clear(&cli->out);
			return err_sys(err, "writing to standard output");
		}
		rest = str_sub(rest, (size_t)written, rest.len);
	}
	buf_clear(&cli->out);
	return 0;
}

int cli_zone(struct cli *cli, const char *name, struct zone **out, struct err *err)
{
	return zone_open(out, str_from(name ? name : cli->config.timezone), err);
}

struct attention_params cli_params(const struct cli *cli)
{
	return (struct attention_params){
		.window_ns = cli->config.window_ns,
		.agent_timeout_ns = cli->config.agent_timeout_ns,
		.waiting_limit_ns = cli->config.waiting_limit_ns,
		.gap_ns = cli->config.gap_ns,
	};
}

struct calendar cli_calendar(const struct cli *cli, const struct zone *zone)
{
	return (struct calendar){
		.zone = zone,
		.day_start_s = (int32_t)cli->config.day_start_s,
		.week_start = (int)cli->config.week_start,
	};
}

int cli_time(
	struct cli *cli, const char *option, const char *text, int64_t *out_ns, struct err *err)
{
	int rc = time_parse_human(str_from(text), cli->now_ns, out_ns, err);

	if (rc < 0) {
		err_context(err, "%s", option);
		return err->code = ERR_USAGE;
	}
	return 0;
}

struct str cli_time_text(struct cli *cli, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	if (ns == INT64_MIN)
		return (struct str){ NULL, 0 };
	return arena_str(&cli->arena, str_from(time_format(ns, 3, text)));
}

struct str cli_ago(struct cli *cli, int64_t ns, const char *without)
{
	const int64_t day_ns = 24 * NS_PER_HOUR;
	int64_t ago_ns = ns == INT64_MIN ? 0 : cli->now_ns - ns;
	char text[TIME_TEXT_BYTES];

	if (ns == INT64_MIN)
		return str_from(without);
	if (ago_ns <= -NS_PER_MINUTE)
		return STR("in the future");
	if (ago_ns < NS_PER_MINUTE)
		return STR("just now");
	if (ago_ns >= 2 * day_ns)
		return arena_printf(&cli->arena, "%lld days ago", (long long)(ago_ns / day_ns));
	return arena_printf(&cli->arena, "%s ago", duration_format(ago_ns / NS_PER_MS, text));
}

int cli_day(const char *option, const char *text, struct date *out, struct err *err)
{
	int rc = date_parse(str_from(text), out, err);

	if (rc < 0) {
		err_context(err, "%s", option);
		return err->code = ERR_USAGE;
	}
	return 0;
}

struct str cli_or_null(struct str text)
{
	return text.len > 0 ? text : (struct str){ NULL, 0 };
}

const char *cli_plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

void cli_put_error(struct json_writer *json, const struct err *err)
{
	json_key(json, STR("error"));
	json_begin_object(json);
	json_kv_str(json, "code", str_from(err_name(err->code)));
	json_kv_str(json, "message", str_from(err->message));
	json_end_object(json);
}

bool cli_interactive(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void help_common(struct buf *out)
{
	buf_addc(out, "\noptions of every command:\n");
	args_help(cli_options()->options, cli_options()->option_count, out);
}

static void help_overview(struct buf *out)
{
	static const char *const headings[] = { "", "", "" }; /* the first sets the others in */
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct table *table = table_new(&arena, ARRAY_LEN(headings), headings, aligns);
	size_t count;
	const struct command *const *all = commands(&count);

	buf_addc(out, "tt " TT_VERSION ": where your time goes, on every machine you work on\n\n"
		      "usage: tt COMMAND [options]\n\ncommands:\n");
	for (size_t i = 0; i < count; i++)
		if (!all[i]->hidden)
			table_row(table, (const struct str[]){ { "", 0 }, str_from(all[i]->name),
						 str_from(all[i]->summary) });
	table_print(table, out);
	help_common(out);
	buf_addc(out,
		"\n'tt COMMAND --help' tells more. First steps: tt init, tt setup tmux, tt today\n");
}

static void help_subcommands(const struct command *parent, struct buf *out)
{
	bool first_is_meant = parent->subcommands[0]->name[0] != '\0';

	buf_printf(out, "\ncommands%s:\n",
		first_is_meant ? " (the first is meant when none is named)" : "");
	for (size_t i = 0; parent->subcommands[i]; i++) {
		const struct command *sub = parent->subcommands[i];

		if (sub->name[0] != '\0')
			buf_printf(out, "  %s %s%s%s\n      %s\n", parent->name, sub->name,
				sub->usage[0] ? " " : "", sub->usage, sub->summary);
	}
	buf_printf(out, "\n'tt %s COMMAND --help' tells more.\n", parent->name);
}

void frame_help(const struct command *command, const struct command *parent, struct buf *out)
{
	if (!command) {
		help_overview(out);
		return;
	}
	buf_printf(out, "%s\n\nusage: tt %s%s%s%s%s\n", command->summary,
		parent ? parent->name : "", parent ? " " : "", command->name,
		command->usage[0] ? " " : "", command->usage);
	if (command->args.option_count > 0) {
		buf_addc(out, "\noptions:\n");
		args_help(command->args.options, command->args.option_count, out);
	}
	if (command->details)
		buf_printf(out, "\n%s\n", command->details);
	if (command->subcommands)
		help_subcommands(command, out);
	help_common(out);
}
