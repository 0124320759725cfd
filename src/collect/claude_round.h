/* What one round over Claude transcripts works with: sessions and items out of memos, projects, and
 * events into the intake. */
#ifndef TT_COLLECT_CLAUDE_ROUND_H
#define TT_COLLECT_CLAUDE_ROUND_H

#include "collect/claude_session.h"
#include "collect/tail.h"

enum { CLAUDE_ITEM_KEY_BYTES = 1 + 32 };

/* Something that one session owns, under a key that all its copies share. */
struct claude_item {
	char key[CLAUDE_ITEM_KEY_BYTES + 1];
	uint64_t owner; /* key of the session */
	int64_t at_ns;  /* of its event */
	int64_t revision;
	bool shared; /* another session has it too */
	bool sidechain;
	bool stopped; /* a response that told why it stopped */
	int64_t tokens[CLAUDE_TOKENS];
};

enum claude_item_kind {
	ITEM_PROMPT = 'p',
	ITEM_DELEGATED = 'd',
	ITEM_RESPONSE = 'r',
	ITEM_CALL = 't',
	ITEM_TOOL_ERROR = 'e',
	ITEM_API_ERROR = 'a',
};

struct claude_round {
	const struct collect_context *context;
	struct intake *intake;
	struct arena sessions_arena;
	struct arena scratch; /* reset by whoever works through lines */
	struct claude_session **slots;
	size_t session_count;
	struct claude_place *places;
	struct json_parser parser;
	struct buf text;
	struct buf id;
	uint64_t *unsettled; /* sessions whose claims must be weighed at the end */
	size_t unsettled_count, unsettled_capacity;
	bool unsettled_changed;
	int64_t batch_bytes; /* read since the last commit */
	int64_t copies;      /* items met again in another session */
};

MUST_USE int claude_round_begin(
	struct claude_round *round, const struct collect_context *context, struct err *err);
void claude_round_release(struct claude_round *round);
/* Sessions, events and what is unsettled are put beside what the intake has, and committed. */
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

/* Item KIND with NATURAL key; *FOUND. Its key is set in any case. */
MUST_USE int claude_round_item(struct claude_round *round, enum claude_item_kind kind,
	struct str natural, struct claude_item *item, bool *found, struct err *err);
MUST_USE int claude_round_put_item(
	struct claude_round *round, const struct claude_item *item, struct err *err);

/* The project of directory CWD; looked up once a round. */
struct str claude_round_project(struct claude_round *round, struct str cwd);

struct claude_event {
	const char *type;
	int64_t at_ns;
	struct str discriminator;
	int64_t revision;
	struct str data;
};
MUST_USE int claude_round_emit(struct claude_round *round, const struct claude_event *event,
	const struct quarantine_entry *origin, struct err *err);
MUST_USE int claude_round_withdraw(struct claude_round *round, const char *type, int64_t at_ns,
	struct str discriminator, struct err *err);

#endif
