/*
 * The facts of one Claude Code record, taken in one walk over its bytes, whatever its type: large
 * results are passed over, though checked. What they mean is claude_record.c's.
 */
#ifndef TT_COLLECT_CLAUDE_FACTS_H
#define TT_COLLECT_CLAUDE_FACTS_H

#include "collect/claude/record.h"

enum claude_fact {
	TYPE,
	SUBTYPE,
	UUID,
	SESSION,
	AGENT,
	CWD,
	BRANCH,
	VERSION,
	SOURCE,
	SESSION_KIND,
	TIMESTAMP,
	REQUEST,
	SIDECHAIN,
	META,
	SUMMARY,
	ONLY_VISIBLE,
	API_ERROR,
	ERROR,
	CUSTOM_TITLE,
	AI_TITLE,
	CONTENT,
	MESSAGE,
	ATTACHMENT,
	MESSAGE_ID,
	MODEL,
	STOP_REASON,
	MESSAGE_CONTENT,
	USAGE,
	INPUT_TOKENS,
	OUTPUT_TOKENS,
	CACHE_READ_TOKENS,
	CACHE_WRITE_TOKENS,
	ATTACHMENT_TYPE,
	COMMAND_MODE,
	ATTACHMENT_META,
	ATTACHMENT_PROMPT,
	/* of the block at hand; not kept */
	BLOCK_TYPE,
	BLOCK_ID,
	BLOCK_RESULT_ID,
	BLOCK_NAME,
	BLOCK_INPUT,
	BLOCK_STRING,
	BLOCK_FAILED,
	CLAUDE_FACTS
};

/* Facts that were not seen are not set. */
struct claude_facts {
	struct claude_reader *reader;
	struct json_scan scan;
	bool object;   /* the outermost value is one */
	bool too_many; /* blocks */
	bool seen[CLAUDE_FACTS];
	struct json_token tokens[CLAUDE_FACTS];
	size_t first[CLAUDE_FACTS], last[CLAUDE_FACTS]; /* of a content: its blocks in the reader */
	struct str file;                                /* of the block at hand */
};

/* Walk over LINE. ERR_PARSE, ERR_LIMIT: it is no JSON. */
MUST_USE int claude_facts_read(
	struct claude_facts *facts, struct claude_reader *reader, struct str line, struct err *err);
/* The text of a fact; empty when it is absent or no text. */
struct str claude_fact(const struct claude_facts *facts, enum claude_fact which);
bool claude_fact_is(const struct claude_facts *facts, enum claude_fact which, const char *text);
bool claude_fact_is_true(const struct claude_facts *facts, enum claude_fact which);

#endif
