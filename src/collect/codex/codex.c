/*
 * Codex CLI as a source. Plain rollouts are read on where the last round ended, compressed ones as
 * a whole; what a session is, and what was given of it, does not depend on where its file lies.
 *
 * Sessions are taken in the order of their ids, and an origin that is there before those that start
 * with copies of its records. If it comes only later, they are read again: what was given of the
 * copies is deleted then (a reading that knows the origin is stronger).
 *
 * A turn that is stopped or rolled back may mark what was given rounds ago. Then the file is read
 * twice more from its start: to learn what is marked in all, and to give that again with its marks.
 * Until this is done the cursor's state says that it is to be done.
 */
#include "collect/codex/codex.h"

#include "collect/codex/reading.h"
#include "collect/doc.h"

enum { CONTENT_GIB = 16 }; /* of a compressed file */

#define SOURCE STR("codex")

/* --- giving again --- */

static int open_whole(struct codex_reading *reading, bool compressed, struct err *err)
{
	return compressed ? zst_open(&reading->zst, reading->path, (int64_t)CONTENT_GIB << 30, err)
			  : tail_open_whole(&reading->tail, reading->path, err);
}

/* Another pass over what MAIN has read. */
static int pass_over(
	struct codex_reading *pass, struct codex_reading *main, bool compressed, struct err *err)
{
	struct err fault;

	pass->until = main->parser.offset;
	if (open_whole(pass, compressed, &fault) < 0)
		return 0; /* gone meanwhile: what was given of it stays as it is */
	if (codex_take_lines(pass, &fault, err) < 0 ||
		(fault.code == 0 && codex_take_rest(pass, err) < 0))
		return err->code;
	return pass->mute ? 0 : codex_put_batch(pass, err);
}

/* Give again, with its marks, what was given without. */
static int mend(struct codex_reading *main, const struct codex_file *file, struct err *err)
{
	CLEANUP(codex_reading_release)
	struct codex_reading survey = codex_reading_of(main->round, file);
	CLEANUP(codex_reading_release)
	struct codex_reading pass = codex_reading_of(main->round, file);

	if (!main->parser.mending)
		return 0;
	survey.mute = true;
	survey.parser.collect_marks = true;
	if (pass_over(&survey, main, file->compressed, err) < 0)
		return err->code;
	pass.passing = true;
	pass.parser.only = &survey.parser.marks;
	codex_parser_facts(&pass.parser, &main->parser);
	if (pass_over(&pass, main, file->compressed, err) < 0)
		return err->code;
	main->parser.mending = false;
	return 0;
}

/* --- the end of a file --- */

static int collect_again(struct codex_round *round, uint64_t mark, struct err *err);

/*
 * SESSION has been read: who starts with copies of its records is read again. This is before the
 * cursor of its own file is saved: whoever is killed on the way begins anew.
 */
static int wake(struct codex_round *round, struct str session, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	uint64_t *files;
	size_t count;
	int rc = 0;

	if (round->depth >= CODEX_DEEPEST)
		return 0;
	if (codex_waiting(round->intake, session, &arena, &files, &count, err) < 0)
		return err->code;
	round->depth++;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = collect_again(round, files[i], err);
	round->depth--;
	if (rc < 0 || count == 0)
		return rc;
	return codex_nobody_waits(round->intake, session, err);
}

/* The session is known from now on. */
static int remember(struct codex_reading *reading, struct err *err)
{
	struct codex_round *round = reading->round;
	struct codex_parser *parser = &reading->parser;
	struct codex_span before,
		now = { parser->started_ns, parser->ended_ns, parser->unknown, parser->strength };
	bool found;

	if (!parser->named)
		return 0;
	if (codex_known(round->intake, buf_str(&parser->id), &before, &found, err) < 0)
		return err->code;
	if (parser->origin.len > 0 && parser->strength == 0 &&
		codex_wait(round->intake, buf_str(&parser->origin), codex_file_mark(reading->path),
			err) < 0)
		return err->code;
	if (now.strength == before.strength && now.unknown < before.unknown)
		now.unknown = before.unknown;
	if ((!found || now.started_ns != before.started_ns || now.ended_ns != before.ended_ns ||
		    now.unknown != before.unknown || now.strength != before.strength) &&
		codex_remember(round->intake, buf_str(&parser->id), &now, err) < 0)
		return err->code;
	return wake(round, buf_str(&parser->id), err);
}

