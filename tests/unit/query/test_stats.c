/* Counting: every number of a row once, sums over groups, days, and what is unknown. */
#include "query/stats.h"

#include "store_fixture.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define S1 "{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"cwd\":\"/w/shop\""

static struct arena arena;
static struct zone *zone;

static void take_at(
	struct store *store, const char *source, const char *type, const char *at, const char *data)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	static int number;
	struct event event = { .source = str_from(source), .type = str_from(type) };
	struct err err;

	GOOD(time_parse(str_from(at), &event.start_ns, &err));
	id_build(&id, STR(MACHINE_A), event.source, event.type, event.start_ns,
		arena_printf(&arena, "k%d", number++));
	event.id = buf_str(&id);
	event.data = str_from(data);
	OK(fixture_take(store, &event) == INTAKE_NEW);
}

static struct store *begin_world(struct fixture *f)
{
	struct err err;

	if (zone_open(&zone, STR(BERLIN), &err) < 0)
		exit(1);
	return open_new(f);
}

static void end_world(struct fixture *f, struct store *store)
{
	close_all(f, store);
	zone_free(zone);
	arena_release(&arena);
}

static struct stats build(struct store *store, struct stats_request request)
{
	struct stats stats;
	struct err err;

	request.clock.zone = zone;
	if (request.span.from_ns == 0)
		request.span = SPAN_ALWAYS;
	GOOD(stats_build(store, &request, &arena, &stats, &err));
	return stats;
}

static struct stats by(struct store *store, enum stats_by what)
{
	return build(store, (struct stats_request){ .by = what });
}

static const char *when(int64_t ns)
{
	static char text[TIME_TEXT_BYTES];

	return ns == INT64_MIN ? "never" : time_format(ns, 0, text);
}

