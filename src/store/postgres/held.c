/* Rows that wait to be written, found again by their key. */
#include "store/postgres/held.h"

#include <stdlib.h>

#include "base/hash.h"

/* --- events --- */

static uint64_t event_hash(int64_t user_no, const struct put_event *row)
{
	uint64_t seed =
		(uint64_t)row->start_ns ^ (uint64_t)user_no << 40 ^ (uint64_t)row->shelf << 20;

	return hash64(row->key, seed);
}

static bool is_event(const struct held_event *held, int64_t user_no, const struct put_event *row)
{
	return held->row.start_ns == row->start_ns && held->row.shelf == row->shelf &&
	       held->user_no == user_no && str_eq(held->row.key, row->key);
}

static struct held_event *find_event(const struct held_events *events, uint64_t hash,
	int64_t user_no, const struct put_event *row)
{
	size_t step = 0, at;

	while (row_index_next(&events->index, hash, &step, &at))
		if (is_event(&events->rows[at], user_no, row))
			return &events->rows[at];
	return NULL;
}

static struct held_event *add_event(struct held_events *events, uint64_t hash)
{
	if (events->count == events->room) {
		events->room = 2 * events->room + 16;
		events->rows = mem_resize(events->rows, events->room, sizeof(*events->rows));
	}
	if (!row_index_add(&events->index, hash, events->count)) {
		row_index_grow(&events->index, events->count + 1);
		for (size_t i = 0; i < events->count; i++)
			ASSERT(row_index_add(&events->index,
				event_hash(events->rows[i].user_no, &events->rows[i].row), i));
		ASSERT(row_index_add(&events->index, hash, events->count));
	}
	return &events->rows[events->count++];
}

/* The table has, or will have, what HELD says: ROW comes on top. What was there first stays known.
 */
static void change_event(struct held_event *held, const struct put_event *row)
{
	const struct put_event before = held->row;

	held->row = *row;
	held->row.key = before.key;
	held->row.old_seq = before.old_seq;
	held->row.old_data_no = before.old_data_no;
}

void held_event(struct held_events *events, int64_t user_no, const struct put_event *row, bool made)
{
	uint64_t hash = event_hash(user_no, row);
	struct held_event *held = find_event(events, hash, user_no, row);

	if (held) {
		ASSERT(!made); /* it is there: whoever puts it has not looked */
		change_event(held, row);
		return;
	}
	held = add_event(events, hash);
	*held = (struct held_event){ .user_no = user_no, .row = *row, .made = made };
	held->row.key = arena_str(&events->keys, row->key);
}

static int i64_cmp(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_key(const void *a, const void *b)
{
	const struct held_event *left = a, *right = b;
	int order = right->made - left->made;

	if (order == 0)
		order = i64_cmp(left->user_no, right->user_no);
	if (order == 0)
		order = i64_cmp(left->row.shelf, right->row.shelf);
	if (order == 0)
		order = i64_cmp(left->row.start_ns, right->row.start_ns);
	return order != 0 ? order : str_cmp(left->row.key, right->row.key);
}

size_t held_events_sort(struct held_events *events)
{
	size_t made = 0;
	bool sorted = true;

	for (size_t i = 0; i < events->count; i++) {
		made += events->rows[i].made;
		sorted = sorted && (i == 0 || by_key(&events->rows[i - 1], &events->rows[i]) < 0);
	}
	if (!sorted)
		qsort(events->rows, events->count, sizeof(*events->rows), by_key);
	return made;
}

void held_events_clear(struct held_events *events)
{
	events->count = 0;
	row_index_clear(&events->index);
	arena_reset(&events->keys);
}

void held_events_release(struct held_events *events)
{
	free(events->rows);
	row_index_release(&events->index);
	arena_release(&events->keys);
}

/* --- buckets --- */

static uint64_t bucket_hash(int64_t user_no, int64_t bucket_no)
{
	return hash64(
		(struct str){ (const char *)&bucket_no, sizeof(bucket_no) }, (uint64_t)user_no);
}

static struct held_bucket *find_bucket(
	const struct held_buckets *buckets, uint64_t hash, int64_t user_no, int64_t bucket_no)
{
	size_t step = 0, at;

	while (row_index_next(&buckets->index, hash, &step, &at))
		if (buckets->rows[at].row.bucket_no == bucket_no &&
			buckets->rows[at].user_no == user_no)
			return &buckets->rows[at];
	return NULL;
}

static struct held_bucket *add_bucket(struct held_buckets *buckets, uint64_t hash)
{
	if (buckets->count == buckets->room) {
		buckets->room = 2 * buckets->room + 16;
		buckets->rows = mem_resize(buckets->rows, buckets->room, sizeof(*buckets->rows));
	}
	if (!row_index_add(&buckets->index, hash, buckets->count)) {
		row_index_grow(&buckets->index, buckets->count + 1);
		for (size_t i = 0; i < buckets->count; i++)
			ASSERT(row_index_add(&buckets->index,
				bucket_hash(
					buckets->rows[i].user_no, buckets->rows[i].row.bucket_no),
				i));
		ASSERT(row_index_add(&buckets->index, hash, buckets->count));
	}
	return &buckets->rows[buckets->count++];
}

void held_bucket(struct held_buckets *buckets, int64_t user_no, const struct put_bucket *row)
{
	uint64_t hash = bucket_hash(user_no, row->bucket_no);
	struct held_bucket *held = find_bucket(buckets, hash, user_no, row->bucket_no);

	if (held) {
		const struct put_bucket before = held->row;

		held->row = *row;
		held->row.added += before.added;
		if (before.first_ns < row->first_ns)
			held->row.first_ns = before.first_ns;
		if (before.last_ns > row->last_ns)
			held->row.last_ns = before.last_ns;
		return;
	}
	held = add_bucket(buckets, hash);
	*held = (struct held_bucket){ .user_no = user_no, .row = *row };
}

void held_buckets_clear(struct held_buckets *buckets)
{
	buckets->count = 0;
	row_index_clear(&buckets->index);
}

void held_buckets_release(struct held_buckets *buckets)
{
	free(buckets->rows);
	row_index_release(&buckets->index);
}
