/* Cursors over foreign files, and memos. */
#include "store_fixture.h"

static void cursors(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct file_cursor cursor = { .source = STR("claude"),
		.path = STR("/b"),
		.device = UINT64_MAX,
		.inode = 5,
		.size = 100,
		.mtime_ns = T0,
		.offset = 90,
		.head_hash = UINT64_MAX - 1,
		.head_bytes = 64,
		.tail_hash = 3,
		.tail_bytes = 32,
		.state = STR("{\"a\":\0}") };
	struct file_cursor *out;
	size_t count;
	struct err err;

	GOOD(intake_cursor(intake, &cursor, &err));
	cursor.path = STR("/a");
	GOOD(intake_cursor(intake, &cursor, &err));
	cursor.offset = 95;
	GOOD(intake_cursor(intake, &cursor, &err));
	cursor.source = STR("codex");
	GOOD(intake_cursor(intake, &cursor, &err));
	IS_INT(intake_pending(intake), 4);
	GOOD(intake_commit(intake, &err));
	GOOD(store_cursors(store, STR("claude"), &f.arena, &out, &count, &err));
	if (!IS_INT(count, 2))
		return;
	IS_STR(out[0].path, "/a");
	IS_INT(out[0].offset, 95);
	IS_STR(out[1].path, "/b");
	IS_STR(out[1].source, "claude");
	OK(out[1].device == UINT64_MAX && out[1].inode == 5 && out[1].head_hash == UINT64_MAX - 1);
	OK(out[1].size == 100 && out[1].mtime_ns == T0 && out[1].offset == 90);
	OK(out[1].head_bytes == 64 && out[1].tail_hash == 3 && out[1].tail_bytes == 32);
	OK(str_eq(out[1].state, STR("{\"a\":\0}")));
	GOOD(intake_cursor_forget(intake, STR("claude"), STR("/a"), &err));
	GOOD(intake_commit(intake, &err));
	GOOD(store_cursors(store, STR("claude"), &f.arena, &out, &count, &err));
	IS_INT(count, 1);
	intake_free(intake);
	close_all(&f, store);
}

static void memos(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct str value;
	bool found;
	struct err err;

	GOOD(intake_memo_put(intake, STR("claude"), STR("msg"), STR("one"), &err));
	GOOD(intake_memo_put(intake, STR("codex"), STR("msg"), STR(""), &err));
	GOOD(intake_memo_get(intake, STR("claude"), STR("msg"), &f.arena, &value, &found, &err));
	OK(found);
	IS_STR(value, "one");
	GOOD(intake_commit(intake, &err));
	GOOD(intake_memo_put(intake, STR("claude"), STR("msg"), STR("two\0"), &err));
	intake_free(intake);
	intake = begin(store);
	GOOD(intake_memo_get(intake, STR("claude"), STR("msg"), &f.arena, &value, &found, &err));
	IS_STR(value, "one");
	GOOD(intake_memo_get(intake, STR("codex"), STR("msg"), &f.arena, &value, &found, &err));
	OK(found && value.len == 0);
	GOOD(intake_memo_get(intake, STR("codex"), STR("other"), &f.arena, &value, &found, &err));
	OK(!found);
	intake_free(intake);
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(cursors),
	TAP_CASE(memos),
};
TAP_MAIN(cases)
