/*
 * A Claude session's facts. The memo is JSON, a member for each field in one table; the event shows
 * the same facts under the names of the wire format.
 */
#include "collect/claude/session.h"

#include "base/hash.h"
#include "base/utf8.h"

enum {
	SUMMARY_BYTES = 200,
	TEXT_BYTES = 128 << 10, /* escaped as JSON still within LIMIT_EVENT_BYTES */
};

static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "id", offsetof(struct claude_session, id) },
	{ "parent", offsetof(struct claude_session, parent) },
	{ "cwd", offsetof(struct claude_session, cwd) },
	{ "project", offsetof(struct claude_session, project) },
	{ "branch", offsetof(struct claude_session, branch) },
	{ "version", offsetof(struct claude_session, version) },
	{ "title", offsetof(struct claude_session, title) },
};

/* Numbers; those with SHOWN are in the event too, under the same name. */
static const struct {
	const char *key;
	size_t offset;
	bool shown;
} numbers[] = {
	{ "prompts", offsetof(struct claude_session, counts.prompts), true },
	{ "commands", offsetof(struct claude_session, counts.commands), true },
	{ "responses", offsetof(struct claude_session, counts.responses), true },
	{ "tool_calls", offsetof(struct claude_session, counts.tool_calls), true },
	{ "tool_errors", offsetof(struct claude_session, counts.tool_errors), true },
	{ "api_errors", offsetof(struct claude_session, counts.api_errors), true },
	{ "cancelled", offsetof(struct claude_session, counts.cancelled), true },
	{ "malformed", offsetof(struct claude_session, malformed), true },
	{ "unknown_records", offsetof(struct claude_session, unknown), true },
	{ "at", offsetof(struct claude_session, at_ns), false },
	{ "started", offsetof(struct claude_session, counts.started_ns), false },
	{ "ended", offsetof(struct claude_session, counts.ended_ns), false },
	{ "records", offsetof(struct claude_session, records), false },
	{ "unshared", offsetof(struct claude_session, unshared_ns), false },
	{ "items", offsetof(struct claude_session, items), false },
	{ "revision", offsetof(struct claude_session, revision), false },
	{ "version_at", offsetof(struct claude_session, version_ns), false },
};

static struct str *text_of(const struct claude_session *session, size_t offset)
{
	return (struct str *)((uintptr_t)session + offset);
}

static int64_t *number_of(const struct claude_session *session, size_t offset)
{
	return (int64_t *)((uintptr_t)session + offset);
}

struct claude_counts claude_counts_none(void)
{
	return (struct claude_counts){
		.tokens = { -1, -1, -1, -1 },
		.started_ns = INT64_MAX,
		.ended_ns = INT64_MIN,
	};
}

void claude_counts_time(struct claude_counts *counts, const struct claude_record *record)
{
	if (!record->has_time || record->implausible_time || record->command.len > 0)
		return;
	if (record->at_ns < counts->started_ns)
		counts->started_ns = record->at_ns;
	if (record->at_ns > counts->ended_ns)
		counts->ended_ns = record->at_ns;
}

