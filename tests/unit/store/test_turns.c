/* Turns: who wrote for long pauses before writing again, once; who waits gives up in the end. Only
 * lower bounds of time are tested. */
#include "store/sqlite/turns.h"

#include "base/clock.h"
#include "base/time.h"
#include "tap.h"

/* One write transaction of MS; what the pause before it took, in whole milliseconds since the last
 * one had ended. */
static int64_t write_for(struct turns *turns, int64_t ms)
{
	int64_t ended_ns = turns->ended_ns, began_ns;

	turns_pause(turns);
	turns_begun(turns);
	began_ns = turns->began_ns;
	turns->began_ns -= ms * NS_PER_MS; /* as if it had taken so long */
	turns_ended(turns);
	return (began_ns - ended_ns) / NS_PER_MS;
}

static void pauses_when_due(void)
{
	struct turns turns = { 0 };

	write_for(&turns, 1);
	OK(turns.held_ns >= NS_PER_MS && turns.held_ns < TURNS_MOST_MS * NS_PER_MS);
	write_for(&turns, TURNS_MOST_MS);
	OK(turns.held_ns >= TURNS_MOST_MS * NS_PER_MS);
	OK(write_for(&turns, 1) >= TURNS_PAUSE_MS - 1);
	OK(turns.held_ns < TURNS_MOST_MS * NS_PER_MS); /* counted anew */
	write_for(&turns, TURNS_MOST_MS);
	clock_sleep_ms(TURNS_PAUSE_MS + 1); /* a pause of its own */
	write_for(&turns, 1);
	OK(turns.held_ns < TURNS_MOST_MS * NS_PER_MS);
}

static void gives_up(void)
{
	struct turns turns = { .busy_ms = 20 };
	int64_t began_ns = clock_monotonic_ns();
	int tries = 0;

	while (turns_busy(&turns, tries))
		tries++;
	OK(tries > 0);
	OK(clock_monotonic_ns() - began_ns >= 20 * NS_PER_MS);
	OK(turns_busy(&turns, 0)); /* the next wait has its own time */
}

static const struct tap_case cases[] = {
	TAP_CASE(pauses_when_due),
	TAP_CASE(gives_up),
};

int main(int argc, char **argv)
{
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
