/*
 * From items to events. Each reading of a session is held against its ledger: what is new or
 * changed is given to the intake, and a whole reading withdraws what it does not have any more.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/ledger.h"
#include "collect/project.h"
#include "model/id.h"
#include "model/limits.h"

enum {
	COMMIT_PENDING = 2000,
	PLACE_SLOTS = 256,
	LONGEST_KEY = 200,
	SUMMARY_BYTES = 200,
	TEXT_BYTES = 128 << 10, /* escaped as JSON still within LIMIT_EVENT_BYTES */
};

/* What is known of a directory; looked up once a round. */
struct place {
	struct str cwd;
	struct str project;
	bool excluded;
	enum collect_text text;
	struct place *next;
};

struct agent_round {
	const struct collect_context *context;
	struct str source;
	const char *source_name;
	struct intake *intake;
	struct arena places_arena;
	struct place *places[PLACE_SLOTS];
	struct ledger ledger; /* of the session put last */
	bool ledger_loaded;
	struct buf data, id, clean;
};

/* One put. */
struct putting {
	struct agent_round *round;
	struct agent_session *session;
	struct ledger *ledger;
	enum agent_mode mode;
	struct quarantine_entry origin;
	int64_t nearest_ns; /* for items without a time; INT64_MIN: none */
};

static const struct kind {
	const char *type;
	const char *counter; /* in the session's event; NULL: none */
} kinds[AGENT_KINDS] = {
	[AGENT_PROMPT] = { "user_message", "prompts" },
	[AGENT_RESPONSE] = { "agent_response", "responses" },
	[AGENT_TOOL_USE] = { "agent_tool_use", "tool_calls" },
	[AGENT_TOOL_ERROR] = { "agent_tool_error", "tool_errors" },
	[AGENT_ERROR] = { "agent_error", "api_errors" },
	[AGENT_USAGE] = { "agent_usage", NULL },
	[AGENT_FILE_READ] = { "agent_file_read", "file_reads" },
	[AGENT_FILE_EDIT] = { "agent_file_edit", "file_edits" },
};

static const char *const token_keys[AGENT_TOKENS] = {
	[AGENT_INPUT] = "input_tokens",
	[AGENT_OUTPUT] = "output_tokens",
	[AGENT_CACHE_READ] = "cache_read_tokens",
	[AGENT_CACHE_WRITE] = "cache_write_tokens",
	[AGENT_REASONING] = "reasoning_tokens",
};

/* --- directories --- */

static const struct place *place_of(struct agent_round *round, struct str cwd)
{
	struct place **slot = &round->places[hash64(cwd, 0) % PLACE_SLOTS];
	CLEANUP(arena_release) struct arena scratch = { 0 };
	struct place *place = *slot;

	while (place && !str_eq(place->cwd, cwd))
		place = place->next;
	if (place)
		return place;
	place = arena_zalloc(&round->places_arena, 1, sizeof(*place));
	place->cwd = arena_str(&round->places_arena, cwd);
	if (cwd.len > 0 && cwd.ptr[0] == '/')
		place->project = arena_str(&round->places_arena,
			project_find(&scratch, arena_cstr(&scratch, cwd)).name);
	place->excluded = collect_excluded(round->context, cwd);
	place->text = collect_text_of(round->context, round->source_name, cwd);
	place->next = *slot;
	return *slot = place;
}

static struct str cwd_of(const struct agent_session *session, const struct agent_item *item)
{
	return item && item->cwd.len > 0 ? item->cwd : session->cwd;
}

/* --- data --- */

static void put_str(struct json_writer *writer, const char *key, struct str value)
{
	if (value.len > 0)
		json_kv_str(writer, key, value);
}

static void put_mark(struct json_writer *writer, const char *key, bool value)
{
	if (value)
		json_kv_bool(writer, key, true);
}

static void put_time(struct json_writer *writer, const char *key, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	json_kv_str(writer, key, str_from(time_format(ns, 3, text)));
}

static void put_limited(
	struct json_writer *writer, const char *key, struct str text, enum collect_text how)
{
	struct str rest = text;

	if (how == TEXT_NONE || text.len == 0)
		return;
	if (how == TEXT_SUMMARY)
		text = utf8_cut(str_split(&rest, '\n'), SUMMARY_BYTES);
	json_kv_str(writer, key, utf8_cut(text, TEXT_BYTES));
}

static struct json_writer begin_data(struct putting *putting)
{
	const struct agent_session *session = putting->session;
	struct json_writer writer;

