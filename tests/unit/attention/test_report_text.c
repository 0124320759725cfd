/* What people and programs see of a report, of reports made by hand: the text, the JSON. */
#include "attention/report.h"
#include "attention/stream_json.h"
#include "base/zone.h"

#include "tap.h"

#define MIN NS_PER_MINUTE

static const struct str webapp_tags[] = { STR_INIT("client:acme"), STR_INIT("project:webapp") };

static const struct stream streams[] = {
	{ .id = STR_INIT("1a2b3c4d-0000-4000-8000-000000000001"),
		.name = STR_INIT("webapp"),
		.machine_id = STR_INIT("5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"),
		.tags = webapp_tags,
		.tag_count = 2,
		.source = "user",
		.first_ns = 1770100000 * NS_PER_S,
		.last_ns = 1770110000 * NS_PER_S,
		.events = 42 },
	{ .id = STR_INIT("9f8e7d6c-0000-4000-8000-000000000002"),
		.name = STR_INIT("no\033tes"),
		.source = "inferred",
		.first_ns = INT64_MIN },
};

static const struct report_stream stream_times[] = {
	{ &streams[0],
		{ .direct_ns = 80 * MIN, .delegated_ns = 480 * MIN, .waiting_ns = 10 * MIN } },
	{ &streams[1], { .direct_ns = 50 * MIN, .delegated_ns = 25 * MIN } },
};
static const struct report_stream *listed[] = { &stream_times[0], &stream_times[1] };

static struct report_group groups[] = {
	{ .key = STR_INIT("project:webapp"),
		.time = { .direct_ns = 80 * MIN,
			.delegated_ns = 480 * MIN,
			.waiting_ns = 10 * MIN },
		.streams = &listed[0],
		.stream_count = 1 },
};

static struct report_session sessions[] = {
	{ .session_id = STR_INIT("0d3e"),
		.machine_id = STR_INIT("5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"),
		.agent = STR_INIT("claude-code"),
		.type = STR_INIT("user"),
		.title = STR_INIT("webapp"),
		.delegated_ns = 480 * MIN + 999999,
		.waiting_ns = 10 * MIN },
	{ .session_id = STR_INIT("0d3e/agent-1"),
		.machine_id = STR_INIT(""),
		.agent = STR_INIT("claude-code"),
		.type = STR_INIT("subagent"),
		.title = STR_INIT("") },
};
static struct report_count by_source[] = { { STR_INIT("claude-code"), 2 } };
static struct report_count by_type[] = { { STR_INIT("subagent"), 1 }, { STR_INIT("user"), 1 } };

static struct report_explain explained[] = {
	{ 1770100000 * NS_PER_S, 1770100090 * NS_PER_S, SPAN_DIRECT, STR_INIT("m:s:t:1:a"),
		STR_INIT("1a2b3c4d-0000-4000-8000-000000000001"), STR_INIT("m:s:t:1:c") },
	{ 1770100060 * NS_PER_S, 1770103720 * NS_PER_S, SPAN_DELEGATED, STR_INIT("m:s:t:1:b"),
		{ NULL, 0 } },
};

static struct report full_report(void)
{
	return (struct report){
		.request = { .period = { .type = PERIOD_WEEK,
				     .start_ns = 1769990400 * NS_PER_S,
				     .end_ns = 1770595200 * NS_PER_S,
				     .first = { 2026, 2, 2 },
				     .last = { 2026, 2, 8 } },
			.by = REPORT_BY_TAG,
			.explain = STR("all"),
			.now_ns = 1770200000 * NS_PER_S + 123456789 },
		.totals = { .direct_ns = 165 * MIN,
			.delegated_ns = 510 * MIN,
			.delegated_union_ns = 372 * MIN,
			.waiting_ns = 10 * MIN,
			.tracked_ns = 602 * MIN,
			.unassigned_direct_ns = 35 * MIN,
			.unassigned_delegated_ns = 5 * MIN,
			.peak_agents = 4 },
		.streams = listed,
		.stream_count = 2,
		.groups = groups,
		.group_count = 1,
		.untagged = { .key = STR("(untagged)"),
			.time = stream_times[1].time,
			.streams = &listed[1],
			.stream_count = 1 },
		.sessions = sessions,
		.session_count = 2,
		.by_source = by_source,
		.by_source_count = 1,
		.by_type = by_type,
		.by_type_count = 2,
		.explain = explained,
		.explain_count = 2,
	};
}

