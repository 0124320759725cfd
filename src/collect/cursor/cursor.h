/*
 * Cursor: the source, and its parsers, which know no files, store or clock.
 *
 * A session is in up to three stores: a composer and its bubbles in the IDE's database, a chat of
 * the command line in a database of its own, and an agent's transcript (JSON lines; older releases
 * wrote text). The transcript has no times, tokens or results, so the databases are the stronger
 * ones.
 */
#ifndef TT_COLLECT_CURSOR_H
#define TT_COLLECT_CURSOR_H

#include "collect/agent.h"

extern const struct source cursor_source;

#define CURSOR_AGENT "cursor"

enum cursor_strength { CURSOR_TEXT = 1, CURSOR_TRANSCRIPT, CURSOR_CHAT, CURSOR_DATABASE };

/* --- composers (composer.c, bubble.c) --- */

/* Rows that are no part of a session. */
struct cursor_ignored {
	int64_t empty;    /* composers without content */
	int64_t subcalls; /* composers that are calls within another (an id of two lines) */
	int64_t orphans;  /* bubbles that their composer does not list: of edited turns */
	int64_t missing;  /* bubbles that are listed and not there */
};

/* A bubble, as far as it is needed; strings in an arena. */
struct cursor_bubble {
	struct str id;
	int64_t type; /* 1: the person; 2: the agent; -1: unreadable */
	int64_t at_ns;
	struct str text;
	bool has_image;
	bool internal; /* of a capability that is no tool */
	struct str model, request, project_dir;
	int64_t tokens[AGENT_TOKENS];
	bool has_tool;
	struct str tool, call, file;
	bool failed, cancelled;
	bool used;
};
/* Read a bubble's JSON VALUE. Its id is what VALUE says. */
void cursor_bubble_read(struct cursor_bubble *out, struct arena *arena, const struct json *value);

struct cursor_bubbles {
	struct cursor_bubble *items;
	size_t count, capacity;
};

/* A listed bubble. */
struct cursor_header {
	struct str id;
	int64_t at_ns;
};

/* A composer while it is read: begin, its bubbles in any order, end. */
struct cursor_composer {
	struct agent_session session;
	struct arena *arena;
	struct str id;
	int64_t created_ns, updated_ns; /* INT64_MIN: not told */
	struct str model, mode;
	struct cursor_header *headers;
	size_t header_count;
	bool listed;                   /* it says which bubbles it has, be it none */
	struct cursor_bubbles inlined; /* in the composer itself */
	struct cursor_bubbles rows;
	struct str project_dir; /* ~/.cursor/projects/NAME, as a bubble says */
	struct json_parser parser;
	struct cursor_ignored ignored;
};
/*
 * VALUE is the row of composer ID (ptr NULL: NULL). False: there is nothing to read, which is
 * counted. What cannot be read is in the session's bad list. PATH: of the database. Everything is
 * copied into ARENA.
 */
bool cursor_composer_begin(struct cursor_composer *composer, struct arena *arena, struct str id,
	struct str value, struct str path);
void cursor_composer_bubble(struct cursor_composer *composer, struct str id, struct str value);
/* Now the session has its items; its cwd is what the composer itself tells. */
void cursor_composer_end(struct cursor_composer *composer);
void cursor_composer_release(struct cursor_composer *composer);

/* --- transcripts (transcript.c) --- */

/*
 * Read BYTES of a transcript into SESSION, whose id, parent and path are set: items have MTIME_NS
 * as their estimated time. *TAKEN: bytes that were understood; a torn last line waits.
 */
void cursor_transcript_lines(
	struct agent_session *session, struct str bytes, int64_t mtime_ns, int64_t *taken);
void cursor_transcript_text(
	struct agent_session *session, struct str bytes, int64_t mtime_ns, int64_t *taken);

/* --- chats of the command line (chat.c) --- */

/* Hashes and how often each was met; ARENA is set up by the caller. */
struct cursor_seen {
	struct arena *arena;
	struct cursor_seen_entry *entries;
	size_t slots, used; /* slots: a power of two */
};

/* Row '0' of meta; strings in an arena. */
struct cursor_chat_meta {
	struct str root; /* id of the newest index */
	struct str name, mode, model;
	int64_t created_ns; /* AGENT_NO_TIME: not told */
};
/* VALUE is JSON in hexadecimal digits, or JSON. False: neither. */
bool cursor_chat_meta(struct cursor_chat_meta *out, struct arena *arena, struct str value);

/* What an index names: messages, or further indexes, in order. */
struct cursor_chat_index {
	struct str *ids;
	size_t count;
	struct str workspace; /* a URI or path; empty: not told */
};
/* Copied into ARENA. False: DATA is no index. */
bool cursor_chat_index(struct cursor_chat_index *out, struct arena *arena, struct str data);

struct cursor_chat {
	struct agent_session session;
	struct arena *arena;
	struct cursor_chat_meta meta;
	int64_t mtime_ns;
	struct json_parser parser;
	struct cursor_seen seen; /* messages and calls */
	struct str key;          /* of the message at hand */
};
/* Messages have no times: items have MTIME_NS as their estimated one, the first that of META. */
void cursor_chat_begin(struct cursor_chat *chat, struct arena *arena, struct str id,
	const struct cursor_chat_meta *meta, int64_t mtime_ns, struct str path);
/* The next message: JSON, and the id it is stored under, which is a hash of it. */
void cursor_chat_message(struct cursor_chat *chat, struct str id, struct str data);
void cursor_chat_release(struct cursor_chat *chat);

/* --- workspaces (workspace.c) --- */

/* The workspace that a workspace.json names; empty: none. */
struct str cursor_workspace_of(struct arena *arena, struct str json);
/* The workspace in a composer's workspaceIdentifier; empty: none. */
struct str cursor_workspace_identified(struct arena *arena, const struct json *identifier);
/* A composer that a row of ItemTable names. */
struct cursor_link {
	struct str composer;
	struct str workspace; /* empty: that of the database */
};
/* Those in the row KEY; an array in ARENA. */
struct cursor_link *cursor_workspace_links(
	struct arena *arena, struct str key, struct str value, size_t *count);
/* What is the same of a workspace's path and of its directory's name below ~/.cursor/projects. */
struct str cursor_project_name(struct arena *arena, struct str path);

#endif