/* Sums of what logs claim: held at the end of the range rather than wrapped. */
static int64_t sum(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

void claude_counts_tokens(struct claude_counts *counts, const int64_t *old, const int64_t *tokens)
{
	for (int i = 0; i < CLAUDE_TOKENS; i++) {
		int64_t before = old && old[i] > 0 ? old[i] : 0;

		if (tokens[i] < 0)
			continue;
		if (counts->tokens[i] < 0)
			counts->tokens[i] = 0;
		counts->tokens[i] = sum(counts->tokens[i] - before, tokens[i]);
	}
}

struct str claude_session_type(const struct claude_session *session)
{
	if (session->parent.len == 0)
		return STR("user");
	return str_find_str(session->id, STR("prompt_suggestion")) >= 0 ||
			       str_find_str(session->id, STR("compact")) >= 0
		       ? STR("agent")
		       : STR("subagent");
}

/* By time, so that the order of reading does not matter. */
void claude_session_note_version(
	struct claude_session *session, const struct claude_record *record, struct arena *arena)
{
	if (record->version.len == 0 || !record->has_time || record->at_ns < session->version_ns ||
		(record->at_ns == session->version_ns &&
			str_cmp(record->version, session->version) <= 0))
		return;
	session->version_ns = record->at_ns;
	if (!str_eq(record->version, session->version))
		session->version = arena_str(arena, record->version);
}

static void forget_gone_paths(struct claude_session *session)
{
	size_t kept = 0;

	for (size_t i = 0; i < session->path_count; i++)
		if (fs_exists(session->paths[i].ptr))
			session->paths[kept++] = session->paths[i];
	session->path_count = kept;
}

bool claude_session_add_path(struct claude_session *session, struct str path, struct arena *arena)
{
	for (size_t i = 0; i < session->path_count; i++)
		if (str_eq(session->paths[i], path))
			return false;
	forget_gone_paths(session);
	if (session->path_count == CLAUDE_PATHS)
		return false;
	session->paths[session->path_count++] = arena_str(arena, path);
	session->changed = true;
	return true;
}

bool claude_session_add_rival(struct claude_session *session, uint64_t key)
{
	for (size_t i = 0; i < session->rival_count; i++)
		if (session->rivals[i] == key)
			return false;
	if (session->rival_count == CLAUDE_RIVALS)
		return false;
	session->rivals[session->rival_count++] = key;
	session->changed = true;
	return true;
}

/* Nothing of its own: it was never continued after it was copied, so it is what the others were
 * copied from. */
static int64_t claim_ns(const struct claude_session *session)
{
	return session->unshared_ns == INT64_MAX ? INT64_MIN : session->unshared_ns;
}

bool claude_session_precedes(const struct claude_session *a, const struct claude_session *b)
{
	if (a->background != b->background)
		return b->background;
	if (claim_ns(a) != claim_ns(b))
		return claim_ns(a) < claim_ns(b);
	if (a->items != b->items)
		return a->items < b->items;
	return str_cmp(a->id, b->id) < 0;
}

uint64_t claude_session_key(struct str id)
{
	return hash64(id, 0);
}

/* --- the memo --- */

static void put_paths(struct json_writer *writer, const struct claude_session *session)
{
	json_key(writer, STR("paths"));
	json_begin_array(writer);
	for (size_t i = 0; i < session->path_count; i++)
		json_put_str(writer, session->paths[i]);
	json_end_array(writer);
}

static void put_rivals(struct json_writer *writer, const struct claude_session *session)
{
	json_key(writer, STR("rivals"));
	json_begin_array(writer);
	for (size_t i = 0; i < session->rival_count; i++)
		json_put_i64(writer, (int64_t)session->rivals[i]);
	json_end_array(writer);
}

void claude_session_write(const struct claude_session *session, struct buf *out)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (text_of(session, texts[i].offset)->len > 0)
			json_kv_str(&writer, texts[i].key, *text_of(session, texts[i].offset));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_kv_i64(&writer, numbers[i].key, *number_of(session, numbers[i].offset));
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		json_kv_i64(&writer, claude_token_key(i), session->counts.tokens[i]);
	json_kv_i64(&writer, "shown", (int64_t)session->shown);
	json_kv_bool(&writer, "talks", session->talks);
	json_kv_bool(&writer, "background", session->background);
	put_paths(&writer, session);
	if (session->rival_count > 0)
		put_rivals(&writer, session);
	json_end_object(&writer);
}

static void read_paths(struct claude_session *session, const struct json *list, struct arena *arena)
{
	struct json_iter iter = json_iter(list);
	const struct json *value;
	struct str key;

	while (session->path_count < CLAUDE_PATHS && json_next(&iter, &key, &value))
		session->paths[session->path_count++] = arena_str(arena, json_str(value));
}

