/*
 * What time_parse accepts is written exactly and read again as the same instant, and writing it
 * again changes nothing. The first eight bytes also serve as an instant of their own, so that every
 * instant is tried and not only those that parse.
 */
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_instant(int64_t ns)
{
	char text[TIME_TEXT_BYTES], again[TIME_TEXT_BYTES];
	struct err err;
	int64_t back;

	time_format_exact(ns, text);
	ASSERT(time_parse(str_from(text), &back, &err) == 0);
	ASSERT(back == ns);
	ASSERT(strcmp(time_format_exact(back, again), text) == 0);
	ASSERT(time_parse(str_from(time_format(ns, 9, text)), &back, &err) == 0);
	ASSERT(back == ns);
	ASSERT(time_parse(str_from(time_format(ns, 3, text)), &back, &err) == 0);
	ASSERT(back == time_floor_ms(ns) && back <= ns && ns - back < NS_PER_MS);
}

static void check_date(struct str text)
{
	struct date date, back;
	struct err err;

	if (date_parse(text, &date, &err) < 0)
		return;
	back = date_from_days(date_to_days(date));
	ASSERT(back.year == date.year && back.month == date.month && back.day == date.day);
	ASSERT((date_weekday(date) + 1) % 7 ==
		date_weekday(date_from_days(date_to_days(date) + 1)));
}

/* Any day of the calendar, and the one after it. */
static void check_days(int64_t days)
{
	struct date date = date_from_days(days);

	ASSERT(date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31);
	ASSERT(date_to_days(date) == days);
	date.day++;
	ASSERT(date_to_days(date) == days + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct err err, human_err;
	char shown[TIME_TEXT_BYTES];
	int64_t ns, human_ns, number;

	if (time_parse(text, &ns, &err) == 0) {
		check_instant(ns);
		ASSERT(time_parse_human(text, 0, &human_ns, &human_err) == 0 && human_ns == ns);
	} else {
		ASSERT(err.code == ERR_PARSE);
	}
	if (time_parse_human(text, INT64_C(1770129121250000000), &human_ns, &human_err) == 0)
		check_instant(human_ns);
	if (duration_parse(text, &ns, &err) == 0)
		ASSERT(ns > 0 && ns % NS_PER_MS == 0);
	check_date(text);
	if (size < sizeof(number))
		return 0;
	memcpy(&number, data, sizeof(number));
	check_days(number % INT64_C(700000000000));
	ASSERT(strlen(duration_format(number, shown)) < TIME_TEXT_BYTES);
	if (number >= INT64_C(-9214560000) * NS_PER_S)
		check_instant(number);
	return 0;
}
