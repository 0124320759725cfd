/*
 * Items out of records.
 *
 * Keys. The session's id and a hash of the line: the same for a file that was moved, compressed,
 * copied or continued elsewhere. A line without a time may stand twice in a file, so its number
 * counts too. Long ids of calls are keys themselves; short ones come again ("call_1").
 *
 * Sides. A message is written as a response item, as an event, as a completed item, or as two of
 * them, in any order. The first one met gives the item; what pairs up with it (the same text, or
 * the oldest that has not been met from that side: texts may differ in what stands around images)
 * is the same message. Calls pair up by id.
 *
 * What is taken back. A turn that was stopped or rolled back marks items that may have been given
 * long ago. Those of the batch at hand are marked at once; for others MENDING is set, and the
 * caller has the file read again.
 */
#include "collect/codex/items.h"

#include "base/hash.h"
#include "base/utf8.h"

enum {
	LONG_ID_BYTES = 16,
	LONGEST_ID_BYTES = 1024,
	TEXT_BYTES = 256 << 10, /* more is never stored */
	CALLS_OF_ENDED_TURN = 4,
};

enum pair_what { PAIR_USER, PAIR_ASSISTANT, PAIR_WEB, PAIR_IMAGE };

/* --- marks --- */

void codex_add_mark(
	struct codex_parser *parser, enum codex_mark_kind kind, int64_t from, int64_t to)
{
	struct codex_marks *marks = &parser->marks;

	if (!parser->collect_marks)
		return;
	if (marks->count == marks->capacity) {
		marks->capacity = marks->capacity * 2 + 16;
		marks->items = mem_resize(marks->items, marks->capacity, sizeof(*marks->items));
	}
	marks->items[marks->count++] = (struct codex_mark){ kind, from, to };
}

/* Put the marks on an item of the line at hand; false when none covers it. */
static bool apply_marks(const struct codex_parser *parser, struct agent_item *item)
{
	bool covered = false;

	for (size_t i = 0; i < parser->only->count; i++) {
		const struct codex_mark *mark = &parser->only->items[i];
		bool fits = mark->kind == CODEX_MARK_CANCELLED   ? item->kind == AGENT_PROMPT
			    : mark->kind == CODEX_MARK_WITHDRAWN ? item->kind != AGENT_USAGE
								 : true;

		if (!fits || parser->offset < mark->from || parser->offset >= mark->to)
			continue;
		item->cancelled |= mark->kind == CODEX_MARK_CANCELLED;
		item->withdrawn |= mark->kind == CODEX_MARK_WITHDRAWN;
		covered = true;
	}
	return covered;
}

/* --- giving items --- */

static uint64_t line_hash(
	const struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	uint64_t seed = record->at_ns == AGENT_NO_TIME ? (uint64_t)parser->lines : 0;
	uint64_t hash = hash64(line, seed);

	return hash > 0 ? hash : 1;
}

static struct str key_of(struct codex_parser *parser, uint64_t hash)
{
	codex_name(parser, parser->fallback_id);
	return arena_printf(parser->session->arena, "%s:%016llx", buf_cstr(&parser->id),
		(unsigned long long)hash);
}

static void note_offset(struct codex_parser *parser, size_t index)
{
	if (index >= parser->offset_capacity) {
		parser->offset_capacity = parser->offset_capacity * 2 + 256;
		parser->offsets = mem_resize(
			parser->offsets, parser->offset_capacity, sizeof(*parser->offsets));
	}
	parser->offsets[index] = parser->offset;
}

static struct str copy(struct codex_parser *parser, struct str text)
{
	return text.len > 0 ? arena_str(parser->session->arena, text) : STR("");
}

