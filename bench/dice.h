/* Numbers that look random and are the same at each run (splitmix64); the state is the caller's. */
#ifndef TT_BENCH_DICE_H
#define TT_BENCH_DICE_H

#include <stdint.h>

static inline uint64_t dice_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t dice_below(uint64_t *state, uint64_t limit)
{
	return dice_next(state) % limit;
}

#endif
