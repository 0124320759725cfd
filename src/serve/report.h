/* What the daemon tells of itself in its state file, for `tt status` and whoever else reads it. */
#ifndef TT_SERVE_REPORT_H
#define TT_SERVE_REPORT_H

#include "collect/watch.h"
#include "serve/job.h"
#include "serve/schedule.h"

/* What became of a source the last time. */
struct report_source {
	const char *source;
	int64_t at_ns; /* INT64_MIN: not collected yet */
	struct source_counts counts;
	char error[ERR_MESSAGE_BYTES]; /* empty: it went well */
	int64_t retry_at_ns;           /* INT64_MIN: no need */
};

struct report {
	int64_t started_ns;
	bool paused;
	int64_t last_round_ns;           /* INT64_MIN: none yet */
	const char *configuration_error; /* of a new one that was refused; "" */
	struct watch_coverage coverage;
	const struct schedule *schedule;
	const struct report_source *sources;
	size_t count;
	bool serve;              /* a server is wanted beside the daemon */
	struct str listen;       /* JSON array of where it answers; empty: it does not */
	const char *serve_error; /* why it does not, as far as it has said; "" */
};

void report_write(struct json_writer *json, const struct report *report);

#endif
