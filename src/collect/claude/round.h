/* What one round over Claude transcripts works with: sessions and items out of memos, what is known
 * of directories, and events into the intake. */
#ifndef TT_COLLECT_CLAUDE_ROUND_H
#define TT_COLLECT_CLAUDE_ROUND_H

#include "collect/claude/memory.h"
#include "collect/claude/session.h"
#include "collect/tail.h"

/* What is known of a directory; looked up once a round. */
struct claude_place {
	struct str cwd;
	struct str project;
	bool excluded;
	enum collect_text text;
	struct claude_place *next;
};

struct claude_round {
	const struct collect_context *context;
	struct intake *intake;
	struct claude_memory *memory;
	struct arena sessions_arena;
	struct arena scratch; /* reset by whoever works through lines */
	struct claude_session **slots;
	size_t session_count;
	struct arena places_arena;
	struct claude_place *places;
	struct claude_tool *tools;
	struct buf ending; /* how the data of events ends in this place and branch */
	const struct claude_place *ending_place;
	struct buf ending_branch;
	struct json_parser parser;
	struct buf text;
	struct buf id;
	size_t discriminator_at; /* in the id */
	uint64_t *unsettled;     /* sessions whose claims must be weighed at the end */
	size_t unsettled_count, unsettled_capacity;
	bool unsettled_changed;
	int64_t batch_bytes; /* read since the last commit */
	int64_t file_bytes;  /* announced of the file at hand, not yet done */
	int64_t copies;      /* items met again in another session */
};

MUST_USE int claude_round_begin(
	struct claude_round *round, const struct collect_context *context, struct err *err);
void claude_round_release(struct claude_round *round);
/* Is it time to commit? */
bool claude_round_is_full(const struct claude_round *round);
/* Sessions, items, events and what is unsettled are put beside what the intake has, and committed:
 * pointers to items are invalid then. */
MUST_USE int claude_round_commit(struct claude_round *round, struct err *err);
/* Commit, and drop sessions from memory, if there are many of them: pointers to sessions are
 * invalid then. */
MUST_USE int claude_round_relax(struct claude_round *round, struct err *err);

/* The session ID, made if it is new. */
MUST_USE int claude_round_session(
	struct claude_round *round, struct str id, struct claude_session **out, struct err *err);
/* The one with KEY; *OUT is NULL when it is not known. */
MUST_USE int claude_round_session_of_key(
	struct claude_round *round, uint64_t key, struct claude_session **out, struct err *err);
/* Weigh SESSION's claims again at the end of the round. */
void claude_round_unsettle(struct claude_round *round, uint64_t key);

/* Directory CWD, which may be empty: not known. Valid for the round. */
const struct claude_place *claude_round_place(struct claude_round *round, struct str cwd);
/* The class of TOOL. */
struct str claude_round_tool_class(struct claude_round *round, struct str tool);

/* The type of the event of an item of KIND; NULL: it has none. */
const char *claude_event_type(enum claude_item_kind kind);
/* Withdraw the event that the store has of ITEM. */
MUST_USE int claude_round_withdraw(
	struct claude_round *round, const struct claude_item *item, struct err *err);
/* The data of ITEM's event, given in this batch or stored before; empty when there is none. In the
 * batch's arena. */
MUST_USE int claude_round_data(struct claude_round *round, const struct claude_item *item,
	struct str *out, struct err *err);

#endif
