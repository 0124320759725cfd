/* tt query: events by simple filters, or whatever SQL asks of the store's views. */
#include "query/select.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/become.h"
#include "cli/commands.h"
#include "cli/query_show.h"
#include "cli/query_sql.h"

enum { USUAL_TABLE_ROWS = 1000 };

struct query_values {
	const char *workspace;
	const char *last;
	const char *since;
	const char *until;
	struct args_list types;
	const char *agent;
	const char *session;
	const char *machine;
	const char *limit;
	const char *format;
	const char *zone;
	const char *sql;
	const char *timeout;
	const char *lang;
};

#define VALUE(name) offsetof(struct query_values, name)

static const struct args_option query_options[] = {
	{ "workspace", 'w', ARGS_TEXT, VALUE(workspace), "DIR",
		"in this directory and everything below it" },
	{ "last", 0, ARGS_TEXT, VALUE(last), "DURATION", "of the last 7d, 24h, 30m" },
	{ "since", 0, ARGS_TEXT, VALUE(since), "TIME",
		"that start then or later: 2026-02-03, '2026-02-03 14:30', '2 hours ago'" },
	{ "until", 0, ARGS_TEXT, VALUE(until), "TIME", "that start before then" },
	{ "type", 't', ARGS_LIST, VALUE(types), "TYPE",
		"of this type, as 'tool_use' or 'user_message' (may be repeated)" },
	{ "agent", 'a', ARGS_TEXT, VALUE(agent), "AGENT",
		"of this agent ('claude-code') or source ('claude', 'tmux')" },
	{ "session", 0, ARGS_TEXT, VALUE(session), "ID",
		"of this session: its id, or a beginning that no other has" },
	{ "machine", 'm', ARGS_TEXT, VALUE(machine), "MACHINE", "of this machine: label or id" },
	{ "limit", 'n', ARGS_TEXT, VALUE(limit), "N",
		"only the newest N, in the order of time ('all': no limit; tables: 1000)" },
	{ "format", 0, ARGS_TEXT, VALUE(format), "FORMAT",
		"table, json (one object a line) or csv" },
	{ "tz", 0, ARGS_TEXT, VALUE(zone), "ZONE", "time zone (default: the machine's)" },
	{ "sql", 0, ARGS_TEXT, VALUE(sql), "STATEMENT",
		"the rows of this SELECT instead of events" },
	{ "timeout", 0, ARGS_TEXT, VALUE(timeout), "DURATION", "how long --sql may take (10s)" },
	{ "lang", 0, ARGS_TEXT, VALUE(lang), "FILE",
		"run this program of ActivityWatch's query language ('-': standard input)" },
};

/* -1: not given; INT64_MAX: all. */
static int parse_limit(const char *text, int64_t *out, struct err *err)
{
	*out = -1;
	if (!text)
		return 0;
	if (strcmp(text, "all") == 0) {
		*out = INT64_MAX;
		return 0;
	}
	if (str_to_i64(str_from(text), out) && *out >= 0)
		return 0;
	return err_set(err, ERR_USAGE, "--limit takes a whole number or 'all', not '%s'", text);
}

static int find_machine(
	struct cli *cli, struct store *store, const char *name, struct str *out, struct err *err)
{
	struct store_machine *machines;
	CLEANUP(buf_release) struct buf known = BUF_INIT;
	struct str wanted = str_from(name);
	size_t count;

	if (store_machines(store, &cli->arena, &machines, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		if (machines[i].machine_id.len == 0)
			continue;
		if (str_eq(machines[i].machine_id, wanted) || str_eq(machines[i].label, wanted) ||
			str_eq(machines[i].alias, wanted)) {
			*out = machines[i].machine_id;
			return 0;
		}
		buf_printf(&known, "%s%.*s", known.len > 0 ? ", " : "",
			STR_ARG(machines[i].label.len > 0 ? machines[i].label
							  : machines[i].machine_id));
	}
	return err_set(err, ERR_NOT_FOUND, "--machine: no machine '%s' (known: %s)", name,
		known.len > 0 ? buf_cstr(&known) : "none");
}

static int find_workspace(
	struct cli *cli, const char *text, const struct workspace **out, struct err *err)
{
	CLEANUP(mem_freep) char *cwd = getcwd(NULL, 0);
	struct workspace *workspace;
	int rc = workspace_make(&workspace, &cli->arena, str_from(text), str_from(cli->dirs.home),
		str_from(cwd), err);

