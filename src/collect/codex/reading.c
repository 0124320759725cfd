/*
 * One pass over a file: lines to records, whose turns they are, items in batches, and where it
 * stands after each. Memory is bounded by a batch and the longest line.
 */
#include "collect/codex/reading.h"

#include "collect/agent_value.h"

enum {
	BATCH_ITEMS = 2000,
	BATCH_BYTES = 8 << 20, /* of items */
	BATCH_READ = 64 << 20, /* of lines: progress is kept */
};

void codex_reading_release(struct codex_reading *reading)
{
	tail_close(reading->tail);
	zst_close(reading->zst);
	codex_reader_release(&reading->reader);
	codex_parser_release(&reading->parser);
	arena_release(&reading->arena);
	buf_release(&reading->asked);
	buf_release(&reading->noted);
	buf_release(&reading->before);
}

struct codex_reading codex_reading_of(struct codex_round *round, const struct codex_file *file)
{
	struct codex_reading reading = {
		.round = round,
		.path = file->path,
		.through = -1,
		.until = INT64_MAX,
	};

	codex_parser(&reading.parser, true);
	reading.parser.fallback_id = file->id;
	return reading;
}

void codex_note_failure(struct codex_round *round, const struct err *fault)
{
	round->counts->failed++;
	log_warn(round->context->log, "%s", fault->message);
}

void codex_report(struct codex_reading *reading, int64_t bytes)
{
	if (bytes > reading->progress)
		bytes = reading->progress;
	reading->progress -= bytes;
	collect_progress_done(reading->round->context->progress, bytes);
}

/* --- giving --- */

static bool is_excluded(const struct codex_reading *reading)
{
	return collect_excluded(reading->round->context, buf_str(&reading->parser.cwd));
}

static void begin_batch(struct codex_reading *reading)
{
	arena_reset(&reading->arena);
	reading->session = agent_session(&reading->arena, "codex");
	codex_batch_begin(&reading->parser, &reading->session);
	reading->batch_read = 0;
}

/* Copies of a log may end at different times: what all of them say holds. */
static int know_span(struct codex_reading *reading, struct err *err)
{
	struct codex_parser *parser = &reading->parser;
	struct codex_span *span = &reading->span;
	bool found;

	if (reading->span_known || !parser->named)
		return 0;
	if (codex_known(reading->round->intake, buf_str(&parser->id), span, &found, err) < 0)
		return err->code;
	reading->span_known = true;
	if (span->strength != parser->strength)
		return 0;
	agent_widen(span->started_ns, &parser->started_ns, &parser->ended_ns);
	agent_widen(span->ended_ns, &parser->started_ns, &parser->ended_ns);
	return 0;
}

int codex_put_batch(struct codex_reading *reading, struct err *err)
{
	struct agent_session *session = &reading->session;

	if (reading->mute)
		return 0;
	if (know_span(reading, err) < 0)
		return err->code;
	codex_batch_end(&reading->parser);
	session->path = str_from(reading->path);
	if (reading->span.strength == reading->parser.strength &&
		session->unknown < reading->span.unknown)
		session->unknown = reading->span.unknown;
	return agent_round_put(reading->round->put, session, AGENT_APPEND, err);
}

int codex_save(struct codex_reading *reading, struct err *err)
{
	CLEANUP(buf_release) struct buf state = BUF_INIT;

	if (is_excluded(reading))
		buf_add(&state, CODEX_EXCLUDED);
	else if (reading->before.len > 0)
		buf_add(&state, buf_str(&reading->before));
	else
		codex_parser_save(&reading->parser, &state);
	return tail_save(reading->tail, reading->round->intake, buf_str(&state), err);
}

static int flush(struct codex_reading *reading, struct err *err)
{
	codex_report(reading, reading->batch_read);
	if (codex_put_batch(reading, err) < 0 || (reading->saves && codex_save(reading, err) < 0))
		return err->code;
	if (reading->saves && reading->batch_read >= BATCH_READ) {
		if (intake_commit(reading->round->intake, err) < 0)
			return err->code; /* few items, yet much was read to find them */
	} else if ((reading->saves || reading->zst) &&
		   agent_round_relax(reading->round->put, err) < 0) {
		return err->code;
	}
	begin_batch(reading);
	return 0;
}

static bool is_full(const struct codex_reading *reading)
{
	return reading->session.count >= BATCH_ITEMS || reading->arena.used_bytes >= BATCH_BYTES ||
	       reading->batch_read >= BATCH_READ;
}

/* --- origins --- */

/* If ORIGIN is there and was not read yet in this round, it is read now. */
static int read_origin(struct codex_round *round, struct str origin, struct err *err)
{
	int rc = 0;

	if (round->depth >= CODEX_DEEPEST)
		return 0;
	round->depth++;
	for (size_t i = 0; i < round->files.count && rc == 0; i++)
		if (str_eq(round->files.items[i].id, origin))
			rc = round->collect(round, &round->files.items[i], err);
	round->depth--;
	return rc;
}

int codex_strength(struct codex_reading *reading, int64_t *strength, struct err *err)
{
	struct codex_parser *parser = &reading->parser;
	struct intake *intake = reading->round->intake;
	struct codex_span span;
	bool found;

	*strength = 0;
	if (parser->origin.len == 0)
		return 0;
	if (codex_known(intake, buf_str(&parser->origin), &span, &found, err) < 0)
		return err->code;
	if (!found)
		return 0;
	if (codex_known(intake, buf_str(&parser->id), &span, &found, err) < 0)
		return err->code;
	*strength = span.strength > 1 ? span.strength : 1;
	return 0;
}

