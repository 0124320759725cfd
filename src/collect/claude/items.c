/*
 * From records to items, and from items to events. Meeting an item (whose is it?), counting it and
 * taking it are the same for all kinds; claude_event.c writes what each shows.
 */
#include "collect/claude/items.h"

#include <stdlib.h>

#include "base/hash.h"
#include "collect/claude/event.h"

enum verdict { ITEM_NEW, ITEM_TAKEN, ITEM_OWN, ITEM_OTHERS };

/* An item that a record of a session has. NATURAL is its key among its kind and the discriminator
 * of its event. */
struct claim {
	struct claude_session *session;
	const struct claude_record *record;
	enum claude_item_kind kind;
	struct str natural;
	struct claude_item *response; /* of a call */
	struct claude_item *item;
	enum verdict verdict;
};

static bool is_writing(const struct claude_pass *pass)
{
	return pass->mode == PASS_COLLECT || pass->mode == PASS_TAKE;
}

/* NULL when this pass counts nothing. */
static struct claude_counts *counts_of(const struct claude_pass *pass, const struct claim *claim)
{
	if (pass->mode == PASS_COUNT)
		return &pass->tally->counts;
	return pass->mode == PASS_COLLECT ? &claim->session->counts : NULL;
}

/* What the item of CLAIM adds to; NULL: nothing. */
static int64_t *counter_of(struct claude_counts *counts, const struct claim *claim)
{
	switch (claim->kind) {
	case ITEM_PROMPT:
		return claim->record->command.len > 0 ? &counts->commands : &counts->prompts;
	case ITEM_RESPONSE:
		return &counts->responses;
	case ITEM_CALL:
		return &counts->tool_calls;
	case ITEM_TOOL_ERROR:
		return &counts->tool_errors;
	case ITEM_API_ERROR:
		return &counts->api_errors;
	case ITEM_DELEGATED:
		break;
	}
	return NULL;
}

/* --- items seen --- */

static bool seen_put(struct claude_seen *seen, uint64_t key)
{
	size_t at = (size_t)key & (seen->capacity - 1);

	while (seen->keys[at] && seen->keys[at] != key)
		at = (at + 1) & (seen->capacity - 1);
	if (seen->keys[at])
		return false;
	seen->keys[at] = key;
	seen->count++;
	return true;
}

/* True the first time. */
static bool seen_first(struct claude_seen *seen, const struct claude_item *item)
{
	struct str hash = { (const char *)item->hash, sizeof(item->hash) };
	uint64_t key = hash64(hash, (uint64_t)item->kind);

	if (seen->count * 2 >= seen->capacity) {
		struct claude_seen larger = { .capacity =
						      seen->capacity ? seen->capacity * 2 : 256 };

		larger.keys = mem_zalloc(larger.capacity * sizeof(*larger.keys));
		for (size_t i = 0; i < seen->capacity; i++)
			if (seen->keys[i])
				seen_put(&larger, seen->keys[i]);
		free(seen->keys);
		*seen = larger;
	}
	return seen_put(seen, key ? key : 1);
}

void claude_tally_release(struct claude_tally *tally)
{
	free(tally->seen.keys);
	tally->seen = (struct claude_seen){ 0 };
}

void claude_pass_release(struct claude_pass *pass)
{
	buf_release(&pass->prompt);
	buf_release(&pass->answer);
}

/* --- whose is it? --- */

static int become_rivals(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_session *owner;
	bool news = !claim->item->shared;

	if (claude_round_session_of_key(pass->round, claim->item->owner, &owner, err) < 0)
		return err->code;
	if (owner) {
		news |= claude_session_add_rival(claim->session, owner->key);
		claude_session_add_rival(owner, claim->session->key);
	}
	if (news)
		claude_round_unsettle(pass->round, claim->session->key);
	if (!claim->item->shared)
		claim->item->shared = claim->item->changed = true;
	return 0;
}

/* Another session has it. */
static int meet_foreign(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	if (claim->item->sidechain && !claim->record->sidechain) {
		claim->verdict = ITEM_TAKEN;
		claude_round_unsettle(pass->round, claim->item->owner);
		return 0;
	}
	claim->verdict = ITEM_OTHERS;
	pass->round->copies++;
	return claim->item->sidechain == claim->record->sidechain ? become_rivals(pass, claim, err)
								  : 0;
}

