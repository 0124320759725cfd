/*
 * Inference of streams, in memory: events are added, what comes out are runs and the groups of
 * sessions that join them.
 *
 * Events that have no session are clustered where they happened, a session's events by themselves:
 * a segment is a chain of events no further apart than the gap. When all are known, each group of
 * sessions (a session with its sub-agents) gets one partition, and the segments of a partition,
 * together with the runs that the store already has, are merged into runs. Merging chains is
 * order-independent, so what is added at once and what was added before end in the same runs.
 *
 * A group's partition is that of the earliest event with a project or directory of its topmost
 * session, else of any session in it. A session that claims several parents has the least of them;
 * in a circle of parents the least session is the topmost.
 */
#ifndef TT_ATTENTION_INFER_H
#define TT_ATTENTION_INFER_H

#include "attention/site.h"
#include "store/derived.h"

#define INFER_NONE SIZE_MAX

struct infer_segment {
	struct derived_point first;
	int64_t last_ns;
	int64_t events;
	int64_t cwd_ns; /* of the first event with a directory; INT64_MAX: none */
	struct str cwd;
	size_t session; /* index, or INFER_NONE */
};

struct infer_segments {
	struct infer_segment *ptr;
	size_t count;
	size_t room;
};

struct infer_session {
	struct derived_session row; /* numbers are the caller's to fill in */
	bool looked_up;             /* the caller's: whether the store knows it was asked */
	int64_t stored_partition;   /* as seeded; 0: none */
	int64_t stored_strays;
	size_t stored_root;             /* index; INFER_NONE: not seeded */
	struct infer_segments segments; /* empty after infer_resolve */
	bool touched;                   /* had segments */
	size_t parent;                  /* indices, INFER_NONE: none */
	size_t root;
	size_t home; /* of a root: the session that gives the partition */
	size_t partition;
	uint64_t mark;
};

struct infer_partition {
	struct derived_partition row; /* number 0 until the caller fills it in */
	struct infer_segments
		segments; /* those of sessions after infer_resolve, then ordered by first */
};

struct infer {
	int64_t gap_ns;
	struct arena arena;
	struct map session_index;
	struct infer_session *sessions;
	size_t session_count;
	size_t session_room;
	struct map partition_index;
	struct infer_partition *partitions;
	size_t partition_count;
	size_t partition_room;
	uint64_t walks;
};

void infer_init(struct infer *infer, int64_t gap_ns);
void infer_release(struct infer *infer);

/*
 * Add an event; calls come in the total order of events. The strings of SITE must outlive the
 * inference.
 */
void infer_add(struct infer *infer, struct str machine_id, const struct site *site,
	const struct event *event);

/* Take over a group of sessions from the store; their strings must outlive the inference. */
void infer_seed(struct infer *infer, const struct derived_session *rows, size_t count);
/* Make sure the parent of session INDEX is known, too: it may become the last session. */
void infer_link(struct infer *infer, size_t index);
/* When all is added, seeded and linked: groups, their partitions, and all segments where they
 * belong. */
void infer_resolve(struct infer *infer);
/* After infer_resolve and with partition numbers: false when something stored would have to move or
 * come apart. */
bool infer_fits(const struct infer *infer);

/* A run to be stored: it takes in stored runs and new segments. */
struct infer_run {
	struct derived_run run; /* run_no is the first stored one's, or 0 */
	const struct derived_run *stored;
	size_t stored_count;
	const struct infer_segment *segments;
	size_t segment_count; /* > 0 */
};
/* The runs of a partition that change, in the arena. STORED, ordered by first, may hold others,
 * too. */
void infer_runs(const struct infer *infer, size_t partition, const struct derived_run *stored,
	size_t stored_count, struct arena *arena, struct infer_run **out, size_t *count);

#endif
