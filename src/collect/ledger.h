/*
 * What was given of one session: an entry per item, kept in memos of the source, so that a later
 * reading can tell what is new, what changed and what is gone. Memos: "s:{session}" the head,
 * "l:{session}:{n}" the entries n x 256 to n x 256 + 255; only what changed is written.
 */
#ifndef TT_COLLECT_LEDGER_H
#define TT_COLLECT_LEDGER_H

#include "collect/agent.h"

enum { LEDGER_BAD = AGENT_KINDS }; /* kind of an entry for something unreadable */

enum ledger_flag {
	LEDGER_ESTIMATED = 1,
	LEDGER_WITHDRAWN = 2,
	LEDGER_CANCELLED = 4,
	LEDGER_COMMAND = 8,
	LEDGER_GONE = 16,    /* its event was deleted, or it is no longer bad */
	LEDGER_UNTIMED = 32, /* implausible: it bounds nothing */
};

struct ledger_entry {
	int kind; /* enum agent_kind, LEDGER_BAD */
	int flags;
	struct str key; /* discriminator of its event; of something bad the hash */
	int64_t at_ns;
	uint64_t content; /* hash of what its event says */
	int64_t revision;
	int64_t tokens[AGENT_TOKENS]; /* -1: unknown */
	bool met;                     /* in this reading; not kept */
};

struct ledger {
	struct arena arena;
	struct str session;
	int strength;
	int64_t at_ns;    /* of the session's event; INT64_MIN: none yet */
	int64_t revision; /* of the session's event; 0: none yet */
	uint64_t shown;   /* hash of what it says */
	int64_t unknown;
	struct str project;
	struct ledger_entry *entries;
	size_t count, capacity;
	uint32_t *slots; /* entry number + 1 by hash of kind and key */
	size_t slot_count;
	bool *dirty; /* by chunk */
	size_t dirty_capacity;
	bool head_dirty;
};

/* The ledger of SESSION, empty when there is none. ERR_CORRUPT. OUT is released by the caller also
 * on failure. */
MUST_USE int ledger_load(struct ledger *out, struct intake *intake, struct str source,
	struct str session, struct err *err);
MUST_USE int ledger_save(
	struct ledger *ledger, struct intake *intake, struct str source, struct err *err);
void ledger_release(struct ledger *ledger);
/* The entry, or NULL. Valid until the next ledger_add. */
struct ledger_entry *ledger_find(const struct ledger *ledger, int kind, struct str key);
/* A fresh entry; the key is copied. */
struct ledger_entry *ledger_add(struct ledger *ledger, int kind, struct str key);
/* ENTRY was changed. */
void ledger_touch(struct ledger *ledger, const struct ledger_entry *entry);

/* The codec of entries, for memos. */
void ledger_entry_write(const struct ledger_entry *entry, struct buf *out);
/* Take one entry from the front of TEXT; strings are views. False: damaged. */
bool ledger_entry_read(struct str *text, struct ledger_entry *entry);

#endif