/* If it begins earlier than what is known of the session, the session's claim against its rivals
 * has changed. */
static void meet_new(struct claude_pass *pass, struct claim *claim)
{
	claim->verdict = ITEM_NEW;
	if (claim->record->implausible_time || claim->record->at_ns >= claim->session->unshared_ns)
		return;
	claim->session->unshared_ns = claim->record->at_ns;
	if (claim->session->rival_count > 0)
		claude_round_unsettle(pass->round, claim->session->key);
}

static int meet_collecting(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	if (!claim->item->known)
		meet_new(pass, claim);
	else if (claim->item->owner != claim->session->key)
		return meet_foreign(pass, claim, err);
	else if (claim->item->sidechain && !claim->record->sidechain)
		claim->verdict = ITEM_TAKEN;
	else
		claim->verdict = ITEM_OWN;
	return 0;
}

static void meet_weighing(struct claude_pass *pass, const struct claim *claim)
{
	struct claude_tally *tally = pass->tally;

	tally->items++;
	if (claim->item->owner == claim->session->key && !claim->item->shared &&
		!claim->record->implausible_time && claim->record->at_ns < tally->unshared_ns)
		tally->unshared_ns = claim->record->at_ns;
}

static int meet_taking(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_session *owner;

	if (claim->item->owner == claim->session->key) {
		claim->verdict = ITEM_OWN;
		return 0;
	}
	if (claim->item->sidechain != claim->record->sidechain)
		return 0;
	if (claude_round_session_of_key(pass->round, claim->item->owner, &owner, err) < 0)
		return err->code;
	if (owner && owner->settling && claude_session_precedes(claim->session, owner))
		claim->verdict = ITEM_TAKEN;
	return 0;
}

static int find(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_memory *memory = pass->round->memory;

	if (claim->response)
		return claude_memory_call(
			memory, claim->response, claim->natural, &claim->item, err);
	return claude_memory_item(memory, claim->kind, claim->natural, &claim->item, err);
}

/* Find the item of CLAIM and tell whose it is. */
static int meet(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	claim->verdict = ITEM_OTHERS;
	if (find(pass, claim, err) < 0)
		return err->code;
	if (pass->mode == PASS_COLLECT)
		return meet_collecting(pass, claim, err);
	if (!claim->item->known)
		return 0;
	if (pass->mode == PASS_TAKE)
		return meet_taking(pass, claim, err);
	if (pass->mode == PASS_WEIGH)
		meet_weighing(pass, claim);
	else if (claim->item->owner == claim->session->key)
		claim->verdict = seen_first(&pass->tally->seen, claim->item) ? ITEM_NEW : ITEM_OWN;
	return 0;
}

/* --- counting and taking --- */

static void count(struct claude_pass *pass, const struct claim *claim)
{
	struct claude_counts *counts = counts_of(pass, claim);
	bool had = claim->item->known && claim->item->owner == claim->session->key &&
		   pass->mode == PASS_COLLECT;
	int64_t *counter;

	if (!counts || claim->verdict == ITEM_OTHERS)
		return;
	claude_counts_time(counts, claim->record);
	claim->session->changed = true;
	if (claim->verdict == ITEM_OWN || had)
		return;
	counter = counter_of(counts, claim);
	if (counter)
		++*counter;
	counts->cancelled += claim->item->cancelled;
}

/* The item is the session's from now on; the event that it had under another time is withdrawn. */
static int take(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_item *item = claim->item;
	bool moved = claim->verdict == ITEM_TAKEN && item->at_ns != claim->record->at_ns;

	if (moved && item->stored) {
		if (claude_event_type(item->kind) &&
			claude_round_withdraw(pass->round, item, err) < 0)
			return err->code;
		item->stored = false;
	}
	if (claim->verdict == ITEM_TAKEN)
		item->revision +=
			moved ? 2 : 1; /* beyond the tombstone, should the time move back */
	item->known = item->changed = true;
	item->owner = claim->session->key;
	item->at_ns = claim->record->at_ns;
	item->sidechain = claim->record->sidechain;
	return 0;
}

static struct claude_event event_of(const struct claude_pass *pass, const struct claim *claim)
{
	return (struct claude_event){
		.round = pass->round,
		.session = claim->session,
		.record = claim->record,
		.place = pass->place,
		.item = claim->item,
		.path = str_from(pass->path),
		.offset = pass->offset,
	};
}

