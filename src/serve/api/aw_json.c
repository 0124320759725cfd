/*
 * Reading: every member is checked on its own and its fault named, so that a client's author sees
 * what to change. Writing: members in the order of aw-server-rust's.
 */
#include "serve/api/aw_json.h"

#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "base/utf8.h"
#include "model/limits.h"

enum {
	TIME_DAY_BYTES = 10,  /* YYYY-MM-DD */
	TIME_MOST_BYTES = 64, /* of an instant without its superfluous blanks and digits */
	SHOWN_BYTES = 60,     /* of a rejected text, in its error */
	NUMBER_BYTES = 64,    /* of a number in a query argument */
	/* Of data: an export has some levels around it, and must be readable as a whole. */
	DATA_LEVELS = JSON_MAX_DEPTH - 8,
	FRACTION_DIGITS = 9, /* of a second in nanoseconds */
};

/* Durations whose decimal form has at most 15 digits and needs no exponent. */
#define DECIMAL_FROM_NS INT64_C(10000)
#define DECIMAL_TO_NS INT64_C(1000000000000000)

static const char *const type_names[] = {
	[JSON_NULL] = "null",
	[JSON_BOOL] = "a boolean",
	[JSON_NUMBER] = "a number",
	[JSON_STRING] = "a string",
	[JSON_ARRAY] = "an array",
	[JSON_OBJECT] = "an object",
};

static const char *type_name(const struct json *value)
{
	return value ? type_names[json_type(value)] : "missing";
}

static int wrong_type(
	const char *member, const char *wanted, const struct json *value, struct err *err)
{
	if (!value)
		return err_set(err, ERR_PARSE, "'%s' is missing (expected: %s)", member, wanted);
	return err_set(
		err, ERR_PARSE, "'%s' is %s (expected: %s)", member, type_name(value), wanted);
}

/* --- instants and durations --- */

static struct str skip_blanks(struct str text)
{
	while (text.len > 0 && text.ptr[0] == ' ')
		text = str_sub(text, 1, text.len);
	return text;
}

static size_t digits_at(struct str text, size_t at)
{
	size_t count = 0;

	while (at + count < text.len && text.ptr[at + count] >= '0' && text.ptr[at + count] <= '9')
		count++;
	return count;
}

/* The zone of REST in the strict form: "Z" for UTC, a colon in an offset; anything else stays. */
static void add_zone(struct buf *out, struct str rest)
{
	bool offset = rest.len == 5 && (rest.ptr[0] == '+' || rest.ptr[0] == '-') &&
		      digits_at(rest, 1) == 4;

	if (str_eq_c(rest, "UTC") || str_eq_c(rest, "utc")) {
		buf_byte(out, 'Z');
	} else if (offset) {
		buf_add(out, str_sub(rest, 0, 3));
		buf_byte(out, ':');
		buf_add(out, str_sub(rest, 3, 2));
	} else {
		buf_add(out, rest);
	}
}

/* Day, time and zone without the blanks that the strict form does not have. TEXT is trimmed and has
 * a separator behind the day. */
static void add_strict(struct buf *out, struct str text)
{
	struct str rest = skip_blanks(str_sub(text, TIME_DAY_BYTES, text.len));
	size_t length = 0;

	if (rest.ptr[0] == 'T' || rest.ptr[0] == 't')
		rest = skip_blanks(str_sub(rest, 1, rest.len));
	buf_add(out, str_sub(text, 0, TIME_DAY_BYTES));
	buf_byte(out, 'T');
	while (length < rest.len &&
		(digits_at(rest, length) > 0 || rest.ptr[length] == ':' || rest.ptr[length] == '.'))
		length++;
	buf_add(out, str_sub(rest, 0, length));
	add_zone(out, skip_blanks(str_sub(rest, length, rest.len)));
}

