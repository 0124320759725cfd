/* Reports over a real store: what is loaded, grouped and explained. */
#include "attention/report.h"

#include "attention/marks.h"
#include "fixture.h"

struct world {
	struct fixture fixture;
	struct store *store;
	struct zone *utc;
	struct arena arena;
	struct err err;
};

static void world_open(struct world *w)
{
	*w = (struct world){ .fixture = fixture_open() };
	w->store = w->fixture.store;
	OK(zone_open(&w->utc, STR("UTC"), &w->err) == 0);
}

static void world_close(struct world *w)
{
	zone_free(w->utc);
	arena_release(&w->arena);
	fixture_close(&w->fixture);
}

struct happening {
	const char *machine;
	const char *type;
	const char *at; /* behind "2026-02-" */
	const char *data;
};

static int64_t instant(const char *at)
{
	char text[64];
	int64_t ns = 0;
	struct err err;

	snprintf(text, sizeof(text), "2026-02-%sZ", at);
	OK(time_parse(str_from(text), &ns, &err) == 0);
	return ns;
}

static void put(struct intake *intake, const struct happening *h, size_t number)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct quarantine_entry origin = { .source = STR("test"), .offset = -1 };
	struct event event = { .source = STR("test"),
		.type = str_from(h->type),
		.start_ns = instant(h->at),
		.data = str_from(h->data) };
	enum intake_result result;
	char discriminator[24];
	struct err err;

	snprintf(discriminator, sizeof(discriminator), "n%zu", number);
	id_build(&id, str_from(h->machine), event.source, event.type, event.start_ns,
		str_from(discriminator));
	event.id = buf_str(&id);
	if (!OK(intake_event(intake, &event, &origin, &result, &err) == 0))
		printf("# %s\n", err.message);
	IS_INT(result, INTAKE_NEW);
}

static void fill(struct world *w, const struct happening *happenings, size_t count)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	if (!OK(intake_begin(&intake, w->store, &w->err) == 0))
		return;
	for (size_t i = 0; i < count; i++)
		put(intake, &happenings[i], i);
	OK(intake_commit(intake, &w->err) == 0);
}

static struct report_request request_of(struct period period)
{
	return (struct report_request){
		.period = period, .now_ns = instant("28T00:00:00"), .params = ATTENTION_DEFAULTS
	};
}

static struct period day(struct world *w, const char *at)
{
	struct calendar calendar = { .zone = w->utc };

	return period_day(&calendar, instant(at), 0);
}

static struct period week(struct world *w)
{
	struct calendar calendar = { .zone = w->utc };

	return period_week(&calendar, instant("03T12:00:00"), 0);
}

static struct report built(struct world *w, const struct report_request *request)
{
	struct report report = { 0 };

	if (!OK(report_build(w->store, request, &w->arena, &report, &w->err) == 0))
		printf("# %s\n", w->err.message);
	return report;
}

static void is_minutes(int64_t ns, int64_t want, const char *what)
{
	tap_check(ns == want * NS_PER_MINUTE, __FILE__, __LINE__, "%s: %g minutes, want %lld", what,
		(double)ns / (double)NS_PER_MINUTE, (long long)want);
}

#define PANE(project)                                                                              \
	"{\"pane_id\":\"%1\",\"cwd\":\"/h/" project "\",\"git_project\":\"" project "\"}"
#define AGENT(session, project)                                                                    \
	"{\"agent\":\"claude-code\",\"session_id\":\"" session "\",\"cwd\":\"/h/" project          \
	"\",\"git_project\":\"" project "\"}"

