/*
 * Edits of streams by people. Whatever they touch becomes a record first, within the same
 * transaction.
 *
 * A split anchors the new stream at the first event from which inference can carry it on. What
 * inference cannot move (events of a session that began before, events that somebody assigned) is
 * assigned instead.
 */
#include "attention/edit.h"

#include "attention/confirm.h"
#include "attention/stream_set.h"
#include "base/clock.h"
#include "base/uuid.h"

/* --- records --- */

int confirm_stream(struct store *store, const struct stream *stream, struct arena *arena,
	struct stream_record *out, struct err *err)
{
	bool found;

	if (records_stream_find(store, stream->id, arena, out, &found, err) < 0)
		return err->code;
	if (found && out->merged_into.len > 0)
		return err_set(err, ERR_USAGE, "stream '%.*s' has been merged into another",
			STR_ARG(stream->name));
	if (found)
		return 0;
	*out = (struct stream_record){
		.stream_id = stream->id,
		.anchor_id = stream->anchor_id,
		.created_ns = clock_now_ns(),
		.updated_ns = clock_now_ns(),
	};
	return records_stream_put(store, out, err);
}

int confirm_new(struct store *store, struct str name, struct str anchor_id, char id[static 37],
	struct err *err)
{
	struct stream_record record = {
		.stream_id = { id, UUID_BYTES },
		.name = name,
		.anchor_id = anchor_id,
		.created_ns = clock_now_ns(),
		.updated_ns = clock_now_ns(),
	};

	if (record_check_name(name, err) < 0)
		return err->code;
	uuid_v4(id);
	return records_stream_put(store, &record, err);
}

int confirm_end(struct store *store, int rc, struct err *err)
{
	if (rc == 0)
		return records_commit(store, err);
	records_rollback(store);
	return rc;
}

/* --- small edits --- */

int edit_create(struct store *store, struct str name, char id[static 37], struct err *err)
{
	return confirm_new(store, name, (struct str){ 0 }, id, err);
}

static int rename_stream(
	struct store *store, const struct stream *stream, struct str name, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct stream_record record;

	if (record_check_name(name, err) < 0 ||
		confirm_stream(store, stream, &arena, &record, err) < 0)
		return err->code;
	record.name = name;
	record.updated_ns = clock_now_ns();
	return records_stream_put(store, &record, err);
}

int edit_rename(struct store *store, const struct stream *stream, struct str name, struct err *err)
{
	if (records_begin(store, err) < 0)
		return err->code;
	return confirm_end(store, rename_stream(store, stream, name, err), err);
}

static int tag_stream(struct store *store, const struct stream *stream, struct str tag,
	bool *changed, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct stream_record record;

	if (record_check_tag(tag, err) < 0 ||
		confirm_stream(store, stream, &arena, &record, err) < 0)
		return err->code;
	return records_tag(store, stream->id, tag, true, changed, err);
}

int edit_tag(struct store *store, const struct stream *stream, struct str tag, bool on,
	bool *changed, struct err *err)
{
	/* A stream without record has no tags of its own to take away. */
	if (!on)
		return records_tag(store, stream->id, tag, false, changed, err);
	if (records_begin(store, err) < 0)
		return err->code;
	return confirm_end(store, tag_stream(store, stream, tag, changed, err), err);
}

static int merge_streams(
	struct store *store, const struct stream *from, const struct stream *into, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct stream_record source, target;

	if (confirm_stream(store, from, &arena, &source, err) < 0 ||
		confirm_stream(store, into, &arena, &target, err) < 0)
		return err->code;
	source.merged_into = into->id;
	source.updated_ns = clock_now_ns();
	if (records_stream_put(store, &source, err) < 0)
		return err->code;
	return records_tags_copy(store, from->id, into->id, err);
}

int edit_merge(
	struct store *store, const struct stream *from, const struct stream *into, struct err *err)
{
	if (str_eq(from->id, into->id))
		return err_set(err, ERR_USAGE, "stream '%.*s' cannot be merged into itself",
			STR_ARG(from->name));
	if (records_begin(store, err) < 0)
		return err->code;
	return confirm_end(store, merge_streams(store, from, into, err), err);
}

/* --- splitting --- */

struct split {
	struct store *store;
	struct str stream_id;
	int64_t at_ns;
	int64_t end_ns; /* behind the last event of the stream */
	struct arena arena;
	struct map moving; /* ids of the events from at_ns on */
	struct str anchor_id;
};

typedef int split_visit(struct split *split, const struct stream_set *set,
	const struct stored_event *event, const struct site *site, struct err *err);

