/* The wire form: what a line says, what is refused and under which word, and that nothing is lost
 * on the way out and in again. */
#include "base/mem.h"
#include "base/utf8.h"
#include "model/codec.h"
#include "model/id.h"
#include "model/limits.h"
#include "tap.h"

#define MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"
#define FOCUS_ID MACHINE ":remote.tmux:tmux_pane_focus:2026-02-03T14:32:01.250Z:%3"
#define FOCUS                                                                                      \
	"{\"id\":\"" FOCUS_ID "\",\"timestamp\":\"2026-02-03T14:32:01.250Z\","                     \
	"\"source\":\"remote.tmux\",\"type\":\"tmux_pane_focus\",\"cwd\":\"/h/p\","                \
	"\"pane_id\":\"%3\",\"tmux_session\":\"main\",\"window_index\":1}"
/* A line of an unknown type with REST behind its envelope. */
#define LINE(rest)                                                                                  \
	"{\"id\":\"x\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"source\":\"s\",\"type\":\"t\"" rest \
	"}"

static struct wire_line decode(struct wire_decoder *decoder, const char *text)
{
	struct wire_line line;
	struct err err = { 0 };
	int rc = wire_decode(decoder, str_from(text), STR(""), &line, &err);

	tap_check(rc == 0, __FILE__, __LINE__, "refused: %s (%s)", text, err.message);
	return line;
}

static void data_is(const char *text, const char *data)
{
	struct wire_decoder decoder = { 0 };

	IS_STR(decode(&decoder, text).event.data, data);
	wire_decoder_release(&decoder);
}

static void a_focus_line(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line = decode(&decoder, FOCUS "\r");

	IS_INT(line.kind, WIRE_EVENT);
	IS_STR(line.event.id, FOCUS_ID);
	IS_STR(line.event.source, "remote.tmux");
	IS_STR(line.event.type, "tmux_pane_focus");
	IS_INT(line.event.start_ns, INT64_C(1770129121250) * NS_PER_MS);
	IS_INT(line.event.duration_ns, 0);
	IS_INT(line.event.revision, 0);
	OK(!line.event.deleted);
	IS_STR(line.event.data, "{\"cwd\":\"/h/p\",\"pane_id\":\"%3\",\"tmux_session\":\"main\","
				"\"window_index\":1}");
	wire_decoder_release(&decoder);
}

static void a_line_is_written_as_documented(void)
{
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	struct event event = { .id = STR("i"),
		.source = STR("s"),
		.type = STR("t"),
		.start_ns = 1,
		.duration_ns = 1500000,
		.revision = 2,
		.data = STR("{\"a\":1.10}") };

	wire_encode_event(&out, &event);
	IS_STR(buf_str(&out), "{\"id\":\"i\",\"timestamp\":\"1970-01-01T00:00:00.000000001Z\","
			      "\"source\":\"s\",\"type\":\"t\",\"duration_ms\":1.5,\"revision\":2,"
			      "\"a\":1.10}\n");
	buf_clear(&out);
	event = (struct event){ .id = STR("i"),
		.source = STR("s"),
		.type = STR("t"),
		.deleted = true,
		.data = STR("{\"a\":1}") };
	wire_encode_event(&out, &event);
	IS_STR(buf_str(&out), "{\"id\":\"i\",\"timestamp\":\"1970-01-01T00:00:00.000Z\","
			      "\"source\":\"s\",\"type\":\"t\",\"deleted\":true}\n");
}

/* Case D4 of the predecessor's acceptance list, and the id that comes with it. */
static void offsets_are_normalised_in_time_and_id(void)
{
	struct wire_decoder decoder = { 0 };
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	struct wire_line line = decode(&decoder,
		"{\"id\":\"5F0C8A52-91D7-4c0e-8b6a-2d1f7a9be310:s:t:2026-02-03T09:32:01-05:00:x:y\","
		"\"timestamp\":\"2026-02-03T09:32:01-05:00\",\"source\":\"s\",\"type\":\"t\"}");

	IS_STR(line.event.id, MACHINE ":s:t:2026-02-03T14:32:01.000Z:x:y");
	wire_encode_event(&out, &line.event);
	OK(str_find_str(buf_str(&out), STR("\"timestamp\":\"2026-02-03T14:32:01.000Z\"")) > 0);
	wire_decoder_release(&decoder);
}