/* Two machines, a night, a sub-agent, time without a stream. */
static const struct happening story[] = {
	{ M1, "tmux_pane_focus", "02T23:58:00", PANE("web") },
	{ M1, "agent_session", "03T09:00:00",
		"{\"session_id\":\"s1\",\"agent\":\"claude-code\",\"session_type\":\"user\","
		"\"cwd\":\"/h/web\",\"git_project\":\"web\",\"ended_at\":\"2026-02-03T09:40:00Z\"}" },
	{ M1, "user_message", "03T09:00:00", AGENT("s1", "web") },
	{ M1, "agent_tool_use", "03T09:01:00", AGENT("s1", "web") },
	{ M1, "agent_tool_use", "03T09:10:00", AGENT("s1", "web") },
	{ M1, "agent_session", "03T09:11:00",
		"{\"session_id\":\"s1/agent-x\",\"parent_session_id\":\"s1\","
		"\"session_type\":\"subagent\"}" },
	{ M1, "user_message", "03T09:11:00", "{\"session_id\":\"s1/agent-x\"}" },
	{ M1, "agent_tool_use", "03T09:12:00", "{\"session_id\":\"s1/agent-x\"}" },
	{ M1, "agent_tool_use", "03T09:20:00", "{\"session_id\":\"s1/agent-x\"}" },
	{ M1, "user_message", "03T09:30:00", AGENT("s1", "web") },
	{ M1, "agent_response", "03T09:31:00", AGENT("s1", "web") },
	{ M1, "agent_tool_error", "03T09:32:00", AGENT("s1", "web") },
	{ M2, "tmux_pane_focus", "03T10:00:00", PANE("api") },
	{ M2, "user_message", "03T10:02:00",
		"{\"agent\":\"codex\",\"session_id\":\"c1\",\"cwd\":\"/h/api\",\"git_project\":\"api\"}" },
	{ M2, "agent_tool_use", "03T10:03:00",
		"{\"agent\":\"codex\",\"session_id\":\"c1\",\"cwd\":\"/h/api\",\"git_project\":\"api\"}" },
	{ M2, "agent_tool_use", "03T10:23:00",
		"{\"agent\":\"codex\",\"session_id\":\"c1\",\"cwd\":\"/h/api\",\"git_project\":\"api\"}" },
	{ M2, "window_focus", "03T12:00:00", "{\"window_app_id\":\"slack\"}" },
	{ M2, "afk_change", "03T12:05:00", "{\"status\":\"idle\",\"idle_duration_ms\":180000}" },
};

static void fill_story(struct world *w)
{
	static const struct str tags[] = { STR_INIT("client:acme"), STR_INIT("dev") };
	int64_t no;

	fill(w, story, ARRAY_LEN(story));
	OK(records_rule_add(w->store, STR("/h/web"), tags, 2, &no, &w->err) == 0);
	OK(store_machine_label(w->store, STR(M1), STR("devbox"), false, &w->err) == 0);
	OK(store_machine_label(w->store, STR(M2), STR("devbox"), false, &w->err) == 0);
}

static void a_day(void)
{
	struct world w;
	struct report_request request;
	struct report report;

	world_open(&w);
	fill_story(&w);
	request = request_of(day(&w, "03T12:00:00"));
	report = built(&w, &request);
	/* web: 3 carried over midnight, 5 and 5 after prompts; api: 2 and 5; slack: 2 */
	is_minutes(report.totals.direct_ns, 22, "direct");
	is_minutes(report.totals.unassigned_direct_ns, 2, "unassigned");
	/* s1: 9 and 9 up to its known end; its sub-agent: 8; c1: 20 */
	is_minutes(report.totals.delegated_ns, 46, "delegated");
	is_minutes(report.totals.waiting_ns, 20, "waiting");
	is_minutes(report.totals.delegated_union_ns, 46, "union");
	IS_INT(report.totals.peak_agents, 1);
	if (IS_INT(report.stream_count, 3)) {
		/* "web" alone is the one of the night before. */
		IS_STR(report.streams[0]->stream->name, "web (2)");
		is_minutes(report.streams[0]->time.delegated_ns, 26, "web, delegated");
		is_minutes(report.streams[0]->time.direct_ns, 10, "web, direct");
		IS_STR(report.streams[1]->stream->name, "api");
		is_minutes(report.streams[1]->time.direct_ns, 7, "api, direct");
	}
	world_close(&w);
}

static void sessions_of_a_day(void)
{
	struct world w;
	struct report_request request;
	struct report report;

	world_open(&w);
	fill_story(&w);
	request = request_of(day(&w, "03T12:00:00"));
	report = built(&w, &request);
	if (IS_INT(report.session_count, 3)) {
		IS_STR(report.sessions[0].session_id, "c1");
		IS_STR(report.sessions[0].agent, "codex");
		IS_STR(report.sessions[0].type, "user");
		IS_STR(report.sessions[0].title, "api");
		IS_STR(report.sessions[0].machine_id, M2);
		IS_STR(report.sessions[1].session_id, "s1");
		is_minutes(report.sessions[1].waiting_ns, 20, "s1 waits");
		IS_STR(report.sessions[2].type, "subagent");
		IS_STR(report.sessions[2].agent, "unknown");
	}
	if (IS_INT(report.by_type_count, 2)) {
		IS_STR(report.by_type[0].key, "user");
		IS_INT(report.by_type[0].count, 2);
		IS_STR(report.by_type[1].key, "subagent");
	}
	IS_INT(report.by_source_count, 3);
	world_close(&w);
}

