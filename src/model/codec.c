/*
 * The wire form. Decoding walks the object once: envelope keys are taken, every other key is copied
 * to the payload as it was written (numbers keep their text). What is wrong with a line is told by
 * a stable word, so that it can be counted.
 */
#include "model/codec.h"

#include <stdio.h>

#include "base/utf8.h"
#include "base/uuid.h"
#include "model/id.h"
#include "model/limits.h"
#include "model/predecessor.h"

enum { NESTED_KEYS = 256 }; /* of a payload under "data" that is lifted */

/* Keys of the envelope, in the order of struct envelope. */
enum envelope_key {
	KEY_ID,
	KEY_TIMESTAMP,
	KEY_SOURCE,
	KEY_TYPE,
	KEY_DURATION,
	KEY_REVISION,
	KEY_DELETED,
	ENVELOPE_KEYS,
};

static const struct str envelope_names[ENVELOPE_KEYS] = {
	[KEY_ID] = STR_INIT("id"),
	[KEY_TIMESTAMP] = STR_INIT("timestamp"),
	[KEY_SOURCE] = STR_INIT("source"),
	[KEY_TYPE] = STR_INIT("type"),
	[KEY_DURATION] = STR_INIT("duration_ms"),
	[KEY_REVISION] = STR_INIT("revision"),
	[KEY_DELETED] = STR_INIT("deleted"),
};

struct envelope {
	const struct json *value[ENVELOPE_KEYS];
};

void wire_decoder_release(struct wire_decoder *decoder)
{
	json_parser_release(&decoder->parser);
	buf_release(&decoder->data);
	buf_release(&decoder->id);
	buf_release(&decoder->scratch);
}

static int refuse(
	struct wire_line *out, const char *reason, int code, struct err *err, const char *message)
{
	out->reason = reason;
	return err_set(err, code, "%s", message);
}

static int envelope_index(struct str key)
{
	for (int i = 0; i < ENVELOPE_KEYS; i++)
		if (str_eq(key, envelope_names[i]))
			return i;
	return -1;
}

static int take_envelope(
	const struct json *root, struct envelope *envelope, struct wire_line *out, struct err *err)
{
	struct json_iter iter = json_iter(root);
	const struct json *value;
	struct str key;

	*envelope = (struct envelope){ 0 };
	while (json_next(&iter, &key, &value)) {
		int index = envelope_index(key);

		if (index < 0)
			continue;
		if (envelope->value[index]) {
			out->reason = "duplicate_key";
			return err_set(err, ERR_PARSE, "key \"%s\" stands twice",
				envelope_names[index].ptr);
		}
		envelope->value[index] = value;
	}
	return 0;
}

/* Milliseconds with up to six fraction digits, exactly, as ns; JSON numbers only. */
static bool parse_duration(const struct json *value, int64_t *out_ns)
{
	struct str text = json_number_text(value);
	bool negative = str_starts(text, STR("-"));
	struct str rest = str_sub(text, negative, text.len), whole = str_split(&rest, '.');
	uint64_t ms, fraction = 0;
	int64_t scale = NS_PER_MS;
	double real;

	if (str_to_u64(whole, &ms) && ms < INT64_MAX / NS_PER_MS && rest.len <= 6 &&
		(rest.len == 0 || str_to_u64(rest, &fraction))) {
		for (size_t i = 0; i < rest.len; i++)
			scale /= 10;
		*out_ns = (int64_t)ms * NS_PER_MS + (int64_t)fraction * scale;
		*out_ns = negative ? -*out_ns : *out_ns;
		return true;
	}
	if (!json_is(value, JSON_NUMBER) || !json_to_double(value, &real) || real < -9.2e12 ||
		real > 9.2e12)
		return false;
	*out_ns = (int64_t)(real * (double)NS_PER_MS);
	return true;
}

/* Cleaned first: what is not UTF-8 could not be written again as it was read. */
struct str wire_normal_id(struct wire_decoder *decoder, struct str id)
{
	struct event_id parts;

	buf_clear(&decoder->scratch);
	buf_clear(&decoder->id);
	utf8_add_clean(&decoder->scratch, id);
	if (!id_parse(buf_str(&decoder->scratch), &parts) || parts.canonical) {
		buf_add(&decoder->id, buf_str(&decoder->scratch));
		return buf_str(&decoder->id);
	}
	id_build(&decoder->id, parts.machine, parts.source, parts.type, parts.at_ms * NS_PER_MS,
		parts.discriminator);
	return buf_str(&decoder->id);
}

