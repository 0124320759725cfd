/*
 * A report is a pure function of what the store holds at one instant (a snapshot), the period and
 * now. Marks are loaded with the margin that allocation asks for, allocated once, and every number
 * shown is a sum over the same spans: groups, streams, sessions and explanations agree to the
 * nanosecond; rounding is for those who print.
 */
#include "attention/report.h"

#include <stdlib.h>

#include "attention/groups.h"
#include "attention/spans.h"

struct building {
	struct store *store;
	const struct report_request *request;
	struct stream_set *set;
	struct mark_set marks;
	struct report_data data;
	struct arena scratch;
	struct arena *arena;
	struct report *out;
};

/* --- machines --- */

static bool label_is_shared(const struct store_machine *machines, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (i != at && str_eq(machines[i].label, machines[at].label))
			return true;
	return false;
}

/* Labels, with the id where two machines have the same one. */
static int name_machines(struct building *building, struct err *err)
{
	const struct mark_set *marks = &building->marks;
	struct str *names = arena_zalloc(&building->scratch, marks->text_count, sizeof(*names));
	struct store_machine *machines;
	size_t count;

	if (store_machines(building->store, &building->scratch, &machines, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct map_key key = { .a = machines[i].machine_id };
		int64_t at = map_get(&marks->text_index, &key);

		if (at == MAP_NONE || machines[i].label.len == 0)
			continue;
		names[at] = machines[i].label;
		if (label_is_shared(machines, count, i))
			names[at] = arena_printf(&building->scratch, "%.*s (%.*s)",
				STR_ARG(machines[i].label),
				STR_ARG(str_sub(machines[i].machine_id, 0, STREAM_SHORT_ID_BYTES)));
	}
	building->data.machine_names = names;
	return 0;
}

/* --- groups --- */

static const enum group_by group_of_report[] = {
	[REPORT_BY_TAG] = GROUP_TAG,
	[REPORT_BY_STREAM] = GROUP_STREAM,
	[REPORT_BY_PROJECT] = GROUP_PROJECT,
	[REPORT_BY_MACHINE] = GROUP_MACHINE,
	[REPORT_BY_AGENT] = GROUP_AGENT,
};

static void make_groups(struct building *building)
{
	struct report *out = building->out;
	struct report_group *groups;
	size_t count;

	groups_make(&building->data, GROUP_STREAM, &groups, &count);
	out->streams = arena_zalloc(building->arena, count, sizeof(*out->streams));
	out->stream_count = count;
	for (size_t i = 0; i < count; i++)
		out->streams[i] = groups[i].streams[0];
	groups_make(&building->data, GROUP_UNTAGGED, &groups, &count);
	out->untagged = count > 0 ? groups[0] : (struct report_group){ .key = STR("(untagged)") };
	groups_make(&building->data, group_of_report[building->request->by], &out->groups,
		&out->group_count);
}

/* --- sessions --- */

static int session_cmp(const void *left, const void *right)
{
	const struct report_session *a = left, *b = right;

	if (a->delegated_ns != b->delegated_ns)
		return a->delegated_ns > b->delegated_ns ? -1 : 1;
	if (!str_eq(a->session_id, b->session_id))
		return str_cmp(a->session_id, b->session_id);
	return str_cmp(a->machine_id, b->machine_id);
}

static int count_cmp(const void *left, const void *right)
{
	const struct report_count *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return str_cmp(a->key, b->key);
}

static struct str session_agent(const struct report_session *session)
{
	return session->agent;
}

static struct str session_type(const struct report_session *session)
{
	return session->type;
}

static void count_sessions(struct building *building,
	struct str (*key_of)(const struct report_session *), struct report_count **counts,
	size_t *count)
{
	const struct report *out = building->out;
	struct map index = { 0 };

	*count = 0;
	*counts = arena_zalloc(building->arena, out->session_count, sizeof(**counts));
	for (size_t i = 0; i < out->session_count; i++) {
		struct map_key key = { .a = key_of(&out->sessions[i]) };
		int64_t at = map_get(&index, &key);

		if (at == MAP_NONE) {
			at = (int64_t)*count;
			(*counts)[(*count)++].key = key.a;
			map_put(&index, &key, at);
		}
		(*counts)[at].count++;
	}
	if (*count > 0)
		qsort(*counts, *count, sizeof(**counts), count_cmp);
	map_release(&index);
}

/* Which sessions had an event or time in the period. */
static bool *find_present(struct building *building)
{
	const struct mark_set *marks = &building->marks;
	const struct period *period = &building->request->period;
	bool *present = arena_zalloc(&building->scratch, marks->session_count, sizeof(*present));

	for (size_t i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->marks[i];

		if (mark->session != SESSION_NONE && mark->at_ns >= period->start_ns &&
			mark->at_ns < period->end_ns)
			present[mark->session] = true;
	}
	for (size_t i = 0; i < building->data.spans.count; i++)
		if (building->data.spans.spans[i].session != SESSION_NONE)
			present[building->data.spans.spans[i].session] = true;
	return present;
}

static struct report_session make_session(struct building *building, const struct session *from)
{
	struct arena *arena = building->arena;
	struct str machine = mark_set_machine(&building->marks, from->machine);

	return (struct report_session){
		.session_id = arena_str(arena, from->id),
		.machine_id = arena_str(arena, machine),
		.agent = from->agent.len > 0 ? arena_str(arena, from->agent) : STR("unknown"),
		.type = arena_str(arena, from->type),
		.title = arena_str(arena, from->place),
	};
}

static void make_sessions(struct building *building)
{
	const struct mark_set *marks = &building->marks;
	struct report *out = building->out;
	bool *present = find_present(building);
	size_t *at = arena_zalloc(&building->scratch, marks->session_count, sizeof(*at));

	out->sessions = arena_zalloc(building->arena, marks->session_count, sizeof(*out->sessions));
	for (size_t i = 0; i < marks->session_count; i++) {
		if (!present[i])
			continue;
		at[i] = out->session_count;
		out->sessions[out->session_count++] = make_session(building, &marks->sessions[i]);
	}
	for (size_t i = 0; i < building->data.spans.count; i++) {
		const struct span *span = &building->data.spans.spans[i];
		int64_t ns = span->end_ns - span->start_ns;

		if (span->kind == SPAN_DELEGATED)
			out->sessions[at[span->session]].delegated_ns += ns;
		else if (span->kind == SPAN_WAITING)
			out->sessions[at[span->session]].waiting_ns += ns;
	}
	if (out->session_count > 0)
		qsort(out->sessions, out->session_count, sizeof(*out->sessions), session_cmp);
	count_sessions(building, session_agent, &out->by_source, &out->by_source_count);
	count_sessions(building, session_type, &out->by_type, &out->by_type_count);
}

/* --- explain --- */

enum { EXPLAIN_ALL = -2, EXPLAIN_NOTHING = -3 };

/* The stream may have no event near the period: then it is known all the same, and has no spans. */
static int find_stream(struct building *building, int32_t *index, struct err *err)
{
	CLEANUP(stream_set_freep) struct stream_set *all = NULL;
	const struct report_request *request = building->request;
	struct str id;

	if (stream_set_load(&all, building->store, &request->params, 0, 0, err) < 0 ||
		stream_set_find(all, request->explain, index, err) < 0)
		return err->code;
	id = stream_set_get(all, *index)->id;
	*index = EXPLAIN_NOTHING;
	for (size_t i = 0; i < stream_set_count(building->set); i++)
		if (str_eq(stream_set_get(building->set, (int32_t)i)->id, id))
			*index = (int32_t)i;
	return 0;
}

static int choose_stream(struct building *building, int32_t *index, struct err *err)
{
	struct str word = building->request->explain;

	if (word.len == 0)
		*index = EXPLAIN_NOTHING;
	else if (str_eq_c(word, "all"))
		*index = EXPLAIN_ALL;
	else if (str_eq_c(word, "unassigned"))
		*index = UNASSIGNED;
	else
		return find_stream(building, index, err);
	return 0;
}

/* Whether the event that cut SPAN can be named: it was loaded from the time around the period. */
static bool names_cut(const struct building *building, const struct span *span)
{
	return span->cut != NOT_CUT && span->cut >= building->marks.earlier;
}

static struct report_explain explain_span(
	struct building *building, const struct span *span, const struct str *ids)
{
	return (struct report_explain){
		.start_ns = span->start_ns,
		.end_ns = span->end_ns,
		.kind = span->kind,
		.event_id = ids[span->event],
		.ended_by = names_cut(building, span) ? ids[span->cut] : (struct str){ 0 },
		.stream_id = span->stream == UNASSIGNED ? (struct str){ 0 }
							: building->data.copies[span->stream]->id,
	};
}

static int explain(struct building *building, int32_t stream, struct err *err)
{
	const struct allocation *spans = &building->data.spans;
	size_t marks = building->marks.count;
	bool *wanted = arena_zalloc(&building->scratch, marks, sizeof(*wanted));
	struct str *ids = arena_zalloc(&building->scratch, marks, sizeof(*ids));
	struct report *out = building->out;

	for (size_t i = 0; i < spans->count; i++) {
		if (stream != EXPLAIN_ALL && spans->spans[i].stream != stream)
			continue;
		wanted[spans->spans[i].event] = true;
		if (names_cut(building, &spans->spans[i]))
			wanted[spans->spans[i].cut] = true;
		out->explain_count++;
	}
	out->explain = arena_zalloc(building->arena, out->explain_count, sizeof(*out->explain));
	if (out->explain_count == 0)
		return 0;
	if (mark_set_event_ids(
		    &building->marks, building->store, wanted, building->arena, ids, err) < 0)
		return err->code;
	out->explain_count = 0;
	for (size_t i = 0; i < spans->count; i++)
		if (stream == EXPLAIN_ALL || spans->spans[i].stream == stream)
			out->explain[out->explain_count++] =
				explain_span(building, &spans->spans[i], ids);
	return 0;
}

/* --- building --- */

static int load(struct building *building, struct err *err)
{
	const struct report_request *request = building->request;
	const struct period *period = &request->period;
	int64_t from_ns = ns_add(period->start_ns, -allocate_margin_ns(&request->params));
	int64_t to_ns = ns_add(period->end_ns, allocate_margin_after_ns(&request->params));

	if (stream_set_load(
		    &building->set, building->store, &request->params, from_ns, to_ns, err) < 0 ||
		mark_set_load(&building->marks, building->store, building->set, from_ns, to_ns,
			err) < 0 ||
		name_machines(building, err) < 0)
		return err->code;
	building->data.set = building->set;
	building->data.marks = &building->marks;
	building->data.copies = arena_zalloc(&building->scratch, stream_set_count(building->set),
		sizeof(*building->data.copies));
	return allocate(building->marks.marks, building->marks.count, &request->params,
		period->start_ns, period->end_ns, request->now_ns, &building->scratch,
		&building->data.spans, err);
}

static int build(struct building *building, struct err *err)
{
	int32_t explained;

	if (load(building, err) < 0 || choose_stream(building, &explained, err) < 0)
		return err->code;
	allocation_totals(building->data.spans.spans, building->data.spans.count,
		&building->scratch, &building->out->totals);
	make_groups(building);
	make_sessions(building);
	if (explained != EXPLAIN_NOTHING && explain(building, explained, err) < 0)
		return err->code;
	if (arena_over(building->arena))
		return err_set(err, ERR_LIMIT, "the report does not fit into its memory");
	return 0;
}

int report_build(struct store *store, const struct report_request *request, struct arena *arena,
	struct report *out, struct err *err)
{
	struct building building = {
		.store = store, .request = request, .arena = arena, .out = out, .data.arena = arena
	};
	int rc;

	*out = (struct report){ .request = *request };
	out->request.explain = arena_str(arena, request->explain);
	if (streams_update(store, &request->params, false, err) < 0 ||
		store_snapshot_begin(store, err) < 0)
		return err->code;
	rc = build(&building, err);
	store_snapshot_end(store);
	stream_set_free(building.set);
	mark_set_release(&building.marks);
	arena_release(&building.scratch);
	return rc;
}
