/* UUIDs and the randomness that they are made of. */
#include "tap.h"

#include "base/rng.h"
#include "base/uuid.h"

static void random_ones_are_version_4(void)
{
	for (int i = 0; i < 200; i++) {
		char text[UUID_BYTES + 1];

		uuid_v4(text);
		OK(uuid_valid(str_from(text)));
		IS_INT(text[14], '4');
		OK(strchr("89ab", text[19]) != NULL);
		OK(strpbrk(text, "ABCDEF") == NULL);
	}
}

static void random_ones_differ(void)
{
	char first[UUID_BYTES + 1], second[UUID_BYTES + 1];

	uuid_v4(first);
	uuid_v4(second);
	OK(strcmp(first, second) != 0);
}

static void named_ones_are_version_8_and_stay_the_same(void)
{
	char first[UUID_BYTES + 1], second[UUID_BYTES + 1];

	uuid_of_name(STR("aw-watcher-window_host"), first);
	uuid_of_name(STR("aw-watcher-window_host"), second);
	IS_CSTR(first, second);
	/* Stored in databases: fixed for ever. */
	IS_CSTR(first, "e932d887-10af-848c-ba88-98d0af8936cd");
	OK(uuid_valid(str_from(first)));
	IS_INT(first[14], '8');
	OK(strchr("89ab", first[19]) != NULL);
	uuid_of_name(STR("aw-watcher-window_hosu"), second);
	OK(strcmp(first, second) != 0);
	uuid_of_name((struct str){ NULL, 0 }, second);
	OK(uuid_valid(str_from(second)));
}

static void knows_the_form(void)
{
	OK(uuid_valid(STR("01234567-89ab-cdef-0123-456789abcdef")));
	OK(uuid_valid(STR("01234567-89AB-CDEF-0123-456789ABCDEF")));
	OK(uuid_valid(STR("00000000-0000-0000-0000-000000000000")));
	OK(!uuid_valid(STR("01234567-89ab-cdef-0123-456789abcde")));
	OK(!uuid_valid(STR("01234567-89ab-cdef-0123-456789abcdef0")));
	OK(!uuid_valid(STR("0123456789ab-cdef-0123-4567-89abcdef")));
	OK(!uuid_valid(STR("01234567-89ab-cdef-0123-456789abcdeg")));
	OK(!uuid_valid(STR("01234567_89ab-cdef-0123-456789abcdef")));
	OK(!uuid_valid(STR("{1234567-89ab-cdef-0123-456789abcde}")));
	OK(!uuid_valid(STR("01234567-89ab-cdef-0123-456789abcde\0")));
	OK(!uuid_valid((struct str){ NULL, 0 }));
}

static void rng_fills_all_bytes_and_no_more(void)
{
	unsigned char bytes[1002] = { 0 };
	unsigned char seen[1000] = { 0 };

	bytes[0] = bytes[1001] = 0x5a;
	/* A byte that stays 0 in 20 rounds is not written to: chance has one in 10^45. */
	for (int round = 0; round < 20; round++) {
		rng_bytes(bytes + 1, 1000);
		for (int i = 0; i < 1000; i++)
			seen[i] |= bytes[i + 1];
	}
	OK(memchr(seen, 0, sizeof(seen)) == NULL);
	IS_INT(bytes[0], 0x5a);
	IS_INT(bytes[1001], 0x5a);
	rng_bytes(bytes, 0);
	IS_INT(bytes[0], 0x5a);
	OK(rng_u64() != rng_u64());
}

static const struct tap_case cases[] = {
	TAP_CASE(random_ones_are_version_4),
	TAP_CASE(random_ones_differ),
	TAP_CASE(named_ones_are_version_8_and_stay_the_same),
	TAP_CASE(knows_the_form),
	TAP_CASE(rng_fills_all_bytes_and_no_more),
};

TAP_MAIN(cases)
