/* Changes of files and directories, made for real and waited for, with a short settling time. */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "collect/watch.h"
#include "tap.h"

enum { SETTLE_MS = 40, LONGEST_MS = 5000, CALM_MS = 200 };

struct field {
	char dir[64];
	struct arena arena;
	struct watch *watch;
	struct source_places lists[2];
};

static const char *path_of(struct field *field, const char *name)
{
	return fs_join(&field->arena, field->dir, name);
}

static void begin(struct field *field, int64_t most_watches)
{
	const struct watch_options options = {
		.settle_ms = SETTLE_MS, .poll_ms = SETTLE_MS, .most_watches = most_watches
	};

	*field = (struct field){ .watch = watch_new(&options) };
	strcpy(field->dir, "/tmp/tt-watch-XXXXXX");
	OK(mkdtemp(field->dir) != NULL);
	for (size_t i = 0; i < ARRAY_LEN(field->lists); i++)
		field->lists[i].arena = &field->arena;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *at)
{
	(void)status;
	(void)flag;
	(void)at;
	return remove(path);
}

static void end(struct field *field)
{
	watch_free(field->watch);
	nftw(field->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	arena_release(&field->arena);
}

static void want(struct field *field, size_t source, const char *name, int depth, bool poll)
{
	struct source_places *list = &field->lists[source];
	struct source_place *items = arena_zalloc(&field->arena, list->count + 1, sizeof(*items));

	if (list->count > 0)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = (struct source_place){ path_of(field, name), depth, poll };
	list->items = items;
}

static void set(struct field *field)
{
	for (size_t i = 0; i < ARRAY_LEN(field->lists); i++)
		watch_set(field->watch, i, &field->lists[i], clock_monotonic_ns());
}

static void make_dir(struct field *field, const char *name)
{
	struct err err;

	OK(fs_make_dirs(path_of(field, name), 0700, &err) == 0);
}

static void append(struct field *field, const char *name)
{
	int fd = open(path_of(field, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	OK(fd >= 0 && write(fd, "x\n", 2) == 2);
	close(fd);
}

/* Let the watch look for at most LIMIT_MS, as the daemon does. True as soon as SOURCE has a settled
 * change. */
static bool look(struct field *field, size_t source, int64_t limit_ms)
{
	int64_t end_ns = clock_monotonic_ns() + limit_ms * NS_PER_MS;

	for (;;) {
		int64_t now_ns = clock_monotonic_ns(), next_ns;
		struct pollfd fd = { .events = POLLIN };

		watch_look(field->watch, now_ns);
		if (watch_take(field->watch, source, now_ns))
			return true;
		if (now_ns >= end_ns)
			return false;
		next_ns = watch_next(field->watch, now_ns, &fd.fd);
		if (next_ns > end_ns)
			next_ns = end_ns;
		poll(&fd, 1, (int)((next_ns - now_ns) / NS_PER_MS) + 1);
	}
}

static bool changes(struct field *field, size_t source)
{
	return look(field, source, LONGEST_MS);
}

static bool calm(struct field *field, size_t source)
{
	return !look(field, source, CALM_MS);
}

/* What holds for a watched and for a polled directory alike. */
static void check_directory(int64_t most_watches)
{
	struct field field;

	begin(&field, most_watches);
	make_dir(&field, "agent/p1");
	append(&field, "agent/p1/old");
	want(&field, 0, "agent", 1, false);
	set(&field);
	OK(calm(&field, 0));
	append(&field, "agent/p1/old");
	OK(changes(&field, 0));
	OK(calm(&field, 0));
	append(&field, "agent/new");
	OK(changes(&field, 0));
	make_dir(&field, "agent/p2");
	append(&field, "agent/p2/first");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS); /* the directory and its file may be seen apart */
	append(&field, "agent/p2/first");
	OK(changes(&field, 0));
	/* Replaced, as editors write. */
	append(&field, "agent/p2/.tmp");
	look(&field, 0, CALM_MS);
	OK(rename(path_of(&field, "agent/p2/.tmp"), path_of(&field, "agent/p2/first")) == 0);
	OK(changes(&field, 0));
	/* Another name of the directory. */
	OK(rename(path_of(&field, "agent/p2"), path_of(&field, "agent/p3")) == 0);
	look(&field, 0, CALM_MS);
	append(&field, "agent/p3/first");
	OK(changes(&field, 0));
	OK(calm(&field, 1));
	end(&field);
}

static void directories(void)
{
	check_directory(0);
}

static void directories_polled(void)
{
	check_directory(-1);
}

static void depth_is_a_limit(void)
{
	struct field field;

	begin(&field, 0);
	make_dir(&field, "agent/a/b");
	want(&field, 0, "agent", 1, false);
	want(&field, 1, "agent", 2, false);
	set(&field);
	IS_INT(watch_coverage(field.watch).watched, 3);
	append(&field, "agent/a/b/file");
	OK(changes(&field, 1));
	OK(calm(&field, 0));
	make_dir(&field, "agent/a/c");
	append(&field, "agent/a/c/file");
	OK(changes(&field, 1));
	OK(calm(&field, 0));
	append(&field, "agent/a/file");
	OK(changes(&field, 0));
	OK(changes(&field, 1));
	end(&field);
}

static void deep_at_once(void)
{
	struct field field;

	begin(&field, 0);
	make_dir(&field, "agent");
	want(&field, 0, "agent", 8, false);
	set(&field);
	for (int i = 0; i < 20; i++) {
		const char *dir = arena_printf(&field.arena, "agent/%d/b/c/d/e", i).ptr;

		make_dir(&field, dir);
		append(&field, fs_join(&field.arena, dir, "file"));
	}
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	append(&field, "agent/13/b/c/d/e/file");
	OK(changes(&field, 0));
	IS_INT(watch_coverage(field.watch).watched, 1 + 20 * 5);
	end(&field);
}

static void many_changes_are_one(void)
{
	struct field field;
	int64_t now_ns;
	int fd;

	begin(&field, 0);
	make_dir(&field, "agent");
	want(&field, 0, "agent", 0, false);
	set(&field);
	now_ns = clock_monotonic_ns();
	OK(watch_next(field.watch, now_ns, &fd) == INT64_MAX);
	OK(fd >= 0);
	for (int i = 0; i < 100; i++)
		append(&field, "agent/file");
	watch_look(field.watch, now_ns);
	OK(!watch_take(field.watch, 0, now_ns));
	/* Until it settles nothing more is read, and nobody is woken. */
	IS_INT(watch_next(field.watch, now_ns, &fd), now_ns + SETTLE_MS * NS_PER_MS);
	IS_INT(fd, -1);
	append(&field, "agent/file");
	now_ns += SETTLE_MS * NS_PER_MS;
	watch_look(field.watch, now_ns);
	OK(watch_take(field.watch, 0, now_ns));
	OK(!watch_take(field.watch, 0, now_ns));
	OK(!watch_take(field.watch, 7, now_ns));
	end(&field);
}

static void check_later(int64_t most_watches)
{
	struct field field;

	begin(&field, most_watches);
	want(&field, 0, "x/agent/logs", 1, false);
	set(&field);
	append(&field, "other");
	make_dir(&field, "y/agent");
	OK(calm(&field, 0));
	make_dir(&field, "x");
	look(&field, 0, CALM_MS);
	make_dir(&field, "x/agent");
	look(&field, 0, CALM_MS);
	make_dir(&field, "x/agent/logs/p");
	append(&field, "x/agent/logs/p/file");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	append(&field, "x/agent/logs/p/file");
	OK(changes(&field, 0));
	/* It goes, and comes again, all of its way. */
	OK(nftw(path_of(&field, "x"), remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	look(&field, 0, CALM_MS);
	make_dir(&field, "x/agent/logs/q");
	append(&field, "x/agent/logs/q/file");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	append(&field, "x/agent/logs/q/file");
	OK(changes(&field, 0));
	/* Another takes its place. */
	OK(rename(path_of(&field, "x/agent/logs"), path_of(&field, "x/old")) == 0);
	look(&field, 0, CALM_MS);
	make_dir(&field, "x/agent/logs");
	append(&field, "x/agent/logs/file");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	/* A new name above it shows when the same lists are set again. */
	OK(rename(path_of(&field, "x/agent"), path_of(&field, "x/older")) == 0);
	set(&field);
	look(&field, 0, CALM_MS);
	make_dir(&field, "x/agent/logs");
	append(&field, "x/agent/logs/file");
	OK(changes(&field, 0));
	end(&field);
}

static void places_that_come_later(void)
{
	check_later(0);
}

static void places_that_come_later_polled(void)
{
	check_later(-1);
}

static void one_file(void)
{
	struct field field;

	begin(&field, 0);
	want(&field, 0, "events.jsonl", 0, false);
	set(&field);
	append(&field, "tt.db");
	append(&field, "tt.db");
	OK(calm(&field, 0));
	append(&field, "events.jsonl");
	OK(changes(&field, 0));
	append(&field, "events.jsonl");
	OK(changes(&field, 0));
	/* Who collects removes it: that is no news. */
	OK(unlink(path_of(&field, "events.jsonl")) == 0);
	OK(calm(&field, 0));
	append(&field, "events.jsonl");
	OK(changes(&field, 0));
	end(&field);
}

static void a_polled_database(void)
{
	struct field field;

	begin(&field, 0);
	append(&field, "state.db");
	want(&field, 0, "state.db", 0, true);
	want(&field, 1, "dir", 0, true);
	set(&field);
	OK(calm(&field, 0));
	IS_INT(watch_coverage(field.watch).watched, 0);
	IS_INT(watch_coverage(field.watch).polled, 2);
	OK(watch_coverage(field.watch).short_of == NULL);
	append(&field, "state.db-wal");
	OK(changes(&field, 0));
	append(&field, "state.db-wal");
	OK(changes(&field, 0));
	append(&field, "state.db");
	OK(changes(&field, 0));
	OK(calm(&field, 1));
	make_dir(&field, "dir");
	OK(changes(&field, 1));
	append(&field, "dir/mapped");
	OK(changes(&field, 1));
	end(&field);
}

static void too_many_directories(void)
{
	struct field field;
	struct watch_coverage coverage;

	begin(&field, 5);
	for (int i = 0; i < 20; i++)
		make_dir(&field, arena_printf(&field.arena, "agent/%d/sub", i).ptr);
	want(&field, 0, "agent", 2, false);
	set(&field);
	coverage = watch_coverage(field.watch);
	IS_INT(coverage.watched, 5);
	OK(coverage.polled >= 16);
	OK(coverage.short_of && strstr(coverage.short_of, "max_user_watches"));
	OK(calm(&field, 0));
	for (int i = 0; i < 20; i++) {
		append(&field, arena_printf(&field.arena, "agent/%d/sub/file", i).ptr);
		OK(changes(&field, 0));
	}
	make_dir(&field, "agent/new/sub");
	append(&field, "agent/new/sub/file");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	append(&field, "agent/new/sub/file");
	OK(changes(&field, 0));
	/* What is gone is polled no longer. */
	coverage = watch_coverage(field.watch);
	OK(nftw(path_of(&field, "agent/new"), remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	look(&field, 0, CALM_MS);
	OK(watch_coverage(field.watch).polled < coverage.polled);
	end(&field);
}

static void setting_again(void)
{
	struct field field;

	begin(&field, 0);
	make_dir(&field, "one");
	make_dir(&field, "two");
	OK(symlink("one", path_of(&field, "link")) == 0);
	want(&field, 0, "link", 0, false);
	set(&field);
	append(&field, "one/file");
	/* The same: what has happened is not forgotten. */
	OK(!watch_set(field.watch, 0, &field.lists[0], clock_monotonic_ns()));
	OK(changes(&field, 0));
	OK(unlink(path_of(&field, "link")) == 0);
	OK(symlink("two", path_of(&field, "link")) == 0);
	/* The same, but it leads elsewhere. */
	OK(!watch_set(field.watch, 0, &field.lists[0], clock_monotonic_ns()));
	look(&field, 0, CALM_MS);
	append(&field, "two/file");
	OK(changes(&field, 0));
	append(&field, "one/file");
	OK(calm(&field, 0));
	want(&field, 1, "one", 0, false);
	OK(watch_set(field.watch, 1, &field.lists[1], clock_monotonic_ns()));
	append(&field, "one/file");
	OK(changes(&field, 1));
	append(&field, "two/file");
	OK(changes(&field, 0));
	/* One more; the others stay as they are. */
	want(&field, 0, "three", 0, false);
	append(&field, "two/file");
	OK(watch_set(field.watch, 0, &field.lists[0], clock_monotonic_ns()));
	OK(changes(&field, 0));
	make_dir(&field, "three");
	append(&field, "three/file");
	OK(changes(&field, 0));
	look(&field, 0, CALM_MS);
	field.lists[0].count = 0;
	OK(!watch_set(field.watch, 0, &field.lists[0], clock_monotonic_ns()));
	append(&field, "two/file");
	append(&field, "three/file");
	OK(calm(&field, 0));
	IS_INT(watch_coverage(field.watch).watched, 1);
	end(&field);
}

static void several_places_share_a_directory(void)
{
	struct field field;

	begin(&field, 0);
	make_dir(&field, "shared/deep");
	want(&field, 0, "shared", 0, false);
	want(&field, 1, "shared", 0, false);
	want(&field, 1, "shared/file", 0, false);
	want(&field, 1, "shared/deep", 0, false);
	set(&field);
	IS_INT(watch_coverage(field.watch).watched, 2);
	append(&field, "shared/file");
	OK(changes(&field, 0));
	OK(changes(&field, 1));
	/* One place goes away; the others stay watched. */
	OK(rmdir(path_of(&field, "shared/deep")) == 0);
	look(&field, 1, CALM_MS);
	IS_INT(watch_coverage(field.watch).watched, 1);
	append(&field, "shared/file");
	OK(changes(&field, 0));
	OK(changes(&field, 1));
	end(&field);
}

static void links_in_circles(void)
{
	struct field field;

	begin(&field, 0);
	make_dir(&field, "agent/a");
	OK(symlink("..", path_of(&field, "agent/a/up")) == 0);
	OK(symlink(".", path_of(&field, "agent/self")) == 0);
	want(&field, 0, "agent", 6, false);
	set(&field);
	OK(watch_coverage(field.watch).watched <= 3);
	append(&field, "agent/a/file");
	OK(changes(&field, 0));
	end(&field);
}

/* More than the kernel keeps: everything is taken as changed. */
static void overflow(void)
{
	struct field field;
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	begin(&field, 0);
	make_dir(&field, "agent");
	make_dir(&field, "quiet");
	want(&field, 0, "agent", 0, false);
	want(&field, 1, "quiet", 0, false);
	set(&field);
	for (int i = 0; i < 20000; i++) {
		int fd;

		buf_clear(&name);
		buf_printf(&name, "%s/agent/%d", field.dir, i % 2);
		fd = open(buf_cstr(&name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (write(fd, "x", 1) != 1)
			OK(false);
		close(fd);
	}
	OK(changes(&field, 1));
	OK(changes(&field, 0));
	append(&field, "quiet/file");
	OK(changes(&field, 1));
	end(&field);
}

static const struct tap_case cases[] = {
	TAP_CASE(directories),
	TAP_CASE(directories_polled),
	TAP_CASE(depth_is_a_limit),
	TAP_CASE(deep_at_once),
	TAP_CASE(many_changes_are_one),
	TAP_CASE(places_that_come_later),
	TAP_CASE(places_that_come_later_polled),
	TAP_CASE(one_file),
	TAP_CASE(a_polled_database),
	TAP_CASE(too_many_directories),
	TAP_CASE(setting_again),
	TAP_CASE(several_places_share_a_directory),
	TAP_CASE(links_in_circles),
	TAP_CASE(overflow),
};

TAP_MAIN(cases)
