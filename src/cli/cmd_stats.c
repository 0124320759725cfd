/* tt stats: how much there is, and what it cost. */
#include "query/stats.h"

#include <stdio.h>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/query_frame.h"

enum { SHOWN_SESSIONS = 20, SESSION_BYTES = 8, CLOCK_BYTES = 24 };

struct stats_values {
	int local;
	const char *last;
	const char *since;
	const char *until;
	const char *by;
	const char *zone;
};

#define VALUE(name) offsetof(struct stats_values, name)

static const struct args_option stats_options[] = {
	{ "local", 0, ARGS_FLAG, VALUE(local), NULL, "only what happened on this machine" },
	{ "last", 0, ARGS_TEXT, VALUE(last), "DURATION", "of the last 30d, 24h" },
	{ "since", 0, ARGS_TEXT, VALUE(since), "TIME",
		"from then on: 2026-02-03, '2026-02-03 14:30', '2 hours ago'" },
	{ "until", 0, ARGS_TEXT, VALUE(until), "TIME", "before then" },
	{ "by", 0, ARGS_TEXT, VALUE(by), "WHAT", "agent, source, workspace, day or model" },
	{ "tz", 0, ARGS_TEXT, VALUE(zone), "ZONE", "time zone (default: the machine's)" },
};

static int parse_by(const char *text, enum stats_by *out, struct err *err)
{
	*out = STATS_BY_AGENT;
	for (int by = 0; text && by < STATS_BYS; by++) {
		if (strcmp(text, stats_by_name((enum stats_by)by)) == 0) {
			*out = (enum stats_by)by;
			return 0;
		}
	}
	if (!text)
		return 0;
	return err_set(
		err, ERR_USAGE, "--by '%s': use agent, source, workspace, day or model", text);
}

/* Files whose last line, or whole document, was still being written when it was read. */
static int count_waiting(struct cli *cli, struct store *store, int64_t *out, struct err *err)
{
	size_t count, cursor_count;
	const struct source *const *all = sources(&count);

	*out = 0;
	for (size_t i = 0; i < count; i++) {
		struct file_cursor *cursors;

		if (store_cursors(store, str_from(all[i]->name), &cli->arena, &cursors,
			    &cursor_count, err) < 0)
			return err->code;
		for (size_t c = 0; c < cursor_count; c++)
			*out += cursors[c].offset < cursors[c].size;
	}
	return 0;
}

/* --- for people --- */

static struct str number_cell(struct cli *cli, int64_t number)
{
	char text[TIME_TEXT_BYTES];

	return arena_str(&cli->arena, number < 0 ? STR("-") : str_from(query_number(number, text)));
}

static struct str time_cell(struct cli *cli, const struct zone *zone, int64_t ns)
{
	struct date date;
	int hour, minute, second;

	if (ns == INT64_MIN)
		return STR("-");
	date = zone_date(zone, ns);
	zone_clock(zone, ns, &hour, &minute, &second);
	return arena_printf(&cli->arena, "%04d-%02d-%02d %02d:%02d", date.year, date.month,
		date.day, hour, minute);
}

static void add_count(struct cli *cli, const char *before, int64_t count, const char *what)
{
	struct str number = number_cell(cli, count);

	buf_printf(&cli->out, "%s%.*s %s%s", before, STR_ARG(number), what, cli_plural(count));
}

static void add_token(struct cli *cli, const char *before, int64_t count, const char *what)
{
	struct str number = count < 0 ? STR("unknown") : number_cell(cli, count);

	buf_printf(&cli->out, "%s%.*s %s", before, STR_ARG(number), what);
}

static void show_tokens(struct cli *cli, const struct stats_counts *totals)
{
	if (totals->responses == 0 && totals->tokens[STATS_INPUT] < 0)
		return;
	add_token(cli, "tokens: ", totals->tokens[STATS_INPUT], "in");
	add_token(cli, ", ", totals->tokens[STATS_OUTPUT], "out");
	add_token(cli, ", ", totals->tokens[STATS_CACHE_READ], "cache read");
	add_token(cli, ", ", totals->tokens[STATS_CACHE_WRITE], "cache written");
	add_count(cli, "; not known of ", totals->unknown_usage, "response");
	buf_byte(&cli->out, '\n');
}

