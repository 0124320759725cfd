/*
 * Aider's chat histories: Markdown in the directory it works in, appended to by every session.
 * Reading is in three steps without files: the history into sessions, the history of inputs into
 * entries, and the entries' times onto the sessions' prompts.
 */
#ifndef TT_COLLECT_AIDER_H
#define TT_COLLECT_AIDER_H

#include "base/zone.h"
#include "collect/agent.h"
#include "collect/places.h"

extern const struct source aider_source;

/* A time on the wall clock of the machine, whose zone nothing tells: nanoseconds since 1970 if it
 * were UTC. */
struct aider_clock {
	struct date date;
	int32_t second; /* of the day */
	int64_t local_ns;
};
/* `YYYY-MM-DD HH:MM:SS`, with or without a fraction; the whole of TEXT. */
bool aider_clock(struct str text, struct aider_clock *out);

/* One session of a history: from its header to the next one. */
struct aider_chat {
	struct agent_session session; /* items without times; started_ns is not set */
	bool headed;                  /* false: what stands before the first header */
	struct aider_clock start;     /* of a headed one */
	int64_t begin, end;           /* bytes of the file */
};

struct aider_log {
	struct arena *arena;
	struct aider_chat *chats; /* as they stand in the file */
	size_t count, capacity;
	int64_t taken; /* behind the last complete line */
};

/* A history. */
struct aider_file {
	const char *path;
	struct str workspace; /* empty: unknown */
	struct str name; /* what sessions and items are named after: its workspace or path when it
			    was first read, wherever it was moved since */
};
struct aider_files {
	struct aider_file *items;
	size_t count, capacity;
};

/*
 * Parse the bytes of FILE. A prompt whose line is not complete yet is among the items; anything
 * else that is not complete waits. Strings are views into BYTES, or in the arena.
 */
struct aider_log aider_parse(struct arena *arena, struct str bytes, const struct aider_file *file);

/* An entry of the history of inputs. */
struct aider_input {
	struct aider_clock at;
	struct str text; /* lines joined, without white space at their ends */
	int64_t offset;
	size_t number; /* in the file */
};
struct aider_inputs {
	struct aider_input *items; /* by time, then as they stand in the file */
	size_t count, capacity;
	int64_t taken;
};
struct aider_inputs aider_inputs(struct arena *arena, struct str bytes);

/*
 * Give CHAT its start, and its items their times: of its prompts those that equal entries of
 * INPUTS, in order, between its start and UNTIL_NS (local; the start of the next session,
 * INT64_MAX: none) get theirs. All other items have the time of the prompt before them, or of the
 * start, as an estimate.
 */
void aider_set_times(struct aider_chat *chat, const struct aider_inputs *inputs, int64_t until_ns,
	const struct zone *zone);

/* --- where histories are --- */

/*
 * Histories of this machine, each once, in order of their paths: where the environment and the
 * directories of sessions that the store knows say, and, FAR: in a look of three levels below the
 * home directory and what the configuration names; else those of KNOWN that are still there. The
 * workspace is the directory of each, empty where it is unknown; the name is that, or the path.
 * Those of excluded workspaces are left out.
 */
MUST_USE int aider_walk(const struct collect_context *context, struct arena *arena,
	const struct aider_files *known, bool far, struct aider_files *out, struct err *err);
void aider_files_add(struct aider_files *files, struct arena *arena, struct aider_file file);

/* Histories that were read in earlier rounds, also those that are gone; without names. */
MUST_USE int aider_known(const struct collect_context *context, struct arena *arena,
	struct aider_files *out, struct err *err);
/* The part of a cursor's state by which aider_known finds them. */
void aider_put_workspace(struct json_writer *state, const struct aider_file *file);

/* Is it time for a far look? By hand always; in the background every ten minutes, and when the
 * configuration names other directories. */
MUST_USE int aider_far_due(
	const struct collect_context *context, struct intake *intake, bool *due, struct err *err);
/* It was done. */
MUST_USE int aider_far_done(
	const struct collect_context *context, struct intake *intake, struct err *err);

/* The name of a history that was never moved: a view into FILE. */
struct str aider_own_name(const struct aider_file *file);
/* The name that FILE was given when it was moved here, in place of its own. */
MUST_USE int aider_moved_name(
	struct intake *intake, struct arena *arena, struct aider_file *file, struct err *err);
MUST_USE int aider_note_moved(
	struct intake *intake, const struct aider_file *file, struct err *err);

/* The history of inputs that belongs to a history in WORKSPACE. */
const char *aider_input_path(struct arena *arena, const char *chat, struct str workspace);

#endif
