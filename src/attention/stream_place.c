/* Placing an event: assignments first, a person's before a program's, an event's own before its
 * session's; then inference. */
#include "attention/stream_set.h"

enum { ANCESTORS = 64 };

int64_t set_partition_find(
	const struct stream_set *set, struct str machine_id, const struct site *site)
{
	struct map_key key = { machine_id, site->name, site->by_project };

	return map_get(&set->partition_index, &key);
}

int64_t set_session_find(const struct stream_set *set, struct str machine_id, struct str session_id)
{
	struct map_key key = { machine_id, session_id, 0 };

	return map_get(&set->session_index, &key);
}

int64_t set_run_at(const struct stream_set *set, int64_t partition, int64_t ns)
{
	const struct set_partition *in = &set->partitions[partition];
	size_t low = in->first_run, high = in->end_run;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->view.runs[middle].first.ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == in->first_run || ns > set->view.runs[low - 1].last_ns)
		return MAP_NONE;
	return (int64_t)low - 1;
}

const struct set_part *set_part_at(
	const struct set_component *component, const struct derived_point *point)
{
	size_t at = component->part_count;

	if (at == 0)
		return NULL;
	while (at > 1 && derived_point_cmp(&component->parts[at - 1].from, point) > 0)
		at--;
	return &component->parts[at - 1];
}

/* --- assignments --- */

static struct set_target stronger(struct set_target near, struct set_target far)
{
	return far.by > near.by ? far : near;
}

static struct set_target session_own(
	const struct stream_set *set, struct str machine_id, struct str session_id)
{
	struct map_key key = { machine_id, session_id, 0 };
	int64_t at = map_get(&set->assigned_session_index, &key);

	return at == MAP_NONE ? (struct set_target){ STREAM_NONE, BY_NOBODY }
			      : set->session_targets[at];
}

/* Of a session that was not there when streams were last brought up to date, all that is known is
 * its own event. */
static struct set_target unknown_session(
	const struct stream_set *set, struct str machine_id, const struct site *site)
{
	struct set_target target = session_own(set, machine_id, site->session_id);
	struct str id = site_parent(site->session_id, site->parent_id);

	for (int i = 0; i < ANCESTORS && id.len > 0; i++) {
		target = stronger(target, session_own(set, machine_id, id));
		id = site_parent(id, (struct str){ 0 });
	}
	return target;
}

struct set_target set_assigned(
	const struct stream_set *set, const struct stored_event *event, const struct site *site)
{
	struct set_target own = { STREAM_NONE, BY_NOBODY };
	int64_t at;

	if (set->event_assignment_count > 0) {
		struct map_key key = { .a = event->event.id };

		at = map_get(&set->event_index, &key);
		if (at != MAP_NONE)
			own = set->event_targets[at];
	}
	if (site->session_id.len == 0 || set->session_assignment_count == 0)
		return own;
	at = set_session_find(set, event->machine_id, site->session_id);
	return stronger(own, at != MAP_NONE ? set->sessions[at].assigned
					    : unknown_session(set, event->machine_id, site));
}

/* --- inference --- */

int64_t set_run_of(
	const struct stream_set *set, const struct stored_event *event, const struct site *site)
{
	int64_t partition = MAP_NONE;

	if (site->session_id.len > 0) {
		int64_t session = set_session_find(set, event->machine_id, site->session_id);

		if (session != MAP_NONE)
			partition = set->sessions[session].partition;
	} else if (site->name.len > 0) {
		partition = set_partition_find(set, event->machine_id, site);
	}
	return partition == MAP_NONE ? MAP_NONE : set_run_at(set, partition, event->event.start_ns);
}

static struct derived_point position(
	const struct stream_set *set, const struct stored_event *event, const struct site *site)
{
	int64_t at;

	if (site->session_id.len == 0)
		return (struct derived_point){ event->event.start_ns,
			event_type_rank(event->event.type), event->event.id };
	at = set_session_find(set, event->machine_id, site->session_id);
	return set->sessions[set->sessions[at].group].first;
}

int32_t set_place(
	const struct stream_set *set, const struct stored_event *event, const struct site *site)
{
	struct set_target assigned = set_assigned(set, event, site);
	const struct set_component *component;
	struct derived_point point;
	int64_t run;

	if (assigned.by != BY_NOBODY)
		return assigned.stream;
	run = set_run_of(set, event, site);
	if (run == MAP_NONE)
		return STREAM_NONE;
	component = &set->components[set->run_component[run]];
	if (component->part_count == 0)
		return component->stream;
	if (component->part_count == 1)
		return component->parts[0].stream;
	point = position(set, event, site);
	return set_part_at(component, &point)->stream;
}

bool stream_set_needs_ids(const struct stream_set *set)
{
	for (size_t i = 0; i < set->component_count; i++)
		if (set->components[i].part_count > 1)
			return true;
	return set->event_assignment_count > 0;
}

int32_t stream_set_place(const struct stream_set *set, const struct stored_event *event,
	const struct event_facts *facts)
{
	struct site site = site_of(facts);

	return set_place(set, event, &site);
}

/* --- sessions of the set --- */

static void find_group(struct stream_set *set, struct map *by_number, size_t at)
{
	struct set_session *session = &set->sessions[at], *top;
	struct map_key key = { .n = (uint64_t)session->row->group_no };
	int64_t group = map_get(by_number, &key);

	session->group = group == MAP_NONE ? at : (size_t)group;
	top = &set->sessions[session->group];
	if (derived_point_cmp(&session->row->first, &top->first) < 0)
		top->first = session->row->first;
}

static void inherit(struct stream_set *set, size_t at)
{
	struct set_target target = { STREAM_NONE, BY_NOBODY };
	int64_t from = (int64_t)at;

	for (int i = 0; i < ANCESTORS && from != MAP_NONE; i++) {
		const struct derived_session *row = set->sessions[from].row;

		target = stronger(target, session_own(set, row->machine_id, row->session_id));
		from = set->sessions[from].parent;
	}
	set->sessions[at].assigned = target;
}

void set_index_sessions(struct stream_set *set)
{
	size_t count = set->view.session_count;
	struct map by_number = { 0 }, partitions = { 0 };

	for (size_t i = 0; i < set->view.partition_count; i++) {
		struct map_key key = { .n = (uint64_t)set->view.partitions[i].partition_no };

		map_put(&partitions, &key, (int64_t)i);
	}
	set->sessions = arena_zalloc(&set->arena, count, sizeof(*set->sessions));
	for (size_t i = 0; i < count; i++) {
		const struct derived_session *row = &set->view.sessions[i];
		struct map_key number = { .n = (uint64_t)row->session_no };
		struct map_key partition = { .n = (uint64_t)row->partition_no };
		struct map_key key = { row->machine_id, row->session_id, 0 };

		set->sessions[i] = (struct set_session){
			.row = row,
			.partition = map_get(&partitions, &partition),
			.first = row->first,
		};
		map_put(&by_number, &number, (int64_t)i);
		map_put(&set->session_index, &key, (int64_t)i);
	}
	for (size_t i = 0; i < count; i++) {
		const struct derived_session *row = &set->view.sessions[i];

		set->sessions[i].parent = set_session_find(
			set, row->machine_id, site_parent(row->session_id, row->parent_id));
		find_group(set, &by_number, i);
	}
	for (size_t i = 0; i < count && set->session_assignment_count > 0; i++)
		inherit(set, i);
	map_release(&by_number);
	map_release(&partitions);
}
