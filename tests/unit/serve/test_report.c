#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "serve/report.h"
#include "tap.h"

#define T0 (INT64_C(1770129121) * NS_PER_S)
#define T0_TEXT "2026-02-03T14:32:01.000Z"

static void all_of_it(void)
{
	struct report_source sources[3] = {
		{ .source = "tmux",
			.at_ns = T0,
			.counts = { .files = 1,
				.new_events = 2,
				.updated = 3,
				.quarantined = 4,
				.failed = 5,
				.elapsed_ms = 6 },
			.retry_at_ns = INT64_MIN },
		{ .source = "off", .at_ns = INT64_MIN, .retry_at_ns = INT64_MIN },
		{ .source = "claude",
			.at_ns = INT64_MIN,
			.error = "it \"fails\"",
			.retry_at_ns = T0 },
	};
	struct schedule schedule = { .count = 3 };
	struct report report = {
		.started_ns = T0,
		.last_round_ns = INT64_MIN,
		.configuration_error = "",
		.coverage = { .watched = 7, .polled = 8 },
		.schedule = &schedule,
		.sources = sources,
		.count = 3,
	};
	struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);
	char want[1024];

	schedule.rows[0].enabled = schedule.rows[2].enabled = true;
	schedule.rows[2].running = true;
	schedule.rows[2].failures = 9;
	report_write(&json, &report);
	snprintf(want, sizeof(want),
		"{\"pid\":%d,\"version\":\"%s\",\"started\":\"" T0_TEXT
		"\",\"paused\":false,\"last_round\":null,\"configuration_error\":null,\"watched\":7,"
		"\"polled\":8,\"polled_because\":null,\"sources\":[{\"source\":\"tmux\",\"running\":false,"
		"\"at\":\"" T0_TEXT
		"\",\"elapsed_ms\":6,\"files\":1,\"failed\":5,\"new\":2,\"updated\":3,\"quarantined\":4,"
		"\"error\":null,\"failures\":0,\"retry_at\":null},{\"source\":\"claude\",\"running\":true,"
		"\"at\":null,\"elapsed_ms\":0,\"files\":0,\"failed\":0,\"new\":0,\"updated\":0,"
		"\"quarantined\":0,\"error\":\"it \\\"fails\\\"\",\"failures\":9,\"retry_at\":\"" T0_TEXT
		"\"}],\"serve\":null}\n",
		(int)getpid(), TT_VERSION);
	IS_STR(buf_str(&text), want);
	buf_clear(&text);
	json = json_writer(&text);
	report.configuration_error = "line 3";
	report.coverage.short_of = "too many";
	report.last_round_ns = T0;
	report.paused = true;
	report.count = 0;
	report.serve = true;
	report.listen = STR("[\"http://127.0.0.1:5600\"]");
	report_write(&json, &report);
	OK(strstr(buf_cstr(&text), "\"configuration_error\":\"line 3\"") != NULL);
	OK(strstr(buf_cstr(&text), "\"polled_because\":\"too many\",\"sources\":[]") != NULL);
	OK(strstr(buf_cstr(&text), "\"paused\":true,\"last_round\":\"" T0_TEXT "\"") != NULL);
	OK(strstr(buf_cstr(&text), "\"serve\":{\"listen\":[\"http://127.0.0.1:5600\"],"
				   "\"error\":null}}\n") != NULL);
	buf_clear(&text);
	json = json_writer(&text);
	report.listen.len = 0;
	report.serve_error = "in use";
	report_write(&json, &report);
	OK(strstr(buf_cstr(&text), "\"serve\":{\"listen\":null,\"error\":\"in use\"}}\n") != NULL);
	buf_release(&text);
}

static const struct tap_case cases[] = { TAP_CASE(all_of_it) };

TAP_MAIN(cases)
