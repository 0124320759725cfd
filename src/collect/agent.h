/*
 * What the logs of all agents have in common. A source parses a session's log into a struct
 * agent_session: facts, and a list of items in the order of the log. agent_round_put makes events
 * of them (docs/events.md), each once: a ledger per session, kept in memos, remembers what was
 * given.
 *
 *  - The same item (kind and key) again is nothing new; with another content it is a correction:
 * the same event id with the next revision.
 *  - AGENT_WHOLE: the items are all there are. What was given before and is not among them any more
 *    is kept and marked withdrawn (the user rewound, deleted, restored). AGENT_APPEND: the items
 * are added to what was given; what is not mentioned stays.
 *  - Several stores may hold one session (a mutation log and a transcript). The source reads the
 * best one and gives its STRENGTH; a reading of a weaker store than was given before is ignored, a
 *    reading of a stronger one replaces the items of the weaker (their events are deleted).
 *  - A session whose workspace is excluded, and items whose own directory is, leave no trace. What
 *    was given before the workspace was known is deleted.
 *
 * Counts of a session are sums over its ledger, so the order of reading does not matter.
 */
#ifndef TT_COLLECT_AGENT_H
#define TT_COLLECT_AGENT_H

#include "collect/source.h"

enum agent_kind {
	AGENT_PROMPT,     /* user_message: a person typed it */
	AGENT_RESPONSE,   /* agent_response: one answer of a model */
	AGENT_TOOL_USE,   /* agent_tool_use */
	AGENT_TOOL_ERROR, /* agent_tool_error: the result of a call says that it failed */
	AGENT_ERROR,      /* agent_error: the model's API failed, or the turn did */
	AGENT_USAGE,      /* agent_usage: tokens that the log tells apart from responses */
	AGENT_FILE_READ,  /* agent_file_read: without a tool call (context attached to a prompt) */
	AGENT_FILE_EDIT,  /* agent_file_edit: without a tool call */
	AGENT_KINDS
};

enum agent_token {
	AGENT_INPUT, /* the agent's own number: see docs/events.md for what it includes */
	AGENT_OUTPUT,
	AGENT_CACHE_READ,
	AGENT_CACHE_WRITE,
	AGENT_REASONING,
	AGENT_TOKENS
};

enum { AGENT_NO_TIME = INT64_MIN };

/* Set up by agent_item(): tokens -1 (unknown), everything else empty. Views live until the put. */
struct agent_item {
	enum agent_kind kind;
	/* The same on every reading, and unique among items of its kind and instant over all
	 * sessions of the source: a natural id, or, where the log has none, "{session}:{ordinal or
	 * hash}". It becomes the discriminator of the event's id. Any bytes; long ones are hashed.
	 */
	struct str key;
	/* INT64_MIN: not in the log. Then the nearest item before it that has one gives it, else
	 * the nearest after it, else the session's fallback; the event says estimated_time. Once
	 * given, an estimated time stays. */
	int64_t at_ns;
	int64_t duration_ns; /* 0: unknown */
	bool estimated; /* at_ns itself is an estimate (a file's mtime, a local time of a session)
			 */
	struct str cwd; /* empty: the session's */
	struct str model;
	struct str mode; /* "agent", "ask", "edit", "plan", …: the agent's own word */
	struct str turn; /* what items of one turn share: request or turn id */
	int64_t tokens[AGENT_TOKENS];
	struct str tool;  /* AGENT_TOOL_USE: its name; its class follows from it */
	struct str call;  /* AGENT_TOOL_ERROR: key of the call */
	struct str file;  /* absolute, or relative to cwd as the log has it */
	struct str error; /* AGENT_ERROR: a short code or class, never free text */
	int64_t edits;    /* AGENT_FILE_EDIT: how many; 0: unknown */
	struct str text;  /* stored only as far as the configuration says */
	int64_t length;   /* bytes of the human text; -1: that of `text` */
	bool approximate; /* the log rounds its numbers */
	bool has_image;
	bool queued;    /* typed while the agent worked */
	bool command;   /* a prompt that is a command to the program: counted apart from prompts */
	bool cancelled; /* the person stopped the turn */
	bool withdrawn; /* rewound, edited away: kept, not counted */
};

