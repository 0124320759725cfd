/* tt streams: the pieces of work that time is counted on, and what a person does to them. */
#include <stdlib.h>

#include "attention/edit.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/stream_words.h"

enum { RECENT_DAYS = 7 };

/* --- list --- */

struct list_values {
	int all;
	const char *start;
	const char *end;
	const char *zone;
};

static const struct args_option list_options[] = {
	{ "all", 'a', ARGS_FLAG, offsetof(struct list_values, all), NULL, "all of them" },
	{ "start", 0, ARGS_TEXT, offsetof(struct list_values, start), "DATE",
		"with events from this day on" },
	{ "end", 0, ARGS_TEXT, offsetof(struct list_values, end), "DATE",
		"up to this day, not included (default: tomorrow)" },
	{ "tz", 0, ARGS_TEXT, offsetof(struct list_values, zone), "ZONE",
		"time zone of the days (default: the machine's)" },
};

/* Both instants 0: all streams. */
static int choose_period(
	struct cli *cli, const struct list_values *values, struct period *out, struct err *err)
{
	struct zone *zone CLEANUP(zone_freep) = NULL;
	struct calendar calendar;
	struct date first, end;
	int rc = cli_zone(cli, values->zone, &zone, err);

	if (rc < 0)
		return rc;
	if (values->all && (values->start || values->end))
		return err_set(err, ERR_USAGE, "--all leaves no room for --start and --end");
	if (values->end && !values->start)
		return err_set(err, ERR_USAGE, "--end needs --start");
	*out = (struct period){ .type = PERIOD_CUSTOM };
	if (values->all)
		return 0;
	calendar = cli_calendar(cli, zone);
	*out = period_day(&calendar, cli->now_ns, 0);
	end = date_from_days(date_to_days(out->last) + 1);
	first = date_from_days(date_to_days(end) - RECENT_DAYS);
	if (values->start)
		rc = cli_day("--start", values->start, &first, err);
	if (rc == 0 && values->end)
		rc = cli_day("--end", values->end, &end, err);
	return rc < 0 ? rc : period_custom(&calendar, first, end, out, err);
}

/* The newest first; those without events at the end, by name. */
static int newest_first(const void *a, const void *b)
{
	const struct stream *left = ((const struct timed_stream *)a)->stream;
	const struct stream *right = ((const struct timed_stream *)b)->stream;
	int by_name;

	if (left->last_ns != right->last_ns)
		return left->last_ns > right->last_ns ? -1 : 1;
	by_name = str_cmp(left->name, right->name);
	return by_name != 0 ? by_name : str_cmp(left->id, right->id);
}

/* Streams that touch the period, and those that wait for their first event. */
static struct timed_stream *choose_streams(
	struct cli *cli, const struct stream_set *set, const struct period *period, size_t *count)
{
	struct timed_stream *chosen =
		arena_zalloc(&cli->arena, stream_set_count(set) + 1, sizeof(*chosen));
	bool all = period->start_ns == 0 && period->end_ns == 0;

	*count = 0;
	for (size_t i = 0; i < stream_set_count(set); i++) {
		const struct stream *stream = stream_set_get(set, (int32_t)i);

		if (all || stream->events == 0 ||
			(stream->last_ns >= period->start_ns && stream->first_ns < period->end_ns))
			chosen[(*count)++].stream = stream;
	}
	qsort(chosen, *count, sizeof(*chosen), newest_first);
	return chosen;
}

static void list_json(struct cli *cli, const struct timed_stream *streams, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("streams"));
	cli_streams_json(&json, streams, count);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static struct str hours(struct cli *cli, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	return arena_str(&cli->arena, str_from(duration_format(ns / NS_PER_MS, text)));
}

