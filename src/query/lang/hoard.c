/* Rows are an open-addressing table; versions a table in which a newer entry takes the place of an
 * older one with the same hash. */
#include "query/lang/hoard.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

enum { VERSIONS = 2048, FIRST_ROWS = 256 };

struct row {
	uint64_t identity;
	int64_t data_no;
	const struct data *data; /* NULL: free */
};

struct seen {
	struct hoard_range range;
	int64_t version;
	bool used;
};

struct hoard {
	atomic_uint refs;
	size_t limit_bytes;
	struct data_pool *pool;
	struct memo *memo;
	struct mappings *mappings;
	pthread_mutex_t lock; /* of what follows */
	struct row *rows;
	size_t row_room; /* a power of two */
	size_t row_count;
	struct seen seen[VERSIONS];
};

/* Shares of the limit: results three eighths, mappings one; what only grows may have two thirds,
 * and is then given up. Together a little more than the limit, when all are full. */
struct hoard *hoard_new(size_t limit_bytes)
{
	struct hoard *hoard = mem_zalloc(sizeof(*hoard));

	atomic_init(&hoard->refs, 1);
	hoard->limit_bytes = limit_bytes;
	hoard->pool = data_pool_new();
	hoard->memo = memo_new(limit_bytes / 8 * 3);
	hoard->mappings = mappings_new(limit_bytes / 8);
	pthread_mutex_init(&hoard->lock, NULL);
	hoard->row_room = FIRST_ROWS;
	hoard->rows = mem_zalloc(FIRST_ROWS * sizeof(struct row));
	return hoard;
}

struct hoard *hoard_ref(struct hoard *hoard)
{
	atomic_fetch_add_explicit(&hoard->refs, 1, memory_order_relaxed);
	return hoard;
}

void hoard_unref(struct hoard *hoard)
{
	if (!hoard || atomic_fetch_sub_explicit(&hoard->refs, 1, memory_order_acq_rel) > 1)
		return;
	memo_free(hoard->memo);
	mappings_free(hoard->mappings);
	data_pool_free(hoard->pool);
	pthread_mutex_destroy(&hoard->lock);
	free(hoard->rows);
	free(hoard);
}

/* What only ever grows. */
static size_t grown_bytes(struct hoard *hoard)
{
	size_t rows;

	pthread_mutex_lock(&hoard->lock);
	rows = hoard->row_room * sizeof(struct row);
	pthread_mutex_unlock(&hoard->lock);
	return rows + data_pool_bytes(hoard->pool);
}

size_t hoard_bytes(struct hoard *hoard)
{
	return sizeof(*hoard) + grown_bytes(hoard) + memo_bytes(hoard->memo) +
	       mappings_bytes(hoard->mappings);
}

bool hoard_full(struct hoard *hoard)
{
	return grown_bytes(hoard) > hoard->limit_bytes / 3 * 2;
}

struct data_pool *hoard_pool(struct hoard *hoard)
{
	return hoard->pool;
}

struct memo *hoard_memo(struct hoard *hoard)
{
	return hoard->memo;
}

struct mappings *hoard_mappings(struct hoard *hoard)
{
	return hoard->mappings;
}

static struct row *find_row(struct hoard *hoard, uint64_t identity, int64_t data_no)
{
	struct str bytes = { (const char *)&data_no, sizeof(data_no) };
	size_t mask = hoard->row_room - 1;

	for (size_t at = hash64(bytes, identity) & mask;; at = (at + 1) & mask) {
		struct row *row = &hoard->rows[at];

		if (!row->data || (row->data_no == data_no && row->identity == identity))
			return row;
	}
}

const struct data *hoard_row(struct hoard *hoard, uint64_t identity, int64_t data_no)
{
	const struct data *data;

	pthread_mutex_lock(&hoard->lock);
	data = find_row(hoard, identity, data_no)->data;
	pthread_mutex_unlock(&hoard->lock);
	return data;
}

static void grow_rows(struct hoard *hoard)
{
	struct row *old = hoard->rows;
	size_t old_room = hoard->row_room;

	hoard->row_room *= 2;
	hoard->rows = mem_zalloc(hoard->row_room * sizeof(struct row));
	for (size_t i = 0; i < old_room; i++)
		if (old[i].data)
			*find_row(hoard, old[i].identity, old[i].data_no) = old[i];
	free(old);
}

void hoard_add_row(struct hoard *hoard, uint64_t identity, int64_t data_no, const struct data *data)
{
	struct row *row;

	pthread_mutex_lock(&hoard->lock);
	if (hoard->row_count >= hoard->row_room / 4 * 3)
		grow_rows(hoard);
	row = find_row(hoard, identity, data_no);
	hoard->row_count += !row->data;
	*row = (struct row){ identity, data_no, data };
	pthread_mutex_unlock(&hoard->lock);
}

static struct seen *find_seen(struct hoard *hoard, const struct hoard_range *range)
{
	int64_t parts[] = { range->bucket_no, range->from_ns, range->to_ns };
	struct str bytes = { (const char *)parts, sizeof(parts) };

	return &hoard->seen[hash64(bytes, range->identity) % VERSIONS];
}

static bool same_range(const struct hoard_range *a, const struct hoard_range *b)
{
	return a->identity == b->identity && a->bucket_no == b->bucket_no &&
	       a->from_ns == b->from_ns && a->to_ns == b->to_ns;
}

int64_t hoard_version(struct hoard *hoard, const struct hoard_range *range)
{
	struct seen *seen;
	int64_t version = -1;

	pthread_mutex_lock(&hoard->lock);
	seen = find_seen(hoard, range);
	if (seen->used && same_range(&seen->range, range))
		version = seen->version;
	pthread_mutex_unlock(&hoard->lock);
	return version;
}

void hoard_set_version(struct hoard *hoard, const struct hoard_range *range, int64_t version)
{
	pthread_mutex_lock(&hoard->lock);
	*find_seen(hoard, range) = (struct seen){ *range, version, true };
	pthread_mutex_unlock(&hoard->lock);
}