static struct report empty_report(void)
{
	return (struct report){
		.request = { .period = { .type = PERIOD_DAY,
				     .first = { 2026, 2, 3 },
				     .last = { 2026, 2, 3 } } },
		.untagged = { .key = STR("(untagged)") },
	};
}

static void text_of(const struct report *report, struct buf *out)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;
	struct err err;

	buf_clear(out);
	if (OK(zone_open(&zone, STR("CET-1"), &err) == 0))
		report_text(report, zone, out);
}

static void json_of(const struct report *report, struct buf *out)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;
	struct json_writer writer = json_writer(out);
	struct err err;

	buf_clear(out);
	if (OK(zone_open(&zone, STR("UTC"), &err) == 0))
		report_json(report, zone, &writer);
}

static void text_of_a_week(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = full_report();

	text_of(&report, &out);
	IS_STR(buf_str(&out),
		"TIME REPORT: Week of Feb 2, 2026\n"
		"\n"
		"BY TAG\n"
		"──────\n"
		"                 Total              Direct  Delegated  Waiting\n"
		"project:webapp  9h 20m  ██████████  1h 20m      8h 0m      10m\n"
		"(untagged)      1h 15m  █░░░░░░░░░     50m        25m       0m\n"
		"(unassigned)       40m  █░░░░░░░░░     35m         5m       0m\n"
		"\n"
		"Unassigned time belongs to no stream: `tt report --explain unassigned` lists it, "
		"`tt streams assign` gives it to one.\n"
		"\n"
		"STREAMS\n"
		"───────\n"
		"1a2b3c4d  webapp     9h 20m  client:acme, project:webapp\n"
		"9f8e7d6c  no\\x1btes  1h 15m\n"
		"\n"
		"AGENT SESSIONS\n"
		"──────────────\n"
		"2 in all (2 claude-code; 1 subagent, 1 user)\n"
		"8h 0m  claude-code  webapp  0d3e\n"
		"\n"
		"SUMMARY\n"
		"───────\n"
		"Tracked (wall clock):  10h 2m\n"
		"Direct:                2h 45m  24 %\n"
		"Agent-hours:           8h 30m  76 %  (union 6h 12m, peak 4)\n"
		"Waiting for you:          10m\n"
		"\n"
		"EXPLAINED\n"
		"─────────\n"
		"From                     To           Time  Kind       Stream    Event\n"
		"Tue 2026-02-03 07:26:40  07:28:10  0:01:30  direct     1a2b3c4d  m:s:t:1:a, ended by m:s:t:1:c\n"
		"Tue 2026-02-03 07:27:40  08:28:40  1:01:00  delegated  (none)    m:s:t:1:b\n"
		"all: 0:01:30 direct, 1:01:00 delegated, 0:00:00 waiting\n");
}

static bool has(const struct buf *text, const char *part)
{
	return str_find_str(buf_str(text), str_from(part)) >= 0;
}

static void titles(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = empty_report();
	static const struct {
		enum period_type type;
		struct date first, last;
		const char *title;
	} cases[] = {
		{ PERIOD_WEEK, { 2026, 2, 2 }, { 2026, 2, 8 }, "Week of Feb 2, 2026\n" },
		{ PERIOD_DAY, { 2026, 2, 3 }, { 2026, 2, 3 }, "Tue, Feb 3, 2026\n" },
		{ PERIOD_CUSTOM, { 2026, 2, 3 }, { 2026, 2, 3 }, "Tue, Feb 3, 2026\n" },
		{ PERIOD_CUSTOM, { 2026, 1, 1 }, { 2026, 1, 7 }, "Jan 1 – Jan 7, 2026\n" },
		{ PERIOD_CUSTOM, { 2025, 12, 30 }, { 2026, 1, 5 }, "Dec 30, 2025 – Jan 5, 2026\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		report.request.period = (struct period){
			.type = cases[i].type, .first = cases[i].first, .last = cases[i].last
		};
		text_of(&report, &out);
		OK(str_starts(buf_str(&out), STR("TIME REPORT: ")));
		OK(has(&out, cases[i].title));
	}
}