static const struct report_group *group(const struct report *report, const char *key)
{
	for (size_t i = 0; i < report->group_count; i++)
		if (str_eq_c(report->groups[i].key, key))
			return &report->groups[i];
	tap_check(0, __FILE__, __LINE__, "no group '%s'", key);
	return NULL;
}

static void has_group(const struct report *report, const char *key, int64_t direct,
	int64_t delegated, int64_t waiting)
{
	const struct report_group *found = group(report, key);

	if (!found)
		return;
	is_minutes(found->time.direct_ns, direct, key);
	is_minutes(found->time.delegated_ns, delegated, key);
	is_minutes(found->time.waiting_ns, waiting, key);
}

/* Every grouping of the week; those that are partitions sum up to the whole. */
static void groupings(void)
{
	static const struct {
		enum report_by by;
		size_t groups;
	} wanted[] = {
		{ REPORT_BY_STREAM, 3 },
		{ REPORT_BY_PROJECT, 2 },
		{ REPORT_BY_MACHINE, 2 },
		{ REPORT_BY_AGENT, 3 },
	};
	struct world w;
	struct report_request request;

	world_open(&w);
	fill_story(&w);
	request = request_of(week(&w));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct report report;
		int64_t direct = 0, delegated = 0, waiting = 0;

		request.by = wanted[i].by;
		report = built(&w, &request);
		IS_INT(report.group_count, wanted[i].groups);
		for (size_t j = 0; j < report.group_count; j++) {
			direct += report.groups[j].time.direct_ns;
			delegated += report.groups[j].time.delegated_ns;
			waiting += report.groups[j].time.waiting_ns;
		}
		IS_INT(direct, report.totals.direct_ns - report.totals.unassigned_direct_ns);
		IS_INT(delegated,
			report.totals.delegated_ns - report.totals.unassigned_delegated_ns);
		IS_INT(waiting, report.totals.waiting_ns);
		is_minutes(report.untagged.time.direct_ns, 7, "untagged");
		is_minutes(report.untagged.time.delegated_ns, 20, "untagged");
	}
	world_close(&w);
}

static void groups_have_names(void)
{
	struct world w;
	struct report_request request;
	struct report report;
	const struct report_group *web;

	world_open(&w);
	fill_story(&w);
	request = request_of(week(&w));
	report = built(&w, &request);
	IS_INT(report.group_count, 2);
	has_group(&report, "client:acme", 15, 26, 20);
	has_group(&report, "dev", 15, 26, 20);
	request.by = REPORT_BY_PROJECT;
	report = built(&w, &request);
	has_group(&report, "web", 15, 26, 20);
	has_group(&report, "api", 7, 20, 0);
	web = group(&report, "web");
	IS_INT(web ? web->stream_count : 0, 2);
	request.by = REPORT_BY_MACHINE;
	report = built(&w, &request);
	has_group(&report, "devbox (11111111)", 15, 26, 20);
	has_group(&report, "devbox (22222222)", 7, 20, 0);
	request.by = REPORT_BY_AGENT;
	report = built(&w, &request);
	has_group(&report, "claude-code", 10, 18, 20);
	has_group(&report, "codex", 5, 20, 0);
	has_group(&report, "(no agent)", 7, 8, 0);
	world_close(&w);
}

struct sums {
	int64_t ns[3];
};

static struct sums explained(const struct report *report)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < report->explain_count; i++)
		sums.ns[report->explain[i].kind] +=
			report->explain[i].end_ns - report->explain[i].start_ns;
	return sums;
}

static void is_explained(const struct report *report, const struct time_totals *time)
{
	struct sums sums = explained(report);

	IS_INT(sums.ns[SPAN_DIRECT], time->direct_ns);
	IS_INT(sums.ns[SPAN_DELEGATED], time->delegated_ns);
	IS_INT(sums.ns[SPAN_WAITING], time->waiting_ns);
}