/* NAME itself when it is UTF-8, else its cleaned form in OUT, which must have room: the views
 * before it have to stay. */
static struct str clean_name(struct buf *out, struct str name)
{
	size_t from = out->len;

	if (utf8_valid(name))
		return name;
	utf8_add_clean(out, name);
	return str_sub(buf_str(out), from, out->len);
}

static void clean_names(struct wire_decoder *decoder, struct event *event)
{
	buf_clear(&decoder->scratch);
	buf_reserve(
		&decoder->scratch, (event->source.len + event->type.len) * UTF8_REPLACEMENT.len);
	event->source = clean_name(&decoder->scratch, event->source);
	event->type = clean_name(&decoder->scratch, event->type);
}

/*
 * The predecessor once nested the payload under "data". It is lifted when a required key is found
 * only there; not when it is so large that looking up each key in the other object would take too
 * long.
 */
static const struct json *nested_payload(const struct json *root, const struct event_type *type)
{
	const struct json *nested = json_get(root, "data");
	const char *key = event_missing_key(type, root, NULL);

	if (!key || json_get(root, key) || !json_get(nested, key) || json_len(nested) > NESTED_KEYS)
		return NULL;
	return nested;
}

/* Whether OBJECT has a member KEY other than EXCEPT. */
static bool has_key(const struct json *object, struct str key, const struct json *except)
{
	struct json_iter iter = json_iter(object);
	const struct json *value;
	struct str name;

	while (json_next(&iter, &name, &value))
		if (value != except && str_eq(name, key))
			return true;
	return false;
}

/* The members of OBJECT that are payload, save SKIP and those that UNLESS_IN has too. */
static void put_members(struct json_writer *writer, const struct json *object,
	const struct json *skip, const struct json *unless_in)
{
	struct json_iter iter = json_iter(object);
	const struct json *value;
	struct str key;

	while (json_next(&iter, &key, &value)) {
		if (value == skip || envelope_index(key) >= 0 || has_key(unless_in, key, object))
			continue;
		json_key(writer, key);
		json_put_value(writer, value);
	}
}

static void build_payload(struct wire_decoder *decoder, const struct json *root,
	const struct json *nested, struct str action)
{
	struct json_writer writer;

	buf_clear(&decoder->data);
	writer = json_writer(&decoder->data);
	json_begin_object(&writer);
	if (action.len > 0 && !json_get(root, "action") && !json_get(nested, "action"))
		json_kv_str(&writer, "action", action);
	put_members(&writer, root, nested, NULL);
	put_members(&writer, nested, NULL, root);
	json_end_object(&writer);
}

static bool is_aw(struct str source)
{
	return str_starts(source, STR("aw."));
}

/*
 * Data that clients of the ActivityWatch API post may have any keys, also those of the envelope: it
 * stands whole under "data". NULL: it does not.
 */
static const struct json *whole_payload(const struct json *root, struct str source)
{
	const struct json *data = is_aw(source) ? json_get(root, "data") : NULL;
	struct json_iter iter = json_iter(root);
	const struct json *value;
	struct str key;

	if (!json_is(data, JSON_OBJECT))
		return NULL;
	while (json_next(&iter, &key, &value))
		if (value != data && envelope_index(key) < 0)
			return NULL;
	return data;
}

static void copy_payload(struct wire_decoder *decoder, const struct json *payload)
{
	struct json_writer writer;

	buf_clear(&decoder->data);
	writer = json_writer(&decoder->data);
	json_put_value(&writer, payload);
}

/* Payload of EVENT from ROOT: what its type requires must be there, else its time would silently
 * belong nowhere. */
static int take_payload(struct wire_decoder *decoder, const struct json *root, struct str action,
	struct wire_line *out, struct err *err)
{
	const struct event_type *type = event_type_find(out->event.type);
	const struct json *whole = whole_payload(root, out->event.source);
	const struct json *nested = whole ? NULL : nested_payload(root, type);
	const char *key = event_missing_key(type, whole ? whole : root, nested);

	if (out->event.deleted) {
		out->event.duration_ns = 0;
		out->event.data = STR("{}");
		return 0;
	}
	if (key) {
		out->reason = "missing_key";
		return err_set(err, ERR_PARSE, "no \"%s\", which %s must have", key, type->name);
	}
	if (whole)
		copy_payload(decoder, whole);
	else
		build_payload(decoder, root, nested, action);
	out->event.data = buf_str(&decoder->data);
	return 0;
}

