/*
 * Reading one Claude Code record: what its facts (claude_facts.c) mean depends on its type. What
 * makes a prompt: claude_text.c.
 */
#include "collect/claude/record.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/claude/facts.h"
#include "collect/claude/text.h"

enum { ERROR_BYTES = 64 };

/* Types with nothing to count. All others than these and those of a conversation are unknown. */
static const char *const other_types[] = { "agent-color", "agent-name", "agent-setting", "ai-title",
	"attribution-snapshot", "content-replacement", "custom-title", "file-history-snapshot",
	"last-prompt", "mode", "permission-mode", "pr-link", "progress", "queue-operation",
	"summary", "system", "tag", "worktree-state" };

void claude_reader_release(struct claude_reader *reader)
{
	arena_release(&reader->arena);
	free(reader->blocks);
	*reader = (struct claude_reader){ 0 };
}

/* --- what people typed --- */

/* The content WHICH becomes the record's. */
static void take_content(
	struct claude_facts *facts, enum claude_fact which, struct claude_record *out)
{
	if (!facts->seen[which] || facts->first[which] == facts->last[which])
		return;
	out->blocks = &facts->reader->blocks[facts->first[which]];
	out->block_count = facts->last[which] - facts->first[which];
}

static bool has_block(const struct claude_record *record, enum claude_block_kind kind)
{
	for (size_t i = 0; i < record->block_count; i++)
		if (record->blocks[i].kind == kind)
			return true;
	return false;
}

static struct str block_text(const struct claude_record *record, size_t at)
{
	return json_token_text(&record->blocks[at].text, record->arena);
}

void claude_record_text(const struct claude_record *record, struct buf *out)
{
	size_t from = out->len;

	if (record->command.len > 0) {
		utf8_add_clean(out, record->command);
		return;
	}
	for (size_t i = 0; i < record->block_count; i++) {
		struct str text = block_text(record, i);

		if (record->kind != CLAUDE_RESPONSE)
			text = claude_human_part(text);
		if (text.len == 0)
			continue;
		if (out->len > from)
			buf_byte(out, '\n');
		utf8_add_clean(out, text);
	}
}

static enum claude_kind read_prompt(struct claude_record *out)
{
	out->has_image = has_block(out, BLOCK_IMAGE);
	if (has_block(out, BLOCK_RESULT))
		return CLAUDE_USER;
	for (size_t i = 0; i < out->block_count; i++) {
		struct str text = block_text(out, i);

		out->length += (int64_t)claude_human_part(text).len;
		out->cancels |= claude_is_interruption(text);
	}
	if (out->length > 0 || out->has_image || has_block(out, BLOCK_DOCUMENT))
		return CLAUDE_PROMPT;
	for (size_t i = 0; i < out->block_count && out->command.len == 0; i++)
		out->command = claude_command(block_text(out, i), out->arena);
	out->length = (int64_t)out->command.len;
	return out->command.len > 0 ? CLAUDE_PROMPT : CLAUDE_USER;
}

/* --- by type --- */

static enum claude_kind read_user(struct claude_facts *facts, struct claude_record *out)
{
	take_content(facts, MESSAGE_CONTENT, out);
	if (claude_fact_is_true(facts, META) || claude_fact_is_true(facts, SUMMARY) ||
		claude_fact_is_true(facts, ONLY_VISIBLE))
		return CLAUDE_USER;
	return read_prompt(out);
}

static enum claude_kind read_attachment(struct claude_facts *facts, struct claude_record *out)
{
	struct str mode = claude_fact(facts, COMMAND_MODE);

	if (!claude_fact_is(facts, ATTACHMENT_TYPE, "queued_command") ||
		(mode.len > 0 && !str_eq_c(mode, "prompt")) ||
		claude_fact_is_true(facts, ATTACHMENT_META) || claude_fact_is_true(facts, META))
		return CLAUDE_OTHER;
	out->queued = true;
	take_content(facts, ATTACHMENT_PROMPT, out);
	return read_prompt(out) == CLAUDE_PROMPT ? CLAUDE_PROMPT : CLAUDE_OTHER;
}

/* Newer releases note local commands so. */
static enum claude_kind read_system(struct claude_facts *facts, struct claude_record *out)
{
	if (!claude_fact_is(facts, SUBTYPE, "local_command") || claude_fact_is_true(facts, META))
		return CLAUDE_OTHER;
	take_content(facts, CONTENT, out);
	return read_prompt(out) == CLAUDE_PROMPT && out->command.len > 0 ? CLAUDE_PROMPT
									 : CLAUDE_OTHER;
}