int aw_read_time(struct str text, int64_t *out_ns, struct err *err)
{
	CLEANUP(buf_release) struct buf strict = BUF_INIT;
	struct str trimmed = str_trim(text);

	if (time_parse(trimmed, out_ns, err) == 0)
		return 0;
	if (trimmed.len > TIME_MOST_BYTES)
		return err_set(err, ERR_PARSE,
			"'%.*s' is not an instant: it is too long (expected: RFC 3339, as in "
			"2026-02-03T14:32:01.250Z)",
			STR_ARG(utf8_cut(trimmed, SHOWN_BYTES)));
	if (trimmed.len <= TIME_DAY_BYTES ||
		str_find(STR("Tt "), trimmed.ptr[TIME_DAY_BYTES], 0) < 0)
		return err->code;
	add_strict(&strict, trimmed);
	return time_parse(buf_str(&strict), out_ns, err);
}

bool aw_seconds_to_ns(double seconds, int64_t *out_ns)
{
	double ns = round(seconds * 1e9);

	if (!(ns > -0x1p63 && ns < 0x1p63))
		return false;
	*out_ns = (int64_t)ns;
	return true;
}

bool aw_read_number(struct str text, double *out)
{
	char copy[NUMBER_BYTES];
	char *end;

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	/* What strtod takes beside decimal numbers: blanks, hexadecimal, names. */
	if (strspn(copy, "0123456789+-.eE") != text.len)
		return false;
	*out = strtod(copy, &end);
	return *end == '\0' && end != copy && isfinite(*out);
}

/* --- events --- */

static int read_instant(
	const struct json *object, const char *member, int64_t *out, struct err *err)
{
	const struct json *value = json_get(object, member);

	if (!json_is(value, JSON_STRING))
		return wrong_type(member, "an RFC 3339 instant with an offset", value, err);
	if (aw_read_time(json_str(value), out, err) < 0)
		return err_context(err, "'%s'", member);
	return 0;
}

static int read_duration(const struct json *object, int64_t *out, struct err *err)
{
	const struct json *value = json_get(object, "duration");
	double seconds;

	*out = 0;
	if (!value)
		return 0;
	if (!json_is(value, JSON_NUMBER))
		return wrong_type("duration", "a number of seconds", value, err);
	if (!json_to_double(value, &seconds) || !aw_seconds_to_ns(seconds, out))
		return err_set(err, ERR_PARSE, "'duration' is longer than 292 years");
	return 0;
}

static int read_number(const struct json *object, struct aw_given *out, struct err *err)
{
	const struct json *value = json_get(object, "id");

	out->numbered = value && json_type(value) != JSON_NULL;
	if (out->numbered && !json_to_i64(value, &out->event.number))
		return wrong_type("id", "an integer of 64 bits or null", value, err);
	return 0;
}

/* Has VALUE no more than LEVELS objects and arrays within each other? */
static bool nests_within(const struct json *value, int levels)
{
	struct json_iter iter = json_iter(value);
	const struct json *item;
	struct str key;

	if (!json_is(value, JSON_OBJECT) && !json_is(value, JSON_ARRAY))
		return true;
	if (levels == 0)
		return false;
	while (json_next(&iter, &key, &item))
		if (!nests_within(item, levels - 1))
			return false;
	return true;
}

static int read_data(
	const struct json *value, struct arena *arena, struct str *out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (!json_is(value, JSON_OBJECT))
		return wrong_type("data", "an object", value, err);
	if (!nests_within(value, DATA_LEVELS))
		return err_set(err, ERR_PARSE, "'data' nests deeper than %d levels", DATA_LEVELS);
	if (!json_canonical(&text, value))
		return err_set(err, ERR_PARSE,
			"'data' holds a number beyond what a double of 64 bits can say");
	if (text.len > LIMIT_EVENT_BYTES)
		return err_set(err, ERR_LIMIT, "'data' has %zu bytes, more than %d", text.len,
			LIMIT_EVENT_BYTES);
	*out = arena_str(arena, buf_str(&text));
	return 0;
}

