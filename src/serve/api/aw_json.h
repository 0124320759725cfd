/*
 * Events and buckets as ActivityWatch's clients write and read them, in JSON. Pure: no store, no
 * clock.
 *
 * Reading is lenient where ActivityWatch's two servers or their clients are (unknown members, nulls
 * for what is optional, one event instead of a list), and strict where they lose data: an instant
 * needs an offset and must be one that can be stored, a duration must be a number. ERR_PARSE says
 * which member of which event is wrong and how it is written; ERR_LIMIT what is too large.
 */
#ifndef TT_SERVE_API_AW_JSON_H
#define TT_SERVE_API_AW_JSON_H

#include "base/json.h"
#include "base/mem.h"
#include "store/aw.h"

/* An instant of a body, the relaxed form of RFC 3339 that aw-server-rust takes (chrono's
 * `DateTime::from_str`): one 'T', 't' or blanks between date and time, any number of fraction
 * digits (nanoseconds count), then "Z", "UTC" or an offset +HH:MM or +HHMM, which blanks may
 * precede. */
MUST_USE int aw_read_time(struct str text, int64_t *out_ns, struct err *err);
/* Seconds, rounded to the nearest nanosecond; false beyond what fits. */
bool aw_seconds_to_ns(double seconds, int64_t *out_ns);
/* A decimal number as a query argument has it ("1", "2.5", "+.5e3"); false for anything else,
 * "inf" and "nan" included. */
bool aw_read_number(struct str text, double *out);

struct aw_given {
	bool numbered; /* the client gave an id: event.number */
	struct aw_event event;
};
/* One event; its data becomes canonical text in the arena. */
MUST_USE int aw_read_event(
	const struct json *value, struct arena *arena, struct aw_given *out, struct err *err);
/* A list of events, or one. The message names the index of a wrong one. ERR_LIMIT: more than
 * LIMIT_BODY_EVENTS. */
MUST_USE int aw_read_events(const struct json *value, struct arena *arena, struct aw_given **out,
	size_t *count, struct err *err);

/* A bucket to make or to change. What is absent has a NULL ptr, or INT64_MIN. */
struct aw_given_bucket {
	struct str type;
	struct str client;
	struct str hostname;
	struct str data; /* canonical */
	int64_t created_ns;
	struct aw_given *events;
	size_t event_count;
};
/* WHOLE: type, client and hostname are required, and created and events are taken. Strings are
 * views into VALUE. */
MUST_USE int aw_read_bucket(const struct json *value, bool whole, struct arena *arena,
	struct aw_given_bucket *out, struct err *err);
/* DATA (a canonical object) with a member KEY (a string) set to TEXT, canonical, in the arena. */
struct str aw_data_with(struct str data, const char *key, struct str text, struct arena *arena);

/* `2018-01-01T01:01:01.500Z`, with as few of 0, 3, 6 or 9 fraction digits as lose nothing. */
void aw_put_time(struct json_writer *writer, int64_t ns);
/* The same as a member; INT64_MIN: null. */
void aw_put_time_or_null(struct json_writer *writer, const char *key, int64_t ns);
/* An empty text is "", never null: clients take these for strings. */
void aw_put_text(struct json_writer *writer, const char *key, struct str text);
/* {"id","timestamp","duration","data"}; the data is copied as it is. */
void aw_put_event(struct json_writer *writer, const struct aw_event *event);
/* The members of a bucket but for "events", inside an object that is open. */
void aw_put_bucket_members(struct json_writer *writer, const struct aw_bucket *bucket);
/* A bucket as lists have it: "events" is null. */
void aw_put_bucket(struct json_writer *writer, const struct aw_bucket *bucket);

#endif
