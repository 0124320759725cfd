/* See infer.h. Sessions and partitions live in arrays that grow, so they refer to each other by
 * index. */
#include "attention/infer.h"

#include <stdlib.h>

void infer_init(struct infer *infer, int64_t gap_ns)
{
	*infer = (struct infer){ .gap_ns = gap_ns };
}

void infer_release(struct infer *infer)
{
	for (size_t i = 0; i < infer->session_count; i++)
		free(infer->sessions[i].segments.ptr);
	for (size_t i = 0; i < infer->partition_count; i++)
		free(infer->partitions[i].segments.ptr);
	free(infer->sessions);
	free(infer->partitions);
	map_release(&infer->session_index);
	map_release(&infer->partition_index);
	arena_release(&infer->arena);
	*infer = (struct infer){ 0 };
}

/* --- segments --- */

/* Whether B, not before A, is within the gap; the difference of two instants may not fit. */
static bool within(const struct infer *infer, int64_t a, int64_t b)
{
	return (uint64_t)b - (uint64_t)a <= (uint64_t)infer->gap_ns;
}

static struct infer_segment *segment_new(struct infer_segments *segments)
{
	if (segments->count == segments->room) {
		segments->room = segments->room ? 2 * segments->room : 4;
		segments->ptr = mem_resize(segments->ptr, segments->room, sizeof(*segments->ptr));
	}
	return &segments->ptr[segments->count++];
}

/* The earlier of two directories, of one instant the lesser text. */
static void take_cwd(int64_t *into_ns, struct str *into, int64_t ns, struct str cwd)
{
	if (cwd.len == 0 || ns > *into_ns || (ns == *into_ns && str_cmp(cwd, *into) >= 0))
		return;
	*into_ns = ns;
	*into = cwd;
}

static struct derived_point point_of(struct infer *infer, const struct event *event)
{
	return (struct derived_point){ event->start_ns, event_type_rank(event->type),
		arena_str(&infer->arena, event->id) };
}

static void extend(struct infer *infer, struct infer_segments *segments, const struct site *site,
	const struct event *event)
{
	struct infer_segment *last = segments->count ? &segments->ptr[segments->count - 1] : NULL;

	if (!last || !within(infer, last->last_ns, event->start_ns)) {
		last = segment_new(segments);
		*last = (struct infer_segment){
			.first = point_of(infer, event),
			.cwd_ns = INT64_MAX,
			.session = INFER_NONE,
		};
	}
	last->last_ns = event->start_ns;
	last->events++;
	take_cwd(&last->cwd_ns, &last->cwd, event->start_ns, site->cwd);
}

/* --- sessions and partitions --- */

static size_t session_get(struct infer *infer, struct str machine_id, struct str session_id)
{
	struct map_key key = { machine_id, session_id, 0 };
	int64_t found = map_get(&infer->session_index, &key);
	struct infer_session *session;

	if (found != MAP_NONE)
		return (size_t)found;
	if (infer->session_count == infer->session_room) {
		infer->session_room = infer->session_room ? 2 * infer->session_room : 16;
		infer->sessions =
			mem_resize(infer->sessions, infer->session_room, sizeof(*infer->sessions));
	}
	session = &infer->sessions[infer->session_count];
	*session = (struct infer_session){
		.row = {
			.machine_id = arena_str(&infer->arena, machine_id),
			.session_id = arena_str(&infer->arena, session_id),
			.first.ns = INT64_MAX,
			.home.ns = INT64_MAX,
			.stray_first_ns = INT64_MAX,
			.stray_last_ns = INT64_MIN,
		},
		.stored_root = INFER_NONE,
		.parent = INFER_NONE,
		.root = INFER_NONE,
		.home = INFER_NONE,
		.partition = INFER_NONE,
	};
	key = (struct map_key){ session->row.machine_id, session->row.session_id, 0 };
	map_put(&infer->session_index, &key, (int64_t)infer->session_count);
	return infer->session_count++;
}

static size_t partition_get(
	struct infer *infer, struct str machine_id, bool by_project, struct str name)
{
	struct map_key key = { machine_id, name, by_project };
	int64_t found = map_get(&infer->partition_index, &key);
	struct infer_partition *partition;

	if (found != MAP_NONE)
		return (size_t)found;
	if (infer->partition_count == infer->partition_room) {
		infer->partition_room = infer->partition_room ? 2 * infer->partition_room : 16;
		infer->partitions = mem_resize(
			infer->partitions, infer->partition_room, sizeof(*infer->partitions));
	}
	partition = &infer->partitions[infer->partition_count];
	*partition = (struct infer_partition){ .row = {
						       .machine_id =
							       arena_str(&infer->arena, machine_id),
						       .by_project = by_project,
						       .name = arena_str(&infer->arena, name),
					       } };
	partition->row.base = site_base(by_project, partition->row.name);
	key = (struct map_key){ partition->row.machine_id, partition->row.name, by_project };
	map_put(&infer->partition_index, &key, (int64_t)infer->partition_count);
	return infer->partition_count++;
}

