/*
 * One record of a Claude Code transcript: what it says, told from its bytes alone. No files, no
 * store, no memory of other records.
 */
#ifndef TT_COLLECT_CLAUDE_RECORD_H
#define TT_COLLECT_CLAUDE_RECORD_H

#include "base/json_scan.h"
#include "base/time.h"

enum claude_kind {
	CLAUDE_OTHER,     /* known, and of no interest beyond its session, time and directory */
	CLAUDE_UNKNOWN,   /* of a type nobody documented */
	CLAUDE_PROMPT,    /* text a person typed; of a side chain: what an agent was told to do */
	CLAUDE_USER,      /* a user record that is no prompt: tool results, wrappers, summaries */
	CLAUDE_RESPONSE,  /* one line of an API response */
	CLAUDE_API_ERROR, /* the client's note that the API failed */
};

/* In this order everywhere. */
enum claude_token { TOKEN_INPUT, TOKEN_OUTPUT, TOKEN_CACHE_READ, TOKEN_CACHE_WRITE, CLAUDE_TOKENS };

/* Their names in events: "input_tokens", … */
const char *claude_token_key(int token);

/* A part of a message's content; other parts are left out. */
enum claude_block_kind { BLOCK_TEXT, BLOCK_IMAGE, BLOCK_DOCUMENT, BLOCK_CALL, BLOCK_RESULT };
struct claude_block {
	enum claude_block_kind kind;
	struct json_token text; /* BLOCK_TEXT */
	struct str id;          /* BLOCK_CALL, BLOCK_RESULT: of the call; empty when it has none */
	struct str name;        /* BLOCK_CALL */
	struct str file;        /* BLOCK_CALL: what it works on */
	bool failed;            /* BLOCK_RESULT */
};

/* Views into the reader (and into the line), valid until its next use; empty when absent. */
struct claude_record {
	enum claude_kind kind;
	struct str uuid; /* never empty for prompts, responses and errors: made of the content if
			    need be */
	struct str session_id;
	struct str agent_id;
	struct str cwd;
	struct str git_branch;
	struct str version; /* of the program */
	struct str message_id;
	struct str request_id;
	struct str model;
	struct str stop_reason;
	struct str prompt_source;
	struct str error; /* CLAUDE_API_ERROR: a code */
	struct str title; /* a name somebody gave the session; text */
	bool has_time;
	int64_t at_ns;
	bool implausible_time; /* it is kept, but it bounds nothing */
	bool sidechain;
	bool background; /* copied by the background launcher */
	bool queued;
	bool has_image;
	bool cancels;       /* a note that the person stopped the turn */
	struct str command; /* CLAUDE_PROMPT: a command to the program, as it was typed */
	int64_t length;     /* bytes of the human text, wrappers taken away */
	int64_t tokens[CLAUDE_TOKENS]; /* -1: unknown */
	const struct claude_block *blocks;
	size_t block_count;
	struct arena *arena; /* the reader's */
	bool malformed;      /* after a failure: it is no JSON object */
	const char *reason;  /* after a failure: stable word for quarantine */
};

/* All-zero is a fresh one. */
struct claude_reader {
	struct arena arena; /* of texts that had to be decoded */
	struct claude_block *blocks;
	size_t block_count, block_capacity;
	char made_uuid[2 + 32 + 1];
};

void claude_reader_release(struct claude_reader *reader);

/*
 * Read one LINE. ERR_PARSE or ERR_LIMIT with `reason` set: not_json, not_object, too_deep,
 * too_many_blocks; and for records of a conversation, whose time or session cannot be told:
 * missing_session, missing_timestamp, bad_timestamp. `cwd` and `session_id` are set as far as they
 * could be read.
 */
MUST_USE int claude_record_read(
	struct claude_reader *reader, struct str line, struct claude_record *out, struct err *err);
/* Does it belong to the conversation: a user's or an agent's record, an API error? */
bool claude_is_conversation(enum claude_kind kind);
/* Append the human text of a prompt, its parts joined by newlines; or the text of a response. */
void claude_record_text(const struct claude_record *record, struct buf *out);

/* Tool calls of a response, and results of a user record, one after the other. */
struct claude_tools {
	const struct claude_record *record;
	size_t next;
	int ordinal;     /* of the current one among its kind, from 0 */
	struct str id;   /* empty when the block has none */
	struct str name; /* empty for results */
	struct str file;
	bool failed; /* a result */
};
struct claude_tools claude_tools(const struct claude_record *record);
bool claude_next_call(struct claude_tools *tools);
bool claude_next_result(struct claude_tools *tools);

#endif
