/* Numbers for keys, through many growths. */
#include "query/keymap.h"

#include "tap.h"

static void numbers_follow_one_another(void)
{
	struct arena arena = { 0 };
	struct keymap map = { 0 };
	uint32_t number = 7;

	OK(!keymap_find(&map, STR("a"), &number));
	IS_INT(keymap_number(&map, &arena, STR("a")), 0);
	IS_INT(keymap_number(&map, &arena, STR("")), 1);
	IS_INT(keymap_number(&map, &arena, STR("a\0b")), 2);
	IS_INT(keymap_number(&map, &arena, STR("a")), 0);
	IS_INT(keymap_number(&map, &arena, STR("")), 1);
	OK(keymap_find(&map, STR("a\0b"), &number));
	IS_INT(number, 2);
	OK(!keymap_find(&map, STR("a\0c"), &number));
	IS_INT(map.count, 3);
	IS_STR(map.keys[0], "a");
	keymap_release(&map);
	IS_INT(map.count, 0);
	arena_release(&arena);
}

static void many(void)
{
	enum { MANY = 10000 };
	struct arena arena = { 0 };
	struct keymap map = { 0 };
	int wrong = 0;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++)
			wrong += keymap_number(&map, &arena, arena_printf(&arena, "key %d", i)) !=
				 (uint32_t)i;
	IS_INT(wrong, 0);
	IS_INT(map.count, MANY);
	keymap_release(&map);
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(numbers_follow_one_another),
	TAP_CASE(many),
};

TAP_MAIN(cases)
