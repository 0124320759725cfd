/*
 * Events with a role are a part of what a store holds, so each type is scanned by itself and the
 * scans are merged. Events are not kept: only their marks are, which makes a year of a million
 * events fit; the few ids that somebody asks for are read again.
 *
 * Facts are parsed once for equal data that comes close together (window titles, panes): a small
 * cache by data number.
 */
#include "attention/marks.h"

#include <stdlib.h>

#include "attention/away.h"
#include "attention/site.h"
#include "attention/spans.h"

/* How long before a period a session may have begun whose facts (type, end) are still found. */
#define SESSION_LOOKBACK_NS (30 * 24 * NS_PER_HOUR)

enum { SCANS_MAX = 32, FACT_SLOTS = 1024, FACT_TEXTS = 9 };

/* --- strings and sessions --- */

enum { KEY_TEXT, KEY_SESSION };

static int32_t intern(struct mark_set *set, struct str text)
{
	struct map_key key = { .a = text, .n = KEY_TEXT };
	int64_t at = map_get(&set->text_index, &key);

	if (at != MAP_NONE)
		return (int32_t)at;
	if (set->text_count == set->text_room) {
		set->text_room = set->text_room ? 2 * set->text_room : 64;
		set->texts = mem_resize(set->texts, set->text_room, sizeof(*set->texts));
	}
	key.a = arena_str(&set->arena, text);
	set->texts[set->text_count] = key.a;
	map_put(&set->text_index, &key, (int64_t)set->text_count);
	return (int32_t)set->text_count++;
}

/* Keep TEXT in *SLOT, which mostly holds it already. */
static void keep(struct mark_set *set, struct str *slot, struct str text)
{
	if (!str_eq(*slot, text))
		*slot = set->texts[intern(set, text)];
}

/* Events come in runs of one machine. */
static int32_t machine_number(struct mark_set *set, struct str machine_id)
{
	if (set->count > 0) {
		int32_t last = set->marks[set->count - 1].machine;

		if (str_eq(set->texts[last], machine_id))
			return last;
	}
	return intern(set, machine_id);
}

struct str mark_set_machine(const struct mark_set *set, int32_t machine)
{
	return set->texts[machine];
}

struct str session_type_of_id(struct str session_id)
{
	struct str name = session_id;

	for (size_t at = session_id.len; at > 0; at--) {
		if (session_id.ptr[at - 1] == '/') {
			name = str_sub(session_id, at, session_id.len);
			break;
		}
	}
	if (!str_starts(name, STR("agent-")))
		return STR("user");
	if (str_find_str(name, STR("prompt_suggestion")) >= 0 ||
		str_find_str(name, STR("compact")) >= 0)
		return STR("agent");
	return STR("subagent");
}

static int32_t session_number(struct mark_set *set, int32_t machine, struct str session_id)
{
	struct map_key key = { .a = set->texts[machine], .b = session_id, .n = KEY_SESSION };
	int64_t at = map_get(&set->session_index, &key);

	if (at != MAP_NONE)
		return (int32_t)at;
	if (set->session_count == set->session_room) {
		set->session_room = set->session_room ? 2 * set->session_room : 64;
		set->sessions =
			mem_resize(set->sessions, set->session_room, sizeof(*set->sessions));
	}
	key.b = arena_str(&set->arena, session_id);
	set->sessions[set->session_count] = (struct session){ .machine = machine, .id = key.b };
	map_put(&set->session_index, &key, (int64_t)set->session_count);
	return (int32_t)set->session_count++;
}

static struct str place_of(const struct event_facts *facts)
{
	struct site site = site_of(facts);

	return site_base(site.by_project, site.name);
}

/* What is newer holds, save the place: a session belongs where it began. */
static void learn_session(
	struct mark_set *set, struct session *session, const struct event_facts *facts)
{
	if (facts->agent.len > 0)
		keep(set, &session->agent, facts->agent);
	if (facts->session_type.len > 0)
		keep(set, &session->type, facts->session_type);
	if (session->place.len == 0)
		keep(set, &session->place, place_of(facts));
}

