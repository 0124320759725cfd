/*
 * The items that are known: each one that a session owns, by kind and natural key. Those of the
 * batch at hand are in memory, together with the events that are to be given of them; all others
 * are memos. Tool calls are kept with the response that made them.
 */
#ifndef TT_COLLECT_CLAUDE_MEMORY_H
#define TT_COLLECT_CLAUDE_MEMORY_H

#include "collect/claude/record.h"
#include "store/intake.h"

enum claude_item_kind {
	ITEM_PROMPT = 'p',
	ITEM_DELEGATED = 'd',
	ITEM_RESPONSE = 'r',
	ITEM_CALL = 't',
	ITEM_TOOL_ERROR = 'e',
	ITEM_API_ERROR = 'a',
};

enum { CLAUDE_HASH_BYTES = 16 };

/* Something that one session owns, under a key that all its copies share. */
struct claude_item {
	enum claude_item_kind kind;
	uint8_t hash[CLAUDE_HASH_BYTES]; /* of the natural key */
	bool known;   /* false: nobody has it; of all below only `natural` is set */
	bool changed; /* its memo is to be put */
	bool stored;  /* the store has an event of it, at `at_ns` */
	bool kept;    /* a call that is in its response's memo */
	bool shared;  /* another session has it too */
	bool sidechain;
	bool stopped;   /* a response that told why it stopped */
	bool cancelled; /* the person stopped its turn */
	uint64_t owner; /* key of the session */
	int64_t at_ns;  /* of its event */
	int64_t revision;
	int64_t tokens[CLAUDE_TOKENS];
	struct claude_item *calls; /* of a response: those kept with it, linked by `next` */
	struct claude_item *next;
	/* In the batch's arena. */
	struct str natural;
	struct str data; /* of the event that is to be given; empty: none is */
	struct str text; /* of a response, if texts are asked for and it is to be given */
	struct str path; /* where it was read */
	int64_t offset;
};

struct claude_memory;
/* Memos are SOURCE's, in INTAKE. */
MUST_USE int claude_memory_new(
	struct claude_memory **out, struct intake *intake, struct str source, struct err *err);
void claude_memory_free(struct claude_memory *memory);

/* The item KIND with NATURAL key, valid until the next clear. */
MUST_USE int claude_memory_item(struct claude_memory *memory, enum claude_item_kind kind,
	struct str natural, struct claude_item **out, struct err *err);
/* The tool call with NATURAL key of RESPONSE. */
MUST_USE int claude_memory_call(struct claude_memory *memory, struct claude_item *response,
	struct str natural, struct claude_item **out, struct err *err);
/* For what belongs to the items of this batch. */
struct arena *claude_memory_arena(struct claude_memory *memory);
/* How many items and bytes the batch has. */
size_t claude_memory_items(const struct claude_memory *memory);
size_t claude_memory_bytes(const struct claude_memory *memory);

/* Hand each item with data to GIVE, those of one kind one after the other in the order of time. */
MUST_USE int claude_memory_give(struct claude_memory *memory,
	int (*give)(void *context, const struct claude_item *item, struct err *err), void *context,
	struct err *err);
/* Put the memos of changed items. */
MUST_USE int claude_memory_put(struct claude_memory *memory, struct err *err);
/* Forget the batch, after its commit. */
void claude_memory_clear(struct claude_memory *memory);

#endif
