/* Documents: read whole, unchanged ones after one stat, cursors of databases, and their lines. */
#include "collect/doc.h"

#include <fcntl.h>

#include "model/limits.h"
#include "world.h"

#define FILE_NAME "ui.json"

struct desk {
	struct world world;
	const char *path;
	struct tail_set *set;
	struct intake *intake;
	struct doc doc;
};

static void round_begin(struct desk *desk)
{
	OK(tail_set_load(&desk->set, desk->world.store, STR("test"), &desk->world.err) == 0);
	OK(intake_begin_lazy(&desk->intake, desk->world.store, &desk->world.err) == 0);
}

static void round_end(struct desk *desk)
{
	OK(intake_commit(desk->intake, &desk->world.err) == 0);
	intake_free(desk->intake);
	desk->intake = NULL;
	tail_set_freep(&desk->set);
}

static void desk_begin(struct desk *desk, struct str content)
{
	*desk = (struct desk){ 0 };
	world_init(&desk->world);
	desk->path = world_path(&desk->world, FILE_NAME);
	world_write(&desk->world, FILE_NAME, content);
	round_begin(desk);
}

static void desk_end(struct desk *desk)
{
	doc_release(&desk->doc);
	intake_free(desk->intake);
	tail_set_free(desk->set);
	world_end(&desk->world);
}

/* Read it and keep that TAKEN bytes of it were understood; then the next round begins. */
static void take(struct desk *desk, int64_t taken, const char *state)
{
	OK(doc_read(&desk->doc, desk->path, &desk->world.err) == 0);
	OK(doc_save(&desk->doc, desk->set, desk->intake, taken, str_from(state),
		   &desk->world.err) == 0);
	round_end(desk);
	round_begin(desk);
}

static struct file_cursor saved(struct desk *desk)
{
	struct file_cursor *cursors;
	size_t count = 0;

	OK(store_cursors(desk->world.store, STR("test"), &desk->world.arena, &cursors, &count,
		   &desk->world.err) == 0);
	return IS_INT(count, 1) ? cursors[0] : (struct file_cursor){ 0 };
}

static void unchanged_until_it_changes(void)
{
	struct desk desk;

	desk_begin(&desk, STR("[1]"));
	OK(!doc_unchanged(desk.set, desk.path));
	IS_STR(doc_state(desk.set, desk.path), "");
	take(&desk, 3, "first");
	IS_STR(buf_str(&desk.doc.bytes), "[1]");
	OK(doc_unchanged(desk.set, desk.path));
	IS_STR(doc_state(desk.set, desk.path), "first");
	world_append(&desk.world, FILE_NAME, STR(" "));
	OK(!doc_unchanged(desk.set, desk.path));
	IS_STR(doc_state(desk.set, desk.path), "first");
	take(&desk, 4, "second");
	OK(doc_unchanged(desk.set, desk.path));
	IS_STR(doc_state(desk.set, desk.path), "second");
	desk_end(&desk);
}

/* Same size and same time are not enough. */
static void replaced_is_changed(void)
{
	struct timespec times[2];
	struct stat status;
	struct desk desk;

	desk_begin(&desk, STR("[1]"));
	take(&desk, 3, "x");
	OK(stat(desk.path, &status) == 0);
	world_write(&desk.world, "new", STR("[2]"));
	times[0] = times[1] = status.st_mtim;
	OK(utimensat(AT_FDCWD, world_path(&desk.world, "new"), times, 0) == 0);
	OK(rename(world_path(&desk.world, "new"), desk.path) == 0);
	OK(!doc_unchanged(desk.set, desk.path));
	take(&desk, 3, "x");
	IS_STR(buf_str(&desk.doc.bytes), "[2]");
	desk_end(&desk);
}

static void waiting_bytes_are_in_the_cursor(void)
{
	struct file_cursor cursor;
	struct desk desk;

	desk_begin(&desk, STR("one\ntwo\nthr"));
	take(&desk, 8, "x");
	OK(doc_unchanged(desk.set, desk.path));
	cursor = saved(&desk);
	IS_INT(cursor.size, 11);
	IS_INT(cursor.offset, 8);
	OK(!tail_set_has_all(desk.set, desk.path));
	take(&desk, 11, "x");
	IS_INT(saved(&desk).offset, 11);
	OK(tail_set_has_all(desk.set, desk.path));
	desk_end(&desk);
}

/* The hashes are those of a growing file: what was saved as a document can be read on by lines. */
static void cursor_is_good_for_a_tail(void)
{
	enum tail_start start;
	struct tail *tail;
	struct str state, line;
	struct desk desk;
	int64_t offset;
	bool overlong;

	desk_begin(&desk, STR("one\ntwo\n"));
	take(&desk, 8, "kept");
	world_append(&desk.world, FILE_NAME, STR("three\n"));
	OK(tail_open(&tail, desk.set, desk.path, &start, &state, &desk.world.err) == 0);
	IS_INT(start, TAIL_CONTINUED);
	IS_STR(state, "kept");
	IS_INT(tail_next(tail, &line, &offset, &overlong, &desk.world.err), 1);
	IS_STR(line, "three");
	tail_close(tail);
	desk_end(&desk);
}

