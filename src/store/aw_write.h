/*
 * Writing what aw.h reads, inside an intake, so that many requests share one transaction and one
 * fsync. What is refused (ERR_NOT_FOUND, ERR_EXISTS, ERR_READONLY, ERR_USAGE, ERR_LIMIT) is refused
 * before anything is written: the intake goes on and others in it are not touched. Any other error
 * is the store's: the batch is void.
 */
#ifndef TT_STORE_AW_WRITE_H
#define TT_STORE_AW_WRITE_H

#include "store/aw.h"
#include "store/intake.h"

/*
 * Make a bucket: id, type, client, hostname, data (canonical), created_ns and machine_id of BUCKET
 * count. *MADE is false when this machine has one of this id already: nothing changes then.
 * BUCKET then becomes what is there now (bucket_no at least). ERR_USAGE: an empty id, or longer
 * than LIMIT_NAME_BYTES, or one with control characters; the same for the other names (which may be
 * empty).
 */
MUST_USE int aw_make(struct intake *intake, struct aw_bucket *bucket, bool *made, struct err *err);
/* Change type, client, hostname or data: those whose ptr is not NULL. The ids of events go on
 * carrying the type that the bucket was made with. ERR_NOT_FOUND, ERR_READONLY, and as aw_make. */
MUST_USE int aw_change(
	struct intake *intake, int64_t bucket_no, const struct aw_bucket *fields, struct err *err);
/* With its events, each of which leaves a tombstone. ERR_NOT_FOUND, ERR_READONLY. */
MUST_USE int aw_delete(struct intake *intake, int64_t bucket_no, struct err *err);

/* In the batch: by its id as aw_bucket_find takes it, what this intake did included. ERR_NOT_FOUND,
 * ERR_AMBIGUOUS, ERR_READONLY (one that is not written over the API). Cheap: remembered between
 * batches. */
MUST_USE int aw_target(
	struct intake *intake, struct str bucket_id, int64_t *bucket_no, struct err *err);

/* start_ns, duration_ns and data (canonical) of EVENT count; number and data_no are set. ERR_LIMIT:
 * data too long; ERR_USAGE: time out of range (checked against intake's rules). */
MUST_USE int aw_insert(
	struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err);
/* Give event NUMBER these values, its start included; equal ones change nothing. ERR_NOT_FOUND:
 * this bucket has none of this number. */
MUST_USE int aw_replace(
	struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err);
/* A tombstone stays, so that the event does not come back by sync. *REMOVED: it was there. */
MUST_USE int aw_remove(
	struct intake *intake, int64_t bucket_no, int64_t number, bool *removed, struct err *err);
/*
 * Merge EVENT into the bucket's last event (model/heartbeat.h has the rule), or insert it. EVENT
 * becomes the stored event. The last event is the one that the previous heartbeat gave, unless
 * anything else was written to the bucket since, by any process: then the one that starts last (of
 * equal starts as aw_scan gives them).
 */
MUST_USE int aw_heartbeat(struct intake *intake, int64_t bucket_no, struct aw_event *event,
	int64_t pulsetime_ns, struct err *err);
/* Events with these data, some thousand at most (LIMIT_INTAKE_EXPECT), are about to come: a store
 * that is far away looks them up together. For speed alone. */
MUST_USE int aw_expect(
	struct intake *intake, const struct str *datas, size_t count, struct err *err);
/* EVENTS, at least one and as many at most, in order of start, are about to come to aw_merge, and
 * earlier ones after them if DOWN: likewise for their data and for what the bucket has already. */
MUST_USE int aw_expect_merges(struct intake *intake, int64_t bucket_no,
	const struct aw_event *events, size_t count, bool down, struct err *err);
/*
 * BEATS[i] is about to come to INTAKES[i], all of which write in one transaction: a store that is
 * far away looks up together what they will need. For speed alone.
 */
struct aw_beat {
	struct str machine_id; /* the device that asks (intake_device) */
	struct str bucket_id;
	const struct aw_event *event;
};
MUST_USE int aw_expect_beats(
	struct intake *const *intakes, const struct aw_beat *beats, size_t count, struct err *err);
/* Would EVENT be refused? By its own values: ERR_LIMIT, ERR_USAGE as for aw_insert. */
MUST_USE int aw_check(
	struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err);
/* Insert EVENT unless one of equal start, duration and data is in the bucket. For imports. */
MUST_USE int aw_merge(struct intake *intake, int64_t bucket_no, struct aw_event *event, bool *added,
	struct err *err);

/* VALUE: canonical JSON; a NULL ptr deletes. */
MUST_USE int aw_setting_put(
	struct intake *intake, struct str key, struct str value, struct err *err);

#endif