const char *claude_token_key(int token)
{
	static const char *const keys[CLAUDE_TOKENS] = {
		[TOKEN_INPUT] = "input_tokens",
		[TOKEN_OUTPUT] = "output_tokens",
		[TOKEN_CACHE_READ] = "cache_read_tokens",
		[TOKEN_CACHE_WRITE] = "cache_write_tokens",
	};

	ASSERT(token >= 0 && token < CLAUDE_TOKENS);
	return keys[token];
}

static void read_tokens(const struct claude_facts *facts, int64_t tokens[static CLAUDE_TOKENS])
{
	static const enum claude_fact which[CLAUDE_TOKENS] = {
		[TOKEN_INPUT] = INPUT_TOKENS,
		[TOKEN_OUTPUT] = OUTPUT_TOKENS,
		[TOKEN_CACHE_READ] = CACHE_READ_TOKENS,
		[TOKEN_CACHE_WRITE] = CACHE_WRITE_TOKENS,
	};
	int64_t count;

	for (int i = 0; i < CLAUDE_TOKENS; i++)
		if (facts->seen[which[i]] && json_token_i64(&facts->tokens[which[i]], &count) &&
			count >= 0)
			tokens[i] = count;
}

static bool is_code(struct str text)
{
	if (text.len == 0 || text.len > ERROR_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '_' && c != '-')
			return false;
	}
	return true;
}

/* A code: the record's own, else the HTTP status in "API Error: 529 …". */
static struct str read_error(struct claude_facts *facts, const struct claude_record *record)
{
	struct str code = claude_fact(facts, ERROR), before = STR("API Error: ");

	if (is_code(code))
		return code;
	for (size_t i = 0; i < record->block_count; i++) {
		struct str text = str_trim(block_text(record, i));
		size_t digits = 0;

		if (!str_starts(text, before))
			continue;
		text = str_sub(text, before.len, text.len);
		while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
			digits++;
		return str_sub(text, 0, digits <= 3 ? digits : 0);
	}
	return (struct str){ NULL, 0 };
}

static enum claude_kind read_assistant(struct claude_facts *facts, struct claude_record *out)
{
	out->model = claude_fact(facts, MODEL);
	take_content(facts, MESSAGE_CONTENT, out);
	if (claude_fact_is_true(facts, API_ERROR) || str_eq_c(out->model, "<synthetic>")) {
		out->error = read_error(facts, out);
		return CLAUDE_API_ERROR;
	}
	out->message_id = claude_fact(facts, MESSAGE_ID);
	out->request_id = claude_fact(facts, REQUEST);
	out->stop_reason = claude_fact(facts, STOP_REASON);
	read_tokens(facts, out->tokens);
	return CLAUDE_RESPONSE;
}

static enum claude_kind read_other(struct claude_facts *facts, struct claude_record *out)
{
	if (claude_fact_is(facts, TYPE, "custom-title"))
		out->title = claude_fact(facts, CUSTOM_TITLE);
	else if (claude_fact_is(facts, TYPE, "ai-title"))
		out->title = claude_fact(facts, AI_TITLE);
	for (size_t i = 0; i < ARRAY_LEN(other_types); i++)
		if (claude_fact_is(facts, TYPE, other_types[i]))
			return CLAUDE_OTHER;
	return CLAUDE_UNKNOWN;
}

static enum claude_kind read_kind(struct claude_facts *facts, struct claude_record *out)
{
	static const struct {
		const char *type;
		enum claude_kind (*read)(struct claude_facts *facts, struct claude_record *out);
	} types[] = { { "user", read_user }, { "assistant", read_assistant },
		{ "attachment", read_attachment }, { "system", read_system } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (claude_fact_is(facts, TYPE, types[i].type))
			return types[i].read(facts, out);
	return read_other(facts, out);
}

/* --- the envelope --- */

static int refuse(
	struct claude_record *out, const char *reason, struct err *err, const char *message)
{
	out->reason = reason;
	return err_set(err, ERR_PARSE, "%s", message);
}

/* RFC 3339, or a number of milliseconds. */
static bool read_time(struct claude_facts *facts, int64_t *out_ns)
{
	const struct json_token *token = &facts->tokens[TIMESTAMP];
	struct err ignored;
	int64_t ms;

	if (!facts->seen[TIMESTAMP])
		return false;
	if (token->type == JSON_STRING)
		return time_parse(json_token_text(token, &facts->reader->arena), out_ns,
			       &ignored) == 0;
	return token->type == JSON_NUMBER && json_token_i64(token, &ms) &&
	       !__builtin_mul_overflow(ms, NS_PER_MS, out_ns);
}

bool claude_is_conversation(enum claude_kind kind)
{
	return kind != CLAUDE_OTHER && kind != CLAUDE_UNKNOWN;
}

static int check_conversation(
	const struct claude_facts *facts, struct claude_record *out, struct err *err)
{
	if (!claude_is_conversation(out->kind))
		return 0;
	if (out->session_id.len == 0)
		return refuse(out, "missing_session", err,
			"a record of a conversation without sessionId");
	if (!facts->seen[TIMESTAMP] || facts->tokens[TIMESTAMP].type == JSON_NULL)
		return refuse(out, "missing_timestamp", err,
			"a record of a conversation without timestamp");
	if (!out->has_time)
		return refuse(out, "bad_timestamp", err,
			"a record of a conversation whose timestamp is none");
	return 0;
}

/* A name for a record that has none: the same record always gets the same. */
static struct str make_uuid(struct claude_reader *reader, const struct claude_record *record)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	uint8_t bytes[16];

