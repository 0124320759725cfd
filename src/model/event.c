/* The table of event types, the total order of events, and the facts that decide where time goes.
 */
#include "model/event.h"

#include "model/id.h"

/* Name and its length: a macro, since a function cannot initialise a static table. */
#define NAME(literal) literal, sizeof(literal) - 1

/*
 * Names and required keys as the predecessor's wire format has them, blur and the agents' types
 * added. The rank orders events of one instant: what ends attention or opens a session comes before
 * what claims it.
 */
static const struct event_type types[] = {
	{ NAME("afk_change"), ROLE_AFK, 10, { "status" },
		"the machine's user went idle or came back" },
	{ NAME("agent_session"), ROLE_SESSION, 20, { "session_id" }, "facts of an agent session" },
	{ NAME("tmux_pane_blur"), ROLE_BLUR, 30, { "pane_id" },
		"a pane lost the focus, or its client went away" },
	{ NAME("tmux_pane_focus"), ROLE_FOCUS, 40, { "pane_id" }, "a pane got the focus" },
	{ NAME("tmux_scroll"), ROLE_SCROLL, 50, { "pane_id" }, "copy mode was entered or left" },
	{ NAME("window_focus"), ROLE_WINDOW, 60, { NULL }, "a window got the focus" },
	{ NAME("browser_tab"), ROLE_TAB, 70, { NULL }, "a browser tab came to the front" },
	{ NAME("user_message"), ROLE_PROMPT, 80, { "session_id" },
		"a person's prompt to an agent" },
	{ NAME("agent_response"), ROLE_ACTIVITY, 90, { "session_id" },
		"an agent's response, with its tokens" },
	{ NAME("agent_tool_use"), ROLE_ACTIVITY, 100, { "session_id" }, "an agent used a tool" },
	{ NAME("agent_tool_error"), ROLE_NONE, 110, { "session_id" },
		"a tool told an agent that it failed" },
	{ NAME("agent_error"), ROLE_NONE, 120, { "session_id" },
		"an agent's API answered with an error" },
	{ NAME("agent_usage"), ROLE_NONE, 130, { "session_id" },
		"tokens that a log tells apart from responses" },
	{ NAME("agent_file_read"), ROLE_NONE, 140, { "session_id" },
		"a file given to an agent without a tool call" },
	{ NAME("agent_file_edit"), ROLE_ACTIVITY, 150, { "session_id" },
		"an agent edited a file without a tool call" },
};

enum { RANK_UNKNOWN = 1000 };

const struct event_type *event_type_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (name.len == types[i].name_bytes &&
			memcmp(name.ptr, types[i].name, name.len) == 0)
			return &types[i];
	return NULL;
}

const struct event_type *event_types(size_t *count)
{
	*count = ARRAY_LEN(types);
	return types;
}

int event_type_rank(struct str name)
{
	const struct event_type *type = event_type_find(name);

	return type ? type->rank : RANK_UNKNOWN;
}

const char *event_missing_key(
	const struct event_type *type, const struct json *payload, const struct json *nested)
{
	for (size_t i = 0; type && i < ARRAY_LEN(type->required) && type->required[i]; i++) {
		const struct json *value = json_get(payload, type->required[i]);

		if (!value)
			value = json_get(nested, type->required[i]);
		if (json_str(value).len == 0)
			return type->required[i];
	}
	return NULL;
}

int event_cmp(const struct event *a, const struct event *b)
{
	int rank_a, rank_b;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	rank_a = event_type_rank(a->type);
	rank_b = event_type_rank(b->type);
	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	return str_cmp(a->id, b->id);
}

/* Where each string fact is kept. */
static const struct {
	struct str key;
	size_t offset;
} fact_keys[] = {
	{ STR_INIT("session_id"), offsetof(struct event_facts, session_id) },
	{ STR_INIT("parent_session_id"), offsetof(struct event_facts, parent_session_id) },
	{ STR_INIT("session_type"), offsetof(struct event_facts, session_type) },
	{ STR_INIT("cwd"), offsetof(struct event_facts, cwd) },
	{ STR_INIT("git_project"), offsetof(struct event_facts, project) },
	{ STR_INIT("agent"), offsetof(struct event_facts, agent) },
	{ STR_INIT("action"), offsetof(struct event_facts, action) },
	{ STR_INIT("status"), offsetof(struct event_facts, status) },
	{ STR_INIT("window_app_id"), offsetof(struct event_facts, app) },
	{ STR_INIT("window_title"), offsetof(struct event_facts, title) },
	{ STR_INIT("pane_id"), offsetof(struct event_facts, pane) },
};

static void take_fact(struct event_facts *out, struct str key, const struct json *value)
{
	struct str text = json_str(value);
	struct err ignored;

	if (str_eq(key, STR("idle_duration_ms")))
		json_to_i64(value, &out->idle_ms);
	if (!json_is(value, JSON_STRING))
		return;
	if (str_eq(key, STR("ended_at")) && time_parse(text, &out->ended_at_ns, &ignored) < 0)
		out->ended_at_ns = INT64_MIN;
	for (size_t i = 0; i < ARRAY_LEN(fact_keys); i++) {
		if (str_eq(key, fact_keys[i].key)) {
			memcpy((char *)out + fact_keys[i].offset, &text, sizeof(text));
			return;
		}
	}
}

void event_facts(struct json_parser *parser, struct str data, struct event_facts *out)
{
	const struct json *root, *value;
	struct json_iter iter;
	struct str key;
	struct err ignored;

	*out = (struct event_facts){ .ended_at_ns = INT64_MIN };
	if (json_parse(parser, data, true, &root, &ignored) < 0 || !json_is(root, JSON_OBJECT))
		return;
	iter = json_iter(root);
	while (json_next(&iter, &key, &value))
		take_fact(out, key, value);
}