	buf_clear(&putting->round->data);
	writer = json_writer(&putting->round->data);
	json_begin_object(&writer);
	json_kv_str(&writer, "agent", session->agent);
	json_kv_str(&writer, "session_id", session->id);
	put_str(&writer, "parent_session_id", session->parent);
	return writer;
}

static void put_kind(struct json_writer *writer, const struct agent_item *item, struct str text,
	const struct place *place)
{
	switch (item->kind) {
	case AGENT_PROMPT:
		json_kv_i64(writer, "length",
			item->length >= 0 ? item->length : (int64_t)item->text.len);
		json_kv_bool(writer, "has_image", item->has_image);
		put_mark(writer, "queued", item->queued);
		put_mark(writer, "command", item->command);
		break;
	case AGENT_TOOL_USE:
		put_str(writer, "tool", item->tool);
		json_kv_str(writer, "tool_class", str_from(agent_tool_class(item->tool)));
		break;
	case AGENT_TOOL_ERROR:
		put_str(writer, "tool_use_id", item->call);
		put_str(writer, "tool", item->tool);
		break;
	case AGENT_ERROR:
		put_str(writer, "error", item->error);
		break;
	case AGENT_FILE_EDIT:
		if (item->edits > 0)
			json_kv_i64(writer, "edits", item->edits);
		break;
	default:
		break;
	}
	put_str(writer, "file", item->file);
	put_limited(writer, "text", text, place->text);
}

/* The project stands last and outside of the hash: it is looked up today, and a directory that is
 * gone tomorrow must not correct what was true. */
static uint64_t end_data(struct putting *putting, struct json_writer *writer, struct str project)
{
	uint64_t content = hash64(buf_str(&putting->round->data), 0);

	put_str(writer, "git_project", project);
	json_end_object(writer);
	return content;
}

static uint64_t item_data(
	struct putting *putting, const struct agent_item *item, int64_t at_ns, int flags)
{
	struct str cwd = cwd_of(putting->session, item);
	const struct place *place = place_of(putting->round, cwd);
	struct json_writer writer = begin_data(putting);

	put_kind(&writer, item, item->text, place);
	put_str(&writer, "model", item->model);
	put_str(&writer, "mode", item->mode);
	put_str(&writer, "turn", item->turn);
	for (int i = 0; i < AGENT_TOKENS; i++)
		if (item->tokens[i] >= 0)
			json_kv_i64(&writer, token_keys[i], item->tokens[i]);
	put_str(&writer, "cwd", cwd);
	put_str(&writer, "git_branch", putting->session->branch);
	put_mark(&writer, "approximate", item->approximate);
	put_mark(&writer, "cancelled", item->cancelled);
	put_mark(&writer, "withdrawn", item->withdrawn);
	put_mark(&writer, "estimated_time", (flags & LEDGER_ESTIMATED) != 0);
	put_mark(&writer, "implausible_time", !time_plausible(at_ns));
	return end_data(putting, &writer, place->project);
}

/* --- events --- */

static struct str build_id(
	struct agent_round *round, const char *type, int64_t at_ns, struct str discriminator)
{
	buf_clear(&round->id);
	id_build(&round->id, round->context->machine->id, round->source, str_from(type), at_ns,
		discriminator);
	return buf_str(&round->id);
}

/* An event to give; its data is in the round's buffer. */
struct given {
	const char *type;
	int64_t at_ns, duration_ns;
	struct str key;
	int64_t count; /* how often it was given, this time included: the first one is no revision
			*/
};

static int emit(struct putting *putting, const struct given *given, struct err *err)
{
	struct agent_round *round = putting->round;
	struct event event = {
		.id = build_id(round, given->type, given->at_ns, given->key),
		.source = round->source,
		.type = str_from(given->type),
		.start_ns = given->at_ns,
		.duration_ns = given->duration_ns,
		.revision = given->count - 1,
		.data = buf_str(&round->data),
	};
	enum intake_result result;

	return intake_event(round->intake, &event, &putting->origin, &result, err);
}

/* Keys are foreign: as part of an id they are valid UTF-8 of a bounded length. */
static struct str discriminator_of(struct agent_round *round, struct str key)
{
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_clear(&round->clean);
	if (key.len > LONGEST_KEY) {
		hash128(key, hash);
		hash_hex(hash, sizeof(hash), hex);
		buf_addc(&round->clean, hex);
	} else {
		utf8_add_clean(&round->clean, key);
	}
	return buf_str(&round->clean);
}

