/* RFC 3339 both ways, the ends of the range, calendar arithmetic against the C library, and
 * durations. */
#include "base/time.h"

#include <time.h>

#include "tap.h"

#define AT INT64_C(1770129121) /* 2026-02-03T14:32:01Z */

static void parses_every_form(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59.999999999Z", -1 },
		{ "2026-02-03T14:32:01Z", AT * NS_PER_S },
		{ "2026-02-03t14:32:01z", AT * NS_PER_S },
		{ "2026-02-03 14:32:01Z", AT * NS_PER_S },
		{ "2026-02-03T14:32:01.2Z", AT * NS_PER_S + 200000000 },
		{ "2026-02-03T14:32:01.000000001Z", AT * NS_PER_S + 1 },
		{ "2026-02-03T14:32:01.123456789Z", AT * NS_PER_S + 123456789 },
		{ "2026-02-03T14:32:01.1234567899999999999999999Z", AT * NS_PER_S + 123456789 },
		{ "2026-02-03T14:32:01.0000000009Z", AT * NS_PER_S },
		{ "2026-02-03T15:32:01+01:00", AT * NS_PER_S },
		{ "2026-02-03T09:02:01.5-05:30", AT * NS_PER_S + 500000000 },
		{ "2026-02-03T14:32:01-00:00", AT * NS_PER_S },
		{ "2026-02-03T14:32:01+00:00", AT * NS_PER_S },
		{ "2026-02-04T14:31:01+23:59", AT * NS_PER_S },
		{ "2026-02-02T14:33:01-23:59", AT * NS_PER_S },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800) * NS_PER_S },
		{ "2016-12-31T23:59:60.75Z", INT64_C(1483228800) * NS_PER_S },
		{ "2016-12-31T15:59:60-08:00", INT64_C(1483228800) * NS_PER_S },
		{ "2000-02-29T00:00:00Z", INT64_C(951782400) * NS_PER_S },
		{ "1900-03-01T00:00:00Z", INT64_C(-2203891200) * NS_PER_S },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		int64_t ns = 42;

		tap_check(time_parse(str_from(rows[i].text), &ns, &err) == 0, __FILE__, __LINE__,
			"%s: %s", rows[i].text, err.message);
		tap_is_int(ns, rows[i].ns, rows[i].text, __FILE__, __LINE__);
	}
}

