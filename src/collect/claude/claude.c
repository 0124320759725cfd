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
#include "collect/claude/claude.h"
#include "collect/claude/reading.h"
#include "collect/claude/walk.h"

enum { FAMILY_SESSIONS = 256 };

#define SOURCE STR("claude")

/* --- collecting a file --- */

static int save_place(struct claude_reading *reading, struct err *err)
{
	CLEANUP(buf_release) struct buf state = BUF_INIT;

	if (claude_reading_note_lines(reading, err) < 0)
		return err->code;
	claude_reading_write(reading, &state);
	return tail_save(reading->tail, reading->round->intake, buf_str(&state), err);
}

/* One file that cannot be read does not keep the others from being read. */
static void fail_file(
	struct claude_round *round, struct source_counts *counts, const struct err *err)
{
	counts->failed++;
	log_warn(round->context->log, "%s", err->message);
}

static void note_progress(struct claude_round *round, int64_t bytes)
{
	int64_t done = bytes < round->file_bytes ? bytes : round->file_bytes;

	round->batch_bytes += bytes;
	round->file_bytes -= done;
	collect_progress_done(round->context->progress, done);
}

static int take_lines(struct claude_reading *reading, struct source_counts *counts, struct err *err)
{
	struct claude_round *round = reading->round;
	struct str line;
	bool overlong;
	int more;

	while ((more = tail_next(reading->tail, &line, &reading->pass.offset, &overlong, err)) >
		0) {
		if (claude_reading_take(reading, line, overlong, err) < 0)
			return err->code;
		note_progress(round, (int64_t)line.len + 1);
		if (!claude_round_is_full(round))
			continue;
		if (save_place(reading, err) < 0 || claude_round_commit(round, err) < 0)
			return err->code;
	}
	if (more == 0) {
		if (save_place(reading, err) < 0)
			return err->code;
		return claude_reading_take_rest(reading, err);
	}
	fail_file(round, counts, err); /* what was taken is good; the next round tries again */
	return 0;
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
	CLEANUP(claude_reading_release)
	struct claude_reading reading = claude_reading_of(round, path, mode);
	struct str line;
	bool overlong, begin;
	int more = 0;

	reading.only = session;
	reading.pass.tally = tally;
	if (tail_open_whole(&reading.tail, path, err) < 0)
		return err->code;
	begin = claude_reading_may_begin(&reading);
	while (begin &&
		(more = tail_next(reading.tail, &line, &reading.pass.offset, &overlong, err)) > 0)
		if (claude_reading_take(&reading, line, overlong, err) < 0)
			return err->code;
	if (more < 0 || !begin)
		return more;
	return claude_reading_take_rest(&reading, err);
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

/* Read what is new of the file that was opened as *TAIL, which is taken over. */
static int collect_tail(struct claude_round *round, const char *path, struct tail **tail,
	struct str state, struct source_counts *counts, struct err *err)
{
	CLEANUP(claude_reading_release)
	struct claude_reading reading = claude_reading_of(round, path, PASS_COLLECT);
	bool begin = true;

	reading.tail = *tail;
	*tail = NULL;
	if (state.len > 0)
		claude_reading_read(&reading, state);
	else
		begin = claude_reading_may_begin(&reading);
	return begin ? take_lines(&reading, counts, err) : 0;
}

static int collect_file(struct claude_round *round, struct tail_set *set, const char *path,
	struct source_counts *counts, struct err *err)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	enum tail_start start;
	struct str state;
	int rc = tail_open(&tail, set, path, &start, &state, err);

	if (rc == ERR_NOT_FOUND)
		return 0;
	counts->files++;
	if (rc < 0) {
		fail_file(round, counts, err);
		return 0;
	}
	if (start == TAIL_UNCHANGED) {
		counts->skipped_unchanged++;
		return 0;
	}
	return collect_tail(round, path, &tail, state, counts, err);
}

/* What there is to do, for who looks on: the bytes of each file that changed. */
static int64_t *announce(
	struct claude_round *round, const struct tail_set *set, const struct claude_files *files)
{
	int64_t *bytes = arena_zalloc(&round->places_arena, files->count + 1, sizeof(*bytes));
	struct collect_progress *progress = round->context->progress;
	struct stat status;

	for (size_t i = 0; progress && i < files->count; i++) {
		if (tail_set_has_all(set, files->paths[i]) || stat(files->paths[i], &status) < 0)
			continue;
		bytes[i] = status.st_size;
		collect_progress_todo(progress, bytes[i]);
	}
	return bytes;
}

static int collect_files(struct claude_round *round, struct tail_set *set,
	const struct claude_files *files, struct source_counts *counts, struct err *err)
{
	int64_t *bytes = announce(round, set, files);

	for (size_t i = 0; i < files->count; i++) {
		round->file_bytes = bytes[i];
		if (collect_file(round, set, files->paths[i], counts, err) < 0)
			return err->code;
		collect_progress_done(round->context->progress, round->file_bytes);
		if ((claude_round_is_full(round) && claude_round_commit(round, err) < 0) ||
			claude_round_relax(round, err) < 0)
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