static void show_withdrawn(struct cli *cli, const struct stats_counts *totals)
{
	if (totals->withdrawn.prompts + totals->withdrawn.responses == 0)
		return;
	add_count(cli, "withdrawn, and not counted: ", totals->withdrawn.prompts, "prompt");
	add_count(cli, ", ", totals->withdrawn.responses, "response");
	buf_byte(&cli->out, '\n');
}

/* What a log says and nobody counts. */
static void show_unread(struct cli *cli, const struct stats_counts *totals)
{
	if (totals->malformed + totals->unknown_records == 0)
		return;
	add_count(cli, "not understood: ", totals->malformed, "line");
	add_count(cli, " that nobody can read, ", totals->unknown_records, "record");
	buf_addc(&cli->out, " of unknown types\n");
}

static void show_totals(struct cli *cli, const struct stats *stats, int64_t waiting)
{
	const struct stats_counts *totals = &stats->totals;
	struct str bytes = number_cell(cli, stats->store_bytes);

	add_count(cli, "", totals->events, "event");
	add_count(cli, ", ", totals->sessions, "session");
	add_count(cli, ", ", totals->prompts, "prompt");
	add_count(cli, ", ", totals->responses, "response");
	add_count(cli, ", ", totals->tool_calls, "tool call");
	add_count(cli, " (", totals->tool_errors, "error");
	buf_addc(&cli->out, ")\n");
	show_tokens(cli, totals);
	show_withdrawn(cli, totals);
	show_unread(cli, totals);
	buf_printf(&cli->out, "store: %.*sB", STR_ARG(bytes));
	if (stats->quarantined > 0)
		buf_printf(&cli->out, ", %lld in quarantine ('tt quarantine')",
			(long long)stats->quarantined);
	if (waiting > 0)
		add_count(cli, ", ", waiting, "file");
	buf_addc(&cli->out, waiting == 0   ? "\n"
			    : waiting == 1 ? " waits for the rest of its last line\n"
					   : " wait for the rest of their last lines\n");
}

enum { COUNT_COLUMNS = 9 };

#define COUNT_HEADINGS                                                                             \
	"PROMPTS", "RESPONSES", "TOOLS", "ERRORS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", \
		"UNKNOWN"
#define COUNT_ALIGNS                                                                               \
	TABLE_RIGHT, TABLE_RIGHT, TABLE_RIGHT, TABLE_RIGHT, TABLE_RIGHT, TABLE_RIGHT, TABLE_RIGHT, \
		TABLE_RIGHT, TABLE_RIGHT

static void count_cells(
	struct cli *cli, const struct stats_counts *counts, struct str cells[static COUNT_COLUMNS])
{
	const int64_t numbers[COUNT_COLUMNS] = { counts->prompts, counts->responses,
		counts->tool_calls, counts->tool_errors + counts->api_errors,
		counts->tokens[STATS_INPUT], counts->tokens[STATS_OUTPUT],
		counts->tokens[STATS_CACHE_READ], counts->tokens[STATS_CACHE_WRITE],
		counts->unknown_usage };

	for (size_t i = 0; i < COUNT_COLUMNS; i++)
		cells[i] = number_cell(cli, numbers[i]);
}

static void show_groups(
	struct cli *cli, const struct stats *stats, enum stats_by by, const struct zone *zone)
{
	static const char *const titles[STATS_BYS] = { [STATS_BY_AGENT] = "AGENT",
		[STATS_BY_SOURCE] = "SOURCE",
		[STATS_BY_WORKSPACE] = "WORKSPACE",
		[STATS_BY_DAY] = "DAY",
		[STATS_BY_MODEL] = "MODEL" };
	const char *const headings[] = { titles[by], "EVENTS", "SESSIONS", COUNT_HEADINGS, "LAST" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT, TABLE_RIGHT,
		COUNT_ALIGNS, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < stats->group_count; i++) {
		const struct stats_group *group = &stats->groups[i];
		struct str cells[ARRAY_LEN(headings)] = {
			group->key.ptr ? query_path(cli, group->key) : STR("-"),
			number_cell(cli, group->counts.events),
			number_cell(cli, group->counts.sessions),
		};

		count_cells(cli, &group->counts, cells + 3);
		cells[3 + COUNT_COLUMNS] = time_cell(cli, zone, group->counts.last_ns);
		table_row(table, cells);
	}
	buf_byte(&cli->out, '\n');
	table_print(table, &cli->out);
}

