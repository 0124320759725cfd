/*
 * Typed events, one a line: {type, data, id, timestamp, parentId}. The extension's transcripts and
 * the logs of the command line program are made of them.
 */
#ifndef TT_COLLECT_COPILOT_RECORD_H
#define TT_COLLECT_COPILOT_RECORD_H

#include "collect/agent.h"

/* Views into what it was parsed from. */
struct copilot_record {
	struct str id, type, call; /* CALL: the id of the tool's call that it is of */
	const struct json *data;
	int64_t at_ns;
	bool by_agent; /* a sub-agent's own */
};

/* Parse LINE, without its end, into ROOT, an object. NULL, or a word for why it is none, explained
 * in FAULT. OVERLONG: LINE is only the beginning of a line. */
const char *copilot_object_parse(struct json_parser *parser, struct str line, bool overlong,
	const struct json **root, struct err *fault);
/* The same into OUT, as a record. */
const char *copilot_record_parse(struct json_parser *parser, struct str line, bool overlong,
	struct copilot_record *out, struct err *fault);
/* Is TYPE the type NAME? A name that ends in a point stands for all that begin with it. */
bool copilot_record_is(struct str type, const char *name);
/* Is TYPE a documented one from which nothing is taken, unless a reader has a use for it? */
bool copilot_record_is_idle(struct str type);

/* Of a user.message: did a person type it? What a skill, another agent or the program itself says
 * in their place is none. And is it a command to the program? */
bool copilot_record_is_typed(const struct copilot_record *record);
bool copilot_record_is_command(const struct copilot_record *record);
/* The file that a prompt's ATTACHMENT is, in ARENA; empty: none, or a directory. */
struct str copilot_attachment_file(struct arena *arena, const struct json *attachment);
bool copilot_attachment_is_image(const struct json *attachment, struct str file);
/* Of a tool.execution_complete: does it say that the call failed? */
bool copilot_record_has_failed(const struct copilot_record *record);
/* The file that a tool is called with: ARGUMENTS are an object, or one as text. In ARENA; empty:
 * none. */
struct str copilot_argument_file(struct arena *arena, const struct json *arguments);
/* Of a session.error: its code in ARENA, never the text. */
struct str copilot_record_error(struct arena *arena, const struct copilot_record *record);

#endif
