/*
 * What is known of one Claude session and corrected as more of it is read: kept as a memo, shown as
 * one agent_session event.
 */
#ifndef TT_COLLECT_CLAUDE_SESSION_H
#define TT_COLLECT_CLAUDE_SESSION_H

#include "collect/claude/record.h"
#include "collect/source.h"

enum { CLAUDE_RIVALS = 64, CLAUDE_PATHS = 8 };

/* Counts of what the session owns; see claude.c for owning. */
struct claude_counts {
	int64_t prompts, commands, responses, tool_calls, tool_errors, api_errors;
	int64_t cancelled;             /* prompts, or responses, whose turn the person stopped */
	int64_t tokens[CLAUDE_TOKENS]; /* -1: none of its responses told */
	int64_t started_ns, ended_ns;  /* INT64_MAX, INT64_MIN: nothing yet */
};

struct claude_session {
	uint64_t key;       /* hash of the id: its name in memos */
	struct str members; /* of its events' data: how each begins; empty: not written yet */
	struct str id;
	struct str parent;              /* empty: a person's own session */
	struct str paths[CLAUDE_PATHS]; /* of the files it was seen in, the first one first */
	size_t path_count;
	struct str cwd; /* the first one known */
	struct str project;
	struct str branch;  /* the first one known */
	struct str version; /* of the program that wrote the newest record */
	struct str title;
	int64_t at_ns; /* of its event: the first time in its file; INT64_MIN: none yet */
	struct claude_counts counts;
	int64_t malformed, unknown, records; /* lines of its first file */
	int64_t version_ns; /* of the record that told the version; INT64_MIN: none */
	bool talks;         /* a record of a conversation was seen: it is worth an event */
	bool background;
	int64_t unshared_ns; /* the earliest of its items that no other session has; INT64_MAX: none
			      */
	int64_t items;       /* lines with something to own, whoever owns it */
	uint64_t rivals[CLAUDE_RIVALS]; /* sessions with the same items */
	size_t rival_count;
	int64_t revision;            /* of the event last given; 0: none */
	uint64_t shown;              /* hash of what it showed */
	bool changed;                /* since it was last put */
	bool settled;                /* in this round */
	bool settling;               /* its claims are being weighed against others' right now */
	struct claude_session *next; /* in its table */
};

struct claude_counts claude_counts_none(void);
/* Take the instant of something counted into start and end. Commands bound nothing. */
void claude_counts_time(struct claude_counts *counts, const struct claude_record *record);
/* Replace what is known of one response's tokens (OLD, NULL: nothing) by TOKENS. */
void claude_counts_tokens(struct claude_counts *counts, const int64_t *old, const int64_t *tokens);

/* "user", "subagent", "agent". */
struct str claude_session_type(const struct claude_session *session);
/* The program that wrote the newest record has VERSION. */
void claude_session_note_version(
	struct claude_session *session, const struct claude_record *record, struct arena *arena);
/* Note that it is in the file PATH; files that are gone make room. False when it was known. */
bool claude_session_add_path(struct claude_session *session, struct str path, struct arena *arena);
bool claude_session_add_rival(struct claude_session *session, uint64_t key);
/* Does A have the better claim to what both have? */
bool claude_session_precedes(const struct claude_session *a, const struct claude_session *b);

uint64_t claude_session_key(struct str id);
/* The memo's text, and back; strings are copied into the arena. ERR_CORRUPT. */
void claude_session_write(const struct claude_session *session, struct buf *out);
MUST_USE int claude_session_read(struct claude_session *session, struct str text,
	struct json_parser *parser, struct arena *arena, struct err *err);
/* The data of its event, with as much of its title as TEXT allows. */
void claude_session_data(
	const struct claude_session *session, enum collect_text text, struct buf *out);
/* As much of TEXT, a view into it, as HOW allows to keep. */
struct str claude_kept_text(struct str text, enum collect_text how);

#endif