/* Meet and count an item that is written once; *TAKEN: it has to be shown. */
static int meet_once(struct claude_pass *pass, struct claim *claim, bool *taken, struct err *err)
{
	*taken = false;
	if (meet(pass, claim, err) < 0)
		return err->code;
	count(pass, claim);
	*taken = is_writing(pass) && (claim->verdict == ITEM_NEW || claim->verdict == ITEM_TAKEN);
	return *taken ? take(pass, claim, err) : 0;
}

/* --- prompts --- */

static void remember(struct buf *turn, struct str natural)
{
	buf_clear(turn);
	buf_add(turn, natural);
}

static int take_prompt(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_event event;
	bool taken;

	claim->kind = claim->record->sidechain ? ITEM_DELEGATED : ITEM_PROMPT;
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	if (claim->kind == ITEM_DELEGATED)
		return 0;
	remember(&pass->prompt, claim->natural);
	event = event_of(pass, claim);
	if (taken)
		claude_event_prompt(&event);
	return 0;
}

/* The one that ends with NATURAL's turn is marked. *DONE: there was one. */
static int cancel(struct claude_pass *pass, enum claude_item_kind kind, struct str natural,
	bool *done, struct err *err)
{
	struct claude_session *owner;
	struct claude_item *item;

	*done = false;
	if (natural.len == 0)
		return 0;
	if (claude_memory_item(pass->round->memory, kind, natural, &item, err) < 0)
		return err->code;
	*done = item->known;
	if (!item->known || item->cancelled)
		return 0;
	if (claude_event_cancel(pass->round, item, err) < 0 ||
		claude_round_session_of_key(pass->round, item->owner, &owner, err) < 0)
		return err->code;
	if (owner) {
		owner->counts.cancelled++;
		owner->changed = true;
	}
	return 0;
}

/* The person stopped the turn: its prompt says so, whoever owns it; of an agent's, which has none,
 * the last response. */
static int cancel_turn(
	struct claude_pass *pass, const struct claude_record *record, struct err *err)
{
	struct str none = { NULL, 0 };
	bool done;

	if (pass->mode != PASS_COLLECT)
		return 0;
	if (cancel(pass, ITEM_PROMPT, record->sidechain ? none : buf_str(&pass->prompt), &done,
		    err) < 0)
		return err->code;
	return done ? 0 : cancel(pass, ITEM_RESPONSE, buf_str(&pass->answer), &done, err);
}

/* --- responses --- */

static int64_t total(const int64_t tokens[static CLAUDE_TOKENS])
{
	int64_t out = 0;

	for (int i = 0; i < CLAUDE_TOKENS; i++)
		if (tokens[i] > 0 && __builtin_add_overflow(out, tokens[i], &out))
			out = INT64_MAX;
	return out;
}

/* Is RECORD a later state of the response than ITEM? */
static bool is_better(const struct claude_record *record, const struct claude_item *item)
{
	if (record->tokens[TOKEN_OUTPUT] != item->tokens[TOKEN_OUTPUT])
		return record->tokens[TOKEN_OUTPUT] > item->tokens[TOKEN_OUTPUT];
	if (total(record->tokens) != total(item->tokens))
		return total(record->tokens) > total(item->tokens);
	return record->stop_reason.len > 0 && !item->stopped;
}

/* The record's state becomes the item's. The revision grows with the output: whoever saw more of a
 * response wins everywhere. */
static void take_state(struct claim *claim)
{
	const int64_t *tokens = claim->record->tokens;
	struct claude_item *item = claim->item;
	int64_t least = item->revision + (claim->verdict == ITEM_OWN ? 1 : 0);
	int64_t output = tokens[TOKEN_OUTPUT];

	memcpy(item->tokens, tokens, sizeof(item->tokens));
	item->stopped = claim->record->stop_reason.len > 0;
	item->changed = true;
	item->revision = output >= least && output < INT32_MAX ? output + 1 : least;
}

/* In a count the item's tokens are counted the first time; collecting, what they are more than
 * before. */
static void count_tokens(
	struct claude_pass *pass, const struct claim *claim, const struct claude_item *before)
{
	struct claude_counts *counts = counts_of(pass, claim);
	bool had = before->known && before->owner == claim->session->key;

