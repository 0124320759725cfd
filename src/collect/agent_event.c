/*
 * The data of agents' events.
 *
 * What stands in an event is what the log says, and what is known of its directory: which project
 * it is of, and how much text of it may be kept. The project is looked up today, and a directory
 * that is gone tomorrow must not correct what was true: it stands last and outside of the hash.
 */
#include "collect/agent_event.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/project.h"

enum {
	SUMMARY_BYTES = 200,
	TEXT_BYTES = 128 << 10, /* escaped as JSON still within LIMIT_EVENT_BYTES */
};

static const struct kind {
	const char *type;
	const char *counter; /* in the session's event; NULL: none */
} kinds[AGENT_KINDS] = {
	[AGENT_PROMPT] = { "user_message", "prompts" },
	[AGENT_RESPONSE] = { "agent_response", "responses" },
	[AGENT_TOOL_USE] = { "agent_tool_use", "tool_calls" },
	[AGENT_TOOL_ERROR] = { "agent_tool_error", "tool_errors" },
	[AGENT_ERROR] = { "agent_error", "api_errors" },
	[AGENT_USAGE] = { "agent_usage", NULL },
	[AGENT_FILE_READ] = { "agent_file_read", "file_reads" },
	[AGENT_FILE_EDIT] = { "agent_file_edit", "file_edits" },
};

static const char *const token_keys[AGENT_TOKENS] = {
	[AGENT_INPUT] = "input_tokens",
	[AGENT_OUTPUT] = "output_tokens",
	[AGENT_CACHE_READ] = "cache_read_tokens",
	[AGENT_CACHE_WRITE] = "cache_write_tokens",
	[AGENT_REASONING] = "reasoning_tokens",
};

const char *agent_event_type(enum agent_kind kind)
{
	return kinds[kind].type;
}

/* --- directories --- */

void agent_data_release(struct agent_data *data)
{
	arena_release(&data->arena);
	buf_release(&data->text);
	memset(data->places, 0, sizeof(data->places));
}

const struct agent_place *agent_data_place(struct agent_data *data, struct str cwd)
{
	struct agent_place **slot = &data->places[hash64(cwd, 0) % AGENT_PLACE_SLOTS];
	CLEANUP(arena_release) struct arena scratch = { 0 };
	struct agent_place *place = *slot;

	while (place && !str_eq(place->cwd, cwd))
		place = place->next;
	if (place)
		return place;
	place = arena_zalloc(&data->arena, 1, sizeof(*place));
	place->cwd = arena_str(&data->arena, cwd);
	if (cwd.len > 0 && cwd.ptr[0] == '/')
		place->project = arena_str(
			&data->arena, project_find(&scratch, arena_cstr(&scratch, cwd)).name);
	place->excluded = collect_excluded(data->context, cwd);
	place->text = collect_text_of(data->context, data->source, cwd);
	place->next = *slot;
	return *slot = place;
}

struct str agent_item_cwd(const struct agent_session *session, const struct agent_item *item)
{
	return item->cwd.len > 0 ? item->cwd : session->cwd;
}

/* --- items --- */

static void put_str(struct json_writer *writer, const char *key, struct str value)
{
	if (value.len > 0)
		json_kv_str(writer, key, value);
}

static void put_mark(struct json_writer *writer, const char *key, bool value)
{
	if (value)
		json_kv_bool(writer, key, true);
}

static void put_time(struct json_writer *writer, const char *key, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	json_kv_str(writer, key, str_from(time_format(ns, 3, text)));
}

static void put_limited(
	struct json_writer *writer, const char *key, struct str text, enum collect_text how)
{
	struct str rest = text;

	if (how == TEXT_NONE || text.len == 0)
		return;
	if (how == TEXT_SUMMARY)
		text = utf8_cut(str_split(&rest, '\n'), SUMMARY_BYTES);
	json_kv_str(writer, key, utf8_cut(text, TEXT_BYTES));
}

