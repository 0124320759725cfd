/*
 * Claude Code's transcripts. One pass over a file turns its records into items; each item is one
 * event (or none) and is counted once in one session, however often and wherever its record is
 * repeated.
 *
 * Items and their natural keys: a prompt (record uuid), a response (API message id; its lines are
 * streamed states of one response, the one with the largest output holds), a tool call and a failed
 * result (tool use id), an API error (uuid), and the order an agent got (uuid; no event, but it
 * bounds the agent's session). A memo for each key says which session owns the item.
 *
 * Copies. A fork copies a session's records to a new file, with a new session id and nothing else
 * changed; a side question repeats a response of the main chain inside a sub-agent's file, with a
 * new time and request id. Who meets an item first owns it, then:
 *  - The main chain takes an item from a side chain at once, whichever was read first. The side
 * chain's event is withdrawn.
 *  - When two sessions are found to have an item in common, both become rivals, and their claims
 * are weighed when all files are read (settle). The better claim (claude_session_precedes) has the
 * session that was not copied in the background, then the one whose unshared items begin earliest,
 * a session without any being the original that was never continued. It takes the common items: the
 * same events with the next revision and its own session id. All counts of the sessions concerned
 * are then taken anew from their files. The result depends on the set of files alone, not on the
 * order in which they were read. A session of which a file is gone keeps what it owns.
 *
 * Everything is committed together: events, items, sessions, what is still to be settled, and the
 * cursors of the files.
 */
#include "collect/claude.h"
#include "collect/claude_items.h"
#include "collect/claude_walk.h"
#include "model/limits.h"

enum {
	BATCH_BYTES = 8 << 20,
	FIRST_CWD_LINES = 64,
	FAMILY_SESSIONS = 256,
};

#define SOURCE STR("claude")

/* A file being read. */
struct reading {
	struct claude_round *round;
	struct claude_pass pass;
	struct claude_reader reader;
	const char *path;
	struct tail *tail;
	struct str agent;            /* of the file, if it is a sub-agent's */
	struct claude_session *only; /* not collecting: records of other sessions are passed over */
	struct claude_session *last; /* of the last record that named one */
	struct buf cwd;              /* the nearest known */
	struct buf session_id; /* the first of the file: lines without one are counted there */
	bool looked_for_cwd;
	int64_t malformed, unknown, records; /* lines so far */
};

static void reading_release(struct reading *reading)
{
	claude_reader_release(&reading->reader);
	tail_close(reading->tail);
	buf_release(&reading->cwd);
	buf_release(&reading->session_id);
	claude_pass_release(&reading->pass);
}

static struct reading reading_of(
	struct claude_round *round, const char *path, enum claude_mode mode)
{
	return (struct reading){
		.round = round,
		.path = path,
		.agent = claude_agent_of(path),
		.pass = {
			.round = round,
			.mode = mode,
			.origin = { .source = SOURCE, .path = str_from(path) },
		},
	};
}

/* --- where a record belongs --- */

/* Records at the start of a file may lack the directory: that of the next one that has it holds for
 * them. */
static int look_for_cwd(struct reading *reading, struct err *err)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	struct claude_reader reader = { 0 };
	struct claude_record record;
	struct err ignored;
	int64_t offset;
	struct str line;
	bool overlong;
	int more = 1;

	reading->looked_for_cwd = true;
	if (tail_open_whole(&tail, reading->path, err) < 0)
		return err->code;
	for (int i = 0; i < FIRST_CWD_LINES && reading->cwd.len == 0; i++) {
		more = tail_next(tail, &line, &offset, &overlong, err);
		if (more <= 0)
			break;
		if (!overlong && claude_record_read(&reader, line, &record, &ignored) == 0)
			buf_add(&reading->cwd, record.cwd);
	}
	claude_reader_release(&reader);
	return more < 0 ? more : 0;
}

