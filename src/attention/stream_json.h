/* The JSON object of a stream, the same wherever a command or the API prints one. */
#ifndef TT_ATTENTION_STREAM_JSON_H
#define TT_ATTENTION_STREAM_JSON_H

#include "attention/allocate.h"
#include "attention/streams.h"

/*
 * {id,id_short,name,machine_id,tags,source,direct_ms,delegated_ms,waiting_ms,first,last,events};
 * `machine_id`, `first` and `last` are null where the stream has none. TIME: of whatever period the
 * caller speaks of; durations are cut to whole milliseconds.
 */
void stream_json(
	const struct stream *stream, const struct time_totals *time, struct json_writer *out);
/* The three durations that every group of streams has, as `direct_ms`, `delegated_ms`,
 * `waiting_ms`. */
void time_totals_json(const struct time_totals *time, struct json_writer *out);
/* KEY and a duration in ns as whole milliseconds. */
void duration_json(const char *key, int64_t ns, struct json_writer *out);
/* KEY and an instant, RFC 3339 UTC with milliseconds; null for INT64_MIN. */
void instant_json(const char *key, int64_t ns, struct json_writer *out);

#endif
