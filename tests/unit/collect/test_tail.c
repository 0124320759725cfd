/* Files that grow, are cut, replaced and rewritten; lines of every kind; cursors that commit with
 * their rows. */
#include <sys/resource.h>

#include "collect/tail.h"
#include "model/limits.h"
#include "world.h"

#define FILE_NAME "log.jsonl"

struct look {
	int rc;
	enum tail_start start;
	struct str state;
	struct str lines; /* "offset:line|" each */
	int64_t waiting;
	bool overlong;
};

static struct str show(struct world *world, struct str before, int64_t offset, struct str line)
{
	return arena_printf(
		&world->arena, "%.*s%lld:%.*s|", STR_ARG(before), (long long)offset, STR_ARG(line));
}

/* Look at the file with cursors as stored; stop after LIMIT lines; keep the place with STATE, and
 * commit unless STATE is NULL. */
static struct look look_at(struct world *world, int limit, const char *state)
{
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(tail_closep) struct tail *tail = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct look out = { .lines = STR("") };
	struct str line, kept;
	int64_t offset;
	bool overlong;

	OK(tail_set_load(&set, world->store, STR("test"), &world->err) == 0);
	OK(intake_begin_lazy(&intake, world->store, &world->err) == 0);
	out.rc =
		tail_open(&tail, set, world_path(world, FILE_NAME), &out.start, &kept, &world->err);
	out.state = arena_str(&world->arena, kept);
	if (!tail)
		return out;
	for (int i = 0; i < limit && tail_next(tail, &line, &offset, &overlong, &world->err) > 0;
		i++) {
		out.lines = show(world, out.lines, offset, str_sub(line, 0, 40));
		out.overlong |= overlong;
	}
	out.waiting = tail_waiting_bytes(tail);
	if (state) {
		OK(tail_save(tail, intake, str_from(state), &world->err) == 0);
		OK(intake_commit(intake, &world->err) == 0);
	}
	return out;
}

static void expect(struct world *world, enum tail_start start, const char *lines, const char *state)
{
	struct look look = look_at(world, 1000, state);

	IS_INT(look.rc, 0);
	IS_INT(look.start, start);
	IS_STR(look.lines, lines);
}

static void grows(struct world *world, const char *text)
{
	world_append(world, FILE_NAME, str_from(text));
}

static void growth_is_read_on(void)
{
	struct world world;
	struct look look;

	world_init(&world);
	grows(&world, "one\ntwo\n");
	expect(&world, TAIL_FRESH, "0:one|4:two|", "first");
	expect(&world, TAIL_UNCHANGED, "", "x");
	grows(&world, "three\n\nfive\r\nsi");
	look = look_at(&world, 1000, "second");
	IS_INT(look.start, TAIL_CONTINUED);
	IS_STR(look.state, "first");
	IS_STR(look.lines, "8:three|14:|15:five|");
	IS_INT(look.waiting, 2);
	expect(&world, TAIL_UNCHANGED, "", "x");
	grows(&world, "x\n");
	look = look_at(&world, 1000, "third");
	IS_STR(look.state, "second");
	IS_STR(look.lines, "21:six|");
	world_end(&world);
}

static void what_was_not_committed_is_read_again(void)
{
	struct world world;

	world_init(&world);
	grows(&world, "one\n");
	expect(&world, TAIL_FRESH, "0:one|", NULL);
	expect(&world, TAIL_FRESH, "0:one|", "x");
	world_end(&world);
}

static void half_read_file_never_looks_unchanged(void)
{
	struct world world;
	struct look look;

	world_init(&world);
	grows(&world, "one\ntwo\nthree\n");
	look = look_at(&world, 2, "half");
	IS_STR(look.lines, "0:one|4:two|");
	expect(&world, TAIL_CONTINUED, "8:three|", "x");
	expect(&world, TAIL_UNCHANGED, "", "x");
	world_end(&world);
}

static void replaced_files_are_read_from_their_start(void)
{
	static const char *const contents[] = { "aaa\n", "one\nTWO\n", "zzz\ntwo\nthree\n",
		"one\ntwX\nthree\nfour\n", "" };
	struct world world;

	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		struct look look;

		world_init(&world);
		grows(&world, "one\ntwo\n");
		expect(&world, TAIL_FRESH, "0:one|4:two|", "state");
		world_write(&world, FILE_NAME, str_from(contents[i]));
		look = look_at(&world, 1000, "x");
		if (!IS_INT(look.start, TAIL_RESTARTED))
			printf("# content %zu\n", i);
		IS_STR(look.state, "");
		OK(contents[i][0] == '\0' || str_starts(look.lines, STR("0:")));
		world_end(&world);
	}
}

