/* tt report, today, yesterday, week: where the time went. */
#include "attention/report.h"

#include "cli/commands.h"

struct report_values {
	int day;
	int last_day;
	int week;
	int last_week;
	const char *weeks;
	const char *start;
	const char *end;
	const char *by;
	const char *zone;
	const char *explain;
	int no_collect;
};

#define VALUE(name) offsetof(struct report_values, name)
#define COMMON_OPTIONS                                                                                \
	{ "by", 0, ARGS_TEXT, VALUE(by), "WHAT", "tag, stream, project, machine or agent" },          \
		{ "tz", 0, ARGS_TEXT, VALUE(zone), "ZONE", "time zone (default: the machine's)" },    \
		{ "explain", 0, ARGS_TEXT, VALUE(explain), "STREAM",                                  \
			"the intervals and events behind a stream's time (or 'all', 'unassigned')" }, \
	{                                                                                             \
		"no-collect", 0, ARGS_FLAG, VALUE(no_collect), NULL,                                  \
			"only what is in the store already"                                           \
	}

static const struct args_option report_options[] = {
	{ "day", 0, ARGS_FLAG, VALUE(day), NULL, "today" },
	{ "last-day", 0, ARGS_FLAG, VALUE(last_day), NULL, "yesterday" },
	{ "week", 0, ARGS_FLAG, VALUE(week), NULL, "this week (the default)" },
	{ "last-week", 0, ARGS_FLAG, VALUE(last_week), NULL, "the week before" },
	{ "weeks", 0, ARGS_TEXT, VALUE(weeks), "N", "each of the last N weeks, newest first" },
	{ "start", 0, ARGS_TEXT, VALUE(start), "DATE", "from this day" },
	{ "end", 0, ARGS_TEXT, VALUE(end), "DATE",
		"up to this day, not included (default: tomorrow)" },
	COMMON_OPTIONS,
};

static const struct args_option shorthand_options[] = { COMMON_OPTIONS };

static const char *const by_names[] = {
	[REPORT_BY_TAG] = "tag",
	[REPORT_BY_STREAM] = "stream",
	[REPORT_BY_PROJECT] = "project",
	[REPORT_BY_MACHINE] = "machine",
	[REPORT_BY_AGENT] = "agent",
};

enum { MOST_WEEKS = 520 };

static int parse_by(const char *text, enum report_by *out, struct err *err)
{
	*out = REPORT_BY_TAG;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(by_names); i++) {
		if (strcmp(text, by_names[i]) == 0) {
			*out = (enum report_by)i;
			return 0;
		}
	}
	return err_set(
		err, ERR_USAGE, "--by '%s': use tag, stream, project, machine or agent", text);
}

static int custom_period(const struct report_values *values, const struct calendar *calendar,
	int64_t now_ns, struct period *out, struct err *err)
{
	struct date first, end;
	int rc;

	if (!values->start)
		return err_set(err, ERR_USAGE, "--end needs --start");
	rc = cli_day("--start", values->start, &first, err);
	if (rc < 0)
		return rc;
	end = date_from_days(date_to_days(period_day(calendar, now_ns, 0).last) + 1);
	rc = values->end ? cli_day("--end", values->end, &end, err) : 0;
	if (rc < 0)
		return rc;
	return period_custom(calendar, first, end, out, err);
}

static int choose_period(const struct report_values *values, const struct calendar *calendar,
	int64_t now_ns, struct period *out, struct err *err)
{
	int named = values->day + values->last_day + values->week + values->last_week +
		    (values->weeks != NULL) + (values->start || values->end);

	if (named > 1)
		return err_set(err, ERR_USAGE,
			"one period at a time: --day, --last-day, --week, --last-week, --weeks or --start");
	if (values->start || values->end)
		return custom_period(values, calendar, now_ns, out, err);
	if (values->day || values->last_day)
		*out = period_day(calendar, now_ns, values->last_day);
	else
		*out = period_week(calendar, now_ns, values->last_week);
	return 0;
}

static void show(struct cli *cli, const struct report *report, const struct zone *zone,
	struct json_writer *json)
{
	if (cli->globals.json)
		report_json(report, zone, json);
	else
		report_text(report, zone, &cli->out);
}

