/* Loading a set: what is stored becomes components, parts and streams. */
#include <stdlib.h>

#include "attention/stream_set.h"
#include "base/uuid.h"

/* --- rows --- */

static int load_rows(
	struct stream_set *set, struct store *store, const int64_t range[2], struct err *err)
{
	struct arena *arena = &set->arena;
	struct stream_record *records;

	if (derived_view_load(store, range[0], range[1], arena, &set->view, err) < 0 ||
		records_streams(store, arena, &records, &set->record_count, err) < 0 ||
		records_event_assignments(store, range[0], range[1], arena, &set->event_assignments,
			&set->event_assignment_count, err) < 0 ||
		records_session_assignments(store, arena, &set->session_assignments,
			&set->session_assignment_count, err) < 0)
		return err->code;
	set->records = arena_zalloc(arena, set->record_count, sizeof(*set->records));
	for (size_t i = 0; i < set->record_count; i++)
		set->records[i] = (struct set_record){
			.row = records[i],
			.stream = STREAM_NONE,
			.receiver = STREAM_NONE,
			.component = MAP_NONE,
		};
	return 0;
}

/* --- records --- */

static int64_t record_find(const struct stream_set *set, struct str stream_id)
{
	struct map_key key = { .a = stream_id };

	return map_get(&set->record_index, &key);
}

/* The record at the end of the chain of mergers; a record merged into one that is gone stays
 * itself. */
static size_t receiver_of(const struct stream_set *set, size_t at)
{
	for (size_t steps = 0; steps < set->record_count; steps++) {
		int64_t next = record_find(set, set->records[at].row.merged_into);

		if (next == MAP_NONE)
			break;
		at = (size_t)next;
	}
	return at;
}

/* At most one stream for each record and each component. */
static void make_record_streams(struct stream_set *set)
{
	set->streams = arena_zalloc(
		&set->arena, set->record_count + set->component_count, sizeof(*set->streams));
	for (size_t i = 0; i < set->record_count; i++) {
		struct set_record *record = &set->records[i];
		struct map_key key = { .a = record->row.stream_id };

		map_put(&set->record_index, &key, (int64_t)i);
	}
	for (size_t i = 0; i < set->record_count; i++) {
		struct set_record *record = &set->records[i];

		if (receiver_of(set, i) != i)
			continue;
		record->stream = (int32_t)set->stream_count;
		set->streams[set->stream_count++] = (struct stream){
			.id = record->row.stream_id,
			.name = record->row.name,
			.tags = record->row.tags,
			.tag_count = record->row.tag_count,
			.source = "user",
			.anchor_id = record->row.anchor_id,
			.first_ns = INT64_MIN,
			.last_ns = INT64_MIN,
		};
	}
	for (size_t i = 0; i < set->record_count; i++)
		set->records[i].receiver = set->records[receiver_of(set, i)].stream;
}

static struct set_target target_of(
	const struct stream_set *set, struct str stream_id, enum assigned_by by)
{
	int64_t at = record_find(set, stream_id);

	if (at == MAP_NONE || set->records[at].receiver == STREAM_NONE)
		return (struct set_target){ STREAM_NONE, BY_NOBODY };
	return (struct set_target){ set->records[at].receiver, by };
}

static void index_assignments(struct stream_set *set)
{
	set->event_targets =
		arena_zalloc(&set->arena, set->event_assignment_count, sizeof(*set->event_targets));
	for (size_t i = 0; i < set->event_assignment_count; i++) {
		const struct event_assignment *row = &set->event_assignments[i];
		struct map_key key = { .a = row->event_id };

		set->event_targets[i] = target_of(set, row->stream_id, row->by);
		map_put(&set->event_index, &key, (int64_t)i);
	}
	set->session_targets = arena_zalloc(
		&set->arena, set->session_assignment_count, sizeof(*set->session_targets));
	for (size_t i = 0; i < set->session_assignment_count; i++) {
		const struct session_assignment *row = &set->session_assignments[i];
		struct map_key key = { row->machine_id, row->session_id, 0 };

		set->session_targets[i] = target_of(set, row->stream_id, row->by);
		map_put(&set->assigned_session_index, &key, (int64_t)i);
	}
}

/* --- components --- */

static void index_partitions(struct stream_set *set)
{
	const struct derived_view *view = &set->view;
	size_t run = 0;

	set->partitions =
		arena_zalloc(&set->arena, view->partition_count, sizeof(*set->partitions));
	for (size_t i = 0; i < view->partition_count; i++) {
		const struct derived_partition *row = &view->partitions[i];
		struct map_key key = { row->machine_id, row->name, row->by_project };

		while (run < view->run_count && view->runs[run].partition_no < row->partition_no)
			run++;
		set->partitions[i] = (struct set_partition){ .row = row, .first_run = run };
		while (run < view->run_count && view->runs[run].partition_no == row->partition_no)
			run++;
		set->partitions[i].end_run = run;
		map_put(&set->partition_index, &key, (int64_t)i);
	}
}

static size_t component_get(struct stream_set *set, int64_t root_no)
{
	struct map_key key = { .n = (uint64_t)root_no };
	int64_t found = map_get(&set->root_index, &key);

	if (found != MAP_NONE)
		return (size_t)found;
	set->components[set->component_count] =
		(struct set_component){ .cwd_ns = INT64_MAX, .stream = STREAM_NONE };
	map_put(&set->root_index, &key, (int64_t)set->component_count);
	return set->component_count++;
}

