/*
 * Applying a classification.
 *
 * Each event in reach is looked at once: of all that the file says about it the strongest holds
 * (its id, its session, a pattern, a time), and of two equally strong ones the later; times are the
 * exception, they take only what nobody has taken. A session is assigned as a whole, so that events
 * to come follow it.
 */
#include "attention/classify_plan.h"
#include "attention/confirm.h"
#include "attention/edit.h"
#include "attention/stream_set.h"
#include "base/uuid.h"

enum { SHORT_ID = STREAM_SHORT_ID_BYTES };

struct classify {
	struct store *store;
	struct stream_set *set;
	struct arena arena;
	struct plan plan;
	struct str *stream_ids;   /* as plan.streams */
	struct map event_rules;   /* event id to rule */
	struct map session_rules; /* session id to rule */
	int64_t *rule_of_session; /* as set->sessions: the nearest rule over it, or MAP_NONE */
	int64_t from_ns;          /* events in reach */
	int64_t to_ns;            /* INT64_MAX: no end */
	struct classify_result result;
};

/* --- streams --- */

static bool name_is_taken(const struct stream_set *set, struct str name)
{
	for (size_t i = 0; i < set->stream_count; i++)
		if (str_eq(set->streams[i].name, name))
			return true;
	return false;
}

/* By name, or by id; less than a short id is always a name, also when some id begins with it. */
static int find_stream(struct classify *classify, struct str name, struct str *id, struct err *err)
{
	struct stream_record record;
	int32_t index;
	int rc;

	*id = (struct str){ 0 };
	if (name.len < SHORT_ID && !name_is_taken(classify->set, name))
		return 0;
	rc = stream_set_find(classify->set, name, &index, err);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	*id = classify->set->streams[index].id;
	return confirm_stream(
		classify->store, &classify->set->streams[index], &classify->arena, &record, err);
}

static int settle_stream(struct classify *classify, size_t at, struct err *err)
{
	const struct plan_stream *stream = &classify->plan.streams[at];
	struct str *id = &classify->stream_ids[at];
	bool changed;

	if (find_stream(classify, stream->name, id, err) < 0)
		return err->code;
	if (id->len == 0) {
		char *made = arena_alloc(&classify->arena, UUID_BYTES + 1);

		if (confirm_new(classify->store, stream->name, (struct str){ 0 }, made, err) < 0)
			return err->code;
		*id = (struct str){ made, UUID_BYTES };
		classify->result.streams_created++;
	}
	for (size_t i = 0; i < stream->tag_count; i++)
		if (records_tag(classify->store, *id, stream->tags[i], true, &changed, err) < 0)
			return err->code;
	return 0;
}

static int settle_streams(struct classify *classify, struct err *err)
{
	classify->stream_ids = arena_zalloc(
		&classify->arena, classify->plan.stream_count, sizeof(*classify->stream_ids));
	for (size_t i = 0; i < classify->plan.stream_count; i++)
		if (settle_stream(classify, i, err) < 0)
			return err->code;
	return 0;
}

/* --- what is in reach --- */

static void reach(struct classify *classify, int64_t from_ns, int64_t to_ns)
{
	if (from_ns >= to_ns)
		return;
	if (from_ns < classify->from_ns)
		classify->from_ns = from_ns;
	if (to_ns > classify->to_ns)
		classify->to_ns = to_ns;
}

static int index_events(struct classify *classify, size_t rule, struct err *err)
{
	const struct plan_rule *row = &classify->plan.rules[rule];

	for (size_t i = 0; i < row->event_id_count; i++) {
		struct map_key key = { .a = row->event_ids[i] };
		struct stored_event event;

		if (store_event_find(
			    classify->store, row->event_ids[i], &classify->arena, &event, err) < 0)
			return err_context(err, "%.*s.event_ids[%zu]", STR_ARG(row->where), i);
		map_put(&classify->event_rules, &key, (int64_t)rule);
		reach(classify, event.event.start_ns, event.event.start_ns + 1);
	}
	return 0;
}

static int index_session(struct classify *classify, size_t rule, struct err *err)
{
	const struct plan_rule *row = &classify->plan.rules[rule];
	struct map_key key = { .b = row->session_id };

	for (size_t i = 0; i < classify->set->view.session_count; i++) {
		if (!str_eq(classify->set->view.sessions[i].session_id, row->session_id))
			continue;
		map_put(&classify->session_rules, &key, (int64_t)rule);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "%.*s: no session has the id '%.*s'",
		STR_ARG(row->where), STR_ARG(row->session_id));
}

