/*
 * Instants as text and back. Parsing and formatting are done by hand, byte by byte: every event id
 * carries an instant, so both run once per event, and the C library's would drag in the process's
 * locale and zone.
 *
 * Calendar arithmetic counts days from 0000-01-01 in cycles of 400 years, within which all values
 * are positive. The range of instants is checked in whole seconds before anything is multiplied
 * into nanoseconds.
 */
#include "base/time.h"

#include <stdio.h>

#include "base/utf8.h"

#define INSTANT_FORM "RFC 3339, as in 2026-02-03T14:32:01.250Z"
#define HUMAN_FORM INSTANT_FORM ", or as in '3 days ago' (minutes, hours, days, weeks), or 'now'"
#define DURATION_FORM "a whole number and a unit (ms, s, m, min, h, d, w), as in 90s"
#define NS_PER_DAY (24 * NS_PER_HOUR)

enum {
	YEAR_MIN = 1678,
	YEAR_MAX = 2262,
	CYCLE_YEARS = 400,
	CYCLE_DAYS = 146097,
	EPOCH_DAYS = 719528, /* from 0000-01-01 to 1970-01-01 */
	DATE_BYTES = 10,
	DATE_TIME_BYTES = 19,
	AGO_MAX = 10000,
	SHOWN_BYTES = 60, /* of a rejected text, in its error */
};

static const int64_t first_s = INT64_C(-9214560000); /* 1678-01-01T00:00:00Z */
static const int64_t last_s = INT64_MAX / NS_PER_S;
static const int64_t last_fraction_ns = INT64_MAX % NS_PER_S;

struct moment {
	struct date date;
	int hour;
	int minute;
	int second;
	int fraction_ns;
	int offset_s;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* COUNT digits at AT. */
static bool read_digits(struct str text, size_t at, size_t count, int *out)
{
	int value = 0;

	if (text.len < at + count)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (!is_digit(text.ptr[i]))
			return false;
		value = value * 10 + (text.ptr[i] - '0');
	}
	*out = value;
	return true;
}

static bool is_byte(struct str text, size_t at, char byte)
{
	return at < text.len && text.ptr[at] == byte;
}

static bool is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap_year(year));
}

/*
 * The readers below return what is wrong with the text, or NULL.
 */
static const char *read_date(struct str text, struct date *out)
{
	if (!read_digits(text, 0, 4, &out->year) || !is_byte(text, 4, '-') ||
		!read_digits(text, 5, 2, &out->month) || !is_byte(text, 7, '-') ||
		!read_digits(text, 8, 2, &out->day))
		return "it does not start with a date YYYY-MM-DD";
	if (out->month < 1 || out->month > 12)
		return "the month is not 01 to 12";
	if (out->day < 1 || out->day > days_in_month(out->year, out->month))
		return "the month has no such day";
	return NULL;
}

static const char *read_time_of_day(struct str text, struct moment *out)
{
	if (!is_byte(text, DATE_BYTES, 'T') && !is_byte(text, DATE_BYTES, 't') &&
		!is_byte(text, DATE_BYTES, ' '))
		return "no 'T' follows the date";
	if (!read_digits(text, 11, 2, &out->hour) || !is_byte(text, 13, ':') ||
		!read_digits(text, 14, 2, &out->minute) || !is_byte(text, 16, ':') ||
		!read_digits(text, 17, 2, &out->second))
		return "no time of day HH:MM:SS follows the date";
	if (out->hour > 23)
		return "the hour is not 00 to 23";
	if (out->minute > 59)
		return "the minute is not 00 to 59";
	if (out->second > 60)
		return "the second is not 00 to 60";
	return NULL;
}

/* From *AT, which moves behind it. */
static const char *read_fraction(struct str text, size_t *at, int *out_ns)
{
	int scale = 100000000;

	*out_ns = 0;
	if (!is_byte(text, *at, '.'))
		return NULL;
	++*at;
	if (*at >= text.len || !is_digit(text.ptr[*at]))
		return "no digit follows the decimal point";
	for (; *at < text.len && is_digit(text.ptr[*at]); ++*at) {
		*out_ns += (text.ptr[*at] - '0') * scale;
		scale /= 10;
	}
	return NULL;
}

static const char *read_offset(struct str text, size_t at, int *out_s)
{
	int hours, minutes;

	*out_s = 0;
	if (is_byte(text, at, 'Z') || is_byte(text, at, 'z'))
		return at + 1 == text.len ? NULL : "something follows the 'Z'";
	if ((!is_byte(text, at, '+') && !is_byte(text, at, '-')) ||
		!read_digits(text, at + 1, 2, &hours) || !is_byte(text, at + 3, ':') ||
		!read_digits(text, at + 4, 2, &minutes))
		return "neither 'Z' nor an offset +HH:MM follows the time";
	if (hours > 23 || minutes > 59)
		return "the offset is not 00:00 to 23:59";
	if (at + 6 != text.len)
		return "something follows the offset";
	*out_s = (hours * 60 + minutes) * 60;
	if (text.ptr[at] == '-')
		*out_s = -*out_s;
	return NULL;
}

