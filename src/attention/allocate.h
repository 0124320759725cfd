/*
 * From events to hours: a pure function of marks and parameters, without clock, store or zone.
 *
 * Direct time: one timeline for the person over all machines. Focus is credited from a mark to the
 * next one, at most the window; blur and idle end it; scroll refreshes it; idle counts only from
 * the machine in use, and takes back what was credited after the person went idle. Delegated time:
 * per session, between consecutive signs of work no further apart than the agent timeout, with
 * waiting (from the last sign to the person's next prompt) taken out. Nothing is credited after
 * `now`.
 *
 * Marks of windows, tabs, editors and AFK may have an extent: then they say what was so from their
 * start to their end. A window in front holds the focus as long as it is there, behind whatever
 * else claims it for a while; the person's being away takes it, and what is on the screen of a
 * machine whose person is away moves nothing.
 *
 * Every instant's credit depends only on marks no further from it than the margin: so a period may
 * be computed from the marks around it, and the sums of adjacent periods equal the whole.
 */
#ifndef TT_ATTENTION_ALLOCATE_H
#define TT_ATTENTION_ALLOCATE_H

#include "attention/params.h"
#include "base/mem.h"
#include "model/event.h"

enum { SESSION_NONE = -1, PANE_NONE = -1, UNASSIGNED = -1 };

/* One event, reduced to what moves time. Sorted by event_cmp order before allocate() sees them. */
struct mark {
	int64_t at_ns;
	enum event_role role;
	int32_t stream;  /* index of a stream, or UNASSIGNED */
	int32_t machine; /* small number, >= 0 */
	int32_t session; /* small number (one for each session of each machine), or SESSION_NONE */
	int32_t pane;    /* small number of a tmux pane, of any machine, or PANE_NONE */
	bool human;      /* ROLE_PROMPT: from a session of a person (not of a sub-agent) */
	bool idle;       /* ROLE_AFK: idle, else active */
	bool ended;      /* end_ns is known: ROLE_SESSION, ROLE_ACTIVITY that took a while, and
			    ROLE_WINDOW, ROLE_TAB, ROLE_EDITOR, ROLE_AFK with an extent */
	int64_t idle_ns; /* ROLE_AFK idle: how long already */
	int64_t end_ns;  /* if ended */
	struct str app;  /* ROLE_WINDOW: application id */
	size_t event;    /* the caller's reference to the event */
};

enum span_kind { SPAN_DIRECT, SPAN_DELEGATED, SPAN_WAITING };
/* Stable word of a kind of span: "direct", "delegated", "waiting". */
struct str span_kind_name(enum span_kind kind);

#define NOT_CUT SIZE_MAX

struct span {
	int64_t start_ns;
	int64_t end_ns; /* > start_ns */
	enum span_kind kind;
	int32_t stream;  /* or UNASSIGNED */
	int32_t session; /* delegated and waiting: the agent's; direct: of the prompt that began it,
			    else SESSION_NONE */
	int32_t machine; /* of the mark that began it */
	size_t event;    /* of the mark that began it */
	size_t cut;      /* direct: of the mark that says the person went away at its end, else
			    NOT_CUT */
};

struct allocation {
	struct span *spans; /* ordered by start, then kind, stream, session; direct ones never
			       overlap; per session delegated ones never do */
	size_t count;
};

/*
 * How far before a period marks must be loaded, for focus, work and waiting that reach over its
 * start, and how far after it, to know whether they went on. Marks that say the person was away
 * count where they reach in, from AWAY_HORIZON_NS (away.h) before.
 */
int64_t allocate_margin_ns(const struct attention_params *params);
int64_t allocate_margin_after_ns(const struct attention_params *params);
/*
 * Allocate MARKS over [FROM, TO), clipped there; never beyond NOW. Unbroken work of a session in
 * one stream is one span, of the sign that began it. ERR_LIMIT: the arena is over its limit.
 */
MUST_USE int allocate(const struct mark *marks, size_t count, const struct attention_params *params,
	int64_t from_ns, int64_t to_ns, int64_t now_ns, struct arena *arena, struct allocation *out,
	struct err *err);

struct time_totals {
	int64_t direct_ns;
	int64_t delegated_ns;       /* sum over sessions */
	int64_t delegated_union_ns; /* wall clock with at least one agent at work */
	int64_t waiting_ns;         /* sum over sessions */
	int64_t tracked_ns;         /* wall clock of direct or delegated time */
	int64_t unassigned_direct_ns;
	int64_t unassigned_delegated_ns;
	int64_t peak_agents; /* most at work at once */
};
/* Totals of some spans (any order). */
void allocation_totals(
	const struct span *spans, size_t count, struct arena *arena, struct time_totals *out);

#endif
