/*
 * Codex CLI: rollout files, one session each, one record a line. Pure parsers here: bytes to
 * records (codex_record.c), records to items (codex_session.c); codex.c reads the files.
 */
#ifndef TT_COLLECT_CODEX_H
#define TT_COLLECT_CODEX_H

#include "collect/agent.h"

extern const struct source codex_source;

/* --- one line --- */

enum codex_kind {
	CODEX_NOTHING, /* known, and not for us; its time is one of the session's */
	CODEX_UNKNOWN, /* of a type nobody documented */
	CODEX_META,
	CODEX_CONTEXT,    /* turn_context */
	CODEX_TURN_START, /* CODEX_TURN_END, CODEX_TURN_ABORTED: how it ended */
	CODEX_TURN_END,
	CODEX_TURN_ABORTED,
	CODEX_USER,
	CODEX_ASSISTANT,
	CODEX_CALL,   /* a tool's; may hold its result too */
	CODEX_RESULT, /* of a call */
	CODEX_USAGE,
	CODEX_ERROR,
	CODEX_ROLLBACK,
	CODEX_TITLE,
};

/* Which of the three ways a record is written in: the same message or call comes in several. */
enum codex_side { CODEX_RESPONSE_ITEM = 1, CODEX_EVENT = 2, CODEX_COMPLETED = 4 };

struct codex_meta {
	struct str id;
	struct str parent;      /* of a sub-agent */
	struct str forked_from; /* of a fork */
	struct str version;
	struct str branch;
	bool spawned;   /* a sub-agent's thread: starts with its parent's records */
	bool automatic; /* no person behind it, and no parent named */
	int64_t at_ns;  /* AGENT_NO_TIME: unknown */
};

/* Token counts; -1: unknown. */
struct codex_tokens {
	int64_t by_kind[AGENT_TOKENS];
	bool known;
};

/* Views into its reader; valid until the next line. */
struct codex_record {
	enum codex_kind kind;
	enum codex_side side;
	int64_t at_ns; /* AGENT_NO_TIME: not in the line, or not readable */
	struct str id; /* of a call or result; may be empty */
	struct str turn;
	struct str
		cwd; /* CODEX_META, CODEX_CONTEXT; of CODEX_NOTHING when a context text tells it */
	struct str model; /* CODEX_CONTEXT */
	struct str mode;
	struct str text; /* of a message; what is searched for on the web; a title */
	bool has_image;
	bool command; /* a user message that is a command of theirs */
	struct str tool;
	struct str file;
	bool failed;      /* CODEX_CALL, CODEX_RESULT */
	struct str error; /* CODEX_ERROR: a short word */
	bool by_person;   /* CODEX_TURN_ABORTED */
	int64_t turns;    /* CODEX_ROLLBACK */
	struct codex_tokens total, last;
	struct codex_meta meta;
	bool in_parent;     /* for codex_take: see codex_asks */
	const char *reason; /* of a line that is none: not_json, not_object, too_deep */
};

/* Reuses its memory. All-zero is a valid fresh one. */
struct codex_reader {
	struct json_parser line, inner;
	struct buf text, name;
};
void codex_reader_release(struct codex_reader *reader);
/* ERR_PARSE or ERR_LIMIT, and the record's reason, when LINE is no JSON object. Large lines of
 * kinds that are not for us are told by their first bytes and not parsed. */
MUST_USE int codex_record_read(
	struct codex_reader *reader, struct str line, struct codex_record *record, struct err *err);

/* --- a session --- */

enum { CODEX_PAIRS = 16, CODEX_CALLS = 32 };

/* A message or call without an id, of which not all sides were met. */
struct codex_pair {
	int what;
	int sides; /* enum codex_side, met so far */
	uint64_t hash;
};

/* A recent call, so that it is told again when it comes from another side, and so that its result
 * knows it. */
struct codex_call {
	uint64_t id;  /* hash */
	uint64_t key; /* hash of its line: see codex_session.c; 0: its key is its id */
	bool as_item; /* met as a response item */
	bool failed;
	char tool[64];
};

/* A user's message, for what is taken back later. */
struct codex_prompt {
	int64_t offset;
	uint64_t turn;   /* hash; 0: unknown */
	ptrdiff_t index; /* in the items of the batch, or one of: */
};
enum { CODEX_NO_ITEM = -1, CODEX_GIVEN = -2 };
#define CODEX_ANY_TURN UINT64_MAX

