/* What an intake remembers for the ActivityWatch API from batch to batch: the bucket of an id, and
 * the event that the last heartbeat of a bucket gave. */
#ifndef TT_STORE_AW_MEMORY_H
#define TT_STORE_AW_MEMORY_H

#include "store/aw_window.h"

/* A server has an intake for each of its users: few slots. */
enum { AW_TARGETS = 64, AW_SUFFIX_BYTES = 5 };

struct aw_target {
	int64_t bucket_no;     /* 0: not known */
	struct buf machine_id; /* of the device that asks */
	struct buf id;
};

/* The last event of a bucket. Good while the bucket's changed_seq is still as_of_seq. */
struct aw_last {
	bool known; /* else the bucket is empty */
	int64_t as_of_seq;
	struct event_row row;
	struct buf key; /* the discriminator; the whole id when the row is odd */
};

/* All-zero is an empty one. */
struct aw_memory {
	struct aw_target targets[AW_TARGETS]; /* direct-mapped by hash */
	uint64_t generation;                  /* of struct events, when they were right */
	struct aw_last *lasts;                /* index: bucket number */
	size_t last_count;
	struct aw_window window;
	char suffix[AW_SUFFIX_BYTES + 1]; /* of ids, from the store's id; empty: not read yet */
	struct buf id;
};

/* After a rollback. */
void aw_memory_forget(struct aw_memory *memory);
void aw_memory_release(struct aw_memory *memory);
/* What ID means to the device MACHINE_ID; the caller fills it in when it is not known. What others
 * may have changed since is forgotten first: GENERATION is the intake's events'. */
struct aw_target *aw_memory_target(
	struct aw_memory *memory, uint64_t generation, struct str machine_id, struct str id);
void aw_memory_forget_targets(struct aw_memory *memory);
/* The slot of BUCKET_NO. */
struct aw_last *aw_memory_last(struct aw_memory *memory, int64_t bucket_no);

#endif