static void text_of_nothing(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = empty_report();

	text_of(&report, &out);
	IS_STR(buf_str(&out),
		"TIME REPORT: Tue, Feb 3, 2026\n"
		"\n"
		"No time was recorded in this period.\n"
		"`tt collect` brings in what this machine knows, `tt status` shows what arrives.\n");
	report.request.explain = STR("webapp");
	text_of(&report, &out);
	OK(has(&out, "webapp: 0:00:00 direct, 0:00:00 delegated, 0:00:00 waiting\n"));
}

/* G14, G10. */
static void only_unassigned_time(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = empty_report();

	report.totals.direct_ns = report.totals.unassigned_direct_ns = 30 * MIN - 1;
	report.totals.tracked_ns = 30 * MIN - 1;
	text_of(&report, &out);
	OK(!has(&out, "No time was recorded"));
	OK(has(&out, "(unassigned)"));
	OK(has(&out, "--explain unassigned"));
	OK(!has(&out, "%"));
	report.totals.direct_ns = report.totals.unassigned_direct_ns = 30 * MIN;
	text_of(&report, &out);
	OK(has(&out, "100 %"));
}

static void groups_by_stream_show_ids(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = full_report();

	report.request.by = REPORT_BY_STREAM;
	groups[0].key = STR("webapp");
	text_of(&report, &out);
	groups[0].key = STR("project:webapp");
	OK(has(&out, "BY STREAM\n"));
	OK(has(&out, "webapp (1a2b3c4d)"));
	OK(!has(&out, "\nSTREAMS\n"));
	OK(!has(&out, "(untagged)"));
}

static void long_lists_are_cut(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	const struct report_stream *many[7];
	struct report report = full_report();

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = &stream_times[0];
	report.streams = many;
	report.stream_count = ARRAY_LEN(many);
	text_of(&report, &out);
	OK(has(&out, "… and 2 more"));
}

