/*
 * tt context: all that is known of a period, in one JSON object, for another program to read: to
 * write a summary, or to propose what `classify --apply` takes. Read twice in one snapshot: once
 * for what is counted, once to print the events, so that memory does not grow with them.
 */
#include "cli/commands.h"
#include "cli/stream_words.h"
#include "model/codec.h"

struct context_values {
	const char *start;
	const char *end;
};

static const struct args_option context_options[] = {
	{ "start", 0, ARGS_TEXT, offsetof(struct context_values, start), "TIME",
		"from this time on (default: 24 hours before the end)" },
	{ "end", 0, ARGS_TEXT, offsetof(struct context_values, end), "TIME",
		"up to this time (default: now)" },
};

#define DEFAULT_NS (24 * NS_PER_HOUR)
#define GAP_NS (5 * NS_PER_MINUTE)
enum { FLUSH_BYTES = 64 << 10 };

/* A moment at which a person was there, if the session it was in (or SIZE_MAX) is one of a person.
 */
struct sign {
	int64_t at_ns;
	size_t session;
};

struct signs {
	struct sign *items;
	size_t count;
	size_t room;
};

static void signs_release(struct signs *signs)
{
	mem_freep(&signs->items);
}

static void signs_add(struct signs *signs, int64_t at_ns, size_t session)
{
	if (signs->count == signs->room) {
		signs->room = signs->room > 0 ? signs->room * 2 : 256;
		signs->items = mem_resize(signs->items, signs->room, sizeof(*signs->items));
	}
	signs->items[signs->count++] = (struct sign){ at_ns, session };
}

static bool is_sign(const struct event *event, const struct event_facts *facts)
{
	const struct event_type *type = event_type_find(event->type);

	switch (type ? type->role : ROLE_NONE) {
	case ROLE_FOCUS:
	case ROLE_SCROLL:
	case ROLE_PROMPT:
	case ROLE_WINDOW:
	case ROLE_TAB:
	case ROLE_EDITOR:
		return true;
	case ROLE_AFK:
		return str_eq_c(facts->status, "active");
	default:
		return false;
	}
}

static int gather(struct store *store, const struct event_filter *filter,
	struct session_list *sessions, struct signs *signs, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct json_parser parser CLEANUP(json_parser_release) = { 0 };
	struct stored_event item;
	struct event_facts facts;
	int rc = event_scan_open(&scan, store, filter, err);

	if (rc < 0)
		return rc;
	while ((rc = event_scan_next(scan, &item, err)) > 0) {
		size_t session;

		event_facts(&parser, item.event.data, &facts);
		session = session_list_add(sessions, &item, &facts);
		if (is_sign(&item.event, &facts))
			signs_add(signs, item.event.start_ns, session);
	}
	return rc;
}

/* The events as an array of wire objects. */
static int print_events(struct cli *cli, struct store *store, const struct event_filter *filter,
	struct json_writer *json, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct buf line CLEANUP(buf_release) = BUF_INIT;
	struct stored_event item;
	int rc = event_scan_open(&scan, store, filter, err);

	json_begin_array(json);
	while (rc >= 0 && (rc = event_scan_next(scan, &item, err)) > 0) {
		buf_clear(&line);
		wire_encode_event(&line, &item.event);
		json_put_raw(json, str_trim(buf_str(&line)));
		if (cli->out.len >= FLUSH_BYTES)
			rc = cli_flush(cli, err);
	}
	json_end_array(json);
	return rc;
}

static void print_gaps(struct cli *cli, struct json_writer *json, const struct signs *signs,
	const struct session_list *sessions)
{
	int64_t before_ns = INT64_MIN;

	json_begin_array(json);
	for (size_t i = 0; i < signs->count; i++) {
		const struct sign *sign = &signs->items[i];

		if (sign->session != SIZE_MAX &&
			!str_eq_c(sessions->items[sign->session].type, "user"))
			continue;
		if (before_ns != INT64_MIN && sign->at_ns - before_ns >= GAP_NS) {
			json_begin_object(json);
			json_kv_str(json, "start", cli_time_text(cli, before_ns));
			json_kv_str(json, "end", cli_time_text(cli, sign->at_ns));
			json_kv_i64(json, "duration_ms", (sign->at_ns - before_ns) / NS_PER_MS);
			json_end_object(json);
		}
		before_ns = sign->at_ns;
	}
	json_end_array(json);
}

