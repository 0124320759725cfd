/* What an intake remembers for the ActivityWatch API from batch to batch: the bucket of an id, and
 * the event that the last heartbeat of a bucket gave. */
#ifndef TT_STORE_AW_MEMORY_H
#define TT_STORE_AW_MEMORY_H

#include "store/sql/events.h"

enum { AW_TARGETS = 256, AW_SUFFIX_BYTES = 5 };

struct aw_target {
	int64_t bucket_no; /* 0: empty */
	struct buf id;
};

/* Good while the bucket's changed_seq is still row.seq: then it was the last change. */
struct aw_last {
	bool known;
	struct event_row row;
	struct buf key; /* the discriminator; the whole id when the row is odd */
};

/* All-zero is an empty one. */
struct aw_memory {
	struct aw_target targets[AW_TARGETS]; /* direct-mapped by hash */
	uint64_t generation;                  /* of struct events, when they were right */
	struct aw_last *lasts;                /* index: bucket number */
	size_t last_count;
	char suffix[AW_SUFFIX_BYTES + 1]; /* of ids, from the store's id; empty: not read yet */
	struct buf id;
	struct buf text;
};

/* After a rollback. */
void aw_memory_forget(struct aw_memory *memory);
void aw_memory_release(struct aw_memory *memory);
/* The slot of ID; the caller compares. What others may have changed since is forgotten first:
 * GENERATION is the intake's events'. */
struct aw_target *aw_memory_target(struct aw_memory *memory, uint64_t generation, struct str id);
void aw_memory_forget_targets(struct aw_memory *memory);
/* The slot of BUCKET_NO. */
struct aw_last *aw_memory_last(struct aw_memory *memory, int64_t bucket_no);

#endif
