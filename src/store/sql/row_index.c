/* Slots of row numbers, probed one after the other. */
#include "store/sql/row_index.h"

#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_SLOTS = 64 };

bool row_index_add(struct row_index *index, uint64_t hash, size_t row)
{
	size_t slot = (size_t)hash;

	if (2 * (index->count + 1) > index->slot_count)
		return false;
	while (index->slots[slot & (index->slot_count - 1)] != 0)
		slot++;
	index->slots[slot & (index->slot_count - 1)] = (uint32_t)row + 1;
	index->count++;
	return true;
}

void row_index_grow(struct row_index *index, size_t rows)
{
	size_t wanted = index->slot_count;

	while (wanted < 4 * rows || wanted < FIRST_SLOTS)
		wanted = wanted == 0 ? FIRST_SLOTS : 2 * wanted;
	if (wanted > index->slot_count) {
		free(index->slots);
		index->slots = mem_alloc(wanted * sizeof(*index->slots));
		index->slot_count = wanted;
	}
	memset(index->slots, 0, wanted * sizeof(*index->slots));
	index->count = 0;
}

void row_index_clear(struct row_index *index)
{
	if (index->count > 0)
		memset(index->slots, 0, index->slot_count * sizeof(*index->slots));
	index->count = 0;
}

void row_index_release(struct row_index *index)
{
	free(index->slots);
	*index = (struct row_index){ 0 };
}

bool row_index_next(const struct row_index *index, uint64_t hash, size_t *step, size_t *row)
{
	uint32_t slot;

	if (index->count == 0)
		return false;
	slot = index->slots[((size_t)hash + (*step)++) & (index->slot_count - 1)];
	*row = (size_t)slot - 1;
	return slot != 0;
}
