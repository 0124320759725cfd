/*
 * The order of keys differs between releases, so that every fact is taken wherever it stands. Of
 * keys that stand twice the first holds.
 */
#include "collect/claude/facts.h"

#include <stdlib.h>

enum { MOST_BLOCKS = 1 << 16 };

struct key {
	struct str name;
	enum claude_fact fact;
};

#define KEY(name, fact)                                                                            \
	{                                                                                          \
		STR_INIT(name), fact                                                               \
	}

static const struct key top_keys[] = { KEY("type", TYPE), KEY("uuid", UUID),
	KEY("sessionId", SESSION), KEY("cwd", CWD), KEY("timestamp", TIMESTAMP),
	KEY("message", MESSAGE), KEY("gitBranch", BRANCH), KEY("version", VERSION),
	KEY("isSidechain", SIDECHAIN), KEY("requestId", REQUEST), KEY("agentId", AGENT),
	KEY("isMeta", META), KEY("isCompactSummary", SUMMARY),
	KEY("isVisibleInTranscriptOnly", ONLY_VISIBLE), KEY("promptSource", SOURCE),
	KEY("sessionKind", SESSION_KIND), KEY("isApiErrorMessage", API_ERROR), KEY("error", ERROR),
	KEY("attachment", ATTACHMENT), KEY("subtype", SUBTYPE), KEY("content", CONTENT),
	KEY("customTitle", CUSTOM_TITLE), KEY("aiTitle", AI_TITLE) };
static const struct key message_keys[] = { KEY("id", MESSAGE_ID), KEY("model", MODEL),
	KEY("stop_reason", STOP_REASON), KEY("usage", USAGE), KEY("content", MESSAGE_CONTENT) };
static const struct key usage_keys[] = { KEY("input_tokens", INPUT_TOKENS),
	KEY("output_tokens", OUTPUT_TOKENS), KEY("cache_read_input_tokens", CACHE_READ_TOKENS),
	KEY("cache_creation_input_tokens", CACHE_WRITE_TOKENS) };
static const struct key attachment_keys[] = { KEY("type", ATTACHMENT_TYPE),
	KEY("commandMode", COMMAND_MODE), KEY("isMeta", ATTACHMENT_META),
	KEY("prompt", ATTACHMENT_PROMPT) };

static const struct key block_keys[] = { KEY("type", BLOCK_TYPE), KEY("text", BLOCK_STRING),
	KEY("id", BLOCK_ID), KEY("tool_use_id", BLOCK_RESULT_ID), KEY("name", BLOCK_NAME),
	KEY("input", BLOCK_INPUT), KEY("is_error", BLOCK_FAILED) };

/* Where keys go deeper than one level. */
static const struct level {
	const struct key *keys;
	size_t count;
} levels[CLAUDE_FACTS] = {
	[MESSAGE] = { message_keys, ARRAY_LEN(message_keys) },
	[USAGE] = { usage_keys, ARRAY_LEN(usage_keys) },
	[ATTACHMENT] = { attachment_keys, ARRAY_LEN(attachment_keys) },
};
static const struct level top_level = { top_keys, ARRAY_LEN(top_keys) };
static const struct level block_level = { block_keys, ARRAY_LEN(block_keys) };

/* --- the walk --- */

struct str claude_fact(const struct claude_facts *facts, enum claude_fact which)
{
	return facts->seen[which] ? json_token_text(&facts->tokens[which], &facts->reader->arena)
				  : (struct str){ NULL, 0 };
}

bool claude_fact_is(const struct claude_facts *facts, enum claude_fact which, const char *text)
{
	return facts->seen[which] && json_token_is(&facts->tokens[which], text);
}

bool claude_fact_is_true(const struct claude_facts *facts, enum claude_fact which)
{
	return facts->seen[which] && json_token_is_true(&facts->tokens[which]);
}

static const struct key *find_key(const struct level *level, const struct json_token *token)
{
	for (size_t i = 0; i < level->count; i++) {
		const struct key *key = &level->keys[i];

		if (token->escaped) {
			if (json_token_is(token, key->name.ptr))
				return key;
			continue;
		}
		if (token->text.len == key->name.len && token->text.len > 0 &&
			token->text.ptr[0] == key->name.ptr[0] &&
			memcmp(token->text.ptr, key->name.ptr, key->name.len) == 0)
			return key;
	}
	return NULL;
}