static int for_each_event(
	struct split *split, const struct stream_set *set, split_visit *visit, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	CLEANUP(site_cache_release) struct site_cache sites = { 0 };
	struct event_filter filter = { .from_ns = split->at_ns, .to_ns = split->end_ns };
	struct stored_event event;
	int rc;

	if (event_scan_open(&scan, split->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &event, err)) == 1)
		if (visit(split, set, &event, site_get(&sites, event.data_no, event.event.data),
			    err) < 0)
			return err->code;
	return rc;
}

static bool session_began_after(const struct split *split, const struct stream_set *set,
	const struct stored_event *event, const struct site *site)
{
	int64_t at = set_session_find(set, event->machine_id, site->session_id);

	return at != MAP_NONE && set->sessions[set->sessions[at].group].first.ns >= split->at_ns;
}

static int note_moving(struct split *split, const struct stream_set *set,
	const struct stored_event *event, const struct site *site, struct err *err)
{
	int32_t stream = set_place(set, event, site);
	struct map_key key;

	(void)err;
	if (stream == STREAM_NONE || !str_eq(set->streams[stream].id, split->stream_id))
		return 0;
	key = (struct map_key){ .a = arena_str(&split->arena, event->event.id) };
	map_put(&split->moving, &key, (int64_t)split->moving.count);
	if (split->anchor_id.len == 0 && set_assigned(set, event, site).by == BY_NOBODY &&
		(site->session_id.len == 0 || session_began_after(split, set, event, site)))
		split->anchor_id = key.a;
	return 0;
}

/* SPLIT's stream is the new one now. */
static int move_rest(struct split *split, const struct stream_set *set,
	const struct stored_event *event, const struct site *site, struct err *err)
{
	struct map_key key = { .a = event->event.id };
	int32_t stream = set_place(set, event, site);
	bool changed;

	if (map_get(&split->moving, &key) == MAP_NONE ||
		(stream != STREAM_NONE && str_eq(set->streams[stream].id, split->stream_id)))
		return 0;
	if (map_get(&set->event_index, &key) == MAP_NONE && site->session_id.len > 0 &&
		session_began_after(split, set, event, site))
		return records_assign_session(split->store,
			&(struct session_assignment){
				event->machine_id, site->session_id, split->stream_id, BY_PERSON },
			&changed, err);
	return records_assign_event(split->store,
		&(struct event_assignment){
			event->event.id, event->event.start_ns, split->stream_id, BY_PERSON },
		&changed, err);
}

static int not_split(const struct split *split, const struct stream *stream, struct err *err)
{
	char text[TIME_TEXT_BYTES];

	return err_set(err, ERR_USAGE,
		"%s does not split stream '%.*s': it needs events before and after",
		time_format_exact(split->at_ns, text), STR_ARG(stream->name));
}

static int find_moving(struct split *split, const struct stream *stream, struct err *err)
{
	CLEANUP(stream_set_freep) struct stream_set *set = NULL;
	const struct stream *now;
	int32_t index;

	if (stream_set_load(&set, split->store, NULL, 0, 0, err) < 0 ||
		stream_set_find(set, stream->id, &index, err) < 0)
		return err->code;
	now = stream_set_get(set, index);
	if (now->events == 0 || now->first_ns >= split->at_ns || now->last_ns < split->at_ns)
		return not_split(split, stream, err);
	split->end_ns = now->last_ns + 1;
	return for_each_event(split, set, note_moving, err);
}

static int split_stream(struct split *split, const struct stream *stream, struct str name,
	char id[static 37], struct err *err)
{
	CLEANUP(stream_set_freep) struct stream_set *set = NULL;
	struct stream_record record;

	if (find_moving(split, stream, err) < 0 ||
		confirm_stream(split->store, stream, &split->arena, &record, err) < 0 ||
		confirm_new(split->store, name, split->anchor_id, id, err) < 0 ||
		stream_set_load(&set, split->store, NULL, 0, 0, err) < 0)
		return err->code;
	split->stream_id = (struct str){ id, UUID_BYTES };
	return for_each_event(split, set, move_rest, err);
}

int edit_split(struct store *store, const struct stream *stream, int64_t at_ns, struct str name,
	char id[static 37], struct err *err)
{
	struct split split = { .store = store, .stream_id = stream->id, .at_ns = at_ns };
	int rc;

	if (streams_refresh(store, err) < 0 || records_begin(store, err) < 0)
		return err->code;
	rc = confirm_end(store, split_stream(&split, stream, name, id, err), err);
	map_release(&split.moving);
	arena_release(&split.arena);
	return rc;
}
