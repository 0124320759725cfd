/*
 * The intake from inside, for the files that share its transaction: intake_batch.c (its beginning
 * and end), intake.c (events as sources and machines give them) and aw_write.c, aw_make.c (as
 * clients of the ActivityWatch API do).
 */
#ifndef TT_STORE_INTAKE_PART_H
#define TT_STORE_INTAKE_PART_H

#include "base/uuid.h"
#include "model/codec.h"
#include "store/aw_memory.h"
#include "store/intake.h"
#include "store/sql/events.h"
#include "store/users.h"

struct intake {
	struct store *store;
	/* The actor that it writes for (store/users.h). */
	char user_id[UUID_BYTES + 1];
	char machine_id[UUID_BYTES + 1];
	struct events events;
	bool lazy;
	bool writing;       /* this intake holds the write lock */
	bool wrote;         /* and did in its last batch */
	struct err failure; /* code 0: the batch is good so far */
	size_t pending;
	struct intake_counts counts;
	struct intake_counts committed; /* what counts go back to when the batch is undone */
	struct arena words;             /* reasons that callers passed as views */
	struct json_parser parser;
	struct wire_decoder decoder;
	struct buf stored_text;
	struct aw_memory aw;
};

/* What every call starts with: the batch is good so far, and the store works for its actor. */
MUST_USE int intake_go_on(struct intake *intake, struct err *err);
/* Take the write lock, unless it is held. */
MUST_USE int intake_start(struct intake *intake, struct err *err);
/* What every write starts with: the batch is good so far, and holds the write lock now. */
MUST_USE int intake_ready(struct intake *intake, struct err *err);
/* Remember the first failure, which makes the batch void; returns RC. */
int intake_check(struct intake *intake, int rc, const struct err *err);
/* Would an event be refused? Its data is an object of canonical JSON. ERR_USAGE, ERR_LIMIT. */
MUST_USE int intake_refusal(struct intake *intake, const struct event *event, struct err *err);
/* Count what became of EVENT. */
void intake_count(struct intake *intake, const struct event *event, enum intake_result result);
/* Put the tombstone of the event OLD, above it, in its place. */
MUST_USE int intake_withdraw_row(struct intake *intake, const struct event_name *name,
	const struct event_row *old, struct err *err);

#endif
