/*
 * What is surely not in a table, so that taking in much that is new costs no query for each of it:
 * a Bloom filter over 64-bit hashes. A filter is filled from the table once that has cost less than
 * the queries it spares, and kept up to date by whoever inserts. It is good for one connection
 * while nobody else inserts: its owner forgets it otherwise.
 */
#ifndef TT_STORE_SQL_FILTER_H
#define TT_STORE_SQL_FILTER_H

#include "base/str.h"

/* All-zero is a fresh one, that knows nothing. */
struct filter {
	uint64_t *words;
	size_t word_count; /* a power of two; 0: not filled */
	size_t count;      /* of hashes in it */
	bool counted;      /* `rows` is known */
	int64_t rows;      /* of the table */
	int64_t misses;    /* look-ups in vain while it is not filled */
	int64_t cost;      /* theirs, in rows that could have been read meanwhile */
};

void filter_release(struct filter *filter);
/* Is it worth while to count the table's rows? They go to filter_counted. */
bool filter_wants_count(const struct filter *filter);
void filter_counted(struct filter *filter, int64_t rows);
/* Is it time to fill it, after filter_reset with the hash of each row? Also when it has become too
 * small. */
bool filter_is_due(const struct filter *filter);
/* Empty it, with room for its rows and as many again. */
void filter_reset(struct filter *filter);
void filter_add(struct filter *filter, uint64_t hash);
/* A row was inserted. */
void filter_inserted(struct filter *filter, uint64_t hash);
/* A look-up found nothing, and cost what reading so many ROWS of the table costs. */
void filter_missed(struct filter *filter, int rows);
/* Surely not in the table? */
bool filter_excludes(const struct filter *filter, uint64_t hash);

#endif
