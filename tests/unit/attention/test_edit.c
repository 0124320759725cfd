/* Edits: what people do to streams holds, whatever is recomputed afterwards. */
#include "attention/edit.h"

#include "fixture.h"

#define CWD(dir) "{\"pane_id\":\"%1\",\"cwd\":\"" dir "\"}"
#define SESSION(id, more) "{\"session_id\":\"" id "\"" more "}"
#define TOOL "agent_tool_use"

/* Three events of /h/p at 0, 10 and 20, one of /h/q at 5. */
static struct fixture small(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 10, .data = CWD("/h/p") },
		{ .at = 20, .data = CWD("/h/p") }, { .at = 5, .data = CWD("/h/q") });
	fixture_load(&fixture);
	return fixture;
}

/* Drop what is derived, and load. */
static void reload(struct fixture *fixture)
{
	OK_RC(fixture, streams_update(fixture->store, &fixture_params, true, &fixture->err));
	fixture_load(fixture);
}

static void create(void)
{
	struct fixture fixture = small();
	char id[37], long_name[300];

	OK_RC(&fixture, edit_create(fixture.store, STR("Deep work"), id, &fixture.err));
	reload(&fixture);
	IS_STR(fixture_stream(&fixture, "Deep work")->id, id);
	IS_CSTR(fixture_stream(&fixture, "Deep work")->source, "user");
	IS_INT(fixture_stream(&fixture, "Deep work")->events, 0);
	IS_INT(fixture_stream(&fixture, "Deep work")->first_ns, INT64_MIN);
	IS_INT(edit_create(fixture.store, STR(" "), id, &fixture.err), ERR_USAGE);
	IS_INT(edit_create(fixture.store, STR("a\nb"), id, &fixture.err), ERR_USAGE);
	memset(long_name, 'x', sizeof(long_name));
	IS_INT(edit_create(fixture.store, (struct str){ long_name, 257 }, id, &fixture.err),
		ERR_USAGE);
	OK_RC(&fixture,
		edit_create(fixture.store, (struct str){ long_name, 256 }, id, &fixture.err));
	fixture_close(&fixture);
}

static void rename_and_tag(void)
{
	struct fixture fixture = small();
	char id[40];
	bool changed;

	snprintf(id, sizeof(id), "%.*s", STR_ARG(fixture_stream(&fixture, "p")->id));
	OK_RC(&fixture, edit_tag(fixture.store, fixture_stream(&fixture, "p"), STR("project:x"),
				true, &changed, &fixture.err));
	OK(changed);
	OK_RC(&fixture, edit_tag(fixture.store, fixture_stream(&fixture, "p"), STR("project:x"),
				true, &changed, &fixture.err));
	OK(!changed);
	reload(&fixture);
	/* Tagged, it keeps the name it had. */
	IS_CSTR(fixture_stream(&fixture, "p")->source, "user");
	IS_STR(fixture_stream(&fixture, "p")->id, id);
	OK_RC(&fixture, edit_rename(fixture.store, fixture_stream(&fixture, "p"), STR("The thing"),
				&fixture.err));
	/* An earlier event comes, late: it is still the same stream. */
	PUT(&fixture, { .at = -20, .data = CWD("/h/p") });
	reload(&fixture);
	IS_STR(fixture_stream(&fixture, "The thing")->id, id);
	IS_INT(fixture_stream(&fixture, "The thing")->events, 4);
	if (OK(fixture_stream(&fixture, "The thing")->tag_count == 1))
		IS_STR(fixture_stream(&fixture, "The thing")->tags[0], "project:x");
	IS_STR(fixture_stream(&fixture, "The thing")->cwd, "/h/p");
	OK_RC(&fixture, edit_tag(fixture.store, fixture_stream(&fixture, "The thing"),
				STR("project:x"), false, &changed, &fixture.err));
	OK(changed);
	fixture_load(&fixture);
	IS_INT(fixture_stream(&fixture, "The thing")->tag_count, 0);
	/* Refused, and nothing is left of it. */
	IS_INT(edit_tag(fixture.store, fixture_stream(&fixture, "q"), STR("no good"), true,
		       &changed, &fixture.err),
		ERR_USAGE);
	IS_INT(edit_rename(fixture.store, fixture_stream(&fixture, "q"), STR(""), &fixture.err),
		ERR_USAGE);
	OK_RC(&fixture, edit_tag(fixture.store, fixture_stream(&fixture, "q"), STR("none"), false,
				&changed, &fixture.err));
	OK(!changed);
	fixture_load(&fixture);
	IS_CSTR(fixture_stream(&fixture, "q")->source, "inferred");
	fixture_close(&fixture);
}

