/* Stats as JSON: one object a row, the same names in all of them. */
#include "query/stats.h"

#include "base/json_time.h"

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	{ "events", offsetof(struct stats_counts, events) },
	{ "sessions", offsetof(struct stats_counts, sessions) },
	{ "prompts", offsetof(struct stats_counts, prompts) },
	{ "commands", offsetof(struct stats_counts, commands) },
	{ "responses", offsetof(struct stats_counts, responses) },
	{ "tool_calls", offsetof(struct stats_counts, tool_calls) },
	{ "tool_errors", offsetof(struct stats_counts, tool_errors) },
	{ "api_errors", offsetof(struct stats_counts, api_errors) },
	{ "file_reads", offsetof(struct stats_counts, file_reads) },
	{ "file_edits", offsetof(struct stats_counts, file_edits) },
	{ "edits", offsetof(struct stats_counts, edits) },
	{ "cancelled", offsetof(struct stats_counts, cancelled) },
	{ "malformed", offsetof(struct stats_counts, malformed) },
	{ "unknown_records", offsetof(struct stats_counts, unknown_records) },
	{ "unknown_usage", offsetof(struct stats_counts, unknown_usage) },
};

static const char *const token_names[STATS_TOKENS] = {
	[STATS_INPUT] = "input",
	[STATS_OUTPUT] = "output",
	[STATS_CACHE_READ] = "cache_read",
	[STATS_CACHE_WRITE] = "cache_write",
	[STATS_REASONING] = "reasoning",
};

static void put_tokens(struct json_writer *json, const int64_t tokens[STATS_TOKENS])
{
	for (int i = 0; i < STATS_TOKENS; i++) {
		if (tokens[i] < 0)
			json_kv_null(json, token_names[i]);
		else
			json_kv_i64(json, token_names[i], tokens[i]);
	}
}

static void put_counts(struct json_writer *json, const struct stats_counts *counts)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t number;

		memcpy(&number, (const char *)counts + numbers[i].offset, sizeof(number));
		json_kv_i64(json, numbers[i].name, number);
	}
	put_tokens(json, counts->tokens);
	json_key(json, STR("withdrawn"));
	json_begin_object(json);
	json_kv_i64(json, "prompts", counts->withdrawn.prompts);
	json_kv_i64(json, "responses", counts->withdrawn.responses);
	put_tokens(json, counts->withdrawn.tokens);
	json_end_object(json);
	json_kv_time(json, "first", counts->first_ns);
	json_kv_time(json, "last", counts->last_ns);
}

/* Empty is null: not known. */
static void put_text(struct json_writer *json, const char *key, struct str text)
{
	json_kv_str(json, key, text.len > 0 ? text : (struct str){ NULL, 0 });
}

static void put_session(struct json_writer *json, const struct stats_session *session)
{
	json_begin_object(json);
	json_kv_str(json, "session_id", session->session_id);
	put_text(json, "parent_session_id", session->parent_session_id);
	put_text(json, "agent", session->agent);
	json_kv_str(json, "source", session->source);
	put_text(json, "machine_id", session->machine_id);
	put_text(json, "session_type", session->session_type);
	put_text(json, "workspace", session->workspace);
	put_text(json, "project", session->project);
	put_counts(json, &session->counts);
	json_end_object(json);
}

void stats_json(const struct stats *stats, struct json_writer *json)
{
	json_key(json, STR("totals"));
	json_begin_object(json);
	put_counts(json, &stats->totals);
	json_end_object(json);
	json_key(json, STR("groups"));
	json_begin_array(json);
	for (size_t i = 0; i < stats->group_count; i++) {
		json_begin_object(json);
		json_kv_str(json, "key", stats->groups[i].key);
		put_counts(json, &stats->groups[i].counts);
		json_end_object(json);
	}
	json_end_array(json);
	json_key(json, STR("sessions"));
	json_begin_array(json);
	for (size_t i = 0; i < stats->session_count; i++)
		put_session(json, &stats->sessions[i]);
	json_end_array(json);
	json_kv_i64(json, "quarantined", stats->quarantined);
	json_kv_i64(json, "store_bytes", stats->store_bytes);
}
