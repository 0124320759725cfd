/* The layer of statements: transactions that nest by joining, change numbers, rows. */
#include "store_fixture.h"

#include "store/sql/db.h"

static int put_setting(struct store *store, const char *key, struct err *err)
{
	return store_setting_put(store, key, STR("x"), err);
}

static bool has_setting(struct store *store, struct fixture *f, const char *key)
{
	struct str value;
	struct err err;

	GOOD(store_setting_get(store, key, &f->arena, &value, &err));
	return value.len > 0;
}

static void joins_what_is_open(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	bool own;
	struct err err;

	GOOD(db_write_begin(store, &err));
	GOOD(put_setting(store, "a", &err));
	GOOD(db_write_join(store, &own, &err));
	OK(!own);
	IS_INT(db_write_leave(store, own, 7, &err), 7);
	db_write_rollback(store);
	db_write_rollback(store);
	OK(!has_setting(store, &f, "a"));
	GOOD(db_write_join(store, &own, &err));
	OK(own);
	GOOD(put_setting(store, "a", &err));
	IS_INT(db_write_leave(store, own, ERR_LIMIT, &err), ERR_LIMIT);
	OK(!has_setting(store, &f, "a"));
	GOOD(db_write_join(store, &own, &err));
	GOOD(put_setting(store, "a", &err));
	IS_INT(db_write_leave(store, own, 3, &err), 3);
	OK(has_setting(store, &f, "a"));
	store_close(store);
	fixture_end(&f);
}

static void change_numbers(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct store_info info;
	struct err err;

	GOOD(db_write_begin(store, &err));
	IS_INT(db_next_seq(store), 1);
	IS_INT(db_next_seq(store), 2);
	GOOD(store_info(store, &info, &err));
	IS_INT(info.last_seq, 2);
	db_write_rollback(store);
	GOOD(db_write_begin(store, &err));
	IS_INT(db_next_seq(store), 1);
	GOOD(db_write_commit(store, &err));
	GOOD(store_info(store, &info, &err));
	IS_INT(info.last_seq, 1);
	store_close(store);
	fixture_end(&f);
}

static void rows_grow(void)
{
	struct arena arena = { 0 };
	struct db_rows rows = db_rows(&arena, sizeof(int));
	const int *items;

	IS_INT(rows.count, 0);
	OK(rows.items != NULL);
	for (int i = 0; i < 1000; i++)
		db_rows_add(&rows, &i);
	items = rows.items;
	IS_INT(rows.count, 1000);
	OK(items[0] == 0 && items[499] == 499 && items[999] == 999);
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(joins_what_is_open),
	TAP_CASE(change_numbers),
	TAP_CASE(rows_grow),
};
TAP_MAIN(cases)