enum codex_mark_kind {
	CODEX_MARK_CANCELLED,
	CODEX_MARK_WITHDRAWN,
	CODEX_MARK_AGAIN /* given before the session's directory was known */
};
/* Of what lines from FROM to before TO gave. */
struct codex_mark {
	enum codex_mark_kind kind;
	int64_t from, to;
};
struct codex_marks {
	struct codex_mark *items;
	size_t count, capacity;
};
void codex_marks_release(struct codex_marks *marks);

enum codex_replay {
	CODEX_OWN,         /* records are the session's own */
	CODEX_HEAD,        /* it has an origin, and no turn told yet whose records these are */
	CODEX_REPLAYED,    /* records are copies of the origin's */
	CODEX_FIRST_SECOND /* they are, as long as their second is that of the first */
};

/*
 * What is known of a session while its records are taken. Set up by codex_parser(); kept between
 * two readings of a file as text (codex_parser_save).
 */
struct codex_parser {
	/* Set by the caller. */
	struct str fallback_id; /* never empty: of a session whose items come before its meta */
	bool keep_title;        /* titles are texts */
	bool collect_marks;     /* note what is taken back in MARKS */
	const struct codex_marks *only; /* give nothing but what they cover, marked so; NULL: all */

	/* Facts of the session. */
	struct buf id, parent, origin, version, branch, cwd, title;
	bool automatic, spawned;
	bool named; /* the id is settled */
	bool has_meta;
	int64_t meta_ns, started_ns, ended_ns; /* AGENT_NO_TIME: unknown */

	/* Where it stands. */
	struct buf turn_cwd, model, mode, turn;
	int64_t last_ns;
	struct codex_tokens total;
	enum codex_replay replay;
	int64_t strength; /* of what is known of its origin; 0: nothing */
	bool second_meta, turns_seen;
	int64_t first_second;        /* INT64_MIN: no record had a time */
	int64_t lines, unknown;      /* since the start of the file */
	bool item_calls;             /* some call came as a response item */
	bool turn_calls;             /* in this turn */
	int64_t turn_prompts;        /* in this turn */
	bool gave, gave_without_cwd; /* any item; one before the session's directory was known */
	bool mending;         /* what was given must be given again with a mark: see codex.c */
	uint64_t prompt_turn; /* of the last prompt; CODEX_ANY_TURN: nobody knows */
	struct codex_pair pairs[CODEX_PAIRS];
	size_t pair_count;
	struct codex_call calls[CODEX_CALLS];
	size_t call_count;

	/* Of this reading. */
	bool from_start;      /* of the file: PROMPTS are all there are */
	uint64_t before_turn; /* of the last prompt before */
	bool origin_news;
	struct codex_prompt *prompts;
	size_t prompt_count, prompt_capacity;
	struct codex_marks marks;

	/* The batch. */
	struct agent_session *session;
	int64_t *offsets; /* of the items' lines */
	size_t offset_capacity;
	int64_t batch_from, offset; /* of its first line, -1: none; of the line at hand */
};

/* START: it begins at the start of the file. */
void codex_parser(struct codex_parser *parser, bool start);
void codex_parser_release(struct codex_parser *parser);
/* Items go to SESSION (as agent_session() made it) until codex_batch_end, which fills in its facts:
 * views into the parser. */
void codex_batch_begin(struct codex_parser *parser, struct agent_session *session);
void codex_batch_end(struct codex_parser *parser);
/* Has it just become known that the session has an origin (its parent, or what it was forked from)?
 * Then its id. The caller answers with codex_origin: 0 when that session is not known, else a
 * number that grows with what is: a reading with a greater one replaces what was given before. */
bool codex_new_origin(struct codex_parser *parser, struct str *origin);
void codex_origin(struct codex_parser *parser, int64_t strength);
/* Must RECORD say whether its turn is one of the origin's (in_parent)? */
bool codex_asks(const struct codex_parser *parser, const struct codex_record *record);
/* Take the record of LINE, which began at OFFSET. */
void codex_take(struct codex_parser *parser, const struct codex_record *record, struct str line,
	int64_t offset);
/* Take a line that is none. */
void codex_take_bad(struct codex_parser *parser, const struct agent_bad *bad);
/* What is known of the session at its end holds for what is given from its start. */
void codex_parser_facts(struct codex_parser *parser, const struct codex_parser *end);

/* As JSON, and back: false when TEXT is not what codex_parser_save wrote; PARSER is fresh then. */
void codex_parser_save(const struct codex_parser *parser, struct buf *out);
MUST_USE bool codex_parser_load(struct codex_parser *parser, struct str text);

#endif
