/* The state file's content: one object, times RFC 3339. */
#include "serve/report.h"

#include <unistd.h>

#include "base/json_time.h"
#include "base/time.h"

static void put_text(struct json_writer *json, const char *key, const char *text)
{
	json_kv_str(json, key, text && text[0] ? str_from(text) : (struct str){ NULL, 0 });
}

static void put_source(struct json_writer *json, const struct report_source *source,
	const struct schedule_row *row)
{
	json_begin_object(json);
	json_kv_str(json, "source", str_from(source->source));
	json_kv_bool(json, "running", row->running);
	json_kv_time(json, "at", source->at_ns);
	json_kv_i64(json, "elapsed_ms", source->counts.elapsed_ms);
	json_kv_i64(json, "files", source->counts.files);
	json_kv_i64(json, "failed", source->counts.failed);
	json_kv_i64(json, "new", source->counts.new_events);
	json_kv_i64(json, "updated", source->counts.updated);
	json_kv_i64(json, "quarantined", source->counts.quarantined);
	put_text(json, "error", source->error);
	json_kv_i64(json, "failures", row->failures);
	json_kv_time(json, "retry_at", source->retry_at_ns);
	json_end_object(json);
}

static void put_server(struct json_writer *json, const struct report *report)
{
	json_key(json, STR("serve"));
	if (!report->serve) {
		json_put_null(json);
		return;
	}
	json_begin_object(json);
	json_key(json, STR("listen"));
	if (report->listen.len > 0)
		json_put_raw(json, report->listen);
	else
		json_put_null(json);
	put_text(json, "error", report->serve_error);
	json_end_object(json);
}

void report_write(struct json_writer *json, const struct report *report)
{
	json_begin_object(json);
	json_kv_i64(json, "pid", getpid());
	json_kv_str(json, "version", STR(TT_VERSION));
	json_kv_time(json, "started", report->started_ns);
	json_kv_bool(json, "paused", report->paused);
	json_kv_time(json, "last_round", report->last_round_ns);
	put_text(json, "configuration_error", report->configuration_error);
	json_kv_i64(json, "watched", report->coverage.watched);
	json_kv_i64(json, "polled", report->coverage.polled);
	put_text(json, "polled_because", report->coverage.short_of);
	json_key(json, STR("sources"));
	json_begin_array(json);
	for (size_t i = 0; i < report->count; i++)
		if (report->schedule->rows[i].enabled)
			put_source(json, &report->sources[i], &report->schedule->rows[i]);
	json_end_array(json);
	put_server(json, report);
	json_end_object(json);
	buf_byte(json->out, '\n');
}
