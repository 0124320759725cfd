/* Streams in JSON. Keys are never missing. */
#include "attention/stream_json.h"

#include "base/json_time.h"

void duration_json(const char *key, int64_t ns, struct json_writer *out)
{
	json_kv_i64(out, key, ns / NS_PER_MS);
}

void instant_json(const char *key, int64_t ns, struct json_writer *out)
{
	json_kv_time(out, key, ns);
}

void time_totals_json(const struct time_totals *time, struct json_writer *out)
{
	duration_json("direct_ms", time->direct_ns, out);
	duration_json("delegated_ms", time->delegated_ns, out);
	duration_json("waiting_ms", time->waiting_ns, out);
}

void stream_json(
	const struct stream *stream, const struct time_totals *time, struct json_writer *out)
{
	json_begin_object(out);
	json_kv_str(out, "id", stream->id);
	json_kv_str(out, "id_short", str_sub(stream->id, 0, STREAM_SHORT_ID_BYTES));
	json_kv_str(out, "name", stream->name);
	if (stream->machine_id.len > 0)
		json_kv_str(out, "machine_id", stream->machine_id);
	else
		json_kv_null(out, "machine_id");
	json_key(out, STR("tags"));
	json_begin_array(out);
	for (size_t i = 0; i < stream->tag_count; i++)
		json_put_str(out, stream->tags[i]);
	json_end_array(out);
	json_kv_str(out, "source", str_from(stream->source));
	time_totals_json(time, out);
	instant_json("first", stream->first_ns, out);
	instant_json("last", stream->events > 0 ? stream->last_ns : INT64_MIN, out);
	json_kv_i64(out, "events", stream->events);
	json_end_object(out);
}
