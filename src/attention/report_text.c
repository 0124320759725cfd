/*
 * A report for people. Everything foreign goes through tables, which escape what a terminal would
 * act on. Durations are floored to minutes line by line, so that lines may differ from their sum by
 * a minute.
 */
#include "attention/report.h"
#include "base/table.h"
#include "base/utf8.h"

enum { TOP_STREAMS = 5, TOP_SESSIONS = 5, COLUMNS_MAX = 6, PERCENT_FROM_MINUTES = 30 };

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };
static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static const char *const by_titles[] = {
	[REPORT_BY_TAG] = "BY TAG",
	[REPORT_BY_STREAM] = "BY STREAM",
	[REPORT_BY_PROJECT] = "BY PROJECT",
	[REPORT_BY_MACHINE] = "BY MACHINE",
	[REPORT_BY_AGENT] = "BY AGENT",
};

struct text {
	const struct report *report;
	const struct zone *zone;
	struct arena arena;
	struct buf *out;
};

/* --- pieces --- */

static struct str duration(struct text *text, int64_t ns)
{
	char room[TIME_TEXT_BYTES];

	return arena_str(&text->arena, str_from(duration_format(ns / NS_PER_MS, room)));
}

static int64_t total_ns(const struct time_totals *time)
{
	return time->direct_ns + time->delegated_ns;
}

static struct str bar(struct text *text, int64_t ns, int64_t max_ns)
{
	CLEANUP(buf_release) struct buf cells = BUF_INIT;

	table_bar(ns, max_ns, &cells);
	return arena_str(&text->arena, buf_str(&cells));
}

static void heading(struct text *text, struct str title)
{
	buf_byte(text->out, '\n');
	table_clean(text->out, title);
	buf_byte(text->out, '\n');
	for (size_t i = 0; i < utf8_columns(title); i++)
		buf_addc(text->out, "─");
	buf_byte(text->out, '\n');
}

/* A table without headings whose first column is on the left, the others as ALIGNS. */
static struct table *plain_table(struct text *text, size_t columns, const enum table_align *aligns)
{
	static const char *const none[COLUMNS_MAX] = { "", "", "", "", "", "" };

	return table_new(&text->arena, columns, none, aligns);
}

static struct str short_id(struct str id)
{
	return str_sub(id, 0, STREAM_SHORT_ID_BYTES);
}

/* --- title --- */

static void put_date(struct text *text, struct date date, bool with_year)
{
	buf_printf(text->out, "%s %d", months[date.month - 1], date.day);
	if (with_year)
		buf_printf(text->out, ", %d", date.year);
}

static void put_period(struct text *text)
{
	const struct period *period = &text->report->request.period;
	struct date first = period->first, last = period->last;

	if (period->type == PERIOD_WEEK) {
		buf_addc(text->out, "Week of ");
	} else if (date_to_days(first) == date_to_days(last)) {
		buf_printf(text->out, "%s, ", weekdays[date_weekday(first)]);
	} else {
		put_date(text, first, first.year != last.year);
		buf_addc(text->out, " – ");
		first = last;
	}
	put_date(text, first, true);
}

/* --- groups --- */

static void group_row(struct text *text, struct table *table, struct str key,
	const struct time_totals *time, int64_t max_ns)
{
	const struct str cells[] = {
		key,
		duration(text, total_ns(time)),
		bar(text, total_ns(time), max_ns),
		duration(text, time->direct_ns),
		duration(text, time->delegated_ns),
		duration(text, time->waiting_ns),
	};

	table_row(table, cells);
}

/* What belongs to no stream, as if it were one. */
static struct time_totals unassigned_of(const struct time_totals *totals)
{
	return (struct time_totals){
		.direct_ns = totals->unassigned_direct_ns,
		.delegated_ns = totals->unassigned_delegated_ns,
	};
}

static int64_t most_ns(const struct report *report, const struct time_totals *unassigned)
{
	int64_t most = total_ns(unassigned);

	for (size_t i = 0; i < report->group_count; i++)
		if (total_ns(&report->groups[i].time) > most)
			most = total_ns(&report->groups[i].time);
	if (report->request.by == REPORT_BY_TAG && total_ns(&report->untagged.time) > most)
		most = total_ns(&report->untagged.time);
	return most;
}

static struct str group_name(struct text *text, const struct report_group *group)
{
	if (text->report->request.by != REPORT_BY_STREAM)
		return group->key;
	return arena_printf(&text->arena, "%.*s (%.*s)", STR_ARG(group->key),
		STR_ARG(short_id(group->streams[0]->stream->id)));
}