static int decode_header(const struct json *root, struct wire_line *out, struct err *err)
{
	struct wire_header *header = &out->header;

	out->kind = WIRE_HEADER;
	*header = (struct wire_header){
		.version = json_get_str(root, "version"),
		.machine_id = json_get_str(root, "machine_id"),
		.label = json_get_str(root, "label"),
		.hostname = json_get_str(root, "hostname"),
		.store_id = json_get_str(root, "store_id"),
		.mark = json_get_str(root, "mark"),
	};
	if (!json_get_i64(root, "format", &header->format) || header->format < 1)
		return refuse(out, "bad_header", ERR_PARSE, err, "header without format number");
	if (header->format > WIRE_FORMAT)
		return 0; /* the rest is that format's business: the caller refuses it */
	if (header->machine_id.len == 0)
		return refuse(out, "bad_header", ERR_PARSE, err, "header without machine_id");
	if (time_parse(json_get_str(root, "sent_at"), &header->sent_at_ns, err) < 0) {
		out->reason = "bad_header";
		return err_context(err, "sent_at of the header");
	}
	return 0;
}

static int decode_trailer(const struct json *root, struct wire_line *out, struct err *err)
{
	out->kind = WIRE_TRAILER;
	if (!json_get_i64(root, "cursor", &out->trailer.cursor) || out->trailer.cursor < 0 ||
		!json_get_i64(root, "events", &out->trailer.events) || out->trailer.events < 0)
		return refuse(out, "bad_trailer", ERR_PARSE, err,
			"trailer without cursor and events, two whole numbers");
	out->trailer.more = json_is_true(json_get(root, "more"));
	out->trailer.mark = json_get_str(root, "mark");
	return 0;
}

/* The numbers of the envelope: time, duration, revision. */
static int take_numbers(const struct envelope *envelope, struct wire_line *out, struct err *err)
{
	struct event *event = &out->event;
	const struct json *duration = envelope->value[KEY_DURATION];
	const struct json *revision = envelope->value[KEY_REVISION];

	if (!json_is(envelope->value[KEY_TIMESTAMP], JSON_STRING))
		return refuse(out, "missing_timestamp", ERR_PARSE, err, "no timestamp");
	if (time_parse(json_str(envelope->value[KEY_TIMESTAMP]), &event->start_ns, err) < 0) {
		out->reason = "bad_timestamp";
		return err_context(err, "timestamp");
	}
	if (duration && !parse_duration(duration, &event->duration_ns))
		return refuse(out, "bad_duration", ERR_PARSE, err,
			"duration_ms is not a number of milliseconds");
	if (revision && (!json_is(revision, JSON_NUMBER) ||
				!json_to_i64(revision, &event->revision) || event->revision < 0))
		return refuse(
			out, "bad_revision", ERR_PARSE, err, "revision is not a whole number >= 0");
	event->deleted = json_is_true(envelope->value[KEY_DELETED]);
	return 0;
}

static int decode_event(struct wire_decoder *decoder, const struct json *root, struct str source,
	struct wire_line *out, struct err *err)
{
	struct event *event = &out->event;
	struct envelope envelope;
	struct str action = { NULL, 0 };
	struct str id;
	int rc = take_envelope(root, &envelope, out, err);

	if (rc < 0)
		return rc;
	out->kind = WIRE_EVENT;
	id = json_str(envelope.value[KEY_ID]);
	if (id.len == 0)
		return refuse(out, "missing_id", ERR_PARSE, err, "no id");
	rc = take_numbers(&envelope, out, err);
	if (rc < 0)
		return rc;
	event->source = json_str(envelope.value[KEY_SOURCE]);
	if (event->source.len == 0)
		event->source = source;
	if (event->source.len == 0)
		return refuse(out, "missing_source", ERR_PARSE, err, "no source");
	/* Clients of the ActivityWatch API may say so, and see it again. */
	if (event->duration_ns < 0 && !is_aw(event->source))
		return refuse(out, "bad_duration", ERR_PARSE, err, "duration_ms is negative");
	event->type = json_str(envelope.value[KEY_TYPE]);
	if (event->type.len == 0)
		return refuse(out, "missing_type", ERR_PARSE, err, "no type");
	predecessor_type(event->type, &event->type, &action);
	event->id = wire_normal_id(decoder, id);
	if (event->id.len > LIMIT_ID_BYTES)
		return refuse(out, "bad_id", ERR_LIMIT, err, "id longer than 1,024 bytes");
	clean_names(decoder, event);
	return take_payload(decoder, root, action, out, err);
}