static void take_parent(struct derived_session *row, struct str parent_id)
{
	if (parent_id.len > 0 &&
		(row->parent_id.len == 0 || str_cmp(parent_id, row->parent_id) < 0))
		row->parent_id = parent_id;
}

static bool event_before(const struct event *event, const struct derived_point *point)
{
	struct derived_point own = { .ns = event->start_ns, .id = event->id };

	if (own.ns != point->ns)
		return own.ns < point->ns;
	own.rank = event_type_rank(event->type);
	return derived_point_cmp(&own, point) < 0;
}

void infer_add(struct infer *infer, struct str machine_id, const struct site *site,
	const struct event *event)
{
	struct infer_session *session;
	size_t at;

	if (site->session_id.len == 0) {
		if (site->name.len == 0)
			return;
		at = partition_get(infer, machine_id, site->by_project, site->name);
		extend(infer, &infer->partitions[at].segments, site, event);
		return;
	}
	at = session_get(infer, machine_id, site->session_id);
	session = &infer->sessions[at];
	take_parent(&session->row, site->parent_id);
	if (event_before(event, &session->row.first))
		session->row.first = point_of(infer, event);
	if (site->name.len > 0 && event_before(event, &session->row.home)) {
		session->row.home = point_of(infer, event);
		session->row.home_by_project = site->by_project;
		session->row.home_name = site->name;
		session->row.home_cwd = site->cwd;
	}
	extend(infer, &session->segments, site, event);
	session->touched = true;
}

static void seed_one(struct infer_session *session, const struct derived_session *row)
{
	struct derived_session *own = &session->row;

	own->session_no = row->session_no;
	own->group_no = row->group_no;
	own->partition_no = row->partition_no;
	own->stray_events = row->stray_events;
	own->stray_first_ns = row->stray_first_ns;
	own->stray_last_ns = row->stray_last_ns;
	take_parent(own, row->parent_id);
	if (derived_point_cmp(&row->first, &own->first) < 0)
		own->first = row->first;
	if (derived_point_cmp(&row->home, &own->home) < 0) {
		own->home = row->home;
		own->home_by_project = row->home_by_project;
		own->home_name = row->home_name;
		own->home_cwd = row->home_cwd;
	}
	session->looked_up = true;
	session->stored_partition = row->partition_no;
	session->stored_strays = row->stray_events;
}

void infer_seed(struct infer *infer, const struct derived_session *rows, size_t count)
{
	size_t root = INFER_NONE;

	for (size_t i = 0; i < count; i++) {
		size_t at = session_get(infer, rows[i].machine_id, rows[i].session_id);

		seed_one(&infer->sessions[at], &rows[i]);
		if (rows[i].session_no == rows[i].group_no)
			root = at;
	}
	for (size_t i = 0; i < count; i++) {
		size_t at = session_get(infer, rows[i].machine_id, rows[i].session_id);

		infer->sessions[at].stored_root = root;
	}
}

void infer_link(struct infer *infer, size_t index)
{
	const struct derived_session *row = &infer->sessions[index].row;
	struct str parent = site_parent(row->session_id, row->parent_id);
	size_t at;

	if (parent.len == 0)
		return;
	at = session_get(infer, row->machine_id, parent);
	infer->sessions[index].parent = at;
}

/* --- groups --- */

/* The least session of the circle that AT is in. */
static size_t circle_root(const struct infer *infer, size_t at)
{
	size_t least = at;

	for (size_t next = infer->sessions[at].parent; next != at;
		next = infer->sessions[next].parent)
		if (str_cmp(infer->sessions[next].row.session_id,
			    infer->sessions[least].row.session_id) < 0)
			least = next;
	return least;
}

/* Walk up until a session with a known root, a topmost one, or one that this walk has met: a
 * circle. */
static void find_root(struct infer *infer, size_t start)
{
	struct infer_session *sessions = infer->sessions;
	uint64_t mark = ++infer->walks;
	size_t at = start, root;

	while (sessions[at].root == INFER_NONE && sessions[at].mark != mark &&
		sessions[at].parent != INFER_NONE) {
		sessions[at].mark = mark;
		at = sessions[at].parent;
	}
	if (sessions[at].root != INFER_NONE)
		root = sessions[at].root;
	else
		root = sessions[at].mark == mark ? circle_root(infer, at) : at;
	for (at = start; at != INFER_NONE && sessions[at].root == INFER_NONE;
		at = sessions[at].parent)
		sessions[at].root = root;
}

static void offer_home(struct infer *infer, size_t index)
{
	const struct infer_session *session = &infer->sessions[index];
	struct infer_session *root = &infer->sessions[session->root];

	if (session->row.home.ns == INT64_MAX)
		return;
	if (index == session->root || root->home == INFER_NONE ||
		(root->home != session->root && derived_point_cmp(&session->row.home,
							&infer->sessions[root->home].row.home) < 0))
		root->home = index;
}

/* Segments of a session without partition are only counted. */
static void count_strays(struct infer_session *session)
{
	struct derived_session *row = &session->row;

	for (size_t i = 0; i < session->segments.count; i++) {
		const struct infer_segment *segment = &session->segments.ptr[i];

		row->stray_events += segment->events;
		if (segment->first.ns < row->stray_first_ns)
			row->stray_first_ns = segment->first.ns;
		if (segment->last_ns > row->stray_last_ns)
			row->stray_last_ns = segment->last_ns;
	}
}