/* Case D5: ids that name no machine are kept as they are. */
static void foreign_ids_are_kept(void)
{
	static const char *const ids[] = { "x", "abc-user_message-17",
		"not-a-uuid-but-of-thirty-six-letters:s:t:2026-02-03T09:32:01-05:00:x" };
	struct wire_decoder decoder = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct buf text CLEANUP(buf_release) = BUF_INIT;
		struct wire_line line;

		buf_printf(&text,
			"{\"id\":\"%s\",\"timestamp\":\"2026-02-03T09:32:01Z\",\"source\":\"s\","
			"\"type\":\"t\"}",
			ids[i]);
		line = decode(&decoder, buf_cstr(&text));
		IS_STR(line.event.id, ids[i]);
		IS_INT(id_machine(line.event.id).len, 0);
	}
	wire_decoder_release(&decoder);
}

#define AGENT(rest)                                                                                \
	"{\"id\":\"x\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"source\":\"s\","                   \
	"\"type\":\"agent_tool_use\"" rest "}"

/* Case D13: payload under "data" is lifted when a required key is only there, else it is payload
 * itself. */
static void nested_payload_is_lifted_when_needed(void)
{
	data_is(AGENT(",\"data\":{\"session_id\":\"a\",\"tool\":\"Edit\"}"),
		"{\"session_id\":\"a\",\"tool\":\"Edit\"}");
	data_is(AGENT(",\"cwd\":\"/h\",\"data\":{\"session_id\":\"a\",\"cwd\":\"/x\",\"id\":\"y\"}"),
		"{\"cwd\":\"/h\",\"session_id\":\"a\"}");
	data_is(AGENT(",\"session_id\":\"a\",\"data\":{\"session_id\":\"b\"}"),
		"{\"session_id\":\"a\",\"data\":{\"session_id\":\"b\"}}");
	data_is(AGENT(",\"data\":{\"session_id\":\"a\",\"data\":{\"b\":1}}"),
		"{\"session_id\":\"a\",\"data\":{\"b\":1}}");
	data_is(LINE(",\"data\":{\"session_id\":\"a\"}"), "{\"data\":{\"session_id\":\"a\"}}");
}

static void old_session_types_become_actions(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line = decode(&decoder,
		"{\"id\":\"x\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"source\":\"s\","
		"\"type\":\"session_end\",\"session_id\":\"a\"}");

	IS_STR(line.event.type, "agent_session");
	IS_STR(line.event.data, "{\"action\":\"ended\",\"session_id\":\"a\"}");
	line = decode(&decoder,
		"{\"id\":\"x\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"source\":\"s\","
		"\"type\":\"session_start\",\"data\":{\"session_id\":\"a\",\"action\":\"resumed\"}}");
	IS_STR(line.event.data, "{\"session_id\":\"a\",\"action\":\"resumed\"}");
	wire_decoder_release(&decoder);
}

static void unknown_types_keys_and_numbers_are_kept_verbatim(void)
{
	data_is(LINE(",\"n\":9007199254740993,\"r\":1.10,\"e\":1E+2,\"big\":123456789012345678901234567890,"
		     "\"u\":\"\\u00e9\\ud83d\\ude00\",\"z\":null,\"a\":[ 1 , {} ],\"\":0"),
		"{\"n\":9007199254740993,\"r\":1.10,\"e\":1E+2,\"big\":123456789012345678901234567890,"
		"\"u\":\"é😀\",\"z\":null,\"a\":[1,{}],\"\":0}");
	data_is(LINE(",\"machine_id\":\"m\",\"schema_version\":1"),
		"{\"machine_id\":\"m\",\"schema_version\":1}");
}