/* Each end of what was taken is looked at, also when they lie far apart. */
static void a_change_at_either_end_is_seen(void)
{
	static const size_t changed[] = { 0, 1000, 3800, 3998 };

	for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct world world;
		struct look look;

		world_init(&world);
		for (int j = 0; j < 1000; j++)
			buf_addc(&text, "abc\n");
		world_write(&world, FILE_NAME, buf_str(&text));
		look = look_at(&world, 1000, "x");
		IS_INT(look.start, TAIL_FRESH);
		text.ptr[changed[i]] = 'X';
		buf_addc(&text, "more\n");
		world_write(&world, FILE_NAME, buf_str(&text));
		look = look_at(&world, 1, "x");
		if (!IS_INT(look.start, TAIL_RESTARTED))
			printf("# byte %zu\n", changed[i]);
		world_end(&world);
	}
}

static void renamed_over_with_more_goes_on(void)
{
	struct world world;

	world_init(&world);
	grows(&world, "one\ntwo\n");
	expect(&world, TAIL_FRESH, "0:one|4:two|", "x");
	world_write(&world, "new", STR("one\ntwo\nthree\n"));
	OK(rename(world_path(&world, "new"), world_path(&world, FILE_NAME)) == 0);
	expect(&world, TAIL_CONTINUED, "8:three|", "x");
	world_end(&world);
}

static void byte_order_mark_and_empty_files(void)
{
	struct world world;

	world_init(&world);
	grows(&world, "");
	expect(&world, TAIL_FRESH, "", "x");
	expect(&world, TAIL_UNCHANGED, "", "x");
	grows(&world, "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n");
	expect(&world, TAIL_CONTINUED, "0:one|7:\xef\xbb\xbftwo|", "x");
	world_end(&world);
}

/* Lines far longer than what is read at once, and at every place of its border. */
static void lines_across_reads(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;
	struct look look;

	world_init(&world);
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < (256 << 10) - 2 + i; j++)
			buf_byte(&text, (char)('a' + i));
		buf_byte(&text, '\n');
	}
	world_write(&world, FILE_NAME, buf_str(&text));
	look = look_at(&world, 1000, "x");
	IS_STR(look.lines, arena_cstr(&world.arena,
				   arena_printf(&world.arena, "0:%.40s|262143:%.40s|524287:%.40s|",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
					   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
					   "cccccccccccccccccccccccccccccccccccccccc")));
	OK(!look.overlong);
	world_end(&world);
}

static void make_long_line(struct world *world, off_t length, bool closed)
{
	world_write(world, FILE_NAME, STR("start"));
	OK(truncate(world_path(world, FILE_NAME), length) == 0);
	if (closed)
		world_append(world, FILE_NAME, STR("\nnext\n"));
}

static void line_beyond_the_limit_is_cut(void)
{
	struct world world;
	struct look look;

	world_init(&world);
	make_long_line(&world, (off_t)LIMIT_LOG_LINE_BYTES + 1000000, false);
	look = look_at(&world, 1000, "x");
	IS_STR(look.lines, "");
	IS_INT(look.waiting, (int64_t)LIMIT_LOG_LINE_BYTES + 1000000);
	make_long_line(&world, (off_t)LIMIT_LOG_LINE_BYTES + 1000000, true);
	look = look_at(&world, 1000, "x");
	OK(look.overlong);
	OK(str_starts(look.lines, STR("0:start")));
	OK(str_ends(look.lines, STR("|68108865:next|")));
	expect(&world, TAIL_UNCHANGED, "", "x");
	make_long_line(&world, LIMIT_LOG_LINE_BYTES, true);
	look = look_at(&world, 1000, "x");
	OK(!look.overlong);
	world_end(&world);
}

static void what_is_no_file_is_refused(void)
{
	struct world world;

	world_init(&world);
	IS_INT(look_at(&world, 1, "x").rc, ERR_NOT_FOUND);
	OK(mkfifo(world_path(&world, FILE_NAME), 0600) == 0);
	IS_INT(look_at(&world, 1, "x").rc, ERR_IO);
	world_end(&world);
}

