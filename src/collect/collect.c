/*
 * The registry of sources, and running them: several at once, each thread with a store of its own.
 * One that fails does not stop the others. The store has one writer at a time, so threads gain what
 * is read and parsed, and a large source does not make the small ones wait.
 */
#include <stdatomic.h>
#include <threads.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/aider/aider.h"
#include "collect/claude/claude.h"
#include "collect/cline/cline.h"
#include "collect/codex/codex.h"
#include "collect/copilot/copilot.h"
#include "collect/copilot_cli/copilot_cli.h"
#include "collect/cursor/cursor.h"
#include "collect/gemini/gemini.h"
#include "collect/journal.h"
#include "collect/opencode/opencode.h"

enum { ALONE_WAIT_MS = 60000, MOST_WORKERS = 7 };

/* The journal first: what it holds is nowhere else. */
static const struct source *const registry[] = { &journal_source, &claude_source, &aider_source,
	&cline_source, &codex_source, &copilot_source, &copilot_cli_source, &cursor_source,
	&gemini_source, &opencode_source };

const struct source *const *sources(size_t *count)
{
	*count = ARRAY_LEN(registry);
	return registry;
}

const struct source *source_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(registry); i++)
		if (str_eq_c(name, registry[i]->name))
			return registry[i];
	return NULL;
}

static const struct source_settings *settings_of(
	const struct collect_context *context, const char *source)
{
	for (size_t i = 0; i < context->settings_count; i++)
		if (strcmp(context->settings[i].source, source) == 0)
			return &context->settings[i];
	return NULL;
}

const char *const *source_roots(const struct collect_context *context, const char *source)
{
	static const char *const none[] = { NULL };
	const struct source_settings *settings = settings_of(context, source);

	return settings && settings->roots ? settings->roots : none;
}

void source_count(struct source_counts *counts, const struct intake_counts *taken)
{
	counts->new_events += taken->new_events;
	counts->updated += taken->updated;
	counts->duplicate += taken->duplicate;
	counts->quarantined += taken->quarantine_entries;
}

/* Its memory of what it has read is its own: two rounds at once would count the same twice. */
static int lock_out_others(const struct collect_context *context, const struct source *source,
	int *lock, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const char *name = arena_printf(&arena, ".collect-%s.lock", source->name).ptr;
	const char *path = fs_join(&arena, context->dirs->data, name);

	if (fs_lock(path, 0, lock, err) == 0)
		return 0;
	if (err->code != ERR_BUSY)
		return err->code;
	log_debug(context->log, "waiting for another process that collects from %s", source->name);
	return fs_lock(path, ALONE_WAIT_MS, lock, err);
}

/*
 * What was excluded left no trace, so a workspace that is not excluded any more must be read again:
 * when the rules are others than at the last round of a source, its cursors are forgotten. What it
 * took before it knows by its memos.
 */
