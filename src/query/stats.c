/*
 * The scan: each event adds to its session and to its group; totals and what needs whole sessions
 * are summed up at the end. A pair is a session's part in a group: it tells how many sessions a
 * group has, and whose responses have no tokens (an agent may report them apart from responses).
 */
#include "query/stats.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/keymap.h"

struct pair {
	uint32_t session;
	uint32_t group;
	int64_t silent; /* responses without tokens */
};

/* An array that grows, of the type that its user knows. */
struct list {
	void *items;
	size_t count;
	size_t room;
};

struct work {
	const struct stats_request *request;
	struct arena *arena;
	struct event_scan *scan;
	struct stats_facts_cache cache;
	struct keymap session_keys, group_keys, pair_keys;
	struct arena pair_arena;
	struct list sessions; /* struct session */
	struct list groups;   /* struct stats_group */
	struct list pairs;    /* struct pair */
	struct stats_counts totals;
	struct buf key;
	int64_t day_from_ns, day_to_ns; /* the day of the last event */
	char day[16];
};

struct session {
	struct stats_session row;
	bool has_facts; /* its own event was met: what others say of it does not matter */
	bool reports;   /* tokens apart from responses */
};

static const char *const by_names[STATS_BYS] = {
	[STATS_BY_AGENT] = "agent",
	[STATS_BY_SOURCE] = "source",
	[STATS_BY_WORKSPACE] = "workspace",
	[STATS_BY_DAY] = "day",
	[STATS_BY_MODEL] = "model",
};

const char *stats_by_name(enum stats_by by)
{
	return by_names[by];
}

static void *list_add(struct list *list, size_t item_bytes)
{
	if (list->count == list->room) {
		list->room = list->room > 0 ? 2 * list->room : 64;
		list->items = mem_resize(list->items, list->room, item_bytes);
	}
	memset((char *)list->items + list->count * item_bytes, 0, item_bytes);
	return (char *)list->items + list->count++ * item_bytes;
}

/* --- counting --- */

static void counts_init(struct stats_counts *counts)
{
	*counts = (struct stats_counts){ .first_ns = INT64_MIN, .last_ns = INT64_MIN };
	memset(counts->tokens, -1, sizeof(counts->tokens));
	memset(counts->withdrawn.tokens, -1, sizeof(counts->withdrawn.tokens));
}

static void add_number(int64_t *sum, int64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = INT64_MAX;
}

static void add_tokens(int64_t sums[STATS_TOKENS], const int64_t tokens[STATS_TOKENS])
{
	for (int i = 0; i < STATS_TOKENS; i++) {
		if (tokens[i] < 0)
			continue;
		if (sums[i] < 0)
			sums[i] = 0;
		add_number(&sums[i], tokens[i]);
	}
}

static void widen(struct stats_counts *counts, int64_t first_ns, int64_t last_ns)
{
	if (counts->first_ns == INT64_MIN || first_ns < counts->first_ns)
		counts->first_ns = first_ns;
	if (last_ns > counts->last_ns)
		counts->last_ns = last_ns;
}

/* What each type of event is counted as; types that are not here are events and nothing else. */
static const struct counter {
	struct str type;
	size_t count;     /* offset in struct stats_counts; 0: none */
	size_t withdrawn; /* likewise */
	bool tokens;
} counters[] = {
	{ STR_INIT("user_message"), offsetof(struct stats_counts, prompts),
		offsetof(struct stats_counts, withdrawn.prompts), false },
	{ STR_INIT("agent_response"), offsetof(struct stats_counts, responses),
		offsetof(struct stats_counts, withdrawn.responses), true },
	{ STR_INIT("agent_tool_use"), offsetof(struct stats_counts, tool_calls), 0, false },
	{ STR_INIT("agent_tool_error"), offsetof(struct stats_counts, tool_errors), 0, false },
	{ STR_INIT("agent_error"), offsetof(struct stats_counts, api_errors), 0, false },
	{ STR_INIT("agent_usage"), 0, 0, true },
	{ STR_INIT("agent_file_read"), offsetof(struct stats_counts, file_reads), 0, false },
	{ STR_INIT("agent_file_edit"), offsetof(struct stats_counts, file_edits), 0, false },
};

