/*
 * Property: a line that decodes to an event encodes to a line that decodes to the same event, whose
 * bytes are then stable; its data is a JSON object without envelope keys. So does one that decodes
 * to a bucket. A line that does not decode has a reason.
 */
#include "base/utf8.h"
#include "model/codec.h"
#include "model/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_event(const struct event *a, const struct event *b)
{
	return str_eq(a->id, b->id) && str_eq(a->source, b->source) && str_eq(a->type, b->type) &&
	       a->start_ns == b->start_ns && a->duration_ns == b->duration_ns &&
	       a->revision == b->revision && a->deleted == b->deleted && str_eq(a->data, b->data);
}

static void check_data(const struct event *event)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err;

	ASSERT(json_parse(&parser, event->data, false, &root, &err) == 0);
	ASSERT(json_is(root, JSON_OBJECT));
	ASSERT(!json_get(root, "id") && !json_get(root, "type") && !json_get(root, "timestamp"));
	ASSERT(!event->deleted || json_len(root) == 0);
	json_parser_release(&parser);
}

static void check_event(const struct event *event)
{
	struct wire_decoder decoder = { 0 };
	struct buf first CLEANUP(buf_release) = BUF_INIT;
	struct buf second CLEANUP(buf_release) = BUF_INIT;
	struct wire_line line;
	struct err err;

	ASSERT(event->id.len > 0 && event->id.len <= LIMIT_ID_BYTES);
	ASSERT(event->duration_ns >= 0 || str_starts(event->source, STR("aw.")));
	ASSERT(event->revision >= 0);
	ASSERT(utf8_valid(event->id) && utf8_valid(event->source) && utf8_valid(event->type));
	check_data(event);
	wire_encode_event(&first, event);
	ASSERT(str_find(buf_str(&first), '\n', 0) == (ptrdiff_t)first.len - 1);
	if (first.len - 1 <= LIMIT_WIRE_LINE_BYTES) {
		ASSERT(wire_decode(&decoder, str_sub(buf_str(&first), 0, first.len - 1), STR(""),
			       &line, &err) == 0);
		ASSERT(line.kind == WIRE_EVENT && same_event(event, &line.event));
		wire_encode_event(&second, &line.event);
		ASSERT(str_eq(buf_str(&first), buf_str(&second)));
	}
	wire_decoder_release(&decoder);
}

static void check_bucket(const struct wire_bucket *bucket)
{
	struct wire_decoder decoder = { 0 };
	struct buf first CLEANUP(buf_release) = BUF_INIT;
	struct buf second CLEANUP(buf_release) = BUF_INIT;
	struct wire_line line;
	struct err err;

	ASSERT(str_starts(bucket->source, STR("aw.")) && bucket->event_type.len > 0);
	ASSERT(bucket->client.len <= LIMIT_NAME_BYTES && utf8_valid(bucket->client));
	wire_encode_bucket(&first, bucket);
	ASSERT(str_find(buf_str(&first), '\n', 0) == (ptrdiff_t)first.len - 1);
	ASSERT(wire_decode(&decoder, str_sub(buf_str(&first), 0, first.len - 1), STR(""), &line,
		       &err) == 0);
	ASSERT(line.kind == WIRE_BUCKET && line.bucket.created_ns == bucket->created_ns);
	wire_encode_bucket(&second, &line.bucket);
	ASSERT(str_eq(buf_str(&first), buf_str(&second)));
	wire_decoder_release(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct err err;
	int rc = wire_decode(
		&decoder, (struct str){ (const char *)data, size }, STR(""), &line, &err);

	if (rc < 0)
		ASSERT(line.reason != NULL && (rc == ERR_PARSE || rc == ERR_LIMIT));
	else if (line.kind == WIRE_EVENT)
		check_event(&line.event);
	else if (line.kind == WIRE_BUCKET)
		check_bucket(&line.bucket);
	wire_decoder_release(&decoder);
	return 0;
}
