/*
 * POSIX TZ strings. A year has at most one start and one end of daylight time; what holds at an
 * instant is decided by the last change before it among those of the years around, which copes with
 * rules that strike in another year than their own.
 */
#include "base/tz_rules.h"

#include "base/time.h"

enum {
	DAY_S = 86400,
	OFFSET_HOURS_MAX = 24,
	RULE_HOURS_MAX = 167,
	RULE_YEARS = 5,
};

/* From AT_S on, OFFSET_S holds. */
struct change {
	int64_t at_s;
	int32_t offset_s;
};

/*
 * The POSIX TZ string. Readers take what they read off the front of TEXT and say whether it was
 * there.
 */
static bool take_byte(struct str *text, char byte)
{
	if (text->len == 0 || text->ptr[0] != byte)
		return false;
	*text = str_sub(*text, 1, text->len);
	return true;
}

static bool take_number(struct str *text, int min, int max, int *out)
{
	int value = 0;
	size_t digits = 0;

	for (; digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9';
		digits++) {
		value = value * 10 + (text->ptr[digits] - '0');
		if (value > max)
			return false;
	}
	*text = str_sub(*text, digits, text->len);
	*out = value;
	return digits > 0 && value >= min;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_quoted_byte(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

/* "CET" or "<+03>". */
static bool take_abbreviation(struct str *text)
{
	bool quoted = take_byte(text, '<');
	size_t len = 0;

	while (len < text->len &&
		(quoted ? is_quoted_byte(text->ptr[len]) : is_letter(text->ptr[len])))
		len++;
	*text = str_sub(*text, len, text->len);
	return len >= 3 && (!quoted || take_byte(text, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_hms(struct str *text, int max_hours, int32_t *out_s)
{
	bool negative = take_byte(text, '-');
	int hours, minutes = 0, seconds = 0;

	if (!negative)
		take_byte(text, '+');
	if (!take_number(text, 0, max_hours, &hours))
		return false;
	if (take_byte(text, ':')) {
		if (!take_number(text, 0, 59, &minutes))
			return false;
		if (take_byte(text, ':') && !take_number(text, 0, 59, &seconds))
			return false;
	}
	*out_s = (hours * 60 + minutes) * 60 + seconds;
	if (negative)
		*out_s = -*out_s;
	return true;
}

static bool take_rule(struct str *text, struct tz_rule *out)
{
	bool ok;

	*out = (struct tz_rule){ .form = TZ_RULE_DAY, .time_s = 2 * 3600 };
	if (!take_byte(text, ','))
		return false;
	if (take_byte(text, 'M')) {
		out->form = TZ_RULE_WEEKDAY;
		ok = take_number(text, 1, 12, &out->month) && take_byte(text, '.') &&
		     take_number(text, 1, 5, &out->week) && take_byte(text, '.') &&
		     take_number(text, 0, 6, &out->day);
	} else if (take_byte(text, 'J')) {
		out->form = TZ_RULE_DAY_NO_LEAP;
		ok = take_number(text, 1, 365, &out->day);
	} else {
		ok = take_number(text, 0, 365, &out->day);
	}
	if (ok && take_byte(text, '/'))
		ok = take_hms(text, RULE_HOURS_MAX, &out->time_s);
	return ok;
}

bool tz_rules_parse(struct str text, struct tz_rules *out)
{
	*out = (struct tz_rules){ 0 };
	if (!take_abbreviation(&text) || !take_hms(&text, OFFSET_HOURS_MAX, &out->standard_s))
		return false;
	out->standard_s = -out->standard_s; /* TZ strings count westwards */
	if (text.len == 0)
		return true;
	out->has_daylight = true;
	out->daylight_s = out->standard_s + 3600;
	if (!take_abbreviation(&text))
		return false;
	if (text.len > 0 && text.ptr[0] != ',') {
		if (!take_hms(&text, OFFSET_HOURS_MAX, &out->daylight_s))
			return false;
		out->daylight_s = -out->daylight_s;
	}
	if (text.len == 0)
		text = STR(",M3.2.0,M11.1.0");
	return take_rule(&text, &out->start) && take_rule(&text, &out->end) && text.len == 0;
}

/* The local time at which RULE strikes in YEAR, as if local time were UTC. */
static int64_t rule_local_s(const struct tz_rule *rule, int year)
{
	struct date first = { year, 1, 1 };
	struct date march = { year, 3, 1 };
	struct date next_month = { year, rule->month + 1, 1 };
	int64_t day = date_to_days(first);

	switch (rule->form) {
	case TZ_RULE_DAY:
		day += rule->day;
		break;
	case TZ_RULE_DAY_NO_LEAP:
		/* Counted from March in its common year: 60 is March 1. */
		day = rule->day < 60 ? day + rule->day - 1 : date_to_days(march) + rule->day - 60;
		break;
	case TZ_RULE_WEEKDAY:
		first.month = rule->month;
		if (rule->month == 12)
			next_month = (struct date){ year + 1, 1, 1 };
		/* Here 0 is Sunday, there Monday. */
		day = date_to_days(first) + (rule->day + 6 - date_weekday(first)) % 7;
		day += 7 * (rule->week - 1);
		if (day >= date_to_days(next_month))
			day -= 7;
		break;
	}
	return day * DAY_S + rule->time_s;
}

/*
 * The changes of the years around AT_S, ascending: two years on either side, since a rule's time
 * may carry it over a year's end. Where two fall together the later listed wins, so that daylight
 * time all year round stays unbroken.
 */
static void list_rule_changes(
	const struct tz_rules *rules, int64_t at_s, struct change list[static 2 * RULE_YEARS])
{
	int64_t days = at_s / DAY_S - (at_s % DAY_S < 0);
	int year = date_from_days(days).year - RULE_YEARS / 2;

	for (size_t count = 0; count < 2 * RULE_YEARS; year++) {
		struct change start = { rule_local_s(&rules->start, year) - rules->standard_s,
			rules->daylight_s };
		struct change end = { rule_local_s(&rules->end, year) - rules->daylight_s,
			rules->standard_s };
		bool start_first = start.at_s <= end.at_s;

		list[count++] = start_first ? start : end;
		list[count++] = start_first ? end : start;
	}
	for (size_t i = 1; i < 2 * RULE_YEARS; i++) {
		struct change moving = list[i];
		size_t to = i;

		for (; to > 0 && list[to - 1].at_s > moving.at_s; to--)
			list[to] = list[to - 1];
		list[to] = moving;
	}
}

int32_t tz_rules_offset_s(const struct tz_rules *rules, int64_t at_s)
{
	struct change list[2 * RULE_YEARS];
	int32_t offset_s = rules->standard_s;

	if (!rules->has_daylight)
		return offset_s;
	list_rule_changes(rules, at_s, list);
	for (size_t i = 0; i < ARRAY_LEN(list) && list[i].at_s <= at_s; i++)
		offset_s = list[i].offset_s;
	return offset_s;
}

bool tz_rules_next_change(const struct tz_rules *rules, int64_t after_s, int64_t *out_s)
{
	struct change list[2 * RULE_YEARS];

	if (!rules->has_daylight)
		return false;
	list_rule_changes(rules, after_s, list);
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (list[i].at_s > after_s) {
			*out_s = list[i].at_s;
			return true;
		}
	}
	return false;
}
