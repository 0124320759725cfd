/*
 * The functions of the language: a row each. Functions on events give a value at once and compute
 * the events when they are wanted (value.h); of what does not change, everything is checked and
 * prepared at once.
 */
#ifndef TT_QUERY_LANG_FUNCTION_H
#define TT_QUERY_LANG_FUNCTION_H

#include "query/lang/value.h"

struct function {
	const char *name;
	/* A letter per argument: e events, s string, n number, l list, v any value. '?' behind a
	 * letter: may be left out; '*' (last): any number of what stands before it. */
	const char *types;
	/*
	 * One of the two. EVENTS: a new list, of arguments that function_take and function_events
	 * give; pure. VALUE: at once.
	 */
	int (*events)(struct run *run, struct call *call, struct events **out);
	int (*value)(struct run *run, struct value **args, size_t count, struct value **out);
	/* For EVENTS, may be NULL: check the constant arguments and prepare what is made of them.
	 */
	int (*prepare)(struct run *run, struct call *call);
};

/* NULL: there is none of that name. */
const struct function *function_find(struct str name);

/* Call it. ARGS, of run.scratch, are taken over. */
MUST_USE int function_call(struct value **out, struct run *run, const struct function *function,
	struct value **args, size_t count);

/* The events of VALUE (of which value_is_events holds), computed if need be; valid as long as VALUE
 * is. */
MUST_USE int function_events(struct run *run, struct value *value, struct events **out);
/* Argument AT of CALL as a list that is the caller's own to change. */
MUST_USE int function_take(struct run *run, struct call *call, size_t at, struct events **out);
/* The mapping of CALL's function and constant arguments from FROM on: the one that is known, or
 * what MAKE makes of them, which fails with the program's error. */
MUST_USE int function_mapping(struct run *run, struct call *call, size_t from,
	int (*make)(struct run *run, struct call *call, const struct memo_key *key));
/* What tells the call from all others; the arguments are known. */
void function_key(const struct function *function, struct value *const *args, size_t from,
	size_t count, const char *purpose, struct memo_key *out);

/* --- the families --- */

/* fn_bucket.c */
int query_bucket_prepare(struct run *run, struct call *call);
int query_bucket(struct run *run, struct call *call, struct events **out);
int query_bucket_names(struct run *run, struct value **args, size_t count, struct value **out);
int find_bucket(struct run *run, struct value **args, size_t count, struct value **out);

/* fn_list.c */
int fn_print(struct run *run, struct value **args, size_t count, struct value **out);
int contains(struct run *run, struct value **args, size_t count, struct value **out);
int sort_by_timestamp(struct run *run, struct call *call, struct events **out);
int sort_by_duration(struct run *run, struct call *call, struct events **out);
int limit_events(struct run *run, struct call *call, struct events **out);
int sum_durations(struct run *run, struct value **args, size_t count, struct value **out);
int concat(struct run *run, struct call *call, struct events **out);

/* fn_flood.c */
int flood(struct run *run, struct call *call, struct events **out);

/* fn_period.c */
int filter_period_intersect(struct run *run, struct call *call, struct events **out);
int period_union(struct run *run, struct call *call, struct events **out);
int union_no_overlap(struct run *run, struct call *call, struct events **out);

/* fn_merge.c */
int merge_events_by_keys_prepare(struct run *run, struct call *call);
int merge_events_by_keys(struct run *run, struct call *call, struct events **out);
int chunk_events_by_key_prepare(struct run *run, struct call *call);
int chunk_events_by_key(struct run *run, struct call *call, struct events **out);

/* fn_filter.c */
int filter_keyvals_prepare(struct run *run, struct call *call);
int filter_keyvals(struct run *run, struct call *call, struct events **out);
int exclude_keyvals(struct run *run, struct call *call, struct events **out);
int filter_keyvals_regex_prepare(struct run *run, struct call *call);

/* fn_rules.c */
int categorize_prepare(struct run *run, struct call *call);
int tag_prepare(struct run *run, struct call *call);

/* fn_url.c */
int split_url_events_prepare(struct run *run, struct call *call);

/* Each event with the data that the call's mapping makes of it. */
int map_events(struct run *run, struct call *call, struct events **out);

#endif