static int note_cwd(struct reading *reading, const struct claude_record *record, struct err *err)
{
	if (record->cwd.len > 0 && !str_eq(record->cwd, buf_str(&reading->cwd))) {
		buf_clear(&reading->cwd);
		buf_add(&reading->cwd, record->cwd);
	}
	if (reading->cwd.len == 0 && !reading->looked_for_cwd &&
		claude_is_conversation(record->kind) && look_for_cwd(reading, err) < 0)
		return err->code;
	reading->pass.cwd = buf_str(&reading->cwd);
	return 0;
}

/* The session of RECORD: that of its own, or a sub-agent's, which is named after its parent and its
 * agent. */
static int session_of(struct reading *reading, const struct claude_record *record,
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
static void note_session(
	struct reading *reading, struct claude_session *session, const struct claude_record *record)
{
	struct arena *arena = &reading->round->sessions_arena;

	if (record->has_time && session->at_ns == INT64_MIN)
		session->at_ns = record->at_ns;
	if (reading->cwd.len > 0 && session->cwd.len == 0) {
		session->cwd = arena_str(arena, buf_str(&reading->cwd));
		session->project =
			arena_str(arena, claude_round_project(reading->round, session->cwd));
	}
	if (record->title.len > 0 && !str_eq(record->title, session->title) &&
		collect_text_of(reading->round->context, "claude", session->cwd) != TEXT_NONE)
		session->title = arena_str(arena, record->title);
	session->talks |= claude_is_conversation(record->kind);
	session->background |= record->background;
	session->changed = true;
}

/* --- lines --- */

/* The line at hand. */
static int quarantine(
	struct reading *reading, const char *reason, const char *detail, struct err *err)
{
	struct quarantine_entry entry = reading->pass.origin;

	if (reading->pass.mode != PASS_COLLECT)
		return 0;
	entry.reason = str_from(reason);
	entry.detail = str_from(detail);
	return intake_quarantine(reading->round->intake, &entry, err);
}

static int take_record(struct reading *reading, const struct claude_record *record, struct err *err)
{
	struct claude_session *session;

	reading->unknown += record->kind == CLAUDE_UNKNOWN;
	if (record->session_id.len == 0)
		return 0;
	if (session_of(reading, record, &session, err) < 0)
		return err->code;
	if (reading->only && session != reading->only)
		return 0;
	if (note_cwd(reading, record, err) < 0)
		return err->code;
	note_session(reading, session, record);
	return claude_take_items(&reading->pass, session, record, err);
}

static int take_line(struct reading *reading, struct str line, bool overlong, struct err *err)
{
	struct claude_record record;
	struct err fault;

	if (str_trim(line).len == 0)
		return 0;
	reading->records++;
	reading->pass.origin.bytes = line;
	reading->pass.origin.bytes_total = (int64_t)line.len;
	arena_reset(&reading->round->scratch);
	if (overlong) {
		reading->malformed++;
		return quarantine(reading, "too_long", "longer than any line may be", err);
	}
	if (claude_record_read(&reading->reader, line, &record, &fault) < 0) {
		reading->malformed += record.malformed;
		return quarantine(reading, record.reason, fault.message, err);
	}
	return take_record(reading, &record, err);
}

/* --- collecting a file --- */

/* What is kept with the cursor, to go on as if the file had been read in one go. */
static void write_state(const struct reading *reading, struct buf *out)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_str(&writer, "cwd", buf_str(&reading->cwd));
	json_kv_str(&writer, "session", buf_str(&reading->session_id));
	json_kv_i64(&writer, "malformed", reading->malformed);
	json_kv_i64(&writer, "unknown", reading->unknown);
	json_kv_i64(&writer, "records", reading->records);
	json_end_object(&writer);
}

/* A state that cannot be read is no state: counts of bad lines start again, nothing else depends on
 * it. */
