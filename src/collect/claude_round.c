/*
 * The memory of the Claude source. Memos: "s" and 16 hex digits is a session, "unsettled" the
 * sessions whose claims are to be weighed, and the kind's letter with 32 hex digits (a hash of the
 * natural key) an item: "owner at revision flags tokens…", numbers in text. A session's memo and
 * event are put only at a commit, so that a file of a thousand lines corrects them once.
 */
#include "collect/claude_round.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/project.h"
#include "model/id.h"
#include "model/limits.h"

enum {
	SESSION_SLOTS = 1024,
	SESSIONS_KEPT = 4096,
	ITEM_BYTES = 256,
	FLAG_SHARED = 1,
	FLAG_SIDECHAIN = 2,
	FLAG_STOPPED = 4,
};

#define SOURCE STR("claude")

struct claude_place {
	struct str cwd;
	struct str project;
	struct claude_place *next;
};

/* --- what is unsettled --- */

void claude_round_unsettle(struct claude_round *round, uint64_t key)
{
	for (size_t i = 0; i < round->unsettled_count; i++)
		if (round->unsettled[i] == key)
			return;
	if (round->unsettled_count == round->unsettled_capacity) {
		round->unsettled_capacity = round->unsettled_capacity * 2 + 16;
		round->unsettled = mem_resize(
			round->unsettled, round->unsettled_capacity, sizeof(*round->unsettled));
	}
	round->unsettled[round->unsettled_count++] = key;
	round->unsettled_changed = true;
}

static int load_unsettled(struct claude_round *round, struct err *err)
{
	struct str rest;
	bool found;

	if (intake_memo_get(round->intake, SOURCE, STR("unsettled"), &round->scratch, &rest, &found,
		    err) < 0)
		return err->code;
	while (found && rest.len > 0) {
		uint64_t key;

		if (str_to_u64(str_split(&rest, ' '), &key))
			claude_round_unsettle(round, key);
	}
	round->unsettled_changed = false;
	return 0;
}

static int put_unsettled(struct claude_round *round, struct err *err)
{
	if (!round->unsettled_changed)
		return 0;
	buf_clear(&round->text);
	for (size_t i = 0; i < round->unsettled_count; i++)
		buf_printf(&round->text, "%s%" PRIu64, i > 0 ? " " : "", round->unsettled[i]);
	round->unsettled_changed = false;
	return intake_memo_put(round->intake, SOURCE, STR("unsettled"), buf_str(&round->text), err);
}

/* --- sessions --- */

static void session_memo_key(uint64_t key, char text[static 18])
{
	snprintf(text, 18, "s%016" PRIx64, key);
}

static struct claude_session *find_session(const struct claude_round *round, uint64_t key)
{
	struct claude_session *session = round->slots[key % SESSION_SLOTS];

	while (session && session->key != key)
		session = session->next;
	return session;
}

static struct claude_session *new_session(struct claude_round *round, uint64_t key)
{
	struct claude_session *session = arena_zalloc(&round->sessions_arena, 1, sizeof(*session));

	session->key = key;
	session->at_ns = INT64_MIN;
	session->unshared_ns = INT64_MAX;
	session->counts = claude_counts_none();
	return session;
}

static void keep_session(struct claude_round *round, struct claude_session *session)
{
	struct claude_session **slot = &round->slots[session->key % SESSION_SLOTS];

	session->next = *slot;
	*slot = session;
	round->session_count++;
}

int claude_round_session_of_key(
	struct claude_round *round, uint64_t key, struct claude_session **out, struct err *err)
{
	struct claude_session *session;
	char name[18];
	struct str text;
	bool found;

	*out = find_session(round, key);
	if (*out)
		return 0;
	session_memo_key(key, name);
	if (intake_memo_get(
		    round->intake, SOURCE, str_from(name), &round->scratch, &text, &found, err) < 0)
		return err->code;
	if (!found)
		return 0;
	session = new_session(round, key);
	if (claude_session_read(session, text, &round->parser, &round->sessions_arena, err) < 0)
		return err->code;
	keep_session(round, session);
	*out = session;
	return 0;
}

