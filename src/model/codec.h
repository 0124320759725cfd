/*
 * The wire form: JSONL, one flat object a line. One encoder, one decoder; docs/wire-format.md is
 * its description.
 *
 *   header   {"type":"header","format":1,"program":"tt","version":…,"machine_id":…,"label":…,
 *             "store_id":…,"sent_at":…[,"mark":…]}
 *   event    {"id":…,"timestamp":…,"source":…,"type":…[,"duration_ms":…][,"revision":…]
 *             [,"deleted":true], payload keys…}
 *   bucket   {"type":"tt.bucket","machine_id":…,"source":…,"event_type":…,"type_name":…,
 *             "client":…,"hostname":…,"created":…,"data":{…}}
 *   trailer  {"type":"trailer","cursor":N,"events":N[,"more":true][,"mark":…]}
 *
 * Only events have an id. Payload keys stand at the top level, in their order, values as
 * they were written.
 */
#ifndef TT_MODEL_CODEC_H
#define TT_MODEL_CODEC_H

#include "model/event.h"

enum { WIRE_FORMAT = 1 };

enum wire_kind { WIRE_EVENT, WIRE_HEADER, WIRE_TRAILER, WIRE_BUCKET, WIRE_BLANK };

struct wire_header {
	int64_t format;
	struct str version; /* of the program */
	struct str machine_id;
	struct str label;
	struct str hostname; /* may be empty */
	/* Changes when the store's history does (new, restored): a cursor is good for one store id
	 * only. */
	struct str store_id;
	int64_t sent_at_ns;
	/* Proof that the cursor asked for is of this history; empty: unknown. See sync/history.h.
	 */
	struct str mark;
};

struct wire_trailer {
	int64_t cursor;  /* the sender's seq this stream reaches */
	int64_t events;  /* event lines before it, all of the stream's */
	bool more;       /* a checkpoint: the stream goes on behind it */
	struct str mark; /* of the cursor; may be empty */
};

/* What is known, beside its events, of a bucket that was made over ActivityWatch's API. */
struct wire_bucket {
	int64_t bucket_no; /* of the store; not on the wire */
	struct str shown;  /* its id in the API, for people; may be empty, and is not read */
	struct str machine_id;
	struct str source; /* of its events: "aw.…" */
	struct str event_type;
	struct str type; /* as the client named it */
	struct str client;
	struct str hostname;
	struct str data; /* a JSON object, canonical */
	int64_t created_ns;
};

struct wire_line {
	enum wire_kind kind;
	struct event event;
	struct wire_bucket bucket;
	struct wire_header header;
	struct wire_trailer trailer;
	const char *reason; /* after a failure: a stable word for counting, "missing_key" */
};

/* Reuses its memory from line to line; views of one line live until the next. All-zero is a valid
 * fresh one. */
struct wire_decoder {
	struct json_parser parser;
	struct buf data;
	struct buf id;
	struct buf scratch;
};

void wire_decoder_release(struct wire_decoder *decoder);

/*
 * Decode one LINE without its newline (a trailing CR is dropped; blank lines are WIRE_BLANK).
 * - timestamp: any RFC 3339; the timestamp inside the id is normalised with it
 * - a payload nested under "data" is lifted when a key that the type requires is found only there
 * - the predecessor's forms are understood: `session_metadata` lines become `agent_session` facts
 * (prompt text left out), `session_start` / `session_end` become `agent_session` with `action`
 * - SOURCE, if not empty, stands in for a missing `source`
 * - what else an export says beside events (sync/export_user.h), also of a bucket but not as above,
 *   is WIRE_BLANK
 * ERR_PARSE or ERR_LIMIT with `reason` set: the line belongs into quarantine.
 * Reasons: not_json, not_object, too_deep, too_long, missing_id, bad_id, missing_timestamp,
 * bad_timestamp, missing_source, missing_type, bad_duration, bad_revision, missing_key (the message
 * names it), duplicate_key, bad_header, bad_trailer.
 */
MUST_USE int wire_decode(struct wire_decoder *decoder, struct str line, struct str source,
	struct wire_line *out, struct err *err);

/* ID with its machine and timestamp in normal form, in the decoder's memory; as it is when it is
 * not of our form. */
struct str wire_normal_id(struct wire_decoder *decoder, struct str id);

/* Append one line and its newline. */
void wire_encode_event(struct buf *out, const struct event *event);
void wire_encode_header(struct buf *out, const struct wire_header *header);
void wire_encode_trailer(struct buf *out, const struct wire_trailer *trailer);
void wire_encode_bucket(struct buf *out, const struct wire_bucket *bucket);

#endif
