/*
 * Tool calls of one transcript whose results have not come yet: a result names its call only by id.
 */
#ifndef TT_COLLECT_CLAUDE_CALLS_H
#define TT_COLLECT_CLAUDE_CALLS_H

#include "base/json.h"

enum { CLAUDE_OPEN_CALLS = 64, CLAUDE_CALL_BYTES = 64 };

/* All-zero is an empty one. Of more than it can hold the oldest are forgotten. */
struct claude_calls {
	struct claude_open_call {
		char id[CLAUDE_CALL_BYTES]; /* empty: free */
		char tool[CLAUDE_CALL_BYTES];
	} slots[CLAUDE_OPEN_CALLS];
	size_t next; /* where the next one goes */
};

/* Names that are too long are not kept. */
void claude_calls_open(struct claude_calls *calls, struct str id, struct str tool);
/* The tool that was called with ID, which is closed; empty when it is not known. Valid until the
 * next call is opened. */
struct str claude_calls_close(struct claude_calls *calls, struct str id);
/* As a member "calls" of a JSON object, and back. */
void claude_calls_write(const struct claude_calls *calls, struct json_writer *writer);
void claude_calls_read(struct claude_calls *calls, const struct json *state);

#endif