static const struct counter no_counter;

static const struct counter *counter_of(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		if (str_eq(type, counters[i].type))
			return &counters[i];
	return &no_counter;
}

static void add_one(struct stats_counts *counts, size_t offset)
{
	if (offset > 0)
		++*(int64_t *)((char *)counts + offset);
}

static void count_withdrawn(
	struct stats_counts *counts, const struct counter *counter, const struct stats_facts *facts)
{
	if (!facts->command)
		add_one(counts, counter->withdrawn);
	if (counter->tokens)
		add_tokens(counts->withdrawn.tokens, facts->tokens);
}

static void count_event(struct stats_counts *counts, const struct event *event,
	const struct counter *counter, const struct stats_facts *facts)
{
	counts->events++;
	if (facts->withdrawn) {
		count_withdrawn(counts, counter, facts);
		return;
	}
	if (facts->command)
		counts->commands++;
	else
		add_one(counts, counter->count);
	if (counter->tokens)
		add_tokens(counts->tokens, facts->tokens);
	counts->cancelled += facts->cancelled;
	add_number(&counts->edits, facts->edits);
	if (!facts->implausible)
		widen(counts, event->start_ns, event->start_ns);
}

/* --- sessions --- */

static void fill_text(struct arena *arena, struct str *to, struct str text, bool replace)
{
	if (text.len > 0 && (to->len == 0 || (replace && !str_eq(*to, text))))
		*to = arena_str(arena, text);
}

static void describe(
	struct work *work, struct session *session, const struct stats_facts *facts, bool replace)
{
	struct stats_session *row = &session->row;

	if (session->has_facts && !replace)
		return;
	session->has_facts |= replace;
	fill_text(work->arena, &row->parent_session_id, facts->parent_session_id, replace);
	fill_text(work->arena, &row->agent, facts->agent, replace);
	fill_text(work->arena, &row->session_type, facts->session_type, replace);
	fill_text(work->arena, &row->workspace, facts->workspace, replace);
	fill_text(work->arena, &row->project, facts->project, replace);
}

/* In work->key: what makes a session one. */
static struct str session_key(
	struct work *work, struct str machine_id, struct str source, struct str session_id)
{
	buf_clear(&work->key);
	buf_add(&work->key, machine_id);
	buf_byte(&work->key, '\0');
	buf_add(&work->key, source);
	buf_byte(&work->key, '\0');
	buf_add(&work->key, session_id);
	return buf_str(&work->key);
}

/* The session of an event, by number; false when it has none. */
static bool find_session(struct work *work, const struct stored_event *item,
	const struct stats_facts *facts, uint32_t *number)
{
	struct session *session;

	if (facts->session_id.len == 0)
		return false;
	*number = keymap_number(&work->session_keys, work->arena,
		session_key(work, item->machine_id, item->event.source, facts->session_id));
	if (*number < work->sessions.count)
		return true;
	session = list_add(&work->sessions, sizeof(*session));
	counts_init(&session->row.counts);
	session->row.session_id = arena_str(work->arena, facts->session_id);
	session->row.source = arena_str(work->arena, item->event.source);
	session->row.machine_id = arena_str(work->arena, item->machine_id);
	return true;
}

/* The session that ROW is a part of: a sub-agent without an id of its own has one that begins with
 * its parent's. False: it is one itself, or its parent was not met. */
static bool find_whole(struct work *work, const struct stats_session *row, uint32_t *number)
{
	struct str parent = row->parent_session_id;

	return parent.len > 0 && row->session_id.len > parent.len &&
	       str_starts(row->session_id, parent) &&
	       keymap_find(&work->session_keys,
		       session_key(work, row->machine_id, row->source, parent), number);
}

/* --- groups --- */

static struct str day_key(struct work *work, int64_t ns)
{
	const struct span_clock *clock = &work->request->clock;
	struct date date;

	if (ns < work->day_from_ns || ns >= work->day_to_ns) {
		date = span_day(clock, ns);
		work->day_from_ns = span_day_start(clock, date);
		work->day_to_ns = span_day_start(clock, date_from_days(date_to_days(date) + 1));
		snprintf(work->day, sizeof(work->day), "%04d-%02d-%02d", date.year, date.month,
			date.day);
	}
	return str_from(work->day);
}

