/* Words about time, in a zone whose clock changes. */
#include "query/span.h"

#include "tap.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

struct here {
	struct zone *zone;
	struct span_clock clock;
};

static int64_t at(const char *text)
{
	struct err err;
	int64_t ns = 0;

	OK(time_parse(str_from(text), &ns, &err) == 0);
	return ns;
}

static struct here here(const char *now, int32_t day_start_s)
{
	struct here here = { 0 };
	struct err err;

	if (zone_open(&here.zone, STR(BERLIN), &err) < 0)
		exit(1);
	here.clock = (struct span_clock){ here.zone, day_start_s, at(now) };
	return here;
}

/* TEXT is the instant WANT, or is refused with WANT NULL. */
static void is(const struct here *here, const char *text, const char *want)
{
	struct err err = { 0 };
	int64_t ns = 0;
	char shown[TIME_TEXT_BYTES] = "refused";

	if (span_parse_time(str_from(text), &here->clock, &ns, &err) == 0)
		time_format_exact(ns, shown);
	else
		OK(err.code == ERR_PARSE && strstr(err.message, "yesterday"));
	IS_CSTR(shown, want ? want : "refused");
}

static void instants(void)
{
	struct here h = here("2026-03-28T23:30:00Z", 0); /* 00:30 on the 29th */

	is(&h, "2026-03-01", "2026-02-28T23:00:00.000Z");
	is(&h, "2026-07-01", "2026-06-30T22:00:00.000Z");
	is(&h, "2026-03-01 14:30", "2026-03-01T13:30:00.000Z");
	is(&h, "2026-03-01T14:30", "2026-03-01T13:30:00.000Z");
	is(&h, "2026-03-01 14:30:05", "2026-03-01T13:30:05.000Z");
	is(&h, "2026-03-01 14:30:05.250", "2026-03-01T13:30:05.250Z");
	is(&h, " 2026-03-01 14:30 ", "2026-03-01T13:30:00.000Z");
	is(&h, "2026-03-01T14:30:00Z", "2026-03-01T14:30:00.000Z");
	is(&h, "2026-03-01T14:30:00+05:00", "2026-03-01T09:30:00.000Z");
	is(&h, "2 hours ago", "2026-03-28T21:30:00.000Z");
	is(&h, "now", "2026-03-28T23:30:00.000Z");
	is(&h, "today", "2026-03-28T23:00:00.000Z");
	is(&h, "yesterday", "2026-03-27T23:00:00.000Z");
	zone_free(h.zone);
}

static void clocks_that_change(void)
{
	struct here h = here("2026-03-30T10:00:00Z", 0);

	is(&h, "2026-03-29 02:30", "2026-03-29T01:00:00.000Z"); /* skipped */
	is(&h, "2026-10-25 02:30", "2026-10-25T00:30:00.000Z"); /* twice: the first */
	is(&h, "yesterday", "2026-03-28T23:00:00.000Z");
	is(&h, "today", "2026-03-29T22:00:00.000Z");
	zone_free(h.zone);
}

static void days_that_begin_late(void)
{
	struct here h = here("2026-02-03T02:30:00Z", 4 * 3600); /* 03:30: still the 2nd */

	is(&h, "today", "2026-02-02T03:00:00.000Z");
	is(&h, "yesterday", "2026-02-01T03:00:00.000Z");
	is(&h, "2026-02-03", "2026-02-03T03:00:00.000Z");
	is(&h, "2026-02-03 00:00", "2026-02-02T23:00:00.000Z");
	IS_INT(span_day(&h.clock, at("2026-02-03T02:59:59.999Z")).day, 2);
	IS_INT(span_day(&h.clock, at("2026-02-03T03:00:00Z")).day, 3);
	zone_free(h.zone);
}

static void no_instants(void)
{
	static const char *const wrong[] = { "", "x", "2026-02-30", "2026-02-03 25:00",
		"2026-02-03 14:3", "2026-02-03 14:30 pm", "2026-02-03 14:30:61", "2026-02-03 24:00",
		"tomorrow", "7d", "2026-02-03 14:30:00 +01:00 x" };
	struct here h = here("2026-02-03T12:00:00Z", 0);

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		is(&h, wrong[i], NULL);
	zone_free(h.zone);
}

