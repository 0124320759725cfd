/* The ids that are about to be looked for, and what there is under them. */
#ifndef TT_STORE_SQL_EXPECTED_H
#define TT_STORE_SQL_EXPECTED_H

#include "store/sql/ahead.h"
#include "store/sql/row_index.h"

struct expected {
	struct event_name *names;
	struct ahead_event *events; /* one for each name */
	size_t count;
	bool sure; /* read under the user's lock, and kept up to date since */
	struct arena arena;
	struct row_index index;
};

/* Of the COUNT ids, each once. They are copied; `shelf` and what follows are the caller's. */
struct expected *expected_new(const struct str *ids, size_t count);
/* Accepts NULL. */
void expected_free(struct expected *expected);
/* NULL: nobody expected ID. Accepts NULL. */
struct ahead_event *expected_find(const struct expected *expected, struct str id);
/* What EVENTS expect under ID: *OUT is NULL when ID was not expected. */
MUST_USE int expected_look(
	struct events *events, struct str id, struct ahead_event **out, struct err *err);

#endif