int aw_read_event(
	const struct json *value, struct arena *arena, struct aw_given *out, struct err *err)
{
	struct aw_event *event = &out->event;
	int64_t end_ns;
	int rc;

	*out = (struct aw_given){ 0 };
	if (!json_is(value, JSON_OBJECT))
		return err_set(
			err, ERR_PARSE, "an event is an object, this is %s", type_name(value));
	rc = read_number(value, out, err);
	if (rc == 0)
		rc = read_instant(value, "timestamp", &event->start_ns, err);
	if (rc == 0)
		rc = read_duration(value, &event->duration_ns, err);
	if (rc == 0)
		rc = read_data(json_get(value, "data"), arena, &event->data, err);
	if (rc < 0)
		return rc;
	/* The store's own range; a second at each end is its. */
	if (event->start_ns > INT64_MAX - NS_PER_S || event->start_ns < INT64_MIN + NS_PER_S)
		return err_set(err, ERR_PARSE, "'timestamp' is at the very end of time");
	if (__builtin_add_overflow(event->start_ns, event->duration_ns, &end_ns))
		return err_set(err, ERR_PARSE,
			"'timestamp' and 'duration': it would end outside the years 1678 to 2262");
	return 0;
}

int aw_read_events(const struct json *value, struct arena *arena, struct aw_given **out,
	size_t *count, struct err *err)
{
	struct json_iter iter = json_iter(value);
	const struct json *item;
	struct str key;
	int rc;

	*count = json_is(value, JSON_ARRAY) ? json_len(value) : 1;
	if (*count > LIMIT_BODY_EVENTS)
		return err_set(err, ERR_LIMIT, "%zu events in one request, more than %d", *count,
			LIMIT_BODY_EVENTS);
	*out = arena_zalloc(arena, *count, sizeof(**out));
	if (!json_is(value, JSON_ARRAY))
		return aw_read_event(value, arena, *out, err);
	for (size_t i = 0; json_next(&iter, &key, &item); i++) {
		rc = aw_read_event(item, arena, *out + i, err);
		if (rc < 0)
			return err_context(err, "event %zu", i);
	}
	return 0;
}

/* --- buckets --- */

static int read_name(const struct json *object, const char *member, bool required, struct str *out,
	struct err *err)
{
	const struct json *value = json_get(object, member);

	if (!required && (!value || json_type(value) == JSON_NULL))
		return 0;
	if (!json_is(value, JSON_STRING))
		return wrong_type(member, "a string", value, err);
	*out = json_str(value);
	if (out->len > LIMIT_NAME_BYTES)
		return err_set(err, ERR_PARSE, "'%s' has %zu bytes, more than %d", member, out->len,
			LIMIT_NAME_BYTES);
	return 0;
}

static bool given(const struct json *object, const char *member)
{
	const struct json *value = json_get(object, member);

	return value && json_type(value) != JSON_NULL;
}

static int read_bucket_events(const struct json *object, struct arena *arena,
	struct aw_given_bucket *out, struct err *err)
{
	const struct json *events = json_get(object, "events");

	if (!given(object, "events"))
		return 0;
	if (!json_is(events, JSON_ARRAY))
		return wrong_type("events", "an array of events", events, err);
	if (aw_read_events(events, arena, &out->events, &out->event_count, err) < 0)
		return err_context(err, "'events'");
	return 0;
}

int aw_read_bucket(const struct json *value, bool whole, struct arena *arena,
	struct aw_given_bucket *out, struct err *err)
{
	int rc;

	*out = (struct aw_given_bucket){ .created_ns = INT64_MIN };
	if (!json_is(value, JSON_OBJECT))
		return err_set(
			err, ERR_PARSE, "a bucket is an object, this is %s", type_name(value));
	rc = read_name(value, "type", whole, &out->type, err);
	if (rc == 0)
		rc = read_name(value, "client", whole, &out->client, err);
	if (rc == 0)
		rc = read_name(value, "hostname", whole, &out->hostname, err);
	if (rc == 0 && given(value, "data"))
		rc = read_data(json_get(value, "data"), arena, &out->data, err);
	if (rc == 0 && whole && given(value, "created"))
		rc = read_instant(value, "created", &out->created_ns, err);
	if (rc == 0 && whole)
		rc = read_bucket_events(value, arena, out, err);
	return rc;
}