static void bytes_that_are_not_utf8_are_replaced(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line = decode(&decoder,
		"{\"id\":\"i\xff\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"source\":\"s\xc3\","
		"\"type\":\"\xe2\x82t\",\"cwd\":\"/\x80\"}");

	IS_STR(line.event.id, "i\xef\xbf\xbd");
	IS_STR(line.event.source, "s\xef\xbf\xbd");
	OK(utf8_valid(line.event.type));
	IS_STR(line.event.data, "{\"cwd\":\"/\xef\xbf\xbd\"}");
	wire_decoder_release(&decoder);
}

static void durations_are_exact(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} forms[] = { { "0", 0 }, { "1", 1000000 }, { "1.5", 1500000 }, { "0.000001", 1 },
		{ "12.000250", 12000250 }, { "1e3", 1000000000 }, { "-0", 0 },
		{ "9223372036853.999999", INT64_C(9223372036853999999) } };
	struct wire_decoder decoder = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct buf text CLEANUP(buf_release) = BUF_INIT;

		buf_printf(&text, LINE(",\"duration_ms\":%s"), forms[i].text);
		IS_INT(decode(&decoder, buf_cstr(&text)).event.duration_ns, forms[i].ns);
	}
	wire_decoder_release(&decoder);
}

/* What clients of the ActivityWatch API post: negative durations, and any key. */
static void posted_events_round_trip(void)
{
	static const char *const datas[] = { "{}", "{\"a\":1.0}", "{\"data\":{\"x\":1}}",
		("{\"deleted\":true,\"duration_ms\":5,\"id\":\"mine\",\"source\":\"s\","
		 "\"timestamp\":0,\"type\":\"header\"}") };
	static const int64_t durations[] = { -1, -1500000, -5000000000, 7, INT64_MIN / 1000 };
	struct wire_decoder decoder = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(datas) * ARRAY_LEN(durations); i++) {
		struct buf text CLEANUP(buf_release) = BUF_INIT;
		const struct event event = { .id = STR("x"),
			.source = STR("aw.b"),
			.type = STR("t"),
			.duration_ns = durations[i / ARRAY_LEN(datas)],
			.data = str_from(datas[i % ARRAY_LEN(datas)]) };
		struct wire_line line;

		wire_encode_event(&text, &event);
		line = decode(&decoder, buf_cstr(&text));
		IS_INT(line.kind, WIRE_EVENT);
		IS_INT(line.event.duration_ns, event.duration_ns);
		OK(str_eq(line.event.data, event.data) && str_eq(line.event.id, event.id));
	}
	wire_decoder_release(&decoder);
}

static void a_tombstone_carries_no_payload(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line = decode(
		&decoder, LINE(",\"deleted\":true,\"revision\":4,\"a\":1,\"duration_ms\":5"));

	OK(line.event.deleted);
	IS_INT(line.event.revision, 4);
	IS_INT(line.event.duration_ns, 0);
	IS_STR(line.event.data, "{}");
	/* It needs no required keys either. */
	line = decode(&decoder, AGENT(",\"deleted\":true"));
	OK(line.event.deleted);
	wire_decoder_release(&decoder);
}

static void header_and_trailer_round_trip(void)
{
	struct wire_decoder decoder = { 0 };
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	struct wire_header header = { .format = WIRE_FORMAT,
		.version = STR("0.1.0"),
		.machine_id = STR(MACHINE),
		.label = STR("dev \"box\""),
		.store_id = STR("st"),
		.sent_at_ns = INT64_C(1770129121250) * NS_PER_MS };
	struct wire_trailer trailer = { .cursor = INT64_MAX, .events = 7 };
	struct wire_line line;

	wire_encode_header(&out, &header);
	line = decode(&decoder, buf_cstr(&out));
	IS_INT(line.kind, WIRE_HEADER);
	IS_INT(line.header.format, WIRE_FORMAT);
	IS_STR(line.header.version, "0.1.0");
	IS_STR(line.header.machine_id, MACHINE);
	IS_STR(line.header.label, "dev \"box\"");
	IS_STR(line.header.store_id, "st");
	IS_INT(line.header.sent_at_ns, header.sent_at_ns);
	buf_clear(&out);
	wire_encode_trailer(&out, &trailer);
	IS_STR(buf_str(&out),
		"{\"type\":\"trailer\",\"cursor\":9223372036854775807,\"events\":7}\n");
	line = decode(&decoder, buf_cstr(&out));
	IS_INT(line.kind, WIRE_TRAILER);
	IS_INT(line.trailer.cursor, INT64_MAX);
	IS_INT(line.trailer.events, 7);
	wire_decoder_release(&decoder);
}

