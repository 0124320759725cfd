/*
 * OpenCode: the source, and its parsers, which know no files, store or clock.
 *
 * A session is in up to two stores, with the same ids: the database, and the tree of JSON files
 * that releases before it wrote and that is left where it was. The database is the stronger one.
 */
#ifndef TT_COLLECT_OPENCODE_H
#define TT_COLLECT_OPENCODE_H

#include "collect/agent.h"

extern const struct source opencode_source;

#define OPENCODE_AGENT "opencode"

enum opencode_strength { OPENCODE_TREE = 1, OPENCODE_DATABASE = 2 };

/* What a session's row or file says. */
struct opencode_facts {
	struct str id, parent, directory, title, version;
	struct str worktree; /* of its project */
	struct str revert;   /* JSON {messageID, partID?}, or empty */
	int64_t created_ns;  /* AGENT_NO_TIME: not told */
};
/* Views into ROOT, a session file; the worktree is in another one. */
struct opencode_facts opencode_facts_of(const struct json *root);

enum opencode_role { OPENCODE_USER, OPENCODE_ASSISTANT, OPENCODE_STRANGER };
struct opencode_message {
	struct str id;
	enum opencode_role role;
	int64_t created_ns, completed_ns; /* AGENT_NO_TIME: not told, not yet */
	struct str parent, model, mode, cwd;
	struct str error; /* a code; empty: none */
	int64_t tokens[AGENT_TOKENS];
	bool withdrawn;
};

enum opencode_part_kind {
	OPENCODE_SILENT,
	OPENCODE_TEXT,
	OPENCODE_TOOL,
	OPENCODE_FILE,
	OPENCODE_RETRY,
	OPENCODE_UNKNOWN
};
struct opencode_part {
	struct str id, message;
	enum opencode_part_kind kind;
	int64_t at_ns; /* AGENT_NO_TIME: not told */
	struct str text;
	struct str tool, file, error;
	bool failed, is_image;
	bool withdrawn;
};

/* A session while it is read: begin, its messages and parts in any order, end. */
struct opencode_chat {
	struct agent_session session;
	struct arena *arena;
	struct str revert_message, revert_part;
	struct opencode_message *messages;
	size_t message_count, message_capacity;
	struct opencode_part *parts;
	size_t part_count, part_capacity;
	struct json_parser parser;
};
/* Strings are copied into ARENA; PATH is of the database or the session's file. */
void opencode_begin(struct opencode_chat *chat, struct arena *arena,
	const struct opencode_facts *facts, struct str path);
/* DATA is a message's JSON, in PATH; CREATED_NS is what its row says, else AGENT_NO_TIME. */
void opencode_message(struct opencode_chat *chat, struct str id, int64_t created_ns,
	struct str data, struct str path);
/* MESSAGE empty: DATA says of which one. */
void opencode_part(struct opencode_chat *chat, struct str id, struct str message,
	int64_t created_ns, struct str data, struct str path);
/* Now the session has its items. */
void opencode_end(struct opencode_chat *chat);
void opencode_release(struct opencode_chat *chat);

#endif