/* The event behind a span is there, and the span begins with it or, clipped, with the period. */
static void events_are_real(struct world *w, const struct report *report)
{
	for (size_t i = 0; i < report->explain_count; i++) {
		const struct report_explain *e = &report->explain[i];
		struct stored_event event;
		int64_t at;

		if (!OK(store_event_find(w->store, e->event_id, &w->arena, &event, &w->err) == 0))
			return;
		at = event.event.start_ns;
		OK(at == e->start_ns ||
			(at < e->start_ns && e->start_ns == report->request.period.start_ns));
	}
}

static void explanations(void)
{
	struct world w;
	struct report_request request;
	struct report report, plain;

	world_open(&w);
	fill_story(&w);
	request = request_of(day(&w, "03T12:00:00"));
	plain = built(&w, &request);
	IS_INT(plain.explain_count, 0);
	request.explain = STR("all");
	report = built(&w, &request);
	is_explained(&report, &report.totals);
	events_are_real(&w, &report);
	request.explain = STR("unassigned");
	report = built(&w, &request);
	IS_INT(report.explain_count, 1);
	is_minutes(explained(&report).ns[SPAN_DIRECT], 2, "unassigned");
	OK(report.explain[0].stream_id.ptr == NULL);
	for (size_t i = 0; i < plain.stream_count; i++) {
		request.explain = plain.streams[i]->stream->id;
		report = built(&w, &request);
		is_explained(&report, &plain.streams[i]->time);
		OK(report.explain_count > 0);
		for (size_t j = 0; j < report.explain_count; j++)
			OK(str_eq(report.explain[j].stream_id, request.explain));
	}
	world_close(&w);
}

static void streams_to_explain(void)
{
	struct world w;
	struct report_request request;
	struct report report;

	world_open(&w);
	fill_story(&w);
	request = request_of(day(&w, "20T12:00:00"));
	request.explain = STR("api");
	report = built(&w, &request);
	IS_INT(report.explain_count, 0);
	request.explain = STR("no such stream");
	IS_INT(report_build(w.store, &request, &w.arena, &report, &w.err), ERR_NOT_FOUND);
	world_close(&w);
}

static void days_add_up_to_the_week(void)
{
	struct world w;
	struct report_request request;
	struct report whole;
	struct time_totals sum = { 0 };

	world_open(&w);
	fill_story(&w);
	request = request_of(week(&w));
	whole = built(&w, &request);
	for (int i = 2; i <= 8; i++) {
		struct report part;
		char at[24];

		snprintf(at, sizeof(at), "%02dT12:00:00", i);
		request = request_of(day(&w, at));
		part = built(&w, &request);
		sum.direct_ns += part.totals.direct_ns;
		sum.delegated_ns += part.totals.delegated_ns;
		sum.waiting_ns += part.totals.waiting_ns;
		sum.tracked_ns += part.totals.tracked_ns;
	}
	OK(whole.totals.direct_ns > 0);
	IS_INT(sum.direct_ns, whole.totals.direct_ns);
	IS_INT(sum.delegated_ns, whole.totals.delegated_ns);
	IS_INT(sum.waiting_ns, whole.totals.waiting_ns);
	IS_INT(sum.tracked_ns, whole.totals.tracked_ns);
	world_close(&w);
}

/* G8, and an end that only the facts from the days before tell. */
static void session_of_yesterday(void)
{
	static const struct happening long_session[] = {
		{ M1, "agent_session", "01T08:00:00",
			"{\"session_id\":\"s1\",\"ended_at\":\"2026-02-05T10:00:00Z\"}" },
		{ M1, "agent_tool_use", "04T22:00:00", AGENT("s1", "web") },
		{ M1, "agent_tool_use", "05T09:10:00", AGENT("s1", "web") },
		{ M1, "agent_tool_use", "05T09:40:00", AGENT("s1", "web") },
	};
	struct world w;
	struct report_request request;
	struct report report;

	world_open(&w);
	fill(&w, long_session, ARRAY_LEN(long_session));
	request = request_of(day(&w, "05T12:00:00"));
	report = built(&w, &request);
	is_minutes(report.totals.delegated_ns, 50, "delegated");
	request.now_ns = instant("05T09:45:00");
	report = built(&w, &request);
	is_minutes(report.totals.delegated_ns, 35, "until now");
	world_close(&w);
}