static struct json_writer begin_data(struct agent_data *data, const struct agent_session *session)
{
	struct json_writer writer;

	buf_clear(&data->text);
	writer = json_writer(&data->text);
	json_begin_object(&writer);
	json_kv_str(&writer, "agent", session->agent);
	json_kv_str(&writer, "session_id", session->id);
	put_str(&writer, "parent_session_id", session->parent);
	return writer;
}

static void put_kind(
	struct json_writer *writer, const struct agent_item *item, const struct agent_place *place)
{
	switch (item->kind) {
	case AGENT_PROMPT:
		json_kv_i64(writer, "length",
			item->length >= 0 ? item->length : (int64_t)item->text.len);
		json_kv_bool(writer, "has_image", item->has_image);
		put_mark(writer, "queued", item->queued);
		put_mark(writer, "command", item->command);
		break;
	case AGENT_TOOL_USE:
		put_str(writer, "tool", item->tool);
		json_kv_str(writer, "tool_class", str_from(agent_tool_class(item->tool)));
		break;
	case AGENT_TOOL_ERROR:
		put_str(writer, "tool_use_id", item->call);
		put_str(writer, "tool", item->tool);
		break;
	case AGENT_ERROR:
		put_str(writer, "error", item->error);
		break;
	case AGENT_FILE_EDIT:
		if (item->edits > 0)
			json_kv_i64(writer, "edits", item->edits);
		break;
	default:
		break;
	}
	put_str(writer, "file", item->file);
	put_limited(writer, "text", item->text, place->text);
}

static uint64_t end_data(struct agent_data *data, struct json_writer *writer, struct str project)
{
	uint64_t content = hash64(buf_str(&data->text), 0);

	put_str(writer, "git_project", project);
	json_end_object(writer);
	return content;
}

uint64_t agent_item_data(struct agent_data *data, const struct agent_session *session,
	const struct agent_item *item, int64_t at_ns, int flags)
{
	struct str cwd = agent_item_cwd(session, item);
	const struct agent_place *place = agent_data_place(data, cwd);
	struct json_writer writer = begin_data(data, session);

	put_kind(&writer, item, place);
	put_str(&writer, "model", item->model);
	put_str(&writer, "mode", item->mode);
	put_str(&writer, "turn", item->turn);
	for (int i = 0; i < AGENT_TOKENS; i++)
		if (item->tokens[i] >= 0)
			json_kv_i64(&writer, token_keys[i], item->tokens[i]);
	put_str(&writer, "cwd", cwd);
	put_str(&writer, "git_branch", session->branch);
	put_mark(&writer, "approximate", item->approximate);
	put_mark(&writer, "cancelled", item->cancelled);
	put_mark(&writer, "withdrawn", item->withdrawn);
	put_mark(&writer, "estimated_time", (flags & LEDGER_ESTIMATED) != 0);
	put_mark(&writer, "implausible_time", !time_plausible(at_ns));
	return end_data(data, &writer, place->project);
}

/* --- sums --- */

static void add_tokens(struct agent_counts *counts, const struct ledger_entry *entry)
{
	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (entry->tokens[i] < 0)
			continue;
		if (counts->tokens[i] < 0)
			counts->tokens[i] = 0;
		if (__builtin_add_overflow(counts->tokens[i], entry->tokens[i], &counts->tokens[i]))
			counts->tokens[i] = INT64_MAX;
	}
}

static void extend(struct agent_counts *counts, int64_t at_ns)
{
	if (at_ns < counts->started_ns)
		counts->started_ns = at_ns;
	if (at_ns > counts->ended_ns)
		counts->ended_ns = at_ns;
}

/* It has a time, whether it counts or not. */
static void note_first(struct agent_counts *counts, int64_t at_ns)
{
	int64_t *first_ns = time_plausible(at_ns) ? &counts->first_ns : &counts->odd_ns;

	if (at_ns < *first_ns)
		*first_ns = at_ns;
}

