#include "store/sqlite/turns.h"

#include "base/clock.h"
#include "base/time.h"

void turns_pause(struct turns *turns)
{
	int64_t since_ns = clock_monotonic_ns() - turns->ended_ns;

	if (since_ns < TURNS_PAUSE_MS * NS_PER_MS) {
		if (turns->held_ns < TURNS_MOST_MS * NS_PER_MS)
			return;
		clock_sleep_ms(TURNS_PAUSE_MS - since_ns / NS_PER_MS);
	}
	turns->held_ns = 0;
}

void turns_begun(struct turns *turns)
{
	turns->began_ns = clock_monotonic_ns();
}

void turns_ended(struct turns *turns)
{
	turns->ended_ns = clock_monotonic_ns();
	turns->held_ns += turns->ended_ns - turns->began_ns;
}

int turns_busy(void *context, int tries)
{
	struct turns *turns = context;
	int64_t now_ns = clock_monotonic_ns();

	if (tries == 0)
		turns->wait_until_ns = now_ns + turns->busy_ms * NS_PER_MS;
	if (now_ns >= turns->wait_until_ns)
		return 0;
	clock_sleep_ms(TURNS_TRY_MS);
	return 1;
}