/* An item of RECORD with what all have; NULL when it is not to be given. */
static struct agent_item *give(struct codex_parser *parser, enum agent_kind kind, struct str key,
	const struct codex_record *record)
{
	struct agent_session *session = parser->session;
	bool timed = record->at_ns != AGENT_NO_TIME;
	struct agent_item *item;

	if (codex_is_copy(parser))
		return NULL;
	codex_name(parser, parser->fallback_id);
	item = agent_item(session, kind, key, timed ? record->at_ns : parser->last_ns);
	if (parser->only && !apply_marks(parser, item)) {
		session->count--;
		return NULL;
	}
	note_offset(parser, session->count - 1);
	item->estimated = !timed;
	if (!str_eq(buf_str(&parser->turn_cwd), buf_str(&parser->cwd)))
		item->cwd = copy(parser, buf_str(&parser->turn_cwd));
	item->model = copy(parser, buf_str(&parser->model));
	item->mode = copy(parser, buf_str(&parser->mode));
	item->turn = copy(parser, record->turn.len > 0 ? utf8_cut(record->turn, CODEX_FACT_BYTES)
						       : buf_str(&parser->turn));
	return item;
}

static void put_text(
	struct codex_parser *parser, struct agent_item *item, const struct codex_record *record)
{
	item->length = (int64_t)record->text.len;
	item->text = copy(parser, utf8_cut(record->text, TEXT_BYTES));
}

/* --- what comes from several sides --- */

static void forget_pairs(struct codex_parser *parser, enum pair_what first, enum pair_what last)
{
	size_t kept = 0;

	for (size_t i = 0; i < parser->pair_count; i++)
		if (parser->pairs[i].what < (int)first || parser->pairs[i].what > (int)last)
			parser->pairs[kept++] = parser->pairs[i];
	parser->pair_count = kept;
}

/* False when it was met from another side; from now on it is known. */
static bool is_new(
	struct codex_parser *parser, enum pair_what what, enum codex_side side, uint64_t hash)
{
	struct codex_pair *found = NULL;

	for (size_t i = 0; i < parser->pair_count; i++) {
		struct codex_pair *pair = &parser->pairs[i];

		if (pair->what != (int)what || (pair->sides & (int)side))
			continue;
		if (!found || (pair->hash == hash && found->hash != hash))
			found = pair;
	}
	if (found) {
		found->sides |= (int)side;
		return false;
	}
	if (parser->pair_count == CODEX_PAIRS)
		memmove(parser->pairs, parser->pairs + 1,
			--parser->pair_count * sizeof(*parser->pairs));
	parser->pairs[parser->pair_count++] = (struct codex_pair){ (int)what, (int)side, hash };
	return true;
}

/* --- messages --- */

static uint64_t turn_hash(const struct codex_parser *parser, const struct codex_record *record)
{
	struct str turn = record->turn.len > 0 ? record->turn : buf_str(&parser->turn);

	return turn.len > 0 ? hash64(utf8_cut(turn, CODEX_FACT_BYTES), 1) | 1 : 0;
}

static void push_prompt(
	struct codex_parser *parser, const struct codex_record *record, ptrdiff_t index)
{
	if (parser->prompt_count == parser->prompt_capacity) {
		parser->prompt_capacity = parser->prompt_capacity * 2 + 16;
		parser->prompts = mem_resize(
			parser->prompts, parser->prompt_capacity, sizeof(*parser->prompts));
	}
	parser->prompts[parser->prompt_count++] =
		(struct codex_prompt){ parser->offset, turn_hash(parser, record), index };
	parser->prompt_turn = turn_hash(parser, record);
	parser->turn_prompts++;
}

void codex_take_user(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct agent_item *item = NULL;

	if (!is_new(parser, PAIR_USER, record->side, hash64(record->text, 0)))
		return;
	forget_pairs(parser, PAIR_ASSISTANT, PAIR_IMAGE);
	if (codex_has_person(parser))
		item = give(parser, AGENT_PROMPT, key_of(parser, line_hash(parser, record, line)),
			record);
	push_prompt(parser, record, item ? (ptrdiff_t)parser->session->count - 1 : CODEX_NO_ITEM);
	if (!item)
		return;
	put_text(parser, item, record);
	item->has_image = record->has_image;
	item->command = record->command;
}

void codex_take_assistant(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct agent_item *item;

	if (!is_new(parser, PAIR_ASSISTANT, record->side, hash64(record->text, 0)))
		return;
	forget_pairs(parser, PAIR_USER, PAIR_USER);
	item = give(
		parser, AGENT_RESPONSE, key_of(parser, line_hash(parser, record, line)), record);
	if (item)
		put_text(parser, item, record);
}

/* --- calls --- */

static struct codex_call *find_call(struct codex_parser *parser, struct str id)
{
	uint64_t hash = hash64(id, 2);

