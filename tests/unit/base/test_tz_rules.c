/* POSIX TZ strings: what is accepted, and when the rules strike. Whole zones are tested in
 * test_zone.c. */
#include "base/tz_rules.h"

#include "base/time.h"
#include "tap.h"

static int64_t instant_s(const char *text)
{
	struct err err;
	int64_t ns = 0;

	OK(time_parse(str_from(text), &ns, &err) == 0);
	return ns / NS_PER_S;
}

static void accepts(void)
{
	static const struct {
		const char *text;
		int32_t standard_s;
		int32_t daylight_s; /* 0: none */
	} rows[] = {
		{ "UTC0", 0, 0 },
		{ "CET-1", 3600, 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200 },
		{ "EST5EDT", -18000, -14400 },
		{ "<+03>-3", 10800, 0 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600 },
		{ "<+0330>-3:30", 12600, 0 },
		{ "LHST-10:30LHDT-11,M10.1.0,M4.1.0", 37800, 39600 },
		{ "ABC+24:59:59", -89999, 0 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 3600, 0 },
		{ "NZST-12NZDT,J60/2:30:15,300/+3", 43200, 46800 },
		{ "XXX0YYY,M1.1.0/-167,M12.5.6/167:59:59", 0, 3600 },
		{ "XXX0YYY,0,365", 0, 3600 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tz_rules rules;

		tap_check(tz_rules_parse(str_from(rows[i].text), &rules), __FILE__, __LINE__, "%s",
			rows[i].text);
		tap_is_int(rules.standard_s, rows[i].standard_s, rows[i].text, __FILE__, __LINE__);
		tap_is_int(rules.daylight_s, rows[i].daylight_s, rows[i].text, __FILE__, __LINE__);
		IS_INT(rules.has_daylight,
			strpbrk(rows[i].text, ",") != NULL || !strcmp(rows[i].text, "EST5EDT"));
	}
}

static void rejects(void)
{
	static const char *const rows[] = { "", "UTC", "AB3", "<+3>-3", "<+03-3", "+03>-3",
		"<+0 3>-3", "CET-25", "CET-1:60", "CET-1:00:60", "CET--1", "CET-", "CET-1 ",
		"CET-1C", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,",
		"CET-1CEST,M3.5.0,M10.5.0/3,", "CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5,M10.5.0", "CET-1CEST,J0,J300",
		"CET-1CEST,J1,J366", "CET-1CEST,0,366", "CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/-168,M10.5.0", "CET-1CEST,M3.5.0/,M10.5.0",
		"CET-1CEST;M3.5.0;M10.5.0", ":UTC0", "CET-99999999999999999999",
		"CET-1,M3.5.0,M10.5.0" };
	struct tz_rules rules;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tap_check(!tz_rules_parse(str_from(rows[i]), &rules), __FILE__, __LINE__,
			"accepted %s", rows[i]);
	OK(!tz_rules_parse((struct str){ "UTC0\0", 5 }, &rules));
}

/* Each change of a year: just before it and at it. */
static void strikes(void)
{
	static const struct {
		const char *text;
		const char *at;
		int32_t before_s;
		int32_t after_s;
	} rows[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 3600, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 7200, 3600 },
		/* The fifth Sunday is the fourth, when there are four. */
		{ "CET-1CEST,M2.5.0,M10.5.0/3", "2026-02-22T01:00:00Z", 3600, 7200 },
		{ "CET-1CEST,M12.5.4,M6.1.1", "2026-12-31T01:00:00Z", 3600, 7200 },
		{ "CET-1CEST,M12.5.4,M6.1.1", "2026-06-01T00:00:00Z", 7200, 3600 },
		/* Nuuk: at -1 o'clock, hence on Saturday. */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -7200, -3600 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-10-25T01:00:00Z", -3600, -7200 },
		/* Jerusalem: 26 o'clock on the fourth Thursday. */
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 7200, 10800 },
		/* February 29 counts for n, never for Jn. */
		{ "AAA0BBB,J59/0,J60/0", "2024-02-28T00:00:00Z", 0, 3600 },
		{ "AAA0BBB,J59/0,J60/0", "2024-02-29T23:00:00Z", 3600, 0 },
		{ "AAA0BBB,J59/0,J60/0", "2026-02-28T23:00:00Z", 3600, 0 },
		{ "AAA0BBB,58/0,60/0", "2024-02-28T00:00:00Z", 0, 3600 },
		{ "AAA0BBB,58/0,60/0", "2024-02-29T23:00:00Z", 3600, 0 },
		{ "AAA0BBB,58/0,60/0", "2026-03-01T23:00:00Z", 3600, 0 },
		/* In another year than the rule's own. */
		{ "AAA0BBB,J1/-48,J200/0", "2025-12-30T00:00:00Z", 0, 3600 },
		{ "AAA0BBB,J200/0,J365/97", "2027-01-04T00:00:00Z", 3600, 0 },
		{ "AAA0BBB,J365/167,J364/167", "2026-01-05T22:00:00Z", 3600, 0 },
		/* Ireland: standard time is in summer, the other an hour behind. */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25T01:00:00Z", 3600, 0 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T01:00:00Z", 0, 3600 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tz_rules rules;
		int64_t at_s = instant_s(rows[i].at), next_s = 0;

		if (!OK(tz_rules_parse(str_from(rows[i].text), &rules)))
			continue;
		tap_is_int(tz_rules_offset_s(&rules, at_s - 1), rows[i].before_s, rows[i].at,
			__FILE__, __LINE__);
		tap_is_int(tz_rules_offset_s(&rules, at_s), rows[i].after_s, rows[i].at, __FILE__,
			__LINE__);
		OK(tz_rules_next_change(&rules, at_s - 1, &next_s));
		tap_is_int(next_s, at_s, rows[i].at, __FILE__, __LINE__);
		OK(tz_rules_next_change(&rules, at_s, &next_s));
		OK(next_s > at_s);
	}
}

static void never_strikes(void)
{
	struct tz_rules rules;
	int64_t next_s = 7;

	OK(tz_rules_parse(STR("<+0545>-5:45"), &rules));
	OK(!tz_rules_next_change(&rules, 0, &next_s));
	IS_INT(next_s, 7);
	IS_INT(tz_rules_offset_s(&rules, INT32_MAX), 20700);
	/* Daylight time all year, in the two spellings that RFC 8536 and RFC 9636 give. */
	OK(tz_rules_parse(STR("EST5EDT,0/0,J365/25"), &rules));
	for (int64_t s = instant_s("2025-12-30T00:00:00Z"); s < instant_s("2027-01-03T00:00:00Z");
		s += 1800)
		IS_INT(tz_rules_offset_s(&rules, s), -14400);
	OK(tz_rules_parse(STR("XXX3EDT4,0/0,J365/23"), &rules));
	for (int64_t s = instant_s("2025-12-30T00:00:00Z"); s < instant_s("2027-01-03T00:00:00Z");
		s += 1800)
		IS_INT(tz_rules_offset_s(&rules, s), -14400);
}

static const struct tap_case cases[] = {
	TAP_CASE(accepts),
	TAP_CASE(rejects),
	TAP_CASE(strikes),
	TAP_CASE(never_strikes),
};
TAP_MAIN(cases)
