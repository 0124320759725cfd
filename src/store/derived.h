/*
 * What is derived from events and can be dropped and rebuilt at any time: the runs from which
 * streams are inferred. attention/streams.c is the only writer; see attention/infer.h for what the
 * words mean.
 */
#ifndef TT_STORE_DERIVED_H
#define TT_STORE_DERIVED_H

#include "store/store.h"

/* A place in the total order of events. */
struct derived_point {
	int64_t ns;
	int64_t rank; /* event_type_rank */
	struct str id;
};
int derived_point_cmp(const struct derived_point *a, const struct derived_point *b);

/* A partition: one machine's work in one project, else one directory. */
struct derived_partition {
	int64_t partition_no;
	struct str machine_id;
	bool by_project;
	struct str name; /* the project, or the directory */
	struct str base; /* what its streams are named after */
};

/* A run: events of a partition none further from the next than the gap. Runs of a partition never
 * overlap. */
struct derived_run {
	int64_t run_no;
	int64_t partition_no;
	struct derived_point first; /* its first event */
	int64_t last_ns;
	int64_t root_no; /* run_no of the first run of its stream (runs joined by sessions); itself
			    if alone */
	int64_t cwd_ns;  /* of the first event with a directory; INT64_MAX: none */
	struct str cwd;
};

/* What a run holds of one session. */
struct derived_piece {
	int64_t run_no;
	int64_t session_no; /* 0: events of no session */
	int64_t events;
	int64_t first_ns;
	int64_t last_ns;
};

/* A session, also one known only as the parent of another. Numbers 0: none. */
struct derived_session {
	int64_t session_no;
	struct str machine_id;
	struct str session_id;
	struct str parent_id;       /* as its events claim it; empty: none */
	int64_t group_no;           /* session_no of the topmost ancestor; itself if it has none */
	int64_t partition_no;       /* of the whole group */
	struct derived_point first; /* its first event; ns INT64_MAX: none */
	struct derived_point
		home; /* its first event with a project or directory; ns INT64_MAX: none */
	bool home_by_project;
	struct str home_name;
	struct str home_cwd;    /* may be empty */
	int64_t stray_events;   /* events while the group has no partition: they are in no run */
	int64_t stray_first_ns; /* INT64_MAX: none */
	int64_t stray_last_ns;  /* INT64_MIN: none */
};

/* Begin a change of derived tables (takes the write lock), end it. */
MUST_USE int derived_begin(struct store *store, struct err *err);
MUST_USE int derived_commit(struct store *store, struct err *err);
void derived_rollback(struct store *store);

struct derived_mark {
	int64_t seq;    /* events up to here are accounted for */
	int64_t gap_ns; /* with this gap; 0: nothing was derived yet */
	bool rebuild;   /* asked for by whoever changed events behind the mark */
	bool corrected; /* there are corrections; read only */
};
MUST_USE int derived_mark_get(struct store *store, struct derived_mark *out, struct err *err);
MUST_USE int derived_mark_put(
	struct store *store, const struct derived_mark *mark, struct err *err);
/* Forget everything, the mark included. */
MUST_USE int derived_clear(struct store *store, struct err *err);

/* An event that was accounted for and has changed since; noted by triggers of the store. */
struct derived_correction {
	int64_t seq; /* of the event now; 0: it is gone, or starts at another time */
	struct str before;
	struct str after; /* its data; views into the arena */
};
MUST_USE int derived_corrections(struct store *store, struct arena *arena,
	struct derived_correction **out, size_t *count, struct err *err);
MUST_USE int derived_corrections_clear(struct store *store, struct err *err);

/* The highest numbers in use; whoever inserts counts on from them. */
struct derived_numbers {
	int64_t partition;
	int64_t run;
	int64_t session;
};
MUST_USE int derived_numbers_get(struct store *store, struct derived_numbers *out, struct err *err);

/* 0 when there is none. */
MUST_USE int derived_partition_find(struct store *store, struct str machine_id, bool by_project,
	struct str name, int64_t *no, struct err *err);
MUST_USE int derived_partition_put(
	struct store *store, const struct derived_partition *partition, struct err *err);

/* Runs of a partition that touch [FROM, TO], and perhaps the one before, ordered by first. */
MUST_USE int derived_runs_near(struct store *store, int64_t partition_no, int64_t from_ns,
	int64_t to_ns, struct arena *arena, struct derived_run **out, size_t *count,
	struct err *err);
/* ERR_CORRUPT when it is not there. */
MUST_USE int derived_run_get(struct store *store, int64_t run_no, struct arena *arena,
	struct derived_run *out, struct err *err);
/* Insert or replace by run_no. */
MUST_USE int derived_run_put(struct store *store, const struct derived_run *run, struct err *err);
/* Move what run FROM holds to run INTO, and delete FROM. */
MUST_USE int derived_run_absorb(
	struct store *store, int64_t from_no, int64_t into_no, struct err *err);
/* All runs of the stream with root FROM get root TO. */
MUST_USE int derived_root_move(
	struct store *store, int64_t from_root, int64_t to_root, struct err *err);
/* Add to what the run holds of the session. */
MUST_USE int derived_piece_add(
	struct store *store, const struct derived_piece *piece, struct err *err);
/* Root of any run that holds events of the session; 0: none. */
MUST_USE int derived_session_root(
	struct store *store, int64_t session_no, int64_t *root_no, struct err *err);

/* All sessions of the group that the session is in; none when it is not known. */
MUST_USE int derived_group(struct store *store, struct str machine_id, struct str session_id,
	struct arena *arena, struct derived_session **out, size_t *count, struct err *err);
/* Insert or replace by session_no. */
MUST_USE int derived_session_put(
	struct store *store, const struct derived_session *session, struct err *err);

/* Everything needed to place events of some time, copied into an arena. */
struct derived_view {
	struct derived_partition *partitions; /* by partition_no */
	size_t partition_count;
	struct derived_run *runs; /* by partition_no, first */
	size_t run_count;
	struct derived_piece *pieces; /* by run_no, session_no */
	size_t piece_count;
	struct derived_session *sessions; /* by session_no */
	size_t session_count;
};
/*
 * The streams with a run that touches [FROM, TO), with all their runs and pieces, the groups of
 * their sessions, and sessions without partition; both 0: everything.
 */
MUST_USE int derived_view_load(struct store *store, int64_t from_ns, int64_t to_ns,
	struct arena *arena, struct derived_view *out, struct err *err);
/* How many streams named after BASE begin in [FROM, TO) of the total order. */
MUST_USE int derived_roots_between(struct store *store, struct str base,
	const struct derived_point *from, const struct derived_point *to, int64_t *count,
	struct err *err);

#endif
