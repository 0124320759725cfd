/* The time that a query is about, as people say it. */
#ifndef TT_QUERY_SPAN_H
#define TT_QUERY_SPAN_H

#include "base/zone.h"
#include "store/store.h"

/* Half-open; INT64_MIN and INT64_MAX: without a bound. */
struct span {
	int64_t from_ns;
	int64_t to_ns;
};

#define SPAN_ALWAYS ((struct span){ .from_ns = INT64_MIN, .to_ns = INT64_MAX })

/* What words about time mean here and now. */
struct span_clock {
	const struct zone *zone;
	int32_t day_start_s; /* when a day begins, seconds after midnight */
	int64_t now_ns;
};

/*
 * The span of the options --last (a duration back from now, of any length), --since and --until,
 * each NULL when not given. ERR_USAGE names the option and the accepted forms; also for --last
 * beside --since, and for --until that is not after --since.
 */
MUST_USE int span_parse(struct span *out, const char *last, const char *since, const char *until,
	const struct span_clock *clock, struct err *err);
/*
 * One instant: `2026-03-01` (the start of that day), `2026-03-01 14:30[:00[.250]]` (on the clock of
 * the zone; `T` in place of the space), RFC 3339 with an offset, `2 hours ago`, `now`, `today`,
 * `yesterday`. A time that the clock skips means the first one after it. ERR_PARSE.
 */
MUST_USE int span_parse_time(
	struct str text, const struct span_clock *clock, int64_t *out_ns, struct err *err);

bool span_has(struct span span, int64_t ns);
/* Bound FILTER by SPAN: what it lets through may be more (see span_has), never less. */
void span_filter(struct span span, struct event_filter *filter);

/* The day that holds an instant. */
struct date span_day(const struct span_clock *clock, int64_t ns);
/* The instant at which a day begins. */
int64_t span_day_start(const struct span_clock *clock, struct date date);

#endif