static void show_sessions(struct cli *cli, const struct stats *stats, const struct zone *zone)
{
	static const char *const headings[] = { "SESSION", "AGENT", "WORKSPACE", COUNT_HEADINGS,
		"LAST" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, COUNT_ALIGNS,
		TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	size_t first =
		stats->session_count > SHOWN_SESSIONS ? stats->session_count - SHOWN_SESSIONS : 0;

	if (stats->session_count == 0)
		return;
	for (size_t i = first; i < stats->session_count; i++) {
		const struct stats_session *session = &stats->sessions[i];
		struct str cells[ARRAY_LEN(headings)] = {
			str_sub(session->session_id, 0, SESSION_BYTES),
			session->agent,
			query_path(cli, session->workspace),
		};

		count_cells(cli, &session->counts, cells + 3);
		cells[3 + COUNT_COLUMNS] = time_cell(cli, zone, session->counts.last_ns);
		table_row(table, cells);
	}
	buf_byte(&cli->out, '\n');
	table_print(table, &cli->out);
	if (first > 0)
		buf_printf(&cli->out, "(the newest %d of %zu; --json has all)\n", SHOWN_SESSIONS,
			stats->session_count);
}

/* --- the command --- */

static void write_json(struct cli *cli, const struct stats *stats,
	const struct stats_request *request, int64_t waiting)
{
	struct json_writer json = json_writer(&cli->out);
	int64_t to_ns = request->span.to_ns;

	json_begin_object(&json);
	json_kv_str(&json, "by", str_from(stats_by_name(request->by)));
	json_key(&json, STR("period"));
	json_begin_object(&json);
	json_kv_str(&json, "start", cli_time_text(cli, request->span.from_ns));
	json_kv_str(&json, "end", cli_time_text(cli, to_ns == INT64_MAX ? INT64_MIN : to_ns));
	json_end_object(&json);
	json_kv_str(&json, "timezone", str_from(zone_name(request->clock.zone)));
	stats_json(stats, &json);
	json_kv_i64(&json, "waiting_files", waiting);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

/* Without an identity nothing has happened on this machine, as far as anybody can tell. */
static void choose_machine(struct cli *cli, struct stats_request *request)
{
	const struct machine *machine;
	struct err err;

	if (cli_machine(cli, &machine, &err) == 0) {
		request->machine_id = machine->id;
		return;
	}
	log_info(&cli->log, "%s", err.message);
	request->span.to_ns = request->span.from_ns;
}

static int run_in_zone(struct cli *cli, const struct stats_values *values, const struct zone *zone,
	struct err *err)
{
	struct stats_request request = { .clock = query_clock(cli, zone) };
	struct store *store;
	struct stats stats;
	int64_t waiting = 0;
	int rc = parse_by(values->by, &request.by, err);

	if (rc == 0)
		rc = span_parse(&request.span, values->last, values->since, values->until,
			&request.clock, err);
	if (rc == 0)
		rc = query_store(cli, &store, err);
	if (rc < 0)
		return rc;
	if (values->local)
		choose_machine(cli, &request);
	rc = stats_build(store, &request, &cli->arena, &stats, err);
	if (rc == 0)
		rc = count_waiting(cli, store, &waiting, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json) {
		write_json(cli, &stats, &request, waiting);
		return 0;
	}
	show_totals(cli, &stats, waiting);
	if (stats.group_count > 0)
		show_groups(cli, &stats, request.by, zone);
	if (!values->by)
		show_sessions(cli, &stats, zone);
	return 0;
}

static int stats_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct stats_values *stats = values;
	struct zone *zone CLEANUP(zone_freep) = NULL;
	int rc = cli_zone(cli, stats->zone, &zone, err);

	(void)operands;
	return rc < 0 ? rc : run_in_zone(cli, stats, zone, err);
}

const struct command command_stats = {
	.name = "stats",
	.summary = "events, sessions, prompts, responses, tools and tokens, in numbers",
	.usage = "[--local] [--last DURATION | --since TIME] [--until TIME] [--by WHAT]",
	.details =
		"Tokens are the agents' own numbers (docs/events.md); '-' is unknown, UNKNOWN counts responses without any.\n"
		"What was withdrawn (rewound, edited away) is counted apart.",
	.args = { .options = stats_options, .option_count = ARRAY_LEN(stats_options) },
	.values_size = sizeof(struct stats_values),
	.run = stats_run,
};