static void merge(void)
{
	struct fixture fixture = small();
	bool changed;

	OK_RC(&fixture, edit_tag(fixture.store, fixture_stream(&fixture, "q"), STR("t"), true,
				&changed, &fixture.err));
	OK_RC(&fixture, edit_merge(fixture.store, fixture_stream(&fixture, "q"),
				fixture_stream(&fixture, "p"), &fixture.err));
	PUT(&fixture, { .at = 15, .data = CWD("/h/q") }, { .at = 500, .data = CWD("/h/r") });
	reload(&fixture);
	IS_PLACED(&fixture, "p", .at = 5);
	IS_PLACED(&fixture, "p", .at = 15);
	IS_INT(fixture_stream(&fixture, "p")->events, 5);
	IS_INT(fixture_stream(&fixture, "p")->tag_count, 1);
	IS_STR(fixture_stream(&fixture, "p")->cwd, "/h/p");
	IS_INT(stream_set_count(fixture.set), 2);
	/* A chain. */
	OK_RC(&fixture, edit_merge(fixture.store, fixture_stream(&fixture, "p"),
				fixture_stream(&fixture, "r"), &fixture.err));
	IS_INT(edit_merge(fixture.store, fixture_stream(&fixture, "r"),
		       fixture_stream(&fixture, "p"), &fixture.err),
		ERR_USAGE);
	IS_INT(edit_merge(fixture.store, fixture_stream(&fixture, "r"),
		       fixture_stream(&fixture, "r"), &fixture.err),
		ERR_USAGE);
	reload(&fixture);
	IS_PLACED(&fixture, "r", .at = 5);
	IS_INT(fixture_stream(&fixture, "r")->events, 6);
	IS_INT(fixture_stream(&fixture, "r")->first_ns, minute(0));
	IS_INT(fixture_stream(&fixture, "r")->last_ns, minute(500));
	IS_INT(stream_set_count(fixture.set), 1);
	fixture_close(&fixture);
}

static void split(void)
{
	struct fixture fixture = small();
	char id[37];

	PUT(&fixture, { .type = TOOL, .at = 8, .data = SESSION("old", ",\"cwd\":\"/h/p\"") },
		{ .type = TOOL, .at = 18, .data = SESSION("old", "") },
		{ .type = TOOL, .at = 12, .data = SESSION("new", ",\"cwd\":\"/h/p\"") });
	fixture_load(&fixture);
	IS_INT(edit_split(fixture.store, fixture_stream(&fixture, "p"), minute(0), STR("x"), id,
		       &fixture.err),
		ERR_USAGE);
	IS_INT(edit_split(fixture.store, fixture_stream(&fixture, "p"), minute(21), STR("x"), id,
		       &fixture.err),
		ERR_USAGE);
	OK_RC(&fixture, edit_split(fixture.store, fixture_stream(&fixture, "p"), minute(10),
				STR("second"), id, &fixture.err));
	PUT(&fixture, { .at = 25, .data = CWD("/h/p") }, { .at = 4, .data = CWD("/h/p") },
		{ .type = TOOL, .at = 26, .data = SESSION("new", "") },
		{ .type = TOOL, .at = 27, .data = SESSION("old", "") });
	reload(&fixture);
	IS_STR(fixture_stream(&fixture, "second")->id, id);
	IS_PLACED(&fixture, "p", .at = 0);
	IS_PLACED(&fixture, "p", .at = 4);
	IS_PLACED(&fixture, "second", .at = 10);
	IS_PLACED(&fixture, "second", .at = 20);
	IS_PLACED(&fixture, "second", .at = 25);
	IS_PLACED(&fixture, "p", .type = TOOL, .at = 8);
	IS_PLACED(&fixture, "second", .type = TOOL, .at = 18);
	IS_PLACED(&fixture, "second", .type = TOOL, .at = 12);
	IS_PLACED(&fixture, "second", .type = TOOL, .at = 26);
	/* A session follows its first event. */
	IS_PLACED(&fixture, "p", .type = TOOL, .at = 27);
	IS_INT(fixture_stream(&fixture, "p")->events, 4);
	IS_INT(fixture_stream(&fixture, "second")->events, 6);
	IS_INT(fixture_stream(&fixture, "second")->first_ns, minute(10));
	IS_INT(fixture_stream(&fixture, "second")->last_ns, minute(26));
	fixture_close(&fixture);
}