	for (size_t i = parser->call_count; id.len > 0 && i > 0; i--)
		if (parser->calls[i - 1].id == hash)
			return &parser->calls[i - 1];
	return NULL;
}

static void keep_calls(struct codex_parser *parser, size_t most)
{
	size_t gone = parser->call_count > most ? parser->call_count - most : 0;

	parser->call_count -= gone;
	memmove(parser->calls, parser->calls + gone, parser->call_count * sizeof(*parser->calls));
}

/* The name as it will be read back: a text, cut. */
static void keep_tool(struct codex_call *call, struct str tool)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	utf8_add_clean(&name, str_split(&tool, '\0'));
	tool = utf8_cut(buf_str(&name), sizeof(call->tool) - 1);
	if (tool.len > 0)
		memcpy(call->tool, tool.ptr, tool.len);
}

static struct codex_call *add_call(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct codex_call *call;

	keep_calls(parser, CODEX_CALLS - 1);
	call = &parser->calls[parser->call_count++];
	*call = (struct codex_call){ .id = hash64(record->id, 2) };
	call->as_item = record->side == CODEX_RESPONSE_ITEM;
	if (record->id.len < LONG_ID_BYTES || record->id.len > LONGEST_ID_BYTES)
		call->key = line_hash(parser, record, line);
	keep_tool(call, record->tool);
	return call;
}

static struct str call_key(
	struct codex_parser *parser, const struct codex_call *call, struct str id)
{
	return call->key ? key_of(parser, call->key) : copy(parser, id);
}

/* The result says that the call failed: once, however many sides say so. */
static void fail_call(
	struct codex_parser *parser, const struct codex_record *record, struct codex_call *call)
{
	struct str key = call_key(parser, call, record->id);
	struct agent_item *item;

	if (call->failed)
		return;
	call->failed = true;
	item = give(parser, AGENT_TOOL_ERROR, key, record);
	if (!item)
		return;
	item->call = key;
	item->tool = copy(parser, str_from(call->tool));
}

/* Does RECORD tell of a call that was not met? Events repeat the calls of response items; completed
 * items may be all that a turn has. */
static bool is_new_call(struct codex_parser *parser, const struct codex_record *record)
{
	bool web = str_eq_c(record->tool, "web_search");

	if (web || str_eq_c(record->tool, "image_generation"))
		return is_new(parser, web ? PAIR_WEB : PAIR_IMAGE, record->side,
			hash64(record->text.len > 0 ? record->text : record->id, 0));
	if (record->side == CODEX_RESPONSE_ITEM)
		return true;
	return record->side == CODEX_EVENT ? !parser->item_calls : !parser->turn_calls;
}

void codex_take_call(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct codex_call *call = find_call(parser, record->id);
	bool as_item = record->side == CODEX_RESPONSE_ITEM;
	struct agent_item *item;

	if (call && as_item && call->as_item)
		call = NULL; /* the id is used again */
	if (!call) {
		if (!is_new_call(parser, record))
			return;
		call = add_call(parser, record, line);
		item = give(parser, AGENT_TOOL_USE, call_key(parser, call, record->id), record);
		if (item) {
			item->tool = copy(parser, utf8_cut(record->tool, CODEX_FACT_BYTES));
			item->file = copy(parser, utf8_cut(record->file, CODEX_FACT_BYTES));
		}
		forget_pairs(parser, PAIR_USER, PAIR_USER);
	}
	call->as_item |= as_item;
	parser->item_calls |= as_item;
	parser->turn_calls |= as_item;
	if (record->failed)
		fail_call(parser, record, call);
}

void codex_take_result(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct codex_call *call;

	if (!record->failed || record->id.len == 0)
		return;
	call = find_call(parser, record->id);
	fail_call(parser, record, call ? call : add_call(parser, record, line));
}

/* --- tokens --- */

static bool same_tokens(const struct codex_tokens *a, const struct codex_tokens *b)
{
	return a->known && b->known && memcmp(a->by_kind, b->by_kind, sizeof(a->by_kind)) == 0;
}

/* What was spent between two totals; all of the later one when they do not go on from each other.
 */
