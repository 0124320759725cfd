/*
 * Values of a program, immutable and counted by reference; they belong to one run and its thread.
 *
 * A list of events is a call that may not have been made yet: functions on events check their
 * arguments at once and compute when the result is wanted. What cannot fail later but by a limit or
 * a failing store is put off, nothing else; so an answer that is remembered needs nothing of what
 * led to it.
 */
#ifndef TT_QUERY_LANG_VALUE_H
#define TT_QUERY_LANG_VALUE_H

#include "query/lang/run.h"

enum value_type {
	VALUE_NONE,
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_LIST,   /* of anything; an empty one is a list of events too */
	VALUE_EVENTS, /* a list of events */
	VALUE_EVENT,  /* within a list only */
	VALUE_DICT,
	VALUE_FUNCTION,
};

struct member {
	struct str key; /* of the program */
	struct value *value;
	size_t order; /* in the source */
};

/* A call of a function on events. Once LIST is there, the arguments are gone. */
struct call {
	const struct function *function;
	struct value **args;
	size_t count;
	struct mapping *mapping;  /* made of the constant arguments; NULL: none */
	struct hoard_range range; /* of query_bucket */
	int64_t version;
	struct memo_key key; /* what it is the value of */
	struct events *list;
	unsigned depth;     /* of calls within that were not made yet */
	struct value *next; /* in run.live */
};

struct value {
	uint32_t refs;
	uint8_t type;
	uint8_t depth; /* of nesting */
	size_t bytes;  /* accounted for */
	size_t weight; /* bytes of all that is in it, what is shared counted each time */
	union {
		bool flag;
		double number;
		struct str text;
		struct {
			struct value **items;
			size_t count;
		} list;
		struct {
			struct member *members; /* sorted by key, each once */
			size_t count;
		} dict;
		const struct function *function;
		struct call call;
		struct moment event;
	};
};

/* Each gives one reference in *OUT. ERR_LIMIT: memory, nested deeper than VALUE_DEPTH, or heavier
 * than VALUE_WEIGHT, which bounds every walk over a value. */
enum { VALUE_DEPTH = 100, VALUE_WEIGHT = 64 << 20 };
MUST_USE int value_new(struct value **out, struct run *run, enum value_type type, size_t extra);
MUST_USE int value_none(struct value **out, struct run *run);
MUST_USE int value_bool(struct value **out, struct run *run, bool flag);
MUST_USE int value_number(struct value **out, struct run *run, double number);
/* Copied. */
MUST_USE int value_string(struct value **out, struct run *run, struct str text);
/* A list of COUNT items, still NULL, to be filled by value_put. */
MUST_USE int value_list(struct value **out, struct run *run, size_t count);
/* Takes ITEM over, also on failure. */
MUST_USE int value_put(struct value *list, struct run *run, size_t at, struct value *item);
/* Takes the values over, also on failure; of equal keys the last stays. Sorts MEMBERS. */
MUST_USE int value_dict(struct value **out, struct run *run, struct member *members, size_t count);

struct value *value_ref(struct value *value);
void value_unref(struct run *run, struct value *value);

bool value_is_events(const struct value *value); /* the empty list is */
bool value_is_list(const struct value *value);

/* A call of FUNCTION, its other fields still zero; takes ARGS (of run.scratch) over. */
MUST_USE int value_call(struct value **out, struct run *run, const struct function *function,
	struct value **args, size_t count);

/* --- value_show.c --- */

/* As ActivityWatch's error messages show values: `List([Number(1)])`; cut after some bytes. */
struct str value_show(struct run *run, const struct value *value);
/* The items of a list alone: `[Number(1)]`. */
struct str value_show_items(struct run *run, const struct value *value);
/* Append what tells VALUE from all others, for constants and calls. */
void value_identity(const struct value *value, struct buf *out);
/* Equality within lists and dicts, and `contains`. <0: an error while computing events. */
int value_equal(struct run *run, struct value *a, struct value *b, bool *out);

#endif
