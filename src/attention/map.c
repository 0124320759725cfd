/* Open addressing with linear probing, at most three quarters full; the hash is kept, so that
 * growing compares nothing. */
#include "attention/map.h"

#include <stdlib.h>

#include "base/hash.h"

enum { MAP_FIRST_ROOM = 64 };

void map_release(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}

static uint64_t hash_of(const struct map_key *key)
{
	return hash64(key->b, hash64(key->a, key->n));
}

static bool same(const struct map_slot *slot, const struct map_key *key, uint64_t hash)
{
	return slot->hash == hash && slot->key.n == key->n && str_eq(slot->key.b, key->b) &&
	       str_eq(slot->key.a, key->a);
}

/* The slot of KEY, or the free one where it belongs. */
static struct map_slot *find(const struct map *map, const struct map_key *key, uint64_t hash)
{
	size_t at = hash & (map->room - 1);

	while (map->slots[at].value != MAP_NONE && !same(&map->slots[at], key, hash))
		at = (at + 1) & (map->room - 1);
	return &map->slots[at];
}

int64_t map_get(const struct map *map, const struct map_key *key)
{
	return map->room ? find(map, key, hash_of(key))->value : MAP_NONE;
}

static void grow(struct map *map)
{
	struct map bigger = { .count = map->count,
		.room = map->room ? 2 * map->room : MAP_FIRST_ROOM };

	bigger.slots = mem_resize(NULL, bigger.room, sizeof(*bigger.slots));
	for (size_t i = 0; i < bigger.room; i++)
		bigger.slots[i].value = MAP_NONE;
	for (size_t i = 0; i < map->room; i++) {
		const struct map_slot *slot = &map->slots[i];

		if (slot->value != MAP_NONE)
			*find(&bigger, &slot->key, slot->hash) = *slot;
	}
	free(map->slots);
	*map = bigger;
}

void map_put(struct map *map, const struct map_key *key, int64_t value)
{
	struct map_slot *slot;
	uint64_t hash = hash_of(key);

	if (4 * (map->count + 1) > 3 * map->room)
		grow(map);
	slot = find(map, key, hash);
	map->count += slot->value == MAP_NONE;
	*slot = (struct map_slot){ *key, hash, value };
}
