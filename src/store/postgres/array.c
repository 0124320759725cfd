/*
 * Binary arrays: dimensions, flags, element type, length, lower bound, then each element behind its
 * length; all numbers big-endian (array_recv of PostgreSQL).
 */
#include "store/postgres/array.h"

#include <endian.h>

#include "base/err.h"

/* Where the number of elements stands. */
enum { COUNT_AT = 12 };

static void add_u32(struct buf *buf, uint32_t value)
{
	value = htobe32(value);
	buf_add(buf, (struct str){ (const char *)&value, sizeof(value) });
}

static Oid array_of(Oid element)
{
	switch (element) {
	case PG_INT8:
		return PG_INT8_ARRAY;
	case PG_TEXT:
		return PG_TEXT_ARRAY;
	default:
		ASSERT(element == PG_BYTEA);
		return PG_BYTEA_ARRAY;
	}
}

void pg_array_begin(struct pg_array *array, Oid element)
{
	buf_clear(&array->bytes);
	array->count = 0;
	array->type = array_of(element);
	add_u32(&array->bytes, 1); /* dimension */
	add_u32(&array->bytes, 0); /* no NULLs */
	add_u32(&array->bytes, element);
	add_u32(&array->bytes, 0); /* elements: pg_array_value */
	add_u32(&array->bytes, 1); /* counted from */
}

void pg_array_all(struct pg_array *array, int64_t value)
{
	buf_clear(&array->bytes);
	pg_put_i64(buf_reserve(&array->bytes, 8), value);
	array->bytes.len = 8;
	array->bytes.ptr[8] = '\0';
	array->type = PG_INT8;
}

void pg_array_i64(struct pg_array *array, int64_t value)
{
	char *at = buf_reserve(&array->bytes, 12);
	uint32_t length = htobe32(8);

	memcpy(at, &length, sizeof(length));
	pg_put_i64(at + 4, value);
	array->bytes.len += 12;
	array->bytes.ptr[array->bytes.len] = '\0';
	array->count++;
}

void pg_array_str(struct pg_array *array, struct str value)
{
	ASSERT(value.len <= INT32_MAX);
	add_u32(&array->bytes, (uint32_t)value.len);
	buf_add(&array->bytes, value);
	array->count++;
}

struct str pg_array_value(struct pg_array *array)
{
	uint32_t count = htobe32(array->count);

	if (array->type != PG_INT8)
		memcpy(array->bytes.ptr + COUNT_AT, &count, sizeof(count));
	return buf_str(&array->bytes);
}

void pg_array_release(struct pg_array *array)
{
	buf_release(&array->bytes);
}

void pg_put_i64(char out[static 8], int64_t value)
{
	uint64_t bits = htobe64((uint64_t)value);

	memcpy(out, &bits, sizeof(bits));
}

int64_t pg_get_i64(const char *bytes)
{
	uint64_t bits;

	memcpy(&bits, bytes, sizeof(bits));
	return (int64_t)be64toh(bits);
}
