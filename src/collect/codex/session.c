/*
 * A rollout's records, one after the other: whose they are, what the session is, and where it
 * stands.
 *
 * A sub-agent's or forked session's file starts with the records of its origin, stamped anew.
 * Nothing is given for those, but what they say of tokens and models holds on: totals go on from
 * the origin's. A turn that the origin has too is a copy. Without turns to tell by, a burst of
 * copies ends with the second in which it began; so it does for a sub-agent whose parent is not
 * known.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/agent_value.h"
#include "collect/codex/items.h"

enum { LONGEST_ID_BYTES = 1024 };

/* --- lifecycle --- */

void codex_marks_release(struct codex_marks *marks)
{
	free(marks->items);
	*marks = (struct codex_marks){ 0 };
}

void codex_parser(struct codex_parser *parser, bool start)
{
	*parser = (struct codex_parser){
		.meta_ns = AGENT_NO_TIME,
		.started_ns = AGENT_NO_TIME,
		.ended_ns = AGENT_NO_TIME,
		.last_ns = AGENT_NO_TIME,
		.first_second = INT64_MIN,
		.from_start = start,
	};
}

void codex_parser_release(struct codex_parser *parser)
{
	struct buf *texts[] = { &parser->id, &parser->parent, &parser->origin, &parser->version,
		&parser->branch, &parser->cwd, &parser->title, &parser->turn_cwd, &parser->model,
		&parser->mode, &parser->turn };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_release(texts[i]);
	free(parser->prompts);
	free(parser->offsets);
	codex_marks_release(&parser->marks);
}

/* As valid UTF-8: what was saved in between is what was just read. */
static void set(struct buf *fact, struct str value)
{
	buf_clear(fact);
	utf8_add_clean(fact, utf8_cut(value, CODEX_FACT_BYTES));
}

static bool is_plain(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if ((unsigned char)id.ptr[i] < 0x20)
			return false;
	return id.len <= LONGEST_ID_BYTES && utf8_valid(id);
}

static void set_id(struct buf *id, struct str value)
{
	buf_clear(id);
	if (is_plain(value))
		buf_add(id, value);
	else
		buf_printf(id, "x%016llx", (unsigned long long)hash64(value, 0));
}

/* --- batches --- */

void codex_batch_begin(struct codex_parser *parser, struct agent_session *session)
{
	parser->session = session;
	parser->batch_from = -1;
	for (size_t i = parser->prompt_count; i > 0; i--) {
		if (parser->prompts[i - 1].index == CODEX_GIVEN)
			break; /* so are all before it that have an item */
		if (parser->prompts[i - 1].index >= 0)
			parser->prompts[i - 1].index = CODEX_GIVEN;
	}
}

void codex_batch_end(struct codex_parser *parser)
{
	struct agent_session *session = parser->session;

	session->id = parser->named ? buf_str(&parser->id) : parser->fallback_id;
	session->parent = buf_str(&parser->parent);
	session->version = buf_str(&parser->version);
	session->branch = buf_str(&parser->branch);
	session->cwd = buf_str(&parser->cwd);
	session->title = buf_str(&parser->title);
	session->automatic = parser->automatic;
	session->strength = (int)parser->strength;
	session->started_ns = parser->started_ns;
	session->ended_ns = parser->ended_ns;
	if (parser->meta_ns != AGENT_NO_TIME)
		session->fallback_ns = parser->meta_ns;
	session->unknown = parser->unknown;
	session->from_start = true; /* counts are of the whole file */
	parser->gave |= session->count > 0;
	session->even_empty =
		(parser->has_meta || parser->gave) && parser->started_ns != AGENT_NO_TIME;
	parser->gave_without_cwd |= session->count > 0 && parser->cwd.len == 0;
}

void codex_parser_facts(struct codex_parser *parser, const struct codex_parser *end)
{
	set(&parser->cwd, buf_str(&end->cwd));
	set(&parser->title, buf_str(&end->title));
	parser->started_ns = end->started_ns;
	parser->ended_ns = end->ended_ns;
	parser->unknown = end->unknown;
	parser->gave = end->gave;
}

/* --- whose records these are --- */

bool codex_is_copy(const struct codex_parser *parser)
{
	return parser->replay != CODEX_OWN;
}

static int64_t second_of(int64_t at_ns)
{
	return at_ns / NS_PER_S - (at_ns % NS_PER_S < 0);
}

/* Without turns to tell, a burst of copies ends with its second. */
static void note_second(struct codex_parser *parser, const struct codex_record *record)
{
	bool by_turns = parser->replay == CODEX_REPLAYED && parser->turns_seen;

	if (record->at_ns == AGENT_NO_TIME)
		return;
	if (parser->first_second == INT64_MIN)
		parser->first_second = second_of(record->at_ns);
	else if (second_of(record->at_ns) != parser->first_second && !by_turns)
		parser->replay = CODEX_OWN;
}

static void note_replay(struct codex_parser *parser, const struct codex_record *record)
{
	note_second(parser, record);
	if (record->turn.len == 0)
		return;
	parser->turns_seen = true;
	if (codex_asks(parser, record))
		parser->replay = record->in_parent ? CODEX_REPLAYED : CODEX_OWN;
}

bool codex_asks(const struct codex_parser *parser, const struct codex_record *record)
{
	return parser->strength > 0 && record->turn.len > 0 && record->kind != CODEX_META;
}

bool codex_new_origin(struct codex_parser *parser, struct str *origin)
{
	bool news = parser->origin_news;

	parser->origin_news = false;
	*origin = buf_str(&parser->origin);
	return news;
}