	buf_add(&name, record->session_id);
	buf_printf(&name, "\n%lld\n%d\n", (long long)record->at_ns, (int)record->kind);
	claude_record_text(record, &name);
	hash128(buf_str(&name), bytes);
	reader->made_uuid[0] = 'q';
	reader->made_uuid[1] = '-';
	hash_hex(bytes, sizeof(bytes), reader->made_uuid + 2);
	return str_from(reader->made_uuid);
}

static void read_envelope(struct claude_facts *facts, struct claude_record *out)
{
	out->uuid = claude_fact(facts, UUID);
	out->session_id = claude_fact(facts, SESSION);
	out->agent_id = claude_fact(facts, AGENT);
	out->cwd = claude_fact(facts, CWD);
	out->git_branch = claude_fact(facts, BRANCH);
	out->version = claude_fact(facts, VERSION);
	out->prompt_source = claude_fact(facts, SOURCE);
	out->sidechain = claude_fact_is_true(facts, SIDECHAIN);
	out->background = claude_fact_is(facts, SESSION_KIND, "bg");
	out->has_time = read_time(facts, &out->at_ns);
	out->implausible_time = out->has_time && !time_plausible(out->at_ns);
}

static int read_facts(struct claude_facts *facts, struct claude_reader *reader, struct str line,
	struct claude_record *out, struct err *err)
{
	int rc = claude_facts_read(facts, reader, line, err);

	if (rc < 0) {
		out->malformed = true;
		out->reason = rc == ERR_LIMIT ? "too_deep" : "not_json";
		return rc;
	}
	if (!facts->object) {
		out->malformed = true;
		return refuse(out, "not_object", err, "a record that is no object");
	}
	if (facts->too_many)
		return refuse(out, "too_many_blocks", err, "more parts than any message has");
	return 0;
}

int claude_record_read(
	struct claude_reader *reader, struct str line, struct claude_record *out, struct err *err)
{
	struct claude_facts facts;
	int rc;

	*out = (struct claude_record){ .tokens = { -1, -1, -1, -1 }, .arena = &reader->arena };
	arena_reset(&reader->arena);
	reader->block_count = 0;
	rc = read_facts(&facts, reader, line, out, err);
	if (rc < 0)
		return rc;
	read_envelope(&facts, out);
	out->kind = read_kind(&facts, out);
	rc = check_conversation(&facts, out, err);
	if (rc == 0 && claude_is_conversation(out->kind) && out->uuid.len == 0)
		out->uuid = make_uuid(reader, out);
	return rc;
}

/* --- tools --- */

struct claude_tools claude_tools(const struct claude_record *record)
{
	return (struct claude_tools){ .record = record, .ordinal = -1 };
}

/* The next block of KIND. */
static bool next_block(struct claude_tools *tools, enum claude_block_kind kind)
{
	while (tools->next < tools->record->block_count) {
		const struct claude_block *block = &tools->record->blocks[tools->next++];

		if (block->kind != kind)
			continue;
		tools->ordinal++;
		tools->id = block->id;
		tools->name = block->name;
		tools->file = block->file;
		tools->failed = block->failed;
		return true;
	}
	return false;
}

bool claude_next_call(struct claude_tools *tools)
{
	return next_block(tools, BLOCK_CALL);
}

bool claude_next_result(struct claude_tools *tools)
{
	return next_block(tools, BLOCK_RESULT);
}
