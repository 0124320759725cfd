/* How names of ActivityWatch buckets stand in event ids: as sources and types of the store. */
#ifndef TT_STORE_AW_NAME_H
#define TT_STORE_AW_NAME_H

#include "base/buf.h"

/* The source of bucket ID: AW_SOURCE and the id with '%', ':' and control characters
 * percent-encoded. */
void aw_name_source(struct buf *out, struct str id);
/* The type that a bucket of TYPE has in the store: encoded the same way; "event" when empty. */
void aw_name_type(struct buf *out, struct str type);
/* Append what NAME, without AW_SOURCE, was made from. */
void aw_name_decode(struct buf *out, struct str name);

#endif
