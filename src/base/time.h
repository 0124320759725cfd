/*
 * Instants are int64_t nanoseconds since 1970-01-01T00:00:00Z (years 1678 to 2262), durations
 * int64_t nanoseconds. Text follows RFC 3339.
 */
#ifndef TT_BASE_TIME_H
#define TT_BASE_TIME_H

#include "base/buf.h"
#include "base/err.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MINUTE)

enum { TIME_TEXT_BYTES = 40 };

/*
 * Parse one RFC 3339 instant, the whole of TEXT: any offset, 'T', 't' or ' ' between date and time,
 * 'Z' or 'z', 0 to 9 fraction digits (more are cut), leap second :60 taken as the following
 * second's start. ERR_PARSE says what is wrong and names the form; also for instants outside the
 * range above.
 */
MUST_USE int time_parse(struct str text, int64_t *out_ns, struct err *err);
/* A date `YYYY-MM-DD`: ERR_PARSE unless it exists. */
struct date {
	int year;  /* 1678 to 2262 */
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};
MUST_USE int date_parse(struct str text, struct date *out, struct err *err);
/* Days since 1970-01-01 of a date, and back (proleptic Gregorian). */
int64_t date_to_days(struct date date);
struct date date_from_days(int64_t days);
/* 0 is Monday. */
int date_weekday(struct date date);

/* `2026-02-03T14:32:01.250Z`: DIGITS 0, 3, 6 or 9 fraction digits, the rest cut. Returns TEXT. */
const char *time_format(int64_t ns, int digits, char text[static TIME_TEXT_BYTES]);
/* The same, with as many of 3, 6 or 9 digits as the instant needs: nothing is lost. */
const char *time_format_exact(int64_t ns, char text[static TIME_TEXT_BYTES]);
/* Cut to whole milliseconds, towards the past. */
int64_t time_floor_ms(int64_t ns);
/* Could a log of our days have it: from 2015 to 2099? */
bool time_plausible(int64_t ns);

/*
 * A time as people type it: RFC 3339, or `N minutes|hours|days|weeks ago` (singular and plural, N
 * up to 10,000), or `now`. NOW_NS is what "ago" counts from. ERR_PARSE names both forms.
 */
MUST_USE int time_parse_human(struct str text, int64_t now_ns, int64_t *out_ns, struct err *err);
/* `90s`, `5m`, `30min`, `2h`, `7d`, `2w`, `250ms`: positive. ERR_PARSE names the form. */
MUST_USE int duration_parse(struct str text, int64_t *out_ns, struct err *err);
/* Milliseconds for people: `2h 30m`, `45m`; floored to minutes, never days; negative is `0m`. */
const char *duration_format(int64_t ms, char text[static TIME_TEXT_BYTES]);

#endif
