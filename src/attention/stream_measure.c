/*
 * Extents and counts of streams.
 *
 * A run goes to streams piece by piece: what it holds of a session goes where the session goes.
 * Only where somebody assigned single events, or split a stream in the middle of a run, the events
 * themselves must be read.
 */
#include <stdlib.h>

#include "attention/stream_set.h"

enum { MEASURE_SCANS = 32 };

/* What a stream got so far. */
struct tally {
	int64_t events;
	int64_t first_ns;
	int64_t last_ns;
	int64_t partition; /* MAP_NONE: of none */
	bool several_partitions;
	bool several_machines;
	struct str machine_id;
};

struct interval {
	int64_t from_ns;
	int64_t to_ns; /* inclusive */
};

struct measure {
	struct stream_set *set;
	struct tally *tallies;
	bool *read; /* per run: its events must be read */
	struct interval *intervals;
	size_t interval_count;
};

/* Events of one place. */
struct share {
	int64_t events;
	int64_t first_ns;
	int64_t last_ns;
	int64_t partition;
	struct str machine_id;
};

static void add(struct measure *measure, int32_t stream, const struct share *share)
{
	struct tally *tally;

	if (stream == STREAM_NONE)
		return;
	tally = &measure->tallies[stream];
	if (tally->events == 0) {
		*tally = (struct tally){ share->events, share->first_ns, share->last_ns,
			share->partition, false, false, share->machine_id };
		return;
	}
	tally->events += share->events;
	if (share->first_ns < tally->first_ns)
		tally->first_ns = share->first_ns;
	if (share->last_ns > tally->last_ns)
		tally->last_ns = share->last_ns;
	tally->several_partitions |= share->partition != tally->partition;
	tally->several_machines |= !str_eq(share->machine_id, tally->machine_id);
}

/* --- what must be read --- */

static bool has_assigned(const struct stream_set *set, const struct derived_run *run)
{
	size_t low = 0, high = set->event_assignment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->event_assignments[middle].start_ns < run->first.ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->event_assignment_count &&
	       set->event_assignments[low].start_ns <= run->last_ns;
}

static bool is_cut(const struct set_component *component, const struct derived_run *run)
{
	for (size_t i = 1; i < component->part_count; i++)
		if (component->parts[i].from.ns >= run->first.ns &&
			component->parts[i].from.ns <= run->last_ns)
			return true;
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct interval *left = a, *right = b;

	return (left->from_ns > right->from_ns) - (left->from_ns < right->from_ns);
}

static bool near(const struct interval *a, const struct interval *b)
{
	return b->from_ns <= a->to_ns ||
	       (uint64_t)b->from_ns - (uint64_t)a->to_ns < (uint64_t)NS_PER_HOUR;
}

/* Few scans are better than short ones. */
static void merge_intervals(struct measure *measure)
{
	struct interval *list = measure->intervals;
	size_t count = 0;

	if (measure->interval_count == 0)
		return;
	qsort(list, measure->interval_count, sizeof(*list), by_start);
	for (size_t i = 0; i < measure->interval_count; i++) {
		if (count > 0 && near(&list[count - 1], &list[i])) {
			if (list[i].to_ns > list[count - 1].to_ns)
				list[count - 1].to_ns = list[i].to_ns;
		} else {
			list[count++] = list[i];
		}
	}
	if (count > MEASURE_SCANS) {
		for (size_t i = 1; i < count; i++)
			if (list[i].to_ns > list[0].to_ns)
				list[0].to_ns = list[i].to_ns;
		count = 1;
	}
	measure->interval_count = count;
}

static void choose_what_to_read(struct measure *measure)
{
	const struct stream_set *set = measure->set;
	size_t count = 0;

	for (size_t i = 0; i < set->view.run_count; i++) {
		const struct derived_run *run = &set->view.runs[i];

		measure->read[i] = has_assigned(set, run) ||
				   is_cut(&set->components[set->run_component[i]], run);
		if (measure->read[i])
			measure->intervals[count++] =
				(struct interval){ run->first.ns, run->last_ns };
	}
	for (size_t i = 0; i < set->event_assignment_count; i++) {
		int64_t ns = set->event_assignments[i].start_ns;

		measure->intervals[count++] = (struct interval){ ns, ns };
	}
	measure->interval_count = count;
	merge_intervals(measure);
}

/* --- counting --- */

static void count_event(
	struct measure *measure, const struct stored_event *event, const struct site *site)
{
	const struct stream_set *set = measure->set;
	struct map_key key = { .a = event->event.id };
	struct share share = { 1, event->event.start_ns, event->event.start_ns, MAP_NONE,
		event->machine_id };
	int64_t run = set_run_of(set, event, site);

	if (run == MAP_NONE ? map_get(&set->event_index, &key) == MAP_NONE : !measure->read[run])
		return;
	if (run != MAP_NONE) {
		const struct derived_partition *partition =
			set->components[set->run_component[run]].partition;

		share.partition = partition - set->view.partitions;
		share.machine_id = partition->machine_id;
	} else {
		share.machine_id = arena_str(&measure->set->arena, event->machine_id);
	}
	add(measure, set_place(set, event, site), &share);
}

