/* Marks from the store: the events around a period, reduced to what moves time, with the sessions
 * they belong to. */
#ifndef TT_ATTENTION_MARKS_H
#define TT_ATTENTION_MARKS_H

#include "attention/allocate.h"
#include "attention/map.h"
#include "attention/streams.h"

/* An agent's conversation on one machine. */
struct session {
	int32_t machine;
	struct str id;
	struct str agent; /* empty: no event told */
	struct str type;  /* "user", "subagent", "agent" */
	struct str place; /* project, else directory's last component; may be empty */
};

/* All-zero is a valid empty one. Strings live as long as the set. */
struct mark_set {
	struct mark *marks; /* in the total order of events; `event` is the index here */
	size_t count;
	size_t room;
	size_t earlier; /* the first so many are from before FROM: facts of sessions, and that
			   the person was away until after it */
	int64_t from_ns;
	int64_t to_ns;
	struct session *sessions; /* by number */
	size_t session_count;
	size_t session_room;
	struct str *texts; /* each different string once; machines are numbered by it */
	size_t text_count;
	size_t text_room;
	struct map text_index;
	struct map session_index;
	struct arena arena;
};

/*
 * Load the events of [FROM, TO) that have a role, placed in STREAMS, and what was said of sessions
 * and of being away in the days before. A session's type is what its facts say, else follows from
 * its id; prompts of a known sub-agent are not human.
 */
MUST_USE int mark_set_load(struct mark_set *out, struct store *store,
	const struct stream_set *streams, int64_t from_ns, int64_t to_ns, struct err *err);
void mark_set_release(struct mark_set *set);
/* The machine of a number that marks hold. */
struct str mark_set_machine(const struct mark_set *set, int32_t machine);
/*
 * The ids of the events behind marks, by reading them again: IDS[i] is set, copied into the arena,
 * where WANTED[i]. Both have as many elements as the set has marks. The store must not have changed
 * since (a snapshot). ERR_CONFLICT when it has.
 */
MUST_USE int mark_set_event_ids(const struct mark_set *set, struct store *store, const bool *wanted,
	struct arena *arena, struct str *ids, struct err *err);
/* The type that an id alone tells: "agent-…" behind the last '/' is a sub-agent's, else a person's.
 */
struct str session_type_of_id(struct str session_id);

#endif
