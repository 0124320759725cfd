/*
 * The data of events: canonical JSON objects, each distinct text once for as long as its pool
 * lives, so that equal data is the same pointer. Nothing is ever taken out: a pool that has
 * grown too large is given up as a whole.
 */
#ifndef TT_QUERY_LANG_DATA_H
#define TT_QUERY_LANG_DATA_H

#include "base/buf.h"
#include "base/json_scan.h"
#include "base/mem.h"

struct data {
	uint32_t hash;
	uint32_t no; /* counted from 0 within the pool */
	uint32_t bytes;
	char text[];
};

/* A result that is no data: "nothing", "no". */
extern const struct data data_none;

struct str data_text(const struct data *data);

struct data_pool;

struct data_pool *data_pool_new(void);
void data_pool_free(struct data_pool *pool);
/* TEXT's data; *GROWN, if not NULL, gets the memory that took added to it. Any thread. */
const struct data *data_pool_put(struct data_pool *pool, struct str text, size_t *grown_bytes);
size_t data_pool_bytes(struct data_pool *pool);
/* All numbers are below it. */
size_t data_pool_count(struct data_pool *pool);

/* --- the members of one object --- */

/* The value of KEY as it stands in the text, quotes included; ptr NULL when there is none. SCRATCH
 * is for keys with escapes. */
struct str data_get(const struct data *data, struct str key, struct arena *scratch);
/* The text of a JSON string, quotes included; false for any other value. */
bool data_string(struct str value, struct arena *scratch, struct str *out);

struct data_member {
	struct str key;
	struct str value; /* JSON */
};
/* Append DATA with MEMBERS, which are sorted by key, added or put in place of those it has. */
void data_with(struct buf *out, const struct data *data, const struct data_member *members,
	size_t count, struct arena *scratch);

#endif