static int index_rule(struct classify *classify, size_t rule, struct err *err)
{
	const struct plan_rule *row = &classify->plan.rules[rule];

	if (row->kind == PLAN_EVENTS)
		return index_events(classify, rule, err);
	if (row->kind == PLAN_SESSION)
		return index_session(classify, rule, err);
	reach(classify, row->from_ns, row->to_ns);
	return 0;
}

/* The rule of a session or its nearest ancestor that has one. */
static int64_t rule_over(const struct classify *classify, size_t at)
{
	const struct stream_set *set = classify->set;
	int64_t session = (int64_t)at, rule = MAP_NONE;

	for (size_t steps = 0;
		session != MAP_NONE && rule == MAP_NONE && steps <= set->view.session_count;
		steps++) {
		struct map_key key = { .b = set->sessions[session].row->session_id };

		rule = map_get(&classify->session_rules, &key);
		session = set->sessions[session].parent;
	}
	return rule;
}

static void reach_sessions(struct classify *classify)
{
	const struct derived_view *view = &classify->set->view;
	struct map numbers = { 0 };

	for (size_t i = 0; i < view->session_count; i++) {
		struct map_key key = { .n = (uint64_t)view->sessions[i].session_no };

		classify->rule_of_session[i] = rule_over(classify, i);
		if (classify->rule_of_session[i] == MAP_NONE)
			continue;
		map_put(&numbers, &key, (int64_t)i);
		if (view->sessions[i].stray_events > 0)
			reach(classify, view->sessions[i].stray_first_ns,
				view->sessions[i].stray_last_ns + 1);
	}
	for (size_t i = 0; i < view->piece_count; i++) {
		struct map_key key = { .n = (uint64_t)view->pieces[i].session_no };

		if (map_get(&numbers, &key) != MAP_NONE)
			reach(classify, view->pieces[i].first_ns, view->pieces[i].last_ns + 1);
	}
	map_release(&numbers);
}

/* --- one event --- */

static int64_t last_pattern(const struct classify *classify, int64_t ns, struct str cwd)
{
	for (size_t i = classify->plan.rule_count; cwd.len > 0 && i-- > 0;) {
		const struct plan_rule *rule = &classify->plan.rules[i];

		if (rule->kind == PLAN_PATTERN && ns >= rule->from_ns && ns < rule->to_ns &&
			plan_like(rule->cwd_like, cwd))
			return (int64_t)i;
	}
	return MAP_NONE;
}

static int64_t first_time(const struct classify *classify, const struct event *event)
{
	const struct event_type *type = event_type_find(event->type);

	if (!type ||
		(type->role != ROLE_FOCUS && type->role != ROLE_SCROLL && type->role != ROLE_BLUR))
		return MAP_NONE;
	for (size_t i = 0; i < classify->plan.rule_count; i++) {
		const struct plan_rule *rule = &classify->plan.rules[i];

		if (rule->kind == PLAN_TIME && event->start_ns >= rule->from_ns &&
			event->start_ns < rule->to_ns)
			return (int64_t)i;
	}
	return MAP_NONE;
}

/* The rule that holds for an event, or MAP_NONE. */
static int64_t rule_for(const struct classify *classify, const struct stored_event *event,
	const struct site *site, struct set_target assigned)
{
	const struct stream_set *set = classify->set;
	struct map_key key = { .a = event->event.id };
	int64_t rule = map_get(&classify->event_rules, &key), session = MAP_NONE;
	struct str cwd = site->cwd;

	if (rule != MAP_NONE)
		return rule;
	if (site->session_id.len > 0)
		session = set_session_find(set, event->machine_id, site->session_id);
	if (session != MAP_NONE) {
		if (classify->rule_of_session[session] != MAP_NONE)
			return classify->rule_of_session[session];
		/* A session that a program assigned before stays whole; one of a person is counted
		 * as skipped. */
		if (set->sessions[session].assigned.by == BY_PROGRAM)
			return MAP_NONE;
		if (cwd.len == 0)
			cwd = set->sessions[session].row->home_cwd;
	}
	rule = last_pattern(classify, event->event.start_ns, cwd);
	if (rule == MAP_NONE && assigned.by == BY_NOBODY && site->session_id.len == 0)
		rule = first_time(classify, &event->event);
	return rule;
}

