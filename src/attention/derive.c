/*
 * Runs and streams are brought up to date in this order: look up the groups of all sessions met and
 * the numbers of all partitions; merge segments into runs; find which streams grow together; write.
 *
 * A stream is the set of runs with one root, which is its first run. New events only ever join
 * streams. A union-find over run numbers finds what grows together: its nodes are the changed runs
 * and the roots of the stored streams they touch.
 */
#include "attention/derive.h"

#include <stdlib.h>

struct node {
	int64_t run_no;
	struct derived_point first;
	size_t parent;
	size_t best; /* of a topmost node: the node that begins first */
	bool has_first;
	bool absorbed; /* the run is part of another now: not a root */
};

struct derive {
	struct store *store;
	struct infer *infer;
	bool fresh;
	struct arena arena;
	struct derived_numbers numbers;
	struct infer_run *runs; /* those that change */
	size_t run_count;
	size_t run_room;
	struct node *nodes;
	size_t node_count;
	size_t node_room;
	struct map node_index; /* by run number */
	size_t *group_node;    /* per session that is a root: a node of its stream */
};

static void derive_release(struct derive *derive)
{
	free(derive->runs);
	free(derive->nodes);
	free(derive->group_node);
	map_release(&derive->node_index);
	arena_release(&derive->arena);
}

/* --- looking up --- */

static int look_up_sessions(struct derive *derive, struct err *err)
{
	struct infer *infer = derive->infer;

	for (size_t i = 0; i < infer->session_count; i++) {
		const struct derived_session *row = &infer->sessions[i].row;
		struct derived_session *group;
		size_t count;

		if (!derive->fresh && !infer->sessions[i].looked_up) {
			if (derived_group(derive->store, row->machine_id, row->session_id,
				    &derive->arena, &group, &count, err) < 0)
				return err->code;
			infer_seed(infer, group, count);
		}
		infer_link(infer, i);
	}
	return 0;
}

static int number_partitions(struct derive *derive, struct err *err)
{
	struct infer *infer = derive->infer;

	for (size_t i = 0; i < infer->partition_count && !derive->fresh; i++) {
		struct derived_partition *row = &infer->partitions[i].row;

		if (derived_partition_find(derive->store, row->machine_id, row->by_project,
			    row->name, &row->partition_no, err) < 0)
			return err->code;
	}
	return 0;
}

/* --- runs --- */