static int weeks_run(struct cli *cli, struct store *store, struct report_request request,
	const struct calendar *calendar, uint64_t weeks, struct err *err)
{
	struct json_writer json = json_writer(&cli->out);
	struct report report;

	if (cli->globals.json) {
		json_begin_object(&json);
		json_key(&json, STR("weeks"));
		json_begin_array(&json);
	}
	for (uint64_t back = 0; back < weeks; back++) {
		int rc;

		request.period = period_week(calendar, cli->now_ns, (int)back);
		rc = report_build(store, &request, &cli->arena, &report, err);
		if (rc < 0)
			return rc;
		if (back > 0 && !cli->globals.json)
			buf_byte(&cli->out, '\n');
		show(cli, &report, calendar->zone, &json);
	}
	if (cli->globals.json) {
		json_end_array(&json);
		json_end_object(&json);
	}
	return 0;
}

static int run_in_zone(
	struct cli *cli, const struct report_values *values, struct zone *zone, struct err *err)
{
	struct calendar calendar = cli_calendar(cli, zone);
	struct report_request request = { .now_ns = cli->now_ns,
		.params = cli_params(cli),
		.explain = str_from(values->explain) };
	struct json_writer json = json_writer(&cli->out);
	struct store *store;
	struct report report;
	uint64_t weeks = 0;
	int rc = parse_by(values->by, &request.by, err);

	if (rc == 0 && values->weeks &&
		(!str_to_u64(str_from(values->weeks), &weeks) || weeks == 0 || weeks > MOST_WEEKS))
		rc = err_set(err, ERR_USAGE, "--weeks takes a number from 1 to %d", MOST_WEEKS);
	if (rc == 0)
		rc = choose_period(values, &calendar, cli->now_ns, &request.period, err);
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	if (!values->no_collect)
		cli_drain(cli, store);
	if (weeks > 0) {
		rc = weeks_run(cli, store, request, &calendar, weeks, err);
	} else {
		rc = report_build(store, &request, &cli->arena, &report, err);
		if (rc == 0)
			show(cli, &report, zone, &json);
	}
	if (rc == 0 && cli->globals.json)
		buf_byte(&cli->out, '\n');
	return rc;
}

static int report_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct report_values *report = values;
	struct zone *zone CLEANUP(zone_freep) = NULL;
	int rc = cli_zone(cli, report->zone, &zone, err);

	(void)operands;
	if (rc < 0)
		return rc;
	return run_in_zone(cli, report, zone, err);
}

static int today_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct report_values report = *(const struct report_values *)values;

	report.day = 1;
	return report_run(cli, &report, operands, err);
}

static int yesterday_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct report_values report = *(const struct report_values *)values;

	report.last_day = 1;
	return report_run(cli, &report, operands, err);
}

const struct command command_report = {
	.name = "report",
	.summary = "where the time went",
	.usage =
		"[--day|--last-day|--week|--last-week|--weeks N|--start DATE [--end DATE]] [--by WHAT] [--tz ZONE] "
		"[--explain STREAM]",
	.details =
		"Direct time is yours: one thing at a time. Delegated time is the sum over your agents; its union is wall clock.\n"
		"Waiting is time in which an agent waited for you. --explain shows the intervals that make up a number.",
	.args = { .options = report_options, .option_count = ARRAY_LEN(report_options) },
	.values_size = sizeof(struct report_values),
	.run = report_run,
};

#define SHORTHAND(word, text, function)                                                            \
	{                                                                                          \
		.name = word, .summary = text,                                                     \
		.usage = "[--by WHAT] [--tz ZONE] [--explain STREAM]",                             \
		.args = { .options = shorthand_options,                                            \
			.option_count = ARRAY_LEN(shorthand_options) },                            \
		.values_size = sizeof(struct report_values), .run = function                       \
	}

const struct command command_today = SHORTHAND("today", "the report of today", today_run);
const struct command command_yesterday =
	SHORTHAND("yesterday", "the report of yesterday", yesterday_run);
const struct command command_week = SHORTHAND("week", "the report of this week", report_run);
