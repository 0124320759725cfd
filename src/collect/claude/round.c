/*
 * The memory of the Claude source. Memos: "s" and 16 hex digits is a session, "unsettled" the
 * sessions whose claims are to be weighed; items are claude_memory.c's. Nothing is written before a
 * commit: a file of a thousand lines corrects its session once, a response of five lines is given
 * once, and the store is locked only while a batch that is complete goes into it.
 */
#include "collect/claude/round.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "collect/agent.h"
#include "collect/project.h"
#include "model/id.h"

enum {
	SESSION_SLOTS = 1024,
	SESSIONS_KEPT = 4096,
	TOOLS_KEPT = 256,
	BATCH_ITEMS = 32768,
	BATCH_BYTES = 128 << 20, /* read */
	BATCH_MEMORY = 32 << 20, /* held */
};

#define SOURCE STR("claude")

/* A tool's name and class. */
struct claude_tool {
	struct str name, class;
	struct claude_tool *next;
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
	session->version_ns = INT64_MIN;
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

/* --- giving --- */

/* An id must be the same after a journey as UTF-8. */
static struct str build_id(
	struct claude_round *round, const char *type, int64_t at_ns, struct str discriminator)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;

	if (!utf8_valid(discriminator)) {
		utf8_add_clean(&clean, discriminator);
		discriminator = buf_str(&clean);
	}
	buf_clear(&round->id);
	id_build(&round->id, round->context->machine->id, SOURCE, str_from(type), at_ns,
		discriminator);
	round->discriminator_at = round->id.len - discriminator.len;
	return buf_str(&round->id);
}

static int emit(struct claude_round *round, struct event *event, struct str discriminator,
	const struct quarantine_entry *origin, struct err *err)
{
	enum intake_result result;
	struct event_id parts;

	event->source = SOURCE;
	event->id = build_id(round, event->type.ptr, event->start_ns, discriminator);
	parts = (struct event_id){ .machine =
					   str_sub(event->id, 0, round->context->machine->id.len),
		.source = event->source,
		.type = event->type };
	parts.discriminator = str_sub(event->id, round->discriminator_at, event->id.len);
	return intake_made(round->intake, event, &parts, origin, &result, err);
}

const char *claude_event_type(enum claude_item_kind kind)
{
	switch (kind) {
	case ITEM_PROMPT:
		return "user_message";
	case ITEM_RESPONSE:
		return "agent_response";
	case ITEM_CALL:
		return "agent_tool_use";
	case ITEM_TOOL_ERROR:
		return "agent_tool_error";
	case ITEM_API_ERROR:
		return "agent_error";
	case ITEM_DELEGATED:
		break;
	}
	return NULL;
}

static int give_item(void *context, const struct claude_item *item, struct err *err)
{
	struct claude_round *round = context;
	struct event event = {
		.type = str_from(claude_event_type(item->kind)),
		.start_ns = item->at_ns,
		.revision = item->revision,
		.data = item->data,
	};
	/* The line is gone: of an event that is refused its own form is kept. */
	struct quarantine_entry origin = {
		.source = SOURCE, .path = item->path, .offset = item->offset
	};

	return emit(round, &event, item->natural, &origin, err);
}

int claude_round_withdraw(
	struct claude_round *round, const struct claude_item *item, struct err *err)
{
	const char *type = claude_event_type(item->kind);

	return intake_withdraw(
		round->intake, build_id(round, type, item->at_ns, item->natural), err);
}

int claude_round_data(struct claude_round *round, const struct claude_item *item, struct str *out,
	struct err *err)
{
	const char *type = claude_event_type(item->kind);
	struct arena *arena = claude_memory_arena(round->memory);
	struct stored_event stored;
	int rc;

	*out = item->data;
	if (item->data.len > 0 || !item->stored || !type)
		return 0;
	rc = store_event_find(round->context->store,
		build_id(round, type, item->at_ns, item->natural), arena, &stored, err);
	if (rc == 0)
		*out = stored.event.data;
	return rc == ERR_NOT_FOUND ? 0 : rc; /* retention may have deleted it */
}

