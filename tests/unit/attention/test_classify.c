/* Classifications: who beats whom, what is counted, and that a bad file changes nothing. */
#include "attention/classify_plan.h"
#include "attention/edit.h"
#include "fixture.h"

#define CWD(dir) "{\"pane_id\":\"%1\",\"cwd\":\"" dir "\"}"
#define SESSION(id, more) "{\"session_id\":\"" id "\"" more "}"
#define TOOL "agent_tool_use"

static struct fixture small(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 10, .data = CWD("/h/p/sub") },
		{ .at = 20, .data = CWD("/h/q_1") }, { .at = 30, .data = "{\"pane_id\":\"%1\"}" },
		{ .type = "tmux_scroll", .at = 31, .data = "{\"pane_id\":\"%1\"}" },
		{ .type = TOOL, .at = 1, .data = SESSION("s", ",\"cwd\":\"/h/p\"") },
		{ .type = TOOL, .at = 2, .data = SESSION("s", "") },
		{ .type = TOOL, .at = 3, .data = SESSION("s/agent-1", "") });
	fixture_load(&fixture);
	return fixture;
}

static struct classify_result apply(struct fixture *fixture, const char *json)
{
	struct classify_result result;

	OK_RC(fixture, classify_apply(fixture->store, str_from(json), &result, &fixture->err));
	fixture_load(fixture);
	return result;
}

static void sections(void)
{
	struct fixture fixture = small();
	struct classify_result result = apply(&fixture,
		"{\"streams\":[{\"name\":\"A\",\"tags\":[\"x\",\"y\"]},{\"name\":\"empty\"}],"
		"\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"B\"}],"
		"\"assign_by_pattern\":[{\"cwd_like\":\"/h/p\",\"stream\":\"A\"}],"
		"\"assign_by_event_ids\":[{\"event_ids\":[\"" M1
		":test:tmux_pane_focus:2026-02-03T09:20:00.000Z:%1\"],\"stream\":\"C\"}],"
		"\"assign_by_time\":[{\"start\":\"2026-02-03T09:00:00Z\","
		"\"end\":\"2026-02-03T10:31:00+01:00\",\"stream\":\"D\"}]}");

	IS_INT(result.streams_created, 5);
	IS_INT(result.assigned, 7);
	IS_INT(result.skipped_user, 0);
	IS_PLACED(&fixture, "A", .at = 0);
	IS_PLACED(&fixture, "A", .at = 10);
	IS_PLACED(&fixture, "C", .at = 20);
	IS_PLACED(&fixture, "D", .at = 30);
	IS_PLACED(&fixture, "-", .type = "tmux_scroll", .at = 31);
	IS_PLACED(&fixture, "B", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "B", .type = TOOL, .at = 2);
	IS_PLACED(&fixture, "B", .type = TOOL, .at = 3);
	IS_INT(fixture_stream(&fixture, "A")->tag_count, 2);
	IS_INT(fixture_stream(&fixture, "A")->events, 2);
	IS_INT(fixture_stream(&fixture, "B")->events, 3);
	IS_INT(fixture_stream(&fixture, "empty")->events, 0);
	/* What inference had is gone. */
	IS_INT(stream_set_count(fixture.set), 5);
	fixture_close(&fixture);
}

static void again(void)
{
	struct fixture fixture = small();
	struct classify_result result;
	const char *file = "{\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"A\"}],"
			   "\"assign_by_pattern\":[{\"cwd_like\":\"/h/%\",\"stream\":\"B\"}]}";

	result = apply(&fixture, file);
	IS_INT(result.streams_created, 2);
	IS_INT(result.assigned, 6);
	result = apply(&fixture, file);
	IS_INT(result.streams_created, 0);
	IS_INT(result.assigned, 0);
	/* A session that was assigned before stays whole; other events follow the newest word. */
	result = apply(&fixture, "{\"assign_by_pattern\":["
				 "{\"cwd_like\":\"/h/q_\",\"stream\":\"D\"},"
				 "{\"cwd_like\":\"/h/p\",\"stream\":\"C\"}]}");
	IS_INT(result.assigned, 3);
	IS_PLACED(&fixture, "A", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "C", .at = 0);
	IS_PLACED(&fixture, "D", .at = 20);
	/* The session again, to another stream: its events and its sub-agents go along. */
	result = apply(
		&fixture, "{\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"C\"}]}");
	IS_INT(result.assigned, 3);
	PUT(&fixture, { .type = TOOL, .at = 100, .data = SESSION("s", "") });
	fixture_load(&fixture);
	IS_PLACED(&fixture, "C", .type = TOOL, .at = 3);
	IS_PLACED(&fixture, "C", .type = TOOL, .at = 100);
	fixture_close(&fixture);
}

