#include <fcntl.h>

#include "base/time.h"
#include "place.h"
#include "serve/diary.h"

/* Standard error is the diary's file meanwhile. */
struct borrowed {
	struct place place;
	const char *path;
	int stderr_fd;
};

static void begin(struct borrowed *borrowed)
{
	place_begin(&borrowed->place);
	borrowed->path = place_path(&borrowed->place, "state/daemon.log");
	borrowed->stderr_fd = dup(STDERR_FILENO);
}

static void end(struct borrowed *borrowed)
{
	dup2(borrowed->stderr_fd, STDERR_FILENO);
	close(borrowed->stderr_fd);
	place_end(&borrowed->place);
}

static struct diary *open_diary(struct borrowed *borrowed, const char *path, int64_t limit)
{
	struct diary *diary = NULL;

	OK(diary_open(&diary, path, limit, &borrowed->place.err) == 0);
	return diary;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		count++;
	}
	return count;
}

static void stamped_lines(void)
{
	struct borrowed borrowed;
	struct diary *diary;

	begin(&borrowed);
	setenv("TT_NOW", "2026-02-03T14:32:01.5Z", 1);
	diary = open_diary(&borrowed, borrowed.path, DIARY_LIMIT_BYTES);
	diary_say(diary, "collects (process %d)", 7);
	diary_line(diary, STR("tt: warning: a \xff byte"), 1);
	if (write(STDERR_FILENO, "raw\n", 4) != 4)
		OK(false);
	diary_close(diary);
	unsetenv("TT_NOW");
	IS_CSTR(place_text(&borrowed.place, borrowed.path),
		"2026-02-03T14:32:01Z collects (process 7)\n"
		"2026-02-03T14:32:01Z tt: warning: a \xef\xbf\xbd byte\nraw\n");
	end(&borrowed);
}

static void bare_lines(void)
{
	struct borrowed borrowed;
	struct diary *diary;
	const char *path;
	int fd;

	begin(&borrowed);
	path = place_path(&borrowed.place, "terminal");
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	OK(dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
	diary = open_diary(&borrowed, NULL, 10);
	for (int i = 0; i < 10; i++)
		diary_say(diary, "line %d", i);
	diary_close(diary);
	OK(strncmp(place_text(&borrowed.place, path), "line 0\nline 1\n", 14) == 0);
	IS_INT(count_of(place_text(&borrowed.place, path), "line"), 10);
	end(&borrowed);
}

static void bounded(void)
{
	struct borrowed borrowed;
	struct diary *diary;
	const char *old;
	struct stat status;

	begin(&borrowed);
	old = place_path(&borrowed.place, "state/daemon.log.1");
	diary = open_diary(&borrowed, borrowed.path, 1000);
	for (int i = 0; i < 1000; i++)
		diary_say(diary, "line %d of many", i);
	OK(stat(borrowed.path, &status) == 0 && status.st_size < 1100);
	OK(stat(old, &status) == 0 && status.st_size >= 1000 && status.st_size < 1100);
	OK(strstr(place_text(&borrowed.place, borrowed.path), "line 999 of many\n") != NULL);
	diary_close(diary);
	/* It goes on where it was. */
	diary = open_diary(&borrowed, borrowed.path, 1 << 20);
	diary_say(diary, "again");
	diary_close(diary);
	OK(strstr(place_text(&borrowed.place, borrowed.path), "line 999 of many\n") != NULL);
	OK(strstr(place_text(&borrowed.place, borrowed.path), " again\n") != NULL);
	end(&borrowed);
}

static void repetitions(void)
{
	struct borrowed borrowed;
	struct diary *diary;
	const char *text;

	begin(&borrowed);
	diary = open_diary(&borrowed, borrowed.path, DIARY_LIMIT_BYTES);
	for (int i = 0; i < 50; i++) {
		diary_line(diary, STR("the same"), i * NS_PER_MINUTE);
		diary_line(diary, STR(""), i);
		diary_say(diary, "news");
	}
	text = place_text(&borrowed.place, borrowed.path);
	IS_INT(count_of(text, "the same\n"), 1);
	IS_INT(count_of(text, "news\n"), 50);
	diary_line(diary, STR("another"), 50 * NS_PER_MINUTE);
	diary_line(diary, STR("the same"), 60 * NS_PER_MINUTE);
	text = place_text(&borrowed.place, borrowed.path);
	IS_INT(count_of(text, "another\n"), 1);
	IS_INT(count_of(text, "the same (and 49 times more in the last hour)\n"), 1);
	/* So many lines are new that the first is forgotten: it is said again. */
	for (int i = 0; i < 200; i++) {
		char line[32];

		snprintf(line, sizeof(line), "number %d", i);
		diary_line(diary, str_from(line), 61 * NS_PER_MINUTE + i);
	}
	diary_line(diary, STR("another"), 62 * NS_PER_MINUTE);
	text = place_text(&borrowed.place, borrowed.path);
	IS_INT(count_of(text, "number "), 200);
	IS_INT(count_of(text, "another\n"), 2);
	diary_close(diary);
	end(&borrowed);
}

static void no_place(void)
{
	struct borrowed borrowed;
	struct diary *diary = NULL;
	struct err err;

	begin(&borrowed);
	IS_INT(diary_open(&diary, place_path(&borrowed.place, "nowhere/log"), 1, &err),
		ERR_NOT_FOUND);
	OK(diary == NULL);
	diary_close(NULL);
	end(&borrowed);
}

static const struct tap_case cases[] = {
	TAP_CASE(stamped_lines),
	TAP_CASE(bare_lines),
	TAP_CASE(bounded),
	TAP_CASE(repetitions),
	TAP_CASE(no_place),
};

TAP_MAIN(cases)
