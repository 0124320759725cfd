/* Times and lengths as ActivityWatch's servers write them, in exports and in databases. Pure. */
#ifndef TT_STORE_AW_TEXT_H
#define TT_STORE_AW_TEXT_H

#include "base/str.h"

/*
 * An instant: date and time of day to the second, apart by 'T' or a space, any number of fraction
 * digits (those beyond 9 are cut), then 'Z', "UTC", an offset (+HH:MM, +HHMM or +HH) or nothing:
 * *NAIVE then, and *OUT_NS is what it were in UTC. Spaces around are allowed. False: it is none, or
 * out of range.
 */
MUST_USE bool aw_text_time(struct str text, int64_t *out_ns, bool *naive);
/* Seconds, a JSON number, as nanoseconds: rounded to the nearest, halves away from zero. False: it
 * is none, or out of range. */
MUST_USE bool aw_text_seconds(struct str text, int64_t *out_ns);

#endif