/* When ITEM was, and whether that is an estimate. False: nobody can say. */
static bool item_time(
	struct putting *putting, const struct agent_item *item, int64_t *at_ns, bool *estimated)
{
	*estimated = item->estimated || item->at_ns == AGENT_NO_TIME;
	*at_ns = item->at_ns != AGENT_NO_TIME ? item->at_ns : putting->nearest_ns;
	if (item->at_ns != AGENT_NO_TIME && !item->estimated)
		putting->nearest_ns = item->at_ns;
	if (*at_ns == INT64_MIN)
		return false;
	*at_ns = time_floor_ms(*at_ns); /* as ids have it */
	return true;
}

static int untimed(struct putting *putting, const struct agent_item *item)
{
	agent_session_bad(putting->session, putting->session->path, -1, "missing_timestamp",
		"nothing in the session tells when it was", item->key);
	return 0;
}

static int flags_of(const struct agent_item *item, int64_t at_ns, bool estimated)
{
	return (estimated ? LEDGER_ESTIMATED : 0) | (item->withdrawn ? LEDGER_WITHDRAWN : 0) |
	       (item->cancelled ? LEDGER_CANCELLED : 0) | (item->command ? LEDGER_COMMAND : 0) |
	       (time_plausible(at_ns) ? 0 : LEDGER_UNTIMED);
}

/* An event whose time became another one is another event. */
static int move_entry(
	struct putting *putting, struct ledger_entry *entry, int64_t at_ns, struct err *err)
{
	struct agent_round *round = putting->round;
	int rc = 0;

	if (entry->revision > 0 && !(entry->flags & LEDGER_GONE) && entry->at_ns != at_ns)
		rc = intake_withdraw(round->intake,
			build_id(round, kinds[entry->kind].type, entry->at_ns, entry->key), err);
	entry->at_ns = at_ns;
	return rc;
}

/* The event of ITEM, whose data is ready, as the next one of ENTRY. */
static int give_entry(struct putting *putting, struct ledger_entry *entry,
	const struct agent_item *item, struct err *err)
{
	const struct given given = { kinds[entry->kind].type, entry->at_ns, item->duration_ns,
		entry->key, ++entry->revision };

	memcpy(entry->tokens, item->tokens, sizeof(entry->tokens));
	ledger_touch(putting->ledger, entry);
	return emit(putting, &given, err);
}

static int give_item(struct putting *putting, const struct agent_item *item, struct err *err)
{
	struct agent_round *round = putting->round;
	struct str key = discriminator_of(round, item->key);
	struct ledger_entry *entry = ledger_find(putting->ledger, (int)item->kind, key);
	bool estimated;
	int64_t at_ns;
	uint64_t content;
	int flags;

	if (place_of(round, cwd_of(putting->session, item))->excluded) {
		if (entry)
			entry->met = true; /* from before it was excluded: it stays */
		return 0;
	}
	if (!item_time(putting, item, &at_ns, &estimated))
		return untimed(putting, item);
	if (entry && estimated && entry->revision > 0) {
		at_ns = entry->at_ns; /* as it was estimated first, or known before */
		estimated = (entry->flags & LEDGER_ESTIMATED) != 0;
	}
	flags = flags_of(item, at_ns, estimated);
	content = item_data(putting, item, at_ns, flags) + (uint64_t)item->duration_ns;
	if (!entry)
		entry = ledger_add(putting->ledger, (int)item->kind, key);
	entry->met = true;
	if (entry->revision > 0 && entry->at_ns == at_ns && entry->content == content &&
		!(entry->flags & LEDGER_GONE))
		return 0;
	if (move_entry(putting, entry, at_ns, err) < 0)
		return err->code;
	entry->content = content;
	entry->flags = flags;
	return give_entry(putting, entry, item, err);
}

static int give_bad(struct putting *putting, const struct agent_bad *bad, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct ledger_entry *entry;
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_addc(&text, bad->reason);
	buf_byte(&text, '\n');
	buf_add(&text, bad->bytes);
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	entry = ledger_find(putting->ledger, LEDGER_BAD, str_from(hex));
	if (entry && !(entry->flags & LEDGER_GONE)) {
		entry->met = true;
		return 0;
	}
	if (!entry)
		entry = ledger_add(putting->ledger, LEDGER_BAD, str_from(hex));
	entry->met = true;
	entry->flags = 0;
	ledger_touch(putting->ledger, entry);
	return agent_round_bad(putting->round, bad, err);
}

/* --- what a whole reading does not have any more --- */

