/* Arrays of one dimension without NULLs, as PostgreSQL takes and gives them in binary. */
#ifndef TT_STORE_POSTGRES_ARRAY_H
#define TT_STORE_POSTGRES_ARRAY_H

#include <libpq-fe.h>

#include "base/buf.h"

/* Of the types that arrays are made of, and of their arrays (pg_type.dat, fixed for ever). */
enum {
	PG_BYTEA = 17,
	PG_INT8 = 20,
	PG_TEXT = 25,
	PG_BYTEA_ARRAY = 1001,
	PG_TEXT_ARRAY = 1009,
	PG_INT8_ARRAY = 1016,
};

/* One that grows. All-zero holds no memory; pg_array_begin comes first. */
struct pg_array {
	struct buf bytes;
	uint32_t count;
	Oid type; /* of the array */
};

/* Empty, of elements of type ELEMENT. */
void pg_array_begin(struct pg_array *array, Oid element);
/* No array at all, but a number: what each of its elements would be. */
void pg_array_all(struct pg_array *array, int64_t value);
void pg_array_i64(struct pg_array *array, int64_t value);
/* Of PG_TEXT or PG_BYTEA. */
void pg_array_str(struct pg_array *array, struct str value);
/* As a parameter; valid until the next change. */
struct str pg_array_value(struct pg_array *array);
void pg_array_release(struct pg_array *array);

/* An integer as a parameter, or as one of a result. */
void pg_put_i64(char out[static 8], int64_t value);
int64_t pg_get_i64(const char *bytes);

#endif