static int follow_policy(
	const struct collect_context *context, const struct source *source, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct str name = str_from(source->name), known;
	struct str mark = arena_printf(
		&arena, "%016llx", (unsigned long long)workspace_policy_mark(context->policy));
	struct file_cursor *cursors;
	size_t count;
	bool found;

	if (intake_begin_lazy(&intake, context->store, err) < 0 ||
		intake_memo_get(intake, name, STR("policy"), &arena, &known, &found, err) < 0)
		return err->code;
	if (str_eq(found ? known : STR("0000000000000000"), mark))
		return 0;
	if (store_cursors(context->store, name, &arena, &cursors, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (intake_cursor_forget(intake, name, cursors[i].path, err) < 0)
			return err->code;
	if (intake_memo_put(intake, name, STR("policy"), mark, err) < 0)
		return err->code;
	return intake_commit(intake, err);
}

static int run_one(const struct collect_context *context, const struct source *source,
	struct source_counts *counts, struct err *err)
{
	CLEANUP(fs_closep) int lock = -1;
	int64_t start_ns = clock_monotonic_ns();
	int rc = source->alone ? lock_out_others(context, source, &lock, err) : 0;

	*counts = (struct source_counts){ .source = source->name };
	if (rc == 0)
		rc = follow_policy(context, source, err);
	if (rc == 0)
		rc = source->collect(context, counts, err);
	counts->elapsed_ms = (clock_monotonic_ns() - start_ns) / NS_PER_MS;
	if (rc < 0)
		log_warn(context->log, "source '%s': %s", source->name, err->message);
	return rc;
}

/* --- several at once --- */

/* What the threads of one run share. */
struct run {
	const struct source *const *which;
	struct source_counts *results;
	size_t count;
	atomic_size_t next;
	mtx_t lock;
	struct err first; /* under the lock */
};

struct worker {
	struct run *run;
	struct collect_context context; /* with a store of its own */
	thrd_t thread;
};

static void work(struct run *run, const struct collect_context *context)
{
	for (size_t i; (i = atomic_fetch_add(&run->next, 1)) < run->count;) {
		struct err one;

		if (run_one(context, run->which[i], &run->results[i], &one) == 0)
			continue;
		mtx_lock(&run->lock);
		if (run->first.code == 0)
			run->first = one;
		mtx_unlock(&run->lock);
	}
}

static int worker_main(void *data)
{
	struct worker *worker = data;

	work(worker->run, &worker->context);
	return 0;
}

/* As many as there are processors and sources, this thread being one of them. Without a second
 * store or thread this one does it all. */
static size_t start_workers(
	struct run *run, const struct collect_context *context, struct worker *workers, size_t most)
{
	struct store_options options = { .must_exist = true };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = processors > 1 ? (size_t)processors - 1 : 0, started = 0;

	if (wanted > most)
		wanted = most;
	if (wanted > run->count - 1)
		wanted = run->count - 1;
	while (started < wanted) {
		struct worker *worker = &workers[started];
		struct err err;

		*worker = (struct worker){ .run = run, .context = *context };
		if (store_open_again(&worker->context.store, context->store, &options, &err) < 0) {
			log_debug(context->log, "one thread less: %s", err.message);
			break;
		}
		if (thrd_create(&worker->thread, worker_main, worker) != thrd_success) {
			store_close(worker->context.store);
			break;
		}
		started++;
	}
	return started;
}

static void run_all(struct run *run, const struct collect_context *context)
{
	struct worker workers[MOST_WORKERS];
	size_t started =
		run->count > 1 ? start_workers(run, context, workers, ARRAY_LEN(workers)) : 0;

	work(run, context);
	for (size_t i = 0; i < started; i++) {
		thrd_join(workers[i].thread, NULL);
		store_close(workers[i].context.store);
	}
}

/* The sources of COUNT in WHICH that are to run, all that are enabled when it is 0. */
static size_t choose(const struct collect_context *context, const struct source *const *which,
	size_t count, const struct source **chosen)
{
	bool all = count == 0;
	size_t kept = 0;

	if (all)
		which = sources(&count);
	for (size_t i = 0; i < count; i++) {
		const struct source_settings *settings = settings_of(context, which[i]->name);

		if (!all || !settings || settings->enabled)
			chosen[kept++] = which[i];
	}
	return kept;
}

int collect_run(const struct collect_context *context, const struct source *const *which,
	size_t count, struct source_counts *results, size_t *result_count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct source **chosen = arena_zalloc(
		&arena, count > 0 ? count : ARRAY_LEN(registry), sizeof(const struct source *));
	struct run run = { .which = chosen, .results = results };

	run.count = choose(context, which, count, chosen);
	*result_count = run.count;
	if (run.count == 0)
		return 0;
	if (mtx_init(&run.lock, mtx_plain) != thrd_success)
		return err_set(err, ERR_IO, "no lock for the sources' threads");
	run_all(&run, context);
	mtx_destroy(&run.lock);
	if (run.first.code != 0)
		*err = run.first;
	return run.first.code;
}

/* --- what sources and daemon share --- */

void source_place_add(struct source_places *places, const char *path, int depth, bool poll)
{
	if (places->count == places->capacity) {
		size_t capacity = places->capacity * 2 + 16;
		struct source_place *grown = arena_zalloc(places->arena, capacity, sizeof(*grown));

		if (places->count > 0)
			memcpy(grown, places->items, places->count * sizeof(*grown));
		places->items = grown;
		places->capacity = capacity;
	}
	places->items[places->count++] = (struct source_place){
		.path = arena_cstr(places->arena, str_from(path)), .depth = depth, .poll = poll
	};
}

void collect_progress_todo(struct collect_progress *progress, int64_t amount)
{
	if (progress)
		atomic_fetch_add(&progress->todo, amount);
}

void collect_progress_done(struct collect_progress *progress, int64_t amount)
{
	if (progress)
		atomic_fetch_add(&progress->done, amount);
}
