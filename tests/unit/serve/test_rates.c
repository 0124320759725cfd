#include <stdio.h>

#include "base/time.h"
#include "serve/guard.h"
#include "tap.h"

#define MS(ms) ((ms)*NS_PER_MS)

static void burst_and_rate(void)
{
	struct rates *rates = rates_new(10, 5);

	for (int i = 0; i < 5; i++)
		IS_INT(rates_take(rates, STR("a"), MS(1000)), 0);
	IS_INT(rates_take(rates, STR("a"), MS(1000)), 1);
	IS_INT(rates_take(rates, STR("a"), MS(1099)), 1);
	/* Who is refused does not make it worse. */
	IS_INT(rates_take(rates, STR("a"), MS(1100)), 0);
	IS_INT(rates_take(rates, STR("a"), MS(1100)), 1);
	IS_INT(rates_take(rates, STR("b"), MS(1100)), 0);
	/* It fills up, and not beyond. */
	for (int i = 0; i < 5; i++)
		IS_INT(rates_take(rates, STR("a"), MS(100000)), 0);
	IS_INT(rates_take(rates, STR("a"), MS(100000)), 1);
	rates_free(rates);
	rates_free(NULL);
}

static void waiting_time(void)
{
	struct rates *rates = rates_new(1, 1);

	IS_INT(rates_take(rates, STR("a"), 0), 0);
	IS_INT(rates_take(rates, STR("a"), 1), 1);
	IS_INT(rates_take(rates, STR("a"), MS(999)), 1);
	IS_INT(rates_take(rates, STR("a"), MS(1000)), 0);
	rates_free(rates);
}

/* Many callers do not push out one that is at its limit all the time. */
static void many(void)
{
	struct rates *rates = rates_new(1, 2);
	int refused = 0;
	char name[32];

	IS_INT(rates_take(rates, STR("greedy"), 0), 0);
	IS_INT(rates_take(rates, STR("greedy"), 0), 0);
	for (int i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "other %d", i);
		refused += rates_take(rates, str_from(name), 0) != 0;
	}
	IS_INT(refused, 0);
	IS_INT(rates_take(rates, STR("greedy"), 0), 1);
	rates_free(rates);
}

/* Of several servers each gives out its part, of rate and burst; at least one token can be had. */
static void shared(void)
{
	struct rates *rates = rates_new(10, 6);

	rates_share(rates, 3);
	for (int i = 0; i < 2; i++)
		IS_INT(rates_take(rates, STR("a"), MS(1000)), 0);
	IS_INT(rates_take(rates, STR("a"), MS(1000)), 1);
	IS_INT(rates_take(rates, STR("a"), MS(1299)), 1);
	IS_INT(rates_take(rates, STR("a"), MS(1300)), 0);
	rates_share(rates, 1);
	for (int i = 0; i < 6; i++)
		IS_INT(rates_take(rates, STR("b"), MS(1300)), 0);
	IS_INT(rates_take(rates, STR("b"), MS(1300)), 1);
	rates_share(rates, 100);
	IS_INT(rates_take(rates, STR("c"), MS(1300)), 0);
	IS_INT(rates_take(rates, STR("c"), MS(1300)), 10);
	IS_INT(rates_take(rates, STR("c"), MS(11300)), 0);
	rates_free(rates);
}

static const struct tap_case cases[] = { TAP_CASE(burst_and_rate), TAP_CASE(waiting_time),
	TAP_CASE(many), TAP_CASE(shared) };
TAP_MAIN(cases)
