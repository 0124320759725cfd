/* The registry of sources, and running them: one that fails does not stop the others. */
#include "base/clock.h"
#include "collect/claude.h"
#include "collect/journal.h"

enum { ALONE_WAIT_MS = 60000 };

/* The journal first: what it holds is nowhere else. */
static const struct source *const registry[] = { &journal_source, &claude_source };

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
	counts->quarantined += taken->quarantined;
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

static int run_one(const struct collect_context *context, const struct source *source,
	struct source_counts *counts, struct err *err)
{
	CLEANUP(fs_closep) int lock = -1;
	int64_t start_ns = clock_monotonic_ns();
	int rc = source->alone ? lock_out_others(context, source, &lock, err) : 0;

	*counts = (struct source_counts){ .source = source->name };
	if (rc == 0)
		rc = source->collect(context, counts, err);
	counts->elapsed_ms = (clock_monotonic_ns() - start_ns) / NS_PER_MS;
	return rc;
}

int collect_run(const struct collect_context *context, const struct source *const *which,
	size_t count, struct source_counts *results, size_t *result_count, struct err *err)
{
	struct err first = { 0 }, one;
	bool all = count == 0;

	*result_count = 0;
	if (all)
		which = sources(&count);
	for (size_t i = 0; i < count; i++) {
		const struct source_settings *settings = settings_of(context, which[i]->name);

		if (all && settings && !settings->enabled)
			continue;
		if (run_one(context, which[i], &results[(*result_count)++], &one) == 0)
			continue;
		log_warn(context->log, "source '%s': %s", which[i]->name, one.message);
		if (first.code == 0)
			first = one;
	}
	if (first.code != 0)
		*err = first;
	return first.code;
}
