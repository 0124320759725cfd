/*
 * Processes that are killed at any moment, and several that write at once: what is in the store is
 * what was committed, and as if one had written it all.
 */
#include "event_stream.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 12 };

static void dump_of(struct fixture *f, struct buf *out)
{
	struct store *store = fixture_open(f);
	struct err err;

	GOOD(store_verify(store, NULL, &err));
	fixture_dump(store, out);
	store_close(store);
}

static pid_t fork_stream(struct fixture *f)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		const struct store_options options = fixture_options(f, 0);
		struct err err;

		_exit(take_stream(&options, &err) < 0);
	}
	OK(pid > 0);
	return pid;
}

static void sleep_us(long us)
{
	const struct timespec wait = { 0, us * 1000 };

	nanosleep(&wait, NULL);
}

static void killed_at_any_moment(void)
{
	struct fixture f;
	struct store_options options;
	int64_t offset = 0;
	struct err err;
	int kills = 0;

	fixture_begin(&f);
	options = fixture_options(&f, 0);
	store_close(fixture_open(&f));
	for (int i = 0; i < KILLS && offset < STREAM_EVENTS; i++) {
		pid_t pid = fork_stream(&f);
		int status;

		sleep_us(1500 + i * 2700 % 11000);
		kill(pid, SIGKILL);
		OK(waitpid(pid, &status, 0) == pid);
		kills += WIFSIGNALED(status);
		offset = check_prefix(&f);
	}
	OK(kills > 0);
	GOOD(take_stream(&options, &err));
	IS_INT(check_prefix(&f), STREAM_EVENTS);
	fixture_end(&f);
}

enum { WRITERS = 4, SHARE = 1500, OVERLAP = 500 };

/* Small batches of a window of the stream that overlaps with the neighbours'; the store is made on
 * the way. */
static int take_share(struct fixture *f, int number, struct err *err)
{
	const struct store_options options = fixture_options(f, 0);
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	CLEANUP(arena_release) struct arena arena = { 0 };
	enum intake_result result;

	if (store_open(&store, &options, err) < 0 || intake_begin_lazy(&intake, store, err) < 0)
		return err->code;
	for (int i = 0; i < SHARE + OVERLAP; i++) {
		struct event event = stream_event(&arena, number * SHARE + i);

		if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
			return err->code;
		if (i % 20 == 19 && intake_commit(intake, err) < 0)
			return err->code;
	}
	return intake_commit(intake, err);
}

static void several_processes_at_once(void)
{
	struct fixture f, alone;
	CLEANUP(buf_release) struct buf got = BUF_INIT, want = BUF_INIT;
	pid_t pids[WRITERS];
	struct err err;

	fixture_begin(&f);
	fflush(stdout);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int rc = take_share(&f, i, &err);

			if (rc < 0)
				printf("# writer %d: %s\n", i, err.message);
			fflush(stdout);
			_exit(rc < 0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		OK(waitpid(pids[i], &status, 0) == pids[i]);
		OK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	fixture_begin(&alone);
	for (int i = 0; i < WRITERS; i++)
		GOOD(take_share(&alone, i, &err));
	dump_of(&f, &got);
	dump_of(&alone, &want);
	OK(want.len > 0 && str_eq(buf_str(&got), buf_str(&want)));
	fixture_end(&alone);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(killed_at_any_moment),
	TAP_CASE(several_processes_at_once),
};
TAP_MAIN(cases)
