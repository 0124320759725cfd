/*
 * The store as the ActivityWatch API shows it: buckets with a client's own ids, events with integer
 * ids.
 *
 * Every bucket of the store is there. Those that were made over this API (or came from one, by
 * import or sync) have a source that begins with AW_SOURCE; the others (tmux, agents) are shown
 * under `{source}.{type}@{label or machine id}` and cannot be written.
 *
 * An event that is posted is known by the seq of the change that makes it, which is never used
 * twice; this number is part of its event id and stays when the event is corrected. Any other event
 * is known by AW_NUMBER_SEQ + seq: good until the event is corrected, and never used twice either
 * (docs/decisions/007-activitywatch-ids.md). One that is corrected over this API keeps the number
 * that it was known by.
 *
 * What an open intake of the same connection has written is seen in full only after its commit
 * (counts and bounds of buckets are written then): read between batches, or on another connection.
 */
#ifndef TT_STORE_AW_H
#define TT_STORE_AW_H

#include "store/store.h"

#define AW_SOURCE "aw."
/* The type of buckets that are computed (serve/stream_bucket.h), never stored: imports leave them
 * out. */
#define AW_COMPUTED_TYPE "tt.stream"
#define AW_NUMBER_SEQ (INT64_C(1) << 52)

struct aw_bucket {
	int64_t bucket_no; /* of store_bucket */
	struct str id;     /* as clients name it */
	struct str type;
	struct str client;
	struct str hostname;
	struct str data;    /* a JSON object, canonical (json_canonical) */
	int64_t created_ns; /* of a bucket that was not made here: its first start, 0 when empty */
	struct str machine_id; /* whose events these are */
	bool writable;         /* made here over the API */
	int64_t events;
	/* INT64_MIN when it is empty; as if recomputed from the events: they shrink too. */
	int64_t first_ns;      /* smallest start */
	int64_t end_ns;        /* greatest end */
	int64_t newest_end_ns; /* end of the event that starts last */
	int64_t newest_start_ns;
};

/* All, those made over the API in the order in which they were made, then the others in the order
 * in which the store met them; copied into the arena. Those made over the API are shown though
 * empty, those that came from other machines are not. Ids are unique: where two machines have a
 * bucket of one id, both are shown as `id@machine` (label, else machine id), except the one of the
 * device that asks (store_actor), and one made over the API where no other device made any. */
MUST_USE int aw_buckets(struct store *store, struct arena *arena, struct aw_bucket **out,
	size_t *count, struct err *err);
/* One by id: the asking device's first; or as `id@device` (label or machine id). ERR_NOT_FOUND;
 * ERR_AMBIGUOUS: several devices have one, and not the one that asks. */
MUST_USE int aw_bucket_find(struct store *store, struct str id, struct arena *arena,
	struct aw_bucket *out, struct err *err);
/* The same for who wants to know which there are: newest_end_ns stays INT64_MIN, and no event is
 * looked at. */
MUST_USE int aw_buckets_brief(struct store *store, struct arena *arena, struct aw_bucket **out,
	size_t *count, struct err *err);
MUST_USE int aw_bucket_find_brief(struct store *store, struct str id, struct arena *arena,
	struct aw_bucket *out, struct err *err);

struct aw_event {
	int64_t number;
	int64_t start_ns;
	int64_t duration_ns; /* may be negative: clients may say so */
	int64_t data_no;     /* equal numbers: equal data */
	struct str data;     /* empty in lean scans */
};
/* Start and duration of EVENT within [from, to], as the API clips them: negative durations stay. */
void aw_clip(struct aw_event *event, int64_t from_ns, int64_t to_ns);

/*
 * Events that touch [from_ns, to_ns], both ends inclusive: end >= from and start <= to; none when
 * from > to. Not clipped. Newest first: start descending, then end ascending, then number
 * ascending. Oldest first is the exact reverse of that order of starts, with ends and numbers
 * ascending.
 */
struct aw_range {
	int64_t bucket_no;
	int64_t from_ns; /* INT64_MIN: no bound */
	int64_t to_ns;   /* INT64_MAX: no bound */
	bool oldest_first;
	bool lean; /* without data; see aw_data */
};
struct aw_scan;
MUST_USE int aw_scan_open(
	struct aw_scan **out, struct store *store, const struct aw_range *range, struct err *err);
/* 1: *OUT is set, its data valid until the next call; 0: the end; < 0. */
MUST_USE int aw_scan_next(struct aw_scan *scan, struct aw_event *out, struct err *err);
void aw_scan_close(struct aw_scan *scan);
void aw_scan_closep(struct aw_scan **scan);
/* Append the data that DATA_NO stands for. */
MUST_USE int aw_data(struct store *store, int64_t data_no, struct buf *out, struct err *err);
/* Those of these will be asked for next: a database behind a network is asked once. */
MUST_USE int aw_expect_data(
	struct store *store, const int64_t *data_nos, size_t count, struct err *err);

MUST_USE int aw_count(
	struct store *store, const struct aw_range *range, int64_t *count, struct err *err);
/* The event NUMBER of this bucket, copied into the arena. ERR_NOT_FOUND: also when another bucket
 * has it. */
MUST_USE int aw_event_find(struct store *store, int64_t bucket_no, int64_t number,
	struct arena *arena, struct aw_event *out, struct err *err);
/*
 * For caches: has the bucket changed since AFTER_SEQ in a way that an answer about [from_ns, to_ns]
 * shows? *SEQ becomes the store's last seq, from which to ask the next time. A true may be a false
 * alarm; a false is certain.
 */
MUST_USE int aw_changed(struct store *store, const struct aw_range *range, int64_t after_seq,
	bool *changed, int64_t *seq, struct err *err);

/* --- settings of the API: any JSON under any key --- */

struct aw_setting {
	struct str key;
	struct str value; /* canonical JSON */
};
/* Ordered by key. */
MUST_USE int aw_settings(struct store *store, struct arena *arena, struct aw_setting **out,
	size_t *count, struct err *err);
/* An empty view when there is none. */
MUST_USE int aw_setting_find(struct store *store, struct str key, struct arena *arena,
	struct str *value, struct err *err);

#endif
