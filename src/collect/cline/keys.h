/*
 * Items: their keys and numbers. Records have an id or only a time; what repeats within a kind is
 * told apart by its order, so that every item of a session has a key of its own.
 */
#ifndef TT_COLLECT_CLINE_KEYS_H
#define TT_COLLECT_CLINE_KEYS_H

#include "collect/agent.h"

/* All-zero is a valid fresh one; memory is the session's arena. */
struct cline_keys {
	struct cline_tally *tallies; /* a hash table */
	size_t count, slots;
};

/* A fresh item at the end of SESSION with the key "{session}:{name}", ":2", ":3", … behind it for
 * those that come again. */
struct agent_item *cline_add_item(struct cline_keys *keys, struct agent_session *session,
	enum agent_kind kind, struct str name, int64_t at_ns);
/* What USAGE says of an item's tokens: its members are called NAMES, by enum agent_token (NULL:
 * none is). What it does not say stays as it is. */
void cline_read_tokens(const struct json *usage, const char *const names[static AGENT_TOKENS],
	int64_t tokens[static AGENT_TOKENS]);

#endif
