/* The table of event types, the total order of events, and the facts that decide where time goes.
 */
#include "model/event.h"

#include "model/id.h"

/* Name and its length: a macro, since a function cannot initialise a static table. */
#define NAME(literal) literal, sizeof(literal) - 1

/*
 * Names and required keys as the predecessor's wire format has them, blur and the agents' types
 * added, and ActivityWatch's: its clients may leave any key out, so these require none. The rank
 * orders events of one instant: what ends attention or opens a session comes before what claims it.
 */
static const struct event_type types[] = {
	{ NAME("afk_change"), ROLE_AFK, 10, { "status" }, false,
		"the machine's user went idle or came back" },
	{ NAME("agent_session"), ROLE_SESSION, 20, { "session_id" }, false,
		"facts of an agent session" },
	{ NAME("tmux_pane_blur"), ROLE_BLUR, 30, { "pane_id" }, false,
		"a pane lost the focus, or its client went away" },
	{ NAME("tmux_pane_focus"), ROLE_FOCUS, 40, { "pane_id" }, false, "a pane got the focus" },
	{ NAME("tmux_scroll"), ROLE_SCROLL, 50, { "pane_id" }, false,
		"copy mode was entered or left" },
	{ NAME("window_focus"), ROLE_WINDOW, 60, { NULL }, false, "a window got the focus" },
	{ NAME("browser_tab"), ROLE_TAB, 70, { NULL }, false, "a browser tab came to the front" },
	{ NAME("user_message"), ROLE_PROMPT, 80, { "session_id" }, false,
		"a person's prompt to an agent" },
	{ NAME("agent_response"), ROLE_ACTIVITY, 90, { "session_id" }, false,
		"an agent's response, with its tokens" },
	{ NAME("agent_tool_use"), ROLE_ACTIVITY, 100, { "session_id" }, false,
		"an agent used a tool" },
	{ NAME("agent_tool_error"), ROLE_NONE, 110, { "session_id" }, false,
		"a tool told an agent that it failed" },
	{ NAME("agent_error"), ROLE_NONE, 120, { "session_id" }, false,
		"an agent's API answered with an error" },
	{ NAME("agent_usage"), ROLE_NONE, 130, { "session_id" }, false,
		"tokens that a log tells apart from responses" },
	{ NAME("agent_file_read"), ROLE_NONE, 140, { "session_id" }, false,
		"a file given to an agent without a tool call" },
	{ NAME("agent_file_edit"), ROLE_ACTIVITY, 150, { "session_id" }, false,
		"an agent edited a file without a tool call" },
	{ NAME("afkstatus"), ROLE_AFK, 15, { NULL }, true,
		"the machine's user was away, or there (ActivityWatch)" },
	{ NAME("currentwindow"), ROLE_WINDOW, 65, { NULL }, true,
		"a window had the focus (ActivityWatch)" },
	{ NAME("web.tab.current"), ROLE_TAB, 75, { NULL }, true,
		"a browser tab was in front (ActivityWatch)" },
	{ NAME("app.editor.activity"), ROLE_EDITOR, 77, { NULL }, true,
		"a file was worked on in an editor (ActivityWatch)" },
	{ NAME("os.hid.input"), ROLE_NONE, 160, { NULL }, true,
		"keys and clicks, counted (ActivityWatch)" },
	{ NAME("general.stopwatch"), ROLE_NONE, 170, { NULL }, true,
		"a stopwatch that a person started (ActivityWatch)" },
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

int64_t event_end_ns(const struct event *event)
{
	int64_t end_ns;

	if (event->duration_ns <= 0)
		return event->start_ns;
	if (__builtin_add_overflow(event->start_ns, event->duration_ns, &end_ns))
		return INT64_MAX;
	return end_ns;
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

enum fact_kind {
	FACT_TEXT,
	FACT_ALIAS,  /* a text that counts only where no other key says it */
	FACT_STATUS, /* one of several words for the same */
	FACT_MS,
	FACT_TIME,
};

/* Where each fact is kept. */
static const struct {
	struct str key;
	size_t offset;
	enum fact_kind kind;
} fact_keys[] = {
	{ STR_INIT("session_id"), offsetof(struct event_facts, session_id), FACT_TEXT },
	{ STR_INIT("parent_session_id"), offsetof(struct event_facts, parent_session_id),
		FACT_TEXT },
	{ STR_INIT("session_type"), offsetof(struct event_facts, session_type), FACT_TEXT },
	{ STR_INIT("cwd"), offsetof(struct event_facts, cwd), FACT_TEXT },
	{ STR_INIT("git_project"), offsetof(struct event_facts, project), FACT_TEXT },
	{ STR_INIT("project"), offsetof(struct event_facts, editor_project), FACT_TEXT },
	{ STR_INIT("agent"), offsetof(struct event_facts, agent), FACT_TEXT },
	{ STR_INIT("action"), offsetof(struct event_facts, action), FACT_TEXT },
	{ STR_INIT("status"), offsetof(struct event_facts, status), FACT_STATUS },
	{ STR_INIT("window_app_id"), offsetof(struct event_facts, app), FACT_TEXT },
	{ STR_INIT("app"), offsetof(struct event_facts, app), FACT_ALIAS },
	{ STR_INIT("window_title"), offsetof(struct event_facts, title), FACT_TEXT },
	{ STR_INIT("title"), offsetof(struct event_facts, title), FACT_ALIAS },
	{ STR_INIT("pane_id"), offsetof(struct event_facts, pane), FACT_TEXT },
	{ STR_INIT("idle_duration_ms"), offsetof(struct event_facts, idle_ms), FACT_MS },
	{ STR_INIT("ended_at"), offsetof(struct event_facts, ended_at_ns), FACT_TIME },
};

static struct str status_of(struct str word)
{
	if (str_eq_c(word, "afk"))
		return STR("idle");
	return str_eq_c(word, "not-afk") ? STR("active") : word;
}

static void put_fact(void *fact, enum fact_kind kind, const struct json *value)
{
	struct str *text = fact;
	int64_t *number = fact;
	struct err ignored;

	if (kind == FACT_MS)
		json_to_i64(value, number);
	if (!json_is(value, JSON_STRING))
		return;
	switch (kind) {
	case FACT_ALIAS:
		if (text->len > 0)
			return;
		*text = json_str(value);
		return;
	case FACT_TEXT:
		*text = json_str(value);
		return;
	case FACT_STATUS:
		*text = status_of(json_str(value));
		return;
	case FACT_TIME:
		if (time_parse(json_str(value), number, &ignored) < 0)
			*number = INT64_MIN;
		return;
	case FACT_MS:
		return;
	}
}

static void take_fact(struct event_facts *out, struct str key, const struct json *value)
{
	for (size_t i = 0; i < ARRAY_LEN(fact_keys); i++) {
		const struct str *known = &fact_keys[i].key;

		if (key.len == known->len && memcmp(key.ptr, known->ptr, key.len) == 0) {
			put_fact((char *)out + fact_keys[i].offset, fact_keys[i].kind, value);
			return;
		}
	}
}

/* PATH is not empty. */
static bool is_absolute(struct str path)
{
	return path.ptr[0] == '/' || (path.len > 2 && path.ptr[1] == ':' && path.ptr[2] == '\\');
}

/*
 * What an editor's watcher calls the project is the folder that is open, or its name; "unknown"
 * when there is none (aw-watcher-vscode). An agent's events have keys of their own for it.
 */
static void take_editor_project(struct event_facts *out)
{
	struct str project = out->editor_project;
	size_t end = project.len, at;

	if (project.len == 0 || str_eq_c(project, "unknown") || out->session_id.len > 0 ||
		out->project.len > 0)
		return;
	if (!is_absolute(project)) {
		out->project = project;
		return;
	}
	if (out->cwd.len == 0)
		out->cwd = project;
	while (end > 0 && (project.ptr[end - 1] == '/' || project.ptr[end - 1] == '\\'))
		end--;
	for (at = end; at > 0 && project.ptr[at - 1] != '/' && project.ptr[at - 1] != '\\';)
		at--;
	out->project = str_sub(project, at, end - at);
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
	take_editor_project(out);
}
