/* Retention as the configuration asks for it, once a day. */
#ifndef TT_COLLECT_RETENTION_H
#define TT_COLLECT_RETENTION_H

#include "base/log.h"
#include "store/retention.h"

/*
 * Delete events older than DAYS (0: nothing happens) from STORE, at most once in 24 hours unless
 * DAYS is another than the last time, and say what was deleted. HELD_SEQ: see struct retention.
 * *RAN tells whether it was time.
 */
MUST_USE int retention_run(struct store *store, int64_t days, int64_t held_seq, int64_t now_ns,
	const struct log *log, bool *ran, struct err *err);

#endif
