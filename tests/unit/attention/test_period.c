/* Periods: half-open local days and weeks, with clock changes, starts of day and of week. */
#include "attention/period.h"

#include "tap.h"

static int64_t instant(const char *text)
{
	int64_t ns = 0;
	struct err err;

	OK(time_parse(str_from(text), &ns, &err) == 0);
	return ns;
}

static struct zone *zone(const char *name)
{
	struct zone *out = NULL;
	struct err err;

	OK(zone_open(&out, str_from(name), &err) == 0);
	return out;
}

static void is_period(struct period got, const char *start, const char *end, const char *what)
{
	char text[TIME_TEXT_BYTES], other[TIME_TEXT_BYTES];

	tap_check(got.start_ns == instant(start) && got.end_ns == instant(end), __FILE__, __LINE__,
		"%s: got %s to %s, want %s to %s", what, time_format(got.start_ns, 0, text),
		time_format(got.end_ns, 0, other), start, end);
}

static void is_date(struct date got, const char *want)
{
	char text[16];

	snprintf(text, sizeof(text), "%04d-%02d-%02d", got.year, got.month, got.day);
	IS_CSTR(text, want);
}

/* G1: a Wednesday. */
static void days_and_weeks(void)
{
	CLEANUP(zone_freep) struct zone *utc = zone("UTC");
	struct calendar calendar = { .zone = utc };
	int64_t now = instant("2025-01-29T15:30:00Z");
	struct period week = period_week(&calendar, now, 0), day = period_day(&calendar, now, 1);

	is_period(week, "2025-01-27T00:00:00Z", "2025-02-03T00:00:00Z", "week");
	IS_INT(week.type, PERIOD_WEEK);
	is_date(week.first, "2025-01-27");
	is_date(week.last, "2025-02-02");
	is_period(period_week(&calendar, now, 1), "2025-01-20T00:00:00Z", "2025-01-27T00:00:00Z",
		"last week");
	is_period(period_day(&calendar, now, 0), "2025-01-29T00:00:00Z", "2025-01-30T00:00:00Z",
		"day");
	is_period(day, "2025-01-28T00:00:00Z", "2025-01-29T00:00:00Z", "last day");
	IS_INT(day.type, PERIOD_DAY);
	is_date(day.first, "2025-01-28");
	is_date(day.last, "2025-01-28");
}

/* G2: Sunday and Monday of one week, to the last and the first instant. */
static void ends_of_the_week(void)
{
	CLEANUP(zone_freep) struct zone *utc = zone("UTC");
	struct calendar calendar = { .zone = utc };
	static const char *const inside[] = { "2025-01-27T00:00:00Z", "2025-02-02T12:00:00Z",
		"2025-02-02T23:59:59.999999999Z" };

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		is_period(period_week(&calendar, instant(inside[i]), 0), "2025-01-27T00:00:00Z",
			"2025-02-03T00:00:00Z", inside[i]);
	is_period(period_week(&calendar, instant("2025-02-03T00:00:00Z"), 0),
		"2025-02-03T00:00:00Z", "2025-02-10T00:00:00Z", "next Monday");
}

static void is_hours(struct period period, int64_t hours)
{
	IS_INT((period.end_ns - period.start_ns) / NS_PER_HOUR, hours);
}

/* G3, G6. */
static void clock_changes(void)
{
	CLEANUP(zone_freep) struct zone *west = zone("America/Los_Angeles");
	CLEANUP(zone_freep) struct zone *havana = zone("America/Havana");
	CLEANUP(zone_freep) struct zone *santiago = zone("America/Santiago");
	struct calendar pacific = { .zone = west }, cuba = { .zone = havana };
	struct calendar chile = { .zone = santiago };
	int64_t spring = instant("2025-03-09T20:00:00Z"), autumn = instant("2025-11-02T20:00:00Z");

	is_period(period_day(&pacific, spring, 0), "2025-03-09T08:00:00Z", "2025-03-10T07:00:00Z",
		"23 hours");
	is_hours(period_week(&pacific, spring, 0), 167);
	is_hours(period_week(&pacific, autumn, 0), 169);
	is_hours(period_week(&pacific, autumn, 1), 168);
	is_period(period_day(&cuba, autumn, 0), "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z",
		"midnight twice");
	/* In the second of the two hours before 01:00, too. */
	is_period(period_day(&cuba, instant("2025-11-02T05:30:00Z"), 0), "2025-11-02T04:00:00Z",
		"2025-11-03T05:00:00Z", "the second midnight hour");
	is_period(period_day(&chile, instant("2025-09-07T12:00:00Z"), 0), "2025-09-07T04:00:00Z",
		"2025-09-08T03:00:00Z", "no midnight");
}

