/* The spans of an allocation while it is being made, and the two halves that make them. Internal to
 * this layer. */
#ifndef TT_ATTENTION_SPANS_H
#define TT_ATTENTION_SPANS_H

#include "attention/allocate.h"

/*
 * The horizons that make every credit local. What is known of the screen (pane in front, window,
 * tab, seat in use) and an idle time reaching back are good for SCREEN_HORIZON_NS; what happened to
 * a session later than WORK_HORIZON_NS (or the waiting limit, if longer) after a sign of work says
 * nothing about it. Credit depends on the screen through three steps at most (a scroll on the
 * window whose focus it refreshes, that window on the tab it shows, that tab on the browser it was
 * seen in): SCREEN_STEPS.
 */
#define SCREEN_HORIZON_NS (12 * NS_PER_HOUR)
#define WORK_HORIZON_NS (2 * SCREEN_HORIZON_NS)
enum { SCREEN_STEPS = 3 };

/* On the heap; all-zero is empty. */
struct span_list {
	struct span *spans;
	size_t count;
	size_t cap;
};

void span_list_release(struct span_list *list);
/* Append a span begun by MARK, for STREAM. Nothing unless START < END. */
void span_list_add(struct span_list *list, enum span_kind kind, const struct mark *mark,
	int32_t stream, int64_t start_ns, int64_t end_ns);

/* A + B, both durations or an instant and a duration >= 0; stays within int64_t. */
int64_t ns_add(int64_t a, int64_t b);
/* Until when MARK holds by itself: the end that it tells, but no longer than its horizon; its own
 * time if it tells none. */
int64_t mark_end_ns(const struct mark *mark);
/* The horizon of a sign of work. */
int64_t work_horizon_ns(const struct attention_params *params);

/* The person's timeline: appends direct spans in order, never overlapping. */
void direct_spans(const struct mark *marks, size_t count, const struct attention_params *params,
	struct span_list *out);
/* The sessions' work and waiting: appends spans, those of one session in order, never overlapping.
 */
void delegated_spans(const struct mark *marks, size_t count, const struct attention_params *params,
	struct span_list *out);

#endif