#define BUCKET(source, created, data)                                                                            \
	"{\"type\":\"tt.bucket\",\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\",\"source\":\"" source   \
	"\",\"event_type\":\"e\",\"type_name\":\"t\",\"client\":\"c\",\"hostname\":\"h\",\"created\":\"" created \
	"\",\"data\":" data "}"

static void buckets(void)
{
	static const char *const others[] = {
		BUCKET("remote.tmux", "2026-02-03T14:32:01Z", "{}"),
		BUCKET("aw.\\u0007", "2026-02-03T14:32:01Z", "{}"),
		BUCKET("aw.b", "soon", "{}"),
		BUCKET("aw.b", "2026-02-03T14:32:01Z", "[]"),
		"{\"type\":\"tt.bucket\",\"bucket_id\":\"b\",\"machine_id\":\"\",\"data\":{}}",
		"{\"type\":\"tt.bucket\"}",
		"{\"type\":\"tt.of_later\",\"data\":{}}",
	};
	struct wire_decoder decoder = { 0 };
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	struct wire_line line = decode(
		&decoder, BUCKET("aw.b%3A", "2026-02-03T14:32:01+01:00", "{\"b\":[1,2],\"a\":{}}"));

	IS_INT(line.kind, WIRE_BUCKET);
	IS_STR(line.bucket.source, "aw.b%3A");
	IS_STR(line.bucket.data, "{\"a\":{},\"b\":[1,2]}");
	wire_encode_bucket(&out, &line.bucket);
	IS_STR(buf_str(&out),
		BUCKET("aw.b%3A", "2026-02-03T13:32:01.000Z", "{\"a\":{},\"b\":[1,2]}") "\n");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		IS_INT(decode(&decoder, others[i]).kind, WIRE_BLANK);
	wire_decoder_release(&decoder);
}

static void blank_lines_are_blank(void)
{
	struct wire_decoder decoder = { 0 };

	IS_INT(decode(&decoder, "").kind, WIRE_BLANK);
	IS_INT(decode(&decoder, " \t\r").kind, WIRE_BLANK);
	wire_decoder_release(&decoder);
}

static void a_missing_source_has_a_stand_in(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct err err;
	struct str text =
		STR("{\"id\":\"x\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"type\":\"t\"}");

	IS_INT(wire_decode(&decoder, text, STR("manual"), &line, &err), 0);
	IS_STR(line.event.source, "manual");
	IS_INT(wire_decode(&decoder, text, STR(""), &line, &err), ERR_PARSE);
	IS_CSTR(line.reason, "missing_source");
	IS_INT(wire_decode(&decoder, STR(LINE("")), STR("manual"), &line, &err), 0);
	IS_STR(line.event.source, "s");
	wire_decoder_release(&decoder);
}

#define STAMP "\"timestamp\":\"2026-02-03T14:32:01Z\""