static struct str group_key(
	struct work *work, const struct event *event, const struct stats_facts *facts)
{
	switch (work->request->by) {
	case STATS_BY_SOURCE:
		return event->source;
	case STATS_BY_WORKSPACE:
		return facts->workspace;
	case STATS_BY_DAY:
		return day_key(work, event->start_ns);
	case STATS_BY_MODEL:
		return facts->model;
	default:
		return facts->agent;
	}
}

static uint32_t find_group(
	struct work *work, const struct event *event, const struct stats_facts *facts)
{
	struct str key = group_key(work, event, facts);
	uint32_t number = keymap_number(&work->group_keys, work->arena, key);
	struct stats_group *group;

	if (number < work->groups.count)
		return number;
	group = list_add(&work->groups, sizeof(*group));
	counts_init(&group->counts);
	if (key.len > 0)
		group->key = work->group_keys.keys[number];
	return number;
}

static struct pair *find_pair(struct work *work, uint32_t session, uint32_t group)
{
	const uint32_t both[] = { session, group };
	struct str key = { (const char *)both, sizeof(both) };
	uint32_t number = keymap_number(&work->pair_keys, &work->pair_arena, key);
	struct pair *pair;

	if (number < work->pairs.count)
		return (struct pair *)work->pairs.items + number;
	pair = list_add(&work->pairs, sizeof(*pair));
	pair->session = session;
	pair->group = group;
	return pair;
}

/* --- the scan --- */

/* The session's own event: bounds and what is counted nowhere else. */
static void count_facts(struct work *work, struct stats_counts *counts,
	const struct stats_facts *facts, bool bounds)
{
	counts->events++;
	add_number(&counts->malformed, facts->malformed);
	add_number(&counts->unknown_records, facts->unknown_records);
	if (bounds && facts->started_ns != INT64_MIN &&
		span_has(work->request->span, facts->started_ns))
		widen(counts, facts->started_ns, facts->started_ns);
	if (bounds && facts->ended_ns != INT64_MIN &&
		span_has(work->request->span, facts->ended_ns))
		widen(counts, facts->ended_ns, facts->ended_ns);
}

static bool has_tokens(const struct stats_facts *facts)
{
	for (int i = 0; i < STATS_TOKENS; i++)
		if (facts->tokens[i] >= 0)
			return true;
	return false;
}

static void count(
	struct work *work, const struct stored_event *item, const struct stats_facts *facts)
{
	const struct event *event = &item->event;
	const struct counter *counter = counter_of(event->type);
	bool own = str_eq_c(event->type, "agent_session");
	struct stats_counts *targets[3] = { &work->totals };
	/* A session has its bounds as a whole: they are not its group's when that is a part. */
	bool whole = work->request->by != STATS_BY_DAY && work->request->by != STATS_BY_MODEL;
	uint32_t group = find_group(work, event, facts), number;

	targets[1] = &((struct stats_group *)work->groups.items)[group].counts;
	if (find_session(work, item, facts, &number)) {
		struct session *session = (struct session *)work->sessions.items + number;
		struct pair *pair = find_pair(work, number, group);
		bool counts_silent = str_eq_c(event->type, "agent_response") && !facts->withdrawn;

		describe(work, session, facts, own && facts->action.len == 0);
		session->reports |= str_eq_c(event->type, "agent_usage") && has_tokens(facts);
		pair->silent += counts_silent && !has_tokens(facts);
		targets[2] = &session->row.counts;
	}
	for (size_t i = 0; i < ARRAY_LEN(targets) && targets[i]; i++) {
		if (own)
			count_facts(work, targets[i], facts, i != 1 || whole);
		else
			count_event(targets[i], event, counter, facts);
	}
}

static int scan(struct work *work, struct store *store, struct err *err)
{
	struct event_filter filter = { .machine_id = work->request->machine_id, .lean = true };
	struct stored_event item;
	int rc;

	span_filter(work->request->span, &filter);
	if (event_scan_open(&work->scan, store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(work->scan, &item, err)) == 1) {
		const struct stats_facts *facts;
		struct str data;

		if (!span_has(work->request->span, item.event.start_ns))
			continue;
		facts = stats_facts_known(&work->cache, item.data_no);
		if (!facts) {
			if (event_scan_data(work->scan, &data, err) < 0)
				return err->code;
			facts = stats_facts_read(&work->cache, item.data_no, data);
		}
		count(work, &item, facts);
	}
	return rc;
}