/* The event of SESSION, if it shows something new. */
static int show_session(struct claude_round *round, struct claude_session *session, struct err *err)
{
	CLEANUP(buf_release) struct buf discriminator = BUF_INIT;
	struct event event = { .type = STR("agent_session"), .start_ns = session->at_ns };
	struct quarantine_entry origin = { .source = SOURCE, .offset = -1 };
	uint64_t shown;

	if (!session->talks || session->at_ns == INT64_MIN)
		return 0;
	buf_clear(&round->text);
	claude_session_data(session, claude_round_place(round, session->cwd)->text, &round->text);
	shown = hash64(buf_str(&round->text), 0);
	if (session->revision > 0 && shown == session->shown)
		return 0;
	session->shown = shown;
	session->revision =
		session->records > session->revision ? session->records : session->revision + 1;
	buf_add(&discriminator, session->id);
	buf_addc(&discriminator, ":facts");
	event.revision = session->revision;
	event.data = buf_str(&round->text);
	if (session->path_count > 0)
		origin.path = session->paths[0];
	return emit(round, &event, buf_str(&discriminator), &origin, err);
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

bool claude_round_is_full(const struct claude_round *round)
{
	return claude_memory_items(round->memory) >= BATCH_ITEMS ||
	       claude_memory_bytes(round->memory) >= BATCH_MEMORY ||
	       round->batch_bytes >= BATCH_BYTES;
}

int claude_round_commit(struct claude_round *round, struct err *err)
{
	if (claude_memory_give(round->memory, give_item, round, err) < 0)
		return err->code;
	for (size_t i = 0; i < SESSION_SLOTS; i++)
		for (struct claude_session *at = round->slots[i]; at; at = at->next)
			if (at->changed && put_session(round, at, err) < 0)
				return err->code;
	if (claude_memory_put(round->memory, err) < 0 || put_unsettled(round, err) < 0 ||
		intake_commit(round->intake, err) < 0)
		return err->code;
	claude_memory_clear(round->memory);
	round->batch_bytes = 0;
	return 0;
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

/* --- directories and tools --- */

static struct claude_place *new_place(struct claude_round *round, struct str cwd)
{
	CLEANUP(arena_release) struct arena scratch = { 0 };
	struct arena *arena = &round->places_arena;
	struct claude_place *place = arena_zalloc(arena, 1, sizeof(*place));

	place->cwd = arena_str(arena, cwd);
	if (cwd.len > 0)
		place->project =
			arena_str(arena, project_find(&scratch, arena_cstr(&scratch, cwd)).name);
	place->excluded = collect_excluded(round->context, cwd);
	place->text = collect_text_of(round->context, "claude", cwd);
	return place;
}

const struct claude_place *claude_round_place(struct claude_round *round, struct str cwd)
{
	struct claude_place **link = &round->places, *place;

	while ((place = *link) && !str_eq(place->cwd, cwd))
		link = &place->next;
	if (place) /* to the front: the next record asks for it again */
		*link = place->next;
	else
		place = new_place(round, cwd);
	place->next = round->places;
	round->places = place;
	return place;
}

struct str claude_round_tool_class(struct claude_round *round, struct str tool)
{
	struct claude_tool *known = round->tools;
	size_t count = 0;

	for (; known && !str_eq(known->name, tool); known = known->next)
		count++;
	if (!known && count >= TOOLS_KEPT)
		return str_from(agent_tool_class(tool));
	if (!known) {
		known = arena_zalloc(&round->places_arena, 1, sizeof(*known));
		known->name = arena_str(&round->places_arena, tool);
		known->class = str_from(agent_tool_class(tool));
		known->next = round->tools;
		round->tools = known;
	}
	return known->class;
}

/* --- begin and end --- */

int claude_round_begin(
	struct claude_round *round, const struct collect_context *context, struct err *err)
{
	*round = (struct claude_round){ .context = context };
	round->slots = mem_zalloc(SESSION_SLOTS * sizeof(struct claude_session *));
	if (intake_begin_lazy(&round->intake, context->store, err) < 0 ||
		claude_memory_new(&round->memory, round->intake, SOURCE, err) < 0)
		return err->code;
	return load_unsettled(round, err);
}

void claude_round_release(struct claude_round *round)
{
	claude_memory_free(round->memory);
	intake_free(round->intake);
	arena_release(&round->sessions_arena);
	arena_release(&round->scratch);
	arena_release(&round->places_arena);
	json_parser_release(&round->parser);
	buf_release(&round->text);
	buf_release(&round->id);
	buf_release(&round->ending);
	buf_release(&round->ending_branch);
	free(round->slots);
	free(round->unsettled);
}
