/* The events of a file of wire lines, in memory. */
#ifndef TT_BENCH_EVENT_LIST_H
#define TT_BENCH_EVENT_LIST_H

#include "base/mem.h"
#include "model/event.h"

struct event_list {
	struct event *events;
	size_t count;
};

/* Everything is in the arena. */
MUST_USE int event_list_read(
	const char *path, struct arena *arena, struct event_list *out, struct err *err);

#endif
