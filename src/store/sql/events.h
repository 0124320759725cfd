/*
 * The rows of events and tombstones, for the intake: it decides what is to happen, this does it.
 * Where an event lies is said in schema/001_permanent.sql.
 */
#ifndef TT_STORE_SQL_EVENTS_H
#define TT_STORE_SQL_EVENTS_H

#include "model/id.h"
#include "store/sql/catalogue.h"
#include "store/sql/dictionary.h"
#include "store/sql/filter.h"

/* Which canonical events of one bucket there are. */
struct bucket_filter {
	int64_t bucket_no;
	struct filter filter;
};

/* Set up with the first three; released by events_release. For finding alone, the dictionary may be
 * left out, and then there is nothing to release. */
struct events {
	struct store *store;
	struct catalogue *catalogue;
	struct dictionary *dictionary;
	struct bucket_filter *filters;
	size_t filter_count;
	size_t last_filter;        /* events come in runs */
	int64_t last_seq;          /* of the store when this connection committed last */
	unsigned connection;       /* ahead_connection, then */
	uint64_t generation;       /* grows when somebody else may have written */
	struct expected *expected; /* sql/expected.h; NULL: nothing */
};

/* After db_write_begin, and after the commit that ended it: what is known of the tables holds as
 * long as nobody else wrote between the two. */
void events_begin(struct events *events);
void events_committed(struct events *events);
/* After a rollback. */
void events_forget(struct events *events);
void events_release(struct events *events);

/* An id taken apart, once for finding and putting. Views into the id. */
struct event_name {
	struct str id;
	struct event_id parts;
	bool canonical; /* the id tells where its event lies: AT_NS is its millisecond */
	int64_t at_ns;
};
void event_name(struct event_name *name, struct str id);
/* The name of EVENT, whose id was built from PARTS and its start. */
void event_name_made(
	struct event_name *name, const struct event *event, const struct event_id *parts);

/* What is stored under an id. */
struct event_row {
	bool deleted; /* a tombstone: no duration, no data */
	bool odd;     /* on the odd shelf of its bucket */
	int64_t bucket_no;
	int64_t start_ns;
	int64_t duration_ns;
	int64_t revision;
	int64_t data_no;
	int64_t seq;
	int64_t number; /* of the ActivityWatch API; 0: none */
};

/* 1: found; 0: nothing was ever known of this id; < 0: error. */
MUST_USE int events_find(struct events *events, const struct event_name *name,
	struct event_row *row, struct err *err);
/*
 * These are about to be looked for: where a question is dear, look them up together, and answer
 * events_find from that until others are expected. Some thousand at most; what was expected before
 * is forgotten.
 */
MUST_USE int events_expect(
	struct events *events, const struct str *ids, size_t count, struct err *err);
/* Rows were changed otherwise than by events_put. */
void events_unexpect(struct events *events);
/*
 * Store EVENT, or its tombstone if it is deleted, with the next seq, in the place of OLD (what
 * events_find found; NULL if nothing). NAME is of its id. An event keeps its number; NUMBER is
 * given to one that has none (0: it stays without). Only while writing. After a failure the
 * transaction must be rolled back.
 */
MUST_USE int events_put(struct events *events, const struct event *event,
	const struct event_name *name, const struct event_row *old, int64_t number,
	struct err *err);

#endif