static const char *read_moment(struct str text, struct moment *out)
{
	size_t at = DATE_TIME_BYTES;
	const char *fault = read_date(text, &out->date);

	if (!fault)
		fault = read_time_of_day(text, out);
	if (!fault)
		fault = read_fraction(text, &at, &out->fraction_ns);
	if (!fault)
		fault = read_offset(text, at, &out->offset_s);
	return fault;
}

static const char *read_instant(struct str text, int64_t *out_ns)
{
	struct moment m;
	const char *fault = read_moment(text, &m);
	int64_t s;

	if (fault)
		return fault;
	if (m.second == 60)
		m.fraction_ns = 0;
	s = date_to_days(m.date) * 86400 + m.hour * 3600 + m.minute * 60 + m.second - m.offset_s;
	if (s < first_s || s > last_s || (s == last_s && m.fraction_ns > last_fraction_ns))
		return "it is not within the years 1678 to 2262";
	*out_ns = s * NS_PER_S + m.fraction_ns;
	return NULL;
}

int time_parse(struct str text, int64_t *out_ns, struct err *err)
{
	const char *fault = read_instant(text, out_ns);

	if (!fault)
		return 0;
	return err_set(err, ERR_PARSE, "'%.*s' is not an instant: %s (expected: " INSTANT_FORM ")",
		STR_ARG(utf8_cut(text, SHOWN_BYTES)), fault);
}

int date_parse(struct str text, struct date *out, struct err *err)
{
	const char *fault = read_date(text, out);

	if (!fault && text.len != DATE_BYTES)
		fault = "something follows it";
	else if (!fault && (out->year < YEAR_MIN || out->year > YEAR_MAX))
		fault = "it is not within the years 1678 to 2262";
	if (!fault)
		return 0;
	return err_set(err, ERR_PARSE, "'%.*s' is not a date: %s (expected: YYYY-MM-DD)",
		STR_ARG(utf8_cut(text, SHOWN_BYTES)), fault);
}

/* Days from the start of a 400-year cycle to the start of its YEAR (0 to 400); year 0 of a cycle is
 * a leap year. */