/* What a tool works on: the first of the usual keys of its input, in this order. */
static void read_input(struct claude_facts *facts)
{
	static const char *const keys[] = { "file_path", "filePath", "path", "notebook_path" };
	struct json_token key, value;
	size_t best = ARRAY_LEN(keys);

	if (!json_scan_enter(&facts->scan))
		return;
	while (json_scan_next(&facts->scan, &key)) {
		size_t at = 0;

		while (at < best && !json_token_is(&key, keys[at]))
			at++;
		if (at == best || !json_scan_value(&facts->scan, &value) ||
			value.type != JSON_STRING || value.text.len == 0)
			continue;
		facts->file = json_token_text(&value, &facts->reader->arena);
		best = at;
	}
}

static void read_content(struct claude_facts *facts, enum claude_fact which);

static void read_facts(struct claude_facts *facts, const struct level *level)
{
	struct json_scan *scan = &facts->scan;
	struct json_token token;
	const struct key *key;

	while (json_scan_next(scan, &token)) {
		key = find_key(level, &token);
		if (!key || facts->seen[key->fact])
			continue;
		if (levels[key->fact].count > 0) {
			if (json_scan_enter(scan))
				read_facts(facts, &levels[key->fact]);
		} else if (key->fact == BLOCK_INPUT) {
			read_input(facts);
		} else if (key->fact == CONTENT || key->fact == MESSAGE_CONTENT ||
			   key->fact == ATTACHMENT_PROMPT) {
			read_content(facts, key->fact);
		} else if (!json_scan_value(scan, &facts->tokens[key->fact])) {
			return;
		}
		facts->seen[key->fact] = true;
	}
}

static bool block_kind(const struct claude_facts *facts, enum claude_block_kind *kind)
{
	static const struct {
		const char *type;
		enum claude_block_kind kind;
	} kinds[] = { { "tool_use", BLOCK_CALL }, { "tool_result", BLOCK_RESULT },
		{ "image", BLOCK_IMAGE }, { "document", BLOCK_DOCUMENT } };

	*kind = BLOCK_TEXT;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!claude_fact_is(facts, BLOCK_TYPE, kinds[i].type))
			continue;
		*kind = kinds[i].kind;
		return true;
	}
	return facts->seen[BLOCK_STRING] && facts->tokens[BLOCK_STRING].type == JSON_STRING;
}

static void add_block(struct claude_facts *facts, const struct claude_block *block)
{
	struct claude_reader *reader = facts->reader;

	if (reader->block_count == MOST_BLOCKS) {
		facts->too_many = true;
		return;
	}
	if (reader->block_count == reader->block_capacity) {
		reader->block_capacity = reader->block_capacity * 2 + 16;
		reader->blocks =
			mem_resize(reader->blocks, reader->block_capacity, sizeof(*reader->blocks));
	}
	reader->blocks[reader->block_count++] = *block;
}

static void add_text(struct claude_facts *facts)
{
	struct claude_block block = { .kind = BLOCK_TEXT };

	if (json_scan_value(&facts->scan, &block.text) && block.text.type == JSON_STRING)
		add_block(facts, &block);
}

static void read_block(struct claude_facts *facts)
{
	struct claude_block block = { .kind = BLOCK_TEXT };

	if (!json_scan_enter(&facts->scan)) {
		add_text(facts);
		return;
	}
	memset(&facts->seen[BLOCK_TYPE], 0, CLAUDE_FACTS - BLOCK_TYPE);
	facts->file = (struct str){ NULL, 0 };
	read_facts(facts, &block_level);
	if (!block_kind(facts, &block.kind))
		return;
	if (facts->seen[BLOCK_STRING])
		block.text = facts->tokens[BLOCK_STRING];
	block.id = claude_fact(facts, block.kind == BLOCK_RESULT ? BLOCK_RESULT_ID : BLOCK_ID);
	block.name = claude_fact(facts, BLOCK_NAME);
	block.file = facts->file;
	block.failed = claude_fact_is_true(facts, BLOCK_FAILED);
	add_block(facts, &block);
}

/* A text, or a list of blocks. */
static void read_content(struct claude_facts *facts, enum claude_fact which)
{
	struct json_token key;

	facts->first[which] = facts->reader->block_count;
	if (json_scan_type(&facts->scan) != JSON_ARRAY)
		add_text(facts);
	else if (json_scan_enter(&facts->scan))
		while (json_scan_next(&facts->scan, &key))
			read_block(facts);
	facts->last[which] = facts->reader->block_count;
}

/* --- a line --- */

int claude_facts_read(
	struct claude_facts *facts, struct claude_reader *reader, struct str line, struct err *err)
{
	facts->reader = reader;
	facts->scan = json_scan(line);
	facts->too_many = false;
	memset(facts->seen, 0, sizeof(facts->seen));
	facts->object = json_scan_type(&facts->scan) == JSON_OBJECT;
	if (facts->object && json_scan_enter(&facts->scan))
		read_facts(facts, &top_level);
	return json_scan_end(&facts->scan, err);
}