static void json_of_a_week(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = full_report();

	json_of(&report, &out);
#define WEBAPP                                                                                     \
	"{\"id\":\"1a2b3c4d-0000-4000-8000-000000000001\",\"id_short\":\"1a2b3c4d\","              \
	"\"name\":\"webapp\",\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\","             \
	"\"tags\":[\"client:acme\",\"project:webapp\"],\"source\":\"user\","                       \
	"\"direct_ms\":4800000,\"delegated_ms\":28800000,\"waiting_ms\":600000,"                   \
	"\"first\":\"2026-02-03T06:26:40.000Z\",\"last\":\"2026-02-03T09:13:20.000Z\","            \
	"\"events\":42}"
	IS_STR(buf_str(&out),
		"{\"generated_at\":\"2026-02-04T10:13:20.123Z\",\"timezone\":\"UTC\","
		"\"period\":{\"start\":\"2026-02-02T00:00:00.000Z\","
		"\"end\":\"2026-02-09T00:00:00.000Z\",\"type\":\"week\","
		"\"first_day\":\"2026-02-02\",\"last_day\":\"2026-02-08\"},"
		"\"totals\":{\"tracked_ms\":36120000,\"direct_ms\":9900000,"
		"\"delegated_ms\":30600000,\"delegated_union_ms\":22320000,"
		"\"waiting_ms\":600000,\"unassigned_direct_ms\":2100000,"
		"\"unassigned_delegated_ms\":300000,\"peak_agents\":4,\"stream_count\":2},"
		"\"by\":[{\"key\":\"project:webapp\",\"direct_ms\":4800000,"
		"\"delegated_ms\":28800000,\"waiting_ms\":600000,\"streams\":[" WEBAPP "]}],"
		"\"untagged\":{\"direct_ms\":3000000,\"delegated_ms\":1500000,\"waiting_ms\":0,"
		"\"streams\":[{\"id\":\"9f8e7d6c-0000-4000-8000-000000000002\","
		"\"id_short\":\"9f8e7d6c\",\"name\":\"no\\u001btes\",\"machine_id\":null,"
		"\"tags\":[],\"source\":\"inferred\",\"direct_ms\":3000000,"
		"\"delegated_ms\":1500000,\"waiting_ms\":0,\"first\":null,\"last\":null,"
		"\"events\":0}]},"
		"\"sessions\":{\"total\":2,\"by_source\":{\"claude-code\":2},"
		"\"by_type\":{\"subagent\":1,\"user\":1},\"top\":[{\"session_id\":\"0d3e\","
		"\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\","
		"\"source\":\"claude-code\",\"type\":\"user\",\"title\":\"webapp\","
		"\"delegated_ms\":28800000,\"waiting_ms\":600000},"
		"{\"session_id\":\"0d3e/agent-1\",\"machine_id\":\"\","
		"\"source\":\"claude-code\",\"type\":\"subagent\",\"title\":\"\","
		"\"delegated_ms\":0,\"waiting_ms\":0}]},"
		"\"explain\":[{\"start\":\"2026-02-03T06:26:40.000Z\","
		"\"end\":\"2026-02-03T06:28:10.000Z\",\"kind\":\"direct\","
		"\"event_id\":\"m:s:t:1:a\",\"ended_by\":\"m:s:t:1:c\","
		"\"stream_id\":\"1a2b3c4d-0000-4000-8000-000000000001\"},"
		"{\"start\":\"2026-02-03T06:27:40.000Z\",\"end\":\"2026-02-03T07:28:40.000Z\","
		"\"kind\":\"delegated\",\"event_id\":\"m:s:t:1:b\",\"stream_id\":null}]}");
}

/* G16. */
static void json_of_nothing(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct report report = empty_report();

	json_of(&report, &out);
	OK(has(&out, "\"by\":[]"));
	OK(has(&out, "\"untagged\":{\"direct_ms\":0,\"delegated_ms\":0,\"waiting_ms\":0,"
		     "\"streams\":[]}"));
	OK(has(&out, "\"sessions\":{\"total\":0,\"by_source\":{},\"by_type\":{},\"top\":[]}"));
	OK(has(&out, "\"explain\":[]"));
	OK(has(&out, "\"type\":\"day\""));
	OK(has(&out, "\"stream_count\":0"));
}

static void durations_and_instants(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);

	json_begin_object(&writer);
	duration_json("a", 1999999, &writer);
	instant_json("b", 1999999, &writer);
	instant_json("c", INT64_MIN, &writer);
	json_end_object(&writer);
	IS_STR(buf_str(&out), "{\"a\":1,\"b\":\"1970-01-01T00:00:00.001Z\",\"c\":null}");
}

static void kinds_have_names(void)
{
	IS_STR(span_kind_name(SPAN_DIRECT), "direct");
	IS_STR(span_kind_name(SPAN_DELEGATED), "delegated");
	IS_STR(span_kind_name(SPAN_WAITING), "waiting");
}

static const struct tap_case cases[] = {
	TAP_CASE(text_of_a_week),
	TAP_CASE(titles),
	TAP_CASE(text_of_nothing),
	TAP_CASE(only_unassigned_time),
	TAP_CASE(groups_by_stream_show_ids),
	TAP_CASE(long_lists_are_cut),
	TAP_CASE(json_of_a_week),
	TAP_CASE(json_of_nothing),
	TAP_CASE(durations_and_instants),
	TAP_CASE(kinds_have_names),
};
TAP_MAIN(cases)
