/* Numbers for keys: the first key met is 0, the next new one 1, and so on. */
#ifndef TT_QUERY_KEYMAP_H
#define TT_QUERY_KEYMAP_H

#include "base/mem.h"

/* All-zero is a valid empty one. */
struct keymap {
	struct str *keys; /* by number */
	size_t count;
	size_t room;
	uint32_t *slots; /* number + 1; 0: free */
	size_t slot_count;
};

/* The number of KEY, which is copied into ARENA when it is new. */
uint32_t keymap_number(struct keymap *map, struct arena *arena, struct str key);
/* The same for a key that is not to be added: false when it is not there. */
bool keymap_find(const struct keymap *map, struct str key, uint32_t *number);
/* The arena keeps the keys. */
void keymap_release(struct keymap *map);

#endif
