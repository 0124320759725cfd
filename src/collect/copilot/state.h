/*
 * A JSON document as its text, taken apart only where somebody looks or changes something: a log of
 * changes touches a few places of a large document, and what it never touches is never copied.
 *
 * Opening a node costs its length once. What was opened is a list of nodes, each again a text.
 * Texts are views: they live as long as the bytes they came from.
 */
#ifndef TT_COLLECT_COPILOT_STATE_H
#define TT_COLLECT_COPILOT_STATE_H

#include "base/json.h"
#include "base/mem.h"

enum {
	COPILOT_MEMBERS = 1 << 20, /* of an object or an array that is looked into */
	COPILOT_PATH_STEPS = 32,
	COPILOT_GAP = 1024, /* how far behind the end of an array a change may be */
};

enum copilot_node_kind {
	COPILOT_TEXT,
	COPILOT_SEALED, /* text that cannot be opened */
	COPILOT_ARRAY,
	COPILOT_OBJECT,
	COPILOT_GONE, /* a member that was deleted: as if it were not there */
};

struct copilot_node {
	enum copilot_node_kind kind;
	uint32_t count, capacity; /* of members, those that are gone included */
	union {
		struct str text; /* of COPILOT_TEXT and COPILOT_SEALED */
		struct {         /* of COPILOT_ARRAY and COPILOT_OBJECT */
			struct copilot_member *members;
			uint32_t *index; /* of an object of many members: where keys stand */
		};
	};
};

struct copilot_member {
	struct str key; /* decoded; empty in an array */
	struct copilot_node node;
};

struct copilot_node copilot_node(struct str text);

enum copilot_opened {
	COPILOT_OPEN,
	COPILOT_CLOSED, /* neither array nor object, or larger than the limits above */
	COPILOT_CUT,    /* the text ends before the value does */
	COPILOT_BROKEN, /* it is not JSON */
};
/* Take NODE apart, one level; its kind tells what it is. Only its own level is checked. */
enum copilot_opened copilot_open(struct arena *arena, struct copilot_node *node);
/* Member KEY of an opened object, the first where it is repeated; NULL: none. */
struct copilot_node *copilot_get(const struct copilot_node *object, struct str key);
/* The text of NODE; SCRATCH is used when it is in pieces, and holds the text then. */
struct str copilot_text(const struct copilot_node *node, struct buf *scratch);

/*
 * Changes below ROOT, at PATH: a JSON array of names and numbers. They give NULL, or what is wrong
 * in a few words; nothing is changed then, but for an index behind the end of an array: as the
 * editor does it, what is between becomes null, if that is no more than COPILOT_GAP; a push that is
 * farther away appends. VALUE and VALUES must be JSON, and valid as long as ROOT is.
 */
const char *copilot_set(
	struct arena *arena, struct copilot_node *root, const struct json *path, struct str value);
const char *copilot_delete(struct arena *arena, struct copilot_node *root, const struct json *path);
/* Cut the array at PATH to FROM elements (NULL: not at all), then append VALUES, an opened array or
 * NULL. An array that is not there yet is made. */
const char *copilot_push(struct arena *arena, struct copilot_node *root, const struct json *path,
	const struct copilot_node *values, const struct json *from);

#endif
