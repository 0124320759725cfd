/*
 * Periods in local days. Every boundary is asked of the zone by date and seconds after midnight,
 * never computed by adding 24 hours: so days have 23 or 25 hours and weeks 167 or 169 where clocks
 * change.
 */
#include "attention/period.h"

static struct date add_days(struct date date, int64_t days)
{
	return date_from_days(date_to_days(date) + days);
}

static int64_t day_start_ns(const struct calendar *calendar, struct date date)
{
	return zone_instant(calendar->zone, date, calendar->day_start_s);
}

/* The day that holds NOW: before its start the day before is still on. */
static struct date day_of(const struct calendar *calendar, int64_t now_ns)
{
	struct date date = zone_date(calendar->zone, now_ns);

	return now_ns < day_start_ns(calendar, date) ? add_days(date, -1) : date;
}

static struct period make_period(
	const struct calendar *calendar, enum period_type type, struct date first, int64_t days)
{
	struct date end = add_days(first, days);

	return (struct period){
		.type = type,
		.start_ns = day_start_ns(calendar, first),
		.end_ns = day_start_ns(calendar, end),
		.first = first,
		.last = add_days(end, -1),
	};
}

struct period period_day(const struct calendar *calendar, int64_t now_ns, int back)
{
	struct date day = day_of(calendar, now_ns);

	return make_period(calendar, PERIOD_DAY, add_days(day, -(int64_t)back), 1);
}

struct period period_week(const struct calendar *calendar, int64_t now_ns, int back)
{
	struct date day = day_of(calendar, now_ns);
	int since_start = (date_weekday(day) - calendar->week_start + 7) % 7;

	return make_period(
		calendar, PERIOD_WEEK, add_days(day, -since_start - 7 * (int64_t)back), 7);
}

int period_custom(const struct calendar *calendar, struct date first, struct date end,
	struct period *out, struct err *err)
{
	int64_t days = date_to_days(end) - date_to_days(first);

	if (days <= 0)
		return err_set(err, ERR_USAGE,
			"the end of the period, %04d-%02d-%02d, is not after its start, %04d-%02d-%02d",
			end.year, end.month, end.day, first.year, first.month, first.day);
	*out = make_period(calendar, PERIOD_CUSTOM, first, days);
	return 0;
}