static void split_assigned(void)
{
	struct fixture fixture = small();
	const struct edit_selection all = { .from_ns = minute(0), .to_ns = minute(21) };
	char id[37];
	int64_t assigned;

	OK_RC(&fixture, edit_create(fixture.store, STR("mine"), id, &fixture.err));
	fixture_load(&fixture);
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "mine"), &all,
				&assigned, &fixture.err));
	IS_INT(assigned, 4);
	fixture_load(&fixture);
	/* All events of p and q are elsewhere now. */
	IS_INT(stream_set_count(fixture.set), 1);
	OK_RC(&fixture, edit_split(fixture.store, fixture_stream(&fixture, "mine"), minute(7),
				STR("later"), id, &fixture.err));
	reload(&fixture);
	IS_PLACED(&fixture, "mine", .at = 0);
	IS_PLACED(&fixture, "mine", .at = 5);
	IS_PLACED(&fixture, "later", .at = 10);
	IS_PLACED(&fixture, "later", .at = 20);
	IS_INT(fixture_stream(&fixture, "later")->events, 2);
	fixture_close(&fixture);
}

static void assign_events(void)
{
	struct fixture fixture = small();
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct str ids[2] = { { 0 }, STR_INIT("nobody") };
	struct edit_selection selection = { .event_ids = ids, .event_id_count = 2 };
	int64_t assigned;

	put_id(&id, &(struct put){ .at = 10 });
	ids[0] = buf_str(&id);
	IS_INT(edit_assign(fixture.store, fixture_stream(&fixture, "q"), &selection, &assigned,
		       &fixture.err),
		ERR_NOT_FOUND);
	fixture_load(&fixture);
	IS_PLACED(&fixture, "p", .at = 10);
	IS_CSTR(fixture_stream(&fixture, "q")->source, "inferred");
	selection.event_id_count = 1;
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "q"), &selection,
				&assigned, &fixture.err));
	IS_INT(assigned, 1);
	reload(&fixture);
	IS_PLACED(&fixture, "q", .at = 10);
	IS_PLACED(&fixture, "p", .at = 20);
	IS_INT(fixture_stream(&fixture, "p")->events, 2);
	IS_INT(fixture_stream(&fixture, "q")->events, 2);
	IS_INT(fixture_stream(&fixture, "q")->last_ns, minute(10));
	fixture_close(&fixture);
}

static void assign_sessions(void)
{
	struct fixture fixture = small();
	struct edit_selection selection = { .session_id = STR("s") };
	int64_t assigned;

	PUT(&fixture, { .type = TOOL, .at = 1, .data = SESSION("s", ",\"cwd\":\"/h/p\"") },
		{ .type = TOOL, .at = 2, .data = SESSION("s/agent-1", ",\"cwd\":\"/h/p\"") },
		{ .machine = M2, .type = TOOL, .at = 3, .data = SESSION("s", "") });
	fixture_load(&fixture);
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "q"), &selection,
				&assigned, &fixture.err));
	IS_INT(assigned, 3);
	PUT(&fixture, { .type = TOOL, .at = 90, .data = SESSION("s", "") },
		{ .type = TOOL, .at = 91, .data = SESSION("s/agent-2", "") });
	reload(&fixture);
	IS_PLACED(&fixture, "q", .type = TOOL, .at = 1);
	IS_PLACED(&fixture, "q", .type = TOOL, .at = 2);
	IS_PLACED(&fixture, "q", .machine = M2, .type = TOOL, .at = 3);
	IS_PLACED(&fixture, "q", .type = TOOL, .at = 90);
	IS_PLACED(&fixture, "q", .type = TOOL, .at = 91);
	IS_INT(fixture_stream(&fixture, "p")->events, 3);
	IS_INT(fixture_stream(&fixture, "q")->events, 6);
	selection.session_id = STR("unknown");
	IS_INT(edit_assign(fixture.store, fixture_stream(&fixture, "q"), &selection, &assigned,
		       &fixture.err),
		ERR_NOT_FOUND);
	fixture_close(&fixture);
}