static void put_groups(struct text *text)
{
	static const char *const headings[] = { "", "Total", "", "Direct", "Delegated", "Waiting" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT, TABLE_LEFT, TABLE_RIGHT,
		TABLE_RIGHT, TABLE_RIGHT };
	const struct report *report = text->report;
	struct time_totals unassigned = unassigned_of(&report->totals);
	int64_t most = most_ns(report, &unassigned);
	struct table *table = table_new(&text->arena, ARRAY_LEN(headings), headings, aligns);

	heading(text, str_from(by_titles[report->request.by]));
	for (size_t i = 0; i < report->group_count; i++)
		group_row(text, table, group_name(text, &report->groups[i]),
			&report->groups[i].time, most);
	if (report->request.by == REPORT_BY_TAG && report->untagged.stream_count > 0)
		group_row(text, table, report->untagged.key, &report->untagged.time, most);
	if (total_ns(&unassigned) > 0)
		group_row(text, table, STR("(unassigned)"), &unassigned, most);
	table_print(table, text->out);
	if (total_ns(&unassigned) > 0)
		buf_addc(text->out,
			"\nUnassigned time belongs to no stream: `tt report --explain unassigned` "
			"lists it, `tt streams assign` gives it to one.\n");
}

static struct str tags_of(struct text *text, const struct stream *stream)
{
	CLEANUP(buf_release) struct buf tags = BUF_INIT;

	for (size_t i = 0; i < stream->tag_count; i++) {
		buf_addc(&tags, i > 0 ? ", " : "");
		buf_add(&tags, stream->tags[i]);
	}
	return arena_str(&text->arena, buf_str(&tags));
}

static void put_streams(struct text *text)
{
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_RIGHT,
		TABLE_LEFT };
	const struct report *report = text->report;
	struct table *table = plain_table(text, ARRAY_LEN(aligns), aligns);

	if (report->stream_count == 0 || report->request.by == REPORT_BY_STREAM)
		return;
	heading(text, STR("STREAMS"));
	for (size_t i = 0; i < report->stream_count && i < TOP_STREAMS; i++) {
		const struct stream *stream = report->streams[i]->stream;
		const struct str cells[] = {
			short_id(stream->id),
			stream->name,
			duration(text, total_ns(&report->streams[i]->time)),
			tags_of(text, stream),
		};

		table_row(table, cells);
	}
	table_print(table, text->out);
	if (report->stream_count > TOP_STREAMS)
		buf_printf(text->out, "… and %zu more: `tt report --by stream` lists them all.\n",
			report->stream_count - TOP_STREAMS);
}

/* --- sessions --- */

static void put_counts(struct text *text, const struct report_count *counts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_addc(text->out, i > 0 ? ", " : "");
		buf_printf(text->out, "%lld ", (long long)counts[i].count);
		table_clean(text->out, counts[i].key);
	}
}

static void put_sessions(struct text *text)
{
	static const enum table_align aligns[] = { TABLE_RIGHT, TABLE_LEFT, TABLE_LEFT,
		TABLE_LEFT };
	const struct report *report = text->report;
	struct table *table = plain_table(text, ARRAY_LEN(aligns), aligns);

	if (report->session_count == 0)
		return;
	heading(text, STR("AGENT SESSIONS"));
	buf_printf(text->out, "%zu in all (", report->session_count);
	put_counts(text, report->by_source, report->by_source_count);
	buf_addc(text->out, "; ");
	put_counts(text, report->by_type, report->by_type_count);
	buf_addc(text->out, ")\n");
	for (size_t i = 0; i < report->session_count && i < TOP_SESSIONS; i++) {
		const struct report_session *session = &report->sessions[i];
		const struct str cells[] = {
			duration(text, session->delegated_ns),
			session->agent,
			session->title,
			session->session_id,
		};

		if (session->delegated_ns > 0)
			table_row(table, cells);
	}
	table_print(table, text->out);
}

/* --- summary --- */

