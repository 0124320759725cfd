/*
 * Cline and the programs that came of it (Roo Code, Kilo Code): a directory per task, with
 * documents that are rewritten as the task goes on; and the sessions of Cline's command line.
 */
#ifndef TT_COLLECT_CLINE_H
#define TT_COLLECT_CLINE_H

#include "base/json.h"
#include "collect/agent.h"
#include "collect/places.h"

extern const struct source cline_source;

/* What became of a document's bytes. They are written in place: a reader may see the first half. */
enum cline_bytes {
	CLINE_GOOD,
	CLINE_CUT, /* the beginning of something that more bytes may make good */
	CLINE_BAD  /* nothing will */
};
/* Parse BYTES; ROOT is set when they are good. DETAIL, if not NULL, gets what is wrong. */
enum cline_bytes cline_document(
	struct json_parser *parser, struct str bytes, const struct json **root, struct err *detail);

/* From when on which model answered, in which mode. */
struct cline_model {
	int64_t at_ns; /* INT64_MIN: from the start */
	struct str model, mode;
};

/* What the documents beside the conversation tell of a task; all-zero but the arena is a fresh one.
 */
struct cline_context {
	struct arena *arena;
	struct str cwd, parent, title;
	int64_t at_ns; /* some time of the task, 0: unknown */
	struct cline_model *models;
	size_t model_count, model_capacity;
	bool excluded; /* its workspace was, when it was known */
	bool cut;      /* its conversation was half written when it was last read */
};
/* What was known of a task goes first: it may have been condensed away since. */
void cline_context_load(struct cline_context *context, struct str state);
struct str cline_context_state(const struct cline_context *context);
/* Each fills what it knows and leaves what is known: the order of the calls decides. */
enum cline_bytes cline_read_history_item(
	struct cline_context *context, struct str bytes, struct err *detail);
enum cline_bytes cline_read_conversation(
	struct cline_context *context, struct str bytes, struct err *detail);
enum cline_bytes cline_read_metadata(
	struct cline_context *context, struct str bytes, struct err *detail);
/* Of a session of the command line. */
enum cline_bytes cline_read_session(
	struct cline_context *context, struct str bytes, struct err *detail);

/* A list of tasks that an editor keeps. */
struct cline_history_entry {
	struct str id, cwd, title;
};
struct cline_history {
	struct cline_history_entry *entries; /* by id */
	size_t count;
};
enum cline_bytes cline_read_history(
	struct cline_history *out, struct arena *arena, struct str bytes, struct err *detail);
const struct cline_history_entry *cline_history_find(
	const struct cline_history *history, struct str id);

/* ui_messages.json into the items of SESSION, whose id is set. */
enum cline_bytes cline_read_task(struct agent_session *session, const struct cline_context *context,
	struct str bytes, struct err *detail);
/* The messages of a session of the command line. */
enum cline_bytes cline_read_messages(struct agent_session *session,
	const struct cline_context *context, struct str bytes, struct err *detail);

/* --- where they are --- */

/* A directory that holds a task or session; several may hold the same. */
struct cline_copy {
	const char *dir;
	const char *main;    /* its conversation */
	const char *history; /* the list that may name its workspace, or NULL */
	const char *agent;
	struct str id;
	bool session; /* of the command line */
};
struct cline_copies {
	struct cline_copy *items; /* by id, then directory */
	size_t count, capacity;
	struct path_list histories; /* that exist */
	struct path_list dirs;      /* that hold tasks or sessions, or may come to */
};
struct cline_copies cline_walk(const struct collect_context *context, struct arena *arena);

#endif
