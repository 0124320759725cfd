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
		memory->lasts[i].as_of_seq = -1;
	aw_window_forget(&memory->window);
}

void aw_memory_release(struct aw_memory *memory)
{
	for (size_t i = 0; i < AW_TARGETS; i++) {
		buf_release(&memory->targets[i].machine_id);
		buf_release(&memory->targets[i].id);
	}
	for (size_t i = 0; i < memory->last_count; i++)
		buf_release(&memory->lasts[i].key);
	free(memory->lasts);
	aw_window_release(&memory->window);
	buf_release(&memory->id);
}

static bool is_target(const struct aw_target *target, struct str machine_id, struct str id)
{
	return str_eq(buf_str(&target->machine_id), machine_id) && str_eq(buf_str(&target->id), id);
}

struct aw_target *aw_memory_target(
	struct aw_memory *memory, uint64_t generation, struct str machine_id, struct str id)
{
	uint64_t hash = hash64(id, hash64(machine_id, 0));
	struct aw_target *target = &memory->targets[hash % AW_TARGETS];
	enum { PLACES = 4 };

	if (generation != memory->generation)
		aw_memory_forget_targets(memory);
	memory->generation = generation;
	for (uint64_t i = 0; i < PLACES && target->bucket_no != 0; i++) {
		if (is_target(target, machine_id, id))
			return target;
		target = &memory->targets[(hash + i + 1) % AW_TARGETS];
	}
	target->bucket_no = 0;
	buf_clear(&target->machine_id);
	buf_add(&target->machine_id, machine_id);
	buf_clear(&target->id);
	buf_add(&target->id, id);
	return target;
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