	if (counts && (pass->mode == PASS_COLLECT || claim->verdict == ITEM_NEW))
		claude_counts_tokens(counts,
			pass->mode == PASS_COLLECT && had ? before->tokens : NULL,
			claim->item->tokens);
}

/* What the record says of the response that is better than what is known; *SHOWN: something is. */
static int take_better(struct claude_pass *pass, struct claim *claim, bool *shown, struct err *err)
{
	bool better = claim->verdict != ITEM_OWN || is_better(claim->record, claim->item);
	struct claude_event event = event_of(pass, claim);
	bool more;

	if (claude_event_add_text(&event, &more, err) < 0)
		return err->code;
	*shown = better || more;
	if (claim->verdict != ITEM_OWN && take(pass, claim, err) < 0)
		return err->code;
	if (better) {
		take_state(claim);
	} else if (more) {
		claim->item->revision++;
		claim->item->changed = true;
	}
	return 0;
}

static int take_response(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_item before;
	struct claude_event event;
	bool shown = false;

	claim->kind = ITEM_RESPONSE;
	if (claim->record->message_id.len > 0)
		claim->natural = claim->record->message_id;
	remember(&pass->answer, claim->natural);
	if (meet(pass, claim, err) < 0)
		return err->code;
	before = *claim->item;
	count(pass, claim);
	if (claim->verdict == ITEM_OTHERS)
		return 0;
	if (is_writing(pass)) {
		if (take_better(pass, claim, &shown, err) < 0)
			return err->code;
		if (!shown)
			return 0;
	}
	count_tokens(pass, claim, &before);
	event = event_of(pass, claim);
	if (shown)
		claude_event_response(&event);
	return 0;
}

/* --- tools and errors --- */

/* A tool call, or a failed result: its own id, else its place in the record. */
static int take_tool(struct claude_pass *pass, struct claim *claim, const struct claude_tools *tool,
	struct err *err)
{
	struct claude_event event;
	bool taken;

	claim->natural = tool->id;
	if (claim->natural.len == 0)
		claim->natural = arena_printf(&pass->round->scratch, "%.*s#%d",
			STR_ARG(claim->record->uuid), tool->ordinal);
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	if (!taken)
		return 0;
	event = event_of(pass, claim);
	if (claim->kind == ITEM_TOOL_ERROR)
		claude_event_tool_error(&event, tool);
	else
		claude_event_call(&event, tool);
	return 0;
}

static int take_calls(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_tools tools = claude_tools(claim->record);

	claim->kind = ITEM_CALL;
	claim->response = claim->item;
	while (claude_next_call(&tools)) {
		claude_calls_open(&pass->calls, tools.id, tools.name);
		if (take_tool(pass, claim, &tools, err) < 0)
			return err->code;
	}
	return 0;
}

/* A result closes its call; one that failed is an item. */
static int take_results(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_tools tools = claude_tools(claim->record);

	claim->kind = ITEM_TOOL_ERROR;
	while (claude_next_result(&tools)) {
		tools.name = claude_calls_close(&pass->calls, tools.id);
		if (tools.failed && take_tool(pass, claim, &tools, err) < 0)
			return err->code;
	}
	return 0;
}

static int take_api_error(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_event event;
	bool taken;

	claim->kind = ITEM_API_ERROR;
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	event = event_of(pass, claim);
	if (taken)
		claude_event_api_error(&event);
	return 0;
}

int claude_take_items(struct claude_pass *pass, struct claude_session *session,
	const struct claude_record *record, struct err *err)
{
	struct claim claim = { .session = session, .record = record, .natural = record->uuid };

	if (record->cancels && cancel_turn(pass, record, err) < 0)
		return err->code;
	switch (record->kind) {
	case CLAUDE_PROMPT:
		return take_prompt(pass, &claim, err);
	case CLAUDE_USER:
		return take_results(pass, &claim, err);
	case CLAUDE_RESPONSE:
		if (take_response(pass, &claim, err) < 0)
			return err->code;
		return take_calls(pass, &claim, err);
	case CLAUDE_API_ERROR:
		return take_api_error(pass, &claim, err);
	case CLAUDE_OTHER:
	case CLAUDE_UNKNOWN:
		break;
	}
	return 0;
}