static int read_interval(struct measure *measure, struct store *store, struct site_cache *sites,
	const struct interval *interval, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct event_filter filter = { .from_ns = interval->from_ns };
	struct stored_event event;
	int rc;

	filter.to_ns = interval->to_ns < INT64_MAX ? interval->to_ns + 1 : 0;
	if (event_scan_open(&scan, store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &event, err)) == 1)
		count_event(measure, &event, site_get(sites, event.data_no, event.event.data));
	return rc;
}

static int count_events(struct measure *measure, struct store *store, struct err *err)
{
	struct site_cache sites = { 0 };
	int rc = 0;

	for (size_t i = 0; i < measure->interval_count && rc == 0; i++)
		rc = read_interval(measure, store, &sites, &measure->intervals[i], err);
	site_cache_release(&sites);
	return rc;
}

static void index_numbers(const struct stream_set *set, struct map *runs, struct map *sessions)
{
	for (size_t i = 0; i < set->view.run_count; i++) {
		struct map_key key = { .n = (uint64_t)set->view.runs[i].run_no };

		map_put(runs, &key, (int64_t)i);
	}
	for (size_t i = 0; i < set->view.session_count; i++) {
		struct map_key key = { .n = (uint64_t)set->view.sessions[i].session_no };

		map_put(sessions, &key, (int64_t)i);
	}
}

/* Where a piece goes as a whole; RUN is not to be read. */
static int32_t piece_stream(const struct stream_set *set, size_t run, int64_t session)
{
	const struct set_component *component = &set->components[set->run_component[run]];
	const struct derived_point *point = &set->view.runs[run].first;
	const struct set_part *part;

	if (session != MAP_NONE) {
		const struct set_session *of = &set->sessions[session];

		if (of->assigned.by != BY_NOBODY)
			return of->assigned.stream;
		point = &set->sessions[of->group].first;
	}
	part = set_part_at(component, point);
	return part ? part->stream : component->stream;
}

static void count_pieces(
	struct measure *measure, const struct map *runs, const struct map *sessions)
{
	const struct stream_set *set = measure->set;

	for (size_t i = 0; i < set->view.piece_count; i++) {
		const struct derived_piece *piece = &set->view.pieces[i];
		struct map_key run_key = { .n = (uint64_t)piece->run_no };
		struct map_key session_key = { .n = (uint64_t)piece->session_no };
		int64_t run = map_get(runs, &run_key);
		const struct derived_partition *partition;
		struct share share;

		if (run == MAP_NONE || measure->read[run])
			continue;
		partition = set->components[set->run_component[run]].partition;
		share = (struct share){ piece->events, piece->first_ns, piece->last_ns,
			partition - set->view.partitions, partition->machine_id };
		add(measure, piece_stream(set, (size_t)run, map_get(sessions, &session_key)),
			&share);
	}
}

/* Events of sessions without partition, where somebody assigned the session. */
static void count_strays(struct measure *measure)
{
	const struct stream_set *set = measure->set;

	for (size_t i = 0; i < set->view.session_count; i++) {
		const struct set_session *session = &set->sessions[i];
		struct share share = { session->row->stray_events, session->row->stray_first_ns,
			session->row->stray_last_ns, MAP_NONE, session->row->machine_id };

		if (share.events > 0 && session->assigned.by != BY_NOBODY)
			add(measure, session->assigned.stream, &share);
	}
}

static void fill_streams(struct measure *measure)
{
	struct stream_set *set = measure->set;

	for (size_t i = 0; i < set->stream_count; i++) {
		const struct tally *tally = &measure->tallies[i];
		struct stream *stream = &set->streams[i];

		if (tally->events == 0)
			continue;
		stream->events = tally->events;
		stream->first_ns = tally->first_ns;
		stream->last_ns = tally->last_ns;
		/* What has no component of its own is where all its events are. */
		if (stream->machine_id.len == 0 && !tally->several_machines)
			stream->machine_id = tally->machine_id;
		if (stream->project.len == 0 && stream->cwd.len == 0 &&
			!tally->several_partitions && tally->partition != MAP_NONE) {
			const struct derived_partition *row =
				&set->view.partitions[tally->partition];

			if (row->by_project)
				stream->project = row->name;
			else
				stream->cwd = row->name;
		}
	}
}

static int measure_all(struct measure *measure, struct store *store, struct err *err)
{
	const struct stream_set *set = measure->set;
	struct map runs = { 0 }, sessions = { 0 };

	if (set->all) {
		choose_what_to_read(measure);
		if (count_events(measure, store, err) < 0)
			return err->code;
	}
	index_numbers(set, &runs, &sessions);
	count_pieces(measure, &runs, &sessions);
	count_strays(measure);
	fill_streams(measure);
	map_release(&runs);
	map_release(&sessions);
	return 0;
}

int set_measure(struct stream_set *set, struct store *store, struct err *err)
{
	struct measure measure = { .set = set };
	int rc;

	measure.tallies = mem_zalloc((set->stream_count + 1) * sizeof(*measure.tallies));
	measure.read = mem_zalloc(set->view.run_count + 1);
	measure.intervals = mem_resize(NULL, set->view.run_count + set->event_assignment_count,
		sizeof(*measure.intervals));
	rc = measure_all(&measure, store, err);
	free(measure.tallies);
	free(measure.read);
	free(measure.intervals);
	return rc;
}
