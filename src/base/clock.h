/*
 * The only reader of the clock. TT_NOW=<RFC 3339> in the environment fixes the wall clock, for
 * tests; empty is unset.
 */
#ifndef TT_BASE_CLOCK_H
#define TT_BASE_CLOCK_H

#include <time.h>

#include "base/err.h"

/* ERR_PARSE when TT_NOW is set and is not an instant; the program checks it once, at its start. */
MUST_USE int clock_check(struct err *err);
/* Wall clock, ns since the epoch. */
int64_t clock_now_ns(void);
/* For measuring and time limits: never goes back, not affected by TT_NOW. */
int64_t clock_monotonic_ns(void);
/* MS from now, always by the real clock, as cnd_timedwait takes it. */
struct timespec clock_deadline(int64_t ms);
/* Not at all when MS is not positive. A signal that is handled ends it early. */
void clock_sleep_ms(int64_t ms);

#endif