static void session_beats_older_pattern(void)
{
	struct fixture fixture = small();

	apply(&fixture, "{\"assign_by_pattern\":[{\"cwd_like\":\"/h/p\",\"stream\":\"A\"}]}");
	/* The session's home stands in where an event has no directory: it stays whole. */
	IS_PLACED(&fixture, "A", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "A", .type = TOOL, .at = 2);
	apply(&fixture, "{\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"B\"}]}");
	IS_PLACED(&fixture, "B", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "B", .type = TOOL, .at = 2);
	IS_PLACED(&fixture, "A", .at = 0);
	fixture_close(&fixture);
}

static void person_first(void)
{
	struct fixture fixture = small();
	CLEANUP(buf_release) struct buf event = BUF_INIT;
	struct classify_result result;
	struct edit_selection selection = { .session_id = STR("s") };
	struct str id;
	int64_t assigned;

	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "q_1"), &selection,
				&assigned, &fixture.err));
	put_id(&event, &(struct put){ .at = 10 });
	id = buf_str(&event);
	selection = (struct edit_selection){ .event_ids = &id, .event_id_count = 1 };
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "q_1"), &selection,
				&assigned, &fixture.err));
	result = apply(&fixture,
		"{\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"A\"}],"
		"\"assign_by_pattern\":[{\"cwd_like\":\"/h/p\",\"stream\":\"A\"}]}");
	IS_INT(result.skipped_user, 4);
	IS_INT(result.assigned, 1);
	IS_PLACED(&fixture, "A", .at = 0);
	IS_PLACED(&fixture, "q_1", .at = 10);
	IS_PLACED(&fixture, "q_1", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "q_1", .type = TOOL, .at = 3);
	OK_RC(&fixture, streams_update(fixture.store, &fixture_params, true, &fixture.err));
	fixture_load(&fixture);
	IS_PLACED(&fixture, "q_1", .at = 10);
	IS_PLACED(&fixture, "A", .at = 0);
	fixture_close(&fixture);
}

static void times(void)
{
	struct fixture fixture = small();
	struct classify_result result;

	/* An empty and an inverted range take nothing; agents' events are never taken. */
	result = apply(&fixture,
		"{\"assign_by_time\":["
		"{\"start\":\"2026-02-03T09:30:00Z\",\"end\":\"2026-02-03T09:30:00Z\",\"stream\":\"A\"},"
		"{\"start\":\"2026-02-03T10:30:00Z\",\"end\":\"2026-02-03T09:00:00Z\",\"stream\":\"A\"},"
		"{\"start\":\"2026-02-03T09:00:00Z\",\"end\":\"2026-02-03T09:31:00Z\",\"stream\":\"p\"}]}");
	IS_INT(result.assigned, 4);
	IS_INT(result.streams_created, 1);
	IS_PLACED(&fixture, "p", .at = 30);
	IS_PLACED(&fixture, "p", .at = 20);
	IS_PLACED(&fixture, "-", .type = "tmux_scroll", .at = 31);
	IS_PLACED(&fixture, "p", .type = TOOL, .at = 1);
	IS_CSTR(fixture_stream(&fixture, "p")->source, "user");
	result = apply(&fixture, "{\"assign_by_time\":[{\"start\":\"2026-02-03T09:00:00Z\","
				 "\"end\":\"2026-02-03T10:00:00Z\",\"stream\":\"late\"}]}");
	IS_INT(result.assigned, 1);
	IS_PLACED(&fixture, "late", .type = "tmux_scroll", .at = 31);
	IS_PLACED(&fixture, "p", .at = 30);
	fixture_close(&fixture);
}

