/*
 * Sources: where this machine's events come from. One file and one registry row each; collect.c
 * runs them.
 *
 * A source finds its files below its roots and turns their content into events through an intake.
 * It keeps its place in cursors and what it must remember in memos, both committed with the rows
 * they cover, so that it may be killed at any time and run again: nothing lost, nothing twice, and
 * nothing read again that did not change.
 */
#ifndef TT_COLLECT_SOURCE_H
#define TT_COLLECT_SOURCE_H

#include "base/fs.h"
#include "base/log.h"
#include "model/machine.h"
#include "store/intake.h"

/* How much of what people and agents wrote is stored: nothing by default. */
enum collect_text { TEXT_NONE, TEXT_SUMMARY, TEXT_FULL };

struct source_counts {
	const char *source;
	int64_t files; /* looked at */
	int64_t skipped_unchanged;
	int64_t new_events;
	int64_t updated;
	int64_t duplicate;
	int64_t quarantined;
	int64_t failed; /* files that could not be read; each was logged */
	int64_t elapsed_ms;
};
/* Take what an intake counted into COUNTS. */
void source_count(struct source_counts *counts, const struct intake_counts *taken);

/* What the configuration says of one source. */
struct source_settings {
	const char *source;
	bool enabled;
	const char *const *roots; /* besides its usual ones; NULL-terminated, or NULL */
};

/* What a source works with; lives as long as the round. */
struct collect_context {
	struct store *store;
	const struct machine *machine;
	const struct fs_dirs *dirs;
	const struct log *log;
	enum collect_text text;
	const struct source_settings *settings; /* one row per source that has any */
	size_t settings_count;
};

struct source {
	const char *name; /* in ids and on the command line: "claude" */
	const char *summary;
	bool alone; /* no two rounds of it at once: another process is waited for */
	int (*collect)(const struct collect_context *context, struct source_counts *counts,
		struct err *err);
	/* Files this source would read now, for `doctor` and first steps; -1 if its roots are
	 * absent. */
	int64_t (*present)(const struct collect_context *context);
};

/* The registry, journal ("tmux") first. */
const struct source *const *sources(size_t *count);
const struct source *source_find(struct str name);

/* The directories that the configuration names for SOURCE; NULL-terminated, never NULL. */
const char *const *source_roots(const struct collect_context *context, const char *source);

/*
 * Run the named sources (COUNT 0: all that are enabled). One that fails does not stop the others:
 * its error is logged and counted, the first error is returned at the end. RESULTS gets one row per
 * source that ran.
 */
MUST_USE int collect_run(const struct collect_context *context, const struct source *const *which,
	size_t count, struct source_counts *results, size_t *result_count, struct err *err);

#endif
