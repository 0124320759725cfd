/*
 * One log of GitHub Copilot CLI, line by line. What lines before say of lines after is kept in a
 * struct copilot_cli_log, which is saved as JSON between readings: reading a log in portions gives
 * the items that reading it at once gives, and those of a part are among those of the whole.
 */
#ifndef TT_COLLECT_COPILOT_CLI_LOG_H
#define TT_COLLECT_COPILOT_CLI_LOG_H

#include "collect/agent.h"

/* Counters of a model. */
struct copilot_cli_model {
	struct str name;
	int64_t last[AGENT_TOKENS]; /* as the last shutdown said; 0: nothing yet */
	int64_t given;              /* output given with responses since then */
	bool named;                 /* by the shutdown at hand; not kept */
};

/* A tool that was asked for and has not answered. */
struct copilot_cli_call {
	struct str id, tool;
};

/* The prompt that is being answered: where its line is, and what it says only together with lines
 * before it. */
struct copilot_cli_prompt {
	struct str key; /* empty: none */
	int64_t offset, bytes;
	struct str cwd, mode;
	bool stopped; /* by the person */
};

/* Of calls only the newest are remembered, of models the first. */
enum { COPILOT_CLI_CALLS = 64, COPILOT_CLI_MODELS = 256 };

/* All-zero but for the times is a fresh one: copilot_cli_log(). */
struct copilot_cli_log {
	struct arena arena;
	struct str session; /* the log's, once it said; before that what its name says */
	bool named;         /* the log said it */
	bool given;         /* its start was given */
	struct str version, title;
	struct str first_cwd, cwd, branch; /* the session's, and where it is now */
	struct str model, mode, turn;
	int64_t started_ns, ended_ns; /* of all plausible times; INT64_MIN: none yet */
	int64_t unknown;              /* records that were not given yet */
	struct copilot_cli_prompt prompt;
	struct copilot_cli_prompt stopped; /* was given before this reading, as not stopped */
	struct copilot_cli_call calls[COPILOT_CLI_CALLS];
	size_t call_count;
	struct copilot_cli_model *models;
	size_t model_count, model_capacity;
};

/* A fresh log whose session is SESSION unless it says another. */
struct copilot_cli_log copilot_cli_log(struct str session);
void copilot_cli_log_release(struct copilot_cli_log *log);

/* A line, without its end. */
struct copilot_cli_line {
	struct str text;
	struct str path; /* of the log */
	int64_t offset;
	bool overlong;
};

/* Take LINE: its items are added to OUT, in whose arena their strings are. */
void copilot_cli_log_line(struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_line *line, struct agent_session *out);
/* What the log says of the session so far, into OUT; strings are views into LOG. */
void copilot_cli_log_facts(const struct copilot_cli_log *log, struct agent_session *out);
/* Take LINE of PROMPT, which was given before, once more. */
void copilot_cli_log_again(const struct copilot_cli_log *log, struct json_parser *parser,
	const struct copilot_cli_prompt *prompt, const struct copilot_cli_line *line,
	struct agent_session *out);
/* The session that a line names, a view into PARSER; empty: none. */
struct str copilot_cli_log_session(struct json_parser *parser, struct str line);

/* As JSON, and back; what is not understood is as in a fresh log of SESSION. */
void copilot_cli_log_write(const struct copilot_cli_log *log, struct buf *out);
struct copilot_cli_log copilot_cli_log_read(
	struct json_parser *parser, struct str text, struct str session);

/* --- copilot_cli_usage.c --- */

/* OUTPUT tokens were given with a response of MODEL. */
void copilot_cli_usage_given(struct copilot_cli_log *log, struct str model, int64_t output);
/*
 * METRICS of a shutdown, by model: counters since the session began, over all its legs. What they
 * grew by since the shutdown before, less what was given with responses, becomes an item for each
 * model that has any. KEY is the shutdown's.
 */
void copilot_cli_usage_shutdown(struct copilot_cli_log *log, const struct json *metrics,
	struct str key, int64_t at_ns, struct agent_session *out);

/* --- copilot_cli_workspace.c --- */

struct copilot_cli_workspace {
	struct str cwd, branch;
};
/* Values of the top level of a YAML mapping, in a line each, plain or quoted; anything else in it
 * is passed over. Strings in ARENA. */
struct copilot_cli_workspace copilot_cli_workspace(struct arena *arena, struct str yaml);

#endif
