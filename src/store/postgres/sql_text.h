/* SQL as people write it, before it goes to the server. */
#ifndef TT_STORE_POSTGRES_SQL_TEXT_H
#define TT_STORE_POSTGRES_SQL_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append TEXT with the calls ns('…') replaced by their values: instants as people write them, which
 * only we understand. What stands in strings, quoted names and comments is left alone. ERR_USAGE:
 * no instant.
 */
MUST_USE int sql_text_instants(struct str text, int64_t now_ns, struct buf *out, struct err *err);
/* Does TEXT ask how it would be done: EXPLAIN, or EXPLAIN QUERY PLAN as SQLite has it? *REST is
 * what stands behind. */
bool sql_text_explains(struct str text, struct str *rest);

#endif