static void count_entry(struct agent_counts *counts, const struct ledger_entry *entry)
{
	bool timed = entry->kind != LEDGER_BAD;

	if (timed)
		note_first(counts, entry->at_ns);
	if (entry->flags & LEDGER_WITHDRAWN) {
		counts->withdrawn++;
		return;
	}
	if (entry->flags & LEDGER_CANCELLED)
		counts->cancelled++;
	if (entry->flags & LEDGER_COMMAND)
		counts->commands++;
	else
		counts->by_kind[entry->kind]++;
	add_tokens(counts, entry);
	if (timed && !(entry->flags & LEDGER_UNTIMED))
		extend(counts, entry->at_ns);
}

struct agent_counts agent_count(const struct ledger *ledger)
{
	struct agent_counts counts = {
		.started_ns = INT64_MAX,
		.ended_ns = INT64_MIN,
		.first_ns = INT64_MAX,
		.odd_ns = INT64_MAX,
	};

	memset(counts.tokens, -1, sizeof(counts.tokens));
	for (size_t i = 0; i < ledger->count; i++)
		if (!(ledger->entries[i].flags & LEDGER_GONE))
			count_entry(&counts, &ledger->entries[i]);
	return counts;
}

void agent_count_start(struct agent_counts *counts, int64_t started_ns)
{
	note_first(counts, started_ns);
	if (time_plausible(started_ns))
		extend(counts, started_ns);
}

int64_t agent_count_first(const struct agent_counts *counts)
{
	return counts->first_ns != INT64_MAX ? counts->first_ns : counts->odd_ns;
}

/* --- sessions --- */

static void put_counts(
	struct json_writer *writer, const struct agent_counts *counts, const struct ledger *ledger)
{
	for (int i = 0; i < AGENT_KINDS; i++)
		if (kinds[i].counter)
			json_kv_i64(writer, kinds[i].counter, counts->by_kind[i]);
	json_kv_i64(writer, "commands", counts->commands);
	json_kv_i64(writer, "cancelled", counts->cancelled);
	json_kv_i64(writer, "withdrawn", counts->withdrawn);
	json_kv_i64(writer, "malformed", counts->by_kind[LEDGER_BAD]);
	json_kv_i64(writer, "unknown_records", ledger->unknown);
	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (counts->tokens[i] < 0)
			json_kv_null(writer, token_keys[i]);
		else
			json_kv_i64(writer, token_keys[i], counts->tokens[i]);
	}
}

static void put_span(
	struct json_writer *writer, const struct agent_session *session, struct agent_counts counts)
{
	if (session->started_ns != INT64_MIN && session->started_ns < counts.started_ns)
		counts.started_ns = session->started_ns;
	if (session->ended_ns != INT64_MIN && session->ended_ns > counts.ended_ns)
		counts.ended_ns = session->ended_ns;
	if (counts.started_ns > counts.ended_ns)
		return;
	put_time(writer, "started_at", counts.started_ns);
	put_time(writer, "ended_at", counts.ended_ns);
}

uint64_t agent_session_data(struct agent_data *data, const struct agent_session *session,
	const struct agent_counts *counts, struct ledger *ledger)
{
	const struct agent_place *place = agent_data_place(data, session->cwd);
	struct json_writer writer = begin_data(data, session);

	json_kv_str(&writer, "session_type",
		session->automatic        ? STR("agent")
		: session->parent.len > 0 ? STR("subagent")
					  : STR("user"));
	put_str(&writer, "agent_version", session->version);
	put_limited(&writer, "title", session->title, place->text);
	put_span(&writer, session, *counts);
	put_counts(&writer, counts, ledger);
	put_str(&writer, "cwd", session->cwd);
	put_str(&writer, "git_branch", session->branch);
	put_mark(&writer, "implausible_time", counts->first_ns == INT64_MAX);
	if (place->project.len > 0 && !str_eq(place->project, ledger->project))
		ledger->project = arena_str(&ledger->arena, place->project);
	return end_data(data, &writer, ledger->project);
}
