/*
 * The one daemon of a store, as everybody can see it: the lock it holds, what it wrote about
 * itself, and the flag that makes it pause.
 *
 * Beside the store lie `.daemon.lock` (flock(2), with pid, start and version in it) and
 * `.daemon.json` (what it does; instance_read_state); of a store that is not called tt.db they bear
 * its name. The kernel gives the lock back however the daemon ends, so what stands in the file
 * counts only while it is held.
 */
#ifndef TT_SERVE_INSTANCE_H
#define TT_SERVE_INSTANCE_H

#include "base/fs.h"
#include "base/json.h"

struct instance_paths {
	const char *lock;
	const char *state;
	const char *pause; /* in the data directory: it is this machine that pauses */
	const char *log;   /* of a daemon in the background */
};
/* STORE_PATH as store_path gives it; behind a link: that of the file it leads to. */
struct instance_paths instance_paths(
	struct arena *arena, const struct fs_dirs *dirs, const char *store_path);

struct instance {
	bool running;
	int64_t pid; /* 0 unless running; also when the lock is held by what is no daemon */
	int64_t started_ns;
	struct str version;
};
/* Who is it? Strings in the arena. */
MUST_USE int instance_find(const struct instance_paths *paths, struct arena *arena,
	struct instance *out, struct err *err);

/* Become it: *LOCK is to be kept open. ERR_BUSY naming the other. */
MUST_USE int instance_take(const struct instance_paths *paths, int *lock, struct err *err);
/* Is it still the lock that others would find? False when the files were moved or deleted. */
bool instance_holds(const struct instance_paths *paths, int lock);
/* Leave: closes LOCK. */
void instance_leave(const struct instance_paths *paths, int *lock);

/* Replace what the daemon tells about itself, a JSON object. Whole at any moment, but not synced:
 * it is worth nothing after a crash. */
MUST_USE int instance_write_state(
	const struct instance_paths *paths, struct str json, struct err *err);
/* Its root, valid while PARSER and TEXT are; NULL when there is none or it cannot be read. */
const struct json *instance_read_state(
	const struct instance_paths *paths, struct json_parser *parser, struct buf *text);

bool instance_paused(const struct instance_paths *paths);
/* *CHANGED: it was not so before. */
MUST_USE int instance_pause(
	const struct instance_paths *paths, bool pause, bool *changed, struct err *err);

#endif
