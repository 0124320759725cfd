/* What the events of agents say (docs/events.md): their types, and their data as JSON. */
#ifndef TT_COLLECT_AGENT_EVENT_H
#define TT_COLLECT_AGENT_EVENT_H

#include "collect/ledger.h"

enum { AGENT_PLACE_SLOTS = 256 };

/* What is known of a directory; looked up once a round. */
struct agent_place {
	struct str cwd;
	struct str project;
	bool excluded;
	enum collect_text text;
	struct agent_place *next;
};

/* Where data is written, one event at a time. Set up with context and source; a round has one. */
struct agent_data {
	const struct collect_context *context;
	const char *source;
	struct buf text; /* what was written last */
	struct arena arena;
	struct agent_place *places[AGENT_PLACE_SLOTS];
};
void agent_data_release(struct agent_data *data);
/* Valid while DATA is. */
const struct agent_place *agent_data_place(struct agent_data *data, struct str cwd);

/* The directory of ITEM, or of its SESSION. */
struct str agent_item_cwd(const struct agent_session *session, const struct agent_item *item);

const char *agent_event_type(enum agent_kind kind);
/*
 * Write the data of ITEM's event, which is at AT_NS and has FLAGS (enum ledger_flag). Returned is a
 * hash of it, without what is looked up today and may be gone tomorrow: another one is a
 * correction.
 */
uint64_t agent_item_data(struct agent_data *data, const struct agent_session *session,
	const struct agent_item *item, int64_t at_ns, int flags);

/* Sums over a ledger. */
struct agent_counts {
	int64_t by_kind[AGENT_KINDS + 1]; /* LEDGER_BAD too */
	int64_t commands, cancelled, withdrawn;
	int64_t tokens[AGENT_TOKENS]; /* -1: unknown */
	/* Of what counts and has a plausible time; INT64_MAX and INT64_MIN: nothing. */
	int64_t started_ns, ended_ns;
	int64_t first_ns; /* the same as started_ns, what was withdrawn included */
	int64_t odd_ns;   /* the earliest of implausible times; INT64_MAX: none */
};
struct agent_counts agent_count(const struct ledger *ledger);
/* A session that began is a sign of work, whatever came of it. */
void agent_count_start(struct agent_counts *counts, int64_t started_ns);
/* Where the session's event stands; INT64_MAX: nothing tells. */
int64_t agent_count_first(const struct agent_counts *counts);
/* As agent_item_data, of SESSION's own event. A project that LEDGER did not know is noted in it. */
uint64_t agent_session_data(struct agent_data *data, const struct agent_session *session,
	const struct agent_counts *counts, struct ledger *ledger);

#endif