/* A line or document of the session that nobody can read. */
struct agent_bad {
	struct str path;
	int64_t offset;
	const char *reason; /* stable word: not_json, bad_timestamp, … */
	struct str detail;
	struct str bytes;
	int64_t bytes_total; /* `bytes` may be only the first of them */
};

/* Set up by agent_session(). */
struct agent_session {
	struct arena *arena; /* of its lists */
	struct str
		id; /* never empty; a sub-agent without an id of its own: "{parent}/agent-{id}" */
	struct str parent; /* empty: a person's own session */
	struct str agent;  /* "codex", "cursor", "copilot-vscode", "roo-code", … */
	struct str version;
	struct str cwd; /* its workspace; empty: unknown; remote ones "ssh-remote+host:/path" */
	struct str branch;
	struct str title; /* text */
	struct str path;  /* of its (first) file or database */
	bool automatic;   /* no person behind it (title generation, compaction): type "agent" */
	int strength;     /* 0 unless several stores may hold the session */
	int64_t started_ns, ended_ns; /* as the log itself says; INT64_MIN: by its items */
	int64_t fallback_ns; /* for items without any time; INT64_MIN: such items are bad */
	int64_t unknown; /* records of a type nobody documented. AGENT_APPEND: of this reading */
	bool from_start; /* AGENT_APPEND: this reading began where the log begins */
	bool even_empty; /* a session of its own also without items: started_ns says when it was */
	int64_t malformed; /* set by agent_session_bad */
	struct agent_item *items;
	size_t count, capacity;
	struct agent_bad *bad;
	size_t bad_count, bad_capacity;
};

struct agent_session agent_session(struct arena *arena, const char *agent);
/* A fresh item at the end of the list, to be filled in; valid until the next one is added. */
struct agent_item *agent_item(
	struct agent_session *session, enum agent_kind kind, struct str key, int64_t at_ns);
/* The item of KIND with KEY, or NULL; for corrections while parsing. Linear from the end. */
struct agent_item *agent_find(
	const struct agent_session *session, enum agent_kind kind, struct str key);
/* Note something unreadable: counted as malformed, and kept in quarantine unless the session is
 * excluded. Copies DETAIL and BYTES (at most LIMIT_QUARANTINE_BYTES). */
void agent_session_bad(struct agent_session *session, struct str path, int64_t offset,
	const char *reason, const char *detail, struct str bytes);

/* What a tool does, by its name among all agents: "read", "edit", "write", "command", "search",
 * "web", "delegate", "mcp", "other". */
const char *agent_tool_class(struct str tool);
/* The file a tool call works on: the first of the usual keys (file_path, path, filePath, …) of its
 * input that is a text. A view into INPUT; empty: none. */
struct str agent_tool_file(const struct json *input);

/* --- one round of one source --- */

enum agent_mode { AGENT_WHOLE, AGENT_APPEND };

struct agent_round;
MUST_USE int agent_round_begin(struct agent_round **out, const struct collect_context *context,
	const char *source, struct err *err);
/* For the cursors and memos of the source: committed together with what was put. */
struct intake *agent_round_intake(struct agent_round *round);
/* Give SESSION. An empty one (no items, no bad lines) does nothing. */
MUST_USE int agent_round_put(struct agent_round *round, struct agent_session *session,
	enum agent_mode mode, struct err *err);
/* Something unreadable that belongs to no session that could be told. */
MUST_USE int agent_round_bad(
	struct agent_round *round, const struct agent_bad *bad, struct err *err);
/* Commit if much is pending. Call it only when the cursors in the intake cover what was put. */
MUST_USE int agent_round_relax(struct agent_round *round, struct err *err);
/* Commit the rest and add what was taken to COUNTS. */
MUST_USE int agent_round_end(
	struct agent_round *round, struct source_counts *counts, struct err *err);
/* What was not committed is undone. Accepts NULL. */
void agent_round_free(struct agent_round *round);
void agent_round_freep(struct agent_round **round);

#endif
