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
	int64_t quarantined; /* new entries there: the same line twice is one */
	int64_t failed;      /* files that could not be read; each was logged */
	int64_t elapsed_ms;
};
/* Take what an intake counted into COUNTS. */
void source_count(struct source_counts *counts, const struct intake_counts *taken);

/* What the configuration says of one source. */
struct source_settings {
	const char *source;
	bool enabled;
	enum collect_text text;
	const char *const *roots; /* besides its usual ones; NULL-terminated, or NULL */
};

/* What the configuration says of workspaces: globs (base/glob.h), NULL-terminated; NULL: none. */
struct workspace_rules {
	const char *const *exclude; /* leave no trace */
	const char *const *text[TEXT_FULL + 1];
};

/* What a source works with; lives as long as the round. One per thread. */
struct collect_context {
	struct store *store;
	const struct machine *machine;
	const struct fs_dirs *dirs;
	const struct log *log;
	const struct workspace_policy *policy;
	const struct source_settings *settings; /* one row per source that has any */
	size_t settings_count;
	struct collect_progress *progress; /* NULL: nobody looks */
	int64_t retention_days;            /* for retention_run; 0 keeps everything */
	/* Nobody waits for this round, and the next one is near: looking where nothing was found
	 * yet may wait for one of the next ten minutes' rounds. */
	bool background;
};

/*
 * Rules, compiled. ERR_USAGE naming the pattern that does not compile. Shared by threads. HOME
 * stands for
 * `~`; both the path as given and the one with links resolved are matched, either suffices.
 */
struct workspace_policy;
MUST_USE int workspace_policy(struct workspace_policy **out, struct arena *arena,
	const struct workspace_rules *rules, const char *home, struct err *err);
/* May nothing of workspace CWD be kept? An unknown one (empty) may be kept. */
bool collect_excluded(const struct collect_context *context, struct str cwd);
/* How much text of a session in CWD is stored: what a workspace's rule says (the most private one
 * that matches), else the source's setting. */
enum collect_text collect_text_of(
	const struct collect_context *context, const char *source, struct str cwd);
/* A hash of the rules for exclusion: when it changes, files are looked at again from their start.
 */
uint64_t workspace_policy_mark(const struct workspace_policy *policy);

/*
 * How far a long collection is, for a progress bar: sources add what they have found to do, then
 * what is done, in bytes (or rows of a database). Threads may call these; NULL progress is
 * accepted.
 */
struct collect_progress {
	_Atomic int64_t todo, done;
};
void collect_progress_todo(struct collect_progress *progress, int64_t amount);
void collect_progress_done(struct collect_progress *progress, int64_t amount);

/* A directory or file whose changes mean that there may be something to collect. */
struct source_place {
	const char *path;
	int depth; /* of a directory: how many levels below it matter; 0: its own entries */
	bool poll; /* changes in it do not show as directory events (SQLite's WAL, a mapped file) */
};
struct source_places {
	struct arena *arena;
	struct source_place *items;
	size_t count, capacity;
};
/* Also one that does not exist yet: it may come. */
void source_place_add(struct source_places *places, const char *path, int depth, bool poll);

struct source {
	const char *name; /* in ids and on the command line: "claude" */
	const char *summary;
	bool alone; /* no two rounds of it at once: another process is waited for */
	int (*collect)(const struct collect_context *context, struct source_counts *counts,
		struct err *err);
	/* Files this source would read now, for `doctor` and first steps; -1 if its roots are
	 * absent. */
	int64_t (*present)(const struct collect_context *context);
	/* What a daemon should watch to know when to collect. */
	void (*places)(const struct collect_context *context, struct source_places *places);
};

/* The registry, journal ("tmux") first. */
const struct source *const *sources(size_t *count);
const struct source *source_find(struct str name);

/* The directories that the configuration names for SOURCE; NULL-terminated, never NULL. */
const char *const *source_roots(const struct collect_context *context, const char *source);

/*
 * Run the named sources (COUNT 0: all that are enabled), several at once on a machine with several
 * processors. One that fails does not stop the others:
 * its error is logged and counted, the first error is returned at the end. RESULTS gets one row per
 * source that ran.
 */
MUST_USE int collect_run(const struct collect_context *context, const struct source *const *which,
	size_t count, struct source_counts *results, size_t *result_count, struct err *err);

#endif
