/*
 * A hash chooses a word and four bits in it: one memory access, and about one in fifty of what is
 * absent is taken for present when the filter is as full as it may get.
 */
#include "store/sql/filter.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	HASHES_PER_WORD = 5, /* at most: 64 bits for them */
	LEAST_WORDS = 4096,
	MOST_WORDS = 1 << 20, /* 8 MiB: with more than five million rows every query is made */
	FIRST_MISSES = 64,    /* before that nothing is gained */
};

void filter_release(struct filter *filter)
{
	free(filter->words);
	*filter = (struct filter){ 0 };
}

bool filter_wants_count(const struct filter *filter)
{
	return !filter->counted && filter->misses >= FIRST_MISSES;
}

void filter_counted(struct filter *filter, int64_t rows)
{
	filter->counted = true;
	filter->rows = rows;
}

bool filter_is_due(const struct filter *filter)
{
	if (!filter->counted || filter->rows > (int64_t)MOST_WORDS * HASHES_PER_WORD)
		return false;
	if (filter->word_count > 0)
		return filter->count > filter->word_count * HASHES_PER_WORD;
	return filter->cost >= filter->rows;
}

void filter_reset(struct filter *filter)
{
	filter->word_count = LEAST_WORDS;
	while (filter->word_count < MOST_WORDS &&
		(int64_t)filter->word_count * HASHES_PER_WORD < 2 * filter->rows)
		filter->word_count *= 2;
	free(filter->words);
	filter->words = mem_zalloc(filter->word_count * sizeof(*filter->words));
	filter->count = 0;
}

static uint64_t bits_of(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 40 & 63) | UINT64_C(1) << (hash >> 46 & 63) |
	       UINT64_C(1) << (hash >> 52 & 63) | UINT64_C(1) << (hash >> 58);
}

void filter_add(struct filter *filter, uint64_t hash)
{
	filter->words[hash & (filter->word_count - 1)] |= bits_of(hash);
	filter->count++;
}

void filter_inserted(struct filter *filter, uint64_t hash)
{
	filter->rows += filter->counted;
	if (filter->word_count > 0)
		filter_add(filter, hash);
}

void filter_missed(struct filter *filter, int rows)
{
	filter->misses++;
	filter->cost += rows;
}

bool filter_excludes(const struct filter *filter, uint64_t hash)
{
	uint64_t bits = bits_of(hash);

	return filter->word_count > 0 &&
	       (filter->words[hash & (filter->word_count - 1)] & bits) != bits;
}
