/*
 * Any bytes as a TZif file or, up to the first newline, as a POSIX TZ string. In the zone that
 * results, local time and instants must fit together:
 *   - the pieces of local time at an instant add up to the instant plus the offset;
 *   - the way back from them leads to that instant, or to an earlier one that shows the same;
 *   - zone_instant answers with the first instant that shows a local time, or, when no instant
 * does, with the end of the gap. The last eight bytes choose the instant to try.
 */
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DAY_S = 86400, PROBE_S = 15 * 60, REACH_S = 27 * 3600 };

static int64_t shown_s(const struct zone *zone, int64_t at_s)
{
	return at_s + zone_offset_s(zone, at_s * NS_PER_S);
}

static void check_wall(const struct zone *zone, struct date date, int32_t seconds)
{
	int64_t wanted_s = date_to_days(date) * DAY_S + seconds;
	int64_t at_ns = zone_instant(zone, date, seconds);
	int64_t at_s = at_ns / NS_PER_S;
	bool skipped;

	ASSERT(at_ns % NS_PER_S == 0);
	skipped = shown_s(zone, at_s) != wanted_s;
	if (skipped) {
		ASSERT(shown_s(zone, at_s) > wanted_s);
		ASSERT(shown_s(zone, at_s - 1) < wanted_s);
	} else {
		ASSERT(date_to_days(zone_date(zone, at_ns)) == date_to_days(date));
	}
	for (int64_t probe_s = wanted_s - REACH_S; probe_s <= wanted_s + REACH_S;
		probe_s += PROBE_S) {
		int64_t candidate_s = wanted_s - zone_offset_s(zone, probe_s * NS_PER_S);

		if (shown_s(zone, candidate_s) == wanted_s)
			ASSERT(!skipped && candidate_s >= at_s);
	}
}

static void check_instant(const struct zone *zone, int64_t at_s)
{
	struct date date = zone_date(zone, at_s * NS_PER_S);
	int hour, minute, second;
	int32_t seconds;
	int64_t back_ns;

	zone_clock(zone, at_s * NS_PER_S, &hour, &minute, &second);
	ASSERT(hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60);
	seconds = (hour * 60 + minute) * 60 + second;
	ASSERT(date_to_days(date) * DAY_S + seconds == shown_s(zone, at_s));
	back_ns = zone_instant(zone, date, seconds);
	ASSERT(back_ns <= at_s * NS_PER_S);
	ASSERT(shown_s(zone, back_ns / NS_PER_S) == shown_s(zone, at_s));
	check_wall(zone, date, seconds);
	check_wall(zone, date, 0);
	date = date_from_days(date_to_days(date) + 1);
	check_wall(zone, date, 0);
}

/* The walls around the next change within a year: before, in and behind a gap or a doubled time. */
static void check_next_change(const struct zone *zone, int64_t from_s)
{
	int64_t low_s = from_s, high_s = from_s;
	int64_t walls_s[5];

	while (shown_s(zone, high_s) - high_s == shown_s(zone, from_s) - from_s) {
		low_s = high_s;
		high_s += DAY_S;
		if (high_s > from_s + 366 * DAY_S)
			return;
	}
	while (high_s - low_s > 1) {
		int64_t middle_s = low_s + (high_s - low_s) / 2;

		if (shown_s(zone, middle_s) - middle_s == shown_s(zone, from_s) - from_s)
			low_s = middle_s;
		else
			high_s = middle_s;
	}
	walls_s[0] = shown_s(zone, low_s);
	walls_s[1] = shown_s(zone, low_s) + 1;
	walls_s[2] = shown_s(zone, low_s) + (shown_s(zone, high_s) - shown_s(zone, low_s)) / 2;
	walls_s[3] = shown_s(zone, high_s) - 1;
	walls_s[4] = shown_s(zone, high_s);
	for (size_t i = 0; i < ARRAY_LEN(walls_s); i++) {
		int64_t days = walls_s[i] / DAY_S - (walls_s[i] % DAY_S < 0);

		check_wall(zone, date_from_days(days), (int32_t)(walls_s[i] - days * DAY_S));
	}
}

static int open_any(struct zone **zone, struct str bytes)
{
	struct err err = { 0 };
	struct str text = bytes;
	int code;

	if (str_starts(bytes, STR("TZif")))
		code = zone_from_tzif(zone, bytes, STR("fuzz"), &err);
	else
		code = zone_from_posix(zone, str_split(&text, '\n'), &err);
	ASSERT(code == 0 || (code == ERR_PARSE && err.code == code && *zone == NULL));
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t fixed_s[] = { INT64_C(-9214000000), -1, 1762056000, 1772942400,
		2147483648, INT64_C(9223000000) };
	struct str bytes = { (const char *)data, size };
	CLEANUP(zone_freep) struct zone *zone = NULL;
	int64_t number = 0;

	if (open_any(&zone, bytes) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(fixed_s); i++)
		check_instant(zone, fixed_s[i]);
	if (size >= sizeof(number))
		memcpy(&number, data + size - sizeof(number), sizeof(number));
	check_instant(zone, number % INT64_C(9223000000));
	check_instant(zone, number % INT64_C(2200000000));
	check_next_change(zone, 1767225600); /* 2026-01-01T00:00:00Z */
	check_next_change(zone, number % INT64_C(9000000000));
	return 0;
}
