/*
 * Values of function calls, by what was called with what. Bounded in bytes; what goes first is what
 * took least time to compute for its size (GreedyDual-Size: a plain least-recently-used order would
 * let the long lists in the middle of a query push out the short answers at its end).
 */
#ifndef TT_QUERY_LANG_MEMO_H
#define TT_QUERY_LANG_MEMO_H

#include "query/lang/events.h"

enum { MEMO_KEY_BYTES = 16 };

struct memo_key {
	uint8_t bytes[MEMO_KEY_BYTES];
};

struct memo_value {
	struct events *events; /* NULL: it is the number */
	double number;
};

struct memo;

struct memo *memo_new(size_t limit_bytes);
void memo_free(struct memo *memo);
/* True, and OUT holds the value, a reference of its own. Any thread. */
bool memo_find(struct memo *memo, const struct memo_key *key, struct memo_value *out);
/* Is it small enough to be kept? */
bool memo_fits(const struct memo *memo, size_t bytes);
/* Keep VALUE, which took COST_NS to compute, taking a reference. */
void memo_keep(struct memo *memo, const struct memo_key *key, const struct memo_value *value,
	int64_t cost_ns);
size_t memo_bytes(struct memo *memo);

#endif
