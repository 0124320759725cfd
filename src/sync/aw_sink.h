/*
 * Where everything goes that is imported from ActivityWatch, whatever it was read from: buckets,
 * their events and settings into one intake, in batches. What is refused goes to quarantine, and
 * the rest goes on.
 */
#ifndef TT_SYNC_AW_SINK_H
#define TT_SYNC_AW_SINK_H

#include "store/aw.h"
#include "sync/aw_import.h"

struct zone;

struct aw_sink {
	const struct aw_import_options *options;
	struct aw_import_counts counts;
	struct aw_import_counts committed; /* what of the counts is in the store */
	struct store *store;               /* of an intake of its own */
	struct intake *intake;
	bool own;      /* the intake is the sink's: it commits */
	int64_t taken; /* events and settings since the last commit */
	/* Events of the bucket at hand that can be taken and wait for as many as are looked up
	 * together. */
	struct aw_event *held; /* LIMIT_INTAKE_EXPECT */
	size_t held_count;
	struct arena held_data;
	/* Asked before each commit: < 0, and nothing of the batch is stored. May be NULL. */
	int (*may_commit)(void *context, struct err *err);
	void *may_commit_context;

	/* the bucket at hand */
	struct str bucket_id;
	int64_t bucket_no;
	bool skip;          /* it cannot be written: see buckets_readonly */
	const char *refuse; /* why none of its events can be taken; NULL: they can */

	struct zone *zone; /* of times without offset; opened when one comes */
	struct json_parser parser;
	struct buf canonical;
	struct buf memory; /* the data that `canonical` was made from; real data repeats itself */
	struct buf name;
	struct arena arena; /* of the bucket at hand */
};

/* INTAKE NULL: one of its own over STORE. */
MUST_USE int aw_sink_open(struct aw_sink *sink, struct store *store, struct intake *intake,
	const struct aw_import_options *options, struct err *err);
/* Take and commit the rest; in a dry run, undo everything. The caller's intake is not committed. */
MUST_USE int aw_sink_end(struct aw_sink *sink, struct err *err);
/* What is not committed is undone, if the intake is the sink's own. */
void aw_sink_release(struct aw_sink *sink);

/* Texts as they stand in the source; of DATA the JSON, which may be empty. */
struct aw_sink_bucket {
	struct str id, type, client, hostname, created, data;
};
/* Make it unless it is there; the events that follow are its. */
MUST_USE int aw_sink_bucket(
	struct aw_sink *sink, const struct aw_sink_bucket *bucket, struct err *err);

/* Where a thing came from, for quarantine: RAW as it stands there. */
struct aw_sink_origin {
	int64_t offset; /* byte of a file, row of a table, -1 */
	int64_t bytes;  /* of all of it, when RAW is only its beginning; else 0 */
	struct str raw;
};
/* DETAIL may be the message of ERR. */
MUST_USE int aw_sink_refuse(struct aw_sink *sink, const struct aw_sink_origin *origin,
	const char *reason, const char *detail, struct err *err);

struct aw_sink_event {
	int64_t start_ns;
	int64_t duration_ns;
	struct str data;          /* JSON text, or: */
	const struct json *value; /* that, parsed; NULL: DATA counts */
};
/* ORIGIN is asked for only when the event is refused. */
typedef struct aw_sink_origin aw_sink_origin_of(void *context);
MUST_USE int aw_sink_event(struct aw_sink *sink, const struct aw_sink_event *event,
	aw_sink_origin_of *origin, void *context, struct err *err);
/* An event of an export; RAW: its text, if it is at hand. */
MUST_USE int aw_sink_json_event(struct aw_sink *sink, const struct json *event, struct str raw,
	int64_t offset, struct err *err);
/* VALUE: JSON text. A key that is there stays. Only with an intake of its own. */
MUST_USE int aw_sink_setting(
	struct aw_sink *sink, struct str key, struct str value, struct err *err);
/* Commit when a batch is full. DONE of TOTAL is for options->progress. */
MUST_USE int aw_sink_pace(struct aw_sink *sink, int64_t done, int64_t total, struct err *err);

#endif
