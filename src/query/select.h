/* Events by simple filters, in the order of time. */
#ifndef TT_QUERY_SELECT_H
#define TT_QUERY_SELECT_H

#include "query/span.h"
#include "query/workspace.h"

/* Zero fields do not filter. */
struct select_request {
	struct span span;         /* SPAN_ALWAYS: all */
	const char *const *types; /* any of these; NULL: all. See select_type_fits. */
	size_t type_count;
	struct str agent;   /* the event's `agent`, or its source; see select_agent_fits */
	struct str session; /* an id, or the beginning of one */
	struct str machine_id;
	struct str here; /* this machine's id; empty: unknown */
	const struct workspace *workspace;
	int64_t limit; /* the newest LIMIT; below 0: all */
};

struct select_result {
	int64_t count;            /* events given */
	bool cut;                 /* there are older ones than the newest LIMIT */
	const char *unknown_type; /* the first of the types that neither program nor store knows */
	bool unknown_session;     /* no session has such an id */
};

/*
 * Call EACH for every event; what it returns below 0 ends the selection. All is one consistent view
 * of the store, of the moment it begins. ERR_AMBIGUOUS: several sessions begin so (named).
 */
typedef int select_each(void *context, const struct stored_event *event, struct err *err);
MUST_USE int select_run(struct store *store, const struct select_request *request,
	select_each *each, void *context, struct select_result *result, struct err *err);

/* Is TYPE what a person means by WANTED: its name, or the name without `agent_` or `tmux_`? */
bool select_type_fits(struct str type, struct str wanted);
/* Likewise SOURCE: its name, or the name without `remote.` or `local.`. */
bool select_source_fits(struct str source, struct str wanted);

#endif
