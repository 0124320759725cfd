/* The partitions of event. */
#ifndef TT_STORE_POSTGRES_PARTITIONS_H
#define TT_STORE_POSTGRES_PARTITIONS_H

#include "store/postgres/db.h"

/* Drop those of past months that hold nothing any more; *BYTES: what they took on disk. Where
 * others are at work it is left to another time. */
MUST_USE int pg_partitions_drop_empty(struct store *store, int64_t *bytes, struct err *err);

#endif
