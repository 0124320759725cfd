/* The tunable numbers of attention; defaults where the configuration is silent. */
#ifndef TT_ATTENTION_PARAMS_H
#define TT_ATTENTION_PARAMS_H

#include "base/time.h"

struct attention_params {
	int64_t window_ns;        /* focus is credited this long after the last sign of the person
				     (attention.window, 5 min) */
	int64_t agent_timeout_ns; /* an agent is at work this long after its last sign at most
				     (attention.agent_timeout, 30 min) */
	int64_t waiting_limit_ns; /* a longer wait is a session laid aside, not waiting
				     (attention.waiting_limit, 8 h) */
	int64_t gap_ns;           /* a longer pause opens a new stream (streams.gap, 30 min) */
};

#define ATTENTION_DEFAULTS                                                                         \
	{                                                                                          \
		.window_ns = 5 * NS_PER_MINUTE, .agent_timeout_ns = 30 * NS_PER_MINUTE,            \
		.waiting_limit_ns = 8 * NS_PER_HOUR, .gap_ns = 30 * NS_PER_MINUTE                  \
	}

#endif