static int64_t days_before_year(int64_t year)
{
	return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

int64_t date_to_days(struct date date)
{
	static const int before_month[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t cycle = date.year / CYCLE_YEARS;
	int64_t year = date.year % CYCLE_YEARS;

	ASSERT(date.month >= 1 && date.month <= 12);
	if (year < 0) {
		year += CYCLE_YEARS;
		cycle--;
	}
	return cycle * CYCLE_DAYS + days_before_year(year) + before_month[date.month - 1] +
	       (date.month > 2 && is_leap_year(date.year)) + date.day - 1 - EPOCH_DAYS;
}

struct date date_from_days(int64_t days)
{
	int64_t from_zero = days + EPOCH_DAYS;
	int64_t cycle = from_zero / CYCLE_DAYS;
	int64_t rest = from_zero % CYCLE_DAYS;
	struct date date = { .month = 1 };
	int64_t year;

	if (rest < 0) {
		rest += CYCLE_DAYS;
		cycle--;
	}
	year = rest / 365; /* at most one too many: a cycle has 97 leap days */
	if (days_before_year(year) > rest)
		year--;
	rest -= days_before_year(year);
	date.year = (int)(cycle * CYCLE_YEARS + year);
	for (; rest >= days_in_month(date.year, date.month); date.month++)
		rest -= days_in_month(date.year, date.month);
	date.day = (int)rest + 1;
	return date;
}

int date_weekday(struct date date)
{
	int64_t weekday = (date_to_days(date) + 3) % 7; /* 1970-01-01 was a Thursday */

	return (int)(weekday < 0 ? weekday + 7 : weekday);
}

/* COUNT digits of VALUE at OUT and the byte AFTER; returns what follows. */
static char *put_digits(char *out, int64_t value, size_t count, char after)
{
	for (size_t i = count; i-- > 0; value /= 10)
		out[i] = (char)('0' + value % 10);
	out[count] = after;
	return out + count + 1;
}

const char *time_format(int64_t ns, int digits, char text[static TIME_TEXT_BYTES])
{
	static const int64_t unit_ns[] = { NS_PER_S, NS_PER_MS, 1000, 1 };
	int64_t days = ns / NS_PER_DAY;
	int64_t rest = ns % NS_PER_DAY;
	struct date date;
	char *end = text;

	ASSERT(digits == 0 || digits == 3 || digits == 6 || digits == 9);
	if (rest < 0) {
		rest += NS_PER_DAY;
		days--;
	}
	date = date_from_days(days);
	end = put_digits(end, date.year, 4, '-');
	end = put_digits(end, date.month, 2, '-');
	end = put_digits(end, date.day, 2, 'T');
	end = put_digits(end, rest / NS_PER_HOUR, 2, ':');
	end = put_digits(end, rest / NS_PER_MINUTE % 60, 2, ':');
	end = put_digits(end, rest / NS_PER_S % 60, 2, digits ? '.' : 'Z');
	if (digits)
		end = put_digits(end, rest % NS_PER_S / unit_ns[digits / 3], (size_t)digits, 'Z');
	*end = '\0';
	return text;
}

const char *time_format_exact(int64_t ns, char text[static TIME_TEXT_BYTES])
{
	return time_format(ns, ns % NS_PER_MS == 0 ? 3 : ns % 1000 == 0 ? 6 : 9, text);
}

bool time_plausible(int64_t ns)
{
	return ns >= INT64_C(1420070400) * NS_PER_S && ns < INT64_C(4102444800) * NS_PER_S;
}

int64_t time_floor_ms(int64_t ns)
{
	int64_t rest = ns % NS_PER_MS;

	if (rest < 0)
		rest += NS_PER_MS;
	/* The first whole millisecond there is, where the one before cannot be represented. */
	return ns < INT64_MIN + rest ? ns + (NS_PER_MS - rest) : ns - rest;
}

/* The next word of *REST, which moves behind it; empty at the end. */
static struct str next_word(struct str *rest)
{
	struct str word = { 0 };

	while (rest->len > 0 && word.len == 0)
		word = str_split(rest, ' ');
	return word;
}

/* 0 if WORD is no unit of time. */
static int64_t ago_unit_ns(struct str word)
{
	static const struct {
		struct str name;
		int64_t ns;
	} units[] = {
		{ STR_INIT("minute"), NS_PER_MINUTE },
		{ STR_INIT("hour"), NS_PER_HOUR },
		{ STR_INIT("day"), NS_PER_DAY },
		{ STR_INIT("week"), 7 * NS_PER_DAY },
	};

	if (str_ends(word, STR("s")))
		word.len--;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(word, units[i].name))
			return units[i].ns;
	return 0;
}

static const char *read_ago(struct str text, int64_t now_ns, int64_t *out_ns)
{
	struct str number = next_word(&text);
	int64_t unit_ns = ago_unit_ns(next_word(&text));
	uint64_t count;

	if (unit_ns == 0 || !str_eq_c(next_word(&text), "ago") || next_word(&text).len > 0)
		return "it follows no known form";
	if (!str_to_u64(number, &count))
		return "it does not start with a whole number";
	if (count > AGO_MAX)
		return "the number is above 10,000";
	if (__builtin_sub_overflow(now_ns, (int64_t)count * unit_ns, out_ns) ||
		*out_ns < first_s * NS_PER_S)
		return "it is not within the years 1678 to 2262";
	return NULL;
}

int time_parse_human(struct str text, int64_t now_ns, int64_t *out_ns, struct err *err)
{
	const char *fault;

	text = str_trim(text);
	if (str_eq_c(text, "now")) {
		*out_ns = now_ns;
		return 0;
	}
	/* Whose complaint to show depends on what it looks like. */
	if (str_ends(text, STR("ago")))
		fault = read_ago(text, now_ns, out_ns);
	else
		fault = read_instant(text, out_ns);
	if (!fault)
		return 0;
	return err_set(err, ERR_PARSE, "'%.*s' is not a time: %s (expected: " HUMAN_FORM ")",
		STR_ARG(utf8_cut(text, SHOWN_BYTES)), fault);
}

/* 0 if NAME is no unit of time. */
static int64_t duration_unit_ns(struct str name)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ms", NS_PER_MS },
		{ "s", NS_PER_S },
		{ "m", NS_PER_MINUTE },
		{ "min", NS_PER_MINUTE },
		{ "h", NS_PER_HOUR },
		{ "d", NS_PER_DAY },
		{ "w", 7 * NS_PER_DAY },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq_c(name, units[i].name))
			return units[i].ns;
	return 0;
}

static const char *read_duration(struct str text, int64_t *out_ns)
{
	size_t digits = 0;
	int64_t count, unit_ns;

	while (digits < text.len && is_digit(text.ptr[digits]))
		digits++;
	if (digits == 0)
		return "it does not start with a whole number";
	unit_ns = duration_unit_ns(str_sub(text, digits, text.len));
	if (unit_ns == 0)
		return "the unit is not known";
	if (!str_to_i64(str_sub(text, 0, digits), &count) ||
		__builtin_mul_overflow(count, unit_ns, out_ns))
		return "it is above 292 years";
	return count == 0 ? "it is not positive" : NULL;
}

int duration_parse(struct str text, int64_t *out_ns, struct err *err)
{
	const char *fault = read_duration(text, out_ns);

	if (!fault)
		return 0;
	return err_set(err, ERR_PARSE, "'%.*s' is not a duration: %s (expected: " DURATION_FORM ")",
		STR_ARG(utf8_cut(text, SHOWN_BYTES)), fault);
}

const char *duration_format(int64_t ms, char text[static TIME_TEXT_BYTES])
{
	int64_t minutes = ms > 0 ? ms / 60000 : 0;

	if (minutes < 60)
		snprintf(text, TIME_TEXT_BYTES, "%dm", (int)minutes);
	else
		snprintf(text, TIME_TEXT_BYTES, "%lldh %dm", (long long)(minutes / 60),
			(int)(minutes % 60));
	return text;
}