/* A session line of the predecessor: rewritten into ours, then decoded like any other. */
static int decode_session(struct wire_decoder *decoder, const struct json *root,
	struct wire_line *out, struct err *err)
{
	struct buf line CLEANUP(buf_release) = BUF_INIT;
	const struct json *rewritten;
	int rc = predecessor_session(root, &line, &out->reason, err);

	if (rc < 0)
		return rc;
	rc = json_parse(&decoder->parser, buf_str(&line), false, &rewritten, err);
	if (rc < 0)
		return rc;
	return decode_event(decoder, rewritten, (struct str){ NULL, 0 }, out, err);
}

static bool is_name(struct str text)
{
	bool good = text.len <= LIMIT_NAME_BYTES && utf8_valid(text);

	for (size_t i = 0; i < text.len && good; i++)
		good = (unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f;
	return good;
}

/* What is no bucket as we know them is somebody else's business. */
static void decode_bucket(
	struct wire_decoder *decoder, const struct json *root, struct wire_line *out)
{
	struct wire_bucket *bucket = &out->bucket;
	const struct json *data = json_get(root, "data");
	struct err ignored;

	*bucket = (struct wire_bucket){
		.machine_id = json_get_str(root, "machine_id"),
		.source = json_get_str(root, "source"),
		.event_type = json_get_str(root, "event_type"),
		.type = json_get_str(root, "type_name"),
		.client = json_get_str(root, "client"),
		.hostname = json_get_str(root, "hostname"),
	};
	buf_clear(&decoder->data);
	if (!uuid_valid(bucket->machine_id) || !is_aw(bucket->source) || !is_name(bucket->source) ||
		bucket->event_type.len == 0 || !is_name(bucket->event_type) ||
		!is_name(bucket->type) || !is_name(bucket->client) || !is_name(bucket->hostname) ||
		time_parse(json_get_str(root, "created"), &bucket->created_ns, &ignored) < 0 ||
		!json_is(data, JSON_OBJECT) || !json_canonical(&decoder->data, data) ||
		decoder->data.len > LIMIT_EVENT_BYTES)
		return;
	bucket->data = buf_str(&decoder->data);
	out->kind = WIRE_BUCKET;
}

int wire_decode(struct wire_decoder *decoder, struct str line, struct str source,
	struct wire_line *out, struct err *err)
{
	const struct json *root;
	struct str type;
	int rc;

	*out = (struct wire_line){ .kind = WIRE_BLANK };
	if (str_trim(line).len == 0)
		return 0;
	out->kind = WIRE_EVENT;
	if (line.len > LIMIT_WIRE_LINE_BYTES)
		return refuse(out, "too_long", ERR_LIMIT, err, "line longer than 4 MiB");
	rc = json_parse(&decoder->parser, line, true, &root, err);
	if (rc < 0) {
		out->reason = rc == ERR_LIMIT ? "too_deep" : "not_json";
		return rc;
	}
	if (!json_is(root, JSON_OBJECT))
		return refuse(out, "not_object", ERR_PARSE, err, "JSON, but not an object");
	type = json_get_str(root, "type");
	if (json_get(root, "id"))
		return decode_event(decoder, root, source, out, err);
	if (str_eq_c(type, "header"))
		return decode_header(root, out, err);
	if (str_eq_c(type, "trailer"))
		return decode_trailer(root, out, err);
	if (str_eq_c(type, "session_metadata"))
		return decode_session(decoder, root, out, err);
	if (str_starts(type, STR("tt.")) && !json_get(root, "timestamp")) {
		out->kind = WIRE_BLANK;
		if (str_eq_c(type, "tt.bucket"))
			decode_bucket(decoder, root, out);
		return 0;
	}
	return decode_event(decoder, root, source, out, err);
}

static void put_duration(struct json_writer *writer, int64_t duration_ns)
{
	char text[48];
	uint64_t ns = duration_ns < 0 ? -(uint64_t)duration_ns : (uint64_t)duration_ns;
	uint64_t rest = ns % NS_PER_MS;
	int len = snprintf(text, sizeof(text), "%s%llu", duration_ns < 0 ? "-" : "",
		(unsigned long long)(ns / NS_PER_MS));

	if (rest > 0) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, ".%06llu",
			(unsigned long long)rest);
		while (text[len - 1] == '0')
			len--;
	}
	json_key(writer, envelope_names[KEY_DURATION]);
	json_put_raw(writer, (struct str){ text, (size_t)len });
}