/* The span as text, or the error. */
static const char *spans(const char *last, const char *since, const char *until)
{
	static char shown[ERR_MESSAGE_BYTES + 8];
	struct here h = here("2026-02-03T12:00:00Z", 0);
	struct err err = { 0 };
	struct span span;
	char from[TIME_TEXT_BYTES] = "ever", to[TIME_TEXT_BYTES] = "ever";

	if (span_parse(&span, last, since, until, &h.clock, &err) < 0) {
		IS_INT(err.code, ERR_USAGE);
		snprintf(shown, sizeof(shown), "! %s", err.message);
	} else {
		if (span.from_ns != INT64_MIN)
			time_format(span.from_ns, 0, from);
		if (span.to_ns != INT64_MAX)
			time_format(span.to_ns, 0, to);
		snprintf(shown, sizeof(shown), "%s %s", from, to);
	}
	zone_free(h.zone);
	return shown;
}

static void options(void)
{
	IS_CSTR(spans(NULL, NULL, NULL), "ever ever");
	IS_CSTR(spans("7d", NULL, NULL), "2026-01-27T12:00:00Z ever");
	IS_CSTR(spans("24h", NULL, NULL), "2026-02-02T12:00:00Z ever");
	IS_CSTR(spans("30m", NULL, "now"), "2026-02-03T11:30:00Z 2026-02-03T12:00:00Z");
	IS_CSTR(spans(NULL, "2026-02-01", "2026-02-02"),
		"2026-01-31T23:00:00Z 2026-02-01T23:00:00Z");
	IS_CSTR(spans("100000d", NULL, NULL), "1752-04-20T12:00:00Z ever");
	IS_CSTR(spans("106751d", NULL, NULL), "1733-10-26T12:00:00Z ever");
	IS_CSTR(spans("200000d", NULL, NULL), "ever ever");
	IS_CSTR(spans("99999999999999999999d", NULL, NULL), "ever ever");
}

static void options_that_are_wrong(void)
{
	OK(strstr(spans("0d", NULL, NULL), "! --last: '0d'"));
	OK(strstr(spans("00000000000000000000000d", NULL, NULL), "! --last"));
	OK(strstr(spans("7", NULL, NULL), "! --last"));
	OK(strstr(spans("7x", NULL, NULL), "! --last"));
	OK(strstr(spans("", NULL, NULL), "! --last"));
	OK(strstr(spans(NULL, "x", NULL), "! --since: 'x' is not a time; use 2026-02-03"));
	OK(strstr(spans(NULL, NULL, "x"), "! --until: 'x'"));
	IS_CSTR(spans("7d", "now", NULL), "! --last and --since both say where to begin");
	OK(strstr(spans(NULL, "2026-02-01", "2026-02-01"), "! --until"));
	OK(strstr(spans(NULL, "2026-02-02", "2026-02-01"), "! --until"));
}

static void half_open(void)
{
	const struct span span = { 0, 10 };
	struct event_filter filter = { 0 };

	OK(!span_has(span, -1) && span_has(span, 0) && span_has(span, 9) && !span_has(span, 10));
	OK(span_has(SPAN_ALWAYS, INT64_MIN) && span_has(SPAN_ALWAYS, INT64_MAX - 1));
	span_filter(span, &filter);
	OK(filter.from_ns < 0 && filter.to_ns == 10);
	span_filter((struct span){ -5, 0 }, &filter);
	OK(filter.from_ns == -5 && filter.to_ns > 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(instants),
	TAP_CASE(clocks_that_change),
	TAP_CASE(days_that_begin_late),
	TAP_CASE(no_instants),
	TAP_CASE(options),
	TAP_CASE(options_that_are_wrong),
	TAP_CASE(half_open),
};

TAP_MAIN(cases)
