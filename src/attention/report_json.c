/* A report as the command line's JSON object (docs: cli.md). Durations are cut to milliseconds here
 * and nowhere before. */
#include <stdio.h>

#include "attention/report.h"
#include "attention/stream_json.h"

enum { TOP_SESSIONS = 5 };

static const char *const period_names[] = {
	[PERIOD_DAY] = "day",
	[PERIOD_WEEK] = "week",
	[PERIOD_CUSTOM] = "custom",
};

static void put_date(struct json_writer *out, const char *key, struct date date)
{
	char text[TIME_TEXT_BYTES];

	snprintf(text, sizeof(text), "%04d-%02d-%02d", date.year, date.month, date.day);
	json_kv_str(out, key, str_from(text));
}

static void put_period(struct json_writer *out, const struct period *period)
{
	json_key(out, STR("period"));
	json_begin_object(out);
	instant_json("start", period->start_ns, out);
	instant_json("end", period->end_ns, out);
	json_kv_str(out, "type", str_from(period_names[period->type]));
	put_date(out, "first_day", period->first);
	put_date(out, "last_day", period->last);
	json_end_object(out);
}

static void put_totals(struct json_writer *out, const struct report *report)
{
	const struct time_totals *totals = &report->totals;

	json_key(out, STR("totals"));
	json_begin_object(out);
	duration_json("tracked_ms", totals->tracked_ns, out);
	duration_json("direct_ms", totals->direct_ns, out);
	duration_json("delegated_ms", totals->delegated_ns, out);
	duration_json("delegated_union_ms", totals->delegated_union_ns, out);
	duration_json("waiting_ms", totals->waiting_ns, out);
	duration_json("unassigned_direct_ms", totals->unassigned_direct_ns, out);
	duration_json("unassigned_delegated_ms", totals->unassigned_delegated_ns, out);
	json_kv_i64(out, "peak_agents", totals->peak_agents);
	json_kv_i64(out, "stream_count", (int64_t)report->stream_count);
	json_end_object(out);
}

static void put_group(struct json_writer *out, const struct report_group *group, bool with_key)
{
	json_begin_object(out);
	if (with_key)
		json_kv_str(out, "key", group->key);
	time_totals_json(&group->time, out);
	json_key(out, STR("streams"));
	json_begin_array(out);
	for (size_t i = 0; i < group->stream_count; i++)
		stream_json(group->streams[i]->stream, &group->streams[i]->time, out);
	json_end_array(out);
	json_end_object(out);
}

static void put_counts(
	struct json_writer *out, const char *key, const struct report_count *counts, size_t count)
{
	json_key(out, str_from(key));
	json_begin_object(out);
	for (size_t i = 0; i < count; i++) {
		json_key(out, counts[i].key);
		json_put_i64(out, counts[i].count);
	}
	json_end_object(out);
}

static void put_session(struct json_writer *out, const struct report_session *session)
{
	json_begin_object(out);
	json_kv_str(out, "session_id", session->session_id);
	json_kv_str(out, "machine_id", session->machine_id);
	json_kv_str(out, "source", session->agent);
	json_kv_str(out, "type", session->type);
	json_kv_str(out, "title", session->title);
	duration_json("delegated_ms", session->delegated_ns, out);
	duration_json("waiting_ms", session->waiting_ns, out);
	json_end_object(out);
}

static void put_sessions(struct json_writer *out, const struct report *report)
{
	json_key(out, STR("sessions"));
	json_begin_object(out);
	json_kv_i64(out, "total", (int64_t)report->session_count);
	put_counts(out, "by_source", report->by_source, report->by_source_count);
	put_counts(out, "by_type", report->by_type, report->by_type_count);
	json_key(out, STR("top"));
	json_begin_array(out);
	for (size_t i = 0; i < report->session_count && i < TOP_SESSIONS; i++)
		put_session(out, &report->sessions[i]);
	json_end_array(out);
	json_end_object(out);
}

static void put_explain(struct json_writer *out, const struct report *report)
{
	json_key(out, STR("explain"));
	json_begin_array(out);
	for (size_t i = 0; i < report->explain_count; i++) {
		const struct report_explain *explain = &report->explain[i];

		json_begin_object(out);
		instant_json("start", explain->start_ns, out);
		instant_json("end", explain->end_ns, out);
		json_kv_str(out, "kind", span_kind_name(explain->kind));
		json_kv_str(out, "event_id", explain->event_id);
		if (explain->ended_by.len > 0)
			json_kv_str(out, "ended_by", explain->ended_by);
		json_kv_str(out, "stream_id", explain->stream_id);
		json_end_object(out);
	}
	json_end_array(out);
}

void report_json(const struct report *report, const struct zone *zone, struct json_writer *out)
{
	json_begin_object(out);
	instant_json("generated_at", report->request.now_ns, out);
	json_kv_str(out, "timezone", str_from(zone_name(zone)));
	put_period(out, &report->request.period);
	put_totals(out, report);
	json_key(out, STR("by"));
	json_begin_array(out);
	for (size_t i = 0; i < report->group_count; i++)
		put_group(out, &report->groups[i], true);
	json_end_array(out);
	json_key(out, STR("untagged"));
	put_group(out, &report->untagged, false);
	put_sessions(out, report);
	put_explain(out, report);
	json_end_object(out);
}
