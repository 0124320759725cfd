/* The bar: a thread of its own draws it, so that those who work never wait for a terminal. */
#include "cli/progress.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#include "base/clock.h"

#define PROGRESS_CLEAR "\r\033[K"

enum { FIRST_MS = 700, EVERY_MS = 200, CELLS = 30, LINE_BYTES = 160 };

struct progress {
	struct cli *cli;
	const char *doing;
	struct collect_progress counts;
	thrd_t thread;
	mtx_t lock;
	cnd_t stop;
	bool stopping; /* under the lock */
};

static void draw(const struct progress *progress)
{
	int64_t todo = atomic_load(&progress->counts.todo);
	int64_t done = atomic_load(&progress->counts.done);
	char line[LINE_BYTES], cells[CELLS + 1];
	int64_t filled;

	if (todo <= 0)
		return;
	if (done > todo)
		done = todo;
	filled = (int64_t)((double)done / (double)todo * CELLS);
	for (int64_t i = 0; i < CELLS; i++)
		cells[i] = i < filled ? '#' : '.';
	cells[CELLS] = '\0';
	snprintf(line, sizeof(line), "\r%s [%s] %3d %% of %lld MB\033[K", progress->doing, cells,
		(int)((double)done / (double)todo * 100), (long long)(todo / 1000000));
	fputs(line, stderr);
	fflush(stderr);
}

/* Wait for MS unless it is to stop; true then. */
static bool wait_for(struct progress *progress, int64_t ms)
{
	struct timespec until = clock_deadline(ms);
	bool stopping;

	mtx_lock(&progress->lock);
	while (!progress->stopping &&
		cnd_timedwait(&progress->stop, &progress->lock, &until) == thrd_success)
		;
	stopping = progress->stopping;
	mtx_unlock(&progress->lock);
	return stopping;
}

static int run(void *data)
{
	struct progress *progress = data;

	if (wait_for(progress, FIRST_MS))
		return 0;
	do
		draw(progress);
	while (!wait_for(progress, EVERY_MS));
	fputs(PROGRESS_CLEAR, stderr);
	fflush(stderr);
	return 0;
}

struct progress *progress_start(struct cli *cli, const char *doing)
{
	struct progress *progress;

	if (!isatty(STDERR_FILENO) || cli->log.level < LOG_NORMAL)
		return NULL;
	progress = mem_zalloc(sizeof(*progress));
	progress->cli = cli;
	progress->doing = doing;
	if (mtx_init(&progress->lock, mtx_plain) != thrd_success ||
		cnd_init(&progress->stop) != thrd_success ||
		thrd_create(&progress->thread, run, progress) != thrd_success) {
		free(progress);
		return NULL;
	}
	cli->progress = &progress->counts;
	cli->log.before = PROGRESS_CLEAR;
	return progress;
}

void progress_stop(struct progress *progress)
{
	if (!progress)
		return;
	mtx_lock(&progress->lock);
	progress->stopping = true;
	cnd_signal(&progress->stop);
	mtx_unlock(&progress->lock);
	thrd_join(progress->thread, NULL);
	progress->cli->progress = NULL;
	progress->cli->log.before = NULL;
	mtx_destroy(&progress->lock);
	cnd_destroy(&progress->stop);
	free(progress);
}
