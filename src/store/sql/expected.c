/*
 * A table of ids. What was read before the lock was taken is good for what a reader needs (versions
 * only grow); a writer reads it again.
 */
#include "store/sql/expected.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/sql/known.h"

struct ahead_event *expected_find(const struct expected *expected, struct str id)
{
	uint64_t hash;
	size_t step = 0, at;

	if (!expected)
		return NULL;
	hash = hash64(id, 0);
	while (row_index_next(&expected->index, hash, &step, &at))
		if (str_eq(expected->events[at].id, id))
			return &expected->events[at];
	return NULL;
}

struct expected *expected_new(const struct str *ids, size_t count)
{
	struct expected *expected = mem_zalloc(sizeof(*expected));

	expected->names = arena_zalloc(&expected->arena, count, sizeof(*expected->names));
	expected->events = arena_zalloc(&expected->arena, count, sizeof(*expected->events));
	row_index_grow(&expected->index, count);
	for (size_t i = 0; i < count; i++) {
		struct str id = arena_str(&expected->arena, ids[i]);

		if (expected_find(expected, id))
			continue;
		event_name(&expected->names[expected->count], id);
		expected->events[expected->count].id = id;
		ASSERT(row_index_add(&expected->index, hash64(id, 0), expected->count++));
	}
	return expected;
}

void expected_free(struct expected *expected)
{
	if (!expected)
		return;
	row_index_release(&expected->index);
	arena_release(&expected->arena);
	free(expected);
}

/* --- for struct events --- */

void events_unexpect(struct events *events)
{
	expected_free(events->expected);
	events->expected = NULL;
}

/* Events come in runs, also those of a bucket that is not there yet. */
static bool is_of_one_bucket(const struct event_id *a, const struct event_id *b)
{
	return str_eq(a->type, b->type) && str_eq(a->source, b->source) &&
	       str_eq(a->machine, b->machine);
}

/* Where the event of NAME lies if it is there: -1 when it surely is not, or its id does not tell.
 * *NOWHERE: a name whose bucket is not there, or NULL. */
static int likely_shelf(struct events *events, const struct event_name *name,
	const struct event_name **nowhere, int64_t *shelf, struct err *err)
{
	const struct event_id *id = &name->parts;
	struct bucket *bucket;
	bool excluded = false;

	*shelf = -1;
	if (!name->canonical || (*nowhere && is_of_one_bucket(id, &(*nowhere)->parts)))
		return 0;
	if (catalogue_bucket(
		    events->catalogue, id->machine, id->source, id->type, false, &bucket, err) < 0)
		return err->code;
	if (!bucket) {
		*nowhere = name;
		return 0;
	}
	if (db_is_writing(events->store)) {
		excluded = bucket->newest_ns[0] < name->at_ns;
		if (!excluded && known_absent(events, bucket, name, &excluded, err) < 0)
			return err->code;
	}
	if (!excluded)
		*shelf = 2 * bucket->bucket_no;
	return 0;
}

static void note_misses(struct events *events, const struct expected *expected)
{
	for (size_t i = 0; i < expected->count; i++)
		if (expected->events[i].shelf >= 0 && !expected->events[i].found)
			filter_missed(known_filter(events, expected->events[i].shelf / 2),
				ahead_rows_per_look_up(events->store));
}

static int load_expected(struct events *events, struct err *err)
{
	struct expected *expected = events->expected;
	const struct event_name *nowhere = NULL;

	for (size_t i = 0; i < expected->count; i++) {
		struct ahead_event *event = &expected->events[i];

		if (likely_shelf(events, &expected->names[i], &nowhere, &event->shelf, err) < 0)
			return err->code;
		event->at_ns = expected->names[i].at_ns;
		event->key = expected->names[i].parts.discriminator;
	}
	if (ahead_events(events->store, expected->events, expected->count, err) < 0)
		return err->code;
	expected->sure = db_is_writing(events->store);
	if (expected->sure)
		note_misses(events, expected);
	return 0;
}

int events_expect(struct events *events, const struct str *ids, size_t count, struct err *err)
{
	if (!ahead_pays(events->store))
		return 0;
	events_unexpect(events);
	if (count == 0)
		return 0;
	events->expected = expected_new(ids, count);
	if (load_expected(events, err) < 0)
		events_unexpect(events);
	return events->expected ? 0 : err->code;
}

int expected_look(struct events *events, struct str id, struct ahead_event **out, struct err *err)
{
	*out = expected_find(events->expected, id);
	if (!*out || events->expected->sure || !db_is_writing(events->store))
		return 0;
	return load_expected(events, err);
}
