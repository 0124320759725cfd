/*
 * The only reader of the clock. The wall clock can be fixed through TT_NOW, so that a test sees the
 * same output every time; the monotonic clock and sleeping are always real, since they bound waits
 * and must not stop.
 */
#include "base/clock.h"

#include <stdlib.h>

#include "base/time.h"

static struct str fixed_now(void)
{
	return str_from(getenv("TT_NOW"));
}

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	ASSERT(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int clock_check(struct err *err)
{
	struct str fixed = fixed_now();
	int64_t ns;

	if (fixed.len > 0 && time_parse(fixed, &ns, err) < 0)
		return err_context(err, "TT_NOW in the environment");
	return 0;
}

int64_t clock_now_ns(void)
{
	struct str fixed = fixed_now();
	struct err err;
	int64_t ns;

	if (fixed.len == 0)
		return read_clock(CLOCK_REALTIME);
	ASSERT(time_parse(fixed, &ns, &err) == 0); /* clock_check was not called at the start */
	return ns;
}

int64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec wait;

	if (ms <= 0)
		return;
	wait.tv_sec = (time_t)(ms / 1000);
	wait.tv_nsec = (long)(ms % 1000 * NS_PER_MS);
	nanosleep(&wait, NULL);
}

struct timespec clock_deadline(int64_t ms)
{
	int64_t ns = read_clock(CLOCK_REALTIME) + ms * NS_PER_MS;

	return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}