/* Read it to its end, and give what there is of it. */
static int read_all(struct codex_reading *reading, const struct codex_file *file, struct err *err)
{
	struct err fault;

	if (codex_take_lines(reading, &fault, err) < 0)
		return err->code;
	reading->fault = fault.code;
	if (fault.code != 0)
		codex_note_failure(reading->round, &fault);
	else if (codex_take_rest(reading, err) < 0)
		return err->code;
	if (codex_put_batch(reading, err) < 0 || mend(reading, file, err) < 0)
		return err->code;
	codex_report(reading, INT64_MAX);
	return fault.code != 0 ? 0 : remember(reading, err);
}

/* --- files --- */

/* What was given of it before is not the session's own, now that its origin is known. */
static int is_outdated(struct codex_reading *reading, bool *outdated, struct err *err)
{
	int64_t strength;
	int rc = codex_strength(reading, &strength, err);

	*outdated = rc == 0 && strength > reading->parser.strength;
	return rc;
}

/* Read what is before the place of the cursor, which is not known well enough to go on from. */
static int read_before(
	struct codex_reading *reading, const struct codex_file *file, struct err *err)
{
	struct tail *tail = reading->tail;
	struct err fault;

	codex_parser_release(&reading->parser);
	codex_parser(&reading->parser, true);
	reading->parser.fallback_id = file->id;
	reading->saves = false;
	reading->tail = NULL;
	if (open_whole(reading, false, &fault) < 0) {
		reading->tail = tail;
		return 0;
	}
	if (codex_take_lines(reading, &fault, err) < 0 || codex_put_batch(reading, err) < 0) {
		tail_close(tail);
		return err->code;
	}
	tail_close(reading->tail);
	reading->tail = tail;
	reading->through = reading->parser.lines > 0 ? reading->parser.offset : -1;
	return 0;
}

static int drain(struct codex_reading *reading, struct err *err)
{
	int64_t offset;
	struct str line;
	struct err fault;
	bool overlong;

	while (tail_next(reading->tail, &line, &offset, &overlong, &fault) > 0)
		reading->batch_read += (int64_t)line.len + 1;
	return tail_save(reading->tail, reading->round->intake, CODEX_EXCLUDED, err);
}

static int go_on(struct codex_reading *reading, const struct codex_file *file, struct str state,
	struct err *err)
{
	bool outdated = true;

	if (codex_parser_load(&reading->parser, state) && is_outdated(reading, &outdated, err) < 0)
		return err->code;
	reading->parser.fallback_id = file->id;
	return outdated ? read_before(reading, file, err) : 0;
}

static int collect_plain(struct codex_round *round, const struct codex_file *file, struct err *err)
{
	CLEANUP(codex_reading_release) struct codex_reading reading = codex_reading_of(round, file);
	enum tail_start start;
	struct str state;
	struct err fault;
	int rc = tail_open(&reading.tail, round->set, file->path, &start, &state, &fault);

	if (rc == ERR_NOT_FOUND)
		return 0;
	round->counts->files++;
	if (rc < 0) {
		codex_note_failure(round, &fault);
		return 0;
	}
	if (start == TAIL_UNCHANGED) {
		round->counts->skipped_unchanged++;
		return 0;
	}
	if (start == TAIL_CONTINUED && str_eq(state, CODEX_EXCLUDED))
		return drain(&reading, err);
	if (start == TAIL_CONTINUED && go_on(&reading, file, state, err) < 0)
		return err->code;
	reading.saves = true;
	reading.progress = file->todo;
	if (read_all(&reading, file, err) < 0 || codex_save(&reading, err) < 0)
		return err->code;
	return agent_round_relax(round->put, err);
}