/* --- facts --- */

struct fact_slot {
	bool used;
	int64_t data_no;
	struct event_facts facts; /* views into text */
	struct buf text;
};

struct fact_cache {
	struct json_parser parser;
	struct fact_slot *slots;
};

static void fact_cache_release(struct fact_cache *cache)
{
	for (size_t i = 0; i < FACT_SLOTS; i++)
		buf_release(&cache->slots[i].text);
	free(cache->slots);
	json_parser_release(&cache->parser);
}

/* The words that mean something, so that they need not be copied. */
static struct str usual_status(struct str status)
{
	if (str_eq_c(status, "idle"))
		return STR("idle");
	return str_eq_c(status, "active") ? STR("active") : (struct str){ 0 };
}

/* Copy what a mark needs out of the parser, in one piece. */
static void keep_facts(struct fact_slot *slot, const struct event_facts *facts)
{
	struct str *texts[FACT_TEXTS];
	size_t bytes = 0;

	slot->facts = *facts;
	texts[0] = &slot->facts.session_id;
	texts[1] = &slot->facts.parent_session_id;
	texts[2] = &slot->facts.session_type;
	texts[3] = &slot->facts.cwd;
	texts[4] = &slot->facts.project;
	texts[5] = &slot->facts.agent;
	texts[6] = &slot->facts.app;
	texts[7] = &slot->facts.title;
	texts[8] = &slot->facts.pane;
	slot->facts.action = str_eq_c(facts->action, "ended") ? STR("ended") : (struct str){ 0 };
	slot->facts.status = usual_status(facts->status);
	slot->facts.editor_project = (struct str){ 0 };
	buf_clear(&slot->text);
	for (size_t i = 0; i < FACT_TEXTS; i++)
		bytes += texts[i]->len;
	buf_reserve(&slot->text, bytes);
	for (size_t i = 0; i < FACT_TEXTS; i++) {
		size_t at = slot->text.len;

		buf_add(&slot->text, *texts[i]);
		texts[i]->ptr = slot->text.ptr + at;
	}
}

/* Facts of EVENT, the last one of SCAN. */
static int facts_of(struct fact_cache *cache, struct event_scan *scan,
	const struct stored_event *event, const struct event_facts **out, struct err *err)
{
	struct fact_slot *slot = &cache->slots[(uint64_t)event->data_no % FACT_SLOTS];
	struct event_facts facts;
	struct str data;

	*out = &slot->facts;
	if (slot->used && slot->data_no == event->data_no)
		return 0;
	if (event_scan_data(scan, &data, err) < 0)
		return err->code;
	event_facts(&cache->parser, data, &facts);
	keep_facts(slot, &facts);
	slot->used = true;
	slot->data_no = event->data_no;
	return 0;
}

/* --- scanning --- */

struct source {
	struct event_scan *scan;
	const struct event_type *type;
	struct stored_event head;
};

/* The types that have a role, merged. */
struct merge {
	struct source sources[SCANS_MAX];
	size_t count;
	bool lean; /* neither ids nor data are needed of each event */
};

static void merge_close(struct merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		event_scan_close(merge->sources[i].scan);
	merge->count = 0;
}

/* Read the next head of a source; one without more is dropped. */
static int merge_advance(struct merge *merge, size_t at, struct err *err)
{
	struct source *source = &merge->sources[at];
	int rc = event_scan_next(source->scan, &source->head, err);

	if (rc == 0) {
		event_scan_close(source->scan);
		*source = merge->sources[--merge->count];
	}
	return rc < 0 ? rc : 0;
}

static int merge_add(struct merge *merge, struct store *store, const struct event_type *type,
	int64_t from_ns, int64_t to_ns, struct err *err)
{
	struct event_filter filter = { .from_ns = from_ns,
		.to_ns = to_ns,
		.type = str_from(type->name),
		.lean = merge->lean };
	struct source *source = &merge->sources[merge->count];

	ASSERT(merge->count < SCANS_MAX);
	source->type = type;
	if (event_scan_open(&source->scan, store, &filter, err) < 0)
		return err->code;
	return merge_advance(merge, merge->count++, err);
}

