/*
 * From items to events. Each reading of a session is held against its ledger: what is new or
 * changed is given to the intake, and a whole reading withdraws what it does not have any more.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/agent_event.h"
#include "model/id.h"
#include "model/limits.h"

enum { COMMIT_PENDING = 2000, LONGEST_KEY = 200 };

struct agent_round {
	const struct collect_context *context;
	struct str source;
	struct intake *intake;
	struct agent_data data;
	struct ledger ledger; /* of the session put last */
	bool ledger_loaded;
	struct buf id, clean;
};

/* One put. */
struct putting {
	struct agent_round *round;
	struct agent_session *session;
	struct ledger *ledger;
	enum agent_mode mode;
	struct quarantine_entry origin;
	int64_t nearest_ns; /* for items without a time; INT64_MIN: none */
	struct like *likes; /* AGENT_WHOLE: how many bad lines were alike; open addressing */
	size_t likes_room;  /* a power of two, more than there are bad lines */
};

struct like {
	uint64_t key;
	size_t count; /* 0: free */
};

/* --- events --- */

static struct str build_id(
	struct agent_round *round, const char *type, int64_t at_ns, struct str discriminator)
{
	buf_clear(&round->id);
	id_build(&round->id, round->context->machine->id, round->source, str_from(type), at_ns,
		discriminator);
	return buf_str(&round->id);
}

/* An event to give; its data is the round's. */
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
		.data = buf_str(&round->data.text),
	};
	enum intake_result result;

	return intake_event(round->intake, &event, &putting->origin, &result, err);
}

/* Keys are foreign: as part of an id they are valid UTF-8 of a bounded length, without zeros. */
static struct str discriminator_of(struct agent_round *round, struct str key)
{
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_clear(&round->clean);
	if (key.len > LONGEST_KEY || (key.len > 0 && memchr(key.ptr, '\0', key.len))) {
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
			build_id(round, agent_event_type((enum agent_kind)entry->kind),
				entry->at_ns, entry->key),
			err);
	entry->at_ns = at_ns;
	return rc;
}

