/*
 * A 64-bit hash by multiplying and folding: two words of input, each mixed with a key or with the
 * state, are multiplied to 128 bits, whose halves are xored. Words are read as little-endian on
 * every machine. Its results are stored: what hash64() gives for a text and a seed never changes
 * (tests/unit/base/test_hash.c holds vectors).
 *
 * The layout: 16 bytes a step, the rest padded with zeros as one last step, then a step with the
 * length, which tells a padded text from one that really ends in NUL bytes. Whoever wants
 * collisions can make them: callers to whom that matters compare the texts.
 */
#include "base/hash.h"

#include <endian.h>

/* Fractional digits of pi: constants without a hidden purpose. */
#define KEY_STEP UINT64_C(0x243f6a8885a308d3)
#define KEY_SEED UINT64_C(0x13198a2e03707345)
#define KEY_LENGTH UINT64_C(0xa4093822299f31d1)
#define KEY_END UINT64_C(0x082efa98ec4e6c89)
#define SEED_SECOND UINT64_C(0x452821e638d01377)

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static uint64_t step(uint64_t state, const char *at)
{
	return fold(load(at) ^ KEY_STEP, load(at + 8) ^ state);
}

uint64_t hash64(struct str s, uint64_t seed)
{
	uint64_t state = fold(seed ^ KEY_SEED, KEY_END);
	char last[16] = { 0 };
	size_t at = 0;

	for (; s.len - at > sizeof(last); at += sizeof(last))
		state = step(state, s.ptr + at);
	if (s.len > at)
		memcpy(last, s.ptr + at, s.len - at);
	state = step(state, last);
	return fold(state ^ KEY_LENGTH, (uint64_t)s.len ^ KEY_END);
}

void hash128(struct str s, uint8_t out[static 16])
{
	uint64_t halves[2] = { htole64(hash64(s, 0)), htole64(hash64(s, SEED_SECOND)) };

	memcpy(out, halves, sizeof(halves));
}

void hash_hex(const uint8_t *bytes, size_t count, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}
