/* A hash map from a pair of strings and a small number to an index. Keys are views and must outlive
 * the map. */
#ifndef TT_ATTENTION_MAP_H
#define TT_ATTENTION_MAP_H

#include "base/mem.h"

struct map_key {
	struct str a;
	struct str b;
	uint64_t n;
};

enum { MAP_NONE = -1 };

struct map_slot {
	struct map_key key;
	uint64_t hash;
	int64_t value; /* MAP_NONE: the slot is free */
};

/* All-zero is a valid empty one. */
struct map {
	struct map_slot *slots;
	size_t count;
	size_t room; /* 0 or a power of two */
};

void map_release(struct map *map);
/* The value of KEY, or MAP_NONE. */
int64_t map_get(const struct map *map, const struct map_key *key);
/* Set the value (>= 0) of KEY. */
void map_put(struct map *map, const struct map_key *key, int64_t value);

#endif
