/* Streams: an example of every rule. Their laws are in test_streams_laws.c. */
#include "attention/streams.h"

#include "fixture.h"
#include "store/derived.h"
#include "store/records.h"

#define CWD(dir) "{\"pane_id\":\"%1\",\"cwd\":\"" dir "\"}"
#define PROJECT(name, dir) "{\"pane_id\":\"%1\",\"cwd\":\"" dir "\",\"git_project\":\"" name "\"}"
#define SESSION(id, more) "{\"session_id\":\"" id "\"" more "}"

static void partitions(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 1, .data = CWD("/h/p/") },
		{ .at = 2, .data = PROJECT("acme", "/h/a") },
		{ .at = 3, .data = PROJECT("acme", "/h/b") },
		{ .machine = M2, .at = 2, .data = CWD("/h/p") },
		{ .machine = "", .at = 2, .data = CWD("/h/p") },
		{ .at = 4, .data = "{\"pane_id\":\"%1\"}" },
		{ .type = "window_focus", .at = 5, .data = "{\"window_app_id\":\"x\"}" });
	fixture_load(&fixture);
	IS_INT(stream_set_count(fixture.set), 4);
	IS_PLACED(&fixture, "p", .at = 0);
	IS_PLACED(&fixture, "p", .at = 1);
	IS_PLACED(&fixture, "acme", .at = 2);
	IS_PLACED(&fixture, "acme", .at = 3);
	IS_PLACED(&fixture, "-", .at = 4);
	IS_PLACED(&fixture, "-", .type = "window_focus", .at = 5);
	IS_STR(fixture_stream(&fixture, "p")->cwd, "/h/p");
	IS_STR(fixture_stream(&fixture, "p")->project, "");
	IS_STR(fixture_stream(&fixture, "p")->machine_id, M1);
	IS_CSTR(fixture_stream(&fixture, "p")->source, "inferred");
	IS_STR(fixture_stream(&fixture, "acme")->project, "acme");
	IS_STR(fixture_stream(&fixture, "acme")->cwd, "/h/a");
	/* The same directory elsewhere is another stream; at one instant the ids decide which is
	 * first. */
	IS_STR(fixture_stream(&fixture, "p (2)")->machine_id, M2);
	IS_STR(fixture_stream(&fixture, "p (3)")->machine_id, "");
	fixture_close(&fixture);
}

