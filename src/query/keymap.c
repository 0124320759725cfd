/* Open addressing over the numbers; at most half full. */
#include "query/keymap.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 64 };

/* The slot of KEY, or the free one where it belongs. */
static uint32_t *slot_of(const struct keymap *map, struct str key)
{
	size_t at = (size_t)hash64(key, 0) & (map->slot_count - 1);

	while (map->slots[at] > 0 && !str_eq(map->keys[map->slots[at] - 1], key))
		at = (at + 1) & (map->slot_count - 1);
	return &map->slots[at];
}

static void grow(struct keymap *map)
{
	map->slot_count = map->slot_count > 0 ? 2 * map->slot_count : FIRST_SLOTS;
	free(map->slots);
	map->slots = mem_zalloc(map->slot_count * sizeof(*map->slots));
	for (size_t i = 0; i < map->count; i++)
		*slot_of(map, map->keys[i]) = (uint32_t)i + 1;
}

uint32_t keymap_number(struct keymap *map, struct arena *arena, struct str key)
{
	uint32_t *slot;

	if (2 * map->count >= map->slot_count)
		grow(map);
	slot = slot_of(map, key);
	if (*slot > 0)
		return *slot - 1;
	ASSERT(map->count < UINT32_MAX);
	if (map->count == map->room) {
		map->room = map->room > 0 ? 2 * map->room : FIRST_SLOTS;
		map->keys = mem_resize(map->keys, map->room, sizeof(*map->keys));
	}
	map->keys[map->count++] = arena_str(arena, key);
	*slot = (uint32_t)map->count;
	return *slot - 1;
}

bool keymap_find(const struct keymap *map, struct str key, uint32_t *number)
{
	uint32_t slot = map->slot_count > 0 ? *slot_of(map, key) : 0;

	*number = slot - 1;
	return slot > 0;
}

void keymap_release(struct keymap *map)
{
	free(map->keys);
	free(map->slots);
	*map = (struct keymap){ 0 };
}
