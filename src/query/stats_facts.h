/* What the data of an event says that is counted. */
#ifndef TT_QUERY_STATS_FACTS_H
#define TT_QUERY_STATS_FACTS_H

#include "base/buf.h"
#include "base/json.h"

enum stats_token {
	STATS_INPUT,
	STATS_OUTPUT,
	STATS_CACHE_READ,
	STATS_CACHE_WRITE,
	STATS_REASONING,
	STATS_TOKENS
};

struct stats_facts {
	/* Empty: not said. */
	struct str session_id;
	struct str parent_session_id;
	struct str agent;
	struct str workspace; /* cwd */
	struct str project;
	struct str model;
	struct str session_type;
	struct str action;            /* of the predecessor's agent_session: no facts */
	int64_t tokens[STATS_TOKENS]; /* -1: unknown */
	int64_t edits;
	int64_t malformed;
	int64_t unknown_records;
	int64_t started_ns; /* INT64_MIN: not said */
	int64_t ended_ns;
	bool command;
	bool cancelled;
	bool withdrawn;
	bool implausible; /* of an impossible time: it bounds nothing */
};

/* Reads each distinct data once, as far as its bounded memory reaches. All-zero is a fresh one. */
struct stats_facts_cache {
	struct json_parser parser;
	struct stats_facts_slot *slots;
};

/* The facts of data number DATA_NO if they are remembered, else NULL. Valid until the next
 * stats_facts_read. */
const struct stats_facts *stats_facts_known(const struct stats_facts_cache *cache, int64_t data_no);
/* Read and remember the facts of DATA; data that is no object has none. */
const struct stats_facts *stats_facts_read(
	struct stats_facts_cache *cache, int64_t data_no, struct str data);
void stats_facts_release(struct stats_facts_cache *cache);

#endif