static void refused(void)
{
	static const struct {
		const char *json;
		int code;
		const char *names;
	} bad[] = {
		{ "{", ERR_PARSE, "classification" },
		{ "[]", ERR_PARSE, "not an object" },
		{ "{\"stream\":[]}", ERR_PARSE, "'stream'" },
		{ "{\"streams\":{}}", ERR_PARSE, "streams: not a list" },
		{ "{\"streams\":[{\"name\":\"N\"},{\"tags\":[]}]}", ERR_PARSE,
			"streams[1].name: missing" },
		{ "{\"streams\":[{\"name\":\"N\",\"tag\":\"x\"}]}", ERR_PARSE,
			"streams[0].tag: unknown" },
		{ "{\"streams\":[{\"name\":\"N\",\"tags\":[\"a b\"]}]}", ERR_USAGE,
			"streams[0].tags" },
		{ "{\"streams\":[{\"name\":\"N\",\"tags\":[1]}]}", ERR_PARSE, "streams[0].tags" },
		{ "{\"streams\":[{\"name\":\"N\\n\"}]}", ERR_USAGE, "streams[0].name" },
		{ "{\"streams\":[7]}", ERR_PARSE, "streams[0]: not an object" },
		{ "{\"streams\":[{\"name\":\"N\"}],\"assign_by_time\":[{\"start\":\"yesterday\","
		  "\"end\":\"2026-02-03T10:00:00Z\",\"stream\":\"N\"}]}",
			ERR_PARSE, "assign_by_time[0].start" },
		{ "{\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"N\"},"
		  "{\"session_id\":\"none\",\"stream\":\"N\"}]}",
			ERR_NOT_FOUND, "assign_by_session[1]" },
		{ "{\"assign_by_pattern\":[{\"cwd_like\":\"/h\",\"stream\":\"N\"}],"
		  "\"assign_by_event_ids\":[{\"event_ids\":[\"none\"],\"stream\":\"N\"}]}",
			ERR_NOT_FOUND, "assign_by_event_ids[0].event_ids[0]" },
		{ "{\"assign_by_pattern\":[{\"cwd_like\":\"\",\"stream\":\"N\"}]}", ERR_PARSE,
			"assign_by_pattern[0].cwd_like" },
	};
	struct fixture fixture = small();
	struct classify_result result;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int rc =
			classify_apply(fixture.store, str_from(bad[i].json), &result, &fixture.err);

		tap_check(rc == bad[i].code && strstr(fixture.err.message, bad[i].names) != NULL,
			__FILE__, __LINE__, "%s: %d %s", bad[i].json, rc, fixture.err.message);
		IS_INT(result.streams_created, 0);
	}
	fixture_load(&fixture);
	for (size_t i = 0; i < stream_set_count(fixture.set); i++)
		IS_CSTR(stream_set_get(fixture.set, (int32_t)i)->source, "inferred");
	IS_PLACED(&fixture, "p", .at = 0);
	result = apply(&fixture, "{}");
	IS_INT(result.assigned, 0);
	fixture_close(&fixture);
}

static void ambiguous(void)
{
	struct fixture fixture = small();
	struct classify_result result;
	char id[37];

	OK_RC(&fixture, edit_create(fixture.store, STR("twin"), id, &fixture.err));
	OK_RC(&fixture, edit_create(fixture.store, STR("twin"), id, &fixture.err));
	IS_INT(classify_apply(fixture.store,
		       STR("{\"assign_by_pattern\":[{\"cwd_like\":\"/h\",\"stream\":\"twin\"}]}"),
		       &result, &fixture.err),
		ERR_AMBIGUOUS);
	/* Three letters of an id are a name of its own. */
	result = apply(&fixture, "{\"streams\":[{\"name\":\"abc\"}]}");
	IS_INT(result.streams_created, 1);
	fixture_close(&fixture);
}

static void patterns(void)
{
	static const struct {
		const char *pattern;
		const char *cwd;
		bool fits;
	} rows[] = {
		{ "/h/p", "/h/p", true },
		{ "/h/p", "/h/p/x", true },
		{ "/h/p", "/h/prefix", true },
		{ "/h/p", "/g/h/p", false },
		{ "/h/p/", "/h/p", true },
		{ "/h/p/", "/h/p/x", true },
		{ "/h/p/", "/h/prefix", false },
		{ "/h/_", "/h/p", false },
		{ "/h/_", "/h/_x", true },
		{ "%/p", "/h/p", true },
		{ "%/p", "/h/p/x", false },
		{ "/h/%", "/h/p", true },
		{ "/h/%/x", "/h/a/b/x", true },
		{ "/h/%/x", "/h/x", false },
		{ "%a%b%", "/xa/xb/", true },
		{ "%a%b%", "/xb/xa/", false },
		{ "%ab%ab", "/ab", false },
		{ "%", "/", true },
		{ "/h[a]*", "/ha", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tap_check(
			plan_like(str_from(rows[i].pattern), str_from(rows[i].cwd)) == rows[i].fits,
			__FILE__, __LINE__, "'%s' and '%s'", rows[i].pattern, rows[i].cwd);
}

static const struct tap_case cases[] = {
	TAP_CASE(sections),
	TAP_CASE(again),
	TAP_CASE(session_beats_older_pattern),
	TAP_CASE(person_first),
	TAP_CASE(times),
	TAP_CASE(refused),
	TAP_CASE(ambiguous),
	TAP_CASE(patterns),
};
TAP_MAIN(cases)
