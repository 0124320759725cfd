/*
 * What the operating system tells of changes in directories; watch.c makes sense of it. Where it
 * tells nothing (no inotify, a file system that does not report) watch.c looks by itself.
 */
#ifndef TT_COLLECT_WATCH_NOTIFY_H
#define TT_COLLECT_WATCH_NOTIFY_H

#include "base/err.h"

enum notify_what {
	NOTIFY_CHANGED = 1,  /* NAME in the directory: content was written */
	NOTIFY_APPEARED = 2, /* NAME in the directory: made or moved there */
	NOTIFY_IS_DIR = 4,   /* NAME is a directory */
	NOTIFY_MOVED = 8,    /* the directory itself has another name now */
	NOTIFY_GONE = 16,    /* the directory is no longer watched: deleted, unmounted */
	NOTIFY_LOST = 32,    /* more happened than was kept: look at everything */
};

struct notify_event {
	int watch;        /* as notify_add gave it; -1 with NOTIFY_LOST */
	unsigned what;    /* enum notify_what */
	const char *name; /* "" when it is about the directory itself */
};

/* A descriptor that becomes readable; -1 when the system has none (ERR set). */
MUST_USE int notify_open(struct err *err);
/*
 * Watch directory PATH: a number >= 0, the same for the same directory under any name. ONLY_NAMES:
 * what appears in it, not what is written. ERR_NOT_FOUND, ERR_FULL (no more may be watched),
 * ERR_IO.
 */
MUST_USE int notify_add(int fd, const char *path, bool only_names, struct err *err);
void notify_remove(int fd, int watch);
/* Hand what has happened to TAKE, without waiting. True if there was anything. */
bool notify_read(int fd, void (*take)(void *owner, const struct notify_event *event), void *owner);
/* Does the file system that PATH is on report every change? Those of networks and of other systems'
 * drives do not. */
bool notify_reliable(const char *path);
/* How many directories a user may watch in all; INT64_MAX: not known. */
int64_t notify_limit(void);

#endif