static struct codex_tokens spent(
	const struct codex_tokens *before, const struct codex_tokens *after)
{
	struct codex_tokens out = *after;

	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (!before->known || before->by_kind[i] < 0 || after->by_kind[i] < 0)
			continue;
		if (after->by_kind[i] < before->by_kind[i])
			return *after;
		out.by_kind[i] = after->by_kind[i] - before->by_kind[i];
	}
	return out;
}

void codex_take_usage(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct codex_tokens tokens = record->last;
	struct agent_item *item;

	if (same_tokens(&record->total, &parser->total))
		return; /* only the limits are new */
	if (!record->last.known)
		tokens = spent(&parser->total, &record->total);
	if (record->total.known)
		parser->total = record->total;
	item = give(parser, AGENT_USAGE, key_of(parser, line_hash(parser, record, line)), record);
	if (item)
		memcpy(item->tokens, tokens.by_kind, sizeof(item->tokens));
}

/* --- what is taken back --- */

/* Everything from FROM on has to be marked: is some of it given already? */
static void note_mending(struct codex_parser *parser, int64_t from)
{
	parser->mending |= parser->batch_from < 0 || from < parser->batch_from;
}

static void cancel(struct codex_parser *parser, const struct codex_prompt *prompt)
{
	if (prompt->index >= 0)
		parser->session->items[prompt->index].cancelled = true;
	else if (prompt->index == CODEX_GIVEN)
		parser->mending = true;
	codex_add_mark(parser, CODEX_MARK_CANCELLED, prompt->offset, prompt->offset + 1);
}

static bool is_or_may_be(uint64_t turn, uint64_t wanted)
{
	return turn == CODEX_ANY_TURN || (turn != 0 && turn == wanted);
}

/* The prompts of that turn; when it has none by its name, the last one that was typed in it. */
void codex_take_abort(struct codex_parser *parser, const struct codex_record *record)
{
	uint64_t turn = turn_hash(parser, record);
	size_t at = parser->prompt_count;
	int64_t met = 0;

	if (!record->by_person || !codex_has_person(parser))
		return;
	for (; at > 0 && turn != 0 && parser->prompts[at - 1].turn == turn; at--, met++)
		cancel(parser, &parser->prompts[at - 1]);
	if (met == 0 && at > 0 && parser->turn_prompts > 0) {
		cancel(parser, &parser->prompts[at - 1]);
		met++;
	}
	/* Those before this reading are marked when the file is mended. */
	parser->mending |= !parser->from_start &&
			   (met < parser->turn_prompts ||
				   (at == 0 && is_or_may_be(parser->before_turn, turn)));
}

void codex_take_rollback(struct codex_parser *parser, const struct codex_record *record)
{
	size_t have = parser->prompt_count;
	size_t gone = (uint64_t)record->turns < have ? (size_t)record->turns : have;
	struct agent_session *session = parser->session;
	int64_t from;

	if (!parser->from_start && (uint64_t)record->turns > have) {
		parser->mending = true;
		parser->before_turn = parser->prompt_turn = CODEX_ANY_TURN;
	}
	if (gone == 0)
		return;
	parser->prompt_count -= gone;
	if (parser->prompt_count > 0)
		parser->prompt_turn = parser->prompts[parser->prompt_count - 1].turn;
	else
		parser->prompt_turn = parser->from_start ? 0 : parser->before_turn;
	from = parser->prompts[parser->prompt_count].offset;
	for (size_t i = session->count; i > 0 && parser->offsets[i - 1] >= from; i--)
		session->items[i - 1].withdrawn |= session->items[i - 1].kind != AGENT_USAGE;
	note_mending(parser, from);
	codex_add_mark(parser, CODEX_MARK_WITHDRAWN, from, parser->offset);
}

void codex_take_error(
	struct codex_parser *parser, const struct codex_record *record, struct str line)
{
	struct agent_item *item =
		give(parser, AGENT_ERROR, key_of(parser, line_hash(parser, record, line)), record);

	if (item)
		item->error = copy(parser, record->error);
}

void codex_end_turn(struct codex_parser *parser)
{
	buf_clear(&parser->turn);
	parser->turn_calls = false;
	parser->turn_prompts = 0;
	parser->pair_count = 0;
	keep_calls(parser, CALLS_OF_ENDED_TURN);
}
