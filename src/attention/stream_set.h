/*
 * Inside a stream set; for the files stream_*.c alone. Everything is in arrays that refer to each
 * other by index.
 *
 * A component is what inference says belongs together: the runs with one root. Anchored records cut
 * it into parts; without any it is one inferred stream.
 */
#ifndef TT_ATTENTION_STREAM_SET_H
#define TT_ATTENTION_STREAM_SET_H

#include "attention/site.h"
#include "attention/streams.h"
#include "store/derived.h"

/* What is at and behind FROM, up to the next part, belongs to a stream. */
struct set_part {
	struct derived_point from;
	size_t component;
	int32_t stream;
};

struct set_component {
	const struct derived_run *root;
	const struct derived_partition *partition;
	int64_t cwd_ns;
	struct str cwd;
	int64_t number;               /* 1 for the first of its name */
	const struct set_part *parts; /* ordered */
	size_t part_count;
	int32_t stream; /* when it has no parts */
};

struct set_partition {
	const struct derived_partition *row;
	size_t first_run; /* view.runs[first_run, end_run) */
	size_t end_run;
};

/* Where an assignment sends events; stream STREAM_NONE: nowhere. */
struct set_target {
	int32_t stream;
	enum assigned_by by;
};

struct set_session {
	const struct derived_session *row;
	int64_t partition;          /* index, or MAP_NONE */
	int64_t parent;             /* index, or MAP_NONE */
	size_t group;               /* index of the topmost */
	struct derived_point first; /* of a topmost one: of its whole group */
	struct set_target assigned; /* its own, else an ancestor's */
};

struct set_record {
	struct stream_record row;
	int32_t stream;    /* its own; STREAM_NONE: merged into another */
	int32_t receiver;  /* the stream that gets its events */
	int64_t component; /* of its anchor, or MAP_NONE */
};

struct stream_set {
	struct arena arena;
	bool all;
	struct derived_view view;
	struct map partition_index;
	struct set_partition *partitions; /* as view.partitions */
	struct map root_index;            /* run number of a root to component */
	struct set_component *components;
	size_t component_count;
	int64_t *run_component; /* as view.runs */
	struct map session_index;
	struct set_session *sessions; /* as view.sessions */
	struct map record_index;
	struct set_record *records;
	size_t record_count;
	struct set_part *parts;
	size_t part_count;
	struct map event_index; /* assigned events */
	struct event_assignment *event_assignments;
	struct set_target *event_targets;
	size_t event_assignment_count;
	struct map assigned_session_index;
	struct session_assignment *session_assignments;
	struct set_target *session_targets;
	size_t session_assignment_count;
	struct stream *streams;
	size_t stream_count;
};

/* Index of a partition, session (of this set) or run, or MAP_NONE. */
int64_t set_partition_find(
	const struct stream_set *set, struct str machine_id, const struct site *site);
int64_t set_session_find(
	const struct stream_set *set, struct str machine_id, struct str session_id);
int64_t set_run_at(const struct stream_set *set, int64_t partition, int64_t ns);
/* The part of a component in which POINT is, or NULL when it has none. */
const struct set_part *set_part_at(
	const struct set_component *component, const struct derived_point *point);
/* The run that inference puts an event in, or MAP_NONE. */
int64_t set_run_of(
	const struct stream_set *set, const struct stored_event *event, const struct site *site);
/* What somebody assigned the event to, itself or its session. */
struct set_target set_assigned(
	const struct stream_set *set, const struct stored_event *event, const struct site *site);
int32_t set_place(
	const struct stream_set *set, const struct stored_event *event, const struct site *site);

/* The steps of loading, in this order. RANGE: both 0 for everything. */
MUST_USE int set_load(
	struct stream_set *set, struct store *store, const int64_t range[2], struct err *err);
MUST_USE int set_name(struct stream_set *set, struct store *store, struct err *err);
/* Make sessions, their groups and what they are assigned to: a part of set_load. */
void set_index_sessions(struct stream_set *set);
/* Fill in extents, counts, and what streams made by hand take from their events. */
MUST_USE int set_measure(struct stream_set *set, struct store *store, struct err *err);
/* Add the tags that rules give. */
MUST_USE int set_tag(struct stream_set *set, struct store *store, struct err *err);

#endif