int claude_round_session(
	struct claude_round *round, struct str id, struct claude_session **out, struct err *err)
{
	uint64_t key = claude_session_key(id);

	if (claude_round_session_of_key(round, key, out, err) < 0)
		return err->code;
	if (!*out) {
		*out = new_session(round, key);
		(*out)->id = arena_str(&round->sessions_arena, id);
		(*out)->changed = true;
		keep_session(round, *out);
	}
	return 0;
}

/* The event of SESSION, if it shows something new. */
static int show_session(struct claude_round *round, struct claude_session *session, struct err *err)
{
	CLEANUP(buf_release) struct buf discriminator = BUF_INIT;
	struct claude_event event = { .type = "agent_session", .at_ns = session->at_ns };
	struct quarantine_entry origin = { .source = SOURCE, .offset = -1 };
	uint64_t shown;

	if (!session->talks || session->at_ns == INT64_MIN)
		return 0;
	buf_clear(&round->text);
	claude_session_data(session,
		collect_text_of(round->context, "claude", session->cwd) != TEXT_NONE, &round->text);
	shown = hash64(buf_str(&round->text), 0);
	if (session->revision > 0 && shown == session->shown)
		return 0;
	session->shown = shown;
	session->revision =
		session->records > session->revision ? session->records : session->revision + 1;
	buf_add(&discriminator, session->id);
	buf_addc(&discriminator, ":facts");
	event.discriminator = buf_str(&discriminator);
	event.revision = session->revision;
	event.data = buf_str(&round->text);
	if (session->path_count > 0)
		origin.path = session->paths[0];
	return claude_round_emit(round, &event, &origin, err);
}

static int put_session(struct claude_round *round, struct claude_session *session, struct err *err)
{
	char name[18];

	if (show_session(round, session, err) < 0)
		return err->code;
	buf_clear(&round->text);
	claude_session_write(session, &round->text);
	session_memo_key(session->key, name);
	session->changed = false;
	return intake_memo_put(round->intake, SOURCE, str_from(name), buf_str(&round->text), err);
}

int claude_round_commit(struct claude_round *round, struct err *err)
{
	for (size_t i = 0; i < SESSION_SLOTS; i++)
		for (struct claude_session *at = round->slots[i]; at; at = at->next)
			if (at->changed && put_session(round, at, err) < 0)
				return err->code;
	if (put_unsettled(round, err) < 0)
		return err->code;
	round->batch_bytes = 0;
	return intake_commit(round->intake, err);
}

int claude_round_relax(struct claude_round *round, struct err *err)
{
	if (round->session_count <= SESSIONS_KEPT)
		return 0;
	if (claude_round_commit(round, err) < 0)
		return err->code;
	memset(round->slots, 0, SESSION_SLOTS * sizeof(struct claude_session *));
	round->session_count = 0;
	arena_reset(&round->sessions_arena);
	return 0;
}

/* --- items --- */

static bool read_item(struct str text, struct claude_item *item)
{
	int64_t flags = 0;
	bool good = str_to_u64(str_split(&text, ' '), &item->owner) &&
		    str_to_i64(str_split(&text, ' '), &item->at_ns) &&
		    str_to_i64(str_split(&text, ' '), &item->revision) &&
		    str_to_i64(str_split(&text, ' '), &flags);

	item->shared = (flags & FLAG_SHARED) != 0;
	item->sidechain = (flags & FLAG_SIDECHAIN) != 0;
	item->stopped = (flags & FLAG_STOPPED) != 0;
	for (int i = 0; i < CLAUDE_TOKENS; i++)
		if (!text.ptr || !str_to_i64(str_split(&text, ' '), &item->tokens[i]))
			item->tokens[i] = -1;
	return good;
}

int claude_round_item(struct claude_round *round, enum claude_item_kind kind, struct str natural,
	struct claude_item *item, bool *found, struct err *err)
{
	uint8_t hash[16];
	struct str text;

