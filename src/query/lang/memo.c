/*
 * A chained hash table under one lock. The order of eviction: each entry's rank is the rank of what
 * was evicted last when it was last used, plus its cost for a byte; the lowest rank goes. Looking
 * for the lowest walks all entries, of which there are at most MEMO_ENTRIES.
 */
#include "query/lang/memo.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	MEMO_ENTRIES = 4096,
	MEMO_SLOTS = 1024,
	ENTRY_SHARE = 4, /* the largest value: this part of the limit */
	ENTRY_COST_NS = 1000,
};

struct entry {
	struct memo_key key;
	struct memo_value value;
	size_t bytes;
	double worth; /* ns a byte */
	double rank;
	struct entry *next;
};

struct memo {
	pthread_mutex_t lock;
	size_t limit_bytes;
	size_t bytes;
	size_t count;
	double floor;
	struct entry *slots[MEMO_SLOTS];
};

struct memo *memo_new(size_t limit_bytes)
{
	struct memo *memo = mem_zalloc(sizeof(*memo));

	pthread_mutex_init(&memo->lock, NULL);
	memo->limit_bytes = limit_bytes;
	return memo;
}

static void drop(struct memo *memo, struct entry **link)
{
	struct entry *entry = *link;

	*link = entry->next;
	memo->bytes -= entry->bytes;
	memo->count--;
	events_unref(NULL, entry->value.events);
	free(entry);
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	for (size_t i = 0; i < MEMO_SLOTS; i++)
		while (memo->slots[i])
			drop(memo, &memo->slots[i]);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

static struct entry **find(struct memo *memo, const struct memo_key *key)
{
	size_t slot = (key->bytes[0] | (size_t)key->bytes[1] << 8) % MEMO_SLOTS;
	struct entry **link = &memo->slots[slot];

	while (*link && memcmp((*link)->key.bytes, key->bytes, MEMO_KEY_BYTES) != 0)
		link = &(*link)->next;
	return link;
}

bool memo_find(struct memo *memo, const struct memo_key *key, struct memo_value *out)
{
	struct entry *entry;

	pthread_mutex_lock(&memo->lock);
	entry = *find(memo, key);
	if (entry) {
		entry->rank = memo->floor + entry->worth;
		*out = entry->value;
		if (out->events)
			events_ref(out->events);
	}
	pthread_mutex_unlock(&memo->lock);
	return entry != NULL;
}

bool memo_fits(const struct memo *memo, size_t bytes)
{
	return bytes <= memo->limit_bytes / ENTRY_SHARE;
}

static void drop_lowest(struct memo *memo)
{
	struct entry **lowest = NULL;

	for (size_t i = 0; i < MEMO_SLOTS; i++)
		for (struct entry **link = &memo->slots[i]; *link; link = &(*link)->next)
			if (!lowest || (*link)->rank < (*lowest)->rank)
				lowest = link;
	if (!lowest)
		return;
	memo->floor = (*lowest)->rank;
	drop(memo, lowest);
}

static void add(struct memo *memo, struct entry **link, const struct memo_key *key,
	const struct memo_value *value, int64_t cost_ns)
{
	struct entry *entry = mem_zalloc(sizeof(*entry));

	entry->key = *key;
	entry->value = *value;
	entry->bytes = sizeof(*entry);
	if (value->events) {
		events_ref(value->events);
		entry->bytes += events_bytes(value->events);
	}
	entry->worth = (double)(cost_ns + ENTRY_COST_NS) / (double)entry->bytes;
	entry->rank = memo->floor + entry->worth;
	memo->bytes += entry->bytes;
	memo->count++;
	*link = entry;
}

void memo_keep(struct memo *memo, const struct memo_key *key, const struct memo_value *value,
	int64_t cost_ns)
{
	struct entry **link;

	pthread_mutex_lock(&memo->lock);
	link = find(memo, key);
	if (!*link)
		add(memo, link, key, value, cost_ns);
	while (memo->count > MEMO_ENTRIES || (memo->bytes > memo->limit_bytes && memo->count > 0))
		drop_lowest(memo);
	pthread_mutex_unlock(&memo->lock);
}

size_t memo_bytes(struct memo *memo)
{
	size_t bytes;

	pthread_mutex_lock(&memo->lock);
	bytes = memo->bytes;
	pthread_mutex_unlock(&memo->lock);
	return bytes;
}
