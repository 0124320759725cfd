/* Words about time. Days are asked of the zone, never counted as 24 hours (attention/period.c). */
#include "query/span.h"

#define TIME_FORMS                                                                                 \
	"2026-02-03, '2026-02-03 14:30', an RFC 3339 time, '2 hours ago', today or yesterday"

enum { DATE_BYTES = 10, MINUTE_BYTES = 5, HOUR_S = 3600 };

int64_t span_day_start(const struct span_clock *clock, struct date date)
{
	return zone_instant(clock->zone, date, clock->day_start_s);
}

static struct date day_before(struct date date)
{
	return date_from_days(date_to_days(date) - 1);
}

struct date span_day(const struct span_clock *clock, int64_t ns)
{
	struct date date = zone_date(clock->zone, ns);

	return ns < span_day_start(clock, date) ? day_before(date) : date;
}

bool span_has(struct span span, int64_t ns)
{
	return span.from_ns <= ns && ns < span.to_ns;
}

/* A filter's 0 means no bound at all. */
void span_filter(struct span span, struct event_filter *filter)
{
	filter->from_ns = span.from_ns != 0 ? span.from_ns : -1;
	filter->to_ns = span.to_ns != 0 ? span.to_ns : 1;
}

/* --- one instant --- */

/*
 * A wall clock time without offset, as the instant that RFC 3339 would make of it in UTC: the
 * fraction and all checks are then those of the one parser.
 */
static bool read_local(struct str text, struct date *date, int64_t *of_day_ns)
{
	CLEANUP(buf_release) struct buf instant = BUF_INIT;
	int64_t ns, midnight_ns;
	struct err ignored;

	if (text.len < DATE_BYTES + 1 + MINUTE_BYTES ||
		date_parse(str_sub(text, 0, DATE_BYTES), date, &ignored) < 0)
		return false;
	buf_add(&instant, text);
	if (text.len == DATE_BYTES + 1 + MINUTE_BYTES)
		buf_addc(&instant, ":00");
	buf_byte(&instant, 'Z');
	if (time_parse(buf_str(&instant), &ns, &ignored) < 0)
		return false;
	midnight_ns = date_to_days(*date) * 24 * NS_PER_HOUR;
	*of_day_ns = ns - midnight_ns;
	return *of_day_ns >= 0 && *of_day_ns < 24 * NS_PER_HOUR;
}

static bool read_day(struct str text, const struct span_clock *clock, struct date *out)
{
	struct date today = span_day(clock, clock->now_ns);
	struct err ignored;

	if (str_eq_c(text, "today") || str_eq_c(text, "yesterday")) {
		*out = text.len == 5 ? today : day_before(today);
		return true;
	}
	return date_parse(text, out, &ignored) == 0;
}

int span_parse_time(
	struct str text, const struct span_clock *clock, int64_t *out_ns, struct err *err)
{
	struct date date;
	int64_t of_day_ns;

	text = str_trim(text);
	if (read_day(text, clock, &date)) {
		*out_ns = span_day_start(clock, date);
		return 0;
	}
	if (read_local(text, &date, &of_day_ns)) {
		int32_t second = (int32_t)(of_day_ns / NS_PER_S);

		*out_ns = zone_instant(clock->zone, date, second) + of_day_ns % NS_PER_S;
		return 0;
	}
	if (time_parse_human(text, clock->now_ns, out_ns, err) == 0)
		return 0;
	return err_set(err, ERR_PARSE, "'%.*s' is not a time; use " TIME_FORMS,
		STR_ARG(str_sub(text, 0, 64)));
}

/* --- the options --- */

static int usage(struct err *err, const char *option)
{
	err_context(err, "%s", option);
	return err->code = ERR_USAGE;
}

/* `99999999d` is longer than instants can count: as long as there is. */
static bool is_endless(struct str text)
{
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	size_t digits = 0;
	bool counts = false;
	int64_t ns;
	struct err ignored;

	for (; digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9'; digits++)
		counts |= text.ptr[digits] != '0';
	buf_byte(&one, '1');
	buf_add(&one, str_sub(text, digits, text.len));
	return counts && duration_parse(buf_str(&one), &ns, &ignored) == 0;
}

static int parse_last(struct span *out, const char *last, int64_t now_ns, struct err *err)
{
	int64_t back_ns;

	*out = SPAN_ALWAYS;
	if (duration_parse(str_from(last), &back_ns, err) < 0)
		return is_endless(str_from(last)) ? 0 : usage(err, "--last");
	if (__builtin_sub_overflow(now_ns, back_ns, &out->from_ns))
		out->from_ns = INT64_MIN;
	return 0;
}

int span_parse(struct span *out, const char *last, const char *since, const char *until,
	const struct span_clock *clock, struct err *err)
{
	*out = SPAN_ALWAYS;
	if (last && since)
		return err_set(err, ERR_USAGE, "--last and --since both say where to begin");
	if (last && parse_last(out, last, clock->now_ns, err) < 0)
		return err->code;
	if (since && span_parse_time(str_from(since), clock, &out->from_ns, err) < 0)
		return usage(err, "--since");
	if (until && span_parse_time(str_from(until), clock, &out->to_ns, err) < 0)
		return usage(err, "--until");
	if (since && until && out->to_ns <= out->from_ns)
		return err_set(err, ERR_USAGE,
			"--until '%s' is not after --since '%s' (the end is not part of the period)",
			until, since);
	return 0;
}