struct str aw_data_with(struct str data, const char *key, struct str text, struct arena *arena)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf longer = BUF_INIT, canonical = BUF_INIT;
	struct json_writer writer = json_writer(&longer);
	const struct json *object, *value;
	struct json_iter iter;
	struct str name;
	struct err err;

	ASSERT(json_parse(&parser, data, false, &object, &err) == 0);
	json_begin_object(&writer);
	for (iter = json_iter(object); json_next(&iter, &name, &value);) {
		json_key(&writer, name);
		json_put_value(&writer, value);
	}
	json_kv_str(&writer, key, text);
	json_end_object(&writer);
	/* Of a repeated member the canonical form has the last. */
	ASSERT(json_parse(&parser, buf_str(&longer), false, &object, &err) == 0);
	ASSERT(json_canonical(&canonical, object));
	return arena_str(arena, buf_str(&canonical));
}

/* --- writing --- */

static const char *format_time(int64_t ns, char text[static TIME_TEXT_BYTES])
{
	return ns % NS_PER_S == 0 ? time_format(ns, 0, text) : time_format_exact(ns, text);
}

void aw_put_time(struct json_writer *writer, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	json_put_str(writer, str_from(format_time(ns, text)));
}

/* NS as seconds, decimal, where it can be; what that is, is what json_put_float would say of it: up
 * to 15 digits are the shortest of their double. */
static bool put_decimal(struct buf *out, int64_t ns)
{
	char fraction[FRACTION_DIGITS];
	int64_t rest = ns % NS_PER_S;
	size_t len = FRACTION_DIGITS;

	if (ns != 0 && (ns < DECIMAL_FROM_NS || ns >= DECIMAL_TO_NS))
		return false;
	for (size_t i = FRACTION_DIGITS; i-- > 0; rest /= 10)
		fraction[i] = (char)('0' + rest % 10);
	while (len > 1 && fraction[len - 1] == '0')
		len--;
	buf_i64(out, ns / NS_PER_S);
	buf_byte(out, '.');
	buf_add(out, (struct str){ fraction, len });
	return true;
}

/* Listings consist of little else, so it is spelled out, member by member. */
void aw_put_event(struct json_writer *writer, const struct aw_event *event)
{
	char time[TIME_TEXT_BYTES];
	struct buf *out = writer->out;

	json_put_raw(writer, STR("{\"id\":"));
	buf_i64(out, event->number);
	buf_add(out, STR(",\"timestamp\":\""));
	buf_addc(out, format_time(event->start_ns, time));
	buf_add(out, STR("\",\"duration\":"));
	if (!put_decimal(out, event->duration_ns)) {
		struct json_writer alone = json_writer(out);

		json_put_float(&alone, (double)event->duration_ns / 1e9);
	}
	buf_add(out, STR(",\"data\":"));
	buf_add(out, event->data);
	buf_byte(out, '}');
}

void aw_put_time_or_null(struct json_writer *writer, const char *key, int64_t ns)
{
	json_key(writer, str_from(key));
	if (ns == INT64_MIN)
		json_put_null(writer);
	else
		aw_put_time(writer, ns);
}

void aw_put_text(struct json_writer *writer, const char *key, struct str text)
{
	json_kv_str(writer, key, text.ptr ? text : STR(""));
}

void aw_put_bucket_members(struct json_writer *writer, const struct aw_bucket *bucket)
{
	aw_put_text(writer, "id", bucket->id);
	aw_put_text(writer, "type", bucket->type);
	aw_put_text(writer, "client", bucket->client);
	aw_put_text(writer, "hostname", bucket->hostname);
	aw_put_time_or_null(writer, "created", bucket->created_ns);
	json_kv_null(writer, "name");
	json_key(writer, STR("data"));
	json_put_raw(writer, bucket->data.len > 0 ? bucket->data : STR("{}"));
	json_key(writer, STR("metadata"));
	json_begin_object(writer);
	aw_put_time_or_null(writer, "start", bucket->first_ns);
	aw_put_time_or_null(writer, "end", bucket->end_ns);
	json_end_object(writer);
	aw_put_time_or_null(writer, "last_updated", bucket->newest_end_ns);
	aw_put_text(writer, "machine_id", bucket->machine_id);
	json_kv_i64(writer, "event_count", bucket->events);
}

void aw_put_bucket(struct json_writer *writer, const struct aw_bucket *bucket)
{
	json_begin_object(writer);
	aw_put_bucket_members(writer, bucket);
	json_kv_null(writer, "events");
	json_end_object(writer);
}
