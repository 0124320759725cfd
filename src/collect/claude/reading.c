/*
 * From lines to records with a session and a directory. A record without a directory has that of
 * the one before it; at the start of a file that of the next one. Records in excluded directories
 * are passed over as if they were not there: they are not even counted.
 */
#include "collect/claude/reading.h"

#include "collect/claude/walk.h"

enum { FIRST_CWD_LINES = 256 };

#define SOURCE STR("claude")

void claude_reading_release(struct claude_reading *reading)
{
	claude_reader_release(&reading->reader);
	tail_close(reading->tail);
	buf_release(&reading->session_id);
	claude_pass_release(&reading->pass);
}

struct claude_reading claude_reading_of(
	struct claude_round *round, const char *path, enum claude_mode mode)
{
	return (struct claude_reading){
		.round = round,
		.path = path,
		.agent = claude_agent_of(path),
		.pass = {
			.round = round,
			.mode = mode,
			.place = claude_round_place(round, STR("")),
			.path = path,
		},
	};
}

/* --- where a record belongs --- */

/* What the start of a file tells. */
struct start {
	struct buf cwd; /* the first one; empty: none */
	bool talks;     /* a record of a conversation stands there */
};

/* A file that cannot be read tells nothing: whoever reads it finds out. */
static void look_at_start(const char *path, struct start *start)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	CLEANUP(claude_reader_release) struct claude_reader reader = { 0 };
	struct claude_record record;
	struct err ignored;
	int64_t offset;
	struct str line;
	bool overlong;

	if (tail_open_whole(&tail, path, &ignored) < 0)
		return;
	for (int i = 0; i < FIRST_CWD_LINES && start->cwd.len == 0; i++) {
		if (tail_next(tail, &line, &offset, &overlong, &ignored) <= 0)
			break;
		if (overlong || claude_record_read(&reader, line, &record, &ignored) < 0)
			continue;
		buf_add(&start->cwd, record.cwd);
		start->talks |= claude_is_conversation(record.kind);
	}
}

static void start_release(struct start *start)
{
	buf_release(&start->cwd);
}

static void take_start(struct claude_reading *reading, struct start *start)
{
	reading->looked_for_cwd = true;
	look_at_start(reading->path, start);
	reading->pass.place = claude_round_place(reading->round, buf_str(&start->cwd));
}

bool claude_reading_may_begin(struct claude_reading *reading)
{
	CLEANUP(start_release) struct start start = { 0 };

	if (workspace_policy_mark(reading->round->context->policy) == 0)
		return true;
	take_start(reading, &start);
	return start.cwd.len > 0 || start.talks;
}

/* Records at the start of a file may lack the directory: that of the next one that has it holds for
 * them. */
static void note_cwd(struct claude_reading *reading, const struct claude_record *record)
{
	CLEANUP(start_release) struct start start = { 0 };

	if (record->cwd.len > 0) {
		if (!str_eq(record->cwd, reading->pass.place->cwd))
			reading->pass.place = claude_round_place(reading->round, record->cwd);
		return;
	}
	if (reading->pass.place->cwd.len == 0 && !reading->pass.place->excluded &&
		!reading->looked_for_cwd && claude_is_conversation(record->kind))
		take_start(reading, &start);
}

/* The session of RECORD: that of its own, or a sub-agent's, which is named after its parent and its
 * agent. */
static int session_of(struct claude_reading *reading, const struct claude_record *record,
	struct claude_session **out, struct err *err)
{
	struct claude_round *round = reading->round;
	struct str agent = record->agent_id, id = record->session_id;

	if (agent.len == 0 || !record->sidechain)
		agent = reading->agent;
	if (agent.len > 0)
		id = arena_printf(&round->scratch, "%.*s/agent-%.*s", STR_ARG(id), STR_ARG(agent));
	if (reading->last && str_eq(reading->last->id, id)) {
		*out = reading->last;
		return 0;
	}
	if (claude_round_session(round, id, out, err) < 0)
		return err->code;
	if (agent.len > 0 && (*out)->parent.len == 0)
		(*out)->parent = arena_str(&round->sessions_arena, record->session_id);
	if (reading->pass.mode == PASS_COLLECT)
		claude_session_add_path(*out, str_from(reading->path), &round->sessions_arena);
	if (reading->session_id.len == 0)
		buf_add(&reading->session_id, id);
	reading->last = *out;
	return 0;
}

/* What any record tells about its session. */
static void note_session(struct claude_reading *reading, struct claude_session *session,
	const struct claude_record *record)
{
	struct arena *arena = &reading->round->sessions_arena;
	const struct claude_place *place = reading->pass.place;

	if (record->has_time && session->at_ns == INT64_MIN)
		session->at_ns = record->at_ns;
	if (place->cwd.len > 0 && session->cwd.len == 0) {
		session->cwd = arena_str(arena, place->cwd);
		session->project = arena_str(arena, place->project);
	}
	if (record->git_branch.len > 0 && session->branch.len == 0)
		session->branch = arena_str(arena, record->git_branch);
	if (place->text != TEXT_NONE && record->title.len > 0 &&
		!str_eq(record->title, session->title))
		session->title = arena_str(arena, claude_kept_text(record->title, place->text));
	claude_session_note_version(session, record, arena);
	session->talks |= claude_is_conversation(record->kind);
	session->background |= record->background;
	session->changed = true;
}

