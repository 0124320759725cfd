/* Hashes. Not for secrets. */
#ifndef TT_BASE_HASH_H
#define TT_BASE_HASH_H

#include "base/str.h"

/* Fast 64-bit hash (wyhash family or FNV-1a over words), stable across machines and releases:
 * stored on disk. */
uint64_t hash64(struct str s, uint64_t seed);
/* 128 bits, from two seeds of the same; stable. */
void hash128(struct str s, uint8_t out[static 16]);
void hash_hex(const uint8_t *bytes, size_t count, char *out); /* 2 x count digits and NUL */

#endif
