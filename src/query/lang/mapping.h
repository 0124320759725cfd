/*
 * Pure functions from data to data, remembered: what a rule set, a filter or a list of keys makes
 * of one data object is computed once, however many events carry it and however often it is asked
 * for. One mapping serves many threads.
 */
#ifndef TT_QUERY_LANG_MAPPING_H
#define TT_QUERY_LANG_MAPPING_H

#include "query/lang/memo.h"

struct mapping;
struct near;

/* What computing needs; one per thread and list. */
struct mapper {
	struct run *run;
	int result; /* <0: the run is over its limits, what is computed now counts for nothing */
	struct arena scratch; /* for one object */
	struct arena lasting; /* for all of them */
	struct buf text, more;
	struct near *near; /* fn_rules.c's */
};

struct mapping_type {
	/* Never NULL; data_none for "nothing" or "no". Anything else is in the run's pool. */
	const struct data *(*map)(
		const void *state, struct mapper *mapper, const struct data *data);
	void (*release)(void *state);
};

/* Takes STATE over. One reference is the caller's. */
struct mapping *mapping_new(
	const struct mapping_type *type, void *state, const struct memo_key *key);
struct mapping *mapping_ref(struct mapping *mapping);
void mapping_unref(struct mapping *mapping);
const struct data *mapping_get(
	struct mapping *mapping, struct mapper *mapper, const struct data *data);

/* The last ones used, up to some number and size; any thread. */
struct mappings;
struct mappings *mappings_new(size_t limit_bytes);
void mappings_free(struct mappings *mappings);
/* A reference, or NULL. */
struct mapping *mappings_get(struct mappings *mappings, const struct memo_key *key);
void mappings_put(struct mappings *mappings, struct mapping *mapping);
size_t mappings_bytes(struct mappings *mappings);

void mapper_release(struct mapper *mapper);

#endif
