/* Slots without a life of their own: whoever fills one says when it is good. */
#include "store/aw_memory.h"

#include <stdlib.h>

#include "base/hash.h"

void aw_memory_forget_targets(struct aw_memory *memory)
{
	for (size_t i = 0; i < AW_TARGETS; i++)
		memory->targets[i].bucket_no = 0;
}

void aw_memory_forget(struct aw_memory *memory)
{
	aw_memory_forget_targets(memory);
	for (size_t i = 0; i < memory->last_count; i++)
		memory->lasts[i].known = false;
}

void aw_memory_release(struct aw_memory *memory)
{
	for (size_t i = 0; i < AW_TARGETS; i++)
		buf_release(&memory->targets[i].id);
	for (size_t i = 0; i < memory->last_count; i++)
		buf_release(&memory->lasts[i].key);
	free(memory->lasts);
	buf_release(&memory->id);
	buf_release(&memory->text);
}

struct aw_target *aw_memory_target(struct aw_memory *memory, uint64_t generation, struct str id)
{
	if (generation != memory->generation)
		aw_memory_forget_targets(memory);
	memory->generation = generation;
	return &memory->targets[hash64(id, 0) % AW_TARGETS];
}

struct aw_last *aw_memory_last(struct aw_memory *memory, int64_t bucket_no)
{
	size_t no = (size_t)bucket_no;

	if (no >= memory->last_count) {
		size_t count = 2 * no + 16;

		memory->lasts = mem_resize(memory->lasts, count, sizeof(*memory->lasts));
		memset(memory->lasts + memory->last_count, 0,
			(count - memory->last_count) * sizeof(*memory->lasts));
		memory->last_count = count;
	}
	return &memory->lasts[no];
}
