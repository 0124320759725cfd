/*
 * Reading many rows with one question. An SQLite file answers so fast that nothing is gained by it
 * (sqlite/ahead.c); each question to a database behind a network waits for its answer.
 *
 * Without a transaction, what is read may be old by the time that it is looked at; while writing,
 * it holds until this connection changes it.
 */
#ifndef TT_STORE_SQL_AHEAD_H
#define TT_STORE_SQL_AHEAD_H

#include "store/sql/events.h"

/* Else nobody needs to gather what he will ask for, and none of what follows but ahead_text and
 * ahead_texts may be called. */
bool ahead_pays(const struct store *store);
/* Reading so many rows in a row costs about what a question costs. */
int ahead_rows_per_question(const struct store *store);
/* … and what one of many that are looked up by the same question costs. */
int ahead_rows_per_look_up(const struct store *store);
/* Counts the connections that the store has had: what was known over an earlier one may have been
 * lost with its server. */
unsigned ahead_connection(const struct store *store);
/* Whose rows are meant, where one question is about several users': the store's user now. */
int64_t ahead_owner(const struct store *store);

/* The event of an id, of the store's user. */
struct ahead_event {
	struct str id;
	int64_t shelf; /* where it lies if the id tells and nothing speaks against it; else -1 */
	int64_t at_ns; /* its millisecond there */
	struct str key;
	bool found;
	struct event_row row;
};
/* Fill in `found` and `row`. */
MUST_USE int ahead_events(
	struct store *store, struct ahead_event *events, size_t count, struct err *err);

/* The number of a data. */
struct ahead_data {
	int64_t owner;
	uint64_t hash;
	struct str text;
	bool absent;     /* it is known not to be there: the answer is 0 */
	int64_t data_no; /* 0: it is not there */
};
MUST_USE int ahead_data(
	struct store *store, struct ahead_data *datas, size_t count, struct err *err);

/* Events of a bucket of the store's user, for whoever looks for equal ones one after the other. */
struct ahead_near {
	int64_t start_ns;
	int64_t duration_ns;
	int64_t data_no;
	int64_t number;  /* as the ActivityWatch API has it (store/aw.h) */
	struct str text; /* of the data, in the arena; NULL where it is long */
};
struct ahead_range {
	int64_t bucket_no;
	int64_t from_ns; /* where to begin */
	bool down;       /* towards earlier starts */
	size_t most;     /* of events */
};
/* Those from there on, in order of start, into OUT, which has room for MOST. */
MUST_USE int ahead_events_near(struct store *store, const struct ahead_range *range,
	struct arena *arena, struct ahead_near *out, size_t *count, struct err *err);

/* Which bucket an id means to the device MACHINE_ID; as aw_row_bucket says it. */
struct ahead_target {
	int64_t owner;
	struct str id;
	struct str machine_id;
	int64_t bucket_no; /* 0: ask aw_row_bucket */
};
MUST_USE int ahead_targets(
	struct store *store, struct ahead_target *targets, size_t count, struct err *err);

/* A bucket's row and its last event (aw_row_last). Views into the arena. */
struct ahead_bucket {
	int64_t owner;
	struct bucket bucket; /* bucket_no is asked for; as of the open transaction */
	bool found;
	bool empty; /* else `last` is its last event, and key its key */
	struct event_row last;
	struct str key;
};
MUST_USE int ahead_buckets(struct store *store, struct ahead_bucket *buckets, size_t count,
	struct arena *arena, struct err *err);

/* Append the data of number NO: 1; 0: there is none. Neighbours may be read with it. */
MUST_USE int ahead_text(struct store *store, int64_t no, struct buf *out, struct err *err);
/* These will be asked for by ahead_text next, in any order; the same number may be there often.
 * Holds until the next call. */
MUST_USE int ahead_texts(
	struct store *store, const int64_t *numbers, size_t count, struct err *err);

#endif
