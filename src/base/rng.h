/* The only source of randomness, from the kernel. */
#ifndef TT_BASE_RNG_H
#define TT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fill BYTES; aborts if the kernel cannot. */
void rng_bytes(void *bytes, size_t count);
uint64_t rng_u64(void);

#endif