static void list_table(struct cli *cli, const struct timed_stream *streams, size_t count)
{
	static const char *const headings[] = { "ID", "NAME", "DIRECT", "DELEGATED", "TAGS" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_RIGHT, TABLE_RIGHT,
		TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < count; i++) {
		const struct stream *stream = streams[i].stream;

		table_row(table, (const struct str[]){ cli_short_id(stream->id), stream->name,
					 hours(cli, streams[i].time.direct_ns),
					 hours(cli, streams[i].time.delegated_ns),
					 cli_tags_text(cli, stream->tags, stream->tag_count) });
	}
	table_print(table, &cli->out);
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct list_values *command = values;
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct timed_stream *streams;
	struct period period;
	struct store *store;
	size_t count;
	int rc = choose_period(cli, command, &period, err);

	(void)operands;
	if (rc == 0)
		rc = cli_streams(cli, &store, &set, err);
	if (rc < 0)
		return rc;
	streams = choose_streams(cli, set, &period, &count);
	rc = cli_stream_life(cli, streams, count, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		list_json(cli, streams, count);
	else if (count > 0)
		list_table(cli, streams, count);
	else if (stream_set_count(set) > 0)
		log_info(&cli->log,
			"No streams in this period; 'tt streams --all' lists every one.");
	else
		log_info(&cli->log,
			"No streams yet: they come by themselves with the first events ('tt status').");
	return 0;
}

static const struct command streams_list = {
	.name = "list",
	.summary = "the streams of the last 7 days, the newest first",
	.usage = "[--all | --start DATE [--end DATE]] [--tz ZONE]",
	.details =
		"Times are those of a stream's whole life, not of the period. For a period: 'tt report --by stream'.",
	.args = { .options = list_options, .option_count = ARRAY_LEN(list_options) },
	.values_size = sizeof(struct list_values),
	.run = list_run,
};

/* --- show --- */

static int find_sessions(struct store *store, const struct stream_set *set,
	const struct stream *stream, struct session_list *sessions, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct json_parser parser CLEANUP(json_parser_release) = { 0 };
	struct event_filter filter = { .from_ns = stream->first_ns, .to_ns = stream->last_ns + 1 };
	struct stored_event event;
	struct event_facts facts;
	int rc;

	if (stream->events == 0)
		return 0;
	rc = event_scan_open(&scan, store, &filter, err);
	if (rc < 0)
		return rc;
	while ((rc = event_scan_next(scan, &event, err)) > 0) {
		int32_t index;

		event_facts(&parser, event.event.data, &facts);
		index = facts.session_id.len > 0 ? stream_set_place(set, &event, &facts)
						 : STREAM_NONE;
		if (index != STREAM_NONE && stream_set_get(set, index) == stream)
			session_list_add(sessions, &event, &facts);
	}
	return rc;
}

static void show_json(
	struct cli *cli, const struct timed_stream *timed, const struct session_list *sessions)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("streams"));
	cli_streams_json(&json, timed, 1);
	json_key(&json, STR("sessions"));
	session_list_json(cli, &json, sessions);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void show_sessions(struct cli *cli, const struct session_list *sessions)
{
	static const char *const headings[] = { "SESSION", "AGENT", "TYPE", "FIRST", "PROMPTS",
		"TOOLS" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, TABLE_LEFT,
		TABLE_RIGHT, TABLE_RIGHT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	if (sessions->count == 0)
		return;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session_facts *session = &sessions->items[i];

		table_row(table,
			(const struct str[]){ session->session_id, session->agent, session->type,
				cli_time_text(cli, session->first_ns),
				arena_printf(&cli->arena, "%lld", (long long)session->prompts),
				arena_printf(
					&cli->arena, "%lld", (long long)session->tool_calls) });
	}
	buf_byte(&cli->out, '\n');
	table_print(table, &cli->out);
}

