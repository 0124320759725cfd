#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/time.h"
#include "serve/child.h"
#include "tap.h"

enum { LIMIT_MS = 20000 };

/* A shell plays the server; what the diary is told goes to a file. */
struct stage {
	struct child child;
	struct diary *diary;
	char dir[64];
	char path[128];
	const char *argv[4];
	int64_t late_ns; /* how far our clock is ahead, so that nobody waits for retries */
};

static void begin(struct stage *stage, const char *script)
{
	struct err err;

	*stage = (struct stage){ .dir = "/tmp/tt-child-XXXXXX",
		.argv = { "/bin/sh", "-c", script } };
	if (!mkdtemp(stage->dir))
		exit(99);
	snprintf(stage->path, sizeof(stage->path), "%s/log", stage->dir);
	child_init(&stage->child);
	OK(diary_open(&stage->diary, stage->path, DIARY_LIMIT_BYTES, &err) == 0);
	child_want(&stage->child, stage->argv);
}

static int64_t now(const struct stage *stage)
{
	return clock_monotonic_ns() + stage->late_ns;
}

static bool look(struct stage *stage)
{
	return child_look(&stage->child, stage->diary, now(stage));
}

/* Look until DONE or the limit. */
static bool until(struct stage *stage, bool (*done)(const struct stage *stage))
{
	int64_t end_ns = clock_monotonic_ns() + LIMIT_MS * NS_PER_MS;

	while (!done(stage) && clock_monotonic_ns() < end_ns) {
		look(stage);
		clock_sleep_ms(1);
	}
	return done(stage);
}

static bool listens(const struct stage *stage)
{
	return stage->child.listen.len > 0;
}

static bool runs(const struct stage *stage)
{
	return stage->child.pid > 0;
}

static bool rests(const struct stage *stage)
{
	return stage->child.pid == 0;
}

static struct buf read_log(const struct stage *stage)
{
	struct buf text = BUF_INIT;
	struct err err;

	OK(fs_read(stage->path, 1 << 20, &text, &err) == 0);
	return text;
}

static int count(const struct buf *text, const char *word)
{
	int found = 0;

	for (const char *at = buf_cstr(text); (at = strstr(at, word)) != NULL; at++)
		found++;
	return found;
}

static void end(struct stage *stage)
{
	child_stop(&stage->child, 0, now(stage));
	OK(until(stage, rests));
	diary_close(stage->diary);
	child_release(&stage->child);
	remove(stage->path);
	remove(stage->dir);
}

#define ANSWER "echo '{\"pid\":1,\"listen\":[\"http://h:1\"]}';"

static void tells_where(void)
{
	struct stage stage;
	struct pollfd fds[CHILD_FDS];
	struct buf log;

	begin(&stage, "echo before >&2; " ANSWER " echo after >&2; exec sleep 100");
	OK(look(&stage));
	OK(stage.child.pid > 0);
	OK(until(&stage, listens));
	IS_STR(stage.child.listen, "[\"http://h:1\"]");
	IS_CSTR(stage.child.error, "");
	child_fds(&stage.child, fds);
	OK(fds[0].fd >= 0 && fds[1].fd >= 0);
	OK(child_next(&stage.child, now(&stage)) == INT64_MAX);
	child_stop(&stage.child, 5000, now(&stage));
	OK(until(&stage, rests));
	OK(!listens(&stage));
	OK(child_next(&stage.child, now(&stage)) == INT64_MAX);
	log = read_log(&stage);
	IS_INT(count(&log, "before"), 1);
	IS_INT(count(&log, "after"), 1);
	IS_INT(count(&log, "has ended"), 0); /* it was told to */
	buf_release(&log);
	end(&stage);
}

static void same_trouble_once(void)
{
	struct stage stage;
	struct buf log;

	begin(&stage, "echo warning >&2; echo port in use >&2; exit 1");
	for (int attempt = 0; attempt < 4; attempt++) {
		int64_t wait_ns;

		OK(until(&stage, runs));
		OK(until(&stage, rests));
		wait_ns = stage.child.retry_at_ns - now(&stage);
		OK(wait_ns > (INT64_C(800) << attempt) * NS_PER_MS);
		OK(wait_ns <= (INT64_C(1000) << attempt) * NS_PER_MS);
		look(&stage);
		OK(rests(&stage));
		stage.late_ns += wait_ns;
	}
	IS_CSTR(stage.child.error, "port in use");
	log = read_log(&stage);
	IS_INT(count(&log, "warning"), 1);
	IS_INT(count(&log, "port in use"), 1);
	IS_INT(count(&log, "has ended (status 1)"), 1);
	buf_release(&log);
	end(&stage);
}

static void killed(void)
{
	struct stage stage;
	struct buf log;
	pid_t first;

	begin(&stage, ANSWER " exec sleep 100");
	OK(until(&stage, listens));
	first = stage.child.pid;
	kill(first, SIGKILL);
	OK(until(&stage, rests));
	OK(!listens(&stage));
	stage.late_ns += 2 * NS_PER_S;
	OK(until(&stage, listens));
	OK(stage.child.pid != first);
	log = read_log(&stage);
	IS_INT(count(&log, "ended by signal 9"), 1);
	buf_release(&log);
	/* Not wanted any more; then again. */
	child_want(&stage.child, NULL);
	OK(until(&stage, rests));
	look(&stage);
	OK(rests(&stage));
	child_want(&stage.child, stage.argv);
	OK(until(&stage, listens));
	end(&stage);
}

static void stubborn(void)
{
	struct stage stage;

	begin(&stage, "trap '' TERM; " ANSWER " while :; do sleep 1; done");
	OK(until(&stage, listens));
	child_stop(&stage.child, 60000, now(&stage));
	look(&stage);
	OK(runs(&stage));
	stage.late_ns += 61 * NS_PER_S;
	OK(until(&stage, rests));
	end(&stage);
}

static void no_program(void)
{
	struct stage stage;

	begin(&stage, "");
	stage.argv[0] = "/nowhere/tt-serve";
	OK(until(&stage, runs));
	OK(until(&stage, rests));
	OK(strstr(stage.child.error, "/nowhere/tt-serve") != NULL);
	end(&stage);
}

static const struct tap_case cases[] = { TAP_CASE(tells_where), TAP_CASE(same_trouble_once),
	TAP_CASE(killed), TAP_CASE(stubborn), TAP_CASE(no_program) };
TAP_MAIN(cases)