static void start_of_day(void)
{
	CLEANUP(zone_freep) struct zone *berlin = zone("Europe/Berlin");
	struct calendar calendar = { .zone = berlin, .day_start_s = 4 * 3600 };
	struct period night = period_day(&calendar, instant("2026-02-03T02:59:59Z"), 0);

	is_period(night, "2026-02-02T03:00:00Z", "2026-02-03T03:00:00Z", "before four");
	is_date(night.first, "2026-02-02");
	is_date(night.last, "2026-02-02");
	is_period(period_day(&calendar, instant("2026-02-03T03:00:00Z"), 0), "2026-02-03T03:00:00Z",
		"2026-02-04T03:00:00Z", "at four");
	/* Monday at 01:00 is still last week's Sunday. */
	is_period(period_week(&calendar, instant("2026-02-02T00:00:00Z"), 0),
		"2026-01-26T03:00:00Z", "2026-02-02T03:00:00Z", "week");
	is_period(period_day(&calendar, instant("2026-03-29T12:00:00Z"), 0), "2026-03-29T02:00:00Z",
		"2026-03-30T02:00:00Z", "after the change");
}

static void start_of_week(void)
{
	CLEANUP(zone_freep) struct zone *utc = zone("UTC");
	struct calendar calendar = { .zone = utc, .week_start = 6 };

	is_period(period_week(&calendar, instant("2025-01-29T10:00:00Z"), 0),
		"2025-01-26T00:00:00Z", "2025-02-02T00:00:00Z", "Wednesday");
	is_period(period_week(&calendar, instant("2025-02-02T10:00:00Z"), 0),
		"2025-02-02T00:00:00Z", "2025-02-09T00:00:00Z", "Sunday");
	is_period(period_week(&calendar, instant("2025-02-01T10:00:00Z"), 2),
		"2025-01-12T00:00:00Z", "2025-01-19T00:00:00Z", "two back");
}

static void custom(void)
{
	CLEANUP(zone_freep) struct zone *utc = zone("UTC");
	struct calendar calendar = { .zone = utc };
	struct date first = { 2026, 1, 1 }, end = { 2026, 1, 8 };
	struct period period;
	struct err err;

	IS_INT(period_custom(&calendar, first, end, &period, &err), 0);
	is_period(period, "2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z", "custom");
	IS_INT(period.type, PERIOD_CUSTOM);
	is_date(period.first, "2026-01-01");
	is_date(period.last, "2026-01-07");
	IS_INT(period_custom(&calendar, end, first, &period, &err), ERR_USAGE);
	OK(strstr(err.message, "2026-01-08") != NULL);
	IS_INT(period_custom(&calendar, first, first, &period, &err), ERR_USAGE);
}

/* Every day begins where the one before ends, for two years of a zone with changes. */
static void days_join(void)
{
	CLEANUP(zone_freep) struct zone *berlin = zone("Europe/Berlin");
	struct calendar calendar = { .zone = berlin, .day_start_s = 2 * 3600 + 1800 };
	int64_t now = instant("2026-06-15T12:00:00Z"), total = 0;
	struct period newer = period_day(&calendar, now, 0);

	for (int back = 1; back <= 730; back++) {
		struct period older = period_day(&calendar, now, back);

		if (!IS_INT(older.end_ns, newer.start_ns))
			return;
		total += older.end_ns - older.start_ns;
		newer = older;
	}
	IS_INT(total, 730 * 24 * NS_PER_HOUR);
}

static const struct tap_case cases[] = {
	TAP_CASE(days_and_weeks),
	TAP_CASE(ends_of_the_week),
	TAP_CASE(clock_changes),
	TAP_CASE(start_of_day),
	TAP_CASE(start_of_week),
	TAP_CASE(custom),
	TAP_CASE(days_join),
};
TAP_MAIN(cases)