/* --- lines --- */

/* A line that nobody understands. */
static int quarantine(struct claude_reading *reading, struct str line, const char *reason,
	const char *detail, struct err *err)
{
	struct quarantine_entry entry = {
		.source = SOURCE,
		.path = str_from(reading->path),
		.offset = reading->pass.offset,
		.reason = str_from(reason),
		.detail = str_from(detail),
		.bytes = line,
		.bytes_total = (int64_t)line.len,
	};

	if (reading->pass.mode != PASS_COLLECT)
		return 0;
	return intake_quarantine(reading->round->intake, &entry, err);
}

static int take_record(
	struct claude_reading *reading, const struct claude_record *record, struct err *err)
{
	struct claude_session *session;

	if (record->session_id.len == 0)
		return 0;
	if (session_of(reading, record, &session, err) < 0)
		return err->code;
	if (reading->only && session != reading->only)
		return 0;
	note_session(reading, session, record);
	return claude_take_items(&reading->pass, session, record, err);
}

int claude_reading_take(
	struct claude_reading *reading, struct str line, bool overlong, struct err *err)
{
	struct claude_record record;
	struct err fault;
	int rc;

	if (str_trim(line).len == 0)
		return 0;
	arena_reset(&reading->round->scratch);
	if (overlong) {
		if (reading->pass.place->excluded)
			return 0;
		reading->records++;
		reading->malformed++;
		return quarantine(reading, line, "too_long", "longer than any line may be", err);
	}
	rc = claude_record_read(&reading->reader, line, &record, &fault);
	note_cwd(reading, &record);
	if (reading->pass.place->excluded)
		return 0;
	reading->records++;
	if (rc < 0) {
		reading->malformed += record.malformed;
		return quarantine(reading, line, record.reason, fault.message, err);
	}
	reading->unknown += record.kind == CLAUDE_UNKNOWN;
	return take_record(reading, &record, err);
}

int claude_reading_take_rest(struct claude_reading *reading, struct err *err)
{
	struct claude_record record;
	struct err ignored;
	struct str line;

	if (!tail_rest(reading->tail, &line, &reading->pass.offset))
		return 0;
	arena_reset(&reading->round->scratch);
	if (claude_record_read(&reading->reader, line, &record, &ignored) < 0)
		return 0;
	note_cwd(reading, &record);
	return reading->pass.place->excluded ? 0 : take_record(reading, &record, err);
}

/* --- from round to round --- */

void claude_reading_write(const struct claude_reading *reading, struct buf *out)
{
	struct json_writer writer = json_writer(out);
	const struct claude_pass *pass = &reading->pass;

	json_begin_object(&writer);
	if (pass->place->excluded)
		json_kv_bool(&writer, "excluded", true);
	else
		json_kv_str(&writer, "cwd", pass->place->cwd);
	json_kv_str(&writer, "session", buf_str(&reading->session_id));
	json_kv_str(&writer, "prompt", buf_str(&pass->prompt));
	json_kv_str(&writer, "answer", buf_str(&pass->answer));
	claude_calls_write(&pass->calls, &writer);
	json_kv_i64(&writer, "malformed", reading->malformed);
	json_kv_i64(&writer, "unknown", reading->unknown);
	json_kv_i64(&writer, "records", reading->records);
	json_end_object(&writer);
}

void claude_reading_read(struct claude_reading *reading, struct str state)
{
	static const struct claude_place excluded = { .excluded = true };
	const struct json *root;
	struct err ignored;

	if (state.len == 0 || json_parse(&reading->round->parser, state, true, &root, &ignored) < 0)
		return;
	reading->pass.place =
		json_is_true(json_get(root, "excluded"))
			? &excluded
			: claude_round_place(reading->round, json_get_str(root, "cwd"));
	claude_calls_read(&reading->pass.calls, root);
	buf_add(&reading->session_id, json_get_str(root, "session"));
	buf_add(&reading->pass.prompt, json_get_str(root, "prompt"));
	buf_add(&reading->pass.answer, json_get_str(root, "answer"));
	json_get_i64(root, "malformed", &reading->malformed);
	json_get_i64(root, "unknown", &reading->unknown);
	json_get_i64(root, "records", &reading->records);
}

int claude_reading_note_lines(struct claude_reading *reading, struct err *err)
{
	struct claude_session *session;

	if (reading->session_id.len == 0)
		return 0;
	if (claude_round_session(reading->round, buf_str(&reading->session_id), &session, err) < 0)
		return err->code;
	if (session->path_count == 0 || !str_eq_c(session->paths[0], reading->path))
		return 0;
	session->malformed = reading->malformed;
	session->unknown = reading->unknown;
	session->records = reading->records;
	session->changed = true;
	return 0;
}