	*item = (struct claude_item){ .tokens = { -1, -1, -1, -1 } };
	hash128(natural, hash);
	item->key[0] = (char)kind;
	hash_hex(hash, sizeof(hash), item->key + 1);
	if (intake_memo_get(round->intake, SOURCE, str_from(item->key), &round->scratch, &text,
		    found, err) < 0)
		return err->code;
	if (*found && !read_item(text, item))
		return err_set(err, ERR_CORRUPT, "the memory of a Claude record is damaged");
	return 0;
}

int claude_round_put_item(
	struct claude_round *round, const struct claude_item *item, struct err *err)
{
	char text[ITEM_BYTES];
	int flags = (item->shared ? FLAG_SHARED : 0) | (item->sidechain ? FLAG_SIDECHAIN : 0) |
		    (item->stopped ? FLAG_STOPPED : 0);
	int len = snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64 " %" PRId64 " %d",
		item->owner, item->at_ns, item->revision, flags);

	if (item->key[0] == ITEM_RESPONSE)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			" %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, item->tokens[0],
			item->tokens[1], item->tokens[2], item->tokens[3]);
	return intake_memo_put(
		round->intake, SOURCE, str_from(item->key), (struct str){ text, (size_t)len }, err);
}

/* --- projects and events --- */

struct str claude_round_project(struct claude_round *round, struct str cwd)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct claude_place **link = &round->places, *place;

	if (cwd.len == 0)
		return cwd;
	while ((place = *link) && !str_eq(place->cwd, cwd))
		link = &place->next;
	if (place) { /* to the front: the next record asks for it again */
		*link = place->next;
	} else {
		struct str name = project_find(&arena, arena_cstr(&arena, cwd)).name;

		place = mem_alloc(sizeof(*place) + cwd.len + name.len);
		memcpy((char *)(place + 1), cwd.ptr, cwd.len);
		place->cwd = (struct str){ (char *)(place + 1), cwd.len };
		if (name.len > 0)
			memcpy((char *)(place + 1) + cwd.len, name.ptr, name.len);
		place->project = (struct str){ (char *)(place + 1) + cwd.len, name.len };
	}
	place->next = round->places;
	round->places = place;
	return place->project;
}

/* An id must be the same after a journey as UTF-8. */
static struct str build_id(
	struct claude_round *round, const char *type, int64_t at_ns, struct str discriminator)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;

	buf_clear(&round->id);
	utf8_add_clean(&clean, discriminator);
	id_build(&round->id, round->context->machine->id, SOURCE, str_from(type), at_ns,
		buf_str(&clean));
	return buf_str(&round->id);
}

int claude_round_emit(struct claude_round *round, const struct claude_event *event,
	const struct quarantine_entry *origin, struct err *err)
{
	struct event out = {
		.id = build_id(round, event->type, event->at_ns, event->discriminator),
		.source = SOURCE,
		.type = str_from(event->type),
		.start_ns = event->at_ns,
		.revision = event->revision,
		.data = event->data,
	};
	enum intake_result result;

	return intake_event(round->intake, &out, origin, &result, err);
}

int claude_round_withdraw(struct claude_round *round, const char *type, int64_t at_ns,
	struct str discriminator, struct err *err)
{
	return intake_withdraw(round->intake, build_id(round, type, at_ns, discriminator), err);
}

/* --- begin and end --- */

int claude_round_begin(
	struct claude_round *round, const struct collect_context *context, struct err *err)
{
	*round = (struct claude_round){ .context = context };
	round->slots = mem_zalloc(SESSION_SLOTS * sizeof(struct claude_session *));
	if (intake_begin_lazy(&round->intake, context->store, err) < 0)
		return err->code;
	return load_unsettled(round, err);
}

void claude_round_release(struct claude_round *round)
{
	while (round->places) {
		struct claude_place *place = round->places;

		round->places = place->next;
		free(place);
	}
	intake_free(round->intake);
	arena_release(&round->sessions_arena);
	arena_release(&round->scratch);
	json_parser_release(&round->parser);
	buf_release(&round->text);
	buf_release(&round->id);
	free(round->slots);
	free(round->unsettled);
}
