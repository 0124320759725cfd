/* The event types, the total order of events, and the facts that decide where time goes. */
#include "model/event.h"
#include "tap.h"

static void every_type_is_found_by_its_name(void)
{
	size_t count = 0;
	const struct event_type *types = event_types(&count);

	OK(count >= 12);
	for (size_t i = 0; i < count; i++) {
		OK(event_type_find(str_from(types[i].name)) == &types[i]);
		IS_INT(event_type_rank(str_from(types[i].name)), types[i].rank);
		OK(types[i].summary[0] != '\0');
	}
	OK(event_type_find(STR("tmux_pane_focusx")) == NULL);
	OK(event_type_find(STR("tmux_pane_focu")) == NULL);
	OK(event_type_find(STR("")) == NULL);
}

static void ranks_are_distinct_and_unknown_comes_last(void)
{
	size_t count = 0;
	const struct event_type *types = event_types(&count);
	int unknown = event_type_rank(STR("note_of_the_future"));

	for (size_t i = 0; i < count; i++) {
		OK(types[i].rank < unknown);
		for (size_t j = 0; j < i; j++)
			OK(types[i].rank != types[j].rank);
	}
}

static void roles_of_the_types_that_move_numbers(void)
{
	IS_INT(event_type_find(STR("tmux_pane_focus"))->role, ROLE_FOCUS);
	IS_INT(event_type_find(STR("tmux_scroll"))->role, ROLE_SCROLL);
	IS_INT(event_type_find(STR("user_message"))->role, ROLE_PROMPT);
	IS_INT(event_type_find(STR("agent_tool_use"))->role, ROLE_ACTIVITY);
	IS_INT(event_type_find(STR("agent_session"))->role, ROLE_SESSION);
	IS_INT(event_type_find(STR("afk_change"))->role, ROLE_AFK);
	IS_INT(event_type_find(STR("window_focus"))->role, ROLE_WINDOW);
	IS_INT(event_type_find(STR("browser_tab"))->role, ROLE_TAB);
	IS_INT(event_type_find(STR("afkstatus"))->role, ROLE_AFK);
	IS_INT(event_type_find(STR("currentwindow"))->role, ROLE_WINDOW);
	IS_INT(event_type_find(STR("web.tab.current"))->role, ROLE_TAB);
	IS_INT(event_type_find(STR("app.editor.activity"))->role, ROLE_EDITOR);
	IS_INT(event_type_find(STR("os.hid.input"))->role, ROLE_NONE);
	IS_INT(event_type_find(STR("general.stopwatch"))->role, ROLE_NONE);
}

/* ActivityWatch's types last, ours happen. */
static void types_that_last(void)
{
	static const char *const lasting[] = { "afkstatus", "currentwindow", "web.tab.current",
		"app.editor.activity", "os.hid.input", "general.stopwatch" };
	size_t count = 0, found = 0;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++)
		found += types[i].lasting;
	IS_INT(found, ARRAY_LEN(lasting));
	for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
		OK(event_type_find(str_from(lasting[i]))->lasting);
}

static void ends_follow_from_durations(void)
{
	struct event event = { .start_ns = 100 };

	IS_INT(event_end_ns(&event), 100);
	event.duration_ns = 5;
	IS_INT(event_end_ns(&event), 105);
	event.duration_ns = -5;
	IS_INT(event_end_ns(&event), 100);
	event.duration_ns = INT64_MIN;
	IS_INT(event_end_ns(&event), 100);
	event.duration_ns = INT64_MAX;
	OK(event_end_ns(&event) == INT64_MAX);
}

static const char *missing(const char *type, const char *payload, const char *nested)
{
	struct json_parser one = { 0 }, two = { 0 };
	const struct json *root = NULL, *inner = NULL;
	const char *key = "unparsed";
	struct err err;

	if (OK(json_parse(&one, str_from(payload), false, &root, &err) == 0) &&
		OK(!nested || json_parse(&two, str_from(nested), false, &inner, &err) == 0))
		key = event_missing_key(event_type_find(str_from(type)), root, inner);
	json_parser_release(&one);
	json_parser_release(&two);
	return key;
}

static void required_keys_need_a_text(void)
{
	OK(missing("tmux_scroll", "{\"pane_id\":\"%1\"}", NULL) == NULL);
	IS_CSTR(missing("tmux_scroll", "{}", NULL), "pane_id");
	IS_CSTR(missing("tmux_scroll", "{\"pane_id\":\"\"}", NULL), "pane_id");
	IS_CSTR(missing("tmux_scroll", "{\"pane_id\":7}", NULL), "pane_id");
	IS_CSTR(missing("tmux_scroll", "{\"pane_id\":null}", "{\"pane_id\":\"%1\"}"), "pane_id");
	OK(missing("tmux_scroll", "{}", "{\"pane_id\":\"%1\"}") == NULL);
	OK(missing("window_focus", "{}", NULL) == NULL);
	OK(missing("afkstatus", "{}", NULL) == NULL);
	OK(missing("currentwindow", "{}", NULL) == NULL);
	OK(missing("note_of_the_future", "{}", NULL) == NULL);
}