static void rejects_with_a_reason(void)
{
	static const struct {
		const char *text;
		const char *reason;
	} rows[] = {
		{ "", "date" },
		{ "yesterday", "date" },
		{ "2026-02-03", "'T'" },
		{ "26-02-03T14:32:01Z", "date" },
		{ "-026-02-03T14:32:01Z", "date" },
		{ "2026/02/03T14:32:01Z", "date" },
		{ " 2026-02-03T14:32:01Z", "date" },
		{ "2026-00-03T14:32:01Z", "month is not" },
		{ "2026-13-03T14:32:01Z", "month is not" },
		{ "2026-02-00T14:32:01Z", "no such day" },
		{ "2026-02-29T14:32:01Z", "no such day" },
		{ "1900-02-29T14:32:01Z", "no such day" },
		{ "2026-04-31T14:32:01Z", "no such day" },
		{ "2026-02-03_14:32:01Z", "'T'" },
		{ "2026-02-03T14:32Z", "time of day" },
		{ "2026-02-03T1a:32:01Z", "time of day" },
		{ "2026-02-03T24:00:00Z", "hour" },
		{ "2026-02-03T14:60:01Z", "minute" },
		{ "2026-02-03T14:32:61Z", "second" },
		{ "2026-02-03T14:32:01", "offset" },
		{ "2026-02-03T14:32:01.Z", "decimal point" },
		{ "2026-02-03T14:32:01.", "decimal point" },
		{ "2026-02-03T14:32:01,5Z", "offset" },
		{ "2026-02-03T14:32:01+01", "offset" },
		{ "2026-02-03T14:32:01+0100", "offset" },
		{ "2026-02-03T14:32:01+1:00", "offset" },
		{ "2026-02-03T14:32:01+24:00", "23:59" },
		{ "2026-02-03T14:32:01+01:60", "23:59" },
		{ "2026-02-03T14:32:01Z ", "follows the 'Z'" },
		{ "2026-02-03T14:32:01+01:00Z", "follows the offset" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		int64_t ns;

		tap_is_int(time_parse(str_from(rows[i].text), &ns, &err), ERR_PARSE, rows[i].text,
			__FILE__, __LINE__);
		tap_check(strstr(err.message, rows[i].reason) != NULL, __FILE__, __LINE__,
			"'%s' not in: %s", rows[i].reason, err.message);
		OK(strstr(err.message, "2026-02-03T14:32:01.250Z") != NULL);
	}
}

static void every_cut_of_an_instant_is_rejected(void)
{
	struct str whole = STR("2026-02-03T14:32:01.250+01:00");
	struct err err;
	int64_t ns;

	for (size_t len = 0; len < whole.len; len++) {
		/* An exact copy, so that reading past the end is seen. */
		char *copy = malloc(len ? len : 1);

		memcpy(copy, whole.ptr, len);
		IS_INT(time_parse((struct str){ copy, len }, &ns, &err), ERR_PARSE);
		free(copy);
	}
	IS_INT(time_parse(whole, &ns, &err), 0);
	IS_INT(time_parse((struct str){ "2026-02-03T14:32:01Z\0", 21 }, &ns, &err), ERR_PARSE);
}

static void range_is_exact(void)
{
	static const char *const outside[] = {
		"1677-12-31T23:59:59.999999999Z",
		"1678-01-01T00:00:00+00:01",
		"2262-04-11T23:47:16.854775808Z",
		"2262-04-11T23:47:17Z",
		"2262-04-11T23:47:16-00:01",
		"2262-04-11T23:46:60-23:59",
		"0000-01-01T00:00:00Z",
		"9999-12-31T23:59:60-23:59",
		"0000-01-01T00:00:00+23:59",
	};
	struct err err = { 0 };
	int64_t ns;

	IS_INT(time_parse(STR("1678-01-01T00:00:00Z"), &ns, &err), 0);
	IS_INT(ns, INT64_C(-9214560000) * NS_PER_S);
	IS_INT(time_parse(STR("1677-12-31T23:30:00-00:30"), &ns, &err), 0);
	IS_INT(ns, INT64_C(-9214560000) * NS_PER_S);
	IS_INT(time_parse(STR("2262-04-11T23:47:16.854775807Z"), &ns, &err), 0);
	IS_INT(ns, INT64_MAX);
	IS_INT(time_parse(STR("2262-04-12T23:46:16.8547758079+23:59"), &ns, &err), 0);
	IS_INT(ns, INT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		tap_is_int(time_parse(str_from(outside[i]), &ns, &err), ERR_PARSE, outside[i],
			__FILE__, __LINE__);
		OK(strstr(err.message, "1678 to 2262") != NULL);
	}
}

static void formats(void)
{
	char text[TIME_TEXT_BYTES];
	int64_t ns = AT * NS_PER_S + 250999999;

	IS_CSTR(time_format(ns, 0, text), "2026-02-03T14:32:01Z");
	IS_CSTR(time_format(ns, 3, text), "2026-02-03T14:32:01.250Z");
	IS_CSTR(time_format(ns, 6, text), "2026-02-03T14:32:01.250999Z");
	IS_CSTR(time_format(ns, 9, text), "2026-02-03T14:32:01.250999999Z");
	IS_CSTR(time_format(-1, 0, text), "1969-12-31T23:59:59Z");
	IS_CSTR(time_format(-1, 9, text), "1969-12-31T23:59:59.999999999Z");
	IS_CSTR(time_format(INT64_MAX, 9, text), "2262-04-11T23:47:16.854775807Z");
	IS_CSTR(time_format(INT64_MIN, 9, text), "1677-09-21T00:12:43.145224192Z");
	IS_CSTR(time_format_exact(0, text), "1970-01-01T00:00:00.000Z");
	IS_CSTR(time_format_exact(AT * NS_PER_S + 250000000, text), "2026-02-03T14:32:01.250Z");
	IS_CSTR(time_format_exact(AT * NS_PER_S + 250001000, text), "2026-02-03T14:32:01.250001Z");
	IS_CSTR(time_format_exact(AT * NS_PER_S + 1, text), "2026-02-03T14:32:01.000000001Z");
	IS_CSTR(time_format_exact(-1000, text), "1969-12-31T23:59:59.999999Z");
}

/* Steps of about eleven days and a bit through the whole range, against the C library's calendar.
 */
static void agrees_with_the_c_library(void)
{
	char text[TIME_TEXT_BYTES], want[TIME_TEXT_BYTES];

	for (int64_t s = INT64_C(-9214560000); s < INT64_C(9223372036); s += 999983) {
		time_t at = (time_t)s;
		struct err err;
		struct tm tm;
		struct date date;
		int64_t back = 0;

		OK(gmtime_r(&at, &tm) != NULL);
		OK(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		IS_CSTR(time_format(s * NS_PER_S, 0, text), want);
		OK(time_parse(str_from(text), &back, &err) == 0);
		IS_INT(back, s * NS_PER_S);
		date = (struct date){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday };
		IS_INT(date_weekday(date), (tm.tm_wday + 6) % 7);
	}
}

static void dates_count_days(void)
{
	struct date last = { 2262, 12, 31 };
	int64_t days = date_to_days((struct date){ 1678, 1, 1 });

	IS_INT(date_to_days((struct date){ 1970, 1, 1 }), 0);
	IS_INT(date_to_days((struct date){ 1969, 12, 31 }), -1);
	IS_INT(date_to_days((struct date){ 2000, 3, 1 }), 11017);
	IS_INT(date_to_days((struct date){ 0, 1, 1 }), -719528);
	IS_INT(days, -106650);
	for (int year = 1678, month = 1, day = 0; days <= date_to_days(last); days++) {
		struct date date = date_from_days(days);

		if (date.day != day + 1) {
			OK(day >= 28 && date.day == 1);
			OK(date.month == month + 1 ||
				(month == 12 && date.month == 1 && date.year == year + 1));
		}
		year = date.year;
		month = date.month;
		day = date.day;
		if (date_to_days(date) != days && !IS_INT(date_to_days(date), days))
			return;
	}
	/* Far outside, and before year 0. */
	for (days = -800000; days < 5000000; days += 1009)
		IS_INT(date_to_days(date_from_days(days)), days);
}

static void weekdays(void)
{
	IS_INT(date_weekday((struct date){ 1970, 1, 1 }), 3);
	IS_INT(date_weekday((struct date){ 2026, 2, 2 }), 0);
	IS_INT(date_weekday((struct date){ 2026, 2, 8 }), 6);
	IS_INT(date_weekday((struct date){ 1969, 12, 29 }), 0);
	IS_INT(date_weekday((struct date){ 1969, 12, 28 }), 6);
}

static void dates_parse(void)
{
	static const char *const wrong[] = { "", "2026-2-3", "2026-02-30", "2026-02-03T",
		"2026-02-03 ", "1677-12-31", "2263-01-01", "2100-02-29", "today", "20260203" };
	struct date date = { 0 };
	struct err err = { 0 };

	IS_INT(date_parse(STR("2024-02-29"), &date, &err), 0);
	IS_INT(date.year, 2024);
	IS_INT(date.month, 2);
	IS_INT(date.day, 29);
	IS_INT(date_parse(STR("1678-01-01"), &date, &err), 0);
	IS_INT(date_parse(STR("2262-12-31"), &date, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		tap_is_int(date_parse(str_from(wrong[i]), &date, &err), ERR_PARSE, wrong[i],
			__FILE__, __LINE__);
		OK(strstr(err.message, "YYYY-MM-DD") != NULL);
	}
}

static void floors_to_milliseconds(void)
{
	IS_INT(time_floor_ms(1999999), 1000000);
	IS_INT(time_floor_ms(2000000), 2000000);
	IS_INT(time_floor_ms(0), 0);
	IS_INT(time_floor_ms(-1), -1000000);
	IS_INT(time_floor_ms(-1000000), -1000000);
	IS_INT(time_floor_ms(INT64_MAX), INT64_C(9223372036854000000));
	IS_INT(time_floor_ms(INT64_MIN), INT64_C(-9223372036854000000));
}

static void people_type_times(void)
{
	static const struct {
		const char *text;
		int64_t before_ns;
	} rows[] = {
		{ "now", 0 },
		{ " now ", 0 },
		{ "0 minutes ago", 0 },
		{ "1 minute ago", NS_PER_MINUTE },
		{ "90 minutes ago", 90 * NS_PER_MINUTE },
		{ "1 hour ago", NS_PER_HOUR },
		{ "3  days   ago", 72 * NS_PER_HOUR },
		{ "2 weeks ago", 336 * NS_PER_HOUR },
		{ "10000 weeks ago", 10000 * 168 * NS_PER_HOUR },
		{ "2026-02-03T14:32:00Z", NS_PER_S },
	};
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ns = 42;

		IS_INT(time_parse_human(str_from(rows[i].text), AT * NS_PER_S, &ns, &err), 0);
		tap_is_int(ns, AT * NS_PER_S - rows[i].before_ns, rows[i].text, __FILE__, __LINE__);
	}
}

static void what_people_mistype_names_both_forms(void)
{
	static const char *const wrong[] = { "", "ago", "days ago", "3 days", "3 daysago",
		"3 fortnights ago", "10001 days ago", "-3 days ago", "3.5 days ago",
		"3 days ago ago", "3 3 days ago", "99999999999999999999 days ago", "2026-02-03",
		"s ago", "3 s ago", "3\tdays ago" };
	struct err err = { 0 };
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		tap_is_int(time_parse_human(str_from(wrong[i]), AT * NS_PER_S, &ns, &err),
			ERR_PARSE, wrong[i], __FILE__, __LINE__);
		OK(strstr(err.message, "RFC 3339") != NULL);
		OK(strstr(err.message, "ago'") != NULL);
	}
	IS_INT(time_parse_human(STR("10000 weeks ago"), INT64_C(-8000000000) * NS_PER_S, &ns, &err),
		ERR_PARSE);
	OK(strstr(err.message, "1678 to 2262") != NULL);
	IS_INT(time_parse_human(STR("10000 weeks ago"), INT64_MIN, &ns, &err), ERR_PARSE);
}

static void durations_parse(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "90s", 90 * NS_PER_S },
		{ "5m", 5 * NS_PER_MINUTE },
		{ "30min", 30 * NS_PER_MINUTE },
		{ "2h", 2 * NS_PER_HOUR },
		{ "7d", 168 * NS_PER_HOUR },
		{ "2w", 336 * NS_PER_HOUR },
		{ "250ms", 250 * NS_PER_MS },
		{ "9223372036s", INT64_C(9223372036) * NS_PER_S },
		{ "0000000000000000000000001s", NS_PER_S },
	};
	static const char *const wrong[] = { "", "s", "5", "0s", "-5m", "+5m", "1.5h", "5 m", "5M",
		"5m ", "5mm", "h5", "9223372037s", "99999999999999999999ms", "15251w" };
	struct err err = { 0 };
	int64_t ns = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		IS_INT(duration_parse(str_from(rows[i].text), &ns, &err), 0);
		tap_is_int(ns, rows[i].ns, rows[i].text, __FILE__, __LINE__);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		tap_is_int(duration_parse(str_from(wrong[i]), &ns, &err), ERR_PARSE, wrong[i],
			__FILE__, __LINE__);
		OK(strstr(err.message, "as in 90s") != NULL);
	}
}