static void gaps_and_names(void)
{
	struct fixture fixture = fixture_open();
	CLEANUP(stream_set_freep) struct stream_set *week = NULL;
	int32_t index;

	PUT(&fixture, { .at = 100, .data = CWD("/h/p") }, { .at = 130, .data = CWD("/h/p") },
		{ .at = 160.001, .data = CWD("/h/p") }, { .at = 300, .data = CWD("/other/p") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "p", .at = 130);
	IS_PLACED(&fixture, "p (2)", .at = 160.001);
	IS_PLACED(&fixture, "p (3)", .at = 300);
	/* Numbers count all streams, also those outside of what is loaded. */
	OK_RC(&fixture, stream_set_load(&week, fixture.store, &fixture_params, minute(290),
				minute(310), &fixture.err));
	IS_INT(stream_set_count(week), 1);
	OK_RC(&fixture, stream_set_find(week, STR("p (3)"), &index, &fixture.err));
	IS_INT(stream_set_get(week, index)->first_ns, minute(300));
	/* An earlier event, late: everybody's number moves on. */
	PUT(&fixture, { .at = 0, .data = CWD("/h/p") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "p", .at = 0);
	IS_PLACED(&fixture, "p (2)", .at = 130);
	IS_PLACED(&fixture, "p (4)", .at = 300);
	/* A bridge over the gap. */
	PUT(&fixture, { .at = 145, .data = CWD("/h/p") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "p (2)", .at = 160.001);
	IS_INT(fixture_stream(&fixture, "p (2)")->events, 4);
	fixture_close(&fixture);
}

static void sessions(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture,
		{ .type = "user_message", .at = 0, .data = SESSION("s", ",\"cwd\":\"/h/p\"") },
		{ .type = "agent_tool_use", .at = 1, .data = SESSION("s", ",\"cwd\":\"/h/q\"") },
		{ .type = "agent_tool_use", .at = 300, .data = SESSION("s", "") },
		{ .type = "agent_tool_use",
			.at = 5,
			.data = SESSION("s/agent-1", ",\"cwd\":\"/h/q\"") },
		{ .type = "agent_tool_use",
			.at = 6,
			.data = SESSION("x", ",\"cwd\":\"/h/q\",\"parent_session_id\":\"s\"") },
		{ .at = 310, .data = CWD("/h/p") }, { .at = 150, .data = CWD("/h/p") },
		{ .type = "agent_tool_use", .at = 7, .data = SESSION("homeless", "") });
	fixture_load(&fixture);
	IS_INT(stream_set_count(fixture.set), 2);
	IS_PLACED(&fixture, "p", .type = "user_message", .at = 0);
	IS_PLACED(&fixture, "p", .type = "agent_tool_use", .at = 1);
	IS_PLACED(&fixture, "p", .type = "agent_tool_use", .at = 5);
	IS_PLACED(&fixture, "p", .type = "agent_tool_use", .at = 6);
	/* One session, one stream, over any gap; and what is near it. */
	IS_PLACED(&fixture, "p", .type = "agent_tool_use", .at = 300);
	IS_PLACED(&fixture, "p", .at = 310);
	IS_PLACED(&fixture, "p (2)", .at = 150);
	IS_PLACED(&fixture, "-", .type = "agent_tool_use", .at = 7);
	/* Its home is learned later. */
	PUT(&fixture, { .type = "agent_tool_use",
			      .at = 8,
			      .data = SESSION("homeless", ",\"cwd\":\"/h/z\"") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "z", .type = "agent_tool_use", .at = 7);
	/* A parent that comes after its child takes the child along. */
	PUT(&fixture, { .type = "agent_tool_use",
			      .at = 20,
			      .data = SESSION("late/agent-2", ",\"cwd\":\"/h/q\"") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "q", .type = "agent_tool_use", .at = 20);
	PUT(&fixture,
		{ .type = "user_message", .at = 21, .data = SESSION("late", ",\"cwd\":\"/h/z\"") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "z", .type = "agent_tool_use", .at = 20);
	fixture_close(&fixture);
}

static void updates(void)
{
	struct fixture fixture = fixture_open();
	struct attention_params wide = ATTENTION_DEFAULTS;
	struct derived_mark mark;
	struct str id;
	char first[40];

	wide.gap_ns = 2 * NS_PER_HOUR;
	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 60, .data = CWD("/h/p") });
	fixture_load(&fixture);
	IS_INT(stream_set_count(fixture.set), 2);
	id = fixture_stream(&fixture, "p")->id;
	snprintf(first, sizeof(first), "%.*s", STR_ARG(id));
	/* Another gap. */
	OK_RC(&fixture, streams_update(fixture.store, &wide, false, &fixture.err));
	OK_RC(&fixture, streams_refresh(fixture.store, &fixture.err));
	OK_RC(&fixture, derived_mark_get(fixture.store, &mark, &fixture.err));
	IS_INT(mark.gap_ns, wide.gap_ns);
	stream_set_free(fixture.set);
	OK_RC(&fixture, stream_set_load(&fixture.set, fixture.store, &wide, 0, 0, &fixture.err));
	IS_INT(stream_set_count(fixture.set), 1);
	IS_STR(fixture_stream(&fixture, "p")->id, first);
	IS_INT(fixture_stream(&fixture, "p")->events, 2);
	/* A correction that changes nothing here is not counted again. */
	PUT(&fixture, { .at = 60, .data = CWD("/h/p/"), .revision = 1 });
	fixture_load(&fixture);
	IS_INT(fixture_stream(&fixture, "p (2)")->events, 1);
	/* One that does moves the event. */
	PUT(&fixture, { .at = 60, .data = CWD("/h/q"), .revision = 2 });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "q", .at = 60);
	IS_INT(stream_set_count(fixture.set), 2);
	wide.gap_ns = 0;
	IS_INT(streams_update(fixture.store, &wide, false, &fixture.err), ERR_USAGE);
	fixture_close(&fixture);
}

static void finding(void)
{
	struct fixture fixture = fixture_open();
	const struct stream *stream;
	int32_t index;

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 60, .data = CWD("/h/p") },
		{ .at = 0, .key = "%2", .data = PROJECT("p (2)", "/x") });
	fixture_load(&fixture);
	stream = fixture_stream(&fixture, "p");
	OK_RC(&fixture, stream_set_find(fixture.set, stream->id, &index, &fixture.err));
	OK(stream_set_get(fixture.set, index) == stream);
	OK_RC(&fixture, stream_set_find(fixture.set, str_sub(stream->id, 0, STREAM_SHORT_ID_BYTES),
				&index, &fixture.err));
	OK(stream_set_get(fixture.set, index) == stream);
	IS_INT(stream_set_find(fixture.set, str_sub(stream->id, 0, 3), &index, &fixture.err),
		ERR_NOT_FOUND);
	OK(strstr(fixture.err.message, "tt streams") != NULL);
	IS_INT(stream_set_find(fixture.set, STR("p (2)"), &index, &fixture.err), ERR_AMBIGUOUS);
	for (size_t i = 0; i < stream_set_count(fixture.set); i++) {
		char short_id[STREAM_SHORT_ID_BYTES + 1] = "";

		stream = stream_set_get(fixture.set, (int32_t)i);
		memcpy(short_id, stream->id.ptr, STREAM_SHORT_ID_BYTES);
		IS_INT(strstr(fixture.err.message, short_id) != NULL,
			str_eq_c(stream->name, "p (2)"));
	}
	fixture_close(&fixture);
}

static void rules(void)
{
	struct fixture fixture = fixture_open();
	const struct str tags[] = { STR_INIT("work"), STR_INIT("acme") };
	const struct stream *stream;
	int64_t rule;

	setenv("HOME", "/home/ana", 1);
	PUT(&fixture, { .at = 0, .data = CWD("/home/ana/work/p") },
		{ .at = 0, .key = "%2", .data = CWD("/home/ana/workspace") });
	OK_RC(&fixture,
		records_rule_add(fixture.store, STR("~/work/**"), tags, 2, &rule, &fixture.err));
	OK_RC(&fixture,
		records_rule_add(fixture.store, STR("/home/**"), tags, 1, &rule, &fixture.err));
	fixture_load(&fixture);
	stream = fixture_stream(&fixture, "p");
	if (OK(stream->tag_count == 2)) {
		IS_STR(stream->tags[0], "acme");
		IS_STR(stream->tags[1], "work");
	}
	IS_INT(fixture_stream(&fixture, "workspace")->tag_count, 1);
	IS_CSTR(stream->source, "inferred");
	fixture_close(&fixture);
}

static const struct tap_case cases[] = {
	TAP_CASE(partitions),
	TAP_CASE(gaps_and_names),
	TAP_CASE(sessions),
	TAP_CASE(updates),
	TAP_CASE(finding),
	TAP_CASE(rules),
};
TAP_MAIN(cases)
