/* The daemon's log: stamped, bounded, and not repeating itself. */
#include "serve/diary.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/utf8.h"

enum { REMEMBERED = 64 };
#define SILENCE_NS NS_PER_HOUR

struct said {
	uint64_t hash;
	int64_t at_ns; /* monotonic; of the line that was written */
	int64_t repeated;
};

struct diary {
	char *path; /* NULL: not a file of ours */
	int64_t limit_bytes;
	struct said said[REMEMBERED];
};

static int begin_file(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (dup2(fd, STDERR_FILENO) < 0) {
		close(fd);
		return err_sys(err, "'%s' as standard error", path);
	}
	close(fd);
	return 0;
}

int diary_open(struct diary **out, const char *path, int64_t limit_bytes, struct err *err)
{
	struct diary *diary;

	*out = NULL;
	if (path && begin_file(path, err) < 0)
		return err->code;
	diary = mem_zalloc(sizeof(*diary));
	diary->limit_bytes = limit_bytes;
	if (path)
		diary->path = memcpy(mem_alloc(strlen(path) + 1), path, strlen(path) + 1);
	*out = diary;
	return 0;
}

void diary_close(struct diary *diary)
{
	if (!diary)
		return;
	free(diary->path);
	free(diary);
}

void diary_closep(struct diary **diary)
{
	diary_close(*diary);
}

/* A file that cannot be begun anew goes on growing: better than saying nothing. */
static void turn_over(struct diary *diary)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT;
	struct stat status;
	struct err ignored;

	if (!diary->path || fstat(STDERR_FILENO, &status) < 0 ||
		status.st_size < diary->limit_bytes)
		return;
	buf_printf(&old, "%s.1", diary->path);
	if (rename(diary->path, buf_cstr(&old)) == 0 && begin_file(diary->path, &ignored) < 0)
		diary->limit_bytes = INT64_MAX;
}

static void put(struct diary *diary, struct str text)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	char stamp[TIME_TEXT_BYTES];
	struct err ignored;

	turn_over(diary);
	if (diary->path)
		buf_printf(&line, "%s ", time_format(clock_now_ns(), 0, stamp));
	utf8_add_clean(&line, text);
	buf_byte(&line, '\n');
	/* A full disk leaves nobody to tell. */
	if (fs_write_all(STDERR_FILENO, "standard error", buf_str(&line), &ignored) < 0)
		return;
}

void diary_say(struct diary *diary, const char *format, ...)
{
	CLEANUP(mem_freep) char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	ASSERT(len >= 0);
	put(diary, (struct str){ text, (size_t)len });
}

/* The memory of this line, or the one to be forgotten for it. */
static struct said *recall(struct diary *diary, uint64_t hash)
{
	struct said *oldest = &diary->said[0];

	for (size_t i = 0; i < REMEMBERED; i++) {
		if (diary->said[i].hash == hash)
			return &diary->said[i];
		if (oldest->hash != 0 &&
			(diary->said[i].hash == 0 || diary->said[i].at_ns < oldest->at_ns))
			oldest = &diary->said[i];
	}
	return oldest;
}

void diary_line(struct diary *diary, struct str line, int64_t monotonic_ns)
{
	uint64_t hash = hash64(line, 1) | 1; /* 0 is an unused row */
	struct said *said = recall(diary, hash);
	bool known = said->hash == hash;

	if (line.len == 0)
		return;
	if (known && monotonic_ns - said->at_ns < SILENCE_NS) {
		said->repeated++;
		return;
	}
	if (known && said->repeated > 0)
		diary_say(diary, "%.*s (and %lld times more in the last hour)", STR_ARG(line),
			(long long)said->repeated);
	else
		put(diary, line);
	*said = (struct said){ .hash = hash, .at_ns = monotonic_ns };
}
