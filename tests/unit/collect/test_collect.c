/* The registry, and running sources: counts, failures that stop nobody else, rounds that wait for
 * each other. */
#include <sys/wait.h>

#include "world.h"

static int succeed(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	(void)err;
	counts->files = 3;
	return 0;
}

static int fail(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	(void)counts;
	return err_set(err, ERR_IO, "no luck");
}

/* Fails when another process is in here too. */
static int sleep_a_little(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const char *path = fs_join(&arena, context->dirs->data, "running");

	(void)counts;
	if (fs_create_atomic(path, STR("x"), 0600, err) < 0)
		return err->code;
	usleep(50000);
	return unlink(path);
}

static const struct source good = { .name = "good", .summary = "works", .collect = succeed };
static const struct source bad = { .name = "bad", .summary = "fails", .collect = fail };
static const struct source slow = {
	.name = "slow", .summary = "sleeps", .alone = true, .collect = sleep_a_little
};

static void registry_is_complete(void)
{
	size_t count;
	const struct source *const *all = sources(&count);

	OK(count >= 2);
	IS_CSTR(all[0]->name, "tmux");
	for (size_t i = 0; i < count; i++) {
		OK(source_find(str_from(all[i]->name)) == all[i]);
		OK(all[i]->collect && all[i]->present && all[i]->summary[0]);
	}
	OK(source_find(STR("claude")) == &claude_source);
	OK(source_find(STR("nobody")) == NULL);
}

static void failure_stops_nobody_else(void)
{
	const struct source *which[] = { &bad, &good };
	struct source_counts results[2];
	struct world world;
	size_t count;

	world_init(&world);
	IS_INT(collect_run(&world.context, which, 2, results, &count, &world.err), ERR_IO);
	IS_CSTR(world.err.message, "no luck");
	IS_INT(count, 2);
	IS_CSTR(results[0].source, "bad");
	IS_INT(results[1].files, 3);
	OK(results[1].elapsed_ms >= 0);
	world_end(&world);
}

static void none_named_means_all(void)
{
	struct source_counts results[16];
	struct world world;
	size_t count, known;

	world_init(&world);
	sources(&known);
	OK(collect_run(&world.context, NULL, 0, results, &count, &world.err) == 0);
	IS_INT(count, known);
	world_end(&world);
}

static void rounds_wait_for_each_other(void)
{
	const struct source *which = &slow;
	struct source_counts results;
	struct world world;
	pid_t children[4];
	size_t count;

	world_init(&world);
	store_close(world.store); /* each process opens its own */
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			world_open_store(&world);
		if (children[i] == 0)
			_exit(collect_run(&world.context, &which, 1, &results, &count, &world.err) <
				0);
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status;

		waitpid(children[i], &status, 0);
		IS_INT(status, 0);
	}
	world_open_store(&world);
	world_end(&world);
}

static void counts_add_up(void)
{
	struct source_counts counts = { .new_events = 1, .quarantined = 1 };
	struct intake_counts taken = { .new_events = 2,
		.updated = 3,
		.duplicate = 4,
		.quarantined = 7,
		.quarantine_entries = 5 };

	source_count(&counts, &taken);
	IS_INT(counts.new_events, 3);
	IS_INT(counts.updated, 3);
	IS_INT(counts.duplicate, 4);
	IS_INT(counts.quarantined, 6);
}

static const struct tap_case cases[] = {
	TAP_CASE(registry_is_complete),
	TAP_CASE(failure_stops_nobody_else),
	TAP_CASE(none_named_means_all),
	TAP_CASE(rounds_wait_for_each_other),
	TAP_CASE(counts_add_up),
};

TAP_MAIN(cases)