static void show_text(struct cli *cli, const struct timed_stream *timed)
{
	static const char *const headings[] = { "", "" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	const struct stream *stream = timed->stream;
	const struct {
		const char *name;
		struct str value;
	} rows[] = {
		{ "id", stream->id },
		{ "name", stream->name },
		{ "tags", cli_tags_text(cli, stream->tags, stream->tag_count) },
		{ "machine", stream->machine_id },
		{ "project", stream->project },
		{ "directory", stream->cwd },
		{ "direct", hours(cli, timed->time.direct_ns) },
		{ "delegated", hours(cli, timed->time.delegated_ns) },
		{ "waiting", hours(cli, timed->time.waiting_ns) },
		{ "first", cli_time_text(cli, stream->first_ns) },
		{ "last", cli_time_text(cli, stream->last_ns) },
		{ "events", arena_printf(&cli->arena, "%lld", (long long)stream->events) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		table_row(table, (const struct str[]){ str_from(rows[i].name),
					 rows[i].value.len > 0 ? rows[i].value : STR("-") });
	table_print(table, &cli->out);
}

static int show_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct session_list sessions CLEANUP(session_list_release) = { .arena = &cli->arena };
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct timed_stream timed = { 0 };
	struct store *store;
	int rc = cli_streams(cli, &store, &set, err);

	(void)values;
	if (rc == 0)
		rc = cli_stream(set, operands->items[0], &timed.stream, err);
	if (rc == 0)
		rc = cli_stream_life(cli, &timed, 1, err);
	if (rc == 0)
		rc = find_sessions(store, set, timed.stream, &sessions, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json) {
		show_json(cli, &timed, &sessions);
		return 0;
	}
	show_text(cli, &timed);
	show_sessions(cli, &sessions);
	return 0;
}

static const struct command streams_show = {
	.name = "show",
	.summary = "one stream: its time, its extent, the agents' sessions in it",
	.usage = "STREAM",
	.details = "STREAM is an id, the first bytes of one, or a name that no other stream has.",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "STREAM" },
	.run = show_run,
};

/* --- create, rename, merge, split --- */

static int create_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	char id[37];
	struct store *store;
	int rc = cli_store(cli, &store, err);

	(void)values;
	if (rc == 0)
		rc = edit_create(store, str_from(operands->items[0]), id, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		cli_stream_answer(cli, str_from(id), "name", str_from(operands->items[0]));
	else
		buf_printf(&cli->out, "%s\n", id);
	return 0;
}

static const struct command streams_create = {
	.name = "create",
	.summary = "make a stream by hand and print its id",
	.usage = "NAME",
	.args = { .min_operands = 1, .max_operands = 1, .operands = "NAME" },
	.run = create_run,
};

static int rename_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	const struct stream *stream;
	struct store *store;
	int rc = cli_streams(cli, &store, &set, err);

	(void)values;
	if (rc == 0)
		rc = cli_stream(set, operands->items[0], &stream, err);
	if (rc == 0)
		rc = edit_rename(store, stream, str_from(operands->items[1]), err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		cli_stream_answer(cli, stream->id, "name", str_from(operands->items[1]));
	else
		log_info(
			&cli->log, "'%.*s' is now '%s'", STR_ARG(stream->name), operands->items[1]);
	return 0;
}

static const struct command streams_rename = {
	.name = "rename",
	.summary = "give a stream another name",
	.usage = "STREAM NAME",
	.args = { .min_operands = 2, .max_operands = 2, .operands = "STREAM NAME" },
	.run = rename_run,
};

static int merge_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	const struct stream *from, *into;
	struct store *store;
	int rc = cli_streams(cli, &store, &set, err);

	(void)values;
	if (rc == 0)
		rc = cli_stream(set, operands->items[0], &from, err);
	if (rc == 0)
		rc = cli_stream(set, operands->items[1], &into, err);
	if (rc == 0)
		rc = edit_merge(store, from, into, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		cli_stream_answer(cli, into->id, "merged_id", from->id);
	else
		log_info(&cli->log, "'%.*s' is now part of '%.*s'", STR_ARG(from->name),
			STR_ARG(into->name));
	return 0;
}

static const struct command streams_merge = {
	.name = "merge",
	.summary = "put everything of one stream into another; its tags go along",
	.usage = "FROM INTO",
	.args = { .min_operands = 2, .max_operands = 2, .operands = "FROM INTO" },
	.run = merge_run,
};

struct split_values {
	const char *at;
};

static const struct args_option split_options[] = {
	{ "at", 0, ARGS_TEXT, offsetof(struct split_values, at), "TIME",
		"what starts at this time or later becomes the new stream" },
};

static int split_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct split_values *command = values;
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	const struct stream *stream;
	struct store *store;
	int64_t at_ns;
	char id[37];
	int rc;

	if (!command->at)
		return err_set(err, ERR_USAGE, "say where to split: --at TIME");
	rc = cli_time(cli, "--at", command->at, &at_ns, err);
	if (rc == 0)
		rc = cli_streams(cli, &store, &set, err);
	if (rc == 0)
		rc = cli_stream(set, operands->items[0], &stream, err);
	if (rc == 0)
		rc = edit_split(store, stream, at_ns, str_from(operands->items[1]), id, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		cli_stream_answer(cli, stream->id, "new_id", str_from(id));
	else
		buf_printf(&cli->out, "%s\n", id);
	return 0;
}

static const struct command streams_split = {
	.name = "split",
	.summary = "make the later part of a stream one of its own and print its id",
	.usage = "STREAM --at TIME NAME",
	.args = { .options = split_options,
		.option_count = ARRAY_LEN(split_options),
		.min_operands = 2,
		.max_operands = 2,
		.operands = "STREAM NAME" },
	.values_size = sizeof(struct split_values),
	.run = split_run,
};

/* --- assign --- */

struct assign_values {
	const char *session;
	const char *start;
	const char *end;
	const char *workspace;
};

static const struct args_option assign_options[] = {
	{ "session", 0, ARGS_TEXT, offsetof(struct assign_values, session), "SESSION",
		"an agent's whole session, what comes later included" },
	{ "start", 0, ARGS_TEXT, offsetof(struct assign_values, start), "TIME",
		"events that start at this time or later" },
	{ "end", 0, ARGS_TEXT, offsetof(struct assign_values, end), "TIME",
		"events that start before this time" },
	{ "workspace", 0, ARGS_TEXT, offsetof(struct assign_values, workspace), "GLOB",
		"with --start and --end: only those in these directories" },
};

static int read_selection(struct cli *cli, const struct assign_values *values,
	const struct args_list *operands, struct edit_selection *out, struct err *err)
{
	bool by_time = values->start || values->end || values->workspace;
	bool by_id = operands->count > 1;
	struct str *ids;
	int rc;

	if (by_id + by_time + (values->session != NULL) != 1)
		return err_set(err, ERR_USAGE,
			"say in one way which events: their ids, --session, or --start with --end");
	if (by_time && !(values->start && values->end))
		return err_set(err, ERR_USAGE,
			"--start and --end (RFC 3339, or '2 hours ago') go together");
	*out = (struct edit_selection){ .session_id = str_from(values->session),
		.cwd_glob = str_from(values->workspace) };
	ids = arena_zalloc(&cli->arena, operands->count, sizeof(*ids));
	for (size_t i = 1; i < operands->count; i++)
		ids[i - 1] = str_from(operands->items[i]);
	out->event_ids = ids;
	out->event_id_count = operands->count - 1;
	rc = by_time ? cli_time(cli, "--start", values->start, &out->from_ns, err) : 0;
	if (rc == 0 && by_time)
		rc = cli_time(cli, "--end", values->end, &out->to_ns, err);
	if (rc == 0 && by_time && out->from_ns >= out->to_ns)
		return err_set(err, ERR_USAGE, "--start must lie before --end");
	return rc;
}

static int assign_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct json_writer json = json_writer(&cli->out);
	struct edit_selection selection;
	const struct stream *stream;
	struct store *store;
	int64_t assigned;
	int rc = read_selection(cli, values, operands, &selection, err);

	if (rc == 0)
		rc = cli_streams(cli, &store, &set, err);
	if (rc == 0)
		rc = cli_stream(set, operands->items[0], &stream, err);
	if (rc == 0)
		rc = edit_assign(store, stream, &selection, &assigned, err);
	if (rc < 0)
		return rc;
	if (!cli->globals.json) {
		log_info(&cli->log, "%lld events assigned to '%.*s'", (long long)assigned,
			STR_ARG(stream->name));
		return 0;
	}
	json_begin_object(&json);
	json_kv_str(&json, "stream_id", stream->id);
	json_kv_i64(&json, "assigned", assigned);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

static const struct command streams_assign = {
	.name = "assign",
	.summary = "say what belongs to a stream; nothing overrides it later",
	.usage =
		"STREAM EVENT_ID… | STREAM --session SESSION | STREAM --start TIME --end TIME [--workspace GLOB]",
	.args = { .options = assign_options,
		.option_count = ARRAY_LEN(assign_options),
		.min_operands = 1,
		.max_operands = SIZE_MAX,
		.operands = "STREAM" },
	.values_size = sizeof(struct assign_values),
	.run = assign_run,
};

static const struct command *const streams_commands[] = { &streams_list, &streams_show,
	&streams_create, &streams_rename, &streams_merge, &streams_split, &streams_assign, NULL };

const struct command command_streams = {
	.name = "streams",
	.summary = "pieces of work: list, name, merge, split, assign",
	.usage = "[list|show|create|rename|merge|split|assign] …",
	.details =
		"Streams come by themselves: events of one project (or directory) on one machine with no long pause in\n"
		"between. Name them by id, by the first bytes of the id, or by a name that is unique.",
	.subcommands = streams_commands,
};
