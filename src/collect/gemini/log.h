/*
 * One chat of Gemini CLI, from either of its forms: a document with all messages, or lines of which
 * each adds a message, replaces one or takes some back. The messages are gathered first, and then
 * given as items in their order.
 */
#ifndef TT_COLLECT_GEMINI_LOG_H
#define TT_COLLECT_GEMINI_LOG_H

#include "collect/agent.h"

enum gemini_kind { GEMINI_USER, GEMINI_MODEL, GEMINI_ERROR, GEMINI_INFO, GEMINI_OTHER };

struct gemini_call {
	struct str id, tool, file;
	int64_t at_ns; /* AGENT_NO_TIME: its message's */
	bool failed, cancelled;
};

struct gemini_message {
	struct str id;
	enum gemini_kind kind;
	int64_t at_ns; /* as its first version had it */
	struct str text, model;
	int64_t tokens[AGENT_TOKENS];
	struct gemini_call *calls;
	size_t call_count;
	bool prompt; /* a person typed it, unless the chat is a sub-agent's */
	bool image;
	bool withdrawn;
};

/* Numbers by name. */
struct gemini_index {
	uint32_t *slots; /* number + 1 */
	size_t slot_count, count;
};

struct gemini_log {
	struct arena *arena;
	struct str session, summary, directory;
	bool subagent;
	int64_t started_ns, updated_ns; /* as the chat itself says; INT64_MIN: not */
	struct gemini_message *messages;
	size_t count, capacity;
	struct gemini_index by_id;
	int64_t unknown;
};

/* A fresh one; everything in it is in ARENA. */
struct gemini_log gemini_log(struct arena *arena);

/* Where a record is from; for what cannot be read. */
struct gemini_line {
	struct str text;
	struct str path;
	int64_t offset;
};

/* Take a line of a .jsonl; what is no record is noted in OUT. */
void gemini_log_line(struct gemini_log *log, struct json_parser *parser,
	const struct gemini_line *line, struct agent_session *out);
/* Take a whole .json. NULL; or why it is no document, or not yet: not_json, not_object, too_deep;
 * the log is as before then. */
const char *gemini_log_document(
	struct gemini_log *log, struct json_parser *parser, struct str text);
/* All items, and what the chat says of itself; DELEGATED: another agent gave the orders in it. */
void gemini_log_items(const struct gemini_log *log, bool delegated, struct agent_session *out);

/* --- gemini_message.c --- */

/* A message as VALUE has it, in ARENA. False when it is no object. */
bool gemini_message(struct arena *arena, const struct json *value, struct gemini_message *out);
/* Does VALUE carry the summary that stands for a compressed history? */
bool gemini_is_snapshot(const struct json *value);

#endif