/* Shares are said only of an amount that they say something about. */
static void put_summary(struct text *text)
{
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT, TABLE_RIGHT,
		TABLE_LEFT };
	const struct time_totals *totals = &text->report->totals;
	struct table *table = plain_table(text, ARRAY_LEN(aligns), aligns);
	struct str direct = { 0 }, delegated = { 0 }, agents = { 0 };
	int64_t all = total_ns(totals);

	if (all >= PERCENT_FROM_MINUTES * NS_PER_MINUTE) {
		int percent = (int)(100.0 * (double)totals->direct_ns / (double)all + 0.5);

		direct = arena_printf(&text->arena, "%d %%", percent);
		delegated = arena_printf(&text->arena, "%d %%", 100 - percent);
	}
	if (totals->delegated_ns > 0)
		agents = arena_printf(&text->arena, "(union %.*s, peak %lld)",
			STR_ARG(duration(text, totals->delegated_union_ns)),
			(long long)totals->peak_agents);
	heading(text, STR("SUMMARY"));
	table_row(table, (const struct str[]){ STR("Tracked (wall clock):"),
				 duration(text, totals->tracked_ns), STR(""), STR("") });
	table_row(table, (const struct str[]){ STR("Direct:"), duration(text, totals->direct_ns),
				 direct, STR("") });
	table_row(table, (const struct str[]){ STR("Agent-hours:"),
				 duration(text, totals->delegated_ns), delegated, agents });
	table_row(table, (const struct str[]){ STR("Waiting for you:"),
				 duration(text, totals->waiting_ns), STR(""), STR("") });
	table_print(table, text->out);
}

/* --- explain --- */

static struct str local_time(struct text *text, int64_t at_ns, bool with_date)
{
	struct date date = zone_date(text->zone, at_ns);
	int hour, minute, second;

	zone_clock(text->zone, at_ns, &hour, &minute, &second);
	if (!with_date)
		return arena_printf(&text->arena, "%02d:%02d:%02d", hour, minute, second);
	return arena_printf(&text->arena, "%s %04d-%02d-%02d %02d:%02d:%02d",
		weekdays[date_weekday(date)], date.year, date.month, date.day, hour, minute,
		second);
}

static struct str exact_duration(struct text *text, int64_t ns)
{
	int64_t seconds = ns / NS_PER_S;

	return arena_printf(&text->arena, "%lld:%02lld:%02lld", (long long)(seconds / 3600),
		(long long)(seconds / 60 % 60), (long long)(seconds % 60));
}

static void explain_row(
	struct text *text, struct table *table, const struct report_explain *explain)
{
	const struct str cells[] = {
		local_time(text, explain->start_ns, true),
		local_time(text, explain->end_ns, false),
		exact_duration(text, explain->end_ns - explain->start_ns),
		span_kind_name(explain->kind),
		explain->stream_id.len > 0 ? short_id(explain->stream_id) : STR("(none)"),
		explain->ended_by.len > 0
			? arena_printf(&text->arena, "%.*s, ended by %.*s",
				  STR_ARG(explain->event_id), STR_ARG(explain->ended_by))
			: explain->event_id,
	};

	table_row(table, cells);
}

static void put_explain(struct text *text)
{
	static const char *const headings[] = { "From", "To", "Time", "Kind", "Stream", "Event" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_RIGHT, TABLE_LEFT,
		TABLE_LEFT, TABLE_LEFT };
	const struct report *report = text->report;
	struct table *table = table_new(&text->arena, ARRAY_LEN(headings), headings, aligns);
	int64_t sums[] = { [SPAN_DIRECT] = 0, [SPAN_DELEGATED] = 0, [SPAN_WAITING] = 0 };

	if (report->request.explain.len == 0)
		return;
	heading(text, STR("EXPLAINED"));
	for (size_t i = 0; i < report->explain_count; i++) {
		const struct report_explain *explain = &report->explain[i];

		sums[explain->kind] += explain->end_ns - explain->start_ns;
		explain_row(text, table, explain);
	}
	if (report->explain_count > 0)
		table_print(table, text->out);
	table_clean(text->out, report->request.explain);
	buf_printf(text->out, ": %.*s direct, %.*s delegated, %.*s waiting\n",
		STR_ARG(exact_duration(text, sums[SPAN_DIRECT])),
		STR_ARG(exact_duration(text, sums[SPAN_DELEGATED])),
		STR_ARG(exact_duration(text, sums[SPAN_WAITING])));
}

/* --- the whole --- */

static bool is_empty(const struct report *report)
{
	return report->totals.tracked_ns == 0 && report->totals.waiting_ns == 0 &&
	       report->session_count == 0;
}

void report_text(const struct report *report, const struct zone *zone, struct buf *out)
{
	struct text text = { .report = report, .zone = zone, .out = out };

	buf_addc(out, "TIME REPORT: ");
	put_period(&text);
	buf_byte(out, '\n');
	if (is_empty(report)) {
		buf_addc(out,
			"\nNo time was recorded in this period.\n"
			"`tt collect` brings in what this machine knows, `tt status` shows what arrives.\n");
	} else {
		put_groups(&text);
		put_streams(&text);
		put_sessions(&text);
		put_summary(&text);
	}
	put_explain(&text);
	arena_release(&text.arena);
}