static void durations_for_people(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0m" },
		{ 59999, "0m" },
		{ 60000, "1m" },
		{ 119999, "1m" },
		{ 2700000, "45m" },
		{ 3599999, "59m" },
		{ 3600000, "1h 0m" },
		{ 9000000, "2h 30m" },
		{ 86400000, "24h 0m" },
		{ 604800000, "168h 0m" },
		{ -5, "0m" },
		{ -3600000, "0m" },
		{ INT64_MIN, "0m" },
		{ INT64_MAX, "2562047788015h 12m" },
	};
	char text[TIME_TEXT_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_CSTR(duration_format(rows[i].ms, text), rows[i].text);
}

static const struct tap_case cases[] = {
	TAP_CASE(parses_every_form),
	TAP_CASE(rejects_with_a_reason),
	TAP_CASE(every_cut_of_an_instant_is_rejected),
	TAP_CASE(range_is_exact),
	TAP_CASE(formats),
	TAP_CASE(agrees_with_the_c_library),
	TAP_CASE(dates_count_days),
	TAP_CASE(weekdays),
	TAP_CASE(dates_parse),
	TAP_CASE(floors_to_milliseconds),
	TAP_CASE(people_type_times),
	TAP_CASE(what_people_mistype_names_both_forms),
	TAP_CASE(durations_parse),
	TAP_CASE(durations_for_people),
};
TAP_MAIN(cases)