static void make_components(struct stream_set *set)
{
	size_t runs = set->view.run_count;

	set->components = arena_zalloc(&set->arena, runs, sizeof(*set->components));
	set->run_component = arena_zalloc(&set->arena, runs, sizeof(*set->run_component));
	for (size_t i = 0; i < set->view.partition_count; i++) {
		const struct set_partition *partition = &set->partitions[i];

		for (size_t run = partition->first_run; run < partition->end_run; run++) {
			const struct derived_run *row = &set->view.runs[run];
			size_t at = component_get(set, row->root_no);
			struct set_component *component = &set->components[at];

			set->run_component[run] = (int64_t)at;
			component->partition = partition->row;
			if (row->run_no == row->root_no)
				component->root = row;
			if (row->cwd_ns < component->cwd_ns ||
				(row->cwd_ns == component->cwd_ns &&
					str_cmp(row->cwd, component->cwd) < 0)) {
				component->cwd_ns = row->cwd_ns;
				component->cwd = row->cwd;
			}
		}
	}
}

/* --- parts --- */

struct anchors {
	struct map by_first; /* first event of a component to the component */
	struct site_cache sites;
	struct arena arena;
};

static int look_up_anchor(struct stream_set *set, struct store *store, struct anchors *anchors,
	struct set_record *record, struct derived_point *from, struct err *err)
{
	struct stored_event event;
	struct json_parser *parser = &anchors->sites.parser;
	struct event_facts facts;
	struct site site;
	int64_t run;
	int rc;

	arena_reset(&anchors->arena);
	rc = store_event_find(store, record->row.anchor_id, &anchors->arena, &event, err);
	if (rc < 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	event_facts(parser, event.event.data, &facts);
	site = site_of(&facts);
	run = set_run_of(set, &event, &site);
	if (run == MAP_NONE)
		return 0;
	record->component = set->run_component[run];
	*from = (struct derived_point){ event.event.start_ns, event_type_rank(event.event.type),
		record->row.anchor_id };
	return 0;
}

static int anchor_record(struct stream_set *set, struct store *store, struct anchors *anchors,
	struct set_record *record, struct err *err)
{
	struct map_key key = { .a = record->row.anchor_id };
	struct derived_point from;

	if (record->row.anchor_id.len == 0)
		return 0;
	record->component = map_get(&anchors->by_first, &key);
	if (record->component != MAP_NONE)
		from = set->components[record->component].root->first;
	else if (look_up_anchor(set, store, anchors, record, &from, err) < 0)
		return err->code;
	if (record->component != MAP_NONE)
		set->parts[set->part_count++] = (struct set_part){ .from = from,
			.component = (size_t)record->component,
			.stream = record->receiver };
	return 0;
}

static int by_component(const void *a, const void *b)
{
	const struct set_part *left = a, *right = b;
	int order;

	if (left->component != right->component)
		return left->component < right->component ? -1 : 1;
	order = derived_point_cmp(&left->from, &right->from);
	return order ? order : (left->stream > right->stream) - (left->stream < right->stream);
}

static int anchor_records(
	struct stream_set *set, struct store *store, struct anchors *anchors, struct err *err)
{
	for (size_t i = 0; i < set->component_count; i++) {
		struct map_key key = { .a = set->components[i].root->first.id };

		map_put(&anchors->by_first, &key, (int64_t)i);
	}
	set->parts = arena_zalloc(&set->arena, set->record_count, sizeof(*set->parts));
	for (size_t i = 0; i < set->record_count; i++)
		if (anchor_record(set, store, anchors, &set->records[i], err) < 0)
			return err->code;
	if (set->part_count > 1)
		qsort(set->parts, set->part_count, sizeof(*set->parts), by_component);
	for (size_t i = 0; i < set->part_count; i++) {
		struct set_component *component = &set->components[set->parts[i].component];

		if (component->part_count++ == 0)
			component->parts = &set->parts[i];
	}
	return 0;
}

static int make_parts(struct stream_set *set, struct store *store, struct err *err)
{
	struct anchors anchors = { 0 };
	int rc = anchor_records(set, store, &anchors, err);

	map_release(&anchors.by_first);
	site_cache_release(&anchors.sites);
	arena_release(&anchors.arena);
	return rc;
}

/* --- inferred streams --- */

/* The same partition and first event always give the same id. */
static struct str inferred_id(
	struct stream_set *set, const struct set_component *component, struct buf *name)
{
	const struct derived_partition *partition = component->partition;
	char id[UUID_BYTES + 1];

	buf_clear(name);
	buf_addc(name, "stream");
	buf_byte(name, '\0');
	buf_add(name, partition->machine_id);
	buf_byte(name, '\0');
	buf_byte(name, partition->by_project ? 'p' : 'd');
	buf_add(name, partition->name);
	buf_byte(name, '\0');
	buf_add(name, component->root->first.id);
	uuid_of_name(buf_str(name), id);
	return arena_str(&set->arena, (struct str){ id, UUID_BYTES });
}

static void make_inferred_streams(struct stream_set *set)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	for (size_t i = 0; i < set->component_count; i++) {
		struct set_component *component = &set->components[i];

		if (component->part_count > 0)
			continue;
		component->stream = (int32_t)set->stream_count;
		set->streams[set->stream_count++] = (struct stream){
			.id = inferred_id(set, component, &name),
			.source = "inferred",
			.anchor_id = component->root->first.id,
			.first_ns = INT64_MIN,
			.last_ns = INT64_MIN,
		};
	}
}

int set_load(struct stream_set *set, struct store *store, const int64_t range[2], struct err *err)
{
	set->all = range[0] == 0 && range[1] == 0;
	if (load_rows(set, store, range, err) < 0)
		return err->code;
	index_partitions(set);
	make_components(set);
	make_record_streams(set);
	index_assignments(set);
	set_index_sessions(set);
	if (make_parts(set, store, err) < 0)
		return err->code;
	make_inferred_streams(set);
	return 0;
}
