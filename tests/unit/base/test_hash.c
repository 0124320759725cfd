/* Hashes: fixed for ever by vectors, and good enough: no collisions on look-alikes, each input bit
 * moves half of the output. */
#include "tap.h"

#include "base/hash.h"
#include "base/sha256.h"

/* Stored data depends on these: a change here is a new storage format. */
static const struct {
	struct str text;
	uint64_t seed;
	uint64_t hash;
} vectors[] = {
	{ STR_INIT(""), 0, UINT64_C(0x281ea9e99c8d45cb) },
	{ STR_INIT(""), 1, UINT64_C(0x22467aaaa48a6bbf) },
	{ STR_INIT("a"), 0, UINT64_C(0x8766560eddd91cd7) },
	{ STR_INIT("a"), 1, UINT64_C(0x32c1cad8249c4be2) },
	{ STR_INIT("tidemark"), 0, UINT64_C(0xc271d4e284ecd240) },
	{ STR_INIT("\0"), 0, UINT64_C(0xe69404b391599b4a) },
	{ STR_INIT("0123456789abcde"), 0, UINT64_C(0xcb1f72c4ffb62260) },
	{ STR_INIT("0123456789abcdef"), 0, UINT64_C(0x39c68e8bb4464001) },
	{ STR_INIT("0123456789abcdefg"), 0, UINT64_C(0x8a8e0e09b6a69d74) },
	{ STR_INIT("The line the water reached: everything below it is already here."), 0,
		UINT64_C(0x51eaccf35fc0ca59) },
	{ STR_INIT("The line the water reached: everything below it is already here."), UINT64_MAX,
		UINT64_C(0x15d1c4bdd6a29fa3) },
	{ STR_INIT("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7"), 42, UINT64_C(0x58dd6ca173c7d3d3) },
};

static void never_changes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint64_t got = hash64(vectors[i].text, vectors[i].seed);

		tap_check(got == vectors[i].hash, __FILE__, __LINE__, "vector %zu: 0x%016llx", i,
			(unsigned long long)got);
	}
}

static void hash128_never_changes(void)
{
	uint8_t bytes[16];
	char text[33];

	hash128(STR("tidemark"), bytes);
	hash_hex(bytes, sizeof(bytes), text);
	IS_CSTR(text, "40d2ec84e2d471c2faab3e8a7054c44d");
	hash128((struct str){ NULL, 0 }, bytes);
	hash_hex(bytes, sizeof(bytes), text);
	IS_CSTR(text, "cb458d9ce9a91e28c183cdc11836f2e3");
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Equal values among COUNT, which are sorted on the way. */
static int collisions(uint64_t *values, size_t count)
{
	int found = 0;

	qsort(values, count, sizeof(*values), compare);
	for (size_t i = 1; i < count; i++)
		found += values[i] == values[i - 1];
	return found;
}

static void lookalikes_do_not_collide(void)
{
	enum { COUNT = 100000 };
	uint64_t *values = calloc(COUNT, sizeof(*values));
	int low_bits[1 << 10] = { 0 }, fullest = 0;

	if (!OK(values != NULL))
		return;
	for (size_t i = 0; i < COUNT; i++) {
		char text[64];
		int len = snprintf(
			text, sizeof(text), "{\"app\":\"vim\",\"title\":\"file-%zu.c\"}", i);

		values[i] = hash64((struct str){ text, (size_t)len }, 0);
		low_bits[values[i] % ARRAY_LEN(low_bits)]++;
	}
	/* 98 a bucket on average, standard deviation 10. */
	for (size_t i = 0; i < ARRAY_LEN(low_bits); i++)
		fullest = low_bits[i] > fullest ? low_bits[i] : fullest;
	OK(fullest < 98 + 60);
	IS_INT(collisions(values, COUNT), 0);
	free(values);
}

static void length_and_seed_count(void)
{
	enum { COUNT = 300 };
	static const char zeros[COUNT];
	uint64_t values[2 * COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		values[2 * i] = hash64((struct str){ zeros, i }, 0);
		values[2 * i + 1] = hash64((struct str){ zeros, i }, i + 1);
	}
	IS_INT(collisions(values, ARRAY_LEN(values)), 0);
}

static void alignment_does_not_count(void)
{
	char room[64];
	int wrong = 0;

	for (size_t shift = 0; shift < 16; shift++) {
		memcpy(room + shift, "a text of more than 16 bytes", 28);
		wrong += hash64((struct str){ room + shift, 28 }, 9) !=
			 hash64(STR("a text of more than 16 bytes"), 9);
	}
	IS_INT(wrong, 0);
}

/* Flip each bit of texts of many lengths: every flip changes 32 of 64 bits on average, and never
 * few. */
static void every_bit_counts(void)
{
	unsigned char text[70];
	long flips = 0, changed = 0;
	int least = 64;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i * 37 + 11);
	for (size_t len = 1; len <= sizeof(text); len++) {
		uint64_t before = hash64((struct str){ (const char *)text, len }, 1);

		for (size_t bit = 0; bit < len * 8; bit++) {
			int moved;

			text[bit / 8] ^= (unsigned char)(1u << bit % 8);
			moved = __builtin_popcountll(
				before ^ hash64((struct str){ (const char *)text, len }, 1));
			text[bit / 8] ^= (unsigned char)(1u << bit % 8);
			least = moved < least ? moved : least;
			changed += moved;
			flips++;
		}
	}
	OK(least >= 8);
	OK(changed > flips * 31 && changed < flips * 33);
}

static void halves_of_128_bits_differ(void)
{
	uint8_t bytes[16], other[16];

	hash128(STR("x"), bytes);
	hash128(STR("y"), other);
	OK(memcmp(bytes, bytes + 8, 8) != 0);
	OK(memcmp(bytes, other, 8) != 0);
	OK(memcmp(bytes + 8, other + 8, 8) != 0);
}

static void writes_hexadecimal(void)
{
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	char text[9];

	hash_hex(bytes, sizeof(bytes), text);
	IS_CSTR(text, "000fa5ff");
	hash_hex(bytes, 0, text);
	IS_CSTR(text, "");
}

/* The examples of FIPS 180-2, appendix B, and of nothing. */
static void sha256_of_the_standard(void)
{
	static const struct {
		const char *text;
		const char *want;
	} examples[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		uint8_t bytes[SHA256_BYTES];
		char text[2 * SHA256_BYTES + 1];

		sha256(str_from(examples[i].text), bytes);
		hash_hex(bytes, sizeof(bytes), text);
		IS_CSTR(text, examples[i].want);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(never_changes),
	TAP_CASE(hash128_never_changes),
	TAP_CASE(lookalikes_do_not_collide),
	TAP_CASE(length_and_seed_count),
	TAP_CASE(alignment_does_not_count),
	TAP_CASE(every_bit_counts),
	TAP_CASE(halves_of_128_bits_differ),
	TAP_CASE(writes_hexadecimal),
	TAP_CASE(sha256_of_the_standard),
};

TAP_MAIN(cases)
