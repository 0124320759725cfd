/*
 * The events of a bucket in a range of starts, for imports, which look for each of their events
 * whether an equal one is there already, in order of start: a store that is far away is asked once
 * for many (sql/ahead.h).
 */
#ifndef TT_STORE_AW_WINDOW_H
#define TT_STORE_AW_WINDOW_H

#include "model/limits.h"
#include "store/sql/ahead.h"
#include "store/sql/row_index.h"

/* Rows that are loaded at once: room for what is expected, for the next start, which tells that
 * there is no more, and for some that the store has besides. */
enum { AW_WINDOW_LOAD = LIMIT_INTAKE_EXPECT + LIMIT_INTAKE_EXPECT / 4 };

/* All-zero is an empty one. It is good while the bucket's changed_seq is as_of_seq. */
struct aw_window {
	int64_t bucket_no; /* 0: none */
	int64_t as_of_seq;
	int64_t from_ns; /* all that start from here */
	int64_t to_ns;   /* to here are in it */
	struct ahead_near *rows;
	size_t count;
	size_t room;
	struct row_index index;
};

void aw_window_forget(struct aw_window *window);
void aw_window_release(struct aw_window *window);
/* Does it know all events of BUCKET that start at START? */
bool aw_window_covers(
	const struct aw_window *window, const struct bucket *bucket, int64_t start_ns);
/* Load it from START on, DOWN towards earlier starts; the dictionary learns the numbers of its
 * data. It may not cover START even so: where too many events start at once. Only while writing. */
MUST_USE int aw_window_load(struct aw_window *window, struct events *events,
	const struct bucket *bucket, int64_t start_ns, bool down, struct err *err);
/* The number of an event like LIKE in what is covered; 0: none. */
int64_t aw_window_find(const struct aw_window *window, const struct ahead_near *like);
/* ROW was inserted, which is all that happened to BUCKET since it was at BEFORE_SEQ. */
void aw_window_add(struct aw_window *window, const struct bucket *bucket, int64_t before_seq,
	const struct ahead_near *row);

#endif