/* The streams with time or events in the period, with their time in it. */
static int find_streams(struct cli *cli, const struct event_filter *filter,
	const struct stream_set *set, struct timed_stream **out, size_t *count, struct err *err)
{
	size_t all = stream_set_count(set);
	struct timed_stream *streams = arena_zalloc(&cli->arena, all + 1, sizeof(*streams));
	int rc;

	for (size_t i = 0; i < all; i++)
		streams[i].stream = stream_set_get(set, (int32_t)i);
	rc = cli_stream_times(cli, filter->from_ns, filter->to_ns, streams, all, err);
	if (rc < 0)
		return rc;
	*out = streams;
	*count = 0;
	for (size_t i = 0; i < all; i++) {
		const struct stream *stream = streams[i].stream;
		const struct time_totals *time = &streams[i].time;
		bool extends = stream->events > 0 && stream->last_ns >= filter->from_ns &&
			       stream->first_ns < filter->to_ns;

		if (extends || time->direct_ns > 0 || time->delegated_ns > 0 ||
			time->waiting_ns > 0)
			streams[(*count)++] = streams[i];
	}
	return 0;
}

static int print_context(struct cli *cli, struct store *store, const struct event_filter *filter,
	const struct stream_set *set, struct err *err)
{
	struct session_list sessions CLEANUP(session_list_release) = { .arena = &cli->arena };
	struct signs signs CLEANUP(signs_release) = { 0 };
	struct json_writer json = json_writer(&cli->out);
	struct timed_stream *streams;
	size_t stream_count;
	int rc = find_streams(cli, filter, set, &streams, &stream_count, err);

	if (rc == 0)
		rc = gather(store, filter, &sessions, &signs, err);
	if (rc < 0)
		return rc;
	json_begin_object(&json);
	json_key(&json, STR("events"));
	rc = print_events(cli, store, filter, &json, err);
	if (rc < 0)
		return rc;
	json_key(&json, STR("agents"));
	session_list_json(cli, &json, &sessions);
	json_key(&json, STR("streams"));
	cli_streams_json(&json, streams, stream_count);
	json_key(&json, STR("gaps"));
	print_gaps(cli, &json, &signs, &sessions);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

static int read_period(struct cli *cli, const struct context_values *values,
	struct event_filter *filter, struct err *err)
{
	int rc = 0;

	filter->to_ns = cli->now_ns;
	if (values->end)
		rc = cli_time(cli, "--end", values->end, &filter->to_ns, err);
	filter->from_ns = filter->to_ns - DEFAULT_NS;
	if (rc == 0 && values->start)
		rc = cli_time(cli, "--start", values->start, &filter->from_ns, err);
	if (rc == 0 && filter->from_ns >= filter->to_ns)
		return err_set(err, ERR_USAGE, "--start must lie before --end");
	return rc;
}

static int context_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct event_filter filter = { 0 };
	struct attention_params params = cli_params(cli);
	struct store *store;
	int rc = read_period(cli, values, &filter, err);

	(void)operands;
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	cli_drain(cli, store);
	rc = streams_update(store, &params, false, err);
	if (rc == 0)
		rc = stream_set_load(&set, store, &params, filter.from_ns, filter.to_ns, err);
	return rc < 0 ? rc : print_context(cli, store, &filter, set, err);
}

const struct command command_context = {
	.name = "context",
	.summary = "all that is known of a period, as JSON for another program",
	.usage = "[--start TIME] [--end TIME]",
	.details =
		"Without options the last 24 hours. Times of streams are those within the period; a gap is a pause of at least\n"
		"5 minutes between two signs of a person.",
	.args = { .options = context_options, .option_count = ARRAY_LEN(context_options) },
	.values_size = sizeof(struct context_values),
	.run = context_run,
};
