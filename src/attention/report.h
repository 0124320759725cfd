/* Where the time went: one function for the command line, the API and the page. */
#ifndef TT_ATTENTION_REPORT_H
#define TT_ATTENTION_REPORT_H

#include "attention/allocate.h"
#include "attention/period.h"
#include "attention/streams.h"

enum report_by {
	REPORT_BY_TAG,
	REPORT_BY_STREAM,
	REPORT_BY_PROJECT,
	REPORT_BY_MACHINE,
	REPORT_BY_AGENT
};

struct report_request {
	struct period period;
	enum report_by by;
	struct str explain; /* a stream (id, short id, name), "all", "unassigned", or empty */
	int64_t now_ns;
	struct attention_params params;
};

/* Time of one stream, in the period or in a group. */
struct report_stream {
	const struct stream *stream; /* a copy, in the report's arena */
	struct time_totals time;
};

/* One row of `by`: a tag, a stream, a project, a machine or an agent; the streams in it, most
 * first, with their time in it. */
struct report_group {
	struct str key;
	struct time_totals time;
	const struct report_stream **streams;
	size_t stream_count;
};

struct report_session {
	struct str session_id;
	struct str machine_id;
	struct str agent; /* "unknown" when no event told */
	struct str type;  /* "user", "subagent", "agent" */
	struct str title; /* project or directory; never prompt text */
	int64_t delegated_ns;
	int64_t waiting_ns;
};

struct report_explain {
	int64_t start_ns, end_ns;
	enum span_kind kind;
	struct str event_id;  /* of the event behind it */
	struct str stream_id; /* ptr NULL: unassigned */
	struct str ended_by;  /* the event that says the person went away then; may be empty */
};

struct report_count {
	struct str key;
	int64_t count;
};

struct report {
	struct report_request request;
	struct time_totals totals;            /* unassigned time included */
	const struct report_stream **streams; /* those with time, most first, then by name and id */
	size_t stream_count;
	struct report_group *groups; /* of assigned time, most first, then by key; multi-tag streams
					count in each of their groups */
	size_t group_count;
	struct report_group untagged; /* streams without tag (also when not grouped by tag) */
	struct report_session
		*sessions; /* with an event or time in the period, most delegated first */
	size_t session_count;
	struct report_count *by_source; /* sessions by agent, most first */
	size_t by_source_count;
	struct report_count *by_type;
	size_t by_type_count;
	struct report_explain
		*explain; /* in order of start; their sums are the stream's numbers above */
	size_t explain_count;
};

/*
 * Brings streams up to date, then builds the report in the arena. By agent, the direct time that a
 * prompt began is that agent's. Unknown stream to explain: as stream_set_find. ERR_LIMIT: the arena
 * is over its limit.
 */
MUST_USE int report_build(struct store *store, const struct report_request *request,
	struct arena *arena, struct report *out, struct err *err);

/* The command line's JSON object of a report (contract: cli.md, `report`), and its text for people.
 */
struct json_writer;
void report_json(const struct report *report, const struct zone *zone, struct json_writer *out);
void report_text(const struct report *report, const struct zone *zone, struct buf *out);

#endif