static void place_session(struct infer *infer, size_t index)
{
	struct infer_session *session = &infer->sessions[index];
	size_t home = infer->sessions[session->root].home;

	if (home == INFER_NONE) {
		count_strays(session);
	} else {
		const struct derived_session *row = &infer->sessions[home].row;
		struct infer_segments *into;

		session->partition =
			partition_get(infer, row->machine_id, row->home_by_project, row->home_name);
		into = &infer->partitions[session->partition].segments;
		for (size_t i = 0; i < session->segments.count; i++) {
			struct infer_segment *segment = segment_new(into);

			*segment = session->segments.ptr[i];
			segment->session = index;
		}
	}
	free(session->segments.ptr);
	session->segments = (struct infer_segments){ 0 };
}

static int by_first(const void *a, const void *b)
{
	const struct infer_segment *left = a, *right = b;

	return derived_point_cmp(&left->first, &right->first);
}

void infer_resolve(struct infer *infer)
{
	for (size_t i = 0; i < infer->session_count; i++)
		if (infer->sessions[i].root == INFER_NONE)
			find_root(infer, i);
	for (size_t i = 0; i < infer->session_count; i++)
		offer_home(infer, i);
	for (size_t i = 0; i < infer->session_count; i++)
		place_session(infer, i);
	for (size_t i = 0; i < infer->partition_count; i++) {
		struct infer_segments *segments = &infer->partitions[i].segments;

		if (segments->count > 1)
			qsort(segments->ptr, segments->count, sizeof(*segments->ptr), by_first);
	}
}

bool infer_fits(const struct infer *infer)
{
	for (size_t i = 0; i < infer->session_count; i++) {
		const struct infer_session *session = &infer->sessions[i];
		size_t partition = session->partition;
		int64_t no =
			partition == INFER_NONE ? 0 : infer->partitions[partition].row.partition_no;

		if (session->stored_partition != 0 && session->stored_partition != no)
			return false;
		if (session->stored_strays > 0 && partition != INFER_NONE)
			return false;
		if (session->stored_root != INFER_NONE &&
			infer->sessions[session->stored_root].root != session->root)
			return false;
	}
	return true;
}

/* --- runs --- */

static void run_take(struct derived_run *run, const struct derived_point *first, int64_t last_ns,
	int64_t cwd_ns, struct str cwd)
{
	if (derived_point_cmp(first, &run->first) < 0)
		run->first = *first;
	if (last_ns > run->last_ns)
		run->last_ns = last_ns;
	take_cwd(&run->cwd_ns, &run->cwd, cwd_ns, cwd);
}

/* One run from the heads of both lists: what begins within the gap of what was taken so far. */
static struct infer_run take_run(const struct infer *infer, const struct infer_segments *segments,
	size_t *segment_at, const struct derived_run *stored, size_t stored_count,
	size_t *stored_at)
{
	struct infer_run out = {
		.run = { .first.ns = INT64_MAX, .last_ns = INT64_MIN, .cwd_ns = INT64_MAX },
		.stored = stored_count > 0 ? stored + *stored_at : NULL,
		.segments = segments->ptr + *segment_at,
	};

	for (;;) {
		const struct infer_segment *segment =
			*segment_at < segments->count ? &segments->ptr[*segment_at] : NULL;
		const struct derived_run *old =
			*stored_at < stored_count ? &stored[*stored_at] : NULL;
		bool take_old = old && (!segment || old->first.ns <= segment->first.ns);
		int64_t next = take_old ? old->first.ns : segment ? segment->first.ns : 0;

		if ((!old && !segment) ||
			(out.stored_count + out.segment_count > 0 && next > out.run.last_ns &&
				!within(infer, out.run.last_ns, next)))
			return out;
		if (take_old) {
			run_take(&out.run, &old->first, old->last_ns, old->cwd_ns, old->cwd);
			out.stored_count++;
			(*stored_at)++;
		} else {
			run_take(&out.run, &segment->first, segment->last_ns, segment->cwd_ns,
				segment->cwd);
			out.segment_count++;
			(*segment_at)++;
		}
	}
}

void infer_runs(const struct infer *infer, size_t partition, const struct derived_run *stored,
	size_t stored_count, struct arena *arena, struct infer_run **out, size_t *count)
{
	const struct infer_segments *segments = &infer->partitions[partition].segments;
	size_t segment_at = 0, stored_at = 0;

	*out = arena_zalloc(arena, segments->count, sizeof(**out));
	*count = 0;
	while (segment_at < segments->count) {
		struct infer_run run =
			take_run(infer, segments, &segment_at, stored, stored_count, &stored_at);

		if (run.segment_count == 0)
			continue;
		run.run.partition_no = infer->partitions[partition].row.partition_no;
		run.run.run_no = run.stored_count ? run.stored[0].run_no : 0;
		(*out)[(*count)++] = run;
	}
}
