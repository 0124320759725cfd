/* Retention as the configuration asks for it, once a day. */
#ifndef TT_COLLECT_RETENTION_H
#define TT_COLLECT_RETENTION_H

#include "base/log.h"
#include "store/retention.h"

struct retention_rule {
	int64_t days;     /* older events go; 0: nothing happens */
	int64_t held_seq; /* and pause, context: see struct retention */
	bool (*pause)(void *context, int64_t slice_ns);
	void *context;
	int64_t now_ns;
};

/*
 * Delete what RULE says from STORE, of the person or user it works for, at most once in 24 hours
 * unless its days are others than the last time, and say what was deleted (LOG NULL: nobody is
 * told). 1: it was time; 0: it was not. What was left unfinished is due again at once.
 */
MUST_USE int retention_run(struct store *store, const struct retention_rule *rule,
	const struct log *log, struct retention_result *out, struct err *err);

#endif