static void assign_times(void)
{
	struct fixture fixture = small();
	struct edit_selection selection = { .from_ns = minute(5), .to_ns = minute(20) };
	char id[37];
	int64_t assigned;

	PUT(&fixture, { .type = "afk_change", .at = 6, .data = "{\"status\":\"idle\"}" },
		{ .type = "window_focus", .at = 7, .data = "{\"window_app_id\":\"x\"}" });
	OK_RC(&fixture, edit_create(fixture.store, STR("mine"), id, &fixture.err));
	fixture_load(&fixture);
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "mine"), &selection,
				&assigned, &fixture.err));
	IS_INT(assigned, 3);
	reload(&fixture);
	IS_PLACED(&fixture, "p", .at = 0);
	IS_PLACED(&fixture, "mine", .at = 5);
	IS_PLACED(&fixture, "mine", .at = 10);
	IS_PLACED(&fixture, "p", .at = 20);
	IS_PLACED(&fixture, "mine", .type = "window_focus", .at = 7);
	IS_PLACED(&fixture, "-", .type = "afk_change", .at = 6);
	IS_INT(fixture_stream(&fixture, "mine")->events, 3);
	/* Only a directory. */
	selection = (struct edit_selection){
		.from_ns = minute(0), .to_ns = minute(100), .cwd_glob = STR("/h/p")
	};
	OK_RC(&fixture, edit_assign(fixture.store, fixture_stream(&fixture, "mine"), &selection,
				&assigned, &fixture.err));
	IS_INT(assigned, 3);
	selection.to_ns = selection.from_ns;
	IS_INT(edit_assign(fixture.store, fixture_stream(&fixture, "mine"), &selection, &assigned,
		       &fixture.err),
		ERR_USAGE);
	selection = (struct edit_selection){
		.session_id = STR("s"), .from_ns = minute(0), .to_ns = minute(1)
	};
	IS_INT(edit_assign(fixture.store, fixture_stream(&fixture, "mine"), &selection, &assigned,
		       &fixture.err),
		ERR_USAGE);
	fixture_close(&fixture);
}

/* Two named streams grow together: each keeps what is behind its anchor. */
static void anchors_in_one(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 50, .data = CWD("/h/p") });
	fixture_load(&fixture);
	OK_RC(&fixture, edit_rename(fixture.store, fixture_stream(&fixture, "p"), STR("one"),
				&fixture.err));
	OK_RC(&fixture, edit_rename(fixture.store, fixture_stream(&fixture, "p (2)"), STR("two"),
				&fixture.err));
	PUT(&fixture, { .at = 25, .data = CWD("/h/p") }, { .at = 60, .data = CWD("/h/p") });
	reload(&fixture);
	IS_PLACED(&fixture, "one", .at = 0);
	IS_PLACED(&fixture, "one", .at = 25);
	IS_PLACED(&fixture, "two", .at = 50);
	IS_PLACED(&fixture, "two", .at = 60);
	IS_INT(fixture_stream(&fixture, "one")->events, 2);
	IS_INT(fixture_stream(&fixture, "two")->events, 2);
	IS_INT(fixture_stream(&fixture, "two")->first_ns, minute(50));
	fixture_close(&fixture);
}

static const struct tap_case cases[] = {
	TAP_CASE(create),
	TAP_CASE(rename_and_tag),
	TAP_CASE(merge),
	TAP_CASE(split),
	TAP_CASE(split_assigned),
	TAP_CASE(assign_events),
	TAP_CASE(assign_sessions),
	TAP_CASE(assign_times),
	TAP_CASE(anchors_in_one),
};
TAP_MAIN(cases)
