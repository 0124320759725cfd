/* An event: something observed. Facts do not change, save by a higher revision of the same id. */
#ifndef TT_MODEL_EVENT_H
#define TT_MODEL_EVENT_H

#include "base/json.h"
#include "base/time.h"

struct event {
	struct str id; /* never empty once taken in */
	struct str source;
	struct str type;
	int64_t start_ns;
	int64_t duration_ns; /* negative (clients of ActivityWatch may say so): no extent */
	int64_t revision;    /* >= 0; the higher one of two with the same id holds */
	bool deleted;        /* a tombstone: id, source, type, start and revision only */
	struct str data;     /* a JSON object, minified UTF-8; numbers as they were written */
};

/* What an event means for attention. */
enum event_role {
	ROLE_NONE,  /* kept, shown, exported; moves no number */
	ROLE_FOCUS, /* the person looks at a pane */
	ROLE_BLUR,  /* the person looks away: focus lost, client detached */
	ROLE_SCROLL,
	ROLE_PROMPT,   /* a person's words to an agent */
	ROLE_ACTIVITY, /* an agent at work: tool use, response */
	ROLE_SESSION,  /* facts of an agent session */
	ROLE_AFK,
	ROLE_WINDOW,
	ROLE_TAB,
	ROLE_EDITOR, /* the person works on a project in an editor */
};

struct event_type {
	const char *name; /* on the wire: "tmux_pane_focus" */
	size_t name_bytes;
	enum event_role role;
	int rank;                /* order among events of the same instant: lower first */
	const char *required[3]; /* texts without which it has no meaning; NULL-terminated */
	bool lasting;            /* says what was so from its start to its end, not what happened */
	const char *summary;     /* one line for people */
};

/* The row of a type, or NULL for one this program does not know (which is kept all the same). */
const struct event_type *event_type_find(struct str name);
/* All rows, for documentation and help. */
const struct event_type *event_types(size_t *count);
/* Rank of any type; unknown ones come last. */
int event_type_rank(struct str name);

/*
 * The first key that TYPE (NULL: unknown, requires nothing) requires and for which neither PAYLOAD
 * nor, when it is absent there, NESTED (may be NULL) has a text; NULL when all are there.
 */
const char *event_missing_key(
	const struct event_type *type, const struct json *payload, const struct json *nested);

/* Where EVENT ends: its start, unless its duration is positive; stays within int64_t. */
int64_t event_end_ns(const struct event *event);

/* The total order of events: start, type rank, id. */
int event_cmp(const struct event *a, const struct event *b);

/* The keys that decide where an event's time goes. Views into DATA's parse (see event_facts). Empty
 * when absent. */
struct event_facts {
	struct str session_id;
	struct str parent_session_id;
	struct str session_type; /* "user", "subagent", "agent" */
	struct str cwd;          /* else the directory that an editor has open as its project */
	struct str project; /* git_project, else an editor's project: its name or last component */
	struct str editor_project; /* "project" as it stands; `project` and `cwd` follow from it */
	struct str agent;
	struct str action;   /* agent_session: "started" or "ended"; absent on session facts */
	struct str status;   /* "idle" or "active": afk_change, and afkstatus ("afk", "not-afk") */
	struct str app;      /* window_app_id of window_focus, app of currentwindow */
	struct str title;    /* window_title of window_focus, title of currentwindow */
	struct str pane;     /* pane_id of the tmux types */
	int64_t idle_ms;     /* afk_change: idle_duration_ms, else 0 */
	int64_t ended_at_ns; /* agent_session: ended_at, else INT64_MIN */
};
/* Read the facts of DATA with PARSER; views live until the parser's next use. Data that is no
 * object has none. */
void event_facts(struct json_parser *parser, struct str data, struct event_facts *out);

#endif