/* The stored event, with the mark. */
static int mark_withdrawn(struct putting *putting, struct ledger_entry *entry, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct agent_round *round = putting->round;
	const char *type = kinds[entry->kind].type;
	struct stored_event stored;
	struct given given;
	struct str data;
	int rc = store_event_find(round->context->store,
		build_id(round, type, entry->at_ns, entry->key), &arena, &stored, err);

	entry->flags |= LEDGER_WITHDRAWN;
	entry->content = 0; /* whatever it says when it comes back is news */
	ledger_touch(putting->ledger, entry);
	if (rc == ERR_NOT_FOUND)
		return 0; /* deleted by retention */
	if (rc < 0)
		return rc;
	data = stored.event.data;
	buf_clear(&round->data);
	buf_add(&round->data, str_sub(data, 0, data.len - 1));
	buf_addc(&round->data, ",\"withdrawn\":true}");
	given = (struct given){ type, entry->at_ns, stored.event.duration_ns, entry->key,
		++entry->revision };
	return emit(putting, &given, err);
}

static int delete_entry(struct putting *putting, struct ledger_entry *entry, struct err *err)
{
	struct agent_round *round = putting->round;

	entry->flags |= LEDGER_GONE;
	entry->revision++; /* the tombstone's */
	ledger_touch(putting->ledger, entry);
	if (entry->kind == LEDGER_BAD)
		return 0;
	return intake_withdraw(round->intake,
		build_id(round, kinds[entry->kind].type, entry->at_ns, entry->key), err);
}

