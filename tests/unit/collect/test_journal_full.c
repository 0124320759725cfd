/* A store whose file cannot grow while the journal is drained. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "world.h"

enum { EVENTS = 200 };

static void append(struct world *world)
{
	for (int i = 0; i < EVENTS; i++) {
		const struct hook_event event = { .type = "tmux_pane_focus",
			.pane = i % 2 ? "%1" : "%2",
			.session = "main",
			.cwd = "/h/p" };

		OK(journal_append(world->dirs.data, &world->machine, &event,
			   (INT64_C(1770129121000) + i) * NS_PER_MS, &world->err) == 0);
	}
}

static struct str journal(struct world *world)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	OK(fs_read(world_path(world, "data/events.jsonl"), 1 << 20, &text, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&text));
}

/* A process that may write no file beyond 8 KiB, as if the disk were full: does it say so? */
static bool drain_fails(struct world *world)
{
	struct rlimit limit = { 8 << 10, 8 << 10 };
	const struct source *source = &journal_source;
	struct source_counts counts;
	size_t count;
	int status;
	pid_t child = fork();

	if (child == 0) {
		world_open_store(world);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(collect_run(&world->context, &source, 1, &counts, &count, &world->err) < 0
				? 0
				: 1);
	}
	waitpid(child, &status, 0);
	return status == 0;
}

static void nothing_is_lost(void)
{
	struct world world;
	struct str before;

	world_init(&world);
	append(&world);
	before = journal(&world);
	store_close(world.store);
	OK(drain_fails(&world));
	OK(str_eq(journal(&world), before));
	world_open_store(&world);
	IS_INT(world_collect(&world, &journal_source).new_events, EVENTS);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(nothing_is_lost),
};

TAP_MAIN(cases)