static const struct {
	const char *line;
	const char *reason;
} refused[] = {
	{ "garbage", "not_json" },
	{ "{\"id\":\"x\"", "not_json" },
	{ FOCUS "x", "not_json" },
	{ "[]", "not_object" },
	{ "7", "not_object" },
	{ "{}", "missing_id" },
	{ "{\"id\":\"\"," STAMP ",\"source\":\"s\",\"type\":\"t\"}", "missing_id" },
	{ "{\"id\":7," STAMP ",\"source\":\"s\",\"type\":\"t\"}", "missing_id" },
	{ "{\"id\":\"x\",\"source\":\"s\",\"type\":\"t\"}", "missing_timestamp" },
	{ "{\"id\":\"x\",\"timestamp\":17,\"source\":\"s\",\"type\":\"t\"}", "missing_timestamp" },
	{ "{\"id\":\"x\",\"timestamp\":\"soon\",\"source\":\"s\",\"type\":\"t\"}",
		"bad_timestamp" },
	{ "{\"id\":\"x\"," STAMP ",\"type\":\"t\"}", "missing_source" },
	{ "{\"id\":\"x\"," STAMP ",\"source\":\"s\"}", "missing_type" },
	{ LINE(",\"duration_ms\":-1"), "bad_duration" },
	{ LINE(",\"duration_ms\":\"5\""), "bad_duration" },
	{ LINE(",\"duration_ms\":9223372036854775807"), "bad_duration" },
	{ LINE(",\"duration_ms\":9223372036854.999999"), "bad_duration" },
	{ LINE(",\"revision\":-1"), "bad_revision" },
	{ LINE(",\"revision\":1.5"), "bad_revision" },
	{ LINE(",\"revision\":\"1\""), "bad_revision" },
	{ LINE(",\"type\":\"u\""), "duplicate_key" },
	{ LINE(",\"id\":\"y\""), "duplicate_key" },
	{ AGENT(""), "missing_key" },
	{ AGENT(",\"session_id\":\"\""), "missing_key" },
	{ AGENT(",\"session_id\":null,\"data\":{\"session_id\":\"a\"}"), "missing_key" },
	{ AGENT(",\"data\":{\"session_id\":7}"), "missing_key" },
	{ AGENT(",\"data\":\"session_id\""), "missing_key" },
	{ "{\"type\":\"header\"}", "bad_header" },
	{ "{\"type\":\"header\",\"format\":0,\"machine_id\":\"m\"}", "bad_header" },
	{ "{\"type\":\"header\",\"format\":1,\"sent_at\":\"2026-02-03T14:32:01Z\"}", "bad_header" },
	{ "{\"type\":\"header\",\"format\":1,\"machine_id\":\"m\",\"sent_at\":\"x\"}",
		"bad_header" },
	{ "{\"type\":\"trailer\"}", "bad_trailer" },
	{ "{\"type\":\"trailer\",\"cursor\":1}", "bad_trailer" },
	{ "{\"type\":\"trailer\",\"cursor\":-1,\"events\":0}", "bad_trailer" },
};

static void what_is_refused_has_a_reason(void)
{
	struct wire_decoder decoder = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct wire_line line = { .reason = "" };
		struct err err = { 0 };
		int rc = wire_decode(&decoder, str_from(refused[i].line), STR(""), &line, &err);

		tap_check(rc == ERR_PARSE && line.reason &&
				  strcmp(line.reason, refused[i].reason) == 0,
			__FILE__, __LINE__, "%s: code %d, reason %s, want %s", refused[i].line, rc,
			line.reason ? line.reason : "none", refused[i].reason);
		OK(err.message[0] != '\0');
	}
	wire_decoder_release(&decoder);
}

static void a_missing_key_is_named(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct err err;

	IS_INT(wire_decode(&decoder, STR(AGENT("")), STR(""), &line, &err), ERR_PARSE);
	OK(strstr(err.message, "session_id") != NULL);
	OK(strstr(err.message, "agent_tool_use") != NULL);
	wire_decoder_release(&decoder);
}

static void add_times(struct buf *out, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		buf_addc(out, text);
}

static void is_over_limit(const struct buf *text, const char *reason)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct err err;

	IS_INT(wire_decode(&decoder, buf_str(text), STR(""), &line, &err), ERR_LIMIT);
	IS_CSTR(line.reason, reason);
	wire_decoder_release(&decoder);
}

