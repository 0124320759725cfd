/* Results stand in pages by the data's number; a page appears when it is first written to, and two
 * threads that compute the same write the same. */
#include "query/lang/mapping.h"

#include <pthread.h>
#include <stdlib.h>

#include "query/lang/run.h"

enum {
	PAGE_BITS = 11,
	PAGE_ENTRIES = 1 << PAGE_BITS,
	PAGES = 2048, /* data beyond is computed each time */
	MAPPINGS = 64,
};

struct page {
	_Atomic(const struct data *) entries[PAGE_ENTRIES];
};

struct mapping {
	atomic_uint refs;
	struct memo_key key;
	const struct mapping_type *type;
	void *state;
	atomic_size_t bytes;
	struct mapping *next; /* in mappings */
	_Atomic(struct page *) pages[PAGES];
};

struct mapping *mapping_new(
	const struct mapping_type *type, void *state, const struct memo_key *key)
{
	struct mapping *mapping = mem_zalloc(sizeof(*mapping));

	atomic_init(&mapping->refs, 1);
	atomic_init(&mapping->bytes, sizeof(*mapping));
	mapping->type = type;
	mapping->state = state;
	mapping->key = *key;
	return mapping;
}

struct mapping *mapping_ref(struct mapping *mapping)
{
	atomic_fetch_add_explicit(&mapping->refs, 1, memory_order_relaxed);
	return mapping;
}

void mapping_unref(struct mapping *mapping)
{
	if (!mapping || atomic_fetch_sub_explicit(&mapping->refs, 1, memory_order_acq_rel) > 1)
		return;
	mapping->type->release(mapping->state);
	for (size_t i = 0; i < PAGES; i++)
		free(atomic_load_explicit(&mapping->pages[i], memory_order_acquire));
	free(mapping);
}

static struct page *make_page(struct mapping *mapping, size_t no)
{
	struct page *page = mem_zalloc(sizeof(*page)), *there = NULL;

	if (!atomic_compare_exchange_strong(&mapping->pages[no], &there, page)) {
		free(page);
		return there;
	}
	atomic_fetch_add_explicit(&mapping->bytes, sizeof(*page), memory_order_relaxed);
	return page;
}

const struct data *mapping_get(
	struct mapping *mapping, struct mapper *mapper, const struct data *data)
{
	size_t no = data->no >> PAGE_BITS, at = data->no & (PAGE_ENTRIES - 1);
	struct page *page = NULL;
	const struct data *result = NULL;

	if (no < PAGES)
		page = atomic_load_explicit(&mapping->pages[no], memory_order_acquire);
	if (page)
		result = atomic_load_explicit(&page->entries[at], memory_order_acquire);
	if (result)
		return result;
	result = mapping->type->map(mapping->state, mapper, data);
	arena_reset(&mapper->scratch);
	if (no >= PAGES || mapper->result < 0)
		return result;
	if (!page)
		page = make_page(mapping, no);
	atomic_store_explicit(&page->entries[at], result, memory_order_release);
	return result;
}

void mapper_release(struct mapper *mapper)
{
	arena_release(&mapper->scratch);
	arena_release(&mapper->lasting);
	buf_release(&mapper->text);
	buf_release(&mapper->more);
}

/* --- the last ones used --- */

struct mappings {
	pthread_mutex_t lock;
	size_t limit_bytes;
	struct mapping *first;
};

struct mappings *mappings_new(size_t limit_bytes)
{
	struct mappings *mappings = mem_zalloc(sizeof(*mappings));

	pthread_mutex_init(&mappings->lock, NULL);
	mappings->limit_bytes = limit_bytes;
	return mappings;
}

/* Drop what *LINK and those behind it are. */
static void drop_from(struct mapping **link)
{
	while (*link) {
		struct mapping *mapping = *link;

		*link = mapping->next;
		mapping_unref(mapping);
	}
}

void mappings_free(struct mappings *mappings)
{
	if (!mappings)
		return;
	drop_from(&mappings->first);
	pthread_mutex_destroy(&mappings->lock);
	free(mappings);
}

static struct mapping *take_out(struct mappings *mappings, const struct memo_key *key)
{
	for (struct mapping **link = &mappings->first; *link; link = &(*link)->next) {
		struct mapping *mapping = *link;

		if (memcmp(mapping->key.bytes, key->bytes, MEMO_KEY_BYTES) != 0)
			continue;
		*link = mapping->next;
		return mapping;
	}
	return NULL;
}

static void put_first(struct mappings *mappings, struct mapping *mapping)
{
	size_t count = 0, bytes = 0;

	mapping->next = mappings->first;
	mappings->first = mapping;
	for (struct mapping **link = &mappings->first; *link; link = &(*link)->next) {
		bytes += atomic_load_explicit(&(*link)->bytes, memory_order_relaxed);
		if (++count <= MAPPINGS && bytes <= mappings->limit_bytes)
			continue;
		drop_from(&(*link)->next);
		return;
	}
}

struct mapping *mappings_get(struct mappings *mappings, const struct memo_key *key)
{
	struct mapping *mapping;

	pthread_mutex_lock(&mappings->lock);
	mapping = take_out(mappings, key);
	if (mapping)
		put_first(mappings, mapping_ref(mapping));
	pthread_mutex_unlock(&mappings->lock);
	return mapping;
}

void mappings_put(struct mappings *mappings, struct mapping *mapping)
{
	struct mapping *there;

	pthread_mutex_lock(&mappings->lock);
	there = take_out(mappings, &mapping->key);
	mapping_unref(there);
	put_first(mappings, mapping_ref(mapping));
	pthread_mutex_unlock(&mappings->lock);
}

size_t mappings_bytes(struct mappings *mappings)
{
	size_t bytes = 0;

	pthread_mutex_lock(&mappings->lock);
	for (struct mapping *at = mappings->first; at; at = at->next)
		bytes += atomic_load_explicit(&at->bytes, memory_order_relaxed);
	pthread_mutex_unlock(&mappings->lock);
	return bytes;
}
