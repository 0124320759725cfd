/*
 * What was counted: events, sessions, prompts, responses, tool calls, tokens. One scan over the
 * events of a span; memory grows with the number of sessions, not of events.
 *
 * What is marked withdrawn is an event and nothing else: it is counted apart. Commands are no
 * prompts. Tokens are the agents' own numbers (docs/events.md says what they include), unknown ones
 * are -1 (null in JSON), a sum is of what is known.
 */
#ifndef TT_QUERY_STATS_H
#define TT_QUERY_STATS_H

#include "query/span.h"
#include "query/stats_facts.h"

struct stats_counts {
	int64_t events;   /* of every type, also withdrawn ones */
	int64_t sessions; /* a sub-agent whose id begins with its parent's is a part of that */
	int64_t prompts;
	int64_t commands;
	int64_t responses;
	int64_t tool_calls;
	int64_t tool_errors;
	int64_t api_errors;
	int64_t file_reads; /* without a tool call */
	int64_t file_edits; /* likewise */
	int64_t edits;      /* in them */
	int64_t cancelled;
	int64_t malformed; /* lines of logs that nobody can read, as the sessions' facts have it */
	int64_t unknown_records;
	int64_t unknown_usage; /* responses of which nobody knows the tokens */
	int64_t tokens[STATS_TOKENS];
	struct {
		int64_t prompts;
		int64_t responses;
		int64_t tokens[STATS_TOKENS];
	} withdrawn;
	/* Starts of events, and the bounds that a session's own event tells. INT64_MIN: none. */
	int64_t first_ns;
	int64_t last_ns;
};

struct stats_session {
	struct str session_id;
	struct str parent_session_id; /* the rest: empty when not known */
	struct str source;
	struct str machine_id;
	struct str agent;
	struct str session_type;
	struct str workspace; /* as its facts say, else that of its first event that has one */
	struct str project;
	struct stats_counts counts; /* `sessions` is 1, or 0 for a part of another session */
};

struct stats_group {
	struct str key; /* ptr NULL: not known */
	struct stats_counts counts;
};

enum stats_by {
	STATS_BY_AGENT,
	STATS_BY_SOURCE,
	STATS_BY_WORKSPACE,
	STATS_BY_DAY,
	STATS_BY_MODEL,
	STATS_BYS
};

struct stats_request {
	struct span span;
	struct str machine_id; /* of this machine only; empty: of all */
	enum stats_by by;
	struct span_clock clock; /* for days */
};

struct stats {
	struct stats_counts totals;
	struct stats_group *groups; /* days in their order, others by key; unknown last */
	size_t group_count;
	struct stats_session *sessions; /* by their first event, then id */
	size_t session_count;
	int64_t quarantined; /* entries, of the whole store */
	int64_t store_bytes;
};

/* "agent", "source", "workspace", "day", "model". */
const char *stats_by_name(enum stats_by by);
/* Everything in OUT is in ARENA. */
MUST_USE int stats_build(struct store *store, const struct stats_request *request,
	struct arena *arena, struct stats *out, struct err *err);

/* Into an open object: totals, groups, sessions, quarantined and the store's size. */
void stats_json(const struct stats *stats, struct json_writer *json);

#endif