/* One session with one of everything. */
static void fill_one(struct store *store)
{
	static const struct {
		const char *type, *at, *data;
	} events[] = {
		{ "agent_session", "2026-03-02T08:00:00Z",
			S1
			",\"session_type\":\"user\",\"git_project\":\"shop\",\"malformed\":2,"
			"\"unknown_records\":3,\"prompts\":77,\"input_tokens\":7777,"
			"\"started_at\":\"2026-03-02T08:59:00Z\",\"ended_at\":\"2026-03-02T09:30:00Z\"}" },
		{ "user_message", "2026-03-02T09:00:00Z", S1 ",\"length\":5,\"cancelled\":true}" },
		{ "user_message", "2026-03-02T09:00:01Z", S1 ",\"length\":5,\"command\":true}" },
		{ "user_message", "2026-03-02T09:00:02Z", S1 ",\"withdrawn\":true}" },
		{ "user_message", "2026-03-02T09:00:02Z",
			S1 ",\"withdrawn\":true,\"command\":true}" },
		{ "agent_response", "2026-03-02T09:00:03Z",
			S1 ",\"model\":\"m1\",\"input_tokens\":10,\"output_tokens\":0,"
			   "\"cache_read_tokens\":100,\"reasoning_tokens\":4}" },
		{ "agent_response", "2026-03-02T09:00:04Z",
			S1 ",\"model\":\"m2\",\"input_tokens\":\"5\",\"output_tokens\":7}" },
		{ "agent_response", "2026-03-02T09:00:05Z", S1 ",\"output_tokens\":-4}" },
		{ "agent_response", "2026-03-02T23:59:00Z",
			S1 ",\"withdrawn\":true,\"input_tokens\":1000,\"output_tokens\":2000}" },
		{ "agent_tool_use", "2026-03-02T09:00:06Z", S1 ",\"tool\":\"Read\"}" },
		{ "agent_tool_use", "2026-03-02T09:00:07Z", S1 ",\"withdrawn\":true}" },
		{ "agent_tool_error", "2026-03-02T09:00:08Z", S1 "}" },
		{ "agent_error", "2026-03-02T09:00:09Z", S1 "}" },
		{ "agent_file_read", "2026-03-02T09:00:10Z", S1 "}" },
		{ "agent_file_edit", "2026-03-02T09:00:11Z", S1 ",\"edits\":3}" },
		{ "agent_response", "2100-01-01T00:00:00Z",
			S1 ",\"implausible_time\":true,\"output_tokens\":1}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		take_at(store, "claude", events[i].type, events[i].at, events[i].data);
}

static void expect_one(const struct stats_counts *counts)
{
	IS_INT(counts->events, 16);
	IS_INT(counts->sessions, 1);
	IS_INT(counts->prompts, 1);
	IS_INT(counts->commands, 1);
	IS_INT(counts->responses, 4);
	IS_INT(counts->tool_calls, 1);
	IS_INT(counts->tool_errors, 1);
	IS_INT(counts->api_errors, 1);
	IS_INT(counts->file_reads, 1);
	IS_INT(counts->file_edits, 1);
	IS_INT(counts->edits, 3);
	IS_INT(counts->cancelled, 1);
	IS_INT(counts->malformed, 2);
	IS_INT(counts->unknown_records, 3);
	IS_INT(counts->unknown_usage, 1);
	IS_INT(counts->tokens[STATS_INPUT], 15);
	IS_INT(counts->tokens[STATS_OUTPUT], 8);
	IS_INT(counts->tokens[STATS_CACHE_READ], 100);
	IS_INT(counts->tokens[STATS_CACHE_WRITE], -1);
	IS_INT(counts->tokens[STATS_REASONING], 4);
	IS_INT(counts->withdrawn.prompts, 1);
	IS_INT(counts->withdrawn.responses, 1);
	IS_INT(counts->withdrawn.tokens[STATS_INPUT], 1000);
	IS_INT(counts->withdrawn.tokens[STATS_OUTPUT], 2000);
	IS_INT(counts->withdrawn.tokens[STATS_CACHE_READ], -1);
	IS_CSTR(when(counts->first_ns), "2026-03-02T08:59:00Z");
	IS_CSTR(when(counts->last_ns), "2026-03-02T09:30:00Z");
}

static void every_number(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	fill_one(store);
	stats = by(store, STATS_BY_AGENT);
	expect_one(&stats.totals);
	if (IS_INT(stats.session_count, 1)) {
		expect_one(&stats.sessions[0].counts);
		IS_STR(stats.sessions[0].session_id, "s1");
		IS_STR(stats.sessions[0].agent, "claude-code");
		IS_STR(stats.sessions[0].source, "claude");
		IS_STR(stats.sessions[0].machine_id, MACHINE_A);
		IS_STR(stats.sessions[0].workspace, "/w/shop");
		IS_STR(stats.sessions[0].project, "shop");
		IS_STR(stats.sessions[0].session_type, "user");
		IS_INT(stats.sessions[0].parent_session_id.len, 0);
	}
	if (IS_INT(stats.group_count, 1)) {
		expect_one(&stats.groups[0].counts);
		IS_STR(stats.groups[0].key, "claude-code");
	}
	OK(stats.store_bytes > 0);
	IS_INT(stats.quarantined, 0);
	end_world(&f, store);
}

static void nothing(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats = by(store, STATS_BY_DAY);

	IS_INT(stats.totals.events, 0);
	IS_INT(stats.totals.tokens[STATS_INPUT], -1);
	IS_INT(stats.group_count, 0);
	IS_INT(stats.session_count, 0);
	IS_CSTR(when(stats.totals.first_ns), "never");
	end_world(&f, store);
}

/* Sub-agents: one with its parent's id in its own, one with an id of its own. */
static void fill_family(struct store *store)
{
	take_at(store, "claude", "agent_response", "2026-03-02T10:00:00Z",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1/agent-a\",\"parent_session_id\":\"s1\","
		"\"model\":\"small\",\"output_tokens\":1}");
	take_at(store, "claude", "agent_response", "2026-03-03T10:00:01Z",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1/agent-b\",\"parent_session_id\":\"s1\","
		"\"model\":\"small\",\"output_tokens\":1}");
	take_at(store, "claude", "agent_response", "2026-03-02T10:00:02Z",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"model\":\"large\"}");
	take_at(store, "codex", "agent_response", "2026-03-02T11:00:00Z",
		"{\"agent\":\"codex\",\"session_id\":\"x2\",\"parent_session_id\":\"x1\"}");
	take_at(store, "codex", "agent_usage", "2026-03-02T11:00:01Z",
		"{\"agent\":\"codex\",\"session_id\":\"x2\",\"input_tokens\":9}");
	take_at(store, "remote.tmux", "tmux_pane_focus", "2026-03-02T11:00:02Z",
		"{\"pane_id\":\"%1\",\"cwd\":\"/w\"}");
}

static void parts_of_sessions(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	fill_family(store);
	stats = by(store, STATS_BY_MODEL);
	IS_INT(stats.totals.sessions, 2);
	if (IS_INT(stats.session_count, 4)) {
		IS_STR(stats.sessions[0].session_id, "s1/agent-a");
		IS_STR(stats.sessions[0].parent_session_id, "s1");
		IS_INT(stats.sessions[0].counts.sessions, 0);
		IS_STR(stats.sessions[2].session_id, "x2");
		IS_STR(stats.sessions[2].parent_session_id, "x1");
		IS_INT(stats.sessions[2].counts.sessions, 1);
	}
	if (IS_INT(stats.group_count, 3)) {
		IS_STR(stats.groups[0].key, "large");
		IS_INT(stats.groups[0].counts.sessions, 1);
		IS_STR(stats.groups[1].key, "small"); /* two parts of one session */
		IS_INT(stats.groups[1].counts.sessions, 1);
		OK(stats.groups[2].key.ptr == NULL);
		IS_INT(stats.groups[2].counts.sessions, 1);
		IS_INT(stats.groups[2].counts.events, 3);
	}
	end_world(&f, store);
}

static void a_part_without_its_whole(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	take_at(store, "claude", "agent_response", "2026-03-02T10:00:00Z",
		"{\"session_id\":\"s1/agent-a\",\"parent_session_id\":\"s1\"}");
	stats = by(store, STATS_BY_AGENT);
	IS_INT(stats.totals.sessions, 1);
	IS_INT(stats.groups[0].counts.sessions, 1);
	end_world(&f, store);
}

/* Responses of an agent that reports tokens apart from them are not unknown. */
static void unknown_usage(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	fill_family(store);
	stats = by(store, STATS_BY_SOURCE);
	IS_INT(stats.totals.unknown_usage, 1);
	if (IS_INT(stats.group_count, 3)) {
		IS_STR(stats.groups[0].key, "claude");
		IS_INT(stats.groups[0].counts.unknown_usage, 1);
		IS_STR(stats.groups[1].key, "codex");
		IS_INT(stats.groups[1].counts.unknown_usage, 0);
		IS_INT(stats.groups[1].counts.tokens[STATS_INPUT], 9);
		IS_INT(stats.groups[1].counts.tokens[STATS_OUTPUT], -1);
		IS_STR(stats.groups[2].key, "remote.tmux");
		IS_INT(stats.groups[2].counts.sessions, 0);
	}
	end_world(&f, store);
}

static void groups_sum_up(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);

	fill_one(store);
	fill_family(store);
	for (int what = 0; what < STATS_BYS; what++) {
		struct stats stats = by(store, (enum stats_by)what);
		struct stats_counts sum = { 0 };

		for (size_t i = 0; i < stats.group_count; i++) {
			const struct stats_counts *group = &stats.groups[i].counts;

			sum.events += group->events;
			sum.prompts += group->prompts;
			sum.responses += group->responses;
			sum.tool_calls += group->tool_calls;
			sum.unknown_usage += group->unknown_usage;
			sum.malformed += group->malformed;
			if (group->tokens[STATS_OUTPUT] > 0)
				sum.tokens[STATS_OUTPUT] += group->tokens[STATS_OUTPUT];
		}
		IS_INT(sum.events, 22);
		IS_INT(sum.prompts, stats.totals.prompts);
		IS_INT(sum.responses, stats.totals.responses);
		IS_INT(sum.tool_calls, stats.totals.tool_calls);
		IS_INT(sum.unknown_usage, stats.totals.unknown_usage);
		IS_INT(sum.malformed, stats.totals.malformed);
		IS_INT(sum.tokens[STATS_OUTPUT], stats.totals.tokens[STATS_OUTPUT]);
	}
	end_world(&f, store);
}

static void days_are_local(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	take_at(store, "manual", "note", "2026-03-28T22:59:59.999Z", "{}"); /* 23:59:59 */
	take_at(store, "manual", "note", "2026-03-28T23:00:00Z", "{}");     /* 00:00 */
	take_at(store, "manual", "note", "2026-03-29T21:59:59Z", "{}");     /* 23:59, now CEST */
	take_at(store, "manual", "note", "2026-03-29T22:00:00Z", "{}");
	stats = by(store, STATS_BY_DAY);
	if (IS_INT(stats.group_count, 3)) {
		IS_STR(stats.groups[0].key, "2026-03-28");
		IS_INT(stats.groups[0].counts.events, 1);
		IS_STR(stats.groups[1].key, "2026-03-29");
		IS_INT(stats.groups[1].counts.events, 2);
		IS_STR(stats.groups[2].key, "2026-03-30");
	}
	stats = build(
		store, (struct stats_request){ .by = STATS_BY_DAY, .clock.day_start_s = 4 * 3600 });
	if (IS_INT(stats.group_count, 2)) {
		IS_STR(stats.groups[0].key, "2026-03-28");
		IS_INT(stats.groups[0].counts.events, 2);
		IS_STR(stats.groups[1].key, "2026-03-29");
	}
	end_world(&f, store);
}

static void a_period(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats_request request = { .by = STATS_BY_AGENT };
	struct stats stats;
	struct err err;

	fill_one(store);
	GOOD(time_parse(STR("2026-03-02T09:00:03Z"), &request.span.from_ns, &err));
	GOOD(time_parse(STR("2026-03-02T09:00:05Z"), &request.span.to_ns, &err));
	stats = build(store, request);
	IS_INT(stats.totals.events, 2);
	IS_INT(stats.totals.prompts, 0);
	IS_INT(stats.totals.tokens[STATS_INPUT], 15);
	IS_CSTR(when(stats.totals.first_ns), "2026-03-02T09:00:03Z");
	IS_CSTR(when(stats.totals.last_ns), "2026-03-02T09:00:04Z");
	IS_STR(stats.sessions[0].workspace, "/w/shop");
	/* The session's own event is in it, its end is not. */
	GOOD(time_parse(STR("2026-03-02T07:00:00Z"), &request.span.from_ns, &err));
	stats = build(store, request);
	IS_CSTR(when(stats.totals.first_ns), "2026-03-02T08:59:00Z");
	IS_CSTR(when(stats.totals.last_ns), "2026-03-02T09:00:04Z");
	request.machine_id = STR(MACHINE_B);
	stats = build(store, request);
	IS_INT(stats.totals.events, 0);
	end_world(&f, store);
}

static void sessions_of_one_name(void)
{
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	take_at(store, "claude", "user_message", "2026-03-02T10:00:00Z", "{\"session_id\":\"s\"}");
	take_at(store, "codex", "user_message", "2026-03-02T10:00:00Z", "{\"session_id\":\"s\"}");
	stats = by(store, STATS_BY_SOURCE);
	IS_INT(stats.totals.sessions, 2);
	if (IS_INT(stats.session_count, 2)) {
		IS_STR(stats.sessions[0].source, "claude");
		IS_STR(stats.sessions[1].source, "codex");
	}
	end_world(&f, store);
}

static void sums_do_not_overflow(void)
{
	static const char huge[] = "{\"session_id\":\"s\",\"input_tokens\":9223372036854775807,"
				   "\"n\":%d}";
	struct fixture f;
	struct store *store = begin_world(&f);
	struct stats stats;

	for (int i = 0; i < 2; i++)
		take_at(store, "claude", "agent_response", "2026-03-02T10:00:00Z",
			arena_printf(&arena, huge, i).ptr);
	stats = by(store, STATS_BY_AGENT);
	OK(stats.totals.tokens[STATS_INPUT] == INT64_MAX);
	end_world(&f, store);
}

/* More distinct data than is remembered, met again and again. */
static void the_memory_of_facts(void)
{
	struct stats_facts_cache cache = { 0 };
	int wrong = 0;

	OK(!stats_facts_known(&cache, 1));
	for (int64_t round = 0; round < 3; round++) {
		for (int64_t no = 1; no < 5000; no++) {
			struct str data = arena_printf(&arena,
				"{\"session_id\":\"s%lld\",\"cwd\":\"/%lld\",\"edits\":%lld}",
				(long long)no, (long long)no * 7, (long long)no);
			const struct stats_facts *facts = stats_facts_known(&cache, no);
			struct str want = arena_printf(&arena, "/%lld", (long long)no * 7);

			if (!facts)
				facts = stats_facts_read(&cache, no, data);
			wrong += facts->edits != no || !str_eq(facts->workspace, want) ||
				 facts->tokens[STATS_INPUT] != -1 || facts->agent.len != 0;
		}
	}
	IS_INT(wrong, 0);
	OK(stats_facts_known(&cache, 4999) && !stats_facts_known(&cache, 1));
	IS_INT(stats_facts_read(&cache, 7, STR("[1]"))->edits, 0);
	stats_facts_release(&cache);
	arena_release(&arena);
}

static void as_json(void)
{
	static const char *const keys[] = { "events", "sessions", "prompts", "commands",
		"responses", "tool_calls", "tool_errors", "api_errors", "file_reads", "file_edits",
		"cancelled", "malformed", "unknown_records", "unknown_usage", "input", "output",
		"cache_read", "cache_write", "reasoning", "withdrawn", "first", "last" };
	struct fixture f;
	struct store *store = begin_world(&f);
	struct json_parser parser = { 0 };
	struct buf out = BUF_INIT;
	struct json_writer json = json_writer(&out);
	const struct json *root, *rows[3];
	struct stats stats;
	struct json_iter iter;
	struct str key;
	struct err err;

	fill_one(store);
	stats = by(store, STATS_BY_WORKSPACE);
	json_begin_object(&json);
	stats_json(&stats, &json);
	json_end_object(&json);
	GOOD(json_parse(&parser, buf_str(&out), false, &root, &err));
	rows[0] = json_get(root, "totals");
	iter = json_iter(json_get(root, "groups"));
	OK(json_next(&iter, &key, &rows[1]));
	iter = json_iter(json_get(root, "sessions"));
	OK(json_next(&iter, &key, &rows[2]));
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			IS_CSTR(json_get(rows[row], keys[i]) ? "" : keys[i], "");
	OK(json_type(json_get(rows[0], "cache_write")) == JSON_NULL);
	OK(json_is(json_get(rows[0], "input"), JSON_NUMBER));
	IS_STR(json_get_str(rows[1], "key"), "/w/shop");
	IS_STR(json_get_str(rows[2], "session_id"), "s1");
	OK(json_is(json_get(rows[2], "parent_session_id"), JSON_NULL));
	IS_STR(json_get_str(rows[2], "first"), "2026-03-02T08:59:00.000Z");
	OK(json_get(root, "quarantined") && json_get(root, "store_bytes"));
	json_parser_release(&parser);
	buf_release(&out);
	end_world(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(every_number),
	TAP_CASE(nothing),
	TAP_CASE(parts_of_sessions),
	TAP_CASE(a_part_without_its_whole),
	TAP_CASE(unknown_usage),
	TAP_CASE(groups_sum_up),
	TAP_CASE(days_are_local),
	TAP_CASE(a_period),
	TAP_CASE(sessions_of_one_name),
	TAP_CASE(sums_do_not_overflow),
	TAP_CASE(the_memory_of_facts),
	TAP_CASE(as_json),
};

TAP_MAIN(cases)
