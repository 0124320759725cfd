/*
 * Items: what the records of a session say, each owned by one session and counted once. See
 * claude.c for what owning means. A pass goes over the records of one file; what it does with them
 * is its mode.
 */
#ifndef TT_COLLECT_CLAUDE_ITEMS_H
#define TT_COLLECT_CLAUDE_ITEMS_H

#include "collect/claude/calls.h"
#include "collect/claude/round.h"

enum claude_mode {
	PASS_COLLECT, /* new lines: take and count */
	PASS_WEIGH,   /* how good is the session's claim? */
	PASS_TAKE,    /* take from those with a worse claim */
	PASS_COUNT,   /* count anew what it owns */
};

/* Keys of items seen in one count. All-zero is an empty one. */
struct claude_seen {
	uint64_t *keys;  /* 0: free */
	size_t capacity; /* a power of two */
	size_t count;
};

/* Over all files of one session, when it is not collecting. */
struct claude_tally {
	struct claude_counts counts; /* PASS_COUNT */
	struct claude_seen seen;     /* PASS_COUNT */
	int64_t unshared_ns, items;  /* PASS_WEIGH */
};

struct claude_pass {
	struct claude_round *round;
	enum claude_mode mode;
	const struct claude_place *place; /* of the line at hand: the nearest that is known */
	struct claude_tally *tally;       /* NULL when collecting */
	const char *path;
	int64_t offset; /* of the line at hand */
	/* The turn: natural keys of the file's last prompt and last response; empty: none. */
	struct buf prompt, answer;
	struct claude_calls calls; /* of the file, without result so far */
};

void claude_pass_release(struct claude_pass *pass);

/* Take, weigh or count what RECORD, of SESSION, says. */
MUST_USE int claude_take_items(struct claude_pass *pass, struct claude_session *session,
	const struct claude_record *record, struct err *err);
void claude_tally_release(struct claude_tally *tally);

#endif
