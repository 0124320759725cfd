/* What the commands about streams share: finding the one that was meant, its time, its sessions. */
#ifndef TT_CLI_STREAM_WORDS_H
#define TT_CLI_STREAM_WORDS_H

#include "attention/map.h"
#include "attention/report.h"
#include "cli/command.h"

/* The store with everything taken in, and all streams. SET is the caller's to free. */
MUST_USE int cli_streams(
	struct cli *cli, struct store **store, struct stream_set **set, struct err *err);
/* The stream that WORD names; as stream_set_find. Lives as long as SET. */
MUST_USE int cli_stream(
	const struct stream_set *set, const char *word, const struct stream **out, struct err *err);

/* A stream with its time in some period. */
struct timed_stream {
	const struct stream *stream;
	struct time_totals time;
};
/* Fill in the times of COUNT streams in [FROM, TO). */
MUST_USE int cli_stream_times(struct cli *cli, int64_t from_ns, int64_t to_ns,
	struct timed_stream *streams, size_t count, struct err *err);
/* The same over the whole life of each. */
MUST_USE int cli_stream_life(
	struct cli *cli, struct timed_stream *streams, size_t count, struct err *err);

/* An array of stream objects. */
void cli_streams_json(struct json_writer *json, const struct timed_stream *streams, size_t count);
/* An id or a name in the form that people can type: the short id. */
struct str cli_short_id(struct str stream_id);
/* "client:acme, urgent" in the arena. */
struct str cli_tags_text(struct cli *cli, const struct str *tags, size_t count);
/* `{"stream_id":…,"KEY":VALUE}`; KEY NULL: the id alone. */
void cli_stream_answer(struct cli *cli, struct str stream_id, const char *key, struct str value);

/* An agent's session, as far as some events tell. */
struct session_facts {
	struct str session_id;
	struct str machine_id;
	struct str agent;
	struct str type; /* "user", "subagent", "agent" */
	struct str cwd;  /* may be empty */
	int64_t first_ns;
	int64_t last_ns;
	int64_t prompts;
	int64_t tool_calls;
};
/* Sessions in the order of their first event. All-zero with ARENA set is an empty one. */
struct session_list {
	struct arena *arena;
	struct session_facts *items;
	size_t count;
	size_t room;
	struct map index;
};
void session_list_release(struct session_list *list);
/* Take an event into account, if it is one of a session: the session's index, else SIZE_MAX. */
size_t session_list_add(struct session_list *list, const struct stored_event *event,
	const struct event_facts *facts);
/* An array of session objects. */
void session_list_json(struct cli *cli, struct json_writer *json, const struct session_list *list);

#endif
