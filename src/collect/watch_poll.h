/* Finding changes where nobody tells of them: what places look like, kept as numbers and compared.
 */
#ifndef TT_COLLECT_WATCH_POLL_H
#define TT_COLLECT_WATCH_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * It changes when a file at PATH does: one that is PATH itself (or the log that SQLite keeps beside
 * it, PATH-wal), or one in directory PATH down to LEVELS levels below it. By name, inode, size and
 * times; nothing is opened but directories. 0: nothing is there.
 */
uint64_t poll_signature(const char *path, int levels);

struct poll_unit {
	size_t place; /* the caller's word for whose it is */
	int levels;
	bool lasting;
	char *path;
	uint64_t signature;
};
struct poll_set {
	struct poll_unit *units;
	size_t count;
};

/* As it is now: only later changes are found. One that is not LASTING is forgotten when nothing is
 * there any more. */
void poll_add(struct poll_set *set, size_t place, const char *path, int levels, bool lasting);
/* Forget what belongs to PLACE. */
void poll_drop(struct poll_set *set, size_t place);
/* Compare all; CHANGED is called for each that is different. Returns how long it took, in ns. */
int64_t poll_sweep(struct poll_set *set, void (*changed)(void *owner, size_t place), void *owner);
void poll_release(struct poll_set *set);

#endif
