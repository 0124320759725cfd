/*
 * Knowing when a source has something to collect, without looking all the time.
 *
 * Directories are watched by the operating system where it can (watch_notify.h), to the depth that
 * a source asks for; what appears later below them is watched too, and a place that does not exist
 * yet through its nearest directory that does. What cannot be watched (a file system that reports
 * nothing, a source that asks for it, more directories than may be watched) is polled: names, sizes
 * and times of its files are compared every few seconds, less often when that takes long, so that
 * it costs no more than a hundredth of a processor.
 *
 * A change is given out once, when it has settled: however many there are, a source is reported at
 * most once per settling time, and the caller is woken at most about once in it. A change may be
 * reported that is none to the source; none is missed, save what no system tells (the caller looks
 * at everything now and then anyway).
 *
 * Times are the caller's, on one monotonic clock. Not for several threads.
 */
#ifndef TT_COLLECT_WATCH_H
#define TT_COLLECT_WATCH_H

#include "collect/source.h"

struct watch_options {
	int64_t settle_ms; /* from a first change to its report; 0: 1,000 */
	int64_t poll_ms;   /* between two looks at what is polled, at least; 0: 5,000 */
	/* Directories to watch at most; 0: half of what the system lets a user watch (editors want
	 * the others), at most 16,384; -1: none, everything is polled. */
	int64_t most_watches;
};

struct watch;
struct watch *watch_new(const struct watch_options *options);
void watch_free(struct watch *watch);

/*
 * SOURCE (any small number) wants PLACES (copied) from now on. True when that is news; what
 * happened in new places before is the caller's to collect. The same places again only mend what
 * has changed unnoticed: a place that was mounted over, a directory above it that has another name
 * now.
 */
bool watch_set(
	struct watch *watch, size_t source, const struct source_places *places, int64_t now_ns);
/* Learn what has happened, poll what is due. Cheap when nothing has. */
void watch_look(struct watch *watch, int64_t now_ns);
/* Has SOURCE a change that has settled? It is forgotten with the answer. */
bool watch_take(struct watch *watch, size_t source, int64_t now_ns);
/* When to call watch_look next: at the returned time (INT64_MAX: no need), or when *FD is readable;
 * -1: no descriptor now. */
int64_t watch_next(const struct watch *watch, int64_t now_ns, int *fd);

struct watch_coverage {
	int64_t watched; /* directories */
	int64_t polled;  /* directories with what is below them, and files */
	const char *
		short_of; /* why some are polled that could be watched, for people; NULL: none is */
};
struct watch_coverage watch_coverage(const struct watch *watch);

#endif
