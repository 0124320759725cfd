/*
 * From records to items, and from items to events. Each kind of item is a row of a table and a
 * function that writes the event's data; meeting an item (whose is it?), taking it, counting it and
 * showing it are the same for all.
 */
#include "collect/claude_items.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"

enum {
	SUMMARY_BYTES = 200,
	TEXT_BYTES =
		128 << 10, /* of one prompt: escaped as JSON it is still within LIMIT_EVENT_BYTES */
};

enum verdict { ITEM_NEW, ITEM_TAKEN, ITEM_OWN, ITEM_OTHERS };

/* An item that a record of a session has. NATURAL is its key among its kind and the discriminator
 * of its event. */
struct claim {
	struct claude_session *session;
	const struct claude_record *record;
	enum claude_item_kind kind;
	struct str natural;
	const struct claude_tools *tool;
	struct claude_item item;
	enum verdict verdict;
};

/* By kind: its event (NULL: none), and what it adds to. */
static const struct kind {
	const char *type;
	size_t counter; /* in struct claude_counts; SIZE_MAX: none */
} kinds[] = {
	[ITEM_PROMPT] = { "user_message", offsetof(struct claude_counts, prompts) },
	[ITEM_DELEGATED] = { NULL, SIZE_MAX },
	[ITEM_RESPONSE] = { "agent_response", offsetof(struct claude_counts, responses) },
	[ITEM_CALL] = { "agent_tool_use", offsetof(struct claude_counts, tool_calls) },
	[ITEM_TOOL_ERROR] = { "agent_tool_error", offsetof(struct claude_counts, tool_errors) },
	[ITEM_API_ERROR] = { "agent_error", offsetof(struct claude_counts, api_errors) },
};

