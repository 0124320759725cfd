/* A source of events in memory, for the tests of the query language. It counts what it is asked,
 * and fails when told to. */
#ifndef TT_TESTS_LANG_WORLD_H
#define TT_TESTS_LANG_WORLD_H

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "query/lang.h"

enum { WORLD_BUCKETS = 8, WORLD_ROWS = 2000, WORLD_DATA = 2000 };

/* 2020-01-01T00:00:00Z */
#define WORLD_START_NS (INT64_C(1577836800) * NS_PER_S)

struct world_bucket {
	struct str id, hostname;
	int64_t version;
	size_t count;
	struct lang_row rows[WORLD_ROWS];
};

struct world {
	struct arena arena;
	struct world_bucket *buckets[WORLD_BUCKETS];
	size_t bucket_count;
	struct str data[WORLD_DATA];
	size_t data_count;
	int loads, versions, fetches; /* how often each was asked for */
	bool expected[WORLD_DATA];    /* by the last of the questions */
	int questions, surprises;     /* data that was asked for and not expected */
	int fail_at;                  /* the Nth call of any kind fails; 0: none does */
	int calls;
	bool moving; /* each load changes the bucket */
};

static inline int world_call(struct world *world, struct err *err)
{
	if (++world->calls == world->fail_at)
		return err_set(err, ERR_IO, "the disk is on \"fire\"");
	return 0;
}

static inline int world_buckets(
	void *owner, struct arena *arena, struct lang_bucket **out, size_t *count, struct err *err)
{
	struct world *world = owner;

	*count = world->bucket_count;
	*out = arena_zalloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct lang_bucket){ world->buckets[i]->id,
			world->buckets[i]->hostname, (int64_t)i + 1 };
	return world_call(world, err);
}

static inline int world_version(void *owner, int64_t no, int64_t from_ns, int64_t to_ns,
	int64_t known, int64_t *version, struct err *err)
{
	struct world *world = owner;

	(void)from_ns;
	(void)to_ns;
	(void)known;
	world->versions++;
	*version = world->buckets[no - 1]->version;
	return world_call(world, err);
}

static inline int world_order(const void *a, const void *b)
{
	const struct lang_row *x = a, *y = b;
	int64_t x_end = x->start_ns + x->duration_ns, y_end = y->start_ns + y->duration_ns;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? 1 : -1;
	if (x_end != y_end)
		return x_end < y_end ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static inline int world_load(void *owner, int64_t no, int64_t from_ns, int64_t to_ns,
	int (*row)(void *context, const struct lang_row *row, struct err *err), void *context,
	struct err *err)
{
	struct world *world = owner;
	struct world_bucket *bucket = world->buckets[no - 1];
	int result = 0;

	world->loads++;
	qsort(bucket->rows, bucket->count, sizeof(struct lang_row), world_order);
	for (size_t i = 0; result == 0 && i < bucket->count; i++)
		if (bucket->rows[i].start_ns <= to_ns &&
			bucket->rows[i].start_ns + bucket->rows[i].duration_ns >= from_ns)
			result = row(context, &bucket->rows[i], err);
	if (world->moving)
		bucket->version++;
	return result < 0 ? result : world_call(world, err);
}

static inline int world_data(void *owner, int64_t data_no, struct buf *out, struct err *err)
{
	struct world *world = owner;

	world->fetches++;
	world->surprises += !world->expected[data_no - 1];
	buf_add(out, world->data[data_no - 1]);
	return world_call(world, err);
}

static inline int world_expect(void *owner, const int64_t *data_nos, size_t count, struct err *err)
{
	struct world *world = owner;

	memset(world->expected, 0, sizeof(world->expected));
	for (size_t i = 0; i < count; i++)
		world->expected[data_nos[i] - 1] = true;
	world->questions++;
	return world_call(world, err);
}

static inline struct lang_source world_source(struct world *world)
{
	return (struct lang_source){ world, 7, world_buckets, world_version, world_load, world_data,
		world_expect };
}

static inline size_t world_bucket(struct world *world, struct str id, struct str hostname)
{
	struct world_bucket *bucket = arena_zalloc(&world->arena, 1, sizeof(*bucket));

	bucket->id = arena_str(&world->arena, id);
	bucket->hostname = arena_str(&world->arena, hostname);
	bucket->version = 1;
	world->buckets[world->bucket_count] = bucket;
	return world->bucket_count++;
}

static inline int64_t world_data_no(struct world *world, struct str json)
{
	size_t i = 0;

	while (i < world->data_count && !str_eq(world->data[i], json))
		i++;
	if (i == world->data_count)
		world->data[world->data_count++] = arena_str(&world->arena, json);
	return (int64_t)i + 1;
}

static inline void world_event(struct world *world, size_t bucket, int64_t number, int64_t start_ns,
	int64_t duration_ns, struct str json)
{
	struct world_bucket *to = world->buckets[bucket];

	to->rows[to->count++] =
		(struct lang_row){ number, start_ns, duration_ns, world_data_no(world, json) };
}

static inline void world_release(struct world *world)
{
	arena_release(&world->arena);
	*world = (struct world){ 0 };
}

/* Run PROGRAM over the first day; the answer without the brackets around it, or the error's text.
 * The text lives in OUT. */
static inline struct str world_ask(struct lang *lang, struct world *world, const char *program,
	struct buf *out, struct err *err)
{
	const struct str period = STR("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z");
	struct lang_source source = world_source(world);
	struct lang_request request = {
		.periods = &period, .period_count = 1, .program = str_from(program)
	};
	enum lang_kind kind;

	buf_clear(out);
	if (lang_run(lang, &source, &request, out, &kind, err) < 0)
		return str_from(err->message);
	return str_sub(buf_str(out), 1, out->len - 2);
}

#endif