static void read_state(struct reading *reading, struct str state)
{
	const struct json *root;
	struct err ignored;

	if (state.len == 0 || json_parse(&reading->round->parser, state, true, &root, &ignored) < 0)
		return;
	buf_add(&reading->cwd, json_get_str(root, "cwd"));
	buf_add(&reading->session_id, json_get_str(root, "session"));
	json_get_i64(root, "malformed", &reading->malformed);
	json_get_i64(root, "unknown", &reading->unknown);
	json_get_i64(root, "records", &reading->records);
}

/* The counts of lines belong to the file's own session, unless it has them from another file. */
static int note_lines(struct reading *reading, struct err *err)
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

static int save_place(struct reading *reading, struct err *err)
{
	CLEANUP(buf_release) struct buf state = BUF_INIT;

	if (claude_pass_flush(&reading->pass, err) < 0 || note_lines(reading, err) < 0)
		return err->code;
	write_state(reading, &state);
	return tail_save(reading->tail, reading->round->intake, buf_str(&state), err);
}

static int take_lines(struct reading *reading, struct err *err)
{
	struct claude_round *round = reading->round;
	struct str line;
	bool overlong;
	int more;

	while ((more = tail_next(
			reading->tail, &line, &reading->pass.origin.offset, &overlong, err)) > 0) {
		if (take_line(reading, line, overlong, err) < 0)
			return err->code;
		round->batch_bytes += (int64_t)line.len + 1;
		if (intake_pending(round->intake) < LIMIT_INTAKE_BATCH &&
			round->batch_bytes < BATCH_BYTES)
			continue;
		if (save_place(reading, err) < 0 || claude_round_commit(round, err) < 0)
			return err->code;
	}
	return more < 0 ? more : save_place(reading, err);
}

static int collect_file(struct claude_round *round, struct tail_set *set, const char *path,
	struct source_counts *counts, struct err *err)
{
	CLEANUP(reading_release) struct reading reading = reading_of(round, path, PASS_COLLECT);
	enum tail_start start;
	struct str state;
	int rc = tail_open(&reading.tail, set, path, &start, &state, err);

	if (rc == ERR_NOT_FOUND)
		return 0;
	counts->files++;
	if (rc < 0) { /* one file that cannot be read does not keep the others from being read */
		counts->failed++;
		log_warn(round->context->log, "%s", err->message);
		return 0;
	}
	if (start == TAIL_UNCHANGED) {
		counts->skipped_unchanged++;
		return 0;
	}
	read_state(&reading, state);
	return take_lines(&reading, err);
}

/* --- settling who owns what several sessions have --- */

struct family {
	struct claude_session *members[FAMILY_SESSIONS];
	size_t count;
};

static int add_member(
	struct claude_round *round, struct family *family, uint64_t key, struct err *err)
{
	struct claude_session *session;

	for (size_t i = 0; i < family->count; i++)
		if (family->members[i]->key == key)
			return 0;
	if (family->count == FAMILY_SESSIONS)
		return 0;
	if (claude_round_session_of_key(round, key, &session, err) < 0)
		return err->code;
	if (session)
		family->members[family->count++] = session;
	return 0;
}

/* KEY's session, its rivals, their rivals and so on. */
static int gather(struct claude_round *round, struct family *family, uint64_t key, struct err *err)
{
	if (add_member(round, family, key, err) < 0)
		return err->code;
	for (size_t i = 0; i < family->count; i++)
		for (size_t j = 0; j < family->members[i]->rival_count; j++)
			if (add_member(round, family, family->members[i]->rivals[j], err) < 0)
				return err->code;
	return 0;
}

/* Can all that the session says be read again? */
static bool is_whole(const struct claude_session *session)
{
	for (size_t i = 0; i < session->path_count; i++)
		if (!fs_exists(session->paths[i].ptr))
			return false;
	return session->path_count > 0;
}

static int read_again(struct claude_round *round, struct claude_session *session, const char *path,
	enum claude_mode mode, struct claude_tally *tally, struct err *err)
{
	CLEANUP(reading_release) struct reading reading = reading_of(round, path, mode);
	struct str line;
	bool overlong;
	int more;