static int merge_open(
	struct merge *merge, struct store *store, int64_t from_ns, int64_t to_ns, struct err *err)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	merge->count = 0;
	for (size_t i = 0; i < count; i++)
		if (types[i].role != ROLE_NONE &&
			merge_add(merge, store, &types[i], from_ns, to_ns, err) < 0)
			return err->code;
	return 0;
}

/* The source with the least head, or merge->count at the end. */
static size_t merge_least(const struct merge *merge)
{
	size_t least = 0;

	for (size_t i = 1; i < merge->count; i++)
		if (event_cmp(&merge->sources[i].head.event, &merge->sources[least].head.event) < 0)
			least = i;
	return merge->count > 0 ? least : merge->count;
}

/* --- loading --- */

struct loader {
	struct mark_set *set;
	const struct stream_set *streams;
	struct fact_cache cache;
	struct merge merge;
};

static struct mark *new_mark(struct mark_set *set)
{
	if (set->count == set->room) {
		set->room = set->room ? 2 * set->room : 1024;
		set->marks = mem_resize(set->marks, set->room, sizeof(*set->marks));
	}
	return &set->marks[set->count++];
}

static void add_end(struct mark *mark, const struct event_facts *facts)
{
	bool action = str_eq_c(facts->action, "ended");

	mark->ended = action || facts->ended_at_ns != INT64_MIN;
	mark->end_ns = facts->ended_at_ns;
	if (action && mark->at_ns > mark->end_ns)
		mark->end_ns = mark->at_ns;
}

/* What is so from its start to its end, as ActivityWatch's watchers say it. */
static void add_extent(
	struct mark *mark, const struct event *event, const struct event_facts *facts)
{
	mark->end_ns = event_end_ns(event);
	mark->ended = mark->end_ns > mark->at_ns;
	if (mark->role == ROLE_AFK && (!mark->ended || facts->status.len == 0))
		mark->role = ROLE_NONE; /* no time, or nothing said of it */
	/* What aw-watcher-window says where the desktop does not tell it. */
	if (mark->role == ROLE_WINDOW && str_eq_c(facts->app, "unknown"))
		mark->role = ROLE_NONE;
}

static void add_event(struct loader *loader, const struct stored_event *event,
	const struct event_type *type, const struct event_facts *facts)
{
	struct mark_set *set = loader->set;
	enum event_role role = type->role;
	struct mark mark = { .at_ns = event->event.start_ns,
		.role = role,
		.session = SESSION_NONE,
		.stream = UNASSIGNED,
		.pane = PANE_NONE };

	mark.machine = machine_number(set, event->machine_id);
	if (facts->session_id.len > 0) {
		mark.session = session_number(set, mark.machine, facts->session_id);
		learn_session(set, &set->sessions[mark.session], facts);
	}
	if (role == ROLE_ACTIVITY) {
		mark.end_ns = event_end_ns(&event->event);
		mark.ended = mark.end_ns > mark.at_ns;
	}
	if (type->lasting)
		add_extent(&mark, &event->event, facts);
	if (role == ROLE_SESSION)
		add_end(&mark, facts);
	else
		mark.stream = stream_set_place(loader->streams, event, facts);
	if (facts->pane.len > 0)
		mark.pane = intern(set, facts->pane);
	if (role == ROLE_WINDOW)
		keep(set, &mark.app, facts->app);
	if (role == ROLE_AFK) {
		mark.idle = str_eq_c(facts->status, "idle");
		if (__builtin_mul_overflow(facts->idle_ms, NS_PER_MS, &mark.idle_ns))
			mark.idle_ns = facts->idle_ms < 0 ? 0 : INT64_MAX;
	}
	mark.event = set->count;
	*new_mark(set) = mark;
}

/* Before the period only that counts which reaches into it. */
static bool is_over(const struct loader *loader, const struct source *source)
{
	return source->head.event.start_ns < loader->set->from_ns &&
	       source->type->role == ROLE_AFK &&
	       event_end_ns(&source->head.event) <= loader->set->from_ns;
}

