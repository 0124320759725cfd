/* What the parsers of Copilot Chat share: values, requests, and the parts of responses. */
#ifndef TT_COLLECT_COPILOT_PARTS_H
#define TT_COLLECT_COPILOT_PARTS_H

#include "collect/copilot/copilot.h"
#include "collect/copilot/state.h"

/* --- copilot_value.c --- */

/* As agent_time; INT64_MIN: none. */
int64_t copilot_time(const struct json *value);
/* An integer that is not negative; -1: none. */
int64_t copilot_number(const struct json *value);
/* A file that VALUE names: a path or URI as text, URI components {path, fsPath, scheme, …}, or an
 * object that has one of these as its `uri`, `reference` or `value`. In ARENA; empty: none, or no
 * file. */
struct str copilot_file(struct arena *arena, const struct json *value);
/* A copy in the session's arena. */
struct str copilot_keep(struct agent_session *session, struct str text);

/* A, MIDDLE and B joined in the session's arena, whatever bytes they hold. */
struct str copilot_key(
	struct agent_session *session, struct str a, const char *middle, struct str b);
/* The same with a number. */
struct str copilot_number_key(
	struct agent_session *session, struct str a, const char *middle, int64_t number);

/* Values by key. All-zero with its arena is an empty one. Keys and values are not copied. */
struct copilot_map {
	struct arena *arena;
	struct copilot_map_slot *slots;
	size_t slot_count, count;
};
/* True: KEY was new, and is there now. */
bool copilot_map_add(struct copilot_map *map, struct str key, const void *value);
/* *FOUND tells. */
const void *copilot_map_get(const struct copilot_map *map, struct str key, bool *found);

/* --- requests --- */

struct copilot_request {
	struct agent_session *session;
	struct copilot_map *tools; /* keys of the session's calls so far */
	struct arena *scratch;     /* until the next request */
	const struct json *root;
	struct str id;
	struct str key; /* the same with the session before it: ids may be of few words */
	struct str prompt_model, model, mode;
	int64_t at_ns;
	bool withdrawn;
};

/* An item of REQUEST, with what all of them have. */
struct agent_item *copilot_item(
	const struct copilot_request *request, enum agent_kind kind, struct str key, int64_t at_ns);

/* --- copilot_response.c --- */

/* Add tools, their errors and edits of REQUEST. */
void copilot_take_parts(const struct copilot_request *request);
/* The text of its response, in the session's arena. */
struct str copilot_response_text(const struct copilot_request *request);

/* --- copilot_document.c --- */

/* Read the state of a session, whose root is ROOT; offsets of bad requests are those in BYTES. */
bool copilot_take_document(struct copilot_node *root, struct str bytes, struct str path,
	struct agent_session *session, struct copilot_extent *extent);

#endif