	*out = workspace;
	return rc < 0 ? err_context(err, "--workspace") : 0;
}

/* The types in the store, each once. */
static void add_types(struct cli *cli, struct store *store, struct buf *out)
{
	struct store_bucket *buckets;
	size_t count = 0;
	struct err ignored;

	if (store_buckets(store, &cli->arena, &buckets, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		bool again = false;

		for (size_t other = 0; other < i && !again; other++)
			again = str_eq(buckets[i].type, buckets[other].type);
		if (!again)
			buf_printf(
				out, "%s%.*s", out->len > 0 ? ", " : "", STR_ARG(buckets[i].type));
	}
}

/* What found nothing because it is misspelt, rather than because nothing happened. */
static void hint(struct cli *cli, struct store *store, const struct select_request *request,
	const struct select_result *result)
{
	CLEANUP(buf_release) struct buf types = BUF_INIT;

	if (result->unknown_session)
		log_info(&cli->log, "no session has an id that begins with '%.*s'",
			STR_ARG(request->session));
	if (!result->unknown_type)
		return;
	add_types(cli, store, &types);
	log_info(&cli->log, "no event has the type '%s'; there are: %s", result->unknown_type,
		types.len > 0 ? buf_cstr(&types) : "none yet");
}

/* An empty name is most likely a variable that a script forgot to set: it does not mean everything.
 */
static int check_names(const struct query_values *values, struct err *err)
{
	const struct {
		const char *option, *name;
	} names[] = { { "--agent", values->agent }, { "--session", values->session },
		{ "--machine", values->machine } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].name && names[i].name[0] == '\0')
			return err_set(err, ERR_USAGE, "%s '' names nothing", names[i].option);
	for (size_t i = 0; i < values->types.count; i++)
		if (values->types.items[i][0] == '\0')
			return err_set(err, ERR_USAGE, "--type '' names nothing");
	return 0;
}

static int run_in_zone(struct cli *cli, const struct query_values *values, const struct zone *zone,
	enum query_format format, struct err *err)
{
	struct select_request request = {
		.types = values->types.items,
		.type_count = values->types.count,
		.agent = str_from(values->agent),
		.session = str_from(values->session),
	};
	const struct span_clock clock = query_clock(cli, zone);
	struct query_show show CLEANUP(query_show_release) = { 0 };
	struct select_result result;
	const struct machine *machine;
	struct store *store;
	struct err ignored;
	int rc = span_parse(&request.span, values->last, values->since, values->until, &clock, err);

	if (rc == 0)
		rc = check_names(values, err);
	if (rc == 0)
		rc = parse_limit(values->limit, &request.limit, err);
	if (rc == 0 && values->workspace)
		rc = find_workspace(cli, values->workspace, &request.workspace, err);
	if (rc == 0)
		rc = query_store(cli, &store, err);
	if (rc == 0 && values->machine)
		rc = find_machine(cli, store, values->machine, &request.machine_id, err);
	if (rc < 0)
		return rc;
	if (request.limit < 0 && format == QUERY_TABLE)
		request.limit = USUAL_TABLE_ROWS;
	if (cli_machine(cli, &machine, &ignored) == 0)
		request.here = machine->id;
	query_show_begin(&show, cli, format, zone);
	rc = select_run(store, &request, query_show_event, &show, &result, err);
	rc = query_show_end(&show, result.count, rc, err);
	if (rc < 0)
		return rc;
	if (result.cut && !values->limit)
		log_info(&cli->log, "the newest %lld events; there are older ones (--limit)",
			(long long)result.count);
	hint(cli, store, &request, &result);
	return 0;
}

static int run_sql(struct cli *cli, const struct query_values *values, enum query_format format,
	struct err *err)
{
	struct query_sql_request request = {
		.statement = values->sql, .timeout = values->timeout, .format = format
	};
	int rc;

	if (values->workspace || values->last || values->since || values->until ||
		values->types.count > 0 || values->agent || values->session || values->machine)
		return err_set(err, ERR_USAGE,
			"--sql says everything itself: write the other filters into the statement");
	rc = parse_limit(values->limit, &request.limit, err);
	return rc < 0 ? rc : query_sql_run(cli, &request, err);
}

static int run_lang(struct cli *cli, const struct query_values *values, struct err *err)
{
	const struct query_lang_values lang = { .program = values->lang,
		.last = values->last,
		.since = values->since,
		.until = values->until,
		.zone = values->zone };

	if (values->workspace || values->types.count > 0 || values->agent || values->session ||
		values->machine || values->limit || values->format || values->sql)
		return err_set(err, ERR_USAGE,
			"--lang says everything itself, but for the time: write the other filters into the program");
	return query_lang_run(cli, &lang, err);
}

static int query_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct query_values *query = values;
	struct zone *zone CLEANUP(zone_freep) = NULL;
	enum query_format format;
	int rc;

	(void)operands;
	if (query->lang)
		return run_lang(cli, query, err);
	rc = query_format(cli, query->format, &format, err);
	if (rc < 0)
		return rc;
	if (query->sql)
		return run_sql(cli, query, format, err);
	if (query->timeout)
		return err_set(err, ERR_USAGE, "--timeout is for --sql");
	rc = cli_zone(cli, query->zone, &zone, err);
	return rc < 0 ? rc : run_in_zone(cli, query, zone, format, err);
}

const struct command command_query = {
	.name = "query",
	.summary = "events by directory, time, type, agent or session; or SQL",
	.usage =
		"[--workspace DIR] [--last DURATION | --since TIME] [--until TIME] [--type TYPE] [--agent AGENT] "
		"[--session ID] [--machine MACHINE] [--limit N] [--format FORMAT] [--tz ZONE] | --sql STATEMENT [--timeout DURATION] | --lang FILE",
	.details =
		"Prints events in the order of time; with --limit the newest ones. Times without a zone are local.\n"
		"--sql reads views of the store (docs/query.md); it cannot write. --lang takes the time from --last, --since and\n"
		"--until and prints what the program returns (docs/query-language.md). Examples:\n"
		"  tt query --workspace . --last 7d --type user_message\n"
		"  tt query --agent codex --format json | jq -r .model\n"
		"  tt query --sql 'SELECT model, sum(output) FROM tokens GROUP BY model'",
	.args = { .options = query_options, .option_count = ARRAY_LEN(query_options) },
	.values_size = sizeof(struct query_values),
	.run = query_run,
};
