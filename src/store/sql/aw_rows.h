/* The rows behind the ActivityWatch API, for reading (aw_buckets.c, aw_scan.c) and for the intake
 * (aw_write.c, aw_make.c). */
#ifndef TT_STORE_SQL_AW_ROWS_H
#define TT_STORE_SQL_AW_ROWS_H

#include "store/aw.h"
#include "store/sql/events.h"
#include "store/users.h"

/* --- events --- */

/* The number under which an event is shown. */
int64_t aw_number(const struct event_row *row);
/* The event that is shown as NUMBER, with its key appended to KEY: its id or, unless the row is
 * odd, the discriminator. 1: found; 0; < 0. */
MUST_USE int aw_row_by_number(struct store *store, int64_t number, struct event_row *row,
	struct buf *key, struct err *err);
/* The event of a bucket that starts last; of several the one that ends first, then the one of the
 * least number. 1: found; 0: the bucket is empty; < 0. */
MUST_USE int aw_row_last(struct store *store, int64_t bucket_no, struct event_row *row,
	struct buf *key, struct err *err);
/* The number of an event of the bucket with this start, duration and data; 0: there is none. */
struct ahead_near;
MUST_USE int aw_row_equal(struct store *store, int64_t bucket_no, const struct ahead_near *like,
	int64_t *number, struct err *err);
/* Delete all events of a bucket, each leaving a tombstone one revision above it. Only while
 * writing. *DELETED counts. */
MUST_USE int aw_rows_delete(
	struct events *events, int64_t bucket_no, int64_t *deleted, struct err *err);

/* --- buckets --- */

/* Buckets are made for a device, and several may have one of the same id. Nobody in particular
 * asks (an actor without user and device): only the one made last can be written, since only a
 * machine's change of identity made the others. */
bool aw_row_last_is_meant(const struct store *store);
/*
 * The bucket made over the API that ID means: the one of the device that asks (store_actor), else
 * the only one. ID may also be `id@device`, with the device's label or machine id. bucket_no,
 * machine_id, type, client, hostname, data, created_ns, events, end_ns, first_ns, newest_start_ns
 * and the id that it was made under, copied into the arena. 1: found; 0: then bucket_no is 0;
 * ERR_AMBIGUOUS, saying which names are not; < 0.
 */
MUST_USE int aw_row_bucket(struct store *store, struct str id, struct arena *arena,
	struct aw_bucket *out, struct err *err);
/* Set first_ns and newest_start_ns as the bucket's row has them; newest_end_ns is not known then.
 */
void aw_row_ends(struct aw_bucket *bucket, int64_t first_ns, int64_t last_ns);
/* The one made under ID for MACHINE_ID that can be written; *BUCKET_NO is 0 when there is none. */
MUST_USE int aw_row_made_by(struct store *store, struct str id, struct str machine_id,
	int64_t *bucket_no, struct err *err);
/* The id of BUCKET_NO if that is a bucket made over the API that can be written; else ERR_NOT_FOUND
 * when there is no such bucket at all, ERR_READONLY. */
MUST_USE int aw_row_writable(struct store *store, int64_t bucket_no, struct arena *arena,
	struct str *id, struct err *err);
/* Another bucket, not made over the API, that is shown under ID; *BUCKET_NO is 0 when there is
 * none.
 */
MUST_USE int aw_row_shown(struct store *store, struct str id, int64_t *bucket_no, struct err *err);
/* Only while writing. */
MUST_USE int aw_row_make(struct store *store, const struct aw_bucket *bucket, struct err *err);
MUST_USE int aw_row_change(
	struct store *store, int64_t bucket_no, const struct aw_bucket *fields, struct err *err);
MUST_USE int aw_row_delete(struct store *store, int64_t bucket_no, struct err *err);

/* --- settings --- */

/* VALUE with ptr NULL deletes. Only while writing. */
MUST_USE int aw_row_setting(struct store *store, struct str key, struct str value, struct err *err);

#endif
