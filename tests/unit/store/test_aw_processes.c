/* Heartbeats of processes that are killed, and of two that write the same bucket: nothing is lost.
 */
#include "aw_fixture.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { BEATS = 3000, WRITERS = 2, BATCH = 16 };

/* One heartbeat every two ms, of which each writer gives every other one: always mergeable. */
static int beat_on(struct store *store, int writer, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	int64_t b;

	if (intake_begin_lazy(&intake, store, err) < 0)
		return err->code;
	for (int i = writer; i < BEATS; i += WRITERS) {
		struct aw_event event = aw_make_event(T0 + i * 2 * NS_PER_MS, 2 * NS_PER_MS, "{}");

		if (aw_target(intake, STR("b"), &b, err) < 0 ||
			aw_heartbeat(intake, b, &event, 3600 * S, err) < 0)
			return err->code;
		if (i / WRITERS % BATCH == 0 && intake_commit(intake, err) < 0)
			return err->code;
	}
	return intake_commit(intake, err);
}

static pid_t fork_writer(struct fixture *f, int writer)
{
	pid_t child = fork();

	if (child == 0) {
		const struct store_options options = fixture_options(f, 60000);
		struct store *store = NULL;
		struct err err;

		if (store_open(&store, &options, &err) < 0 || beat_on(store, writer, &err) < 0)
			_exit(1);
		store_close(store);
		_exit(0);
	}
	return child;
}

/* What the events of the bucket cover, ends joined. */
static int64_t covered_ns(struct store *store, int64_t b)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	struct aw_range range = range_all(b);
	int64_t sum = 0, reach = INT64_MIN;
	struct aw_event event;
	struct err err;

	range.oldest_first = true;
	GOOD(aw_scan_open(&scan, store, &range, &err));
	while (aw_scan_next(scan, &event, &err) == 1) {
		int64_t from = event.start_ns > reach ? event.start_ns : reach;
		int64_t end = event.start_ns + event.duration_ns;

		if (end > from)
			sum += end - from;
		if (end > reach)
			reach = end;
	}
	return sum;
}

static void two_processes_lose_nothing(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b");
	pid_t children[WRITERS];

	commit(intake);
	intake_free(intake);
	store_close(store);
	for (int i = 0; i < WRITERS; i++)
		children[i] = fork_writer(&f, i);
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		OK(waitpid(children[i], &status, 0) == children[i] && status == 0);
	}
	store = fixture_open(&f);
	IS_INT(covered_ns(store, b), BEATS * 2 * NS_PER_MS);
	close_all(&f, store);
}

/* --- killed --- */

/* Heartbeats that never merge, for ever; ACKED counts those that were committed. */
static void beat_for_ever(struct fixture *f, volatile int64_t *acked)
{
	const struct store_options options = fixture_options(f, 60000);
	struct store *store = NULL;
	struct intake *intake = NULL;
	int64_t b;
	struct err err;

	if (store_open(&store, &options, &err) < 0 || intake_begin(&intake, store, &err) < 0 ||
		aw_target(intake, STR("b"), &b, &err) < 0)
		_exit(1);
	for (int64_t i = 0;; i++) {
		struct aw_event event = aw_make_event(T0 + i * S, 0, "{}");

		if (aw_heartbeat(intake, b, &event, 0, &err) < 0)
			_exit(1);
		if ((i + 1) % BATCH == 0) {
			if (intake_commit(intake, &err) < 0)
				_exit(1);
			*acked = i + 1;
		}
	}
}

static void killed_in_mid_batch(int64_t after, volatile int64_t *acked)
{
	const struct timespec moment = { 0, 100000 };
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b"), count;
	bool gone = false;
	pid_t child;

	commit(intake);
	intake_free(intake);
	store_close(store);
	*acked = 0;
	child = fork();
	if (child == 0)
		beat_for_ever(&f, acked);
	while (*acked < after && !(gone = waitpid(child, NULL, WNOHANG) != 0))
		nanosleep(&moment, NULL);
	if (!gone) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	store = fixture_open(&f);
	count = count_of(store, range_all(b));
	OK(*acked >= after);
	OK(count >= *acked && count <= *acked + BATCH && count % BATCH == 0);
	close_all(&f, store);
}

static void kills_lose_nothing_acknowledged(void)
{
	volatile int64_t *acked = mmap(
		NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	OK(acked != MAP_FAILED);
	for (int i = 1; i <= 20; i++)
		killed_in_mid_batch(i * BATCH, acked);
	munmap((void *)(uintptr_t)acked, sizeof(*acked));
}

static const struct tap_case cases[] = {
	TAP_CASE(two_processes_lose_nothing),
	TAP_CASE(kills_lose_nothing_acknowledged),
};
TAP_MAIN(cases)