/* --- the end --- */

static void count_sessions(struct work *work)
{
	struct session *sessions = work->sessions.items;
	uint32_t whole;

	for (size_t i = 0; i < work->sessions.count; i++) {
		struct stats_session *row = &sessions[i].row;

		row->counts.sessions = !find_whole(work, row, &whole);
		work->totals.sessions += row->counts.sessions;
	}
}

static void add_pairs(struct work *work)
{
	struct session *sessions = work->sessions.items;
	struct stats_group *groups = work->groups.items;
	uint32_t whole;

	for (size_t i = 0; i < work->pairs.count; i++) {
		const struct pair pair = ((const struct pair *)work->pairs.items)[i];
		struct session *session = &sessions[pair.session];
		struct stats_counts *group = &groups[pair.group].counts;
		int64_t silent = session->reports ? 0 : pair.silent;

		group->unknown_usage += silent;
		session->row.counts.unknown_usage += silent;
		work->totals.unknown_usage += silent;
		if (find_whole(work, &session->row, &whole))
			find_pair(work, whole, pair.group); /* at the end, if it is new */
		else
			group->sessions++;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct stats_group *left = a, *right = b;

	if (!left->key.ptr || !right->key.ptr)
		return (left->key.ptr == NULL) - (right->key.ptr == NULL);
	return str_cmp(left->key, right->key);
}

static int by_first(const void *a, const void *b)
{
	const struct stats_session *left = a, *right = b;
	bool left_empty = left->counts.first_ns == INT64_MIN;
	bool right_empty = right->counts.first_ns == INT64_MIN;
	int order;

	if (left_empty != right_empty)
		return left_empty ? 1 : -1;
	if (left->counts.first_ns != right->counts.first_ns)
		return left->counts.first_ns < right->counts.first_ns ? -1 : 1;
	order = str_cmp(left->session_id, right->session_id);
	if (order == 0)
		order = str_cmp(left->source, right->source);
	return order != 0 ? order : str_cmp(left->machine_id, right->machine_id);
}

static void finish(struct work *work, struct stats *out)
{
	const struct session *sessions = work->sessions.items;

	count_sessions(work);
	add_pairs(work);
	out->totals = work->totals;
	out->group_count = work->groups.count;
	out->groups = arena_zalloc(work->arena, out->group_count, sizeof(*out->groups));
	if (out->group_count > 0)
		memcpy(out->groups, work->groups.items, out->group_count * sizeof(*out->groups));
	qsort(out->groups, out->group_count, sizeof(*out->groups), by_key);
	out->session_count = work->sessions.count;
	out->sessions = arena_zalloc(work->arena, out->session_count, sizeof(*out->sessions));
	for (size_t i = 0; i < out->session_count; i++)
		out->sessions[i] = sessions[i].row;
	qsort(out->sessions, out->session_count, sizeof(*out->sessions), by_first);
}

static void release(struct work *work)
{
	event_scan_close(work->scan);
	stats_facts_release(&work->cache);
	keymap_release(&work->session_keys);
	keymap_release(&work->group_keys);
	keymap_release(&work->pair_keys);
	arena_release(&work->pair_arena);
	free(work->sessions.items);
	free(work->groups.items);
	free(work->pairs.items);
	buf_release(&work->key);
}

int stats_build(struct store *store, const struct stats_request *request, struct arena *arena,
	struct stats *out, struct err *err)
{
	struct work work = { .request = request, .arena = arena };
	struct store_info info;
	int rc = store_snapshot_begin(store, err);

	*out = (struct stats){ 0 };
	if (rc < 0)
		return rc;
	counts_init(&work.totals);
	rc = store_info(store, &info, err);
	if (rc == 0)
		rc = scan(&work, store, err);
	if (rc == 0) {
		finish(&work, out);
		out->quarantined = info.quarantined;
		out->store_bytes = info.bytes;
	}
	release(&work);
	store_snapshot_end(store);
	return rc;
}
