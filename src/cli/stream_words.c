/*
 * What the commands about streams share. A stream's time is what a report over its whole extent
 * says: there is one way from events to hours.
 */
#include "cli/stream_words.h"

#include <stdlib.h>

#include "attention/marks.h"
#include "attention/stream_json.h"

int cli_streams(struct cli *cli, struct store **store, struct stream_set **set, struct err *err)
{
	struct attention_params params = cli_params(cli);
	int rc = cli_store(cli, store, err);

	if (rc < 0)
		return rc;
	cli_drain(cli, *store);
	rc = streams_update(*store, &params, false, err);
	return rc < 0 ? rc : stream_set_load(set, *store, &params, 0, 0, err);
}

int cli_stream(
	const struct stream_set *set, const char *word, const struct stream **out, struct err *err)
{
	int32_t index;
	int rc = stream_set_find(set, str_from(word), &index, err);

	if (rc == 0)
		*out = stream_set_get(set, index);
	return rc;
}

static int by_id(const void *a, const void *b)
{
	const struct report_stream *const *left = a, *const *right = b;

	return str_cmp((*left)->stream->id, (*right)->stream->id);
}

static int id_order(const void *key, const void *item)
{
	const struct stream *stream = key;
	const struct report_stream *const *row = item;

	return str_cmp(stream->id, (*row)->stream->id);
}

int cli_stream_times(struct cli *cli, int64_t from_ns, int64_t to_ns, struct timed_stream *streams,
	size_t count, struct err *err)
{
	struct report_request request = {
		.now_ns = cli->now_ns,
		.params = cli_params(cli),
		.period = { .type = PERIOD_CUSTOM, .start_ns = from_ns, .end_ns = to_ns },
	};
	const struct report_stream **rows, **row;
	struct report report;
	struct store *store;
	int rc = cli_store(cli, &store, err);

	if (rc == 0)
		rc = report_build(store, &request, &cli->arena, &report, err);
	if (rc < 0)
		return rc;
	rows = arena_zalloc(
		&cli->arena, report.stream_count + 1, sizeof(const struct report_stream *));
	for (size_t i = 0; i < report.stream_count; i++)
		rows[i] = report.streams[i];
	qsort(rows, report.stream_count, sizeof(const struct report_stream *), by_id);
	for (size_t i = 0; i < count; i++) {
		row = bsearch(streams[i].stream, rows, report.stream_count,
			sizeof(const struct report_stream *), id_order);
		if (row)
			streams[i].time = (*row)->time;
	}
	return 0;
}

int cli_stream_life(struct cli *cli, struct timed_stream *streams, size_t count, struct err *err)
{
	int64_t from_ns = cli->now_ns;

	for (size_t i = 0; i < count; i++)
		if (streams[i].stream->events > 0 && streams[i].stream->first_ns < from_ns)
			from_ns = streams[i].stream->first_ns;
	return from_ns < cli->now_ns
		       ? cli_stream_times(cli, from_ns, cli->now_ns, streams, count, err)
		       : 0;
}

void cli_streams_json(struct json_writer *json, const struct timed_stream *streams, size_t count)
{
	json_begin_array(json);
	for (size_t i = 0; i < count; i++)
		stream_json(streams[i].stream, &streams[i].time, json);
	json_end_array(json);
}

struct str cli_short_id(struct str stream_id)
{
	return str_sub(stream_id, 0, STREAM_SHORT_ID_BYTES);
}

struct str cli_tags_text(struct cli *cli, const struct str *tags, size_t count)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", STR_ARG(tags[i]));
	return arena_str(&cli->arena, buf_str(&text));
}

void cli_stream_answer(struct cli *cli, struct str stream_id, const char *key, struct str value)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_kv_str(&json, "stream_id", stream_id);
	if (key)
		json_kv_str(&json, key, value);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

void session_list_release(struct session_list *list)
{
	map_release(&list->index);
}

static struct session_facts *new_session(struct session_list *list,
	const struct stored_event *event, const struct event_facts *facts)
{
	struct session_facts *session;

	if (list->count == list->room) {
		size_t room = list->room > 0 ? list->room * 2 : 64;
		struct session_facts *items = arena_zalloc(list->arena, room, sizeof(*items));

		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->room = room;
	}
	session = &list->items[list->count++];
	*session = (struct session_facts){
		.session_id = arena_str(list->arena, facts->session_id),
		.machine_id = arena_str(list->arena, event->machine_id),
		.agent = arena_str(list->arena, event->event.source),
		.type = session_type_of_id(facts->session_id),
		.first_ns = event->event.start_ns,
	};
	return session;
}

/* Said by the newest event that says it. */
static void learn(struct session_list *list, struct str *fact, struct str told)
{
	if (told.len > 0 && !str_eq(*fact, told))
		*fact = arena_str(list->arena, told);
}

size_t session_list_add(struct session_list *list, const struct stored_event *event,
	const struct event_facts *facts)
{
	struct map_key key = { .a = event->machine_id, .b = facts->session_id };
	const struct event_type *type = event_type_find(event->event.type);
	struct session_facts *session;
	int64_t index;

	if (facts->session_id.len == 0)
		return SIZE_MAX;
	index = map_get(&list->index, &key);
	if (index == MAP_NONE) {
		index = (int64_t)list->count;
		session = new_session(list, event, facts);
		map_put(&list->index,
			&(struct map_key){ .a = session->machine_id, .b = session->session_id },
			index);
	}
	session = &list->items[index];
	session->last_ns = event->event.start_ns;
	session->prompts += type && type->role == ROLE_PROMPT;
	session->tool_calls += str_eq_c(event->event.type, "agent_tool_use");
	learn(list, &session->agent, facts->agent);
	learn(list, &session->type, facts->session_type);
	if (session->cwd.len == 0) /* where it began; agents change directory */
		learn(list, &session->cwd, facts->cwd);
	return (size_t)index;
}

void session_list_json(struct cli *cli, struct json_writer *json, const struct session_list *list)
{
	json_begin_array(json);
	for (size_t i = 0; i < list->count; i++) {
		const struct session_facts *session = &list->items[i];

		json_begin_object(json);
		json_kv_str(json, "session_id", session->session_id);
		json_kv_str(json, "machine_id", cli_or_null(session->machine_id));
		json_kv_str(json, "agent", session->agent);
		json_kv_str(json, "type", session->type);
		json_kv_str(json, "cwd", cli_or_null(session->cwd));
		json_kv_str(json, "first", cli_time_text(cli, session->first_ns));
		json_kv_str(json, "last", cli_time_text(cli, session->last_ns));
		json_kv_i64(json, "prompts", session->prompts);
		json_kv_i64(json, "tool_calls", session->tool_calls);
		json_end_object(json);
	}
	json_end_array(json);
}
