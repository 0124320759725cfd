/* The rule by which heartbeats become one event (ActivityWatch: aw-server-rust's heartbeat
 * transform). Pure. */
#ifndef TT_MODEL_HEARTBEAT_H
#define TT_MODEL_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

struct beat {
	int64_t start_ns;
	int64_t duration_ns;
};

/*
 * Merge BEAT into LAST, whose data is equal: if BEAT starts neither before LAST nor later than
 * PULSETIME_NS (may be negative) after its end. LAST then reaches to the later end. False: they
 * stay two, LAST is unchanged; also when the result would be negative or out of range.
 */
bool heartbeat_merge(struct beat *last, const struct beat *beat, int64_t pulsetime_ns);

#endif