static void limits_hold(void)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	add_times(&text, LIMIT_WIRE_LINE_BYTES + 1, "x");
	is_over_limit(&text, "too_long");
	buf_clear(&text);
	buf_addc(&text, "{\"a\":");
	add_times(&text, JSON_MAX_DEPTH, "[");
	add_times(&text, JSON_MAX_DEPTH, "]");
	buf_byte(&text, '}');
	is_over_limit(&text, "too_deep");
	buf_clear(&text);
	buf_addc(&text, "{\"id\":\"");
	add_times(&text, LIMIT_ID_BYTES + 1, "x");
	buf_addc(&text, "\"," STAMP ",\"source\":\"s\",\"type\":\"t\"}");
	is_over_limit(&text, "bad_id");
}

/* An id that only normalising makes too long could be written but never read again. */
static void the_limit_holds_for_the_normalised_id(void)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	size_t head;

	buf_addc(&text, "{\"id\":\"");
	head = text.len;
	buf_addc(&text, MACHINE ":s:t:2026-02-03T14:32:01Z:");
	add_times(&text, LIMIT_ID_BYTES - (text.len - head), "x");
	buf_addc(&text, "\"," STAMP ",\"source\":\"s\",\"type\":\"t\"}");
	is_over_limit(&text, "bad_id");
}

/* A small generator of our own: the same events in every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_text(uint64_t *seed, struct buf *out)
{
	static const char *const pieces[] = { "a", "Z", " ", "/", ":", "\"", "\\", "\n", "\t",
		"\x01", "é", "漢", "😀", "\x7f", "\xef\xbf\xbd", "%", "{", "]" };

	for (uint64_t i = next_random(seed) % 12; i > 0; i--)
		buf_addc(out, pieces[next_random(seed) % ARRAY_LEN(pieces)]);
}

static void random_value(uint64_t *seed, struct json_writer *writer, int depth)
{
	static const char *const numbers[] = { "0", "-1", "9007199254740993", "1.10", "1e300",
		"123456789012345678901234567890", "-0.0", "18446744073709551615" };
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	switch (next_random(seed) % (depth > 3 ? 4 : 6)) {
	case 0:
		json_put_null(writer);
		return;
	case 1:
		json_put_bool(writer, next_random(seed) % 2 == 0);
		return;
	case 2:
		json_put_raw(writer, str_from(numbers[next_random(seed) % ARRAY_LEN(numbers)]));
		return;
	case 3:
		random_text(seed, &text);
		json_put_str(writer, buf_str(&text));
		return;
	case 4:
		json_begin_array(writer);
		for (uint64_t i = next_random(seed) % 4; i > 0; i--)
			random_value(seed, writer, depth + 1);
		json_end_array(writer);
		return;
	default:
		json_begin_object(writer);
		for (uint64_t i = next_random(seed) % 4; i > 0; i--) {
			buf_clear(&text);
			random_text(seed, &text);
			json_key(writer, buf_str(&text));
			random_value(seed, writer, depth + 1);
		}
		json_end_object(writer);
		return;
	}
}

struct random_event {
	struct event event;
	struct buf id;
	struct buf data;
	struct buf source;
};

static void random_event_make(uint64_t *seed, struct random_event *out)
{
	size_t count;
	const struct event_type *types = event_types(&count);
	size_t pick = next_random(seed) % (count + 2);
	struct json_writer writer = json_writer(&out->data);
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct event *event = &out->event;

	event->type = pick < count ? str_from(types[pick].name) : STR("note_of_the_future");
	event->start_ns =
		(int64_t)(next_random(seed) % UINT64_C(9000000000000000000)) * (pick % 2 ? 1 : -1);
	event->duration_ns =
		next_random(seed) % 3 ? (int64_t)(next_random(seed) % 100000000000) : 0;
	event->revision = next_random(seed) % 3 ? 0 : (int64_t)(next_random(seed) >> 1);
	if (next_random(seed) % 3 == 0)
		event->revision = (int64_t)(next_random(seed) % 3);
	if (next_random(seed) % 4 == 0)
		buf_addc(&out->source, "aw.");
	random_text(seed, &out->source);
	buf_byte(&out->source, 's');
	random_text(seed, &text);
	id_build(&out->id, STR(MACHINE), STR("s"), event->type, event->start_ns, buf_str(&text));
	json_begin_object(&writer);
	for (size_t i = 0;
		pick < count && i < ARRAY_LEN(types[pick].required) && types[pick].required[i]; i++)
		json_kv_str(&writer, types[pick].required[i], STR("r"));
	for (uint64_t i = next_random(seed) % 6; i > 0; i--) {
		buf_clear(&text);
		buf_printf(&text, "k%u", (unsigned)i);
		random_text(seed, &text);
		json_key(&writer, buf_str(&text));
		random_value(seed, &writer, 0);
	}
	json_end_object(&writer);
	event->id = buf_str(&out->id);
	event->source = buf_str(&out->source);
	event->data = buf_str(&out->data);
	if (next_random(seed) % 8 == 0) {
		event->deleted = true;
		event->duration_ns = 0;
		event->data = STR("{}");
	}
}

static bool same_event(const struct event *a, const struct event *b)
{
	return str_eq(a->id, b->id) && str_eq(a->source, b->source) && str_eq(a->type, b->type) &&
	       a->start_ns == b->start_ns && a->duration_ns == b->duration_ns &&
	       a->revision == b->revision && a->deleted == b->deleted && str_eq(a->data, b->data);
}

static void encoding_and_decoding_are_inverse(void)
{
	struct wire_decoder decoder = { 0 };
	uint64_t seed = 20260203;

	for (int i = 0; i < 5000; i++) {
		struct random_event random = { 0 };
		struct buf out CLEANUP(buf_release) = BUF_INIT;
		struct buf again CLEANUP(buf_release) = BUF_INIT;
		struct wire_line line = { 0 };
		struct err err = { 0 };
		int rc;

		random_event_make(&seed, &random);
		wire_encode_event(&out, &random.event);
		rc = wire_decode(
			&decoder, str_sub(buf_str(&out), 0, out.len - 1), STR(""), &line, &err);
		tap_check(rc == 0 && same_event(&line.event, &random.event), __FILE__, __LINE__,
			"%s: %s", err.message, buf_cstr(&out));
		if (rc == 0)
			wire_encode_event(&again, &line.event);
		OK(str_eq(buf_str(&out), buf_str(&again)));
		buf_release(&random.id);
		buf_release(&random.data);
		buf_release(&random.source);
	}
	wire_decoder_release(&decoder);
}

/* Every prefix of a line is refused, never half understood. */
static void a_cut_line_is_not_json(void)
{
	struct wire_decoder decoder = { 0 };
	struct str whole = STR(FOCUS);

	for (size_t len = 1; len < whole.len; len++) {
		struct wire_line line;
		struct err err;

		IS_INT(wire_decode(&decoder, str_sub(whole, 0, len), STR(""), &line, &err),
			ERR_PARSE);
		IS_CSTR(line.reason, "not_json");
	}
	wire_decoder_release(&decoder);
}

