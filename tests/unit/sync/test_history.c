/* Marks: made once for a change number, found again, gone with the history they belong to. */
#include "base/uuid.h"
#include "store_place.h"
#include "sync/history.h"
#include "tap.h"

static void found_again(void)
{
	struct arena arena = { 0 };
	struct store *store = NULL, *other = NULL;
	char dir[] = "/tmp/tt-marks-XXXXXX", command[64];
	struct store_options options;
	struct store_place place;
	struct str mark, again, next;
	struct err err = { 0 };

	if (!OK(mkdtemp(dir) != NULL))
		return;
	store_place_make(&place, arena_printf(&arena, "%s/tt.db", dir).ptr);
	options = store_place_options(&place);
	OK(store_open(&store, &options, &err) == 0);
	OK(history_find(store, 7, &arena, &mark, &err) == 0);
	IS_INT(mark.len, 0);
	OK(history_make(store, 7, &arena, &mark, &err) == 0);
	OK(uuid_valid(mark));
	OK(history_make(store, 7, &arena, &again, &err) == 0);
	tap_is_str(again, mark, __FILE__, __LINE__);
	OK(history_make(store, 8, &arena, &next, &err) == 0);
	OK(!str_eq(next, mark));
	OK(store_open(&other, &options, &err) == 0);
	OK(history_find(other, 7, &arena, &again, &err) == 0);
	tap_is_str(again, mark, __FILE__, __LINE__);
	store_close(other);

	store_place_make(&place, arena_printf(&arena, "%s/other.db", dir).ptr);
	options = store_place_options(&place);
	OK(store_open(&other, &options, &err) == 0);
	OK(history_make(other, 7, &arena, &again, &err) == 0);
	OK(!str_eq(again, mark)); /* the same number of another history */
	store_close(other);
	store_close(store);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	OK(system(command) == 0);
	arena_release(&arena);
}

static const struct tap_case cases[] = { TAP_CASE(found_again) };

TAP_MAIN(cases)