static void order_is_start_then_rank_then_id(void)
{
	struct event focus = { .id = STR("b"), .type = STR("tmux_pane_focus"), .start_ns = 10 };
	struct event idle = { .id = STR("c"), .type = STR("afk_change"), .start_ns = 10 };
	struct event other = { .id = STR("a"), .type = STR("zzz"), .start_ns = 10 };
	struct event early = { .id = STR("z"), .type = STR("zzz"), .start_ns = 9 };
	struct event twin = { .id = STR("bb"), .type = STR("tmux_pane_focus"), .start_ns = 10 };

	OK(event_cmp(&early, &idle) < 0);
	OK(event_cmp(&idle, &early) > 0);
	OK(event_cmp(&idle, &focus) < 0);
	OK(event_cmp(&focus, &other) < 0);
	OK(event_cmp(&focus, &twin) < 0);
	OK(event_cmp(&twin, &focus) > 0);
	IS_INT(event_cmp(&focus, &focus), 0);
}

static void facts_are_read_from_the_data(void)
{
	struct json_parser parser = { 0 };
	struct event_facts facts;

	event_facts(&parser,
		STR("{\"session_id\":\"s\",\"parent_session_id\":\"p\",\"session_type\":\"subagent\","
		    "\"cwd\":\"/h/p\",\"git_project\":\"acme\",\"agent\":\"claude-code\","
		    "\"action\":\"started\",\"status\":\"idle\",\"window_app_id\":\"kitty\","
		    "\"window_title\":\"vi\",\"idle_duration_ms\":1500,"
		    "\"ended_at\":\"1970-01-01T00:00:01Z\",\"more\":[1]}"),
		&facts);
	IS_STR(facts.session_id, "s");
	IS_STR(facts.parent_session_id, "p");
	IS_STR(facts.session_type, "subagent");
	IS_STR(facts.cwd, "/h/p");
	IS_STR(facts.project, "acme");
	IS_STR(facts.agent, "claude-code");
	IS_STR(facts.action, "started");
	IS_STR(facts.status, "idle");
	IS_STR(facts.app, "kitty");
	IS_STR(facts.title, "vi");
	IS_INT(facts.idle_ms, 1500);
	IS_INT(facts.ended_at_ns, NS_PER_S);
	json_parser_release(&parser);
}

static void facts_of_activitywatch(void)
{
	static const struct {
		const char *data;
		const char *app, *title, *status, *project, *cwd;
	} rows[] = {
		{ "{\"app\":\"kitty\",\"title\":\"vi\"}", "kitty", "vi", "", "", "" },
		{ "{\"app\":\"a\",\"window_app_id\":\"b\"}", "b", "", "", "", "" },
		{ "{\"window_app_id\":\"b\",\"app\":\"a\"}", "b", "", "", "", "" },
		{ "{\"status\":\"afk\"}", "", "", "idle", "", "" },
		{ "{\"status\":\"not-afk\"}", "", "", "active", "", "" },
		{ "{\"status\":\"hidden\"}", "", "", "hidden", "", "" },
		{ "{\"project\":\"/h/u/acme\",\"language\":\"c\"}", "", "", "", "acme",
			"/h/u/acme" },
		{ "{\"project\":\"/h/u/acme//\"}", "", "", "", "acme", "/h/u/acme//" },
		{ "{\"project\":\"C:\\\\w\\\\acme\"}", "", "", "", "acme", "C:\\w\\acme" },
		{ "{\"project\":\"acme\"}", "", "", "", "acme", "" },
		{ "{\"project\":\"org/acme\"}", "", "", "", "org/acme", "" },
		{ "{\"project\":\"/\"}", "", "", "", "", "/" },
		{ "{\"project\":\"unknown\"}", "", "", "", "", "" },
		{ "{\"project\":\"\"}", "", "", "", "", "" },
		{ "{\"project\":7}", "", "", "", "", "" },
		{ "{\"project\":\"/h/x\",\"git_project\":\"acme\"}", "", "", "", "acme", "" },
		{ "{\"project\":\"/h/x\",\"session_id\":\"s\"}", "", "", "", "", "" },
		{ "{\"project\":\"/h/x\",\"cwd\":\"/h/y\"}", "", "", "", "x", "/h/y" },
	};
	struct json_parser parser = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event_facts facts;

		event_facts(&parser, str_from(rows[i].data), &facts);
		IS_STR(facts.app, rows[i].app);
		IS_STR(facts.title, rows[i].title);
		IS_STR(facts.status, rows[i].status);
		IS_STR(facts.project, rows[i].project);
		IS_STR(facts.cwd, rows[i].cwd);
	}
	json_parser_release(&parser);
}

static void absent_facts_are_empty(void)
{
	static const char *const texts[] = { "{}", "[]", "7", "", "{",
		"{\"cwd\":7,\"session_id\":null}",
		"{\"ended_at\":\"soon\",\"idle_duration_ms\":\"x\"}" };
	struct json_parser parser = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct event_facts facts;

		memset(&facts, 0x5a, sizeof(facts));
		event_facts(&parser, str_from(texts[i]), &facts);
		IS_INT(facts.cwd.len, 0);
		IS_INT(facts.session_id.len, 0);
		IS_INT(facts.idle_ms, 0);
		OK(facts.ended_at_ns == INT64_MIN);
	}
	json_parser_release(&parser);
}

static const struct tap_case cases[] = {
	TAP_CASE(every_type_is_found_by_its_name),
	TAP_CASE(ranks_are_distinct_and_unknown_comes_last),
	TAP_CASE(roles_of_the_types_that_move_numbers),
	TAP_CASE(types_that_last),
	TAP_CASE(ends_follow_from_durations),
	TAP_CASE(required_keys_need_a_text),
	TAP_CASE(order_is_start_then_rank_then_id),
	TAP_CASE(facts_are_read_from_the_data),
	TAP_CASE(facts_of_activitywatch),
	TAP_CASE(absent_facts_are_empty),
};

TAP_MAIN(cases)