static int note_origin(struct codex_reading *reading, struct err *err)
{
	struct str origin;
	int64_t strength;

	if (!codex_new_origin(&reading->parser, &origin))
		return 0;
	if (!reading->mute && !reading->passing && read_origin(reading->round, origin, err) < 0)
		return err->code;
	if (codex_strength(reading, &strength, err) < 0)
		return err->code;
	codex_origin(&reading->parser, strength);
	return 0;
}

/* TURN is not the origin's, unless that says so later. */
static int claim(struct codex_reading *reading, struct str turn, struct err *err)
{
	struct codex_parser *parser = &reading->parser;

	if (reading->mute || reading->passing)
		return 0;
	return codex_claim(reading->round->intake, buf_str(&parser->origin), turn,
		buf_str(&parser->id), codex_file_mark(reading->path), err);
}

/* Is RECORD's turn one of the origin's? */
static int ask(struct codex_reading *reading, struct codex_record *record, struct err *err)
{
	if (!codex_asks(&reading->parser, record))
		return 0;
	if (reading->asked.len == 0 || !str_eq(buf_str(&reading->asked), record->turn)) {
		buf_clear(&reading->asked);
		if (codex_turn_known(reading->round->intake, buf_str(&reading->parser.origin),
			    record->turn, &reading->asked_answer, err) < 0)
			return err->code;
		buf_add(&reading->asked, record->turn);
		if (!reading->asked_answer && claim(reading, record->turn, err) < 0)
			return err->code;
	}
	record->in_parent = reading->asked_answer;
	return 0;
}

/* Copies of this session will have its turns, copies among them. */
static int note_turn(
	struct codex_reading *reading, const struct codex_record *record, struct err *err)
{
	struct codex_parser *parser = &reading->parser;
	struct intake *intake = reading->round->intake;
	struct str session = buf_str(&parser->id);

	if (reading->mute || reading->passing || record->turn.len == 0 || !parser->named ||
		str_eq(buf_str(&reading->noted), record->turn))
		return 0;
	buf_clear(&reading->noted);
	buf_add(&reading->noted, record->turn);
	if (codex_disclaim(intake, session, record->turn, err) < 0)
		return err->code;
	return codex_turn_remember(intake, session, record->turn, err);
}

/* --- lines --- */

static int next_line(struct codex_reading *reading, struct str *line, int64_t *offset,
	bool *overlong, struct err *err)
{
	return reading->tail ? tail_next(reading->tail, line, offset, overlong, err)
			     : zst_next(reading->zst, line, offset, overlong, err);
}

static void take_bad(struct codex_reading *reading, struct str line, int64_t offset,
	const char *reason, const char *detail)
{
	struct agent_bad bad = {
		.path = str_from(reading->path),
		.offset = offset,
		.reason = reason,
		.detail = str_from(detail),
		.bytes = line,
	};

	codex_take_bad(&reading->parser, &bad);
}

static int take_line(
	struct codex_reading *reading, struct str line, int64_t offset, struct err *err)
{
	struct codex_parser *parser = &reading->parser;
	struct codex_record record;
	struct err fault;

	if (codex_record_read(&reading->reader, line, &record, &fault) < 0) {
		take_bad(reading, line, offset, record.reason, fault.message);
		return 0;
	}
	if (ask(reading, &record, err) < 0)
		return err->code;
	if (record.kind == CODEX_TITLE)
		parser->keep_title = collect_text_of(reading->round->context, "codex",
					     buf_str(&parser->cwd)) != TEXT_NONE;
	codex_take(parser, &record, line, offset);
	if (note_origin(reading, err) < 0)
		return err->code;
	return note_turn(reading, &record, err);
}

int codex_take_lines(struct codex_reading *reading, struct err *fault, struct err *err)
{
	int64_t offset;
	struct str line;
	bool overlong;
	int more;

	*fault = (struct err){ 0 };
	begin_batch(reading);
	while ((more = next_line(reading, &line, &offset, &overlong, fault)) > 0 &&
		offset <= reading->until) {
		reading->batch_read += (int64_t)line.len + 1;
		if (offset <= reading->through || str_trim(line).len == 0)
			continue;
		if (overlong)
			take_bad(reading, line, offset, "too_long", "longer than any line may be");
		else if (take_line(reading, line, offset, err) < 0)
			return err->code;
		if (is_full(reading) && flush(reading, err) < 0)
			return err->code;
	}
	if (more >= 0)
		fault->code = 0;
	return 0;
}

static bool is_record(struct codex_reading *reading, struct str line)
{
	const struct json *root;
	struct err ignored;

	return json_parse(&reading->reader.line, line, true, &root, &ignored) == 0 &&
	       json_is(root, JSON_OBJECT);
}

int codex_take_rest(struct codex_reading *reading, struct err *err)
{
	int64_t offset;
	struct str line;

	if (!(reading->tail ? tail_rest(reading->tail, &line, &offset)
			    : zst_rest(reading->zst, &line, &offset)) ||
		offset > reading->until || !is_record(reading, line))
		return 0;
	codex_batch_end(&reading->parser); /* counts what was given so far */
	codex_parser_save(&reading->parser, &reading->before);
	return take_line(reading, line, offset, err);
}