static void gone_files_are_forgotten(void)
{
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct file_cursor *cursors;
	struct world world;
	size_t count;

	world_init(&world);
	grows(&world, "one\n");
	expect(&world, TAIL_FRESH, "0:one|", "x");
	for (int gone = 0; gone < 2; gone++) {
		if (gone)
			OK(unlink(world_path(&world, FILE_NAME)) == 0);
		OK(tail_set_load(&set, world.store, STR("test"), &world.err) == 0);
		OK(intake_begin_lazy(&intake, world.store, &world.err) == 0);
		OK(tail_set_forget_missing(set, intake, &world.err) == 0);
		OK(intake_commit(intake, &world.err) == 0);
		OK(store_cursors(world.store, STR("test"), &world.arena, &cursors, &count,
			   &world.err) == 0);
		IS_INT(count, gone ? 0 : 1);
		tail_set_freep(&set);
		intake_freep(&intake);
		intake = NULL;
	}
	world_end(&world);
}

static void end_is_known(void)
{
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	struct world world;

	world_init(&world);
	grows(&world, "one\n");
	expect(&world, TAIL_FRESH, "0:one|", "x");
	OK(tail_set_load(&set, world.store, STR("test"), &world.err) == 0);
	OK(tail_set_has_all(set, world_path(&world, FILE_NAME)));
	OK(!tail_set_has_all(set, world_path(&world, "other")));
	grows(&world, "t");
	OK(!tail_set_has_all(set, world_path(&world, FILE_NAME)));
	world_end(&world);
}

static void whole_files_need_no_cursor(void)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	struct world world;
	struct str line;
	int64_t offset;
	bool overlong;

	world_init(&world);
	grows(&world, "one\n");
	expect(&world, TAIL_FRESH, "0:one|", "x");
	OK(tail_open_whole(&tail, world_path(&world, FILE_NAME), &world.err) == 0);
	IS_INT(tail_next(tail, &line, &offset, &overlong, &world.err), 1);
	IS_STR(line, "one");
	IS_INT(tail_next(tail, &line, &offset, &overlong, &world.err), 0);
	expect(&world, TAIL_UNCHANGED, "", "x");
	world_end(&world);
}

/* More cursors than slots at first. */
static void many_cursors(void)
{
	struct world world;
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	enum tail_start start;
	struct str state;

	world_init(&world);
	OK(tail_set_load(&set, world.store, STR("test"), &world.err) == 0);
	OK(intake_begin_lazy(&intake, world.store, &world.err) == 0);
	for (int round = 0; round < 2; round++) {
		int fresh = 0, unchanged = 0;

		for (int i = 0; i < 300; i++) {
			CLEANUP(tail_closep) struct tail *tail = NULL;
			const char *name = arena_printf(&world.arena, "many/%d", i).ptr;

			if (round == 0)
				world_write(&world, name, STR("x\n"));
			OK(tail_open(&tail, set, world_path(&world, name), &start, &state,
				   &world.err) == 0);
			fresh += start == TAIL_FRESH;
			unchanged += start == TAIL_UNCHANGED;
			if (tail) {
				struct str line;
				int64_t offset;
				bool overlong;

				while (tail_next(tail, &line, &offset, &overlong, &world.err) > 0)
					;
				OK(tail_save(tail, intake, STR(""), &world.err) == 0);
			}
		}
		IS_INT(fresh, round == 0 ? 300 : 0);
		IS_INT(unchanged, round == 0 ? 0 : 300);
		OK(intake_commit(intake, &world.err) == 0);
		tail_set_freep(&set);
		OK(tail_set_load(&set, world.store, STR("test"), &world.err) == 0);
	}
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(growth_is_read_on),
	TAP_CASE(what_was_not_committed_is_read_again),
	TAP_CASE(half_read_file_never_looks_unchanged),
	TAP_CASE(replaced_files_are_read_from_their_start),
	TAP_CASE(a_change_at_either_end_is_seen),
	TAP_CASE(renamed_over_with_more_goes_on),
	TAP_CASE(byte_order_mark_and_empty_files),
	TAP_CASE(lines_across_reads),
	TAP_CASE(line_beyond_the_limit_is_cut),
	TAP_CASE(what_is_no_file_is_refused),
	TAP_CASE(gone_files_are_forgotten),
	TAP_CASE(end_is_known),
	TAP_CASE(whole_files_need_no_cursor),
	TAP_CASE(many_cursors),
};

TAP_MAIN(cases)