static void growth_is_told_from_rewriting(void)
{
	struct desk desk;
	int64_t taken;

	desk_begin(&desk, STR("one\ntwo\nthr"));
	OK(doc_read(&desk.doc, desk.path, &desk.world.err) == 0);
	OK(!doc_grew(&desk.doc, desk.set, &taken));
	IS_INT(taken, 0);
	take(&desk, 8, "x");
	/* What was not taken may become anything. */
	world_write(&desk.world, FILE_NAME, STR("one\ntwo\nTHREE\n"));
	OK(doc_read(&desk.doc, desk.path, &desk.world.err) == 0);
	OK(doc_grew(&desk.doc, desk.set, &taken));
	IS_INT(taken, 8);
	/* Another file is told by what was taken of this one. */
	OK(doc_grew_from(&desk.doc, desk.set, desk.path, &taken));
	desk.doc.path = "/moved";
	OK(!doc_grew(&desk.doc, desk.set, &taken));
	OK(doc_grew_from(&desk.doc, desk.set, desk.path, &taken));
	IS_INT(taken, 8);
	OK(!doc_grew_from(&desk.doc, desk.set, "/nowhere", &taken));
	IS_INT(taken, 0);
	world_write(&desk.world, FILE_NAME, STR("one\nTWO\nthree\n"));
	OK(doc_read(&desk.doc, desk.path, &desk.world.err) == 0);
	OK(!doc_grew(&desk.doc, desk.set, &taken));
	world_write(&desk.world, FILE_NAME, STR("one\n"));
	OK(doc_read(&desk.doc, desk.path, &desk.world.err) == 0);
	OK(!doc_grew(&desk.doc, desk.set, &taken));
	IS_INT(taken, 0);
	desk_end(&desk);
}

static void gone_is_forgotten(void)
{
	struct file_cursor *cursors;
	struct desk desk;
	size_t count;

	desk_begin(&desk, STR("[1]"));
	take(&desk, 3, "x");
	OK(unlink(desk.path) == 0);
	OK(!doc_unchanged(desk.set, desk.path));
	OK(tail_set_forget_missing(desk.set, desk.intake, &desk.world.err) == 0);
	round_end(&desk);
	OK(store_cursors(desk.world.store, STR("test"), &desk.world.arena, &cursors, &count,
		   &desk.world.err) == 0);
	IS_INT(count, 0);
	desk_end(&desk);
}

static void what_cannot_be_read(void)
{
	struct desk desk;
	struct err err;

	desk_begin(&desk, STR(""));
	IS_INT(doc_read(&desk.doc, world_path(&desk.world, "none"), &err), ERR_NOT_FOUND);
	IS_INT(doc_stat(&desk.doc, world_path(&desk.world, "none"), &err), ERR_NOT_FOUND);
	IS_INT(doc_read(&desk.doc, desk.world.dir, &err), ERR_IO);
	IS_INT(doc_stat(&desk.doc, desk.world.dir, &err), ERR_IO);
	OK(mkfifo(world_path(&desk.world, "pipe"), 0600) == 0);
	IS_INT(doc_read(&desk.doc, world_path(&desk.world, "pipe"), &err), ERR_IO);
	OK(truncate(desk.path, (off_t)LIMIT_DOCUMENT_BYTES + 1) == 0);
	IS_INT(doc_read(&desk.doc, desk.path, &err), ERR_LIMIT);
	/* It says that it has no bytes, and then it has: as a file that grows while it is read. */
	IS_INT(doc_read(&desk.doc, "/proc/self/status", &err), ERR_BUSY);
	OK(truncate(desk.path, 0) == 0);
	take(&desk, 0, "x");
	IS_INT(desk.doc.bytes.len, 0);
	OK(doc_unchanged(desk.set, desk.path));
	desk_end(&desk);
}

static void database_is_not_read(void)
{
	struct desk desk;

	desk_begin(&desk, STR("SQLite"));
	OK(doc_stat(&desk.doc, desk.path, &desk.world.err) == 0);
	IS_INT(desk.doc.bytes.len, 0);
	OK(doc_save(&desk.doc, desk.set, desk.intake, 6, STR("row 7"), &desk.world.err) == 0);
	round_end(&desk);
	round_begin(&desk);
	OK(doc_unchanged(desk.set, desk.path));
	IS_STR(doc_state(desk.set, desk.path), "row 7");
	IS_INT(saved(&desk).head_bytes, 0);
	desk_end(&desk);
}

/* "offset:line|" each, then what is left and where it begins. */
static void check_lines(struct str content, const char *want)
{
	struct doc doc = { .bytes = BUF_INIT };
	struct buf shown = BUF_INIT;
	struct doc_lines lines;
	struct str line;
	int64_t offset;

	buf_add(&doc.bytes, content);
	lines = doc_lines(&doc);
	while (doc_line(&lines, &line, &offset))
		buf_printf(&shown, "%d:%.*s|", (int)offset, STR_ARG(line));
	buf_printf(&shown, "rest %d:%.*s", (int)lines.offset, STR_ARG(lines.rest));
	IS_STR(buf_str(&shown), want);
	OK(!doc_line(&lines, &line, &offset));
	buf_release(&shown);
	doc_release(&doc);
}

static void lines(void)
{
	check_lines(STR(""), "rest 0:");
	check_lines(STR("one"), "rest 0:one");
	check_lines(STR("one\n\ntwo\r\nth"), "0:one|4:|5:two|rest 10:th");
	check_lines(STR("\xef\xbb\xbfone\n\xef\xbb\xbftwo\n"), "0:one|7:\xef\xbb\xbftwo|rest 14:");
	check_lines(STR("\r\n\r\r\n\n"), "0:|2:\r|5:|rest 6:");
}

static const struct tap_case cases[] = {
	TAP_CASE(unchanged_until_it_changes),
	TAP_CASE(replaced_is_changed),
	TAP_CASE(waiting_bytes_are_in_the_cursor),
	TAP_CASE(cursor_is_good_for_a_tail),
	TAP_CASE(growth_is_told_from_rewriting),
	TAP_CASE(gone_is_forgotten),
	TAP_CASE(what_cannot_be_read),
	TAP_CASE(database_is_not_read),
	TAP_CASE(lines),
};
TAP_MAIN(cases)