static void read_rivals(struct claude_session *session, const struct json *list)
{
	struct json_iter iter = json_iter(list);
	const struct json *value;
	struct str key;
	int64_t rival;

	while (json_next(&iter, &key, &value))
		if (json_to_i64(value, &rival))
			claude_session_add_rival(session, (uint64_t)rival);
}

int claude_session_read(struct claude_session *session, struct str text, struct json_parser *parser,
	struct arena *arena, struct err *err)
{
	const struct json *root;
	int64_t shown;
	bool good = true;

	if (json_parse(parser, text, true, &root, err) < 0)
		return err_set(err, ERR_CORRUPT, "the memory of a Claude session is damaged");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_of(session, texts[i].offset) =
			arena_str(arena, json_get_str(root, texts[i].key));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		good &= !json_get(root, numbers[i].key) ||
			json_get_i64(root, numbers[i].key, number_of(session, numbers[i].offset));
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		good &= json_get_i64(root, claude_token_key(i), &session->counts.tokens[i]);
	good &= json_get_i64(root, "shown", &shown);
	if (!good || session->id.len == 0)
		return err_set(err, ERR_CORRUPT, "the memory of a Claude session is incomplete");
	session->shown = (uint64_t)shown;
	session->talks = json_is_true(json_get(root, "talks"));
	session->background = json_is_true(json_get(root, "background"));
	read_paths(session, json_get(root, "paths"), arena);
	read_rivals(session, json_get(root, "rivals"));
	session->changed = false;
	return 0;
}

/* --- the event --- */

static void put_text(struct json_writer *writer, const char *key, struct str value)
{
	if (value.len > 0)
		json_kv_str(writer, key, value);
}

static void put_time(struct json_writer *writer, const char *key, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	json_kv_str(writer, key, str_from(time_format(ns, 3, text)));
}

struct str claude_kept_text(struct str text, enum collect_text how)
{
	struct str rest = text;

	switch (how) {
	case TEXT_NONE:
		break;
	case TEXT_SUMMARY:
		return utf8_cut(str_split(&rest, '\n'), SUMMARY_BYTES);
	case TEXT_FULL:
		return utf8_cut(text, TEXT_BYTES);
	}
	return STR("");
}

static void put_counts(struct json_writer *writer, const struct claude_session *session)
{
	/* Claude's log does not tell of these apart from tool calls; of going back it tells
	 * nothing. */
	static const char *const none[] = { "file_reads", "file_edits", "withdrawn" };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].shown)
			json_kv_i64(writer, numbers[i].key, *number_of(session, numbers[i].offset));
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		json_kv_i64(writer, none[i], 0);
	for (int i = 0; i < CLAUDE_TOKENS; i++) {
		if (session->counts.tokens[i] < 0)
			json_kv_null(writer, claude_token_key(i));
		else
			json_kv_i64(writer, claude_token_key(i), session->counts.tokens[i]);
	}
	json_kv_null(writer, "reasoning_tokens"); /* part of the output, never told apart */
}

void claude_session_data(
	const struct claude_session *session, enum collect_text text, struct buf *out)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_str(&writer, "agent", STR("claude-code"));
	json_kv_str(&writer, "session_id", session->id);
	put_text(&writer, "parent_session_id", session->parent);
	json_kv_str(&writer, "session_type", claude_session_type(session));
	put_text(&writer, "agent_version", session->version);
	put_text(&writer, "title", claude_kept_text(session->title, text));
	if (session->counts.started_ns <= session->counts.ended_ns) {
		put_time(&writer, "started_at", session->counts.started_ns);
		put_time(&writer, "ended_at", session->counts.ended_ns);
	}
	put_counts(&writer, session);
	put_text(&writer, "cwd", session->cwd);
	put_text(&writer, "git_project", session->project);
	put_text(&writer, "git_branch", session->branch);
	json_end_object(&writer);
}