/* G7: the start of the period is in it, its end is not. */
static void boundaries(void)
{
	static const struct happening two[] = {
		{ M1, "tmux_pane_focus", "03T00:00:00", PANE("web") },
		{ M1, "tmux_pane_focus", "04T00:00:00", PANE("web") },
	};
	struct world w;
	struct report_request request;

	world_open(&w);
	fill(&w, two, ARRAY_LEN(two));
	request = request_of(day(&w, "03T12:00:00"));
	is_minutes(built(&w, &request).totals.direct_ns, 5, "at its start");
	request = request_of(day(&w, "02T12:00:00"));
	is_minutes(built(&w, &request).totals.direct_ns, 0, "at its end");
	world_close(&w);
}

static void empty_store(void)
{
	struct world w;
	struct report_request request;
	struct report report;

	world_open(&w);
	request = request_of(week(&w));
	request.explain = STR("all");
	report = built(&w, &request);
	IS_INT(report.totals.tracked_ns, 0);
	IS_INT(report.group_count, 0);
	IS_INT(report.stream_count, 0);
	IS_INT(report.session_count, 0);
	IS_INT(report.untagged.stream_count, 0);
	IS_INT(report.explain_count, 0);
	world_close(&w);
}

static void memory_limit(void)
{
	struct world w;
	struct report_request request;
	struct report report;
	struct arena small;

	world_open(&w);
	fill_story(&w);
	arena_init(&small, 64);
	request = request_of(week(&w));
	IS_INT(report_build(w.store, &request, &small, &report, &w.err), ERR_LIMIT);
	arena_release(&small);
	world_close(&w);
}

static void types_by_id(void)
{
	static const struct {
		const char *id, *type;
	} ids[] = {
		{ "0d3e", "user" },
		{ "agent-a913", "subagent" },
		{ "agent-acompact-1", "agent" },
		{ "agent-aprompt_suggestion-2", "agent" },
		{ "0d3e/agent-a913", "subagent" },
		{ "agent-x/0d3e", "user" },
		{ "compact", "user" },
		{ "", "user" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		tap_is_str(session_type_of_id(str_from(ids[i].id)), str_from(ids[i].type), __FILE__,
			__LINE__);
}

/* Marks come in the total order, whatever scans they came from; ids are found again. */
static void marks_in_order(void)
{
	struct world w;
	struct attention_params params = ATTENTION_DEFAULTS;
	struct stream_set *streams = NULL;
	struct mark_set marks;
	bool wanted[ARRAY_LEN(story)] = { [3] = true };
	struct str ids[ARRAY_LEN(story)] = { { 0 } };

	world_open(&w);
	fill_story(&w);
	OK(streams_update(w.store, &params, false, &w.err) == 0);
	OK(stream_set_load(&streams, w.store, &params, 0, 0, &w.err) == 0);
	OK(mark_set_load(&marks, w.store, streams, instant("02T23:00:00"), instant("04T00:00:00"),
		   &w.err) == 0);
	/* All but the tool error, which has no role. */
	if (IS_INT(marks.count, ARRAY_LEN(story) - 1)) {
		for (size_t i = 1; i < marks.count; i++)
			OK(marks.marks[i - 1].at_ns <= marks.marks[i].at_ns);
		IS_STR(mark_set_machine(&marks, marks.marks[0].machine), M1);
		OK(mark_set_event_ids(&marks, w.store, wanted, &w.arena, ids, &w.err) == 0);
		IS_STR(ids[3], M1 ":test:agent_tool_use:2026-02-03T09:01:00.000Z:n3");
		OK(ids[4].ptr == NULL);
		fill(&w, &(struct happening){ M1, "tmux_pane_focus", "03T11:00:00", PANE("x") }, 1);
		IS_INT(mark_set_event_ids(&marks, w.store, wanted, &w.arena, ids, &w.err),
			ERR_CONFLICT);
	}
	mark_set_release(&marks);
	stream_set_free(streams);
	world_close(&w);
}

static const struct tap_case cases[] = {
	TAP_CASE(a_day),
	TAP_CASE(sessions_of_a_day),
	TAP_CASE(groupings),
	TAP_CASE(groups_have_names),
	TAP_CASE(explanations),
	TAP_CASE(streams_to_explain),
	TAP_CASE(days_add_up_to_the_week),
	TAP_CASE(session_of_yesterday),
	TAP_CASE(boundaries),
	TAP_CASE(empty_store),
	TAP_CASE(memory_limit),
	TAP_CASE(types_by_id),
	TAP_CASE(marks_in_order),
};
TAP_MAIN(cases)