static const struct tap_case cases[] = {
	TAP_CASE(a_focus_line),
	TAP_CASE(a_line_is_written_as_documented),
	TAP_CASE(offsets_are_normalised_in_time_and_id),
	TAP_CASE(foreign_ids_are_kept),
	TAP_CASE(nested_payload_is_lifted_when_needed),
	TAP_CASE(old_session_types_become_actions),
	TAP_CASE(unknown_types_keys_and_numbers_are_kept_verbatim),
	TAP_CASE(bytes_that_are_not_utf8_are_replaced),
	TAP_CASE(durations_are_exact),
	TAP_CASE(posted_events_round_trip),
	TAP_CASE(a_tombstone_carries_no_payload),
	TAP_CASE(header_and_trailer_round_trip),
	TAP_CASE(buckets),
	TAP_CASE(blank_lines_are_blank),
	TAP_CASE(a_missing_source_has_a_stand_in),
	TAP_CASE(what_is_refused_has_a_reason),
	TAP_CASE(a_missing_key_is_named),
	TAP_CASE(limits_hold),
	TAP_CASE(the_limit_holds_for_the_normalised_id),
	TAP_CASE(encoding_and_decoding_are_inverse),
	TAP_CASE(a_cut_line_is_not_json),
};

TAP_MAIN(cases)