static int take_all(struct loader *loader, struct err *err)
{
	size_t at;

	while ((at = merge_least(&loader->merge)) < loader->merge.count) {
		struct source *source = &loader->merge.sources[at];
		const struct event_facts *facts;

		if (!is_over(loader, source)) {
			if (facts_of(&loader->cache, source->scan, &source->head, &facts, err) < 0)
				return err->code;
			add_event(loader, &source->head, source->type, facts);
		}
		if (merge_advance(&loader->merge, at, err) < 0)
			return err->code;
	}
	return 0;
}

static int load(struct loader *loader, struct store *store, struct err *err)
{
	struct mark_set *set = loader->set;
	const struct event_type *session = event_type_find(STR("agent_session"));
	const struct event_type *away = event_type_find(STR("afkstatus"));

	if (merge_add(&loader->merge, store, session, ns_add(set->from_ns, -SESSION_LOOKBACK_NS),
		    set->from_ns, err) < 0 ||
		merge_add(&loader->merge, store, away, ns_add(set->from_ns, -AWAY_HORIZON_NS),
			set->from_ns, err) < 0 ||
		take_all(loader, err) < 0)
		return err->code;
	set->earlier = set->count;
	if (merge_open(&loader->merge, store, set->from_ns, set->to_ns, err) < 0)
		return err->code;
	return take_all(loader, err);
}

/* Types are known only when all is read: a session's facts may come after its prompts. */
static void tell_people_apart(struct mark_set *set)
{
	for (size_t i = 0; i < set->session_count; i++)
		if (set->sessions[i].type.len == 0)
			set->sessions[i].type = session_type_of_id(set->sessions[i].id);
	for (size_t i = 0; i < set->count; i++) {
		struct mark *mark = &set->marks[i];

		mark->human = mark->role == ROLE_PROMPT &&
			      (mark->session == SESSION_NONE ||
				      str_eq_c(set->sessions[mark->session].type, "user"));
	}
}

int mark_set_load(struct mark_set *out, struct store *store, const struct stream_set *streams,
	int64_t from_ns, int64_t to_ns, struct err *err)
{
	struct loader loader = {
		.set = out, .streams = streams, .merge.lean = !stream_set_needs_ids(streams)
	};
	int rc;

	*out = (struct mark_set){ .from_ns = from_ns, .to_ns = to_ns };
	loader.cache.slots = mem_zalloc(FACT_SLOTS * sizeof(*loader.cache.slots));
	rc = load(&loader, store, err);
	if (rc == 0)
		tell_people_apart(out);
	merge_close(&loader.merge);
	fact_cache_release(&loader.cache);
	return rc;
}

void mark_set_release(struct mark_set *set)
{
	free(set->marks);
	free(set->sessions);
	free(set->texts);
	map_release(&set->text_index);
	map_release(&set->session_index);
	arena_release(&set->arena);
	*set = (struct mark_set){ 0 };
}

static int read_ids(const struct mark_set *set, struct merge *merge, const bool *wanted,
	struct arena *arena, struct str *ids, struct err *err)
{
	size_t at, mark = set->earlier;

	for (; (at = merge_least(merge)) < merge->count; mark++) {
		const struct event *event = &merge->sources[at].head.event;

		if (mark >= set->count || event->start_ns != set->marks[mark].at_ns)
			break;
		if (wanted[mark])
			ids[mark] = arena_str(arena, event->id);
		if (merge_advance(merge, at, err) < 0)
			return err->code;
	}
	if (mark != set->count || merge->count > 0)
		return err_set(err, ERR_CONFLICT, "the store changed while it was read");
	return 0;
}

int mark_set_event_ids(const struct mark_set *set, struct store *store, const bool *wanted,
	struct arena *arena, struct str *ids, struct err *err)
{
	struct merge merge = { .lean = false };
	int rc = merge_open(&merge, store, set->from_ns, set->to_ns, err);

	if (rc == 0)
		rc = read_ids(set, &merge, wanted, arena, ids, err);
	merge_close(&merge);
	return rc;
}
