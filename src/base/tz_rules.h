/*
 * The rules of a POSIX TZ string ("CET-1CEST,M3.5.0,M10.5.0/3"), with the hours of change from -167
 * to 167 that RFC 9636 allows. For base/zone, which tells the full story of a zone.
 */
#ifndef TT_BASE_TZ_RULES_H
#define TT_BASE_TZ_RULES_H

#include "base/str.h"

enum tz_rule_form {
	TZ_RULE_WEEKDAY,     /* Mm.w.d */
	TZ_RULE_DAY_NO_LEAP, /* Jn: 1 to 365, February 29 is never counted */
	TZ_RULE_DAY,         /* n: 0 to 365 */
};

struct tz_rule {
	enum tz_rule_form form;
	int month;
	int week; /* 5 is the last */
	int day;  /* of the week, 0 is Sunday; or of the year */
	int32_t time_s;
};

struct tz_rules {
	int32_t standard_s; /* offsets east of UTC */
	int32_t daylight_s;
	bool has_daylight;
	struct tz_rule start; /* in standard time */
	struct tz_rule end;   /* in daylight time */
};

/* False unless the whole of TEXT is one. Daylight time without rules follows those of the USA. */
MUST_USE bool tz_rules_parse(struct str text, struct tz_rules *out);
/* Seconds east of UTC at an instant, in seconds since the epoch. */
int32_t tz_rules_offset_s(const struct tz_rules *rules, int64_t at_s);
/* The next start or end of daylight time after an instant; false if there is none ever. */
bool tz_rules_next_change(const struct tz_rules *rules, int64_t after_s, int64_t *out_s);

#endif