static int collect_compressed(
	struct codex_round *round, const struct codex_file *file, struct err *err)
{
	CLEANUP(codex_reading_release) struct codex_reading reading = codex_reading_of(round, file);
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct err fault;
	int rc;

	if (doc_unchanged(round->set, file->path)) {
		round->counts->files++;
		round->counts->skipped_unchanged++;
		return 0;
	}
	reading.progress = file->todo;
	rc = doc_stat(&doc, file->path, &fault);
	if (rc == 0)
		rc = open_whole(&reading, true, &fault);
	if (rc == ERR_NOT_FOUND)
		return 0;
	round->counts->files++;
	if (rc < 0) {
		codex_note_failure(round, &fault);
		return 0;
	}
	if (read_all(&reading, file, err) < 0)
		return err->code;
	/* Also a damaged one is looked at again only when it has changed. */
	if (reading.fault != ERR_IO &&
		doc_save(&doc, round->set, round->intake, doc.cursor.size, STR(""), err) < 0)
		return err->code;
	return agent_round_relax(round->put, err);
}

static int collect_file(struct codex_round *round, struct codex_file *file, struct err *err)
{
	if (file->done)
		return 0;
	file->done = true;
	return file->compressed ? collect_compressed(round, file, err)
				: collect_plain(round, file, err);
}

/* Its origin has come: all of it, whatever was read of it before. */
static int collect_again(struct codex_round *round, uint64_t mark, struct err *err)
{
	CLEANUP(codex_reading_release) struct codex_reading reading = { 0 };
	const struct codex_file *file = NULL;
	struct err fault;

	for (size_t i = 0; i < round->files.count && !file; i++)
		if (codex_file_mark(round->files.items[i].path) == mark)
			file = &round->files.items[i];
	if (!file)
		return 0; /* moved: it is read under its new name */
	reading = codex_reading_of(round, file);
	return open_whole(&reading, file->compressed, &fault) < 0 ? 0
								  : read_all(&reading, file, err);
}

/* --- rounds --- */

static void round_release(struct codex_round *round)
{
	agent_round_free(round->put);
	tail_set_free(round->set);
	arena_release(&round->arena);
}

/* What there is to read, for those who look. */
static void announce(struct codex_round *round)
{
	struct stat status;

	if (!round->context->progress)
		return;
	for (size_t i = 0; i < round->files.count; i++) {
		struct codex_file *file = &round->files.items[i];

		if (tail_set_has_all(round->set, file->path) || stat(file->path, &status) < 0)
			continue;
		file->todo = status.st_size;
		collect_progress_todo(round->context->progress, file->todo);
	}
}

static int codex_collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(round_release)
	struct codex_round round = {
		.context = context, .counts = counts, .collect = collect_file
	};

	if (tail_set_load(&round.set, context->store, SOURCE, err) < 0 ||
		agent_round_begin(&round.put, context, "codex", err) < 0)
		return err->code;
	round.intake = agent_round_intake(round.put);
	round.files = codex_walk(context, &round.arena);
	announce(&round);
	for (size_t i = 0; i < round.files.count; i++)
		if (collect_file(&round, &round.files.items[i], err) < 0)
			return err->code;
	if (tail_set_forget_missing(round.set, round.intake, err) < 0)
		return err->code;
	return agent_round_end(round.put, counts, err);
}

static int64_t codex_present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct codex_files files = codex_walk(context, &arena);

	return files.roots > 0 ? (int64_t)files.count : -1;
}

const struct source codex_source = {
	.name = "codex",
	.summary = "OpenAI Codex CLI's sessions",
	.alone = true,
	.collect = codex_collect,
	.present = codex_present,
	.places = codex_places,
};
