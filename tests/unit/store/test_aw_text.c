/* Times and lengths as ActivityWatch writes them. */
#include "base/time.h"
#include "store/aw_text.h"
#include "tap.h"

/* TEXT is the instant RFC, and says its offset unless NAIVE. */
static void is_time(const char *text, const char *rfc, bool want_naive)
{
	int64_t want, got = 0;
	bool naive = !want_naive;
	struct err err;

	OK(time_parse(str_from(rfc), &want, &err) == 0);
	if (!tap_check(aw_text_time(str_from(text), &got, &naive), __FILE__, __LINE__, "%s", text))
		return;
	tap_check(got == want && naive == want_naive, __FILE__, __LINE__, "%s: %lld", text,
		(long long)got);
}

static void instants(void)
{
	is_time("2018-01-01T01:01:01Z", "2018-01-01T01:01:01Z", false);
	is_time("2018-01-01 01:01:02+00:00", "2018-01-01T01:01:02Z", false);
	is_time("2018-01-01 01:01:02.560000+00:00", "2018-01-01T01:01:02.56Z", false);
	is_time("2018-01-01T01:01:02.123456789123Z", "2018-01-01T01:01:02.123456789Z", false);
	is_time("2018-01-01T01:01:02+0130", "2017-12-31T23:31:02Z", false);
	is_time("2018-01-01T01:01:02-08", "2018-01-01T09:01:02Z", false);
	is_time("2018-01-01 01:01:02 -08:00 ", "2018-01-01T09:01:02Z", false);
	is_time(" 2018-01-01 01:01:02 UTC", "2018-01-01T01:01:02Z", false);
	is_time("2026-11-21T02:06:14.447954", "2026-11-21T02:06:14.447954Z", true);
	is_time("2026-11-21 02:06:14", "2026-11-21T02:06:14Z", true);
}

static void no_instants(void)
{
	static const char *const texts[] = {
		"", "-", "2018", "2018-01-01", "2018-01-01T01:01", "2018-13-01T00:00:00Z",
		"2018-01-01T01:01:01+1", "2018-01-01T01:01:01+123", "3000-01-01T00:00:00Z",
		"0001-01-01T00:00:00", "1515151515", "2018-01-01T01:01:01 PST", "UTC",
		"2018-01-01T01:01:01+00:00+00:00",
		"2018-01-01T01:01:01                                                                  Z"
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int64_t ns;
		bool naive;

		tap_check(!aw_text_time(str_from(texts[i]), &ns, &naive), __FILE__, __LINE__, "%s",
			texts[i]);
	}
}

static void is_seconds(const char *text, int64_t want)
{
	int64_t got = -1;

	tap_check(aw_text_seconds(str_from(text), &got) && got == want, __FILE__, __LINE__,
		"%s: %lld", text, (long long)got);
}

static void seconds(void)
{
	is_seconds("0", 0);
	is_seconds("-0.0", 0);
	is_seconds("1.0", NS_PER_S);
	is_seconds("1.001", 1001000000); /* in binary less than that */
	is_seconds("1.000999999", 1000999999);
	is_seconds("1e-6", 1000);
	is_seconds("1.5E+2", 150 * NS_PER_S);
	is_seconds("-0.25", -250000000);
	is_seconds("0.0000000005", 1);
	is_seconds("-0.0000000005", -1);
	is_seconds("0.00000000049999999999999999999999", 0);
	is_seconds("12.000001", 12000001000);
	is_seconds("9223372036.854775807", INT64_MAX - 7); /* 18 digits are read */
	is_seconds("100000000000000000000e-20", NS_PER_S);
	is_seconds("0e400", 0);
}

static void no_seconds(void)
{
	static const char *const texts[] = { "", "-", ".5", "5.", "1e", "1e+", "1e+-1", "--1", "+1",
		"1e401", "1e19", "9300000000", "nan", "1 ", "0x10", "1,5" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int64_t ns;

		tap_check(!aw_text_seconds(str_from(texts[i]), &ns), __FILE__, __LINE__, "%s",
			texts[i]);
	}
}

static const struct tap_case cases[] = { TAP_CASE(instants), TAP_CASE(no_instants),
	TAP_CASE(seconds), TAP_CASE(no_seconds) };
TAP_MAIN(cases)