/* The event of ITEM, whose data is ready, as the next one of ENTRY. */
static int give_entry(struct putting *putting, struct ledger_entry *entry,
	const struct agent_item *item, struct err *err)
{
	const struct given given = { agent_event_type((enum agent_kind)entry->kind), entry->at_ns,
		item->duration_ns, entry->key, ++entry->revision };

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

	if (agent_data_place(&round->data, agent_item_cwd(putting->session, item))->excluded) {
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
	content = agent_item_data(&round->data, putting->session, item, at_ns, flags) +
		  (uint64_t)item->duration_ns;
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

/*
 * What tells one bad line of a session from another: what it is, and which of its like. In a log
 * that grows that is its offset; a document may have been written anew, so there it is a number
 * among them.
 */
static struct str bad_key(struct putting *putting, const struct agent_bad *bad, struct buf *out)
{
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];
	uint64_t key;
	size_t at;

	buf_addc(out, bad->reason);
	buf_byte(out, '\n');
	buf_add(out, bad->bytes);
	hash128(buf_str(out), hash);
	hash_hex(hash, sizeof(hash), hex);
	buf_clear(out);
	buf_addc(out, hex);
	if (putting->mode == AGENT_APPEND) {
		buf_printf(out, "@%lld", (long long)bad->offset);
		return buf_str(out);
	}
	key = hash64(str_from(hex), 0);
	at = (size_t)key & (putting->likes_room - 1);
	while (putting->likes[at].count > 0 && putting->likes[at].key != key)
		at = (at + 1) & (putting->likes_room - 1);
	putting->likes[at].key = key;
	if (putting->likes[at].count++ > 0)
		buf_printf(out, "#%zu", putting->likes[at].count);
	return buf_str(out);
}

static int give_bad(struct putting *putting, const struct agent_bad *bad, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str key = bad_key(putting, bad, &text);
	struct ledger_entry *entry = ledger_find(putting->ledger, LEDGER_BAD, key);

	if (entry && !(entry->flags & LEDGER_GONE)) {
		entry->met = true;
		return 0;
	}
	if (!entry)
		entry = ledger_add(putting->ledger, LEDGER_BAD, key);
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
	const char *type = agent_event_type((enum agent_kind)entry->kind);
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
	buf_clear(&round->data.text);
	buf_add(&round->data.text, str_sub(data, 0, data.len - 1));
	buf_addc(&round->data.text, ",\"withdrawn\":true}");
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
		build_id(round, agent_event_type((enum agent_kind)entry->kind), entry->at_ns,
			entry->key),
		err);
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

static void session_key(const struct agent_session *session, struct buf *out)
{
	buf_add(out, session->id);
	buf_addc(out, ":facts");
}

/* A session's event stands at its first item, in whatever order they became known. */
static int move_session(struct putting *putting, struct str key, int64_t first_ns, struct err *err)
{
	struct ledger *ledger = putting->ledger;
	int64_t old_ns = ledger->at_ns;

	if (first_ns == INT64_MAX)
		return 0; /* nothing but bad lines */
	first_ns = time_floor_ms(first_ns);
	if (first_ns == old_ns)
		return 0;
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
	struct agent_counts counts = agent_count(putting->ledger);
	struct ledger *ledger = putting->ledger;
	struct given given;
	uint64_t shown;

	if (putting->session->even_empty)
		agent_count_start(&counts, putting->session->started_ns);
	shown = agent_session_data(&putting->round->data, putting->session, &counts, ledger);
	session_key(putting->session, &key);
	if (move_session(putting, buf_str(&key), agent_count_first(&counts), err) < 0)
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
	for (putting->likes_room = 2; putting->likes_room <= session->bad_count;)
		putting->likes_room *= 2;
	putting->likes = arena_zalloc(session->arena, putting->likes_room, sizeof(struct like));
	for (size_t i = 0; i < session->bad_count; i++)
		if (give_bad(putting, &session->bad[i], err) < 0)
			return err->code;
	if ((replace || putting->mode == AGENT_WHOLE) && settle_missing(putting, replace, err) < 0)
		return err->code;
	if (give_session(putting, err) < 0)
		return err->code;
	return ledger_save(ledger, putting->round->intake, putting->round->source, err);
}

/* Does the session's event, as it is stored, tell of no workspace? False also when there is none.
 */
static bool is_unplaced(struct putting *putting, struct str key)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct agent_round *round = putting->round;
	struct json_parser parser = { 0 };
	const struct json *data;
	struct stored_event stored;
	struct err ignored;
	bool unplaced;

	if (putting->ledger->at_ns == INT64_MIN ||
		store_event_find(round->context->store,
			build_id(round, "agent_session", putting->ledger->at_ns, key), &arena,
			&stored, &ignored) < 0)
		return false;
	unplaced = json_parse(&parser, stored.event.data, true, &data, &ignored) == 0 &&
		   !json_get(data, "cwd");
	json_parser_release(&parser);
	return unplaced;
}

/*
 * Its workspace is excluded. What was collected before there was such a rule stays; but what was
 * collected while nothing told the workspace should never have been.
 */
static int take_back(struct putting *putting, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	struct ledger *ledger = putting->ledger;

	session_key(putting->session, &key);
	if (!is_unplaced(putting, buf_str(&key)))
		return 0;
	if (settle_missing(putting, true, err) < 0 ||
		intake_withdraw(putting->round->intake,
			build_id(putting->round, "agent_session", ledger->at_ns, buf_str(&key)),
			err) < 0)
		return err->code;
	ledger->revision++; /* the tombstone's */
	ledger->shown = 0;
	ledger->head_dirty = true;
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
	bool excluded = agent_data_place(&round->data, session->cwd)->excluded;

	ASSERT(session->id.len > 0);
	if (empty && mode == AGENT_WHOLE)
		return 0;
	clean_session(round, session);
	if (use_ledger(round, session->id, err) < 0)
		return err->code;
	if (round->ledger.strength > session->strength || (empty && round->ledger.count == 0))
		return 0;
	if ((excluded ? take_back(&putting, err) : put_all(&putting, err)) < 0) {
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
	round->source = str_from(source);
	round->data.context = context;
	round->data.source = source;
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
	agent_data_release(&round->data);
	buf_release(&round->id);
	buf_release(&round->clean);
	free(round);
}

void agent_round_freep(struct agent_round **round)
{
	agent_round_free(*round);
}
