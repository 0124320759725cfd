/* What there surely is not, of what struct events knows: a filter for each bucket (sql/filter.h).
 */
#ifndef TT_STORE_SQL_KNOWN_H
#define TT_STORE_SQL_KNOWN_H

#include "store/sql/events.h"

/* The millisecond and the key: what a canonical id says, and what filters hold. */
uint64_t known_hash(int64_t at_ns, struct str key);
/* Good until another bucket's is asked for. */
struct filter *known_filter(struct events *events, int64_t bucket_no);
/* *ABSENT: no event of BUCKET has the name. Only while writing: nobody else adds any then. */
MUST_USE int known_absent(struct events *events, const struct bucket *bucket,
	const struct event_name *name, bool *absent, struct err *err);
/* Does a filter that is there take NAME for an event of BUCKET? It is mostly wrong where names are
 * made up: who makes one up can take another. */
bool known_suspect(
	struct events *events, const struct bucket *bucket, const struct event_name *name);

#endif
