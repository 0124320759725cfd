/* The dictionary's cache: whatever it remembers or has pushed out, a text keeps its number. */
#include "store_fixture.h"

#include "store/sql/dictionary.h"

/* More than the cache ever holds, so that it grows and pushes texts out. */
enum { TEXTS = 20000, TEXT_BYTES = 600 };

static struct str text_of(struct buf *buf, int i)
{
	buf_clear(buf);
	buf_printf(buf, "{\"n\":%*d}", TEXT_BYTES, i);
	return buf_str(buf);
}

static int64_t number_of(struct dictionary *dictionary, int i, bool make)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT;
	int64_t no = -1;
	struct err err;

	GOOD(dictionary_number(dictionary, text_of(&buf, i), make, &no, &err));
	return no;
}

static void numbers_stay(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct dictionary *dictionary = dictionary_new(store);
	int64_t *numbers = arena_zalloc(&f.arena, TEXTS, sizeof(*numbers));
	int wrong = 0;
	struct err err;

	GOOD(db_write_begin(store, &err));
	dictionary_begin(dictionary, false);
	for (int i = 0; i < TEXTS; i++)
		numbers[i] = number_of(dictionary, i, true);
	for (int i = 0; i < TEXTS; i++)
		wrong += numbers[i] <= 0 || number_of(dictionary, i, true) != numbers[i];
	IS_INT(wrong, 0);
	for (int i = 1; i < TEXTS; i++)
		wrong += numbers[i] == numbers[i - 1];
	IS_INT(wrong, 0);
	GOOD(db_write_commit(store, &err));
	for (int i = TEXTS; i-- > 0;)
		wrong += number_of(dictionary, i, false) != numbers[i];
	IS_INT(wrong, 0);
	IS_INT(number_of(dictionary, TEXTS, false), 0);
	dictionary_free(dictionary);
	close_all(&f, store);
}

/* What a rollback took back is not remembered, in slots that were used before it either. */
static void forgets_what_was_undone(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct dictionary *dictionary = dictionary_new(store);
	struct err err;
	int wrong = 0;

	GOOD(db_write_begin(store, &err));
	dictionary_begin(dictionary, false);
	for (int i = 0; i < 300; i++)
		wrong += number_of(dictionary, i, true) <= 0;
	db_write_rollback(store);
	dictionary_forget(dictionary);
	for (int i = 0; i < 300; i++)
		wrong += number_of(dictionary, i, false) != 0;
	GOOD(db_write_begin(store, &err));
	dictionary_begin(dictionary, false);
	for (int i = 0; i < 600; i++)
		wrong += number_of(dictionary, i, true) != number_of(dictionary, i, true);
	GOOD(db_write_commit(store, &err));
	IS_INT(wrong, 0);
	dictionary_free(dictionary);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(numbers_stay),
	TAP_CASE(forgets_what_was_undone),
};
TAP_MAIN(cases)