static int64_t saturated(int64_t ns, int64_t change)
{
	int64_t sum;

	if (__builtin_add_overflow(ns, change, &sum))
		return change < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static int merge_partition(struct derive *derive, size_t at, struct err *err)
{
	const struct infer_partition *partition = &derive->infer->partitions[at];
	const struct infer_segments *segments = &partition->segments;
	struct derived_run *stored = NULL;
	struct infer_run *runs;
	size_t stored_count = 0, count;
	int64_t last_ns = INT64_MIN;

	for (size_t i = 0; i < segments->count; i++)
		if (segments->ptr[i].last_ns > last_ns)
			last_ns = segments->ptr[i].last_ns;
	if (!derive->fresh && derived_runs_near(derive->store, partition->row.partition_no,
				      saturated(segments->ptr[0].first.ns, -derive->infer->gap_ns),
				      saturated(last_ns, derive->infer->gap_ns), &derive->arena,
				      &stored, &stored_count, err) < 0)
		return err->code;
	infer_runs(derive->infer, at, stored, stored_count, &derive->arena, &runs, &count);
	if (derive->run_count + count > derive->run_room) {
		derive->run_room = 2 * derive->run_room + count;
		derive->runs = mem_resize(derive->runs, derive->run_room, sizeof(*derive->runs));
	}
	for (size_t i = 0; i < count; i++) {
		if (runs[i].run.run_no == 0)
			runs[i].run.run_no = ++derive->numbers.run;
		derive->runs[derive->run_count++] = runs[i];
	}
	return 0;
}

static int merge_runs(struct derive *derive, struct err *err)
{
	for (size_t i = 0; i < derive->infer->partition_count; i++)
		if (derive->infer->partitions[i].segments.count > 0 &&
			merge_partition(derive, i, err) < 0)
			return err->code;
	return 0;
}

/* --- streams --- */

static size_t node_get(struct derive *derive, int64_t run_no)
{
	struct map_key key = { .n = (uint64_t)run_no };
	int64_t found = map_get(&derive->node_index, &key);

	if (found != MAP_NONE)
		return (size_t)found;
	if (derive->node_count == derive->node_room) {
		derive->node_room = derive->node_room ? 2 * derive->node_room : 64;
		derive->nodes =
			mem_resize(derive->nodes, derive->node_room, sizeof(*derive->nodes));
	}
	derive->nodes[derive->node_count] =
		(struct node){ .run_no = run_no, .parent = derive->node_count };
	map_put(&derive->node_index, &key, (int64_t)derive->node_count);
	return derive->node_count++;
}

static size_t node_top(struct derive *derive, size_t at)
{
	struct node *nodes = derive->nodes;

	while (nodes[at].parent != at) {
		nodes[at].parent = nodes[nodes[at].parent].parent;
		at = nodes[at].parent;
	}
	return at;
}

static void join(struct derive *derive, size_t a, size_t b)
{
	derive->nodes[node_top(derive, a)].parent = node_top(derive, b);
}

static void join_group(struct derive *derive, size_t session, size_t node)
{
	size_t *of_group = &derive->group_node[derive->infer->sessions[session].root];

	if (*of_group == INFER_NONE)
		*of_group = node;
	else
		join(derive, *of_group, node);
}

/* The stored streams in which sessions met already have events. */
static int join_stored_groups(struct derive *derive, struct err *err)
{
	const struct infer *infer = derive->infer;

	derive->group_node = mem_resize(NULL, infer->session_count, sizeof(*derive->group_node));
	for (size_t i = 0; i < infer->session_count; i++)
		derive->group_node[i] = INFER_NONE;
	for (size_t i = 0; i < infer->session_count && !derive->fresh; i++) {
		const struct infer_session *session = &infer->sessions[i];
		int64_t root_no;

		if (session->stored_partition == 0)
			continue;
		if (derived_session_root(derive->store, session->row.session_no, &root_no, err) < 0)
			return err->code;
		if (root_no != 0)
			join_group(derive, i, node_get(derive, root_no));
	}
	return 0;
}

static void join_run(struct derive *derive, const struct infer_run *run)
{
	size_t own = node_get(derive, run->run.run_no);

	derive->nodes[own].first = run->run.first;
	derive->nodes[own].has_first = true;
	for (size_t i = 0; i < run->stored_count; i++) {
		size_t taken = node_get(derive, run->stored[i].run_no);

		join(derive, own, node_get(derive, run->stored[i].root_no));
		join(derive, own, taken);
		derive->nodes[taken].absorbed = taken != own;
	}
	for (size_t i = 0; i < run->segment_count; i++)
		if (run->segments[i].session != INFER_NONE)
			join_group(derive, run->segments[i].session, own);
}

/* Of each stream that changes, the run that begins it. */
static int choose_roots(struct derive *derive, struct err *err)
{
	for (size_t i = 0; i < derive->node_count; i++)
		derive->nodes[i].best = INFER_NONE;
	for (size_t i = 0; i < derive->node_count; i++) {
		struct node *node = &derive->nodes[i], *top;
		struct derived_run run;

		if (node->absorbed)
			continue;
		if (!node->has_first) {
			if (derived_run_get(
				    derive->store, node->run_no, &derive->arena, &run, err) < 0)
				return err->code;
			node->first = run.first;
		}
		top = &derive->nodes[node_top(derive, i)];
		if (top->best == INFER_NONE ||
			derived_point_cmp(&node->first, &derive->nodes[top->best].first) < 0)
			top->best = i;
	}
	return 0;
}

static int64_t root_of(struct derive *derive, size_t node)
{
	return derive->nodes[derive->nodes[node_top(derive, node)].best].run_no;
}

/* --- writing --- */

/* Partitions that only stored sessions name exist already. */
static int write_partitions(struct derive *derive, struct err *err)
{
	struct infer *infer = derive->infer;

	for (size_t i = 0; i < infer->partition_count; i++) {
		struct derived_partition *row = &infer->partitions[i].row;

		if (row->partition_no != 0)
			continue;
		row->partition_no = ++derive->numbers.partition;
		if (derived_partition_put(derive->store, row, err) < 0)
			return err->code;
	}
	return 0;
}

static bool number_session(struct derive *derive, struct infer_session *session)
{
	const struct infer *infer = derive->infer;
	int64_t group_no = infer->sessions[session->root].row.session_no;
	int64_t partition_no = session->partition == INFER_NONE
				       ? 0
				       : infer->partitions[session->partition].row.partition_no;
	bool changed = session->touched || !session->looked_up ||
		       group_no != session->row.group_no ||
		       partition_no != session->row.partition_no;

	session->row.group_no = group_no;
	session->row.partition_no = partition_no;
	return changed;
}

static int write_sessions(struct derive *derive, struct err *err)
{
	struct infer *infer = derive->infer;

	for (size_t i = 0; i < infer->session_count; i++)
		if (infer->sessions[i].row.session_no == 0)
			infer->sessions[i].row.session_no = ++derive->numbers.session;
	for (size_t i = 0; i < infer->session_count; i++)
		if (number_session(derive, &infer->sessions[i]) &&
			derived_session_put(derive->store, &infer->sessions[i].row, err) < 0)
			return err->code;
	return 0;
}

static int write_run(struct derive *derive, const struct infer_run *run, struct err *err)
{
	struct derived_run row = run->run;

	row.root_no = root_of(derive, node_get(derive, row.run_no));
	for (size_t i = 1; i < run->stored_count; i++)
		if (derived_run_absorb(derive->store, run->stored[i].run_no, row.run_no, err) < 0)
			return err->code;
	if (derived_run_put(derive->store, &row, err) < 0)
		return err->code;
	for (size_t i = 0; i < run->segment_count; i++) {
		const struct infer_segment *segment = &run->segments[i];
		struct derived_piece piece = {
			.run_no = row.run_no,
			.session_no =
				segment->session == INFER_NONE
					? 0
					: derive->infer->sessions[segment->session].row.session_no,
			.events = segment->events,
			.first_ns = segment->first.ns,
			.last_ns = segment->last_ns,
		};

		if (derived_piece_add(derive->store, &piece, err) < 0)
			return err->code;
	}
	return 0;
}

static int write_runs(struct derive *derive, struct err *err)
{
	for (size_t i = 0; i < derive->run_count; i++) {
		struct infer_run *run = &derive->runs[i];

		if (write_run(derive, run, err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < derive->node_count && !derive->fresh; i++) {
		int64_t root_no = root_of(derive, i);

		if (root_no != derive->nodes[i].run_no &&
			derived_root_move(derive->store, derive->nodes[i].run_no, root_no, err) < 0)
			return err->code;
	}
	return 0;
}

static int store_all(struct derive *derive, bool *fits, struct err *err)
{
	if (derived_numbers_get(derive->store, &derive->numbers, err) < 0 ||
		look_up_sessions(derive, err) < 0)
		return err->code;
	infer_resolve(derive->infer);
	if (number_partitions(derive, err) < 0)
		return err->code;
	*fits = infer_fits(derive->infer);
	if (!*fits)
		return 0;
	/* Runs carry the numbers of their partitions. */
	if (write_partitions(derive, err) < 0 || merge_runs(derive, err) < 0 ||
		join_stored_groups(derive, err) < 0)
		return err->code;
	for (size_t i = 0; i < derive->run_count; i++)
		join_run(derive, &derive->runs[i]);
	if (choose_roots(derive, err) < 0 || write_sessions(derive, err) < 0)
		return err->code;
	return write_runs(derive, err);
}

int derive_store(struct store *store, struct infer *infer, bool fresh, bool *fits, struct err *err)
{
	struct derive derive = { .store = store, .infer = infer, .fresh = fresh };
	int rc = store_all(&derive, fits, err);

	derive_release(&derive);
	return rc;
}