void codex_origin(struct codex_parser *parser, int64_t strength)
{
	parser->strength = strength;
	if (strength > 0)
		parser->replay = parser->second_meta ? CODEX_REPLAYED : CODEX_HEAD;
	else
		parser->replay = parser->spawned ? CODEX_FIRST_SECOND : CODEX_OWN;
}

/* --- the session --- */

void codex_name(struct codex_parser *parser, struct str id)
{
	if (!parser->named)
		set_id(&parser->id, id);
	parser->named = true;
}

/* The session's directory, once: what was given without it is given again. */
static void note_cwd(struct codex_parser *parser, struct str cwd)
{
	if (cwd.len == 0 || parser->cwd.len > 0)
		return;
	set(&parser->cwd, cwd);
	parser->mending |= parser->gave_without_cwd;
	codex_add_mark(parser, CODEX_MARK_AGAIN, 0, parser->offset);
}

/* A session_meta of another session is the first of the copied records; if the session does not say
 * where it comes from, this does. */
static void note_other_meta(struct codex_parser *parser, const struct codex_meta *meta)
{
	if (str_eq(meta->id, buf_str(&parser->id)) || parser->turns_seen || parser->second_meta)
		return;
	parser->second_meta = true;
	if (parser->replay == CODEX_HEAD)
		parser->replay = CODEX_REPLAYED;
	if (parser->origin.len > 0)
		return;
	set_id(&parser->origin, meta->id);
	parser->origin_news = true;
}

static void take_meta(struct codex_parser *parser, const struct codex_record *record)
{
	const struct codex_meta *meta = &record->meta;

	if (parser->has_meta) {
		note_other_meta(parser, meta);
		return;
	}
	codex_name(parser, meta->id);
	parser->has_meta = true;
	set_id(&parser->parent, meta->parent);
	set_id(&parser->origin, meta->parent.len > 0 ? meta->parent : meta->forked_from);
	if (str_eq(buf_str(&parser->origin), buf_str(&parser->id)))
		buf_clear(&parser->origin);
	parser->origin_news = parser->origin.len > 0;
	set(&parser->version, meta->version);
	set(&parser->branch, meta->branch);
	parser->automatic = meta->automatic;
	parser->spawned = meta->spawned;
	parser->meta_ns = meta->at_ns;
	note_cwd(parser, record->cwd);
}

/* Nobody types to a sub-agent. */
bool codex_has_person(const struct codex_parser *parser)
{
	return parser->parent.len == 0 && !parser->automatic && !parser->spawned;
}

static void note_time(struct codex_parser *parser, int64_t at_ns)
{
	if (at_ns == AGENT_NO_TIME || !time_plausible(at_ns))
		return;
	parser->last_ns = at_ns;
	if (codex_is_copy(parser))
		return;
	agent_widen(at_ns, &parser->started_ns, &parser->ended_ns);
}

/* --- turns --- */

static void start_turn(struct codex_parser *parser, const struct codex_record *record)
{
	if (!str_eq(buf_str(&parser->turn), record->turn) || record->turn.len == 0)
		codex_end_turn(parser);
	set(&parser->turn, record->turn);
}

static void take_context(struct codex_parser *parser, const struct codex_record *record)
{
	if (record->turn.len > 0)
		set(&parser->turn, record->turn);
	if (record->model.len > 0)
		set(&parser->model, record->model);
	set(&parser->mode, record->mode);
	if (record->cwd.len == 0 || codex_is_copy(parser))
		return;
	set(&parser->turn_cwd, record->cwd);
	note_cwd(parser, record->cwd);
}

static void take_title(struct codex_parser *parser, const struct codex_record *record)
{
	if (!parser->keep_title || codex_is_copy(parser))
		return;
	set(&parser->title, record->text);
}

/* --- records --- */

static void take_kind(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	switch (record->kind) {
	case CODEX_CONTEXT:
		take_context(parser, record);
		break;
	case CODEX_TURN_START:
		start_turn(parser, record);
		break;
	case CODEX_TURN_ABORTED:
		codex_take_abort(parser, record);
		codex_end_turn(parser);
		break;
	case CODEX_TURN_END:
		codex_end_turn(parser);
		break;
	case CODEX_USER:
		codex_take_user(parser, record, line);
		break;
	case CODEX_ASSISTANT:
		codex_take_assistant(parser, record, line);
		break;
	case CODEX_CALL:
		codex_take_call(parser, record, line);
		break;
	case CODEX_RESULT:
		codex_take_result(parser, record, line);
		break;
	case CODEX_USAGE:
		codex_take_usage(parser, record, line);
		break;
	case CODEX_ERROR:
		codex_take_error(parser, record, line);
		break;
	case CODEX_ROLLBACK:
		codex_take_rollback(parser, record);
		break;
	case CODEX_TITLE:
		take_title(parser, record);
		break;
	default:
		break;
	}
}

static void begin_line(struct codex_parser *parser, int64_t offset)
{
	parser->lines++;
	parser->offset = offset;
	if (parser->batch_from < 0)
		parser->batch_from = offset;
}

void codex_take(struct codex_parser *parser, const struct codex_record *record, struct str line,
	int64_t offset)
{
	begin_line(parser, offset);
	if (record->kind == CODEX_META)
		take_meta(parser, record);
	note_replay(parser, record);
	if (record->kind == CODEX_UNKNOWN) {
		parser->unknown += !codex_is_copy(parser) && !parser->only;
		return;
	}
	note_time(parser, record->at_ns);
	if (!codex_is_copy(parser) && record->kind == CODEX_NOTHING)
		note_cwd(parser, record->cwd);
	take_kind(parser, record, line);
}

void codex_take_bad(struct codex_parser *parser, const struct agent_bad *bad)
{
	begin_line(parser, bad->offset);
	agent_session_bad(
		parser->session, bad->path, bad->offset, bad->reason, bad->detail.ptr, bad->bytes);
}