static const struct kind *kind_of(enum claude_item_kind kind)
{
	ASSERT((size_t)kind < ARRAY_LEN(kinds));
	return &kinds[kind];
}

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
static bool seen_first(struct claude_seen *seen, const char *item_key)
{
	uint64_t key = hash64(str_from(item_key), 0);

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

/* --- whose is it? --- */

static int become_rivals(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_session *owner;
	bool news = !claim->item.shared;

	if (claude_round_session_of_key(pass->round, claim->item.owner, &owner, err) < 0)
		return err->code;
	if (owner) {
		news |= claude_session_add_rival(claim->session, owner->key);
		claude_session_add_rival(owner, claim->session->key);
	}
	if (news)
		claude_round_unsettle(pass->round, claim->session->key);
	if (claim->item.shared)
		return 0;
	claim->item.shared = true;
	return claude_round_put_item(pass->round, &claim->item, err);
}

/* Another session has it. */
static int meet_foreign(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	if (claim->item.sidechain && !claim->record->sidechain) {
		claim->verdict = ITEM_TAKEN;
		claude_round_unsettle(pass->round, claim->item.owner);
		return 0;
	}
	claim->verdict = ITEM_OTHERS;
	pass->round->copies++;
	return claim->item.sidechain == claim->record->sidechain ? become_rivals(pass, claim, err)
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

static int meet_collecting(
	struct claude_pass *pass, struct claim *claim, bool found, struct err *err)
{
	if (found && claim->item.owner != claim->session->key)
		return meet_foreign(pass, claim, err);
	if (!found)
		meet_new(pass, claim);
	else if (claim->item.sidechain && !claim->record->sidechain)
		claim->verdict = ITEM_TAKEN;
	else
		claim->verdict = ITEM_OWN;
	return 0;
}

static void meet_weighing(struct claude_pass *pass, const struct claim *claim)
{
	struct claude_tally *tally = pass->tally;

	tally->items++;
	if (claim->item.owner == claim->session->key && !claim->item.shared &&
		!claim->record->implausible_time && claim->record->at_ns < tally->unshared_ns)
		tally->unshared_ns = claim->record->at_ns;
}

static int meet_taking(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_session *owner;

	if (claim->item.owner == claim->session->key) {
		claim->verdict = ITEM_OWN;
		return 0;
	}
	if (claim->item.sidechain != claim->record->sidechain)
		return 0;
	if (claude_round_session_of_key(pass->round, claim->item.owner, &owner, err) < 0)
		return err->code;
	if (owner && owner->settling && claude_session_precedes(claim->session, owner))
		claim->verdict = ITEM_TAKEN;
	return 0;
}

/* What is known of the item; what is held back is known best, and given if another session meets
 * it. */
static int look_up(struct claude_pass *pass, struct claim *claim, bool *found, struct err *err)
{
	struct claude_held *held = &pass->held;
	bool is_held = held->session && claim->kind == ITEM_RESPONSE &&
		       str_eq(claim->natural, buf_str(&held->natural));

	if (is_held && held->session == claim->session) {
		claim->item = held->item;
		*found = true;
		return 0;
	}
	if (is_held && claude_pass_flush(pass, err) < 0)
		return err->code;
	return claude_round_item(
		pass->round, claim->kind, claim->natural, &claim->item, found, err);
}

/* Find the item of CLAIM and tell whose it is; unless ITEM_OTHERS, what is known of it is as it was
 * before. */
static int meet(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	bool found;

	claim->verdict = ITEM_OTHERS;
	if (look_up(pass, claim, &found, err) < 0)
		return err->code;
	if (pass->mode == PASS_COLLECT)
		return meet_collecting(pass, claim, found, err);
	if (!found)
		return 0;
	if (pass->mode == PASS_TAKE)
		return meet_taking(pass, claim, err);
	if (pass->mode == PASS_WEIGH)
		meet_weighing(pass, claim);
	else if (claim->item.owner == claim->session->key)
		claim->verdict =
			seen_first(&pass->tally->seen, claim->item.key) ? ITEM_NEW : ITEM_OWN;
	return 0;
}

/* --- counting and taking --- */

static void count(struct claude_pass *pass, const struct claim *claim)
{
	struct claude_counts *counts = counts_of(pass, claim);
	size_t counter = kind_of(claim->kind)->counter;
	bool had = claim->item.owner == claim->session->key && pass->mode == PASS_COLLECT;

	if (!counts || claim->verdict == ITEM_OTHERS)
		return;
	claude_counts_time(counts, claim->record);
	claim->session->changed = true;
	if (claim->verdict != ITEM_OWN && !had && counter != SIZE_MAX)
		++*(int64_t *)((uintptr_t)counts + counter);
}

/* The item is the session's from now on; the event that it had under another time is withdrawn. */
static int take(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_item *item = &claim->item;
	const char *type = kind_of(claim->kind)->type;
	bool moved = claim->verdict == ITEM_TAKEN && item->at_ns != claim->record->at_ns;

	if (moved && type &&
		claude_round_withdraw(pass->round, type, item->at_ns, claim->natural, err) < 0)
		return err->code;
	if (claim->verdict == ITEM_TAKEN)
		item->revision +=
			moved ? 2 : 1; /* beyond the tombstone, should the time move back */
	item->owner = claim->session->key;
	item->at_ns = claim->record->at_ns;
	item->sidechain = claim->record->sidechain;
	return 0;
}

static void put_text(struct json_writer *writer, const char *key, struct str value)
{
	if (value.len > 0)
		json_kv_str(writer, key, value);
}

static struct json_writer begin_data(struct claude_pass *pass, const struct claim *claim)
{
	struct json_writer writer;

	buf_clear(&pass->data);
	writer = json_writer(&pass->data);
	json_begin_object(&writer);
	json_kv_str(&writer, "agent", STR("claude-code"));
	json_kv_str(&writer, "session_id", claim->session->id);
	put_text(&writer, "parent_session_id", claim->session->parent);
	return writer;
}

static void close_data(
	struct claude_pass *pass, const struct claim *claim, struct json_writer *writer)
{
	put_text(writer, "cwd", pass->cwd);
	put_text(writer, "git_project", claude_round_project(pass->round, pass->cwd));
	put_text(writer, "git_branch", claim->record->git_branch);
	if (claim->record->implausible_time)
		json_kv_bool(writer, "implausible_time", true);
	json_end_object(writer);
}

/* Close the data, keep the item, and give its event, if its kind has one. */
static int show(struct claude_pass *pass, const struct claim *claim, struct json_writer *writer,
	struct err *err)
{
	struct claude_event event = {
		.type = kind_of(claim->kind)->type,
		.at_ns = claim->item.at_ns,
		.discriminator = claim->natural,
		.revision = claim->item.revision,
	};

	close_data(pass, claim, writer);
	event.data = buf_str(&pass->data);
	if (claude_round_put_item(pass->round, &claim->item, err) < 0)
		return err->code;
	return event.type ? claude_round_emit(pass->round, &event, &pass->origin, err) : 0;
}

/* --- holding back --- */

int claude_pass_flush(struct claude_pass *pass, struct err *err)
{
	struct claude_held *held = &pass->held;
	struct quarantine_entry origin = pass->origin;
	struct claude_event event = {
		.type = kind_of(ITEM_RESPONSE)->type,
		.at_ns = held->item.at_ns,
		.discriminator = buf_str(&held->natural),
		.revision = held->item.revision,
		.data = buf_str(&held->data),
	};

	if (!held->session)
		return 0;
	held->session = NULL;
	origin.bytes = STR(""); /* the line is gone: the event itself would be kept */
	origin.bytes_total = 0;
	origin.offset = held->offset;
	if (claude_round_put_item(pass->round, &held->item, err) < 0)
		return err->code;
	return claude_round_emit(pass->round, &event, &origin, err);
}

/* Close the data of a response and hold it back, giving the one before it. */
static int hold(struct claude_pass *pass, const struct claim *claim, struct json_writer *writer,
	struct err *err)
{
	struct claude_held *held = &pass->held;

	if (held->session && strcmp(held->item.key, claim->item.key) != 0 &&
		claude_pass_flush(pass, err) < 0)
		return err->code;
	close_data(pass, claim, writer);
	held->session = claim->session;
	held->item = claim->item;
	held->offset = pass->origin.offset;
	buf_clear(&held->natural);
	buf_add(&held->natural, claim->natural);
	buf_clear(&held->data);
	buf_add(&held->data, buf_str(&pass->data));
	return 0;
}

void claude_pass_release(struct claude_pass *pass)
{
	buf_release(&pass->data);
	buf_release(&pass->held.natural);
	buf_release(&pass->held.data);
}

/* Meet and count an item that is written once; *TAKEN: it has to be shown. */
static int meet_once(struct claude_pass *pass, struct claim *claim, bool *taken, struct err *err)
{
	if (meet(pass, claim, err) < 0)
		return err->code;
	count(pass, claim);
	*taken = is_writing(pass) && (claim->verdict == ITEM_NEW || claim->verdict == ITEM_TAKEN);
	return *taken ? take(pass, claim, err) : 0;
}

/* --- prompts --- */

static void put_prompt_text(
	enum collect_text how, const struct claude_record *record, struct json_writer *writer)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str shown, rest;

	if (how == TEXT_NONE || record->length == 0)
		return;
	claude_record_text(record, &text);
	rest = shown = buf_str(&text);
	if (how == TEXT_SUMMARY)
		shown = utf8_cut(str_split(&rest, '\n'), SUMMARY_BYTES);
	json_kv_str(writer, "text", utf8_cut(shown, TEXT_BYTES));
}

static int take_prompt(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	const struct claude_record *record = claim->record;
	struct json_writer writer;
	bool taken;

	claim->kind = record->sidechain ? ITEM_DELEGATED : ITEM_PROMPT;
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	if (!taken)
		return 0;
	writer = begin_data(pass, claim);
	json_kv_i64(&writer, "length", record->length);
	json_kv_bool(&writer, "has_image", record->has_image);
	put_text(&writer, "prompt_source", record->prompt_source);
	if (record->queued)
		json_kv_bool(&writer, "queued", true);
	put_prompt_text(
		collect_text_of(pass->round->context, "claude", pass->cwd), record, &writer);
	return show(pass, claim, &writer, err);
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
	struct claude_item *item = &claim->item;
	int64_t least = item->revision + (claim->verdict == ITEM_OWN ? 1 : 0);
	int64_t output = tokens[TOKEN_OUTPUT];

	memcpy(item->tokens, tokens, sizeof(item->tokens));
	item->stopped = claim->record->stop_reason.len > 0;
	item->revision = output >= least && output < INT32_MAX ? output + 1 : least;
}

static int hold_response(struct claude_pass *pass, const struct claim *claim, struct err *err)
{
	struct json_writer writer = begin_data(pass, claim);

	put_text(&writer, "model", claim->record->model);
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		if (claim->item.tokens[i] >= 0)
			json_kv_i64(&writer, claude_token_key(i), claim->item.tokens[i]);
	put_text(&writer, "request_id", claim->record->request_id);
	put_text(&writer, "stop_reason", claim->record->stop_reason);
	return hold(pass, claim, &writer, err);
}

/* In a count the item's tokens are counted the first time; collecting, what they are more than
 * before. */
static void count_tokens(
	struct claude_pass *pass, const struct claim *claim, const struct claude_item *before)
{
	struct claude_counts *counts = counts_of(pass, claim);
	bool had = before->owner == claim->session->key;

	if (counts && (pass->mode == PASS_COLLECT || claim->verdict == ITEM_NEW))
		claude_counts_tokens(counts,
			pass->mode == PASS_COLLECT && had ? before->tokens : NULL,
			claim->item.tokens);
}

static int take_response(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct claude_item before;

	claim->kind = ITEM_RESPONSE;
	if (claim->record->message_id.len > 0)
		claim->natural = claim->record->message_id;
	if (meet(pass, claim, err) < 0)
		return err->code;
	before = claim->item;
	count(pass, claim);
	if (claim->verdict == ITEM_OTHERS)
		return 0;
	if (is_writing(pass)) {
		if (claim->verdict == ITEM_OWN && !is_better(claim->record, &claim->item))
			return 0;
		if (claim->verdict != ITEM_OWN && take(pass, claim, err) < 0)
			return err->code;
		take_state(claim);
	}
	count_tokens(pass, claim, &before);
	return is_writing(pass) ? hold_response(pass, claim, err) : 0;
}

/* --- tools and errors --- */

/* A tool call, or a failed result: its own id, else its place in the record. */
static int take_tool(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct json_writer writer;
	bool taken;

	claim->natural = claim->tool->id;
	if (claim->natural.len == 0)
		claim->natural = arena_printf(&pass->round->scratch, "%.*s#%d",
			STR_ARG(claim->record->uuid), claim->tool->ordinal);
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	if (!taken)
		return 0;
	writer = begin_data(pass, claim);
	put_text(&writer, "tool", claim->tool->name);
	put_text(&writer, "file", claim->tool->file);
	if (claim->kind == ITEM_TOOL_ERROR)
		put_text(&writer, "tool_use_id", claim->tool->id);
	return show(pass, claim, &writer, err);
}

static int take_tools(
	struct claude_pass *pass, struct claim *claim, enum claude_item_kind kind, struct err *err)
{
	struct claude_tools tools = claude_tools(claim->record);

	claim->kind = kind;
	claim->tool = &tools;
	while (kind == ITEM_CALL ? claude_next_call(&tools) : claude_next_error(&tools))
		if (take_tool(pass, claim, err) < 0)
			return err->code;
	return 0;
}

static int take_api_error(struct claude_pass *pass, struct claim *claim, struct err *err)
{
	struct json_writer writer;
	bool taken;

	claim->kind = ITEM_API_ERROR;
	if (meet_once(pass, claim, &taken, err) < 0)
		return err->code;
	if (!taken)
		return 0;
	writer = begin_data(pass, claim);
	return show(pass, claim, &writer, err);
}

int claude_take_items(struct claude_pass *pass, struct claude_session *session,
	const struct claude_record *record, struct err *err)
{
	struct claim claim = { .session = session, .record = record, .natural = record->uuid };

	switch (record->kind) {
	case CLAUDE_PROMPT:
		return take_prompt(pass, &claim, err);
	case CLAUDE_USER:
		return take_tools(pass, &claim, ITEM_TOOL_ERROR, err);
	case CLAUDE_RESPONSE:
		if (take_response(pass, &claim, err) < 0)
			return err->code;
		return take_tools(pass, &claim, ITEM_CALL, err);
	case CLAUDE_API_ERROR:
		return take_api_error(pass, &claim, err);
	case CLAUDE_OTHER:
	case CLAUDE_UNKNOWN:
		break;
	}
	return 0;
}