	reading.only = session;
	reading.pass.tally = tally;
	if (tail_open_whole(&reading.tail, path, err) < 0)
		return err->code;
	while ((more = tail_next(
			reading.tail, &line, &reading.pass.origin.offset, &overlong, err)) > 0)
		if (take_line(&reading, line, overlong, err) < 0)
			return err->code;
	return more < 0 ? more : claude_pass_flush(&reading.pass, err);
}

/* One pass over all files of SESSION, its result put into the session. */
static int pass_over(struct claude_round *round, struct claude_session *session,
	enum claude_mode mode, struct err *err)
{
	CLEANUP(claude_tally_release)
	struct claude_tally tally = { .counts = claude_counts_none(), .unshared_ns = INT64_MAX };

	for (size_t i = 0; i < session->path_count; i++)
		if (read_again(round, session, session->paths[i].ptr, mode, &tally, err) < 0)
			return err->code;
	if (mode == PASS_WEIGH) {
		session->unshared_ns = tally.unshared_ns;
		session->items = tally.items;
	} else if (mode == PASS_COUNT) {
		session->counts = tally.counts;
	}
	session->changed = true;
	return 0;
}

static int settle_family(struct claude_round *round, struct family *family, struct err *err)
{
	static const enum claude_mode passes[] = { PASS_WEIGH, PASS_TAKE, PASS_COUNT };

	for (size_t i = 0; i < family->count; i++)
		family->members[i]->settling = is_whole(family->members[i]);
	for (size_t pass = 0; pass < ARRAY_LEN(passes); pass++)
		for (size_t i = 0; i < family->count; i++)
			if (family->members[i]->settling &&
				pass_over(round, family->members[i], passes[pass], err) < 0)
				return err->code;
	for (size_t i = 0; i < family->count; i++) {
		family->members[i]->settling = false;
		family->members[i]->settled = true;
	}
	return 0;
}

static int settle(struct claude_round *round, struct err *err)
{
	struct claude_session *session;

	if (round->unsettled_count == 0)
		return 0;
	for (size_t i = 0; i < round->unsettled_count; i++) {
		struct family family = { .count = 0 };

		if (claude_round_session_of_key(round, round->unsettled[i], &session, err) < 0)
			return err->code;
		if (!session || session->settled)
			continue;
		if (gather(round, &family, session->key, err) < 0 ||
			settle_family(round, &family, err) < 0)
			return err->code;
	}
	round->unsettled_count = 0;
	round->unsettled_changed = true;
	return claude_round_commit(round, err);
}

/* --- the source --- */

static int collect_files(struct claude_round *round, struct tail_set *set,
	const struct claude_files *files, struct source_counts *counts, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		if (collect_file(round, set, files->paths[i], counts, err) < 0)
			return err->code;
		if (claude_round_relax(round, err) < 0)
			return err->code;
	}
	if (tail_set_forget_missing(set, round->intake, err) < 0 ||
		claude_round_commit(round, err) < 0)
		return err->code;
	return settle(round, err);
}

static int collect_claude(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(claude_round_release) struct claude_round round = { .context = context };
	struct claude_files files;
	int rc;

	if (claude_round_begin(&round, context, err) < 0 ||
		tail_set_load(&set, context->store, SOURCE, err) < 0)
		return err->code;
	files = claude_walk(context, &arena);
	rc = collect_files(&round, set, &files, counts, err);
	source_count(counts, intake_counts(round.intake));
	counts->duplicate += round.copies;
	return rc;
}

static int64_t present_claude(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct claude_files files = claude_walk(context, &arena);

	return files.roots > 0 ? (int64_t)files.count : -1;
}

const struct source claude_source = {
	.name = "claude",
	.summary = "Claude Code, from its transcripts",
	.alone = true,
	.collect = collect_claude,
	.present = present_claude,
	.places = claude_places,
};