void wire_encode_event(struct buf *out, const struct event *event)
{
	struct json_writer writer = json_writer(out);
	char time[TIME_TEXT_BYTES];

	json_begin_object(&writer);
	json_kv_str(&writer, envelope_names[KEY_ID].ptr, event->id);
	json_kv_str(&writer, envelope_names[KEY_TIMESTAMP].ptr,
		str_from(time_format_exact(event->start_ns, time)));
	json_kv_str(&writer, envelope_names[KEY_SOURCE].ptr, event->source);
	json_kv_str(&writer, envelope_names[KEY_TYPE].ptr, event->type);
	if (event->duration_ns != 0)
		put_duration(&writer, event->duration_ns);
	if (event->revision != 0)
		json_kv_i64(&writer, envelope_names[KEY_REVISION].ptr, event->revision);
	if (event->deleted)
		json_kv_bool(&writer, envelope_names[KEY_DELETED].ptr, true);
	if (!event->deleted && event->data.len > 2 && is_aw(event->source)) {
		json_key(&writer, STR("data"));
		json_put_raw(&writer, event->data);
	} else if (!event->deleted && event->data.len > 2) {
		/* The data is an object already: its members follow the envelope's. */
		buf_byte(out, ',');
		buf_add(out, str_sub(event->data, 1, event->data.len - 2));
	}
	json_end_object(&writer);
	buf_byte(out, '\n');
}

void wire_encode_header(struct buf *out, const struct wire_header *header)
{
	struct json_writer writer = json_writer(out);
	char time[TIME_TEXT_BYTES];

	json_begin_object(&writer);
	json_kv_str(&writer, "type", STR("header"));
	json_kv_i64(&writer, "format", header->format);
	json_kv_str(&writer, "program", STR("tt"));
	json_kv_str(&writer, "version", header->version);
	json_kv_str(&writer, "machine_id", header->machine_id);
	json_kv_str(&writer, "label", header->label);
	if (header->hostname.len > 0)
		json_kv_str(&writer, "hostname", header->hostname);
	json_kv_str(&writer, "store_id", header->store_id);
	json_kv_str(&writer, "sent_at", str_from(time_format(header->sent_at_ns, 3, time)));
	if (header->mark.len > 0)
		json_kv_str(&writer, "mark", header->mark);
	json_end_object(&writer);
	buf_byte(out, '\n');
}

void wire_encode_trailer(struct buf *out, const struct wire_trailer *trailer)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_str(&writer, "type", STR("trailer"));
	json_kv_i64(&writer, "cursor", trailer->cursor);
	json_kv_i64(&writer, "events", trailer->events);
	if (trailer->more)
		json_kv_bool(&writer, "more", true);
	if (trailer->mark.len > 0)
		json_kv_str(&writer, "mark", trailer->mark);
	json_end_object(&writer);
	buf_byte(out, '\n');
}

void wire_encode_bucket(struct buf *out, const struct wire_bucket *bucket)
{
	struct json_writer writer = json_writer(out);
	char time[TIME_TEXT_BYTES];

	json_begin_object(&writer);
	json_kv_str(&writer, "type", STR("tt.bucket"));
	if (bucket->shown.len > 0)
		json_kv_str(&writer, "bucket_id", bucket->shown);
	json_kv_str(&writer, "machine_id", bucket->machine_id);
	json_kv_str(&writer, "source", bucket->source);
	json_kv_str(&writer, "event_type", bucket->event_type);
	json_kv_str(&writer, "type_name", bucket->type);
	json_kv_str(&writer, "client", bucket->client);
	json_kv_str(&writer, "hostname", bucket->hostname);
	json_kv_str(&writer, "created", str_from(time_format_exact(bucket->created_ns, time)));
	json_key(&writer, STR("data"));
	json_put_raw(&writer, bucket->data);
	json_end_object(&writer);
	buf_byte(out, '\n');
}
