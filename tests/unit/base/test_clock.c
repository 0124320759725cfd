/* The wall clock can be fixed and says when it cannot; the monotonic clock goes on regardless. */
#include "base/clock.h"

#include <time.h>

#include "base/time.h"
#include "tap.h"

static void fixed_by_the_environment(void)
{
	struct err err = { 0 };

	setenv("TT_NOW", "2026-02-03T14:32:01.250Z", 1);
	IS_INT(clock_check(&err), 0);
	IS_INT(clock_now_ns(), INT64_C(1770129121250000000));
	IS_INT(clock_now_ns(), INT64_C(1770129121250000000));
	setenv("TT_NOW", "1970-01-01T01:00:00+01:00", 1);
	IS_INT(clock_now_ns(), 0);
	unsetenv("TT_NOW");
}

static void bad_fixed_time_is_reported(void)
{
	struct err err = { 0 };

	setenv("TT_NOW", "yesterday", 1);
	IS_INT(clock_check(&err), ERR_PARSE);
	IS_INT(err.code, ERR_PARSE);
	OK(strstr(err.message, "TT_NOW") != NULL);
	OK(strstr(err.message, "yesterday") != NULL);
	unsetenv("TT_NOW");
}

static void wall_clock_is_the_systems(void)
{
	const char *unset[] = { NULL, "" };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(unset); i++) {
		int64_t before, now;

		if (unset[i])
			setenv("TT_NOW", unset[i], 1);
		else
			unsetenv("TT_NOW");
		IS_INT(clock_check(&err), 0);
		before = (int64_t)time(NULL) - 1; /* time() may lag behind by a tick */
		now = clock_now_ns();
		OK(now >= before * NS_PER_S);
		OK(now <= ((int64_t)time(NULL) + 2) * NS_PER_S);
	}
	unsetenv("TT_NOW");
}

static void monotonic_goes_on_when_the_wall_clock_is_fixed(void)
{
	int64_t before, slept;

	setenv("TT_NOW", "2026-02-03T14:32:01Z", 1);
	before = clock_monotonic_ns();
	clock_sleep_ms(3);
	slept = clock_monotonic_ns() - before;
	OK(slept >= 3 * NS_PER_MS);
	unsetenv("TT_NOW");
}

static void no_sleep_for_nothing(void)
{
	int64_t before = clock_monotonic_ns();

	clock_sleep_ms(0);
	clock_sleep_ms(-60000);
	clock_sleep_ms(INT64_MIN);
	OK(clock_monotonic_ns() - before < 10 * NS_PER_S);
}

static const struct tap_case cases[] = {
	TAP_CASE(fixed_by_the_environment),
	TAP_CASE(bad_fixed_time_is_reported),
	TAP_CASE(wall_clock_is_the_systems),
	TAP_CASE(monotonic_goes_on_when_the_wall_clock_is_fixed),
	TAP_CASE(no_sleep_for_nothing),
};
TAP_MAIN(cases)
