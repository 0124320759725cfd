/* Periods of a report: half-open, in local days of a zone, with a configurable start of day and of
 * week. */
#ifndef TT_ATTENTION_PERIOD_H
#define TT_ATTENTION_PERIOD_H

#include "base/zone.h"

struct calendar {
	const struct zone *zone;
	int32_t day_start_s; /* seconds after midnight at which a day begins (report.day_start, 0)
			      */
	int week_start;      /* 0 Monday … 6 Sunday (report.week_start) */
};

enum period_type { PERIOD_DAY, PERIOD_WEEK, PERIOD_CUSTOM };

struct period {
	enum period_type type;
	int64_t start_ns;
	int64_t end_ns;
	struct date first; /* local date of the first day */
	struct date last;  /* local date of the last day, inclusive */
};

/* The day, or week, BACK days (weeks) before the one that holds NOW. */
struct period period_day(const struct calendar *calendar, int64_t now_ns, int back);
struct period period_week(const struct calendar *calendar, int64_t now_ns, int back);
/* From day FIRST up to day END, which is not part of it. ERR_USAGE unless FIRST < END. */
MUST_USE int period_custom(const struct calendar *calendar, struct date first, struct date end,
	struct period *out, struct err *err);

#endif
