/* What the tests of allocation share: spans summed up. */
#ifndef TT_TESTS_ATTENTION_OUTCOME_H
#define TT_TESTS_ATTENTION_OUTCOME_H

#include <math.h>

#include "attention/allocate.h"
#include "tap.h"

static const struct attention_params params = ATTENTION_DEFAULTS;

enum { STREAMS = 26 };

static int64_t minutes(double value)
{
	return (int64_t)llround(value * (double)NS_PER_MINUTE);
}

struct outcome {
	int64_t by_stream[3][STREAMS + 1]; /* by kind; the last is unassigned */
	struct time_totals totals;
};

static void judge(const struct span *spans, size_t count, struct outcome *out)
{
	struct arena arena = { 0 };

	*out = (struct outcome){ 0 };
	for (size_t i = 0; i < count; i++) {
		int32_t stream = spans[i].stream == UNASSIGNED ? STREAMS : spans[i].stream;

		out->by_stream[spans[i].kind][stream] += spans[i].end_ns - spans[i].start_ns;
	}
	allocation_totals(spans, count, &arena, &out->totals);
	arena_release(&arena);
}

#endif