static int settle_missing(struct putting *putting, bool replace, struct err *err)
{
	struct ledger *ledger = putting->ledger;

	for (size_t i = 0; i < ledger->count; i++) {
		struct ledger_entry *entry = &ledger->entries[i];
		int rc = 0;

		if (entry->met || (entry->flags & LEDGER_GONE))
			continue;
		if (replace || entry->kind == LEDGER_BAD)
			rc = delete_entry(putting, entry, err);
		else if (!(entry->flags & LEDGER_WITHDRAWN))
			rc = mark_withdrawn(putting, entry, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- the session's own event --- */

struct counts {
	int64_t by_kind[AGENT_KINDS + 1];
	int64_t commands, cancelled, withdrawn;
	int64_t tokens[AGENT_TOKENS];
	int64_t started_ns, ended_ns;
	int64_t first_ns; /* the same as started_ns, what was withdrawn included */
};

static void add_tokens(struct counts *counts, const struct ledger_entry *entry)
{
	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (entry->tokens[i] < 0)
			continue;
		if (counts->tokens[i] < 0)
			counts->tokens[i] = 0;
		if (__builtin_add_overflow(counts->tokens[i], entry->tokens[i], &counts->tokens[i]))
			counts->tokens[i] = INT64_MAX;
	}
}

static struct counts count_entries(const struct ledger *ledger)
{
	struct counts counts = {
		.started_ns = INT64_MAX, .ended_ns = INT64_MIN, .first_ns = INT64_MAX
	};

	memset(counts.tokens, -1, sizeof(counts.tokens));
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_entry *entry = &ledger->entries[i];

		if (entry->flags & LEDGER_GONE)
			continue;
		if (entry->kind != LEDGER_BAD && !(entry->flags & LEDGER_UNTIMED) &&
			entry->at_ns < counts.first_ns)
			counts.first_ns = entry->at_ns;
		if (entry->flags & LEDGER_WITHDRAWN) {
			counts.withdrawn++;
			continue;
		}
		if (entry->flags & LEDGER_CANCELLED)
			counts.cancelled++;
		if (entry->flags & LEDGER_COMMAND)
			counts.commands++;
		else
			counts.by_kind[entry->kind]++;
		add_tokens(&counts, entry);
		if (entry->kind == LEDGER_BAD || (entry->flags & LEDGER_UNTIMED))
			continue;
		if (entry->at_ns < counts.started_ns)
			counts.started_ns = entry->at_ns;
		if (entry->at_ns > counts.ended_ns)
			counts.ended_ns = entry->at_ns;
	}
	return counts;
}

static void put_counts(
	struct json_writer *writer, const struct counts *counts, const struct ledger *ledger)
{
	for (int i = 0; i < AGENT_KINDS; i++)
		if (kinds[i].counter)
			json_kv_i64(writer, kinds[i].counter, counts->by_kind[i]);
	json_kv_i64(writer, "commands", counts->commands);
	json_kv_i64(writer, "cancelled", counts->cancelled);
	json_kv_i64(writer, "withdrawn", counts->withdrawn);
	json_kv_i64(writer, "malformed", counts->by_kind[LEDGER_BAD]);
	json_kv_i64(writer, "unknown_records", ledger->unknown);
	for (int i = 0; i < AGENT_TOKENS; i++) {
		if (counts->tokens[i] < 0)
			json_kv_null(writer, token_keys[i]);
		else
			json_kv_i64(writer, token_keys[i], counts->tokens[i]);
	}
}

static void put_span(
	struct json_writer *writer, const struct agent_session *session, struct counts counts)
{
	if (session->started_ns != INT64_MIN && session->started_ns < counts.started_ns)
		counts.started_ns = session->started_ns;
	if (session->ended_ns != INT64_MIN && session->ended_ns > counts.ended_ns)
		counts.ended_ns = session->ended_ns;
	if (counts.started_ns > counts.ended_ns)
		return;
	put_time(writer, "started_at", counts.started_ns);
	put_time(writer, "ended_at", counts.ended_ns);
}

static uint64_t session_data(struct putting *putting, const struct counts *counts)
{
	const struct agent_session *session = putting->session;
	const struct place *place = place_of(putting->round, session->cwd);
	struct json_writer writer = begin_data(putting);

	json_kv_str(&writer, "session_type",
		session->automatic        ? STR("agent")
		: session->parent.len > 0 ? STR("subagent")
					  : STR("user"));
	put_str(&writer, "agent_version", session->version);
	put_limited(&writer, "title", session->title, place->text);
	put_span(&writer, session, *counts);
	put_counts(&writer, counts, putting->ledger);
	put_str(&writer, "cwd", session->cwd);
	put_str(&writer, "git_branch", session->branch);
	if (place->project.len > 0 && !str_eq(place->project, putting->ledger->project))
		putting->ledger->project = arena_str(&putting->ledger->arena, place->project);
	return end_data(putting, &writer, putting->ledger->project);
}

/* A session that began is a sign of work, whatever came of it. */
static void count_start(struct counts *counts, int64_t started_ns)
{
	if (started_ns < counts->started_ns)
		counts->started_ns = started_ns;
	if (started_ns < counts->first_ns)
		counts->first_ns = started_ns;
	if (started_ns > counts->ended_ns)
		counts->ended_ns = started_ns;
}

/* A session's event stands at its first item, in whatever order they became known. */
static int move_session(struct putting *putting, struct str key, int64_t first_ns, struct err *err)
{
	struct ledger *ledger = putting->ledger;
	int64_t old_ns = ledger->at_ns;

	if (first_ns >= time_floor_ms(INT64_MAX) || first_ns == old_ns)
		return 0; /* nothing but bad lines and impossible times */
	ledger->at_ns = first_ns;
	ledger->shown = 0;
	ledger->head_dirty = true;
	if (ledger->revision == 0)
		return 0;
	return intake_withdraw(putting->round->intake,
		build_id(putting->round, "agent_session", old_ns, key), err);
}

static int give_session(struct putting *putting, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	struct counts counts = count_entries(putting->ledger);
	struct ledger *ledger = putting->ledger;
	struct given given;
	uint64_t shown;

	if (putting->session->even_empty)
		count_start(&counts, putting->session->started_ns);
	shown = session_data(putting, &counts);
	buf_add(&key, putting->session->id);
	buf_addc(&key, ":facts");
	if (move_session(putting, buf_str(&key), time_floor_ms(counts.first_ns), err) < 0)
		return err->code;
	if (ledger->at_ns == INT64_MIN || (ledger->revision > 0 && ledger->shown == shown))
		return 0;
	ledger->revision++;
	ledger->shown = shown;
	ledger->head_dirty = true;
	given = (struct given){ "agent_session", ledger->at_ns, 0, buf_str(&key),
		ledger->revision };
	return emit(putting, &given, err);
}

/* --- putting --- */

/* Session ids are foreign too: they name memos and stand in ids. */
static void clean_session(struct agent_round *round, struct agent_session *session)
{
	session->id = arena_str(session->arena, discriminator_of(round, session->id));
	for (size_t i = 0; i < session->id.len; i++) {
		if ((unsigned char)session->id.ptr[i] >= 0x20)
			continue;
		session->id = arena_printf(
			session->arena, "x%016llx", (unsigned long long)hash64(session->id, 0));
		return;
	}
}

static int use_ledger(struct agent_round *round, struct str session, struct err *err)
{
	if (!round->ledger_loaded || !str_eq(round->ledger.session, session)) {
		ledger_release(&round->ledger);
		round->ledger_loaded = false;
		if (ledger_load(&round->ledger, round->intake, round->source, session, err) < 0)
			return err->code;
		round->ledger_loaded = true;
	}
	for (size_t i = 0; i < round->ledger.count; i++)
		round->ledger.entries[i].met = false;
	return 0;
}

/* For items before the first one that has a time. */
static int64_t first_time(const struct agent_session *session)
{
	for (size_t i = 0; i < session->count; i++)
		if (session->items[i].at_ns != AGENT_NO_TIME && !session->items[i].estimated)
			return session->items[i].at_ns;
	return session->fallback_ns;
}

static int put_all(struct putting *putting, struct err *err)
{
	struct agent_session *session = putting->session;
	struct ledger *ledger = putting->ledger;
	bool replace = ledger->count > 0 && ledger->strength < session->strength;

	if (ledger->strength != session->strength || session->from_start ||
		putting->mode == AGENT_WHOLE) {
		ledger->head_dirty |= ledger->strength != session->strength;
		ledger->strength = session->strength;
		ledger->unknown = 0;
	}
	ledger->unknown += session->unknown;
	for (size_t i = 0; i < session->count; i++)
		if (give_item(putting, &session->items[i], err) < 0)
			return err->code;
	for (size_t i = 0; i < session->bad_count; i++)
		if (give_bad(putting, &session->bad[i], err) < 0)
			return err->code;
	if ((replace || putting->mode == AGENT_WHOLE) && settle_missing(putting, replace, err) < 0)
		return err->code;
	if (give_session(putting, err) < 0)
		return err->code;
	return ledger_save(ledger, putting->round->intake, putting->round->source, err);
}

int agent_round_put(struct agent_round *round, struct agent_session *session, enum agent_mode mode,
	struct err *err)
{
	struct putting putting = {
		.round = round,
		.session = session,
		.ledger = &round->ledger,
		.mode = mode,
		.origin = { .source = round->source, .path = session->path, .offset = -1 },
		.nearest_ns = first_time(session),
	};

	bool empty = session->count == 0 && session->bad_count == 0 && !session->even_empty;

	ASSERT(session->id.len > 0);
	if ((empty && mode == AGENT_WHOLE) || place_of(round, session->cwd)->excluded)
		return 0;
	clean_session(round, session);
	if (use_ledger(round, session->id, err) < 0)
		return err->code;
	if (round->ledger.strength > session->strength || (empty && round->ledger.count == 0))
		return 0;
	if (put_all(&putting, err) < 0) {
		round->ledger_loaded = false; /* the batch is void, and so is what it noted */
		return err->code;
	}
	return 0;
}

int agent_round_bad(struct agent_round *round, const struct agent_bad *bad, struct err *err)
{
	struct quarantine_entry entry = {
		.source = round->source,
		.path = bad->path,
		.offset = bad->offset,
		.reason = str_from(bad->reason),
		.detail = bad->detail,
		.bytes = bad->bytes,
		.bytes_total = bad->bytes_total,
	};

	return intake_quarantine(round->intake, &entry, err);
}

/* --- rounds --- */

int agent_round_begin(struct agent_round **out, const struct collect_context *context,
	const char *source, struct err *err)
{
	struct agent_round *round = mem_zalloc(sizeof(*round));

	round->context = context;
	round->source_name = source;
	round->source = str_from(source);
	if (intake_begin_lazy(&round->intake, context->store, err) < 0) {
		free(round);
		return err->code;
	}
	*out = round;
	return 0;
}

struct intake *agent_round_intake(struct agent_round *round)
{
	return round->intake;
}

int agent_round_relax(struct agent_round *round, struct err *err)
{
	return intake_pending(round->intake) < COMMIT_PENDING ? 0
							      : intake_commit(round->intake, err);
}

int agent_round_end(struct agent_round *round, struct source_counts *counts, struct err *err)
{
	int rc = intake_commit(round->intake, err);

	if (rc == 0)
		source_count(counts, intake_counts(round->intake));
	return rc;
}

void agent_round_free(struct agent_round *round)
{
	if (!round)
		return;
	intake_free(round->intake);
	ledger_release(&round->ledger);
	arena_release(&round->places_arena);
	buf_release(&round->data);
	buf_release(&round->id);
	buf_release(&round->clean);
	free(round);
}

void agent_round_freep(struct agent_round **round)
{
	agent_round_free(*round);
}