static int apply_to_event(struct classify *classify, const struct stored_event *event,
	const struct site *site, struct err *err)
{
	const struct stream_set *set = classify->set;
	struct set_target now = set_assigned(set, event, site);
	int64_t rule = rule_for(classify, event, site, now);
	struct map_key key = { .a = event->event.id };
	struct event_assignment assignment;
	bool changed, own;

	if (rule == MAP_NONE)
		return 0;
	if (now.by == BY_PERSON) {
		classify->result.skipped_user++;
		return 0;
	}
	assignment = (struct event_assignment){ event->event.id, event->event.start_ns,
		classify->stream_ids[classify->plan.rules[rule].stream], BY_PROGRAM };
	if (now.by == BY_NOBODY || !str_eq(set->streams[now.stream].id, assignment.stream_id))
		classify->result.assigned++;
	own = map_get(&set->event_index, &key) != MAP_NONE;
	if (classify->plan.rules[rule].kind == PLAN_SESSION && !own)
		return 0;
	return records_assign_event(classify->store, &assignment, &changed, err);
}

static int apply_to_events(struct classify *classify, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	CLEANUP(site_cache_release) struct site_cache sites = { 0 };
	struct event_filter filter = {
		.from_ns = classify->from_ns == INT64_MIN ? 0 : classify->from_ns,
		.to_ns = classify->to_ns == INT64_MAX ? 0 : classify->to_ns,
	};
	struct stored_event event;
	int rc;

	if (classify->from_ns >= classify->to_ns)
		return 0;
	if (event_scan_open(&scan, classify->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &event, err)) == 1)
		if (apply_to_event(classify, &event,
			    site_get(&sites, event.data_no, event.event.data), err) < 0)
			return err->code;
	return rc;
}

/* Sub-agents follow, unless an older assignment of their own would hold them back. */
static int apply_to_sessions(struct classify *classify, struct err *err)
{
	const struct stream_set *set = classify->set;

	for (size_t i = 0; i < set->view.session_count; i++) {
		const struct derived_session *row = &set->view.sessions[i];
		struct map_key named = { .b = row->session_id };
		struct map_key own = { row->machine_id, row->session_id, 0 };
		int64_t rule = classify->rule_of_session[i];
		bool changed;

		if (rule == MAP_NONE ||
			(map_get(&classify->session_rules, &named) == MAP_NONE &&
				map_get(&set->assigned_session_index, &own) == MAP_NONE))
			continue;
		if (records_assign_session(classify->store,
			    &(struct session_assignment){ row->machine_id, row->session_id,
				    classify->stream_ids[classify->plan.rules[rule].stream],
				    BY_PROGRAM },
			    &changed, err) < 0)
			return err->code;
	}
	return 0;
}

/* --- entry --- */

static int apply(struct classify *classify, struct err *err)
{
	if (stream_set_load(&classify->set, classify->store, NULL, 0, 0, err) < 0)
		return err->code;
	for (size_t i = 0; i < classify->plan.rule_count; i++)
		if (index_rule(classify, i, err) < 0)
			return err->code;
	classify->rule_of_session = arena_zalloc(&classify->arena,
		classify->set->view.session_count, sizeof(*classify->rule_of_session));
	reach_sessions(classify);
	if (settle_streams(classify, err) < 0 || apply_to_events(classify, err) < 0)
		return err->code;
	return apply_to_sessions(classify, err);
}

static void classify_release(struct classify *classify)
{
	stream_set_free(classify->set);
	map_release(&classify->event_rules);
	map_release(&classify->session_rules);
	arena_release(&classify->arena);
}

int classify_apply(
	struct store *store, struct str json, struct classify_result *out, struct err *err)
{
	struct classify classify = { .store = store, .from_ns = INT64_MAX, .to_ns = INT64_MIN };
	int rc = plan_read(&classify.plan, json, &classify.arena, err);

	*out = (struct classify_result){ 0 };
	if (rc == 0)
		rc = streams_refresh(store, err);
	if (rc == 0)
		rc = records_begin(store, err);
	if (rc == 0)
		rc = confirm_end(store, apply(&classify, err), err);
	if (rc == 0)
		*out = classify.result;
	classify_release(&classify);
	return rc;
}
